"""``$apply``: groups and aggregates.

Source: Microsoft Learn, "Aggregate data using OData".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from .display import FORMATTED, formatted
from .environment import Environment
from .errors import Fault, bad_query
from .filters import Property, holds, parse_filter
from .metadata import Table
from .projection import Shown
from .query import Query, split
from .scopes import TableScope

_MOST: Final = 50_000
_WITH: Final = re.compile(r"(?P<path>[\w/]+) with (?P<how>sum|average|min|max|countdistinct) as (?P<name>\w+)")
_COUNT: Final = re.compile(r"\$count as (?P<name>\w+)")
Group = Sequence[Mapping[str, object]]


def aggregated(environment: Environment, table: Table, query: Query) -> Shown:
    """Return what ``$apply`` asks for.

    Raises:
        Fault: It can't be understood, or there are too many rows.
    """
    if "$orderby" in query.options:
        raise bad_query("The query node SingleValueOpenPropertyAccess is not supported.")
    query.only(("$apply", "$filter"))
    scope = TableScope(environment, table)
    rows: Group = list(environment.storage.table(table.name).values())
    filters = [query.options["$filter"]] if "$filter" in query.options else []
    groups, aggregates = "", ""
    for part in split(query.options["$apply"], "/"):
        name, _, inside = part.strip().partition("(")
        inside = inside.removesuffix(")")
        if name == "filter":
            filters.append(inside)
        elif name == "groupby":
            parts = split(inside)
            groups = parts[0].strip().removeprefix("(").removesuffix(")")
            aggregates = parts[1].strip().removeprefix("aggregate(").removesuffix(")") if len(parts) > 1 else ""
        elif name == "aggregate":
            aggregates = inside
        else:
            raise bad_query(f"The transformation '{name}' is not supported in $apply.")
    for text in filters:
        test = parse_filter(text, scope, query.aliases)
        rows = [row for row in rows if holds(test, row)]
    if len(rows) > _MOST:
        raise Fault(400, "0x8004e023", "The maximum record limit is exceeded. Reduce the number of records.")
    context = f"{query.root}/$metadata#{table.entity_set}"
    return {"@odata.context": context, "value": _groups(environment, table, query, scope, rows, groups, aggregates)}


def _groups(
    environment: Environment,
    table: Table,
    query: Query,
    scope: TableScope,
    rows: Group,
    groups: str,
    aggregates: str,
) -> list[Shown]:
    paths = [path.strip() for path in split(groups)]
    properties = [_groupable(scope, path) for path in paths]
    members: dict[tuple[object, ...], list[Mapping[str, object]]] = {}
    for row in rows:
        members.setdefault(tuple(known.get(row) for known in properties), []).append(row)
    if not paths:
        members = {(): list(rows)}
    wanted = [_aggregate(scope, text.strip()) for text in split(aggregates)]
    labelled = query.prefer.annotated(FORMATTED)
    found = []
    for key in sorted(members, key=lambda values: [str(value).casefold() for value in values]):
        shown: Shown = {}
        for path, value in zip(paths, key, strict=True):
            if value is None:
                continue
            column = table.by_wire().get(path)
            if labelled and column is not None and column.options:
                shown[f"{path}@{FORMATTED}"] = formatted(environment, column, {}, value)
            shown[_alias(scope, path)] = value
        for name, known, how in wanted:
            result = _result(members[key], known, how)
            if labelled and isinstance(result, (int, float)):
                shown[f"{name}@{FORMATTED}"] = f"{result:,}" if how == "count" else f"{result:,.2f}"
            shown[name] = result
        found.append(shown)
    return found


def _groupable(scope: TableScope, path: str) -> Property:
    known = scope.property(path)
    if known.edm == "DateTimeOffset":
        raise bad_query("Grouping by a date and time is not supported.")
    return known


def _alias(scope: TableScope, path: str) -> str:
    """Return the name of a group: a column of a related row is named with its table."""
    navigation, _, name = path.rpartition("/")
    return f"{scope.related(navigation)[1].name}_{name}" if navigation else path


def _aggregate(scope: TableScope, text: str) -> tuple[str, Property | None, str]:
    counted = _COUNT.fullmatch(text)
    if counted:
        return counted["name"], None, "count"
    found = _WITH.fullmatch(text)
    if found is None:
        raise bad_query(f"Syntax error at position 0 in '{text}'.")
    return found["name"], scope.property(found["path"]), found["how"]


def _result(rows: Group, known: Property | None, how: str) -> object:
    if known is None:
        return len(rows)
    values = [value for row in rows if (value := known.get(row)) is not None]
    if how == "countdistinct":
        return len(set(map(str, values)))
    if not values:
        return None
    if how in ("min", "max"):
        numbers = all(isinstance(value, (int, float)) for value in values)
        ranked = sorted(values, key=lambda value: float(str(value)) if numbers else str(value))
        return ranked[0 if how == "min" else -1]
    total = sum(float(str(value)) for value in values)
    return total if how == "sum" else total / len(values)
