"""Rows, deletions and links, with indexes, and an undo log that makes any stretch of work all or nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from attrs import frozen

from .metadata import Key, Table

#: A row under wire names (``_x_value`` for lookups), without nulls. Never changed once it is stored.
Row = dict[str, object]


@frozen
class Tombstone:
    """A deleted row.

    Attributes:
        id: Its id.
        version: Version at which it was deleted.
        at: When (UTC).
    """

    id: str
    version: int
    at: datetime


class Storage:
    """All rows by table and id. Versions come from one counter that only rises, also when work is undone."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._rows: dict[str, dict[str, Row]] = {}
        self._ids: dict[str, list[str]] = {}
        self._changes: dict[str, list[tuple[int, str]]] = {}
        self._gone: dict[str, list[Tombstone]] = {}
        self._keys: dict[tuple[str, tuple[str, ...]], dict[tuple[object, ...], str]] = {}
        self._links: dict[str, dict[tuple[str, str], None]] = {}
        self._pointers: dict[str, int] = {}
        self._undo: list[Callable[[], object]] | None = None
        self.version = 8_800_000

    def table(self, name: str) -> Mapping[str, Row]:
        """Return a table's rows by id."""
        return self._rows.setdefault(name, {})

    def ids(self, name: str, after: str | None = None) -> list[str]:
        """Return a table's ids in order, or those after one."""
        ids = self._ids.setdefault(name, [])
        return ids if after is None else ids[bisect_right(ids, after) :]

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Store a row under a new version."""
        self.version += 1
        row["versionnumber"] = self.version
        self._place(table, row_id, row)
        changes = self._changes.setdefault(table, [])
        changes.append((self.version, row_id))
        if len(changes) > 64 + 4 * len(self._rows[table]):
            rows = self._rows[table]
            current = {(version, changed) for version, changed in changes if _is_at(rows.get(changed), version)}
            self._changes[table] = sorted(current)

    def remove(self, table: str, row_id: str, at: datetime) -> None:
        """Delete a row, leaving a tombstone."""
        self.version += 1
        self._place(table, row_id, None)
        gone = self._gone.setdefault(table, [])
        gone.append(Tombstone(row_id, self.version, at))
        self._later(gone.pop)

    def changed(self, table: str, since: int, until: int) -> list[Row]:
        """Return rows whose version lies in ``(since, until]``, by version."""
        changes, rows = self._changes.setdefault(table, []), self.table(table)
        start = bisect_right(changes, (since, "~"))
        return [rows[row] for version, row in changes[start:] if version <= until and _is_at(rows.get(row), version)]

    def gone(self, table: str, since: int, until: int) -> list[Tombstone]:
        """Return deletions whose version lies in ``(since, until]``, of rows that haven't come back."""
        rows = self.table(table)
        found = self._gone.setdefault(table, [])
        start = bisect_right(found, since, key=lambda stone: stone.version)
        return [stone for stone in found[start:] if stone.version <= until and stone.id not in rows]

    def by_key(self, table: Table, key: Key, values: tuple[object, ...]) -> str | None:
        """Return the id of the row that has these values in a key's columns."""
        return self._index(table, key).get(tuple(map(folded, values)))

    def is_pointed_to(self, row_id: str) -> bool:
        """Return whether any row has a lookup to this one."""
        return self._pointers.get(row_id, 0) > 0

    def link(self, relationship: str, first: str, second: str) -> None:
        """Associate two rows; associating them again changes nothing."""
        links = self._links.setdefault(relationship, {})
        if (first, second) not in links:
            links[first, second] = None
            self._later(lambda: links.pop((first, second)))

    def unlink(self, relationship: str, first: str, second: str) -> bool:
        """Disassociate two rows, and return whether they were associated."""
        links = self._links.setdefault(relationship, {})
        if (first, second) not in links:
            return False
        del links[first, second]
        self._later(lambda: links.setdefault((first, second)))
        return True

    def linked(self, relationship: str) -> list[tuple[str, str]]:
        """Return the associated rows of a many-to-many relationship."""
        return list(self._links.get(relationship, ()))

    def drop(self, table: str) -> None:
        """Forget a table that was deleted."""
        for held in (self._rows, self._ids, self._changes, self._gone):
            held.pop(table, None)
        self._keys = {known: index for known, index in self._keys.items() if known[0] != table}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo everything inside when it ends with an exception. May be nested."""
        outer = self._undo is None
        log = self._undo = [] if self._undo is None else self._undo
        mark = len(log)
        try:
            yield
        except BaseException:
            while len(log) > mark:
                log.pop()()
            raise
        finally:
            if outer:
                self._undo = None

    def _place(self, table: str, row_id: str, row: Row | None) -> None:
        rows = self._rows.setdefault(table, {})
        old = rows.get(row_id)
        self._later(lambda: self._restore(table, row_id, old))
        self._restore(table, row_id, row)

    def _restore(self, table: str, row_id: str, row: Row | None) -> None:
        rows, ids = self._rows.setdefault(table, {}), self._ids.setdefault(table, [])
        old = rows.get(row_id)
        if row is None:
            del rows[row_id]
            del ids[bisect_left(ids, row_id)]
        else:
            rows[row_id] = row
            if old is None:
                insort(ids, row_id)
        self._count(old, -1)
        self._count(row, 1)
        for (name, columns), index in self._keys.items():
            if name == table:
                self._reindex(index, self._wires(table, columns), row_id, old, row)

    def _count(self, row: Row | None, step: int) -> None:
        for name, value in (row or {}).items():
            if name[0] == "_" and name[-6:] == "_value":
                key = str(value)
                self._pointers[key] = self._pointers.get(key, 0) + step

    def _reindex(
        self,
        index: dict[tuple[object, ...], str],
        wires: list[str],
        row_id: str,
        old: Row | None,
        new: Row | None,
    ) -> None:
        before = key_values(old, wires)
        if before is not None and index.get(before) == row_id:
            del index[before]
        after = key_values(new, wires)
        if after is not None:
            index[after] = row_id

    def _index(self, table: Table, key: Key) -> dict[tuple[object, ...], str]:
        known = self._keys.get((table.name, key.columns))
        if known is None:
            known = self._keys[table.name, key.columns] = {}
            wires = self._wires(table.name, key.columns)
            for row_id, row in self.table(table.name).items():
                self._reindex(known, wires, row_id, None, row)
        return known

    def _wires(self, table: str, columns: tuple[str, ...]) -> list[str]:
        return [self._tables[table].columns[name].wire for name in columns]

    def _later(self, step: Callable[[], object]) -> None:
        if self._undo is not None:
            self._undo.append(step)


def key_values(row: Mapping[str, object] | None, wires: list[str]) -> tuple[object, ...] | None:
    """Return the values of a key, or ``None`` when one is missing: such rows aren't held to the key."""
    if row is None:
        return None
    values = [row.get(wire) for wire in wires]
    return None if any(value is None for value in values) else tuple(map(folded, values))


def folded(value: object) -> object:
    """Return a value as the database compares it: texts without letter case."""
    return value.casefold() if isinstance(value, str) else value


def _is_at(row: Row | None, version: int) -> bool:
    return row is not None and row["versionnumber"] == version
