"""Golden scenarios of the parity list: the first copy, what a cycle moves, and in which order."""

from __future__ import annotations

import threading

import httpx

from marketo_dynamics_sync.connectors import Write
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    Entity,
    Guid,
    Lead,
    Opportunity,
    User,
    custom_object,
    entity,
    mapped,
)
from tests.end_to_end.conftest import Pair, pair, pair_with
from tests.engine.world import World

__all__ = ["pair", "pair_with"]


@entity(
    name="visit",
    marketo=custom_object("visit_c", dedupe="visitId"),
    dynamics="new_visits",
    direction=Direction.TO_MARKETO,
)
class Visit(Entity):
    """An entity of the user's own."""

    visit_id: Guid | None = mapped(marketo="visitId", dynamics="new_visitid", key=True)
    title: str | None = mapped(marketo="visitName", dynamics="new_name")


def written(world: World) -> list[tuple[str, object]]:
    """Return entity and one value of everything written to Marketo from now on, in order."""
    seen: list[tuple[str, object]] = []

    def watch(write: Write) -> None:
        seen.append((write.entity.name, write.values.get("job_title") or write.values.get("title")))

    world.marketo.refuse = watch
    return seen


def test_an_entity_added_before_the_first_copy_ended_is_copied_too() -> None:
    world = World((Lead, Visit))
    for n in range(700):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com")
    for n in range(3):
        world.dynamics.put("new_visits", new_name=f"V{n}")
    stop = threading.Event()
    alone = world.new_engine(entities=(Lead,))
    assert alone.run(stop=stop, on_event=lambda e: stop.set() if e.kind == "written" else None).stopped
    world.settle()
    assert (len(world.marketo.rows("person")), len(world.marketo.rows("visit_c"))) == (700, 3)


def test_an_entity_can_be_added_and_taken_away_between_two_cycles() -> None:
    world = World((Lead, Visit))
    world.engine = world.new_engine(entities=(Lead,))
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    visit = world.dynamics.put("new_visits", new_name="Fair")
    world.settle()
    assert world.marketo.rows("visit_c") == {}
    world.engine = world.new_engine()
    report = world.engine.run()
    assert report.wrote == 1, "leads are not copied again"
    assert [row["visitId"] for row in world.marketo.rows("visit_c").values()] == [visit]
    world.engine = world.new_engine(entities=(Lead,))
    world.dynamics.change("new_visits", visit, new_name="Trade fair")
    world.dynamics.change("leads", lead, jobtitle="Countess")
    world.settle()
    assert [row["visitName"] for row in world.marketo.rows("visit_c").values()] == ["Fair"]
    assert world.person_of("lead", lead)["title"] == "Countess"


def test_only_what_changed_is_moved() -> None:
    world = World()
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(50)]
    world.settle()
    world.dynamics.change("leads", rows[7], jobtitle="Countess")
    seen = written(world)
    assert world.engine.run().wrote == 1
    assert seen == [("lead", "Countess")]


def test_what_changed_while_nothing_ran_arrives_in_the_order_it_was_changed() -> None:
    world = World()
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(100)]
    world.settle()
    for place, row in enumerate(reversed(rows)):
        world.dynamics.change("leads", row, jobtitle=f"T{place}")
    seen = written(world)
    world.later(days=30)
    assert world.engine.run().wrote == 100
    assert seen == [("lead", f"T{n}") for n in range(100)]


def test_all_leads_are_written_before_the_first_contact() -> None:
    world = World()
    leads = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(50)]
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@x.com") for n in range(50)]
    world.settle()
    for row in contacts:
        world.dynamics.change("contacts", row, jobtitle="x")
    for row in leads:
        world.dynamics.change("leads", row, jobtitle="x")
    seen = written(world)
    world.engine.run()
    assert [name for name, _ in seen] == ["lead"] * 50 + ["contact"] * 50


def test_a_first_copy_of_a_custom_entity_holds_nobody_up() -> None:
    world = World((Visit, Lead))
    world.engine = world.new_engine(entities=(Lead,))
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    for n in range(400):
        world.dynamics.put("new_visits", new_name=f"V{n}")
    world.dynamics.change("leads", lead, jobtitle="Countess")
    world.engine = world.new_engine()
    seen = written(world)
    world.engine.run()
    assert seen[0] == ("lead", "Countess")
    assert len(seen) == 401


def test_what_others_refer_to_goes_first() -> None:
    world = World((Visit, Opportunity, Contact, Lead, Account, User))
    for table in ("new_visits", "opportunities", "contacts", "leads", "accounts", "systemusers"):
        world.dynamics.put(table, **({"internalemailaddress": "u@x.com"} if table == "systemusers" else {}))
    seen = written(world)
    world.engine.run()
    order = list(dict.fromkeys(name for name, _ in seen))
    assert order[:2] == ["user", "account"]
    assert set(order[2:4]) == {"lead", "contact"}
    assert order[4:] == ["opportunity", "visit"]


def test_an_edit_that_no_change_feed_tells_of_is_found_when_its_record_is_asked_for() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics._rows["leads"][row]["jobtitle"] = "Countess"  # below the platform: no version, no change feed
    world.engine.run()
    assert "title" not in world.person_of("lead", row)
    world.engine.sync_records([row], entity="lead")
    assert world.person_of("lead", row)["title"] == "Countess"


def test_an_edit_by_the_sync_user_itself_is_an_edit_like_any_other(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    answer = httpx.patch(
        f"{pair.sandbox.dynamics_url}/api/data/v9.2/leads({lead})",
        json={"jobtitle": "Countess"},
        headers={"Authorization": f"Bearer {pair.sandbox.dynamics.issue_token()}"},
    )
    assert answer.status_code < 300
    pair.settle(engine)
    assert pair.person_of("lead", lead)["title"] == "Countess"


def test_what_was_written_to_dynamics_does_not_come_back(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.marketo.update_person(int(str(pair.person_of("lead", lead)["id"])), title="Countess")
    pair.sandbox.clock.advance(60)
    assert engine.run().total("to Dynamics", "updated") == 1
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    assert engine.run().wrote == 0
    assert pair.writes == 0
