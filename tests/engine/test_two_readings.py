"""Tables that don't fit in memory are read twice: for the brakes, and when their turn comes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import evolve

from marketo_dynamics_sync import Brake
from marketo_dynamics_sync.connectors import ChangePage
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.errors import CheckpointExpiredError, PlanRefusedError
from marketo_dynamics_sync.plan import StepKind
from tests.engine.paged import FEW, PAGE, SMALL, ByTime, Paged, deleted, edited, keep, lived, persons
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, fused, killed_everywhere


def read(world: World) -> dict[str, int]:
    """Run a cycle and return how often each table was read."""
    assert isinstance(world.dynamics, Paged)
    world.dynamics.readings.clear()
    world.engine.run()
    return dict(world.dynamics.readings)


@pytest.mark.parametrize("connector", [Paged, ByTime])
def test_only_what_does_not_fit_is_read_twice(monkeypatch: pytest.MonkeyPatch, connector: type[Paged]) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(connector=connector)
    assert read(world) == {"leads": 1, "contacts": 1}
    edited(world, rows[:FEW])
    assert read(world) == {"leads": 1, "contacts": 1}
    world.settle()
    edited(world, rows[:10])
    for row in rows[:10]:
        world.dynamics.change("leads", row, address1_city="Newer")
    assert read(world) == {"leads": 2, "contacts": 1}
    world.settle()


def test_the_first_copy_reads_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, FEW)
    world = World(connector=Paged, brakes=SMALL)
    for n in range(30):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com")
    assert read(world) == {"leads": 1, "contacts": 1}
    assert isinstance(world.dynamics, Paged)
    assert world.dynamics.pages["leads"] == 30 // PAGE
    world.settle()


def test_what_is_kept_is_shared_by_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows and tables change, few pages are in memory at once."""
    keep(monkeypatch, FEW)
    world, rows = lived()
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@example.com") for n in range(30)]
    world.settle()
    alive: list[weakref.ref[ChangePage]] = []
    most = [0]

    def shown(page: ChangePage) -> ChangePage:
        gc.collect()
        most[0] = max(most[0], sum(len(p.records) for r in alive if (p := r()) is not None))
        fresh = evolve(page, records=list(page.records))
        alive.append(weakref.ref(fresh))
        return fresh

    world.dynamics.shown = shown  # type: ignore[attr-defined]  # a spy
    edited(world, rows[:28])
    for row in contacts[:14]:
        world.dynamics.change("contacts", row, address1_city="New")
    world.engine.run()
    assert len(alive) > 20
    assert 0 < most[0] <= 3 * PAGE


EDITS = [
    lambda world, rows: world.dynamics.change("leads", rows[2], address1_city="Between"),
    lambda world, rows: world.dynamics.change("leads", rows[50], address1_city="Between"),
    lambda world, rows: world.marketo.change("person", persons(world, rows[2:3])[0], title="Between"),
    lambda world, rows: world.dynamics.remove("leads", rows[2]),
    lambda world, rows: world.dynamics.remove("leads", rows[50]),
    lambda world, rows: world.lead(lastname="Between", emailaddress1="between@example.com"),
]


@pytest.mark.parametrize("lost", [False, True], ids=["changes", "listing"])
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_between_the_two_readings_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, edit: Callable[[World, list[str]], object], lost: bool
) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(on_delete={"lead": OnDelete.DELETE})
    edited(world, rows[:10])
    if lost:
        world.dynamics.expire()
    done: list[int] = []

    def between(table: str, times: int) -> None:
        if table == "leads" and not done:
            done.append(times)
            edit(world, rows)

    world.dynamics.at_end = between  # type: ignore[attr-defined]  # a user, when the table was looked at
    world.engine.run()
    assert done
    world.settle()
    leads = world.dynamics.rows("leads")
    assert {link.dynamics_id for link in world.store.links("lead")} == set(leads)
    for link in world.store.links("lead"):
        person = world.marketo.row("person", link.marketo_id)
        assert person is not None
        assert person.get("city") == leads[link.dynamics_id].get("address1_city")
        assert person.get("title") == leads[link.dynamics_id].get("jobtitle")
    assert len(world.marketo.rows("person")) == len(leads)


