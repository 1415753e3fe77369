"""What a rule is in the way of: kept with its reason, told to marketers, tried again when the record or the rule
changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.connectors.marketo import ActivityType, failure_activities
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine import SyncReport
from marketo_dynamics_sync.entities import Contact, Lead, Option, mapped
from tests.engine.world import World

KIND = ActivityType(100001, "dynamicsSyncFailed", "Reason", {"field": "Field", "message": "Message"})


class Careful(Lead):
    """A lead that is never without a topic and a company."""

    topic: str | None = mapped(marketo="microsoftTopic", dynamics="subject", required=True)
    company: str | None = mapped(marketo="company", dynamics="companyname", required=True)


def told(report: SyncReport) -> list[tuple[str, object, str, object]]:
    lines = [*report.rejected, *report.parked]
    return [
        (item.lead_id, item.attributes.get("field"), item.primary_value, item.attributes.get("message"))
        for item in failure_activities(lines, KIND, at=datetime(2026, 3, 1, tzinfo=UTC))
    ]


def change_rule(connector: MemoryConnector, name: str, field: str, **rule: object) -> None:
    info = connector.objects[name]
    connector.objects[name] = evolve(info, fields={**info.fields, field: evolve(info.fields[field], **rule)})


def test_a_person_without_required_values_is_not_made_and_told_which() -> None:
    world = World((Careful, Contact))
    ada = world.person(lastName="Byron", email="ada@x.com", company="Oasis")
    bob = world.person(lastName="King", email="bob@x.com")
    report = world.engine.push_persons([ada, bob])
    assert (world.dynamics.rows("leads"), report.dynamics_calls.writes) == ({}, 0)
    assert sorted(told(report)) == [
        (ada, "topic", "required", "Dynamics requires a value"),
        (bob, "topic, company", "required", "Dynamics requires a value"),
    ]
    assert world.engine.run().wrote == 0
    assert {p.id for p in world.store.parked()} == {ada, bob}


def test_it_is_made_when_the_person_has_the_value_and_waits_no_more() -> None:
    world = World((Careful, Contact))
    ada = world.person(lastName="Byron", email="ada@x.com", company="Oasis")
    world.engine.push_persons([ada])
    world.marketo.change("person", ada, firstName="Ada")
    world.settle()
    assert world.dynamics.rows("leads") == {}
    world.marketo.change("person", ada, microsoftTopic="Engines")
    plan = world.engine.plan()
    assert [step.kind.value for step in plan.steps if step.writes_dynamics] == ["create in Dynamics"]
    world.engine.run()
    (row,) = world.dynamics.rows("leads").values()
    assert (row["subject"], row["companyname"]) == ("Engines", "Oasis")
    assert list(world.store.parked()) == []
    world.settle()


def test_it_is_made_when_the_value_is_required_no_more() -> None:
    world = World((Careful, Contact))
    ada = world.person(lastName="Byron", email="ada@x.com")
    world.engine.push_persons([ada])
    world.settle()
    world.engine = world.new_engine(entities=(Lead, Contact))
    world.engine.run()
    assert len(world.dynamics.rows("leads")) == 1
    assert list(world.store.parked()) == []


@pytest.mark.parametrize("how", ["deleted", "linked"])
def test_a_person_that_waits_and_is_gone_or_there_already_waits_no_more(how: str) -> None:
    world = World((Careful, Contact))
    ada = world.person(lastName="Byron", email="ada@x.com")
    world.engine.push_persons([ada])
    world.settle()
    if how == "deleted":
        world.marketo.remove("person", ada)
    else:
        world.contact(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    assert list(world.store.parked()) == []


def test_a_required_value_is_not_emptied() -> None:
    world = World((Careful, Contact))
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", subject="Engines", companyname="Oasis")
    world.settle()
    person = str(world.linked("lead", row))
    world.marketo.change("person", person, microsoftTopic=None, title="Countess")
    report = world.engine.run()
    columns = world.dynamics.row("leads", row) or {}
    assert (columns["subject"], columns["jobtitle"]) == ("Engines", "Countess")
    assert told(report) == [(person, "topic", "not valid for Dynamics", "Dynamics requires a value")]


@pytest.mark.parametrize(
    ("field", "value", "column", "rule", "wanted"),
    [
        ("mobilePhone", "0" * 30, "mobilephone", {"max_length": 50}, "0" * 30),
        (
            "leadSource",
            "Trade fair",
            "leadsourcecode",
            {"options": (Option(1, "Web"), Option(7, "Trade fair"))},
            7,
        ),
    ],
)
def test_a_value_that_waits_goes_when_the_rule_of_dynamics_lets_it(
    field: str, value: str, column: str, rule: dict[str, object], wanted: object
) -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.marketo.change("person", str(world.linked("lead", row)), **{field: value})
    world.settle()
    assert not (world.dynamics.row("leads", row) or {}).get(column)
    assert len(list(world.store.parked())) == 1
    change_rule(world.dynamics, "leads", column, **rule)
    world.settle()
    assert (world.dynamics.row("leads", row) or {})[column] == wanted
    assert list(world.store.parked()) == []


def test_a_value_that_waits_goes_when_the_rule_of_marketo_lets_it() -> None:
    world = World()
    change_rule(world.marketo, "person", "title", max_length=5)
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Countess")
    world.settle()
    assert not world.person_of("lead", row).get("title")
    change_rule(world.marketo, "person", "title", max_length=50)
    world.settle()
    assert world.person_of("lead", row)["title"] == "Countess"


def test_a_record_that_was_refused_is_tried_again_when_a_rule_changed() -> None:
    world = World()
    world.marketo.refuse = lambda write: Problem("1003", "no")
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.engine.run()
    world.marketo.refuse = None
    assert world.engine.run().wrote == 0, "it waits for its time"
    change_rule(world.marketo, "person", "title", max_length=50)
    world.engine.run()
    assert world.linked("lead", row)
    assert list(world.store.rejected()) == []


def test_a_person_that_dynamics_refused_is_tried_again_when_it_changes() -> None:
    world = World()
    ada = world.person(lastName="Byron", email="ada@x.com")
    world.dynamics.refuse = lambda write: Problem("0x80040265", "no")
    world.engine.push_persons([ada])
    world.dynamics.refuse = None
    assert world.engine.run().wrote == 0, "it waits for its time"
    world.marketo.change("person", ada, firstName="Ada")
    world.settle()
    assert len(world.dynamics.rows("leads")) == 1
    assert list(world.store.rejected()) == []


def test_rules_that_are_as_they_were_cost_no_call() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.marketo.change("person", str(world.linked("lead", row)), mobilePhone="0" * 30)
    world.settle()
    report = world.engine.run()
    quiet = World()
    quiet.settle()
    usual = quiet.engine.run()
    assert (report.marketo_calls, report.dynamics_calls) == (usual.marketo_calls, usual.dynamics_calls)
