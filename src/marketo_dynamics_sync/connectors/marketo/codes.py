"""What Marketo's codes mean to a caller, and which right a call needs (Adobe, "Error Codes")."""

from __future__ import annotations

from typing import Final

from ...errors import (
    ConcurrencyError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    RequestRejectedError,
    ServiceError,
    TransientError,
)
from .envelope import SERVICE, Reason
from .scrub import scrub

#: The token is no longer good: a new one is asked for, once.
TOKEN_CODES: Final = frozenset({"600", "601", "602"})
#: Later, the same call may succeed.
TRANSIENT_CODES: Final = frozenset({"500", "502", "604", "608", "611", "614", "713", "714", "719"})
#: The service may have done what was asked, although it says that the call failed.
DOUBTFUL_CODES: Final = frozenset({"502", "604"})
#: One record of a write may be what the whole call is refused for, so the call is halved.
HALVED_CODES: Final = frozenset({"413", "604", "611", "718", "1001", "1002", "1003"})
#: The same record may be taken later as it is.
RETRYABLE_RECORD_CODES: Final = TRANSIENT_CODES | {"606", "607", "615", "1014", "1016", "1019", "1022"}
FIELD_NOT_FOUND: Final = "1006"
#: An opportunity names a sales person that isn't there; the whole call is refused for it.
OWNER_NOT_FOUND: Final = "718"
#: A field of the person's company can't be written through the person.
COMPANY_CLOSED: Final = "1021"
#: A native CRM sync is connected and keeps the object to itself.
CRM_ENABLED: Final = "1018"

READ_PERSONS: Final = "Read-Only Lead"
WRITE_PERSONS: Final = "Read-Write Lead"
READ_ACTIVITIES: Final = "Read-Only Activity"
WRITE_ACTIVITIES: Final = "Read-Write Activity"

#: What to do where a native CRM sync is in the way (Adobe, "Companies", "Opportunities", "Sales Persons").
DISCONNECT: Final = (
    "Disconnect Marketo's own CRM sync (Admin > Microsoft Dynamics, or Salesforce) before this one writes them, or "
    "leave out the entities that live in companies, sales persons, opportunities and opportunity roles"
)


def refusal(errors: tuple[Reason, ...], *, doing: str, permission: str, request_id: str | None) -> ServiceError:
    """Return the error that an envelope with ``success: false`` comes to.

    Args:
        errors: The envelope's errors, at least one.
        doing: What the call was for, such as ``"reading persons"``.
        permission: The right that the call needs; Marketo doesn't name it.
        request_id: The envelope's request id.
    """
    code = errors[0].code

    def error(kind: type[ServiceError], text: str) -> ServiceError:
        return kind(text, service=SERVICE, code=code, request_id=request_id)

    if code == "603":
        return error(
            PermissionDeniedError,
            f"{doing} was denied. Give the API user's role the permission {permission!r} (Admin > Users & Roles), "
            "and check that this machine's address is on the allow list for API calls, if there is one",
        )
    if code == "606":
        return error(RateLimitError, f"{doing}: too many calls in 20 seconds, ours and other programs' together")
    if code == "607":
        return error(
            QuotaError,
            f"{doing}: the instance's calls for today are used up. They are counted anew from midnight US Central time",
        )
    if code == "615":
        return error(ConcurrencyError, f"{doing}: too many calls at once, ours and other programs' together")
    if code == CRM_ENABLED:
        return error(
            RequestRejectedError,
            f"{doing} was refused, because Marketo's own CRM sync is connected and keeps companies, sales persons, "
            f"opportunities and their roles to itself. {DISCONNECT}",
        )
    words = "; ".join(scrub(item.message) for item in errors if item.message)
    text = f"{doing} was refused" + (f": {words}" if words else "")
    return error(TransientError if code in TRANSIENT_CODES else RequestRejectedError, text)
