"""A state store that lives as long as its process: for tests, previews and benchmarks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from types import TracebackType
from typing import Self

from ..errors import StoreLockedError
from .protocol import Commit, Intent, JournalEntry, Link, Parked, Rejected
from .rows import (
    IntentRow,
    JournalRow,
    LinkRow,
    ParkedRow,
    RejectedRow,
    intent_row,
    journal_row,
    link_row,
    parked_row,
    refuse_half_characters,
    rejected_row,
    row_intent,
    row_journal,
    row_link,
    row_parked,
    row_rejected,
)


class MemoryLock:
    """The right to run on a memory store.

    Args:
        lock: What the store's locks share.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> Self:
        if not self._lock.acquire(blocking=False):
            raise StoreLockedError(
                "another engine of this process is running on this store; wait until it has finished, or give this one "
                "a store of its own"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class MemoryStateStore:
    """Keeps everything in memory, in the same flat form as the file store, and as strictly.

    Examples:
        >>> store = MemoryStateStore()
        >>> store.commit(Commit(checkpoints={"persons": "token"}))
        >>> store.checkpoint("persons")
        'token'
    """

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._guard = threading.RLock()
        self._links: dict[str, dict[str, LinkRow]] = {}
        self._rows_of: dict[str, dict[str, str]] = {}
        self._checkpoints: dict[str, str] = {}
        self._facts: dict[str, str] = {}
        self._journal: list[JournalRow] = []
        self._parked: dict[tuple[str, str, str], dict[str, ParkedRow]] = {}
        self._rejected: dict[tuple[str, str, str], RejectedRow] = {}
        self._intents: dict[tuple[str, str], IntentRow] = {}
        self._seen: dict[str, set[str]] = {}

    def __repr__(self) -> str:
        return "MemoryStateStore()"

    def lock(self) -> MemoryLock:
        """Return the lock that an engine holds while it runs."""
        return MemoryLock(self._running)

    def commit(self, commit: Commit) -> None:
        """Keep everything in ``commit``, or nothing when this raises.

        Raises:
            StateError: Something in it can't be kept.
        """
        # All that can fail comes before the first change.
        links = [link_row(link) for link in commit.put_links]
        journal = [journal_row(entry) for entry in commit.journal]
        parked = [parked_row(item) for item in commit.park]
        rejected = [rejected_row(item) for item in commit.reject]
        intents = [intent_row(item) for item in commit.put_intents]
        marks = [(entity, *ids) for entity, ids in commit.seen]
        texts = chain(commit.checkpoints.items(), commit.facts.items(), commit.unpark, commit.unreject, marks)
        refuse_half_characters(chain(links, journal, parked, rejected, intents, texts))
        with self._guard:
            for entity, row_id in commit.drop_links:
                self._drop(entity, row_id)
            for link in links:
                self._put(link)
            _apply(self._checkpoints, commit.checkpoints)
            _apply(self._facts, commit.facts)
            self._journal.extend(journal)
            for entity, side, record, field in commit.unpark:
                self._unpark((entity, side, record), field)
            for item in parked:
                self._park(item)
            for key in commit.unreject:
                self._rejected.pop(key, None)
            self._rejected.update((item[:3], item) for item in rejected)
            for intent_key in commit.drop_intents:
                self._intents.pop(intent_key, None)
            self._intents.update((item[:2], item) for item in intents)
            for entity, ids in commit.seen:
                self._seen.setdefault(entity, set()).update(ids)

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows, by row id."""
        with self._guard:
            known = self._links.get(entity, {})
            return {row_id: row_link(known[row_id]) for row_id in ids if row_id in known}

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records, by Marketo id."""
        found: dict[str, Link] = {}
        with self._guard:
            for entity in entities or sorted(self._links):
                rows = self._rows_of.get(entity, {})
                found.update((i, row_link(self._links[entity][rows[i]])) for i in ids if i in rows)
        return found

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity in the order of row ids."""
        with self._guard:
            ids = sorted(self._links.get(entity, {}))
        for row_id in ids:
            with self._guard:
                row = self._links[entity].get(row_id)
            if row is not None:
                yield row_link(row)

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        with self._guard:
            return len(self._links.get(entity, {}))

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return (link for link in self.links(entity) if link.dynamics_id not in self._seen.get(entity, ()))

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        with self._guard:
            self._seen[entity] = set()

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped, or ``None``."""
        with self._guard:
            return self._checkpoints.get(stream)

    def fact(self, name: str) -> str | None:
        """Return a fact, or ``None``."""
        with self._guard:
            return self._facts.get(name)

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries in the order they were written."""
        wanted = (entity, marketo_id, dynamics_id)
        with self._guard:
            rows = self._journal[:]
        for row in rows:
            if all(want in (None, has) for want, has in zip(wanted, (row[1], row[3], row[4]), strict=True)):
                yield row_journal(row)

    def rewrite_journal(self, change: Callable[[JournalEntry], JournalEntry]) -> bool:
        """Put changed entries in the place of those there are."""
        with self._guard:
            self._journal = [journal_row(change(row_journal(row))) for row in self._journal]
        return True

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human, oldest first."""
        with self._guard:
            rows = [row for fields in self._parked.values() for row in fields.values() if entity in (None, row[0])]
        return map(row_parked, sorted(rows, key=lambda row: (row[6], row[:4])))

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused, the earliest next try first."""
        with self._guard:
            rows = [row for row in self._rejected.values() if entity in (None, row[0])]
        return map(row_rejected, sorted(rows, key=lambda row: (row[8], row[:3])))

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        with self._guard:
            return {i: row_intent(self._intents[entity, i]) for i in marketo_ids if (entity, i) in self._intents}

    def intents_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by the row id that was chosen."""
        wanted = set(ids)
        with self._guard:
            found = [row_intent(row) for row in self._intents.values()]
        return {item.dynamics_id: item for item in found if item.entity == entity and item.dynamics_id in wanted}

    def __enter__(self) -> Self:
        """Return this store; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing to release; what was kept stays as long as the object."""

    def _put(self, link: LinkRow) -> None:
        entity, row_id, marketo_id = link[:3]
        self._drop(entity, row_id)
        taken = self._rows_of.get(entity, {}).get(marketo_id)
        if taken is not None:
            self._drop(entity, taken)
        self._links.setdefault(entity, {})[row_id] = link
        self._rows_of.setdefault(entity, {})[marketo_id] = row_id

    def _drop(self, entity: str, row_id: str) -> None:
        link = self._links.get(entity, {}).pop(row_id, None)
        if link is not None:
            del self._rows_of[entity][link[2]]

    def _park(self, item: ParkedRow) -> None:
        fields = self._parked.setdefault(item[:3], {})
        before = fields.get(item[3])
        fields[item[3]] = (*item[:6], before[6]) if before is not None else item

    def _unpark(self, key: tuple[str, str, str], field: str) -> None:
        fields = self._parked.get(key, {})
        if field == "*":
            fields.clear()
        fields.pop(field, None)
        if not fields:
            self._parked.pop(key, None)


def _apply(target: dict[str, str], changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
