"""Text, e-mail, phone, URL and GUID, both ways."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities.codecs import EmailCodec, GuidCodec, PhoneCodec, TextCodec, UrlCodec
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo, reading_is_settled, refused

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
ADDRESSES = st.builds(
    "{}@{}.{}".format,
    *[st.text(st.sampled_from("abcXYZ019.+_-'"), min_size=1, max_size=20)] * 2,
    st.sampled_from(["com", "Example", "co.uk"]),
)


@given(TEXT)
@example("Zoë 中文 😀 \u202eright to left")
@example("  padded\t\n")
def test_any_text_comes_back_as_it_was(text: str) -> None:
    comes_back(TextCodec(), text)


@pytest.mark.parametrize("codec", [TextCodec(), EmailCodec(), PhoneCodec(), UrlCodec(), GuidCodec()])
def test_null_and_an_empty_text_are_one_and_the_same(codec: TextCodec) -> None:
    for nothing in (None, ""):
        assert codec.from_marketo(nothing) is None
        assert codec.from_dynamics(nothing) is None
        assert codec.to_marketo(nothing) is None
        assert codec.to_dynamics(nothing) is None
    assert codec.stored_form("", None)


def test_a_number_that_a_text_field_shows_is_its_text() -> None:
    assert TextCodec().from_marketo(42) == "42"
    assert TextCodec().from_dynamics(1.5) == "1.5"


@pytest.mark.parametrize("raw", [True, ["a"], {"a": 1}])
def test_what_is_no_text_is_refused(raw: object) -> None:
    assert refused(TextCodec().from_marketo, raw) == "not-text"
    assert refused(TextCodec().from_dynamics, raw) == "not-text"


def test_lengths_are_counted_as_each_side_counts() -> None:
    codec = TextCodec().bind(marketo("string", max_length=4), dynamics("String", max_length=4))
    assert codec.to_marketo("😀😀😀😀") == "😀😀😀😀"
    assert codec.to_dynamics("😀😀") == "😀😀"
    assert codec.to_dynamics("äöüß") == "äöüß"
    assert refused(codec.to_dynamics, "😀😀😀") == "too-long"
    assert refused(codec.to_marketo, "12345") == "too-long"


def test_a_text_area_of_marketo_is_counted_in_bytes() -> None:
    area = TextCodec().bind(marketo("text"), None)
    line = TextCodec().bind(marketo("string", max_length=20_000), None)
    assert area.to_marketo("x" * 30_000)
    assert area.to_marketo("語" * 10_000)
    for text in ("x" * 30_001, "語" * 10_001, "😀" * 7_501):
        assert refused(area.to_marketo, text) == "too-long"
    assert line.to_marketo("語" * 20_000)


@given(TEXT, st.integers(1, 30))
def test_dynamics_is_never_sent_more_utf16_units_than_the_column_has(text: str, most: int) -> None:
    codec = TextCodec().bind(None, dynamics("String", max_length=most))
    if len(text.encode("utf-16-le")) // 2 > most:
        assert refused(codec.to_dynamics, text) == "too-long"
    else:
        assert codec.to_dynamics(text) == text


def test_a_side_that_is_missing_or_says_nothing_has_no_limit() -> None:
    codec = TextCodec(marketo_length=1, dynamics_length=1).bind(None, None)
    comes_back(codec, "long" * 1000)


@pytest.mark.parametrize(("text", "code"), [("a\0b", "bad-character"), ("cut \ud83d", "bad-value")])
def test_characters_that_would_spoil_a_whole_request_are_refused_alone(text: str, code: str) -> None:
    codec = TextCodec()
    assert refused(codec.to_marketo, text) == code
    assert refused(codec.to_dynamics, text) == code
    assert codec.from_dynamics(text) == text


def test_a_text_that_came_back_trimmed_is_what_was_written() -> None:
    codec = TextCodec()
    assert codec.stored_form(" Ada ", "Ada")
    assert codec.stored_form("   ", None)
    assert not codec.stored_form("Ada", "Ad")
    assert not codec.stored_form("Ada", "ada")
    assert not codec.stored_form("Ada", None)


@given(ADDRESSES)
def test_addresses_come_back_as_written(address: str) -> None:
    comes_back(EmailCodec(), address)


def test_an_address_is_trimmed_for_marketo_and_kept_in_its_letter_case() -> None:
    codec = EmailCodec(marketo_length=9)
    assert codec.to_marketo(" A@Bcd.EF ") == "A@Bcd.EF"
    assert refused(codec.to_marketo, "long@address.example") == "too-long"
    assert codec.stored_form("Ada@Example.com ", "ada@example.COM")
    assert not codec.stored_form("ada@example.com", "bob@example.com")
    assert not codec.stored_form("ada@example.com", None)


@pytest.mark.parametrize("text", ["bademail", "a@b", "ü@example.com", "a b@example.com", "@example.com", "   "])
def test_marketo_is_never_sent_what_it_would_refuse_as_an_address(text: str) -> None:
    assert refused(EmailCodec().to_marketo, text) == "bad-email"
    assert EmailCodec().to_dynamics(text) == text, "Dynamics checks the format in forms only"


@pytest.mark.parametrize("text", ["+49 (0)89 / 123-45 ext. 6", "call me", "٠١٢٣"])
def test_phone_numbers_are_kept_as_people_typed_them(text: str) -> None:
    comes_back(PhoneCodec(), text)


@pytest.mark.parametrize("text", ["https://Example.com/?a=b#c", "example.com", "https://пример.рф/ü"])
def test_web_addresses_are_kept_as_people_typed_them(text: str) -> None:
    comes_back(UrlCodec(), text)


@given(st.uuids())
def test_a_guid_has_one_spelling(guid: UUID) -> None:
    codec = GuidCodec()
    comes_back(codec, str(guid))
    for spelling in (str(guid).upper(), f"{{{guid}}}", guid.hex, f" {guid} "):
        assert codec.from_marketo(spelling) == str(guid)
        assert codec.from_dynamics(spelling) == str(guid)
        reading_is_settled(codec, spelling)


@pytest.mark.parametrize("raw", ["not a guid", 7, "6b1f8d0e"])
def test_what_is_no_guid_is_refused(raw: object) -> None:
    assert refused(GuidCodec().from_marketo, raw) == "bad-guid"


@pytest.mark.parametrize("codec", [TextCodec(), EmailCodec(), PhoneCodec(), UrlCodec(), GuidCodec()])
def test_texts_fit_text_fields_only(codec: TextCodec) -> None:
    for kind in ("string", "text", "email", "phone", "url", "reference"):
        codec.bind(marketo(kind), dynamics("String"))
    for kind in ("String", "Memo", "Uniqueidentifier"):
        codec.bind(marketo("string"), dynamics(kind))
    with pytest.raises(MappingError, match=r"marketo field 'theField' is of type 'integer'; a .* can't be kept there"):
        codec.bind(marketo("integer"), dynamics("String"))
    with pytest.raises(MappingError, match=r"dynamics field 'new_column' is of type 'Lookup'.*It fits Memo, String"):
        codec.bind(marketo("string"), dynamics("Lookup"))
