"""What a plan costs in calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil

from attrs import frozen

from ..entities import Side
from .step import Step, StepKind


@frozen
class Price:
    """Write calls a plan needs.

    Attributes:
        marketo: Calls to Marketo.
        dynamics: Calls to Dynamics.
    """

    marketo: int
    dynamics: int


def price(steps: Iterable[Step], *, marketo_size: int = 300, dynamics_size: int = 1000) -> Price:
    """Return what steps cost when they are written in full batches.

    Args:
        steps: The steps.
        marketo_size: Records in one Marketo call (300: Adobe developer documentation, "Leads").
        dynamics_size: Operations in one ``$batch`` (1,000: Microsoft Learn, "Execute batch operations").
    """
    marketo: Counter[str] = Counter()
    dynamics = merges = 0
    for step in steps:
        merges += len(step.losers)
        if step.kind is StepKind.CREATE_PERSON or step.deletes is Side.MARKETO or step.to_marketo:
            marketo[step.lookup or "id" if step.kind is StepKind.CREATE_PERSON else "id"] += 1
        dynamics += step.writes_dynamics
    batches = sum(ceil(count / marketo_size) for count in marketo.values())
    # A merge takes one pair of persons.
    return Price(batches + merges, ceil(dynamics / dynamics_size))
