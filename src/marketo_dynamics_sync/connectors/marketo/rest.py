"""One call to Marketo's REST API: token, limits, retries, envelope, errors."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx
from attrs import define, field
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from ...errors import (
    AddressError,
    AuthenticationError,
    LimitError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    ServiceError,
    TransientError,
)
from ..clockcheck import refuse_skew, skew
from ..failures import from_transport
from ..protocol import CallCount
from .codes import TOKEN, to_error
from .limiter import Limiter
from .token import TokenSource

_LOG = logging.getLogger(__name__)
#: A query that is longer goes as a form: the service takes 8 KB of URL (Adobe, "REST API: Base URL").
_LONG_URL: Final = 6000
_ATTEMPTS: Final = 6
#: After these the service has surely done nothing.
_NOTHING_DONE: Final = frozenset({"608", "614", "713", "429", "503"})
#: What each call needs, for the error text of 603.
_NEEDS: Final[Mapping[tuple[str, bool], str]] = {
    ("leads", False): "Read-Only Lead",
    ("leads", True): "Read-Write Lead",
    ("activities", False): "Read-Only Activity",
    ("activities", True): "Read-Write Activity",
}

Parameter = tuple[str, str]


@define
class Rest:
    """Calls one instance. Safe to use from many threads.

    Attributes:
        root: Address of the instance.
        client: Makes or returns the HTTP client.
        token: Gives tokens.
        limiter: Holds the limits.
        calls: Counts calls.
        now: The clock (UTC).
        sleep: Waits.
        random: Number from 0 to 1 for waits.
        daily_limit: Stop when the connector has made this many calls; ``None`` leaves it to the service.
    """

    root: str
    client: Callable[[], httpx.Client]
    token: TokenSource
    limiter: Limiter
    calls: CallCount
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    daily_limit: int | None = None
    ahead: timedelta | None = None
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def get(self, path: str, query: Sequence[Parameter] = (), *, kind: str = "reads") -> dict[str, object]:
        """Read something; a query too long for a URL goes as a form.

        Raises:
            ServiceError: The service refused, or couldn't be asked; see the classes.
        """
        encoded = urlencode(query)
        if len(encoded) > _LONG_URL:
            body = urlencode([("_method", "GET"), *query]).encode()
            return self._call("POST", path, "", body, "application/x-www-form-urlencoded", kind, write=False)
        return self._call("GET", path, encoded, None, None, kind, write=False)

    def post(self, path: str, data: Mapping[str, object], *, repeatable: bool) -> dict[str, object]:
        """Write something.

        Args:
            path: Path of the endpoint.
            data: JSON body.
            repeatable: Whether the same request may be sent again when its outcome is unknown.

        Raises:
            OutcomeUnknownError: The answer was lost, and the request can't be repeated safely.
            ServiceError: The service refused, or couldn't be asked.
        """
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return self._call("POST", path, "", body, "application/json", "writes", write=True, repeatable=repeatable)

    def _call(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        content_type: str | None,
        kind: str,
        *,
        write: bool,
        repeatable: bool = True,
    ) -> dict[str, object]:
        def again(error: BaseException) -> bool:
            if isinstance(error, OutcomeUnknownError):
                return repeatable
            if isinstance(error, TransientError) and write:
                return repeatable or error.code in _NOTHING_DONE
            return isinstance(error, ServiceError) and error.retryable

        retrying = Retrying(
            sleep=self.sleep,
            stop=stop_after_attempt(_ATTEMPTS),
            wait=self._wait,
            retry=retry_if_exception(again),
            before_sleep=lambda _: self._count("retries"),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                return self._with_token(method, path, query, body, content_type, kind, write=write)
        raise AssertionError("tenacity returns or raises")

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, RateLimitError):
            self.limiter.hold(20.0)
            return 0.0
        if isinstance(error, LimitError):
            return 0.2 + 0.8 * self.random()
        backoff = min(30.0, 2.0 ** (state.attempt_number - 1))
        return backoff * (0.5 + 0.5 * self.random())

    def _with_token(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        content_type: str | None,
        kind: str,
        *,
        write: bool,
    ) -> dict[str, object]:
        token = self.token.get()
        try:
            return self._once(token, method, path, query, body, content_type, kind, write=write)
        except AuthenticationError as error:
            if error.code not in TOKEN:
                raise
        self._count("retries")
        fresh = self.token.get(instead_of=token)
        return self._once(fresh, method, path, query, body, content_type, kind, write=write)

    def _once(
        self,
        token: str,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        content_type: str | None,
        kind: str,
        *,
        write: bool,
    ) -> dict[str, object]:
        if self.daily_limit is not None and self.calls.total >= self.daily_limit:
            raise to_error("607", "", request_id=None, needs="")
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        url = f"{self.root}{path}{'?' + query if query else ''}"
        with self.limiter.call():
            self._count(kind)
            try:
                answer = self.client().request(method, url, content=body, headers=headers, follow_redirects=False)
            except httpx.TransportError as error:
                raise from_transport(error, service="marketo", host=self.root, write=write) from error
        _LOG.debug("%s %s: HTTP %s", method, path, answer.status_code)
        if self.ahead is None:
            self.ahead = skew(answer.headers.get("date"), self.now())
        return self._read(answer, path, write=write)

    def _read(self, answer: httpx.Response, path: str, *, write: bool) -> dict[str, object]:
        status = answer.status_code
        if status in (413, 414):
            raise RequestRejectedError("the request is too large", service="marketo", code=str(status), status=status)
        if 300 <= status < 400:
            raise AddressError(f"{self.root} answered with a redirect, which is never followed; check the address")
        if status >= 500 or status == 429:
            raise TransientError("the service is unwell", service="marketo", code=str(status), status=status)
        try:
            data = answer.json()
        except ValueError:
            data = None
        if not isinstance(data, dict) or "success" not in data:
            what = answer.headers.get("content-type", "nothing").split(";")[0]
            if write and status == 200:
                raise OutcomeUnknownError(
                    f"the answer to a write can't be read ({what})", service="marketo", status=status
                )
            raise ResponseError(
                f"the answer of {path} is not Marketo's ({what}, or cut short); check the address and any proxy between",
                service="marketo",
                status=status,
            )
        if data["success"] is True:
            return data
        errors = data.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        raise to_error(
            str(first.get("code", "")),
            str(first.get("message", "no reason given")),
            request_id=str(data.get("requestId", "")) or None,
            needs=_NEEDS.get((path.split("/")[3].split(".")[0], write), "API access"),
        )

    def refuse_skew(self) -> None:
        """Raise when our clock and Marketo's disagree too far."""
        refuse_skew(self.ahead, "Marketo")

    def _count(self, kind: str) -> None:
        with self._lock:
            setattr(self.calls, kind, getattr(self.calls, kind) + 1)
