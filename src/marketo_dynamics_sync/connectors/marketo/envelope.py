"""What Marketo answers, taken apart: the envelope, or an error that says what came instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, cast

import httpx
from attrs import field, frozen

from ...errors import (
    AddressError,
    AuthenticationError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    TransientError,
)

SERVICE: Final = "marketo"
#: Digits of a pause in seconds that can be meant.
_DIGITS: Final = 7
_GATEWAY: Final = frozenset({500, 502, 503, 504})


@frozen
class Reason:
    """A code and the service's words, which may quote values: never shown before they are scrubbed."""

    code: str
    message: str = field(repr=False)


@frozen
class Envelope:
    """One answer of the REST API.

    Attributes:
        success: Whether the call as a whole was taken.
        result: The records; empty where the member is missing.
        errors: Why the call was refused.
        token: Where the next page starts.
        more: Whether the activity family has more pages.
        request_id: What to quote to Marketo's support.
    """

    success: bool
    result: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    errors: tuple[Reason, ...] = ()
    token: str | None = None
    more: bool = False
    request_id: str | None = None


def read_json(response: httpx.Response) -> dict[str, object]:
    """Return the JSON object of an answer.

    Raises:
        AddressError: The host answered with a redirect, or knows no such path.
        AuthenticationError: HTTP 401.
        RequestRejectedError: HTTP 413 or 414.
        RateLimitError: HTTP 429.
        TransientError: HTTP 500, 502, 503 or 504.
        ResponseError: Anything else that is not a JSON object.
    """
    status = response.status_code
    if 300 <= status < 400:
        raise AddressError(
            f"{response.url.host} answered with a redirect (HTTP {status}), which Marketo's REST API never does; it is "
            "not followed, because the token would go with it. Check the address under Admin > Web Services"
        )
    if status in (413, 414):
        raise RequestRejectedError("the request is too long", service=SERVICE, code=str(status), status=status)
    if status == 429:
        wait = response.headers.get("Retry-After", "")
        raise RateLimitError(
            "the service says: too many calls", service=SERVICE, status=status, retry_after=_seconds(wait)
        )
    if status in _GATEWAY:
        raise TransientError("the service is unwell; the call is tried again", service=SERVICE, status=status)
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        if status == 404:
            raise AddressError(
                f"{response.url.host} doesn't know {response.url.path} (HTTP 404): it is not Marketo's REST API. "
                "Check the address under Admin > Web Services"
            )
        raise ResponseError(
            f"an answer of type {kind or 'unknown'!r} came where JSON should be: a proxy, a sign-in page or a wrong "
            "address answers in Marketo's place. Check the address and what is between here and there",
            service=SERVICE,
            status=status,
        )
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        raise ResponseError(
            "the answer is no complete JSON; it was cut on its way, or something answers in Marketo's place",
            service=SERVICE,
            status=status,
        ) from None
    if not isinstance(data, dict):
        raise ResponseError("the answer is JSON, but not an object", service=SERVICE, status=status)
    return cast("dict[str, object]", data)


def read_envelope(response: httpx.Response) -> Envelope:
    """Return the envelope of an answer of the REST API.

    Raises:
        ServiceError: What :func:`read_json` raises, and :class:`ResponseError` for an envelope with missing members.
    """
    data = read_json(response)
    request_id = data.get("requestId")
    shown = request_id if isinstance(request_id, str) else None
    success = data.get("success")
    if not isinstance(success, bool):
        if response.status_code == 401:
            raise AuthenticationError("the token was refused", service=SERVICE, status=401)
        raise ResponseError(
            "the answer has no 'success' member, so it is not one of Marketo's REST API",
            service=SERVICE,
            status=response.status_code,
            request_id=shown,
        )
    result = data.get("result", [])
    if result is None:
        result = []
    if not isinstance(result, list) or not all(isinstance(item, dict) for item in result):
        raise ResponseError("'result' is not a list of objects", service=SERVICE, request_id=shown)
    errors = tuple(reasons(data.get("errors")))
    if not success and not errors:
        raise ResponseError("the call failed and the answer doesn't say why", service=SERVICE, request_id=shown)
    token = data.get("nextPageToken")
    return Envelope(
        success=success,
        result=tuple(result),
        errors=errors,
        token=token if isinstance(token, str) and token else None,
        more=data.get("moreResult") is True,
        request_id=shown,
    )


def reasons(raw: object) -> Iterable[Reason]:
    """Yield the codes and messages of a list of reasons, or of a single one; codes may be numbers or text."""
    for item in raw if isinstance(raw, list) else [raw]:
        if isinstance(item, dict) and item.get("code") is not None:
            yield Reason(str(item["code"]), str(item.get("message") or ""))


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() and len(text) <= _DIGITS else None
