"""Bulk messages: many rows of one table in one call, all or nothing.

Source: Microsoft Learn, "Use bulk operation messages". On standard tables an error doesn't say which row it is about.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from ..http import Request, Response
from .address import reference
from .answers import json_answer, no_content
from .environment import Environment
from .errors import Fault, bad_payload
from .metadata import Table
from .payload import json_object, typed_targets
from .query import Query
from .rows import Caller, Rows
from .values import guid
from .writes import Writes

#: Bulk messages that every table here has.
MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")


class Bulk:
    """Answers bulk messages.

    Args:
        environment: What they work on.
        rows: Writes rows.
        writes: Knows what an upsert is.
        changing: Told of each row before it changes.
    """

    def __init__(
        self, environment: Environment, rows: Rows, writes: Writes, changing: Callable[[str, str], None]
    ) -> None:
        self._environment = environment
        self._rows = rows
        self._writes = writes
        self._changing = changing
        self._jobs: list[tuple[Table, list[str]]] = []

    def answer(self, message: str, table: Table, request: Request, query: Query, caller: Caller) -> Response:
        """Answer a bulk message bound to an entity set."""
        if message == "DeleteMultiple":
            raise Fault(501, "0x80040219", "DeleteMultiple has not yet been implemented.")
        targets = typed_targets(request, table)
        with self._environment.storage.transaction():
            if message == "CreateMultiple":
                ids = [self._create(table, target, caller) for target in targets]
                context = f"{query.root}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
                return json_answer({"@odata.context": context, "Ids": ids})
            for target in targets:
                step = self._update if message == "UpdateMultiple" else self._upsert
                step(table, target, caller)
        return no_content()

    def start_delete(self, request: Request, query: Query) -> Response:
        """``BulkDelete``: a job that deletes rows by a query, after the answer."""
        body = json_object(request)
        queries = body.get("QuerySet")
        if not isinstance(queries, list) or not queries:
            raise bad_payload("", "The parameter 'QuerySet' is missing or no collection of queries.")
        self._jobs += [self._job(each) for each in queries]
        context = f"{query.root}/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
        return json_answer({"@odata.context": context, "JobId": str(uuid.uuid4())})

    def run_jobs(self) -> None:
        """Do what was left for later."""
        jobs, self._jobs = self._jobs, []
        for table, ids in jobs:
            for row_id in ids:
                if row_id in self._environment.storage.table(table.name):
                    self._rows.delete(table, row_id)

    def _create(self, table: Table, target: Mapping[str, object], caller: Caller) -> str:
        try:
            return self._rows.create(table, target, caller)
        except Fault as fault:
            if fault.code == "0x80040237":
                raise Fault(412, fault.code, "Cannot insert duplicate key.") from None
            raise

    def _update(self, table: Table, target: Mapping[str, object], caller: Caller) -> None:
        row_id, key, body = self._addressed(table, target)
        if row_id is None:
            missing = f"{table.schema} With Ids = {key} Do Not Exist"
            raise Fault(404, "0x80040217", missing)
        self._changing(table.name, row_id)
        self._rows.update(table, row_id, body, caller)

    def _upsert(self, table: Table, target: Mapping[str, object], caller: Caller) -> None:
        row_id, key, body = self._addressed(table, target)
        if row_id is not None:
            self._changing(table.name, row_id)
        address = self._environment.key_of(table, key)
        if row_id is None and set(address.values) & set(body):
            # A key column in both the address and the body fails when the row is made.
            raise Fault(400, "0x80040216", "An unexpected error occurred.")
        self._writes.upsert(table, key, body, {}, caller)

    def _addressed(self, table: Table, target: Mapping[str, object]) -> tuple[str | None, str, dict[str, object]]:
        """Return the id of a target's row, its key as in an address, and the target without its address."""
        body = {name: value for name, value in target.items() if name != table.primary_id}
        address = target.get("@odata.id")
        key = guid(target[table.primary_id]) if target.get(table.primary_id) is not None else None
        if isinstance(address, str):
            steps = reference(address)
            if len(steps) != 1 or steps[0].name != table.entity_set or steps[0].key is None:
                raise bad_payload(table.entity_set, f"The URI '{address}' is not a valid '@odata.id'.")
            key = steps[0].key
        if key is None:
            key = str(uuid.uuid4())
        return self._environment.find(table, self._environment.key_of(table, key)), key, body

    def _job(self, query: object) -> tuple[Table, list[str]]:
        """Return the rows that a ``QueryExpression`` finds: conditions on columns, all of which hold."""
        data = query if isinstance(query, dict) else {}
        table = self._environment.tables.get(str(data.get("EntityName")))
        if table is None:
            text = f"The entity with a name = '{data.get('EntityName')}' was not found in the MetadataCache."
            raise Fault(404, "0x80060888", text)
        conditions = (data.get("Criteria") or {}).get("Conditions") or []
        rows = list(self._environment.storage.table(table.name).values())
        for condition in conditions:
            column = table.columns.get(str(condition.get("AttributeName")))
            if column is None or condition.get("Operator") not in ("In", "Equal"):
                raise Fault(400, "0x80041120", "The sandbox deletes in bulk by conditions 'In' and 'Equal' only.")
            wanted = {str(value.get("Value")).casefold() for value in condition.get("Values") or []}
            rows = [row for row in rows if str(row.get(column.wire)).casefold() in wanted]
        return table, [str(row[table.primary_id]) for row in rows]
