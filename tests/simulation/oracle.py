"""Knows what was promised, and says what of it was broken."""

from __future__ import annotations

from collections import Counter

from .endings import check_endings
from .evidence import Evidence, Violation
from .losses import check_losses
from .safety import check_safety
from .world import World


def judge(world: World, asked: set[str], counts: Counter[str]) -> list[Violation]:
    """Return the promises that were broken in a world that has gone quiet.

    Args:
        world: The world.
        asked: Persons that somebody asked to have in Dynamics.
        counts: Where it is counted what was checked and which exceptions were used.
    """
    evidence = Evidence(world, asked, counts)
    check_losses(evidence)
    check_safety(evidence)
    check_endings(evidence)
    return evidence.violations
