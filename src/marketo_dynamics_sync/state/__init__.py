"""Where observations are kept between cycles. Knows plain data only."""

from .memory import MemoryStateStore
from .protocol import (
    Commit,
    Intent,
    JournalEntry,
    Link,
    Parked,
    Rejected,
    RewritesJournal,
    StateStore,
    Stored,
    StoreLock,
)
from .sqlite import SQLiteStateStore

__all__ = [
    "Commit",
    "Intent",
    "JournalEntry",
    "Link",
    "MemoryStateStore",
    "Parked",
    "Rejected",
    "RewritesJournal",
    "SQLiteStateStore",
    "StateStore",
    "StoreLock",
    "Stored",
]
