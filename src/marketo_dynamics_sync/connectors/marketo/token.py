"""The access token: one for all threads, renewed ahead of time and once when it was refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import httpx
from attrs import field, frozen

from ...errors import AuthenticationError, ConnectionFailedError, ResponseError
from ..failures import from_transport

#: Renew when less than this is left, so that a long call never meets an expired token.
MARGIN: Final = 60.0
_WAITS: Final = 3


@frozen
class _Token:
    text: str = field(repr=False)
    expires: float


class TokenSource:
    """Gets tokens by client credentials (Adobe developer documentation, "Authentication").

    Args:
        root: Address of the instance.
        client_id: The custom service's client id.
        client_secret: Its secret.
        client: Makes the HTTP client.
        monotonic: Seconds that never go back.
        sleep: Waits.
        count: Called for each call.
    """

    def __init__(
        self,
        root: str,
        client_id: str,
        client_secret: str,
        client: Callable[[], httpx.Client],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        count: Callable[[], None],
    ) -> None:
        self._root = root
        self._client_id = client_id
        self._client_secret = client_secret
        self._client = client
        self._monotonic = monotonic
        self._sleep = sleep
        self._count = count
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def get(self, *, instead_of: str | None = None) -> str:
        """Return a token.

        Args:
            instead_of: A token that was refused; a new one is fetched unless another thread has done so already.

        Raises:
            AuthenticationError: Client id or secret are wrong.
            ConnectionFailedError: Nobody answered.
            ResponseError: The answer is no token.
        """
        with self._lock:
            token = self._token
            stale = token is None or token.text == instead_of or token.expires - self._monotonic() < MARGIN
            if token is None or stale:
                token = self._token = self._fetch(refused=instead_of)
            return token.text

    def _fetch(self, refused: str | None) -> _Token:
        for attempt in range(_WAITS):
            answer = self._ask()
            expires_in = answer.get("expires_in")
            text = answer.get("access_token")
            if not isinstance(text, str) or not isinstance(expires_in, (int, float)):
                raise ResponseError("the token answer has no access_token or expires_in", service="marketo")
            # A token about to expire is given again until it is gone: wait it out.
            if expires_in >= MARGIN or attempt == _WAITS - 1:
                return _Token(text, self._monotonic() + max(float(expires_in), MARGIN + 1))
            self._sleep(float(expires_in) + 1.0)
        raise AssertionError("the last attempt returns")

    def _ask(self) -> dict[str, object]:
        self._count()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        try:
            answer = self._client().post(f"{self._root}/identity/oauth/token", data=form, follow_redirects=False)
        except httpx.TransportError as error:
            raise from_transport(error, service="marketo", host=self._root, write=False) from error
        try:
            data = answer.json()
        except ValueError:
            data = None
        if answer.status_code == 401 and isinstance(data, dict):
            kind = str(data.get("error"))
            what = "client id is unknown" if kind == "unauthorized" else "client secret is wrong"
            raise AuthenticationError(
                f"the {what}; look the pair up under Admin, LaunchPoint, View Details of the custom service",
                service="marketo",
                status=401,
            )
        if answer.status_code >= 500:
            raise ConnectionFailedError("the identity service is unwell", service="marketo", status=answer.status_code)
        if answer.status_code != 200 or not isinstance(data, dict):
            raise ResponseError(
                f"{self._root} doesn't answer as Marketo's identity service; check the address under Admin, Web Services",
                service="marketo",
                status=answer.status_code,
            )
        return data
