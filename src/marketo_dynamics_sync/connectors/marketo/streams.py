"""What changed in Marketo: the cheapest stream that misses nothing, re-read with an overlap, without repeats."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from attrs import define

from ..protocol import ChangePage
from ...errors import CheckpointExpiredError, RequestRejectedError, ResponseError
from .checkpoint import Mark, StreamCheckpoint
from .rest import Rest

NEW: Final = 12
VALUE: Final = 13
SCORE: Final = 22
MERGE: Final = 32
DELETE: Final = 37

#: Delete Lead activities are kept 14 days; a day's margin for clocks and long cycles.
HORIZON: Final = timedelta(days=13)
_PAGE: Final = 300


@define
class Streams:
    """Reads Marketo's change streams.

    Attributes:
        rest: The API.
        overlap: How far behind "now" activities may still turn up.
    """

    rest: Rest
    overlap: timedelta

    def start(self) -> StreamCheckpoint:
        """Return the checkpoint of now."""
        now = self.rest.now()
        return StreamCheckpoint("activities", [Mark(now, self._token_at(now))])

    def poll(self, checkpoint: StreamCheckpoint, fields: Sequence[str]) -> Iterator[ChangePage]:
        """Yield what changed since a checkpoint; the last page carries the next one.

        Args:
            checkpoint: Where the last poll stopped.
            fields: REST names of mapped fields.

        Raises:
            CheckpointExpiredError: It is older than Marketo keeps deletions, or Marketo doesn't know its tokens.
        """
        now = self.rest.now()
        if now - checkpoint.marks[-1].at > HORIZON:
            raise CheckpointExpiredError(
                "the last cycle is longer ago than Marketo keeps deletions (14 days)", service="marketo", code="too-old"
            )
        nxt = StreamCheckpoint(checkpoint.mode, [], [], list(checkpoint.seen))
        seen = set(checkpoint.seen)
        if checkpoint.mode == "activities":
            types = (NEW, VALUE, SCORE, MERGE, DELETE)
            yield from self._read(checkpoint.marks, nxt.marks, nxt, seen, now, types=types, fields=fields)
        else:
            yield from self._read(checkpoint.marks, nxt.marks, nxt, seen, now, types=(), fields=fields)
            yield from self._read(
                checkpoint.rest_marks, nxt.rest_marks, nxt, seen, now, types=(SCORE, MERGE, DELETE), fields=fields
            )
        if len(nxt.marks) == 1 and not nxt.read:
            nxt.seen = []
        yield ChangePage(checkpoint=self._cheaper(nxt, now).dump())

    def _read(
        self,
        marks: Sequence[Mark],
        new_marks: list[Mark],
        nxt: StreamCheckpoint,
        seen: set[str],
        now: datetime,
        *,
        types: Sequence[int],
        fields: Sequence[str],
    ) -> Iterator[ChangePage]:
        old_enough = [mark for mark in marks if mark.at <= now - self.overlap]
        token = (old_enough or list(marks))[-1 if old_enough else 0].token
        while True:
            answer = self._page(token, types, fields)
            raw = answer.get("result")
            fresh = []
            for activity in cast("list[dict[str, object]]", raw if isinstance(raw, list) else []):
                guid = str(activity.get("marketoGUID") or activity.get("id"))
                if guid not in seen:
                    seen.add(guid)
                    nxt.seen.append(guid)
                    fresh.append(activity)
            nxt.read += len(fresh)
            nxt.used += sum(_matters(activity, fields) for activity in fresh)
            if fresh:
                yield _changes(fresh)
            following = answer.get("nextPageToken")
            if not isinstance(following, str) or not following:
                raise ResponseError("a page of activities has no nextPageToken", service="marketo")
            if not answer.get("moreResult"):
                # Kept: the newest place that is already old enough, and every one since, as starts of later polls.
                new_marks.extend([*old_enough[-1:], *(m for m in marks if m.at > now - self.overlap)])
                new_marks.append(Mark(now, following))
                return
            if following == token:
                raise ResponseError("a page of activities points to itself", service="marketo")
            token = following

    def _page(self, token: str, types: Sequence[int], fields: Sequence[str]) -> dict[str, object]:
        query = [("nextPageToken", token), ("batchSize", str(_PAGE))]
        if types:
            path = "/rest/v1/activities.json"
            query.append(("activityTypeIds", ",".join(map(str, types))))
        else:
            path = "/rest/v1/activities/leadchanges.json"
            query.append(("fields", ",".join(fields)))
        try:
            return self.rest.get(path, query)
        except RequestRejectedError as error:
            if error.code in ("1012", "1003", "704"):
                raise CheckpointExpiredError(
                    "Marketo doesn't know the paging token any more", service="marketo", code=error.code
                ) from error
            raise

    def _token_at(self, moment: datetime) -> str:
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self.rest.get("/rest/v1/activities/pagingtoken.json", [("sinceDatetime", stamp)], kind="metadata")
        token = answer.get("nextPageToken")
        if not isinstance(token, str):
            raise ResponseError("the paging-token answer has no nextPageToken", service="marketo")
        return token

    def _cheaper(self, done: StreamCheckpoint, now: datetime) -> StreamCheckpoint:
        """Return the checkpoint in the mode that would have cost fewer calls.

        One stream of everything costs one call when idle; naming the fields costs a second call always, and pays when that
        many changes of other fields fill more than one page.
        """
        pages_all = -(-max(done.read, 1) // _PAGE)
        pages_named = -(-max(done.used, 1) // _PAGE) + 1
        if done.mode == "activities" and pages_named < pages_all:
            mark = [Mark(now, self._token_at(now - self.overlap))]
            return StreamCheckpoint("changes", list(mark), list(mark), done.seen, done.read, done.used)
        if done.mode == "changes" and done.read <= _PAGE // 2:
            return StreamCheckpoint("activities", [Mark(now, self._token_at(now - self.overlap))], [], done.seen)
        return done


def _matters(activity: dict[str, object], fields: Sequence[str]) -> bool:
    if activity.get("activityTypeId") != VALUE:
        return True
    changed = activity.get("fields")
    if isinstance(changed, list):
        return any(item.get("name") in fields for item in changed if isinstance(item, dict))
    label = str(activity.get("primaryAttributeValue", "")).replace(" ", "").casefold()
    return any(name.casefold() == label for name in fields)


def _changes(activities: Sequence[dict[str, object]]) -> ChangePage:
    changed: dict[str, None] = {}
    created: dict[str, None] = {}
    deleted: dict[str, None] = {}
    merged: dict[str, str] = {}
    for activity in activities:
        person, kind = str(activity.get("leadId")), activity.get("activityTypeId")
        if kind == DELETE:
            deleted[person] = None
            continue
        changed[person] = None
        if kind == NEW:
            created[person] = None
        if kind == MERGE:
            merged.update(dict.fromkeys(_losers(activity), person))
    return ChangePage(changed=list(changed), created=list(created), deleted=list(deleted), merged=merged)


def _losers(activity: dict[str, object]) -> list[str]:
    """Return who was merged away: the attribute "Merge IDs" holds the ids as a list in text."""
    attributes = activity.get("attributes")
    for item in attributes if isinstance(attributes, list) else []:
        if isinstance(item, dict) and str(item.get("name", "")).replace(" ", "").casefold() == "mergeids":
            try:
                ids = ast.literal_eval(str(item.get("value")))
            except (ValueError, SyntaxError):
                return [
                    part for part in str(item.get("value")).replace(";", ",").split(",") if part.strip().isdecimal()
                ]
            return [str(i) for i in ids] if isinstance(ids, (list, tuple)) else [str(ids)]
    return []
