"""Tells marketers, in a person's activity log, why something of that person is not in sync."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from .custom_activities import ActivityType, CustomActivity

#: Longest text of an attribute here; the log is for reading.
_LONGEST = 250


class FailureLine(Protocol):
    """A record, or one field of it, that waits: a line of a report's ``parked`` or ``rejected``."""

    @property
    def entity(self) -> str:
        """Name of the entity."""
        ...

    @property
    def marketo_id(self) -> str | None:
        """Person id, if known."""
        ...

    @property
    def field(self) -> str:
        """The field, or ``""`` for the whole record."""
        ...

    @property
    def reason(self) -> str:
        """Stable word, or the service's code."""
        ...

    @property
    def message(self) -> str:
        """More, in words, without values."""
        ...


def failure_activities(lines: Iterable[FailureLine], kind: ActivityType, *, at: datetime) -> list[CustomActivity]:
    """Return one custom activity for each line that names a person, to be given to ``post_activities``.

    Args:
        lines: Lines of a report, such as ``[*report.rejected, *report.parked]``.
        kind: The activity type, from ``activity_types()``. Its primary attribute gets the reason; attributes with the
            API names ``entity``, ``field`` and ``message`` get what they say, where the type has them.
        at: When it happened (time-zone aware).

    Returns:
        The activities, in the order of the lines. They hold no values of fields.
    """
    made = []
    for line in lines:
        if line.marketo_id is None:
            continue
        told = {"entity": line.entity, "field": line.field, "message": line.message[:_LONGEST]}
        attributes = {name: text for name, text in told.items() if name in kind.attributes and text}
        made.append(CustomActivity(line.marketo_id, kind.id, at, line.reason[:_LONGEST], attributes))
    return made
