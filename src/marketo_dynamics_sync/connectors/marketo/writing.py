"""Writes records and says what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, evolve, field

from ...errors import (
    ConfigurationError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceError,
    TransientError,
)
from ..protocol import Outcome, Problem, Status, Write, WriteKind
from .batches import batches
from .codes import COMPANY_CLOSED, CRM_ENABLED, DOUBTFUL_CODES, FIELD_NOT_FOUND, HALVED_CODES, OWNER_NOT_FOUND
from .company import without_company
from .encoding import Item, encode_write
from .envelope import Envelope
from .links import there, without_owner
from .outcomes import NOT_FOUND, call_problem, in_order, link_problem, outcome
from .scrub import field_in
from .session import Session
from .write_calls import write_call

#: Failed calls after which a search that finds nothing but bad records ends.
_FAILED_CALLS: Final = 30
#: Failed calls more that each call which succeeded meanwhile is worth: bad records stand alone then, one by one.
_WORTH: Final = 3


@define
class _Run:
    """One ``write()`` under way.

    Attributes:
        writes: The writes.
        outcomes: What became of each, as far as it is known.
        sent: Whether the service took a call, or may have.
        stopped: Why no more calls are made.
        denied: Objects that we have no right to write; their records stay unsent.
        closed: Objects that a native CRM sync keeps to itself; their records are refused.
        failed_calls: Calls that the search for bad records has cost.
        good_calls: Calls that succeeded since the search began.
    """

    writes: Sequence[Write]
    outcomes: list[Outcome | None] = field(init=False)
    sent: bool = False
    stopped: ServiceError | ConfigurationError | None = None
    denied: dict[str, PermissionDeniedError] = field(factory=dict)
    closed: dict[str, Problem] = field(factory=dict)
    failed_calls: int = 0
    good_calls: int = 0

    def __attrs_post_init__(self) -> None:
        self.outcomes = [None] * len(self.writes)

    def set(self, items: Sequence[Item], status: Status, problem: Problem) -> None:
        """Give all items the same outcome."""
        for item in items:
            self.outcomes[item.index] = Outcome(status, item.write.id, problem=problem)

    @property
    def searching(self) -> bool:
        """Whether the search for bad records is worth another call."""
        return self.failed_calls <= _FAILED_CALLS + _WORTH * self.good_calls

    def finished(self) -> list[Outcome]:
        """Return the outcomes; what has none was not sent.

        Raises:
            ServiceError: Nothing was sent.
        """
        stops = [self.stopped] if self.stopped is not None else list(self.denied.values())
        if stops and not self.sent:
            raise stops[0]
        found: list[Outcome] = []
        for write, known in zip(self.writes, self.outcomes, strict=True):
            denied = self.denied.get(write.entity.definition.marketo.name)
            found.append(known or Outcome(Status.UNSENT, problem=_unsent(denied or self.stopped)))
        return found


class Writer:
    """Writes records through a session, one call at a time: two upserts of one key that overlap make two persons.

    Args:
        session: Makes the calls.
        forget: Called when the service doesn't know a field: what was described is out of date.
        depth: How many custom objects stand above one.
        partition: Lead partition that new persons go to.
    """

    def __init__(
        self, session: Session, forget: Callable[[], None], depth: Callable[[str], int], partition: str | None
    ) -> None:
        self._session = session
        self._forget = forget
        self._depth = depth
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
            for batch in batches(items, self._depth):
                self._deliver(run, batch)
        return run.finished()

    def _deliver(self, run: _Run, batch: Sequence[Item], *, half: bool = False) -> None:
        if run.stopped is not None or not batch or batch[0].target.name in run.denied:
            return
        closed = run.closed.get(batch[0].target.name)
        if closed is not None:
            run.set(batch, Status.REJECTED, closed)
            return
        try:
            envelope = self._session.send(write_call(batch, self._partition, half=half))
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
        except PermissionDeniedError as error:
            run.denied[batch[0].target.name] = error
        except (ServiceError, ConfigurationError) as error:
            run.stopped = error
        else:
            run.sent = True
            run.good_calls += run.failed_calls > 0
            self._answered(run, batch, envelope)

    def _answered(self, run: _Run, batch: Sequence[Item], envelope: Envelope) -> None:
        if len(envelope.result) != len(batch):
            problem = Problem("short-answer", "Marketo didn't answer for every record of the call", retryable=True)
            run.set(batch, Status.UNKNOWN, problem)
            return
        doubtful: list[Item] = []
        shorter: list[Item] = []
        for item, entry in zip(batch, in_order(envelope.result), strict=True):
            result = outcome(item, entry)
            code = result.problem.code if result.problem is not None else None
            if code == FIELD_NOT_FOUND:
                self._forget()
            if result.status is Status.GONE and code == NOT_FOUND and item.write.kind is WriteKind.UPDATE:
                doubtful.append(item)
            less = without_company(item) if code == COMPANY_CLOSED else None
            if less is not None:
                shorter.append(less)
            run.outcomes[item.index] = evolve(result, left_out=item.left_out) if result.status.done else result
        if shorter:
            self._without_company(run, shorter)
        if doubtful:
            self._links_missing(run, doubtful)

    def _without_company(self, run: _Run, items: Sequence[Item]) -> None:
        """Send records again without what is their company's; of one that has nothing else nothing is left to do."""
        left: list[Item] = []
        for item in items:
            if item.write.kind is WriteKind.UPDATE and not item.payload.keys() - {item.lookup}:
                run.outcomes[item.index] = Outcome(Status.UPDATED, item.write.id, left_out=item.left_out)
            else:
                left.append(item)
        self._deliver(run, left)

    def _links_missing(self, run: _Run, items: Sequence[Item]) -> None:
        """The service says the same of a record that isn't there and of one that links to what isn't there."""
        try:
            for item in there(self._session, items):
                run.set([item], Status.REJECTED, link_problem(NOT_FOUND))
        except ServiceError as error:
            run.set(items, Status.REJECTED, call_problem(error, retryable=True))

    def _refused(self, run: _Run, batch: Sequence[Item], error: RequestRejectedError | TransientError) -> None:
        """The whole call was refused: find the record that it was refused for, so that its neighbours go through."""
        if error.code == FIELD_NOT_FOUND:
            self._field_unknown(run, batch, error)
            return
        if error.code == CRM_ENABLED:
            run.closed[batch[0].target.name] = call_problem(error)
            run.set(batch, Status.REJECTED, call_problem(error))
            return
        if error.code == OWNER_NOT_FOUND and self._owner_unknown(run, batch, error):
            return
        run.failed_calls += 1
        if error.code in HALVED_CODES and len(batch) > 1 and run.searching:
            if error.code in DOUBTFUL_CODES and batch[0].write.kind is WriteKind.CREATE:
                # The service gave up waiting; what it began may still be running, and would meet its repeat.
                self._session.wait(batch[0].target.seconds)
            middle = len(batch) // 2
            self._deliver(run, batch[:middle], half=True)
            self._deliver(run, batch[middle:], half=True)
            return
        run.set(batch, Status.REJECTED, call_problem(error))

    def _field_unknown(self, run: _Run, batch: Sequence[Item], error: ServiceError) -> None:
        self._forget()
        name = field_in(str(error))
        problem = Problem(FIELD_NOT_FOUND, str(error), name)
        having = [item for item in batch if name is None or name in item.payload or name == item.lookup]
        self._reject(run, batch, having or batch, problem)

    def _owner_unknown(self, run: _Run, batch: Sequence[Item], error: ServiceError) -> bool:
        """Reject the records whose sales person isn't there; return whether there were any."""
        try:
            having = without_owner(self._session, batch)
        except ServiceError:  # not everybody may read sales persons; then the call is halved
            return False
        self._reject(run, batch, having, call_problem(error))
        return bool(having)

    def _reject(self, run: _Run, batch: Sequence[Item], having: Sequence[Item], problem: Problem) -> None:
        """Reject some records of a batch and send the others again."""
        if not having:
            return
        run.set(having, Status.REJECTED, problem)
        taken = {item.index for item in having}
        self._deliver(run, [item for item in batch if item.index not in taken])


def _unsent(error: ServiceError | ConfigurationError | None) -> Problem | None:
    if isinstance(error, ServiceError):
        return call_problem(error, retryable=True)
    return Problem("unsent", str(error), retryable=True) if error is not None else None
