"""What waits, and the news that something of it waits no longer."""

from __future__ import annotations

from attrs import define, field

from ..entities import Side
from ..state import Commit, Rejected, StateStore
from .events import Event


@define
class Waits:
    """Records that were rejected or parked before, kept up to date with what is committed.

    Attributes:
        rejected: Rejected records, by entity, side and id.
        parked: Why records and fields are parked: reason by field, by entity, side and id.
    """

    rejected: dict[tuple[str, str, str], Rejected] = field(factory=dict)
    parked: dict[tuple[str, str, str], dict[str, str]] = field(factory=dict)

    def read(self, store: StateStore) -> None:
        """Take what the store has."""
        self.rejected.update({(item.entity, item.side, item.id): item for item in store.rejected()})
        for item in store.parked():
            self.parked.setdefault((item.entity, item.side, item.id), {})[item.field] = item.reason

    def after(self, commit: Commit) -> list[Event]:
        """Follow a commit, and return an event for each record or field that it let go."""
        events = []
        again = {(item.entity, item.side, item.id, item.field) for item in commit.park}
        refused = {(item.entity, item.side, item.id) for item in commit.reject}
        for key in commit.unreject:
            before = self.rejected.pop(key, None)
            if before is not None and key not in refused:
                events.append(Event("resolved", key[0], Side(key[1]), 1, before.code, key[2]))
        for entity, side, record, name in commit.unpark:
            fields = self.parked.get((entity, side, record), {})
            for each in sorted(fields) if name == "*" else [name]:
                reason = fields.pop(each, None)
                if reason is not None and (entity, side, record, each) not in again:
                    words = f"{each}: {reason}" if each else reason
                    events.append(Event("resolved", entity, Side(side).other, 1, words, record))
        for item in commit.park:
            self.parked.setdefault((item.entity, item.side, item.id), {})[item.field] = item.reason
        self.rejected.update({(item.entity, item.side, item.id): item for item in commit.reject})
        return events
