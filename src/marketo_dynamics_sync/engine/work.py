"""One pair of records on its way through a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import define, field

from ..conflict import Decision
from ..connectors import Outcome, Write, WriteKind
from ..entities import Record, Side
from ..plan import Known, Overwritten, Step, StepKind


class Again(Protocol):
    """Plans two records anew, after one of them was read again."""

    def __call__(self, row: Record) -> Step:
        """Return the step for a fresh row."""
        ...

    def anew(self, person: Record, known: Known | None) -> Again:
        """Return what plans for a fresh person.

        Args:
            person: The person.
            known: What is remembered of the two by now, where half of the work is done and noted.
        """
        ...


@define
class Work:
    """A step, what it was derived from, and what became of its writes.

    Attributes:
        step: What is to be done.
        marketo: The person that was read, if any.
        dynamics: The row that was read, if any.
        again: Derives the step anew from a record read again, after somebody else wrote first.
        facts: Facts that go with what the work comes to.
        noted: Clashes and overwritten edits that the journal has already.
        counted: Those of them that the report has.
        read_at: Monotonic moment from which on an edit of the person may have been missed.
        on_marketo: What became of the write to Marketo.
        on_dynamics: What became of the write to Dynamics.
    """

    step: Step
    marketo: Record | None = field(default=None, repr=False)
    dynamics: Record | None = field(default=None, repr=False)
    again: Again | None = field(default=None, repr=False)
    facts: dict[str, str | None] = field(factory=dict)
    noted: Sequence[Decision | Overwritten] = field(default=(), repr=False)
    counted: Sequence[Decision | Overwritten] = field(default=(), repr=False)
    read_at: float | None = None
    on_marketo: Outcome | None = None
    on_dynamics: Outcome | None = None

    def marketo_write(self) -> Write:
        """Return the write that the step asks of Marketo."""
        step = self.step
        if step.kind is StepKind.CREATE_PERSON:
            return Write(step.entity, WriteKind.CREATE, None, step.to_marketo, lookup=step.lookup)
        if step.deletes is Side.MARKETO:
            return Write(step.entity, WriteKind.DELETE, step.marketo_id, {})
        return Write(step.entity, WriteKind.UPDATE, step.marketo_id, step.to_marketo)

    def dynamics_write(self) -> Write:
        """Return the write that the step asks of Dynamics."""
        step = self.step
        if step.deletes is Side.DYNAMICS:
            return Write(step.entity, WriteKind.DELETE, step.dynamics_id, {}, version=step.version)
        kind = WriteKind.CREATE if step.kind is StepKind.CREATE_ROW else WriteKind.UPDATE
        return Write(step.entity, kind, step.dynamics_id, step.to_dynamics, version=step.version)

    def operation(self, side: Side) -> WriteKind:
        """Return what the step asks of a side's record."""
        if self.step.deletes is side:
            return WriteKind.DELETE
        made = StepKind.CREATE_PERSON if side is Side.MARKETO else StepKind.CREATE_ROW
        return WriteKind.CREATE if self.step.kind is made else WriteKind.UPDATE

    @property
    def marketo_failed(self) -> bool:
        """Whether a write to Marketo was wanted and is not known to be done."""
        return self.step.writes_marketo and not (self.on_marketo and self.on_marketo.status.done)

    @property
    def dynamics_failed(self) -> bool:
        """Whether a write to Dynamics was wanted and is not known to be done."""
        return self.step.writes_dynamics and not (self.on_dynamics and self.on_dynamics.status.done)
