"""The access token: one for all threads, renewed before it expires."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeGuard

from attrs import field, frozen

from ...errors import (
    AuthenticationError,
    ConnectionFailedError,
    OutcomeUnknownError,
    ResponseError,
    TransientError,
)
from .envelope import SERVICE, read_json
from .wire import FORM, Wire, encode

PATH: Final = "/identity/oauth/token"
#: A token with less than this left is renewed, so that a long call never meets its end.
_RENEW_BELOW: Final = 60.0
#: With less than this left Marketo is waited for until it gives the next token: asked earlier it gives the same again.
_TOO_SHORT: Final = 3.0
#: No token is believed for longer.
_LONGEST: Final = 86_400.0
_TRIES: Final = 5
_TIMEOUT: Final = 60.0


@frozen
class _Held:
    text: str = field(repr=False)
    renew_at: float


class TokenSource:
    """Gives the access token of one custom service.

    The credentials go in a POST form body, so that they are in no URL that a log or a proxy keeps.

    Args:
        wire: Sends the request.
        client_id: Id of the custom service.
        client_secret: Its secret.
        monotonic: Seconds that never go backwards.
        sleep: Waits so many seconds.
        asked: Told of each request; gets the answer's ``Date`` header.
    """

    def __init__(
        self,
        wire: Wire,
        client_id: str,
        client_secret: str,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        asked: Callable[[str | None], None],
    ) -> None:
        self._wire = wire
        self._client_id = client_id
        self._client_secret = client_secret
        self._monotonic = monotonic
        self._sleep = sleep
        self._asked = asked
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def get(self) -> str:
        """Return a token that is good for the next call.

        Raises:
            AuthenticationError: The credentials were refused; the text tells a wrong id from a wrong secret.
            ServiceError: The identity service can't be reached, or answers something else.
        """
        with self._lock:
            if self._held is None or self._monotonic() >= self._held.renew_at:
                self._held = None
                self._held = self._ask()
            return self._held.text

    def drop(self, text: str) -> None:
        """Forget a token that the service refused, unless another thread has a new one already."""
        with self._lock:
            if self._held is not None and self._held.text == text:
                self._held = None

    def _ask(self) -> _Held:
        for _ in range(_TRIES):
            asked_at = self._monotonic()
            text, seconds = self._request()
            if seconds > _RENEW_BELOW:
                return _Held(text, asked_at + seconds - _RENEW_BELOW)
            if seconds >= _TOO_SHORT:
                # The identity service gives the old token until its last second: use it on, and ask again half way.
                return _Held(text, asked_at + seconds / 2)
            self._sleep(max(seconds, 0.0) + 1.0)
        raise TransientError(
            "the identity service gives tokens that are about to expire, again and again", service=SERVICE
        )

    def _request(self) -> tuple[str, float]:
        form = encode(
            [
                ("grant_type", "client_credentials"),
                ("client_id", self._client_id),
                ("client_secret", self._client_secret),
            ]
        )
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        try:
            response = self._wire.exchange("POST", PATH, timeout=_TIMEOUT, content=form.encode(), headers=headers)
        except OutcomeUnknownError as error:
            # Asking for a token twice does no harm, so a lost answer is no more than a failed connection.
            raise ConnectionFailedError(
                "the identity service gave no answer. Check the network", service=SERVICE
            ) from error
        self._asked(response.headers.get("Date"))
        data = read_json(response)
        if "error" in data or response.status_code == 401:
            raise _refused(data, response.status_code)
        text, seconds = data.get("access_token"), data.get("expires_in")
        if not _fits_a_header(text) or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise ResponseError(
                "the identity service's answer has no 'access_token' or no 'expires_in'",
                service=SERVICE,
                status=response.status_code,
            )
        return text, min(float(seconds), _LONGEST)


def _fits_a_header(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and text.isascii() and text.isprintable() and bool(text.strip())


def _refused(data: dict[str, object], status: int) -> AuthenticationError:
    words = str(data.get("error_description") or "").lower()
    if "no client" in words:
        what = "Marketo knows no custom service with this client_id"
    elif data.get("error") == "invalid_client" or "bad client credentials" in words:
        what = "Marketo knows the client_id, but the client_secret is wrong"
    else:
        what = "Marketo refused client_id and client_secret"
    return AuthenticationError(
        f"{what}. Copy both from Admin > LaunchPoint > View Details of the custom service of this instance",
        service=SERVICE,
        code=str(data["error"]) if isinstance(data.get("error"), str) else None,
        status=status,
    )
