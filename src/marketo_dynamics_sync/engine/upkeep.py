"""What an engine does beside its cycles: it tells how it goes, tries again what waits, and fills fields."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from ..connectors import CallCount
from ..entities import Entity, EntityDefinition, Side
from ..errors import ConfigurationError
from ..plan import Plan
from ..state import StateStore
from .apply import Applier
from .backfill import Backfill, Period, checked_fill
from .backlog import PAGES, Backlog, read_backlog
from .collect import Collector
from .cycle import Cycle
from .events import Event, OnEvent, ignore
from .overlay import Overlay
from .rebinding import Rebinds
from .report import SyncReport
from .screen import screened
from .services import Services, Settings
from .status import Status, read_status, remember_run
from .waitlist import WaitingRecord, dismiss_records, waiting_records
from .workbench import Taker


class Upkeep(Rebinds):
    """The part of :class:`SyncEngine` beside its cycles."""

    _store: StateStore
    _settings: Settings
    _definitions: Sequence[EntityDefinition]

    def status(self) -> Status:
        """Return how it goes, as the state store knows it: links, what waits, the last cycles and hours. Makes no
        call."""
        return read_status(self._store, self._names, self._settings.now())

    def backlog(self, *, pages: int = PAGES) -> Backlog:
        """Return what waits to be synced: changes on both sides that no cycle has met yet. Moves nothing on.

        Each change stream is read from where the last cycle stopped: for each table of Dynamics at most ``pages`` calls
        (5,000 changes each), for Marketo's persons at most ``pages`` calls for activities (300 each) and about as many
        for the persons in them; and once what a cycle asks at its start (fields of both sides). A stream that goes on
        behind that is counted as "at least". Echoes of the engine's own writes, and changes of what isn't synced,
        don't count.

        Args:
            pages: Pages of each stream that are read at most.

        Raises:
            ConfigurationError: ``pages`` is below 1.
            SyncError: As :meth:`SyncEngine.plan`.
        """
        if pages < 1:
            raise ConfigurationError("pages: read one page at least")
        with self._store.lock():
            before = self._calls()
            services = self._open(Overlay(self._store))
            changes = read_backlog(services, pages)
            marketo, dynamics = (after.total - start.total for start, after in zip(before, self._calls(), strict=True))
            return Backlog(self._settings.now(), changes, marketo, dynamics)

    def waiting(self, *, entity: str | type[Entity] | None = None, kind: str | None = None) -> Iterator[WaitingRecord]:
        """Yield the records that wait: rejected ones by their next try, then parked ones, oldest first. Makes no call.

        Args:
            entity: Only of this entity.
            kind: Only ``"rejected"`` (a service refused them, they are tried again) or only ``"parked"`` (a human
                decides).

        Raises:
            ConfigurationError: ``kind`` is neither.
        """
        if kind not in (None, "rejected", "parked"):
            raise ConfigurationError("kind: give 'rejected' or 'parked', or nothing for both")
        return waiting_records(self._store, _name(entity) if entity is not None else None, kind)

    def retry(
        self,
        records: Iterable[WaitingRecord] | None = None,
        *,
        deadline: datetime | timedelta | None = None,
        on_event: OnEvent = ignore,
        stop: threading.Event | None = None,
    ) -> SyncReport:
        """Try waiting records again now, whenever they would be due; nothing else is read or written.

        Records that wait for a human because of a merge (``merged-in-marketo``, ``two-persons``) go on waiting.

        Args:
            records: Which, from :meth:`waiting`; ``None`` for all.
            deadline: When to stop at the next batch edge: a moment (time-zone aware), or a time from now.
            on_event: Called with everything that happens.
            stop: Set by the host to stop at the next batch edge.

        Raises:
            SyncError: As :meth:`SyncEngine.run`.
        """
        with self._store.lock():
            keep_going = self._edge(deadline, stop)
            wanted = [(r.entity, r.side, r.source) for r in (self.waiting() if records is None else records)]
            report = SyncReport(self._settings.now(), kind="retry")
            on_event(Event("started", detail=report.kind))
            with self._counted(report, on_event):
                services, applier = self._ready(report, on_event, keep_going)
                cycle = self._cycle(services, applier, report, on_event, keep_going)
                for name, entity in services.entities.items():
                    rows = [i for other, side, i in wanted if (other, side) == (name, Side.MARKETO)]
                    persons = [i for other, side, i in wanted if (other, side) == (name, Side.DYNAMICS)]
                    cycle.take_up(entity, list(dict.fromkeys(rows)), list(dict.fromkeys(persons)))
            remember_run(self._store, report, self._names)
            return report

    def dismiss(self, records: Iterable[WaitingRecord]) -> int:
        """Take records off the list of those that wait, and return how many were on it. Makes no call.

        Both sides stay as they are. When such a record changes, on either side, it is decided anew, and may wait
        again.

        Args:
            records: Which, from :meth:`waiting`.
        """
        wanted = list(records)
        with self._store.lock():
            return dismiss_records(self._store, wanted, self._settings.now())

    def backfill(
        self,
        entity: str | type[Entity],
        fields: Iterable[str] | None = None,
        *,
        created: Period | None = None,
        modified: Period | None = None,
        nulls: bool = True,
        winner: Side | None = None,
        deadline: datetime | timedelta | None = None,
        on_event: OnEvent = ignore,
        stop: threading.Event | None = None,
    ) -> SyncReport:
        """Bring some fields of all linked records, or of those in a period, into agreement now.

        Both sides of each record are read and merged as in a cycle: an edit on one side goes to the other, and where
        both differ from what was agreed, the entity's policy decides. ``winner=Side.DYNAMICS`` takes Dynamics' value
        wherever the two differ, as the native Quick Sync and Advanced Sync do; what is overwritten stands in the
        journal, an opt-out on either side stays, and a one-way field goes its one way. Other fields stay as they
        are, but for a record of which something waits, or that was last merged under another mapping: it is merged
        whole. Records that aren't linked yet are the next cycle's.

        A back-fill that was stopped is simply run again: what agrees is not written twice.

        Args:
            entity: Name of the entity, or its class.
            fields: Names of its fields; ``None`` for all.
            created: Only rows that were made in this period: ``(from, to)``, time-zone aware, ``to`` outside, ``None``
                for an open end.
            modified: Only rows whose last change lies in this period.
            nulls: Carry empty values too. ``False`` leaves a value alone that would be emptied.
            winner: The side whose value is taken where the two differ.
            deadline: When to stop at the next batch edge: a moment (time-zone aware), or a time from now.
            on_event: Called with everything that happens; ``finished`` comes at the end.
            stop: Set by the host to stop at the next batch edge.

        Raises:
            ConfigurationError: The entity or a field isn't synced, a period is none, rows can't be found by date, or
                the entity is opportunity roles, which are worked out for each opportunity.
            SyncError: As :meth:`SyncEngine.run`.
        """
        fill = checked_fill(_name(entity), fields, created, modified, nulls=nulls, winner=winner)
        with self._store.lock():
            keep_going = self._edge(deadline, stop)
            report = SyncReport(self._settings.now(), kind="back-fill")
            on_event(Event("started", fill.entity, detail=report.kind))
            with self._counted(report, on_event):
                services, applier = self._ready(report, on_event, keep_going)
                for works in Backfill(services, fill, report, keep_going).works():
                    applier.take(screened(services, works))
            remember_run(self._store, report, self._names)
            return report

    def plan_backfill(
        self,
        entity: str | type[Entity],
        fields: Iterable[str] | None = None,
        *,
        created: Period | None = None,
        modified: Period | None = None,
        nulls: bool = True,
        winner: Side | None = None,
    ) -> Plan:
        """Return what :meth:`backfill` would do now. Writes nothing anywhere.

        Args:
            entity: As for :meth:`backfill`, like everything else.
            fields: Names of fields.
            created: Only rows that were made in this period.
            modified: Only rows whose last change lies in this period.
            nulls: Carry empty values too.
            winner: The side whose value is taken where the two differ.

        Raises:
            SyncError: As :meth:`backfill`.
        """
        fill = checked_fill(_name(entity), fields, created, modified, nulls=nulls, winner=winner)
        with self._store.lock():
            services = self._open(Overlay(self._store))
            report = SyncReport(self._settings.now(), kind="back-fill")
            collector = Collector(services)
            for works in Backfill(services, fill, report, _go_on).works():
                collector.take(screened(services, works))
            return collector.plan(report.total("read", "unchanged"))

    @property
    @abstractmethod
    def _names(self) -> list[str]: ...

    @abstractmethod
    def _open(self, store: StateStore) -> Services: ...

    @abstractmethod
    def _cycle(
        self, services: Services, taker: Taker, report: SyncReport, on_event: OnEvent, keep_going: Callable[[], None]
    ) -> Cycle: ...

    @abstractmethod
    def _ready(
        self, report: SyncReport, on_event: OnEvent, keep_going: Callable[[], None]
    ) -> tuple[Services, Applier]: ...

    @abstractmethod
    def _calls(self) -> tuple[CallCount, CallCount]: ...

    @abstractmethod
    def _edge(self, deadline: datetime | timedelta | None, stop: threading.Event | None) -> Callable[[], None]: ...

    @abstractmethod
    def _counted(self, report: SyncReport, on_event: OnEvent) -> AbstractContextManager[None]: ...


def _go_on() -> None:
    """Nothing stops a plan."""


def _name(entity: str | type[Entity]) -> str:
    return entity if isinstance(entity, str) else entity.__entity__.name
