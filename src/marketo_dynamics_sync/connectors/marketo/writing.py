"""Writing persons: 300 a call and under the body limit, an outcome for each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from typing import Final, cast

from attrs import define, field

from ...errors import (
    LimitError,
    OutcomeUnknownError,
    RequestRejectedError,
    ServiceError,
    TransientError,
    ValueRejectedError,
)
from ..protocol import Outcome, Problem, Status, Write, WriteKind
from .codes import to_problem
from .rest import Rest

#: Records in one call (Adobe developer documentation, "Leads").
WRITE_SIZE: Final = 300
#: The service takes 1 MB; what surrounds the records needs a little of it.
BODY_SIZE: Final = 900_000
_DONE: Final = {"created": Status.CREATED, "updated": Status.UPDATED, "deleted": Status.DELETED}


@define
class Writer:
    """Writes persons. Creates go one call at a time: two overlapping upserts of one key could make two persons.

    Attributes:
        rest: The API.
        partition: Partition for new persons, or ``None``.
    """

    rest: Rest
    partition: str | None
    _one_at_a_time: threading.Lock = field(factory=threading.Lock, repr=False)

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write persons and return what became of each, in the same order.

        Raises:
            ServiceError: Nothing could be sent at all.
        """
        outcomes: list[Outcome | None] = [None] * len(writes)
        groups: dict[tuple[WriteKind, str], list[int]] = {}
        bodies: dict[int, dict[str, object]] = {}
        for position, write in enumerate(writes):
            try:
                bodies[position] = _body(write)
            except ValueRejectedError as error:
                outcomes[position] = Outcome(Status.REJECTED, write.id, problem=Problem(error.code, error.reason))
                continue
            groups.setdefault((write.kind, _lookup(write)), []).append(position)
        stopped: ServiceError | None = None
        sent = False
        for (kind, lookup), positions in groups.items():
            for batch in _batches(positions, bodies):
                if stopped is not None:
                    self._leave(outcomes, batch, writes, Status.UNSENT, stopped)
                    continue
                try:
                    answers = self._send(kind, lookup, [bodies[p] for p in batch])
                    sent = True
                    for position, answer in zip(batch, answers, strict=True):
                        outcomes[position] = _outcome(writes[position], answer)
                except OutcomeUnknownError as error:
                    sent = True
                    self._leave(outcomes, batch, writes, Status.UNKNOWN, error)
                except RequestRejectedError as error:
                    sent = True
                    self._leave(outcomes, batch, writes, Status.REJECTED, error)
                except (LimitError, TransientError, ServiceError) as error:
                    stopped = error
                    self._leave(outcomes, batch, writes, Status.UNSENT, error)
        if stopped is not None and not sent:
            raise stopped
        return cast("list[Outcome]", outcomes)

    def _send(self, kind: WriteKind, lookup: str, records: list[dict[str, object]]) -> list[object]:
        try:
            if kind is WriteKind.DELETE:
                answer = self.rest.post("/rest/v1/leads/delete.json", {"input": records}, repeatable=True)
            elif kind is WriteKind.UPDATE:
                data = {"action": "updateOnly", "lookupField": "id", "input": records}
                answer = self.rest.post("/rest/v1/leads.json", data, repeatable=True)
            else:
                with self._one_at_a_time:
                    answer = self.rest.post("/rest/v1/leads.json", self._create(lookup, records), repeatable=False)
        except RequestRejectedError as error:
            if error.code not in ("413", "604") or len(records) == 1:
                raise
            half = len(records) // 2
            return [*self._send(kind, lookup, records[:half]), *self._send(kind, lookup, records[half:])]
        result = answer.get("result")
        if not isinstance(result, list) or len(result) != len(records):
            raise OutcomeUnknownError("the answer doesn't have one entry for each record", service="marketo")
        return result

    def _create(self, lookup: str, records: list[dict[str, object]]) -> dict[str, object]:
        data: dict[str, object] = {"action": "createOrUpdate", "lookupField": lookup, "input": records}
        if self.partition is not None:
            data["partitionName"] = self.partition
        return data

    def _leave(
        self,
        outcomes: list[Outcome | None],
        positions: Sequence[int],
        writes: Sequence[Write],
        status: Status,
        error: ServiceError,
    ) -> None:
        problem = Problem(error.code or type(error).__name__, str(error), retryable=error.retryable)
        for position in positions:
            outcomes[position] = Outcome(status, writes[position].id, problem=problem)


def _lookup(write: Write) -> str:
    if write.kind is not WriteKind.CREATE:
        return "id"
    return write.entity.fields[str(write.lookup)].marketo


def _body(write: Write) -> dict[str, object]:
    if write.kind is WriteKind.DELETE:
        return {"id": int(str(write.id))}
    body: dict[str, object] = dict(write.entity.encode_marketo(write.values))
    if write.kind is WriteKind.UPDATE:
        body["id"] = int(str(write.id))
    elif write.lookup is None or body.get(_lookup(write)) in (None, ""):
        raise ValueRejectedError("a new person needs a value in its lookup field", code="no-key")
    return body


def _batches(positions: Sequence[int], bodies: dict[int, dict[str, object]]) -> Iterator[list[int]]:
    """Yield positions in calls that are neither too many records nor too many bytes, no key twice in one call."""
    batch: list[int] = []
    size = 0
    for position in positions:
        length = len(json.dumps(bodies[position], ensure_ascii=False).encode()) + 1
        if batch and (len(batch) >= WRITE_SIZE or size + length > BODY_SIZE):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += length
    if batch:
        yield batch


def _outcome(write: Write, answer: object) -> Outcome:
    data = answer if isinstance(answer, dict) else {}
    status = str(data.get("status", ""))
    person = str(data["id"]) if data.get("id") is not None else write.id
    if status in _DONE:
        return Outcome(_DONE[status], person)
    # The service puts reasons in one of three places, depending on the endpoint.
    reasons = data.get("reasons") or data.get("errors") or data.get("reason") or []
    listed = reasons if isinstance(reasons, list) else [reasons]
    problem = to_problem(listed[0]) if listed else Problem("skipped", "Marketo gave no reason")
    if problem.code == "1004" and write.kind is not WriteKind.CREATE:
        return Outcome(Status.GONE, write.id, problem=problem)
    return Outcome(Status.REJECTED, write.id, problem=problem)
