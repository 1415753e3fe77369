"""Writes persons and says what became of each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from ...errors import (
    ConfigurationError,
    OutcomeUnknownError,
    RequestRejectedError,
    ServiceError,
    TransientError,
)
from ..protocol import Outcome, Problem, Status, Write, WriteKind
from .batches import Item, batches, encode_write
from .codes import DOUBTFUL_CODES, FIELD_NOT_FOUND, HALVED_CODES, WRITE_PERSONS
from .envelope import Envelope
from .outcomes import call_problem, outcome
from .persons import PATH
from .schema import Schema
from .scrub import field_in
from .session import Call, Kind, Session

DELETE_PATH: Final = "/rest/v1/leads/delete.json"
#: The service works on a sync of persons for 90 seconds at most; who gives up earlier doesn't know what was done.
SERVER_SECONDS: Final = 90.0
_TIMEOUT: Final = 120.0
#: Failed calls that the search for one bad record may cost.
_FAILED_CALLS: Final = 30


@define
class _Run:
    """One ``write()`` under way."""

    writes: Sequence[Write]
    outcomes: list[Outcome | None] = field(init=False)
    sent: bool = False
    stopped: ServiceError | ConfigurationError | None = None
    failed_calls: int = 0

    def __attrs_post_init__(self) -> None:
        self.outcomes = [None] * len(self.writes)

    def set(self, items: Sequence[Item], status: Status, problem: Problem) -> None:
        """Give all items the same outcome."""
        for item in items:
            self.outcomes[item.index] = Outcome(status, item.write.id, problem=problem)


class Writer:
    """Writes persons through a session, one call at a time: two upserts of one key that overlap make two persons.

    Args:
        session: Makes the calls.
        schema: Is forgotten when the service doesn't know a field.
        partition: Lead partition that new persons go to.
    """

    def __init__(self, session: Session, schema: Schema, partition: str | None) -> None:
        self._session = session
        self._schema = schema
        self._partition = partition
        self._one_at_a_time = threading.Lock()

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write records and return what became of each, in the same order.

        Raises:
            ServiceError: Nothing was sent.
        """
        run = _Run(writes)
        items: list[Item] = []
        for index, write in enumerate(writes):
            encoded = encode_write(index, write)
            if isinstance(encoded, Problem):
                run.outcomes[index] = Outcome(Status.REJECTED, write.id, problem=encoded)
            else:
                items.append(encoded)
        with self._one_at_a_time:
            for batch in batches(items):
                self._deliver(run, batch)
        if run.stopped is not None and not run.sent:
            raise run.stopped
        unsent = Outcome(Status.UNSENT, problem=_unsent(run.stopped))
        return [found if found is not None else unsent for found in run.outcomes]

    def _deliver(self, run: _Run, batch: Sequence[Item]) -> None:
        if run.stopped is not None or not batch:
            return
        try:
            envelope = self._session.send(self._call(batch))
        except OutcomeUnknownError as error:
            run.sent = True
            run.set(batch, Status.UNKNOWN, call_problem(error, retryable=True))
            if error.code not in DOUBTFUL_CODES:
                run.stopped = error
        except (RequestRejectedError, TransientError) as error:
            if isinstance(error, TransientError) and error.code not in HALVED_CODES:
                run.stopped = error
            else:
                run.sent = True
                self._refused(run, batch, error)
        except (ServiceError, ConfigurationError) as error:
            run.stopped = error
        else:
            run.sent = True
            self._answered(run, batch, envelope)

    def _answered(self, run: _Run, batch: Sequence[Item], envelope: Envelope) -> None:
        if len(envelope.result) != len(batch):
            problem = Problem("short-answer", "Marketo didn't answer for every record of the call", retryable=True)
            run.set(batch, Status.UNKNOWN, problem)
            return
        for item, entry in zip(batch, envelope.result, strict=True):
            result = outcome(item.write, entry, item.payload)
            if result.problem is not None and result.problem.code == FIELD_NOT_FOUND:
                self._schema.forget()
            run.outcomes[item.index] = result

    def _refused(self, run: _Run, batch: Sequence[Item], error: RequestRejectedError | TransientError) -> None:
        """The whole call was refused: find the record that it was refused for, so that its neighbours go through."""
        if error.code == FIELD_NOT_FOUND:
            self._field_unknown(run, batch, error)
            return
        run.failed_calls += 1
        if error.code in HALVED_CODES and len(batch) > 1 and run.failed_calls <= _FAILED_CALLS:
            if error.code in DOUBTFUL_CODES and batch[0].write.kind is WriteKind.CREATE:
                # The service gave up waiting; what it began may still be running, and would meet its repeat.
                self._session.wait(SERVER_SECONDS)
            middle = len(batch) // 2
            self._deliver(run, batch[:middle])
            self._deliver(run, batch[middle:])
            return
        run.set(batch, Status.REJECTED, call_problem(error))

    def _field_unknown(self, run: _Run, batch: Sequence[Item], error: ServiceError) -> None:
        self._schema.forget()
        name = field_in(str(error))
        problem = Problem(FIELD_NOT_FOUND, str(error), name)
        having = [item for item in batch if name is None or name in item.payload or name == item.lookup]
        if not having:
            run.set(batch, Status.REJECTED, problem)
            return
        run.set(having, Status.REJECTED, problem)
        taken = {item.index for item in having}
        self._deliver(run, [item for item in batch if item.index not in taken])

    def _call(self, batch: Sequence[Item]) -> Call:
        kind, lookup = batch[0].write.kind, batch[0].lookup
        given_up = HALVED_CODES - {"611"} if len(batch) > 1 else frozenset[str]()
        body: dict[str, object] = {"input": [item.payload for item in batch]}
        if kind is WriteKind.DELETE:
            return Call(
                "deleting persons",
                DELETE_PATH,
                Kind.WRITE,
                WRITE_PERSONS,
                body=body,
                timeout=_TIMEOUT,
                given_up=given_up,
            )
        body = {
            "action": "createOrUpdate" if kind is WriteKind.CREATE else "updateOnly",
            "lookupField": lookup,
            **body,
        }
        if kind is WriteKind.CREATE and self._partition is not None:
            body["partitionName"] = self._partition
        return Call(
            "writing persons",
            PATH,
            Kind.WRITE,
            WRITE_PERSONS,
            body=body,
            timeout=_TIMEOUT,
            pause=SERVER_SECONDS if kind is WriteKind.CREATE else 0.0,
            given_up=given_up,
        )


def _unsent(error: ServiceError | ConfigurationError | None) -> Problem | None:
    if isinstance(error, ServiceError):
        return call_problem(error, retryable=True)
    return Problem("unsent", str(error), retryable=True) if error is not None else None
