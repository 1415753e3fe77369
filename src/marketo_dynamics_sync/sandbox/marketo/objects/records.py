"""The records of one object, found by any of its keys."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from ...clock import SandboxClock
from ..values import Value, second
from .definition import ObjectType

#: What a record is told apart by: a number or a GUID.
RecordId = int | str

_Index = dict[tuple[str, ...], set[RecordId]]


def _folded(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value).strip().casefold() for value in values)


def numbers(first: int) -> Callable[[], RecordId]:
    """Return a maker of ids that are numbers in a row."""
    return itertools.count(first).__next__


def guids(chance: random.Random) -> Callable[[], RecordId]:
    """Return a maker of ids that are GUIDs."""
    return lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4))


class Records:
    """Records by id, in the order of their making; only values that are not empty are kept.

    Letter case and blanks around a text do not count in lookups: Adobe calls the external ids "case-insensitive"
    (page "Non-Native Sync for Microsoft Dynamics"); for other fields it is a choice.

    Args:
        clock: Tells the time.
        kind: The object.
        new_id: Makes ids.
    """

    def __init__(self, clock: SandboxClock, kind: ObjectType, new_id: Callable[[], RecordId]) -> None:
        self.kind = kind
        self._clock = clock
        self._new_id = new_id
        self._rows: dict[RecordId, dict[str, Value]] = {}
        self._places: dict[RecordId, int] = {}
        self._count = itertools.count(1)
        self._indexes: dict[tuple[str, ...], _Index] = {}

    def __contains__(self, record: object) -> bool:
        return record in self._rows

    def __getitem__(self, record: RecordId) -> Mapping[str, Value]:
        return self._rows[record]

    def ids(self) -> list[RecordId]:
        """Return all ids, in the order of their making."""
        return list(self._rows)

    def place(self, record: RecordId) -> int:
        """Return a number that grows with every record made."""
        return self._places[record]

    def find(self, names: Sequence[str], values: Sequence[object]) -> list[RecordId]:
        """Return the ids of records whose fields have the values, in the order of their making."""
        key = tuple(names)
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = {}
            for record, row in self._rows.items():
                _enter(index, key, record, row)
        return sorted(index.get(_folded(values), ()), key=self._places.__getitem__)

    def one(self, name: str, value: object) -> RecordId | None:
        """Return the first record whose field has a value, or ``None``."""
        return next(iter(self.find((name,), (value,))), None)

    def show(self, record: RecordId, names: Iterable[str]) -> dict[str, object]:
        """Return chosen values as the API shows them: empty ones as ``None``, empty booleans as false."""
        row = self._rows[record]
        return {name: row.get(name, False if self.kind.fields[name].type == "boolean" else None) for name in names}

    def create(self, values: Mapping[str, Value | None]) -> RecordId:
        """Make a record and return its id."""
        record, now = self._new_id(), second(self._clock.now())
        self._places[record] = next(self._count)
        self._rows[record] = {}
        self._store(record, {self.kind.id_field: record, "createdAt": now, "updatedAt": now, **values})
        return record

    def update(self, record: RecordId, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
        """Change a record and return what really changed; a call that changes nothing leaves no trace."""
        held = self._rows[record]
        changed = {name: value for name, value in values.items() if held.get(name) != value}
        if changed:
            self._store(record, {**changed, "updatedAt": second(self._clock.now())})
        return changed

    def delete(self, record: RecordId) -> dict[str, Value]:
        """Delete a record and return its last values."""
        row = self._rows[record]
        for key, index in self._indexes.items():
            _leave(index, key, record, row)
        del self._rows[record], self._places[record]
        return row

    def _store(self, record: RecordId, values: Mapping[str, Value | None]) -> None:
        row = self._rows[record]
        touched = [(key, index) for key, index in self._indexes.items() if not values.keys().isdisjoint(key)]
        for key, index in touched:
            _leave(index, key, record, row)
        for name, value in values.items():
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value
        for key, index in touched:
            _enter(index, key, record, row)


def _enter(index: _Index, key: tuple[str, ...], record: RecordId, row: Mapping[str, Value]) -> None:
    if all(name in row for name in key):
        index.setdefault(_folded(row[name] for name in key), set()).add(record)


def _leave(index: _Index, key: tuple[str, ...], record: RecordId, row: Mapping[str, Value]) -> None:
    if all(name in row for name in key):
        index[_folded(row[name] for name in key)].discard(record)
