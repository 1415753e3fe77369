"""The table behind a many-to-many relationship: read as any other, written only by associating rows.

Source: Microsoft Learn, "TeamMembership table/entity reference" (``teammemberships`` with ``teamid`` and
``systemuserid``, both ids and no lookups; no time of creation or change) and "Associate and disassociate table rows
using the Web API". Whether change tracking is on for it is not documented: off here, the poorer case.
"""

from __future__ import annotations

import uuid
from typing import Final

from .environment import Environment
from .errors import Fault
from .metadata import Column, Table
from .relationships import MEMBERSHIP, ManyToMany

_NAMESPACE: Final = uuid.UUID("7c0a2f4e-4d44-4d79-9c3a-53594e430005")


def membership_table() -> Table:
    """Return the table of users in teams."""
    name = MEMBERSHIP.intersect
    ids = (f"{name}id", f"{MEMBERSHIP.first}id", f"{MEMBERSHIP.second}id")
    columns = {column: Column(column, "Uniqueidentifier", "SystemRequired", read_only=True) for column in ids}
    columns["versionnumber"] = Column("versionnumber", "BigInt", read_only=True)
    return Table(name, f"{name}s", ids[0], columns, tracked=False, guarded=False, intersect=True)


def associate(environment: Environment, relationship: ManyToMany, pair: tuple[str, str]) -> None:
    """Associate two rows; the table between them has a row for it from then on."""
    storage = environment.storage
    table = environment.tables.get(relationship.intersect)
    with storage.transaction():
        if pair not in storage.linked(relationship.name):
            storage.link(relationship.name, *pair)
            if table is not None:
                row_id = _pair_id(relationship, pair)
                ids = dict(zip((f"{relationship.first}id", f"{relationship.second}id"), pair, strict=True))
                storage.put(table.name, row_id, {table.primary_id: row_id, **ids})


def disassociate(environment: Environment, relationship: ManyToMany, pair: tuple[str, str]) -> None:
    """Disassociate two rows; the row between them goes."""
    storage = environment.storage
    with storage.transaction():
        if storage.unlink(relationship.name, *pair) and relationship.intersect in environment.tables:
            storage.remove(relationship.intersect, _pair_id(relationship, pair), environment.clock.now())


def leave_all(environment: Environment, table: str, row_id: str) -> None:
    """Disassociate a row that is to be deleted from all others."""
    for relationship in environment.relationships.crossing:
        for pair in environment.storage.linked(relationship.name):
            if (relationship.first == table and pair[0] == row_id) or (
                relationship.second == table and pair[1] == row_id
            ):
                disassociate(environment, relationship, pair)


def _pair_id(relationship: ManyToMany, pair: tuple[str, str]) -> str:
    return str(uuid.uuid5(_NAMESPACE, " ".join((relationship.name, *pair))))


def refuse_write(table: Table, verb: str) -> None:
    """Refuse to write a row of such a table.

    Raises:
        Fault: It is one. The code for messages that a table doesn't have isn't documented for it; the platform's usual
            one is given.
    """
    if table.intersect:
        raise Fault(400, "0x80040800", f"The '{verb}' method does not support entities of type '{table.name}'.")
