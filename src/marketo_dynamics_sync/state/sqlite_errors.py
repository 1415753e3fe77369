"""What SQLite's errors mean for whoever runs a sync, and what to do about them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ..errors import StateError, StoreDamagedError
from .rows import half_character

_DAMAGED: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR", "SQLITE_FORMAT")
_RIGHTS: Final = "check the path, and that this program's user may write the file and its folder"
_ADVICE: Final = {
    "SQLITE_FULL": "the disk is full; make room and run again",
    "SQLITE_READONLY": f"it can't be written; {_RIGHTS}",
    "SQLITE_CANTOPEN": f"it can't be opened; {_RIGHTS}",
    "SQLITE_PERM": f"access was refused; {_RIGHTS}",
    "SQLITE_AUTH": f"access was refused; {_RIGHTS}",
    "SQLITE_BUSY": "another program keeps it locked; close that program and run again",
    "SQLITE_LOCKED": "another program keeps it locked; close that program and run again",
    "SQLITE_IOERR": "the disk failed to read or write; check its health and its free space",
}


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether somebody else holds the file."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours.

    Args:
        path: The file, for the text.

    Raises:
        StoreDamagedError: The file is no store, or it is broken.
        StateError: It can't be used now; the text says what to do.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = _name(error)
        if name.startswith(_DAMAGED):
            raise StoreDamagedError(
                f"{path} is not a state store, or it is broken ({name}: {error}). Give another path, bring back "
                "a copy, or move the file away and run again: the links are found anew."
            ) from error
        advice = next((text for prefix, text in _ADVICE.items() if name.startswith(prefix)), str(error))
        raise StateError(
            f"{path}: {advice} ({name or type(error).__name__}). Nothing of this step was kept."
        ) from error
    except OSError as error:
        raise StateError(
            f"{path}: {error.strerror or type(error).__name__}; {_RIGHTS}. Nothing of this step was kept."
        ) from error
    except UnicodeEncodeError:
        # The error itself quotes the text.
        raise half_character() from None


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, unless the file is there.

    SQLite gives its log the same mode. A file that is there is not opened: closing it would give up the locks that
    this process holds on it (SQLite, "How To Corrupt An SQLite Database File", 2.2).

    Raises:
        StateError: The folder is missing.
        OSError: The file can't be made.
    """
    if not path.parent.is_dir():
        raise StateError(f"{path}: there is no folder {path.parent}; make it, or give another path")
    with suppress(FileExistsError):
        # The file behind a link: O_EXCL takes a link that leads nowhere for a file.
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _name(error: sqlite3.Error) -> str:
    # Errors that Python's own module raises, such as those about types of parameters, have no such attribute.
    return str(getattr(error, "sqlite_errorname", ""))
