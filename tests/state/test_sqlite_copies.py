"""Copies of a store file, cut files and upgrades that are killed: never a silent loss."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from marketo_dynamics_sync.errors import StateError, StoreCopyError, StoreDamagedError, StoreLockedError
from marketo_dynamics_sync.state import Commit, SQLiteStateStore
from marketo_dynamics_sync.testing.store_case import everything, full_commit

from .files import asked

FIXTURES = Path(__file__).with_name("fixtures")


def run(path: Path, number: int = 0) -> None:
    """Run once on a store."""
    store = SQLiteStateStore(path)
    with store.lock():
        store.commit(Commit(checkpoints={"persons": f"token {number}"}))
    store.close()


def copied(path: Path, to: Path) -> Path:
    to.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, to)
    return to


def test_a_copy_beside_the_original_is_refused(path: Path, tmp_path: Path) -> None:
    run(path)
    copy = copied(path, tmp_path / "copy" / "sync.db")
    before = copy.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreCopyError, match=r"is a copy of .*sync\.db, which is still there"):
            run(copy)
    assert copy.read_bytes() == before
    reader = SQLiteStateStore(copy)
    assert reader.checkpoint("persons") == "token 0", "it can be read"
    reader.close()
    run(path, 1)


def test_a_file_that_was_moved_goes_on(path: Path, tmp_path: Path) -> None:
    run(path)
    new = tmp_path / "new" / "other.db"
    copied(path, new)
    path.unlink()
    run(new, 1)
    run(new, 2)


def test_a_copy_of_a_file_that_became_another_store_goes_on(path: Path, tmp_path: Path) -> None:
    run(path)
    copy = copied(path, tmp_path / "copy" / "sync.db")
    path.unlink()
    run(path)  # a new store in the old place
    run(copy, 1)
    third = copied(copy, tmp_path / "third" / "sync.db")
    copy.write_bytes(b"something else, and long enough" * 100)
    run(third)


def test_a_link_to_the_file_is_no_copy(path: Path, tmp_path: Path) -> None:
    run(path)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    run(link, 1)
    run(path, 2)


def test_an_older_copy_that_was_put_back_is_refused(path: Path, tmp_path: Path) -> None:
    run(path)
    backup = copied(path, tmp_path / "backup" / "sync.db")
    run(path, 1)
    newer = copied(path, tmp_path / "newer" / "sync.db")
    copied(backup, path)
    for _ in range(2):
        with pytest.raises(StoreCopyError, match=r"older copy.*1 runs, and there were 2.*delete .*sync\.db-lock"):
            run(path)
    copied(newer, path)
    run(path, 2)
    copied(backup, path)
    path.with_name("sync.db-lock").unlink()
    run(path, 3)


def test_a_store_in_a_folder_of_a_restored_lock_file_goes_on(path: Path) -> None:
    """Only the file's own count decides: a lock file that lags behind, or is of another store, says nothing."""
    run(path)
    lock = path.with_name("sync.db-lock")
    old = lock.read_bytes()
    run(path, 1)
    lock.write_bytes(old)
    run(path, 2)
    path.unlink()
    run(path)


def test_a_run_that_was_killed_counts(path: Path) -> None:
    run(path)
    code = (
        "import os, signal, sys\n"
        "from marketo_dynamics_sync.state import SQLiteStateStore\n"
        "SQLiteStateStore(sys.argv[1]).lock().__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert asked(path, "SELECT value FROM about WHERE name = 'runs'") == "2"
    run(path, 1)


def test_two_engines_on_one_file_are_still_kept_apart(path: Path) -> None:
    first, second = SQLiteStateStore(path), SQLiteStateStore(path)
    with first.lock(), pytest.raises(StoreLockedError), second.lock():
        pytest.fail("two engines hold the lock")
    assert asked(path, "SELECT value FROM about WHERE name = 'runs'") == "1", "who was refused didn't run"
    first.close()
    second.close()


def test_a_file_that_was_emptied_is_not_taken_for_a_new_store(path: Path) -> None:
    run(path)
    os.truncate(path, 0)
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match=r"is empty, and was a store with 1 runs.*engine\.rebuild"):
            run(path)
    assert path.stat().st_size == 0
    path.unlink()
    run(path)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("whole_pages", [True, False])
def test_a_truncated_file_never_looks_whole(path: Path, share: float, whole_pages: bool) -> None:
    store = SQLiteStateStore(path)
    with store.lock():
        for number in range(0, 200, 10):
            store.commit(full_commit(number))
    before = everything(store)
    store.close()
    size = path.stat().st_size
    cut = int(size * share)
    os.truncate(path, max(4096, cut - cut % 4096) if whole_pages else cut)
    again = SQLiteStateStore(path)
    found: object = None
    refusal: StateError | None = None
    try:
        with again.lock():
            found = everything(again)
    except StateError as error:
        refusal = error
    assert found == before if refusal is None else isinstance(refusal, StoreDamagedError)
    assert "example.com" not in str(refusal)
    again.close()


@pytest.mark.parametrize("old", sorted(FIXTURES.glob("version-*.sqlite")), ids=lambda file: file.stem)
def test_an_upgrade_that_is_killed_is_made_again(old: Path, path: Path) -> None:
    copied(old, path)
    version = asked(path, "PRAGMA user_version")
    code = (
        "import os, signal, sys\n"
        "from marketo_dynamics_sync.state import SQLiteStateStore, sqlite_file\n"
        "upgrade = sqlite_file._upgrade\n"
        "def killed(db):\n"
        "    upgrade(db)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "sqlite_file._upgrade = killed\n"
        "SQLiteStateStore(sys.argv[1]).checkpoint('persons')\n"
    )
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert asked(path, "PRAGMA user_version") == version
    store = SQLiteStateStore(path)
    assert (store.count_links("lead"), len(list(store.journal()))) == (3, 2)
    with store.lock():
        assert asked(path, "PRAGMA user_version") > version
    store.close()


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can become another user; others see the tests of modes"
)
@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_user_without_rights_is_told_so(closed: str) -> None:
    """As another user in a process of its own, since file modes don't hold for root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "sync.db"
        run(path)
        folder.chmod(0o755 if closed == "folder" else 0o777)
        for file in folder.iterdir():
            file.chmod(0o666 if closed == "folder" else 0o444)
        before = path.read_bytes()
        code = (
            "import os, sys\n"
            "from marketo_dynamics_sync.errors import StateError\n"
            "from marketo_dynamics_sync.state import Commit, SQLiteStateStore\n"
            "store = SQLiteStateStore(sys.argv[1])\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "for use in (store.lock().__enter__, lambda: store.commit(Commit(facts={'a': 'b'}))):\n"
            "    try:\n"
            "        use()\n"
            "    except StateError as error:\n"
            "        print(error)\n"
        )
        told = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
        assert told.stdout.count("Nothing of this step was kept") == 2, told.stdout
        assert told.stdout.count("may write the file and its folder") == 2, told.stdout
        assert path.read_bytes() == before
