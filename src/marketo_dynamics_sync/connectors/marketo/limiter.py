"""Marketo's limits, held on our side before the service has to say 606 or 615."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Limiter:
    """Lets calls through: so many in a sliding window, so many at once. Shared by all threads of a connector.

    Args:
        rate: Calls in one window.
        window: Seconds of the window.
        at_once: Calls running at the same time.
        monotonic: Seconds that never go back.
        sleep: Waits.
    """

    def __init__(
        self, rate: int, window: float, at_once: int, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._rate = rate
        self._window = window
        self._slots = threading.BoundedSemaphore(at_once)
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._sleep = sleep
        self._not_before = 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wait for a turn, and hold a slot for the time of the call."""
        with self._slots:
            while (wait := self._turn()) > 0:
                self._sleep(wait)
            yield

    def hold(self, seconds: float) -> None:
        """Let nobody through for a while: the service said that it is too much."""
        with self._lock:
            self._not_before = max(self._not_before, self._monotonic() + seconds)

    def _turn(self) -> float:
        """Take a turn and return 0, or return how long to wait before asking again."""
        with self._lock:
            now = self._monotonic()
            if now < self._not_before:
                return self._not_before - now
            while self._recent and now - self._recent[0] >= self._window:
                self._recent.popleft()
            if len(self._recent) >= self._rate:
                # A little more than needed: the service's window is the one that counts.
                return self._recent[0] + self._window - now + 0.001
            self._recent.append(now)
            return 0.0
