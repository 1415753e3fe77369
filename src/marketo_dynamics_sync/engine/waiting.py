"""Rows that a cycle must treat with care, because something of them waits."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..entities import Side
from ..state import Rejected, StateStore

#: Reasons of parked rows that wait for a human whatever changes.
FINAL: Final = frozenset({"merged-in-marketo", "two-persons"})
#: Why a link, or a role, waits for another record.
MISSING_PARENT: Final = "missing-parent"


def met_again(entity: str, row: str, code: str, words: str, now: datetime, operation: str = "") -> Rejected:
    """Return the entry that brings a row up in the next cycle, though nobody touches it."""
    return Rejected(entity, Side.MARKETO.value, row, code, words, None, 1, now, now, operation)


def waiting_rows(store: StateStore) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return rows that wait for a human, and linked rows of which a field is held, by entity."""
    waiting: dict[str, set[str]] = {}
    held: dict[str, set[str]] = {}
    for parked in store.parked():
        if parked.side == Side.DYNAMICS.value and parked.field:
            held.setdefault(parked.entity, set()).add(parked.id)
        elif parked.side == Side.DYNAMICS.value and parked.reason in FINAL:
            waiting.setdefault(parked.entity, set()).add(parked.id)
    return waiting, held
