"""Digests equal what they were made of, show nothing of it, and know what services make of a written value."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import JSON, UNREADABLE, Digest, Invalid, Values
from marketo_dynamics_sync.entities.codecs import (
    BooleanCodec,
    ChoiceCodec,
    Codec,
    DateCodec,
    DateTimeCodec,
    DecimalCodec,
    EmailCodec,
    EnumCodec,
    FloatCodec,
    IntegerCodec,
    LookupCodec,
    MoneyCodec,
    MultiChoiceCodec,
    PhoneCodec,
    TextCodec,
    UrlCodec,
)
from marketo_dynamics_sync.entities.codecs.linked import LinkedNameCodec, LinkedPersonCodec
from marketo_dynamics_sync.entities.codecs.text import GuidCodec
from marketo_dynamics_sync.errors import ValueRejectedError
from marketo_dynamics_sync.testing.field_values import of_codec
from tests.bound import LEAD

KEY = b"k" * 32


class Tier(Enum):
    GOLD = 1
    SILVER = 2


CODECS: list[Codec[Any]] = [
    BooleanCodec(),
    ChoiceCodec(),
    DateCodec(),
    DateTimeCodec(),
    DecimalCodec(),
    EmailCodec(),
    EnumCodec(Tier),
    FloatCodec(),
    IntegerCodec(),
    LookupCodec(),
    MoneyCodec(),
    MultiChoiceCodec(),
    PhoneCodec(),
    TextCodec(),
    UrlCodec(),
]


def digest(codec: Codec[Any], value: object, *, forms: bool = False) -> Digest:
    """Return a value's digest as it comes back from a store."""
    made = Digest.of(KEY, "row field", codec.dump(value), map(codec.dump, codec.forms(value)) if forms else ())
    kept = Digest.read(KEY, json.loads(json.dumps(made.stored())))
    assert kept is not None
    return kept.with_codec(codec)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: type(codec).__name__)
@given(data=st.data())
def test_a_digest_equals_what_its_value_equals(codec: Codec[Any], data: st.DataObject) -> None:
    values = of_codec(codec)
    assert values is not None
    one, other = data.draw(values), data.draw(values)
    kept = digest(codec, one)
    assert kept == one
    assert one == kept
    assert (kept == other) is (one == other)
    assert (other != kept) is (one != other)
    assert bool(kept) is bool(one)
    assert kept == digest(codec, one)
    assert (kept == digest(codec, other)) is (one == other)


@pytest.mark.parametrize("nothing", [None, "", UNREADABLE, Invalid("not-text", "no"), object(), (), [1], 7.5])
def test_a_digest_equals_nothing_else(nothing: object) -> None:
    for codec in CODECS:
        assert digest(codec, codec.examples()[0] if codec.examples() else 3) != nothing


def test_numbers_and_flags_are_equal_as_in_python() -> None:
    for codec, value in ((BooleanCodec(), False), (BooleanCodec(), True), (IntegerCodec(), 0), (IntegerCodec(), 1)):
        kept = digest(codec, value)
        assert [kept == other for other in (False, True, 0, 1)] == [value == other for other in (False, True, 0, 1)]
        assert [kept.exactly(other) for other in (False, True, 0, 1)] == [
            type(value) is type(other) and value == other for other in (False, True, 0, 1)
        ]
    assert not digest(BooleanCodec(), False)
    assert not digest(IntegerCodec(), 0)
    assert not digest(FloatCodec(), 0.0)
    assert digest(FloatCodec(), 2.0) == 2
    assert digest(DecimalCodec(), Decimal("1.50")) == Decimal("1.5")
    assert digest(DecimalCodec(), Decimal("1E+2")) == Decimal(100)


def test_a_digest_shows_nothing_of_its_value() -> None:
    kept = digest(TextCodec(), "Ada Lovelace", forms=True)
    assert repr(kept) == "Digest()"
    assert str(kept) == "Digest()"
    assert "Ada" not in json.dumps(kept.stored())
    with pytest.raises(TypeError):
        hash(kept)


