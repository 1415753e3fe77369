"""Token endpoints, judged by MSAL, and what a token is good for."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import msal
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.sandbox.dataverse.callers import API, HOST, Api

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import Application, DataverseService
from marketo_dynamics_sync.sandbox.dataverse.assertions import JWT_BEARER, refusal
from marketo_dynamics_sync.sandbox.http import Request
from marketo_dynamics_sync.sandbox.server import LoopbackServer

TENANT = "9d1f3b52-7a0c-4e4e-8d5e-5a1b6c7d8e9f"
LOGIN = "https://login.microsoftonline.com"
SCOPE = f"{HOST}/.default"


def certificate() -> tuple[str, str]:
    """Return a private key and a certificate of its own making, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sync")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    return certificate()


@pytest.fixture
def tenant(keys: tuple[str, str]) -> DataverseService:
    registered = {
        "secret-app": Application("right"),
        "certificate-app": Application(certificates=[keys[1]]),
        "confidential-app": Application("right", public=False),
        "stranger": Application("right", user=False),
    }
    return DataverseService(SandboxClock(), applications=registered, tenant=TENANT)


@pytest.fixture
def authority_url(
    tenant: DataverseService, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    context, path = authority
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with LoopbackServer(tenant, tls=context) as server:
        yield f"{server.url}/{TENANT}"


def confidential(url: str, client: str, credential: object) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        client, authority=url, client_credential=credential, instance_discovery=False
    )


def test_msal_signs_in_with_a_secret(authority_url: str, tenant: DataverseService) -> None:
    result = confidential(authority_url, "secret-app", "right").acquire_token_for_client([SCOPE])
    api = Api(tenant)
    api.token = result["access_token"]
    assert result["expires_in"] == 3600
    assert api.get("WhoAmI").status == 200


def test_msal_is_told_of_a_wrong_secret(authority_url: str) -> None:
    result = confidential(authority_url, "secret-app", "wrong").acquire_token_for_client([SCOPE])
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    assert result["error_description"].startswith("AADSTS7000215: Invalid client secret provided.")
    assert result["correlation_id"]


def test_msal_signs_in_with_a_certificate(authority_url: str, keys: tuple[str, str]) -> None:
    credential = {"private_key": keys[0], "public_certificate": keys[1]}
    result = confidential(authority_url, "certificate-app", credential).acquire_token_for_client([SCOPE])
    assert "access_token" in result, result


def test_msal_is_told_of_a_certificate_that_isnt_registered(authority_url: str) -> None:
    private, public = certificate()
    credential = {"private_key": private, "public_certificate": public}
    result = confidential(authority_url, "certificate-app", credential).acquire_token_for_client([SCOPE])
    assert result["error_codes"] == [700027]


