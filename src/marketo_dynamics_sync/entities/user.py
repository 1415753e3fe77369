"""The User: a Dynamics user and the Marketo sales person made of it.

Source of the fields: Adobe developer documentation, "Sales Persons".
"""

from __future__ import annotations

from .codecs import Email, Guid
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import sales_person


@entity(name="user", marketo=sales_person(), dynamics="systemusers", direction=Direction.TO_MARKETO)
class User(Entity):
    """A Dynamics user and its Marketo sales person. Dynamics always wins. A user without an e-mail address waits."""

    user_id: Guid | None = mapped(marketo="externalSalesPersonId", dynamics="systemuserid", key=True)
    """Row id of the user, by which Marketo tells sales persons apart."""
    email: Email | None = mapped(marketo="email", dynamics="internalemailaddress", optional=True)
    """E-mail address."""
    first_name: str | None = mapped(marketo="firstName", dynamics="firstname", optional=True)
    """First name."""
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname", optional=True)
    """Last name."""
