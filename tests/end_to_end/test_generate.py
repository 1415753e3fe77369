"""Entities made from what the services say: discovered, generated, pasted, synced."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from attrs import evolve

from marketo_dynamics_sync import MemoryStateStore, SyncEngine, generate_entity
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.entities import (
    Direction,
    Entity,
    EntityDefinition,
    FieldInfo,
    Lead,
    MarketoObject,
    ObjectInfo,
    Side,
    bind,
    custom_object,
    generate_source,
    person,
)
from marketo_dynamics_sync.errors import ConfigurationError, FieldMissingError
from marketo_dynamics_sync.sandbox.dataverse.metadata import Column, Table
from marketo_dynamics_sync.sandbox.marketo import PersonField
from tests.end_to_end.conftest import Pair
from tests.entities.described import EVENTS, marketo_type, twin

Paste = Callable[[str], type[Entity]]
TIERS: list[dict[str, object]] = [{"value": 100000000, "label": "Gold"}, {"value": 100000001, "label": "2nd / Silver"}]


def customize(pair: Pair) -> None:
    columns = pair.sandbox.dynamics.tables["lead"].columns
    columns["new_slatier"] = Column("new_slatier", "Picklist", options=TIERS, schema_name="new_SlaTier")
    columns["new_visits"] = Column("new_visits", "Integer", schema_name="new_Visits")
    for item in (PersonField("slaTier_c"), PersonField("visits", "integer")):
        pair.sandbox.marketo.add_field(item)


def add_table(pair: Pair, name: str, entity_set: str) -> None:
    columns = {
        f"{name}id": Column(f"{name}id", "Uniqueidentifier", read_only=True),
        "new_name": Column("new_name", "String", max_length=100, schema_name="new_Name"),
        "new_tier": Column("new_tier", "Picklist", options=TIERS, schema_name="new_Tier"),
        "new_guestid": Column("new_guestid", "Lookup", targets=("contact",), schema_name="new_GuestId"),
    }
    pair.sandbox.dynamics.tables[name] = Table(name, entity_set, f"{name}id", columns, schema_name=name.title())


@pytest.fixture
def paste(tmp_path: Path) -> Iterator[Paste]:
    """Put source into a module and return its entity class."""
    made: list[str] = []

    def load(source: str) -> type[Entity]:
        name = f"pasted_{len(made)}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        made.append(name)
        spec.loader.exec_module(module)
        return _entity(module)

    yield load
    for name in made:
        del sys.modules[name]


def _entity(module: ModuleType) -> type[Entity]:
    (cls,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Entity) and value.__module__ == module.__name__
    )
    return cls


def test_discovery_tells_both_sides_and_writes_nothing(pair: Pair) -> None:
    customize(pair)
    found = pair.engine().discover("lead")
    pairs = {item.dynamics: (item.marketo, item.annotation) for item in found.suggested}
    assert pairs["new_slatier"] == ("slaTier_c", "Enum")
    assert pairs["new_visits"] == ("visits", "int")
    assert found == pair.engine().discover(Lead)
    assert {item.reason for item in found.restricted if item.name == "fullname"} == {"read-only"}
    assert pair.writes == 0
    assert list(pair.store.parked()) == []


def test_discovery_sees_a_field_made_a_moment_ago(pair: Pair) -> None:
    engine = pair.engine()
    assert "latecomer" not in engine.discover("lead").free_marketo
    pair.sandbox.marketo.add_field(PersonField("latecomer"))
    assert "latecomer" in engine.discover("lead").free_marketo


@pytest.mark.parametrize("wrong", ["event", Pair])
def test_discovery_of_what_is_no_entity_is_refused(pair: Pair, wrong: type[Entity] | str) -> None:
    with pytest.raises(ConfigurationError, match="entity"):
        pair.engine().discover(wrong)


def test_a_generated_lead_syncs_its_custom_fields_both_ways(pair: Pair, paste: Paste) -> None:
    customize(pair)
    cls = paste(generate_entity(pair.marketo(), pair.dynamics(), "leads"))
    assert pair.writes == 0
    assert issubclass(cls, Lead)
    row = pair.sandbox.dynamics.create(
        "lead", lastname="Byron", emailaddress1="ada@example.com", new_slatier=100000001, new_visits=3
    )
    engine = pair.engine([cls])
    assert engine.check().passed
    engine.run()
    (seen,) = pair.sandbox.marketo.persons()
    assert (seen["slaTier_c"], seen["visits"]) == ("2nd / Silver", 3)
    pair.sandbox.clock.advance(60)
    pair.sandbox.marketo.update_person(int(str(seen["id"])), slaTier_c="Gold")
    pair.settle(engine)
    stored = pair.sandbox.dynamics.row("lead", row)
    assert stored is not None
    assert stored["new_slatier"] == 100000000


def test_a_lead_of_its_own_carries_the_default_fields_too(pair: Pair, paste: Paste) -> None:
    customize(pair)
    cls = paste(generate_entity(pair.marketo(), pair.dynamics(), "leads", marketo_object=person()))
    assert cls.__bases__ == (Entity,)
    pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", new_visits=3)
    pair.settle(pair.engine([cls]))
    (seen,) = pair.sandbox.marketo.persons()
    assert (seen["lastName"], seen["email"], seen["visits"]) == ("Byron", "ada@example.com", 3)


@pytest.mark.parametrize(
    ("name", "entity_set"), [("new_event", "new_events"), ("new_class", "new_classes"), ("new_city", "new_cities")]
)
def test_a_table_is_found_by_either_name(pair: Pair, name: str, entity_set: str, paste: Paste) -> None:
    add_table(pair, name, entity_set)
    marketo, dynamics = pair.marketo(), pair.dynamics()
    source = generate_entity(marketo, dynamics, name)
    assert source == generate_entity(marketo, dynamics, entity_set)
    definition = paste(source).__entity__
    short = name.removeprefix("new_")
    assert (definition.name, definition.dynamics) == (short, entity_set)
    assert definition.marketo == custom_object(f"{short}_c", dedupe=f"{short}id")
    assert definition.direction is Direction.TO_MARKETO
    assert "guestid: Ref[Contact] | None" in source


@pytest.mark.parametrize("entity_set", ["leads", "contacts", "accounts", "opportunities", "systemusers", "teams"])
@pytest.mark.parametrize("home", [person(), custom_object("own_c", dedupe="ownId")], ids=["person", "proposed"])
def test_every_standard_table_makes_a_class_that_binds(
    pair: Pair, entity_set: str, home: MarketoObject, paste: Paste
) -> None:
    dynamics = pair.dynamics()
    table = dynamics.describe(evolve(Lead.__entity__, dynamics=entity_set))
    people = pair.marketo().describe(Lead.__entity__) if home.is_person else None
    definition = paste(generate_source("own", people, table, lives_in=home)).__entity__
    fields = people.fields if people else proposed(definition, table)
    entity = bind(definition, ObjectInfo(home.name, fields), table)
    assert entity.left_out == ()
    assert len(entity.fields) > 3 or home.is_person


def proposed(definition: EntityDefinition, table: ObjectInfo) -> dict[str, FieldInfo]:
    """Return the fields that a class asks Marketo for, of the types that its columns need."""
    items = [item for item in definition.fields.values() if item.marketo and item.dynamics]
    types = {str(item.marketo): marketo_type(table.fields[str(item.dynamics)]) for item in items}
    return {name: FieldInfo(name, kind) for name, kind in types.items()}


def test_an_unknown_table_is_refused_by_the_name_that_was_given(pair: Pair) -> None:
    add_table(pair, "new_event", "things")
    with pytest.raises(FieldMissingError, match="'thing'"):
        generate_entity(pair.marketo(), pair.dynamics(), "thing")


def test_a_generated_custom_object_syncs(paste: Paste) -> None:
    marketo = MemoryConnector(Side.MARKETO, {"event_c": twin("event_c", EVENTS)}, identity="123-ABC-456")
    dynamics = MemoryConnector(Side.DYNAMICS, {"new_events": EVENTS}, identity="org-1")
    home = custom_object("event_c", dedupe="Eventid_c")
    cls = paste(generate_entity(marketo, dynamics, "new_events", name="seminar", marketo_object=home))
    assert cls.__name__ == "Seminar"
    row = dynamics.put("new_events", new_name="Opening", new_stage=5, new_topics="1,8", new_price=12.5)
    engine = SyncEngine(marketo=marketo, dynamics=dynamics, store=MemoryStateStore(), entities=[cls])
    engine.run()
    (made,) = marketo.rows("event_c").values()
    assert made["Eventid_c"] == row
    assert made["Name_c"] == "Opening"
    assert made["Stage_c"] == "Won / closed"
    assert made["Topics_c"] == "1st call; 予約済み"
    assert made["Price_c"] == 12.5
    assert engine.run().wrote == 0
