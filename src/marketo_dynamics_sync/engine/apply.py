"""Carries out what was planned, in batches, and keeps what each batch came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from attrs import define, evolve, field

from ..conflict import DecisionKind
from ..connectors import Outcome, Status
from ..entities import Side
from ..plan import REQUIRED, Overwritten, Step, StepKind, park
from ..state import Commit, Intent
from .ended import Waits
from .events import Event, OnEvent
from .hours import Counts, hour_facts
from .merge_run import MergeRunner
from .report import ConflictLine, SyncReport, WaitingLine
from .roles import is_role
from .sent import sent_ahead
from .services import Services
from .settle import Stamp, clashes, combine, settle
from .window import Window
from .work import Work

T = TypeVar("T")

#: How often a row that somebody else keeps changing is read and merged again within one cycle.
ROUNDS: Final = 5


class Stopped(Exception):  # not an error: the cycle ends early and cleanly
    """The cycle ends here: a deadline, a cancellation, or a service that takes no more calls today."""


@define
class Applier:
    """Writes batches and commits after each.

    Attributes:
        services: Both sides and the store.
        report: Where counts go.
        on_event: Who listens.
        keep_going: Raises :class:`Stopped` when it is time to end; asked at every batch edge.
        waits: Records that were rejected or parked before.
    """

    services: Services
    report: SyncReport
    on_event: OnEvent
    keep_going: Callable[[], None]
    waits: Waits = field(factory=Waits)
    #: Records that were refused in this very cycle: they had their try.
    refused_now: set[tuple[str, str, str]] = field(factory=set, init=False)
    rows_written: dict[str, set[str]] = field(factory=dict, init=False)
    #: What was done since the last commit.
    _synced: Counts = field(factory=Counter, init=False)
    _window: Window = field(init=False)
    #: When the cycle began, after which Marketo's changes are read.
    _began: float = field(init=False)
    #: When the last works were done, after which persons are read for the next.
    _since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._window = Window(self.services)
        self._began = self._since = self.services.settings.monotonic()

    def take(self, works: Sequence[Work]) -> None:
        """Carry out works. Dynamics first: its guard can send a work back to be planned anew."""
        merger = MergeRunner(self.services, self.report, self.on_event, self.keep_going, self._refused)
        works = [
            part
            for work in works
            for part in (merger.carry_out(work) if work.step.kind is StepKind.MERGE_PERSONS else [work])
        ]
        for work in works:
            # A person that wasn't read is as the stream left it.
            work.read_at = self._since if work.marketo is not None else self._began
        self._note_intents(works)
        self._keep([work for work in works if not _writes(work)])
        #: Written to Dynamics, and not kept yet.
        owed: dict[int, Work] = {}
        try:
            self._to_dynamics([work for work in works if work.step.writes_dynamics], owed)
            only = [work for work in works if work.step.writes_marketo and not work.step.writes_dynamics]
            for batch in _slices([*owed.values(), *only], self.services.marketo.capabilities.write_size):
                self.keep_going()
                self._to_marketo(self._met(batch, owed), owed)
        finally:
            # Whatever ends this early: what Dynamics holds by now must not look like somebody else's edit later.
            self._settle([work for work in owed.values() if work.on_dynamics is not None])
        self._since = self.services.settings.monotonic()

    def _to_dynamics(self, works: Sequence[Work], owed: dict[int, Work]) -> None:
        """Write to Dynamics, and keep what is done by that; the others are owed to Marketo."""
        for batch in _slices(works, self._dynamics_size):
            owed.update((id(work), work) for work in batch)
            written = self._dynamics(batch)
            over = [work for work in batch if not self._goes_on(work)]
            for work in over:
                del owed[id(work)]
            self._keep(over)
            for some, outcomes in written:
                self._written(Side.DYNAMICS, some, outcomes)

    def _to_marketo(self, batch: Sequence[Work], owed: dict[int, Work]) -> None:
        """Write a batch to Marketo and keep it; of persons that are gone that is known by now."""
        writes = [work for work in batch if work.on_marketo is None]
        outcomes: Sequence[Outcome] = ()
        if writes:
            self._note_sent(writes)
            self._note_clashes(writes)
            outcomes = self.services.marketo.write([work.marketo_write() for work in writes])
            for work, outcome in zip(writes, outcomes, strict=True):
                work.on_marketo = outcome
        for work in batch:
            owed.pop(id(work), None)
        self._keep(batch)
        if writes:
            self._written(Side.MARKETO, writes, outcomes)

    def _met(self, batch: Sequence[Work], owed: dict[int, Work]) -> Sequence[Work]:
        """Return what is to be written to Marketo of a batch, planned anew for persons that were edited meanwhile.

        Where an edit wins, Dynamics is told of it first, under its guard. That takes time, so the batch is looked at
        again then.
        """
        for _ in range(ROUNDS):
            edited = self._window.edited(batch)
            if not edited:
                break
            halves = [work for work, _ in edited if work.on_dynamics is not None]
            self._settle(halves)
            for work in halves:
                del owed[id(work)]
            planned = {id(work): work for work in self._window.planned_anew(edited)}
            for work in planned.values():
                self.report.count(work.step.entity.name, "to Marketo", "merged again")
            self._keep([work for work in planned.values() if not _writes(work)])
            there = [work for work in planned.values() if work.step.writes_dynamics]
            self._to_dynamics(there, owed)
            gone_on = {key for key, work in planned.items() if self._goes_on(work)}
            seen = {id(work) for work, _ in edited}
            batch = [work for work in batch if id(work) not in seen or id(work) in gone_on]
            if not there:
                break
        return batch

    def _note_sent(self, batch: Sequence[Work]) -> None:
        ahead = sent_ahead(self.services, batch)
        if ahead.put_links:
            self.services.store.commit(ahead)

    def _refused(self, work: Work) -> None:
        """Keep a merge that could not be done."""
        self._keep([work])

    @property
    def _dynamics_size(self) -> int:
        return self.services.dynamics.capabilities.write_size

    def _goes_on(self, work: Work) -> bool:
        """Return whether Marketo's half of a work is still to be done."""
        return work.step.writes_marketo and not self._waits(work)

    def _waits(self, work: Work) -> bool:
        """Return whether a person must not be told of a row that was not made."""
        return work.step.kind is StepKind.CREATE_ROW and work.dynamics_failed

    def _note_intents(self, works: Sequence[Work]) -> None:
        now = self.services.settings.now()
        intents = [
            Intent(w.step.entity.name, str(w.step.marketo_id), str(w.step.dynamics_id), now)
            for w in works
            if w.step.kind is StepKind.CREATE_ROW
        ]
        if intents:
            self.services.store.commit(Commit(put_intents=intents))

    def _note_clashes(self, works: Sequence[Work]) -> None:
        """Keep the values that are about to be overwritten: a process that ends right after the write tells nobody."""
        entries = [entry for work in works for entry in clashes(work, self.services.settings.now())]
        if entries:
            self.services.store.commit(Commit(journal=entries))
            for work in works:
                work.noted = (*work.step.decisions, *work.step.overwritten)

    def _dynamics(self, batch: Sequence[Work]) -> list[tuple[Sequence[Work], Sequence[Outcome]]]:
        waiting = batch
        written: list[tuple[Sequence[Work], Sequence[Outcome]]] = []
        for _ in range(ROUNDS):
            self.keep_going()
            for work in waiting:
                self.rows_written.setdefault(work.step.entity.name, set()).add(str(work.step.dynamics_id))
            self._note_clashes(waiting)
            outcomes = self.services.dynamics.write([work.dynamics_write() for work in waiting])
            for work, outcome in zip(waiting, outcomes, strict=True):
                work.on_dynamics = outcome
            written.append((waiting, outcomes))
            waiting = self._planned_anew([work for work in waiting if _lost_race(work)])
            if not waiting:
                break
        return written

    def _planned_anew(self, works: list[Work]) -> list[Work]:
        """Read rows again that somebody else changed between our read and our write, and plan anew."""
        by_entity: dict[str, list[Work]] = {}
        for work in works:
            by_entity.setdefault(work.step.entity.name, []).append(work)
        again = []
        for name, group in by_entity.items():
            entity = self.services.entities[name]
            rows = self.services.dynamics.fetch(entity, [str(work.step.dynamics_id) for work in group])
            found = {row.id: row for row in rows}
            for work in group:
                row = found.get(str(work.step.dynamics_id))
                if row is None or work.again is None:
                    continue
                self.report.count(name, "to Dynamics", "merged again")
                work.dynamics, work.step = row, work.again(row)
                if work.step.writes_dynamics:
                    again.append(work)
                else:
                    work.on_dynamics = None
        return again

    def _keep(self, works: Sequence[Work]) -> None:
        """Commit what works came to, and end the cycle where a service takes no more calls."""
        self._settle(works)
        if any(_unsent(work) for work in works):
            raise Stopped(_reason(works))

    def _settle(self, works: Sequence[Work]) -> None:
        """Commit what works came to, and count it."""
        if not works:
            return
        stamp = Stamp(self.services.settings.now(), self.services.digests, self.waits.rejected)
        commits = []
        for work in works:
            self._refuse_taken(work)
            if _nothing_done(work):
                continue
            commit = settle(work, stamp)
            commits.append(commit)
            for rejected in commit.reject:
                self.refused_now.add((rejected.entity, rejected.side, rejected.id))
            self._count(work, commit)
            if work.step.detail.get("preset"):
                # A later try would not know the caller's values: the report tells of the refusal, and that is all.
                commits[-1] = evolve(commit, reject=[])
        commits.append(Commit(facts=hour_facts(self.services.store, self._synced, stamp.now)))
        whole = combine(commits)
        self.services.store.commit(whole)
        self._synced.clear()
        for event in self.waits.after(whole):
            self.on_event(event)

    def _refuse_taken(self, work: Work) -> None:
        """Park a new row whose key led Marketo to a person that is another row's."""
        outcome = work.on_marketo
        if is_role(work.step.entity.definition):
            return  # one role may come from several rows in turn
        if work.step.kind is not StepKind.CREATE_PERSON or outcome is None or outcome.status is not Status.UPDATED:
            return
        person = str(outcome.id)
        entity = work.step.entity
        same = [e.name for e in self.services.entities.values() if e.definition.marketo == entity.definition.marketo]
        link = self.services.store.links_by_marketo([person], entities=same).get(person)
        if link is not None and link.dynamics_id != work.step.dynamics_id:
            work.step = park(
                work.step.entity, "shared-key", marketo_id=None, dynamics_id=work.step.dynamics_id, candidates=[person]
            )

    def _count(self, work: Work, commit: Commit) -> None:
        step, report = work.step, self.report
        name = step.entity.name
        for side, outcome in ((Side.MARKETO, work.on_marketo), (Side.DYNAMICS, work.on_dynamics)):
            direction = f"to {side.value.title()}"
            if outcome is not None:
                report.count(name, direction, outcome.status.value)
                report.count(name, direction, "fields left to the company", len(outcome.left_out))
                if outcome.status.done or outcome.status is Status.REJECTED:
                    self._synced[name, side, outcome.status.value] += 1
        if commit.put_links and step.kind is not StepKind.SYNC:
            report.count(name, "links", "moved" if step.kind is StepKind.MOVE else "linked")
        if commit.drop_links and step.kind is StepKind.UNLINK:
            report.count(name, "links", "unlinked")
        person, row = step.marketo_id or (work.on_marketo.id if work.on_marketo else None), step.dynamics_id
        if step.kind is StepKind.PARK:
            report.count(name, "waiting", "parked")
            missing = step.detail.get("missing")
            lacks = ", ".join(map(str, missing)) if isinstance(missing, list) else ""
            report.add(report.parked, WaitingLine(name, step.marketo_id, row, lacks, step.reason, _words(step)))
            self.on_event(Event("parked", name, count=1, detail=step.reason, record=str(row or step.marketo_id)))
        self._count_overwritten([item for item in step.overwritten if item not in work.counted], step, person)
        told = {item.field for item in step.overwritten}
        for decision in step.decisions:
            if decision in work.counted:
                continue
            if decision.kind is DecisionKind.CONFLICT and decision.field not in told:
                report.count(name, "clashes", decision.rule)
                winner = decision.winner.value if decision.winner else ""
                report.add(
                    report.conflicts,
                    ConflictLine(
                        name,
                        person,
                        row,
                        decision.field,
                        winner,
                        decision.rule,
                        decision.base,
                        decision.marketo,
                        decision.dynamics,
                    ),
                )
            elif decision.kind is DecisionKind.HELD:
                report.count(name, "waiting", "field held")
                report.add(
                    report.parked, WaitingLine(name, person, row, decision.field, decision.rule, decision.reason)
                )
                self.on_event(Event("parked", name, None, 1, f"{decision.field}: {decision.rule}", str(row or "")))
        for rejected in commit.reject:
            report.count(name, "waiting", "rejected")
            report.add(
                report.rejected, WaitingLine(name, person, row, rejected.field or "", rejected.code, rejected.message)
            )
            self.on_event(Event("rejected", name, Side(rejected.side), 1, rejected.code, rejected.id))

    def _count_overwritten(self, items: Sequence[Overwritten], step: Step, person: str | None) -> None:
        name = step.entity.name
        for item in items:
            self.report.count(name, "overwritten", item.rule)
            winner = item.winner.value if item.winner else ""
            values = (item.base, item.marketo, item.dynamics)
            line = ConflictLine(name, person, step.dynamics_id, item.field, winner, item.rule, *values)
            self.report.add(self.report.overwritten, line)
            detail = f"{item.field}: {item.rule}"
            self.on_event(Event("overwritten", name, Side.MARKETO, 1, detail, str(person or "")))

    def _written(self, side: Side, works: Sequence[Work], outcomes: Sequence[Outcome]) -> None:
        done = sum(outcome.status.done for outcome in outcomes)
        self.on_event(Event("written", works[0].step.entity.name, side, done))


