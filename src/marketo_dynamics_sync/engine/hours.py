"""How many records were synced in each clock hour: what the native status page shows as "Last Hour", for three days."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from attrs import field, frozen

from ..entities import Side
from ..state import StateStore

#: Clock hours that are remembered.
KEPT_HOURS: Final = 72
_INDEX: Final = "status:hours"
_FORM: Final = "%Y-%m-%dT%H"

#: How many records, by entity, side that was written to, and what was done: ``"created"``, ``"updated"``,
#: ``"deleted"``, or ``"rejected"`` for those that the service refused.
Counts = Counter[tuple[str, Side, str]]


@frozen
class HourCount:
    """What was synced in one clock hour (UTC).

    Attributes:
        start: When the hour began.
        counts: Records by entity, side that was written to, and what was done: ``"created"``, ``"updated"``,
            ``"deleted"``, or ``"rejected"`` for those that the service refused.
    """

    start: datetime
    counts: Mapping[tuple[str, Side, str], int] = field(factory=dict)

    def synced(self, entity: str | None = None, side: Side | None = None) -> int:
        """Return how many records were written, of all or of one entity, to both sides or to one."""
        return sum(
            number
            for (name, where, what), number in self.counts.items()
            if what != "rejected" and entity in (None, name) and side in (None, where)
        )


def clock_hour(at: datetime) -> datetime:
    """Return the beginning of the clock hour (UTC) of a moment."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_facts(store: StateStore, counts: Counts, now: datetime) -> dict[str, str | None]:
    """Return the facts that add counts to the hour of now, and that forget hours which are too old."""
    if not counts:
        return {}
    start = clock_hour(now)
    name = _fact(start)
    total = _counts(store, start)
    total.update(counts)
    rows = [[entity, side.value, what, number] for (entity, side, what), number in total.items()]
    facts: dict[str, str | None] = {name: json.dumps(sorted(rows))}
    known = _index(store)
    if start not in known:
        oldest = start - timedelta(hours=KEPT_HOURS - 1)
        kept = sorted({start, *(hour for hour in known if hour >= oldest)})
        facts |= {_fact(hour): None for hour in known if hour < oldest}
        facts[_INDEX] = json.dumps([hour.strftime(_FORM) for hour in kept])
    return facts


def read_hours(store: StateStore) -> tuple[HourCount, ...]:
    """Return the hours in which something was synced, newest first."""
    return tuple(HourCount(start, dict(_counts(store, start))) for start in sorted(_index(store), reverse=True))


def _index(store: StateStore) -> list[datetime]:
    kept = cast("list[str]", json.loads(store.fact(_INDEX) or "[]"))
    return [datetime.strptime(text, _FORM).replace(tzinfo=UTC) for text in kept]


def _counts(store: StateStore, start: datetime) -> Counts:
    rows = cast("list[tuple[str, str, str, int]]", json.loads(store.fact(_fact(start)) or "[]"))
    return Counter({(entity, Side(side), what): number for entity, side, what, number in rows})


def _fact(start: datetime) -> str:
    return f"hour:{start.strftime(_FORM)}"
