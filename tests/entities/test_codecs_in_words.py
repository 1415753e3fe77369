"""Why a codec refuses a value, word for word, and the last value that it takes: what a parked field shows a human."""

from __future__ import annotations

import decimal
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import BoundField, Option, Ref, Side
from marketo_dynamics_sync.entities.codecs import (
    BooleanCodec,
    ChoiceCodec,
    DateCodec,
    DateTimeCodec,
    DecimalCodec,
    EmailCodec,
    EnumCodec,
    FloatCodec,
    GuidCodec,
    IntegerCodec,
    LookupCodec,
    MultiChoiceCodec,
    TextCodec,
    codec_for,
)
from marketo_dynamics_sync.entities.codecs.choices import unique_labels
from marketo_dynamics_sync.entities.codecs.linked import LinkedNameCodec, LinkedPersonCodec
from marketo_dynamics_sync.entities.codecs.text import utf16_units
from marketo_dynamics_sync.errors import MappingError, ValueRejectedError

from .laws import dynamics, marketo

UTC_1752 = datetime(1752, 12, 31, 23, 59, 59, tzinfo=UTC)
BEFORE = "Dynamics keeps no date before 1753"
RANGE = "outside the range 1 to 10 that Dynamics takes"
WIDE = "outside the range -9223372036854775808 to 9223372036854775807 that Marketo takes"
FRACTION = "a fraction where Marketo takes whole numbers"


class Tier(Enum):
    GOLD = 1
    SILVER = 2


ONLY_GOLD = EnumCodec(Tier).bind(None, dynamics("Picklist", options=(Option(1, "Gold"),)))


