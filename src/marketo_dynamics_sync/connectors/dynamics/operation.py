"""One write as a part of a batch, and what its answer means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from attrs import define, field

from ...entities import Record, Side
from ...errors import ResponseError, ValueRejectedError
from ..protocol import Outcome, Problem, Status, Write, WriteKind
from .answer import Answer
from .batch import Part
from .refusal import DUPLICATE_ID, NO_OPTIMISTIC_CONCURRENCY, ROW_MISSING, VERSION_MISMATCH, Refusal
from .rows import Shape
from .scrub import row_ids

_ENTRY: Final = "application/json; type=entry"
_DONE: Final = {
    WriteKind.CREATE: Status.CREATED,
    WriteKind.UPDATE: Status.UPDATED,
    WriteKind.DELETE: Status.DELETED,
}


class Next(Enum):
    """What to do with a write whose answer settles nothing."""

    #: Send it again: a limit or a passing trouble.
    RESEND = "resend"
    #: Read its row to learn what became of it.
    READ_BACK = "read back"


@define(eq=False)
class Operation:
    """One write on its way.

    Attributes:
        write: The write.
        shape: What is asked of its table.
        part: The request.
        payload: What the request writes.
        tries: How often it was sent.
        outcome: What became of it, once that is known.
    """

    write: Write
    shape: Shape
    part: Part = field(repr=False)
    payload: Mapping[str, object] = field(repr=False)
    tries: int = 0
    outcome: Outcome | None = None

    @property
    def row(self) -> str:
        """The row's id."""
        return str(self.write.id).lower()

    def names(self) -> set[str]:
        """Return the names that an error text may show."""
        table = self.shape.entity.dynamics
        return {*table.fields, *self.payload, table.name, self.shape.entity_set}

    def read(self, answer: Answer) -> Outcome:
        """Return the outcome of an answer that says it is done."""
        stored: Record | None = None
        if self.write.kind is not WriteKind.DELETE and answer.body.strip():
            try:
                stored = self.shape.record(answer.json())
            except ResponseError:
                stored = None  # it is done all the same; the next read shows what is stored
        return Outcome(_DONE[self.write.kind], self.row, stored)

    def refused(self, said: Refusal) -> Outcome | Next:
        """Return what a refusal means.

        The code decides: a lost race, a taken id and a taken key all come as 412.
        """
        kind = self.write.kind
        if said.later:
            return Next.RESEND
        if said.code == DUPLICATE_ID and kind is WriteKind.CREATE:
            return Next.READ_BACK  # the row id is taken, or another unique value is: only the row itself tells
        if said.code == VERSION_MISMATCH or (said.status == 412 and not said.code and kind is not WriteKind.CREATE):
            return Outcome(Status.STALE, self.row, problem=self.problem(said))
        if said.code == ROW_MISSING or (said.status == 404 and not said.code):
            return self._missing(said)
        return Outcome(Status.REJECTED, self.row, problem=self.problem(said))

    def _missing(self, said: Refusal) -> Outcome | Next:
        """Tell a row that is gone from a lookup whose target is."""
        binds = {name: row_ids(str(value)) for name, value in self.payload.items() if name.endswith("@odata.bind")}
        if self.write.kind is not WriteKind.CREATE:
            if not any(binds.values()):
                return Outcome(Status.GONE, self.row, problem=self.problem(said))
            named = row_ids(said.message)
            if self.row in named:
                return Outcome(Status.GONE, self.row, problem=self.problem(said))
            if not named:
                return Next.READ_BACK
        target = next((name for name, ids in binds.items() if ids & row_ids(said.message)), None)
        return Outcome(Status.REJECTED, self.row, problem=self.problem(said, target))

    def problem(self, said: Refusal, column: str | None = None) -> Problem:
        """Return a refusal in words that carry no value."""
        table = self.shape.entity.dynamics
        about = column.partition("@")[0] if column else said.about([n for n in self._written() if n in table.fields])
        return Problem(
            code=said.code or str(said.status),
            message=said.clean(self.names(), _leaves(self.payload)),
            field=about,
            retryable=said.later or said.code == NO_OPTIMISTIC_CONCURRENCY,
        )

    def _written(self) -> list[str]:
        fields = self.shape.entity.fields
        return [fields[name].dynamics for name in self.write.values if name in fields]

    def holds(self, row: Record) -> bool:
        """Return whether a row holds everything that was to be written."""
        fields = self.shape.entity.fields
        return all(
            name in row.values and fields[name].codec.stored_form(value, row.values[name])
            for name, value in self.write.values.items()
        )

    def read_back(self, row: Record | None) -> Outcome | Next:
        """Return what became of a write whose answer was lost, from its row as it is now.

        A row whose version is still the one we knew was not written, so the write is sent again; its guard still holds.
        A row that holds our values got them, whoever wrote after. Anything else is somebody else's edit.
        """
        kind, guard = self.write.kind, self.write.version
        if row is None:
            gone = {WriteKind.DELETE: Status.DELETED, WriteKind.UPDATE: Status.GONE}.get(kind)
            return (
                Next.RESEND if gone is None else Outcome(gone, self.row, problem=_GONE if gone is Status.GONE else None)
            )
        if kind is WriteKind.CREATE:
            return Outcome(Status.CREATED if self.holds(row) else Status.EXISTS, self.row, row)
        if guard is not None and row.version == guard:
            return Next.RESEND
        if kind is WriteKind.DELETE:
            return Next.RESEND if guard is None else Outcome(Status.STALE, self.row, problem=_OVERTAKEN)
        if self.holds(row):
            return Outcome(Status.UPDATED, self.row, row)
        return Next.RESEND if guard is None else Outcome(Status.STALE, self.row, problem=_OVERTAKEN)


