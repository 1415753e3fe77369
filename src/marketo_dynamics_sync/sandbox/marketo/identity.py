"""Tokens: client credentials in, one token per custom service until it expires (Adobe, "Authentication")."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from attrs import define, field, frozen

from ..clock import SandboxClock
from ..http import Request, Response
from .envelope import json_response

#: Every permission the sandbox checks, by Adobe's names.
PERMISSIONS: Final = frozenset(
    {
        "Read-Only Lead",
        "Read-Write Lead",
        "Read-Only Activity",
        "Read-Write Activity",
        "Read-Only Activity Metadata",
        "Read-Write Activity Metadata",
        "Read-Only Assets",
        "Read-Write Assets",
        "Read-Only Company",
        "Read-Write Company",
        "Read-Only Custom Object",
        "Read-Write Custom Object",
        "Read-Only Custom Object Type",
        "Read-Write Custom Object Type",
        "Read-Only Named Account",
        "Read-Write Named Account",
        "Read-Only Opportunity",
        "Read-Write Opportunity",
        "Read-Only Sales Person",
        "Read-Write Sales Person",
        "Read-Write Schema Standard Field",
        "Read-Write Schema Custom Field",
    }
)


@frozen
class Client:
    """A custom service: what its API user may do.

    Attributes:
        secret: Its client secret.
        permissions: Adobe's names of the permissions of its role, out of :data:`PERMISSIONS`.
        user: The API user, as it stands in usage answers.
        partitions: Names of the lead partitions it may use; ``None`` is all of them.
    """

    secret: str = field(repr=False)
    permissions: frozenset[str] = field(default=PERMISSIONS, converter=frozenset)
    user: str = "sync-api@example.com"
    partitions: frozenset[str] | None = None


@define
class _Token:
    text: str
    client: str
    expires: float
    told: bool = False


class Identity:
    """Gives and knows tokens.

    Args:
        clock: Tells the time.
        clients: Custom services by client id.
        lifetime: Seconds that a new token lives.
        seed: Makes the tokens repeatable.
    """

    def __init__(self, clock: SandboxClock, clients: Mapping[str, Client], lifetime: float, seed: int) -> None:
        self._clock = clock
        self._random = random.Random(seed)
        self.clients = dict(clients)
        self.lifetime = lifetime
        self._tokens: dict[str, _Token] = {}
        self._current: dict[str, str] = {}

    def token(self, request: Request) -> Response:
        """Answer ``/identity/oauth/token``, by GET or POST, with a query or a form.

        An unsupported verb or grant type gets 405 or 400 with an OAuth body; public material records neither.
        """
        if request.method not in ("GET", "POST"):
            return self._refuse(request, 405, "method_not_allowed", f"Request method '{request.method}' not supported")
        given = dict(parse_qsl(request.query))
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            given |= dict(parse_qsl(request.body.decode("utf-8", "replace")))
        client_id = given.get("client_id", "")
        client = self.clients.get(client_id)
        if client is None:
            return self._refuse(request, 401, "unauthorized", f"No client with requested id: {client_id}")
        if client.secret != given.get("client_secret"):
            return self._refuse(request, 401, "invalid_client", "Bad client credentials")
        if given.get("grant_type") != "client_credentials":
            text = f"Unsupported grant type: {given.get('grant_type', '')}"
            return self._refuse(request, 400, "unsupported_grant_type", text)
        token = self._give(client_id)
        left = max(0, int(token.expires - self._clock.monotonic()))
        body = {"access_token": token.text, "token_type": "bearer", "expires_in": left, "scope": client.user}
        return self._uncached(json_response(body, request, self._clock))

    def who(self, text: str) -> Client | tuple[str, str]:
        """Return the client of a token, or the code and message that refuse it: expired is 602 once, then 601."""
        token = self._tokens.get(text)
        if token is None:
            return "601", "Access token invalid"
        if token.expires <= self._clock.monotonic():
            if token.told:
                return "601", "Access token invalid"
            token.told = True
            return "602", "Access token expired"
        return self.clients[token.client]

    def revoke(self) -> None:
        """Make every token unknown."""
        self._tokens.clear()
        self._current.clear()

    def _give(self, client_id: str) -> _Token:
        now = self._clock.monotonic()
        token = self._tokens.get(self._current.get(client_id, ""))
        if token is None or token.expires <= now:
            guid = uuid.UUID(int=self._random.getrandbits(128), version=4)
            token = _Token(f"{guid}:ab", client_id, now + self.lifetime)
            self._tokens[token.text] = token
            self._current[client_id] = token.text
        return token

    def _refuse(self, request: Request, status: int, error: str, text: str) -> Response:
        body = {"error": error, "error_description": text}
        return self._uncached(json_response(body, request, self._clock, status=status))

    def _uncached(self, response: Response) -> Response:
        response.headers += [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
        return response
