"""Entity sets, their rows, and what hangs on a row: properties, related rows and references."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..http import Request, Response
from .address import Segment
from .answers import json_answer, no_content, text_answer
from .environment import Environment
from .errors import no_segment, wrong_method
from .metadata import Column, Table
from .query import Query
from .reads import Reads
from .rows import Caller
from .scopes import TableScope, many
from .storage import Row
from .writes import Writes


class TableResource:
    """Answers requests below an entity set.

    Args:
        environment: Where the rows are.
        reads: Reads rows.
        writes: Writes rows.
        changing: Told of each row before it changes.
        allow: Holds a request to privileges.
    """

    def __init__(
        self,
        environment: Environment,
        reads: Reads,
        writes: Writes,
        changing: Callable[[str, str], None],
        allow: Callable[[Table, str], None],
    ) -> None:
        self._environment = environment
        self._reads = reads
        self._writes = writes
        self._changing = changing
        self._allow = allow

    def answer(
        self, table: Table, steps: Sequence[Segment], request: Request, query: Query, caller: Caller
    ) -> Response:
        """Answer a request."""
        if steps[0].key is None:
            return self._set(table, steps, request, query, caller)
        if len(steps) == 1:
            return self._row(table, steps[0].key, request, query, caller)
        row_id = self._environment.locate(table, self._environment.key_of(table, steps[0].key))
        column = table.by_wire().get(steps[1].name)
        if column is not None and not (column.is_lookup and steps[1].name == column.name):
            return self._property(table, row_id, column, steps, request, query, caller)
        return self._related(table, row_id, steps, request, query, caller)

    def _set(self, table: Table, steps: Sequence[Segment], request: Request, query: Query, caller: Caller) -> Response:
        if len(steps) > 1 and steps[1].name != "$count":
            raise no_segment(steps[1].name)
        if request.method == "POST" and len(steps) == 1:
            self._allow(table, "create")
            return self._writes.create(table, request, query, caller)
        if request.method != "GET":
            raise wrong_method(request.method)
        self._allow(table, "read")
        if len(steps) > 1:
            return text_answer(str(self._reads.count(table, query)))
        return json_answer(self._reads.many(table, query), query.prefer.applied())

    def _row(self, table: Table, key: str, request: Request, query: Query, caller: Caller) -> Response:
        needs = {"GET": "read", "PATCH": "write", "DELETE": "delete"}.get(request.method)
        if needs is None:
            raise wrong_method(request.method)
        self._allow(table, needs)
        address = self._environment.key_of(table, key)
        if request.method == "GET":
            row = self._environment.row(table.name, self._environment.locate(table, address))
            return self._one(table, row, request, query)
        row_id = self._environment.find(table, address)
        known = row_id or address.id
        if known is not None:
            self._changing(table.name, known)
        if request.method == "PATCH":
            if self._environment.find(table, address) is None and request.headers.get("if-match") is None:
                self._allow(table, "create")
            return self._writes.change(table, key, request, query, caller)
        row_id = self._environment.locate(table, address)
        return self._writes.delete(table, row_id, request.headers.get("if-match"))

    def _one(self, table: Table, row: Row, request: Request, query: Query) -> Response:
        etag = f'W/"{row["versionnumber"]}"'
        same = request.headers.get("if-none-match") == etag
        if same and table.guarded and "$expand" not in query.options and not query.prefer.annotates:
            return Response(304, [("OData-Version", "4.0"), ("ETag", etag)])
        data = self._reads.one(table, row, query)
        return json_answer(data, [("ETag", etag), *query.prefer.applied()])

    def _property(
        self,
        table: Table,
        row_id: str,
        column: Column,
        steps: Sequence[Segment],
        request: Request,
        query: Query,
        caller: Caller,
    ) -> Response:
        raw = [step.name for step in steps[2:]]
        if raw not in ([], ["$value"]):
            raise no_segment(raw[0])
        if request.method in ("PUT", "DELETE") and not raw and not column.is_lookup:
            self._allow(table, "write")
            self._changing(table.name, row_id)
            return self._writes.put_property(table, row_id, column, request, caller)
        if request.method != "GET":
            raise wrong_method(request.method)
        self._allow(table, "read")
        hidden = column.wire in self._environment.unreadable(table.name)
        value = None if hidden else self._environment.row(table.name, row_id).get(column.wire)
        if value is None:
            return no_content()
        if raw:
            return text_answer(str(value))
        context = f"{query.root}/$metadata#{table.entity_set}({row_id})/{column.wire}"
        return json_answer({"@odata.context": context, "value": value})

    def _related(
        self, table: Table, row_id: str, steps: Sequence[Segment], request: Request, query: Query, caller: Caller
    ) -> Response:
        navigation, tail = steps[1], [step.name for step in steps[2:]]
        if tail not in ([], ["$ref"], ["$count"]):
            raise no_segment(tail[0])
        if navigation.name in table.shape.navigation:
            return self._single(table, row_id, navigation.name, tail, request, query, caller)
        rows, target = many(self._environment, table, navigation.name)
        if request.method == "GET":
            self._allow(target, "read")
            found = rows(self._environment.row(table.name, row_id))
            if tail == ["$count"]:
                return text_answer(str(self._reads.count(target, query, found)))
            if tail == ["$ref"]:
                references = [{"@odata.id": self._address(query, target, row)} for row in found]
                context = f"{query.root}/$metadata#Collection($ref)"
                return json_answer({"@odata.context": context, "value": references})
            path = f"{table.entity_set}({row_id})/{navigation.name}"
            answer = self._reads.many(target, query, path=path, source=found)
            return json_answer(answer, query.prefer.applied())
        if tail != ["$ref"]:
            raise wrong_method(request.method)
        self._allow(table, "write")
        if request.method == "POST":
            return self._writes.associate(table, row_id, navigation.name, request)
        if request.method == "DELETE":
            return self._writes.disassociate(table, row_id, navigation.name, navigation.key, target, request)
        raise wrong_method(request.method)

    def _single(
        self,
        table: Table,
        row_id: str,
        navigation: str,
        tail: Sequence[str],
        request: Request,
        query: Query,
        caller: Caller,
    ) -> Response:
        if request.method in ("PUT", "DELETE") and tail == ["$ref"]:
            self._allow(table, "write")
            self._changing(table.name, row_id)
            return self._writes.refer(table, row_id, navigation, request, caller)
        if request.method != "GET" or tail == ["$count"]:
            raise wrong_method(request.method)
        step, target = TableScope(self._environment, table).related(navigation)
        self._allow(target, "read")
        found = step(self._environment.row(table.name, row_id))
        if found is None:
            return no_content()
        if tail == ["$ref"]:
            context = f"{query.root}/$metadata#$ref"
            return json_answer({"@odata.context": context, "@odata.id": self._address(query, target, found)})
        return self._one(target, dict(found), request, query)

    @staticmethod
    def _address(query: Query, table: Table, row: object) -> str:
        identity = row[table.primary_id] if isinstance(row, dict) else ""
        return f"{query.root}/{table.entity_set}({identity})"
