"""Errors as Dataverse words them."""

from __future__ import annotations

import json

from ..http import Response


class Fault(Exception):  # becomes an error answer
    """An error answer.

    Args:
        status: HTTP status.
        code: Hexadecimal code, as the Web API prints it.
        message: Text.
        retry_after: Seconds for the ``Retry-After`` header.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def response(self) -> Response:
        """Return the answer."""
        body = json.dumps({"error": {"code": self.code, "message": self.message}}, ensure_ascii=False).encode()
        headers = [("Content-Type", "application/json; odata.metadata=minimal"), ("OData-Version", "4.0")]
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        if self.status == 401:
            headers.append(("WWW-Authenticate", "Bearer"))
        return Response(self.status, headers, body)


def unknown_property(name: str, table: str) -> Fault:
    """Return the error for a property that a table doesn't have."""
    return Fault(400, "0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'.")


def no_row(table: str, row: str) -> Fault:
    """Return the error for a row that isn't there."""
    return Fault(404, "0x80040217", f"Entity '{table}' With Id = {row} Does Not Exist")
