"""Changes of definitions: tables, columns, alternate keys and relationships that somebody adds.

Source: Microsoft Learn, "Create and update table definitions", "… column definitions" and "… relationships using the
Web API", and "Define alternate keys for a table".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve

from ..http import Request, Response
from .address import Segment
from .answers import no_content
from .definition_reads import DefinitionReads
from .definitions import key_id
from .environment import Environment
from .errors import Fault, bad_payload, no_segment, wrong_method
from .metadata import Column, Key, Table
from .payload import json_object
from .query import Query
from .relationships import ManyToMany, OneToMany

_MOST_KEYS: Final = 10
_MOST_KEY_COLUMNS: Final = 16
#: Types of columns that alternate keys are made of.
_KEY_TYPES: Final = ("Decimal", "Integer", "String", "DateTime", "Lookup", "Customer", "Picklist")
_SYSTEM: Final = (
    Column("createdon", "DateTime", read_only=True),
    Column("createdby", "Lookup", targets=("systemuser",), read_only=True),
    Column("modifiedon", "DateTime", read_only=True),
    Column("modifiedby", "Lookup", targets=("systemuser",), read_only=True),
    Column("ownerid", "Owner", targets=("systemuser", "team")),
    Column("versionnumber", "BigInt", read_only=True),
    Column("statecode", "State", options=[{"value": 0, "label": "Active"}, {"value": 1, "label": "Inactive"}]),
    Column(
        "statuscode",
        "Status",
        options=[{"value": 1, "label": "Active", "state": 0}, {"value": 2, "label": "Inactive", "state": 1}],
    ),
)


class DefinitionWrites:
    """Answers changes of definitions."""

    def __init__(self, environment: Environment, reads: DefinitionReads) -> None:
        self._environment = environment
        self._reads = reads

    def create_tables(self, request: Request, query: Query) -> Response:
        """``CreateEntities``: tables with their columns in one go."""
        entities = json_object(request).get("Entities")
        if not isinstance(entities, list):
            raise bad_payload("", "The parameter 'Entities' is missing or no collection.")
        made = [self._table(each) for each in entities if isinstance(each, dict)]
        if not made:
            raise bad_payload("", "The parameter 'Entities' is empty.")
        return _made(query, f"EntityDefinitions({made[0].metadata_id})")

    def answer(self, steps: Sequence[Segment], request: Request, query: Query) -> Response:
        """Answer a write below ``EntityDefinitions``."""
        if steps[0].key is None:
            if request.method != "POST":
                raise wrong_method(request.method)
            table = self._table(json_object(request))
            return _made(query, f"EntityDefinitions({table.metadata_id})")
        table = self._reads.table(steps[0].key)
        if len(steps) == 1:
            return self._whole_table(table, request)
        if steps[1].name == "Attributes":
            return self._attribute(table, steps[1], request)
        if steps[1].name == "Keys":
            return self._key(table, steps[1], request)
        raise no_segment(steps[1].name)

    def relationship(self, steps: Sequence[Segment], request: Request, query: Query) -> Response:
        """Answer a write of ``RelationshipDefinitions``."""
        known = self._environment.relationships
        if steps[0].key is not None:
            if request.method != "DELETE":
                raise wrong_method(request.method)
            return self._drop_relationship(str(self._reads.relationships(steps, query)["MetadataId"]))
        data = json_object(request)
        if "ManyToMany" in str(data.get("@odata.type")):
            first, second = self._named(data, "Entity1LogicalName"), self._named(data, "Entity2LogicalName")
            name = str(data["SchemaName"])
            made = ManyToMany(name, first.name, second.name, name, name, str(data.get("IntersectEntityName", name)))
            known.crossing.append(made)
            self._environment.schema_edited(first.name)
            return _made(query, f"RelationshipDefinitions({made.id})")
        target, table = self._named(data, "ReferencedEntity"), self._named(data, "ReferencingEntity")
        lookup = data.get("Lookup")
        if not isinstance(lookup, dict):
            raise bad_payload("RelationshipDefinitions", "The property 'Lookup' is missing in the payload.")
        schema = str(lookup["SchemaName"])
        column = Column(schema.lower(), "Lookup", targets=(target.name,), schema_name=schema)
        self._add(table, evolve(column, required=_required(lookup), display_name=_label(lookup)))
        cascade = data.get("CascadeConfiguration")
        delete = str(cascade.get("Delete", "RemoveLink")) if isinstance(cascade, dict) else "RemoveLink"
        name = str(data["SchemaName"])
        made_one = OneToMany(name, table.name, column.name, target.name, schema, name, delete)
        known.added[table.name, column.name, target.name] = made_one
        return _made(query, f"RelationshipDefinitions({made_one.id})")

    def _table(self, data: Mapping[str, object]) -> Table:
        schema = str(data.get("SchemaName", ""))
        name = schema.lower()
        if not schema:
            raise Fault(400, "0x80040203", "The property 'SchemaName' of the table is missing.")
        if name in self._environment.tables:
            text = f"An entity with the specified name {schema} already exists. Specify a unique name."
            raise Fault(400, "0x80044363", text)
        columns = {f"{name}id": Column(f"{name}id", "Uniqueidentifier", "SystemRequired", schema_name=f"{schema}Id")}
        columns |= {column.name: evolve(column) for column in _SYSTEM}
        table = Table(name, _plural(name), f"{name}id", columns, schema_name=schema, display_name=_label(data))
        attributes = data.get("Attributes")
        for each in attributes if isinstance(attributes, list) else []:
            column = _column(each)
            columns[column.name] = column
            if each.get("IsPrimaryName"):
                table.name_column = column.name
        self._environment.tables[name] = table
        self._environment.schema_edited(name)
        return table

    def _whole_table(self, table: Table, request: Request) -> Response:
        if request.method == "DELETE":
            if not table.is_custom:
                raise Fault(400, "0x8004f032", f"The table {table.name} is a system table and can't be deleted.")
            del self._environment.tables[table.name]
            self._environment.storage.drop(table.name)
            known = self._environment.relationships
            known.added = {key: made for key, made in known.added.items() if table.name not in (key[0], key[2])}
            known.crossing = [made for made in known.crossing if table.name not in (made.first, made.second)]
            self._environment.schema_edited(table.name)
            return no_content()
        if request.method != "PUT":
            raise wrong_method(request.method)
        data = json_object(request)
        if data.get("ChangeTrackingEnabled") is True:
            table.tracked = True
        table.display_name = _label(data) or table.display_name
        self._environment.schema_edited(table.name)
        return no_content()

    def _attribute(self, table: Table, step: Segment, request: Request) -> Response:
        if step.key is None:
            if request.method != "POST":
                raise wrong_method(request.method)
            column = _column(json_object(request))
            self._add(table, column)
            return _made_below(request, table.column_id(column.name))
        column = self._reads.column(table, step.key)
        if request.method == "DELETE":
            self.remove_column(table, column)
        elif request.method == "PUT":
            changed = _column(json_object(request) | {"SchemaName": column.schema_name or column.name})
            table.columns[column.name] = evolve(
                changed,
                name=column.name,
                type=column.type,
                options=column.options,
                targets=column.targets,
                schema_name=column.schema_name,
            )
            self._environment.schema_edited(table.name)
        else:
            raise wrong_method(request.method)
        return no_content()

    def remove_column(self, table: Table, column: Column) -> None:
        """Delete a column and what rows hold in it.

        Raises:
            Fault: An alternate key uses it.
        """
        if any(column.name in key.columns for key in table.keys):
            text = f"The column {column.name} can't be deleted: an alternate key uses it."
            raise Fault(400, "0x8004f01f", text)
        del table.columns[column.name]
        self._environment.relationships.added = {
            key: made
            for key, made in self._environment.relationships.added.items()
            if key[:2] != (table.name, column.name)
        }
        self._environment.schema_edited(table.name)

    def _key(self, table: Table, step: Segment, request: Request) -> Response:
        if step.key is not None:
            if request.method != "DELETE":
                raise wrong_method(request.method)
            table.keys.remove(self._reads.key(table, step.key))
            self._environment.schema_edited(table.name)
            return no_content()
        data = json_object(request)
        schema, names = str(data.get("SchemaName", "")), data.get("KeyAttributes")
        columns = tuple(str(name) for name in names) if isinstance(names, list) else ()
        key = Key(schema.lower(), columns, schema_name=schema)
        self._check_key(table, key)
        table.keys.append(key)
        self._environment.schema_edited(table.name)
        return _made_below(request, key_id(table, key))

    def _check_key(self, table: Table, key: Key) -> None:
        if not key.name or not key.columns:
            raise Fault(400, "0x80040203", "The properties 'SchemaName' and 'KeyAttributes' of the key are required.")
        missing = [name for name in key.columns if name not in table.columns]
        if missing:
            raise Fault(400, "0x8004f032", f"Attribute {missing[0]} is not found on the table {table.name}.")
        wrong = [name for name in key.columns if table.columns[name].type not in _KEY_TYPES]
        if wrong:
            raise Fault(400, "0x80040203", f"The column {wrong[0]} is of a type that entity keys aren't made of.")
        if len(key.columns) > _MOST_KEY_COLUMNS:
            raise Fault(400, "0x80060895", f"An entity key can't have more than {_MOST_KEY_COLUMNS} columns.")
        if any(known.name == key.name for known in table.keys):
            raise Fault(400, "0x80060893", f"An entity key with the name {key.name} already exists.")
        if any(set(known.columns) == set(key.columns) for known in table.keys):
            raise Fault(400, "0x80060894", "An entity key with the selected attributes already exists.")
        if any(table.columns[name].secured for name in key.columns):
            raise Fault(400, "0x80060896", "A secured column can't be part of an entity key.")
        if len(table.keys) >= _MOST_KEYS:
            raise Fault(400, "0x80060888", f"A table can't have more than {_MOST_KEYS} entity keys.")

    def _drop_relationship(self, relationship_id: str) -> Response:
        known = self._environment.relationships
        for (table, column, _), made in list(known.added.items()):
            if made.id == relationship_id:
                held = self._environment.tables[table]
                self.remove_column(held, held.columns[column])
                return no_content()
        custom = [made for made in known.crossing if made.id == relationship_id and made.intersect != "teammembership"]
        if not custom:
            raise Fault(400, "0x8004f032", "A system relationship can't be deleted.")
        known.crossing.remove(custom[0])
        self._environment.schema_edited(custom[0].first)
        return no_content()

    def _add(self, table: Table, column: Column) -> None:
        if column.name in table.columns:
            text = f"A column with the name {column.name} already exists on the table {table.name}."
            raise Fault(400, "0x80047013", text)
        table.columns[column.name] = column
        self._environment.schema_edited(table.name)

    def _named(self, data: Mapping[str, object], name: str) -> Table:
        table = self._environment.tables.get(str(data.get(name)))
        if table is None:
            text = f"The entity with a name = '{data.get(name)}' was not found in the MetadataCache."
            raise Fault(404, "0x80060888", text)
        return table


def _column(data: object) -> Column:
    """Return the column that an ``AttributeMetadata`` describes."""
    if not isinstance(data, dict) or not data.get("SchemaName"):
        raise Fault(400, "0x80040203", "The property 'SchemaName' of the column is missing.")
    full = str(data.get("@odata.type", "")).rsplit(".", 1)[-1].removeprefix("Complex")
    kind = full.removesuffix("AttributeMetadata")
    if kind not in ("String", "Memo", "Integer", "BigInt", "Decimal", "Double", "Money", "Boolean", "DateTime",
                    "Picklist", "MultiSelectPicklist"):  # fmt: skip
        raise Fault(400, "0x80040203", f"The sandbox makes no columns of the type '{full}'.")
    options = data.get("OptionSet")
    raw = options.get("Options") if isinstance(options, dict) else None
    schema = str(data["SchemaName"])
    behavior = data.get("DateTimeBehavior")
    given = str(behavior.get("Value")) if isinstance(behavior, dict) else "UserLocal"
    name = data.get("FormatName")
    return Column(
        schema.lower(),
        kind,
        _required(data),
        data.get("MaxLength"),
        data.get("MinValue"),
        data.get("MaxValue"),
        data.get("Precision"),
        [{"value": option["Value"], "label": _label(option, "Label")} for option in raw or []],
        behavior=given,
        schema_name=schema,
        format=str(name.get("Value", "")) if isinstance(name, dict) else "",
        display_name=_label(data),
    )


def _plural(name: str) -> str:
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def _required(data: Mapping[str, object]) -> str:
    level = data.get("RequiredLevel")
    return str(level.get("Value", "None")) if isinstance(level, dict) else "None"


def _label(data: Mapping[str, object], member: str = "DisplayName") -> str:
    found = data.get(member)
    localized = found.get("LocalizedLabels") if isinstance(found, dict) else None
    return str(localized[0].get("Label", "")) if isinstance(localized, list) and localized else ""


def _made_below(request: Request, made: str) -> Response:
    """Return the answer for something made in a collection: its address is that of the request, and its id."""
    return no_content([("OData-EntityId", f"{request.base_url}{request.raw_path}({made})")])


def _made(query: Query, path: str) -> Response:
    return no_content([("OData-EntityId", f"{query.root}/{path}")])
