"""The import calls: upload, status, failures, warnings (Adobe, "Bulk Import")."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...http import Response
from ..envelope import Answer, Refusal
from ..parameters import Parameters
from ..values import whole_number
from .delimited import DELIMITERS
from .files import Files
from .import_jobs import FAILURE, WARNING, ImportJob, WriteRow
from .import_leads import LeadImport
from .import_objects import ObjectImport
from .multipart import Upload, read_upload
from .objects import ObjectStore
from .queue import Queue
from .settings import BulkSettings
from .work import WorkClock

_VALID = 7 * 86_400
_FIRST = 1001


class Imports:
    """Answers of the import calls.

    Choices: ``format`` is required, as the Swagger file and the page on leads have it ("Bulk Import" names a default);
    a file without any row is refused with 1003 "Empty File", one with a header only is a batch of no record; an
    unknown batch, one older than seven days, and one of another object are 1013 in the status calls and HTTP 404 in
    the file calls; a batch is open to every client whose role may import.

    Args:
        clock: Tells the time.
        queue: The queue of imports.
        settings: Limits and timings.
        leads: Writes rows of leads.
        objects: Writes rows of custom objects.
        store: Gives the store of custom objects.
        breaks: Asked when a batch ends whether it fails.
    """

    def __init__(
        self,
        clock: WorkClock,
        queue: Queue,
        settings: BulkSettings,
        leads: LeadImport,
        objects: ObjectImport,
        store: Callable[[], ObjectStore],
        breaks: Callable[[str], str | None],
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._settings = settings
        self._leads = leads
        self._objects = objects
        self._store = store
        self._breaks = breaks
        self._files = Files(clock)
        self._jobs: list[ImportJob] = []

    def import_leads(self, given: Parameters) -> Answer:
        """``POST /bulk/v1/leads.json``."""
        upload = read_upload(given)
        form = _form(upload.given)
        plan = self._leads.plan(upload.given)
        target = None if plan.target is None else plan.target.id
        if target is not None and any(job.list_id == target and job.finished_at is None for job in self._jobs):
            raise Refusal("1019", "Import in progress")
        job = self._add(upload, form, None, partial(self._leads.write, plan=plan), target)
        return {"result": [job.show()]}

    def import_objects(self, given: Parameters, name: str) -> Answer:
        """``POST /bulk/v1/customobjects/{apiName}/import.json``."""
        upload = read_upload(given)
        form = _form(upload.given)
        store = self._store()
        kind = store.describe(name)
        if kind is None:
            raise Refusal("1013", f"Object '{name}' not found")
        job = self._add(upload, form, name, partial(self._objects.write, store, kind), None)
        return {"result": [job.show()]}

    def status(self, given: Parameters, number: str) -> Answer:
        """``GET /bulk/v1/leads/batch/{batchId}.json``."""
        return {"result": [self._need(number, None).show()]}

    def object_status(self, given: Parameters, name: str, number: str) -> Answer:
        """``GET /bulk/v1/customobjects/{apiName}/import/{batchId}/status.json``."""
        return {"result": [self._need(number, name).show()]}

    def failures(self, given: Parameters, number: str) -> Response:
        """``GET /bulk/v1/leads/batch/{batchId}/failures.json``."""
        return self._remarks(number, None, FAILURE)

    def warnings(self, given: Parameters, number: str) -> Response:
        """``GET /bulk/v1/leads/batch/{batchId}/warnings.json``."""
        return self._remarks(number, None, WARNING)

    def object_failures(self, given: Parameters, name: str, number: str) -> Response:
        """``GET /bulk/v1/customobjects/{apiName}/import/{batchId}/failures.json``."""
        return self._remarks(number, name, FAILURE)

    def object_warnings(self, given: Parameters, name: str, number: str) -> Response:
        """``GET /bulk/v1/customobjects/{apiName}/import/{batchId}/warnings.json``."""
        return self._remarks(number, name, WARNING)

    def _add(self, upload: Upload, form: str, name: str | None, write: WriteRow, target: int | None) -> ImportJob:
        if not upload.file.strip():
            raise Refusal("1003", "Empty File")
        if self._queue.full:
            raise Refusal("1016", "Too many imports")
        job = ImportJob(
            seconds=self._settings.import_time,
            number=_FIRST + len(self._jobs),
            object_name=name,
            form=form,
            content=upload.file,
            write=write,
            list_id=target,
            breaks=self._breaks,
        )
        self._jobs.append(job)
        self._queue.add(job)
        return job

    def _find(self, number: int, name: str | None) -> ImportJob | None:
        for job in self._jobs:
            if job.number == number and job.object_name == name and not job.expired(self._clock.now(), _VALID):
                return job
        return None

    def _need(self, raw: str, name: str | None) -> ImportJob:
        number = whole_number(raw)
        if number is None:
            raise Refusal("1001", f"Invalid value '{raw}'. Required of type 'Integer'")
        job = self._find(number, name)
        if job is None:
            raise Refusal("1013", f"Batch '{raw}' not found")
        return job

    def _remarks(self, raw: str, name: str | None, title: str) -> Response:
        job = self._find(whole_number(raw) or 0, name)
        remarks = [] if job is None else job.failed if title == FAILURE else job.warned
        if job is None or not remarks:
            return self._files.missing("File not found")
        return self._files.whole(job.file(remarks, title, whole=self._settings.whole_rows))


def _form(given: Parameters) -> str:
    raw = given.need("format")
    if raw.upper() not in DELIMITERS:
        raise Refusal("1003", f"Invalid value '{raw}' for parameter 'format'")
    return raw.upper()
