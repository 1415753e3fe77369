"""A store to plan on: it shows the real one, and keeps what a plan pretends in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import define, evolve, field

from ..state import Commit, Intent, JournalEntry, Link, MemoryStateStore, Parked, Rejected, StateStore, StoreLock


@define
class Overlay:
    """Every commit goes to memory, so that later steps of a plan see what earlier ones would have done.

    Attributes:
        real: The store that is only read.
    """

    real: StateStore
    _mine: MemoryStateStore = field(factory=MemoryStateStore, init=False)
    #: Links of the real store that are no longer to be seen: entity and row id, entity and person id.
    _rows: set[tuple[str, str]] = field(factory=set, init=False)
    _persons: set[tuple[str, str]] = field(factory=set, init=False)
    _facts: dict[str, str | None] = field(factory=dict, init=False)
    _waiting: dict[tuple[str, str, str, str], Parked] | None = field(default=None, init=False)
    _refused: dict[tuple[str, str, str], Rejected] | None = field(default=None, init=False)
    _seen: dict[str, set[str]] = field(factory=dict, init=False)

    def lock(self) -> StoreLock:
        """Return the real store's lock."""
        return self.real.lock()

    def commit(self, commit: Commit) -> None:
        """Keep it in memory."""
        self._rows.update(commit.drop_links)
        for link in commit.put_links:
            self._rows.add((link.entity, link.dynamics_id))
            self._persons.add((link.entity, link.marketo_id))
        self._facts.update(commit.facts)
        waiting, refused = self._parked(), self._rejected()
        for entity, side, record, name in commit.unpark:
            for key in [k for k in waiting if k[:3] == (entity, side, record) and name in ("*", k[3])]:
                del waiting[key]
        for item in commit.park:
            key = (item.entity, item.side, item.id, item.field)
            waiting[key] = evolve(item, since=waiting[key].since) if key in waiting else item
        for gone in commit.unreject:
            refused.pop(gone, None)
        refused.update(((item.entity, item.side, item.id), item) for item in commit.reject)
        for entity, ids in commit.seen:
            self._seen.setdefault(entity, set()).update(ids)
        self._mine.commit(evolve(commit, facts={}, park=[], unpark=[], reject=[], unreject=[], seen=[]))

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows."""
        found = self.real.links_by_dynamics(entity, [i for i in ids if (entity, i) not in self._rows])
        return self._left(found) | self._mine.links_by_dynamics(entity, ids)

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records."""
        found = self.real.links_by_marketo(ids, entities=entities)
        return self._left(found) | self._mine.links_by_marketo(ids, entities=entities)

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity, those that are pretended last."""
        yield from (link for link in self.real.links(entity) if self._shown(link))
        yield from self._mine.links(entity)

    def count_links(self, entity: str) -> int:
        """Return how many links the real store has: what brakes go by."""
        return self.real.count_links(entity)

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return (link for link in self.links(entity) if link.dynamics_id not in self._seen.get(entity, ()))

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        self._seen[entity] = set()

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped."""
        return self._mine.checkpoint(stream) or self.real.checkpoint(stream)

    def fact(self, name: str) -> str | None:
        """Return a fact."""
        return self._facts[name] if name in self._facts else self.real.fact(name)

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield the real journal."""
        return self.real.journal(entity=entity, marketo_id=marketo_id, dynamics_id=dynamics_id)

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what would wait."""
        return iter([item for item in self._parked().values() if entity in (None, item.entity)])

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what was refused."""
        return iter([item for item in self._rejected().values() if entity in (None, item.entity)])

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        return self.real.intents(entity, marketo_ids)

    def intents_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by row id."""
        return self.real.intents_by_dynamics(entity, ids)

    def close(self) -> None:
        """Leave the real store as it is."""

    def _shown(self, link: Link) -> bool:
        return (link.entity, link.dynamics_id) not in self._rows and (link.entity, link.marketo_id) not in self._persons

    def _left(self, found: dict[str, Link]) -> dict[str, Link]:
        return {key: link for key, link in found.items() if self._shown(link)}

    def _parked(self) -> dict[tuple[str, str, str, str], Parked]:
        if self._waiting is None:
            self._waiting = {(p.entity, p.side, p.id, p.field): p for p in self.real.parked()}
        return self._waiting

    def _rejected(self) -> dict[tuple[str, str, str], Rejected]:
        if self._refused is None:
            self._refused = {(r.entity, r.side, r.id): r for r in self.real.rejected()}
        return self._refused
