"""Numbers: whole, decimal, money, floating point."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import ClassVar, Self

from attrs import evolve, frozen

from ...errors import ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON
from .base import Codec

_MARKETO_NUMBERS = frozenset({"integer", "score", "float", "percent", "currency"})


def _decimal(raw: object) -> Decimal | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str, Decimal)):
        raise ValueRejectedError("a number was expected", code="not-a-number")
    try:
        value = Decimal(raw.strip()) if isinstance(raw, str) else Decimal(str(raw))
    except InvalidOperation:
        raise ValueRejectedError("a number was expected", code="not-a-number") from None
    if not value.is_finite():
        raise ValueRejectedError("a finite number was expected", code="not-a-number")
    return value


def _in_range(value: Decimal | int | float, low: float | None, high: float | None, side: str) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueRejectedError(f"outside the range {low} to {high} that {side} takes", code="out-of-range")


@frozen
class IntegerCodec(Codec[int]):
    """A whole number.

    Attributes:
        minimum: Smallest number the column takes.
        maximum: Largest number the column takes.
    """

    name: ClassVar[str] = "whole number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Integer", "BigInt"})
    samples: ClassVar[tuple[object, ...]] = (0, -7, 2_147_483_647)

    minimum: float | None = None
    maximum: float | None = None

    def from_marketo(self, raw: JSON) -> int | None:
        """Return the number; one with a fraction is refused, never rounded."""
        if type(raw) is int:
            return raw
        value = _decimal(raw)
        if value is None:
            return None
        if value != value.to_integral_value():
            raise ValueRejectedError("a whole number was expected", code="not-whole")
        return int(value)

    def from_dynamics(self, raw: JSON) -> int | None:
        """Return the number."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: int | None) -> JSON:
        """Return the number, refusing one outside the column's range."""
        if value is not None:
            _in_range(value, self.minimum, self.maximum, "Dynamics")
        return value

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's range."""
        super().bind(marketo, dynamics)
        if dynamics is None:
            return self
        return evolve(self, minimum=dynamics.minimum, maximum=dynamics.maximum)


@frozen
class DecimalCodec(Codec[Decimal]):
    """An exact number with a fixed count of digits after the point.

    Dataverse rounds to the column's precision, so values are rounded the same way before they are compared.

    Attributes:
        precision: Digits after the point; ``None`` keeps all.
        minimum: Smallest number the column takes.
        maximum: Largest number the column takes.
    """

    name: ClassVar[str] = "decimal number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Decimal", "Double", "Money", "Integer"})
    samples: ClassVar[tuple[object, ...]] = (Decimal("0"), Decimal("1234.5"), Decimal("-0.01"))

    precision: int | None = None
    minimum: float | None = None
    maximum: float | None = None

    def from_marketo(self, raw: JSON) -> Decimal | None:
        """Return the number at the field's precision."""
        value = _decimal(raw)
        return None if value is None else self._rounded(value)

    def to_marketo(self, value: Decimal | None) -> JSON:
        """Return a JSON number."""
        if value is None:
            return None
        rounded = self._rounded(value)
        whole = rounded.to_integral_value()
        return int(whole) if whole == rounded else float(rounded)

    def from_dynamics(self, raw: JSON) -> Decimal | None:
        """Return the number at the field's precision."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: Decimal | None) -> JSON:
        """Return a JSON number, refusing one outside the column's range."""
        if value is not None:
            _in_range(value, self.minimum, self.maximum, "Dynamics")
        return self.to_marketo(value)

    def dump(self, value: Decimal | None) -> JSON:
        """Return the number as text, so that no digit is lost."""
        return None if value is None else str(value)

    def load(self, raw: JSON) -> Decimal | None:
        """Return the number that :meth:`dump` wrote."""
        return None if raw is None else Decimal(str(raw))

    def stored_form(self, written: Decimal | None, read: Decimal | None) -> bool:
        """Return whether ``read`` is ``written`` rounded to fewer digits."""
        if written is None or read is None:
            return written is read
        places = min(-int(read.normalize().as_tuple().exponent), 10)
        step = Decimal(1).scaleb(-max(places, 0))
        return abs(written - read) <= step / 2

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's precision and range."""
        super().bind(marketo, dynamics)
        if dynamics is None:
            return self
        whole = dynamics.type == "Integer"
        return evolve(
            self,
            precision=0 if whole else dynamics.precision,
            minimum=dynamics.minimum,
            maximum=dynamics.maximum,
        )

    def _rounded(self, value: Decimal) -> Decimal:
        if self.precision is not None:
            try:
                value = value.quantize(Decimal(1).scaleb(-self.precision), rounding=ROUND_HALF_UP)
            except InvalidOperation:
                raise ValueRejectedError("more digits than can be kept", code="out-of-range") from None
        normal = value.normalize()
        return normal.quantize(Decimal(1)) if int(normal.as_tuple().exponent) > 0 else normal


@frozen
class MoneyCodec(DecimalCodec):
    """An amount of money: a decimal number, in the row's own currency in Dataverse, without one in Marketo."""

    name: ClassVar[str] = "money"
    samples: ClassVar[tuple[object, ...]] = (Decimal("0"), Decimal("125000.5"))


@frozen
class FloatCodec(Codec[float]):
    """A floating point number."""

    name: ClassVar[str] = "floating point number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Double", "Decimal", "Money"})
    samples: ClassVar[tuple[object, ...]] = (0.0, 1.5, -2.25)

    precision: int | None = None

    def from_marketo(self, raw: JSON) -> float | None:
        """Return the number."""
        value = _decimal(raw)
        if value is None:
            return None
        number = float(value)
        if not math.isfinite(number):
            raise ValueRejectedError("a finite number was expected", code="not-a-number")
        return number if self.precision is None else round(number, self.precision)

    def from_dynamics(self, raw: JSON) -> float | None:
        """Return the number."""
        return self.from_marketo(raw)

    def stored_form(self, written: float | None, read: float | None) -> bool:
        """Return whether the two differ by less than what single precision loses."""
        if written is None or read is None:
            return written is read
        return math.isclose(written, read, rel_tol=1e-6, abs_tol=1e-9)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's precision."""
        super().bind(marketo, dynamics)
        return evolve(self, precision=dynamics.precision if dynamics else None)
