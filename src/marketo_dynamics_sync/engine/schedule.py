"""For hosts: running cycles again and again, and from async code. Owns nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


def repeat(run: Callable[[], object], interval: timedelta | float, stop: threading.Event) -> int:
    """Run something, wait, and run it again until told to stop.

    Args:
        run: What to run.
        interval: Time between the end of one run and the start of the next, as a timedelta or in seconds.
        stop: Set by the host to end; a wait ends at once.

    Returns:
        How often it ran.
    """
    seconds = interval.total_seconds() if isinstance(interval, timedelta) else float(interval)
    if seconds < 0:
        raise ValueError("interval must not be negative")
    runs = 0
    while not stop.is_set():
        run()
        runs += 1
        stop.wait(seconds)
    return runs


async def in_thread(run: Callable[[threading.Event], T]) -> T:
    """Run something in a worker thread; when cancelled, tell it to stop and wait until it has.

    Args:
        run: Called with an event that is set when the task is cancelled.
    """
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(run, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        # The batch under way is finished and kept before the cancellation goes on.
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
