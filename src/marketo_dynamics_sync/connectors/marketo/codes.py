"""Marketo's response-level codes as our errors (Adobe developer documentation, "Error Codes")."""

from __future__ import annotations

import re
from typing import Final

from ...errors import (
    AuthenticationError,
    ConcurrencyError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    RequestRejectedError,
    ServiceError,
    TransientError,
)
from ..protocol import Problem

#: The token is of no use; a new one may help once.
TOKEN: Final = frozenset({"600", "601", "602"})
_TRANSIENT: Final = frozenset({"500", "502", "604", "608", "611", "614", "713", "719"})
#: Record-level codes after which the same record may succeed later.
_LATER: Final = frozenset({"1014", "1016", "1019", "1022", "604", "608", "611", "713"})
_QUOTED: Final = re.compile(r"(and value ').*('\s*$)", re.DOTALL)
_FIELD: Final = re.compile(r"[Ff]ield '([A-Za-z0-9_]+)'")
_EMAIL: Final = re.compile(r"\S+@\S+")


def scrub(message: str) -> str:
    """Return a message of Marketo's without the field value it quotes."""
    return _EMAIL.sub("…", _QUOTED.sub(r"\1…\2", message))


def to_error(code: str, message: str, *, request_id: str | None, needs: str) -> ServiceError:
    """Return our error for a response-level error.

    Args:
        code: Marketo's code.
        message: Marketo's message.
        request_id: What to quote to Marketo's support.
        needs: The permission that the call needs.
    """
    text = scrub(message)
    if code in TOKEN:
        return AuthenticationError(
            f"{text}: the token was refused, and a new one too; check the custom service's client id and API user",
            service="marketo",
            code=code,
            request_id=request_id,
        )
    if code == "603":
        return PermissionDeniedError(
            f"{text}: the API user's role needs {needs!r}, or this machine's address isn't on the allow list",
            service="marketo",
            code=code,
            request_id=request_id,
        )
    if code == "607":
        return QuotaError(
            "the instance's calls of today are used up; what is left is done after midnight US Central",
            service="marketo",
            code=code,
            request_id=request_id,
        )
    if code == "606":
        return RateLimitError(text, service="marketo", code=code, request_id=request_id, retry_after=20.0)
    if code == "615":
        return ConcurrencyError(text, service="marketo", code=code, request_id=request_id)
    if code in _TRANSIENT:
        return TransientError(text, service="marketo", code=code, request_id=request_id)
    return RequestRejectedError(text, service="marketo", code=code, request_id=request_id)


def to_problem(reason: object) -> Problem:
    """Return why a record was skipped, from one of the places where Marketo says it."""
    data = reason if isinstance(reason, dict) else {}
    code, message = str(data.get("code", "")), str(data.get("message", ""))
    named = _FIELD.search(message)
    return Problem(code, scrub(message), named.group(1) if named else None, retryable=code in _LATER)