@pytest.mark.parametrize(
    ("call", "value", "code", "reason"),
    [
        (BooleanCodec().from_marketo, "true", "not-boolean", "true or false was expected"),
        (ChoiceCodec().from_marketo, "Gold", "unknown-option", "not a label of the option set"),
        (ChoiceCodec().from_dynamics, "1", "unknown-option", "the number of an option was expected"),
        (ChoiceCodec({1: "Gold"}).to_dynamics, 2, "unknown-option", "not a number of the option set"),
        (EnumCodec(Tier).from_marketo, "Tin", "unknown-option", "not a choice of Tier"),
        (ONLY_GOLD.to_dynamics, Tier.SILVER, "unknown-option", "not a number of the option set"),
        (MultiChoiceCodec().from_marketo, 5, "unknown-option", "labels joined by ; were expected"),
        (MultiChoiceCodec().from_dynamics, "1;2", "unknown-option", "numbers joined by commas were expected"),
        (
            MultiChoiceCodec().to_dynamics,
            frozenset(range(151)),
            "too-many",
            "151 choices where Dynamics takes 150",
        ),
        (LookupCodec().from_marketo, "x", "bad-guid", "not a GUID"),
        (DateCodec().from_marketo, 5, "not-a-date", "a date was expected"),
        (DateCodec().from_marketo, "2024-02-30", "not-a-date", "a date was expected"),
        (DateCodec().to_dynamics, date(1752, 12, 31), "out-of-range", BEFORE),
        (DateTimeCodec().from_marketo, 5, "not-a-datetime", "a datetime was expected"),
        (DateTimeCodec().from_marketo, "soon", "not-a-datetime", "a date and time was expected"),
        (DateTimeCodec().to_dynamics, UTC_1752, "out-of-range", BEFORE),
        (
            DateTimeCodec(day_only=True).to_dynamics,
            datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC),
            "has-a-time",
            "the column keeps a day without a time",
        ),
        (IntegerCodec().from_marketo, 1.5, "not-whole", "a whole number was expected"),
        (IntegerCodec().from_marketo, True, "not-a-number", "a number was expected"),
        (IntegerCodec().from_marketo, 10**30, "out-of-range", "more digits than either service keeps"),
        (IntegerCodec(1, 10).to_dynamics, 11, "out-of-range", RANGE),
        (DecimalCodec(minimum=1, maximum=10).to_dynamics, Decimal("0.5"), "out-of-range", RANGE),
        (FloatCodec(minimum=1, maximum=10).to_dynamics, 10.5, "out-of-range", RANGE),
        (DecimalCodec(whole=True).to_marketo, Decimal("0.5"), "not-whole", FRACTION),
        (FloatCodec(whole=True).to_marketo, 0.5, "not-whole", FRACTION),
        (FloatCodec().from_marketo, float("nan"), "not-a-number", "a finite number was expected"),
        (TextCodec().from_marketo, True, "not-text", "a text was expected"),
        (TextCodec(marketo_length=2).to_marketo, "abc", "too-long", "3 characters where Marketo takes 2"),
        (TextCodec(dynamics_length=2).to_dynamics, "a😀", "too-long", "3 characters where Dynamics takes 2"),
        (TextCodec().to_marketo, "a\x00", "bad-character", "a NUL character, which neither service keeps"),
        (TextCodec().to_dynamics, "\ud800", "bad-value", "half of a character, which can't be sent"),
        (
            ChoiceCodec({1: "Gold"}, marketo_length=3).to_marketo,
            1,
            "too-long",
            "a label of 4 characters where Marketo takes 3",
        ),
        (DecimalCodec(whole=True).to_marketo, Decimal(2**63), "out-of-range", WIDE),
        (IntegerCodec(whole=True).to_marketo, -(2**63) - 1, "out-of-range", WIDE),
        (LinkedNameCodec(longest=3).to_marketo, "abcd", "too-long", "longer than the 3 characters that Marketo keeps"),
        (EmailCodec().to_marketo, "ada", "bad-email", "not an e-mail address that Marketo takes"),
        (GuidCodec().from_marketo, "x", "bad-guid", "not a GUID"),
    ],
)
def test_a_refusal_says_what_is_wrong(call: Callable[[Any], object], value: object, code: str, reason: str) -> None:
    with pytest.raises(ValueRejectedError) as caught:
        call(value)
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_the_last_value_that_fits_is_taken() -> None:
    assert DateCodec().to_dynamics(date(1753, 1, 1)) == "1753-01-01"
    assert DateTimeCodec().to_dynamics(datetime(1753, 1, 1, tzinfo=UTC)) == "1753-01-01T00:00:00Z"
    assert IntegerCodec(1, 10).to_dynamics(1) == 1
    assert IntegerCodec(1, 10).to_dynamics(10) == 10
    assert IntegerCodec().from_marketo(-(10**30) + 1) == -(10**30) + 1
    assert TextCodec(marketo_length=2).to_marketo("a😀") == "a😀"
    assert TextCodec(dynamics_length=3).to_dynamics("a😀") == "a😀"
    assert MultiChoiceCodec().to_dynamics(frozenset(range(150)))
    assert ChoiceCodec({1: "Gold"}, marketo_length=4).to_marketo(1) == "Gold"
    assert IntegerCodec(whole=True).to_marketo(2**63 - 1) == 2**63 - 1
    assert IntegerCodec(whole=True).to_marketo(None) is None
    assert IntegerCodec().bind(marketo("float"), None).to_marketo(2**63) == 2**63
    assert LinkedNameCodec(longest=3).to_marketo("abc") == "abc"
    both = MultiChoiceCodec(ChoiceCodec({1: "Gold", 2: "Tin"}), marketo_length=len("Gold; Tin"))
    assert both.to_marketo(frozenset({1, 2})) == "Gold; Tin"
    with pytest.raises(ValueRejectedError, match=r"^9 characters where Marketo takes 8$"):
        evolve(both, marketo_length=8).to_marketo(frozenset({1, 2}))


def test_a_moment_in_a_column_of_days_is_refused_with_the_way_out() -> None:
    wanted = (
        r"^dynamics column 'new_column' holds moments \(UserLocal\), and the day of a moment "
        r"depends on a time zone; annotate the field as datetime$"
    )
    with pytest.raises(MappingError, match=wanted):
        DateCodec().bind(marketo("date"), dynamics("DateTime", behavior="UserLocal"))


def test_an_own_enum_reads_labels_that_the_option_set_had_before() -> None:
    column = dynamics("Picklist", options=(Option(1, "Best"), Option(2, "Second")), former={"Platinum": 1, "Tin": 9})
    codec = EnumCodec(Tier).bind(marketo("string"), column)
    assert codec.from_marketo("platinum") is Tier.GOLD
    assert codec.from_marketo("Best") is Tier.GOLD
    with pytest.raises(ValueRejectedError):
        codec.from_marketo("Tin")


