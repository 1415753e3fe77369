"""Which files are refused: those of newer versions, of other programs, and broken ones."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync import __version__
from marketo_dynamics_sync.errors import StateError, StoreDamagedError, StoreVersionError
from marketo_dynamics_sync.state import Commit, SQLiteStateStore
from marketo_dynamics_sync.state import sqlite_file as file_module
from marketo_dynamics_sync.state.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION
from marketo_dynamics_sync.testing.store_case import everything, full_commit, link

from .files import database, every_use, files


def assert_refused(path: Path, kind: type[StateError], *words: str) -> None:
    """Make sure that a file is refused by every use, in these words, and stays as it is."""
    store = SQLiteStateStore(path)
    before = path.read_bytes()
    for use in every_use(store):
        with pytest.raises(StateError) as refused:
            use()
        assert type(refused.value) is kind
        assert all(word in str(refused.value) for word in (str(path), *words)), str(refused.value)
    store.close()
    assert path.read_bytes() == before
    assert files(path.parent) == [path.name]


def test_a_newer_schema_is_refused(store: SQLiteStateStore, path: Path) -> None:
    store.commit(full_commit())
    store.close()
    newer = SCHEMA_VERSION + 6
    database(path, f"PRAGMA user_version = {newer}", "UPDATE about SET value = '9.8.7'")
    words = ("9.8.7", f"schema version {newer}", __version__, f"up to {SCHEMA_VERSION}", "Install", "another path")
    assert_refused(path, StoreVersionError, *words)


@pytest.mark.parametrize("statement", ["DELETE FROM about", "DROP TABLE about"])
def test_a_newer_schema_that_does_not_say_who_wrote_it_is_refused(
    store: SQLiteStateStore, path: Path, statement: str
) -> None:
    store.commit(full_commit())
    store.close()
    database(path, "PRAGMA user_version = 99", statement)
    assert_refused(path, StoreVersionError, "a version that it doesn't say", "99")


@pytest.mark.parametrize("version", [0, -1])
def test_an_older_schema_is_refused(store: SQLiteStateStore, path: Path, version: int) -> None:
    store.commit(full_commit())
    store.close()
    database(path, f"PRAGMA user_version = {version}")
    assert_refused(path, StoreDamagedError, f"schema version {version}", "copy")


def test_an_unfinished_schema_is_refused(path: Path) -> None:
    database(path, f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {SCHEMA_VERSION}")
    store = SQLiteStateStore(path)
    for use in every_use(store):
        with pytest.raises(StoreDamagedError, match=r"broken .*no such table"):
            use()
    store.close()


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE people (name TEXT)"],
        ["PRAGMA application_id = 1196444487"],
        ["PRAGMA user_version = 1"],
        ["CREATE VIEW one AS SELECT 1"],
    ],
)
def test_a_database_of_another_program_is_refused(path: Path, statements: list[str]) -> None:
    database(path, *statements)
    assert_refused(path, StoreDamagedError, "another program's database", "another path")


@pytest.mark.parametrize(
    "content", [b"first_name,last_name\n" * 200, b"x" * 512, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert_refused(path, StoreDamagedError, "not a state store, or it is broken", "another path")


@pytest.mark.parametrize("content", [b"x", b"[settings]\nname = 1\n", b"x" * 511])
def test_a_short_file_is_not_written_over(path: Path, content: bytes) -> None:
    """SQLite itself takes a file of one byte for an empty database."""
    path.write_bytes(content)
    assert_refused(path, StoreDamagedError, "not a state store", "another path")


def test_a_broken_store_is_refused(store: SQLiteStateStore, path: Path) -> None:
    store.commit(Commit(put_links=[link(number, text="x" * 100) for number in range(500)]))
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(1) * (len(content) - 4096))
    with pytest.raises(StoreDamagedError, match="broken"):
        list(store.links("lead"))


@pytest.mark.parametrize(
    ("table", "column", "value", "word"),
    [
        ("link", "base", "{cut", "JSON"),
        ("link", "unconfirmed", "x", "JSON"),
        ("journal", "detail", "", "JSON"),
        ("journal", "at", "yesterday", "time"),
        ("parked", "since", "1", "time"),
        ("rejected", "first_at", "", "time"),
        ("intent", "at", "noon", "time"),
    ],
)
def test_a_broken_value_is_refused_without_quoting_it(
    store: SQLiteStateStore, path: Path, table: str, column: str, value: str, word: str
) -> None:
    store.commit(full_commit())
    database(path, f"UPDATE {table} SET {column} = '{value}'")
    with pytest.raises(StoreDamagedError, match=f"no {word} any more"):
        everything(store)


def test_an_empty_file_becomes_a_store(store: SQLiteStateStore, path: Path) -> None:
    path.touch()
    store.commit(full_commit())
    assert store.count_links("lead") == 1


def test_a_file_that_another_store_fills_meanwhile_is_ours(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, path: Path
) -> None:
    """Between the look at an empty file and the making of tables another process may make them."""

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA journal_mode = WAL" and not rival_done:
                rival_done.append(True)
                rival.commit(full_commit())
            return super().execute(sql, *values)

    rival_done: list[bool] = []
    rival = SQLiteStateStore(path)
    connect = sqlite3.connect
    monkeypatch.setattr(file_module.sqlite3, "connect", lambda *args, **kwargs: connect(*args, factory=Slow, **kwargs))
    assert store.count_links("lead") == 1
    assert rival_done
    rival.close()
