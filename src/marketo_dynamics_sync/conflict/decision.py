"""What was decided about one field, and why."""

from __future__ import annotations

from enum import Enum

import attrs
from attrs import frozen

from ..entities import Side


class DecisionKind(Enum):
    """What a decision does."""

    #: Marketo gets Dynamics' value.
    TO_MARKETO = "to Marketo"
    #: Dynamics gets Marketo's value.
    TO_DYNAMICS = "to Dynamics"
    #: Both changed to the same value: only the base moves.
    AGREED = "agreed"
    #: Both changed to different values, and a policy chose.
    CONFLICT = "conflict"
    #: Each side keeps its own value: the one that would follow is blocked, or the value there is somebody else's.
    KEPT = "each keeps its own"
    #: Nothing is done until a human decides, or until the value changes.
    HELD = "held"


@frozen
class Decision:
    """One field in which something happened.

    Attributes:
        field: Name of the field.
        kind: What is done.
        base: The value both agreed on before.
        marketo: Marketo's value.
        dynamics: Dynamics' value.
        winner: The side whose value stands, or ``None``.
        value: The value that stands.
        rule: Name of the rule.
        reason: More, in words.
    """

    field: str
    kind: DecisionKind
    base: object = attrs.field(repr=False)
    marketo: object = attrs.field(repr=False)
    dynamics: object = attrs.field(repr=False)
    winner: Side | None
    value: object = attrs.field(repr=False)
    rule: str
    reason: str = ""

    def explain(self, label: str | None = None) -> str:
        """Return the decision in words, without values.

        Args:
            label: What to call the field; its name, if not given.
        """
        tail = f": {self.reason}" if self.reason else ""
        return f"{label or self.field}: {self.kind.value} ({self.rule}{tail})"
