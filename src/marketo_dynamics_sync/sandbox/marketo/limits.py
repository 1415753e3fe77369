"""Marketo's limits on the sandbox's clock: calls in 20 seconds, calls at once, calls a day."""

from __future__ import annotations

from collections import Counter, deque
from datetime import date
from zoneinfo import ZoneInfo

from attrs import define, field

from ..clock import SandboxClock

_CENTRAL = ZoneInfo("America/Chicago")


@define
class Limits:
    """Counts the calls of one instance, whoever makes them (Adobe, "Marketo Integration Best Practices").

    A call refused with 606 or 615 counts against the day, since those codes are not among the free ones, but not
    against the window: whether it does is not published, and counting it would keep a waiting client out for longer
    than the window that the message names.

    Attributes:
        rate: Calls in one window.
        window: Seconds of the window.
        at_once: Calls running at the same time.
        quota: Calls a day; it starts anew at midnight US Central.
        used: Calls by day and API user.
        errors: Error codes answered, by day.
    """

    _clock: SandboxClock
    rate: int
    window: float
    at_once: int
    quota: int
    used: Counter[tuple[date, str]] = field(factory=Counter)
    errors: Counter[tuple[date, str]] = field(factory=Counter)
    _totals: Counter[date] = field(factory=Counter)
    _recent: deque[float] = field(factory=deque)
    _running: int = 0

    def today(self) -> date:
        """Return the day that the quota counts."""
        return self._clock.now().astimezone(_CENTRAL).date()

    def total(self, day: date) -> int:
        """Return the calls counted on a day."""
        return self._totals[day]

    def enter(self, user: str) -> tuple[str, str] | None:
        """Let a call in, or return the code and message that refuse it."""
        now, day = self._clock.monotonic(), self.today()
        while self._recent and now - self._recent[0] >= self.window:
            self._recent.popleft()
        if self._totals[day] >= self.quota:
            return "607", "Daily quota reached"
        self._totals[day] += 1
        self.used[day, user] += 1
        if len(self._recent) >= self.rate:
            return "606", f"Max rate limit '{self.rate}' exceeded with in '{self.window:g}' secs"
        if self._running >= self.at_once:
            return "615", f"Concurrent access limit '{self.at_once}' reached"
        self._recent.append(now)
        self._running += 1
        return None

    def leave(self) -> None:
        """Note that a call which was let in has ended."""
        self._running -= 1
