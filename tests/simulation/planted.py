"""Bugs that are put into the engine on purpose, to see that the oracle finds them.

``python -m tests.simulation.planted NAME --seeds N`` plays seeds until one of them breaks a promise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest import mock

from attrs import evolve, frozen

from marketo_dynamics_sync import MarketoConnector
from marketo_dynamics_sync.connectors import Outcome, Status, Write, WriteKind
from marketo_dynamics_sync.connectors.marketo.limiter import CallLimiter
from marketo_dynamics_sync.engine import again, apply, cycle, derive, moves, settle, work
from marketo_dynamics_sync.entities import Record
from marketo_dynamics_sync.identity import Many
from marketo_dynamics_sync.plan import Known, Step, StepKind
from marketo_dynamics_sync.state import Commit

from .run import play_seed

_Patch = Callable[[], AbstractContextManager[object]]


@frozen
class Bug:
    """One bug.

    Attributes:
        plant: Puts it in, for as long as its block runs.
        promises: What the oracle may call it: any of these.
    """

    plant: _Patch
    promises: tuple[str, ...]


def _replaced(owner: object, name: str, make: Callable[[Any], Any]) -> _Patch:
    """Return a patch that puts something in the place of an attribute, made of what was there."""
    return lambda: mock.patch.object(owner, name, make(getattr(owner, name)))


def _commits_first(note: Any) -> Any:
    def noted(self: apply.Applier, works: Sequence[work.Work]) -> None:
        note(self, works)
        early = [w for w in works if w.step.kind is StepKind.SYNC and w.on_dynamics is None and w.on_marketo is None]
        for each in early:
            each.on_marketo = Outcome(Status.UPDATED, each.step.marketo_id) if each.step.writes_marketo else None
            each.on_dynamics = Outcome(Status.UPDATED, each.step.dynamics_id) if each.step.writes_dynamics else None
        self._settle(early)
        for each in early:
            each.on_marketo = each.on_dynamics = None

    return noted


def _without_base(known_of: Any) -> Any:
    def known(*args: Any, **kwargs: Any) -> Known:
        return evolve(known_of(*args, **kwargs), base_marketo={}, base_dynamics={})

    return known


def _unguarded(write: Any) -> Any:
    return lambda self: evolve(write(self), version=None)


def _move_with_base(move: Any) -> Any:
    """Moved as if no field were an opt-out, as it once was."""

    def moved(self: Any, entity: Any, known: Any, person: Any, row: Any, *, to: tuple[str, str]) -> Any:
        fresh = Known(
            entity,
            *to,
            base_marketo={name: known.base_marketo[name] for name in entity.fields if name in known.base_marketo},
            base_dynamics={name: known.base_dynamics[name] for name in entity.fields if name in known.base_dynamics},
            version=row.version if row is not None else known.version,
            unconfirmed=known.unconfirmed,
        )
        origin = (known.entity.name, known.dynamics_id)
        return again.pair_work(self.services, fresh, person, row, moved_from=origin)

    return moved


def _risen(gone_persons: Any) -> Any:
    def gone(self: Any, ids: Sequence[str]) -> list[work.Work]:
        works = gone_persons(self, ids)
        for each in works:
            each.step = evolve(each.step, detail={"again": True})
        return works

    return gone


def _hasty(collect: Any) -> Any:
    """Where to go on reading is kept before anything was done about what was read."""

    def collected(self: cycle.Cycle, *args: Any) -> None:
        collect(self, *args)
        self.services.store.commit(Commit(checkpoints=dict(self._checkpoints)))

    return collected


def _meddling(rows: Any) -> Any:
    """Companies are written in Dynamics too."""

    def read(self: cycle.Cycle, entity: Any, *args: Any) -> None:
        rows(self, entity, *args)
        if entity.name == "account":
            for link in list(self.services.store.links("account")):
                self.services.dynamics.write([Write(entity, WriteKind.UPDATE, link.dynamics_id, {"phone": "1"})])

    return read


def _noisy(write: Any) -> Any:
    """What Marketo is given comes out a little longer."""

    def written(self: MarketoConnector, writes: Sequence[Write]) -> list[Outcome]:
        return write(self, [evolve(w, values=_longer(w.values)) for w in writes])  # type: ignore[no-any-return]

    return written


def _longer(values: Mapping[str, object]) -> dict[str, object]:
    return {name: f"{value}!" if name == "job_title" and value else value for name, value in values.items()}


def _puzzled(match_rows: Any) -> Any:
    """Nobody is ever recognised for sure."""

    def matched(services: Any, entity: Any, rows: Sequence[Record], taken: Any) -> dict[str, Many]:
        return {row.id: Many("ambiguous", "email", (), ()) for row in rows}

    return matched


def _keeps_cleared(plan_pair: Any) -> Any:
    """Values that were cleared in Dynamics stay in Marketo."""

    def planned(*args: Any, **kwargs: Any) -> Step:
        step = plan_pair(*args, **kwargs)
        return evolve(step, to_marketo={name: value for name, value in step.to_marketo.items() if value is not None})

    return planned


@contextmanager
def _unlimited() -> Iterator[None]:
    with mock.patch.object(CallLimiter, "_take", _no_wait), mock.patch.object(CallLimiter, "pause"):
        yield


def _no_wait(self: CallLimiter) -> float:
    self._running += 1
    return 0.0


@contextmanager
def _unjournalled() -> Iterator[None]:
    with mock.patch.object(apply, "clashes", return_value=[]), mock.patch.object(settle, "clashes", return_value=[]):
        yield


def _cheerful(done: Any) -> Any:
    return property(lambda self: self in (Status.CREATED, Status.UPDATED, Status.DELETED, Status.UNKNOWN))


_LOST: Final = "no edit is lost"
_AGREE: Final = "linked records agree"

BUGS: Final[dict[str, Bug]] = {
    "commits before it writes": Bug(_replaced(apply.Applier, "_note_clashes", _commits_first), (_LOST, _AGREE)),
    "forgets the base": Bug(_replaced(derive, "known_of", _without_base), (_LOST, "a clash needs two edits")),
    "ignores the row's version": Bug(_replaced(work.Work, "dynamics_write", _unguarded), (_LOST,)),
    "notes no intents": Bug(
        _replaced(apply.Applier, "_note_intents", lambda note: lambda self, works: None), ("no duplicates",)
    ),
    "moves take opt-outs back": Bug(
        _replaced(moves.Moves, "_move", _move_with_base), ("an opt-out is never undone by us",)
    ),
    "brings deleted people back": Bug(
        _replaced(derive.Deriver, "gone_persons", _risen), ("nothing deleted comes back",)
    ),
    "notes its place before the work": Bug(_replaced(cycle.Cycle, "_collect", _hasty), (_LOST, _AGREE)),
    "keeps no journal": Bug(_unjournalled, (_LOST,)),
    "writes to a source": Bug(_replaced(cycle.Cycle, "_rows", _meddling), ("one-way sources are never written",)),
    "alters what it writes": Bug(
        _replaced(MarketoConnector, "write", _noisy), (_LOST, "our writes never cause our writes", _AGREE)
    ),
    "recognises nobody": Bug(_replaced(derive, "match_rows", _puzzled), ("what waits has a true reason",)),
    "keeps cleared values": Bug(_replaced(again, "plan_pair", _keeps_cleared), (_AGREE,)),
    "takes a lost answer for a yes": Bug(_replaced(Status, "done", _cheerful), (_LOST, _AGREE)),
    "knows no limits": Bug(_unlimited, ("limits are held",)),
}


def first_failure(name: str, seeds: Sequence[int]) -> tuple[int, str] | None:
    """Return the first seed that breaks one of a bug's promises, and how; ``None`` when the oracle is blind to it."""
    bug = BUGS[name]
    with bug.plant():
        for seed in seeds:
            for violation in play_seed(seed).violations:
                if violation.promise in bug.promises:
                    return seed, str(violation)
    return None


def main() -> None:
    """Look for one bug."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted")
    parser.add_argument("name", choices=sorted(BUGS))
    parser.add_argument("--seeds", type=int, default=600)
    options = parser.parse_args()
    found = first_failure(options.name, range(options.seeds))
    print(f"{options.name}: not found in {options.seeds} seeds" if found is None else f"seed {found[0]}: {found[1]}")
    sys.exit(0 if found else 1)


if __name__ == "__main__":
    main()
