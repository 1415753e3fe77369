"""Golden scenarios of the parity list: companies, sales persons, opportunities and custom objects."""

from __future__ import annotations

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import (
    Account,
    Choice,
    Contact,
    Direction,
    Entity,
    Guid,
    Lead,
    Money,
    Opportunity,
    Option,
    Ref,
    User,
    custom_object,
    entity,
    mapped,
)
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.world import World


class InBaseCurrency(Opportunity):
    """An opportunity whose amount is the one in the organization's own currency."""

    amount: Money | None = mapped(marketo="amount", dynamics="estimatedvalue_base")


LONG = "new_" + "visitsofacompanythatgoesonandonforever"


@entity(
    name="visit",
    marketo=custom_object("visit_c", dedupe="visitId"),
    dynamics=LONG + "s",
    direction=Direction.TO_MARKETO,
)
class Visit(Entity):
    """Of a lead."""

    visit_id: Guid | None = mapped(marketo="visitId", dynamics=f"{LONG}id", key=True)
    lead: Ref[Lead] | None = mapped(marketo="dynamicsId", dynamics="new_leadid")
    title: str | None = mapped(marketo="visitName", dynamics="new_name")
    state: Choice | None = mapped(marketo="visitState", dynamics="statecode")


@entity(
    name="talk", marketo=custom_object("talk_c", dedupe="talkId"), dynamics="new_talks", direction=Direction.TO_MARKETO
)
class Talk(Entity):
    """During a visit."""

    talk_id: Guid | None = mapped(marketo="talkId", dynamics="new_talkid", key=True)
    visit: Ref[Visit] | None = mapped(marketo="visitId", dynamics="new_visitid")


@entity(
    name="word", marketo=custom_object("word_c", dedupe="wordId"), dynamics="new_words", direction=Direction.TO_MARKETO
)
class Word(Entity):
    """Said in a talk."""

    word_id: Guid | None = mapped(marketo="wordId", dynamics="new_wordid", key=True)
    talk: Ref[Talk] | None = mapped(marketo="talkId", dynamics="new_talkid")


def only(world: World, name: str) -> dict[str, object]:
    (row,) = world.marketo.rows(name).values()
    return row


def the_id(world: World, name: str) -> str:
    (record,) = world.marketo.rows(name)
    return record


def lookup(column: str, table: str, row: str) -> dict[str, object]:
    return {f"_{column}_value": row, f"_{column}_value@Microsoft.Dynamics.CRM.lookuplogicalname": table}


EDITS = [
    (Account, "accounts", "company", "company", "name"),
    (User, "systemusers", "salesperson", "lastName", "lastname"),
    (Opportunity, "opportunities", "opportunity", "name", "name"),
    (Visit, LONG + "s", "visit_c", "visitName", "new_name"),
]


@pytest.mark.parametrize(("cls", "table", "name", "field", "column"), EDITS)
def test_an_edit_in_dynamics_reaches_marketo(cls: type[Entity], table: str, name: str, field: str, column: str) -> None:
    world = World((cls,))
    row = world.dynamics.put(table, **{column: "before"})
    world.settle()
    world.dynamics.change(table, row, **{column: "after"})
    world.settle()
    assert only(world, name)[field] == "after"


@pytest.mark.parametrize(("cls", "table", "name", "field", "column"), EDITS)
def test_an_edit_in_marketo_never_reaches_dynamics(
    cls: type[Entity], table: str, name: str, field: str, column: str
) -> None:
    world = World((cls,))
    row = world.dynamics.put(table, **{column: "before"})
    world.settle()
    world.marketo.change(name, the_id(world, name), **{field: "by marketing"})
    world.engine.run()
    world.dynamics.change(table, row, createdby="x")
    world.engine.run()
    assert world.dynamics.calls.writes == 0
    assert (world.dynamics.row(table, row) or {})[column] == "before"


