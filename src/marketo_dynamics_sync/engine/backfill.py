"""Brings chosen fields of many records into agreement now, through the same merge: what the native sync calls Quick
Sync and Advanced Sync (Adobe, "Use Quick Sync with Microsoft Dynamics for a New Custom Field")."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, Protocol, TypeAlias, runtime_checkable

from attrs import define, field, frozen

from ..entities import BoundEntity, Record, Side
from ..errors import ConfigurationError
from ..state import Link, Parked, Rejected
from .chosen import AT_ONCE
from .conversions import is_another
from .filters import passes
from .links import known_of
from .objects import resolved, waiting_for_parents
from .refill import Refill
from .report import SyncReport
from .roles import is_role
from .services import Services
from .waiting import FINAL
from .work import Work

#: From a moment on, and up to another one, which is outside; ``None`` is open. Both know their time zone.
Period: TypeAlias = tuple[datetime | None, datetime | None]

_WORDS: Final = "give (from, to), each a time-zone aware datetime or None"


@runtime_checkable
class RangeReader(Protocol):
    """A connector that finds rows by the date they were made or changed."""

    def rows_between(
        self, entity: BoundEntity, *, created: Period | None = None, modified: Period | None = None
    ) -> Iterator[Sequence[Record]]:
        """Yield the rows that were made, or last changed, in a period, page by page to the end."""
        ...


@frozen
class Fill:
    """What is to be back-filled.

    Attributes:
        entity: Name of the entity.
        fields: Names of the fields; ``None`` for all.
        created: Only rows that were made in this period.
        modified: Only rows that were last changed in this period.
        nulls: Carry empty values too.
        winner: The side whose value is taken where the two differ; ``None`` merges as a cycle does.
    """

    entity: str
    fields: frozenset[str] | None = None
    created: Period | None = None
    modified: Period | None = None
    nulls: bool = True
    winner: Side | None = None


def checked_fill(
    entity: str,
    fields: Iterable[str] | None,
    created: Period | None,
    modified: Period | None,
    *,
    nulls: bool,
    winner: Side | None,
) -> Fill:
    """Return what a host asked for.

    Raises:
        ConfigurationError: ``fields`` is a text or empty, both periods are given, or one is none.
    """
    if isinstance(fields, str) or (fields is not None and not (fields := list(fields))):
        raise ConfigurationError("fields: give a list of field names, or None for all fields")
    if created is not None and modified is not None:
        raise ConfigurationError("created, modified: give one of them")
    for name, period in (("created", created), ("modified", modified)):
        if period is not None:
            _check_period(name, period)
    if winner is not None and not isinstance(winner, Side):
        raise ConfigurationError("winner: give Side.DYNAMICS or Side.MARKETO, or None for the usual merge")
    return Fill(entity, None if fields is None else frozenset(fields), created, modified, nulls, winner)


def _check_period(name: str, period: Period) -> None:
    if not isinstance(period, tuple) or len(period) != 2:
        raise ConfigurationError(f"{name}: {_WORDS}")
    for end in period:
        if end is not None and (not isinstance(end, datetime) or end.tzinfo is None):
            raise ConfigurationError(f"{name}: {_WORDS}")
    start, end = period
    if start is not None and end is not None and start >= end:
        raise ConfigurationError(f"{name}: the period ends before it begins")


@define
class Backfill:
    """Derives the works of a back-fill, some records at a time.

    Attributes:
        services: Both sides and the store.
        fill: What is to be back-filled.
        report: Where counts go.
        keep_going: Asked before each read; raises to end the back-fill.
    """

    services: Services
    fill: Fill
    report: SyncReport
    keep_going: Callable[[], None]
    entity: BoundEntity = field(init=False)
    names: frozenset[str] = field(init=False)
    _waiting: frozenset[str] = field(init=False)
    _whole: frozenset[tuple[str, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.entity = self._known_entity()
        self.names = self._known_fields()
        parked, rejected = self.services.store.parked(self.entity.name), self.services.store.rejected(self.entity.name)
        self._note_waiting(parked, rejected)

    def works(self) -> Iterator[list[Work]]:
        """Yield works for some records at a time.

        Raises:
            ConfigurationError: Rows are to be found by date, and the connector or the table can't.
        """
        for rows in self._rows():
            works = self._some(rows)
            if works:
                yield works

    def _known_entity(self) -> BoundEntity:
        entity = self.services.entities.get(self.fill.entity)
        if entity is None:
            known = ", ".join(map(repr, self.services.entities))
            raise ConfigurationError(f"entity: this engine doesn't sync {self.fill.entity!r}; it syncs {known}")
        if is_role(entity.definition):
            raise ConfigurationError(
                f"entity: {entity.name} can't be back-filled: roles are worked out for each opportunity as a whole. "
                "Name their opportunities to sync_records()"
            )
        return entity

    def _known_fields(self) -> frozenset[str]:
        if self.fill.fields is None:
            return frozenset(self.entity.fields)
        unknown = sorted(self.fill.fields - self.entity.fields.keys())
        if unknown:
            left = {gap.field: gap.reason for gap in self.entity.left_out}
            words = ", ".join(f"{name!r} ({left[name]})" if name in left else repr(name) for name in unknown)
            raise ConfigurationError(f"fields: {self.entity.name} syncs no {words}")
        return self.fill.fields

    def _note_waiting(self, parked: Iterable[Parked], rejected: Iterable[Rejected]) -> None:
        """Note rows that nobody may touch, and records of which something waits: these are always merged whole."""
        waiting, whole = set(), set()
        for item in parked:
            if item.reason in FINAL and not item.field:
                waiting.add(item.id)
            whole.add((item.side, item.id))
        # Of a rejected record the id is that of the other side's.
        whole |= {(Side(item.side).other.value, item.id) for item in rejected}
        self._waiting, self._whole = frozenset(waiting), frozenset(whole)

    def _rows(self) -> Iterator[Sequence[Record]]:
        if self.fill.created is None and self.fill.modified is None:
            links = self.services.store.links(self.entity.name)
            while some := list(islice(links, AT_ONCE)):
                self.keep_going()
                yield self.services.dynamics.fetch(self.entity, [link.dynamics_id for link in some])
            return
        reader = self.services.dynamics
        if not isinstance(reader, RangeReader):
            raise ConfigurationError(
                f"{type(reader).__name__} can't find rows by date: leave created and modified out, and all linked rows "
                "are looked at; or name the rows to sync_records()"
            )
        self.keep_going()
        for page in reader.rows_between(self.entity, created=self.fill.created, modified=self.fill.modified):
            for start in range(0, len(page), AT_ONCE):
                self.keep_going()
                yield page[start : start + AT_ONCE]

    def _some(self, page: Sequence[Record]) -> list[Work]:
        services, entity = self.services, self.entity
        links = services.store.links_by_dynamics(entity.name, [row.id for row in page])
        kept = {
            row.id: row
            for row in page
            if row.id in links
            and row.id not in self._waiting
            # What was merged or qualified is the next cycle's: it moves the link first.
            and not is_another(services, entity, row)
            and passes(services.settings.filters, entity, row)
        }
        self.report.count(entity.name, "read", "left to the next cycle", len(page) - len(kept))
        if not kept:
            return []
        found = services.marketo.fetch(entity, [links[row_id].marketo_id for row_id in kept])
        persons = {person.id: person for person in found}
        rows, waits = resolved(services, entity, kept)
        works = []
        for row_id, row in rows.items():
            person = persons.get(links[row_id].marketo_id)
            if person is None:
                self.report.count(entity.name, "read", "not found")
                continue
            work, names = self._work(links[row_id], person, row)
            held = {name: parent for name, parent in waits.get(row_id, {}).items() if name in names}
            work = waiting_for_parents(work, held)
            if work.step.idle and not work.step.decisions:
                self.report.count(entity.name, "read", "unchanged")
            else:
                works.append(work)
        return works

    def _work(self, link: Link, person: Record, row: Record) -> tuple[Work, Collection[str]]:
        services = self.services
        known = known_of(link, self.entity, digest=services.digests[self.entity.name])
        waits = {("dynamics", link.dynamics_id), ("marketo", link.marketo_id)} & self._whole
        # Of a record that was never merged under this mapping, or of which something waits, one field alone would hide
        # the others from the next cycle.
        whole = bool(waits) or not known.current or not link.base
        again = Refill(services, known, person, self.names, whole=whole, nulls=self.fill.nulls, winner=self.fill.winner)
        return Work(again.step(row), person, row, again), self.entity.fields if whole else self.names
