"""Events that a host can forward: what was refused or parked, and that it is over."""

from __future__ import annotations

from collections.abc import Callable

from marketo_dynamics_sync.conflict import Hold, PerField
from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.engine import Event, SyncReport
from marketo_dynamics_sync.entities import Lead, Side
from tests.engine.world import World


def told(run: Callable[..., SyncReport], *kinds: str) -> list[Event]:
    events: list[Event] = []
    run(on_event=events.append)
    return [event for event in events if event.kind in (kinds or ("parked", "rejected", "resolved"))]


def test_a_refused_record_and_its_resolution_are_told_once_each() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    world.marketo.refuse = lambda write: Problem("1006", "no")
    assert told(world.engine.run) == [Event("rejected", "lead", Side.MARKETO, 1, "1006", row)]
    world.later(hours=1)
    assert told(world.engine.run) == [Event("rejected", "lead", Side.MARKETO, 1, "1006", row)]
    world.marketo.refuse = None
    world.later(hours=1)
    assert told(world.engine.run) == [Event("resolved", "lead", Side.MARKETO, 1, "1006", row)]
    world.later(hours=1)
    assert told(world.engine.run) == []


def test_a_parked_record_and_a_held_field_are_told_and_so_is_their_end() -> None:
    world = World((Lead,), policies={"lead": PerField({"city": Hold()})})
    row = world.lead(lastname="L", emailaddress1="l@x.com", address1_city="Rome")
    two = world.lead(lastname="L", emailaddress1="two@x.com")
    one, other = (world.person(email="two@x.com", lastName=name) for name in "AB")
    assert told(world.engine.run) == [Event("parked", "lead", None, 1, "ambiguous", two)]
    person = str(world.linked("lead", row))
    world.marketo.merge("person", other, one)
    world.dynamics.change("leads", row, address1_city="Oslo")
    world.marketo.change("person", person, city="Bern")
    assert sorted(told(world.engine.run), key=str) == [
        Event("parked", "lead", None, 1, "city: held", row),
        Event("resolved", "lead", Side.MARKETO, 1, "ambiguous", two),
    ]
    world.marketo.change("person", person, city="Oslo")
    assert told(world.engine.run) == [Event("resolved", "lead", Side.MARKETO, 1, "city: held", row)]


def test_records_that_are_gone_are_resolved_too() -> None:
    world = World((Lead,), push_rule=lambda person: "lead")
    refused = world.lead(lastname="L", emailaddress1="l@x.com")
    person = world.person(lastName="N", email="n@x.com")
    parked = world.lead(lastname="L", emailaddress1="two@x.com")
    for name in "AB":
        world.person(email="two@x.com", lastName=name)
    world.marketo.refuse = world.dynamics.refuse = lambda write: Problem("1006", "no")
    world.engine.run()
    person = world.person(lastName="M", email="m@x.com")
    world.engine.run()
    assert any(waiting.marketo_id == person for waiting in world.engine.waiting())
    world.dynamics.remove("leads", refused)
    world.dynamics.remove("leads", parked)
    world.marketo.remove("person", person)
    world.later(days=2)
    ends = told(world.engine.run, "resolved")
    assert {(event.record, event.detail) for event in ends} == {
        (refused, "nothing is left to do"),
        (parked, "the record is gone"),
        (person, "nothing is left to do"),
    }
    assert list(world.engine.waiting()) == []


def test_the_end_of_a_first_copy_and_a_full_comparison_are_told() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    assert told(world.engine.run, "finished") == [Event("finished", count=1, detail="first copy")]
    assert told(world.engine.run, "finished") == [Event("finished", detail="cycle")]
    world.dynamics.expire()
    world.dynamics.change("leads", row, jobtitle="Poet")
    (event,) = told(world.engine.run, "full-comparison")
    assert event.entity == "lead"


def test_an_event_reads_in_words() -> None:
    assert str(Event("rejected", "lead", Side.MARKETO, 1, "1006", "row")) == "rejected marketo lead row 1 1006"
    assert str(Event("finished", detail="cycle")) == "finished cycle"
