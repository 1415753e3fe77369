"""Reading rows: one, a page, or a count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from .aggregate import aggregated
from .environment import Environment
from .errors import bad_query
from .expansion import Expansion, expanders, read_expand
from .filters import Test, holds, parse_filter
from .metadata import Table
from .ordering import Order
from .paging import Cookie, link
from .projection import Projection, Shown, selected
from .query import PAGE, Query
from .scopes import TableScope
from .tracking import Tracking, refuse_untracked

Rows = Iterable[Mapping[str, object]]
_PREFIX = "@Microsoft.Dynamics.CRM."


class Reads:
    """Answers reads of rows."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._tracking = Tracking(environment)

    def one(self, table: Table, row: Mapping[str, object], query: Query) -> Shown:
        """Return one row with its context."""
        query.only(("$select", "$expand"))
        projection, what = self._projection(table, query)
        return {"@odata.context": f"{query.root}/$metadata#{table.entity_set}{what}/$entity"} | projection.one(row)

    def many(self, table: Table, query: Query, *, path: str = "", source: Rows | None = None) -> Shown:
        """Return a page of rows.

        Args:
            table: Their table.
            query: What is asked.
            path: Path for links, where it isn't the entity set.
            source: The rows to look at, where it isn't the whole table.

        Raises:
            Fault: The query can't be understood or isn't allowed.
        """
        if "$deltatoken" in query.options:
            return self._tracking.delta(table, query)
        if "$apply" in query.options:
            return aggregated(self._environment, table, query)
        query.only(("$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken"))
        cookie = Cookie.read(query.options["$skiptoken"]) if "$skiptoken" in query.options else None
        tracked = query.prefer.tracked if cookie is None else cookie.tracked
        if tracked:
            refuse_untracked(table, query)
        token = cookie.token if cookie is not None and cookie.tracked else self._tracking.token()
        scope = TableScope(self._environment, table)
        order = Order.read(query.options.get("$orderby", ""), scope, query.aliases)
        projection, what = self._projection(table, query)
        size = query.prefer.size or PAGE
        top = query.top
        found = self._ordered(table, source, self._test(table, query), order, cookie)
        rows = list(islice(found, min(size, top if top is not None else size) + 1))
        page = rows[: min(size, top)] if top is not None else rows[:size]
        answer = self._head(table, query, what, source)
        answer["value"] = projection.page(page)
        if top is None and len(rows) > size:
            number = 2 if cookie is None else cookie.number + 1
            following = Cookie(number, order.marks(page[0], page[-1]), tracked, token if tracked else "")
            answer["@odata.nextLink"] = link(query, path or table.entity_set, {"$skiptoken": following.text()})
        elif tracked:
            answer["@odata.deltaLink"] = link(query, table.entity_set, {"$deltatoken": token})
        return answer

    def count(self, table: Table, query: Query, source: Rows | None = None) -> int:
        """Return how many rows match, at most 5,000, or how many changed since a token."""
        if "$deltatoken" in query.options:
            return self._tracking.count(table, query.options["$deltatoken"])
        query.only(("$filter",))
        return min(self._total(table, query, source), PAGE)

    def _head(self, table: Table, query: Query, what: str, source: Rows | None) -> Shown:
        answer: Shown = {"@odata.context": f"{query.root}/$metadata#{table.entity_set}{what}"}
        total = self._total(table, query, source) if query.counted else -1
        if total >= 0:
            answer["@odata.count"] = min(total, PAGE)
        prefer = query.prefer
        if prefer.annotated("Microsoft.Dynamics.CRM.totalrecordcount"):
            answer[f"{_PREFIX}totalrecordcount"] = min(total, PAGE)
        if prefer.annotated("Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"):
            answer[f"{_PREFIX}totalrecordcountlimitexceeded"] = total > PAGE
        if prefer.annotated("Microsoft.Dynamics.CRM.globalmetadataversion"):
            answer[f"{_PREFIX}globalmetadataversion"] = str(self._environment.schema_version)
        return answer

    def _projection(self, table: Table, query: Query) -> tuple[Projection, str]:
        """Return how rows are shown, and what the context says of it."""
        expansions: list[Expansion] = read_expand(query.options["$expand"]) if "$expand" in query.options else []
        columns = selected(table, query.options.get("$select"))
        names = [query.options["$select"]] if "$select" in query.options else []
        names += [each.context for each in expansions]
        expands = expanders(self._environment, table, query, expansions)
        what = f"({','.join(names)})" if names else ""
        return Projection(self._environment, table, query, columns, expands), what

    def _test(self, table: Table, query: Query) -> Test | None:
        text = query.options.get("$filter")
        if text is None:
            return None
        if not text.strip():
            raise bad_query("Expression expected at position 0 in ''.")
        return parse_filter(text, TableScope(self._environment, table), query.aliases)

    def _ordered(
        self, table: Table, source: Rows | None, test: Test | None, order: Order, cookie: Cookie | None
    ) -> Iterator[Mapping[str, object]]:
        after = order.after(cookie.marks) if cookie is not None else None
        if not order.steps and source is None:
            stored = self._environment.storage
            rows: Rows = map(
                stored.table(table.name).__getitem__, stored.ids(table.name, str(after[0]) if after else None)
            )
            return iter(rows if test is None else (row for row in rows if holds(test, row)))
        found = self._environment.storage.table(table.name).values() if source is None else source
        keyed = ((order.key(row), row) for row in found if test is None or holds(test, row))
        chosen = [pair for pair in keyed if after is None or pair[0] > after]
        return (row for _, row in sorted(chosen, key=lambda pair: pair[0]))

    def _total(self, table: Table, query: Query, source: Rows | None) -> int:
        rows = self._environment.storage.table(table.name).values() if source is None else source
        test = self._test(table, query)
        return sum(1 for row in rows if test is None or holds(test, row))