def test_one_value_has_another_digest_in_every_place_and_under_every_key() -> None:
    texts = {
        Digest.of(key, place, "Ada").text for key in (b"a" * 32, b"b" * 32) for place in ("row-1 name", "row-2 name")
    }
    assert len(texts) == 4
    assert len({text[4:] for text in texts}) == 4
    assert all(len(text) == 26 for text in texts)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Ada", "k8TSpzoeFGedWIfYPR3W13Y4PQ"),
        ("Zoë 中 😀", "k8TSCVErh4U1CCneWO8SM-iVPg"),
        ("half \ud83d", "k8TSSUAoionWnes3KRNpjt4QDg"),
        ("7", "k8TSC_zERy2-bV4NZFjTI1gmMA"),
        (7, "k8TSttXVf2mjZ8qXlEUetc_ToA"),
        (7.0, "k8TSttXVf2mjZ8qXlEUetc_ToA"),
        (7.5, "k8TSytVzKvuNYn0uXHSI6A8n7Q"),
        (True, "k8TS05KnHFgT8vYUd6Vm4CsDww"),
        ([1, 2], "k8TSIHqZsQ4FltcpfcUFujLCdQ"),
        ({"b": 1, "a": ["x", None]}, "k8TSG6WDgZwzI7IwfEwg-Y48cQ"),
    ],
)
def test_what_stores_hold_stays_true(raw: JSON, text: str) -> None:
    # Whoever changes one of these texts makes every value that is remembered in a store look edited.
    assert Digest.of(KEY, "row field", raw).stored() == {"#": text}


def test_the_codes_of_forms_stand_behind_the_values_own() -> None:
    text = Digest.of(KEY, "row field", " Ada ", ("Ada", " Ada ", "ADA")).text
    assert text == "k8TSI3Jd0V0ZOGYuCf59ifwf_ApzoeFGedWIfYPR3W13Y4PQ2jXCWCbs3X6SDKAOdAg0sQ"
    # A code is looked for in its place alone, not across two others.
    assert not Digest(KEY, f"{text[:4]}{11 * 'A'}{text[26:48]}{11 * 'A'}").became("Ada")
    assert Digest(KEY, f"{text[:4]}{22 * 'A'}{text[26:48]}").became("Ada")


class Counting(Codec[Any]):
    """A user's codec that has one form for everything, and counts how often it is asked for it."""

    def __init__(self) -> None:
        self.asked = 0

    def dump(self, value: object) -> JSON:
        self.asked += 1
        return "everything"


def test_what_is_empty_or_no_value_is_not_even_shown_to_the_codec() -> None:
    codec = Counting()
    kept = Digest.of(KEY, "row field", "everything").with_codec(codec)
    assert [kept == other for other in (None, "", UNREADABLE, object())] == 4 * [False]
    assert codec.asked == 0
    assert [kept == other for other in ("text", Invalid("not-text", "no"))] == 2 * [True]
    assert codec.asked == 2


def test_the_value_that_it_equalled_last_is_known_at_once() -> None:
    codec = Counting()
    kept = Digest.of(KEY, "row field", "everything").with_codec(codec)
    assert [kept == other for other in ("a", "a", 1.0, 1.0, 2, 2.0, 2.0)] == 7 * [True]
    assert codec.asked == 4, "2 and 2.0 are of two types, so that one says nothing of the other"
    assert [kept == kept, kept != kept] == [True, False]
    assert codec.asked == 4


def test_only_0_and_1_are_flags() -> None:
    yes, no = digest(BooleanCodec(), True), digest(BooleanCodec(), False)
    assert [yes == number for number in (-1, 2, 5, 1.0)] == 4 * [False]
    assert [no == number for number in (-1, 2, 0.0)] == 3 * [False]


def test_without_a_codec_it_is_compared_in_the_form_of_the_store() -> None:
    kept = digest(DateCodec(), date(2026, 1, 2))
    assert kept == date(2026, 1, 2)
    assert kept.with_codec(None) == "2026-01-02"
    assert kept.with_codec(None) != date(2026, 1, 2)
    assert kept.with_codec(None).became("2026-01-02")
    trimmed = digest(TextCodec(), " Ada ", forms=True).with_codec(None)
    assert [trimmed.became(read) for read in (" Ada ", "Ada", "Ada ")] == [True, True, False]


@pytest.mark.parametrize("raw", ["text", None, 1, [], ["#"], {}, {"#": 1}, {"a": "b"}, {"#": "x", "y": 1}])
def test_what_is_no_digest_is_not_read_as_one(raw: object) -> None:
    assert Digest.read(KEY, raw) is None


