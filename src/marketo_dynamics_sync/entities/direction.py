"""Which way values flow."""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """One of the two services."""

    MARKETO = "marketo"
    DYNAMICS = "dynamics"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.DYNAMICS if self is Side.MARKETO else Side.MARKETO


class Direction(Enum):
    """Which way an entity or a field is synced."""

    TWO_WAY = "two-way"
    TO_MARKETO = "to-marketo"
    TO_DYNAMICS = "to-dynamics"

    @property
    def source(self) -> Side | None:
        """The side that always wins, or ``None`` where both sides may change the value."""
        if self is Direction.TWO_WAY:
            return None
        return Side.DYNAMICS if self is Direction.TO_MARKETO else Side.MARKETO
