"""The published client marketorestpython, unmodified, connected to the sandbox over real sockets.

The client pauses to stay within five calls a second; the pauses are taken out, nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, PersonField
from marketo_dynamics_sync.sandbox.server import LoopbackServer

REASON = "marketorestpython is not installed: pip install marketorestpython"
client = pytest.importorskip("marketorestpython.client", reason=REASON)
http_lib = pytest.importorskip("marketorestpython.helper.http_lib", reason=REASON)
MarketoException = pytest.importorskip("marketorestpython.helper.exceptions", reason=REASON).MarketoException

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SINCE = "2026-01-05T00:00:00Z"


@define
class Pair:
    """The client and the instance that it talks to."""

    mc: Any
    service: MarketoService
    clock: SandboxClock


Connect = Callable[..., Pair]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Start instances with options, each with a client of its own."""
    servers: list[LoopbackServer] = []

    def start(secret: str = "marketo-secret", **options: Any) -> Pair:
        clock = SandboxClock(START)
        monkeypatch.setattr(http_lib, "time", SimpleNamespace(time=http_lib.time.time, sleep=clock.sleep))
        monkeypatch.setattr("backoff._sync.time", SimpleNamespace(sleep=clock.sleep))
        service = MarketoService(clock, custom_fields=[PersonField("crmId")], rate=1000, **options)
        server = LoopbackServer(service)
        servers.append(server)
        mc = client.MarketoClient("123-ABC-456", "marketo-client", secret)
        mc.host = server.__enter__().url
        return Pair(mc, service, clock)

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def pair(connect: Connect) -> Pair:
    """A client and an instance with nothing special."""
    return connect()


def refusal(call: Callable[..., Any], *args: Any, **given: Any) -> tuple[str, str]:
    """Return the code and message of a refused call."""
    with pytest.raises(MarketoException) as caught:
        call(*args, **given)
    return caught.value.code, caught.value.message


def outcomes(result: list[dict[str, Any]]) -> list[str]:
    """Return the status of each record, or the code of its reason."""
    return [
        entry["status"] if entry["status"] != "skipped" else entry.get("reasons", entry.get("errors"))[0]["code"]
        for entry in result
    ]
