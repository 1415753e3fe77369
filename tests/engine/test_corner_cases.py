"""Things that happen rarely, and must not cost anybody a value when they do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from marketo_dynamics_sync import Matching
from marketo_dynamics_sync.conflict import Hold, Resolution
from marketo_dynamics_sync.connectors import Outcome, Problem, Status, Write
from marketo_dynamics_sync.engine import OnMerge
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.errors import ConfigurationError, PlanRefusedError, PolicyError, QuotaError
from marketo_dynamics_sync.identity import MatchKey
from marketo_dynamics_sync.plan import Brakes
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning


def only(rows: dict[str, dict[str, object]]) -> dict[str, object]:
    (row,) = rows.values()
    return row


def test_two_leads_qualified_into_one_contact_leave_two_persons_as_they_were_where_that_is_wanted() -> None:
    world = World(on_merge=OnMerge.HOLD)
    first, second = (world.lead(lastname=n, emailaddress1=f"{n}@x.com") for n in "AB")
    world.settle()
    person = str(world.linked("lead", second))
    contact = world.contact(lastname="A", emailaddress1="a@x.com", _originatingleadid_value=first)
    for lead in (first, second):
        world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert (world.marketo.row("person", person) or {})["email"] == "B@x.com"
    assert [(p.reason, p.detail["rivals"]) for p in world.store.parked()] == [("two-persons", [contact])]
    assert len(list(world.store.links("contact"))) == 1


@pytest.mark.parametrize("by_rule", [False, True])
def test_pushing_two_persons_that_could_be_one_row_links_neither(by_rule: bool) -> None:
    world = World(push_rule=(lambda person: "lead") if by_rule else None)
    world.engine.run()
    people = [world.person(lastName=name, email="a@x.com") for name in "AB"]
    row = world.lead(lastname="L", emailaddress1="a@x.com")
    world.engine.run()
    if not by_rule:
        world.engine.push_persons(people)
        world.engine.push_persons(people[:1])
    assert world.linked("lead", row) is None
    assert only(world.dynamics.rows("leads"))["lastname"] == "L"
    assert {p.id for p in world.store.parked() if p.side == "marketo"} == set(people)


def test_pushing_somebody_who_could_be_a_lead_or_a_contact_links_neither() -> None:
    world = World()
    world.lead(lastname="L", emailaddress1="a@x.com")
    world.contact(lastname="C", emailaddress1="a@x.com")
    person = world.person(lastName="A", email="a@x.com")
    world.engine.run()
    world.engine.push_persons([person], as_entity="contact")
    assert list(world.store.links("lead")) == list(world.store.links("contact")) == []


def test_a_push_that_stopped_between_row_and_link_makes_nobody_twice() -> None:
    world = World()
    world.engine.run()
    person = world.person(lastName="A")
    write = world.marketo.write

    def used_up(writes: list[Write]) -> list[Outcome]:
        raise QuotaError("used up", service="marketo")

    world.marketo.write = used_up  # type: ignore[method-assign, assignment]  # the fault under test
    world.engine.push_persons([person])
    world.marketo.write = write  # type: ignore[method-assign]  # back to normal
    world.settle()
    assert only(world.marketo.rows("person"))["dynamicsId"] in world.dynamics.rows("leads")
    assert len(world.dynamics.rows("leads")) == 1


def test_a_push_by_rule_that_was_stopped_makes_nobody_twice() -> None:
    stop = threading.Event()
    world = World(push_rule=lambda person: "lead")
    world.engine.run()
    world.person(lastName="A")
    world.engine.run(stop=stop, on_event=lambda event: stop.set() if event.kind == "written" else None)
    world.settle()
    assert len(world.marketo.rows("person")) == len(world.dynamics.rows("leads")) == 1


def test_a_push_that_was_killed_and_is_repeated_as_another_kind_makes_nobody_twice() -> None:
    def ready(fuse: Fuse) -> tuple[World, str]:
        store = FusedStore()
        world = World(store=store)
        world.engine.run()
        person = world.person(lastName="A")
        store.fuse = fuse
        for connector in (world.marketo, world.dynamics):
            connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
        return world, person

    fuse = Fuse()
    world, person = ready(fuse)
    world.engine.push_persons([person], as_entity="contact")
    assert fuse.passed > 5
    made_as = set()
    for boundary in range(fuse.passed):
        fuse = Fuse(boundary)
        world, person = ready(fuse)
        with pytest.raises(Killed):
            world.engine.push_persons([person], as_entity="contact")
        fuse.left = None
        world.engine = world.new_engine()
        world.engine.push_persons([person], as_entity="lead")
        world.settle()
        rows = world.dynamics.rows("leads").keys() | world.dynamics.rows("contacts").keys()
        assert len(rows) == 1, f"killed at boundary {boundary}"
        made_as.add("contact" if world.dynamics.rows("contacts") else "lead")
    assert made_as == {"contact", "lead"}, "before the row was made the other kind is, and after it none"


def test_a_push_that_made_nothing_may_be_repeated_as_another_kind() -> None:
    world = World()
    world.engine.run()
    person = world.person(lastName="A")
    write = world.dynamics.write

    def cut_off(writes: list[Write]) -> list[Outcome]:
        raise QuotaError("used up", service="dynamics")

    world.dynamics.write = cut_off  # type: ignore[method-assign, assignment]  # the fault under test
    world.engine.push_persons([person], as_entity="contact")
    world.dynamics.write = write  # type: ignore[method-assign]  # back to normal
    world.engine.push_persons([person], as_entity="lead")
    assert len(world.dynamics.rows("leads")) == 1
    assert world.dynamics.rows("contacts") == {}


def test_an_update_is_guarded_even_where_the_version_was_not_known() -> None:
    world = World()
    row = world.contact(lastname="A", emailaddress1="a@x.com", telephone1="1")
    world.settle()
    person = str(world.linked("contact", row))
    world.marketo.refuse = lambda write: Problem("x", "no")
    world.dynamics.change("contacts", row, jobtitle="Boss")
    world.engine.run()
    world.marketo.refuse = None
    survivor = world.person(lastName="A", email="a@x.com", phone="MKT")
    world.marketo.merge("person", person, survivor)
    world.dynamics.change("contacts", row, telephone1="SALES")
    world.settle()
    assert (world.dynamics.row("contacts", row) or {})["telephone1"] == "SALES", "Dynamics wins for contacts"
    assert world.person_of("contact", row)["phone"] == "SALES"
    assert [j.field for j in world.store.journal() if j.kind == "conflict"] == ["phone"]


def test_persons_merged_in_marketo_stay_one_when_the_losers_row_changes_in_the_same_cycle() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    other = world.lead(lastname="B", emailaddress1="b@x.com")
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", row)), str(world.linked("lead", other)))
    world.dynamics.change("leads", row, telephone1="6")
    world.settle()
    assert len(world.marketo.rows("person")) == 1
    assert [p.reason for p in world.store.parked()] == ["merged-in-marketo"]


def test_an_entity_that_was_not_synced_for_a_time_misses_no_edit() -> None:
    world = World()
    row = world.contact(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.engine = world.new_engine(entities=(Lead,))
    world.marketo.change("person", str(world.linked("contact", row)), phone="MKT")
    world.engine.run()
    world.engine = world.new_engine()
    report = world.engine.run()
    assert (world.dynamics.row("contacts", row) or {})["telephone1"] == "MKT"
    assert any("not synced for a time" in reason for reason in report.full_comparisons)
    assert not world.engine.run().full_comparisons


def test_a_person_deleted_while_its_entity_was_not_synced_is_noticed() -> None:
    world = World()
    row = world.contact(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.engine = world.new_engine(entities=(Lead,))
    world.marketo.remove("person", str(world.linked("contact", row)))
    world.engine.run()
    world.engine = world.new_engine()
    world.engine.run()
    assert world.linked("contact", row) is None


FAILURES = {
    "refused": Outcome(Status.REJECTED, "1", problem=Problem("1", "no")),
    "for now": Outcome(Status.REJECTED, "1", problem=Problem("1", "no", None, True)),
    "answer lost": Outcome(Status.UNKNOWN, "1", problem=Problem("1", "no", None, True)),
    "not sent": Outcome(Status.UNSENT, "1"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_mark_of_a_deleted_row_is_made_however_the_first_try_ends(failure: str) -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.remove("leads", row)
    write = world.marketo.write
    world.marketo.write = lambda writes: [FAILURES[failure] for _ in writes]  # type: ignore[method-assign, assignment]  # the fault under test
    world.engine.run()
    world.marketo.write = write  # type: ignore[method-assign]  # back to normal
    world.later(days=2)
    world.engine.run()
    assert (world.marketo.row("person", person) or {})["microsoftIsDeleted"] is True
    assert list(world.store.links("lead")) == []
    assert list(world.store.rejected()) == []
    assert world.engine.run().dynamics_calls.total == 2, "nothing is asked for ever"


def test_a_person_merged_into_one_that_is_gone_too_comes_back_with_the_next_edit() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    survivor = world.person(lastName="P")
    world.marketo.merge("person", str(world.linked("lead", row)), survivor)
    world.marketo.remove("person", survivor)
    world.engine.run()
    world.dynamics.change("leads", row, telephone1="1")
    world.settle()
    assert world.person_of("lead", row)["phone"] == "1"


def test_a_person_deleted_in_marketo_comes_back_when_its_row_was_edited_before_we_knew() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.dynamics.change("leads", row, telephone1="9")
    world.settle()
    assert world.person_of("lead", row)["phone"] == "9"
    assert len(world.marketo.rows("person")) == 1
    assert list(world.store.rejected()) == []


def test_the_native_way_without_a_crm_id_field_overwrites_nobody() -> None:
    world = World(person_without=("dynamicsId",), matching=Matching(native=True))
    person = world.person(lastName="Keep", email="a@x.com", firstName="Precious")
    world.lead(lastname="New", firstname="Other", emailaddress1="A@x.com")
    world.settle()
    assert (world.marketo.row("person", person) or {})["firstName"] == "Precious"
    assert [p.reason for p in world.store.parked()] == ["shared-key"]


def test_what_dynamics_holds_is_remembered_when_a_cycle_is_stopped() -> None:
    world = World(brakes=Brakes(min_changes=2000))
    rows = [world.contact(lastname=f"A{n}", emailaddress1=f"a{n}@x.com") for n in range(1200)]
    world.settle()
    for link in list(world.store.links("contact")):
        world.marketo.change("person", link.marketo_id, phone="ONE")
    stop = threading.Event()
    world.engine.run(stop=stop, on_event=lambda event: stop.set() if event.kind == "written" else None)
    row = next(r for r in rows if (world.dynamics.row("contacts", r) or {}).get("telephone1") == "ONE")
    world.marketo.change("person", str(world.linked("contact", row)), phone="TWO")
    world.settle()
    assert (world.dynamics.row("contacts", row) or {})["telephone1"] == "TWO", "our own write is nobody's edit"
    assert all((world.dynamics.row("contacts", r) or {})["telephone1"] in ("ONE", "TWO") for r in rows)


@pytest.mark.parametrize("between", [False, True])
def test_a_row_deleted_and_made_again_takes_up_its_person(between: bool) -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.remove("leads", row)
    if between:
        world.settle()
    again = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.dynamics.change("leads", again, jobtitle="Poet")
    world.settle()
    if between:
        assert world.linked("lead", again) == person
        assert (world.marketo.row("person", person) or {})["microsoftIsDeleted"] is False
    assert world.person_of("lead", again)["title"] == "Poet"


def test_a_row_that_is_restored_is_no_longer_marked_as_deleted() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.dynamics.remove("leads", row)
    world.settle()
    world.dynamics.put("leads", row, lastname="A", emailaddress1="a@x.com", statecode=0, statuscode=1)
    world.settle()
    assert world.person_of("lead", row)["microsoftIsDeleted"] is False
    assert len(world.marketo.rows("person")) == 1


def test_a_push_that_was_refused_is_tried_again_and_one_with_values_is_not() -> None:
    world = World()
    people = [world.person(lastName=name, email=f"{name}@x.com") for name in "AB"]
    world.engine.run()
    world.dynamics.refuse = lambda write: Problem("x", "no")
    assert [line.reason for line in world.engine.push_persons(people[:1]).rejected] == ["x"]
    assert [line.reason for line in world.engine.push_persons(people[1:], values={"job_title": "Z"}).rejected] == ["x"]
    world.dynamics.refuse = None
    world.later(days=2)
    world.engine.run()
    assert [row["lastname"] for row in world.dynamics.rows("leads").values()] == ["A"]
    assert list(world.store.rejected()) == []


@pytest.mark.parametrize("side", ["row", "person"])
def test_a_refused_record_that_is_deleted_is_forgotten(side: str) -> None:
    world = World()
    if side == "row":
        world.marketo.refuse = lambda write: Problem("1", "no")
        row = world.lead(lastname="A", emailaddress1="a@x.com")
        world.engine.run()
        world.dynamics.remove("leads", row)
    else:
        person = world.person(lastName="A", email="a@x.com")
        world.dynamics.refuse = lambda write: Problem("1", "no")
        world.engine.push_persons([person])
        world.marketo.remove("person", person)
    assert len(list(world.store.rejected())) == 1
    world.marketo.refuse = world.dynamics.refuse = None
    world.later(days=2)
    world.engine.run()
    assert list(world.store.rejected()) == []


def test_values_given_to_a_push_are_the_same_on_both_sides() -> None:
    world = World()
    person = world.person(lastName="Byron", email="a@x.com")
    world.engine.run()
    world.engine.push_persons([person], values={"last_name": "Lovelace"})
    world.settle()
    assert only(world.dynamics.rows("leads"))["lastname"] == "Lovelace"
    assert only(world.marketo.rows("person"))["lastName"] == "Lovelace"


def test_a_field_held_on_a_lead_does_not_wait_when_the_lead_has_become_a_contact() -> None:
    world = World(policies=Hold())
    lead = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    person = str(world.linked("lead", lead))
    world.marketo.change("person", person, phone="1")
    world.dynamics.change("leads", lead, telephone1="2")
    world.settle()
    contact = world.contact(lastname="A", emailaddress1="a@x.com", _originatingleadid_value=lead, telephone1="2")
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()
    world.marketo.change("person", person, phone="2")
    world.settle()
    assert list(world.store.parked()) == []


def raising(*_: object) -> Any:
    raise ZeroDivisionError("ada@example.com")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"push_rule": raising}, "push_rule raised ZeroDivisionError"),
    ({"push_rule": lambda person: ["lead"]}, "push_rule returned list"),
    ({"matching": Matching(keys=(MatchKey("email", raising),))}, "'email': normalise raised ZeroDivisionError"),
    ({"matching": Matching(keys=(MatchKey("email", len),))}, "normalise returned int"),  # type: ignore[arg-type]  # wrong on purpose
]


@pytest.mark.parametrize(("options", "says"), WRONG)
def test_what_users_functions_do_wrong_is_told_as_such(options: dict[str, Any], says: str) -> None:
    world = World(**options)
    world.engine.run()
    world.person(lastName="A", email="a@x.com")
    world.lead(lastname="L", emailaddress1="l@x.com")
    with pytest.raises(PolicyError, match=says) as caught:
        world.engine.run()
    assert "ada" not in str(caught.value)


def test_a_winner_that_is_no_side_is_told_as_such() -> None:
    world = World(policies=lambda conflict: Resolution("v", "mine", winner="marketo"))  # type: ignore[arg-type]  # wrong on purpose
    row = world.contact(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.marketo.change("person", str(world.linked("contact", row)), lastName="M")
    world.dynamics.change("contacts", row, lastname="D")
    with pytest.raises(PolicyError, match=r"contact\.last_name: policy .* named .*str as winner"):
        world.engine.run()


@pytest.mark.parametrize("deadline", [5, "tomorrow", datetime(2026, 3, 1)])
def test_a_deadline_that_is_none_is_told_as_such(deadline: Any) -> None:
    with pytest.raises(ConfigurationError, match="deadline"):
        World().engine.run(deadline=deadline)


def test_what_is_kept_shows_no_values_when_printed() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@example.com", jobtitle="Poet")
    world.settle()
    world.marketo.change("person", str(world.linked("lead", row)), title="Countess")
    world.dynamics.change("leads", row, jobtitle="Programmer")
    world.engine.run()
    told = repr([*world.store.links("lead"), *world.store.journal(), *world.store.parked()])
    for private in ("Byron", "ada@", "Countess", "Programmer"):
        assert private not in told


def qualification(world: World) -> None:
    lead = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    contact = world.contact(lastname="A", emailaddress1="a@x.com")
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)


def two_qualifications(world: World) -> None:
    leads = [world.lead(lastname=n, emailaddress1=f"{n}@x.com") for n in "AB"]
    world.settle()
    contact = world.contact(lastname="A", emailaddress1="a@x.com")
    for lead in leads:
        world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)


def merge_in_marketo(world: World) -> None:
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", row)), world.person(lastName="P", email="a@x.com"))
    world.dynamics.change("leads", row, jobtitle="Poet")


def first_copy(world: World) -> None:
    for n in range(12):
        world.lead(lastname=f"L{n}", emailaddress1=f"p{n % 9}@x.com")
        world.contact(lastname=f"C{n}", emailaddress1=f"p{n}@x.com")
        world.person(lastName=f"P{n}", email=f"p{n}@x.com")


def deletions(world: World) -> None:
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"p{n}@x.com") for n in range(8)]
    world.settle()
    for row in rows[:3]:
        world.dynamics.remove("leads", row)
    world.marketo.remove("person", str(world.linked("lead", rows[4])))
    world.dynamics.expire()


@pytest.mark.parametrize("story", [qualification, two_qualifications, merge_in_marketo, first_copy, deletions])
def test_a_plan_shows_what_the_run_then_does(story: Callable[[World], None]) -> None:
    world = World()
    story(world)
    planned = world.engine.plan()
    assert world.engine.plan().digest == planned.digest, "looking changes nothing"
    report = world.engine.run()
    assert sum(step.writes_marketo for step in planned.steps) == report.total("to Marketo")
    assert sum(step.writes_dynamics for step in planned.steps) == report.total("to Dynamics")
    kinds = [step.kind.value for step in planned.steps]
    assert kinds.count("move link") == report.total("links", "moved")
    assert kinds.count("unlink") == report.total("links", "unlinked")
    assert kinds.count("park") == report.total("waiting", "parked")


def test_a_plan_is_refused_by_the_brake_that_would_stop_the_run() -> None:
    world = World()
    rows = [world.lead(lastname=f"A{n}", emailaddress1=f"a{n}@x.com") for n in range(30)]
    world.settle()
    for row in rows[:25]:
        world.dynamics.remove("leads", row)
    world.dynamics.expire()
    for look in (world.engine.plan, world.engine.run):
        with pytest.raises(PlanRefusedError, match="25 of 30"):
            look()


def test_a_deadline_shorter_than_the_work_gets_there_in_the_end() -> None:
    world = World()
    for n in range(900):
        world.lead(lastname=f"A{n}", emailaddress1=f"a{n}@x.com")
    for _ in range(8):
        report = world.engine.run(
            deadline=timedelta(seconds=10),
            on_event=lambda event: world.later(seconds=20) if event.kind == "written" else None,
        )
        if report.complete:
            break
    assert report.complete
    assert len(world.marketo.rows("person")) == world.store.count_links("lead") == 900
