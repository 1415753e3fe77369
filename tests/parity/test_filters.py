"""Golden scenarios of the parity list: the sync filter, with the native sync's own column and rule."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.entities import Account, Contact, Direction, Entity, Lead, Opportunity, Record, mapped
from tests.engine.world import World

YES, NO = True, False


class FilteredLead(Lead):
    """A lead with the native sync's filter column."""

    wanted: bool | None = mapped(dynamics="new_synctomkto", read_only=True)


class FilteredContact(Contact):
    """A contact with the native sync's filter column."""

    wanted: bool | None = mapped(dynamics="new_synctomkto", read_only=True)


class FilteredAccount(Account):
    """An account with the native sync's filter column."""

    wanted: bool | None = mapped(dynamics="new_synctomkto", read_only=True, direction=Direction.TO_MARKETO)


def not_no(row: Record) -> bool:
    return row.values["wanted"] is not False


def filtered(*entities: type[Entity]) -> World:
    entities = entities or (FilteredLead, FilteredContact)
    definitions = [cls.__entity__ for cls in entities]
    return World(entities, filters={d.name: not_no for d in definitions if "wanted" in d.fields})


def lead(world: World, wanted: bool, name: str = "a") -> str:
    return world.lead(lastname=name, emailaddress1=f"{name}@x.com", new_synctomkto=wanted)


@pytest.mark.parametrize(("wanted", "synced"), [(YES, True), (NO, False)])
def test_a_row_is_synced_where_its_flag_says_so(wanted: bool, synced: bool) -> None:
    world = filtered()
    row = lead(world, wanted)
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.settle()
    assert [p.get("title") for p in world.marketo.rows("person").values()] == (["Poet"] if synced else [])


def test_an_empty_flag_is_not_no() -> None:
    world = filtered()
    row = world.lead(lastname="a", emailaddress1="a@x.com")
    other = lead(world, NO, "b")
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.dynamics.change("leads", other, jobtitle="Poet")
    world.settle()
    assert [(p["lastName"], p["title"]) for p in world.marketo.rows("person").values()] == [("a", "Poet")]
    world.dynamics.change("leads", row, new_synctomkto=NO, jobtitle="Countess")
    world.settle()
    assert world.person_of("lead", row)["title"] == "Poet"


def test_a_filter_can_ask_for_yes_no_and_empty_apart_and_what_is_written_stays_the_same() -> None:
    seen: dict[object, set[object]] = {}

    def note(row: Record) -> bool:
        seen.setdefault(row.values["last_name"], set()).add(row.values["do_not_email"])
        return True

    world = World((Lead,), filters={"lead": note})
    for name, flag in (("yes", True), ("no", False), ("empty", None)):
        world.lead(lastname=name, emailaddress1=f"{name}@x.com", donotemail=flag)
    world.settle()
    assert seen == {"yes": {True}, "no": {False}, "empty": {None}}
    written = {p["lastName"]: p.get("microsoftDoNotEmail", False) for p in world.marketo.rows("person").values()}
    assert written == {"yes": True, "no": False, "empty": False}


class ElsewhereLead(Lead):
    """A lead with a filter column of another publisher."""

    wanted: bool | None = mapped(dynamics="contoso_formarketing", read_only=True)


def test_any_column_can_be_the_flag() -> None:
    world = filtered(ElsewhereLead)
    for name, wanted in (("in", YES), ("out", NO)):
        world.lead(lastname=name, emailaddress1=f"{name}@x.com", contoso_formarketing=wanted)
    world.settle()
    assert [person["lastName"] for person in world.marketo.rows("person").values()] == ["in"]


def test_a_row_that_is_taken_out_late_leaves_a_copy_that_stays_as_it_was() -> None:
    world = filtered()
    row = lead(world, YES)
    world.engine.run()
    world.dynamics.change("leads", row, new_synctomkto=NO, jobtitle="Poet")
    world.settle()
    (person,) = world.marketo.rows("person").values()
    assert "title" not in person


@pytest.mark.parametrize("known", [False, True])
def test_a_row_that_enters_is_created_or_updated(known: bool) -> None:
    world = filtered()
    row = lead(world, YES if known else NO)
    world.settle()
    world.dynamics.change("leads", row, new_synctomkto=NO, jobtitle="Poet")
    world.settle()
    world.dynamics.change("leads", row, new_synctomkto=YES)
    report = world.engine.run()
    assert report.wrote == 1
    assert world.person_of("lead", row)["title"] == "Poet"


@pytest.mark.parametrize(("of_lead", "of_contact", "people"), [(NO, NO, 0), (YES, YES, 1), (NO, YES, 1), (YES, NO, 1)])
def test_a_lead_that_is_qualified(of_lead: bool, of_contact: bool, people: int) -> None:
    world = filtered()
    row = lead(world, of_lead)
    world.settle()
    contact = world.contact(
        lastname="c", emailaddress1="c@x.com", new_synctomkto=of_contact, _originatingleadid_value=row
    )
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact, jobtitle="Poet")
    world.settle()
    assert len(world.marketo.rows("person")) == people
    assert (world.linked("contact", contact) is not None) is of_contact
    if of_lead and not of_contact:
        assert world.person_of("lead", row)["title"] == "Poet"


def test_a_lead_outside_is_qualified_where_contact_and_opportunity_have_no_filter() -> None:
    world = filtered(FilteredLead, Contact, Opportunity)
    row = lead(world, NO)
    world.settle()
    contact = world.contact(lastname="c", emailaddress1="c@x.com", _originatingleadid_value=row)
    world.dynamics.put("opportunities", name="Big one")
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert world.linked("contact", contact) is not None
    assert len(world.marketo.rows("opportunity")) == 1


@pytest.mark.parametrize("loser", [YES, NO])
@pytest.mark.parametrize("winner", [YES, NO])
def test_of_rows_that_are_merged_the_winners_flag_decides(loser: bool, winner: bool) -> None:
    world = filtered()
    lost, won = lead(world, loser, "loser"), lead(world, winner, "winner")
    world.settle()
    world.dynamics.merge("leads", lost, won)
    world.settle()
    world.dynamics.change("leads", won, jobtitle="Poet")
    world.settle()
    titles = [p.get("title") for p in world.marketo.rows("person").values()]
    assert ("Poet" in titles) is winner
    assert len(titles) == (loser or winner), "where both are synced, their persons become one"


def test_the_account_of_a_contact_inside_stays_outside() -> None:
    world = filtered(FilteredAccount, FilteredContact)
    account = world.dynamics.put("accounts", name="Widgets", new_synctomkto=NO)
    contact = world.contact(
        lastname="c",
        new_synctomkto=YES,
        _parentcustomerid_value=account,
        **{"_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account"},
    )
    world.settle()
    assert world.marketo.rows("company") == {}
    assert "externalCompanyId" not in world.person_of("contact", contact)
    assert [(parked.field, parked.reason) for parked in world.store.parked()] == [("account", "missing-parent")]
    world.dynamics.change("accounts", account, new_synctomkto=YES)
    world.settle()
    assert world.person_of("contact", contact)["externalCompanyId"] == account
