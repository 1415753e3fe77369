"""The Team: a Dynamics team that can own rows, and the Marketo sales person made of it.

Marketo has no teams: whoever owns a record there is a sales person. Kinds of teams: Microsoft Learn, "Team table/entity
reference" and "Use access teams and owner teams to collaborate and share information"; an access team owns nothing.
"""

from __future__ import annotations

from typing import Final

from .codecs import Choice, Email, Guid
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import sales_person
from .record import Record

#: ``teamtype`` of a team that rows are shared with, and that can't own any.
ACCESS: Final = 1


def can_own(row: Record) -> bool:
    """Return whether a team can own rows: an owner team, or a team of a security or Microsoft 365 group."""
    return row.values.get("kind") != ACCESS


@entity(name="team", marketo=sales_person(), dynamics="teams", direction=Direction.TO_MARKETO, keep=can_own)
class Team(Entity):
    """A Dynamics team that can own rows, and its Marketo sales person. Dynamics always wins.

    Give it to the engine beside :class:`User`: what a team owns has a sales person then. Without it the owner of such a
    record stays empty in Marketo, as in the native sync. Access teams are left out; a filter for ``team`` takes the
    place of that rule.
    """

    team_id: Guid | None = mapped(marketo="externalSalesPersonId", dynamics="teamid", key=True)
    """Row id of the team, by which Marketo tells sales persons apart."""
    name: str | None = mapped(marketo="lastName", dynamics="name", optional=True)
    """Name of the team, where sales persons have their last name."""
    email: Email | None = mapped(marketo="email", dynamics="emailaddress", optional=True)
    """E-mail address of the team."""
    kind: Choice | None = mapped(dynamics="teamtype", direction=Direction.TO_MARKETO, read_only=True, optional=True)
    """Kind of the team: 0 owner, 1 access, 2 security group, 3 Microsoft 365 group. Looked at, never written."""
