"""Jobs that wait, run and end by the clock, without threads (Adobe, "Bulk Import" and "Bulk Extract", "Queue")."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from datetime import UTC, datetime, timedelta

from attrs import define

from .work import WorkClock


@define(eq=False, kw_only=True)
class Job(ABC):
    """One job.

    Attributes:
        seconds: How long it runs.
        queued_at: When it was put into the queue.
        started_at: When it began to run.
        finished_at: When it ended by itself.
    """

    seconds: float
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @abstractmethod
    def begin(self) -> None:
        """Do what is done at the start."""

    @abstractmethod
    def end(self) -> None:
        """Do what is done at the end."""


class Queue:
    """First in, first out, with a few jobs running at the same time.

    Args:
        clock: Tells the time, and is set back to the moment of what is made up for.
        running: Jobs that run at the same time.
        queued: Jobs it holds, those that run among them.
        wait: Seconds a job waits at least.
    """

    def __init__(self, clock: WorkClock, *, running: int, queued: int, wait: float) -> None:
        self._clock = clock
        self._most_running = running
        self._most = queued
        self._wait = timedelta(seconds=wait)
        self._waiting: deque[Job] = deque()
        self._running: list[tuple[datetime, Job]] = []
        self._free_since = datetime.min.replace(tzinfo=UTC)

    @property
    def full(self) -> bool:
        """Whether it takes no further job."""
        return len(self) >= self._most

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    def add(self, job: Job) -> None:
        """Put a job at the end."""
        job.queued_at = self._clock.now()
        self._waiting.append(job)

    def remove(self, job: Job) -> None:
        """Take a job out, whether it runs or not; its place is free for the next."""
        self._waiting = deque(other for other in self._waiting if other is not job)
        left = [pair for pair in self._running if pair[1] is not job]
        if len(left) < len(self._running):
            self._running, self._free_since = left, self._clock.now()

    def due(self) -> datetime | None:
        """Return when the next job starts or ends, or ``None`` when nothing is waiting or running."""
        return min((at for at in (self._next_end(), self._next_start()) if at is not None), default=None)

    def step(self) -> None:
        """Start or end the next job, at the moment it is due; an end comes before a start of the same moment."""
        end, start = self._next_end(), self._next_start()
        if end is not None and (start is None or end <= start):
            self._end(end)
        elif start is not None:
            self._start(start)

    def _start(self, at: datetime) -> None:
        job = self._waiting.popleft()
        job.started_at = at
        self._running.append((at + timedelta(seconds=job.seconds), job))
        with self._clock.at(at):
            job.begin()

    def _end(self, at: datetime) -> None:
        pair = min(self._running, key=lambda pair: pair[0])
        self._running.remove(pair)
        self._free_since = at
        pair[1].finished_at = at
        with self._clock.at(at):
            pair[1].end()

    def _next_end(self) -> datetime | None:
        return min((at for at, _ in self._running), default=None)

    def _next_start(self) -> datetime | None:
        if not self._waiting or len(self._running) >= self._most_running:
            return None
        queued = self._waiting[0].queued_at
        assert queued is not None
        return max(queued + self._wait, self._free_since)
