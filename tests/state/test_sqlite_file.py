"""The file of the SQLite store: what it is, which files are refused, and what each trouble is called."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync import __version__
from marketo_dynamics_sync.errors import StateError, StoreDamagedError, StoreLockedError, StoreVersionError
from marketo_dynamics_sync.state import Commit, SQLiteStateStore
from marketo_dynamics_sync.state import file_lock as lock_module
from marketo_dynamics_sync.state import sqlite_file as file_module
from marketo_dynamics_sync.state.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION
from marketo_dynamics_sync.testing.store_case import everything, full_commit, link

posix = pytest.mark.skipif(os.name != "posix", reason="file modes mean something on POSIX only")
not_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="file modes don't hold where there are none, nor for root"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sync.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStateStore]:
    store = SQLiteStateStore(path)
    yield store
    store.close()


def database(path: Path, *statements: str) -> None:
    """Run statements on a database file, and close it."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def asked(path: Path, statement: str) -> Any:
    db = sqlite3.connect(path)
    (answer,) = db.execute(statement).fetchone()
    db.close()
    return answer


def files(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


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


def every_use(store: SQLiteStateStore) -> Iterator[Callable[[], object]]:
    """Yield every way into the file."""
    yield lambda: store.commit(Commit(facts={"identity:marketo": "123-ABC-456"}))
    yield lambda: store.links_by_dynamics("lead", ["1"])
    yield lambda: store.links_by_marketo(["1"])
    yield lambda: list(store.links("lead"))
    yield lambda: store.count_links("lead")
    yield lambda: list(store.unseen("lead"))
    yield lambda: store.forget_seen("lead")
    yield lambda: store.checkpoint("persons")
    yield lambda: store.fact("identity:marketo")
    yield lambda: list(store.journal())
    yield lambda: list(store.parked())
    yield lambda: list(store.rejected())
    yield lambda: store.intents("lead", ["1"])


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