def test_a_bound_lookup_writes_through_the_navigation_property() -> None:
    column = dynamics(
        "Lookup", targets=("account",), navigation={"account": "new_Column"}, entity_sets={"account": "accounts"}
    )
    row = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"
    codec = LookupCodec().bind(marketo("string"), column)
    assert codec.write_row("new_column", Ref("account", row)) == {"new_Column@odata.bind": f"/accounts({row})"}
    assert codec.write_row("new_column", None) == {"new_Column@odata.bind": None}


def test_rounding_on_the_other_side_is_half_of_the_last_digit_and_no_more() -> None:
    kept = DecimalCodec().stored_form
    assert kept(Decimal("1.25"), Decimal("1.2"))
    assert kept(Decimal("1.15"), Decimal("1.2"))
    assert not kept(Decimal("1.2501"), Decimal("1.2"))
    assert not kept(Decimal("1.255"), Decimal("1.2"))
    # No column keeps more than ten digits after the point, so what lies beyond is never told apart.
    fine = Decimal("0.12345678901")
    assert kept(fine + Decimal("4e-11"), fine)
    assert not kept(fine + Decimal("6e-11"), fine)
    # A whole number is rounded to ones, whatever zeros it ends with.
    assert not kept(Decimal("104"), Decimal("100"))


def test_the_hosts_decimal_context_means_nothing() -> None:
    with decimal.localcontext(decimal.Context(prec=1, Emax=1, Emin=-1)):
        assert DecimalCodec().stored_form(Decimal("1.23456"), Decimal("1.2346"))
        assert not DecimalCodec().stored_form(Decimal("1.23456"), Decimal("1.2344"))
        assert not DecimalCodec().stored_form(Decimal("1.254"), Decimal("1.2"))
        assert IntegerCodec().from_marketo("123456") == 123456
        assert DecimalCodec().dump(DecimalCodec().from_marketo(120_000)) == "120000"
        rounded = DecimalCodec(precision=6).from_marketo(" 1.2345678 ")
    assert rounded == Decimal("1.234568")
    assert DecimalCodec().dump(DecimalCodec().from_marketo("1E+1")) == "10"


def test_the_forms_of_a_number_end_where_columns_do() -> None:
    written = Decimal("0.123456789126")
    assert DecimalCodec().forms(written) == (written, *(round(written, places) for places in range(11)))
    assert DecimalCodec().forms(Decimal(100)) == (Decimal(100),)


def test_the_forms_of_a_number_are_the_same_under_every_host() -> None:
    with decimal.localcontext(decimal.Context(prec=1, Emax=1, Emin=-1)):
        forms = DecimalCodec().forms(Decimal("1234.2565"))
    assert forms == tuple(map(Decimal, ("1234.2565", "1234", "1234.3", "1234.26", "1234.257", "1234.256")))


def test_a_number_that_is_rounded_to_nothing_has_no_sign() -> None:
    codec = DecimalCodec(precision=2)
    assert codec.dump(Decimal("-0.00")) == "0"
    assert codec.dump(codec.from_marketo("-0.001")) == "0"


def test_single_precision_ends_where_its_largest_number_does() -> None:
    assert FloatCodec().form(None) is None
    assert FloatCodec().form(1.1) == 1.10000002384185791015625
    assert FloatCodec().form(3.4028234e38) == 3.4028234663852886e38
    assert [FloatCodec().form(number) for number in (1e39, -1e300)] == [1e39, -1e300]


@pytest.mark.parametrize("codec", [TextCodec(), EmailCodec()], ids=lambda codec: codec.name)
def test_an_empty_text_has_the_form_of_one_that_is_blank(codec: TextCodec) -> None:
    assert [codec.form(read) for read in (None, "", "  ")] == ["", "", ""]


def test_a_rounding_error_near_zero_is_no_change() -> None:
    assert FloatCodec().stored_form(0.0, 1e-10)
    assert not FloatCodec().stored_form(0.0, 1e-8)
    assert FloatCodec().stored_form(1_000_000.0, 1_000_000.5)
    assert not FloatCodec().stored_form(1_000_000.0, 1_000_002.0)


