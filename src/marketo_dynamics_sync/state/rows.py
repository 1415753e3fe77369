"""The flat form in which both stores keep what they are given: text, whole numbers and nothing else.

The memory store keeps it too, so that it is as strict as a file: a value that isn't plain JSON is refused in a test,
not on the day the store becomes a file, and nobody's later change of a dictionary reaches what was kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from ..errors import StateError, StoreDamagedError
from .protocol import Intent, JournalEntry, Link, Parked, Rejected

LinkRow: TypeAlias = tuple[str, str, str, str, str, str | None, str, str, str]
JournalRow: TypeAlias = tuple[str, str, str, str | None, str | None, str | None, str]
ParkedRow: TypeAlias = tuple[str, str, str, str, str, str, str]
RejectedRow: TypeAlias = tuple[str, str, str, str, str, str | None, int, str, str, str]
IntentRow: TypeAlias = tuple[str, str, str, str]

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_encode_ascii: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def link_row(link: Link) -> LinkRow:
    """Return a link's flat form.

    Raises:
        StateError: A value is not plain JSON.
    """
    return (
        link.entity,
        link.dynamics_id,
        link.marketo_id,
        _json(link.base, link.entity) if link.base else "",
        _json(link.dynamics_base, link.entity) if link.dynamics_base else "",
        link.version,
        _encode(sorted(link.unconfirmed)) if link.unconfirmed else "",
        link.fingerprint,
        _json(link.sent, link.entity) if link.sent else "",
    )


def row_link(row: LinkRow) -> Link:
    """Return the link of a flat form."""
    entity, dynamics_id, marketo_id, base, dynamics_base, version, unconfirmed, fingerprint, sent = row
    return Link(
        entity,
        dynamics_id,
        marketo_id,
        _read(base) if base else {},
        _read(dynamics_base) if dynamics_base else {},
        version,
        frozenset(_read(unconfirmed)) if unconfirmed else frozenset(),
        fingerprint,
        _read(sent) if sent else {},
    )


def journal_row(entry: JournalEntry) -> JournalRow:
    """Return an entry's flat form.

    Raises:
        StateError: The detail is not plain JSON, or the time has no zone.
    """
    at, detail = _moment(entry.at), _json(entry.detail, entry.entity)
    return (at, entry.entity, entry.kind, entry.marketo_id, entry.dynamics_id, entry.field, detail)


def row_journal(row: JournalRow) -> JournalEntry:
    """Return the entry of a flat form."""
    at, entity, kind, marketo_id, dynamics_id, field, detail = row
    return JournalEntry(_read_moment(at), entity, kind, marketo_id, dynamics_id, field, _read(detail))


def parked_row(parked: Parked) -> ParkedRow:
    """Return a parked record's flat form.

    Raises:
        StateError: The detail is not plain JSON, or the time has no zone.
    """
    detail, since = _json(parked.detail, parked.entity), _moment(parked.since)
    return (parked.entity, parked.side, parked.id, parked.field, parked.reason, detail, since)


def row_parked(row: ParkedRow) -> Parked:
    """Return the parked record of a flat form."""
    *words, detail, since = row
    entity, side, record, field, reason = words
    return Parked(entity, side, record, field, reason, _read(detail), _read_moment(since))


def rejected_row(rejected: Rejected) -> RejectedRow:
    """Return a rejected record's flat form.

    Raises:
        StateError: A time has no zone.
    """
    return (
        rejected.entity,
        rejected.side,
        rejected.id,
        rejected.code,
        # A service's words may be cut in the middle of a character, and half a character can't be kept as text.
        rejected.message.encode("utf-8", "replace").decode("utf-8"),
        rejected.field,
        rejected.attempts,
        _moment(rejected.first_at),
        _moment(rejected.next_at),
        rejected.operation,
    )


def row_rejected(row: RejectedRow) -> Rejected:
    """Return the rejected record of a flat form."""
    entity, side, record, code, message, field, attempts, first_at, next_at, operation = row
    first, following = _read_moment(first_at), _read_moment(next_at)
    return Rejected(entity, side, record, code, message, field, attempts, first, following, operation)


def intent_row(intent: Intent) -> IntentRow:
    """Return an intent's flat form.

    Raises:
        StateError: The time has no zone.
    """
    return (intent.entity, intent.marketo_id, intent.dynamics_id, _moment(intent.at))


def row_intent(row: IntentRow) -> Intent:
    """Return the intent of a flat form."""
    entity, marketo_id, dynamics_id, at = row
    return Intent(entity, marketo_id, dynamics_id, _read_moment(at))


def half_character() -> StateError:
    """Return the error for an id or a name that is no text."""
    return StateError(
        "half a character (a lone surrogate) in an id, a name, a checkpoint or a fact: no store can keep or find it; "
        "cut texts between whole characters"
    )


def refuse_half_characters(rows: Iterable[Sequence[str | int | None]]) -> None:
    """Raise where a flat form has text that a file couldn't take.

    Raises:
        StateError: There is half a character in it.
    """
    try:
        for row in rows:
            for text in row:
                if isinstance(text, str) and not text.isascii():
                    text.encode()
    except UnicodeEncodeError:
        raise half_character() from None


def _moment(at: datetime) -> str:
    """Return a moment as text that sorts as the moments do."""
    if at.tzinfo is None:
        raise StateError("a time without a zone can't be kept: give the engine a clock that says UTC")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _json(data: Mapping[str, object], entity: str) -> str:
    try:
        text = _encode(dict(data))
        if not text.isascii():
            # Dynamics cuts texts between the two halves of a character; such a half is no text for a file, but JSON
            # can spell it in ASCII.
            try:
                text.encode()
            except UnicodeEncodeError:
                text = _encode_ascii(dict(data))
    except (TypeError, ValueError) as error:
        names = ", ".join(sorted(map(str, data)))
        raise StateError(
            f"{entity}: a value among {names} is not plain JSON ({type(error).__name__}), so it can't be kept; a "
            "codec's dump() has to return text, numbers, true, false, null, lists or dictionaries of them"
        ) from None
    return text


# Any: JSON that this module wrote; its shape is that of the field it is read into.
def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _damaged("JSON") from None


def _read_moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _damaged("time") from None


def _damaged(kind: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"a value in the store is no {kind} any more; bring back a copy of the store, or start a new one: the links "
        "are found anew"
    )
