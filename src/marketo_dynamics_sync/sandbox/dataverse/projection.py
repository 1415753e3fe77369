"""Which columns of a row are shown, with annotations and expanded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from .display import FORMATTED, LOOKUP_NAVIGATION, LOOKUP_TABLE, formatted, navigation_of
from .environment import Environment
from .errors import unknown_property
from .metadata import Column, Table
from .query import Query, split
from .scopes import pointed

Shown = dict[str, object]
Expand = Callable[[Mapping[str, object], Shown], None]


@frozen
class Projection:
    """Shows rows of one table as a query asks for them.

    Attributes:
        environment: Where the rows are.
        table: Their table.
        query: The query, for its annotations.
        columns: What is shown.
        expands: Add related rows.
        etag: Whether rows carry their etag.
    """

    environment: Environment
    table: Table
    query: Query
    columns: Sequence[Column]
    expands: Sequence[Expand] = ()
    etag: bool = True

    def all(self, rows: Sequence[Mapping[str, object]]) -> list[Shown]:
        """Return rows as they are shown."""
        hidden = self.environment.unreadable(self.table.name)
        names = [column.wire for column in self.columns]
        annotated = [column for column in self.columns if column.wire not in hidden and self._is_annotated(column)]
        found: list[Shown] = []
        for row in rows:
            get = row.get
            shown: Shown = {"@odata.etag": f'W/"{row["versionnumber"]}"'} if self.etag else {}
            for column in annotated:
                self._annotate(column, row, shown)
            shown |= {name: get(name) for name in names}
            if hidden:
                shown |= {name: None for name in names if name in hidden}
            if self.table.principal:
                shown["ownerid"] = row[self.table.primary_id]
            for expand in self.expands:
                expand(row, shown)
            found.append(shown)
        return found

    def one(self, row: Mapping[str, object]) -> Shown:
        """Return one row as it is shown."""
        return self.all([row])[0]

    def _is_annotated(self, column: Column) -> bool:
        prefer = self.query.prefer
        asked = prefer.annotated(FORMATTED)
        lookups = prefer.annotated(LOOKUP_TABLE) or prefer.annotated(LOOKUP_NAVIGATION)
        return asked or (lookups and column.is_lookup)

    def _annotate(self, column: Column, row: Mapping[str, object], shown: Shown) -> None:
        name = column.wire
        value = row.get(name)
        if value is None:
            return
        prefer = self.query.prefer
        if prefer.annotated(FORMATTED) and (text := formatted(self.environment, column, row, value)) is not None:
            shown[f"{name}@{FORMATTED}"] = text
        if column.is_lookup and prefer.annotated(LOOKUP_TABLE):
            shown[f"{name}@{LOOKUP_TABLE}"] = pointed(row, column)
        if column.is_lookup and not column.read_only and prefer.annotated(LOOKUP_NAVIGATION):
            shown[f"{name}@{LOOKUP_NAVIGATION}"] = navigation_of(column, row, self.table.name)


def selected(table: Table, text: str | None) -> list[Column]:
    """Return the columns that ``$select`` names; the primary key is always among them.

    Raises:
        Fault: A column the table doesn't have; names are case-sensitive.
    """
    by_wire = table.by_wire()
    if text is None or text.strip() == "*":
        return [column for column in table.columns.values() if column.readable]
    chosen: dict[str, Column] = {}
    for name in split(text):
        column = by_wire.get(name.strip())
        if column is None or not column.readable:
            found = table.shape.navigation.get(name.strip())
            if found is not None:
                chosen[found[0].name] = found[0]
                continue
            raise unknown_property(name.strip(), table.name)
        chosen[column.name] = column
    chosen.setdefault(table.primary_id, table.columns[table.primary_id])
    if any(column.type == "Money" for column in chosen.values()) and "transactioncurrencyid" in table.columns:
        chosen.setdefault("transactioncurrencyid", table.columns["transactioncurrencyid"])
    return list(chosen.values())
