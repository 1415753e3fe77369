"""Gets tokens: through MSAL for our own credentials, from the object itself for any other. The only user of MSAL."""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol, cast

from attrs import define, field, frozen

from ...errors import AuthenticationError, ConfigurationError, ServiceError, SyncError, TransientError
from .credentials import ClientCertificate, ClientSecret, Credential, UsernamePassword

#: A token is renewed so many seconds before it expires, so that none expires on the way.
MARGIN: Final = 300.0


class MsalResponse(Protocol):
    """What MSAL reads of an answer."""

    @property
    def status_code(self) -> int:
        """HTTP status."""
        ...

    @property
    def text(self) -> str:
        """The body."""
        ...


#: Sends one sign-in request: verb, URL, query, form and headers.
Fetch = Callable[[str, str, Mapping[str, str] | None, object, Mapping[str, str] | None], MsalResponse]


@define
class MsalHttp:
    """MSAL's way to the network through our own HTTP client, so that proxies, TLS settings and tests reach it.

    MSAL's message for a refused discovery leaves out the reason, so the last error answer is kept.

    Attributes:
        fetch: Sends one request.
        refused: The body of the last answer with an error.
    """

    fetch: Fetch
    refused: str = field(default="", repr=False)

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **ignored: object,
    ) -> MsalResponse:
        """Send a GET."""
        return self._kept(self.fetch("GET", url, params, None, headers))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        **ignored: object,
    ) -> MsalResponse:
        """Send a POST with a form."""
        return self._kept(self.fetch("POST", url, params, data, headers))

    def close(self) -> None:
        """Leave the client open: it belongs to the connector."""

    def _kept(self, response: MsalResponse) -> MsalResponse:
        self.refused = response.text if response.status_code >= 400 else ""
        return response


@frozen
class _Held:
    token: str = field(repr=False)
    renew_at: float


