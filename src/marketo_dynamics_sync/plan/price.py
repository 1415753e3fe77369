"""What a plan costs in calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil

from attrs import frozen

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
    dynamics = 0
    for step in steps:
        if step.writes_marketo:
            marketo[step.lookup or "id" if step.kind is StepKind.CREATE_PERSON else "id"] += 1
        dynamics += step.writes_dynamics
    return Price(sum(ceil(count / marketo_size) for count in marketo.values()), ceil(dynamics / dynamics_size))
