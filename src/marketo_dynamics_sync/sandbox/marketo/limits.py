"""Marketo's limits, on the sandbox's clock: calls in 20 seconds, calls at once, calls a day."""

from __future__ import annotations

from collections import Counter, deque
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ..clock import SandboxClock

_CENTRAL = ZoneInfo("America/Chicago")


class Limits:
    """Counts calls of one instance, whoever makes them.

    Args:
        clock: Tells the time.
        rate: Calls in one window.
        window: Seconds of the window.
        at_once: Calls running at the same time.
        quota: Calls a day; it starts anew at midnight US Central.
    """

    def __init__(self, clock: SandboxClock, rate: int, window: float, at_once: int, quota: int) -> None:
        self._clock = clock
        self.rate = rate
        self.window = window
        self.at_once = at_once
        self.quota = quota
        self._recent: deque[float] = deque()
        self._running = 0
        self.used: Counter[date] = Counter()
        self.errors: Counter[tuple[date, str]] = Counter()

    def today(self) -> date:
        """Return the day that the quota counts."""
        now: datetime = self._clock.now()
        return now.astimezone(_CENTRAL).date()

    def enter(self) -> tuple[str, str] | None:
        """Let a call in, or return the code and message that refuse it."""
        now = self._clock.monotonic()
        while self._recent and now - self._recent[0] >= self.window:
            self._recent.popleft()
        if self.used[self.today()] >= self.quota:
            return "607", "Daily quota reached"
        if len(self._recent) >= self.rate:
            return "606", f"Max rate limit '{self.rate}' exceeded with in '{self.window:.0f}' secs"
        if self._running >= self.at_once:
            return "615", f"Concurrent access limit '{self.at_once}' reached"
        self._recent.append(now)
        self._running += 1
        self.used[self.today()] += 1
        return None

    def leave(self, *, free: bool) -> None:
        """Note that a call ended; a free one doesn't count."""
        self._running -= 1
        if free:
            self.used[self.today()] -= 1
            if self._recent:
                self._recent.pop()