@pytest.fixture
def login(tenant: DataverseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The token endpoints under their own name, on a port that MSAL can't choose: names lead to it, nothing else."""
    from urllib3.util import connection

    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("login.microsoftonline.com").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    real = connection.create_connection
    with LoopbackServer(tenant, tls=context) as server:
        port = int(server.url.rpartition(":")[2])

        def connect(address: tuple[str, int], *args: object, **options: object) -> socket.socket:
            assert address == ("login.microsoftonline.com", 443)
            return real(("127.0.0.1", port), *args, **options)

        monkeypatch.setattr(connection, "create_connection", connect)
        yield f"{LOGIN}/{TENANT}"


@pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows:DeprecationWarning")
@pytest.mark.parametrize(("password", "code"), [("password", None), ("wrong", 50126)])
def test_msal_signs_in_with_a_password(login: str, tenant: DataverseService, password: str, code: int | None) -> None:
    client = msal.PublicClientApplication("secret-app", authority=login)
    result = client.acquire_token_by_username_password("sync@example.com", password, [f"{HOST}/user_impersonation"])
    assert result.get("error_codes", [None]) == [code]
    paths = [call.path for call in tenant.calls]
    assert paths.count("/common/userrealm/sync@example.com") == 1, "it asks whether the user is federated first"
    assert "access_token" in result or code


def test_msal_signs_in_with_a_password_and_a_secret(login: str, tenant: DataverseService) -> None:
    client = msal.ConfidentialClientApplication("confidential-app", authority=login, client_credential="right")
    result = client.acquire_token_by_username_password("sync@example.com", "password", [SCOPE])
    api = Api(tenant)
    api.token = result["access_token"]
    assert api.get("WhoAmI").status == 200


def test_msal_asks_again_when_a_token_is_about_to_expire(authority_url: str, tenant: DataverseService) -> None:
    tenant.entra.lifetime = 299  # MSAL throws tokens away five minutes before their end
    client = confidential(authority_url, "secret-app", "right")
    tokens = {client.acquire_token_for_client([SCOPE])["access_token"] for _ in range(2)}
    assert len(tokens) == 2
    tenant.entra.lifetime = 3600
    tokens = {client.acquire_token_for_client([SCOPE])["access_token"] for _ in range(2)}
    assert len(tokens) == 1, "kept while it is good"


def test_a_token_that_msal_still_keeps_expires_at_the_service(authority_url: str, tenant: DataverseService) -> None:
    client = confidential(authority_url, "secret-app", "right")
    api = Api(tenant)
    api.token = client.acquire_token_for_client([SCOPE])["access_token"]
    assert api.get("WhoAmI").status == 200
    tenant.clock.advance(3600)
    assert api.get("WhoAmI").failed == (401, "0x80040204")
    assert client.acquire_token_for_client([SCOPE])["access_token"] == api.token, "MSAL's clock stood still"
    client.remove_tokens_for_client()
    api.token = client.acquire_token_for_client([SCOPE])["access_token"]
    assert api.get("WhoAmI").status == 200


def test_msal_is_told_of_another_tenant(authority_url: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        confidential(authority_url.replace(TENANT, "nowhere"), "secret-app", "right")


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"grant_type": "device_code"}, 400, "unsupported_grant_type", 70003),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": HOST}, 400, "invalid_scope", 1002012),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_resource", 500011),
        ({"scope": f"{API}/.default"}, 400, "invalid_resource", 500011),
        ({"client_assertion": "x.y.z", "client_assertion_type": JWT_BEARER}, 401, "invalid_client", 50027),
        ({"client_assertion": "x"}, 401, "invalid_client", 7000218),
        ({"grant_type": "password", "client_id": "confidential-app", "client_secret": None}, 401, "invalid_client",
         7000218),
        ({"path": "nowhere"}, 400, "invalid_request", 90002),
    ],
)  # fmt: skip
def test_what_the_token_endpoint_refuses(tenant, changes, status: int, error: str, code: int) -> None:
    form = {"client_id": "secret-app", "client_secret": "right", "grant_type": "client_credentials", "scope": SCOPE}
    path = changes.pop("path", TENANT)
    body = urlencode({name: value for name, value in {**form, **changes}.items() if value is not None}).encode()
    answer = Api(tenant).raw(Request("POST", f"/{path}/oauth2/v2.0/token", body=body))
    assert (answer.status, answer.json["error"], answer.json["error_codes"]) == (status, error, [code])


def test_people_sign_in_to_a_public_client_of_any_tenant(tenant) -> None:
    form = {"client_id": "secret-app", "grant_type": "password", "scope": f"{HOST}/user_impersonation openid"}
    body = urlencode({**form, "username": "sync@example.com", "password": "password"}).encode()
    assert Api(tenant).raw(Request("POST", "/organizations/oauth2/v2.0/token", body=body)).status == 200


