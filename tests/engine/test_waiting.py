"""What waits is neither lost nor settled by accident, whatever happens around it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketo_dynamics_sync import Hold, PerField
from marketo_dynamics_sync.engine import Event
from marketo_dynamics_sync.errors import QuotaError
from tests.engine.world import World


def held_world() -> tuple[World, str, str]:
    """Return a world in which both sides changed a city that a human has to decide."""
    world = World(policies={"lead": PerField({"city": Hold()})})
    row = world.lead(lastname="Byron", emailaddress1="ada@example.com", address1_city="Rome")
    world.settle()
    person = world.store.links_by_dynamics("lead", [row])[row].marketo_id
    world.later(minutes=1)
    world.marketo.change("person", person, city="Lisbon")
    world.dynamics.change("leads", row, address1_city="Porto")
    world.engine.run()
    assert [(p.field, p.id) for p in world.store.parked()] == [("city", row)]
    return world, row, person


def cities(world: World, row: str, person: str) -> tuple[object, object]:
    return (world.marketo.row("person", person) or {}).get("city"), (world.dynamics.row("leads", row) or {}).get(
        "address1_city"
    )


@pytest.mark.parametrize("side", ["sales", "marketing"])
def test_a_held_field_stays_held_when_another_field_of_one_side_changes(side: str) -> None:
    world, row, person = held_world()
    world.later(minutes=1)
    if side == "sales":
        world.dynamics.change("leads", row, jobtitle="Poet")
    else:
        world.marketo.change("person", person, title="Poet")
    world.engine.run()
    assert cities(world, row, person) == ("Lisbon", "Porto")
    assert [p.field for p in world.store.parked()] == ["city"]
    assert (world.marketo.row("person", person) or {})["title"] == "Poet"
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Poet"


def test_a_held_field_is_settled_when_somebody_makes_both_sides_equal() -> None:
    world, row, person = held_world()
    world.later(minutes=1)
    world.dynamics.change("leads", row, address1_city="Lisbon")
    world.settle()
    assert cities(world, row, person) == ("Lisbon", "Lisbon")
    assert list(world.store.parked()) == []


@pytest.mark.parametrize("side", ["sales", "marketing"])
def test_a_value_that_cant_be_held_stays_when_the_record_changes_elsewhere(side: str) -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@example.com", mobilephone="+44 1")
    world.settle()
    person = world.store.links_by_dynamics("lead", [row])[row].marketo_id
    world.later(minutes=1)
    world.marketo.change("person", person, leadSource="made up")
    world.engine.run()
    assert [p.field for p in world.store.parked()] == ["source"]
    world.later(minutes=1)
    if side == "sales":
        world.dynamics.change("leads", row, jobtitle="Poet")
    else:
        world.marketo.change("person", person, title="Poet")
    world.settle()
    assert (world.marketo.row("person", person) or {})["leadSource"] == "made up"
    assert [p.field for p in world.store.parked()] == ["source"]


def test_an_edit_after_a_first_copy_that_was_stopped_is_not_missed() -> None:
    world = World()
    rows = [world.lead(lastname=f"Name {n}", emailaddress1=f"p{n}@example.com") for n in range(700)]

    def slow(event: Event) -> None:
        if event.kind == "written":
            world.later(minutes=1)

    report = world.engine.run(deadline=timedelta(seconds=30), on_event=slow)
    assert report.stopped
    linked = next(row for row in rows if world.linked("lead", row))
    world.marketo.change("person", str(world.linked("lead", linked)), title="Countess")
    world.engine.run()
    world.settle()
    assert (world.dynamics.row("leads", linked) or {})["jobtitle"] == "Countess"


def test_a_quota_used_up_before_anything_was_read_ends_with_a_report_too() -> None:
    world = World()
    world.lead(lastname="Byron", emailaddress1="ada@example.com")

    def used_up(*_: object) -> object:
        raise QuotaError("the day's calls are used up", service="marketo")

    world.marketo.describe = used_up  # type: ignore[method-assign, assignment]  # the fault under test
    for report in (world.engine.run(), world.engine.push_persons(["1"])):
        assert "used up" in report.stopped
        assert report.wrote == 0


def test_a_parked_row_that_is_deleted_waits_no_longer() -> None:
    world = World()
    world.person(email="two@example.com", lastName="A")
    world.person(email="two@example.com", lastName="B")
    row = world.lead(lastname="One", emailaddress1="two@example.com")
    world.engine.run()
    assert [p.id for p in world.store.parked()] == [row]
    world.dynamics.remove("leads", row)
    world.engine.run()
    assert list(world.store.parked()) == []


def test_a_push_reports_as_a_push() -> None:
    world = World()
    person = world.person(email="noor@example.org", lastName="El-Amin")
    report = world.engine.push_persons([person])
    assert report.kind == "push"
    assert str(report).startswith("push: done")
    assert not report.first
