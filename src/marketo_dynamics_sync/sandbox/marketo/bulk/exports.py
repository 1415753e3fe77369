"""The export calls: create, list, enqueue, cancel, status, file (Adobe, "Bulk Extract")."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ...http import Response
from ..envelope import Answer, Refusal
from ..parameters import Parameters
from ..tokens import BadToken, Tokens, scope_of
from .export_jobs import STATUSES, ExportJob
from .files import Files
from .orders import Gather, Order, read_order
from .queue import Queue
from .settings import BulkSettings
from .work import WorkClock

_CENTRAL = ZoneInfo("America/Chicago")
_LISTED = timedelta(days=7)
_FILE_KEPT = timedelta(days=7)
_STATUS_KEPT = timedelta(days=30)


class Source(Protocol):
    """Knows what can be exported of one kind."""

    def plan(self, order: Order) -> tuple[list[str], Gather]:
        """Return the fields and the rows of an order."""
        ...


class Exports:
    """Answers of the export calls, for every kind alike.

    A status changes at most once every 60 seconds, counted from the enqueue call, as the page says; canceling shows at
    once. The file can be had when the status says Completed, for seven days (another sentence of the page says ten);
    the status for 30 days. Choices: an unknown or foreign job is 1013 in the calls that answer in JSON; a job that was
    canceled or has ended cannot be enqueued or canceled, which is 1003; a full queue is told before a used-up quota;
    jobs are listed in the order of their creation.

    Args:
        clock: Tells the time.
        queue: The queue of exports.
        settings: Limits and timings.
        tokens: Makes paging tokens.
        breaks: Asked when a job ends whether it fails.
        seed: Makes export ids repeatable.
    """

    def __init__(
        self,
        clock: WorkClock,
        queue: Queue,
        settings: BulkSettings,
        tokens: Tokens,
        breaks: Callable[[str], str | None],
        seed: int,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._settings = settings
        self._tokens = tokens
        self._breaks = breaks
        self._random = random.Random(f"exports {seed}")
        self._files = Files(clock)
        self._jobs: list[ExportJob] = []

    def create(self, kind: str, source: Source, given: Parameters) -> Answer:
        """``POST .../export/create.json``."""
        order = read_order(given)
        names, gather = source.plan(order)
        self._check_quota()
        job = ExportJob(
            seconds=self._settings.export_time,
            id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            place=len(self._jobs) + 1,
            kind=kind,
            user=given.client.user,
            form=order.form,
            header=order.header(names),
            gather=gather,
            created_at=self._clock.now(),
            breaks=self._breaks,
        )
        self._jobs.append(job)
        return self._show(job)

    def browse(self, kind: str, given: Parameters) -> Answer:
        """``GET .../export.json``: own jobs of the last seven days."""
        wanted = {name.lower() for name in given.many("status")}
        for name in sorted(wanted.difference(STATUSES)):
            raise Refusal("1003", f"Invalid value '{name}' for parameter 'status'")
        if wanted & {"canceled", "cancelled"}:
            wanted |= {"canceled", "cancelled"}
        scope = scope_of(kind, given.client.user, sorted(wanted))
        token = given.one("nextPageToken")
        try:
            after = self._tokens.read("exports", token, scope) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        now, size = self._clock.now(), given.size()
        left = [
            job
            for job in self._own(kind, given)
            if job.place > after
            and now - job.created_at <= _LISTED
            and (not wanted or job.status(self._seen(job)).lower() in wanted)
        ]
        answer: Answer = {"result": [job.show(self._seen(job)) for job in left[:size]]}
        if len(left) > size:
            answer["nextPageToken"] = self._tokens.make("exports", left[size - 1].place, scope)
        return answer

    def enqueue(self, kind: str, given: Parameters, number: str) -> Answer:
        """``POST .../export/{exportId}/enqueue.json``."""
        job = self._need(kind, given, number)
        if job.cancelled or job.error:
            raise Refusal("1003", "The export job is not in 'Created' state")
        if job.queued_at is not None:
            raise Refusal("1029", "Job already queued")
        if self._queue.full:
            raise Refusal("1029", "Too many jobs in queue")
        self._check_quota()
        self._queue.add(job)
        return self._show(job)

    def cancel(self, kind: str, given: Parameters, number: str) -> Answer:
        """``POST .../export/{exportId}/cancel.json``."""
        job = self._need(kind, given, number)
        if job.cancelled or job.finished_at is not None:
            raise Refusal("1003", "The export job has ended already")
        job.cancelled = True
        self._queue.remove(job)
        return self._show(job)

    def status(self, kind: str, given: Parameters, number: str) -> Answer:
        """``GET .../export/{exportId}/status.json``."""
        return self._show(self._need(kind, given, number))

    def file(self, kind: str, given: Parameters, number: str) -> Response:
        """``GET .../export/{exportId}/file.json``: the file, or 404 with a plain text."""
        job = self._find(kind, given, number)
        if job is None or job.finished_at is None or job.status(self._seen(job)) != "Completed":
            return self._files.missing("Export file not found")
        if self._clock.now() - job.finished_at > _FILE_KEPT:
            return self._files.missing("Export file not found")
        return self._files.part(job.content, given.headers.get("range"))

    def _show(self, job: ExportJob) -> Answer:
        return {"result": [job.show(self._seen(job))]}

    def _own(self, kind: str, given: Parameters) -> list[ExportJob]:
        return [job for job in self._jobs if job.kind == kind and job.user == given.client.user]

    def _find(self, kind: str, given: Parameters, number: str) -> ExportJob | None:
        for job in self._own(kind, given):
            if job.id == number and self._clock.now() - (job.finished_at or job.created_at) <= _STATUS_KEPT:
                return job
        return None

    def _need(self, kind: str, given: Parameters, number: str) -> ExportJob:
        job = self._find(kind, given, number)
        if job is None:
            raise Refusal("1013", f"Export job '{number}' not found")
        return job

    def _seen(self, job: ExportJob) -> datetime:
        now, step = self._clock.now(), self._settings.refresh
        if job.queued_at is None or step <= 0:
            return now
        ticks = (now - job.queued_at).total_seconds() // step
        return job.queued_at + timedelta(seconds=ticks * step)

    def _check_quota(self) -> None:
        today = self._clock.now().astimezone(_CENTRAL).date()
        used = sum(
            len(job.content)
            for job in self._jobs
            if job.finished_at is not None and job.finished_at.astimezone(_CENTRAL).date() == today
        )
        if used >= self._settings.daily_bytes:
            raise Refusal("1029", self._settings.quota_message)
