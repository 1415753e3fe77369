"""Booleans, days and moments, both ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities.codecs import BooleanCodec, Codec, DateCodec, DateTimeCodec
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo, reading_is_settled, refused

DAYS = st.dates(date(1753, 1, 1))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1753, 1, 1), timezones=st.just(UTC)).map(lambda m: m.replace(microsecond=0))


@pytest.mark.parametrize("value", [True, False])
def test_yes_and_no_come_back(value: bool) -> None:
    comes_back(BooleanCodec(), value)


def test_an_unset_boolean_is_no() -> None:
    codec = BooleanCodec()
    assert codec.from_marketo(None) is False
    assert codec.from_dynamics(None) is False
    assert codec.to_marketo(None) is False
    assert codec.to_dynamics(None) is False


@pytest.mark.parametrize("raw", ["other", "false", 0, 1, ""])
def test_what_is_no_boolean_is_refused_and_never_taken_for_yes(raw: object) -> None:
    codec = BooleanCodec()
    for way in (codec.from_marketo, codec.to_marketo, codec.from_dynamics, codec.to_dynamics):
        assert refused(way, raw) == "not-boolean"


@given(DAYS)
def test_any_day_comes_back(day: date) -> None:
    comes_back(DateCodec(), day)


@given(MOMENTS)
def test_any_moment_comes_back(moment: datetime) -> None:
    comes_back(DateTimeCodec(), moment)
    comes_back(DateTimeCodec().bind(marketo("datetime"), dynamics("DateTime", behavior="UserLocal")), moment)


@pytest.mark.parametrize("codec", [DateCodec(), DateTimeCodec()])
def test_no_day_is_no_day(codec: Codec[object]) -> None:
    comes_back(codec, None)
    assert codec.from_marketo("") is None
    assert codec.from_dynamics("") is None


@given(st.datetimes(datetime(1753, 1, 2), datetime(9999, 12, 30), timezones=ZONES))
def test_moments_are_cut_to_seconds_and_carried_in_utc(moment: datetime) -> None:
    codec = DateTimeCodec()
    there = codec.to_marketo(moment)
    assert isinstance(there, str)
    assert there.endswith("Z")
    assert "." not in there
    assert codec.from_marketo(there) == moment.replace(microsecond=0)
    reading_is_settled(codec, moment.isoformat())


@pytest.mark.parametrize(
    "text", ["2024-02-01T09:30:12Z", "2024-02-01T09:30:12+0000", "2024-02-01T10:30:12.999+01:00", "2024-02-01T09:30:12"]
)
def test_every_spelling_of_a_moment_is_read(text: str) -> None:
    moment = DateTimeCodec().from_marketo(text)
    assert moment == datetime(2024, 2, 1, 9, 30, 12, tzinfo=UTC)
    assert moment is not None
    assert moment.tzinfo is UTC


def test_a_moment_without_a_zone_is_utc() -> None:
    assert DateTimeCodec().to_dynamics(datetime(2024, 2, 1, 9, 30, 12, 999)) == "2024-02-01T09:30:12Z"


def test_a_wall_clock_time_is_carried_unchanged() -> None:
    codec = DateTimeCodec().bind(marketo("datetime"), dynamics("DateTime", behavior="TimeZoneIndependent"))
    moment = codec.from_dynamics("2024-07-01T18:00:00Z")
    assert codec.to_marketo(moment) == codec.to_dynamics(moment) == "2024-07-01T18:00:00Z"


def test_a_day_column_is_midnight_and_takes_nothing_else() -> None:
    codec = DateTimeCodec().bind(marketo("datetime"), dynamics("DateTime", behavior="DateOnly"))
    moment = codec.from_dynamics("2024-02-29")
    assert moment == datetime(2024, 2, 29, tzinfo=UTC)
    assert codec.to_dynamics(moment) == "2024-02-29"
    assert codec.to_marketo(moment) == "2024-02-29T00:00:00Z"
    assert codec.to_dynamics(None) is None
    assert refused(codec.to_dynamics, datetime(2024, 2, 29, 0, 0, 1, tzinfo=UTC)) == "has-a-time"


def test_dynamics_keeps_nothing_before_1753() -> None:
    assert refused(DateCodec().to_dynamics, date(1752, 12, 31)) == "out-of-range"
    assert DateCodec().to_marketo(date(1752, 12, 31)) == "1752-12-31"
    assert refused(DateTimeCodec().to_dynamics, datetime(1752, 12, 31, 23, 59, 59, tzinfo=UTC)) == "out-of-range"
    assert DateTimeCodec().to_dynamics(datetime(1753, 1, 1, tzinfo=UTC)) == "1753-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_utc_has_no_year_for_is_refused(text: str) -> None:
    assert refused(DateTimeCodec().from_marketo, text) == "out-of-range"
    assert refused(DateTimeCodec().to_marketo, datetime.fromisoformat(text)) == "out-of-range"


@pytest.mark.parametrize("raw", ["yesterday", 20240201, True, "2024-02-30"])
def test_what_is_no_day_is_refused(raw: object) -> None:
    assert refused(DateCodec().from_marketo, raw) == "not-a-date"
    assert refused(DateCodec().from_dynamics, raw) == "not-a-date"
    assert refused(DateTimeCodec().from_marketo, raw) == "not-a-datetime"
    assert refused(DateTimeCodec().from_dynamics, raw) == "not-a-datetime"


def test_a_moment_is_no_day() -> None:
    assert refused(DateCodec().from_dynamics, "2024-02-01T23:30:00Z") == "not-a-date"


@pytest.mark.parametrize("behavior", ["UserLocal", "TimeZoneIndependent"])
def test_a_day_is_not_kept_in_a_column_of_moments(behavior: str) -> None:
    with pytest.raises(
        MappingError, match=rf"'new_column' holds moments \({behavior}\).*annotate the field as datetime"
    ):
        DateCodec().bind(marketo("date"), dynamics("DateTime", behavior=behavior))
    comes_back(DateCodec().bind(marketo("date"), dynamics("DateTime", behavior="DateOnly")), date(2024, 2, 29))
    DateCodec().bind(marketo("date"), dynamics("DateTime"))
    DateCodec().bind(marketo("date"), None)


@pytest.mark.parametrize(
    ("codec", "fits", "column"),
    [
        (BooleanCodec(), "boolean", "Boolean"),
        (DateCodec(), "date", "DateTime"),
        (DateTimeCodec(), "datetime", "DateTime"),
    ],
)
def test_each_fits_its_own_fields_only(codec: Codec[object], fits: str, column: str) -> None:
    codec.bind(marketo(fits), dynamics(column))
    with pytest.raises(MappingError, match="of type 'string'"):
        codec.bind(marketo("string"), dynamics(column))
    with pytest.raises(MappingError, match="of type 'String'"):
        codec.bind(marketo(fits), dynamics("String"))
