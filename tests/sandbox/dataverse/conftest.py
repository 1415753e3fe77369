"""A Dataverse of the sandbox on a frozen clock, callers of it in process, and Microsoft's client over https."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from tests.sandbox.dataverse.callers import START, Api

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.server import LoopbackServer


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock(START)


@pytest.fixture
def service(clock: SandboxClock) -> DataverseService:
    return DataverseService(clock, token_lifetime=10**9)


@pytest.fixture
def api(service: DataverseService) -> Api:
    return Api(service)


@pytest.fixture
def make(clock: SandboxClock) -> Callable[..., Api]:
    """Return what makes a service with other options, and calls it."""
    return lambda **options: Api(DataverseService(clock, **{"token_lifetime": 10**9, **options}))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate for loopback made for this run: what a server shows, and the file a client trusts."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return context, path


@pytest.fixture
def judge(
    service: DataverseService, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Microsoft's own client, unmodified, over https."""
    reason = "PowerPlatform-Dataverse-Client is not installed: pip install PowerPlatform-Dataverse-Client"
    client_module = pytest.importorskip("PowerPlatform.Dataverse.client", reason=reason)
    context, path = authority
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    class Credential:
        def get_token(self, *scopes: str, **options: object) -> SimpleNamespace:
            return SimpleNamespace(token=service.issue_token(), expires_on=4_102_444_800)

    with LoopbackServer(service, tls=context) as server, client_module.DataverseClient(server.url, Credential()) as it:
        yield it
