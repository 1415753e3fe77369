"""What changed among the persons: which streams are read, and what their activities say."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from attrs import define, evolve, field

from ...entities import BoundEntity
from ...errors import CheckpointExpiredError
from ..protocol import ChangePage
from .activities import (
    ACTIVITIES,
    DELETE,
    LEAD_CHANGES,
    MERGE,
    NEW_PERSON,
    SCORE_CHANGE,
    VALUE_CHANGE,
    Activity,
    Source,
    StreamReader,
    token_at,
)
from .anchors import anchored, look_again, looks_older
from .checkpoint import MOST_SEEN, Checkpoint, Cursor, Mode, dump, load
from .codes import READ_ACTIVITIES
from .cost import avoidable_calls, next_mode
from .envelope import SERVICE
from .schema import Schema
from .session import Call, Kind, Session
from .value_changes import FieldNames, field_changes, field_names

_log = logging.getLogger(__name__)

#: Deletions are kept 14 days (Adobe, "Marketo Activities Data Retention Policy"); half a day is left for the read.
OLDEST: Final = timedelta(days=13, hours=12)
_ALL_TYPES: Final = (NEW_PERSON, VALUE_CHANGE, SCORE_CHANGE, MERGE, DELETE)
_OTHER_TYPES: Final = (SCORE_CHANGE, MERGE, DELETE)
_MERGED_IDS: Final = re.compile(r"merge\w*\s*ids?|los(?:er|ing)\b.*\bids?", re.IGNORECASE)
_TYPES: Final = Call(
    "reading the activity types", "/rest/v1/activities/types.json", Kind.METADATA, READ_ACTIVITIES, timeout=60.0
)


@define
class _Labels:
    """Names that value changes may be told by: REST API names and names in the user interface."""

    mapped: frozenset[str]
    known: frozenset[str]

    def concern(self, activity: Activity) -> bool:
        """Return whether two streams would have brought the activity; in doubt they would."""
        if activity.type != VALUE_CHANGE:
            return True
        return activity.subject in self.mapped or activity.subject not in self.known


@define
class _Tally:
    """Counts what a read of one stream brought, to tell what two would have saved."""

    labels: _Labels
    activities: int = 0
    persons: set[str] = field(factory=set)
    mapped_persons: set[str] = field(factory=set)
    _records: set[tuple[object, ...]] = field(factory=set)

    def add(self, activities: Sequence[Activity]) -> None:
        """Count activities."""
        for activity in activities:
            self.activities += 1
            self.persons.add(activity.person)
            if self.labels.concern(activity):
                # The stream of value changes tells of one write in one record, however many fields it changed.
                one = (activity.person, activity.at) if activity.type == VALUE_CHANGE else (self.activities,)
                self._records.add(one)
                self.mapped_persons.add(activity.person)

    def saved(self, met: int) -> int:
        """Return the calls that two streams would have saved.

        Args:
            met: Activities that were read, with those that were met before: they filled pages too.
        """
        again = met - self.activities
        records = len(self._records)
        share = records / self.activities if self.activities else 1.0
        return avoidable_calls(met, len(self.persons), records + round(again * share), len(self.mapped_persons))


class Changes:
    """Reads the changes of persons.

    Args:
        session: Makes the calls.
        schema: Knows the fields' names in the user interface, which value changes are told by.
        overlap: How far each read goes back behind the last one: activities can become visible after their date.
    """

    def __init__(self, session: Session, schema: Schema, overlap: timedelta) -> None:
        self._session = session
        self._schema = schema
        self._overlap = overlap
        self._lock = threading.Lock()
        self._merge_names: frozenset[str] | None = None

    def read(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield what changed since a checkpoint; ``None`` yields one empty page whose checkpoint is now.

        Raises:
            CheckpointExpiredError: The checkpoint is older than the service keeps deletions, or unreadable.
            ClockSkewError: This machine's clock and the service's disagree.
            RestoredError: The service no longer has what was read last.
        """
        self._session.require_clock()
        now = self._session.now()
        if checkpoint is None:
            mark = token_at(self._session, now)
            yield ChangePage(checkpoint=dump(Checkpoint(mark.at, cursors={"one": Cursor((mark,))})))
            return
        state = load(checkpoint)
        if now - state.read_at > OLDEST:
            raise CheckpointExpiredError(
                "the last cycle was so long ago that Marketo has begun to forget deletions (it keeps them 14 days); "
                "everything is compared once",
                service=SERVICE,
                code="checkpoint-too-old",
            )
        names = sorted({name for entity in entities for name in entity.marketo_names})
        if not names:
            state = evolve(state, mode=Mode.ONE_STREAM)
        tally = _Tally(self._labels(names))
        fields = self._fields(names)
        sources = _sources(state.mode, names)
        cursors = self._cursors(state, sources)
        after: dict[str, Cursor] = {}
        met = 0
        last: list[Activity] = []
        doubt = False
        lost: set[str] = set()
        held: list[Activity] | None = None  # the last page of all carries the checkpoint, so one is held back
        for source in sources:
            reader = StreamReader(self._session, source, cursors[source.name], self._overlap)
            for page in reader.pages(state.read_at):
                if held is not None:
                    yield self._page(held, fields)
                tally.add(page)
                lost.update(self._lost(page))
                held = page
            after[source.name] = reader.after(now)
            met += reader.met
            last += reader.everything
            doubt = doubt or looks_older(state.anchors, reader)
        if doubt:
            young = [anchor for anchor in state.anchors if now - anchor.at < OLDEST]
            look_again(self._session, _sources(Mode.ONE_STREAM, names)[0], young, lost)
        saved = tally.saved(met) if state.mode is Mode.ONE_STREAM else None
        read = evolve(state, read_at=now, cursors=after, anchors=anchored(state.anchors, last))
        ended = next_mode(read, saved)
        _log.debug("read %d activities from %d streams, next mode %s", met, len(sources), ended.mode.value)
        yield evolve(self._page(held or (), fields), checkpoint=dump(ended))

    def _cursors(self, state: Checkpoint, sources: Sequence[Source]) -> Mapping[str, Cursor]:
        """Return where each stream is read on; after a change of mode, from a new token that lies the overlap back."""
        if all(source.name in state.cursors for source in sources):
            return state.cursors
        mark = token_at(self._session, state.read_at - self._overlap)
        seen = tuple(dict.fromkeys(guid for cursor in state.cursors.values() for guid in cursor.seen))[-MOST_SEEN:]
        return {source.name: Cursor((mark,), seen) for source in sources}

    def _labels(self, names: Sequence[str]) -> _Labels:
        known = self._schema.known
        labels = known.labels if known is not None else {}
        mapped = {*names, *(labels[name] for name in names if name in labels)}
        return _Labels(frozenset(mapped), frozenset({*labels, *labels.values()}))

    def _fields(self, names: Sequence[str]) -> FieldNames:
        known = self._schema.known
        labels = known.labels if known is not None else {}
        types = {name: info.type for name, info in known.info.fields.items()} if known is not None else {}
        return field_names(names, labels, types)

    def _page(self, activities: Sequence[Activity], fields: FieldNames) -> ChangePage:
        changed: dict[str, None] = {}
        created: dict[str, None] = {}
        deleted: dict[str, None] = {}
        merged: dict[str, str] = {}
        for activity in activities:
            if activity.type == DELETE:
                deleted[activity.person] = None
                continue
            if activity.type not in _ALL_TYPES:
                continue
            changed[activity.person] = None
            if activity.type == NEW_PERSON:
                created[activity.person] = None
            elif activity.type == MERGE:
                merged.update(dict.fromkeys(self._losers(activity), activity.person))
        return ChangePage(
            changed=tuple(changed),
            created=tuple(created),
            deleted=tuple(deleted),
            merged=merged,
            field_changes=tuple(field_changes(activities, fields)),
        )

    def _lost(self, activities: Sequence[Activity]) -> list[str]:
        """Return the persons that are gone by now."""
        gone = [activity.person for activity in activities if activity.type == DELETE]
        return gone + [loser for a in activities if a.type == MERGE for loser in self._losers(a)]

    def _losers(self, activity: Activity) -> list[str]:
        names = self._names_of_merged()
        found: dict[str, None] = {}
        for name, value in activity.attributes.items():
            if name in names or _MERGED_IDS.search(name):
                found.update(dict.fromkeys(re.findall(r"\d+", str(value))))
        found.pop(activity.person, None)
        if not found:
            _log.debug("a merge into person %s doesn't name the persons that were merged", activity.person)
        return list(found)

    def _names_of_merged(self) -> frozenset[str]:
        """Return the attributes that hold the losing ids; they are not documented, so the instance is asked once."""
        with self._lock:
            if self._merge_names is None:
                names: set[str] = set()
                for item in self._session.send(_TYPES).result:
                    attributes = item.get("attributes")
                    if item.get("id") == MERGE and isinstance(attributes, list):
                        names |= {str(a.get("name")) for a in attributes if isinstance(a, dict)}
                self._merge_names = frozenset(name for name in names if _MERGED_IDS.search(name))
            return self._merge_names


def _sources(mode: Mode, names: Sequence[str]) -> list[Source]:
    if mode is Mode.ONE_STREAM:
        return [Source("one", ACTIVITIES, (("activityTypeIds", _joined(_ALL_TYPES)),))]
    return [
        Source("changes", LEAD_CHANGES, (("fields", ",".join(names)),)),
        Source("others", ACTIVITIES, (("activityTypeIds", _joined(_OTHER_TYPES)),)),
    ]


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
