"""Opportunity roles: which person takes part in which opportunity.

A role has no row of its own in Dynamics. It comes from a stakeholder, which is a connection from an opportunity to a
contact, or from the contact that an opportunity names as its customer or on its form.

Sources: Adobe, "Microsoft Dynamics Sync: Opportunity Sync", and the knowledge base article "Opportunity Attribution for
Dynamics Integrations"; REST names: Adobe developer documentation, "Opportunity Roles"; tables: Microsoft Learn,
"Connection table/entity reference" and "Connection Role table/entity reference".
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from .codecs import Codec
from .codecs.linked import LinkedNameCodec, LinkedPersonCodec
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import opportunity_role, person
from .opportunities import Opportunity
from .values import Ref

#: Category of connection roles that make a connection a stakeholder (Microsoft Learn, ConnectionRole, "Category").
STAKEHOLDER: Final = 1000


@entity(name="opportunity_role", marketo=opportunity_role(), dynamics="connections", direction=Direction.TO_MARKETO)
class OpportunityRole(Entity):
    """Who takes part in an opportunity. Dynamics always wins. Needs ``Contact`` and ``Opportunity`` beside it."""

    opportunity: Ref[Opportunity] | None = mapped(marketo="externalOpportunityId", dynamics="record1id")
    """The opportunity."""
    person: str | None = mapped(marketo="leadId", dynamics="record2id", codec=LinkedPersonCodec())
    """Marketo id of the person that the contact is linked with."""
    role: str | None = mapped(marketo="role", dynamics="record2roleid", codec=LinkedNameCodec())
    """Name of the stakeholder's role; ``Customer`` or ``Contact`` for one that the opportunity itself names."""
    created_on: datetime | None = mapped(marketo="externalCreatedDate", dynamics="createdon", optional=True)
    """When the connection was made, or the opportunity."""


@entity(name="connection_role", marketo=person(), dynamics="connectionroles", direction=Direction.TO_MARKETO)
class ConnectionRole(Entity):
    """What a connection role is called, and whether it is one of stakeholders. Only read."""

    name: str | None = mapped(dynamics="name", read_only=True)
    """Its name."""
    category: int | None = mapped(dynamics="category", read_only=True, codec=Codec())
    """Its category, by number: labels are in the reader's language."""