def test_discovery(tenant) -> None:
    api = Api(tenant)
    realm = api.raw(Request("GET", "/common/userrealm/sync@example.com"))
    assert realm.json["account_type"] == "Managed"
    found = api.raw(Request("GET", "/common/discovery/instance", base_url=HOST)).json
    known = api.raw(Request("GET", found["tenant_discovery_endpoint"].removeprefix(HOST), base_url=HOST)).json
    assert known["token_endpoint"] == f"{HOST}/{TENANT}/oauth2/v2.0/token"


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic x"])
def test_without_a_token_nothing_is_told_but_where_to_sign_in(service, token: str) -> None:
    answer = Api(service).raw(Request("GET", "/api/data/v9.2/WhoAmI", {"Authorization": token}, b"", HOST))
    assert answer.failed == (401, "0x80040204")
    assert f"{service.entra.tenant}/oauth2/authorize" in answer.headers["www-authenticate"]
    assert answer.headers["www-authenticate"].endswith(f"resource_id={HOST}/")


def test_tokens_expire_are_revoked_and_belong_to_one_environment(make, clock) -> None:
    api = make(token_lifetime=3600)
    assert api.get("WhoAmI").status == 200
    clock.advance(3600)
    assert api.get("WhoAmI").status == 401
    entra = api.service.entra
    api.token = entra.issue("dynamics-client", "other.crm.dynamics.com")
    assert api.get("WhoAmI").status == 401
    api.token = entra.issue("dynamics-client", "contoso.crm.dynamics.com")
    assert api.get("WhoAmI").status == 200
    entra.revoke()
    assert api.get("WhoAmI").status == 401


def test_an_application_without_a_user_is_turned_away(tenant) -> None:
    api = Api(tenant)
    api.token = tenant.entra.issue("stranger")
    assert api.get("WhoAmI").failed == (403, "0x80072560")


# Client assertions, piece by piece


def signed(keys: tuple[str, str], header: dict[str, object] | None = None, **claims: object) -> str:
    from jwt import encode

    der = x509.load_pem_x509_certificate(keys[1].encode())
    print_ = base64.urlsafe_b64encode(der.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    body = {"iss": "app", "sub": "app", "aud": "here", "exp": 200, **claims}
    algorithm = "RS256" if "x5t" in (header or {}) else "PS256"
    return encode(body, keys[0], algorithm=algorithm, headers=header or {"x5t#S256": print_})


@pytest.mark.parametrize(
    ("claims", "code"),
    [({}, None), ({"sub": "other"}, 700021), ({"iss": "other"}, 700021), ({"aud": "there"}, 700023),
     ({"exp": 100}, 700024)],
)  # fmt: skip
def test_claims_of_an_assertion(keys: tuple[str, str], claims: dict[str, object], code: int | None) -> None:
    found = refusal(signed(keys, **claims), [certificate()[1], keys[1]], "app", "here", 100)
    assert (found.code if found else None) == code


def test_the_older_thumbprint_is_taken(keys: tuple[str, str]) -> None:
    der = x509.load_pem_x509_certificate(keys[1].encode())
    thumbprint = base64.urlsafe_b64encode(der.fingerprint(hashes.SHA1())).rstrip(b"=").decode()
    assert refusal(signed(keys, {"x5t": thumbprint}), [keys[1]], "app", "here", 100) is None
    other = refusal(signed(keys, {"x5t": "nonsense"}), [keys[1]], "app", "here", 100)
    assert other is not None
    assert "Thumbprint of key used by client: 'nonsense'" in other.text


def test_a_forged_assertion(keys: tuple[str, str]) -> None:
    head, body, signature = signed(keys).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "exp": 9**9}).encode()).rstrip(b"=").decode()
    found = refusal(f"{head}.{forged}.{signature}", [keys[1]], "app", "here", 100)
    assert found is not None
    assert "invalid signature" in found.text
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**header, "alg": "none"}).encode()).rstrip(b"=").decode()
    assert refusal(f"{none}.{body}.{signature}", [keys[1]], "app", "here", 100) is not None
