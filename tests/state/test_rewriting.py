"""Both stores can put other details into journal entries, and leave nothing of the old ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from marketo_dynamics_sync.errors import StateError
from marketo_dynamics_sync.state import Commit, JournalEntry, MemoryStateStore, RewritesJournal, SQLiteStateStore
from marketo_dynamics_sync.state.sqlite_file import PAGE

AT = datetime(2026, 3, 1, tzinfo=UTC)
ENTRIES = [
    JournalEntry(AT + timedelta(seconds=n), "lead", "conflict", str(n), f"row-{n}", "email", {"base": f"Secret-{n}"})
    for n in range(PAGE + 3)
]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStateStore | SQLiteStateStore]:
    with closing(MemoryStateStore() if request.param == "memory" else SQLiteStateStore(tmp_path / "sync.db")) as made:
        made.commit(Commit(journal=ENTRIES))
        yield made


def hide(entry: JournalEntry) -> JournalEntry:
    return entry if entry.marketo_id == "1" else evolve(entry, detail={"base": 0})


def test_entries_are_replaced_and_the_others_stay(store: MemoryStateStore | SQLiteStateStore) -> None:
    assert isinstance(store, RewritesJournal)
    assert store.rewrite_journal(hide)
    assert list(store.journal()) == [hide(entry) for entry in ENTRIES]
    assert list(store.journal(dynamics_id="row-1")) == [ENTRIES[1]]


def test_all_or_nothing(store: MemoryStateStore | SQLiteStateStore) -> None:
    def failing(entry: JournalEntry) -> JournalEntry:
        return evolve(entry, detail={"base": object() if entry is not ENTRIES[0] and entry.marketo_id == "9" else 0})

    with pytest.raises(StateError):
        store.rewrite_journal(failing)
    assert list(store.journal()) == ENTRIES


def test_nothing_of_what_was_there_stays_in_the_files(tmp_path: Path) -> None:
    with closing(SQLiteStateStore(tmp_path / "sync.db")) as store:
        store.commit(Commit(journal=ENTRIES, checkpoints={"stream": "Secret-token"}))
        store.commit(Commit(checkpoints={"stream": None}))

        def read() -> bytes:
            return b"".join(each.read_bytes() for each in tmp_path.iterdir())

        assert b"Secret" in read()
        assert store.rewrite_journal(lambda entry: evolve(entry, detail={}))
        assert b"Secret" not in read()


def test_a_reader_is_told_of(tmp_path: Path) -> None:
    with closing(SQLiteStateStore(tmp_path / "sync.db")) as store:
        store.commit(Commit(journal=ENTRIES[:3]))
        with closing(sqlite3.connect(tmp_path / "sync.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM journal").fetchone()
            assert not store.rewrite_journal(hide)
        assert store.rewrite_journal(hide)
