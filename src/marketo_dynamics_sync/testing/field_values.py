"""Which values a field can hold on both sides, as strategies, by the field's codec."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

from ..entities import Codec, Ref
from ..entities.codecs import (
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
    MoneyCodec,
    MultiChoiceCodec,
    PhoneCodec,
    TextCodec,
    UrlCodec,
)
from ..entities.codecs.moments import EARLIEST
from ..entities.codecs.text import utf16_units

#: Long enough to meet a limit, short enough to read.
_LONGEST: Final = 60
_LATEST: Final = date(9999, 12, 31)
_WORD: Final = string.ascii_letters + string.digits
#: No NUL, which neither service keeps, and no half characters.
_CHARACTERS: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")


def guids() -> st.SearchStrategy[str]:
    """Return GUIDs as Dataverse spells them."""
    return st.builds(lambda number: str(UUID(int=number)), st.integers(1, 2**128 - 1))


# Any: strategies of all types stand in one table, told apart by the codec they are for.
def of_codec(codec: Codec[Any]) -> st.SearchStrategy[Any] | None:
    """Return the values that both sides can hold and give back, without ``None``; ``None`` if that isn't known.

    A codec of the user's own is known by its ``examples()`` alone, also where it inherits from one of ours: what it
    narrows can't be seen.
    """
    make = _BY_CODEC.get(type(codec))
    if make is not None:
        return make(codec)
    examples = codec.examples()
    return st.sampled_from(examples) if examples else None


def _texts(codec: TextCodec) -> st.SearchStrategy[str]:
    most = _longest(codec)
    plain = st.text(_CHARACTERS, min_size=1, max_size=most)
    if codec.dynamics_length is None:
        return plain
    limit = codec.dynamics_length
    return plain.filter(lambda text: utf16_units(text) <= limit)


def _longest(codec: TextCodec) -> int:
    return min(_LONGEST, *(n for n in (codec.marketo_length, codec.dynamics_length, _LONGEST) if n is not None))


def _emails(codec: EmailCodec) -> st.SearchStrategy[str]:
    most = max((_longest(codec) - len("@.io")) // 2, 1)
    part = st.text(_WORD, min_size=1, max_size=most)
    return st.builds("{}@{}.io".format, part, part)


def _phones(codec: PhoneCodec) -> st.SearchStrategy[str]:
    return st.text("0123456789 +()-/.", min_size=1, max_size=min(_longest(codec), 20))


def _urls(codec: UrlCodec) -> st.SearchStrategy[str]:
    start = "https://"
    return st.text(_WORD + "./?=&#-_%", min_size=1, max_size=max(_longest(codec) - len(start), 1)).map(start.__add__)


def _integers(codec: IntegerCodec) -> st.SearchStrategy[int]:
    low, high = _whole_range(codec.minimum, codec.maximum)
    return st.integers(low, high)


def _whole_range(low: float | None, high: float | None) -> tuple[int, int]:
    return (
        -(2**31) if low is None else math.ceil(low),
        2**31 - 1 if high is None else math.floor(high),
    )


def _decimals(codec: DecimalCodec) -> st.SearchStrategy[Decimal]:
    # Up to fifteen digits travel through a JSON number unchanged: ten before the point, five behind it.
    places = 5 if codec.precision is None else min(codec.precision, 5)
    low, high = (Decimal(str(n)) for n in (_bounded(codec.minimum, -1e10), _bounded(codec.maximum, 1e10)))
    step = Decimal(1).scaleb(-places)
    numbers = st.integers(math.ceil(low / step), math.floor(high / step))
    return numbers.map(lambda number: codec.from_marketo(str(number * step)) or Decimal(0))


def _bounded(limit: float | None, widest: float) -> float:
    return widest if limit is None else math.copysign(min(abs(limit), abs(widest)), limit)


def _floats(codec: FloatCodec) -> st.SearchStrategy[float]:
    places = 5 if codec.precision is None else min(codec.precision, 5)
    return st.integers(-(10**9), 10**9).map(lambda number: round(number / 10**places, places))


def _moments(codec: DateTimeCodec) -> st.SearchStrategy[datetime]:
    if codec.day_only:
        return _days().map(lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC))
    earliest = datetime(EARLIEST.year, EARLIEST.month, EARLIEST.day)  # noqa: DTZ001 - hypothesis adds the zone
    latest = datetime(_LATEST.year, _LATEST.month, _LATEST.day)  # noqa: DTZ001 - likewise
    moments = st.datetimes(earliest, latest, timezones=st.just(UTC))
    return moments.map(lambda moment: moment.replace(microsecond=0))


def _days() -> st.SearchStrategy[date]:
    return st.dates(EARLIEST, _LATEST)


def _choices(codec: ChoiceCodec) -> st.SearchStrategy[int]:
    return st.sampled_from(sorted(codec.labels)) if codec.labels else st.integers(0, 20)


def _lookups(codec: LookupCodec) -> st.SearchStrategy[Ref[object]]:
    return st.builds(Ref, st.sampled_from(codec.targets or ("",)), guids())


# Any: each function takes the codec that stands beside it.
_BY_CODEC: Final[dict[type, Callable[[Any], st.SearchStrategy[Any]]]] = {
    BooleanCodec: lambda codec: st.booleans(),
    ChoiceCodec: _choices,
    DateCodec: lambda codec: _days(),
    DateTimeCodec: _moments,
    DecimalCodec: _decimals,
    EmailCodec: _emails,
    EnumCodec: lambda codec: st.sampled_from(codec.enum),
    FloatCodec: _floats,
    GuidCodec: lambda codec: guids(),
    IntegerCodec: _integers,
    LookupCodec: _lookups,
    MoneyCodec: _decimals,
    MultiChoiceCodec: lambda codec: st.frozensets(_choices(codec.choice), min_size=1, max_size=5),
    PhoneCodec: _phones,
    TextCodec: _texts,
    UrlCodec: _urls,
}
