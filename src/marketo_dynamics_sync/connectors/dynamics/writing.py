"""Writes rows in batches of independent operations, and learns what became of each even when an answer is lost."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define, field, frozen

from ...errors import LimitError, OutcomeUnknownError, RequestRejectedError, ResponseError, SyncError
from ..protocol import Outcome, Problem, Status, Write, WriteKind
from .answer import Answer
from .batch import MOST_PARTS, batch_call, decode
from .catalog import Catalog
from .operation import Next, Operation, operation
from .reading import Reader
from .refusal import NO_OPTIMISTIC_CONCURRENCY, ONCE_MORE, Refusal, refusal
from .rows import Shape, shape

_log = logging.getLogger(__name__)

#: Longest body of a batch.
MOST_BYTES: Final = 4_000_000
#: How often one write is sent.
TRIES: Final = 5
#: Pause after a part that met a passing trouble such as a lock.
PAUSE: Final = 1.0


@frozen
class Writer:
    """Writes rows.

    Attributes:
        reader: Reads rows back.
        catalog: Is told when an answer doesn't fit what it knows.
        batch_size: Most operations of a batch.
    """

    reader: Reader
    catalog: Catalog
    batch_size: int

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write rows and return what became of each, in order.

        Raises:
            SyncError: Nothing was sent at all.
        """
        run = _Run(self)
        settled: list[Outcome | Operation] = []
        shapes: dict[int, Shape] = {}
        for write in writes:
            asked = shapes.setdefault(id(write.entity), shape(write.entity))
            settled.append(operation(write, asked, self.reader.channel.environment.path))
        run.carry_out([item for item in settled if isinstance(item, Operation)])
        return [item if isinstance(item, Outcome) else _outcome(item) for item in settled]


def _outcome(op: Operation) -> Outcome:
    assert op.outcome is not None, "carrying out settles every operation"
    return op.outcome


