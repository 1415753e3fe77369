"""The activity log: what happened to people, in the order it happened, read by opaque tokens."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

NEW_PERSON: Final = 12
CHANGE_VALUE: Final = 13
CHANGE_SCORE: Final = 22
MERGE: Final = 32
DELETE: Final = 37

#: How long activities are kept, by type (Adobe, "Marketo Activities Data Retention Policy").
RETENTION: Final[Mapping[int, timedelta]] = {
    CHANGE_VALUE: timedelta(days=90),
    CHANGE_SCORE: timedelta(days=90),
    DELETE: timedelta(days=14),
}
#: Name and primary attribute of the standard types that the sandbox writes.
TYPES: Final[Mapping[int, tuple[str, str]]] = {
    NEW_PERSON: ("New Lead", "Lead ID"),
    CHANGE_VALUE: ("Change Data Value", "Attribute Name"),
    CHANGE_SCORE: ("Change Score", "Score Name"),
    MERGE: ("Merge Leads", "Lead ID"),
    DELETE: ("Delete Lead", "Lead ID"),
}


@frozen
class Activity:
    """One thing that happened.

    Attributes:
        number: Its place in the log, and its ``marketoGUID``.
        person: Person id.
        type: Activity type id.
        at: When (UTC, to the second).
        visible_at: From when the API shows it.
        primary: Value of the primary attribute.
        primary_id: Id of what the primary attribute names.
        attributes: Attribute values by name.
        changes: For value changes: field name to (old, new) as text.
    """

    number: int
    person: int
    type: int
    at: datetime
    visible_at: datetime
    primary: str = ""
    primary_id: int = 0
    attributes: Mapping[str, object] = field(factory=dict)
    changes: Mapping[str, tuple[str | None, str | None]] = field(factory=dict)


class BadToken(Exception):  # noqa: N818  # becomes an error answer
    """A paging token that this service never gave."""


class ActivityLog:
    """Activities of one instance."""

    def __init__(self) -> None:
        self._log: list[Activity] = []
        self._next = 88_000

    def write(
        self,
        person: int,
        kind: int,
        now: datetime,
        delay: timedelta,
        *,
        primary: str = "",
        primary_id: int = 0,
        attributes: Mapping[str, object] | None = None,
        changes: Mapping[str, tuple[str | None, str | None]] | None = None,
    ) -> Activity:
        """Append an activity."""
        self._next += 1
        second = now.replace(microsecond=0)
        activity = Activity(
            self._next, person, kind, second, now + delay, primary, primary_id, attributes or {}, changes or {}
        )
        self._log.append(activity)
        return activity

    def token_at(self, moment: datetime) -> str:
        """Return a token from which activities at or after a moment follow."""
        index = bisect_left(self._log, moment, key=lambda activity: activity.at)
        return _token(self._log[index].number if index < len(self._log) else self._next + 1)

    def read(
        self,
        token: str,
        types: Collection[int],
        now: datetime,
        size: int,
        *,
        persons: Collection[int] = (),
        fields: Collection[str] | None = None,
    ) -> tuple[list[Activity], str, bool]:
        """Return a page of activities, the token of the next page, and whether more are there.

        A token stands for a place in the log. What becomes visible behind that place is never shown by it: the reader has to
        look again from further back.
        """
        number = _number(token)
        index = bisect_left(self._log, number, key=lambda activity: activity.number)
        found: list[Activity] = []
        last = number
        while index < len(self._log) and len(found) < size:
            activity = self._log[index]
            index += 1
            if activity.visible_at > now:
                continue
            last = activity.number + 1
            if activity.type not in types or (persons and activity.person not in persons):
                continue
            if fields is not None and activity.type == CHANGE_VALUE and not set(activity.changes) & set(fields):
                continue
            kept = RETENTION.get(activity.type)
            if kept is None or now - activity.at <= kept:
                found.append(activity)
        more = any(a.visible_at <= now and a.type in types for a in self._log[index:])
        return found, _token(last), more


def _token(number: int) -> str:
    return base64.b32encode(f"{number:020d}".encode()).decode()


def _number(token: str) -> int:
    try:
        return int(base64.b32decode(token))
    except (binascii.Error, ValueError):
        raise BadToken from None
