"""The SQLite store between processes: who holds the lock, what a killed writer leaves, a disk that is really full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import marketo_dynamics_sync
from marketo_dynamics_sync.errors import StoreLockedError
from marketo_dynamics_sync.state import Commit, JournalEntry, Link, SQLiteStateStore
from marketo_dynamics_sync.testing.store_case import NOON, full_commit, link, row_id

SOURCE = str(Path(marketo_dynamics_sync.__file__).parent.parent)

#: What every program below starts with.
HEAD = f"""
import sys
sys.path.insert(0, {SOURCE!r})
from marketo_dynamics_sync.errors import StateError, StoreLockedError
from marketo_dynamics_sync.state import Commit, JournalEntry, Link, SQLiteStateStore
from marketo_dynamics_sync.testing.store_case import NOON, full_commit, link, row_id
store = SQLiteStateStore(sys.argv[1])
def say(word):
    print(word, flush=True)
"""

HOLD = """
with store.lock():
    say("held")
    sys.stdin.readline()
say("given back")
sys.stdin.readline()
"""

WRITE = """
number = 0
while True:
    number += 1
    here, there = ("lead", "contact") if number % 2 else ("contact", "lead")
    store.commit(Commit(
        drop_links=[(there, row_id(row)) for row in range(50)],
        put_links=[link(row, here, round=number) for row in range(50)],
        journal=[JournalEntry(NOON, "lead", "moved", detail={"round": number, "filler": "x" * 500})],
        checkpoints={"round": str(number)},
    ))
    say(number)
"""

OPEN = """
say("ready")
sys.stdin.readline()
store.commit(Commit(facts={sys.argv[2]: "here"}))
store.close()
"""

TRY_LOCK = """
lock = store.lock()
say("ready")
sys.stdin.readline()
try:
    lock.__enter__()
except StoreLockedError as error:
    say("refused")
else:
    say("held")
sys.stdin.readline()
"""

FULL = """
import resource
store.commit(full_commit())
size = 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
try:
    store.commit(Commit(checkpoints={"persons": "too much"}, facts={"large": "x" * 10 * size}))
except StateError as error:
    say(f"{type(error).__name__}: {error}")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
say(store.checkpoint("persons"))
store.commit(full_commit(10))
say(store.checkpoint("persons"))
store.close()
"""


@contextmanager
def program(body: str, path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program on the store at ``path``; killed at the end."""
    command = [sys.executable, "-I", "-c", HEAD + body, str(path), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    with process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def told(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_another_process_keeps_us_out_until_it_gives_the_lock_back(store: SQLiteStateStore, path: Path) -> None:
    with program(HOLD, path) as other:
        assert heard(other) == "held"
        with pytest.raises(StoreLockedError, match=rf"held by process {other.pid} on ") as refused, store.lock():
            pytest.fail("two engines hold the lock")
        assert f"{path}-lock" in str(refused.value)
        store.commit(full_commit())
        told(other)
        assert heard(other) == "given back"
        with store.lock():
            assert store.count_links("lead") == 1


def test_the_lock_is_gone_with_the_process_that_held_it(store: SQLiteStateStore, path: Path) -> None:
    with program(HOLD, path) as other:
        assert heard(other) == "held"
        other.kill()
        other.wait()
        with store.lock(), pytest.raises(StoreLockedError, match="held by this process"), store.lock():
            pytest.fail("two engines hold the lock")


def test_of_processes_that_try_at_once_one_gets_the_lock(path: Path) -> None:
    with program(TRY_LOCK, path) as one, program(TRY_LOCK, path) as two, program(TRY_LOCK, path) as three:
        crowd = (one, two, three)
        assert [heard(process) for process in crowd] == ["ready"] * 3
        for process in crowd:
            told(process)
        assert sorted(heard(process) for process in crowd) == ["held", "refused", "refused"]


def test_processes_that_open_a_new_store_at_once_share_it(store: SQLiteStateStore, path: Path) -> None:
    """One of them makes the tables, and none takes the other's half-made file for a stranger's."""
    with program(OPEN, path, "0") as one, program(OPEN, path, "1") as two, program(OPEN, path, "2") as three:
        crowd = (one, two, three)
        assert [heard(process) for process in crowd] == ["ready"] * 3
        for process in crowd:
            told(process)
        assert [process.wait() for process in crowd] == [0, 0, 0]
    assert [store.fact(name) for name in ("0", "1", "2")] == ["here"] * 3


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX")
@pytest.mark.parametrize("rounds", [1, 2, 17, 40, 71])
def test_a_killed_writer_leaves_whole_commits(store: SQLiteStateStore, path: Path, rounds: int) -> None:
    """Every commit that was answered is there, of the one that was under way all or nothing."""
    with program(WRITE, path) as writer:
        for number in range(1, rounds + 1):
            assert heard(writer) == str(number)
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        assert writer.stdout is not None
        answered = max([rounds, *(int(line) for line in writer.stdout.read().split())])
    last = int(store.checkpoint("round") or 0)
    assert last in (answered, answered + 1)
    here, there = ("lead", "contact") if last % 2 else ("contact", "lead")
    assert list(store.links(here)) == [link(row, here, round=last) for row in range(50)]
    assert list(store.links(there)) == []
    assert [entry.detail["round"] for entry in store.journal()] == list(range(1, last + 1))
    found = store.links_by_marketo([str(row) for row in range(50)])
    assert found.keys() == {str(row) for row in range(50)}
    with store.lock():
        store.commit(Commit(put_links=[Link(here, row_id(0), "0")], journal=[JournalEntry(NOON, here, "rebased")]))
    assert store.links_by_dynamics(here, [row_id(0)]) == {row_id(0): Link(here, row_id(0), "0")}


def test_a_full_disk_keeps_nothing_of_the_step_and_the_store_goes_on(path: Path) -> None:
    pytest.importorskip("resource", reason="file sizes can't be limited here")
    with program(FULL, path) as writer:
        error = heard(writer)
        assert error.startswith("StateError: ")
        assert "Nothing of this step was kept" in error
        assert any(word in error for word in ("the disk is full", "the disk failed to read or write"))
        assert [heard(writer), heard(writer)] == ["token 0", "token 10"]
        assert writer.wait() == 0
    store = SQLiteStateStore(path)
    assert store.fact("large") is None
    assert store.checkpoint("persons") == "token 10"
    store.close()
