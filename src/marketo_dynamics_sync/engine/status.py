"""How it goes: what the state store knows, without a call to either service."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import attrs
from attrs import field, frozen

from ..state import Commit, StateStore
from .report import SyncReport

#: Cycles that are remembered.
REMEMBERED: Final = 20
_RUNS: Final = "status:runs"


@frozen
class RunSummary:
    """One cycle, as it is remembered.

    Attributes:
        kind: ``"first copy"`` or ``"cycle"``.
        finished_at: When it ended (UTC).
        seconds: How long it took.
        wrote: Records written to either service.
        calls: Calls to both services, those for tokens aside.
        stopped: Why it ended before everything was done, or ``""``.
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
    """

    entities: tuple[EntityStatus, ...]
    runs: tuple[RunSummary, ...]

    @property
    def waiting(self) -> int:
        """Records and fields that wait, for a human or for another try."""
        return sum(sum(e.parked.values()) + sum(e.rejected.values()) for e in self.entities)

    def lines(self) -> Iterator[str]:
        """Yield the status in words, without field values."""
        for entity in self.entities:
            when = entity.finished_at.isoformat(timespec="seconds") if entity.finished_at else "never"
            yield f"{entity.name}: {entity.links} linked, last complete: {when}"
            for title, counts in (("parked", entity.parked), ("rejected", entity.rejected)):
                for reason, number in sorted(counts.items()):
                    yield f"  {title}: {number} {reason}"
        for run in self.runs:
            when = run.finished_at.isoformat(timespec="seconds")
            end = f", stopped: {run.stopped}" if run.stopped else ""
            yield f"{run.kind} {when}: {run.wrote} written, {run.calls} calls, {run.seconds:.1f} s{end}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def read_status(store: StateStore, names: Sequence[str]) -> Status:
    """Return what the store knows of these entities and of the last cycles."""
    return Status(tuple(_entity(store, name) for name in names), tuple(_runs(store)))


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
    if report.complete:
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
