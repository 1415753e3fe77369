"""What the engine asks of a state store, and the plain data it keeps.

A store keeps observations, never outstanding work: what both sides agreed on last time (the base), which two records
are one (links), where each stream stopped (checkpoints), what was decided (the journal), and what waits for a human or
for a better day (parked and rejected records). A plan can always be derived again from it and the two services.

Everything is plain JSON: the store knows nothing of entities or codecs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import attrs
from attrs import frozen

#: JSON values by field name.
Stored = Mapping[str, object]


@frozen
class Link:
    """Two records that are one, and what both sides agreed on last.

    Attributes:
        entity: Name of the entity, such as ``"lead"``.
        dynamics_id: Row id in Dynamics.
        marketo_id: Record id in Marketo.
        base: The values both sides agreed on, in the store's JSON form, by field name. Empty when nothing was agreed
            yet.
        dynamics_base: Only the fields that Dynamics stored in another form than ``base`` (rounded, trimmed).
        version: The row's etag when it was last seen, or ``None``.
        unconfirmed: Fields that were written to Marketo and not read back since.
        fingerprint: Digest of the mapping the base was made under.
        sent: Two-way fields that were written to Marketo and whose change its stream hasn't shown yet: the value that
            was known before, then each value that was written since, in the store's JSON form. By them the stream shows
            later whether a write met what it was meant for.
    """

    entity: str
    dynamics_id: str
    marketo_id: str
    base: Stored = attrs.field(factory=dict, repr=False)
    dynamics_base: Stored = attrs.field(factory=dict, repr=False)
    version: str | None = None
    unconfirmed: frozenset[str] = frozenset()
    fingerprint: str = ""
    sent: Mapping[str, Sequence[object]] = attrs.field(factory=dict, repr=False)


@frozen
class JournalEntry:
    """One decision that somebody may ask about later.

    Attributes:
        at: When (UTC).
        entity: Name of the entity.
        kind: ``"conflict"``, ``"linked"``, ``"moved"``, ``"merged"``, ``"created"``, ``"unlinked"``,
            ``"overwritten"`` or ``"dismissed"``.
        marketo_id: Record id in Marketo, if known.
        dynamics_id: Row id in Dynamics, if known.
        field: The field it is about, or ``None``.
        detail: Plain data: base, both values, the winner, the rule's name.
    """

    at: datetime
    entity: str
    kind: str
    marketo_id: str | None = None
    dynamics_id: str | None = None
    field: str | None = None
    detail: Mapping[str, object] = attrs.field(factory=dict, repr=False)


@frozen
class Parked:
    """A record, or one field of it, that waits for a human.

    Attributes:
        entity: Name of the entity.
        side: ``"marketo"`` or ``"dynamics"``: the side whose record waits.
        id: Its id there.
        field: The field that waits, or ``""`` for the whole record.
        reason: Short stable word: ``"ambiguous"``, ``"held"``, ``"no-key"`` …
        detail: Plain data, such as the candidates.
        since: When it was first parked (UTC).
    """

    entity: str
    side: str
    id: str
    field: str
    reason: str
    detail: Mapping[str, object]
    since: datetime


@frozen
class Rejected:
    """A record that a service refused; it is tried again with back-off, and at once when it changes.

    Attributes:
        entity: Name of the entity.
        side: ``"marketo"`` or ``"dynamics"``: the side that refused.
        id: Id of the record on the *other* side, where the values came from.
        code: The service's code.
        message: The service's words.
        field: The field it named, or ``None``.
        attempts: How often it was tried.
        first_at: First try (UTC).
        next_at: Not to be tried again before (UTC), unless the record changes.
        operation: What was tried: ``"create"``, ``"update"`` or ``"delete"``; empty where it isn't known.
    """

    entity: str
    side: str
    id: str
    code: str
    message: str
    field: str | None
    attempts: int
    first_at: datetime
    next_at: datetime
    operation: str = ""


@frozen
class Intent:
    """A create that was about to be sent: the row id we chose, noted first, so that a repeat can't make a second row.

    Attributes:
        entity: Name of the entity.
        marketo_id: The person it is made for.
        dynamics_id: The row id we chose.
        at: When (UTC).
    """

    entity: str
    marketo_id: str
    dynamics_id: str
    at: datetime


@frozen
class Commit:
    """What one step observed, kept all together or not at all.

    What is to be removed is removed before anything is added, so one commit can take a link apart and put it together
    anew. Times have a zone, values are plain JSON; anything else is refused.

    Attributes:
        put_links: Links to add or replace, told apart by entity and row id.
        drop_links: ``(entity, dynamics_id)`` of links to remove.
        checkpoints: Stream name to checkpoint; ``None`` removes it.
        journal: Entries to append.
        park: Parked records to add or replace, told apart by entity, side, id and field. ``since`` of one that is
            there stays.
        unpark: ``(entity, side, id, field)`` to remove; field ``"*"`` removes all of the record.
        reject: Rejected records to add or replace, told apart by entity, side and id.
        unreject: ``(entity, side, id)`` to remove.
        put_intents: Intents to add or replace, told apart by entity and marketo_id.
        drop_intents: ``(entity, marketo_id)`` to remove.
        facts: Name to text; ``None`` removes it. For instance identity, watermarks and the like.
        seen: ``(entity, ids)``: row ids met by the listing under way.
    """

    put_links: Sequence[Link] = ()
    drop_links: Sequence[tuple[str, str]] = ()
    checkpoints: Mapping[str, str | None] = attrs.field(factory=dict)
    journal: Sequence[JournalEntry] = ()
    park: Sequence[Parked] = ()
    unpark: Sequence[tuple[str, str, str, str]] = ()
    reject: Sequence[Rejected] = ()
    unreject: Sequence[tuple[str, str, str]] = ()
    put_intents: Sequence[Intent] = ()
    drop_intents: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, str | None] = attrs.field(factory=dict)
    seen: Sequence[tuple[str, Sequence[str]]] = ()


class StoreLock(Protocol):
    """The right to run on a store, held by one engine at a time. A context manager."""

    def __enter__(self) -> Self:
        """Take the lock; raises :class:`~marketo_dynamics_sync.errors.StoreLockedError` when another engine holds
        it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        ...