_GONE: Final = Problem(ROW_MISSING, "the row is no longer there")
_OVERTAKEN: Final = Problem(VERSION_MISMATCH, "the answer was lost, and the row was changed by somebody else meanwhile")


def operation(write: Write, shape: Shape, path: str) -> Operation | Outcome:
    """Return a write as a request, or why it can't be one.

    Args:
        write: The write.
        shape: What is asked of its table.
        path: Path of the Web API.
    """
    if write.id is None:
        return Outcome(
            Status.REJECTED, problem=Problem("no-id", "a row in Dynamics is written by an id that is chosen beforehand")
        )
    try:
        payload: dict[str, object] = dict(write.entity.encode_dynamics(write.values))
    except ValueRejectedError as error:
        return Outcome(Status.REJECTED, write.id, problem=_unfit(write, error))
    row, address = str(write.id).lower(), f"{path}/{shape.entity_set}"
    headers = {"Content-Type": _ENTRY, "Prefer": shape.prefer("return=representation")}
    select = f"?$select={shape.columns}"
    guard = {"If-Match": write.version if write.version and write.entity.dynamics.guarded else "*"}
    if write.kind is WriteKind.DELETE:
        return Operation(write, shape, Part("DELETE", f"{address}({row})", guard), {})
    if write.kind is WriteKind.CREATE:
        payload[shape.primary_id] = row
        return Operation(write, shape, Part("POST", f"{address}{select}", headers, _dumps(payload)), payload)
    return Operation(
        write, shape, Part("PATCH", f"{address}({row}){select}", {**headers, **guard}, _dumps(payload)), payload
    )


def _unfit(write: Write, error: ValueRejectedError) -> Problem:
    fields = write.entity.fields
    unfit = (
        fields[name].dynamics for name, value in write.values.items() if fields[name].problem(Side.DYNAMICS, value)
    )
    return Problem(error.code, error.reason, field=next(unfit, None))


def _dumps(payload: Mapping[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _leaves(payload: Mapping[str, object]) -> Iterable[object]:
    for name, value in payload.items():
        if not name.endswith("@odata.bind") and not isinstance(value, (dict, list)):
            yield value
