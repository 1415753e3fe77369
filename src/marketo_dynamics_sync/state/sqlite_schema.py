"""The tables of the SQLite store, and the versions they went through."""

from __future__ import annotations

from typing import Final

#: Marks the file as ours: "MDSy" in ASCII.
APPLICATION_ID: Final = 0x4D445379
#: Version of the tables below.
SCHEMA_VERSION: Final = 1

TABLES: Final = """
CREATE TABLE link (
    entity TEXT NOT NULL, dynamics_id TEXT NOT NULL, marketo_id TEXT NOT NULL,
    base TEXT NOT NULL, dynamics_base TEXT NOT NULL, version TEXT,
    unconfirmed TEXT NOT NULL, fingerprint TEXT NOT NULL,
    PRIMARY KEY (entity, dynamics_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX link_marketo ON link (entity, marketo_id);
CREATE TABLE seen (
    entity TEXT NOT NULL, dynamics_id TEXT NOT NULL, PRIMARY KEY (entity, dynamics_id)
) WITHOUT ROWID;
CREATE TABLE checkpoint (stream TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL, entity TEXT NOT NULL, kind TEXT NOT NULL,
    marketo_id TEXT, dynamics_id TEXT, field TEXT, detail TEXT NOT NULL
);
CREATE INDEX journal_marketo ON journal (marketo_id);
CREATE INDEX journal_dynamics ON journal (dynamics_id);
CREATE TABLE parked (
    entity TEXT NOT NULL, side TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, since TEXT NOT NULL,
    PRIMARY KEY (entity, side, id, field)
) WITHOUT ROWID;
CREATE TABLE rejected (
    entity TEXT NOT NULL, side TEXT NOT NULL, id TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, field TEXT,
    attempts INTEGER NOT NULL, first_at TEXT NOT NULL, next_at TEXT NOT NULL,
    PRIMARY KEY (entity, side, id)
) WITHOUT ROWID;
CREATE TABLE intent (
    entity TEXT NOT NULL, marketo_id TEXT NOT NULL, dynamics_id TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (entity, marketo_id)
) WITHOUT ROWID;
"""
