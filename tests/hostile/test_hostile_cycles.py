"""Whole cycles against answers that no service sends: only our own error classes come out, and the token stays home."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, SyncEngine
from marketo_dynamics_sync.connectors.dynamics import ClientSecret
from marketo_dynamics_sync.entities import Account, Contact, Lead, Opportunity, User
from marketo_dynamics_sync.errors import SyncError
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.sandbox.sandbox import DYNAMICS_HOST, MARKETO_HOST
from marketo_dynamics_sync.state import MemoryStateStore
from tests.hostile.carrier import ELSEWHERE, EVERYTHING, HostileTransport, Spoil, lure, redirect

HOSTS = {DYNAMICS_HOST, MARKETO_HOST, "login.microsoftonline.com"}


class World:
    """A sandbox in process, seeded, with connectors whose answers are spoiled on request."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(start=datetime(2026, 3, 2, 9, tzinfo=UTC))
        self.sandbox.seed(4)
        self.store = MemoryStateStore()
        self.waited = 0.0

    def sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.sandbox.clock.advance(seconds)

    def engine(self, transport: httpx.BaseTransport) -> SyncEngine:
        clock = self.sandbox.clock
        time = {"clock": clock.now, "monotonic": clock.monotonic, "sleep": self.sleep, "random": lambda: 0.5}
        client = httpx.Client(transport=transport)
        return SyncEngine(
            marketo=MarketoConnector(
                f"https://{MARKETO_HOST}",
                client_id=self.sandbox.client_id,
                client_secret=self.sandbox.client_secret,
                client=client,
                **time,
            ),
            dynamics=DynamicsConnector(f"https://{DYNAMICS_HOST}", auth=self.sandbox.credential, client=client, **time),
            store=self.store,
            entities=[User, Account, Lead, Contact, Opportunity],
            now=clock.now,
        )


def hostile(world: World, spoils: tuple[Spoil, ...], seed: int, share: float) -> HostileTransport:
    return HostileTransport(world.sandbox.transport(), spoils, Random(seed), share)


def only_our_errors(world: World, carrier: HostileTransport, does: str) -> str:
    engine = world.engine(carrier)
    try:
        outcome = getattr(engine, does)()
    except SyncError as error:
        return str(error)
    except BaseException as error:
        error.add_note(f"spoiled: {carrier.spoiled[-3:]}")
        raise
    return str(outcome)


@settings(max_examples=120)
@given(seed=st.integers(0, 10**9), share=st.sampled_from((0.05, 0.2, 1.0)))
def test_a_first_copy_raises_only_our_errors(seed: int, share: float) -> None:
    world = World()
    only_our_errors(world, hostile(world, EVERYTHING, seed, share), "run")


@settings(max_examples=80)
@given(seed=st.integers(0, 10**9), share=st.sampled_from((0.1, 1.0)))
def test_a_later_cycle_raises_only_our_errors(seed: int, share: float) -> None:
    world = World()
    world.engine(world.sandbox.transport()).run()
    world.sandbox.clock.advance(60)
    lead = world.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    world.sandbox.dynamics.update("lead", lead, lastname="Lovelace")
    only_our_errors(world, hostile(world, EVERYTHING, seed, share), "run")


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9))
def test_the_preflight_raises_nothing_or_our_errors(seed: int) -> None:
    world = World()
    only_our_errors(world, hostile(world, EVERYTHING, seed, 0.3), "check")


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9), spoil=st.sampled_from((lure, redirect)))
def test_the_token_never_leaves_for_another_host(seed: int, spoil: Spoil) -> None:
    world = World()
    carrier = hostile(world, (spoil,), seed, 0.5)
    only_our_errors(world, carrier, "run")
    strangers = {request.url.host for request in carrier.asked} - HOSTS
    assert not strangers, f"{ELSEWHERE} or another was asked"
    assert all(request.url.scheme == "https" and request.url.port in (None, 443) for request in carrier.asked)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9))
def test_signing_in_raises_only_our_errors(seed: int) -> None:
    world = World()
    carrier = hostile(world, EVERYTHING, seed, 1.0)
    auth = ClientSecret("contoso.onmicrosoft.com", "client", "a-very-secret-text")
    clock = world.sandbox.clock
    connector = DynamicsConnector(
        f"https://{DYNAMICS_HOST}",
        auth=auth,
        client=httpx.Client(transport=carrier),
        clock=clock.now,
        monotonic=clock.monotonic,
        sleep=world.sleep,
        random=lambda: 0.5,
    )
    said = ""
    try:
        connector.identity()
    except SyncError as error:
        said = f"{error!r}{error}{error.__cause__!r}"
    assert "a-very-secret-text" not in said


def test_the_spoilers_do_spoil() -> None:
    world = World()
    carrier = hostile(world, EVERYTHING, 1, 1.0)
    with pytest.raises(SyncError):
        world.engine(carrier).run()
    assert carrier.spoiled
