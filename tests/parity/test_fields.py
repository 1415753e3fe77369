"""Golden scenarios of the parity list: fields that come, go, and are mapped by default."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import (
    Account,
    Choices,
    Contact,
    Direction,
    Entity,
    FieldInfo,
    Lead,
    Opportunity,
    Option,
    bind,
    mapped,
)
from marketo_dynamics_sync.entities.definition import EntityField
from marketo_dynamics_sync.errors import FieldMissingError
from marketo_dynamics_sync.testing import described_table, values_of
from tests.engine.world import World


class TopicLead(Lead):
    """A lead with a column of several choices."""

    topics: Choices | None = mapped(marketo="topics", dynamics="new_topics")


class NamedLead(Lead):
    """A lead whose fax number somebody asked for by name."""

    fax: str | None = mapped(marketo="fax", dynamics="fax")


def without_column(world: World, table: str, column: str) -> None:
    info = world.dynamics.objects[table]
    fields = {name: item for name, item in info.fields.items() if name != column}
    world.dynamics.objects[table] = evolve(info, fields=fields)


def test_columns_of_several_entities_are_filled_for_all_records_while_edits_go_on() -> None:
    world = World()
    world.engine = world.new_engine(entities=(Lead.select("email", "last_name"), Contact.select("email", "last_name")))
    leads = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com", jobtitle=f"T{n}") for n in range(5)]
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@x.com", jobtitle=f"T{n}") for n in range(5)]
    world.settle()
    world.marketo.change("person", str(world.linked("lead", leads[0])), lastName="King")
    world.dynamics.change("contacts", contacts[0], lastname="Lovelace")
    world.engine = world.new_engine()
    report = world.engine.run()
    assert [world.person_of("lead", row)["title"] for row in leads] == [f"T{n}" for n in range(5)]
    assert [world.person_of("contact", row)["title"] for row in contacts] == [f"T{n}" for n in range(5)]
    assert (world.dynamics.row("leads", leads[0]) or {})["lastname"] == "King"
    assert world.person_of("contact", contacts[0])["lastName"] == "Lovelace"
    assert len(report.full_comparisons) == 2


@pytest.mark.parametrize("lost", [False, True])
def test_a_column_that_was_cleared_is_cleared_in_marketo_also_by_a_full_comparison(lost: bool) -> None:
    world = World()
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Countess")
    world.settle()
    world.dynamics.change("contacts", row, jobtitle=None)
    if lost:
        world.dynamics.expire()
        world.marketo.expire()
    world.settle()
    assert world.person_of("contact", row)["title"] is None


@pytest.mark.parametrize(("table", "cls", "winner"), [("leads", Lead, "M"), ("contacts", Contact, "D")])
def test_a_field_that_drifted_agrees_again_when_it_is_left_out_for_a_cycle(
    table: str, cls: type[Entity], winner: str
) -> None:
    world = World((cls,))
    row = world.dynamics.put(table, lastname="Byron", emailaddress1="ada@x.com", address1_city="Rome")
    world.settle()
    name = cls.__entity__.name
    world.dynamics._rows[table][row]["address1_city"] = "D"  # unknown to every change feed
    world.marketo._rows["person"][str(world.linked(name, row))]["city"] = "M"
    assert world.engine.run().wrote == 0
    world.new_engine(entities=(cls.select("email", "last_name"),)).run()
    world.engine = world.new_engine()
    world.settle()
    assert world.person_of(name, row)["city"] == winner
    assert (world.dynamics.row(table, row) or {})["address1_city"] == winner


def test_a_column_that_is_deleted_stops_nothing_and_clears_nothing() -> None:
    world = World((Lead,))
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", fax="1")
    world.settle()
    without_column(world, "leads", "fax")
    del world.dynamics._rows["leads"][row]["fax"]
    world.dynamics.change("leads", row, jobtitle="Countess")
    report = world.engine.run()
    assert ("lead", "fax") in {(gap.entity, gap.field) for gap in report.left_out}
    person = world.person_of("lead", row)
    assert (person["title"], person["fax"]) == ("Countess", "1")


def test_a_column_of_the_users_own_that_is_deleted_is_an_error_before_anything_is_written() -> None:
    world = World((NamedLead,))
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", fax="1")
    world.settle()
    without_column(world, "leads", "fax")
    world.dynamics.change("leads", row, jobtitle="Countess")
    with pytest.raises(FieldMissingError, match=r"NamedLead\.fax"):
        world.engine.run()
    assert "title" not in world.person_of("lead", row)


def test_several_choices_travel_as_labels() -> None:
    world = World((TopicLead,))
    info = world.dynamics.objects["leads"]
    options = (Option(1, "Poetry"), Option(2, "Engines"))
    column = FieldInfo("new_topics", "MultiSelectPicklist", options=options)
    world.dynamics.objects["leads"] = evolve(info, fields={**info.fields, "new_topics": column})
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", new_topics="1,2")
    world.settle()
    assert world.person_of("lead", row)["topics"] == "Poetry; Engines"
    world.marketo.change("person", str(world.linked("lead", row)), topics="Engines")
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["new_topics"] == "2"


SAMPLES = {
    "boolean": True,
    "date": "2026-01-02",
    "datetime": "2026-01-02T03:04:05Z",
    "float": 2.5,
    "integer": 7,
    "currency": 12.5,
}


def sample(world: World, table: str, item: EntityField) -> tuple[object, object]:
    """Return a value as Dynamics and as Marketo have it."""
    info = next(found for found in world.marketo.objects.values() if item.marketo in found.fields)
    options = world.dynamics.objects[table].fields[str(item.dynamics)].options
    if options:
        return options[0].value, options[0].label
    if info.fields[str(item.marketo)].type == "email":
        return "golden@x.com", "golden@x.com"
    return (SAMPLES.get(info.fields[str(item.marketo)].type, "golden"),) * 2


FIELDS = [
    (cls, item.name)
    for cls in (Lead, Contact, Account, Opportunity)
    for item in cls.__entity__.fields.values()
    if item.dynamics is not None and item.marketo is not None and not item.key
    if item.name not in ("account", "owner")
]


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_every_field_of_the_default_mapping_arrives(cls: type[Entity], name: str) -> None:
    world = World((cls,))
    item, table, entity = cls.__entity__.fields[name], cls.__entity__.dynamics, cls.__entity__.name
    assert described_table(cls).fields[str(item.dynamics)]
    row = world.dynamics.put(table, lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    home, person = cls.__entity__.marketo.name, str(world.linked(entity, row))
    in_dynamics, in_marketo = sample(world, table, item)
    if item.direction is not Direction.TO_DYNAMICS:
        world.dynamics.change(table, row, **{str(item.dynamics): in_dynamics})
        world.settle()
        assert (world.marketo.row(home, person) or {})[str(item.marketo)] == in_marketo
    if item.direction is not Direction.TO_MARKETO:
        world.dynamics.change(table, row, **{str(item.dynamics): None})
        world.settle()
        world.marketo.change("person", person, **{str(item.marketo): in_marketo})
        world.settle()
        assert (world.dynamics.row(table, row) or {})[str(item.dynamics)] == in_dynamics


#: Links have tests of their own, and so has what only Marketo or the platform says.
ALONE = {"account", "owner", "created_on"}


@pytest.mark.parametrize("cls", [Lead, Contact, Account, Opportunity])
@given(data=st.data())
@settings(max_examples=25)
def test_whatever_a_row_holds_its_record_in_marketo_holds(cls: type[Entity], data: st.DataObject) -> None:
    world = World((cls,))
    home, table = cls.__entity__.marketo.name, cls.__entity__.dynamics
    bound = bind(cls.__entity__, world.marketo.objects[home], world.dynamics.objects[table])
    fields = {
        name: field
        for name, field in bound.fields.items()
        if name not in ALONE and not field.key and field.to_marketo and field.dynamics
    }
    values = data.draw(values_of(bound))
    native: dict[str, object] = {}
    for name, field in fields.items():
        native |= field.codec.write_row(field.dynamics, values[name])
    row = world.dynamics.put(table, **native)
    world.settle()
    record = world.marketo.row(home, str(world.linked(cls.__entity__.name, row))) or {}
    for name, field in fields.items():
        assert field.codec.from_marketo(record.get(field.marketo)) == values[name], name  # type: ignore[arg-type]  # records are what JSON can say
