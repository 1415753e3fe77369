"""The file under the SQLite store: opened at first use, checked to be ours, written in transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from .._version import __version__
from ..errors import StoreDamagedError, StoreVersionError
from .sqlite_errors import explained, is_busy, make_private
from .sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, TABLES, UPGRADES

#: Ids in one ``IN (...)``; SQLite allows 999 parameters in its smallest builds.
_CHUNK: Final = 900
#: Rows fetched at a time by an iteration.
PAGE: Final = 500
#: Seconds to wait for another program, such as a backup, to let go of the file.
_PATIENCE: Final = 10.0
#: How often to ask for write-ahead mode while others open the file too.
_TRIES: Final = 50
#: Bytes of the smallest page, and so of the smallest database that isn't empty (SQLite, "Database File Format", 1.3).
_SMALLEST: Final = 512


class SQLiteFile:
    """One connection behind a lock: SQLite writes one transaction at a time anyway, and reads here are short.

    The file is in write-ahead mode with ``synchronous = FULL``: the log is flushed to the disk before a commit
    returns, so a commit that was answered survives even a power cut. ``NORMAL`` would flush at checkpoints only and
    could lose the last commits, and with them the ids that were chosen for new rows (SQLite, "PRAGMA synchronous").

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction that is kept whole or not at all."""
        with self._guard, explained(self.path):
            db = self._open()
            with _transaction(db, "IMMEDIATE"):
                yield db

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads inside see one moment, whatever others commit meanwhile."""
        with self._guard, explained(self.path), _transaction(self._open(), "DEFERRED"):
            yield

    # Any: sqlite3 types a row by its columns, which only the SQL text knows.
    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._guard, explained(self.path):
            return self._open().execute(sql, values).fetchall()

    def rows_in(self, sql: str, first: Sequence[str], ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that ends in ``IN``, for any number of ids."""
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            yield from self.rows(f"{sql} ({','.join('?' * len(some))})", (*first, *some))

    def pages(self, sql: str, values: Sequence[object], order: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield rows in the order of their first columns, a page at a time.

        Each page goes on behind the last row of the one before, so no cursor stays open and commits may be made in
        between.

        Args:
            sql: A query that begins with the columns of ``order`` and has a ``WHERE``.
            values: Its parameters.
            order: Names of the columns to go by; together they are unique among the rows, and an index has them.
        """
        columns, marks = ", ".join(order), ", ".join("?" * len(order))
        behind: tuple[Any, ...] = ()
        while True:
            step = f" AND ({columns}) > ({marks})" if behind else ""
            page = self.rows(f"{sql}{step} ORDER BY {columns} LIMIT {PAGE}", (*values, *behind))
            yield from page
            if len(page) < PAGE:
                return
            behind = page[-1][: len(order)]

    def rewrite(self) -> bool:
        """Write the file anew without free space, and empty the log; return whether no reader kept it from that.

        A deleted row stays readable in free pages until something else is written there, and in the log until that is
        truncated (SQLite, "VACUUM", "PRAGMA secure_delete" and "PRAGMA wal_checkpoint").
        """
        with self._guard, explained(self.path):
            db = self._open()
            db.execute("VACUUM")
            # A reader of the log may be there for long: the next run empties it.
            db.execute("PRAGMA busy_timeout = 0")
            try:
                return bool(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
            finally:
                db.execute(f"PRAGMA busy_timeout = {int(_PATIENCE * 1000)}")

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        make_private(self.path)  # the values of synced fields are personal data
        db = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        self._connection = db
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        with _transaction(db, "DEFERRED"):
            blank = self._refuse_foreign(db)
        _write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        if blank:
            with _transaction(db, "IMMEDIATE"):
                # Another process may have been faster since.
                if self._refuse_foreign(db):
                    _create(db)
        elif _number(db, "user_version") < SCHEMA_VERSION:
            with _transaction(db, "IMMEDIATE"):
                _upgrade(db)

    def _refuse_foreign(self, db: sqlite3.Connection) -> bool:
        """Return whether the file is empty; refuse one that isn't ours before anything is written to it.

        The caller holds a transaction: another process may be filling the file between two of these reads.
        """
        application, version = _number(db, "application_id"), _number(db, "user_version")
        if application == 0 and version == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            # SQLite takes a file of one byte for an empty database, and would write over it.
            if 0 < self.path.stat().st_size < _SMALLEST:
                raise StoreDamagedError(f"{self.path} is some other file, not a state store; give another path")
            return True
        if application != APPLICATION_ID:
            raise StoreDamagedError(f"{self.path} is another program's database, not a state store; give another path")
        if version > SCHEMA_VERSION:
            raise StoreVersionError(
                f"{self.path} was written by marketo_dynamics_sync {_writer(db)} in schema version {version}; this is "
                f"{__version__}, which knows versions up to {SCHEMA_VERSION}. Install that version or a newer one, "
                "or give another path."
            )
        if version < SCHEMA_VERSION and version not in UPGRADES:
            raise StoreDamagedError(
                f"{self.path} has schema version {version}, which no version of this library wrote. Bring back a copy, "
                "or move the file away and run again: the links are found anew."
            )
        return False


@contextmanager
def _transaction(db: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE", "EXCLUSIVE"]) -> Iterator[None]:
    try:
        db.execute(f"BEGIN {kind}")
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk has SQLite roll back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _write_ahead(db: sqlite3.Connection) -> None:
    """Put the file in write-ahead mode, where it isn't yet.

    That needs the file for itself, and SQLite doesn't wait for those who open the same new file at this moment.
    """
    tries = 0
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            tries += 1
            if tries == _TRIES or not is_busy(error):
                raise
        # This does wait.
        with _transaction(db, "EXCLUSIVE"):
            pass


def _create(db: sqlite3.Connection) -> None:
    for statement in TABLES:
        db.execute(statement)
    db.execute("INSERT INTO about VALUES ('library', ?)", (__version__,))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _upgrade(db: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to this one, from wherever another process has brought them by now."""
    while (version := _number(db, "user_version")) < SCHEMA_VERSION:
        for statement in UPGRADES[version]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version + 1}")
    db.execute("UPDATE about SET value = ? WHERE name = 'library'", (__version__,))


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def _writer(db: sqlite3.Connection) -> str:
    try:
        return str(db.execute("SELECT value FROM about WHERE name = 'library'").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return "of a version that it doesn't say"
