"""The undo log, against a copy: undone work leaves everything as it was, except that versions only rise."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.sandbox.dataverse.metadata import Column, Key, Table
from marketo_dynamics_sync.sandbox.dataverse.storage import Storage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDS = st.sampled_from(["a", "b", "c", "d"])
STEP = st.one_of(
    st.tuples(st.just("put"), IDS, st.sampled_from(["x", "Y", None]), IDS),
    st.tuples(st.just("remove"), IDS),
    st.tuples(st.just("link"), IDS, IDS),
    st.tuples(st.just("unlink"), IDS, IDS),
)


def table() -> Table:
    columns = {"id": Column("id", "Uniqueidentifier"), "code": Column("code"), "peer": Column("peer", "Lookup")}
    return Table("thing", "things", "id", columns, keys=[Key("code", ("code",))])


def distinct(step: tuple[str, ...]) -> tuple[str | None, ...]:
    """Two rows under one code can't come about above the storage: keys are checked there."""
    return (*step[:2], None, *step[3:]) if step[0] == "put" and step[1] != "a" else step


def carry_out(storage: Storage, step: tuple[str, ...]) -> None:
    if step[0] == "put":
        row = {"id": step[1], "code": step[2], "_peer_value": step[3]}
        storage.put("thing", step[1], {name: value for name, value in row.items() if value is not None})
    elif step[0] == "remove":
        if step[1] in storage.table("thing"):
            storage.remove("thing", step[1], NOW)
    elif step[0] == "link":
        storage.link("pairs", step[1], step[2])
    else:
        storage.unlink("pairs", step[1], step[2])


def picture(storage: Storage, things: Table) -> object:
    version = storage.version
    return copy.deepcopy(
        (
            dict(storage.table("thing")),
            storage.ids("thing"),
            sorted(storage.linked("pairs")),
            sorted(str(row) for row in storage.changed("thing", 0, version)),
            storage.gone("thing", 0, version),
            [storage.is_pointed_to(row) for row in "abcd"],
            [storage.by_key(things, things.keys[0], (code,)) for code in ("x", "y", "z")],
        )
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP), st.lists(STEP), st.lists(STEP), st.booleans())
def test_undone_work_leaves_no_trace(before, work, inner, indexed: bool) -> None:
    things = table()
    storage = Storage({"thing": things})
    seen = False
    for step in before:
        carry_out(storage, distinct(step))
    if indexed:
        seen = storage.by_key(things, things.keys[0], ("x",)) is not None
    old, version = picture(storage, things), storage.version

    def fail() -> None:
        with storage.transaction():
            for step in work:
                carry_out(storage, distinct(step))
            with storage.transaction():
                for step in inner:
                    carry_out(storage, distinct(step))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert picture(storage, things) == old
    assert storage.version >= version
    assert not seen or storage.by_key(things, things.keys[0], ("X",)) == "a"


def test_an_inner_failure_that_is_caught_undoes_only_the_inner_work() -> None:
    storage = Storage({"thing": table()})

    def fail() -> None:
        with storage.transaction():
            storage.put("thing", "b", {"id": "b"})
            raise RuntimeError

    with storage.transaction():
        storage.put("thing", "a", {"id": "a"})
        with pytest.raises(RuntimeError):
            fail()
    assert storage.ids("thing") == ["a"]


def test_the_list_of_changes_stays_short() -> None:
    storage = Storage({"thing": table()})
    for _ in range(1000):
        storage.put("thing", "a", {"id": "a"})
    assert len(storage._changes["thing"]) < 100
    assert [row["id"] for row in storage.changed("thing", 0, storage.version)] == ["a"]
    assert storage.changed("thing", storage.version, storage.version) == []


def test_a_row_that_came_back_isnt_gone() -> None:
    storage = Storage({"thing": table()})
    storage.put("thing", "a", {"id": "a"})
    storage.remove("thing", "a", NOW)
    assert [stone.id for stone in storage.gone("thing", 0, storage.version)] == ["a"]
    storage.put("thing", "a", {"id": "a"})
    assert storage.gone("thing", 0, storage.version) == []
