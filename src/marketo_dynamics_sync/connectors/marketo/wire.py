"""One HTTP exchange: the client, and what its failures mean for what was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import httpx

from ...errors import ConnectionFailedError, OutcomeUnknownError, ResponseError, ServiceError, TLSError
from ..body import BodyTooLong, whole
from ..quiet import quiet
from .envelope import SERVICE

#: Nothing was sent when one of these is raised.
_BEFORE_SENDING: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_CONNECT_SECONDS: Final = 20.0
FORM: Final = "application/x-www-form-urlencoded"


class Wire:
    """Sends requests to one origin through one pooled client, made at the first request.

    Args:
        origin: Scheme, host and port.
        client: The user's client, or ``None`` for one of our own. Ours reads no environment variables: a proxy or
            another certificate store comes with a client of the user's.
        connections: Most connections of our own client.
    """

    def __init__(self, origin: str, client: httpx.Client | None, connections: int) -> None:
        self._origin = origin
        self._given = client
        self._own: httpx.Client | None = None
        self._connections = connections
        self._lock = threading.Lock()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        query: str = "",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request and return the answer with its whole body. Redirects are not followed.

        Args:
            method: HTTP verb.
            path: Path below the origin.
            timeout: Seconds to wait for the answer.
            query: Query string, encoded.
            content: Body.
            headers: Headers.

        Raises:
            TLSError: The certificate can't be trusted. Nothing was sent.
            ConnectionFailedError: Nobody answered. Nothing was sent.
            OutcomeUnknownError: The request was sent, or part of it, and no answer came.
            ResponseError: An answer came and broke off.
        """
        client = self._client()
        url = f"{self._origin}{path}" + (f"?{query}" if query else "")
        limits = httpx.Timeout(timeout, connect=_CONNECT_SECONDS, pool=timeout)
        request = client.build_request(method, url, content=content, headers=headers, timeout=limits)
        try:
            response = client.send(quiet(request), stream=True, auth=None, follow_redirects=False)
        except _BEFORE_SENDING as error:
            raise _not_reached(error, request.url.host) from error
        except httpx.RequestError as error:
            raise OutcomeUnknownError(
                f"{request.url.host} gave no answer ({type(error).__name__}); whether the call was carried out is not "
                "known",
                service=SERVICE,
            ) from error
        try:
            return whole(response)
        except BodyTooLong:
            raise ResponseError(
                f"the answer of {request.url.host} is longer than any of Marketo's; it was not kept",
                service=SERVICE,
                status=response.status_code,
            ) from None
        except httpx.RequestError as error:
            raise ResponseError(
                f"the answer of {request.url.host} broke off or can't be decoded ({type(error).__name__})",
                service=SERVICE,
                status=response.status_code,
            ) from error
        finally:
            response.close()

    def close(self) -> None:
        """Close the client that we made; the user's stays open."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def _client(self) -> httpx.Client:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None:
                pool = httpx.Limits(max_connections=self._connections + 1, max_keepalive_connections=self._connections)
                self._own = httpx.Client(follow_redirects=False, trust_env=False, limits=pool)
            return self._own


def encode(params: Sequence[tuple[str, str]]) -> str:
    """Return parameters as a query string or form body."""
    return urlencode(list(params))


def _not_reached(error: httpx.RequestError, host: str) -> ServiceError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TLSError(
                f"the certificate of {host} can't be trusted, so nothing was sent. If a proxy of your own stands "
                "between, hand in an httpx.Client that trusts it; otherwise check the address",
                service=SERVICE,
            )
        cause = cause.__cause__ or cause.__context__
    return ConnectionFailedError(
        f"{host} can't be reached ({type(error).__name__}). Check the address, the network, and whether a proxy is "
        "needed (hand in an httpx.Client that uses it)",
        service=SERVICE,
    )
