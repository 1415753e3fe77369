"""Doing at its own time what fell due while nobody called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType

from ...clock import SandboxClock


class WorkClock(SandboxClock):
    """The instance's clock, which tells an earlier moment while work that was due then is made up for.

    Only rooms that are used by one caller at a time may have it.

    Args:
        clock: The clock that it follows.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._moment: datetime | None = None

    def now(self) -> datetime:
        """Return the moment of the work that is being made up for, or the current one."""
        return self._clock.now() if self._moment is None else self._moment

    def monotonic(self) -> float:
        """Return the seconds of the clock that it follows."""
        return self._clock.monotonic()

    def advance(self, seconds: float = 0.0, **parts: float) -> None:
        """Move the clock that it follows."""
        self._clock.advance(seconds, **parts)

    def sleep(self, seconds: float) -> None:
        """Sleep as the clock that it follows does."""
        self._clock.sleep(seconds)

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Tell a moment inside the block."""
        self._moment = moment
        try:
            yield
        finally:
            self._moment = None


class Turn:
    """Lets one caller in at a time, and does first what fell due before it came.

    So a job that ended at noon has written its people at noon, whoever comes next and whatever they ask for.

    Args:
        settle: Does what is due.
    """

    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        if self._depth > 1:
            return
        try:
            self._settle()
        except BaseException:
            self._leave()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self._depth -= 1
        self._lock.release()
