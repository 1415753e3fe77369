"""Codecs: how one value travels between Marketo JSON, Python and Dataverse JSON. Pure."""

from .annotations import Choice, Choices, Email, Guid, Money, Phone, Url, codec_for
from .base import Codec
from .booleans import BooleanCodec
from .choices import ChoiceCodec, EnumCodec, MultiChoiceCodec
from .lookups import LookupCodec
from .moments import DateCodec, DateTimeCodec
from .numbers import DecimalCodec, FloatCodec, IntegerCodec, MoneyCodec
from .text import EmailCodec, GuidCodec, PhoneCodec, TextCodec, UrlCodec

__all__ = [
    "BooleanCodec",
    "Choice",
    "ChoiceCodec",
    "Choices",
    "Codec",
    "DateCodec",
    "DateTimeCodec",
    "DecimalCodec",
    "Email",
    "EmailCodec",
    "EnumCodec",
    "FloatCodec",
    "Guid",
    "GuidCodec",
    "IntegerCodec",
    "LookupCodec",
    "Money",
    "MoneyCodec",
    "MultiChoiceCodec",
    "Phone",
    "PhoneCodec",
    "TextCodec",
    "Url",
    "UrlCodec",
    "codec_for",
]
