"""Counts the runs on a store file, so that a copy that is run on in place of another is noticed.

The file counts them, and so does the lock file beside it; the file also says where it was run on last. So an older copy
that was put back in place of a newer file shows (the lock file has counted further), and so does a copy beside the
original on one machine. What can't be seen: a copy on another machine, one of a file that is gone, and an older copy
whose lock file was put back with it.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Final

from ..errors import StoreCopyError, StoreDamagedError
from .sqlite_file import SQLiteFile

_READ: Final = "SELECT name, value FROM about WHERE name IN ('store', 'runs', 'home')"
_KEEP: Final = "REPLACE INTO about VALUES (?, ?)"


def begin_run(file: SQLiteFile, lock_file: Path, last: tuple[str, int] | None) -> tuple[str, int]:
    """Count a run, and return it: the store's id, which its copies have too, and how many runs there were.

    Args:
        file: The store's file.
        lock_file: The lock file, for the text.
        last: The last run that the lock file knows of.

    Raises:
        StoreCopyError: The file is a copy of one that is still there, or older than what was here.
        StoreDamagedError: The file is empty, and was a store.
    """
    path = Path(os.path.realpath(file.path))
    if last is not None and path.is_file() and path.stat().st_size == 0:
        raise StoreDamagedError(
            f"{path} is empty, and was a store with {last[1]} runs: it was truncated. Bring back a copy and delete "
            f"{lock_file}, or move the file away and have engine.rebuild() find the links anew."
        )
    known = {str(name): str(value) for name, value in file.rows(_READ)}
    store, runs, home = known.get("store", str(uuid.uuid4())), int(known.get("runs", "0")), known.get("home")
    if last is not None and last[0] == store and last[1] > runs:
        raise StoreCopyError(
            f"{path} is an older copy of the store that was here: it knows of {runs} runs, and there were "
            f"{last[1]}. What was agreed since is unknown to it, so clashes would be decided that were decided "
            f"before. Bring back the newer file, or move this one away and have engine.rebuild() find the links anew; "
            f"to go on with the copy all the same, delete {lock_file}."
        )
    here = f"{socket.gethostname()}:{path}"
    if home is not None and home != here and _is_there(home, store, path):
        raise StoreCopyError(
            f"{path} is a copy of {home.partition(':')[2]}, which is still there. Two engines on two copies don't know "
            "of each other's links. Run on one of them, and move the other away."
        )
    with file.transaction() as db:
        db.executemany(_KEEP, [("store", store), ("runs", str(runs + 1)), ("home", here)])
    return store, runs + 1


def _is_there(home: str, store: str, path: Path) -> bool:
    """Return whether the file that a copy was made of is still there, on this machine."""
    host, _, name = home.partition(":")
    other = Path(name)
    try:
        if host != socket.gethostname() or not other.is_file() or other.samefile(path):
            return False
        with closing(sqlite3.connect(f"{other.as_uri()}?mode=ro", uri=True)) as db:
            found = db.execute("SELECT value FROM about WHERE name = 'store'").fetchone()
    except (OSError, sqlite3.Error):
        return False
    return found is not None and found[0] == store
