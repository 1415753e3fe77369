"""Numbers: whole, decimal, money, floating point."""

from __future__ import annotations

import itertools
import math
import struct
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import ClassVar, Self

from attrs import evolve, frozen

from ...errors import ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON
from .base import Codec

_MARKETO_NUMBERS = frozenset({"integer", "score", "float", "percent", "currency"})
_MARKETO_WHOLE = frozenset({"integer", "score"})
#: Marketo keeps whole numbers in 64 bits (Marketo knowledge base, "Marketo Field Limits by Field Type").
_MARKETO_LEAST, _MARKETO_MOST = -(2**63), 2**63 - 1
#: Both services' numbers end long before this many digits.
_MOST_DIGITS = 30
#: Largest number of single precision (IEEE 754, binary32).
_SINGLE_MOST = 3.4028234e38
#: Our own, since the host's decimal context may have fewer digits or other traps.
_EXACT = Context(prec=2 * _MOST_DIGITS, rounding=ROUND_HALF_UP, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


def _decimal(raw: object) -> Decimal | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str, Decimal)):
        raise ValueRejectedError("a number was expected", code="not-a-number")
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        raise ValueRejectedError("a number was expected", code="not-a-number") from None
    if not value.is_finite():
        raise ValueRejectedError("a finite number was expected", code="not-a-number")
    if value.adjusted() >= _MOST_DIGITS:
        raise ValueRejectedError("more digits than either service keeps", code="out-of-range")
    return value


def _plain(value: Decimal) -> Decimal:
    """Return a number in the one form that equal numbers have."""
    normal = Decimal(0) if value.is_zero() else value.normalize(_EXACT)
    if not normal.is_finite() or int(normal.as_tuple().exponent) <= 0:
        return normal
    return normal.quantize(Decimal(1), context=_EXACT)


def _whole(value: Decimal | float) -> None:
    if value != int(value):
        raise ValueRejectedError("a fraction where Marketo takes whole numbers", code="not-whole")
    _in_range(value, _MARKETO_LEAST, _MARKETO_MOST, "Marketo")


def _in_range(value: Decimal | int | float, low: float | None, high: float | None, side: str) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueRejectedError(f"outside the range {low} to {high} that {side} takes", code="out-of-range")


@frozen
class IntegerCodec(Codec[int]):
    """A whole number.

    Attributes:
        minimum: Smallest number the column takes.
        maximum: Largest number the column takes.
        whole: Whether the Marketo field takes whole numbers only.
    """

    name: ClassVar[str] = "whole number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Integer", "BigInt"})
    samples: ClassVar[tuple[object, ...]] = (0, -7, 2_147_483_647)

    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False

    def from_marketo(self, raw: JSON) -> int | None:
        """Return the number; one with a fraction is refused, never rounded."""
        value = _decimal(raw)
        if value is None:
            return None
        if value != value.to_integral_value():
            raise ValueRejectedError("a whole number was expected", code="not-whole")
        return int(value)

    def to_marketo(self, value: int | None) -> JSON:
        """Return the number, refusing one that is larger than Marketo's whole numbers."""
        number = self.from_marketo(value)
        if number is not None and self.whole:
            _whole(number)
        return number

    def from_dynamics(self, raw: JSON) -> int | None:
        """Return the number."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: int | None) -> JSON:
        """Return the number, refusing one outside the column's range."""
        number = self.from_marketo(value)
        if number is not None:
            _in_range(number, self.minimum, self.maximum, "Dynamics")
        return number

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's range."""
        super().bind(marketo, dynamics)
        whole = marketo is not None and marketo.type in _MARKETO_WHOLE
        if dynamics is None:
            return evolve(self, whole=whole)
        return evolve(self, minimum=dynamics.minimum, maximum=dynamics.maximum, whole=whole)


