"""Companies, sales persons, opportunities and custom objects: from Dynamics to Marketo, each in its place."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from marketo_dynamics_sync.connectors import Outcome, Problem, Status, WriteKind
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    Entity,
    Guid,
    Lead,
    Opportunity,
    Side,
    User,
    custom_object,
    entity,
    mapped,
)
from tests.engine.world import World

EVERYTHING = (Opportunity, Contact, Lead, Account, User)


@entity(
    name="event",
    marketo=custom_object("event_c", dedupe="eventId"),
    dynamics="new_events",
    direction=Direction.TO_MARKETO,
)
class Event(Entity):
    """An entity of the user's own."""

    event_id: Guid | None = mapped(marketo="eventId", dynamics="new_eventid", key=True)
    title: str | None = mapped(marketo="eventName", dynamics="new_name")


def user(world: World, name: str = "Grace") -> str:
    return world.dynamics.put("systemusers", firstname=name, internalemailaddress=f"{name}@sales.example")


def only(world: World, name: str) -> dict[str, object]:
    (row,) = world.marketo.rows(name).values()
    return row


def test_everything_arrives_in_one_cycle_linked_as_in_dynamics() -> None:
    world = World(EVERYTHING)
    owner = user(world)
    account = world.dynamics.put("accounts", name="Widgets", revenue=12.5, _ownerid_value=owner, **table("owner"))
    contact = world.contact(lastname="Byron", _parentcustomerid_value=account, **table("customer", "account"))
    deal = world.dynamics.put("opportunities", name="Big one", _parentaccountid_value=account, estimatedvalue=9)

    report = world.engine.run()

    assert only(world, "salesperson")["externalSalesPersonId"] == owner
    assert only(world, "company") == {
        "externalCompanyId": account,
        "company": "Widgets",
        "annualRevenue": 12.5,
        "externalSalesPersonId": owner,
    }
    assert world.person_of("contact", contact)["externalCompanyId"] == account
    assert only(world, "opportunity")["externalOpportunityId"] == deal
    assert only(world, "opportunity")["externalCompanyId"] == account
    assert report.total("to Marketo", "created") == 4
    assert list(world.store.parked()) == []
    world.settle()


def table(of: str, name: str = "systemuser") -> dict[str, object]:
    column = {"owner": "_ownerid_value", "customer": "_parentcustomerid_value"}[of]
    return {f"{column}@Microsoft.Dynamics.CRM.lookuplogicalname": name}


def test_an_edit_travels_and_an_idle_cycle_writes_nothing() -> None:
    world = World((Account,))
    account = world.dynamics.put("accounts", name="Widgets", address1_city="Rome")
    world.settle()
    world.dynamics.change("accounts", account, name="Widgets & Sons", address1_city=None)
    report = world.engine.run()
    assert only(world, "company")["company"] == "Widgets & Sons"
    assert only(world, "company").get("billingCity") is None
    assert report.counts["account", "to Marketo", "updated"] == 1
    assert world.engine.run().wrote == 0


def test_links_to_objects_that_nobody_keeps_are_left_out_and_said() -> None:
    world = World((Lead, Contact))
    account = "00000000-0000-4000-8000-000000000001"
    contact = world.contact(lastname="Byron", _parentcustomerid_value=account, **table("customer", "account"))
    report = world.engine.run()
    assert "externalCompanyId" not in world.person_of("contact", contact)
    assert {("contact", "account"), ("contact", "owner"), ("lead", "owner")} <= {
        (gap.entity, gap.field) for gap in report.left_out
    }


@pytest.mark.parametrize("kind", ["team", "contact"])
def test_owners_that_are_teams_and_parents_that_are_contacts_stay_empty(kind: str) -> None:
    world = World(EVERYTHING)
    other = "00000000-0000-4000-8000-0000000000aa"
    if kind == "team":
        row = world.contact(lastname="Byron", _ownerid_value=other, **table("owner", "team"))
    else:
        row = world.contact(lastname="Byron", _parentcustomerid_value=other, **table("customer", "contact"))
    world.settle()
    person = world.person_of("contact", row)
    assert person.get("externalSalesPersonId") is None
    assert person.get("externalCompanyId") is None
    assert list(world.store.parked()) == []


