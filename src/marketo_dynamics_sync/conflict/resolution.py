"""What a policy answers."""

from __future__ import annotations

from typing import Self

from attrs import field, frozen

from ..entities import Side
from .conflict import Conflict


@frozen
class Resolution:
    """The value that a field is to have on both sides, or the wish to let a human decide.

    Attributes:
        value: The value for both sides; means nothing when ``held``.
        rule: Name of the rule that decided, as the report and the journal show it.
        winner: The side whose value it is, or ``None`` for a value of the policy's own.
        held: Leave the field as it is on both sides until a human decides.
        reason: More, in words.
    """

    value: object = field(repr=False)
    rule: str
    winner: Side | None = None
    held: bool = False
    reason: str = ""

    @classmethod
    def marketo(cls, conflict: Conflict, rule: str) -> Self:
        """Take Marketo's value."""
        return cls(conflict.marketo, rule, Side.MARKETO)

    @classmethod
    def dynamics(cls, conflict: Conflict, rule: str) -> Self:
        """Take Dynamics' value."""
        return cls(conflict.dynamics, rule, Side.DYNAMICS)

    @classmethod
    def side(cls, conflict: Conflict, side: Side, rule: str) -> Self:
        """Take one side's value."""
        return cls.marketo(conflict, rule) if side is Side.MARKETO else cls.dynamics(conflict, rule)

    @classmethod
    def use(cls, value: object, rule: str) -> Self:
        """Give both sides a value of the policy's own."""
        return cls(value, rule)

    @classmethod
    def hold(cls, rule: str, reason: str = "") -> Self:
        """Leave the field alone until a human decides."""
        return cls(None, rule, held=True, reason=reason)
