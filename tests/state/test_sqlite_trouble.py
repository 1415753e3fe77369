"""What trouble with the file, the disk and other programs is called, and that nothing is left by halves."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync.errors import StateError, StoreDamagedError, StoreLockedError
from marketo_dynamics_sync.state import SQLiteStateStore
from marketo_dynamics_sync.state import file_lock as lock_module
from marketo_dynamics_sync.state import sqlite_file as file_module
from marketo_dynamics_sync.testing.store_case import everything, full_commit

from .files import every_use, files

not_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="file modes don't hold where there are none, nor for root"
)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    store = SQLiteStateStore(tmp_path / "nowhere" / "sync.db")
    for use in (*every_use(store), store.lock().__enter__):
        with pytest.raises(StateError, match=r"there is no folder .*nowhere; make it"):
            use()
    assert files(tmp_path) == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    store = SQLiteStateStore(tmp_path)
    with pytest.raises(StateError, match="can't be opened; check the path"):
        store.count_links("lead")


@not_root
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    store = SQLiteStateStore(folder / "sync.db")
    for mode in (0o500, 0o000):
        folder.chmod(mode)
        try:
            for use in (store.lock().__enter__, lambda: store.count_links("lead")):
                with pytest.raises(StateError, match="may write the file and its folder"):
                    use()
        finally:
            folder.chmod(0o700)


@not_root
def test_a_file_that_cannot_be_written_can_be_read(store: SQLiteStateStore, path: Path) -> None:
    store.commit(full_commit())
    store.close()
    path.chmod(0o400)
    assert store.count_links("lead") == 1
    with pytest.raises(StateError, match=r"can't be written.*SQLITE_READONLY.*Nothing of this step was kept"):
        store.commit(full_commit(10))
    path.chmod(0o000)
    store.close()
    with pytest.raises(StateError, match=r"check the path"):
        store.count_links("lead")


@pytest.mark.parametrize("damage", [b"no lock\n" * 1000, None])
def test_a_lock_file_that_is_something_else_is_refused(
    store: SQLiteStateStore, path: Path, damage: bytes | None
) -> None:
    lock_file = path.with_name("sync.db-lock")
    if damage is None:
        lock_file.mkdir()
    else:
        lock_file.write_bytes(damage)
    with pytest.raises(StateError, match=r"sync\.db-lock") as refused, store.lock():
        pytest.fail("it was taken")
    assert not isinstance(refused.value, StoreLockedError)


def test_giving_back_a_lock_that_is_not_held_does_nothing(store: SQLiteStateStore) -> None:
    with store.lock():
        store.lock().__exit__(None, None, None)
        with pytest.raises(StoreLockedError, match="held by this process"), store.lock():
            pytest.fail("two engines hold the lock")


def test_a_holder_that_cannot_be_read_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, path: Path
) -> None:
    """Somebody is about to write the lock file: it is held, and not yet said by whom."""
    lock_file = path.with_name("sync.db-lock")
    rival = sqlite3.connect(lock_file, isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLockedError, match="isn't known"), store.lock():
        pytest.fail("two engines hold the lock")
    rival.execute("ROLLBACK")
    rival.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLockedError, match="isn't known"), store.lock():
        pytest.fail("two engines hold the lock")
    rival.close()
    with store.lock():
        pass
    reader = sqlite3.connect(lock_file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM holder").fetchone()
    monkeypatch.setattr(lock_module, "_PATIENCE_MS", 0)
    with pytest.raises(StoreLockedError), store.lock():
        pytest.fail("a reader that never goes away was overlooked")
    reader.close()


def test_a_file_that_another_program_locks_is_an_error(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, path: Path
) -> None:
    monkeypatch.setattr(file_module, "_PATIENCE", 0.0)
    store.commit(full_commit())
    backup = sqlite3.connect(path, isolation_level=None)
    backup.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="another program keeps it locked") as refused:
        store.commit(full_commit(10))
    assert not isinstance(refused.value, StoreLockedError)
    assert store.checkpoint("persons") == "token 0"
    backup.close()
    store.commit(full_commit(10))
    assert store.checkpoint("persons") == "token 10"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, rolled_back: bool = False) -> list[str]:
    """Let every statement named in the returned list raise ``error``."""
    named: list[str] = []
    connect = sqlite3.connect

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql in named:
                if rolled_back:
                    super().execute("ROLLBACK")
                raise error
            return super().execute(sql, *values)

    monkeypatch.setattr(
        file_module.sqlite3, "connect", lambda *args, **kwargs: connect(*args, factory=Failing, **kwargs)
    )
    return named


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the words of SQLite")
    if name:
        error.sqlite_errorname = name
    return error


@pytest.mark.parametrize("rolled_back", [False, True], ids=["still open", "rolled back by SQLite"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_FULL", "the disk is full; make room"),
        ("SQLITE_IOERR", "the disk failed"),
        ("SQLITE_IOERR_FSYNC", "the disk failed"),
        ("SQLITE_READONLY_DBMOVED", "can't be written"),
        ("SQLITE_CANTOPEN", "can't be opened"),
        ("SQLITE_PERM", "access was refused"),
        ("SQLITE_AUTH", "access was refused"),
        ("SQLITE_BUSY_SNAPSHOT", "another program keeps it locked"),
        ("SQLITE_LOCKED", "another program keeps it locked"),
        ("SQLITE_NOMEM", "the words of SQLite"),
        ("", "the words of SQLite (OperationalError)"),
    ],
)
def test_what_sqlite_says_becomes_what_to_do(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, path: Path, name: str, words: str, rolled_back: bool
) -> None:
    failing_statements = failing(monkeypatch, sqlite_error(name), rolled_back=rolled_back)
    store.commit(full_commit())
    before = everything(store)
    failing_statements.append("COMMIT")
    with pytest.raises(StateError) as refused:
        store.commit(full_commit(10))
    assert type(refused.value) is StateError
    for word in (str(path), words, name, "Nothing of this step was kept"):
        assert word in str(refused.value)
    assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
    failing_statements.clear()
    assert everything(store) == before
    store.commit(full_commit(10))
    assert store.checkpoint("persons") == "token 10"


@pytest.mark.parametrize("name", ["SQLITE_CORRUPT_INDEX", "SQLITE_NOTADB", "SQLITE_FORMAT"])
def test_damage_has_its_own_error(monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, name: str) -> None:
    failing(monkeypatch, sqlite_error(name)).append("COMMIT")
    with pytest.raises(StoreDamagedError, match=f"{name}.*move the file away"):
        store.commit(full_commit())


def test_a_file_that_others_open_at_the_same_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore
) -> None:
    """SQLite itself doesn't wait before it changes to write-ahead mode."""
    connect, busy = sqlite3.connect, ["once", "twice"]

    class Crowded(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA journal_mode = WAL" and busy:
                busy.pop()
                raise sqlite_error("SQLITE_BUSY")
            return super().execute(sql, *values)

    monkeypatch.setattr(
        file_module.sqlite3, "connect", lambda *args, **kwargs: connect(*args, factory=Crowded, **kwargs)
    )
    store.commit(full_commit())
    assert busy == []
    assert store.count_links("lead") == 1


@pytest.mark.parametrize(("name", "words"), [("SQLITE_BUSY", "keeps it locked"), ("SQLITE_IOERR", "the disk failed")])
def test_a_file_that_cannot_change_its_mode_is_an_error(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, name: str, words: str
) -> None:
    failing(monkeypatch, sqlite_error(name)).append("PRAGMA journal_mode = WAL")
    with pytest.raises(StateError, match=words):
        store.commit(full_commit())


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
def test_an_interrupt_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore, statement: str
) -> None:
    named = failing(monkeypatch, KeyboardInterrupt())
    store.commit(full_commit())
    before = everything(store)
    named.append(statement)
    with pytest.raises(KeyboardInterrupt):
        store.commit(full_commit(10))
    named.clear()
    assert everything(store) == before
    store.commit(full_commit(10))
    assert store.checkpoint("persons") == "token 10"


def test_an_interrupt_while_opening_closes_the_file(monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore) -> None:
    named = failing(monkeypatch, KeyboardInterrupt())
    named.append("PRAGMA synchronous = FULL")
    with pytest.raises(KeyboardInterrupt):
        store.count_links("lead")
    named.clear()
    assert store.count_links("lead") == 0


def test_trouble_of_the_system_becomes_ours(monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore) -> None:
    def refused(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    for use in (lambda: store.count_links("lead"), store.lock().__enter__):
        with pytest.raises(StateError, match="Permission denied; check the path"):
            use()
