"""Which way of reading changes is cheaper, from what the last reads cost. Pure.

One stream brings every field's changes. Two streams bring those of the mapped fields only and cost a call more each
time. So two streams pay as soon as changes of fields that are not mapped fill more than a page, or make more persons be
read again.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from .checkpoint import Checkpoint, Mode

PAGE: Final = 300
#: Reads of one stream whose cost is remembered.
_REMEMBERED: Final = 8
_SHORTEST_STAY: Final = 4
#: Paging tokens that a change of mode and the way back cost.
_TOKENS: Final = 2
_LONGEST_STAY: Final = 64


def avoidable_calls(activities: int, persons: int, mapped_activities: int, mapped_persons: int) -> int:
    """Return the calls that one read would have saved without changes of fields that are not mapped.

    Args:
        activities: Activities that were read.
        persons: Persons they are of.
        mapped_activities: Those that two streams would have brought.
        mapped_persons: Persons that those are of.
    """
    pages = max(1, _pages(activities)) - max(1, _pages(mapped_activities))
    return pages + _pages(persons) - _pages(mapped_persons)


def next_mode(checkpoint: Checkpoint, saved: int | None) -> Checkpoint:
    """Return the checkpoint with what the next read shall read.

    Args:
        checkpoint: As the read that just ended found it.
        saved: What :func:`avoidable_calls` says of it; ``None`` after a read of two streams.
    """
    if checkpoint.mode is Mode.TWO_STREAMS:
        left = checkpoint.left - 1
        return evolve(checkpoint, left=left) if left > 0 else evolve(checkpoint, mode=Mode.ONE_STREAM, costs=(), left=0)
    costs = (*checkpoint.costs, saved or 0)[-_REMEMBERED:]
    gain = sum(costs) - len(costs)
    stay = checkpoint.stay
    if gain > _SHORTEST_STAY + _TOKENS:
        # As soon as staying has cost what a change that proves wrong would. One mass update is no habit: the first stay
        # is short, and each that proves right doubles the next.
        return evolve(checkpoint, mode=Mode.TWO_STREAMS, costs=(), left=stay, stay=min(2 * stay, _LONGEST_STAY))
    settled = len(costs) == _REMEMBERED
    return evolve(checkpoint, costs=costs, stay=_SHORTEST_STAY if settled else stay)


def _pages(count: int) -> int:
    return -(-count // PAGE)
