"""What Dataverse says when it says no: the code first, then the HTTP status, never the text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import frozen

from ...errors import (
    AddressError,
    AuthenticationError,
    CheckpointExpiredError,
    ConcurrencyError,
    PermissionDeniedError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    ServiceError,
    SyncError,
    TransientError,
)
from .answer import Answer
from .scrub import named, scrub

# Names of the codes: Microsoft Learn, "Web service error codes"; what to do with which: "Service protection API
# limits", "Optimistic concurrency", "Use change tracking to synchronize data with external systems".

VERSION_MISMATCH: Final = "0x80060882"
NO_OPTIMISTIC_CONCURRENCY: Final = "0x8006088d"
DUPLICATE_ID: Final = "0x80040237"
ROW_MISSING: Final = "0x80040217"
TRACKING_OFF: Final = frozenset({"0x80072491", "0x80072492"})

_RATE: Final = frozenset({"0x80072322", "0x80072321", "0x8005f103", "0x80072323", "0x80072324", "0x80072325"})
_CONCURRENCY: Final = frozenset({"0x80072326"})
_EXPIRED: Final = frozenset({"0x80044352"}) | TRACKING_OFF
_CREDENTIALS: Final = frozenset({"0x80040204", "0x80040225", "0x80042f09", "0x80072560"})
_PERMISSION: Final = frozenset({"0x80040220", "0x80040256", "0x80048306", "0x80040231"})
#: Locks, deadlocks, SQL time-outs, solution imports, broken paging cookies: the same request may well succeed later.
_LATER: Final = frozenset(
    {
        "0x80044150",
        "0x80044151",
        "0x80044339",
        "0x80071154",
        "0x80048543",
        "0x80081111",
        "0x80044171",
        "0x80044172",
        "0x80044173",
        "0x80041129",
        "0x8004112a",
        "0x8004430a",
    }
)
#: Unexpected errors of the platform or of a plug-in: worth one more try, not more.
ONCE_MORE: Final = frozenset({"0x80040216", "0x80040224"})


@frozen
class Refusal:
    """A refused request.

    Attributes:
        code: The service's code in lower case (``"0x80060882"``), or ``""``.
        message: The service's text; it may quote values until it is scrubbed.
        status: HTTP status.
        retry_after: Seconds the service asked us to wait.
        request_id: What to quote to the service's support.
        readable: Whether the body was an error of Dataverse; a gateway answers HTML or nothing.
    """

    code: str
    message: str
    status: int
    retry_after: float | None = None
    request_id: str | None = None
    readable: bool = True

    @property
    def throttled(self) -> bool:
        """Whether a limit was reached and nothing was done."""
        return self.code in _RATE or self.code in _CONCURRENCY or self.status == 429

    @property
    def later(self) -> bool:
        """Whether the same request may succeed later as it is."""
        return self.throttled or self.code in _LATER or self.code in ONCE_MORE or self.status in (408, 502, 503, 504)

    def clean(self, names: Iterable[str] = (), values: Iterable[object] = ()) -> str:
        """Return the text without values."""
        return scrub(self.message, names=names, values=values)

    def about(self, names: Iterable[str]) -> str | None:
        """Return the column that the text speaks of."""
        return named(self.message, names)

    def error(self, names: Iterable[str] = ()) -> SyncError:
        """Return the error to raise for it."""
        if not self.readable and self.status == 404:
            return AddressError(
                "the address is not a Dataverse environment: there is no Web API behind it (HTTP 404). "
                "It looks like https://contoso.crm.dynamics.com."
            )
        kind, remedy = self._kind()
        text = self.clean(names) or "no reason was given"
        return kind(
            f"{text.rstrip('.')}. {remedy}" if remedy else text,
            service="dynamics",
            code=self.code or None,
            status=self.status,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )

    def _kind(self) -> tuple[type[ServiceError], str]:
        code, status = self.code, self.status
        if code in _CONCURRENCY:
            return ConcurrencyError, "Too many calls at once: does another program use the same user?"
        if code in _RATE or status == 429:
            return RateLimitError, "The service protection limits were reached; the next cycle goes on from here."
        if code in _EXPIRED or status == 410:
            return CheckpointExpiredError, "Everything is compared again."
        if code in _CREDENTIALS or status == 401:
            return AuthenticationError, _CREDENTIALS_REMEDY
        if code in _PERMISSION or status == 403:
            return (
                PermissionDeniedError,
                "Give the sync user a security role with this right (organization level to read).",
            )
        if code in _LATER or code in ONCE_MORE or status in (408, 500, 502, 503, 504):
            return TransientError, ""
        if not self.readable:
            return ResponseError, "The answer is not one of Dataverse: is a proxy in between?"
        return RequestRejectedError, ""


_CREDENTIALS_REMEDY: Final = (
    "The token was refused. Is the app registration an application user of this environment, enabled and with "
    "a security role, and is the address the environment's own?"
)


def refusal(answer: Answer, now: datetime) -> Refusal:
    """Return what an error answer says, however broken its body is."""
    code, message, readable = "", "", False
    try:
        body = json.loads(answer.body) if answer.body.strip() else None
    except (ValueError, RecursionError):
        body = None
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, dict):
        readable = True
        code, message = normal_code(error.get("code")), str(error.get("message") or "")
        inner = error.get("innererror")
        if not message and isinstance(inner, dict):
            message = str(inner.get("message") or "")
    return Refusal(
        code,
        message or f"HTTP {answer.status} without an error of Dataverse",
        answer.status,
        answer.retry_after(now),
        answer.request_id,
        readable,
    )


def normal_code(raw: object) -> str:
    """Return an error code as ``0x`` and eight lower-case digits; ``""`` for none and for ``0x0``.

    The service writes codes in both letter cases, and older layers as signed decimals.
    """
    text = str(raw if raw is not None else "").strip()
    try:
        number = int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        return ""
    return f"0x{number & 0xFFFFFFFF:08x}" if number else ""
