"""How it goes: what the state store knows, without a call to either service."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

import attrs
from attrs import field, frozen

from ..entities import Side
from ..state import Commit, StateStore
from .hours import HourCount, clock_hour, read_hours
from .report import SyncReport
from .watermarks import Watermark, read_watermarks

#: Cycles that are remembered.
REMEMBERED: Final = 20
_RUNS: Final = "status:runs"


@frozen
class RunSummary:
    """One cycle, as it is remembered.

    Attributes:
        kind: ``"first copy"``, ``"cycle"``, ``"back-fill"`` or ``"retry"``.
        finished_at: When it ended (UTC).
        seconds: How long it took.
        wrote: Records written to either service.
        calls: Calls to both services, those for tokens aside.
        stopped: Why it ended before everything was done, an error for one, or ``""``.
    """

    kind: str
    finished_at: datetime
    seconds: float
    wrote: int
    calls: int
    stopped: str = ""

    @property
    def throughput(self) -> float:
        """Records written in a second."""
        return self.wrote / self.seconds if self.seconds else 0.0


@frozen
class EntityStatus:
    """How one entity goes.

    Attributes:
        name: Name of the entity.
        links: Pairs of records that are kept the same.
        finished_at: When a cycle last got through all of it (UTC), or ``None``.
        parked: Records, or fields, that wait for a human, by reason.
        rejected: Records that a service refused, by the service's code.
        next_try: When the first of the refused ones is tried again (UTC), or ``None``.
    """

    name: str
    links: int
    finished_at: datetime | None
    parked: Mapping[str, int] = field(factory=dict)
    rejected: Mapping[str, int] = field(factory=dict)
    next_try: datetime | None = None


@frozen
class Status:
    """How it goes.

    Attributes:
        entities: One for each entity, in the engine's order.
        runs: The last cycles, newest first.
        at: When the status was read (UTC).
        hours: What was synced in each clock hour of the last three days, newest first; the one under way too.
        watermarks: Up to when each stream of changes has been read.
    """

    entities: tuple[EntityStatus, ...]
    runs: tuple[RunSummary, ...]
    at: datetime
    hours: tuple[HourCount, ...] = ()
    watermarks: tuple[Watermark, ...] = ()

    @property
    def last_hour(self) -> HourCount:
        """What was synced in the last full clock hour: at 2:20, from 1:00 to 2:00 (Adobe, "Sync Status")."""
        start = clock_hour(self.at) - timedelta(hours=1)
        return next((hour for hour in self.hours if hour.start == start), HourCount(start))

    @property
    def errors(self) -> Mapping[str, int]:
        """Records that a service refused, of all entities, by the service's code."""
        return sum((Counter(entity.rejected) for entity in self.entities), Counter())

    @property
    def waiting(self) -> int:
        """Records and fields that wait, for a human or for another try."""
        return sum(sum(e.parked.values()) + sum(e.rejected.values()) for e in self.entities)

    def lines(self) -> Iterator[str]:
        """Yield the status in words, without field values."""
        hour = self.last_hour
        yield f"status at {_told(self.at)} UTC"
        for entity in self.entities:
            when = f"{_told(entity.finished_at)} UTC" if entity.finished_at else "never"
            yield f"{entity.name}: {entity.links} linked, last complete: {when}"
            for title, counts in (("parked", entity.parked), ("rejected", entity.rejected)):
                for reason, number in sorted(counts.items()):
                    yield f"  {title}: {number} {reason}"
            if entity.next_try is not None:
                yield f"  next try of the rejected: {_told(entity.next_try)} UTC"
            counts_by_side = ((side, hour.synced(entity.name, side)) for side in Side)
            synced = [f"{number} to {side.value.title()}" for side, number in counts_by_side if number]
            if synced:
                yield f"  last full hour (from {_told(hour.start)} UTC): {', '.join(synced)}"
        for mark in self.watermarks:
            yield f"{mark.side.value.title()}, {', '.join(mark.entities)}: read up to {_told(mark.read_to)} UTC"
        for run in self.runs:
            end = f", stopped: {run.stopped}" if run.stopped else ""
            when = f"{_told(run.finished_at)} UTC"
            yield f"{run.kind} {when}: {run.wrote} written, {run.calls} calls, {run.seconds:.1f} s{end}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, object]:
        """Return the status as plain data, for a page or an endpoint; there is no field value in it."""
        return {
            "at": self.at.isoformat(),
            "waiting": self.waiting,
            "entities": [_plain(attrs.asdict(entity)) for entity in self.entities],
            "errors": dict(self.errors),
            "last_hour": _hour(self.last_hour),
            "hours": [_hour(hour) for hour in self.hours],
            "watermarks": [_plain(attrs.asdict(mark)) for mark in self.watermarks],
            "runs": [_plain(attrs.asdict(run)) for run in self.runs],
        }


def read_status(store: StateStore, names: Sequence[str], now: datetime) -> Status:
    """Return what the store knows of these entities and of the last cycles."""
    entities = tuple(_entity(store, name) for name in names)
    marks = tuple(mark for mark in read_watermarks(store) if set(mark.entities) & set(names))
    return Status(entities, tuple(_runs(store)), now, read_hours(store), marks)


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _hour(hour: HourCount) -> dict[str, object]:
    rows = [
        {"entity": entity, "side": side.value, "what": what, "records": number}
        for (entity, side, what), number in sorted(hour.counts.items(), key=lambda item: str(item[0]))
    ]
    return {"start": hour.start.isoformat(), "synced": hour.synced(), "counts": rows}


def _plain(data: Mapping[str, object]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, value in data.items():
        if isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif isinstance(value, Side):
            plain[name] = value.value
        elif isinstance(value, tuple):
            plain[name] = list(value)
        else:
            plain[name] = dict(value) if isinstance(value, Mapping) else value
    return plain


def _entity(store: StateStore, name: str) -> EntityStatus:
    finished = store.fact(_finished(name))
    rejected = list(store.rejected(name))
    return EntityStatus(
        name,
        store.count_links(name),
        datetime.fromisoformat(finished) if finished else None,
        Counter(item.reason for item in store.parked(name)),
        Counter(item.code for item in rejected),
        min((item.next_at for item in rejected), default=None),
    )


def remember_run(store: StateStore, report: SyncReport, names: Sequence[str]) -> None:
    """Keep what a cycle came to; of older ones the last few stay."""
    if report.finished_at is None:
        return
    run = RunSummary(
        report.kind,
        report.finished_at,
        (report.finished_at - report.started_at).total_seconds(),
        report.wrote,
        report.marketo_calls.total + report.dynamics_calls.total,
        report.stopped,
    )
    runs = [run, *_runs(store)][:REMEMBERED]
    kept = [attrs.asdict(item) | {"finished_at": item.finished_at.isoformat()} for item in runs]
    facts: dict[str, str | None] = {_RUNS: json.dumps(kept)}
    if report.complete and report.kind in ("first copy", "cycle"):
        facts |= {_finished(name): report.finished_at.isoformat() for name in names}
    store.commit(Commit(facts=facts))


def _runs(store: StateStore) -> list[RunSummary]:
    kept = cast("list[dict[str, object]]", json.loads(store.fact(_RUNS) or "[]"))
    return [
        RunSummary(
            str(item["kind"]),
            datetime.fromisoformat(str(item["finished_at"])),
            float(str(item["seconds"])),
            int(str(item["wrote"])),
            int(str(item["calls"])),
            str(item["stopped"]),
        )
        for item in kept
    ]


def _finished(name: str) -> str:
    return f"finished:{name}"
