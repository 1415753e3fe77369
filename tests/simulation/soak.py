"""Plays many seeds in parallel and reports: ``python -m tests.simulation.soak --seeds N --start S --jobs J``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Final

from attrs import define, field

from .__main__ import told
from .author import story_of
from .evidence import Violation
from .run import Outcome, play
from .shrink import shrunk

#: Seeds that one process plays in one go.
_CHUNK: Final = 25
#: Failures whose shortest story is looked for.
_SHRUNK: Final = 3


@define
class Totals:
    """What many seeds came to.

    Attributes:
        seeds: How many were played.
        counts: What happened how often.
        failures: Broken promises by seed.
        digests: Digest by seed.
    """

    seeds: int = 0
    counts: Counter[str] = field(factory=Counter)
    failures: dict[int, list[str]] = field(factory=dict)
    digests: dict[int, str] = field(factory=dict)

    def add(self, other: Totals) -> None:
        """Add what other seeds came to."""
        self.seeds += other.seeds
        self.counts.update(other.counts)
        self.failures |= other.failures
        self.digests |= other.digests


def play_some(seeds: Sequence[int]) -> Totals:
    """Play some seeds in this process."""
    totals = Totals()
    for seed in seeds:
        story = story_of(seed)
        try:
            outcome = play(story)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            outcome = Outcome(story, violations=[Violation("the simulation can play every story", what)])
        totals.seeds += 1
        totals.counts.update(outcome.counts)
        totals.digests[seed] = outcome.digest
        if outcome.violations:
            totals.failures[seed] = [str(violation) for violation in outcome.violations]
    return totals


def play_all(seeds: Sequence[int], jobs: int) -> Totals:
    """Play seeds in several processes."""
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    totals = Totals()
    if jobs <= 1:
        done: Iterable[Totals] = map(play_some, chunks)
        for some in done:
            totals.add(some)
        return totals
    with ProcessPoolExecutor(jobs) as pool:
        for some in pool.map(play_some, chunks):
            totals.add(some)
    return totals


def story_of_failure(seed: int) -> str:
    """Return the shortest story found that breaks the same promise, for a person to read."""
    outcome = play(story_of(seed))
    if not outcome.violations:
        return f"seed {seed} fails only sometimes"
    return told(play(shrunk(outcome.story, outcome.violations[0].promise)))


def report(totals: Totals, seconds: float) -> str:
    """Return figures for a person."""
    counts, groups = totals.counts, ("engine: ", "act: ", "fault: ", "checked: ", "exception: ", "parked in the end: ")
    acts = sum(count for name, count in counts.items() if name.startswith("act: "))
    faults = sum(count for name, count in counts.items() if name.startswith("fault: "))
    lines = [
        f"seeds {totals.seeds:,}, failures {len(totals.failures):,}, duration {timedelta(seconds=round(seconds))}",
        f"users' actions {acts:,} ({counts['acts while the engine runs']:,} of them while the engine ran), "
        f"changes they made {counts['edits']:,}",
        f"calls to the services {counts['calls']:,}, kills {counts['kills']:,}, faults {faults:,}, "
        f"runs that ended with an error {counts['runs that ended with an error']:,}",
    ]
    for group in groups:
        lines.append(f"{group.removesuffix(': ')}:")
        lines += [
            f"  {name.removeprefix(group):70} {n:>9,}" for name, n in sorted(counts.items()) if name.startswith(group)
        ]
    for seed, broken in sorted(totals.failures.items()):
        lines.append(f"seed {seed}: {'; '.join(broken)[:300]}")
    return "\n".join(lines)


def main() -> None:
    """Play them."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak")
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report", type=Path, help="also write the report to this file")
    parser.add_argument("--digests", type=Path, help="write the digest of each seed to this file")
    options = parser.parse_args()
    started = time.monotonic()
    totals = play_all(range(options.start, options.start + options.seeds), options.jobs)
    text = report(totals, time.monotonic() - started)
    print(text, flush=True)
    for seed in sorted(totals.failures)[:_SHRUNK]:
        story = story_of_failure(seed)
        print(f"\n{story}", flush=True)
        text += f"\n\n{story}"
    if options.report is not None:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(text + "\n", encoding="utf-8")
    if options.digests is not None:
        options.digests.write_text(json.dumps(totals.digests), encoding="utf-8")
    sys.exit(1 if totals.failures else 0)


if __name__ == "__main__":
    main()
