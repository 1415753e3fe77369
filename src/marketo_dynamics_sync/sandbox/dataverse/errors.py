"""Errors as Dataverse words them."""

from __future__ import annotations

import json

from ..http import Response

#: Headers of every JSON answer.
JSON_HEADERS = (("Content-Type", "application/json; odata.metadata=minimal"), ("OData-Version", "4.0"))


class Fault(Exception):  # it is an answer on its way out, not an error of the sandbox
    """An error answer.

    Args:
        status: HTTP status.
        code: Hexadecimal code, as the Web API prints it.
        message: Text.
        retry_after: Seconds for the ``Retry-After`` header.
        challenge: The ``WWW-Authenticate`` header.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None, challenge: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.challenge = challenge

    def response(self, *, detailed: bool = False) -> Response:
        """Return the answer.

        Args:
            detailed: Add what ``Prefer: odata.include-annotations="*"`` brings (Microsoft Learn, "Compose HTTP
                requests and handle errors", *Include more details with errors*).
        """
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if detailed:
            prefix = "@Microsoft.PowerApps.CDS."
            link = f"http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{self.code[2:]}"
            error |= {f"{prefix}HelpLink": link, f"{prefix}InnerError.Message": self.message}
        headers = list(JSON_HEADERS)
        if self.retry_after is not None:
            headers.insert(0, ("Retry-After", str(self.retry_after)))
        if self.challenge is not None:
            headers.append(("WWW-Authenticate", self.challenge))
        body = json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(self.status, headers, body)


class Refused(Exception):  # raised by a test's rule: reads as "the rule refused"
    """Raised by a business rule: the write is refused with the rule's own text (0x80040265, IsvAborted).

    Args:
        text: What the caller gets to read.
    """


def refused_by_rule(reason: Refused) -> Fault:
    """Return the error for a write that a business rule refused."""
    return Fault(400, "0x80040265", str(reason))


def unknown_property(name: str, kind: str) -> Fault:
    """Return the error for a property that a type doesn't have."""
    return Fault(400, "0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{kind}'.")


def no_row(table: str, row: str) -> Fault:
    """Return the error for a row that isn't there."""
    return Fault(404, "0x80040217", f"Entity '{table}' With Id = {row} Does Not Exist")


def no_segment(segment: str) -> Fault:
    """Return the error for an address that leads nowhere."""
    return Fault(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def bad_query(text: str) -> Fault:
    """Return the error for a query that can't be understood."""
    return Fault(400, "0x80060888", text)


def bad_payload(entity_set: str, text: str) -> Fault:
    """Return the error for a body that can't be understood."""
    return Fault(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', For more information on this "
        "error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : "
        f"Microsoft.OData.ODataException: {text}",
    )
