"""Killed between any two steps, or handed any mix of edits: both sides end up the same, nobody is lost or doubled."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning, killed_everywhere


def prepared(fuse: Fuse) -> World:
    """Return a world in the middle of its life, with edits of all kinds waiting."""
    store = FusedStore()
    world = World(store=store)
    leads = [world.lead(lastname=f"Lead {n}", emailaddress1=f"l{n}@example.com", jobtitle="old") for n in range(6)]
    contacts = [world.contact(lastname=f"Contact {n}", emailaddress1=f"c{n}@example.com") for n in range(4)]
    world.settle()
    world.later(minutes=5)
    person = {row: world.store.links_by_dynamics("lead", [row])[row].marketo_id for row in leads}
    member = {row: world.store.links_by_dynamics("contact", [row])[row].marketo_id for row in contacts}
    world.dynamics.change("leads", leads[0], jobtitle="sales says")
    world.marketo.change("person", person[leads[1]], title="marketing says")
    world.dynamics.change("leads", leads[2], jobtitle="sales says")
    world.marketo.change("person", person[leads[2]], title="marketing says")
    world.dynamics.change("contacts", contacts[0], jobtitle="sales says")
    world.marketo.change("person", member[contacts[0]], title="marketing says", unsubscribed=True)
    world.dynamics.remove("leads", leads[3])
    world.marketo.remove("person", person[leads[4]])
    world.lead(lastname="New", emailaddress1="new@example.com")
    world.person(lastName="Known", email="known@example.com")
    world.contact(lastname="Known", emailaddress1="KNOWN@example.com")
    buyer = world.contact(lastname="Qualified", emailaddress1="l5@example.com", _originatingleadid_value=leads[5])
    world.dynamics.change("leads", leads[5], statecode=1, statuscode=3, _parentcontactid_value=buyer)
    world.person(lastName="Pushed", email="pushed@example.com", company="Oasis")
    store.fuse = fuse
    for connector in (world.marketo, world.dynamics):
        connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
    return world


def work(world: World) -> None:
    world.engine.run()
    pushed = [i for i, row in world.marketo.rows("person").items() if row.get("lastName") == "Pushed"]
    world.engine.push_persons(pushed)


def picture(world: World) -> tuple[object, ...]:
    """Return what both sides hold, without ids that differ from run to run."""
    people = sorted(
        sorted((k, str(v)) for k, v in row.items() if k not in ("id", "dynamicsId")) for row in _rows(world, "marketo")
    )
    rows = sorted(
        sorted((k, str(v)) for k, v in row.items() if not k.endswith("id")) for row in _rows(world, "dynamics")
    )
    links = sorted((e, world.store.count_links(e)) for e in ("lead", "contact"))
    parked = sorted((p.entity, p.field, p.reason) for p in world.store.parked())
    return people, rows, links, parked


def _rows(world: World, side: str) -> list[dict[str, object]]:
    if side == "marketo":
        return list(world.marketo.rows("person").values())
    return [row for name in ("leads", "contacts") for row in world.dynamics.rows(name).values()]


def undisturbed() -> tuple[tuple[object, ...], int]:
    fuse = Fuse()
    world = prepared(fuse)
    work(world)
    steps = fuse.passed
    world.settle()
    return picture(world), steps


def test_killed_at_any_step_the_next_runs_end_in_the_same_state() -> None:
    killed_everywhere(prepared, work, picture)


def test_killed_twice() -> None:
    wanted, steps = undisturbed()
    for first in range(0, steps, 3):
        for second in range(0, steps, 5):
            fuse = Fuse(first)
            world = prepared(fuse)
            for left in (second, None):
                try:
                    work(world)
                except Killed:
                    fuse.left = left
                    world.engine = world.new_engine()
            fuse.left = None
            work(world)
            world.settle()
            assert picture(world) == wanted, f"killed at steps {first} and {second}"


VALUES = st.sampled_from([None, "", "a", "b", " padded ", "Ünï"])
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["sales", "marketing", "cycle"]),
        st.sampled_from(["lead", "contact"]),
        st.integers(0, 2),
        st.sampled_from(["title", "city", "unsubscribed"]),
        VALUES,
        st.booleans(),
    ),
    max_size=25,
)
COLUMNS = {"title": "jobtitle", "city": "address1_city", "unsubscribed": "donotbulkemail"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS)
def test_whatever_is_edited_in_whatever_order_both_sides_agree_in_the_end(edits: list[tuple[Any, ...]]) -> None:
    world = World()
    rows = {
        "lead": [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com") for n in range(3)],
        "contact": [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@example.com") for n in range(3)],
    }
    world.settle()
    for who, entity, number, field, text, flag in edits:
        world.later(seconds=30)
        row = rows[entity][number]
        value = flag if field == "unsubscribed" else text
        if who == "sales":
            world.dynamics.change(f"{entity}s", row, **{COLUMNS[field]: value})
        elif who == "marketing":
            person = world.store.links_by_dynamics(entity, [row])[row].marketo_id
            world.marketo.change("person", person, **{field: value})
        else:
            world.engine.run()
    world.settle()

    for entity, ids in rows.items():
        for row in ids:
            person, columns = world.person_of(entity, row), world.dynamics.row(f"{entity}s", row) or {}
            for field, column in COLUMNS.items():
                ours, theirs = person.get(field), columns.get(column)
                if isinstance(ours, str) or isinstance(theirs, str):
                    ours, theirs = (str(ours or "").strip() or None), (str(theirs or "").strip() or None)
                assert (ours or None) == (theirs or None), (entity, field)
    before = copy.deepcopy((world.marketo.rows("person"), world.dynamics.rows("leads")))
    world.engine.run()
    assert before == (world.marketo.rows("person"), world.dynamics.rows("leads"))


@pytest.mark.parametrize("side", ["sales", "marketing"])
@settings(max_examples=30)
@given(text=VALUES, other=VALUES)
def test_an_edit_on_one_side_only_always_reaches_the_other(side: str, text: str | None, other: str | None) -> None:
    world = World()
    row = world.contact(lastname="C", emailaddress1="c@example.com", jobtitle=other)
    world.settle()
    person = world.store.links_by_dynamics("contact", [row])[row].marketo_id
    world.later(minutes=1)
    if side == "sales":
        world.dynamics.change("contacts", row, jobtitle=text)
    else:
        world.marketo.change("person", person, title=text)
    report = world.engine.run()
    assert not report.conflicts
    wanted = (text or "").strip() or None
    assert ((world.person_of("contact", row).get("title") or "") or None) in (wanted, text or None)
    columns = world.dynamics.row("contacts", row) or {}
    assert (str(columns.get("jobtitle") or "").strip() or None) == wanted