def test_a_link_waits_for_its_parent_and_the_rest_goes_on() -> None:
    world = World((Account, Contact))
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "account" else None
    account = world.dynamics.put("accounts", name="Widgets")
    contact = world.contact(lastname="Byron", _parentcustomerid_value=account, **table("customer", "account"))
    world.engine.run()
    assert world.person_of("contact", contact)["lastName"] == "Byron"
    assert "externalCompanyId" not in world.person_of("contact", contact)
    assert [(p.field, p.reason, p.detail["reason"]) for p in world.store.parked()] == [
        ("account", "missing-parent", account)
    ]
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert world.person_of("contact", contact)["externalCompanyId"] == account
    assert list(world.store.parked()) == []


def test_a_contact_that_changes_its_company_is_linked_anew() -> None:
    world = World((Account, Contact))
    first, second = (world.dynamics.put("accounts", name=name) for name in "AB")
    contact = world.contact(lastname="Byron", _parentcustomerid_value=first, **table("customer", "account"))
    world.settle()
    world.dynamics.change("contacts", contact, _parentcustomerid_value=second)
    world.settle()
    assert world.person_of("contact", contact)["externalCompanyId"] == second


def test_what_hangs_on_nobody_goes_with_its_row_and_what_others_hang_on_stays() -> None:
    world = World((Account, Opportunity, Event))
    account = world.dynamics.put("accounts", name="Widgets")
    deal = world.dynamics.put("opportunities", name="Big one")
    event = world.dynamics.put("new_events", new_name="Fair")
    world.settle()
    for name, row in (("accounts", account), ("opportunities", deal), ("new_events", event)):
        world.dynamics.remove(name, row)
    planned = world.engine.plan()
    world.settle()
    assert [step.deletes for step in planned.steps].count(Side.MARKETO) == 2
    assert world.marketo.rows("opportunity") == world.marketo.rows("event_c") == {}
    assert only(world, "company")["company"] == "Widgets"
    assert [list(world.store.links(name)) for name in ("account", "opportunity", "event")] == [[], [], []]


def test_a_record_deleted_in_marketo_is_made_again_with_the_next_edit() -> None:
    world = World((Event,))
    event = world.dynamics.put("new_events", new_name="Fair")
    world.settle()
    world.marketo.remove("event_c", next(iter(world.marketo.rows("event_c"))))
    world.dynamics.change("new_events", event, new_name="Trade fair")
    world.settle()
    assert only(world, "event_c") == {"eventId": event, "eventName": "Trade fair"}


def test_a_record_that_marketo_has_already_is_taken_over_not_made_twice() -> None:
    world = World((Account,))
    account = "00000000-0000-4000-8000-000000000001"
    world.marketo.put("company", externalCompanyId=account, company="Old name")
    world.dynamics.put("accounts", account, name="New name")
    world.settle()
    assert only(world, "company")["company"] == "New name"


def test_a_refused_record_waits_with_the_servers_words_and_its_neighbours_go_on() -> None:
    world = World((Event,))
    rows = [world.dynamics.put("new_events", new_name=name) for name in ("good", "bad", "fine")]
    world.marketo.refuse = lambda write: (
        Problem("1006", "Field 'x' not found") if write.values.get("title") == "bad" else None
    )
    report = world.engine.run()
    assert len(world.marketo.rows("event_c")) == 2
    assert [(line.dynamics_id, line.reason) for line in report.rejected] == [(rows[1], "1006")]
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert len(world.marketo.rows("event_c")) == 3


def test_killed_or_not_a_plan_of_objects_shows_what_the_run_does() -> None:
    world = World(EVERYTHING)
    owner = user(world)
    account = world.dynamics.put("accounts", name="Widgets", _ownerid_value=owner, **table("owner"))
    world.contact(lastname="Byron", _parentcustomerid_value=account, **table("customer", "account"))
    planned = world.engine.plan()
    assert world.marketo.rows("company") == {}
    report = world.engine.run()
    assert sum(step.writes_marketo for step in planned.steps) == report.total("to Marketo") == 3


