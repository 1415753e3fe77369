"""A state store in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from .file_lock import FileLock
from .protocol import Commit, Intent, JournalEntry, Link, Parked, Rejected
from .rows import (
    intent_row,
    journal_row,
    link_row,
    parked_row,
    rejected_row,
    row_intent,
    row_journal,
    row_link,
    row_parked,
    row_rejected,
)
from .runs import begin_run
from .sqlite_file import SQLiteFile

_LINK: Final = (
    "SELECT dynamics_id, entity, marketo_id, base, dynamics_base, version, unconfirmed, fingerprint, sent "
    "FROM link WHERE entity = ?"
)
_LISTING: Final = "coalesce((SELECT number FROM listing WHERE entity = ?), 0)"
_UNSEEN: Final = (
    " AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.entity = link.entity AND seen.dynamics_id = link.dynamics_id "
    "AND seen.listing = " + _LISTING + ")"
)
_STALE_SEEN: Final = "DELETE FROM seen WHERE entity = ? AND listing < " + _LISTING
#: By table: how a name's value is kept and removed.
_KEEP: Final = {
    "checkpoint": ("REPLACE INTO checkpoint VALUES (?, ?)", "DELETE FROM checkpoint WHERE stream = ?"),
    "fact": ("REPLACE INTO fact VALUES (?, ?)", "DELETE FROM fact WHERE name = ?"),
}


class SQLiteStateStore:
    """Keeps everything in one SQLite file in write-ahead mode, with a lock file beside it.

    Nothing is opened or made before the first use. The file holds the values of synced fields, which are personal data:
    where the platform has file modes, it is made readable for its owner only. A commit is on the disk when it returns.
    Keep the file on a local disk: network file systems don't keep SQLite's locks.

    Args:
        path: Where the file is or is to be; a relative path is taken from the folder that is current now.

    Raises:
        StateError: From any method: the file can't be used; the text says what to do. Its kinds are
            ``StoreVersionError`` (written by a newer version of this library), ``StoreDamagedError`` (not a store, or
            broken), ``StoreLockedError`` and ``StoreCopyError`` (a copy beside the original, or an older one put back).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = SQLiteFile(Path(os.path.abspath(path)))

    def __repr__(self) -> str:
        return f"SQLiteStateStore({str(self._file.path)!r})"

    def lock(self) -> FileLock:
        """Return the lock that an engine holds while it runs; it is gone when its process dies."""
        real = Path(os.path.realpath(self._file.path))  # one lock for all names of the file
        return FileLock(real.with_name(real.name + "-lock"), partial(begin_run, self._file))

    def commit(self, commit: Commit) -> None:
        """Keep everything in ``commit`` in one transaction."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM link WHERE entity = ? AND dynamics_id = ?", commit.drop_links)
            db.executemany("REPLACE INTO link VALUES (?,?,?,?,?,?,?,?,?)", map(link_row, commit.put_links))
            _set(db, "checkpoint", commit.checkpoints)
            _set(db, "fact", commit.facts)
            db.executemany(
                "INSERT INTO journal (at, entity, kind, marketo_id, dynamics_id, field, detail) VALUES (?,?,?,?,?,?,?)",
                map(journal_row, commit.journal),
            )
            db.executemany(
                "DELETE FROM parked WHERE entity = ? AND side = ? AND id = ? AND ? IN (field, '*')", commit.unpark
            )
            db.executemany(
                "INSERT INTO parked VALUES (?,?,?,?,?,?,?) ON CONFLICT (entity, side, id, field) DO UPDATE SET "
                "reason = excluded.reason, detail = excluded.detail",
                map(parked_row, commit.park),
            )
            db.executemany("DELETE FROM rejected WHERE entity = ? AND side = ? AND id = ?", commit.unreject)
            db.executemany("REPLACE INTO rejected VALUES (?,?,?,?,?,?,?,?,?,?)", map(rejected_row, commit.reject))
            db.executemany("DELETE FROM intent WHERE entity = ? AND marketo_id = ?", commit.drop_intents)
            db.executemany("REPLACE INTO intent VALUES (?,?,?,?)", map(intent_row, commit.put_intents))
            for entity, ids in commit.seen:
                listing = db.execute("SELECT " + _LISTING, (entity,)).fetchone()[0]
                db.executemany("REPLACE INTO seen VALUES (?,?,?)", ((entity, row_id, listing) for row_id in ids))

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows, by row id."""
        with self._file.snapshot():
            rows = self._file.rows_in(f"{_LINK} AND dynamics_id IN", (entity,), ids)
            return {link.dynamics_id: link for link in map(_link, rows)}

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records, by Marketo id."""
        found: dict[str, Link] = {}
        with self._file.snapshot():
            for entity in entities or self._entities():
                rows = self._file.rows_in(f"{_LINK} AND marketo_id IN", (entity,), ids)
                found.update((link.marketo_id, link) for link in map(_link, rows))
        return found

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity in the order of row ids, a page at a time."""
        return map(_link, self._file.pages(_LINK, (entity,), ("dynamics_id",)))

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        return int(self._file.rows("SELECT count(*) FROM link WHERE entity = ?", (entity,))[0][0])

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return map(_link, self._file.pages(_LINK + _UNSEEN, (entity, entity), ("dynamics_id",)))

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        with self._file.transaction() as db:
            # What the listing that ends here didn't meet is gone: few rows, so that the table can't grow for ever.
            db.execute(_STALE_SEEN, (entity, entity))
            db.execute(
                "INSERT INTO listing VALUES (?, 1) ON CONFLICT (entity) DO UPDATE SET number = number + 1", (entity,)
            )

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped, or ``None``."""
        rows = self._file.rows("SELECT value FROM checkpoint WHERE stream = ?", (stream,))
        return str(rows[0][0]) if rows else None

    def fact(self, name: str) -> str | None:
        """Return a fact, or ``None``."""
        rows = self._file.rows("SELECT value FROM fact WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries in the order they were written."""
        given = {"entity": entity, "marketo_id": marketo_id, "dynamics_id": dynamics_id}
        asked = {name: value for name, value in given.items() if value is not None}
        sql = "SELECT number, at, entity, kind, marketo_id, dynamics_id, field, detail FROM journal WHERE number > 0"
        sql += "".join(f" AND {name} = ?" for name in asked)
        for _, at, *rest in self._file.pages(sql, tuple(asked.values()), ("number",)):
            name, kind, person, row, column, detail = rest
            yield row_journal((at, name, kind, person, row, column, detail))

    def rewrite_journal(self, change: Callable[[JournalEntry], JournalEntry]) -> bool:
        """Put changed entries in the place of those there are, and write the whole file anew, so that nothing of what
        was replaced or removed stays in free pages or in the log. Needs as much free space as the file has."""
        sql = "SELECT number, at, entity, kind, marketo_id, dynamics_id, field, detail FROM journal WHERE number > 0"
        with self._file.transaction() as db:
            for number, *row in self._file.pages(sql, (), ("number",)):
                at, name, kind, person, record, column, detail = row
                before = row_journal((at, name, kind, person, record, column, detail))
                after = change(before)
                if after is not before:
                    db.execute("UPDATE journal SET detail = ? WHERE number = ?", (journal_row(after)[6], number))
        return self._file.rewrite()

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human, oldest first."""
        sql = "SELECT since, entity, side, id, field, reason, detail FROM parked WHERE entity = coalesce(?, entity)"
        for since, *words in self._file.pages(sql, (entity,), ("since", "entity", "side", "id", "field")):
            name, side, record, column, reason, detail = words
            yield row_parked((name, side, record, column, reason, detail, since))

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused, the earliest next try first.

        A record that a commit moves further back between two steps is met again there.
        """
        sql = (
            "SELECT next_at, entity, side, id, code, message, field, attempts, first_at, operation FROM rejected "
            "WHERE entity = coalesce(?, entity)"
        )
        for next_at, *words in self._file.pages(sql, (entity,), ("next_at", "entity", "side", "id")):
            name, side, record, code, message, column, attempts, first_at, operation = words
            yield row_rejected((name, side, record, code, message, column, attempts, first_at, next_at, operation))

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        sql = "SELECT entity, marketo_id, dynamics_id, at FROM intent WHERE entity = ? AND marketo_id IN"
        with self._file.snapshot():
            rows = self._file.rows_in(sql, (entity,), marketo_ids)
            return {intent.marketo_id: intent for intent in map(row_intent, rows)}

    def intents_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by the row id that was chosen."""
        sql = "SELECT entity, marketo_id, dynamics_id, at FROM intent WHERE entity = ? AND dynamics_id IN"
        with self._file.snapshot():
            rows = self._file.rows_in(sql, (entity,), ids)
            return {intent.dynamics_id: intent for intent in map(row_intent, rows)}

    def __enter__(self) -> Self:
        """Return this store; leaving the block closes the file."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._file.close()

    def _entities(self) -> list[str]:
        return [str(row[0]) for row in self._file.rows("SELECT DISTINCT entity FROM link ORDER BY entity")]


# Any: a row of the query above, in the order of its columns.
def _link(row: tuple[Any, ...]) -> Link:
    dynamics_id, entity, *rest = row
    return row_link((entity, dynamics_id, *rest))


def _set(db: sqlite3.Connection, table: str, changes: Mapping[str, str | None]) -> None:
    keep, remove = _KEEP[table]
    db.executemany(remove, [(name,) for name, value in changes.items() if value is None])
    db.executemany(keep, [(name, value) for name, value in changes.items() if value is not None])
