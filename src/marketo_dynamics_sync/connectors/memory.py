"""The reference connector: one side kept in dictionaries, for tests, previews and benchmarks.

It keeps records in their native form and runs them through the entity's codecs, so that everything but the network is
real.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Self

from ..entities import BoundEntity, EntityDefinition, ObjectInfo, Record, Ref, Side
from ..errors import CheckpointExpiredError, ValueRejectedError
from .protocol import (
    CallCount,
    Capabilities,
    ChangePage,
    Check,
    FieldChange,
    Outcome,
    Problem,
    Status,
    Write,
    WriteKind,
)

_MARKETO_SIZE: Final = 300
_DYNAMICS_PAGE: Final = 5000
_DYNAMICS_BATCH: Final = 1000
_QUALIFIED: Final = 1

#: Says why a write is refused, or ``None`` to let it pass.
Refuse = Callable[[Write], Problem | None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryConnector:
    """Keeps one side's records in memory.

    Args:
        side: The side it plays.
        objects: Description of each object: ``{"person": ...}`` for Marketo, by entity set (``"leads"``) for Dynamics.
        identity: Id of the instance.
        now: The clock (UTC).

    Examples:
        >>> from marketo_dynamics_sync.entities import FieldInfo, ObjectInfo, Side
        >>> person = ObjectInfo("person", {"email": FieldInfo("email", "email", searchable=True)})
        >>> marketo = MemoryConnector(Side.MARKETO, {"person": person})
        >>> marketo.put("person", email="ada@example.com")
        '1'
    """

    def __init__(
        self,
        side: Side,
        objects: Mapping[str, ObjectInfo],
        *,
        identity: str = "memory",
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._side = side
        self.objects = dict(objects)
        self._identity = identity
        self._now = now
        self._lock = threading.RLock()
        #: By object: one that a test adds to ``objects`` later starts empty.
        self._rows: dict[str, dict[str, dict[str, object]]] = defaultdict(dict)
        #: Ids by what they can be found by: object and native field, then the value without letter case.
        self._index: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._version: dict[tuple[str, str], int] = {}
        #: When a record was made and last changed.
        self._times: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        self._log: list[tuple[str, str, str, str]] = []
        #: By place in the log: the values that a write changed.
        self._written: dict[int, list[FieldChange]] = {}
        self._clock = 0
        self._forgotten = 0
        #: Numbers given so far: Marketo numbers each of its objects apart.
        self._next: Counter[str] = Counter()
        self._calls = CallCount()
        #: Refuses writes, for tests of rejected records.
        self.refuse: Refuse | None = None

    @property
    def side(self) -> Side:
        """The side it plays."""
        return self._side

    @property
    def capabilities(self) -> Capabilities:
        """Those of the service it stands for."""
        if self._side is Side.MARKETO:
            return Capabilities(False, False, False, _MARKETO_SIZE, _MARKETO_SIZE)
        return Capabilities(True, True, True, _DYNAMICS_BATCH, _DYNAMICS_BATCH)

    @property
    def calls(self) -> CallCount:
        """Calls that the real connector would have made."""
        return self._calls

    def identity(self) -> str:
        """Return the id it was given."""
        return self._identity

    def refresh(self, *, certain: bool = False) -> None:
        """Nothing is kept that could be old."""

    def describe(self, definition: EntityDefinition) -> ObjectInfo:
        """Return the description it was given."""
        return self.objects[definition.marketo.name if self._side is Side.MARKETO else definition.dynamics]

    def stream(self, entity: BoundEntity) -> str:
        """Return the stream's name: one for all persons, one for each table."""
        return self._object(entity) if self._side is Side.DYNAMICS else "persons"

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield what changed since a checkpoint."""
        with self._lock:
            end = str(len(self._log))
            if checkpoint is not None and int(checkpoint) < self._forgotten:
                self._calls.reads += 1
                raise CheckpointExpiredError("the checkpoint is too old", service=self._side.value, code="expired")
        if self._side is Side.MARKETO:
            yield from self._person_changes(checkpoint, end)
        elif checkpoint is None:
            yield from self._listing(entities[0], end)
        else:
            yield from self._row_changes(entities[0], int(checkpoint), end)

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids."""
        with self._lock:
            self._count_reads(len(ids))
            name = self._object(entity)
            return [self._record(entity, i) for i in dict.fromkeys(ids) if i in self._rows[name]]

    def rows_between(
        self,
        entity: BoundEntity,
        *,
        created: tuple[datetime | None, datetime | None] | None = None,
        modified: tuple[datetime | None, datetime | None] | None = None,
    ) -> Iterator[list[Record]]:
        """Yield the records that were made or last changed in a period, a page at a time."""
        name = self._object(entity)
        with self._lock:
            ids = [
                row_id
                for row_id in sorted(self._rows[name])
                if all(map(_within, (created, modified), self._times[name, row_id]))
            ]
        for start in range(0, max(len(ids), 1), _DYNAMICS_PAGE):
            with self._lock:
                self._calls.reads += 1
                page = [self._record(entity, i) for i in ids[start : start + _DYNAMICS_PAGE] if i in self._rows[name]]
            yield page

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the records whose field holds one of these values, letter case aside."""
        bound = entity.fields[field_name]
        native = bound.marketo if self._side is Side.MARKETO else bound.codec.column(bound.dynamics)
        wanted = set()
        for value in values:
            try:
                raw = bound.codec.to_marketo(value) if self._side is Side.MARKETO else bound.codec.to_dynamics(value)
            except ValueRejectedError:
                continue
            wanted.add(str(raw).casefold())
        with self._lock:
            self._count_reads(len(values))
            index = self._indexed(self._object(entity), str(native))
            return [self._record(entity, i) for value in sorted(wanted) for i in sorted(index.get(value, ()))]

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write records and return what became of each."""
        with self._lock:
            size = self.capabilities.write_size
            self._calls.writes += -(-len(writes) // size)
            return [self._write(write) for write in writes]

    def read_for_merge(
        self, persons: Sequence[str], refusals: Collection[str]
    ) -> Mapping[str, Mapping[str, int | bool | None]]:
        """Return ``leadScore`` and refusals of persons, by id and REST name."""
        with self._lock:
            self._calls.reads += 1
            fields = self.objects["person"].fields
            yes = sorted(set(refusals) & fields.keys())
            found: dict[str, Mapping[str, int | bool | None]] = {}
            for person in persons:
                row = self._rows["person"].get(person)
                if row is not None:
                    score = row.get("leadScore")
                    number = {"leadScore": score if isinstance(score, int) else None} if "leadScore" in fields else {}
                    found[person] = {name: row.get(name) is True for name in yes} | number
            return found

    def merge_persons(self, winner: str, loser: str) -> Outcome:
        """Merge a person into another, as Marketo does: the winner's empty fields are filled from the loser."""
        with self._lock:
            self._calls.writes += 1
            rows = self._rows["person"]
            if winner not in rows or loser not in rows:
                return Outcome(Status.GONE, winner, problem=Problem("1004", "Lead not found"))
            self._forget("person", winner)
            rows[winner].update({k: v for k, v in rows[loser].items() if rows[winner].get(k) in (None, "")})
            self._remember("person", winner)
            self.merge("person", loser, winner)
            return Outcome(Status.UPDATED, winner)

    def write_for_merge(self, person: str, values: Mapping[str, int | bool]) -> Outcome:
        """Write scores and refusals of a person, by REST name."""
        with self._lock:
            self._calls.writes += 1
            if person not in self._rows["person"]:
                return Outcome(Status.GONE, person, problem=Problem("1004", "Lead not found"))
            self.change("person", person, **values)
            return Outcome(Status.UPDATED, person)

    def check(self, definitions: Sequence[EntityDefinition]) -> list[Check]:
        """Return that all is well."""
        return [Check("credentials", passed=True, detail="in memory", side=self._side)]

    def __enter__(self) -> Self:
        """Return this connector; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing to release."""

    def put(self, name: str, row_id: str | None = None, /, **native: object) -> str:
        """Make a record as a user does, and return its id."""
        with self._lock:
            if row_id is None:
                counted = name if self._side is Side.MARKETO else ""
                self._next[counted] += 1
                number = self._next[counted]
                row_id = str(number) if self._side is Side.MARKETO else str(uuid.UUID(int=number))
            self._forget(name, row_id)
            self._rows[name][row_id] = dict(native)
            self._remember(name, row_id)
            self._touch(name, row_id, "created")
            return row_id

    def change(self, name: str, row_id: str, /, **native: object) -> None:
        """Edit a record as a user does."""
        with self._lock:
            self._forget(name, row_id)
            self._rows[name][row_id].update(native)
            self._remember(name, row_id)
            self._touch(name, row_id, "changed")

    def remove(self, name: str, row_id: str) -> None:
        """Delete a record as a user does."""
        with self._lock:
            self._forget(name, row_id)
            del self._rows[name][row_id]
            self._log.append((name, row_id, "deleted", ""))

    def merge(self, name: str, loser: str, winner: str) -> None:
        """Merge two records as a user does."""
        with self._lock:
            if self._side is Side.MARKETO:
                self._forget(name, loser)
                del self._rows[name][loser]
                self._log.append((name, loser, "merged", winner))
                self._touch(name, winner, "changed")
            else:
                self.change(name, loser, merged=True, _masterid_value=winner, statecode=1)

    def row(self, name: str, row_id: str) -> dict[str, object] | None:
        """Return a record in its native form, or ``None``."""
        found = self._rows[name].get(row_id)
        return None if found is None else dict(found)

    def rows(self, name: str) -> dict[str, dict[str, object]]:
        """Return all records of an object in their native form, by id."""
        return {row_id: dict(row) for row_id, row in self._rows[name].items()}

    def expire(self) -> None:
        """Make every checkpoint given so far too old."""
        with self._lock:
            self._log.append(("", "", "expired", ""))
            self._forgotten = len(self._log)

    def _object(self, entity: BoundEntity) -> str:
        return entity.definition.marketo.name if self._side is Side.MARKETO else entity.definition.dynamics

    def _indexed(self, name: str, native: str) -> dict[str, set[str]]:
        """Return ids by value of a native field; made when first asked for, kept up to date from then on."""
        if (name, native) not in self._index:
            self._index[name, native] = {}
            for row_id in self._rows[name]:
                self._remember(name, row_id, native)
        return self._index[name, native]

    def _remember(self, name: str, row_id: str, only: str | None = None) -> None:
        for (indexed, native), index in self._index.items():
            value = self._rows[name][row_id].get(native)
            if indexed == name and only in (None, native) and value:
                index.setdefault(str(value).casefold(), set()).add(row_id)

    def _forget(self, name: str, row_id: str) -> None:
        for (indexed, native), index in self._index.items():
            value = self._rows[name].get(row_id, {}).get(native)
            if indexed == name and value:
                index[str(value).casefold()].discard(row_id)

    def _touch(self, name: str, row_id: str, kind: str) -> None:
        self._clock += 1
        self._version[name, row_id] = self._clock
        now = self._now()
        made = now if kind == "created" else self._times[name, row_id][0]
        self._times[name, row_id] = (made, now)
        self._log.append((name, row_id, kind, ""))

    def _count_reads(self, number: int) -> None:
        size = _MARKETO_SIZE if self._side is Side.MARKETO else _DYNAMICS_BATCH
        self._calls.reads += -(-number // size)

    def _record(self, entity: BoundEntity, row_id: str) -> Record:
        name = self._object(entity)
        row = self._rows[name][row_id]
        if self._side is Side.MARKETO:
            return Record(row_id, entity.decode_marketo(row), modified_at=self._times[name, row_id][1])
        native = {**row, entity.dynamics.primary_id: row_id}
        contact = row.get("_parentcontactid_value")
        qualified = row.get("statecode") == _QUALIFIED and contact is not None
        merged = row.get("_masterid_value")
        origin = row.get("_originatingleadid_value")
        return Record(
            row_id,
            entity.decode_dynamics(native),
            version=f'W/"{self._version[name, row_id]}"',
            modified_at=self._times[name, row_id][1],
            merged_into=str(merged) if row.get("merged") and merged else None,
            merged=row.get("merged") is True,
            converted_to=Ref("contact", str(contact)) if qualified else None,
            converted_from=str(origin) if origin else None,
            active=row.get("statecode", 0) == 0,
            empty=entity.empty(native),
        )

    def _person_changes(self, checkpoint: str | None, end: str) -> Iterator[ChangePage]:
        self._calls.reads += 1
        if checkpoint is None:
            yield ChangePage(checkpoint=end)
            return
        log = [entry for entry in self._log[int(checkpoint) : int(end)] if entry[0] == "person"]
        self._calls.reads += max(0, -(-len(log) // _MARKETO_SIZE) - 1)
        yield ChangePage(
            changed=list(dict.fromkeys(i for _, i, kind, _ in log if kind in ("created", "changed"))),
            created=[i for _, i, kind, _ in log if kind == "created"],
            deleted=[i for _, i, kind, _ in log if kind == "deleted"],
            merged={i: winner for _, i, kind, winner in log if kind == "merged"},
            checkpoint=end,
            field_changes=[c for place in range(int(checkpoint), int(end)) for c in self._written.get(place, ())],
        )

    def _listing(self, entity: BoundEntity, end: str) -> Iterator[ChangePage]:
        ids = sorted(self._rows[self._object(entity)])
        for start in range(0, max(len(ids), 1), _DYNAMICS_PAGE):
            self._calls.reads += 1
            some = ids[start : start + _DYNAMICS_PAGE]
            with self._lock:
                records = [self._record(entity, i) for i in some if i in self._rows[self._object(entity)]]
            last = start + _DYNAMICS_PAGE >= len(ids)
            yield ChangePage(records, present=some, listing=True, checkpoint=end if last else None)

    def _row_changes(self, entity: BoundEntity, checkpoint: int, end: str) -> Iterator[ChangePage]:
        name = self._object(entity)
        log = [entry for entry in self._log[checkpoint : int(end)] if entry[0] == name]
        ids = list(dict.fromkeys(i for _, i, _, _ in log))
        self._calls.reads += max(1, -(-len(ids) // _DYNAMICS_PAGE))
        with self._lock:
            there = [self._record(entity, i) for i in ids if i in self._rows[name]]
        gone = [i for i in ids if i not in self._rows[name]]
        yield ChangePage(there, deleted=gone, checkpoint=end)

    def _write(self, write: Write) -> Outcome:
        problem = self.refuse(write) if self.refuse is not None else None
        if problem is not None:
            return Outcome(Status.REJECTED, write.id, problem=problem)
        try:
            if self._side is Side.MARKETO:
                return self._write_person(write, write.entity.encode_marketo(write.values))
            return self._write_row(write, write.entity.encode_dynamics(write.values))
        except ValueRejectedError as error:
            return Outcome(Status.REJECTED, write.id, problem=Problem(error.code, error.reason))

    def _write_person(self, write: Write, native: Mapping[str, object]) -> Outcome:
        name = self._object(write.entity)
        person = write.id
        if write.kind is WriteKind.CREATE:
            key = write.entity.fields[str(write.lookup)].marketo
            wanted = str(native.get(key) or "").casefold()
            found = sorted(self._indexed(name, str(key)).get(wanted, ()))
            others = [other for other in write.entity.definition.marketo.dedupe if other != key]
            found = [i for i in found if all(self._rows[name][i].get(o) == native.get(o) for o in others)]
            if not wanted or len(found) > 1:
                code, text = ("1007", "Multiple lead match lookup criteria") if found else ("no-key", "no lookup value")
                return Outcome(Status.REJECTED, problem=Problem(code, text))
            if not found:
                return Outcome(Status.CREATED, self.put(name, None, **native))
            person = found[0]
        if person is None or person not in self._rows[name]:
            return Outcome(Status.GONE, person, problem=Problem("1004", "Lead not found"))
        if write.kind is WriteKind.DELETE:
            self.remove(name, person)
            return Outcome(Status.DELETED, person)
        if any(self._rows[name][person].get(key) != value for key, value in native.items()):
            held = self._rows[name][person]
            changes = [FieldChange(person, k, held.get(k), v) for k, v in native.items() if held.get(k) != v]
            self._written[len(self._log)] = changes
            self.change(name, person, **native)
        return Outcome(Status.UPDATED, person)

    def _write_row(self, write: Write, native: Mapping[str, object]) -> Outcome:
        name, row_id = self._object(write.entity), str(write.id)
        there = row_id in self._rows[name]
        if write.kind is WriteKind.CREATE:
            if there:
                return Outcome(Status.EXISTS, row_id, problem=Problem("0x80040237", "DuplicateRecord"))
            self.put(name, row_id, **native)
            return Outcome(Status.CREATED, row_id, self._record(write.entity, row_id))
        if not there:
            return Outcome(Status.GONE, row_id, problem=Problem("0x80040217", "ObjectDoesNotExist"))
        if write.version is not None and write.version != f'W/"{self._version[name, row_id]}"':
            return Outcome(Status.STALE, row_id, problem=Problem("0x80060882", "ConcurrencyVersionMismatch"))
        if write.kind is WriteKind.DELETE:
            self.remove(name, row_id)
            return Outcome(Status.DELETED, row_id)
        self.change(name, row_id, **native)
        return Outcome(Status.UPDATED, row_id, self._record(write.entity, row_id))


def _within(period: tuple[datetime | None, datetime | None] | None, at: datetime) -> bool:
    start, end = period or (None, None)
    return (start is None or at >= start) and (end is None or at < end)
