"""The store suite: commits are whole, locks exclude, threads are welcome, and durable means durable."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs
import pytest

from ..errors import StateError, StoreLockedError
from ..state import Commit, Intent, JournalEntry, Link, StateStore
from .store_case import NOON, StoreCase, everything, full_commit, link, parked, rejected, row_id, run_together

_NAIVE = datetime(2024, 2, 29, 12, 0)  # noqa: DTZ001 - a time without a zone is what is tried here
_HALF = "cut \ud83d"


def _unkeepable() -> Iterator[tuple[str, Commit]]:
    """Yield commits that a store has to refuse, each with what is wrong with it."""
    for name, value in (("an object", object()), ("a set", {1}), ("not a number", float("nan")), ("bytes", b"a")):
        values = {"name": "Ada", "odd": value}
        yield f"{name} in a base", Commit(put_links=[link(9), Link("lead", row_id(8), "8", values)])
        yield f"{name} in a Dynamics base", Commit(put_links=[Link("lead", row_id(8), "8", {}, values)])
        yield f"{name} in a journal detail", Commit(journal=[JournalEntry(NOON, "lead", "linked", detail=values)])
        yield f"{name} in a parked detail", Commit(park=[attrs.evolve(parked("8"), detail=values)])
    yield "a journal time without a zone", Commit(journal=[JournalEntry(_NAIVE, "lead", "linked")])
    yield "a parked time without a zone", Commit(park=[attrs.evolve(parked("8"), since=_NAIVE)])
    yield "a first try without a zone", Commit(reject=[attrs.evolve(rejected("8"), first_at=_NAIVE)])
    yield "a next try without a zone", Commit(reject=[attrs.evolve(rejected("8"), next_at=_NAIVE)])
    yield "an intent's time without a zone", Commit(put_intents=[Intent("lead", "8", "a", _NAIVE)])
    yield "half a character in an id", Commit(put_links=[link(9), Link("lead", _HALF, "8")])
    yield "half a character in a checkpoint", Commit(checkpoints={"persons": _HALF})
    yield "half a character in a fact", Commit(facts={"identity:marketo": _HALF})
    yield "half a character in an intent", Commit(put_intents=[Intent("lead", "8", _HALF, NOON)])
    yield "half a character in a mark", Commit(seen=[("lead", [_HALF])])


def _together(good: Commit, bad: Commit) -> Commit:
    """Return everything of two commits in one."""
    both: dict[str, Any] = {}  # Any: attributes of several types, by name
    for attribute in attrs.fields(Commit):
        left, right = getattr(good, attribute.name), getattr(bad, attribute.name)
        both[attribute.name] = {**left, **right} if isinstance(left, dict) else [*left, *right]
    return Commit(**both)


def _refuses(store: StateStore, commit: Commit) -> bool:
    try:
        store.commit(commit)
    except StateError:
        return True
    return False


class SafetyPromises(StoreCase):
    """Nothing is kept by halves or lost, whoever else is at work."""

    def test_a_new_store_is_empty(self, store: StateStore) -> None:
        """There is nothing in it, and asking is no error; an empty commit changes nothing."""
        before = everything(store)
        assert before["journal"] == before["parked"] == before["rejected"] == []
        assert before["links"] == before["unseen"] == {"contact": [], "lead": []}
        store.commit(Commit())
        assert everything(store) == before

    def test_a_commit_keeps_everything(self, store: StateStore) -> None:
        """One commit that has something of every kind."""
        store.commit(full_commit())
        kept = everything(store)
        assert kept["counts"] == {"contact": 1, "lead": 1}
        assert kept["unseen"] == {"contact": [link(2, "contact", name="Zoë")], "lead": []}
        assert (store.checkpoint("persons"), store.fact("identity:marketo")) == ("token 0", "123-ABC-456")
        assert [entry.detail for entry in store.journal()] == [{"winner": "marketo"}]
        assert sorted(item.field for item in store.parked()) == ["", "email"]
        assert list(store.rejected()) == [rejected("2")]
        assert store.intents("lead", ["1"]) == {"1": Intent("lead", "1", row_id(1), NOON)}

    def test_a_commit_that_fails_leaves_nothing(self, store: StateStore) -> None:
        """What a store can't keep is refused with a StateError, and nothing else of that commit is kept or removed."""
        store.commit(full_commit(0))
        before = everything(store)
        for what, bad in _unkeepable():
            assert _refuses(store, _together(full_commit(1), bad)), f"{what} was kept"
            assert everything(store) == before, f"something of a commit with {what} was kept"
        store.commit(full_commit(1))
        assert everything(store) != before, "a store has to go on after a commit that failed"

    def test_errors_do_not_quote_values(self, store: StateStore) -> None:
        """Errors are logged, and values of synced fields are personal data."""
        for values in ({"name": object(), "email": "ada@example.com"}, {"name": {"ada@example.com"}}):
            with pytest.raises(StateError) as refused:
                store.commit(Commit(put_links=[Link("lead", row_id(1), "1", values)]))
            assert "ada" not in str(refused.value)

    def test_the_lock_excludes_a_second_engine(self, store: StateStore) -> None:
        """A second lock is refused with a StoreLockedError as long as the first is held, and changes nothing of it."""
        with store.lock():
            for _ in range(2):
                with pytest.raises(StoreLockedError), store.lock():
                    pytest.fail("two engines hold the lock")

    def test_the_lock_can_be_taken_again(self, store: StateStore) -> None:
        """After it was given back, also by an error, and by the same object."""
        lock = store.lock()
        with lock:
            pass
        with lock, pytest.raises(StoreLockedError), store.lock():
            pytest.fail("two engines hold the lock")
        with pytest.raises(KeyboardInterrupt), store.lock():
            raise KeyboardInterrupt
        with store.lock():
            pass

    def test_making_a_lock_takes_nothing(self, store: StateStore) -> None:
        """Only entering it does; one that was refused can be entered when the other is free."""
        first, second = store.lock(), store.lock()
        with first, pytest.raises(StoreLockedError):
            second.__enter__()
        with second, pytest.raises(StoreLockedError):
            first.__enter__()

    def test_the_store_works_while_its_lock_is_held(self, store: StateStore) -> None:
        """The lock keeps engines out, not the commits and reads of the one that runs, nor somebody who only looks."""
        with store.lock():
            store.commit(full_commit())
            store.forget_seen("lead")
            assert store.count_links("lead") == 1
        assert store.checkpoint("persons") == "token 0"

    def test_of_many_who_try_at_once_one_gets_the_lock(self, store: StateStore) -> None:
        """Never two, and never none: all refused would mean that nobody runs."""
        crowd = 6
        for _ in range(5):
            barrier = threading.Barrier(crowd)
            winners: list[bool] = []

            def attempt(barrier: threading.Barrier = barrier, winners: list[bool] = winners) -> None:
                lock = store.lock()
                barrier.wait()
                try:
                    lock.__enter__()
                except StoreLockedError:
                    barrier.wait()
                else:
                    winners.append(True)
                    barrier.wait()
                    lock.__exit__(None, None, None)

            run_together(*[attempt] * crowd)
            assert len(winners) == 1, f"{len(winners)} of {crowd} hold the lock"

    def test_threads_may_commit_at_once(self, store: StateStore) -> None:
        """Nothing of any of them is lost."""
        threads, commits = 4, 30

        def write(thread: int) -> None:
            for number in range(thread * commits, (thread + 1) * commits):
                entry = JournalEntry(NOON, "lead", "linked", str(number))
                store.commit(Commit(put_links=[link(number)], journal=[entry], checkpoints={str(thread): str(number)}))

        run_together(*(lambda thread=thread: write(thread) for thread in range(threads)))
        assert store.count_links("lead") == len(list(store.journal())) == threads * commits
        assert [found.dynamics_id for found in store.links("lead")] == [row_id(n) for n in range(threads * commits)]
        last = [str((thread + 1) * commits - 1) for thread in range(threads)]
        assert [store.checkpoint(str(thread)) for thread in range(threads)] == last

    def test_a_reader_meets_whole_commits(self, store: StateStore) -> None:
        """What one call returns is of one moment, however many ids it asks for, while another thread commits."""
        rows, rounds = range(1500), 12
        ids, persons = [row_id(number) for number in rows], [str(number) for number in rows]
        done = threading.Event()

        def commit(number: int) -> None:
            here, there = ("lead", "contact") if number % 2 else ("contact", "lead")
            store.commit(
                Commit(
                    drop_links=[(there, row) for row in ids],
                    put_links=[link(row, here, round=number) for row in rows],
                    checkpoints={"round": str(number)},
                )
            )

        def write() -> None:
            try:
                for number in range(1, rounds):
                    commit(number)
            finally:
                done.set()

        def read() -> None:
            finished = False
            while not finished:
                finished = done.is_set()
                found = store.links_by_marketo(persons)
                assert len(found) == len(rows), "a link that moves between entities was missed"
                assert len({str(one.base["round"]) for one in found.values()}) == 1, "a lookup met half a commit"
                assert int(store.checkpoint("round") or 0) >= int(str(found["0"].base["round"])), "half a commit"
                by_row = store.links_by_dynamics("lead", ids)
                assert len(by_row) in (0, len(rows)), "a lookup met half a commit"
                assert store.count_links("lead") in (0, len(rows)), "a count met half a commit"

        commit(0)
        run_together(write, read, read)

    def test_a_durable_store_keeps_everything(self, store: StateStore) -> None:
        """What was kept is there when the store is closed and opened again, and can be gone on with."""
        self._only_durable()
        for start in (0, 10, 20):
            store.commit(full_commit(start))
        store.forget_seen("contact")
        before = everything(store)
        store.close()
        for _ in range(2):
            again = self.reopen(store)
            assert everything(again) == before
            again.close()
        again = self.reopen(store)
        again.commit(full_commit(30))
        assert again.checkpoint("persons") == "token 30"
        assert len(list(again.journal())) == 4
        again.close()

    def test_two_stores_on_the_same_data_see_each_other(self, store: StateStore) -> None:
        """What one commits the other reads, and the lock of one keeps the engine of the other out."""
        self._only_durable()
        store.commit(full_commit(0))
        other = self.reopen(store)
        try:
            assert everything(other) == everything(store)
            other.commit(full_commit(10))
            assert everything(other) == everything(store)
            with store.lock(), pytest.raises(StoreLockedError), other.lock():
                pytest.fail("two engines hold the lock")
            with other.lock(), pytest.raises(StoreLockedError), store.lock():
                pytest.fail("two engines hold the lock")
        finally:
            other.close()

    def _only_durable(self) -> None:
        if not self.durable:
            pytest.skip("this store doesn't say that it is durable")
