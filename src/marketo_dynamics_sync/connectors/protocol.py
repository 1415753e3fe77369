"""What the engine asks of a connector, and the plain data that passes between them.

A connector is one side's way to its service. It reads, it writes what it is told, and it decides nothing about whose
value wins. Both connectors of this library, the in-memory reference connector and a user's own follow this protocol;
``marketo_dynamics_sync.testing`` has the suite that checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Protocol

import attrs
from attrs import define, field, frozen

from ..entities import BoundEntity, EntityDefinition, ObjectInfo, Record, Side, Values


class WriteKind(Enum):
    """What a write does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@frozen
class Write:
    """One record to write.

    Attributes:
        entity: The entity it belongs to.
        kind: Create, update or delete.
        id: The record's id on this side. For a create in Dynamics it is the row id that the engine chose; for a create
            in Marketo it is ``None``.
        values: Canonical values by field name; only what is to be written.
        version: Guard: refuse the write unless the record still has this version. ``None`` writes unguarded.
        lookup: For a create in Marketo: name of the entity field to find an existing person by, so that a repeat can't
            make a second person (``"crm_id"`` or ``"email"``).
    """

    entity: BoundEntity = field(repr=lambda e: e.name)
    kind: WriteKind
    id: str | None
    values: Values = field(factory=dict, repr=lambda values: "{" + ", ".join(sorted(values)) + "}")
    version: str | None = None
    lookup: str | None = None


