"""Writing one row: the matrix of ``If-Match``, ``If-None-Match`` and upsert, single properties and references.

Source: Microsoft Learn, "Perform conditional operations", "Upsert a table row", "Update and delete table rows" and
"Associate and disassociate table rows using the Web API".
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from ..http import Request, Response
from .answers import json_answer, no_content
from .environment import Environment
from .errors import Fault, bad_payload, bad_query
from .metadata import Column, Table
from .payload import bound_row, json_object
from .query import Query
from .reads import Reads
from .rows import Caller, Rows


class Writes:
    """Answers writes of rows."""

    def __init__(self, environment: Environment, rows: Rows, reads: Reads) -> None:
        self._environment = environment
        self._rows = rows
        self._reads = reads

    def create(self, table: Table, request: Request, query: Query, caller: Caller) -> Response:
        """``POST {set}``."""
        row_id = self._rows.create(table, json_object(request, table.entity_set), caller)
        return self._done(table, row_id, row_id, query, created=True)

    def change(self, table: Table, key: str, request: Request, query: Query, caller: Caller) -> Response:
        """``PATCH {set}(key)``: update, or create what isn't there."""
        payload = json_object(request, table.entity_set)
        row_id, created = self.upsert(table, key, payload, request.headers, caller)
        return self._done(table, row_id, key, query, created=created)

    def upsert(
        self, table: Table, key: str, payload: Mapping[str, object], headers: Mapping[str, str], caller: Caller
    ) -> tuple[str, bool]:
        """Update the row that a key tells, or create it, and return its id and whether it is new."""
        environment = self._environment
        address = environment.key_of(table, key)
        row_id = environment.find(table, address)
        match = headers.get("if-match")
        if row_id is None:
            if match is not None:
                environment.locate(table, address)
            if address.id is not None:
                return self._rows.create(table, {**payload, table.primary_id: address.id}, caller), True
            known = environment.alternate_key(table, address)
            values = environment.key_values(table, known, address)
            wires = [table.columns[name].wire for name in known.columns]
            return self._rows.create(table, payload, caller, defaults=dict(zip(wires, values, strict=True))), True
        if headers.get("if-none-match") == "*":
            raise Fault(412, "0x80040237", "A record with matching key values already exists.")
        self.guard(table, row_id, match)
        # Columns of the key in the body of an update are left out.
        body = {name: value for name, value in payload.items() if name not in address.values}
        self._rows.update(table, row_id, body, caller)
        return row_id, False

    def delete(self, table: Table, row_id: str, match: str | None) -> Response:
        """``DELETE {set}(key)``."""
        self.guard(table, row_id, match)
        self._rows.delete(table, row_id)
        return no_content()

    def put_property(self, table: Table, row_id: str, column: Column, request: Request, caller: Caller) -> Response:
        """``PUT {set}(key)/{property}`` or ``DELETE`` of it."""
        value: object = None
        if request.method == "PUT":
            body = json_object(request, table.entity_set)
            if "value" not in body:
                raise bad_payload(table.entity_set, "The property 'value' is missing in the payload.")
            value = body["value"]
        self.guard(table, row_id, request.headers.get("if-match"))
        self._rows.update(table, row_id, {column.name: value}, caller)
        return no_content()

    def refer(self, table: Table, row_id: str, navigation: str, request: Request, caller: Caller) -> Response:
        """``PUT`` or ``DELETE {set}(key)/{single-valued navigation property}/$ref``."""
        target = str(self._target(request, table)) if request.method == "PUT" else None
        self._rows.update(table, row_id, {f"{navigation}@odata.bind": target}, caller)
        return no_content()

    def associate(self, table: Table, row_id: str, navigation: str, request: Request) -> Response:
        """``POST {set}(key)/{collection-valued navigation property}/$ref``."""
        other = bound_row(self._environment, table, self._target(request, table))
        self._rows.associate(table, row_id, navigation, other)
        return no_content()

    def disassociate(
        self, table: Table, row_id: str, navigation: str, key: str | None, target: Table, request: Request
    ) -> Response:
        """``DELETE {set}(key)/{collection-valued navigation property}(key)/$ref``, or with ``$id``."""
        if key is not None:
            environment = self._environment
            other = (target, environment.locate(target, environment.key_of(target, key)))
        else:
            address = dict(parse_qsl(request.query)).get("$id")
            if address is None:
                raise bad_query("The row to disassociate is missing: name it in the path or with $id.")
            other = bound_row(self._environment, table, address)
        self._rows.disassociate(table, row_id, navigation, other)
        return no_content()

    def guard(self, table: Table, row_id: str, match: str | None) -> None:
        """Hold a write to ``If-Match``.

        Raises:
            Fault: The row has another version, or the table no optimistic concurrency.
        """
        if match is None or match == "*":
            return
        if not table.guarded:
            raise Fault(400, "0x8006088d", f"Optimistic concurrency isn't enabled for entity type {table.name}.")
        if match != f'W/"{self._environment.row(table.name, row_id)["versionnumber"]}"':
            text = "The version of the existing record doesn't match the RowVersion property provided."
            raise Fault(412, "0x80060882", text)

    @staticmethod
    def _target(request: Request, table: Table) -> str:
        target = json_object(request, table.entity_set).get("@odata.id")
        if not isinstance(target, str):
            raise bad_payload(table.entity_set, "The property '@odata.id' is missing in the payload.")
        return target

    def _done(self, table: Table, row_id: str, key: str, query: Query, *, created: bool) -> Response:
        if not query.prefer.representation:
            address = f"{query.root}/{table.entity_set}({key})"
            return no_content([("Location", address), ("OData-EntityId", address)])
        data = self._reads.one(table, self._environment.row(table.name, row_id), query)
        headers = [("ETag", str(data["@odata.etag"])), *query.prefer.applied()]
        return json_answer(data, headers, status=201 if created else 200)