@pytest.mark.parametrize("lost", [False, True], ids=["changes", "listing"])
def test_deletions_that_come_between_the_readings_brake_before_the_first_of_them(
    monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(on_delete={"lead": OnDelete.DELETE})
    edited(world, rows[:10])
    if lost:
        world.dynamics.expire()
    left = [rows[30:]]

    def between(table: str, times: int) -> None:
        if table == "leads" and left:
            deleted(world, left.pop())

    world.dynamics.at_end = between  # type: ignore[attr-defined]  # an accident, when the table was looked at
    with pytest.raises(PlanRefusedError, match=r"30 of 60 .*None of these was touched"):
        world.engine.run()
    assert len(world.marketo.rows("person")) == 60
    with pytest.raises(PlanRefusedError, match=r"30 of 60 .*Nothing was written"):
        world.engine.run()
    world.engine.run(release=[Brake.DELETES])
    world.settle()
    assert len(world.marketo.rows("person")) == 30


@pytest.mark.parametrize("gone", [5, 30])
def test_a_checkpoint_that_is_lost_between_the_readings_compares_everything_behind_the_brakes(
    monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(on_delete={"lead": OnDelete.DELETE})
    edited(world, rows[:10])
    changes = world.dynamics.changes
    asked: list[str | None] = []

    def once_lost(entities: Sequence[object], checkpoint: str | None) -> Iterator[ChangePage]:
        asked.append(checkpoint)
        if len(asked) == 3:  # leads and contacts were looked at
            deleted(world, rows[60 - gone :])
            raise CheckpointExpiredError("too old", service="dynamics", code="expired")
        yield from changes(entities, checkpoint)  # type: ignore[arg-type]  # handed through

    world.dynamics.changes = once_lost  # type: ignore[method-assign, assignment]  # the fault under test
    if gone == 30:
        with pytest.raises(PlanRefusedError, match=r"30 of 60 .*None of these was touched"):
            world.engine.run()
        assert len(world.marketo.rows("person")) == 60
        return
    assert world.engine.run().full_comparisons == ["changes of leads: expired"]
    world.settle()
    assert len(world.marketo.rows("person")) == 55


def busy(fuse: Fuse) -> World:
    """Return a world with two tables that don't fit, and a deletion in each."""
    world = World(store=FusedStore(), connector=Paged, brakes=SMALL, on_delete={"lead": OnDelete.DELETE})
    leads = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com") for n in range(8)]
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@example.com") for n in range(7)]
    world.settle()
    world.later(minutes=5)
    for row in leads[:5]:
        world.dynamics.change("leads", row, address1_city="New")
    for row in contacts[:5]:
        world.dynamics.change("contacts", row, address1_city="New")
    world.dynamics.remove("leads", leads[6])
    world.dynamics.remove("contacts", contacts[6])
    world.lead(lastname="Late", emailaddress1="late@example.com")
    fused(world, fuse)
    return world


def lost(fuse: Fuse) -> World:
    world = busy(fuse)
    world.dynamics.expire()
    return world


def held(world: World) -> object:
    """Return what both sides hold, without ids."""
    people = sorted(sorted((k, str(v)) for k, v in p.items()) for p in world.marketo.rows("person").values())
    return people, [world.store.count_links(name) for name in ("lead", "contact")], list(world.store.parked())


@pytest.mark.parametrize("prepared", [busy, lost])
def test_killed_anywhere_in_the_two_readings(
    monkeypatch: pytest.MonkeyPatch, prepared: Callable[[Fuse], World]
) -> None:
    keep(monkeypatch, FEW)
    killed_everywhere(prepared, lambda world: world.engine.run(), held)


@pytest.mark.parametrize("connector", [Paged, ByTime])
def test_a_plan_of_large_tables_is_what_the_run_does(monkeypatch: pytest.MonkeyPatch, connector: type[Paged]) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(connector=connector)
    edited(world, rows[:15])
    deleted(world, rows[50:])
    world.lead(lastname="New", emailaddress1="new@example.com")
    planned = [step.kind for step in world.engine.plan().steps]
    report = world.engine.run()
    assert planned.count(StepKind.SYNC) == report.counts["lead", "to Marketo", "updated"] - 10 == 15
    assert planned.count(StepKind.CREATE_PERSON) == report.counts["lead", "to Marketo", "created"] == 1
