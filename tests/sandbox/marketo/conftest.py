"""One Marketo instance on a clock that stands still, reached both ways."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.sandbox.marketo.marketo_instance import CUSTOM, HOST, START, Make, Marketo

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from marketo_dynamics_sync.sandbox.server import LoopbackServer
from marketo_dynamics_sync.sandbox.transport import SandboxTransport


@pytest.fixture
def make() -> Iterator[Make]:
    """Make instances with options, reached in process."""
    opened: list[httpx.Client] = []

    def made(**options: object) -> Marketo:
        clock = SandboxClock(START)
        options.setdefault("custom_fields", CUSTOM)
        service = MarketoService(clock, **options)  # type: ignore[arg-type]  # options of each test
        client = httpx.Client(base_url=f"https://{HOST}", transport=SandboxTransport({HOST: service}))
        opened.append(client)
        return Marketo(service, clock, client)

    yield made
    for client in opened:
        client.close()


@pytest.fixture(params=["socket", "in process"])
def marketo(request: pytest.FixtureRequest, make: Make) -> Iterator[Marketo]:
    """An instance with a signed-in client, over a socket and in process."""
    inside = make()
    if request.param == "in process":
        yield inside.sign_in()
        return
    with LoopbackServer(inside.service) as server, httpx.Client(base_url=server.url) as client:
        yield Marketo(inside.service, inside.clock, client).sign_in()