@pytest.mark.parametrize(("cls", "table", "name", "field", "column"), EDITS)
def test_nothing_made_in_marketo_is_made_in_dynamics(
    cls: type[Entity], table: str, name: str, field: str, column: str
) -> None:
    world = World((cls,))
    world.engine.run()
    world.marketo.put(name, **{field: "by marketing"})
    world.settle()
    assert world.dynamics.rows(table) == {}
    with pytest.raises(ConfigurationError, match="can't be pushed"):
        world.engine.push_persons(["1"], as_entity=cls)


def test_a_sales_person_has_the_address_of_its_user() -> None:
    world = World((User,))
    user = world.dynamics.put("systemusers", internalemailaddress="grace@sales.example")
    world.settle()
    world.dynamics.change("systemusers", user, internalemailaddress="hopper@sales.example")
    world.settle()
    assert only(world, "salesperson")["email"] == "hopper@sales.example"


@pytest.mark.parametrize("with_contact", [False, True])
def test_an_opportunity_of_an_account_has_its_company_whoever_the_contact_is(with_contact: bool) -> None:
    world = World((Account, Contact, Opportunity))
    account = world.dynamics.put("accounts", name="Widgets")
    contact = world.contact(lastname="Byron")
    more = lookup("parentcontactid", "contact", contact) if with_contact else {}
    world.dynamics.put("opportunities", name="Big one", **lookup("parentaccountid", "account", account), **more)
    report = world.engine.run()
    assert only(world, "opportunity")["externalCompanyId"] == account
    assert report.total("to Marketo", "created") == 3, "company, person and opportunity, and no role"


def test_a_won_opportunity_has_its_stage() -> None:
    world = World((Opportunity,))
    table = world.dynamics.objects["opportunities"]
    states = (Option(0, "Open"), Option(1, "Won"), Option(2, "Lost"))
    column = evolve(table.fields["statecode"], options=states)
    world.dynamics.objects["opportunities"] = evolve(table, fields={**table.fields, "statecode": column})
    row = world.dynamics.put("opportunities", name="Big one", statecode=0)
    world.settle()
    assert only(world, "opportunity")["stage"] == "Open"
    world.dynamics.change("opportunities", row, statecode=1)
    world.settle()
    assert only(world, "opportunity")["stage"] == "Won"


@pytest.mark.parametrize(("cls", "amount"), [(Opportunity, 100), (InBaseCurrency, 112.5)])
def test_an_amount_in_another_currency_is_copied_as_it_is_or_in_the_base_currency(
    cls: type[Entity], amount: float
) -> None:
    world = World((cls,))
    world.dynamics.put("opportunities", estimatedvalue=100, estimatedvalue_base=112.5, exchangerate=0.88)
    world.settle()
    assert only(world, "opportunity")["amount"] == amount


def test_custom_entities_are_copied_with_what_they_belong_to_at_any_depth() -> None:
    world = World((Word, Talk, Visit, Lead))
    leads = [world.lead(lastname=f"L{n}") for n in range(3)]
    visits = [world.dynamics.put(LONG + "s", **lookup("new_leadid", "lead", lead)) for lead in leads]
    talk = world.dynamics.put("new_talks", **lookup("new_visitid", LONG, visits[1]))
    world.dynamics.put("new_words", **lookup("new_talkid", "new_talk", talk))
    world.settle()
    people = {person["dynamicsId"] for person in world.marketo.rows("person").values()}
    assert {row["dynamicsId"] for row in world.marketo.rows("visit_c").values()} == people == set(leads)
    assert only(world, "talk_c")["visitId"] == visits[1]
    assert only(world, "word_c")["talkId"] == talk


def test_the_state_of_a_custom_entitys_row_is_reflected() -> None:
    world = World((Visit,))
    row = world.dynamics.put(LONG + "s", new_name="Fair", statecode=0)
    world.settle()
    before = only(world, "visit_c")["visitState"]
    world.dynamics.change(LONG + "s", row, statecode=2)
    world.settle()
    assert (before, only(world, "visit_c")["visitState"]) == ("Open", "Disqualified")


def test_a_custom_entity_may_have_a_long_name() -> None:
    assert len(Visit.__entity__.dynamics) > 33
    world = World((Visit,))
    row = world.dynamics.put(LONG + "s", new_name="Fair")
    world.settle()
    assert only(world, "visit_c")["visitId"] == row
