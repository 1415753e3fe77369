"""Where observations are kept between cycles. Knows plain data only."""

from .protocol import Commit, Intent, JournalEntry, Link, Parked, Rejected, StateStore, StoreLock, Stored

__all__ = [
    "Commit",
    "Intent",
    "JournalEntry",
    "Link",
    "Parked",
    "Rejected",
    "StateStore",
    "StoreLock",
    "Stored",
]
