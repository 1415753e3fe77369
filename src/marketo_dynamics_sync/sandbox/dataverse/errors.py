"""Errors as Dataverse words them.

Codes are those of Microsoft Learn, "Web service error codes"; texts come from the same list, from "Troubleshoot
Dataverse Web API client errors" and from "Compose HTTP requests and handle errors".
"""

from __future__ import annotations

import json
from collections.abc import Callable

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
        details: Annotations of this error, without their prefix ``@Microsoft.PowerApps.CDS.``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        challenge: str | None = None,
        details: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.challenge = challenge
        self.details = details or {}

    def response(self, wanted: Callable[[str], bool] | None = None) -> Response:
        """Return the answer.

        Args:
            wanted: Tells whether ``Prefer: odata.include-annotations`` asks for an annotation (Microsoft Learn,
                "Compose HTTP requests and handle errors", *Include more details with errors*).
        """
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if wanted is not None:
            link = "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a"
            all_details = self.details | {
                "HelpLink": f"{link}{self.code.removeprefix('0x')}&client=platform",
                "InnerError.Message": self.message,
            }
            for name, value in all_details.items():
                if wanted(f"Microsoft.PowerApps.CDS.{name}"):
                    error[f"@Microsoft.PowerApps.CDS.{name}"] = value
        headers = list(JSON_HEADERS)
        if self.retry_after is not None:
            headers.insert(0, ("Retry-After", str(self.retry_after)))
        if self.challenge is not None:
            headers.append(("WWW-Authenticate", self.challenge))
        body = json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(self.status, headers, body)


class Refused(Exception):
    """Raised by a business rule: the write is refused with the rule's own text (0x80040265, IsvAborted).

    Args:
        text: What the caller gets to read.
        sub_code: The rule's own number, shown as ``ErrorDetails.SubErrorCode``.
    """

    def __init__(self, text: str, sub_code: int = 0) -> None:
        super().__init__(text)
        self.sub_code = sub_code


def refused_by_rule(reason: Refused) -> Fault:
    """Return the error for a write that a business rule refused."""
    details = {"ErrorDetails.OperationStatus": "1", "ErrorDetails.SubErrorCode": str(reason.sub_code)}
    return Fault(400, "0x80040265", str(reason), details=details)


def unknown_property(name: str, kind: str) -> Fault:
    """Return the error for a property in a query that a type doesn't have."""
    return Fault(400, "0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{kind}'.")


def invalid_property(name: str, kind: str) -> Fault:
    """Return the error for a property in a body that a type doesn't have."""
    return Fault(
        400,
        "0x0",
        "An error occurred while validating input parameters: Microsoft.Crm.CrmException: Invalid property "
        f"'{name}' was found in entity 'Microsoft.Dynamics.CRM.{kind}'. ---> Microsoft.OData.ODataException: Does not "
        "support untyped value in non-open type.",
    )


def no_row(table: str, row: str) -> Fault:
    """Return the error for a row that isn't there."""
    return Fault(404, "0x80040217", f"Entity '{table}' With Id = {row} Does Not Exist")


def no_segment(segment: str) -> Fault:
    """Return the error for an address that leads nowhere."""
    return Fault(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def no_resource(url: str) -> Fault:
    """Return the error for a function that is posted to, or an action that is read."""
    return Fault(404, "", f"No HTTP resource was found that matches the request URI '{url}'.")


def wrong_method(method: str) -> Fault:
    """Return the error for a verb that a resource doesn't take."""
    return Fault(405, "0x0", f"The requested resource does not support http method '{method}'.")


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


def undeclared(entity_set: str, name: str) -> Fault:
    """Return the error for a bind to something that is no navigation property."""
    return bad_payload(
        entity_set,
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value was "
        "found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values.",
    )


def privilege_denied(user: str, privilege: str, table: str) -> Fault:
    """Return the error for a missing privilege."""
    text = f"Principal user (Id={user}, type=8) is missing {privilege} privilege on OTC for entity '{table}'."
    return Fault(403, "0x80040220", text)
