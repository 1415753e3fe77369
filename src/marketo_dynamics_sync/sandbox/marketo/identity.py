"""Tokens: client credentials in, one token per custom service until it expires."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from attrs import define, field, frozen

from ..clock import SandboxClock
from ..http import Request, Response
from .envelope import json_response, read_parameters


@frozen
class Client:
    """A custom service: id, secret, and what its API user may do.

    Attributes:
        secret: Its secret.
        permissions: ``"read"``, ``"write"``, ``"activity"``; empty allows nothing.
    """

    secret: str = field(repr=False)
    permissions: frozenset[str] = frozenset({"read", "write", "activity"})


@define
class _Token:
    text: str
    client: str
    expires: float
    told: bool = False


class Identity:
    """Gives and knows tokens."""

    def __init__(self, clock: SandboxClock, clients: Mapping[str, Client], lifetime: float) -> None:
        self._clock = clock
        self.clients = dict(clients)
        self.lifetime = lifetime
        self._tokens: dict[str, _Token] = {}
        self._current: dict[str, str] = {}

    def token(self, request: Request) -> Response:
        """Answer ``/identity/oauth/token``."""
        _, given = read_parameters(request)
        client_id, secret = given.one("client_id") or "", given.one("client_secret") or ""
        client = self.clients.get(client_id)
        if client is None:
            text = f"No client with requested id: {client_id}"
            return json_response({"error": "unauthorized", "error_description": text}, request, status=401)
        if client.secret != secret:
            text = "Bad client credentials"
            return json_response({"error": "invalid_client", "error_description": text}, request, status=401)
        if given.one("grant_type") != "client_credentials":
            text = f"Unsupported grant type: {given.one('grant_type')}"
            return json_response({"error": "unsupported_grant_type", "error_description": text}, request, status=400)
        now = self._clock.monotonic()
        token = self._tokens.get(self._current.get(client_id, ""))
        if token is None or token.expires <= now:
            token = _Token(f"{uuid.uuid4()}:sb", client_id, now + self.lifetime)
            self._tokens[token.text] = token
            self._current[client_id] = token.text
        answer = json_response(
            {
                "access_token": token.text,
                "token_type": "bearer",
                "expires_in": max(0, int(token.expires - now) - 1),
                "scope": "sync-api@example.com",
            },
            request,
        )
        answer.headers += [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
        return answer

    def who(self, text: str) -> Client | tuple[str, str]:
        """Return the client of a token, or the code and message that refuse it. Expired: 602 once, then 601."""
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
