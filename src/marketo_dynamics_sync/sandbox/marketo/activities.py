"""The activity log: what happened to people, in the order it happened."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from attrs import frozen

from ..clock import SandboxClock

NEW_PERSON: Final = 12
CHANGE_VALUE: Final = 13
CHANGE_SCORE: Final = 22
ADD_TO_LIST: Final = 24
REMOVE_FROM_LIST: Final = 25
MERGE: Final = 32
DELETE: Final = 37
CHANGE_PARTITION: Final = 100
PUSH: Final = 145

_DAY = 86_400
#: Seconds that activities are kept, by type (Adobe, "Marketo Activities Data Retention Policy").
RETENTION: Final[Mapping[int, int]] = {
    CHANGE_VALUE: 90 * _DAY,
    CHANGE_SCORE: 90 * _DAY,
    ADD_TO_LIST: 90 * _DAY,
    DELETE: 14 * _DAY,
    REMOVE_FROM_LIST: 760 * _DAY,
    MERGE: 760 * _DAY,
    CHANGE_PARTITION: 760 * _DAY,
}
_OTHER_TYPES = 760 * _DAY


@frozen
class Change:
    """One value that changed, as text.

    Attributes:
        name: REST name of the field.
        old: The value before; ``None`` is empty.
        new: The value after; ``None`` is empty.
    """

    name: str
    old: str | None
    new: str | None


@frozen
class Activity:
    """One thing that happened.

    Attributes:
        number: Its place in the log, and its ``marketoGUID``.
        person: Person id.
        type: Activity type id.
        at: Its ``activityDate``, in seconds since 1970.
        written: When it was written, in seconds since 1970.
        visible: From when the API shows it, in seconds since 1970.
        primary: Value of the primary attribute.
        primary_id: Id of what the primary attribute names.
        attributes: Names and values.
        change: What changed, for a value change.
        first: Number of the first activity of the same write.
    """

    number: int
    person: int
    type: int
    at: int
    written: int
    visible: float
    primary: str
    primary_id: int
    attributes: tuple[tuple[str, object], ...]
    change: Change | None
    first: int


@frozen
class Page:
    """A part of the log.

    Attributes:
        found: The activities that were asked for.
        place: Where the next page begins.
        more: Whether the reader should go on at once.
    """

    found: list[Activity]
    place: int
    more: bool


class ActivityLog:
    """Activities of one instance. A place in the log is the number of the next activity.

    What becomes visible behind a place is not shown by it any more: a reader that must miss nothing has to look again
    from further back. That happens only when ``delay`` is changed between two writes; with one delay the log becomes
    visible in order.

    Args:
        clock: Tells the time.
        delay: Seconds until an activity shows.
        scan: Most activities one page looks at, so that pages are short or empty while more follows; ``None``
            looks on until the page is full.
    """

    def __init__(self, clock: SandboxClock, delay: float, scan: int | None) -> None:
        self._clock = clock
        self.delay = delay
        self.scan = scan
        self._log: list[Activity] = []
        self._base = 88_001

    def __len__(self) -> int:
        return len(self._log)

    def __iter__(self) -> Iterator[Activity]:
        """Go through everything that was ever written, shown by the API or not."""
        return iter(self._log)

    def write(
        self,
        person: int,
        kind: int,
        *,
        primary: str = "",
        primary_id: int = 0,
        attributes: tuple[tuple[str, object], ...] = (),
        change: Change | None = None,
        at: datetime | None = None,
        first: int | None = None,
    ) -> int:
        """Append an activity and return its number.

        Args:
            person: Person id.
            kind: Activity type id.
            primary: Value of the primary attribute.
            primary_id: Id of what the primary attribute names.
            attributes: Names and values.
            change: What changed.
            at: Its date, when it is not now.
            first: Number of the first activity of the same write, when this is not the first.
        """
        number, now = self._base + len(self._log), self._clock.now().timestamp()
        date = now if at is None else at.timestamp()
        self._log.append(
            Activity(
                number,
                person,
                kind,
                int(date),
                int(now),
                now + self.delay,
                primary,
                primary_id,
                attributes,
                change,
                number if first is None else first,
            )
        )
        return number

    def place_at(self, moment: datetime) -> int:
        """Return the place from which everything written in the second of a moment, or later, follows."""
        return self._base + bisect_left(self._log, int(moment.timestamp()), key=lambda activity: activity.written)

    def read(self, place: int, wanted: Callable[[Activity], bool], size: int, *, whole_writes: bool = False) -> Page:
        """Return the next page from a place.

        Args:
            place: Where to begin.
            wanted: Whether to return an activity.
            size: Most activities to return.
            whole_writes: Count all activities of one write as one, and never part them.
        """
        now = self._clock.now().timestamp()
        found: list[Activity] = []
        count, looked, after = 0, 0, place
        for index in range(max(0, place - self._base), len(self._log)):
            activity = self._log[index]
            if activity.visible > now:
                continue
            if self.scan is not None and looked >= self.scan:
                return Page(found, after, True)
            looked += 1
            if wanted(activity) and now - activity.at <= _kept(activity.type):
                joins = whole_writes and bool(found) and activity.first == found[-1].first
                if count >= size and not joins:
                    return Page(found, after, True)
                count += not joins
                found.append(activity)
            after = activity.number + 1
        return Page(found, after, False)


def _kept(kind: int) -> float:
    return float("inf") if kind == NEW_PERSON else RETENTION.get(kind, _OTHER_TYPES)
