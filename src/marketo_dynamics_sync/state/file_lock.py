"""A lock between processes that can't outlive the process that holds it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import StateError, StoreLockedError


class FileLock:
    """Held by one engine at a time, in this process or another.

    It is an exclusive SQLite transaction on a small file of its own: the operating system drops it when the process dies, on every
    platform, and readers of the store itself are not held up.

    Args:
        path: The lock file; it stays, and means nothing when nobody holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if not self._path.parent.is_dir():
            raise StateError(f"{self._path}: the folder doesn't exist; make it, or give another path")
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise StoreLockedError(
                    f"another engine is running on the store of {self._path}; wait until it has finished, or give this one "
                    "a store of its own"
                ) from error
            raise StateError(f"{self._path}: the lock can't be taken: {error}; check its permissions") from error
        self._connection = connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
