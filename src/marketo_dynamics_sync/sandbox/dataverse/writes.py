"""Writing one row: the matrix of ``If-Match``, ``If-None-Match`` and upsert."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..http import Request, Response
from .errors import Fault, no_row
from .metadata import Table
from .reads import Query, Reads, as_json
from .rows import Rows


class Writes:
    """Answers POST, PATCH and DELETE of rows."""

    def __init__(self, rows: Rows, reads: Reads) -> None:
        self._rows = rows
        self._reads = reads

    def create(self, table: Table, request: Request, root: str, hidden: frozenset[str]) -> Response:
        """``POST {set}``."""
        payload = _payload(request)
        _refuse_secured(payload, hidden)
        row = self._rows.create(table, payload)
        return self._done(table, row, request, root, hidden, created=True)

    def change(self, table: Table, row: str, request: Request, root: str, hidden: frozenset[str]) -> Response:
        """``PATCH {set}(id)``."""
        payload = _payload(request)
        _refuse_secured(payload, hidden)
        there = self._rows.table(table.name).get(row)
        match = request.headers.get("if-match")
        if request.headers.get("if-none-match") == "*" and there is not None:
            raise Fault(412, "0x80040237", "A record with matching key values already exists.")
        if there is None:
            if match is not None:
                raise no_row(table.name, row)
            self._rows.create(table, {**payload, table.primary_id: row})
            return self._done(table, row, request, root, hidden, created=True)
        _guard(table, there, match)
        self._rows.update(table, row, payload)
        return self._done(table, row, request, root, hidden, created=False)

    def delete(self, table: Table, row: str, request: Request) -> Response:
        """``DELETE {set}(id)``."""
        _guard(table, self._rows.get(table.name, row), request.headers.get("if-match"))
        self._rows.delete(table, row)
        return Response(204, [("OData-Version", "4.0")])

    def _done(
        self, table: Table, row: str, request: Request, root: str, hidden: frozenset[str], *, created: bool
    ) -> Response:
        address = f"{root}/{table.entity_set}({row})"
        headers = [("OData-Version", "4.0")]
        if "return=representation" not in request.headers.get("prefer", ""):
            return Response(204, [*headers, ("Location", address), ("OData-EntityId", address)])
        data = self._reads.one(table, row, Query.read(root, request.query, request.headers.get("prefer", "")), hidden)
        headers += [
            ("Content-Type", "application/json; odata.metadata=minimal"),
            ("ETag", str(data["@odata.etag"])),
            ("Preference-Applied", "return=representation"),
        ]
        return Response(201 if created else 200, headers, as_json(data))


def _guard(table: Table, row: Mapping[str, object], match: str | None) -> None:
    if match is None or match == "*":
        return
    if not table.guarded:
        raise Fault(400, "0x8006088d", f"Optimistic concurrency isn't enabled for entity type {table.name}.")
    if match != f'W/"{row["versionnumber"]}"':
        raise Fault(
            412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
        )


def _refuse_secured(payload: Mapping[str, object], hidden: frozenset[str]) -> None:
    secured = sorted(set(payload) & hidden)
    if secured:
        raise Fault(403, "0x8004f508", f"Caller user does not have update privileges for secured field {secured[0]}.")


def _payload(request: Request) -> dict[str, object]:
    try:
        data = json.loads(request.body)
    except ValueError:
        raise Fault(400, "0x80048d19", "Error identified in Payload provided by the user.") from None
    if not isinstance(data, dict):
        raise Fault(400, "0x80048d19", "Error identified in Payload provided by the user.")
    return data
