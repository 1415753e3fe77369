"""Both stores keep every promise of the protocol, and answer alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.state import Commit, Intent, Link, MemoryStateStore, SQLiteStateStore, StateStore
from marketo_dynamics_sync.testing import StateStoreSuite, links
from marketo_dynamics_sync.testing.store_case import everything, full_commit, later, link, parked, rejected, row_id
from marketo_dynamics_sync.testing.store_notes import spelled


class TestMemoryStateStore(StateStoreSuite):
    def make_store(self) -> StateStore:
        return MemoryStateStore()


class TestSQLiteStateStore(StateStoreSuite):
    durable: ClassVar[bool] = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "sync.db"

    def make_store(self) -> StateStore:
        return SQLiteStateStore(self.path)

    def reopen(self, store: StateStore) -> StateStore:
        return SQLiteStateStore(self.path)


@pytest.fixture(scope="module")
def new_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], tuple[StateStore, StateStore]]]:
    """Both stores, empty; closed after the test."""
    folder, numbers, opened = tmp_path_factory.mktemp("pairs"), count(), []

    def make() -> tuple[StateStore, StateStore]:
        opened.append(SQLiteStateStore(folder / f"{next(numbers)}.db"))
        return MemoryStateStore(), opened[-1]

    yield make
    for store in opened:
        store.close()


NUMBERS = st.integers(0, 5)
ROW = NUMBERS.map(row_id)
ENTITY = st.sampled_from(["lead", "contact"])
SIDE = st.sampled_from(["marketo", "dynamics"])
ID = NUMBERS.map(str)
FIELD = st.sampled_from(["", "email", "phone"])
NAME = st.sampled_from(["persons", "rows:1", "mapping:1"])


def some(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(one, max_size=4)


COMMITS = st.builds(
    Commit,
    put_links=some(st.builds(link, NUMBERS, ENTITY, person=NUMBERS, name=ID)),
    drop_links=some(st.tuples(ENTITY, ROW)),
    checkpoints=st.dictionaries(NAME, st.none() | ID, max_size=2),
    park=some(
        st.builds(lambda i, f, e, s, at: parked(i, f, entity=e, side=s, since=at), ID, FIELD, ENTITY, SIDE, NUMBERS)
    ),
    unpark=some(st.tuples(ENTITY, SIDE, ID, FIELD | st.just("*"))),
    reject=some(st.builds(rejected, ID, entity=ENTITY, side=SIDE, due=NUMBERS)),
    unreject=some(st.tuples(ENTITY, SIDE, ID)),
    put_intents=some(st.builds(Intent, ENTITY, ID, ROW, NUMBERS.map(later))),
    drop_intents=some(st.tuples(ENTITY, ID)),
    facts=st.dictionaries(NAME, st.none() | ID, max_size=2),
    seen=some(st.tuples(ENTITY, some(ROW))),
)


@given(steps=st.lists(COMMITS | st.sampled_from(["lead", "contact"]), min_size=1, max_size=6))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_stores_hold_the_same_after_any_commits(
    new_pair: Callable[[], tuple[StateStore, StateStore]], steps: list[Commit | str]
) -> None:
    """A step is a commit, or the name of an entity that starts a new listing."""
    memory, sqlite = new_pair()
    for step in steps:
        for store in (memory, sqlite):
            if isinstance(step, Commit):
                store.commit(step)
            else:
                store.forget_seen(step)
        # Ties in the order of parked and rejected records are broken alike as well.
        assert everything(memory, most=6) == everything(sqlite, most=6)
    for word in ("", "lead", "*"):
        assert list(memory.parked(word)) == list(sqlite.parked(word))
        assert list(memory.rejected(word)) == list(sqlite.rejected(word))
    sqlite.close()


@given(kept=st.lists(links() | links("contact"), max_size=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_link_comes_back_as_it_was(new_pair: Callable[[], tuple[StateStore, StateStore]], kept: list[Link]) -> None:
    for store in new_pair():
        for one in kept:
            store.commit(Commit(put_links=[one]))
            found = store.links_by_dynamics(one.entity, [one.dynamics_id])
            assert found == {one.dynamics_id: one}
            assert spelled(found[one.dynamics_id].base) == spelled(one.base)
        store.close()


def test_a_memory_store_says_what_it_is() -> None:
    store = MemoryStateStore()
    store.close()
    store.commit(full_commit())
    assert repr(store) == "MemoryStateStore()"
    assert store.count_links("lead") == 1


def test_links_that_are_removed_while_memory_is_read_are_left_out() -> None:
    store = MemoryStateStore()
    store.commit(Commit(put_links=[link(1), link(2), evolve(link(3), version="v")]))
    met = []
    for found in store.links("lead"):
        met.append(found.marketo_id)
        store.commit(Commit(drop_links=[("lead", row_id(2))]))
    assert met == ["1", "3"]
