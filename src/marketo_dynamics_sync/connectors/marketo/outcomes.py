"""From Marketo's answer for one record to what became of the write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...errors import ServiceError
from ..protocol import Outcome, Problem, Status, Write
from .codes import RETRYABLE_RECORD_CODES
from .envelope import Reason, reasons
from .scrub import field_in, scrub

_DONE: Final = {"created": Status.CREATED, "updated": Status.UPDATED, "deleted": Status.DELETED}
_GONE_CODES: Final = frozenset({"1004", "1013"})
_EXISTS_CODES: Final = frozenset({"1005", "1017"})


def outcome(write: Write, entry: Mapping[str, object], sent: Mapping[str, object]) -> Outcome:
    """Return what became of a write.

    Args:
        write: The write.
        entry: Marketo's answer for its record.
        sent: What was sent of it, so that no value of it is repeated in a message.
    """
    number = entry.get("id")
    known = write.id if isinstance(number, bool) or not isinstance(number, (int, str)) else str(number)
    done = _DONE.get(str(entry.get("status")))
    if done is not None:
        if known is not None:
            return Outcome(done, known)
        return Outcome(
            Status.UNKNOWN, problem=Problem("no-id", "Marketo says it is done and gives no id", retryable=True)
        )
    found = _reasons(entry)
    problem = problem_of(found, sent)
    codes = {reason.code for reason in found}
    if write.id is not None and codes & _GONE_CODES:
        return Outcome(Status.GONE, known, problem=problem)
    if write.id is None and codes & _EXISTS_CODES:
        return Outcome(Status.EXISTS, known, problem=problem)
    return Outcome(Status.REJECTED, write.id, problem=problem)


def problem_of(found: Sequence[Reason], sent: Mapping[str, object]) -> Problem:
    """Return why a record was refused, without values."""
    if not found:
        return Problem("skipped", "Marketo skipped the record and doesn't say why")
    message = "; ".join(text for text in (scrub(reason.message, sent.values()) for reason in found) if text)
    field = next((name for name in (field_in(reason.message) for reason in found) if name), None)
    code = found[0].code
    return Problem(code, message or f"code {code}", field, retryable=code in RETRYABLE_RECORD_CODES)


def call_problem(error: ServiceError, *, retryable: bool | None = None) -> Problem:
    """Return the problem of a record whose whole call failed."""
    return Problem(
        error.code or type(error).__name__,
        str(error),
        retryable=error.retryable if retryable is None else retryable,
    )


def _reasons(entry: Mapping[str, object]) -> list[Reason]:
    """Return the reasons from all three places where the service puts them."""
    return [reason for place in ("reasons", "errors", "reason") for reason in reasons(entry.get(place))]
