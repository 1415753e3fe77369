"""Whole numbers, decimals, money and floats, both ways."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities.codecs import Codec, DecimalCodec, FloatCodec, IntegerCodec, MoneyCodec
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo, reading_is_settled, refused

#: Numbers that a JSON number carries without loss.
AMOUNTS = st.decimals("-99999999", "99999999", places=4)
FLOATS = st.floats(-1e12, 1e12)
EVERY = [IntegerCodec(), DecimalCodec(), MoneyCodec(), FloatCodec()]


@given(st.integers(-(2**63), 2**63))
def test_any_whole_number_comes_back(number: int) -> None:
    comes_back(IntegerCodec(), number)


@given(AMOUNTS)
@example(Decimal("0"))
@example(Decimal("-0.0001"))
def test_any_amount_comes_back(amount: Decimal) -> None:
    comes_back(DecimalCodec(), amount)
    comes_back(MoneyCodec().bind(marketo("currency"), dynamics("Money", precision=4)), amount)


@given(FLOATS)
def test_any_float_comes_back(number: float) -> None:
    comes_back(FloatCodec(), number)


@pytest.mark.parametrize("codec", EVERY)
def test_nothing_is_nothing(codec: Codec[object]) -> None:
    comes_back(codec, None)
    assert codec.from_marketo("") is None
    assert codec.from_dynamics(None) is None
    assert not codec.stored_form(codec.from_marketo(0), None)


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize("raw", [True, "14c", "100%", [1], float("inf"), float("nan"), "sNaN"])
def test_what_is_no_number_is_refused_both_ways(codec: Codec[object], raw: object) -> None:
    for way in (codec.from_marketo, codec.to_marketo, codec.from_dynamics, codec.to_dynamics):
        assert refused(way, raw) == "not-a-number"


@pytest.mark.parametrize("codec", EVERY)
def test_a_number_beyond_both_services_is_refused_before_it_fills_the_memory(codec: Codec[object]) -> None:
    assert refused(codec.from_marketo, "1e999999999") == "out-of-range"
    assert refused(codec.to_dynamics, Decimal("1e30")) == "out-of-range"


def test_a_fraction_is_never_rounded_into_a_whole_number() -> None:
    codec = IntegerCodec()
    assert codec.from_marketo(14.0) == 14
    assert codec.from_marketo(" 14 ") == 14
    assert codec.from_dynamics(Decimal("5000000.0000")) == 5_000_000
    assert refused(codec.from_marketo, 14.1) == "not-whole"
    assert refused(codec.to_marketo, 14.1) == "not-whole"


def test_numbers_stay_in_the_columns_range() -> None:
    for codec in (IntegerCodec(), DecimalCodec(), MoneyCodec(), FloatCodec()):
        kind = {IntegerCodec: "Integer", FloatCodec: "Double"}.get(type(codec), "Decimal")
        bound = codec.bind(marketo("float"), dynamics(kind, minimum=-5, maximum=10))
        assert bound.to_dynamics(bound.from_marketo(10)) == 10
        assert bound.to_dynamics(bound.from_marketo(-5)) == -5
        assert refused(bound.to_dynamics, bound.from_marketo(11)) == "out-of-range"
        assert refused(bound.to_dynamics, bound.from_marketo(-6)) == "out-of-range"
        assert bound.to_marketo(bound.from_marketo(11)) == 11, "the range is the column's"


def test_a_range_may_have_one_end() -> None:
    assert IntegerCodec(minimum=0).to_dynamics(10**9) == 10**9
    assert IntegerCodec(maximum=0).to_dynamics(-(10**9)) == -(10**9)
    assert refused(IntegerCodec(minimum=0).to_dynamics, -1) == "out-of-range"


def test_amounts_are_rounded_as_the_column_keeps_them() -> None:
    codec = MoneyCodec().bind(marketo("currency"), dynamics("Money", precision=2))
    assert codec.from_marketo(2.675) == Decimal("2.68")
    assert codec.from_marketo(-2.675) == Decimal("-2.68")
    assert codec.from_dynamics("125000.5000") == Decimal("125000.5")
    assert codec.to_dynamics(Decimal("1.005")) == 1.01
    assert codec.to_marketo(Decimal("100.00")) == 100
    assert isinstance(codec.to_marketo(Decimal("100.00")), int)


@given(st.decimals("-1e9", "1e9", allow_nan=False), st.integers(0, 6))
def test_an_amount_that_was_read_once_never_moves_again(amount: Decimal, precision: int) -> None:
    codec = DecimalCodec().bind(None, dynamics("Decimal", precision=precision))
    reading_is_settled(codec, str(amount))


def test_amounts_are_written_out_and_never_in_powers_of_ten() -> None:
    assert str(DecimalCodec().from_marketo(5000000)) == "5000000"
    assert DecimalCodec().dump(DecimalCodec().from_marketo("1e6")) == "1000000"


def test_a_column_of_whole_numbers_takes_no_fraction_of_a_decimal() -> None:
    codec = DecimalCodec().bind(marketo("float"), dynamics("Integer", precision=4))
    assert codec.to_dynamics(Decimal("1.5")) == 2
    assert codec.from_marketo(1.5) == Decimal(2)


@pytest.mark.parametrize("kind", ["integer", "score"])
def test_a_whole_number_field_of_marketo_is_not_sent_a_fraction(kind: str) -> None:
    exact = DecimalCodec().bind(marketo(kind), dynamics("Decimal", precision=2))
    assert exact.to_marketo(Decimal("2.00")) == 2
    assert refused(exact.to_marketo, Decimal("2.5")) == "not-whole"
    assert exact.to_dynamics(Decimal("2.5")) == 2.5
    floating = FloatCodec().bind(marketo(kind), dynamics("Double"))
    assert floating.to_marketo(2.0) == 2
    assert isinstance(floating.to_marketo(2.0), int)
    assert refused(floating.to_marketo, 2.5) == "not-whole"
    assert floating.to_marketo(None) is None


def test_the_hosts_decimal_context_changes_nothing() -> None:
    codec = DecimalCodec().bind(marketo("currency"), dynamics("Money", precision=4))
    tight = decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded, decimal.InvalidOperation])
    with decimal.localcontext(tight):
        value = codec.from_marketo(123456.7891)
        assert value == Decimal("123456.7891")
        assert codec.to_dynamics(value) == 123456.7891
        assert codec.load(codec.dump(value)) == value
        assert codec.stored_form(value, Decimal("123456.789"))
        assert IntegerCodec().from_marketo("1234567") == 1234567


def test_more_digits_than_a_host_context_has_are_kept() -> None:
    assert DecimalCodec().load(DecimalCodec().dump(Decimal("9" * 29 + ".25"))) == Decimal("9" * 29 + ".25")
    assert DecimalCodec().from_marketo("9" * 29 + ".25") == Decimal("9" * 29 + ".25")


def test_an_amount_that_came_back_rounded_is_what_was_written() -> None:
    codec = DecimalCodec()
    assert codec.stored_form(Decimal("1.2345"), Decimal("1.23"))
    assert codec.stored_form(Decimal("1.235"), Decimal("1.23")), "half to even"
    assert codec.stored_form(Decimal("1.235"), Decimal("1.24")), "half up"
    assert codec.stored_form(Decimal("99.6"), Decimal("100"))
    assert not codec.stored_form(Decimal("1.2345"), Decimal("1.25"))
    assert not codec.stored_form(Decimal("140"), Decimal("100"))
    assert not codec.stored_form(None, Decimal("0"))
    assert codec.stored_form(None, None)


def test_floats_are_rounded_to_the_columns_precision() -> None:
    codec = FloatCodec().bind(marketo("percent"), dynamics("Double", precision=2))
    assert codec.from_marketo(34.666) == 34.67
    assert codec.from_dynamics("34.666") == 34.67
    assert codec.to_marketo(34.666) == 34.67
    assert codec.to_dynamics(34.666) == 34.67


def test_a_float_kept_in_single_precision_is_what_was_written() -> None:
    codec = FloatCodec()
    assert codec.stored_form(0.1, 0.10000000149)
    assert not codec.stored_form(0.1, 0.1001)
    assert not codec.stored_form(0.0, None)
    assert codec.stored_form(None, None)


@pytest.mark.parametrize("codec", EVERY)
def test_numbers_fit_number_fields_only(codec: Codec[object]) -> None:
    assert codec.bind(marketo("float"), None) == codec, "without a column nothing is known of limits"
    for kind in ("integer", "score", "float", "percent", "currency"):
        codec.bind(marketo(kind), None)
    with pytest.raises(MappingError, match=f"of type 'string'; a {codec.name} can't be kept there"):
        codec.bind(marketo("string"), None)
    with pytest.raises(MappingError, match="of type 'Picklist'"):
        codec.bind(None, dynamics("Picklist"))
