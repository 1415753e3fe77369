"""Rows whose person was deleted in Marketo: a row that nobody edited since is not made a person of again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..entities import BoundEntity, Record
from ..state import StateStore

#: Fact that there has ever been one: most stores need not be asked for each new row.
_ANY: Final = "personless"


def tombstone(entity: str, row_id: str, version: str | None) -> dict[str, str | None]:
    """Return the facts that remember in which version a row was when its person was found deleted.

    Where the version isn't known there is nothing to compare with: such a row counts as edited.
    """
    return {} if version is None else {_name(entity, row_id): version, _ANY: "yes"}


def personless(store: StateStore, entity: BoundEntity, rows: Iterable[Record]) -> tuple[set[str], set[str]]:
    """Return rows whose person was deleted in Marketo: those as they were then, and those that were edited since."""
    same, edited = set[str](), set[str]()
    for row in rows if store.fact(_ANY) is not None else ():
        version = store.fact(_name(entity.name, row.id))
        if version is not None:
            (same if version == row.version else edited).add(row.id)
    return same, edited


def lifted(entity: str, row_id: str) -> dict[str, str | None]:
    """Return the facts that forget a row's tombstone."""
    return {_name(entity, row_id): None}


def _name(entity: str, row_id: str) -> str:
    return f"personless:{entity}:{row_id}"
