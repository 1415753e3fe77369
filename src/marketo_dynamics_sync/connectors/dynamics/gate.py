"""The gate that every call goes through: so many at once, and none while the service asked us to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ...errors import RateLimitError

#: Calls at once that Dataverse takes from one user (Microsoft Learn, "Service protection API limits").
MOST_AT_ONCE: Final = 52
#: Longest pause that is sat out; a longer one ends the cycle, which goes on later.
LONGEST_PAUSE: Final = 900.0


class Gate:
    """Holds calls back.

    Args:
        limit: Most calls at once.
        monotonic: Seconds that never go backwards.
        sleep: Waits.
    """

    def __init__(self, limit: int, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._ceiling = max(1, min(limit, MOST_AT_ONCE))
        self._limit = self._ceiling
        self._monotonic = monotonic
        self._sleep = sleep
        self._free = threading.Condition()
        self._inside = 0
        self._closed_until = 0.0

    @property
    def limit(self) -> int:
        """Calls let in at once now."""
        return self._limit

    def hint(self, raw: str | None) -> None:
        """Follow the service's ``x-ms-dop-hint``: never above it, and never above our own limit."""
        if raw is not None and raw.strip().isdecimal() and len(raw) < 10:
            with self._free:
                self._limit = max(1, min(self._ceiling, int(raw)))
                self._free.notify_all()

    def hold(self, seconds: float) -> None:
        """Let nobody in for so many seconds: a call made meanwhile lengthens the service's pause."""
        with self._free:
            self._closed_until = max(self._closed_until, self._monotonic() + seconds)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Wait for a free place and for the end of a pause, and keep the place for the body.

        Raises:
            RateLimitError: The service wants a longer pause than is worth sitting out.
        """
        self._enter()
        try:
            yield
        finally:
            with self._free:
                self._inside -= 1
                self._free.notify()

    def _enter(self) -> None:
        while True:
            with self._free:
                while self._inside >= self._limit:
                    self._free.wait()
                pause = self._closed_until - self._monotonic()
                if pause <= 0:
                    self._inside += 1
                    return
                self._free.notify()
            if pause > LONGEST_PAUSE:
                raise RateLimitError(
                    f"the service asks for a pause of {pause:.0f} seconds. Run again after that.",
                    service="dynamics",
                    status=429,
                    retry_after=pause,
                )
            self._sleep(pause)
