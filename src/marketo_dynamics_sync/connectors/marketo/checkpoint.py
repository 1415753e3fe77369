"""Where the last read of changes stopped: text of our own, kept by the store."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from ...errors import CheckpointExpiredError
from .envelope import SERVICE

VERSION: Final = 1
#: Marks that are kept, about; the newest one far enough back is where the next read starts.
_MOST_MARKS: Final = 12
#: GUIDs that are remembered. One that is forgotten costs a person read once more, nothing else.
MOST_SEEN: Final = 5000


class Mode(Enum):
    """Which streams changes are read from."""

    #: New person, value change, score change, merge and delete, of all fields, in one stream.
    ONE_STREAM = "one"
    #: Value changes of the mapped fields in one stream; score changes, merges and deletes in another.
    TWO_STREAMS = "two"


@frozen
class Mark:
    """A paging token, and the moment that it can't lie behind of.

    Attributes:
        at: Everything dated after this moment comes after the token.
        token: The token.
    """

    at: datetime
    token: str = field(repr=False)


@frozen
class Cursor:
    """Where one stream is read on.

    Attributes:
        marks: Tokens of former reads, oldest first.
        seen: GUIDs of activities that were handled and may come again, oldest first.
    """

    marks: tuple[Mark, ...] = ()
    seen: tuple[str, ...] = field(default=(), repr=False)

    def start(self, read_at: datetime, overlap: timedelta) -> Mark:
        """Return where the next read starts: the newest mark ``overlap`` before the last read, or the oldest."""
        old_enough = [mark for mark in self.marks if mark.at <= read_at - overlap]
        return old_enough[-1] if old_enough else self.marks[0]

    def trimmed(self, read_at: datetime, overlap: timedelta) -> Cursor:
        """Return the cursor without marks that no read will start from, and without more than can be kept."""
        start = self.start(read_at, overlap)
        kept = [start]
        # Thinning may only make the overlap longer: the mark that the next read needs is there, or an older one.
        gap = max(overlap, self.marks[-1].at - start.at) / _MOST_MARKS
        for mark in self.marks[self.marks.index(start) + 1 :]:
            if mark.at - kept[-1].at >= gap:
                kept.append(mark)
        return Cursor(tuple(kept), self.seen[-MOST_SEEN:])


@frozen
class Anchor:
    """One of the last activities that were read: it has to be there as long as the service isn't an older one.

    Attributes:
        guid: Its ``marketoGUID``.
        person: Person id.
        at: Its date.
    """

    guid: str
    person: str
    at: datetime


@frozen
class Checkpoint:
    """Everything that the next read of changes needs to know.

    Attributes:
        read_at: When the last read began, by the service's clock.
        mode: What the next read reads.
        cursors: Where each stream is read on, by its name.
        costs: Calls that the last reads of one stream would have saved as two, newest last.
        left: Reads left in two streams before one stream is measured again.
        stay: Reads in two streams that the next change of mode lasts.
        anchors: The last activities that were read, oldest first.
    """

    read_at: datetime
    mode: Mode = Mode.ONE_STREAM
    cursors: dict[str, Cursor] = field(factory=dict)
    costs: tuple[int, ...] = ()
    left: int = 0
    stay: int = 4
    anchors: tuple[Anchor, ...] = ()


def _converter() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook(datetime, lambda at: at.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


_CONVERTER: Final = _converter()


def dump(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as text."""
    return json.dumps({"version": VERSION, **_CONVERTER.unstructure(checkpoint)}, separators=(",", ":"))


def load(text: str) -> Checkpoint:
    """Return the checkpoint that :func:`dump` wrote.

    Raises:
        CheckpointExpiredError: It is of another version, or damaged; a full comparison is the way on.
    """
    try:
        data = json.loads(text)
        if isinstance(data, dict) and data.pop("version", None) == VERSION:
            checkpoint = _CONVERTER.structure(data, Checkpoint)
            if checkpoint.read_at.tzinfo is not None and all(c.marks for c in checkpoint.cursors.values()):
                return checkpoint
    except (ValueError, RecursionError, BaseValidationError):
        pass
    raise CheckpointExpiredError(
        "where the last cycle stopped was noted in a form that this version can't read; everything is compared once",
        service=SERVICE,
        code="checkpoint-unreadable",
    )