@frozen
class DecimalCodec(Codec[Decimal]):
    """An exact number with a fixed count of digits after the point.

    Dataverse rounds to the column's precision, so values are rounded the same way before they are compared.

    Attributes:
        precision: Digits after the point; ``None`` keeps all.
        minimum: Smallest number the column takes.
        maximum: Largest number the column takes.
        whole: Whether the Marketo field takes whole numbers only.
    """

    name: ClassVar[str] = "decimal number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Decimal", "Double", "Money", "Integer"})
    samples: ClassVar[tuple[object, ...]] = (Decimal("0"), Decimal("1234.5"), Decimal("-0.01"))

    precision: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False

    def from_marketo(self, raw: JSON) -> Decimal | None:
        """Return the number at the field's precision."""
        value = _decimal(raw)
        return None if value is None else self._rounded(value)

    def to_marketo(self, value: Decimal | None) -> JSON:
        """Return a JSON number, refusing a fraction for a whole number field."""
        rounded = self._checked(value)
        if rounded is not None and self.whole:
            _whole(rounded)
        return self._json(rounded)

    def from_dynamics(self, raw: JSON) -> Decimal | None:
        """Return the number at the field's precision."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: Decimal | None) -> JSON:
        """Return a JSON number, refusing one outside the column's range."""
        rounded = self._checked(value)
        if rounded is not None:
            _in_range(rounded, self.minimum, self.maximum, "Dynamics")
        return self._json(rounded)

    def dump(self, value: Decimal | None) -> JSON:
        """Return the number as text, so that no digit is lost."""
        if value is None:
            return None
        return str(_plain(value) if isinstance(value, Decimal) else value)

    def load(self, raw: JSON) -> Decimal | None:
        """Return the number that :meth:`dump` wrote."""
        return None if raw is None else Decimal(str(raw))

    def stored_form(self, written: Decimal | None, read: Decimal | None) -> bool:
        """Return whether ``read`` is ``written`` rounded to fewer digits."""
        if written is None or read is None:
            return written is read
        places = max(0, min(-int(read.normalize(_EXACT).as_tuple().exponent), 10))
        half = Decimal(5).scaleb(-places - 1, _EXACT)
        return _EXACT.abs(_EXACT.subtract(written, read)) <= half

    def forms(self, written: Decimal) -> tuple[Decimal | None, ...]:
        """Return the number rounded to every count of digits that is less than it has; a half goes either way."""
        most = min(-int(_plain(written).as_tuple().exponent), 11)
        rounded = (
            _plain(written.quantize(Decimal(1).scaleb(-places, _EXACT), rounding, _EXACT))
            for places, rounding in itertools.product(range(most), (ROUND_HALF_UP, ROUND_HALF_DOWN))
        )
        return tuple(dict.fromkeys((_plain(written), *rounded)))

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's precision and range."""
        super().bind(marketo, dynamics)
        if dynamics is None:
            return self
        return evolve(
            self,
            precision=0 if dynamics.type == "Integer" else dynamics.precision,
            minimum=dynamics.minimum,
            maximum=dynamics.maximum,
            whole=marketo is not None and marketo.type in _MARKETO_WHOLE,
        )

    def _checked(self, value: Decimal | None) -> Decimal | None:
        number = _decimal(value)
        return None if number is None else self._rounded(number)

    def _rounded(self, value: Decimal) -> Decimal:
        if self.precision is not None:
            value = value.quantize(Decimal(1).scaleb(-self.precision, _EXACT), context=_EXACT)
        return _plain(value)

    @staticmethod
    def _json(value: Decimal | None) -> JSON:
        if value is None:
            return None
        return int(value) if value == int(value) else float(value)


@frozen
class MoneyCodec(DecimalCodec):
    """An amount of money: a decimal number, in the row's own currency in Dataverse, without one in Marketo."""

    name: ClassVar[str] = "money"
    samples: ClassVar[tuple[object, ...]] = (Decimal("0"), Decimal("125000.5"))


@frozen
class FloatCodec(Codec[float]):
    """A floating point number.

    Attributes:
        precision: Digits after the point; ``None`` keeps all.
        minimum: Smallest number the column takes.
        maximum: Largest number the column takes.
        whole: Whether the Marketo field takes whole numbers only.
    """

    name: ClassVar[str] = "floating point number"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_NUMBERS
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Double", "Decimal", "Money"})
    samples: ClassVar[tuple[object, ...]] = (0.0, 1.5, -2.25)

    precision: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False

    def from_marketo(self, raw: JSON) -> float | None:
        """Return the number."""
        value = _decimal(raw)
        if value is None:
            return None
        number = float(value)
        return number if self.precision is None else round(number, self.precision)

    def to_marketo(self, value: float | None) -> JSON:
        """Return the number, refusing a fraction for a whole number field."""
        number = self.from_marketo(value)
        if number is not None and self.whole:
            _whole(number)
            return int(number)
        return number

    def from_dynamics(self, raw: JSON) -> float | None:
        """Return the number."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: float | None) -> JSON:
        """Return the number, refusing one outside the column's range."""
        number = self.from_marketo(value)
        if number is not None:
            _in_range(number, self.minimum, self.maximum, "Dynamics")
        return number

    def stored_form(self, written: float | None, read: float | None) -> bool:
        """Return whether the two differ by less than what single precision loses."""
        if written is None or read is None:
            return written is read
        return math.isclose(written, read, rel_tol=1e-6, abs_tol=1e-9)

    def forms(self, written: float) -> tuple[float | None, ...]:
        """Return the number in single precision."""
        return (self.form(written),)

    def form(self, read: float | None) -> float | None:
        """Return the number in single precision."""
        if read is None or abs(read) > _SINGLE_MOST:
            return read
        return float(struct.unpack("f", struct.pack("f", read))[0])

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's precision and range."""
        super().bind(marketo, dynamics)
        if dynamics is None:
            return self
        return evolve(
            self,
            precision=dynamics.precision,
            minimum=dynamics.minimum,
            maximum=dynamics.maximum,
            whole=marketo is not None and marketo.type in _MARKETO_WHOLE,
        )
