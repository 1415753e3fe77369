"""One export: its life, and its file (Adobe, "Bulk Extract")."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from attrs import define

from ..envelope import Answer
from ..values import second, shown
from .delimited import write_table
from .orders import Gather
from .queue import Job

#: Every status, in lower case, as the list call filters by them. Adobe writes Canceled in lists of statuses and
#: Cancelled in answers and in the Swagger file: answers have Cancelled, filters take both.
STATUSES: Final = ("created", "queued", "processing", "cancelled", "canceled", "completed", "failed")


@define(eq=False, kw_only=True)
class ExportJob(Job):
    """One export.

    Its file holds what there was when the job began to run: Adobe's pages say so of list members, for other filters it
    is a choice. An empty value is the text ``null``.

    Attributes:
        id: The export id.
        place: Its place among all exports of the instance.
        kind: What it exports, as in the path: ``leads``, ``activities``, ``customobjects/car_c``.
        user: The API user that created it, who alone may see it.
        form: Format of the file.
        header: First row of the file.
        gather: Gives the other rows.
        created_at: When it was created.
        cancelled: Whether it was canceled.
        breaks: Asked with the export id at the end; a text makes the job fail with that message.
        records: Rows of the file without the header.
        content: The file, from the start of the job on; nobody gets it before the job is completed.
        checksum: The SHA-256 hash of the file, as the status calls show it.
        error: Why the job failed.
    """

    id: str
    place: int
    kind: str
    user: str
    form: str
    header: list[str]
    gather: Gather
    created_at: datetime
    breaks: Callable[[str], str | None]
    cancelled: bool = False
    records: int = 0
    content: bytes = b""
    checksum: str = ""
    error: str = ""

    def begin(self) -> None:
        """Collect the rows."""
        rows = [["null" if value is None else shown(value) or "" for value in row] for row in self.gather()]
        self.records = len(rows)
        self.content = write_table([self.header, *rows], self.form)
        self.checksum = f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def end(self) -> None:
        """Complete or fail."""
        self.error = self.breaks(self.id) or ""
        if self.error:
            self.content = b""

    def status(self, at: datetime) -> str:
        """Return the status at a moment, now or earlier."""
        if self.cancelled:
            return "Cancelled"
        if self.finished_at is not None and self.finished_at <= at:
            return "Failed" if self.error else "Completed"
        if self.started_at is not None and self.started_at <= at:
            return "Processing"
        return "Created" if self.queued_at is None else "Queued"

    def show(self, at: datetime) -> Answer:
        """Return the job as the status calls show it; what is not known yet is left out, as in recorded answers."""
        status = self.status(at)
        answer: Answer = {"exportId": self.id, "format": self.form, "status": status}
        answer["createdAt"] = second(self.created_at)
        reached = {"queuedAt": self.queued_at, "startedAt": self.started_at, "finishedAt": self.finished_at}
        for name, moment in reached.items():
            if moment is not None and moment <= at:
                answer[name] = second(moment)
        if status == "Completed":
            size = len(self.content)
            answer |= {"numberOfRecords": self.records, "fileSize": size, "fileChecksum": self.checksum}
        if status == "Failed":
            answer["errorMsg"] = self.error
        return answer
