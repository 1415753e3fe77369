"""Records that wait, for another try or for a human: listed with what a person needs to know, and taken off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from attrs import evolve, frozen

from ..entities import Side
from ..state import Commit, JournalEntry, Link, Parked, Rejected, StateStore

#: Records looked up at once.
_AT_ONCE: Final = 500


@frozen
class WaitingRecord:
    """A record, or one field of it, that waits.

    Attributes:
        kind: ``"rejected"``: a service refused it, and it is tried again; ``"parked"``: it waits for a human.
        entity: Name of the entity.
        side: The service that refused it, or that it can't be brought to.
        operation: What was tried there: ``"create"``, ``"update"`` or ``"delete"``; empty where nothing was.
        marketo_id: Id in Marketo, where one is known.
        dynamics_id: Row id in Dynamics, where one is known.
        field: The field, or ``""`` for the whole record.
        code: The service's code, or the reason it is parked.
        message: The service's words, or more about the reason, without values.
        attempts: How often it was tried.
        since: When it began to wait (UTC).
        next_try: When it is tried again unless it changes before (UTC); ``None`` for what waits for a human.
    """

    kind: str
    entity: str
    side: Side
    operation: str
    marketo_id: str | None
    dynamics_id: str | None
    field: str
    code: str
    message: str
    attempts: int
    since: datetime
    next_try: datetime | None

    @property
    def direction(self) -> str:
        """Where it was to go: ``"to Marketo"`` or ``"to Dynamics"``."""
        return f"to {self.side.value.title()}"

    @property
    def source(self) -> str:
        """Id of the record at the side where its values come from."""
        return str(self.dynamics_id if self.side is Side.MARKETO else self.marketo_id)

    def __str__(self) -> str:
        column = f" {self.field}" if self.field else ""
        what = f"{self.operation} {self.direction}" if self.operation else self.direction
        ids = f"{self.marketo_id or '-'} / {self.dynamics_id or '-'}"
        return f"{self.entity} {ids}{column}: {what}: {self.kind}: {self.code} {self.message}".rstrip()


def waiting_records(store: StateStore, entity: str | None, kind: str | None) -> Iterator[WaitingRecord]:
    """Yield what waits: rejected records by their next try, then parked ones, oldest first.

    Args:
        store: The state store.
        entity: Only of this entity.
        kind: Only ``"rejected"`` or only ``"parked"``.
    """
    if kind in (None, "rejected"):
        yield from _with_ids(store, (_rejected(item) for item in store.rejected(entity)))
    if kind in (None, "parked"):
        yield from _with_ids(store, (_parked(item) for item in store.parked(entity)))


def _rejected(item: Rejected) -> WaitingRecord:
    side = Side(item.side)
    return WaitingRecord(
        "rejected",
        item.entity,
        side,
        item.operation,
        item.id if side is Side.DYNAMICS else None,
        item.id if side is Side.MARKETO else None,
        item.field or "",
        item.code,
        item.message,
        item.attempts,
        item.first_at,
        item.next_at,
    )


def _parked(item: Parked) -> WaitingRecord:
    own = Side(item.side)
    words = [item.detail.get("reason"), *(item.detail.get(name) for name in ("candidates", "rivals"))]
    told = "; ".join(", ".join(map(str, word)) if isinstance(word, list) else str(word) for word in words if word)
    return WaitingRecord(
        "parked",
        item.entity,
        own.other,
        "",
        item.id if own is Side.MARKETO else None,
        item.id if own is Side.DYNAMICS else None,
        item.field,
        item.reason,
        told,
        0,
        item.since,
        None,
    )


def _with_ids(store: StateStore, records: Iterator[WaitingRecord]) -> Iterator[WaitingRecord]:
    """Yield records with the ids of both sides, where they are linked."""
    while some := list(islice(records, _AT_ONCE)):
        for record, link in zip(some, _links(store, some), strict=True):
            if link is None:
                yield record
            else:
                yield evolve(record, marketo_id=link.marketo_id, dynamics_id=link.dynamics_id)


def _links(store: StateStore, records: Sequence[WaitingRecord]) -> list[Link | None]:
    found: dict[tuple[str, Side, str], Link] = {}
    for entity in {record.entity for record in records}:
        rows = [r.source for r in records if r.entity == entity and r.side is Side.MARKETO]
        persons = [r.source for r in records if r.entity == entity and r.side is Side.DYNAMICS]
        by_row = store.links_by_dynamics(entity, rows)
        by_person = store.links_by_marketo(persons, entities=(entity,)) if persons else {}
        found |= {(entity, Side.MARKETO, row): link for row, link in by_row.items()}
        found |= {(entity, Side.DYNAMICS, person): link for person, link in by_person.items()}
    return [found.get((record.entity, record.side, record.source)) for record in records]


def dismiss_records(store: StateStore, records: Iterable[WaitingRecord], now: datetime) -> int:
    """Take records off the list, and return how many were on it.

    The two sides stay as they are. When a record is met again it is decided anew, from both sides: what was refused or
    held before may wait again then.
    """
    wanted = list(dict.fromkeys((r.entity, r.kind, r.side, r.source, r.field) for r in records))
    done = 0
    rejected = {(item.entity, item.side, item.id) for item in store.rejected()}
    parked = {(item.entity, item.side, item.id, item.field) for item in store.parked()}
    for entity, kind, side, source, name in wanted:
        own = side.other
        if kind == "rejected" and (entity, side.value, source) in rejected:
            commit = Commit(unreject=[(entity, side.value, source)])
        elif kind == "parked" and (entity, own.value, source, name) in parked:
            commit = Commit(unpark=[(entity, own.value, source, name)])
        else:
            continue
        link = _link(store, entity, own, source)
        person = link.marketo_id if link is not None else source if own is Side.MARKETO else None
        row = link.dynamics_id if link is not None else source if own is Side.DYNAMICS else None
        entry = JournalEntry(now, entity, "dismissed", person, row, name or None, {"kind": kind})
        # Without its digest the link has both sides read when one is met: what waited is not overwritten unseen.
        links = [evolve(link, fingerprint="")] if link is not None else []
        store.commit(evolve(commit, put_links=links, journal=[entry]))
        done += 1
    return done


def _link(store: StateStore, entity: str, side: Side, record: str) -> Link | None:
    if side is Side.DYNAMICS:
        return store.links_by_dynamics(entity, [record]).get(record)
    return store.links_by_marketo([record], entities=(entity,)).get(record)