@pytest.mark.parametrize("codec", [TextCodec(), EmailCodec(), PhoneCodec(), UrlCodec()], ids=lambda c: c.name)
@given(text=st.text(" aAßẞİ\t.@", min_size=1), other=st.text(" aAßẞİ\t.@"))
def test_texts_are_known_trimmed_and_addresses_without_case(codec: TextCodec, text: str, other: str) -> None:
    kept = digest(codec, text, forms=True)
    for read in (text, text.strip(), text.upper(), text.lower(), f" {text}", other, None):
        assert kept.became(read) is codec.stored_form(text, read)


@given(
    written=st.decimals(-10_000, 10_000, places=4),
    read=st.decimals(-10_000, 10_000, places=2),
    places=st.integers(0, 4),
)
def test_numbers_are_known_rounded(written: Decimal, read: Decimal, places: int) -> None:
    codec = DecimalCodec()
    kept = digest(codec, written, forms=True)
    for value in (written, round(written, places), read):
        assert kept.became(value) is codec.stored_form(written, value)


@pytest.mark.parametrize("text", ["0.5", "-2.5", "1234.5", "0.25", "99.995", "1E+3", "7"])
def test_a_half_is_known_rounded_either_way(text: str) -> None:
    codec, written = DecimalCodec(), Decimal(text)
    kept = digest(codec, written, forms=True)
    for places in range(4):
        for rounding in ("ROUND_HALF_UP", "ROUND_HALF_DOWN", "ROUND_UP", "ROUND_DOWN"):
            value = written.quantize(Decimal(1).scaleb(-places), rounding)
            assert kept.became(value) is codec.stored_form(written, value)


def test_a_number_of_single_precision_is_known() -> None:
    codec = FloatCodec()
    kept = digest(codec, 1.1, forms=True)
    assert kept.became(1.10000002384185791015625)
    assert not kept.became(1.1001)
    assert not kept.became(None)
    assert digest(codec, 1e300, forms=True).became(1e300)


def test_a_codec_that_fails_on_what_was_read_makes_no_digest_equal() -> None:
    kept = digest(DateTimeCodec(), datetime(2026, 1, 1, tzinfo=UTC), forms=True)
    assert kept != "no moment"
    assert not kept.became("no moment")


@given(text=st.text(min_size=1), other=st.text(min_size=1))
def test_a_field_compares_stored_forms_with_digests_on_either_side(text: str, other: str) -> None:
    assume("\x00" not in text + other)
    bound = LEAD.fields["job_title"]
    kept = digest(bound.codec, text, forms=True)
    assert bound.stored_form(kept, other) is bound.stored_form(text, other)
    assert bound.stored_form(other, kept) is (text == other)
    assert not bound.stored_form(None, kept)


def test_values_come_back_from_the_store_as_digests_and_go_there_as_they_are() -> None:
    kept = digest(TextCodec(), "Poet").with_codec(None)
    loaded = LEAD.load({"job_title": kept, "city": None, "first_name": "Ada"})
    assert loaded == {"job_title": "Poet", "city": None, "first_name": "Ada"}
    dumped = LEAD.dump(loaded)
    assert isinstance(dumped["job_title"], Digest)
    assert dumped["job_title"].stored() == kept.stored()


def test_a_digest_of_a_typed_value_is_the_value_in_memory_and_its_text_in_the_store() -> None:
    amount = Digest.of(KEY, "row annual_revenue", "12.5")
    loaded = LEAD.load({"annual_revenue": amount})
    assert loaded == {"annual_revenue": Decimal("12.50")}
    assert LEAD.dump(loaded) == {"annual_revenue": "12.5"}


@pytest.mark.parametrize("encode", [LEAD.encode_marketo, LEAD.encode_dynamics])
def test_a_digest_is_never_written(encode: Callable[[Values], object]) -> None:
    with pytest.raises(ValueRejectedError, match=r"^only a digest of the value is known$") as caught:
        encode({"job_title": digest(TextCodec(), "Poet")})
    assert caught.value.code == "digest"


def test_ids_and_names_that_are_read_back_are_kept_readable() -> None:
    readable = [type(codec) for codec in (*CODECS, GuidCodec(), LinkedNameCodec(), LinkedPersonCodec())]
    assert {cls for cls in readable if cls.kept_readable} == {
        LookupCodec,
        GuidCodec,
        LinkedNameCodec,
        LinkedPersonCodec,
    }
