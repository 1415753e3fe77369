"""The store suite finds out every store that breaks a promise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import marketo_dynamics_sync
from marketo_dynamics_sync import testing
from marketo_dynamics_sync.state import (
    MemoryStateStore,
    SQLiteStateStore,
    StateStore,
)
from marketo_dynamics_sync.testing import StateStoreSuite
from marketo_dynamics_sync.testing.store_case import StoreCase, run_together

from .broken_stores import BROKEN

NAMES = sorted(name for name in dir(StateStoreSuite) if name.startswith("test_"))


def broken_promises(make: Callable[[], StateStore], *names: str) -> set[str]:
    """Return the tests of the suite, among those named or all, that a store fails."""

    class Suite(StateStoreSuite):
        def make_store(self) -> StateStore:
            return make()

    failed = set()
    for name in names or NAMES:
        try:
            getattr(Suite(), name)(make())
        except pytest.skip.Exception:
            continue
        except (Exception, pytest.fail.Exception):
            failed.add(name)
    return failed


@pytest.mark.parametrize(("store", "name"), BROKEN, ids=[f"{store.__name__}-{name}" for store, name in BROKEN])
@pytest.mark.private_on_purpose
def test_a_broken_store_is_found_out(store: type[MemoryStateStore], name: str) -> None:
    assert broken_promises(store, name) == {name}


def test_every_test_of_the_suite_finds_some_broken_store_out() -> None:
    durable = {"test_a_durable_store_keeps_everything", "test_two_stores_on_the_same_data_see_each_other"}
    assert {name for _, name in BROKEN} == set(NAMES) - durable


def test_a_sound_store_breaks_no_promise() -> None:
    assert broken_promises(MemoryStateStore) == set()


def test_every_test_says_what_it_checks() -> None:
    assert [name for name in NAMES if not getattr(StateStoreSuite, name).__doc__] == []


class Durable(StateStoreSuite):
    """Says that it is durable, and opens whatever it is told to."""

    durable = True

    def __init__(self, reopened: Callable[[StateStore], StateStore]) -> None:
        self.reopened = reopened

    def reopen(self, store: StateStore) -> StateStore:
        return self.reopened(store)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[SQLiteStateStore]:
    store = SQLiteStateStore(tmp_path / "sync.db")
    yield store
    store.close()


@pytest.mark.parametrize(
    "name", ["test_a_durable_store_keeps_everything", "test_two_stores_on_the_same_data_see_each_other"]
)
def test_a_store_that_forgets_is_not_durable(kept: SQLiteStateStore, name: str) -> None:
    with pytest.raises(AssertionError):
        getattr(Durable(lambda store: MemoryStateStore()), name)(kept)


def test_stores_that_share_data_and_no_lock_are_found_out(kept: SQLiteStateStore, tmp_path: Path) -> None:
    class OwnLock(SQLiteStateStore):
        def lock(self) -> Any:
            return MemoryStateStore().lock()

    with pytest.raises(pytest.fail.Exception, match="two engines"):
        Durable(lambda store: OwnLock(tmp_path / "sync.db")).test_two_stores_on_the_same_data_see_each_other(kept)


def test_what_the_user_has_to_define_is_said() -> None:
    with pytest.raises(NotImplementedError, match=r"StoreCase has to define make_store\(\)"):
        StoreCase().make_store()
    with pytest.raises(NotImplementedError, match=r"define reopen\(store\)"):
        StoreCase().reopen(MemoryStateStore())


def test_errors_of_threads_are_not_lost() -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        run_together(fail, int)


USERS_TESTS = """
import pytest
from marketo_dynamics_sync.state import MemoryStateStore
from marketo_dynamics_sync.testing import StateStoreSuite, described_person

class Forgetful(MemoryStateStore):
    def checkpoint(self, stream):
        return None

class TestForgetful(StateStoreSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def make_store(self):
        assert self.folder.is_dir()
        return Forgetful()
"""


def test_pytest_collects_the_suite_and_explains_what_failed(tmp_path: Path) -> None:
    """As a user runs it: in a folder of its own, warnings being errors."""
    (tmp_path / "test_mine.py").write_text(USERS_TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    source = str(Path(marketo_dynamics_sync.__file__).parent.parent)
    start = f"import sys; sys.path.insert(0, {source!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-I", "-c", start, "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "FAILED test_mine.py::TestForgetful::test_checkpoints_are_kept_replaced_and_removed" in ended.stdout
    assert "where None = checkpoint('persons')" in ended.stdout
    failed = ended.stdout.count("\nFAILED ")
    assert f"{failed} failed, {len(NAMES) - failed - 2} passed, 2 skipped" in ended.stdout


def test_names_are_found_when_they_are_asked_for() -> None:
    assert set(dir(testing)) == set(testing.__all__)
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        testing.no_such_name  # noqa: B018


def test_described_objects_need_neither_pytest_nor_hypothesis() -> None:
    source = str(Path(marketo_dynamics_sync.__file__).parent.parent)
    body = (
        f"import sys; sys.path.insert(0, {source!r})\n"
        "from marketo_dynamics_sync.testing import described_person\n"
        "assert described_person().fields\n"
        "assert not {'pytest', 'hypothesis'} & set(sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", body], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
