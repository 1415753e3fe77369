"""Whether Marketo still has the activities that were read last: if not, the instance is older than our checkpoint.

Activities only ever come in addition, and ``marketoGUID`` tells them apart (Adobe, "Activities"). Nothing says in which
order their numbers are given, and those of a person who was deleted may be gone. So a number that is too low, or a last
activity that doesn't come again in the overlap, is only a reason to look: what decides is that it isn't there any more,
asked for by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from ...errors import RestoredError
from .activities import Activity, Source, StreamReader, token_at
from .checkpoint import Anchor, Cursor
from .session import Session

#: Activities that are remembered.
MOST_ANCHORS: Final = 20
#: Pages that a second look reads at most; a busier instance is not judged.
_MOST_PAGES: Final = 10


def anchored(before: Sequence[Anchor], activities: Sequence[Activity]) -> tuple[Anchor, ...]:
    """Return the last activities that were read, oldest first."""
    known = {anchor.guid: anchor for anchor in before}
    known |= {a.guid: Anchor(a.guid, a.person, a.at) for a in activities if a.guid is not None and a.at is not None}
    return tuple(sorted(known.values(), key=lambda anchor: anchor.at)[-MOST_ANCHORS:])


def looks_older(anchors: Sequence[Anchor], reader: StreamReader) -> bool:
    """Return whether what a stream brought gives reason to look again.

    The last activity didn't come again, though the read began before it; or one that is dated after all that were read
    before has a number that was given by then.
    """
    if not anchors:
        return False
    last, start = anchors[-1], reader.start
    brought = {activity.guid for activity in reader.everything}
    if start is not None and last.guid in reader.cursor.seen and last.at > start.at and last.guid not in brought:
        return True
    highest = max((int(anchor.guid) for anchor in anchors if _is_number(anchor.guid)), default=-1)
    return any(
        a.guid is not None and _is_number(a.guid) and a.at is not None and a.at > last.at and int(a.guid) <= highest
        for a in reader.everything
    )


def look_again(session: Session, source: Source, anchors: Sequence[Anchor], gone: Collection[str]) -> None:
    """Look for the last activity that was read.

    Args:
        session: Makes the calls.
        source: What is read.
        anchors: The last activities that were read, oldest first.
        gone: Persons that were deleted or merged: their activities may be gone with them.

    Raises:
        RestoredError: It isn't there.
    """
    last = next((anchor for anchor in reversed(anchors) if anchor.person not in gone), None)
    if last is None:
        return
    start = last.at - timedelta(seconds=1)
    reader = StreamReader(session, source, Cursor((token_at(session, start),)), timedelta())
    for number, page in enumerate(reader.pages(start), 1):
        if number == _MOST_PAGES or any((a.guid, a.person, a.at) == (last.guid, last.person, last.at) for a in page):
            return
    raise RestoredError(
        f"Marketo has activity {last.guid} no more, the last that this store has read, so the instance is older than "
        "the store: was it restored or replaced? Nothing was written. engine.rebind() shows how the links fit what is "
        "there now, and engine.rebind(dry_run=False) keeps them."
    )


def _is_number(guid: str) -> bool:
    return guid.isascii() and guid.isdecimal() and len(guid) < 19
