"""Objects, filters, deletions, merges and pushes in one engine: nothing of one reaches into another."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_dynamics_sync.conflict import Hold
from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Account, Contact, Lead, Opportunity, Ref, Side, User
from marketo_dynamics_sync.errors import PlanRefusedError
from tests.engine.test_filters import Wanted, flagged
from tests.engine.test_objects import table, user
from tests.engine.world import World

ADA: dict[str, Any] = {"lastname": "A", "emailaddress1": "a@x.com"}
WITH_ROWS: dict[Any, OnDelete] = {("lead", Side.MARKETO): OnDelete.DELETE}


def refused(*names: str) -> Any:
    return lambda write: Problem("1006", "no") if write.entity.name in names else None


def filtered(**options: Any) -> World:
    return World((Wanted, Contact), filters={"lead": flagged}, **options)


def test_persons_and_other_objects_have_numbers_of_their_own() -> None:
    world = World((User, Lead))
    someone = user(world)
    row = world.lead(**ADA)
    world.settle()
    (number,) = world.marketo.rows("person")
    assert number in world.marketo.rows("salesperson"), "the same number, another record"
    world.marketo.change("person", number, title="T")
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "T"
    world.marketo.remove("person", number)
    world.settle()
    assert world.linked("user", someone) is not None
    assert world.linked("lead", row) is None


def test_a_person_that_is_deleted_never_takes_another_objects_row_with_it() -> None:
    world = World((Account, Lead), on_delete={("account", Side.MARKETO): OnDelete.DELETE})
    account = world.dynamics.put("accounts", name="W")
    world.settle()
    person = world.person(lastName="x")
    assert person in world.marketo.rows("company")
    world.settle()
    world.marketo.remove("person", person)
    world.settle()
    assert world.dynamics.row("accounts", account) is not None
    assert world.engine.push_persons([world.person(lastName="y", email="y@x.com")]).wrote > 0


@pytest.mark.parametrize("how", ["refused", "held"])
def test_a_row_that_holds_an_edit_is_not_deleted_with_its_person(how: str) -> None:
    world = World(on_delete=WITH_ROWS, policies={"lead": Hold()} if how == "held" else None)
    row = world.lead(**ADA, jobtitle="old")
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, jobtitle="Poet")
    if how == "refused":
        world.marketo.refuse = refused("lead")
    else:
        world.marketo.change("person", person, title="Countess")
    world.engine.run()
    world.marketo.refuse = None
    world.marketo.remove("person", person)
    for _ in range(3):
        world.later(days=2)
        world.engine.run()
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Poet"
    assert world.person_of("lead", row)["title"] == "Poet", "the edit wins, and the person comes back"


@pytest.mark.parametrize("by_rule", [False, True])
def test_a_push_reaches_no_row_outside_the_filter(by_rule: bool) -> None:
    world = filtered(push_rule=(lambda person: "lead") if by_rule else None)
    row = world.lead(lastname="Secret", jobtitle="Poet", emailaddress1="a@x.com", new_synctomarketo=False)
    world.settle()
    person = world.person(email="a@x.com", phone="1")
    if by_rule:
        world.engine.run()
    else:
        report = world.engine.push_persons([person])
        assert [line.reason for line in report.rejected] == ["filtered"]
    assert "Secret" not in str(world.marketo.rows("person"))
    assert (world.dynamics.row("leads", row) or {}).get("telephone1") is None
    assert len(world.dynamics.rows("leads")) == 1


def test_a_push_tells_marketo_of_no_link_that_it_can_not_hold() -> None:
    world = World((Account, User, Contact))
    world.engine.run()
    world.marketo.refuse = refused("account")
    account = world.dynamics.put("accounts", name="W")
    team = "00000000-0000-4000-8000-0000000000aa"
    columns = {"_parentcustomerid_value": account, "_ownerid_value": team}
    row = world.contact(**ADA, **columns, **table("customer", "account"), **table("owner", "team"))
    person = world.person(email="a@x.com")
    world.engine.push_persons([person], as_entity="contact")
    assert world.linked("contact", row) == person
    assert (world.marketo.row("person", person) or {}).get("externalSalesPersonId") is None
    assert "externalCompanyId" not in (world.marketo.row("person", person) or {})
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert (world.marketo.row("person", person) or {})["externalCompanyId"] == account


def test_an_owner_given_to_a_push_reaches_marketo_when_it_is_a_user() -> None:
    world = World((User, Lead))
    owner = user(world)
    world.settle()
    team = "00000000-0000-4000-8000-0000000000aa"
    people = [world.person(lastName=n, email=f"{n}@x.com") for n in "AB"]
    world.engine.push_persons(people[:1], values={"owner": Ref("systemuser", owner)})
    world.engine.push_persons(people[1:], values={"owner": Ref("team", team)})
    world.settle()
    owners = [(world.marketo.row("person", p) or {}).get("externalSalesPersonId") for p in people]
    assert owners == [owner, None]


def qualified(world: World) -> str:
    row = world.lead(**ADA)
    world.settle()
    world.marketo.refuse = refused("account")
    account = world.dynamics.put("accounts", name="W")
    where = {"_parentcustomerid_value": account, **table("customer", "account")}
    contact = world.contact(**ADA, _originatingleadid_value=row, **where)
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact)
    world.engine.run()
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert world.person_of("contact", contact)["externalCompanyId"] == account
    return contact


def test_the_contact_of_a_qualified_lead_gets_its_company_when_it_comes() -> None:
    world = World((Account, Lead, Contact))
    qualified(world)
    assert list(world.store.parked()) == []


def test_a_filter_sees_rows_as_they_are_in_dynamics() -> None:
    world = World((Account, Lead, Contact), filters={"contact": lambda row: row.values["account"] is not None})
    qualified(world)


def test_rows_that_can_not_be_read_any_more_are_not_taken_for_deleted_one_by_one() -> None:
    world = World((Opportunity,))
    rows = [world.dynamics.put("opportunities", name=f"d{n}") for n in range(40)]
    world.settle()
    world.marketo.refuse = refused("opportunity")
    for row in rows[:35]:
        world.dynamics.change("opportunities", row, name="x")
    world.engine.run()
    world.marketo.refuse = None
    world.dynamics.fetch = lambda entity, ids: []  # type: ignore[method-assign]  # a role that lost its right
    world.later(days=2)
    with pytest.raises(PlanRefusedError, match="35 of 40"):
        world.engine.run()
    assert len(world.marketo.rows("opportunity")) == 40


def test_an_edit_made_while_a_row_was_outside_is_not_lost_when_the_filter_goes() -> None:
    world = filtered()
    row = world.lead(telephone1="0", new_synctomarketo=True, **ADA)
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, new_synctomarketo=False)
    world.settle()
    world.marketo.change("person", person, phone="111")
    world.settle()
    world.engine = world.new_engine(filters={})
    world.dynamics.change("leads", row, telephone1="222")
    world.settle()
    assert (world.marketo.row("person", person) or {})["phone"] == "111", "Marketo wins for leads"
    assert "phone" in [entry.field for entry in world.store.journal() if entry.kind == "conflict"]


def test_persons_merged_in_marketo_move_the_link_of_a_row_outside_and_nothing_else() -> None:
    world = filtered()
    row = world.lead(new_synctomarketo=True, **ADA)
    world.settle()
    world.dynamics.change("leads", row, new_synctomarketo=False, jobtitle="Poet")
    world.settle()
    survivor = world.person(lastName="A", email="a@x.com", phone="1")
    world.marketo.merge("person", str(world.linked("lead", row)), survivor)
    world.settle()
    assert world.linked("lead", row) == survivor
    assert (world.marketo.row("person", survivor) or {}).get("title") is None
    assert (world.dynamics.row("leads", row) or {}).get("telephone1") is None


def test_rows_outside_the_filter_claim_nobody_and_are_not_deleted() -> None:
    world = filtered(on_delete=WITH_ROWS)
    outside = world.lead(new_synctomarketo=False, **ADA)
    inside = world.lead(new_synctomarketo=True, **ADA)
    person = world.person(lastName="A", email="a@x.com")
    world.settle()
    assert world.linked("lead", inside) == person
    world.dynamics.change("leads", inside, new_synctomarketo=False)
    world.settle()
    world.marketo.remove("person", person)
    world.settle()
    assert {outside, inside} == world.dynamics.rows("leads").keys()


def test_a_deletion_that_was_refused_is_done_later_and_costs_nothing_then() -> None:
    world = World(on_delete=WITH_ROWS)
    row = world.lead(**ADA)
    world.settle()
    idle = calls(world)
    world.dynamics.refuse = refused("lead")
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.engine.run()
    assert world.dynamics.row("leads", row) is not None
    world.dynamics.refuse = None
    for _ in range(3):
        world.later(days=2)
        world.engine.run()
    assert list(world.store.links("lead")) == list(world.store.rejected()) == []
    assert calls(world) == idle


def calls(world: World) -> int:
    before = world.marketo.calls.total + world.dynamics.calls.total
    world.engine.run()
    return world.marketo.calls.total + world.dynamics.calls.total - before


def test_a_refused_row_that_left_the_filter_is_not_asked_for_again() -> None:
    world = filtered()
    world.engine.run()
    idle = calls(world)
    world.marketo.refuse = refused("lead")
    row = world.lead(new_synctomarketo=True, **ADA)
    world.engine.run()
    world.marketo.refuse = None
    world.dynamics.change("leads", row, new_synctomarketo=False)
    for _ in range(2):
        world.later(days=2)
        world.engine.run()
    assert list(world.store.rejected()) == []
    assert calls(world) == idle


def test_a_link_that_no_longer_waits_is_not_listed_while_another_field_is_held() -> None:
    world = World((Account, Contact), policies={"contact": Hold()})
    contact = world.contact(**ADA, jobtitle="old")
    world.settle()
    person = str(world.linked("contact", contact))
    world.marketo.refuse = refused("account")
    account = world.dynamics.put("accounts", name="W")
    world.marketo.change("person", person, title="Countess")
    where = {"_parentcustomerid_value": account, **table("customer", "account")}
    world.dynamics.change("contacts", contact, jobtitle="Poet", **where)
    world.engine.run()
    assert {p.field for p in world.store.parked()} == {"account", "job_title"}
    world.dynamics.change("contacts", contact, _parentcustomerid_value=None)
    world.engine.run()
    world.marketo.refuse = None
    world.later(days=2)
    world.engine.run()
    world.engine.run()
    assert {p.field for p in world.store.parked()} == {"job_title"}


def test_a_person_of_an_entity_that_is_not_synced_now_is_nobody_elses() -> None:
    world = World((Lead, Contact, Account), person_without=("dynamicsId",))
    contact = world.contact(**ADA)
    world.settle()
    person = world.linked("contact", contact)
    world.engine = world.new_engine(entities=(Lead,))
    lead = world.lead(lastname="L", emailaddress1="A@x.com")
    world.engine.run()
    assert world.linked("lead", lead) is None
    assert [p.reason for p in world.store.parked()] == ["shared-key"]
    assert world.linked("contact", contact) == person
    assert world.engine.push_persons([str(person)]).wrote == 0


@pytest.mark.parametrize("how", ["listing", "edit"])
def test_an_edited_person_is_not_forgotten_because_a_company_has_its_number(how: str) -> None:
    world = World((Account, Lead))
    account, row = world.dynamics.put("accounts", name="W"), world.lead(**ADA)
    world.settle()
    assert world.linked("account", account) == world.linked("lead", row)
    world.marketo.change("person", str(world.linked("lead", row)), title="Countess")
    if how == "listing":
        world.dynamics.expire()
    else:
        world.dynamics.change("accounts", account, name="X")
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Countess"


@pytest.mark.parametrize("said", ["lead", "person"])
@pytest.mark.parametrize("first", ["lead", "contact"])
def test_a_refusal_outlives_the_qualification_into_a_contact_that_never_said_no(said: str, first: str) -> None:
    world = World((Lead, Contact) if first == "lead" else (Contact, Lead))
    row = world.lead(**ADA, donotbulkemail=said == "lead")
    world.settle()
    if said == "person":
        world.marketo.change("person", str(world.linked("lead", row)), unsubscribed=True)
        world.settle()
    contact = world.contact(**ADA, donotbulkemail=False, _originatingleadid_value=row)
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert world.person_of("contact", contact)["unsubscribed"] is True
    assert (world.dynamics.row("contacts", contact) or {})["donotbulkemail"] is True


def test_a_refusal_outlives_a_merge_into_a_person_that_never_said_no() -> None:
    world = World()
    row = world.lead(**ADA, donotbulkemail=True)
    world.settle()
    other = world.person(lastName="A", email="b@x.com", unsubscribed=False)
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", row)), other)
    world.settle()
    assert world.linked("lead", row) == other
    assert world.person_of("lead", row)["unsubscribed"] is True
    assert (world.dynamics.row("leads", row) or {})["donotbulkemail"] is True


def test_what_was_refused_of_a_lead_does_not_wait_for_ever_once_it_is_a_contact() -> None:
    world = World()
    row = world.lead(**ADA)
    world.settle()
    world.dynamics.refuse = refused("lead")
    world.marketo.change("person", str(world.linked("lead", row)), title="Countess")
    world.engine.run()
    assert [item.entity for item in world.store.rejected()] == ["lead"]
    contact = world.contact(**ADA)
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert (world.dynamics.row("contacts", contact) or {})["jobtitle"] == "Countess"
    assert list(world.store.rejected()) == []


def test_taking_an_owner_off_loses_no_value_that_waits() -> None:
    world = World((User, Lead), policies={"lead": Hold()}, on_delete={"user": OnDelete.DELETE})
    owner = user(world)
    row = world.lead(**ADA, jobtitle="old", _ownerid_value=owner, **table("owner", "systemuser"))
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.marketo.change("person", person, title="Countess")
    world.settle()
    world.dynamics.remove("systemusers", owner)
    world.settle()
    assert world.person_of("lead", row)["externalSalesPersonId"] is None
    assert "job_title" in [parked.field for parked in world.store.parked()]
    world.marketo.change("person", person, title="Poet")
    world.settle()
    assert "job_title" not in [parked.field for parked in world.store.parked()]


def test_a_refusal_outlives_a_merge_in_marketo_while_its_row_is_outside_the_filter() -> None:
    world = filtered()
    row = world.lead(**ADA, donotbulkemail=True, new_synctomarketo=True)
    world.settle()
    other = world.person(lastName="A", email="b@x.com", unsubscribed=False)
    world.dynamics.change("leads", row, new_synctomarketo=False)
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", row)), other)
    world.settle()
    assert world.linked("lead", row) == other
    world.dynamics.change("leads", row, new_synctomarketo=True)
    world.settle()
    assert world.person_of("lead", row)["unsubscribed"] is True
    assert (world.dynamics.row("leads", row) or {})["donotbulkemail"] is True