def test_a_lookup_that_marketo_keeps_as_a_persons_number() -> None:
    codec = LinkedPersonCodec().bind(marketo("integer"), dynamics("Lookup", targets=("contact",)))
    row = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"
    assert codec.column("record2id") == "_record2id_value"
    read = codec.read_row({"_record2id_value": row}, "record2id")
    assert isinstance(read, Ref)
    assert (read.table, read.id) == ("contact", row)
    assert [codec.to_marketo(value) for value in ("1001", "new-1", "١", None)] == [1001, "new-1", "١", None]
    assert [codec.from_marketo(raw) for raw in (1001, "1001", "", None)] == ["1001", "1001", None, None]
    with pytest.raises(MappingError, match="a person can't be kept there"):
        LinkedPersonCodec().bind(marketo("boolean"), None)
    with pytest.raises(MappingError, match=r"^dynamics field 'new_column' is of type 'String'; a person can't be kept"):
        LinkedPersonCodec().bind(None, dynamics("String"))


def test_a_whole_number_field_is_known_without_a_column() -> None:
    with pytest.raises(ValueRejectedError, match=r"that Marketo takes$"):
        IntegerCodec().bind(marketo("integer"), None).to_marketo(2**63)


def test_no_moment_is_beyond_the_calendar() -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(ValueRejectedError, match=r"^no moment of the years 1 to 9999 in UTC$"):
        DateTimeCodec().to_marketo(early)
    naive = DateTimeCodec().from_marketo("2024-06-01T12:00:00")
    assert naive == datetime(2024, 6, 1, 12, tzinfo=UTC)


def test_nothing_is_kept_as_nothing() -> None:
    assert (DecimalCodec().dump(None), DecimalCodec().load(None)) == (None, None)


def test_a_lookup_that_marketo_keeps_as_a_name() -> None:
    named = LinkedNameCodec().bind(marketo("string", max_length=3), dynamics("Lookup", targets=("connectionrole",)))
    assert [named.from_marketo(raw) for raw in ("Head", 5, "", None)] == ["Head", "5", None, None]
    assert (named.to_marketo(None), named.cut("  ab cd "), LinkedNameCodec().cut(" ab cd ")) == (None, "ab", "ab cd")
    assert LinkedNameCodec().to_marketo("x" * 300) == "x" * 300
    row = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"
    read = named.read_row({"_role_value": row}, "role")
    assert isinstance(read, Ref)
    assert (read.table, read.id) == ("connectionrole", row)
    unbound = LinkedNameCodec().bind(None, dynamics("Lookup", targets=("connectionrole",)))
    assert (unbound.longest, unbound.read_row({"_role_value": row}, "role")) == (None, read)
    with pytest.raises(MappingError, match="a name can't be kept there"):
        LinkedNameCodec().bind(marketo("boolean"), None)
    with pytest.raises(MappingError, match=r"^dynamics field 'new_column' is of type 'String'; a name can't be kept"):
        LinkedNameCodec().bind(None, dynamics("String"))


def test_what_has_no_zone_is_utc_wherever_the_host_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as host:
        host.setenv("TZ", "America/New_York")
        time.tzset()
        assert DateTimeCodec().to_marketo(datetime(2024, 6, 1, 12)) == "2024-06-01T12:00:00Z"
    time.tzset()


def test_labels_and_lengths_at_their_edges() -> None:
    assert unique_labels([Option(1, "a;b"), Option(2, "a,b")], joiner=";") == {1: "a,b (1)", 2: "a,b (2)"}
    assert (utf16_units("\uffff"), utf16_units("\U00010000")) == (1, 2)


def test_a_type_that_nothing_carries_is_refused_with_the_way_out() -> None:
    wanted = (
        "no codec carries the type complex: annotate it as one of text, number, boolean, date, Enum, Ref, or give it "
        "one with mapped(codec=...)"
    )
    with pytest.raises(MappingError, match=f"^{re.escape(wanted)}$"):
        codec_for(complex)


def test_a_codec_is_asked_under_the_name_of_its_column() -> None:
    class Named(TextCodec):
        def write_row(self, name: str, value: str | None) -> dict[str, Any]:
            if name != "new_x":
                raise ValueRejectedError("another column", code="other")
            return {name: value}

    bound = BoundField("x", "x", "new_x", Named(), True, True)
    assert bound.problem(Side.DYNAMICS, "a") is None
