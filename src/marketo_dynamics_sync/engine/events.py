"""What the engine tells a host while it works: for progress bars, logs and notifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from ..entities import Side


@frozen
class Event:
    """Something happened.

    Attributes:
        kind: ``"started"``, ``"left-out"``, ``"schema-changed"``, ``"read"``, ``"written"``, ``"full-comparison"``,
            ``"parked"``, ``"rejected"``, ``"overwritten"`` (an edit in Marketo, by a write of ours), ``"resolved"``,
            ``"refused"`` (a brake), ``"failed"``, ``"stopped"`` or ``"finished"``.
        entity: Name of the entity it is about, or ``""``.
        side: The service it is about, or ``None``.
        count: How many records.
        detail: More, in words; never a field value.
        record: Id of the record that it is about, at the side where its values came from; ``""`` for more than one.
    """

    kind: str
    entity: str = ""
    side: Side | None = None
    count: int = 0
    detail: str = ""
    record: str = ""

    def __str__(self) -> str:
        count = str(self.count) if self.count else ""
        where = self.side.value if self.side is not None else ""
        words = (self.kind, where, self.entity, self.record, count, self.detail)
        return " ".join(word for word in words if word)


#: Called with every event, in the thread that runs the cycle. An error it raises ends the cycle at that point.
OnEvent: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
