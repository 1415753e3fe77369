"""Records that wait: listed with what a person needs to know, tried again on request, and taken off the list."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from marketo_dynamics_sync import Brakes
from marketo_dynamics_sync.conflict import Hold, PerField
from marketo_dynamics_sync.connectors import Problem, Write
from marketo_dynamics_sync.engine import OnDelete, OnMerge, WaitingRecord
from marketo_dynamics_sync.entities import Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning

NO = Problem("1006", "Field 'x' not found", "x")


def refusing(world: World, *sides: str) -> None:
    for side in sides:
        getattr(world, side).refuse = lambda write: NO


def waits(world: World, **options: Any) -> list[tuple[object, ...]]:
    return [(w.kind, w.entity, w.direction, w.operation, w.code) for w in world.engine.waiting(**options)]


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_refused_record_says_object_operation_direction_code_and_message(side: str, operation: str) -> None:
    both = {"lead": OnDelete.DELETE, ("lead", Side.MARKETO): OnDelete.DELETE}
    world = World((Lead,), on_delete=both, push_rule=lambda person: "lead")
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    world.settle()
    person = str(world.linked("lead", row))
    refusing(world, side)
    if operation == "create":
        person, row = ("", world.lead(lastname="N", emailaddress1="n@x.com"))
        if side == "dynamics":
            world.dynamics.remove("leads", row)
            person, row = world.person(lastName="N", email="n@x.com"), ""
    elif operation == "update":
        if side == "marketo":
            world.dynamics.change("leads", row, jobtitle="Poet")
        else:
            world.marketo.change("person", person, title="Poet")
    elif side == "marketo":
        world.dynamics.remove("leads", row)
    else:
        world.marketo.remove("person", person)
    world.engine.run()
    (found,) = world.engine.waiting()
    assert (found.kind, found.entity, found.operation, found.direction) == (
        "rejected",
        "lead",
        operation,
        f"to {side.title()}",
    )
    assert (found.code, found.message, found.field, found.attempts) == ("1006", "Field 'x' not found", "x", 1)
    assert (found.marketo_id or "", found.dynamics_id or "") == (person, row)
    assert found.since == world.time
    assert found.next_try is not None
    assert f"{operation} to {side.title()}: rejected: 1006" in str(found)


def test_parked_records_and_fields_are_listed_too_and_lists_can_be_narrowed() -> None:
    world = World(policies={"contact": PerField({"city": Hold("ask her")})})
    world.lead(lastname="One", emailaddress1="two@x.com")
    world.person(email="two@x.com", lastName="A")
    world.person(email="two@x.com", lastName="B")
    contact = world.contact(lastname="C", emailaddress1="c@x.com", address1_city="Rome")
    world.settle()
    world.dynamics.change("contacts", contact, address1_city="Oslo")
    world.marketo.change("person", str(world.linked("contact", contact)), city="Bern")
    refused = world.contact(lastname="R", emailaddress1="r@x.com")
    refusing(world, "marketo")
    world.engine.run()
    world.marketo.refuse = None
    assert sorted(waits(world)) == [
        ("parked", "contact", "to Marketo", "", "held"),
        ("parked", "lead", "to Marketo", "", "ambiguous"),
        ("rejected", "contact", "to Marketo", "create", "1006"),
    ]
    held = next(world.engine.waiting(entity="contact", kind="parked"))
    assert (held.field, held.message, held.marketo_id) == ("city", "ask her", world.linked("contact", contact))
    ambiguous = next(world.engine.waiting(entity=Lead))
    assert ambiguous.message == "1, 2"
    assert "city" in str(held)
    assert [w.dynamics_id for w in world.engine.waiting(kind="rejected")] == [refused]
    with pytest.raises(ConfigurationError, match="'rejected' or 'parked'"):
        world.engine.waiting(kind="lost")


def test_a_refused_record_is_tried_again_on_request_without_waiting_for_its_turn() -> None:
    world = World((Lead,))
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(3)]
    refusing(world, "marketo")
    world.engine.run()
    assert len(list(world.engine.waiting())) == 3
    world.marketo.refuse = None
    assert world.engine.run().wrote == 0, "it isn't their turn"
    other = world.lead(lastname="Other", emailaddress1="other@x.com")
    first = next(w for w in world.engine.waiting() if w.dynamics_id == rows[0])
    report = world.engine.retry([first])
    assert (report.kind, report.wrote) == ("retry", 1)
    assert [world.linked("lead", row) is not None for row in rows] == [True, False, False]
    assert world.engine.retry().wrote == 2
    assert list(world.engine.waiting()) == []
    assert world.linked("lead", other) is None, "nothing else is looked at"
    assert world.engine.status().runs[0].kind == "retry"
    world.settle()


def test_what_is_refused_again_waits_longer() -> None:
    world = World((Lead,))
    world.lead(lastname="L", emailaddress1="l@x.com")
    refusing(world, "marketo")
    world.engine.run()
    (first,) = world.engine.waiting()
    world.engine.retry([first])
    (again,) = world.engine.waiting()
    assert (again.attempts, again.since) == (2, first.since)
    assert again.next_try is not None
    assert first.next_try is not None
    assert again.next_try > first.next_try


def test_persons_that_could_not_be_pushed_or_written_to_dynamics_are_tried_again() -> None:
    world = World((Lead,), push_rule=lambda person: "lead")
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    world.settle()
    refusing(world, "dynamics")
    world.marketo.change("person", str(world.linked("lead", row)), title="Poet")
    person = world.person(lastName="N", email="n@x.com")
    world.engine.run()
    assert {w.operation for w in world.engine.waiting()} == {"create", "update"}
    world.dynamics.refuse = None
    assert world.engine.retry().wrote >= 2
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Poet"
    assert world.store.links_by_marketo([person])
    world.settle()
    assert list(world.engine.waiting()) == []


def test_a_parked_row_is_matched_anew_on_request() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="two@x.com")
    one, two = (world.person(email="two@x.com", lastName=name) for name in "AB")
    world.settle()
    del world.marketo._rows["person"][two]
    world.marketo._index.clear()
    world.engine.retry()
    assert world.linked("lead", row) == one
    assert list(world.engine.waiting()) == []


def test_rows_that_are_gone_leave_the_list() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    refusing(world, "marketo")
    world.engine.run()
    world.dynamics.remove("leads", row)
    world.engine.retry()
    assert list(world.engine.waiting()) == []


def test_a_retry_stops_when_it_is_told_to() -> None:
    world = World((Lead,))
    world.lead(lastname="L", emailaddress1="l@x.com")
    refusing(world, "marketo")
    world.engine.run()
    stop = threading.Event()
    stop.set()
    assert world.engine.retry(stop=stop).stopped == "asked to stop"


def test_a_dismissed_record_is_forgotten_until_it_changes() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    refusing(world, "marketo")
    world.engine.run()
    (found,) = world.engine.waiting()
    assert world.engine.dismiss([found, found]) == 1
    assert world.engine.dismiss([found]) == 0
    world.later(days=3)
    assert world.engine.run().wrote == 0
    assert list(world.engine.waiting()) == []
    assert [(e.kind, e.dynamics_id, e.detail) for e in world.store.journal()] == [
        ("dismissed", row, {"kind": "rejected"})
    ]
    world.marketo.refuse = None
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.settle()
    assert world.person_of("lead", row)["title"] == "Poet"


def test_a_dismissed_push_is_not_tried_again() -> None:
    world = World((Lead,), push_rule=lambda person: "lead")
    world.engine.run()
    person = world.person(lastName="N", email="n@x.com")
    refusing(world, "dynamics")
    world.engine.run()
    assert world.engine.dismiss(world.engine.waiting()) == 1
    world.dynamics.refuse = None
    world.later(days=3)
    world.engine.run()
    assert world.dynamics.rows("leads") == {}
    assert [entry.marketo_id for entry in world.store.journal()] == [person]


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
def test_a_dismissed_field_is_not_overwritten_unseen(side: str) -> None:
    world = World((Lead,), policies={"lead": PerField({"city": Hold()})})
    row = world.lead(lastname="L", emailaddress1="l@x.com", address1_city="Rome")
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, address1_city="Oslo")
    world.marketo.change("person", person, city="Bern")
    world.settle()
    assert world.engine.dismiss(world.engine.waiting()) == 1
    assert list(world.engine.waiting()) == []
    if side == "dynamics":
        world.dynamics.change("leads", row, jobtitle="Poet")
    else:
        world.marketo.change("person", person, title="Poet")
    world.settle()
    assert (world.person_of("lead", row)["city"], (world.dynamics.row("leads", row) or {})["address1_city"]) == (
        "Bern",
        "Oslo",
    )
    assert [w.field for w in world.engine.waiting()] == ["city"], "it waits again"


def test_a_dismissed_write_that_was_refused_comes_back_with_the_next_edit() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    world.settle()
    world.marketo.refuse = lambda write: NO if isinstance(write, Write) and "job_title" in write.values else None
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.engine.run()
    world.engine.dismiss(list(world.engine.waiting()))
    world.marketo.refuse = None
    world.dynamics.change("leads", row, fax="7")
    world.settle()
    assert (world.person_of("lead", row)["title"], world.person_of("lead", row)["fax"]) == ("Poet", "7")


def test_long_lists_come_with_the_ids_of_both_sides() -> None:
    world = World((Lead,), brakes=Brakes(min_changes=2000))
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(1100)]
    world.settle()
    refusing(world, "marketo")
    for row in rows:
        world.dynamics.change("leads", row, jobtitle="Poet")
    world.engine.run()
    found = list(world.engine.waiting())
    assert {(w.marketo_id, w.dynamics_id) for w in found} == {(world.linked("lead", row), row) for row in rows}
    assert all(isinstance(w, WaitingRecord) and w.operation == "update" for w in found)


def test_killed_at_any_step_of_a_retry_nothing_is_doubled_and_nothing_lost() -> None:
    steps = 0
    for step in range(40):
        store = FusedStore()
        store.fuse = Fuse()
        world = World((Lead,), store=store)
        rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(3)]
        refusing(world, "marketo")
        world.engine.run()
        world.marketo.refuse = None
        fuse = store.fuse = Fuse(step)
        world.marketo.write = burning(world.marketo.write, fuse)  # type: ignore[method-assign]  # the kill under test
        try:
            world.engine.retry()
            steps = step
        except Killed:
            fuse.left = None
            world.engine = world.new_engine()
            world.later(days=2)
            world.engine.run()
        assert len(world.marketo.rows("person")) == 3
        assert all(world.linked("lead", row) for row in rows), f"killed at step {step}"
        assert list(world.engine.waiting()) == []
        if steps:
            break
    assert steps >= 4


def test_trying_again_decides_nothing_that_a_human_is_to_decide() -> None:
    world = World(on_merge=OnMerge.HOLD)
    lead = world.lead(lastname="A", emailaddress1="a@x.com")
    contact = world.contact(lastname="B", emailaddress1="b@x.com")
    world.settle()
    world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.settle()
    world.engine.retry()
    assert [parked.reason for parked in world.store.parked()] == ["two-persons"]
    world.dynamics.remove("leads", lead)
    world.engine.retry()
    assert list(world.store.parked()) == [], "a row that is gone waits for nobody"
