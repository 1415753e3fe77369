"""Token endpoints of Entra ID, as MSAL uses them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from urllib.parse import parse_qs

from attrs import define, field, frozen

from ..clock import SandboxClock
from ..http import Request, Response


@frozen
class Application:
    """A registered application.

    Attributes:
        secret: Its client secret, or ``None`` for one with a certificate only.
        user: Whether an application user with a role exists in the environment.
    """

    secret: str | None = field(default=None, repr=False)
    user: bool = True


@define
class _Token:
    expires: float
    client: str


class Entra:
    """Gives and knows tokens of one tenant.

    Args:
        clock: Tells the time.
        tenant: Tenant id.
        applications: Registered applications by client id.
        users: Password by user name, for the password grant.
        lifetime: Seconds a token lives.
    """

    def __init__(
        self,
        clock: SandboxClock,
        tenant: str,
        applications: Mapping[str, Application],
        users: Mapping[str, str],
        lifetime: float,
    ) -> None:
        self._clock = clock
        self.tenant = tenant
        self.applications = dict(applications)
        self.users = dict(users)
        self.lifetime = lifetime
        self._tokens: dict[str, _Token] = {}

    def issue(self, client: str) -> str:
        """Give a token without asking for anything."""
        text = f"eyJ0.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self._tokens[text] = _Token(self._clock.monotonic() + self.lifetime, client)
        return text

    def revoke(self) -> None:
        """Make every token unknown."""
        self._tokens.clear()

    def client_of(self, token: str) -> str | None:
        """Return the client id of a token that is good now."""
        known = self._tokens.get(token)
        return known.client if known is not None and known.expires > self._clock.monotonic() else None

    def answer(self, request: Request) -> Response | None:
        """Answer a token endpoint, or return ``None`` for any other path."""
        path = request.path
        if path.endswith("/.well-known/openid-configuration"):
            return self._configuration(request)
        if path == "/common/discovery/instance":
            return _json(
                {
                    "tenant_discovery_endpoint": (
                        f"{request.base_url}/{self.tenant}/v2.0/.well-known/openid-configuration"
                    ),
                    "metadata": [],
                }
            )
        if path.startswith("/common/userrealm/"):
            return _json({"ver": "1.0", "account_type": "Managed", "domain_name": "example.com"})
        if path.endswith("/oauth2/v2.0/token"):
            return self._token(request)
        return None

    def _configuration(self, request: Request) -> Response:
        tenant = request.path.split("/")[1]
        if tenant not in (self.tenant, "organizations"):
            text = f"AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            return _json({"error": "invalid_tenant", "error_description": text}, 400)
        root = f"{request.base_url}/{tenant}"
        return _json(
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "issuer": f"{root}/v2.0",
            }
        )

    def _token(self, request: Request) -> Response:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        client = form.get("client_id", "")
        application = self.applications.get(client)
        if application is None:
            text = f"AADSTS700016: Application with identifier '{client}' was not found in the directory."
            return _json({"error": "unauthorized_client", "error_description": text}, 400)
        if "client_secret" in form and form["client_secret"] != application.secret:
            text = f"AADSTS7000215: Invalid client secret provided for app '{client}'."
            return _json({"error": "invalid_client", "error_description": text}, 401)
        grant = form.get("grant_type")
        if grant == "client_credentials":
            if "client_secret" not in form and "client_assertion" not in form:
                text = "AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'."
                return _json({"error": "invalid_client", "error_description": text}, 401)
        elif grant == "password":
            if self.users.get(form.get("username", "")) != form.get("password"):
                text = "AADSTS50126: Error validating credentials due to invalid username or password."
                return _json({"error": "invalid_grant", "error_description": text}, 400)
        else:
            text = f"AADSTS70003: The app requested an unsupported grant type '{grant}'."
            return _json({"error": "unsupported_grant_type", "error_description": text}, 400)
        token = self.issue(client)
        life = int(self.lifetime)
        return _json({"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token})


def _json(data: object, status: int = 200) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(data).encode())
