"""Which columns of a row are shown, with annotations and expanded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from .display import FORMATTED, LOOKUP_NAVIGATION, LOOKUP_TABLE, formatted, navigation_of
from .environment import Environment
from .errors import unknown_property
from .metadata import Column, Table
from .query import Query, split
from .rendering import Rendered, rendered
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
        readable = frozenset(names) - hidden
        annotators = self._annotators(hidden)
        # Most columns of most rows are empty: a copy of an empty row, with what is there put in, is half the work.
        empty: Shown = {"@odata.etag": ""} if self.etag else {}
        empty.update(dict.fromkeys(names))
        principal, found = self.table.principal, list[Shown]()
        for row in rows:
            shown = empty.copy()
            if self.etag:
                shown["@odata.etag"] = f'W/"{row["versionnumber"]}"'
            for name in row.keys() & readable:
                shown[name] = row[name]
            for annotate in annotators:
                annotate(row, shown)
            if principal:
                shown["ownerid"] = row[self.table.primary_id]
            for expand in self.expands:
                expand(row, shown)
            found.append(shown)
        return found

    def page(self, rows: Sequence[Mapping[str, object]]) -> list[Shown] | Rendered:
        """Return rows as they are shown in an answer of their own: as text at once, when they are plain."""
        hidden = self.environment.unreadable(self.table.name)
        if self.expands or self.table.principal or hidden or self._annotators(hidden):
            return self.all(rows)
        return rendered(rows, [column.wire for column in self.columns])

    def one(self, row: Mapping[str, object]) -> Shown:
        """Return one row as it is shown."""
        return self.all([row])[0]

    def _annotators(self, hidden: frozenset[str]) -> list[Expand]:
        """Return what adds the annotations that are asked for, one for each column that may have any."""
        prefer = self.query.prefer
        text, table, navigation = map(prefer.annotated, (FORMATTED, LOOKUP_TABLE, LOOKUP_NAVIGATION))
        return [
            self._annotator(column, text=text, table=table, navigation=navigation and not column.read_only)
            for column in self.columns
            if column.wire not in hidden and (text or (column.is_lookup and (table or navigation)))
        ]

    def _annotator(self, column: Column, *, text: bool, table: bool, navigation: bool) -> Expand:
        name, environment, home = column.wire, self.environment, self.table.name
        is_lookup = column.is_lookup

        def annotate(row: Mapping[str, object], shown: Shown) -> None:
            value = row.get(name)
            if value is None:
                return
            if text and (words := formatted(environment, column, row, value)) is not None:
                shown[f"{name}@{FORMATTED}"] = words
            if is_lookup and table:
                shown[f"{name}@{LOOKUP_TABLE}"] = pointed(row, column)
            if is_lookup and navigation:
                shown[f"{name}@{LOOKUP_NAVIGATION}"] = navigation_of(column, row, home)

        return annotate


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
