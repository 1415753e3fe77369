"""``$expand``: related rows inside a row.

Source: Microsoft Learn, "Join tables using OData".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from .environment import Environment
from .errors import bad_query
from .filters import holds, parse_filter
from .metadata import Table
from .ordering import Order
from .paging import Cookie, link
from .projection import Expand, Projection, Shown, selected
from .query import PAGE, Query, split
from .scopes import TableScope, many

_MOST: Final = 15
_OPTIONS: Final = ("$select", "$filter", "$orderby", "$top", "$expand")


@frozen
class Expansion:
    """One expanded navigation property.

    Attributes:
        navigation: Its name.
        options: Options in its brackets.
        inner: What is expanded inside.
        reference: Whether only the address is shown (``/$ref``).
    """

    navigation: str
    options: Mapping[str, str]
    inner: Sequence[Expansion]
    reference: bool = False

    @property
    def context(self) -> str:
        """What the context of an answer says of it."""
        if self.reference:
            return f"{self.navigation},{self.navigation}/$ref()"
        names = [self.options["$select"]] if "$select" in self.options else []
        return f"{self.navigation}({','.join([*names, *(each.context for each in self.inner)])})"


def read_expand(text: str) -> list[Expansion]:
    """Return what an option asks to expand.

    Raises:
        Fault: It can't be understood, or there is too much of it.
    """
    found = [_expansion(part.strip()) for part in split(text)]
    if sum(map(_count, found)) > _MOST:
        raise bad_query(f"The number of expanded navigation properties exceeds the maximum of {_MOST}.")
    return found


def expanders(environment: Environment, table: Table, query: Query, expansions: Sequence[Expansion]) -> list[Expand]:
    """Return what adds related rows to rows of a table."""
    nested = any(each.inner for each in expansions)
    return [_expander(environment, table, query, each, nested=nested, top=True) for each in expansions]


def _expansion(part: str) -> Expansion:
    name, bracket, rest = part.partition("(")
    options: dict[str, str] = {}
    if bracket:
        if not rest.endswith(")"):
            raise bad_query(f"Syntax error at position {len(part)} in '{part}'.")
        for option in split(rest[:-1], ";"):
            key, _, value = option.strip().partition("=")
            if key not in _OPTIONS:
                raise bad_query(f"The query option '{key}' is not supported inside $expand.")
            options[key] = value
    name = name.strip()
    inner = read_expand(options["$expand"]) if "$expand" in options else []
    return Expansion(name.removesuffix("/$ref"), options, inner, reference=name.endswith("/$ref"))


def _count(expansion: Expansion) -> int:
    return 1 + sum(map(_count, expansion.inner))


def _expander(
    environment: Environment, table: Table, query: Query, expansion: Expansion, *, nested: bool, top: bool
) -> Expand:
    if expansion.navigation in table.shape.navigation:
        return _single(environment, table, query, expansion, nested=nested)
    if expansion.reference and _is_many(environment, table, expansion.navigation):
        raise bad_query("Expand with $ref is only supported on lookup type navigation property.")
    return _collection(environment, table, query, expansion, nested=nested or not top)


def _is_many(environment: Environment, table: Table, navigation: str) -> bool:
    relationships = environment.relationships
    return bool(relationships.many(table.name, navigation) or relationships.cross(table.name, navigation))


def _only_select(expansion: Expansion) -> None:
    if expansion.options.keys() & {"$orderby", "$top"}:
        raise bad_query(
            "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or "
            "nested one-to-many relationship."
        )


def _single(environment: Environment, table: Table, query: Query, expansion: Expansion, *, nested: bool) -> Expand:
    _only_select(expansion)
    step, target = TableScope(environment, table).related(expansion.navigation)
    name = expansion.navigation
    if expansion.reference:

        def refer(row: Mapping[str, object], shown: Shown) -> None:
            found = step(row)
            address = f"{query.root}/{target.entity_set}({found[target.primary_id]})" if found else None
            shown[name] = {"@odata.id": address} if found else None

        return refer
    inner = [_expander(environment, target, query, each, nested=nested, top=False) for each in expansion.inner]
    columns = selected(target, expansion.options.get("$select"))
    projection = Projection(environment, target, query, columns, inner, etag=False)

    def expand(row: Mapping[str, object], shown: Shown) -> None:
        found = step(row)
        shown[name] = projection.one(found) if found is not None else None

    return expand


def _collection(environment: Environment, table: Table, query: Query, expansion: Expansion, *, nested: bool) -> Expand:
    rows, target = many(environment, table, expansion.navigation)
    options, name = expansion.options, expansion.navigation
    if nested:
        _only_select(expansion)
    scope = TableScope(environment, target)
    test = parse_filter(options["$filter"], scope) if "$filter" in options else None
    order = Order.read(options.get("$orderby", ""), scope, {})
    size = query.prefer.size if nested else None
    most = min(int(options["$top"]) if options.get("$top", "").isdecimal() else PAGE, size or PAGE)
    inner = [_expander(environment, target, query, each, nested=nested, top=False) for each in expansion.inner]
    columns = selected(target, options.get("$select"))
    known = environment.relationships.many(table.name, name)
    if known is not None:
        column = target.columns[known.column]
        columns = [*columns, *([column] if column not in columns else [])]
    projection = Projection(environment, target, query, columns, inner, etag=not nested)
    own = evolve(query, options=options, aliases={}, custom={})

    def expand(row: Mapping[str, object], shown: Shown) -> None:
        found = [each for each in rows(row) if test is None or holds(test, each)]
        found = sorted(found, key=order.key)[:most]
        shown[name] = projection.all(found)
        path = f"{table.entity_set}({row[table.primary_id]})/{name}"
        cookie = {"$skiptoken": Cookie(2, order.marks(found[0], found[-1])).text()} if size and found else {}
        shown[f"{name}@odata.nextLink"] = link(own, path, cookie)

    return expand
