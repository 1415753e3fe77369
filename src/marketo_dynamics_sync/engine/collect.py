"""Takes works only to show them: a plan that is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..connectors import Outcome, Status
from ..entities import Record, Side
from ..plan import Plan, Step, StepKind
from .services import Services
from .settle import Stamp, combine, settle
from .work import Work


@define
class Collector:
    """Keeps the steps of works and writes nothing anywhere.

    What the works would come to is noted in the store that the plan is made on, which pretends, so that later steps are
    derived as a run would derive them.
    """

    services: Services
    steps: list[Step] = field(factory=list)
    refused_now: set[tuple[str, str, str]] = field(factory=set, init=False)
    #: A plan writes nothing, so what was read of rows stays true.
    rows_written: dict[str, set[str]] = field(factory=dict, init=False)

    def take(self, works: Sequence[Work]) -> None:
        """Keep the steps of works."""
        stamp = Stamp(self.services.settings.now(), self.services.digests, {})
        commits = []
        for work in works:
            if work.step.idle and not work.step.decisions:
                continue
            self.steps.append(work.step)
            _pretend(work)
            self._remember(work.step, work)
            commits.append(settle(work, stamp))
        if commits:
            self.services.store.commit(combine(commits))

    def _remember(self, step: Step, work: Work) -> None:
        """Let later reads of this plan show what would have been written."""
        name, person = step.entity.name, work.on_marketo.id if work.on_marketo is not None else step.marketo_id
        for side, record, values in (
            (Side.MARKETO, person, step.to_marketo),
            (Side.DYNAMICS, step.dynamics_id, step.to_dynamics),
        ):
            if record is not None and values:
                self.services.pretended.setdefault((side, name, record), {}).update(values)

    def plan(self, unchanged: int) -> Plan:
        """Return what was collected as a plan."""
        return Plan(tuple(self.steps), self.services.left_out, unchanged, self.services.schema_changes)


def _pretend(work: Work) -> None:
    """Let a work's writes have been done."""
    step = work.step
    if step.writes_marketo:
        made = step.kind is StepKind.CREATE_PERSON
        person = f"new person of {step.dynamics_id}" if made else step.marketo_id
        work.on_marketo = Outcome(Status.CREATED if made else Status.UPDATED, person)
    if step.writes_dynamics:
        made = step.kind is StepKind.CREATE_ROW
        # The row that a page still shows as it was is the one that was written just now.
        stored = Record(str(step.dynamics_id), step.to_dynamics, version=step.version)
        work.on_dynamics = Outcome(Status.CREATED if made else Status.UPDATED, step.dynamics_id, stored)
