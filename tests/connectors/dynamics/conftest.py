"""A Dataverse of the sandbox, a connector to it, and time that only tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from attrs import define, field

from marketo_dynamics_sync.connectors.dynamics import DynamicsConnector, FixedToken
from marketo_dynamics_sync.entities import BoundEntity, Contact, Entity, Lead, bind
from marketo_dynamics_sync.entities.schema import FieldInfo, ObjectInfo
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.server import LoopbackServer

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@define
class Time:
    """A clock that stands still until it is slept on."""

    clock: SandboxClock = field(factory=lambda: SandboxClock(START))
    slept: list[float] = field(factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    @property
    def waits(self) -> list[float]:
        """The pauses that took any time."""
        return [seconds for seconds in self.slept if seconds > 0]


def marketo_side(cls: type[Entity]) -> ObjectInfo:
    """Return a Marketo that has every field of an entity."""
    fields = [f for f in cls.__entity__.fields.values() if f.marketo is not None]
    return ObjectInfo(
        "person",
        {f.marketo: FieldInfo(f.marketo, min(f.codec.marketo_types, default="string")) for f in fields},
    )


@define
class Bench:
    """A service, a connector, and what belongs to them."""

    service: DataverseService
    connector: DynamicsConnector
    time: Time
    url: str
    others: list[DynamicsConnector] = field(factory=list)

    def entity(self, cls: type[Entity]) -> BoundEntity:
        return bind(cls.__entity__, marketo_side(cls), self.connector.describe(cls.__entity__))

    @property
    def lead(self) -> BoundEntity:
        return self.entity(Lead)

    @property
    def contact(self) -> BoundEntity:
        return self.entity(Contact)

    def another(self, **options: object) -> DynamicsConnector:
        options.setdefault("auth", FixedToken(self.service.issue_token()))
        self.others.append(connect(self.url, self.time, **options))
        return self.others[-1]


def connect(url: str, time: Time, **options: object) -> DynamicsConnector:
    settings: dict[str, object] = {
        "clock": time.clock.now,
        "monotonic": time.clock.monotonic,
        "sleep": time.sleep,
        "random": lambda: 0.5,
        **options,
    }
    return DynamicsConnector(url, **settings)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def make(time: Time) -> Iterator[Callable[..., Bench]]:
    """Return what makes a service on a loopback port with a connector to it."""
    open_ones: list[tuple[LoopbackServer, Bench]] = []

    def made(*, connector: dict[str, object] | None = None, **service_options: object) -> Bench:
        service = DataverseService(time.clock, **{"token_lifetime": 10**9, **service_options})
        server = LoopbackServer(service).__enter__()
        options = {"auth": FixedToken(service.issue_token(), 10**11), **(connector or {})}
        made_connector = connect(server.url, time, **options)
        bench = Bench(service, made_connector, time, server.url)
        open_ones.append((server, bench))
        return bench

    yield made
    for server, bench in open_ones:
        for each in (bench.connector, *bench.others):
            each.close()
        server.__exit__(None, None, None)


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


@pytest.fixture
def scripted(time: Time) -> Iterator[Callable[..., DynamicsConnector]]:
    """Return what makes a connector whose calls a function answers."""
    clients: list[httpx.Client] = []

    def made(
        answer: Callable[[httpx.Request], httpx.Response],
        url: str = "https://contoso.crm.dynamics.com",
        **options: object,
    ) -> DynamicsConnector:
        client = httpx.Client(transport=httpx.MockTransport(answer))
        clients.append(client)
        options.setdefault("auth", FixedToken("token"))
        return connect(url, time, client=client, **options)

    yield made
    for client in clients:
        client.close()