def test_an_account_merged_into_another_stands_for_nothing_any_more() -> None:
    world = World((Account,))
    kept, merged = (world.dynamics.put("accounts", name=name, statecode=0) for name in "AB")
    world.settle()
    world.dynamics.merge("accounts", merged, kept)
    world.settle()
    assert {link.dynamics_id for link in world.store.links("account")} == {kept}
    assert len(world.marketo.rows("company")) == 2, "people may still belong to it"


def test_a_field_that_marketo_takes_once_is_given_once_and_never_refused_later() -> None:
    world = World((User,))
    fields = world.marketo.objects["salesperson"].fields
    fields["email"] = attrs.evolve(fields["email"], updatable=False)  # type: ignore[index]  # a mapping that the test owns
    row = user(world)
    world.settle()
    assert only(world, "salesperson")["email"] == "Grace@sales.example"
    world.dynamics.change("systemusers", row, internalemailaddress="hopper@sales.example", firstname="G.")
    world.settle()
    assert only(world, "salesperson")["email"] == "Grace@sales.example"
    assert only(world, "salesperson")["firstName"] == "G."


def test_what_was_edited_in_marketo_is_repaired_when_its_row_changes() -> None:
    world = World((Account,))
    account = world.dynamics.put("accounts", name="Widgets", address1_city="Rome")
    world.settle()
    company = next(iter(world.marketo.rows("company")))
    world.marketo.change("company", company, billingCity="Lisbon", company="Somebody else's")
    world.dynamics.change("accounts", account, sic="77")
    world.settle()
    assert only(world, "company")["billingCity"] == "Rome"
    assert only(world, "company")["company"] == "Widgets"
    world.marketo.change("company", company, billingCity="Lisbon")
    world.engine.sync_records([account], entity="account")
    assert only(world, "company")["billingCity"] == "Rome"


def test_a_contact_that_loses_its_company_keeps_the_last_one_and_its_other_edits_go_on() -> None:
    world = World((Account, Contact))
    account = world.dynamics.put("accounts", name="Widgets")
    contact = world.contact(lastname="Byron", _parentcustomerid_value=account, **table("customer", "account"))
    world.settle()
    world.dynamics.change("contacts", contact, _parentcustomerid_value=None, jobtitle="Poet")
    world.settle()
    person = world.person_of("contact", contact)
    assert (person["title"], person["externalCompanyId"]) == ("Poet", account)


def test_a_row_that_changed_only_where_nobody_looks_counts_as_unchanged() -> None:
    world = World((Lead.select("email", "last_name"),))
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Poet")
    report = world.engine.run()
    assert report.counts["all", "read", "unchanged"] == 1
    assert report.wrote == 0


def test_an_object_that_may_have_been_made_goes_with_its_row() -> None:
    world = World(EVERYTHING)
    world.settle()
    deal = world.dynamics.put("opportunities", name="Big", statecode=0)
    write = world.marketo.write

    def lost(writes: Any) -> Any:
        write(writes)
        problem = Problem("lost", "no answer", retryable=True)
        return [Outcome(Status.UNKNOWN, each.id, problem=problem) for each in writes]

    world.marketo.write = lost  # type: ignore[method-assign]  # the answer is lost
    world.engine.run()
    world.marketo.write = write  # type: ignore[method-assign]  # back to normal
    assert len(world.marketo.rows("opportunity")) == 1
    assert world.store.count_links("opportunity") == 0
    world.dynamics.remove("opportunities", deal)
    world.marketo.refuse = lambda write: Problem("x", "no") if write.kind is WriteKind.DELETE else None
    world.settle()
    assert [item.id for item in world.store.rejected()] == [deal], "a deletion that is refused is tried again"
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert world.marketo.rows("opportunity") == {}
    assert list(world.store.rejected()) == []
