"""The sandbox's clock: real time, or time that only a test moves."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Tells both sandbox services the time.

    Args:
        start: The first moment (time-zone aware). ``None`` follows the machine's own clock.

    A clock with a ``start`` stands still until :meth:`advance` moves it, so that a test runs a week in a second.
    A clock without one follows the machine, and ``advance`` adds to it.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("SandboxClock(start=...) needs a time-zone aware datetime")
        self._frozen = start is not None
        self._offset = timedelta()
        self._start = start if start is not None else datetime.now(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        with self._lock:
            base = self._start if self._frozen else datetime.now(UTC)
            return (base + self._offset).astimezone(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards, moved by :meth:`advance` as well."""
        with self._lock:
            base = 0.0 if self._frozen else time.monotonic()
            return base + self._offset.total_seconds()

    def advance(self, seconds: float = 0.0, **parts: float) -> None:
        """Move the clock forward.

        Args:
            seconds: Seconds to add.
            **parts: Any other argument of :class:`datetime.timedelta`, such as ``hours=2`` or ``days=8``.

        Raises:
            ValueError: The step is negative.
        """
        step = timedelta(seconds=seconds, **parts)
        if step < timedelta():
            raise ValueError("a sandbox clock only moves forward")
        with self._lock:
            self._offset += step

    def sleep(self, seconds: float) -> None:
        """Pass time without waiting on a frozen clock; really wait on a running one."""
        if self._frozen:
            # A wait below the clock's own resolution passes too: who waits for a moment would wait for ever.
            self.advance(max(1e-6, seconds) if seconds > 0 else 0.0)
        else:
            time.sleep(max(0.0, seconds))
