"""Plays one seed and tells its story: ``python -m tests.simulation SEED [--whole] [--changes]``."""

from __future__ import annotations

import argparse

from .author import story_of
from .run import Outcome, play
from .shrink import shrunk


def told(outcome: Outcome) -> str:
    """Return a failing outcome as a story that a person can read."""
    broken = "\n".join(f"  broken: {violation}" for violation in outcome.violations)
    return f"{outcome.story}\n{broken}\n  again: python -m tests.simulation {outcome.story.seed}"


def main() -> None:
    """Play it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    parser.add_argument("--whole", action="store_true", help="don't look for the shortest story")
    parser.add_argument("--changes", action="store_true", help="print every change, link and decision")
    options = parser.parse_args()
    outcome = play(story_of(options.seed))
    if outcome.violations and not options.whole:
        outcome = play(shrunk(outcome.story, outcome.violations[0].promise))
    if options.changes:
        print("\n".join(outcome.trace))
    print(told(outcome))


if __name__ == "__main__":
    main()
