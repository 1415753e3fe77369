"""Yes and no."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from ...errors import ValueRejectedError
from ..values import JSON
from .base import Codec


@frozen
class BooleanCodec(Codec[bool]):
    """Yes or no. Marketo keeps a boolean null as false, so null is false on both sides."""

    name: ClassVar[str] = "boolean"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"boolean"})
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Boolean"})
    samples: ClassVar[tuple[object, ...]] = (True, False)

    def from_marketo(self, raw: JSON) -> bool | None:
        """Return true or false; null is false."""
        if raw is None or raw is False:
            return False
        if raw is True:
            return True
        raise ValueRejectedError("true or false was expected", code="not-boolean")

    def to_marketo(self, value: bool | None) -> JSON:
        """Return true or false; anything else, that a policy may have given, is refused and not taken for true."""
        return self.from_marketo(value)

    def from_dynamics(self, raw: JSON) -> bool | None:
        """Return true or false; null is false."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: bool | None) -> JSON:
        """Return true or false."""
        return self.from_marketo(value)
