"""Takes works only to show them: a plan that is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..plan import Plan, Step
from .services import Services
from .work import Work


@define
class Collector:
    """Keeps the steps of works and writes nothing anywhere."""

    services: Services
    steps: list[Step] = field(factory=list)
    unchanged: int = 0

    def take(self, works: Sequence[Work]) -> None:
        """Keep the steps of works."""
        for work in works:
            if work.step.idle and not work.step.decisions:
                self.unchanged += 1
            else:
                self.steps.append(work.step)

    def plan(self, unchanged: int) -> Plan:
        """Return what was collected as a plan."""
        return Plan(tuple(self.steps), self.services.left_out, self.unchanged + unchanged)
