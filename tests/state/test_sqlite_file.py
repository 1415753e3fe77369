"""The file of the SQLite store: what it is, where it is, and whose it is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync import __version__
from marketo_dynamics_sync.errors import StoreLockedError
from marketo_dynamics_sync.state import MemoryStateStore, SQLiteStateStore
from marketo_dynamics_sync.state import sqlite_file as file_module
from marketo_dynamics_sync.state.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION
from marketo_dynamics_sync.testing.store_case import everything, full_commit

from .files import asked, files

posix = pytest.mark.skipif(os.name != "posix", reason="file modes mean something on POSIX only")


def test_nothing_is_made_before_the_first_use(store: SQLiteStateStore, path: Path) -> None:
    store.lock()
    store.close()
    assert files(path.parent) == []
    assert store.checkpoint("persons") is None
    assert path.exists()


def test_it_is_one_file_with_a_lock_file_beside_it(store: SQLiteStateStore, path: Path) -> None:
    with store.lock():
        store.commit(full_commit())
        store.close()
    assert files(path.parent) == ["sync.db", "sync.db-lock"]


def test_it_is_marked_versioned_and_in_write_ahead_mode(store: SQLiteStateStore, path: Path) -> None:
    store.commit(full_commit())
    store.close()
    assert asked(path, "PRAGMA application_id") == APPLICATION_ID
    assert asked(path, "PRAGMA user_version") == SCHEMA_VERSION
    assert asked(path, "PRAGMA journal_mode") == "wal"
    assert asked(path, "SELECT value FROM about WHERE name = 'library'") == __version__
    assert asked(path, "PRAGMA integrity_check") == "ok"


def test_a_commit_is_flushed_before_it_returns(monkeypatch: pytest.MonkeyPatch, store: SQLiteStateStore) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def watched(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(file_module.sqlite3, "connect", watched)
    store.commit(full_commit())
    assert opened[0].execute("PRAGMA synchronous").fetchone() == (2,)


def test_it_is_used_again_after_it_was_closed(store: SQLiteStateStore) -> None:
    store.commit(full_commit())
    before = everything(store)
    half_way = store.links("lead")
    store.close()
    store.close()
    assert everything(store) == before
    store.close()
    assert [found.marketo_id for found in half_way] == ["1"]


def test_leaving_its_block_closes_the_file(path: Path) -> None:
    with SQLiteStateStore(path) as store:
        store.commit(full_commit())
        before = everything(store)
        assert path.with_name(path.name + "-wal").exists()
    assert not path.with_name(path.name + "-wal").exists(), "the last one to close it tidies up"
    assert everything(store) == before, "and a later use opens it again"


def test_leaving_the_block_of_a_store_in_memory_forgets_nothing() -> None:
    with MemoryStateStore() as store:
        store.commit(full_commit())
        before = everything(store)
    assert everything(store) == before


def test_it_says_which_file_it_is(store: SQLiteStateStore, path: Path) -> None:
    assert repr(store) == f"SQLiteStateStore({str(path)!r})"


class OwnPath:
    """A path that is no ``Path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("form", [str, Path, OwnPath])
@pytest.mark.parametrize(
    "name", ["plain.db", "with spaces.db", "Ünï 名 😀.db", "100%?a=b#c&d.db", "'quoted\".db", "-v"]
)
def test_any_path_in_any_form(tmp_path: Path, form: Callable[[Path], Any], name: str) -> None:
    folder = tmp_path / f"folder of {name}"
    folder.mkdir()
    store = SQLiteStateStore(form(folder / name))
    with store.lock():
        store.commit(full_commit())
    store.close()
    again = SQLiteStateStore(folder / name)
    assert again.count_links("lead") == 1
    again.close()
    assert files(folder) == sorted([name, f"{name}-lock"])


def test_a_relative_path_is_taken_from_the_folder_at_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SQLiteStateStore("sync.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.commit(full_commit())
    store.close()
    assert (tmp_path / "sync.db").exists()


@posix
def test_two_names_of_a_file_have_one_lock(tmp_path: Path, store: SQLiteStateStore, path: Path) -> None:
    store.commit(full_commit())
    (tmp_path / "alias.db").symlink_to(path)
    alias = SQLiteStateStore(tmp_path / "alias.db")
    with store.lock(), pytest.raises(StoreLockedError), alias.lock():
        pytest.fail("two engines hold the lock")
    assert everything(alias) == everything(store)
    alias.close()


@posix
def test_files_are_for_their_owner_only(store: SQLiteStateStore, path: Path) -> None:
    before = os.umask(0)
    try:
        with store.lock():
            store.commit(full_commit())
            modes = {found.name: found.stat().st_mode & 0o777 for found in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {"sync.db", "sync.db-wal", "sync.db-shm", "sync.db-lock"} <= set(modes)
    assert set(modes.values()) == {0o600}


@posix
def test_a_file_behind_a_link_is_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "alias.db").symlink_to(tmp_path / "real.db")
    store = SQLiteStateStore(tmp_path / "alias.db")
    store.commit(full_commit())
    store.close()
    assert (tmp_path / "real.db").stat().st_mode & 0o777 == 0o600


@posix
def test_the_mode_of_a_file_that_is_there_stays(store: SQLiteStateStore, path: Path) -> None:
    path.touch()
    path.chmod(0o640)
    store.commit(full_commit())
    assert path.stat().st_mode & 0o777 == 0o640
