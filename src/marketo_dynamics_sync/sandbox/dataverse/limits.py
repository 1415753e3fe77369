"""Service-protection limits: requests, execution time and concurrency in a sliding 300 seconds."""

from __future__ import annotations

from collections import deque
from math import ceil

from ..clock import SandboxClock
from .errors import Fault


class Limits:
    """Counts the requests of one user on one web server.

    Args:
        clock: Tells the time.
        requests: Requests in the window.
        seconds: Execution seconds in the window.
        at_once: Requests running at the same time.
        cost: Execution seconds that a request counts.
    """

    window = 300.0

    def __init__(self, clock: SandboxClock, requests: int, seconds: float, at_once: int, cost: float) -> None:
        self._clock = clock
        self.requests = requests
        self.seconds = seconds
        self.at_once = at_once
        self.cost = cost
        self._recent: deque[tuple[float, float]] = deque()
        self._running = 0
        self._spent = 0.0

    def enter(self) -> None:
        """Let a request in.

        Raises:
            Fault: A limit is reached (HTTP 429 with ``Retry-After``).
        """
        now = self._clock.monotonic()
        while self._recent and now - self._recent[0][0] >= self.window:
            self._spent -= self._recent.popleft()[1]
        if self._running >= self.at_once:
            raise Fault(
                429, "0x80072326", f"Number of concurrent requests exceeded the limit of {self.at_once}.", retry_after=5
            )
        wait = max(1, ceil(self.window - (now - self._recent[0][0]))) if self._recent else 1
        if len(self._recent) >= self.requests:
            text = f"Number of requests exceeded the limit of {self.requests} over time window of 300 seconds."
            raise Fault(429, "0x80072322", text, retry_after=wait)
        if self._spent >= self.seconds:
            text = (
                f"Combined execution time of incoming requests exceeded limit of {self.seconds * 1000:.0f} "
                "milliseconds over time "
                "window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests "
                "and try again later."
            )
            raise Fault(429, "0x80072321", text, retry_after=wait)
        self._recent.append((now, self.cost))
        self._spent += self.cost
        self._running += 1

    def leave(self) -> None:
        """Note that a request ended."""
        self._running -= 1

    @property
    def left(self) -> int:
        """Requests left in the window."""
        return max(0, self.requests - len(self._recent))
