"""What a cycle did, printable and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

import attrs
from attrs import define, field, frozen

from ..connectors import CallCount
from ..entities import Digest, LeftOut, SchemaChange
from ..plan import change_as_data

#: Lines of each kind that a report keeps; beyond it only the counts go on.
KEPT: Final = 1000


@frozen
class ConflictLine:
    """A clash and how it was decided.

    Attributes:
        entity: Name of the entity.
        marketo_id: Person id.
        dynamics_id: Row id.
        field: The field.
        winner: ``"marketo"``, ``"dynamics"`` or ``""`` for a value of the policy's own.
        rule: Name of the rule that decided.
        base: The value both agreed on before; a :class:`~marketo_dynamics_sync.entities.Digest` of it where the store
            keeps digests.
        marketo: Marketo's value.
        dynamics: Dynamics' value.
    """

    entity: str
    marketo_id: str | None
    dynamics_id: str | None
    field: str
    winner: str
    rule: str
    base: object = attrs.field(default=None, repr=False)
    marketo: object = attrs.field(default=None, repr=False)
    dynamics: object = attrs.field(default=None, repr=False)


@frozen
class WaitingLine:
    """A record, or one field of it, that was parked or rejected.

    Attributes:
        entity: Name of the entity.
        marketo_id: Person id, if known.
        dynamics_id: Row id, if known.
        field: The field, or ``""`` for the whole record.
        reason: Stable word or the service's code.
        message: More, in words, without values.
    """

    entity: str
    marketo_id: str | None
    dynamics_id: str | None
    field: str
    reason: str
    message: str = ""


@define
class SyncReport:
    """What a cycle, or a push, did.

    Attributes:
        started_at: When it began (UTC).
        finished_at: When it ended (UTC).
        kind: ``"first copy"``, ``"cycle"``, ``"push"``, ``"chosen records"``, ``"owner"``, ``"tasks"`` or
            ``"campaign"``.
        counts: How many, by entity, direction (``"to Marketo"``, ``"to Dynamics"``, ``"to campaign"``, ``"links"``,
            ``"read"``) and outcome.
        marketo_calls: Calls used at Marketo.
        dynamics_calls: Calls used at Dynamics.
        conflicts: Clashes with their decisions.
        overwritten: Edits in Marketo that a write of ours overwrote before we knew of them, and what became of each.
        parked: What waits for a human.
        rejected: What a service refused.
        left_out: Fields of the default mapping that are not synced here.
        schema_changes: What the services changed about mapped fields since they were last seen.
        full_comparisons: Streams that had to be compared in full, with the reason.
        stopped: Why the cycle ended before everything was done; empty when all was done.
        seconds: Time spent by phase.
    """

    started_at: datetime
    finished_at: datetime | None = None
    kind: str = "cycle"
    counts: Counter[tuple[str, str, str]] = field(factory=Counter)
    marketo_calls: CallCount = field(factory=CallCount)
    dynamics_calls: CallCount = field(factory=CallCount)
    conflicts: list[ConflictLine] = field(factory=list)
    overwritten: list[ConflictLine] = field(factory=list)
    parked: list[WaitingLine] = field(factory=list)
    rejected: list[WaitingLine] = field(factory=list)
    left_out: tuple[LeftOut, ...] = ()
    schema_changes: tuple[SchemaChange, ...] = ()
    full_comparisons: list[str] = field(factory=list)
    stopped: str = ""
    seconds: dict[str, float] = field(factory=dict)

    def count(self, entity: str, direction: str, outcome: str, by: int = 1) -> None:
        """Count something."""
        if by:
            self.counts[entity, direction, outcome] += by

    def total(self, direction: str, outcome: str | None = None) -> int:
        """Return how many records of all entities went a direction, with any or one outcome."""
        return sum(n for (_, way, what), n in self.counts.items() if way == direction and outcome in (None, what))

    @property
    def wrote(self) -> int:
        """Records written to either service."""
        return sum(
            n
            for (_, way, what), n in self.counts.items()
            if way.startswith("to ") and what in ("created", "updated", "deleted", "merged")
        )

    @property
    def first(self) -> bool:
        """Whether it was the first copy."""
        return self.kind == "first copy"

    @property
    def complete(self) -> bool:
        """Whether everything that could be done was done."""
        return not self.stopped

    def add(self, lines: list[ConflictLine] | list[WaitingLine], line: ConflictLine | WaitingLine) -> None:
        """Add a line to one of the lists while there is room."""
        if len(lines) < KEPT:
            lines.append(line)  # type: ignore[arg-type]  # the caller pairs list and line

    def to_dict(self, *, values: bool = False) -> dict[str, object]:
        """Return the report as plain data.

        Args:
            values: Show the field values of conflicts too; they are personal data.
        """
        hidden = () if values else ("base", "marketo", "dynamics")
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for (entity, way, what), number in sorted(self.counts.items()):
            counts.setdefault(entity, {}).setdefault(way, {})[what] = number
        return {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "kind": self.kind,
            "counts": counts,
            "calls": {"marketo": attrs.asdict(self.marketo_calls), "dynamics": attrs.asdict(self.dynamics_calls)},
            "conflicts": [_clash(line, hidden) for line in self.conflicts],
            "overwritten": [_clash(line, hidden) for line in self.overwritten],
            "parked": [attrs.asdict(line) for line in self.parked],
            "rejected": [attrs.asdict(line) for line in self.rejected],
            "left_out": [
                {"entity": gap.entity, "field": gap.field, "side": gap.side.value, "reason": gap.reason}
                for gap in self.left_out
            ],
            "schema_changes": [change_as_data(change) for change in self.schema_changes],
            "full_comparisons": list(self.full_comparisons),
            "stopped": self.stopped,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def lines(self) -> Iterator[str]:
        """Yield the report in words, without field values."""
        took = (self.finished_at - self.started_at).total_seconds() if self.finished_at else 0.0
        yield f"{self.kind}: {'stopped: ' + self.stopped if self.stopped else 'done'} after {took:.1f} s"
        for (entity, way, what), number in sorted(self.counts.items()):
            yield f"  {entity}: {way}: {number} {what}"
        for name, calls in (("Marketo", self.marketo_calls), ("Dynamics", self.dynamics_calls)):
            yield (
                f"  calls to {name}: {calls.reads} read, {calls.writes} write, {calls.metadata} metadata, "
                f"{calls.tokens} token"
            )
        for clash in self.conflicts:
            winner = clash.winner or "policy"
            yield f"  clash: {clash.entity} {clash.marketo_id}: {clash.field}: {winner} ({clash.rule})"
        for edit in self.overwritten:
            winner = edit.winner or "policy"
            yield f"  overwritten: {edit.entity} {edit.marketo_id}: {edit.field}: {winner} ({edit.rule})"
        for title, waiting in (("parked", self.parked), ("rejected", self.rejected)):
            for line in waiting:
                where = f"{line.entity} {line.marketo_id or '-'} / {line.dynamics_id or '-'}"
                column = f" {line.field}" if line.field else ""
                yield f"  {title}: {where}{column}: {line.reason} {line.message}".rstrip()
        for gap in self.left_out:
            yield f"  left out: {gap.entity}.{gap.field}: {gap.reason}"
        for change in self.schema_changes:
            yield f"  schema changed: {change}"
        for reason in self.full_comparisons:
            yield f"  compared in full: {reason}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _clash(line: ConflictLine, hidden: Collection[str]) -> dict[str, object]:
    data = attrs.asdict(line, filter=lambda a, _: a.name not in hidden)
    return {name: repr(value) if isinstance(value, Digest) else value for name, value in data.items()}
