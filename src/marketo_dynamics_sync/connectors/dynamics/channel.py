"""The way to the Web API: calls with token, gate, limits, retries and errors. The only user of httpx here."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Mapping
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception

from ...errors import (
    AddressError,
    ConnectionFailedError,
    LimitError,
    OutcomeUnknownError,
    ResponseError,
    ServiceError,
    SyncError,
    TLSError,
    TransientError,
)
from ..body import BodyTooLong, whole
from ..protocol import CallCount
from ..quiet import HostURL, quiet
from .address import Environment
from .answer import Answer
from .auth import TokenSource
from .call import Call, Kind, Timing
from .credentials import Credential
from .gate import LONGEST_PAUSE, Gate
from .refusal import ONCE_MORE, refusal

_log = logging.getLogger(__name__)

#: Tries of a call that meets a limit; each waits as long as the service says.
LIMIT_TRIES: Final = 8
#: Tries of a call that meets a passing trouble.
TRIES: Final = 5
#: Tries of a call that meets an unexpected error or a broken answer, which most often come again.
FEW_TRIES: Final = 3
#: Pause after a 429 that doesn't say how long; Dataverse always says.
DEFAULT_PAUSE: Final = 5.0
#: Longest pause between two tries of our own choosing.
LONGEST_BACKOFF: Final = 30.0

_HEADERS: Final = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
}
#: Nothing of these was sent, so even a write may be tried again.
_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def own_client(concurrency: int) -> httpx.Client:
    """Return a client for this connector alone.

    It keeps no cookies: the service's affinity cookie would tie every call to one web server and its limits (Microsoft
    Learn, "Send parallel requests"). It reads nothing from the environment; a proxy is set on a client of the user's.
    """
    return httpx.Client(
        timeout=httpx.Timeout(connect=15.0, read=240.0, write=120.0, pool=240.0),
        limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


class Channel:
    """Makes calls to one environment.

    Args:
        environment: Where.
        credential: Who signs in.
        client: Carries the calls.
        gate: Holds calls back.
        timing: Clock and waits.
    """

    def __init__(
        self, environment: Environment, credential: Credential, client: httpx.Client, gate: Gate, timing: Timing
    ) -> None:
        self.environment = environment
        self.gate = gate
        self.timing = timing
        self.calls = CallCount()
        self.skew: timedelta | None = None
        self._client = client
        self._lock = threading.Lock()
        self._tokens = TokenSource(
            credential, environment.scope, self._sign_in, self._count_token, timing.clock, timing.monotonic
        )

    def get(self, url: str, *, kind: Kind = "reads", prefer: str = "") -> Answer:
        """Fetch an address of the environment, with as many tries as are worth it.

        Raises:
            SyncError: One class for each kind of refusal; see :mod:`marketo_dynamics_sync.errors`.
        """
        return self.send(Call("GET", url, kind, {"Prefer": prefer} if prefer else {}))

    def send(self, call: Call) -> Answer:
        """Make a call, with as many tries as are worth it.

        Raises:
            OutcomeUnknownError: The answer to a call that must not be repeated was lost.
            SyncError: Any other refusal.
        """
        attempts = Retrying(
            retry=retry_if_exception(lambda error: _worth_repeating(error, call.repeat)),
            stop=_enough,
            wait=self._pause,
            sleep=self.timing.sleep,
            before_sleep=lambda state: self.count_retry(),
            reraise=True,
        )
        return attempts(self._once, call)

    def _once(self, call: Call) -> Answer:
        with self.gate.entered():
            answer = self._exchange(call)
        if answer.ok:
            if call.repeat and answer.body and answer.kind != "multipart/mixed":
                answer.json()  # a cut body is found here, where the call can be made again
            return answer
        if 300 <= answer.status < 400:
            raise AddressError(
                f"the address answers with a redirect (HTTP {answer.status}), which is never followed with a token. "
                "Give the environment's own address, such as https://contoso.crm.dynamics.com."
            )
        said = refusal(answer, answer.date or self.timing.clock())
        if said.throttled:
            self.gate.hold(DEFAULT_PAUSE if said.retry_after is None else said.retry_after)
        error = said.error()
        if not call.repeat and isinstance(error, TransientError):
            # Neither a gateway's nor the service's own trouble says how much of the work was done before.
            raise _lost(f"HTTP {answer.status}", error)
        raise error

    def _exchange(self, call: Call) -> Answer:
        token = self._tokens.token()
        answer = self._carry(call, token)
        if answer.status == 401:
            renewed = self._tokens.token(refused=token)
            self.count_retry()
            answer = self._carry(call, renewed)
        return answer

    def _carry(self, call: Call, token: str) -> Answer:
        self._count(call.kind)
        headers = {**_HEADERS, **call.headers, "Authorization": f"Bearer {token}"}
        try:
            request = self._client.build_request(call.method, call.url, headers=headers, content=call.content)
            response = self._received(quiet(request))
        except httpx.InvalidURL as error:
            raise AddressError("the Dynamics address can't be used as a URL") from error
        except BodyTooLong as error:
            raise _after_sending(call, "the answer is longer than any of Dataverse's", error, ResponseError) from error
        except httpx.DecodingError as error:
            raise _after_sending(call, "the answer can't be unpacked", error, ResponseError) from error
        except httpx.TransportError as error:
            raise _transport_error(call, error) from error
        answer = Answer(response.status_code, dict(response.headers), response.content)
        self.gate.hint(answer.headers.get("x-ms-dop-hint"))
        if answer.date is not None:
            self.skew = self.timing.clock() - answer.date
        _log.debug("%s as %s: HTTP %s", call.method, call.kind, answer.status)
        return answer

    def _received(self, request: httpx.Request) -> httpx.Response:
        response = self._client.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            return whole(response)
        finally:
            response.close()

    def _sign_in(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        data: object,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        self._count_token()
        try:
            request = self._client.build_request(
                method,
                url,
                params=params or None,
                headers={name: value for name, value in (headers or {}).items() if value is not None},
                data=data if isinstance(data, dict) else None,
                content=data if isinstance(data, str) else None,
            )
            return self._received(quiet(request, HostURL))
        except httpx.InvalidURL as error:
            raise AddressError("the authority of the credential can't be used as a host name") from error
        except (BodyTooLong, httpx.DecodingError) as error:
            raise ResponseError("the sign-in service's answer can't be read", service="dynamics") from error
        except httpx.TransportError as error:
            raise _transport_error(Call(method, url, "metadata", {}), error, what="the sign-in service") from error

    def _count(self, kind: Kind) -> None:
        with self._lock:
            setattr(self.calls, kind, getattr(self.calls, kind) + 1)

    def _count_token(self) -> None:
        with self._lock:
            self.calls.tokens += 1

    def count_retry(self) -> None:
        with self._lock:
            self.calls.retries += 1

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, LimitError):
            return 0.0  # the gate is closed for as long as the service said
        step = min(LONGEST_BACKOFF, 0.5 * 2.0 ** (state.attempt_number - 1))
        return step * (0.5 + self.timing.random() / 2)


def _worth_repeating(error: BaseException, repeat: bool) -> bool:
    if not isinstance(error, ServiceError) or not error.retryable:
        return False
    if isinstance(error, LimitError):
        return error.retry_after is None or error.retry_after <= LONGEST_PAUSE
    return repeat or isinstance(error, ConnectionFailedError)


def _enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, LimitError):
        return state.attempt_number >= LIMIT_TRIES
    few = isinstance(error, ResponseError) or (
        isinstance(error, ServiceError) and (error.code in ONCE_MORE or (error.status == 500 and error.code is None))
    )
    return state.attempt_number >= (FEW_TRIES if few else TRIES)


def _transport_error(call: Call, error: httpx.TransportError, *, what: str = "the Dynamics environment") -> SyncError:
    what = f"{what} {httpx.URL(call.url).host}"
    if _untrusted(error):
        return TLSError(
            f"the certificate of {what} can't be trusted. If a proxy inspects the traffic, hand in "
            "client=httpx.Client(verify=...) with its authority; otherwise check the address.",
            service="dynamics",
        )
    name = type(error).__name__
    if isinstance(error, _UNSENT):
        return ConnectionFailedError(
            f"{what} can't be reached ({name}). Check the address, the network and the proxy.", service="dynamics"
        )
    why = f"the connection to {what} broke before the answer was complete ({name})"
    cut = isinstance(error, httpx.RemoteProtocolError) and "body" in str(error)
    return _after_sending(call, why, error, ResponseError if cut else ConnectionFailedError)


def _after_sending(
    call: Call, why: str, error: Exception, kind: type[ServiceError] = ConnectionFailedError
) -> SyncError:
    return kind(why, service="dynamics") if call.repeat else _lost(why, error)


def _lost(why: str, cause: Exception) -> OutcomeUnknownError:
    error = OutcomeUnknownError(f"{why}: what was sent may have been done", service="dynamics")
    error.__cause__ = cause
    return error


def _untrusted(error: BaseException) -> bool:
    """Return whether the handshake failed; a connection cut later raises an SSL error as well."""
    seen: BaseException | None = error if isinstance(error, httpx.ConnectError) else None
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
