"""A state store that lives as long as its process: for tests, previews and benchmarks."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

import attrs

from ..errors import StoreLockedError
from .protocol import Commit, Intent, JournalEntry, Link, Parked, Rejected


class MemoryLock:
    """The right to run on a memory store."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> Self:
        if not self._lock.acquire(blocking=False):
            raise StoreLockedError(
                "another engine of this process is running on this store; wait until it has finished"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class MemoryStateStore:
    """Keeps everything in dictionaries.

    Examples:
        >>> store = MemoryStateStore()
        >>> store.commit(Commit(checkpoints={"persons": "token"}))
        >>> store.checkpoint("persons")
        'token'
    """

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._guard = threading.RLock()
        self._links: dict[tuple[str, str], Link] = {}
        self._by_marketo: dict[tuple[str, str], tuple[str, str]] = {}
        self._checkpoints: dict[str, str] = {}
        self._facts: dict[str, str] = {}
        self._journal: list[JournalEntry] = []
        self._parked: dict[tuple[str, str, str, str], Parked] = {}
        self._rejected: dict[tuple[str, str, str], Rejected] = {}
        self._intents: dict[tuple[str, str], Intent] = {}
        self._seen: dict[str, set[str]] = {}

    def lock(self) -> MemoryLock:
        """Return the lock that an engine holds while it runs."""
        return MemoryLock(self._running)

    def commit(self, commit: Commit) -> None:
        """Keep everything in ``commit``."""
        with self._guard:
            for key in commit.drop_links:
                self._drop(key)
            for link in commit.put_links:
                self._put(link)
            _apply(self._checkpoints, commit.checkpoints.items())
            _apply(self._facts, commit.facts.items())
            self._journal.extend(commit.journal)
            for entity, side, row, name in commit.unpark:
                gone = [k for k in self._parked if k[:3] == (entity, side, row) and name in ("*", k[3])]
                for parked_key in gone:
                    del self._parked[parked_key]
            for parked in commit.park:
                where = (parked.entity, parked.side, parked.id, parked.field)
                before = self._parked.get(where)
                self._parked[where] = attrs.evolve(parked, since=before.since) if before else parked
            for rejected_key in commit.unreject:
                self._rejected.pop(rejected_key, None)
            for rejected in commit.reject:
                self._rejected[rejected.entity, rejected.side, rejected.id] = rejected
            for intent_key in commit.drop_intents:
                self._intents.pop(intent_key, None)
            for intent in commit.put_intents:
                self._intents[intent.entity, intent.marketo_id] = intent
            for entity, ids in commit.seen:
                self._seen.setdefault(entity, set()).update(ids)

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows, by row id."""
        with self._guard:
            return {i: self._links[entity, i] for i in ids if (entity, i) in self._links}

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records, by Marketo id."""
        with self._guard:
            names = entities or sorted({entity for entity, _ in self._links})
            found: dict[str, Link] = {}
            for name in names:
                for marketo_id in ids:
                    key = self._by_marketo.get((name, marketo_id))
                    if key is not None:
                        found[marketo_id] = self._links[key]
            return found

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity in the order of row ids."""
        with self._guard:
            ids = sorted(row for name, row in self._links if name == entity)
        for row in ids:
            link = self._links.get((entity, row))
            if link is not None:
                yield link

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        with self._guard:
            return sum(1 for name, _ in self._links if name == entity)

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return (link for link in self.links(entity) if link.dynamics_id not in self._seen.get(entity, set()))

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        with self._guard:
            self._seen[entity] = set()

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped, or ``None``."""
        return self._checkpoints.get(stream)

    def fact(self, name: str) -> str | None:
        """Return a fact, or ``None``."""
        return self._facts.get(name)

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries in the order they were written."""
        for entry in list(self._journal):
            if (
                entity in (None, entry.entity)
                and marketo_id in (None, entry.marketo_id)
                and dynamics_id in (None, entry.dynamics_id)
            ):
                yield entry

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human, oldest first."""
        with self._guard:
            found = sorted(self._parked.values(), key=lambda p: (p.since, p.entity, p.side, p.id, p.field))
        return (p for p in found if entity in (None, p.entity))

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused, the earliest next try first."""
        with self._guard:
            found = sorted(self._rejected.values(), key=lambda r: (r.next_at, r.entity, r.side, r.id))
        return (r for r in found if entity in (None, r.entity))

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        with self._guard:
            return {i: self._intents[entity, i] for i in marketo_ids if (entity, i) in self._intents}

    def close(self) -> None:
        """Nothing to release; what was kept stays as long as the object."""

    def _put(self, link: Link) -> None:
        key = (link.entity, link.dynamics_id)
        self._drop(key)
        taken = self._by_marketo.get((link.entity, link.marketo_id))
        if taken is not None:
            self._drop(taken)
        self._links[key] = link
        self._by_marketo[link.entity, link.marketo_id] = key

    def _drop(self, key: tuple[str, str]) -> None:
        link = self._links.pop(key, None)
        if link is not None:
            self._by_marketo.pop((link.entity, link.marketo_id), None)


def _apply(target: dict[str, str], changes: Iterable[tuple[str, str | None]]) -> None:
    for name, value in changes:
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
