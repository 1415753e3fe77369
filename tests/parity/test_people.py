"""Golden scenarios of the parity list: leads and contacts."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.entities import Account, Contact, Lead, Ref, User
from tests.end_to_end.conftest import Pair, pair, pair_with
from tests.engine.world import World

__all__ = ["pair", "pair_with"]

TABLES = pytest.mark.parametrize("table", ["lead", "contact"])


@TABLES
def test_an_edit_in_dynamics_reaches_the_person(pair: Pair, table: str) -> None:
    row = pair.sandbox.dynamics.create(table, lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.dynamics.update(table, row, jobtitle="Countess")
    pair.settle(engine)
    assert pair.person_of(table, row)["title"] == "Countess"


@TABLES
def test_an_edit_in_marketo_reaches_the_row(pair: Pair, table: str) -> None:
    row = pair.sandbox.dynamics.create(table, lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.marketo.update_person(int(str(pair.person_of(table, row)["id"])), title="Countess")
    pair.settle(engine)
    assert (pair.sandbox.dynamics.row(table, row) or {})["jobtitle"] == "Countess"


def test_the_date_of_creation_is_that_of_dynamics() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", createdon="2011-05-06T07:08:09Z")
    world.settle()
    assert str(world.person_of("lead", row)["microsoftCreatedDate"]).startswith("2011-05-06T07:08:09")


def test_two_leads_with_one_address_are_two_persons(pair: Pair) -> None:
    for name in ("Byron", "King"):
        pair.sandbox.dynamics.create("lead", lastname=name, emailaddress1="ada@example.com")
    pair.settle(pair.engine())
    assert sorted(str(p["lastName"]) for p in pair.sandbox.marketo.persons()) == ["Byron", "King"]


def test_another_address_is_still_the_same_person(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    before = pair.person_of("lead", row)["id"]
    pair.sandbox.dynamics.update("lead", row, emailaddress1="countess@example.com")
    pair.settle(engine)
    (person,) = pair.sandbox.marketo.persons()
    assert (person["id"], person["email"]) == (before, "countess@example.com")


def test_a_column_that_was_not_selected_moves_nothing() -> None:
    world = World((Contact.select("email", "last_name"),))
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.change("contacts", row, jobtitle="Countess")
    assert world.engine.run().wrote == 0
    assert "title" not in world.person_of("contact", row)


def test_a_lead_is_no_second_time_made_as_a_contact() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    report = world.engine.push_persons([str(world.linked("lead", row))], as_entity="contact")
    assert world.dynamics.rows("contacts") == {}
    assert [line.reason for line in report.rejected] == ["exists"]


def test_a_person_made_as_a_contact_has_no_account() -> None:
    world = World((Contact, Account))
    person = world.person(lastName="Byron", email="ada@x.com", company="Widgets")
    world.engine.push_persons([person], as_entity="contact")
    (row,) = world.dynamics.rows("contacts").values()
    assert row.get("_parentcustomerid_value") is None
    assert world.dynamics.rows("accounts") == {}


def test_a_contact_without_an_account_has_no_company() -> None:
    world = World((Contact, Account))
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    assert world.person_of("contact", row).get("externalCompanyId") is None
    assert world.marketo.rows("company") == {}


@pytest.mark.parametrize("kind", ["systemuser", "team"])
def test_the_owner_of_a_lead_is_the_persons_sales_person_where_that_is_a_user(kind: str) -> None:
    world = World((Lead, User))
    owner = world.dynamics.put("systemusers", firstname="Grace", internalemailaddress="grace@sales.example")
    row = world.lead(
        lastname="Byron",
        _ownerid_value=owner,
        **{"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": kind},
    )
    world.settle()
    assert world.person_of("lead", row).get("externalSalesPersonId") == (owner if kind == "systemuser" else None)


def test_a_row_that_is_deactivated_changes_its_status_and_is_not_marked_as_deleted() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.change("leads", row, statecode=2, statuscode=4)
    world.settle()
    person = world.person_of("lead", row)
    assert (person["leadStatus"], person["microsoftStatusReason"]) == ("Disqualified", "Lost")
    assert not person.get("microsoftIsDeleted")


@TABLES
def test_a_row_that_is_deleted_marks_its_person(pair: Pair, table: str) -> None:
    row = pair.sandbox.dynamics.create(table, lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.dynamics.delete(table, row)
    pair.settle(engine)
    (person,) = pair.sandbox.marketo.persons()
    assert person["microsoftIsDeleted"] is True


def test_a_lead_qualified_into_a_contact_that_is_synced_becomes_its_person() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    contact = world.contact(lastname="King", emailaddress1="king@x.com")
    world.settle()
    winner = world.linked("contact", contact)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert [(i, person["lastName"]) for i, person in world.marketo.rows("person").items()] == [(winner, "King")]
    assert not list(world.store.parked())


def test_two_leads_merged_in_dynamics_become_one_person_with_scores_and_activities_joined(pair: Pair) -> None:
    keep = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    lose = pair.sandbox.dynamics.create("lead", lastname="King", emailaddress1="king@example.com", jobtitle="Countess")
    engine = pair.engine()
    pair.settle(engine)
    marketo = pair.sandbox.marketo
    winner, loser = (int(str(pair.person_of("lead", row)["id"])) for row in (keep, lose))
    marketo.change_score(winner, 5)
    marketo.change_score(loser, 7)
    pair.sandbox.dynamics.merge("lead", keep, lose)
    pair.settle(engine)
    (person,) = marketo.persons()
    assert (person["id"], person["leadScore"], person["title"], person["lastName"]) == (winner, 12, "Countess", "Byron")
    assert [a.person for a in marketo.log if a.type == 32] == [winner]


def test_campaigns_can_listen_to_the_mark_of_a_deleted_row(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    pair.settle(engine)
    person = int(str(pair.person_of("lead", row)["id"]))
    pair.sandbox.dynamics.delete("lead", row)
    pair.settle(engine)
    told = [a.change for a in pair.sandbox.marketo.log if a.person == person and a.change is not None]
    assert ("microsoftIsDeleted", "true") in [(change.name, change.new) for change in told]


def test_a_push_sets_the_owner_of_the_new_row() -> None:
    world = World((Lead, User))
    owner = world.dynamics.put("systemusers", firstname="Grace", internalemailaddress="grace@sales.example")
    person = world.person(lastName="Byron", email="ada@x.com")
    world.engine.run()
    world.engine.push_persons([person], values={"owner": Ref("systemuser", owner)})
    (row,) = world.dynamics.rows("leads").values()
    assert row["ownerid@odata.bind"] == f"/systemusers({owner})"
    assert (world.marketo.row("person", person) or {})["externalSalesPersonId"] == owner


def test_a_push_carries_no_edit_of_a_person_that_is_there_and_choosing_it_does() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    person = str(world.linked("lead", row))
    world.marketo.change("person", person, title="Countess")
    assert world.engine.push_persons([person]).wrote == 0
    assert "jobtitle" not in (world.dynamics.row("leads", row) or {})
    world.engine.sync_records([person], entity="lead", side=world.marketo.side)
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Countess"


def test_a_person_pushed_twice_is_made_once() -> None:
    world = World()
    person = world.person(lastName="Byron", email="ada@x.com")
    assert world.engine.push_persons([person, person]).wrote == 1 + 1, "the row, and its id in Marketo"
    again = world.engine.push_persons([person])
    assert again.counts["lead", "to Dynamics", "there already"] == 1
    assert len(world.dynamics.rows("leads")) == 1
