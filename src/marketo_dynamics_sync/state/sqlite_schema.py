"""The tables of the SQLite store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Marks the file as ours: "MDSy" in ASCII.
APPLICATION_ID: Final = 0x4D445379
#: Version of the tables below. A change of them counts it up and says how an older file is brought up to it.
SCHEMA_VERSION: Final = 3
#: By an older version: the statements that bring its tables to the version after it.
UPGRADES: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("ALTER TABLE rejected ADD COLUMN operation TEXT NOT NULL DEFAULT ''",),
    2: ("ALTER TABLE link ADD COLUMN sent TEXT NOT NULL DEFAULT ''",),
}

#: ``link`` keeps its row ids: its rows are too long for a table without them (SQLite, "The WITHOUT ROWID
#: Optimization"). ``seen`` is told apart by listing, so that a new listing starts by counting up and rewrites nothing.
TABLES: Final = (
    """CREATE TABLE link (
        entity TEXT NOT NULL, dynamics_id TEXT NOT NULL, marketo_id TEXT NOT NULL,
        base TEXT NOT NULL, dynamics_base TEXT NOT NULL, version TEXT,
        unconfirmed TEXT NOT NULL, fingerprint TEXT NOT NULL, sent TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (entity, dynamics_id)
    )""",
    "CREATE UNIQUE INDEX link_marketo ON link (entity, marketo_id)",
    "CREATE TABLE listing (entity TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE seen (
        entity TEXT NOT NULL, dynamics_id TEXT NOT NULL, listing INTEGER NOT NULL,
        PRIMARY KEY (entity, dynamics_id)
    ) WITHOUT ROWID""",
    "CREATE TABLE checkpoint (stream TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE journal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL, entity TEXT NOT NULL, kind TEXT NOT NULL,
        marketo_id TEXT, dynamics_id TEXT, field TEXT, detail TEXT NOT NULL
    )""",
    "CREATE INDEX journal_entity ON journal (entity)",
    "CREATE INDEX journal_marketo ON journal (marketo_id) WHERE marketo_id IS NOT NULL",
    "CREATE INDEX journal_dynamics ON journal (dynamics_id) WHERE dynamics_id IS NOT NULL",
    """CREATE TABLE parked (
        entity TEXT NOT NULL, side TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL,
        reason TEXT NOT NULL, detail TEXT NOT NULL, since TEXT NOT NULL,
        PRIMARY KEY (entity, side, id, field)
    ) WITHOUT ROWID""",
    "CREATE INDEX parked_since ON parked (since, entity, side, id, field)",
    """CREATE TABLE rejected (
        entity TEXT NOT NULL, side TEXT NOT NULL, id TEXT NOT NULL,
        code TEXT NOT NULL, message TEXT NOT NULL, field TEXT,
        attempts INTEGER NOT NULL, first_at TEXT NOT NULL, next_at TEXT NOT NULL,
        operation TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (entity, side, id)
    ) WITHOUT ROWID""",
    "CREATE INDEX rejected_next ON rejected (next_at, entity, side, id)",
    """CREATE TABLE intent (
        entity TEXT NOT NULL, marketo_id TEXT NOT NULL, dynamics_id TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (entity, marketo_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX intent_row ON intent (entity, dynamics_id)",
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