def _writes(work: Work) -> bool:
    return work.step.writes_marketo or work.step.writes_dynamics


def _lost_race(work: Work) -> bool:
    outcome = work.on_dynamics
    return outcome is not None and outcome.status in (Status.STALE, Status.EXISTS)


def _nothing_done(work: Work) -> bool:
    """Return whether a service took no more calls before it was this work's turn: it is derived again."""
    outcomes = [outcome for outcome in (work.on_marketo, work.on_dynamics) if outcome is not None]
    return bool(outcomes) and all(outcome.status is Status.UNSENT for outcome in outcomes)


def _unsent(work: Work) -> bool:
    return any(o is not None and o.status is Status.UNSENT for o in (work.on_marketo, work.on_dynamics))


def _reason(works: Sequence[Work]) -> str:
    for work in works:
        for outcome in (work.on_marketo, work.on_dynamics):
            if outcome is not None and outcome.status is Status.UNSENT and outcome.problem is not None:
                return outcome.problem.message
    return "a service takes no more calls for now"


def _words(step: Step) -> str:
    if step.reason == REQUIRED:
        return "Dynamics requires a value"
    lists = ((word, step.detail.get(word)) for word in ("candidates", "rivals"))
    return "; ".join(f"{word}: {', '.join(map(str, ids))}" for word, ids in lists if isinstance(ids, list) and ids)


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
