"""Plays a story to its end and hands everything to the oracle."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from attrs import define, field

from marketo_dynamics_sync import SyncEngine, SyncError, SyncReport
from marketo_dynamics_sync.errors import PlanRefusedError, QuotaError
from marketo_dynamics_sync.plan import Brake

from .actors import Actors
from .author import story_of
from .evidence import Violation
from .oracle import judge
from .story import Act, Edit, Expire, Run, Story, Wait
from .trouble import install
from .world import Killed, World, steady

#: Long enough for every refused record to be due, short enough for no checkpoint to expire.
_REST: Final = 2 * 24 * 3600


@define
class Outcome:
    """What became of a story.

    Attributes:
        story: The story.
        violations: Promises that were broken.
        counts: What happened how often, for the report.
        digest: Of all calls and of the final state.
        trace: Every change, link and decision in order, for a reader.
    """

    story: Story
    violations: list[Violation] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)
    digest: str = ""
    trace: list[str] = field(factory=list)


def play(story: Story) -> Outcome:
    """Play a story."""
    with steady(story.seed):
        return _Play(story).run()


def play_seed(seed: int) -> Outcome:
    """Play the story of a seed."""
    return play(story_of(seed))


class _Play:
    def __init__(self, story: Story) -> None:
        self._outcome = Outcome(story)
        self._world = World.of(story.setting)
        self._actors = Actors(self._world)
        self._engine: SyncEngine | None = None
        #: Persons whose push was cut short: the host asks again.
        self._owed: dict[tuple[str, str], None] = {}
        self._asked: set[str] = set()
        self._words = 0
        self._no_more_calls = story.setting.quota is not None

    def run(self) -> Outcome:
        outcome, world = self._outcome, self._world
        for step in outcome.story.steps:
            if isinstance(step, Run):
                self._work(step)
            elif isinstance(step, Wait):
                world.sandbox.clock.advance(step.seconds)
            elif isinstance(step, Expire):
                world.sandbox.dynamics.expire_links(step.table)
            else:
                self._actors.do(step)
        self._rest()
        outcome.violations += judge(world, self._asked, outcome.counts)
        outcome.counts.update({f"act: {name}": count for name, count in self._actors.done.items()})
        outcome.counts["calls"] = len(world.sandbox.calls)
        outcome.counts["edits"] = sum(change.author == "users" for change in world.ledger.changes)
        outcome.digest = self._digest()
        outcome.trace = self._trace()
        return outcome

    def _rest(self) -> None:
        """Let the world go quiet: two cycles to agree, and a third that must not write."""
        world, setting = self._world, self._outcome.story.setting
        world.on_effect = None
        world.sandbox.clock.advance(_REST)
        for name, entity in list(self._owed):
            self._quiet(lambda engine, name=name, entity=entity: self._push(engine, (name,), entity))
        for _ in range(2):
            world.sandbox.clock.advance(setting.delay + 60 if setting.quota is None else 24 * 3600)
            self._quiet(self._cycle)
        world.sandbox.clock.advance(1)
        mark = self._writes()
        changes = len(world.ledger.changes)
        report = self._quiet(self._cycle)
        sent = self._writes() - mark
        if sent or (report is not None and report.wrote) or len(world.ledger.changes) > changes:
            what = f"it sent {sent} writes and reports {report.wrote if report else '?'}"
            self._broken("a third quiet cycle writes nothing", what)

    def _quiet(self, call: Callable[[SyncEngine], SyncReport | None]) -> SyncReport | None:
        self._world.starts.append(self._world.ledger.step())
        try:
            return call(self._living())
        except SyncError as error:
            self._broken("no error where nothing goes wrong", f"{type(error).__name__}: {error}")
        except Exception as error:
            self._broken("only errors of ours", f"{type(error).__name__}: {error}")
        return None

    def _work(self, run: Run) -> None:
        world, counts = self._world, self._outcome.counts
        counts[f"engine: {run.what}"] += 1
        world.effects = 0
        waiting = list(run.meanwhile)

        def on_effect(number: int) -> None:
            while waiting and waiting[0][0] <= number:
                self._meanwhile(waiting.pop(0)[1])
            if run.kill == number:
                counts["kills"] += 1
                world.dead = True
                raise Killed

        faults = world.sandbox.faults
        for fault in run.faults:
            install(world.sandbox, fault, self._interrupt)
        before = len(faults.log)
        world.on_effect = on_effect
        world.starts.append(world.ledger.step())
        try:
            self._call(run)
        except Killed:
            world.kills.append(world.ledger.step())
            world.killed_at.append(world.sandbox.clock.now())
            self._engine = None
        except SyncError as error:
            counts["runs that ended with an error"] += 1
            if len(faults.log) == before and not (self._no_more_calls and isinstance(error, QuotaError)):
                self._broken("no error where nothing goes wrong", f"{type(error).__name__}: {error}")
        except Exception as error:
            self._broken("only errors of ours", f"{type(error).__name__}: {error}")
        finally:
            world.on_effect = None
            faults.clear()
        for happened in faults.log[before:]:
            counts[f"fault: {happened.fault}"] += 1
            self._no_more_calls = self._no_more_calls or happened.fault == "Marketo error 607"
        for _, act in waiting:
            self._actors.do(act)

    def _call(self, run: Run) -> None:
        engine, world = self._living(), self._world
        if run.what == "cycle":
            self._cycle(engine)
        elif run.what == "plan":
            self._plan(engine)
        elif run.what == "sync":
            rows = [row for name in run.names if (row := self._actors.row(name)) is not None]
            world.chosen.update(rows)
            for table, row in rows:
                engine.sync_records([row], entity=table)
        else:
            self._owed.update(dict.fromkeys((name, run.entity) for name in run.names))
            report = self._push(engine, run.names, run.entity)
            if report is not None and not report.stopped:
                for name in run.names:
                    self._owed.pop((name, run.entity), None)

    def _cycle(self, engine: SyncEngine) -> SyncReport:
        start = self._world.starts[-1]
        try:
            report = engine.run()
        except PlanRefusedError:
            # Everybody of a small world was deleted: a human looks at the numbers, and lets it pass.
            self._outcome.counts["cycles that a brake refused first"] += 1
            report = engine.run(release=list(Brake))
        if not report.stopped:
            self._world.finished.append((start, self._world.ledger.step()))
        return report

    def _push(self, engine: SyncEngine, names: tuple[str, ...], entity: str) -> SyncReport | None:
        people = [str(person) for name in names if (person := self._actors.person(name)) is not None]
        self._asked.update(people)
        return engine.push_persons(people, as_entity=entity) if people else None

    def _plan(self, engine: SyncEngine) -> None:
        mark = self._writes()
        with suppress(PlanRefusedError):
            engine.plan()
        if self._writes() > mark:
            self._broken("a plan writes nothing", f"it sent {self._writes() - mark} writes")

    def _writes(self) -> int:
        return sum(call.kind == "write" for call in self._world.sandbox.calls)

    def _living(self) -> SyncEngine:
        if self._engine is None:
            self._engine = self._world.engine()
        return self._engine

    def _meanwhile(self, act: Act) -> None:
        self._outcome.counts["acts while the engine runs"] += 1
        self._actors.do(act)

    def _interrupt(self, table: str, record: str) -> None:
        """Let a user edit a record that a request is about to change."""
        ledger = self._world.ledger
        name = ledger.value((table, record), "last_name")
        if isinstance(name, str):
            self._words += 1
            side = "marketing" if table == "person" else "sales"
            field = ("job_title", "city", "unsubscribed")[self._words % 3]
            value = self._words % 2 == 0 if field == "unsubscribed" else f"i{self._words}"
            self._meanwhile(Edit(side, name, field, value))

    def _broken(self, promise: str, what: str) -> None:
        self._outcome.violations.append(Violation(promise, what))

    def _trace(self) -> list[str]:
        world = self._world
        lines = [
            (c.place, f"{c.author:6} {c.key[0]} {c.key[1][-6:]} {c.what}: {c.old!r} -> {c.new!r}")
            for c in world.ledger.changes
        ]
        for pairing in world.pairings:
            person = "nobody" if pairing.person is None else f"person {pairing.person[1]}"
            lines.append((pairing.place, f"link   {pairing.row[0]} {pairing.row[1][-6:]} to {person}"))
        lines += [(place, "the engine starts to work") for place in world.starts]
        told = [f"{place:4} {line}" for place, line in sorted(lines)]
        return [*told, *(f"     {item}" for item in (*world.store.journal(), *world.store.parked()))]

    def _digest(self) -> str:
        world = self._world
        digest = hashlib.sha256()
        for call in world.sandbox.calls:
            digest.update(f"{call.at} {call.method} {call.path} {call.status} {call.code} {call.records}\n".encode())
        for change in world.ledger.changes:
            digest.update(f"{change}\n".encode())
        for pairing in world.pairings:
            digest.update(f"{pairing.place} {pairing.row} {pairing.person}\n".encode())
        for item in (*world.store.parked(), *world.store.rejected(), *world.store.journal()):
            digest.update(f"{item}\n".encode())
        return digest.hexdigest()
