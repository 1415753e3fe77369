"""A share of the day's calls that this program keeps to, so that the rest is left for others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ...errors import PermissionDeniedError, QuotaError
from .envelope import SERVICE

#: How often the service is asked what the whole instance has used.
_ASK_EVERY: Final = 3600.0


class DailyLimit:
    """Stops calls when the instance's calls of today reach a number.

    Args:
        limit: The number; ``None`` never stops.
        ask: Asks the service how many calls the instance has used today.
        monotonic: Seconds that never go backwards.
    """

    def __init__(self, limit: int | None, ask: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._ask = ask
        self._monotonic = monotonic
        self._lock = threading.RLock()  # asking for the usage is itself a call that is counted
        self._asked_at: float | None = None
        self._used = 0

    def check(self) -> None:
        """Raise unless one more call is allowed.

        Raises:
            QuotaError: The limit is reached.
        """
        if self._limit is None:
            return
        with self._lock:
            now = self._monotonic()
            if self._asked_at is None or now - self._asked_at >= _ASK_EVERY:
                # A role that can't see what others use leaves our own calls as what is counted.
                with suppress(PermissionDeniedError):
                    self._used = self._ask()
                self._asked_at = now
            if self._used >= self._limit:
                raise QuotaError(
                    f"the instance has used {self._used} calls today, and daily_limit={self._limit} keeps the rest for "
                    "other programs. They are counted anew from midnight US Central time",
                    service=SERVICE,
                )

    def count(self) -> None:
        """Note one call of ours."""
        with self._lock:
            self._used += 1
