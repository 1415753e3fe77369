"""One import: its file, its rows, and what became of them (Adobe, "Bulk Lead Import", "Bulk Custom Object Import")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import define, field

from ..envelope import Answer
from .delimited import NotText, read_table, write_table
from .objects import RowRefused
from .queue import Job

FAILURE: Final = "Import Failure Reason"
WARNING: Final = "Import Warning Reason"

#: Writes one row, given by column; returns a warning or ``None``, and raises :class:`RowRefused`.
WriteRow = Callable[[Mapping[str, str]], str | None]
#: Rows with what is said of each.
Remarks = list[tuple[list[str], str]]


@define(eq=False, kw_only=True)
class ImportJob(Job):
    """One batch.

    Choices, where Adobe's pages say nothing: a row with fewer cells than the header lacks its last ones, a row with
    more is a failure; a file that is not UTF-8 makes a batch that ends as Failed; the counts stay at zero until the
    batch has ended.

    Attributes:
        number: The batch id.
        object_name: API name of the custom object; ``None`` for leads.
        form: Format of the file.
        content: The file; let go when the batch has ended.
        write: Writes one row.
        list_id: The static list that leads are put on.
        breaks: Asked with the batch id at the end; a text makes the batch fail with that message, and write nothing.
        done: Rows imported.
        failed: Rows that were not.
        warned: Rows that were, with a warning.
        header: The first row.
        error: Why the batch failed.
    """

    number: int
    object_name: str | None
    form: str
    content: bytes
    write: WriteRow
    list_id: int | None = None
    breaks: Callable[[str], str | None]
    done: int = 0
    failed: Remarks = field(factory=list)
    warned: Remarks = field(factory=list)
    header: list[str] = field(factory=list)
    error: str = ""

    @property
    def status(self) -> str:
        """``Queued``, ``Importing``, ``Complete`` or ``Failed``."""
        if self.finished_at is not None:
            return "Failed" if self.error else "Complete"
        return "Queued" if self.started_at is None else "Importing"

    def begin(self) -> None:
        """Do nothing: rows are written at the end."""

    def end(self) -> None:
        """Write the rows."""
        content, self.content = self.content, b""
        self.error = self.breaks(str(self.number)) or ""
        if self.error:
            return
        try:
            rows = read_table(content, self.form)
        except NotText:
            self.error = "Import failed, the file is not encoded in UTF-8"
            return
        self.header = rows[0] if rows else []
        for row in rows[1:]:
            self._take(row)

    def expired(self, now: datetime, seconds: float) -> bool:
        """Return whether the batch id is no longer valid."""
        return self.queued_at is None or (now - self.queued_at).total_seconds() > seconds

    def file(self, remarks: Remarks, title: str, *, whole: bool) -> bytes:
        """Return the failures or the warnings file, in the format of the import."""
        rows = [row + [""] * (len(self.header) - len(row)) for row, _ in remarks] if whole else _cut(remarks)
        width = max(len(row) for row in rows)
        reasons = [text for _, text in remarks]
        body = [[*row, reason] for row, reason in zip(rows, reasons, strict=True)]
        return write_table([[*self.header[:width], title], *body], self.form)

    def show(self) -> Answer:
        """Return the batch as the status calls show it.

        Adobe's sample of a lead import that has just been accepted lacks ``numOfLeadsProcessed`` and that of a custom
        object import lacks ``operation``, while its Swagger file requires both: here they are always there.
        """
        counts: Answer = {"numOfRowsFailed": len(self.failed), "numOfRowsWithWarning": len(self.warned)}
        shown: Answer = {"batchId": self.number}
        if self.object_name is None:
            shown |= {"importId": str(self.number), "status": self.status, "numOfLeadsProcessed": self.done, **counts}
        else:
            shown |= {"operation": "import", "status": self.status, "objectApiName": self.object_name}
            shown |= {"numOfObjectsProcessed": self.done, **counts}
        if self.finished_at is not None:
            if self.object_name is not None:
                shown["importTime"] = f"{max(1, round(self.seconds))} second(s)"
            shown["message"] = self.error or self._message()
        return shown

    def _take(self, row: list[str]) -> None:
        try:
            if len(row) > len(self.header):
                raise RowRefused("Invalid number of columns")
            warning = self.write(dict(zip(self.header, row, strict=False)))
        except RowRefused as refused:
            self.failed.append((row, refused.reason))
            return
        self.done += 1
        if warning is not None:
            self.warned.append((row, warning))

    def _message(self) -> str:
        start = "Import completed with errors" if self.failed else "Import succeeded"
        parts = [start, f"{self.done} records imported ({self.done} members)"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if self.warned:
            parts.append(f"{len(self.warned)} warning.")
        return ", ".join(parts)


def _cut(remarks: Sequence[tuple[list[str], str]]) -> list[list[str]]:
    rows: list[list[str]] = []
    for row, _ in remarks:
        kept = list(row)
        while kept and not kept[-1]:
            kept.pop()
        rows.append(kept)
    return rows
