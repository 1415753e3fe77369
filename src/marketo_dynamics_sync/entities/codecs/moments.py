"""Days and moments. A moment is UTC inside; a day is never shifted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import ClassVar, Self

from attrs import evolve, frozen

from ...errors import MappingError, ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON
from .base import Codec

#: Dataverse keeps no date before this day (Microsoft Learn, "Behavior and format of the date and time column").
EARLIEST = date(1753, 1, 1)


def _text(raw: JSON, wanted: str) -> str | None:
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise ValueRejectedError(f"a {wanted} was expected", code=f"not-a-{wanted}")
    return raw


@frozen
class DateCodec(Codec[date]):
    """A calendar day without a time: a ``DateOnly`` column and a Marketo ``date`` field."""

    name: ClassVar[str] = "date"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"date"})
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"DateTime"})
    samples: ClassVar[tuple[object, ...]] = (date(2024, 2, 29), date(1999, 12, 31))

    def from_marketo(self, raw: JSON) -> date | None:
        """Return the day."""
        text = _text(raw, "date")
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueRejectedError("a date was expected", code="not-a-date") from None

    def to_marketo(self, value: date | None) -> JSON:
        """Return ``YYYY-MM-DD``."""
        return None if value is None else value.isoformat()

    def from_dynamics(self, raw: JSON) -> date | None:
        """Return the day."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: date | None) -> JSON:
        """Return ``YYYY-MM-DD``, refusing a day before 1753."""
        if value is not None and value < EARLIEST:
            raise ValueRejectedError("Dynamics keeps no date before 1753", code="out-of-range")
        return self.to_marketo(value)

    def dump(self, value: date | None) -> JSON:
        """Return ``YYYY-MM-DD``."""
        return self.to_marketo(value)

    def load(self, raw: JSON) -> date | None:
        """Return the day that :meth:`dump` wrote."""
        return self.from_marketo(raw)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return this codec, refusing a column that holds moments: their day depends on a time zone."""
        super().bind(marketo, dynamics)
        if dynamics is not None and dynamics.behavior not in (None, "DateOnly"):
            raise MappingError(
                f"dynamics column {dynamics.name!r} holds moments ({dynamics.behavior}), and the day of a moment "
                "depends on a time zone; annotate the field as datetime"
            )
        return self


@frozen
class DateTimeCodec(Codec[datetime]):
    """A moment, to the second, in UTC.

    ``UserLocal`` columns travel as UTC. ``TimeZoneIndependent`` columns hold a wall-clock time whose ``Z`` is
    decoration: it is carried unchanged. A ``DateOnly`` column gives midnight UTC of its day, and takes a day's
    midnight only.

    Attributes:
        day_only: The column is ``DateOnly``.
    """

    name: ClassVar[str] = "date and time"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"datetime"})
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"DateTime"})
    samples: ClassVar[tuple[object, ...]] = (
        datetime(2024, 2, 1, 9, 30, 12, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
    )

    day_only: bool = False

    def from_marketo(self, raw: JSON) -> datetime | None:
        """Return the moment in UTC, cut to seconds; ``Z``, ``+0000`` and offsets are read."""
        text = _text(raw, "datetime")
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueRejectedError("a date and time was expected", code="not-a-datetime") from None
        return self._utc(moment)

    def to_marketo(self, value: datetime | None) -> JSON:
        """Return ``YYYY-MM-DDTHH:MM:SSZ``; a value without a zone is taken as UTC."""
        if value is None:
            return None
        return self._utc(value).isoformat().replace("+00:00", "Z")

    def from_dynamics(self, raw: JSON) -> datetime | None:
        """Return the moment in UTC."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: datetime | None) -> JSON:
        """Return the moment, or the day for a ``DateOnly`` column."""
        if value is None:
            return None
        moment = self._utc(value)
        if moment.date() < EARLIEST:
            raise ValueRejectedError("Dynamics keeps no date before 1753", code="out-of-range")
        if not self.day_only:
            return self.to_marketo(moment)
        if moment.time() != time():
            raise ValueRejectedError("the column keeps a day without a time", code="has-a-time")
        return moment.date().isoformat()

    def dump(self, value: datetime | None) -> JSON:
        """Return the moment as text."""
        return self.to_marketo(value)

    def load(self, raw: JSON) -> datetime | None:
        """Return the moment that :meth:`dump` wrote."""
        return self.from_marketo(raw)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the column's behaviour."""
        super().bind(marketo, dynamics)
        return evolve(self, day_only=dynamics is not None and dynamics.behavior == "DateOnly")

    @staticmethod
    def _utc(moment: datetime) -> datetime:
        try:
            aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            raise ValueRejectedError("no moment of the years 1 to 9999 in UTC", code="out-of-range") from None
        return aware.replace(microsecond=0)