class TokenSource:
    """One token for many threads: fetched once, renewed before it expires, and anew when the service refuses it.

    Args:
        credential: Who signs in.
        scope: What the token is for.
        fetch: Sends one sign-in request.
        count: Called for each token asked of a foreign credential, so that it is counted.
        clock: Current moment in UTC.
        monotonic: Seconds that never go backwards.
    """

    def __init__(
        self,
        credential: Credential,
        scope: str,
        fetch: Fetch,
        count: Callable[[], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._fetch = fetch
        self._count = count
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def token(self, *, refused: str | None = None) -> str:
        """Return a token that is good for some minutes at least.

        Args:
            refused: A token that the service refused just now; another one is fetched, unless a neighbour already did.

        Raises:
            AuthenticationError: The credentials are refused; the text says why and what to do.
            ServiceError: The sign-in service can't be reached or is unwell.
        """
        with self._lock:  # MSAL asks once per thread when many ask at once; here the first asks for all
            held = self._held
            if held is None or held.token == refused or self._monotonic() >= held.renew_at:
                held = self._held = self._acquire()
            return held.token

    def _acquire(self) -> _Held:
        credential = self._credential
        if isinstance(credential, (ClientSecret, ClientCertificate, UsernamePassword)):
            # A new application object each time: its cache would hand out the refused token, or a stored error, again.
            answer = _sign_in(credential, self._scope, MsalHttp(self._fetch))
            return self._keep(str(answer["access_token"]), float(str(answer.get("expires_in") or 0)))
        self._count()
        try:
            found = credential.get_token(self._scope)
        except SyncError:
            raise
        except Exception as error:
            raise AuthenticationError(
                f"the credential object {type(credential).__name__} gave no token: it raised {type(error).__name__}. "
                "Its own message is kept as the cause.",
                service="dynamics",
            ) from error
        return self._keep(found.token, found.expires_on - self._clock().timestamp())

    def _keep(self, token: str, lifetime: float) -> _Held:
        return _Held(token, self._monotonic() + lifetime - MARGIN)


def _sign_in(
    credential: ClientSecret | ClientCertificate | UsernamePassword, scope: str, http: MsalHttp
) -> Mapping[str, object]:
    try:
        with warnings.catch_warnings():
            # MSAL deprecates sign-in with a password. The user chose it knowingly, and a host that turns warnings
            # into errors must not fail for that.
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = _ask_msal(credential, scope, http)
    except SyncError:
        raise
    except Exception as error:
        # MSAL raises ValueError for a refused discovery, and its own or cryptography's errors for keys it can't read.
        # Their texts may carry what they were given, so only our own words go on.
        raise _explained(credential, http.refused, type(error).__name__) from None
    if "access_token" not in answer:
        raise _explained(credential, json.dumps(answer, default=str), str(answer.get("error") or "no token"))
    return answer


def _ask_msal(
    credential: ClientSecret | ClientCertificate | UsernamePassword, scope: str, http: MsalHttp
) -> dict[str, object]:
    # Imported when a token is first asked for: importing the library must not bring it in.
    import msal  # type: ignore[import-untyped]  # MSAL ships no types

    authority = f"https://{credential.authority}/{credential.tenant}"
    # Discovery of the instance would ask the public cloud about every other host; azure_region=False keeps MSAL from
    # reading the environment.
    if isinstance(credential, UsernamePassword) and credential.client_secret is None:
        public = msal.PublicClientApplication(
            credential.client, authority=authority, http_client=http, instance_discovery=False
        )
        return cast("dict[str, object]", _with_password(public, credential, scope))
    app = msal.ConfidentialClientApplication(
        credential.client,
        client_credential=_key(credential),
        authority=authority,
        http_client=http,
        instance_discovery=False,
        azure_region=False,
    )
    if isinstance(credential, UsernamePassword):
        return cast("dict[str, object]", _with_password(app, credential, scope))
    return cast("dict[str, object]", app.acquire_token_for_client([scope]))


class _PasswordFlow(Protocol):
    def acquire_token_by_username_password(self, username: str, password: str, scopes: list[str]) -> object: ...


def _with_password(app: _PasswordFlow, credential: UsernamePassword, scope: str) -> object:
    return app.acquire_token_by_username_password(credential.username, credential.password, [scope])


def _key(credential: ClientSecret | ClientCertificate | UsernamePassword) -> str | dict[str, str] | None:
    if isinstance(credential, ClientSecret):
        return credential.secret
    if isinstance(credential, UsernamePassword):
        return credential.client_secret
    locked = {"passphrase": credential.passphrase} if credential.passphrase is not None else {}
    if credential.pfx is not None:
        return {"private_key_pfx_path": credential.pfx, **locked}
    # Without a thumbprint MSAL computes the certificate's SHA-256 one; one that is given counts as SHA-1.
    return {
        "private_key": cast("str", credential.private_key),
        "public_certificate": cast("str", credential.public_certificate),
        **locked,
    }


_AADSTS: Final = re.compile(r"AADSTS(\d{4,7})")

_SECOND_FACTOR: Final = (
    "the user must sign in with a second factor, so a password is not enough. Use an application instead."
)

#: What Entra's codes mean here (Microsoft Learn, "Microsoft Entra authentication and authorization error codes").
_REASONS: Final = {
    "7000215": "the client secret is wrong. Give the secret's value, not its id.",
    "7000222": "the client secret or certificate has expired. Make a new one in the app registration.",
    "700016": "the tenant doesn't know the application. Check the client id and the tenant.",
    "90002": "there is no such tenant. Check the tenant id or domain.",
    "900023": "the tenant is neither an id nor a domain. Check it.",
    "700027": "the certificate was refused. Upload it to the app registration, and check that it hasn't expired.",
    "500011": "the tenant doesn't know the environment's address as a resource. Check the URL and the tenant.",
    "7000218": "the app registration wants a secret. Give client_secret=, or allow public client flows.",
    "50034": "there is no such user in the tenant. Check the user name.",
    "50126": "the user name or the password is wrong.",
    "50055": "the password has expired. The user has to set a new one.",
    "50057": "the user's account is disabled.",
    "50053": "the user's account is locked after too many tries, or the address is blocked.",
    "50076": _SECOND_FACTOR,
    "50079": _SECOND_FACTOR,
    "50158": "the user must pass a further check, so a password is not enough. Use an application instead.",
    "53003": "a conditional access policy blocks the sign-in. Exempt the user or the application, or use another.",
    "65001": "nobody consented to the application. An administrator has to grant consent.",
    "700024": "the sign-in's time is outside what is valid. Is this machine's clock right?",
    "700030": "the certificate was refused. Upload it to the app registration, and check that it hasn't expired.",
}


def _explained(credential: object, raw: str, word: str) -> ServiceError:
    """Return the error for a refused sign-in, in our own words: Entra's texts name users and applications."""
    found = _AADSTS.search(raw)
    code = found.group(1) if found else None
    correlation = re.search(r'"correlation_id":\s*"([0-9a-fA-F-]{36})"', raw)
    known = _REASONS.get(code or "")
    if code is None and ("temporarily_unavailable" in raw or "MsalServiceError" in word):
        return TransientError("the sign-in service is unwell for the moment", service="dynamics")
    if known is None and not raw and isinstance(credential, ClientCertificate):
        known = "the certificate can't be read. Check the file, its passphrase, and that it holds key and certificate."
    reason = known or f"the sign-in service refused ({word}). Check tenant, client id and authority."
    return AuthenticationError(
        f"{type(credential).__name__}: {reason}",
        service="dynamics",
        code=f"AADSTS{code}" if code else None,
        request_id=correlation.group(1) if correlation else None,
    )


def check_credential(credential: object) -> Credential:
    """Return what was given as ``auth=`` if it can hand out tokens.

    Raises:
        ConfigurationError: It can't.
    """
    if isinstance(credential, (ClientSecret, ClientCertificate, UsernamePassword)) or callable(
        getattr(credential, "get_token", None)
    ):
        return cast("Credential", credential)
    raise ConfigurationError(
        f"auth= takes ClientSecret, ClientCertificate, UsernamePassword or an object with get_token(*scopes), not "
        f"{type(credential).__name__}"
    )
