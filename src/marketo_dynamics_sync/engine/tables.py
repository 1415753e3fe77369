"""Tables of Dynamics that have no half in Marketo, or columns that the merge leaves alone: bound, to be written as they
are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..connectors import Connector
from ..entities import BoundEntity, BoundField, Codec, Direction, Entity, EntityDefinition, MarketoObject, ObjectInfo
from ..errors import FieldMissingError, FieldUnreadableError

#: Column and codec by the name that values are given by.
Columns = Mapping[str, tuple[str, Codec[Any]]]  # Any: each column has a type of its own


def open_table(dynamics: Connector, name: str, entity_set: str, columns: Columns) -> BoundEntity:
    """Return a table bound to some of its columns.

    Args:
        dynamics: Dynamics' connector.
        name: What reports call it.
        entity_set: Its entity set name.
        columns: The columns.

    Raises:
        FieldMissingError: There is no such table or column.
        FieldUnreadableError: The sync user can't read a column.
    """
    definition = EntityDefinition(Entity, name, MarketoObject(""), entity_set, Direction.TO_DYNAMICS, {})
    return bind_columns(definition, dynamics.describe(definition), columns)


def bind_columns(definition: EntityDefinition, table: ObjectInfo, columns: Columns) -> BoundEntity:
    """Return a table that is described already, bound to some of its columns and to nothing in Marketo.

    Raises:
        FieldMissingError: There is no such column.
        FieldUnreadableError: The sync user can't read it.
    """
    fields = {}
    for name, (column, codec) in columns.items():
        there = table.fields.get(column)
        if there is None:
            raise FieldMissingError(f"Dynamics' table {table.name!r} has no column {column!r}")
        if not there.readable:
            raise FieldUnreadableError(
                f"the sync user can't read {column!r} of Dynamics' table {table.name!r}. Give its role the right to."
            )
        fields[name] = BoundField(name, "", column, codec.bind(None, there), to_marketo=False, to_dynamics=True)
    return BoundEntity(definition, fields, ObjectInfo("", {}), table)