@define
class _Run:
    """One call of :meth:`Writer.write`."""

    writer: Writer
    queue: deque[list[Operation]] = field(factory=deque)
    sent: bool = False

    def carry_out(self, operations: Sequence[Operation]) -> None:
        self.queue.extend(self._packed(operations))
        while self.queue:
            batch = self.queue.popleft()
            try:
                answers = self._send(batch)
            except OutcomeUnknownError as error:
                self.sent = True
                _log.debug("the answer to a batch of %d was lost", len(batch))
                self._again(self._read_back(batch, str(error)), halve=True)
            except RequestRejectedError as error:
                self._whole_refused(batch, error)
            except SyncError as error:
                if not self.sent:
                    raise
                self._unsent([batch, *self.queue], error)
                return
            else:
                self.sent = True
                self._take(batch, answers)

    def _packed(self, operations: Sequence[Operation]) -> Iterator[list[Operation]]:
        batch: list[Operation] = []
        size = 0
        for op in operations:
            full = len(batch) >= min(self.writer.batch_size, MOST_PARTS)
            if batch and (full or size + op.part.size > MOST_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(op)
            size += op.part.size
        if batch:
            yield batch

    def _send(self, batch: Sequence[Operation]) -> list[Answer]:
        channel = self.writer.reader.channel
        for op in batch:
            op.tries += 1
        answer = channel.send(batch_call(channel.environment, [op.part for op in batch], "writes", repeat=False))
        try:
            return decode(answer)
        except ResponseError as error:
            raise OutcomeUnknownError(f"the answer to a batch can't be read ({error})", service="dynamics") from error

    def _take(self, batch: Sequence[Operation], answers: Sequence[Answer]) -> None:
        again: list[Operation] = []
        doubtful: list[Operation] = list(batch[len(answers) :])
        for op, answer in zip(batch, answers, strict=False):
            if answer.ok:
                op.outcome = op.read(answer)
                continue
            said = refusal(answer, self.writer.reader.channel.timing.clock())
            self._learn(said)
            found = op.refused(said)
            if isinstance(found, Outcome):
                op.outcome = found
            elif found is Next.READ_BACK:
                doubtful.append(op)
                op.outcome = Outcome(Status.REJECTED, op.row, problem=op.problem(said))
            elif op.tries >= (2 if said.code in ONCE_MORE else TRIES):
                status = Status.UNSENT if said.throttled else Status.REJECTED
                op.outcome = Outcome(status, op.row, problem=op.problem(said))
            else:
                self.writer.reader.channel.gate.hold(PAUSE if said.retry_after is None else said.retry_after)
                again.append(op)
        if doubtful:
            again += self._read_back(doubtful, "the answer to a batch was cut")
        self._again(again, halve=False)

    def _learn(self, said: Refusal) -> None:
        if said.code == NO_OPTIMISTIC_CONCURRENCY or (said.status == 400 and not said.code):
            self.writer.catalog.doubt()

    def _again(self, operations: list[Operation], *, halve: bool) -> None:
        """Queue operations to be sent once more; after a lost answer in smaller batches, which take less time."""
        if not operations:
            return
        half = (len(operations) + 1) // 2 if halve else len(operations)
        pieces = [operations[:half], operations[half:]]
        self.queue.extendleft(piece for piece in reversed(pieces) if piece)
        channel = self.writer.reader.channel
        channel.count_retry()

    def _read_back(self, operations: Sequence[Operation], why: str) -> list[Operation]:
        """Settle operations whose answers are missing by reading their rows; return those to be sent again."""
        groups: dict[int, list[Operation]] = {}
        for op in operations:
            groups.setdefault(id(op.shape), []).append(op)
        again: list[Operation] = []
        for group in groups.values():
            try:
                rows = {row.id: row for row in self.writer.reader.fetch(group[0].shape, [op.row for op in group])}
            except SyncError as error:
                problem = Problem(
                    "unknown", f"{why}; reading the row back failed as well ({type(error).__name__})", None, True
                )
                for op in group:
                    op.outcome = Outcome(Status.UNKNOWN, op.row, problem=problem)
                continue
            for op in group:
                refused, row = op.outcome, rows.get(op.row)
                if refused is not None:
                    op.outcome = _explained(op, refused, row is not None)
                    continue
                found = op.read_back(row)
                if isinstance(found, Outcome):
                    op.outcome = found
                elif op.tries >= TRIES:
                    op.outcome = Outcome(Status.UNKNOWN, op.row, problem=Problem("unknown", why, None, True))
                else:
                    again.append(op)
        return again

    def _whole_refused(self, batch: list[Operation], error: RequestRejectedError) -> None:
        """Take a batch apart that was refused as a whole: too large, or one request in it that can't even be read."""
        if len(batch) > 1:
            for op in batch:
                op.tries -= 1  # nothing of it was looked at
            self._again(batch, halve=True)
            return
        problem = Problem(error.code or str(error.status), str(error))
        batch[0].outcome = Outcome(Status.REJECTED, batch[0].row, problem=problem)

    def _unsent(self, batches: Sequence[Sequence[Operation]], error: SyncError) -> None:
        problem = Problem(getattr(error, "code", None) or type(error).__name__, str(error), None, True)
        for batch in batches:
            for op in batch:
                op.outcome = Outcome(Status.UNSENT, op.row, problem=problem)
        self.queue.clear()
        level = "a limit" if isinstance(error, LimitError) else "an error"
        _log.debug("%s stopped writing with %d operations left", level, sum(len(batch) for batch in batches))


def _explained(op: Operation, refused: Outcome, there: bool) -> Outcome:
    """Return the outcome of a refusal that only the row itself explains."""
    if op.write.kind is WriteKind.CREATE:
        return Outcome(Status.EXISTS, op.row, problem=refused.problem) if there else refused
    return refused if there else Outcome(Status.GONE, op.row, problem=refused.problem)
