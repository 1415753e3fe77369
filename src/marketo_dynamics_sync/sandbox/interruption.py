"""What happens between the arrival of a write and its work: another user's edit, in the thread of that request only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

#: Told the kind and the id of a record that is about to change.
Edit = Callable[[str, str], object]

_EDIT: Final[ContextVar[Edit | None]] = ContextVar("_EDIT", default=None)


@contextmanager
def interrupted(edit: Edit) -> Iterator[None]:
    """Let something happen before each record that a request inside the block changes.

    Args:
        edit: What happens.
    """
    token = _EDIT.set(edit)
    try:
        yield
    finally:
        _EDIT.reset(token)


def about_to_change(kind: str, record: str) -> None:
    """Say that a record is about to be changed by a request.

    Args:
        kind: Table, or ``"person"``.
        record: Its id.
    """
    edit = _EDIT.get()
    if edit is not None:
        edit(kind, record)
