"""Which codec an annotation asks for, and what a codec of one's own inherits."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest

from marketo_dynamics_sync.entities import Choice, Choices, Contact, Email, Guid, Money, Phone, Ref, Url
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
    GuidCodec,
    IntegerCodec,
    LookupCodec,
    MoneyCodec,
    MultiChoiceCodec,
    PhoneCodec,
    TextCodec,
    UrlCodec,
    codec_for,
)
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo


class Tier(Enum):
    GOLD = 1


@pytest.mark.parametrize(
    ("annotation", "codec"),
    [
        (str, TextCodec()),
        (int, IntegerCodec()),
        (float, FloatCodec()),
        (bool, BooleanCodec()),
        (Decimal, DecimalCodec()),
        (datetime, DateTimeCodec()),
        (date, DateCodec()),
        (Tier, EnumCodec(Tier)),
        (Ref, LookupCodec()),
        (Ref[Contact], LookupCodec()),
        (Email, EmailCodec()),
        (Phone, PhoneCodec()),
        (Url, UrlCodec()),
        (Guid, GuidCodec()),
        (Money, MoneyCodec()),
        (Choice, ChoiceCodec()),
        (Choices, MultiChoiceCodec()),
        (frozenset[int], MultiChoiceCodec()),
    ],
)
def test_each_type_has_its_codec_with_and_without_none(annotation: Any, codec: Codec[Any]) -> None:
    for spelling in (annotation, annotation | None, Optional[annotation]):  # noqa: UP045 - both spellings are used
        found = codec_for(spelling)
        assert type(found) is type(codec)
        assert found == codec


def test_the_last_codec_of_an_annotation_counts_and_other_notes_are_passed_over() -> None:
    assert codec_for(Annotated[str, PhoneCodec(), EmailCodec(), "a note"]) == EmailCodec()
    assert codec_for(Annotated[int | None, "a note"]) == IntegerCodec()
    assert codec_for(Annotated[str | None, ["a note"]]) == TextCodec()


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        (bytes, "bytes"),
        (list[str], r"list\[str\]"),
        (frozenset[str], r"frozenset\[str\]"),
        (frozenset, "frozenset"),
        (str | int, r"str \| int"),
        (Literal["a"], "Literal"),
        (None, "None"),
    ],
)
def test_a_type_that_nothing_carries_is_refused_by_name(annotation: object, named: str) -> None:
    with pytest.raises(MappingError, match=rf"no codec carries the type .*{named}.*mapped\(codec=\.\.\.\)"):
        codec_for(annotation)


def test_a_codec_of_ones_own_carries_json_as_it_is_and_fits_any_field() -> None:
    class Plain(Codec[object]):
        pass

    codec = Plain()
    comes_back(codec, {"a": [1, None]})
    assert codec.bind(marketo("anything"), dynamics("Anything")) is codec
    assert codec.bind(None, None) is codec
    assert codec.examples() == ()
    assert codec.column("new_x") == "new_x"
    assert not codec.stored_form("a", "b")
    assert repr(codec) == "Plain()"
