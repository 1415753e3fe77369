"""A lock between processes that can't outlive the process that holds it."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..errors import StoreLockedError
from .sqlite_errors import explained, is_busy, make_private

#: Milliseconds to wait for readers of the lock file.
_PATIENCE_MS: Final = 5000


class FileLock:
    """Held by one engine at a time, in this process or another.

    It is an open write transaction on a small SQLite file of its own. SQLite's locks are those of the operating system,
    so they work alike on Linux, macOS and Windows, between processes and between two locks of one process, and they are
    gone when the process dies, however it dies. A lock on the store itself would keep its own commits out. The file
    also says who took the lock last; it stays, and means nothing while nobody holds it.

    Args:
        path: The lock file.
        count: Counts a run on the store, given the lock file and the last run that it knows of, and returns it: the
            store's id and a number.
    """

    def __init__(self, path: Path, count: Callable[[Path, tuple[str, int] | None], tuple[str, int]]) -> None:
        self._path = path
        self._count = count
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        with explained(self._path):
            make_private(self._path)
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._take(connection)
            except sqlite3.Error as error:
                holder = _holder(connection)
                connection.close()
                if not is_busy(error):
                    raise
                raise StoreLockedError(
                    f"another engine is running on this store ({holder}; lock file {self._path}). Wait until it has "
                    "finished, or give this engine a store of its own."
                ) from None
            try:
                self._begin(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # the store has counted the run; the lock file may lag behind
                self._connection.execute("COMMIT")
            self._connection.close()
            self._connection = None

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Count the run in the store, and in the lock file when it ends."""
        connection.execute("CREATE TABLE IF NOT EXISTS run (store TEXT NOT NULL, number INTEGER NOT NULL)")
        last = connection.execute("SELECT store, number FROM run").fetchone()
        run = self._count(self._path, last)
        connection.execute("DELETE FROM run")
        connection.execute("INSERT INTO run VALUES (?, ?)", run)

    @staticmethod
    def _take(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL, host TEXT NOT NULL)")
        connection.execute("DELETE FROM holder")
        connection.execute("INSERT INTO holder VALUES (?, ?)", (os.getpid(), socket.gethostname()))
        # Who was refused reads who holds the lock, which takes a moment; without this wait, of several who try at once
        # each could be stopped by another, and none would run.
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA busy_timeout = 0")
        # From here on others can read who holds the lock. Who comes in between the two transactions wins it, and we are
        # told that it is held.
        connection.execute("BEGIN IMMEDIATE")


def _holder(connection: sqlite3.Connection) -> str:
    with suppress(sqlite3.Error):
        for pid, host in connection.execute("SELECT pid, host FROM holder"):
            here = "this process" if (pid, host) == (os.getpid(), socket.gethostname()) else f"process {pid} on {host}"
            return f"held by {here}"
    return "held by a process that isn't known"
