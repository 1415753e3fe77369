"""Token endpoints of Entra ID, as MSAL uses them.

Source of errors: Microsoft Learn, "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

from ..clock import SandboxClock
from ..http import Request, Response

#: Scopes that are no resource's.
_OPENID: Final = frozenset({"openid", "profile", "offline_access", "email"})
_LOOPBACK: Final = ("127.0.0.1", "localhost")


@frozen
class Application:
    """A registered application.

    Attributes:
        secret: Its client secret, or ``None`` for one with a certificate only.
        user: Whether an application user with a role exists in the environment.
        certificates: Certificates it is registered with (PEM).
        public: Whether it may be used without a secret, by people who sign in.
    """

    secret: str | None = field(default=None, repr=False)
    user: bool = True
    certificates: Sequence[str] = field(default=(), repr=False)
    public: bool = True


@define
class _Token:
    expires: float
    client: str
    audience: str


class _Refused(Exception):
    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.code = code
        self.text = text


class Entra:
    """Gives and knows tokens of one tenant. Safe to call from many threads: each step is one on a dictionary.

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

    def issue(self, client: str, audience: str = "") -> str:
        """Give a token without asking for anything.

        Args:
            client: The application it is for.
            audience: Host and port it is good at; ``""`` for any.
        """
        text = f"eyJ0.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self._tokens[text] = _Token(self._clock.monotonic() + self.lifetime, client, audience)
        return text

    def revoke(self) -> None:
        """Make every token unknown."""
        self._tokens.clear()

    def client_of(self, token: str, host: str = "") -> str | None:
        """Return the client id of a token that is good now, and at that host."""
        known = self._tokens.get(token)
        if known is None or known.expires <= self._clock.monotonic() or known.audience not in ("", host):
            return None
        return known.client

    def answer(self, request: Request) -> Response | None:
        """Answer a token endpoint, or return ``None`` for any other path."""
        path = request.path
        if path.endswith("/.well-known/openid-configuration"):
            return self._configuration(request)
        if path == "/common/discovery/instance":
            discovery = f"{request.base_url}/{self.tenant}/v2.0/.well-known/openid-configuration"
            return _json({"tenant_discovery_endpoint": discovery, "metadata": []})
        if path.startswith("/common/userrealm/"):
            return _json({"ver": "1.0", "account_type": "Managed", "domain_name": "example.com"})
        if path.endswith("/oauth2/v2.0/token"):
            try:
                return self._token(request)
            except _Refused as error:
                return self._refusal(error)
        return None

    def _configuration(self, request: Request) -> Response:
        try:
            tenant = self._tenant(request, "organizations")
        except _Refused as error:
            return self._refusal(error)
        root = f"{request.base_url}/{tenant}"
        return _json(
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "issuer": f"{root}/v2.0",
            }
        )

    def _tenant(self, request: Request, *others: str) -> str:
        tenant = request.path.split("/")[1]
        if tenant not in (self.tenant, *others):
            text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            raise _Refused(400, "invalid_request", 90002, text)
        return tenant

    def _token(self, request: Request) -> Response:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        grant = form.get("grant_type")
        if grant not in ("client_credentials", "password"):
            text = f"The app requested an unsupported grant type '{grant}'."
            raise _Refused(400, "unsupported_grant_type", 70003, text)
        self._tenant(request, *(["organizations"] if grant == "password" else []))
        client = form.get("client_id", "")
        application = self.applications.get(client)
        if application is None:
            text = (
                f"Application with identifier '{client}' was not found in the directory 'Contoso'. This can happen if "
                "the application has not been installed by the administrator of the tenant."
            )
            raise _Refused(400, "unauthorized_client", 700016, text)
        self._check_client(request, form, client, application, needed=grant == "client_credentials")
        audience = self._audience(form, app_only=grant == "client_credentials")
        if grant == "password" and self.users.get(form.get("username", "")) != form.get("password"):
            text = "Error validating credentials due to invalid username or password."
            raise _Refused(400, "invalid_grant", 50126, text)
        life = int(self.lifetime)
        token = self.issue(client, audience)
        return _json({"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token})

    def _check_client(
        self, request: Request, form: Mapping[str, str], client: str, application: Application, *, needed: bool
    ) -> None:
        if "client_assertion" in form:
            from .assertions import JWT_BEARER, refusal  # cryptography takes longer to load than all else here

            if form.get("client_assertion_type") != JWT_BEARER:
                text = "The request body must contain the parameter 'client_assertion_type' with the right value."
                raise _Refused(401, "invalid_client", 7000218, text)
            audience = f"{request.base_url}{request.raw_path}"
            now = self._clock.now().timestamp()
            refused = refusal(form["client_assertion"], application.certificates, client, audience, now)
            if refused is not None:
                raise _Refused(401, "invalid_client", refused.code, refused.text)
        elif "client_secret" in form:
            if form["client_secret"] != application.secret:
                text = (
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                    f"value, not the client secret ID, for a secret added to app '{client}'."
                )
                raise _Refused(401, "invalid_client", 7000215, text)
        elif needed or not application.public:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise _Refused(401, "invalid_client", 7000218, text)

    def _audience(self, form: Mapping[str, str], *, app_only: bool) -> str:
        """Return the host of the resource that a scope is for."""
        scopes = [scope for scope in form.get("scope", "").split() if scope not in _OPENID]
        if not scopes:
            text = "The request body must contain the following parameter: 'scope'."
            raise _Refused(400, "invalid_request", 900144, text)
        if app_only and not scopes[0].endswith("/.default"):
            text = (
                f"The provided value for scope {scopes[0]} is not valid. Client credential flows must have a scope "
                "value with /.default suffixed to the resource identifier (application ID URI)."
            )
            raise _Refused(400, "invalid_scope", 1002012, text)
        resource = urlsplit(scopes[0].rpartition("/")[0])
        host = resource.hostname or ""
        if resource.path.strip("/") or not (host in _LOOPBACK or host.endswith(".dynamics.com")):
            text = (
                f"The resource principal named {resource.geturl()} was not found in the tenant named Contoso. This can "
                "happen if the application has not been installed by the administrator of the tenant or consented to "
                "by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            )
            raise _Refused(400, "invalid_resource", 500011, text)
        return resource.netloc

    def _refusal(self, error: _Refused) -> Response:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = self._clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
        text = f"AADSTS{error.code}: {error.text}"
        return _json(
            {
                "error": error.error,
                "error_description": (f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"),
                "error_codes": [error.code],
                "timestamp": stamp,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
            },
            error.status,
        )


def _json(data: object, status: int = 200) -> Response:
    return Response(status, [("Content-Type", "application/json; charset=utf-8")], json.dumps(data).encode())
