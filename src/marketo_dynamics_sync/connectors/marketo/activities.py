"""Reads one stream of the activity family to its end, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from ...errors import CheckpointExpiredError, RequestRejectedError, ResponseError
from .checkpoint import MOST_SEEN, Cursor, Mark
from .codes import READ_ACTIVITIES
from .cost import PAGE
from .envelope import SERVICE, Envelope
from .reading import moment
from .session import Call, Kind, Session

ACTIVITIES: Final = "/rest/v1/activities.json"
LEAD_CHANGES: Final = "/rest/v1/activities/leadchanges.json"
PAGING_TOKEN: Final = "/rest/v1/activities/pagingtoken.json"  # noqa: S105  # a path
NEW_PERSON: Final = 12
VALUE_CHANGE: Final = 13
SCORE_CHANGE: Final = 22
MERGE: Final = 32
DELETE: Final = 37
#: The service works on a paging token for up to 300 seconds.
_TOKEN_TIMEOUT: Final = 315.0
#: Codes of a refused paging token.
_TOKEN_CODES: Final = frozenset({"1001", "1003", "1012"})


@frozen
class Activity:
    """One activity, as far as it matters here.

    Attributes:
        guid: Its ``marketoGUID``, or ``None`` where it has none.
        type: Its type's id.
        person: Person id.
        at: Its date.
        subject: Value of its primary attribute: for a value change, the field's name.
        attributes: Its attributes by name.
        fields: For a record of several value changes: name, old and new value of each.
    """

    guid: str | None
    type: int
    person: str
    at: datetime | None
    subject: str = field(repr=False)
    attributes: Mapping[str, object] = field(repr=False)
    fields: tuple[tuple[str, object, object], ...] = field(default=(), repr=False)


@frozen
class Source:
    """What to ask for: a path and its parameters."""

    name: str
    path: str
    params: tuple[tuple[str, str], ...]


@define
class StreamReader:
    """Reads one stream from a cursor to its end.

    Attributes:
        session: Makes the calls.
        source: What is read.
        cursor: Where the last read stopped.
        overlap: How far the read goes back, for activities that become visible late.
        met: Activities that the service brought, repeats included.
        start: Where the read began.
        everything: The last activities that the service brought, repeats included.
    """

    session: Session
    source: Source
    cursor: Cursor
    overlap: timedelta
    met: int = 0
    start: Mark | None = None
    everything: list[Activity] = field(factory=list)
    _marks: list[tuple[int, Mark]] = field(factory=list)
    _guids: list[str] = field(factory=list)

    def pages(self, read_at: datetime) -> Iterator[list[Activity]]:
        """Yield pages of activities that were not met before. Pages may be empty.

        Args:
            read_at: When the last read began.

        Raises:
            CheckpointExpiredError: The service no longer takes the token.
            ResponseError: The service gives the same token again and again.
        """
        seen = set(self.cursor.seen)
        start = self.start = self.cursor.start(read_at, self.overlap)
        latest = start.at
        token, used = start.token, set[str]()
        self._marks = [(0, start)]
        while True:
            envelope = self._page(token, first=not used)
            used.add(token)
            activities = [activity for raw in envelope.result if (activity := _activity(raw)) is not None]
            self.met += len(envelope.result)
            self.everything = [*self.everything, *activities][-MOST_SEEN:]
            latest = max([latest, *(a.at for a in activities if a.at is not None)])
            fresh = []
            for activity in activities:
                if activity.guid is not None:
                    self._guids.append(activity.guid)
                    if activity.guid in seen:
                        continue
                    seen.add(activity.guid)
                fresh.append(activity)
            token = self._next(envelope, used)
            if not envelope.more:
                self._marks.append((len(self._guids), Mark(max(latest, self.session.now()), token)))
            elif len(envelope.result) >= PAGE:
                # A short page may end well after its last activity, so only a full one says where its token stands.
                self._marks.append((len(self._guids), Mark(latest, token)))
            yield fresh
            if not envelope.more:
                return

    def after(self, read_at: datetime) -> Cursor:
        """Return where the next read starts, after all pages were read.

        Args:
            read_at: When this read began.
        """
        start = self._marks[0][1]
        former = self.cursor.marks[self.cursor.marks.index(start) :]
        marks = sorted((*former, *(mark for _, mark in self._marks[1:])), key=lambda mark: mark.at)
        cursor = Cursor(tuple(marks)).trimmed(read_at, self.overlap)
        # Only what comes after the next start can come again.
        behind = next((count for count, mark in self._marks if mark == cursor.marks[0]), 0)
        return Cursor(cursor.marks, tuple(dict.fromkeys(self._guids[behind:]))[-MOST_SEEN:])

    def _page(self, token: str, *, first: bool) -> Envelope:
        params = (("nextPageToken", token), *self.source.params, ("batchSize", str(PAGE)))
        try:
            return self.session.send(Call("reading changes", self.source.path, Kind.READ, READ_ACTIVITIES, params))
        except RequestRejectedError as error:
            if first and error.code in _TOKEN_CODES and (error.code == "1012" or "token" in str(error).lower()):
                raise CheckpointExpiredError(
                    "the service no longer takes the point where the last cycle stopped; everything is compared once",
                    service=SERVICE,
                    code=error.code,
                    request_id=error.request_id,
                ) from error
            raise

    def _next(self, envelope: Envelope, used: set[str]) -> str:
        if envelope.token is None:
            raise ResponseError(
                "a page of changes has no 'nextPageToken', so there is no way on",
                service=SERVICE,
                request_id=envelope.request_id,
            )
        if envelope.more and envelope.token in used:
            raise ResponseError(
                "the service gives the same page of changes again and again",
                service=SERVICE,
                request_id=envelope.request_id,
            )
        return envelope.token


def token_at(session: Session, at: datetime) -> Mark:
    """Return a paging token for a moment."""
    since = at.replace(microsecond=0)
    params = (("sinceDatetime", since.isoformat().replace("+00:00", "Z")),)
    envelope = session.send(
        Call("asking for a paging token", PAGING_TOKEN, Kind.METADATA, READ_ACTIVITIES, params, timeout=_TOKEN_TIMEOUT)
    )
    if envelope.token is None:
        raise ResponseError("the answer has no 'nextPageToken'", service=SERVICE, request_id=envelope.request_id)
    return Mark(since, envelope.token)


def _activity(raw: Mapping[str, object]) -> Activity | None:
    kind, person, guid = raw.get("activityTypeId"), raw.get("leadId"), raw.get("marketoGUID")
    if isinstance(kind, bool) or isinstance(person, bool) or not isinstance(person, (int, str)):
        return None
    if not isinstance(kind, (int, str)) or not str(kind).isdecimal():
        return None
    return Activity(
        guid=None if guid is None else str(guid),
        type=int(kind),
        person=str(person),
        at=moment(raw.get("activityDate")),
        subject=str(raw.get("primaryAttributeValue") or ""),
        attributes=_attributes(raw.get("attributes")),
        fields=_fields(raw.get("fields")),
    )


def _attributes(raw: object) -> dict[str, object]:
    pairs: Sequence[object] = raw if isinstance(raw, list) else []
    return {str(pair.get("name")): pair.get("value") for pair in pairs if isinstance(pair, dict)}


def _fields(raw: object) -> tuple[tuple[str, object, object], ...]:
    changes: Sequence[object] = raw if isinstance(raw, list) else []
    return tuple((str(c.get("name")), c.get("oldValue"), c.get("newValue")) for c in changes if isinstance(c, dict))