class StateStore(Protocol):
    """Keeps what the engine observed. ``marketo_dynamics_sync.testing`` has the suite that every store passes.

    Every method may raise a :class:`~marketo_dynamics_sync.errors.StateError`. Methods may be called from several
    threads, and what one call returns is of one moment: all of a commit or nothing of it. Iterations alone may meet
    commits that are made meanwhile.

    Within an entity a Dynamics row has one link at most and a Marketo record has one link at most: a link that is put
    takes the place of every other one of its row or its record. Ids of two entities have nothing to do with each other
    here; that a person is linked in one entity only is the engine's to see to, which knows what persons are.
    """

    def lock(self) -> StoreLock:
        """Return the lock that an engine holds while it runs. It is gone when its process dies."""
        ...

    def commit(self, commit: Commit) -> None:
        """Keep everything in ``commit``, or nothing when this raises or the process dies."""
        ...

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows, by row id. Any number of ids."""
        ...

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records, by Marketo id. ``entities`` narrows the search; empty looks in all."""
        ...

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity in the order of row ids, without holding them all in memory; commits may be
        made between two steps of the iteration."""
        ...

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        ...

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not named in ``Commit.seen`` since :meth:`forget_seen`."""
        ...

    def forget_seen(self, entity: str) -> None:
        """Start a new listing: no row of the entity has been seen."""
        ...

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped, or ``None``."""
        ...

    def fact(self, name: str) -> str | None:
        """Return a fact, or ``None``."""
        ...

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries in the order they were written, narrowed by what is given."""
        ...

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human, oldest first."""
        ...

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused, the earliest next try first."""
        ...

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        ...

    def intents_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by the row id that was chosen."""
        ...

    def close(self) -> None:
        """Release the file or connection."""
        ...


@runtime_checkable
class RewritesJournal(Protocol):
    """What a store can do beside, so that values which it holds already can be put out of sight
    (``SyncEngine(base="digest")``). Both stores of this library can."""

    def rewrite_journal(self, change: Callable[[JournalEntry], JournalEntry]) -> bool:
        """Put changed entries in the place of those there are, all or none, and wipe out what was replaced or removed
        since ever: free pages, logs, older versions.

        Args:
            change: Returns the entry to keep; the same one where nothing is to be changed. Details alone may differ.

        Returns:
            Whether nothing is left behind. Where something else keeps the store from it for now, it is asked again.
        """
        ...
