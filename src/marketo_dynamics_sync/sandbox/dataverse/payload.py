"""Bodies of writes: columns, binds and nested rows, read with the checks of the service."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import define, field, frozen

from ..http import Request
from .address import reference
from .environment import Environment
from .errors import Fault, bad_payload, bad_query, invalid_property, undeclared
from .metadata import Column, Table
from .scopes import many
from .values import accept


@frozen
class Nested:
    """A row inside a row's body: it is made along with it.

    Attributes:
        table: Its table.
        payload: Its body.
        wire: The lookup of the outer row that will point to it, for a single-valued navigation property.
        navigation: The collection-valued navigation property it stands in, otherwise.
    """

    table: Table
    payload: Mapping[str, object]
    wire: str = ""
    navigation: str = ""


@define
class Values:
    """What a body says.

    Attributes:
        columns: Values under wire names; ``None`` clears.
        nested: Rows to make along with it.
        named: Logical names of the columns that are written.
    """

    columns: dict[str, object] = field(factory=dict)
    nested: list[Nested] = field(factory=list)
    named: set[str] = field(factory=set)


def json_object(request: Request, entity_set: str = "") -> dict[str, object]:
    """Return the object in a request's body.

    Raises:
        Fault: There is none.
    """
    if not request.body:
        raise bad_payload(entity_set, "A null value was found for the payload, which is not allowed.")
    try:
        data = json.loads(request.body)
    except ValueError:
        raise bad_payload(entity_set, "Invalid JSON. The payload can't be read.") from None
    if not isinstance(data, dict):
        raise bad_payload(entity_set, "A node of type 'StartObject' was expected when reading the payload.")
    return data


def read_values(environment: Environment, table: Table, payload: Mapping[str, object], *, creating: bool) -> Values:
    """Return what a body says of a row of a table.

    Columns that can't be written are left out silently (Microsoft Learn, "Create a table row using the Web API").

    Raises:
        Fault: A property the table doesn't have, or a value its column doesn't take.
    """
    values = Values()
    for name, raw in payload.items():
        if name.endswith("@odata.bind"):
            _bind(environment, table, name.removesuffix("@odata.bind"), raw, values)
        elif "@" not in name:
            _property(environment, table, name, raw, values, creating=creating)
    return values


def _property(
    environment: Environment, table: Table, name: str, raw: object, values: Values, *, creating: bool
) -> None:
    column = table.columns.get(name)
    if name in table.shape.navigation and (raw is None or isinstance(raw, dict)):
        _nested_single(environment, table, name, raw, values, creating=creating)
    elif isinstance(raw, list) and creating:
        _, target = many(environment, table, name)
        values.nested += [Nested(target, each, navigation=name) for each in raw if isinstance(each, dict)]
    elif column is None or column.is_lookup:
        if name in table.by_wire():
            raise bad_query(
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
            )
        raise invalid_property(name, table.name)
    elif name == table.primary_id:
        if creating:
            values.columns[name] = accept(table, column, raw)
    elif not column.read_only:
        values.columns[name] = accept(table, column, raw)
        values.named.add(name)


def _nested_single(
    environment: Environment, table: Table, name: str, raw: dict[str, object] | None, values: Values, *, creating: bool
) -> None:
    column, target = table.shape.navigation[name]
    if raw is None:
        _clear(column, values)
    elif creating:
        made = environment.tables.get(target)
        if made is None:
            raise invalid_property(name, table.name)
        values.nested.append(Nested(made, raw, wire=column.wire))
        values.named.add(column.name)


def _clear(column: Column, values: Values) -> None:
    values.columns[column.wire] = values.columns[f"{column.wire}!"] = None
    values.named.add(column.name)


def _bind(environment: Environment, table: Table, navigation: str, raw: object, values: Values) -> None:
    found = table.shape.navigation.get(navigation)
    if found is None:
        raise undeclared(table.entity_set, navigation)
    column, target = found
    if raw is None:
        _clear(column, values)
        return
    values.named.add(column.name)
    bound, row_id = bound_row(environment, table, str(raw))
    if bound.name not in ((target,) if target else column.targets):
        raise bad_payload(table.entity_set, f"A row of '{bound.name}' can't be bound to the property '{navigation}'.")
    if not column.read_only:
        values.columns[column.wire] = row_id
        values.columns[f"{column.wire}!"] = bound.name


def bound_row(environment: Environment, table: Table, text: str) -> tuple[Table, str]:
    """Return the row that a bind or a reference names.

    Raises:
        Fault: It can't be read, or there is no such row.
    """
    steps = reference(text)
    if len(steps) != 1 or steps[0].key is None:
        raise bad_payload(table.entity_set, f"The URI '{text}' is not a valid entity reference link.")
    return environment.located(steps[0])


def typed_targets(request: Request, table: Table) -> list[dict[str, object]]:
    """Return the rows of a bulk message's ``Targets``, each with its ``@odata.type`` (Microsoft Learn, "Use bulk
    operation messages").

    Raises:
        Fault: They aren't there, or not all of this table.
    """
    targets = json_object(request, table.entity_set).get("Targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise bad_payload(table.entity_set, "The parameter 'Targets' is missing or no collection of rows.")
    for target in targets:
        kind = str(target.get("@odata.type", "")).removeprefix("#")
        if not kind:
            raise bad_payload(table.entity_set, "A row of 'Targets' has no '@odata.type'.")
        if kind != f"Microsoft.Dynamics.CRM.{table.name}":
            raise Fault(400, "0x80040203", f"The rows of 'Targets' must all be of the table '{table.name}'.")
    return targets
