"""Gives rows a new owner: the native sync's flow action "Change Owner in Microsoft", for any number of persons.

Sources: Adobe, "Change Owner in Microsoft"; Microsoft Learn, "Assign a record to a user or team" (an update of
``ownerid``), "User and team tables" (an access team owns nothing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from ..connectors import Problem, Write, WriteKind
from ..entities import BoundEntity, Ref
from ..entities.codecs import BooleanCodec, ChoiceCodec, LookupCodec
from ..errors import ConfigurationError
from ..state import Link
from .actions import Errand, act, refuse
from .apply import Applier
from .services import Services
from .tables import Columns, bind_columns, open_table

#: A user or a team: its row id, or a reference that also says which of the two it is.
OwnerLike = str | Ref[object]

#: Column of the owner, as every user-owned table has it.
OWNER: Final[Columns] = {"owner": ("ownerid", LookupCodec())}
_ACCESS_TEAM: Final = 1
#: Entity set and what says that an owner can't be one, by table; in the order in which a bare id is looked for.
_OWNERS: Final[Mapping[str, tuple[str, Columns]]] = {
    "systemuser": ("systemusers", {"disabled": ("isdisabled", BooleanCodec())}),
    "team": ("teams", {"kind": ("teamtype", ChoiceCodec())}),
}


def checked_owner(given: OwnerLike) -> Ref[object]:
    """Return an owner as a reference; its table is ``""`` where only the id is known.

    Raises:
        ConfigurationError: It is no row id, or a row of a table that owns nothing.
    """
    ref = given if isinstance(given, Ref) else Ref[object]("", given)
    if ref.table and ref.table not in _OWNERS:
        raise ConfigurationError(f"owner: a row of {ref.table!r} can't own anything; give a user's or a team's")
    try:
        return Ref(ref.table, str(UUID(str(ref.id).strip())))
    except ValueError:
        raise ConfigurationError("owner: give the row id (a GUID) of a user or a team") from None


def find_owner(services: Services, owner: Ref[object]) -> Ref[object] | Problem:
    """Return the owner with its table, or why nothing can be given to it.

    It is looked up before anything is written: a person must not be made in Dynamics for an owner who isn't there, and
    Dynamics itself takes a bare id for neither a user nor a team.
    """
    for table, (entity_set, columns) in _OWNERS.items():
        if owner.table not in ("", table):
            continue
        bound = open_table(services.dynamics, table, entity_set, columns)
        for row in services.dynamics.fetch(bound, [owner.id]):
            if row.values.get("disabled") is True:
                return Problem("owner-disabled", "the user is disabled in Dynamics", "ownerid")
            if row.values.get("kind") == _ACCESS_TEAM:
                return Problem("owner-access-team", "an access team can't own rows; give an owner team", "ownerid")
            return Ref(table, row.id)
    kind = {"systemuser": "user", "team": "team"}.get(owner.table, "user or team")
    return Problem("owner-missing", f"Dynamics has no {kind} with this id, or the sync user may not see it", "ownerid")


def assign(applier: Applier, entity: BoundEntity, ids: Sequence[str], owner: Ref[object]) -> None:
    """Give the rows of persons a new owner; persons that aren't in Dynamics are made there first.

    Args:
        applier: Carries it out, and knows both sides and the report.
        entity: What to make new rows as.
        ids: Person ids.
        owner: The owner.
    """
    found = find_owner(applier.services, owner)
    if isinstance(found, Problem):
        for person in dict.fromkeys(ids):
            refuse(applier.report, entity.name, person, None, found)
        return
    act(applier, ids, entity, lambda links: assignments(applier.services, links, found))


def assignments(services: Services, links: Mapping[str, Link], owner: Ref[object]) -> list[Errand]:
    """Return what gives the rows of persons a new owner.

    The writes carry no guard: an owner is set as a whole, so the last one who sets it wins, whatever else was edited in
    the row meanwhile stays, and repeating it changes nothing.
    """
    tables: dict[str, BoundEntity] = {}
    errands = []
    for person, link in links.items():
        if link.entity not in tables:
            entity = services.entities[link.entity]
            tables[link.entity] = bind_columns(entity.definition, entity.dynamics, OWNER)
        write = Write(tables[link.entity], WriteKind.UPDATE, link.dynamics_id, {"owner": owner})
        errands.append(Errand(link.entity, person, write))
    return errands
