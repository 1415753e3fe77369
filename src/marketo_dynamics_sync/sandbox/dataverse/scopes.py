"""What names in a filter stand for: columns and related rows of a table, or members of a definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import frozen

from .environment import Environment
from .errors import Fault, bad_query, unknown_property
from .filters import Data, Get, Property, Scope, Test
from .lexer import Literal
from .metadata import Column, Table
from .query_functions import query_function

_EDM: Final = {
    "String": "String",
    "Memo": "String",
    "MultiSelectPicklist": "String",
    "Integer": "Int32",
    "BigInt": "Int32",
    "Picklist": "Int32",
    "State": "Int32",
    "Status": "Int32",
    "Decimal": "Decimal",
    "Double": "Decimal",
    "Money": "Decimal",
    "Boolean": "Boolean",
    "Uniqueidentifier": "Guid",
}


def edm_type(column: Column) -> str:
    """Return the OData type of a column."""
    if column.is_lookup:
        return "Guid"
    if column.type == "DateTime":
        return "Date" if column.behavior == "DateOnly" else "DateTimeOffset"
    return _EDM.get(column.type, "")


@frozen
class TableScope:
    """Names in a filter on a table's rows.

    Attributes:
        environment: Where related rows are.
        table: The table.
    """

    environment: Environment
    table: Table

    def property(self, path: str) -> Property:
        """Return a column, or a column of a row that a lookup points to."""
        name, _, rest = path.partition("/")
        if rest:
            step, target = self.related(name)
            inner = TableScope(self.environment, target).property(rest)
            return Property(inner.edm, lambda row: None if (found := step(row)) is None else inner.get(found))
        column = self.table.by_wire().get(name)
        if column is None or not column.readable:
            raise unknown_property(name, self.table.name)
        if name in self.environment.unreadable(self.table.name):
            text = f"The query filters on the secured column '{column.name}', which the caller may not read."
            raise Fault(400, "0x8004f506", text)
        return Property(edm_type(column), lambda row: row.get(name))

    def related(self, navigation: str) -> tuple[Callable[[Data], Data | None], Table]:
        """Return what follows a single-valued navigation property, and where it leads."""
        found = self.table.shape.navigation.get(navigation)
        if found is None:
            raise unknown_property(navigation, self.table.name)
        column, target = found
        name = target or column.targets[0]
        table = self.environment.tables.get(name)
        if table is None:
            raise bad_query(f"The sandbox has no table '{name}'.")
        rows = self.environment.storage.table(name)

        def step(row: Data) -> Data | None:
            return rows.get(str(row.get(column.wire))) if points_to(row, column, name) else None

        return step, table

    def collection(self, path: str) -> tuple[Callable[[Data], Iterable[Data]], Scope]:
        """Return the rows that point to a row."""
        rows, table = many(self.environment, self.table, path)
        return rows, TableScope(self.environment, table)

    def function(self, name: str, arguments: Mapping[str, Literal]) -> Test:
        """Return a query function on one of the columns."""
        path = arguments.get("PropertyName")
        if path is None:
            raise bad_query(f"An unknown function with name 'Microsoft.Dynamics.CRM.{name}' was found.")
        get = self.property(str(path.value)).get
        environment = self.environment
        return query_function(name, arguments, get, environment.clock.now(), environment.user_id, environment.unit_id)


def points_to(row: Data, column: Column, target: str) -> bool:
    """Return whether a lookup of a row points to a row of that table."""
    return row.get(column.wire) is not None and pointed(row, column) == target


def pointed(row: Data, column: Column) -> str:
    """Return the table that a lookup of a row points to."""
    return str(row.get(f"{column.wire}!") or (column.targets[0] if column.targets else ""))


def many(environment: Environment, table: Table, navigation: str) -> tuple[Callable[[Data], list[Data]], Table]:
    """Return what gives the rows of a collection-valued navigation property, and their table.

    Raises:
        Fault: The table has no such property.
    """
    crossing = environment.relationships.cross(table.name, navigation)
    if crossing is not None:
        relationship, first = crossing
        other = environment.tables[relationship.second if first else relationship.first]
        there = environment.storage.table(other.name)

        def across(row: Data) -> list[Data]:
            own = row[table.primary_id]
            pairs = environment.storage.linked(relationship.name)
            found = sorted(b if first else a for a, b in pairs if (a if first else b) == own)
            return [there[each] for each in found if each in there]

        return across, other
    known = environment.relationships.many(table.name, navigation)
    if known is None:
        raise unknown_property(navigation, table.name)
    source = environment.tables[known.table]
    column = source.columns[known.column]
    rows = environment.storage.table(source.name)

    def pointing(row: Data) -> list[Data]:
        own = row[table.primary_id]
        found = [r for r in rows.values() if r.get(column.wire) == own and points_to(r, column, table.name)]
        return sorted(found, key=lambda r: str(r[source.primary_id]))

    return pointing, source


@frozen
class DefinitionScope:
    """Names in a filter on definitions: members and members of members.

    Attributes:
        kind: Type of the definitions.
        sample: A definition, which tells what members there are; ``None`` takes any.
    """

    kind: str
    sample: Data | None

    def property(self, path: str) -> Property:
        """Return a member."""
        steps = path.split("/")
        if self.sample is not None and steps[0] not in self.sample:
            raise unknown_property(steps[0], self.kind)

        return Property("", _member(steps))

    def collection(self, path: str) -> tuple[Callable[[Data], Iterable[Data]], Scope]:
        """Refuse: filters on definitions don't look into collections here."""
        raise bad_query(f"The property '{path}' can't be looked into in a filter on definitions.")

    def function(self, name: str, arguments: Mapping[str, Literal]) -> Test:
        """Refuse: definitions know no query functions."""
        raise bad_query(f"The function '{name}' is not supported on definitions.")


def _member(steps: list[str]) -> Get:
    def get(row: Data) -> object:
        value: object = row
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    return get
