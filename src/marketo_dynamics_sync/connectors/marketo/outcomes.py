"""From Marketo's answer for one record to what became of the write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve

from ...errors import ServiceError
from ..protocol import Outcome, Problem, Status, WriteKind
from .codes import CRM_ENABLED, DISCONNECT, RETRYABLE_RECORD_CODES
from .encoding import Item
from .envelope import Reason, reasons
from .reading import id_in
from .scrub import field_in, scrub

_DONE: Final = {"created": Status.CREATED, "updated": Status.UPDATED, "deleted": Status.DELETED}
_LEAD_NOT_FOUND: Final = "1004"
#: The record isn't there, or what it links to isn't.
NOT_FOUND: Final = "1013"
_EXISTS_CODES: Final = frozenset({"1005", "1017"})


def outcome(item: Item, entry: Mapping[str, object]) -> Outcome:
    """Return what became of a write.

    Args:
        item: The write, with what was sent of it: no value of it is repeated in a message.
        entry: Marketo's answer for its record.
    """
    write = item.write
    known = id_in(entry, item.target) or write.id
    done = _DONE.get(str(entry.get("status")))
    if done is not None:
        if known is not None:
            return Outcome(done, known)
        return Outcome(
            Status.UNKNOWN, problem=Problem("no-id", "Marketo says it is done and gives no id", retryable=True)
        )
    found = record_reasons(entry)
    problem = problem_of(found, item.payload)
    codes = {reason.code for reason in found}
    if CRM_ENABLED in codes and item.target.crm_owned:
        problem = evolve(problem, message=f"{problem.message}: Marketo's own CRM sync is connected. {DISCONNECT}")
    if codes & _gone_codes(item):
        return Outcome(Status.GONE, known, problem=problem)
    if write.kind is WriteKind.CREATE and codes & _EXISTS_CODES:
        return Outcome(Status.EXISTS, known, problem=problem)
    return Outcome(Status.REJECTED, write.id, problem=_link_missing(item, problem))


def problem_of(found: Sequence[Reason], sent: Mapping[str, object]) -> Problem:
    """Return why a record was refused, without values."""
    if not found:
        return Problem("skipped", "Marketo skipped the record and doesn't say why")
    message = "; ".join(text for text in (scrub(reason.message, sent.values()) for reason in found) if text)
    field = next((name for name in (field_in(reason.message) for reason in found) if name), None)
    code = found[0].code
    return Problem(code, message or f"code {code}", field, retryable=code in RETRYABLE_RECORD_CODES)


def link_problem(code: str) -> Problem:
    """Return the problem of a record that links to a person or another record that isn't there."""
    what = "person" if code == _LEAD_NOT_FOUND else "record"
    return Problem(code, f"a {what} that it links to isn't in Marketo")


def call_problem(error: ServiceError, *, retryable: bool | None = None) -> Problem:
    """Return the problem of a record whose whole call failed."""
    return Problem(
        error.code or type(error).__name__,
        str(error),
        retryable=error.retryable if retryable is None else retryable,
    )


def record_reasons(entry: Mapping[str, object]) -> list[Reason]:
    """Return the reasons of one record from all three places where the service puts them."""
    return [reason for place in ("reasons", "errors", "reason") for reason in reasons(entry.get(place))]


def in_order(result: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return the answers for records in the order of the input: by ``seq``, where each says its own."""
    placed = {place: entry for entry in result if isinstance(place := entry.get("seq"), int)}
    everywhere = range(len(result))
    return [placed[place] for place in everywhere] if placed.keys() == set(everywhere) else list(result)


def _link_missing(item: Item, problem: Problem) -> Problem:
    """Say what the service means when it finds something that isn't the record itself missing."""
    missing = problem.code == NOT_FOUND or (problem.code == _LEAD_NOT_FOUND and not item.target.is_person)
    return link_problem(problem.code) if missing else problem


def _gone_codes(item: Item) -> frozenset[str]:
    if item.write.kind is WriteKind.CREATE:
        return frozenset()  # then it is something it links to that isn't there
    # For an object, 1004 says that a person it links to isn't there (Adobe, "Custom Objects").
    return frozenset({_LEAD_NOT_FOUND, NOT_FOUND}) if item.target.is_person else frozenset({NOT_FOUND})
