"""A cycle that ends early: where Marketo's stream goes on in the next one."""

from __future__ import annotations

import threading

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.entities import Side
from tests.engine.world import World


def stopped_after_the_first_write(world: World) -> None:
    stop = threading.Event()
    report = world.engine.run(stop=stop, on_event=lambda event: stop.set() if event.kind == "written" else None)
    assert report.stopped


def place(world: World) -> str | None:
    (entity, *_) = world.engine._open(world.store).persons()
    return world.store.checkpoint(world.marketo.stream(entity))


def grown() -> tuple[World, str]:
    """Return a world whose last cycle wrote persons that the stream shows by now, and a new row beside a known one."""
    world = World()
    known = world.lead(lastname="A", emailaddress1="a@x.com", jobtitle="old")
    world.engine.run()
    world.lead(lastname="B")
    world.contact(lastname="C")
    return world, known


def test_it_goes_on_where_all_that_it_told_of_was_our_own() -> None:
    world, _ = grown()
    world.dynamics.expire()
    before = place(world)
    stopped_after_the_first_write(world)
    assert place(world) != before
    world.settle()
    assert len(world.marketo.rows("person")) == 3


@pytest.mark.parametrize("listed", [True, False])
def test_an_edit_that_the_early_end_left_undone_is_met_again(listed: bool) -> None:
    world, known = grown()
    world.engine.run()
    world.lead(lastname="D")
    world.contact(lastname="E")
    world.marketo.change("person", str(world.linked("lead", known)), title="new")
    if listed:
        world.dynamics.expire()
    stopped_after_the_first_write(world)
    world.settle()
    assert (world.dynamics.row("leads", known) or {})["jobtitle"] == "new"


def test_a_deletion_that_the_early_end_left_undone_is_met_again() -> None:
    world, known = grown()
    world.marketo.remove("person", str(world.linked("lead", known)))
    stopped_after_the_first_write(world)
    world.settle()
    assert world.linked("lead", known) is None


def test_a_record_that_waits_for_a_person_to_change_hears_of_it_after_an_early_end() -> None:
    world = World()
    twins = [world.person(lastName="A", email="a@x.com") for _ in range(2)]
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    assert [parked.reason for parked in world.store.parked()] == ["ambiguous"]
    world.marketo.change("person", twins[1], email="b@x.com")
    world.lead(lastname="B")
    world.contact(lastname="C")
    stopped_after_the_first_write(world)
    world.settle()
    assert world.linked("lead", row) == twins[0]


def test_a_refused_write_is_tried_again_when_its_person_changes_after_an_early_end() -> None:
    world, known = grown()
    world.engine.run()
    person = str(world.linked("lead", known))
    world.dynamics.refuse = lambda write: Problem("x", "no") if write.entity.name == "lead" else None
    world.marketo.change("person", person, title="refused")
    world.engine.run()
    assert [(item.side, item.id) for item in world.store.rejected()] == [(Side.DYNAMICS.value, person)]
    world.dynamics.refuse = None
    world.marketo.change("person", person, title="taken")
    world.lead(lastname="D")
    world.contact(lastname="E")
    stopped_after_the_first_write(world)
    world.engine.run()
    assert (world.dynamics.row("leads", known) or {})["jobtitle"] == "taken"
