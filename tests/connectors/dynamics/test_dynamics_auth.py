from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from attrs import define, field

from marketo_dynamics_sync.connectors.dynamics import (
    ClientCertificate,
    ClientSecret,
    DynamicsConnector,
    FixedToken,
    UsernamePassword,
)
from marketo_dynamics_sync.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    PermissionDeniedError,
    TransientError,
)

TENANT = "9d1f3b52-7a0c-4e4e-8d5e-5a1b6c7d8e9f"
SECRET = ClientSecret(TENANT, "client", "s3cret-value")
PERSON = UsernamePassword(TENANT, "client", "ada@example.com", "pass-word")
WHO = {"OrganizationId": "C4D1", "UserId": "8e55"}


@define
class Entra:
    """A sign-in service and an environment that knows the tokens it gave last."""

    refusal: tuple[int, object] | None = None
    discovery: tuple[int, object] | None = None
    forms: list[dict[str, str]] = field(factory=list)
    seen: list[str] = field(factory=list)
    hosts: set[str] = field(factory=set)
    refuse: set[str] = field(factory=set)
    lifetime: int = 3599

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "contoso.crm.dynamics.com":
            token = request.headers["Authorization"].removeprefix("Bearer ")
            self.seen.append(token)
            if token in self.refuse:
                return httpx.Response(401, json={"error": {"code": "0x80040204", "message": "no"}})
            return httpx.Response(200, json=WHO)
        self.hosts.add(request.url.host)
        if request.url.path.endswith("/openid-configuration"):
            if self.discovery is not None:
                return httpx.Response(self.discovery[0], json=self.discovery[1])
            root = f"https://{request.url.host}/{TENANT}"
            return httpx.Response(
                200,
                json={
                    "token_endpoint": f"{root}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                    "issuer": f"{root}/v2.0",
                },
            )
        if "/userrealm/" in request.url.path:
            return httpx.Response(200, json={"ver": "1.0", "account_type": "Managed"})
        self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        if self.refusal is not None:
            return httpx.Response(self.refusal[0], json=self.refusal[1])
        token = f"token-{len(self.forms)}"
        return httpx.Response(200, json={"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})


Scripted = Callable[..., DynamicsConnector]


def test_an_application_signs_in_with_its_secret(scripted: Scripted) -> None:
    entra = Entra()
    connector = scripted(entra, auth=SECRET)
    assert entra.forms == []
    assert connector.identity() == "c4d1"
    assert entra.forms[0]["grant_type"] == "client_credentials"
    assert entra.forms[0]["client_secret"] == "s3cret-value"
    assert entra.forms[0]["scope"].split() == ["https://contoso.crm.dynamics.com/.default"]
    assert entra.hosts == {"login.microsoftonline.com"}


def test_other_clouds_sign_in_at_their_own_host_alone(scripted: Scripted) -> None:
    entra = Entra()
    scripted(entra, auth=ClientSecret(TENANT, "client", "s", authority="login.example.cn")).identity()
    assert entra.hosts == {"login.example.cn"}


@pytest.mark.parametrize("secret", [None, "s3cret-value"])
def test_a_user_signs_in_with_a_password_without_a_warning(scripted: Scripted, secret: str | None) -> None:
    entra = Entra()
    user = UsernamePassword(TENANT, "client", "ada@example.com", "pass-word", secret)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scripted(entra, auth=user).identity()
    assert entra.forms[0]["grant_type"] == "password"
    assert entra.forms[0]["username"] == "ada@example.com"
    assert entra.forms[0].get("client_secret") == secret


@pytest.fixture(scope="module")
def certificate() -> tuple[str, str, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sync")])
    start = datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = made.public_bytes(serialization.Encoding.PEM).decode()
    locked = serialization.BestAvailableEncryption(b"open")
    return pem, public, pkcs12.serialize_key_and_certificates(b"sync", key, made, None, locked)


def test_an_application_signs_in_with_a_certificate(
    scripted: Scripted, certificate: tuple[str, str, bytes], tmp_path: Path
) -> None:
    pem, public, pfx = certificate
    path = tmp_path / "sync.pfx"
    path.write_bytes(pfx)
    for credential in (
        ClientCertificate(TENANT, "client", str(path), passphrase="open"),
        ClientCertificate(TENANT, "client", private_key=pem, public_certificate=public),
    ):
        entra = Entra()
        scripted(entra, auth=credential).identity()
        assert "client_assertion" in entra.forms[0]
        assert "client_secret" not in entra.forms[0]


def test_a_certificate_that_cant_be_read_says_so(scripted: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "broken.pfx"
    path.write_bytes(b"not a certificate")
    with pytest.raises(AuthenticationError, match="can't be read"):
        scripted(Entra(), auth=ClientCertificate(TENANT, "client", str(path))).identity()


@pytest.mark.parametrize(
    "options", [{}, {"pfx": "a", "private_key": "b"}, {"private_key": "b"}, {"public_certificate": "b"}]
)
def test_a_certificate_comes_one_way(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either pfx="):
        ClientCertificate("tenant", "client", **options)


def test_one_token_serves_many_threads(scripted: Scripted) -> None:
    entra = Entra()
    connector = scripted(entra, auth=SECRET)
    gate = threading.Barrier(8)

    def one(_: int) -> str:
        gate.wait()
        return connector._channel.get("https://contoso.crm.dynamics.com/api/data/v9.2/x").headers["content-type"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert len(entra.forms) == 1
    assert entra.seen == ["token-1"] * 8


def test_a_token_is_renewed_before_it_expires(scripted: Scripted, time) -> None:
    entra = Entra(lifetime=3600)
    connector = scripted(entra, auth=SECRET)
    ask = lambda: connector._channel.get("https://contoso.crm.dynamics.com/api/data/v9.2/x")  # noqa: E731
    ask()
    time.clock.advance(3299)
    ask()
    assert entra.seen == ["token-1", "token-1"]
    time.clock.advance(1)
    ask()
    assert entra.seen[-1] == "token-2"


def test_a_refused_token_is_renewed_once(scripted: Scripted) -> None:
    entra = Entra(refuse={"token-1"})
    connector = scripted(entra, auth=SECRET)
    assert connector.identity() == "c4d1"
    assert entra.seen == ["token-1", "token-2"]
    assert connector.calls.retries == 1


def test_a_second_refusal_is_an_error(scripted: Scripted) -> None:
    entra = Entra(refuse={"token-1", "token-2"})
    with pytest.raises(AuthenticationError, match="application user"):
        scripted(entra, auth=SECRET).identity()
    assert entra.seen == ["token-1", "token-2"]


def test_threads_whose_token_is_refused_share_the_renewal(scripted: Scripted) -> None:
    entra = Entra(refuse={"token-1"})
    connector = scripted(entra, auth=SECRET)
    source = connector._channel._tokens
    assert source.token() == "token-1"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: source.token(refused="token-1"), range(8)))
    assert found == {"token-2"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("7000215", "secret is wrong"),
        ("7000222", "expired"),
        ("700016", "doesn't know the application"),
        ("50076", "second factor"),
        ("700027", "certificate was refused"),
        ("50126", "user name or the password"),
        ("7000218", "public client flows"),
        ("500011", "address as a resource"),
        ("999999", "refused"),
    ],
)
def test_a_refused_sign_in_says_what_is_wrong(scripted: Scripted, code: str, said: str) -> None:
    text = f"AADSTS{code}: something about ada@example.com and s3cret-value. Trace ID: 1"
    entra = Entra(
        refusal=(
            401,
            {
                "error": "invalid_client",
                "error_description": text,
                "correlation_id": "0" * 8 + "-1111-2222-3333-" + "4" * 12,
            },
        )
    )
    with pytest.raises(AuthenticationError, match=said) as caught:
        scripted(entra, auth=SECRET).identity()
    assert caught.value.code == f"AADSTS{code}"
    assert "s3cret" not in str(caught.value)
    assert "ada@" not in str(caught.value)


def test_an_unknown_tenant_says_so(scripted: Scripted) -> None:
    body = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant 'x' not found."}
    with pytest.raises(AuthenticationError, match="no such tenant"):
        scripted(Entra(discovery=(400, body)), auth=SECRET).identity()


def test_a_sign_in_service_that_is_unwell_is_asked_again(scripted: Scripted, time) -> None:
    entra = Entra(refusal=(503, {"error": "temporarily_unavailable"}))
    with pytest.raises(TransientError):
        scripted(entra, auth=SECRET).identity()
    assert len(entra.forms) > 1
    assert time.waits


def test_an_unreachable_sign_in_service_is_named(scripted: Scripted) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(ConnectionFailedError, match="sign-in service"):
        scripted(answer, auth=SECRET).identity()


def test_any_object_that_gives_tokens_will_do(scripted: Scripted) -> None:
    @define
    class Credential:
        asked: list[tuple[str, ...]] = field(factory=list)

        def get_token(self, *scopes: str) -> FixedToken:
            self.asked.append(scopes)
            return FixedToken(f"own-{len(self.asked)}", 2**40)

    entra, credential = Entra(refuse={"own-1"}), Credential()
    assert scripted(entra, auth=credential).identity() == "c4d1"
    assert credential.asked == [("https://contoso.crm.dynamics.com/.default",)] * 2
    assert entra.seen == ["own-1", "own-2"]


def test_an_object_that_raises_is_an_authentication_error(scripted: Scripted) -> None:
    class Broken:
        def get_token(self, *scopes: str) -> FixedToken:
            raise RuntimeError("hush")

    with pytest.raises(AuthenticationError, match="Broken") as caught:
        scripted(Entra(), auth=Broken()).identity()
    assert "hush" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_what_cant_give_tokens_is_refused(scripted: Scripted) -> None:
    with pytest.raises(ConfigurationError, match="get_token"):
        scripted(Entra(), auth="a token")


def test_an_application_that_is_no_user_of_the_environment(scripted: Scripted) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            403, json={"error": {"code": "0x80072560", "message": "The user is not a member of the organization."}}
        )

    with pytest.raises(AuthenticationError, match="application user"):
        scripted(answer).identity()

    def denied(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"error": {"code": "0x80040220", "message": "missing prvReadX"}})

    with pytest.raises(PermissionDeniedError, match="security role"):
        scripted(denied).identity()


def test_secrets_are_never_shown() -> None:
    shown = "".join(
        map(
            repr,
            (
                SECRET,
                PERSON,
                FixedToken("t0ken"),
                ClientCertificate("t", "c", private_key="KEY", public_certificate="P"),
            ),
        )
    )
    for word in ("s3cret", "pass-word", "t0ken", "KEY", "ada@example.com"):
        assert word not in shown
    assert json.dumps(TENANT).strip('"') in shown
