"""A state store in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..errors import StateError, StoreDamagedError, StoreVersionError
from .file_lock import FileLock
from .protocol import Commit, Intent, JournalEntry, Link, Parked, Rejected
from .sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

#: Ids in one ``IN (...)``; SQLite allows 999 parameters in its smallest builds.
_CHUNK: Final = 900
_PAGE: Final = 1000
_LINK: Final = "entity, dynamics_id, marketo_id, base, dynamics_base, version, unconfirmed, fingerprint"


class SQLiteStateStore:
    """Keeps everything in one SQLite file in write-ahead mode, with a lock file beside it.

    Nothing is opened before the first use. The file holds the values of synced fields, which are personal data: it is made
    readable for its owner only. Every commit is on disk when it returns (``synchronous=FULL``).

    Args:
        path: Where the file is or is to be.

    Raises:
        StateError: From any method: the file can't be used; the text says what to do. Its kinds are ``StoreVersionError`` (written by
            a newer version of this library), ``StoreDamagedError`` (not a store, or broken) and ``StoreLockedError``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"SQLiteStateStore({str(self._path)!r})"

    def lock(self) -> FileLock:
        """Return the lock that an engine holds while it runs; it is gone when its process dies."""
        return FileLock(self._path.with_name(self._path.name + ".lock"))

    def commit(self, commit: Commit) -> None:
        """Keep everything in ``commit`` in one transaction."""
        with self._transaction() as db:
            db.executemany("DELETE FROM link WHERE entity = ? AND dynamics_id = ?", commit.drop_links)
            db.executemany(f"REPLACE INTO link ({_LINK}) VALUES (?,?,?,?,?,?,?,?)", map(_link_row, commit.put_links))  # noqa: S608  # constant column list
            for table, column, changes in (
                ("checkpoint", "stream", commit.checkpoints),
                ("fact", "name", commit.facts),
            ):
                for name, value in changes.items():
                    if value is None:
                        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))  # noqa: S608  # constants
                    else:
                        db.execute(f"REPLACE INTO {table} VALUES (?, ?)", (name, value))  # noqa: S608  # constants
            db.executemany(
                "INSERT INTO journal (at, entity, kind, marketo_id, dynamics_id, field, detail) VALUES (?,?,?,?,?,?,?)",
                (
                    (e.at.isoformat(), e.entity, e.kind, e.marketo_id, e.dynamics_id, e.field, _json(e.detail))
                    for e in commit.journal
                ),
            )
            for entity, side, row, name in commit.unpark:
                db.execute(
                    "DELETE FROM parked WHERE entity = ? AND side = ? AND id = ? AND (? = '*' OR field = ?)",
                    (entity, side, row, name, name),
                )
            db.executemany(
                "INSERT INTO parked VALUES (?,?,?,?,?,?,?) ON CONFLICT (entity, side, id, field) DO UPDATE SET "
                "reason = excluded.reason, detail = excluded.detail",
                (
                    (p.entity, p.side, p.id, p.field, p.reason, _json(p.detail), p.since.isoformat())
                    for p in commit.park
                ),
            )
            db.executemany("DELETE FROM rejected WHERE entity = ? AND side = ? AND id = ?", commit.unreject)
            db.executemany(
                "REPLACE INTO rejected VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    (
                        *(r.entity, r.side, r.id, r.code, r.message, r.field, r.attempts),
                        *(r.first_at.isoformat(), r.next_at.isoformat()),
                    )
                    for r in commit.reject
                ),
            )
            db.executemany("DELETE FROM intent WHERE entity = ? AND marketo_id = ?", commit.drop_intents)
            db.executemany(
                "REPLACE INTO intent VALUES (?,?,?,?)",
                ((i.entity, i.marketo_id, i.dynamics_id, i.at.isoformat()) for i in commit.put_intents),
            )
            for entity, ids in commit.seen:
                db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", ((entity, row) for row in ids))

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows, by row id."""
        rows = self._in(f"SELECT {_LINK} FROM link WHERE entity = ? AND dynamics_id IN ", (entity,), ids)  # noqa: S608  # constant column list
        return {link.dynamics_id: link for link in map(_link, rows)}

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records, by Marketo id."""
        names = list(entities) or [str(row[0]) for row in self._all("SELECT DISTINCT entity FROM link ORDER BY entity")]
        found: dict[str, Link] = {}
        for name in names:
            rows = self._in(f"SELECT {_LINK} FROM link WHERE entity = ? AND marketo_id IN ", (name,), ids)  # noqa: S608  # constant column list
            found.update((link.marketo_id, link) for link in map(_link, rows))
        return found

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity in the order of row ids, a page at a time."""
        return self._paged(f"SELECT {_LINK} FROM link WHERE entity = ? AND dynamics_id > ?", entity)  # noqa: S608  # constant column list

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        return int(str(self._all("SELECT count(*) FROM link WHERE entity = ?", (entity,))[0][0]))

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return self._paged(
            f"SELECT {_LINK} FROM link WHERE entity = ? AND dynamics_id > ? AND NOT EXISTS "  # noqa: S608  # constant column list
            "(SELECT 1 FROM seen s WHERE s.entity = link.entity AND s.dynamics_id = link.dynamics_id)",
            entity,
        )

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        with self._transaction() as db:
            db.execute("DELETE FROM seen WHERE entity = ?", (entity,))

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped, or ``None``."""
        rows = self._all("SELECT value FROM checkpoint WHERE stream = ?", (stream,))
        return str(rows[0][0]) if rows else None

    def fact(self, name: str) -> str | None:
        """Return a fact, or ``None``."""
        rows = self._all("SELECT value FROM fact WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries in the order they were written."""
        last = 0
        while rows := self._all(
            "SELECT number, at, entity, kind, marketo_id, dynamics_id, field, detail FROM journal WHERE number > ? "
            "AND (? IS NULL OR entity = ?) AND (? IS NULL OR marketo_id = ?) AND (? IS NULL OR dynamics_id = ?) "
            "ORDER BY number LIMIT ?",
            (last, entity, entity, marketo_id, marketo_id, dynamics_id, dynamics_id, _PAGE),
        ):
            for number, at, name, kind, person, row, column, detail in rows:
                last = int(str(number))
                yield JournalEntry(
                    datetime.fromisoformat(str(at)), name, kind, person, row, column, json.loads(str(detail))
                )

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human, oldest first."""
        rows = self._all(
            "SELECT entity, side, id, field, reason, detail, since FROM parked WHERE ? IS NULL OR entity = ? "
            "ORDER BY since, entity, side, id, field",
            (entity, entity),
        )
        for name, side, record, column, reason, detail, since in rows:
            yield Parked(name, side, record, column, reason, json.loads(detail), datetime.fromisoformat(since))

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused, the earliest next try first."""
        rows = self._all(
            "SELECT entity, side, id, code, message, field, attempts, first_at, next_at FROM rejected "
            "WHERE ? IS NULL OR entity = ? ORDER BY next_at, entity, side, id",
            (entity, entity),
        )
        for *words, attempts, first_at, next_at in rows:
            name, side, record, code, message, column = words
            first, following = datetime.fromisoformat(first_at), datetime.fromisoformat(next_at)
            yield Rejected(name, side, record, code, message, column, attempts, first, following)

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        rows = self._in(
            "SELECT entity, marketo_id, dynamics_id, at FROM intent WHERE entity = ? AND marketo_id IN ",
            (entity,),
            marketo_ids,
        )
        return {person: Intent(name, person, row, datetime.fromisoformat(at)) for name, person, row, at in rows}

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if not self._path.parent.is_dir():
            raise StateError(f"{self._path}: the folder doesn't exist; make it, or give another path")
        new = not self._path.exists() or self._path.stat().st_size == 0
        if new:
            with self._explained():
                self._path.touch(mode=0o600)
        with self._explained():
            db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
        try:
            with self._explained():
                self._prepare(db, new=new)
        except BaseException:
            db.close()
            raise
        self._connection = db
        return db

    def _prepare(self, db: sqlite3.Connection, *, new: bool) -> None:
        application = int(db.execute("PRAGMA application_id").fetchone()[0])
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if not new and application != APPLICATION_ID:
            raise StoreDamagedError(f"{self._path} is a database, but not a state store; give another path")
        if version > SCHEMA_VERSION:
            raise StoreVersionError(
                f"{self._path} has schema version {version}, written by a newer marketo_dynamics_sync; this one knows "
                f"{SCHEMA_VERSION}. Update the library, or give another path."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if new:
            db.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; {TABLES} COMMIT;"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            db = self._open()
            with self._explained():
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")

    # Any: sqlite3 types a row by its columns, which only the SQL text knows.
    def _all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._guard:
            db = self._open()
            with self._explained():
                return db.execute(sql, values).fetchall()

    def _in(self, sql: str, first: tuple[str, ...], ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            yield from self._all(f"{sql}({','.join('?' * len(some))})", (*first, *some))

    def _paged(self, sql: str, entity: str) -> Iterator[Link]:
        last = ""
        while rows := self._all(f"{sql} ORDER BY dynamics_id LIMIT {_PAGE}", (entity, last)):
            for row in rows:
                link = _link(row)
                last = link.dynamics_id
                yield link

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
                raise StoreDamagedError(
                    f"{self._path} is not a state store, or it is broken ({name}). Bring back a copy, or move the file "
                    "away and run again: the links are found anew."
                ) from error
            advice = {
                "SQLITE_FULL": "the disk is full; make room and run again",
                "SQLITE_READONLY": "the file can't be written; check its permissions",
                "SQLITE_CANTOPEN": "the file can't be opened; check the path and its permissions",
                "SQLITE_BUSY": "another program keeps the file locked; close it and run again",
            }
            known = next((text for prefix, text in advice.items() if name.startswith(prefix)), str(error))
            raise StateError(
                f"{self._path}: {known} ({name or type(error).__name__}); nothing of this step was kept"
            ) from error
        except OSError as error:
            raise StateError(f"{self._path}: {error.strerror or error}; check the path and its permissions") from error


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _link_row(link: Link) -> tuple[object, ...]:
    return (
        link.entity,
        link.dynamics_id,
        link.marketo_id,
        _json(dict(link.base)),
        _json(dict(link.dynamics_base)) if link.dynamics_base else "",
        link.version,
        _json(sorted(link.unconfirmed)) if link.unconfirmed else "",
        link.fingerprint,
    )


def _link(row: Iterable[object]) -> Link:
    entity, dynamics_id, marketo_id, base, dynamics_base, version, unconfirmed, fingerprint = row
    return Link(
        str(entity),
        str(dynamics_id),
        str(marketo_id),
        json.loads(str(base)),
        json.loads(str(dynamics_base)) if dynamics_base else {},
        None if version is None else str(version),
        frozenset(json.loads(str(unconfirmed))) if unconfirmed else frozenset(),
        str(fingerprint),
    )
