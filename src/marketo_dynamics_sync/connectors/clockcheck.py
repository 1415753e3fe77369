"""Is this machine's clock right? The service's Date header tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from ..errors import ClockSkewError

#: Beyond this, reads by time would skip or repeat.
TOLERANCE: Final = timedelta(minutes=15)


def skew(header: str | None, now: datetime) -> timedelta | None:
    """Return how far our clock is ahead of a Date header, or ``None`` when there is none to read."""
    if header is None:
        return None
    try:
        theirs = parsedate_to_datetime(header)
    except ValueError:
        return None
    return now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))


def refuse_skew(ahead: timedelta | None, service: str) -> None:
    """Raise :class:`ClockSkewError` when the clocks disagree too far."""
    if ahead is not None and abs(ahead) > TOLERANCE:
        minutes = ahead.total_seconds() / 60
        raise ClockSkewError(
            f"this machine's clock is {abs(minutes):.0f} minutes {'ahead of' if minutes > 0 else 'behind'} {service}'s; set it right "
            "(NTP), because changes are read by time"
        )
