"""Service-protection limits: requests, execution time and concurrency in a sliding 300 seconds.

Source: Microsoft Learn, "Service protection API limits".
"""

from __future__ import annotations

import threading
from collections import deque
from math import ceil

from ..clock import SandboxClock
from .errors import Fault


class Limits:
    """Counts the requests of one user on one web server. Safe to call from many threads.

    Args:
        clock: Tells the time.
        requests: Requests in the window.
        seconds: Execution seconds in the window.
        at_once: Requests running at the same time; those that wait for others count.
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
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Let a request in.

        Raises:
            Fault: A limit is reached (HTTP 429 with ``Retry-After``).
        """
        with self._lock:
            now = self._forget()
            if self._running >= self.at_once:
                text = f"Number of concurrent requests exceeded the limit of {self.at_once}."
                raise Fault(429, "0x80072326", text, retry_after=5)
            wait = max(1, ceil(self.window - (now - self._recent[0][0]))) if self._recent else 1
            if len(self._recent) >= self.requests:
                text = f"Number of requests exceeded the limit of {self.requests} over time window of 300 seconds."
                raise Fault(429, "0x80072322", text, retry_after=wait)
            if self._spent >= self.seconds:
                text = (
                    f"Combined execution time of incoming requests exceeded limit of {self.seconds * 1000:,.0f} "
                    "milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce "
                    "the duration of requests and try again later."
                )
                raise Fault(429, "0x80072321", text, retry_after=wait)
            self._recent.append((now, self.cost))
            self._spent += self.cost
            self._running += 1

    def leave(self) -> None:
        """Note that a request ended."""
        with self._lock:
            self._running -= 1

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that tell what is left in the window."""
        with self._lock:
            self._forget()
            left, seconds = max(0, self.requests - len(self._recent)), max(0.0, self.seconds - self._spent)
        return [
            ("x-ms-ratelimit-burst-remaining-xrm-requests", str(left)),
            ("x-ms-ratelimit-time-remaining-xrm-requests", f"{seconds:,.2f}"),
        ]

    def _forget(self) -> float:
        now = self._clock.monotonic()
        while self._recent and now - self._recent[0][0] >= self.window:
            self._spent -= self._recent.popleft()[1]
        return now
