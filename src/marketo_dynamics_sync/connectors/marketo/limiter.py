"""The limits on calls, held on our side before the service has to refuse: so many in a window, so many at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: Seconds of the window in which Marketo counts calls (Adobe, "REST API": usage limits).
WINDOW: Final = 20.0
#: Clocks are not equally fine: a call that is due is kept back this much longer.
_SLACK: Final = 0.01


class CallLimiter:
    """Lets calls through, at most so many in any window and so many at once. Shared by all threads of a connector.

    A call holds its place in the window from its start until a window after its end. The service counts it at some
    moment between the two, so however long calls are under way, the service never counts more.

    Args:
        calls: Calls in one window.
        concurrency: Calls at once.
        monotonic: Seconds that never go backwards.
        sleep: Waits so many seconds.
        window: Seconds of the window.
    """

    def __init__(
        self,
        calls: int,
        concurrency: int,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        window: float = WINDOW,
    ) -> None:
        self._calls = calls
        self._window = window
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._at_once = threading.BoundedSemaphore(concurrency)
        self._ended: deque[float] = deque()
        self._running = 0
        self._blocked_until = float("-inf")

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a place, and hold it while the block runs."""
        with self._at_once:
            while (wait := self._take()) > 0:
                self._sleep(wait)
            try:
                yield
            finally:
                with self._lock:
                    self._running -= 1
                    self._ended.append(self._monotonic())

    def pause(self, seconds: float) -> None:
        """Let no call through for so long: the service says that there were too many."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._monotonic() + seconds)

    def _take(self) -> float:
        """Take a place and return 0, or return how long to wait before asking again."""
        with self._lock:
            now = self._monotonic()
            if now < self._blocked_until:
                return self._blocked_until - now
            while self._ended and self._ended[0] + self._window + _SLACK <= now:
                self._ended.popleft()
            if len(self._ended) + self._running < self._calls:
                self._running += 1
                return 0.0
            if not self._ended:
                return self._window / self._calls
            return max(self._ended[0] + self._window + _SLACK - now, _SLACK)
