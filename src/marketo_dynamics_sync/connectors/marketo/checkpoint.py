"""Where the change streams stopped, as text that the engine keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Self

from attrs import define, field

from ...errors import CheckpointExpiredError

_VERSION: Final = 1
#: GUIDs remembered to drop repeats; beyond it they are forgotten, because a repeat only costs a read.
REMEMBERED: Final = 5000


@define
class Mark:
    """A place in a stream: a paging token, and when it was given."""

    at: datetime
    token: str


@define
class StreamCheckpoint:
    """Where both streams stopped.

    Attributes:
        mode: ``"activities"`` (one stream of everything) or ``"changes"`` (value changes of mapped fields, and the rest apart).
        marks: Places of the last polls, oldest first; a poll starts at the newest that is old enough for late arrivals.
        rest_marks: Places in the second stream of mode ``"changes"``.
        seen: GUIDs met since the oldest mark.
        read: Activities the last poll read.
        used: Those of them that mattered.
    """

    mode: str
    marks: list[Mark]
    rest_marks: list[Mark] = field(factory=list)
    seen: list[str] = field(factory=list)
    read: int = 0
    used: int = 0

    def dump(self) -> str:
        """Return the checkpoint as text."""
        return json.dumps(
            {
                "v": _VERSION,
                "mode": self.mode,
                "marks": [[m.at.isoformat(), m.token] for m in self.marks],
                "rest": [[m.at.isoformat(), m.token] for m in self.rest_marks],
                "seen": self.seen[-REMEMBERED:],
                "read": self.read,
                "used": self.used,
            },
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Return the checkpoint that :meth:`dump` wrote.

        Raises:
            CheckpointExpiredError: It is none; everything is compared then.
        """
        try:
            data = json.loads(text)
            if data["v"] != _VERSION:
                raise ValueError(data["v"])
            return cls(
                data["mode"],
                _marks(data["marks"]),
                _marks(data["rest"]),
                list(data["seen"]),
                int(data["read"]),
                int(data["used"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointExpiredError(
                "the checkpoint can't be read", service="marketo", code="checkpoint"
            ) from error


def _marks(raw: Iterable[tuple[str, str]]) -> list[Mark]:
    return [Mark(datetime.fromisoformat(at), token) for at, token in raw]
