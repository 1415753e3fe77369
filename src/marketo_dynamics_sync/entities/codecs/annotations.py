"""Which codec an annotation asks for."""

from __future__ import annotations

import types
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, TypeAlias, Union, cast, get_args, get_origin

from ...errors import MappingError
from ..values import Ref
from .base import Codec
from .booleans import BooleanCodec
from .choices import ChoiceCodec, EnumCodec, MultiChoiceCodec
from .lookups import LookupCodec
from .moments import DateCodec, DateTimeCodec
from .numbers import DecimalCodec, FloatCodec, IntegerCodec, MoneyCodec
from .text import EmailCodec, GuidCodec, PhoneCodec, TextCodec, UrlCodec

#: An e-mail address.
Email: TypeAlias = Annotated[str, EmailCodec()]
#: A phone number.
Phone: TypeAlias = Annotated[str, PhoneCodec()]
#: A web address.
Url: TypeAlias = Annotated[str, UrlCodec()]
#: A row's id.
Guid: TypeAlias = Annotated[str, GuidCodec()]
#: An amount of money.
Money: TypeAlias = Annotated[Decimal, MoneyCodec()]
#: A choice of an option set, as its number; the label is read from Dataverse's metadata.
Choice: TypeAlias = Annotated[int, ChoiceCodec()]
#: Several choices of a multi-select option set, as numbers.
Choices: TypeAlias = Annotated[frozenset[int], MultiChoiceCodec()]

_PLAIN: dict[object, Codec[object]] = {
    str: cast("Codec[object]", TextCodec()),
    int: cast("Codec[object]", IntegerCodec()),
    float: cast("Codec[object]", FloatCodec()),
    bool: cast("Codec[object]", BooleanCodec()),
    Decimal: cast("Codec[object]", DecimalCodec()),
    datetime: cast("Codec[object]", DateTimeCodec()),
    date: cast("Codec[object]", DateCodec()),
}


def codec_for(annotation: object) -> Codec[object]:
    """Return the codec that an annotation asks for.

    Args:
        annotation: A resolved type hint: one of ``str``, ``int``, ``float``, ``bool``, ``Decimal``, ``datetime``,
            ``date``, an ``Enum`` of whole numbers, ``frozenset[int]``, ``Ref[...]``, an alias of this module such as
            ``Money``, or ``Annotated[T, codec]``; each may be joined with ``None``.

    Raises:
        MappingError: Nothing is known to carry the type.
    """
    plain = _without_none(annotation)
    if get_origin(plain) is Annotated:
        own = [extra for extra in get_args(plain)[1:] if isinstance(extra, Codec)]
        if own:
            return own[-1]
        plain = _without_none(get_args(plain)[0])
    if plain in _PLAIN:
        return _PLAIN[plain]
    if plain is Ref or get_origin(plain) is Ref:
        return cast("Codec[object]", LookupCodec())
    if isinstance(plain, type) and issubclass(plain, Enum):
        return cast("Codec[object]", EnumCodec(plain))
    if get_origin(plain) is frozenset and get_args(plain) == (int,):
        return cast("Codec[object]", MultiChoiceCodec())
    raise MappingError(
        f"no codec carries the type {plain.__name__ if isinstance(plain, type) else plain!s}: annotate it as one of "
        "text, number, boolean, date, Enum, Ref, or give it one with mapped(codec=...)"
    )


def _without_none(annotation: object) -> object:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return _without_none(rest[0])
    return annotation