class Status(Enum):
    """What became of one write."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    #: A create met a record that was already there (our own earlier try, or a lookup key in use); ``Outcome.id`` is
    #: its id.
    EXISTS = "exists"
    #: The guard held: somebody else wrote first. Nothing was written.
    STALE = "stale"
    #: The record is no longer there. Nothing was written.
    GONE = "gone"
    #: The service refuses this record. Nothing was written.
    REJECTED = "rejected"
    #: Not sent, because the service stopped taking calls before it was this record's turn.
    UNSENT = "unsent"
    #: Sent, and no answer came: it may have been done. To be read back before it is repeated.
    UNKNOWN = "unknown"

    @property
    def done(self) -> bool:
        """Whether the service now holds what was written."""
        return self in (Status.CREATED, Status.UPDATED, Status.DELETED)


@frozen
class Problem:
    """Why a service refused one record, in its own words.

    Attributes:
        code: The service's code (``"1003"``, ``"0x80044331"``).
        message: The service's message, without field values.
        field: Name of the service's field or column it is about, where the service names it.
        retryable: Whether the same write may succeed later as it is.
    """

    code: str
    message: str
    field: str | None = None
    retryable: bool = False


@frozen
class Outcome:
    """What became of one write.

    Attributes:
        status: What became of it.
        id: Id of the record, where one is known.
        stored: The record as the service now holds it, where its answer shows that.
        problem: Why, for ``REJECTED``, ``STALE``, ``GONE``, ``UNSENT`` and ``UNKNOWN``.
        left_out: Names of fields that the service doesn't take of this record, where it took all others.
    """

    status: Status
    id: str | None = None
    stored: Record | None = None
    problem: Problem | None = None
    left_out: frozenset[str] = frozenset()


@frozen
class FieldChange:
    """A value that a call changed, ours or another program's.

    Attributes:
        id: The record.
        field: The service's name of the field.
        old: The value before, in the service's form; ``None`` is empty.
        new: The value after, likewise.
    """

    id: str
    field: str
    old: object = attrs.field(default=None, repr=False)
    new: object = attrs.field(default=None, repr=False)


@frozen
class ChangePage:
    """A piece of what changed on one side.

    Attributes:
        records: Records that were made or changed, with their values. A record may come more than once; the last
            counts.
        changed: Ids of records that changed and whose values have to be fetched.
        created: Those of ``changed`` that the side says are new.
        deleted: Ids of records that are gone.
        merged: Losing id to surviving id, of records merged on this side.
        present: For a full listing: the ids seen on this page (records' ids included).
        listing: True when this stream is a full listing, so that after its last page a linked id that never was
            ``present`` is deleted.
        checkpoint: Where to go on next time; opaque text, on the last page only.
        field_changes: For a side that can't refuse a write because somebody else wrote first: what calls changed, in
            the order of time, so that a write of ours shows what it met. Optional.
    """

    records: Sequence[Record] = ()
    changed: Sequence[str] = ()
    created: Sequence[str] = ()
    deleted: Sequence[str] = ()
    merged: Mapping[str, str] = field(factory=dict)
    present: Sequence[str] = ()
    listing: bool = False
    checkpoint: str | None = None
    field_changes: Sequence[FieldChange] = ()


@frozen
class Capabilities:
    """What a connector can do, so that the engine needn't ask which service it is.

    Attributes:
        lists: It can list every record (a first copy can start from it).
        chooses_id: The id of a new record is chosen by us.
        guards: A write can be refused when somebody else wrote first.
        write_size: Records in one write call.
        lookup_size: Ids or keys in one read call.
    """

    lists: bool
    chooses_id: bool
    guards: bool
    write_size: int
    lookup_size: int


@frozen
class Check:
    """One line of the preflight.

    Attributes:
        name: What was looked at, in a few words.
        passed: Whether it is in order.
        detail: What was found.
        remedy: What to do where it isn't.
        side: The service it is about, or ``None``.
    """

    name: str
    passed: bool
    detail: str = ""
    remedy: str = ""
    side: Side | None = None


@define
class CallCount:
    """Calls made to a service since the connector was made. A connector updates it under its own lock.

    Attributes:
        reads: Calls that read records or changes.
        writes: Calls that wrote.
        tokens: Calls to get a token.
        metadata: Calls that asked for schema, identity, limits or paging tokens.
        retries: Of all these, the ones that repeated a call.
    """

    reads: int = 0
    writes: int = 0
    tokens: int = 0
    metadata: int = 0
    retries: int = 0

    @property
    def total(self) -> int:
        """All calls but those for tokens, which neither service counts against its limits."""
        return self.reads + self.writes + self.metadata


class Connector(Protocol):
    """One side's way to its service. Every method may raise a :class:`~marketo_dynamics_sync.errors.ServiceError`.

    Methods may be called from several threads. Nothing is sent to the service before the first call of a method.
    """

    @property
    def side(self) -> Side:
        """The side it speaks for."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def calls(self) -> CallCount:
        """Calls made so far."""
        ...

    def identity(self) -> str:
        """Return the id of the instance: the Dynamics organization id, or the Marketo Munchkin id."""
        ...

    def refresh(self, *, certain: bool = False) -> None:
        """Forget what was described, so that the next :meth:`describe` sees schema changes. Called at the start of a
        cycle.

        Args:
            certain: Forget it even where nothing hints at a change: something that was read looks as if one was made.
        """
        ...

    def describe(self, definition: EntityDefinition) -> ObjectInfo:
        """Return the service's description of the object an entity lives in."""
        ...

    def stream(self, entity: BoundEntity) -> str:
        """Return the name of the change stream the entity is read from; entities may share one (Marketo's persons
        do)."""
        ...

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield what changed in one stream since a checkpoint.

        Args:
            entities: The entities read from this stream.
            checkpoint: Where the last read stopped. ``None`` starts: a side that can list yields everything, one that
                can't yields one empty page whose checkpoint is now.

        Raises:
            CheckpointExpiredError: The service no longer knows the point; the engine then compares everything.
        """
        ...

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids; ids that are not there are left out. Any number of ids."""
        ...

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the records whose field holds one of these values (letter case doesn't count for text). Any number."""
        ...

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write records and return what became of each, in the same order. Any number, of any entities and kinds.

        A record that the service refuses never stops its neighbours. An error is raised only when nothing was sent.
        """
        ...

    def check(self, definitions: Sequence[EntityDefinition]) -> list[Check]:
        """Return the preflight's lines for this side; never raises for what a line can say."""
        ...

    def close(self) -> None:
        """Release what the connector itself opened; a client that the user handed in stays open."""
        ...
