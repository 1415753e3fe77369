"""A plan as a whole: its steps, its digest, and how it reads."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from attrs import define, field

from ..entities import LeftOut, SchemaChange, Side
from .price import Price, price
from .step import Step, StepKind


@define(slots=False, eq=False)
class Plan:
    """Everything a cycle would do, nothing of it done.

    Attributes:
        steps: What would be done, in order.
        left_out: Fields of the default mapping that are not synced here.
        unchanged: Records that were read and need nothing.
        schema_changes: What the services changed about mapped fields since they were last seen.
    """

    steps: tuple[Step, ...] = field(repr=lambda steps: f"<{len(steps)} steps>")
    left_out: tuple[LeftOut, ...] = ()
    unchanged: int = 0
    schema_changes: tuple[SchemaChange, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Text that is the same for plans that do the same, and different otherwise."""
        sha = hashlib.sha256()
        for step in self.steps:
            sha.update(json.dumps(step_as_data(step, values=True), sort_keys=True, ensure_ascii=True).encode())
        return sha.hexdigest()

    @cached_property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Number of steps by entity name and kind."""
        return Counter((step.entity.name, step.kind.value) for step in self.steps)

    @cached_property
    def price(self) -> Price:
        """Write calls that the plan needs."""
        return price(self.steps)

    @property
    def empty(self) -> bool:
        """Whether nothing would be written to either service."""
        return not any(step.writes_marketo or step.writes_dynamics for step in self.steps)

    def to_dict(self, *, values: bool = False) -> dict[str, object]:
        """Return the plan as plain data.

        Args:
            values: Show field values too; they are personal data.
        """
        return {
            "digest": self.digest,
            "unchanged": self.unchanged,
            "calls": {"marketo": self.price.marketo, "dynamics": self.price.dynamics},
            "left_out": [
                {"entity": gap.entity, "field": gap.field, "side": gap.side.value, "reason": gap.reason}
                for gap in self.left_out
            ],
            "schema_changes": [change_as_data(change) for change in self.schema_changes],
            "steps": [step_as_data(step, values=values) for step in self.steps],
        }

    def lines(self) -> Iterator[str]:
        """Yield the plan in words, one line a step, without values."""
        yield (
            f"{len(self.steps)} steps, {self.unchanged} records unchanged; "
            f"{self.price.marketo} write calls to Marketo, {self.price.dynamics} to Dynamics"
        )
        for gap in self.left_out:
            yield f"  left out: {gap.entity}.{gap.field}: {gap.reason}"
        for change in self.schema_changes:
            yield f"  schema changed: {change}"
        for step in self.steps:
            yield f"  {describe(step)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def change_as_data(change: SchemaChange) -> dict[str, object]:
    """Return a change of a schema as plain data."""
    return {
        "entity": change.entity,
        "field": change.field,
        "side": change.side.value,
        "native": change.native,
        "kind": change.kind,
        "detail": change.detail,
    }


def describe(step: Step) -> str:
    """Return one step in words, without values."""
    who = f"{step.entity.name} {step.marketo_id or 'new person'} <-> {step.dynamics_id or 'new row'}"
    parts = [f"{who}: {step.kind.value}"]
    for side, values in ((Side.MARKETO, step.to_marketo), (Side.DYNAMICS, step.to_dynamics)):
        if values and step.kind not in (StepKind.CREATE_PERSON, StepKind.CREATE_ROW):
            parts.append(f"{', '.join(sorted(values))} -> {side.value.title()}")
    if step.losers:
        parts.append(
            "takes in " + ", ".join(f"{loser.marketo_id} ({loser.entity} {loser.dynamics_id})" for loser in step.losers)
        )
    if step.deletes is not None:
        parts.append(f"delete in {step.deletes.value.title()}")
    if step.reason:
        parts.append(step.reason)
    rules = sorted({d.rule for d in step.decisions if d.rule})
    if rules:
        parts.append("(" + "; ".join(rules) + ")")
    return " | ".join(parts)


def step_as_data(step: Step, *, values: bool) -> dict[str, object]:
    """Return a step as plain data.

    Args:
        step: The step.
        values: Show field values too.
    """
    data: dict[str, object] = {
        "kind": step.kind.value,
        "entity": step.entity.name,
        "marketo_id": step.marketo_id,
        "dynamics_id": step.dynamics_id,
        "to_marketo": sorted(step.to_marketo),
        "to_dynamics": sorted(step.to_dynamics),
        "deletes": step.deletes.value if step.deletes is not None else None,
        "moved_from": list(step.moved_from) if step.moved_from is not None else None,
        "losers": [[loser.marketo_id, loser.entity, loser.dynamics_id] for loser in step.losers],
        "reason": step.reason,
        "detail": {name: step.detail[name] for name in sorted(step.detail)},
        "decisions": [
            {"field": d.field, "kind": d.kind.value, "rule": d.rule, "winner": d.winner.value if d.winner else None}
            for d in step.decisions
        ],
    }
    if values:
        data["to_marketo"] = step.entity.dump(step.to_marketo)
        data["to_dynamics"] = step.entity.dump(step.to_dynamics)
    return data
