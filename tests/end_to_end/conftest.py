"""Both services on real sockets, an engine between them, and time that only the tests move."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, SyncEngine, SyncReport
from marketo_dynamics_sync.entities import Contact, Entity, Lead
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.state import MemoryStateStore, StateStore

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@define
class Pair:
    """A sandbox that is served, a store, and connectors made on demand."""

    sandbox: Sandbox
    store: StateStore
    stack: ExitStack
    slept: list[float] = field(factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.sandbox.clock.advance(seconds)

    @property
    def _time(self) -> dict[str, Any]:
        clock = self.sandbox.clock
        return {"clock": clock.now, "monotonic": clock.monotonic, "sleep": self.sleep, "random": lambda: 0.5}

    def marketo(self, url: str | None = None, **options: Any) -> MarketoConnector:
        settings = {"client_id": self.sandbox.client_id, "client_secret": self.sandbox.client_secret} | self._time
        made = MarketoConnector(url or self.sandbox.marketo_url, **(settings | options))
        return self.stack.enter_context(made)

    def dynamics(self, url: str | None = None, **options: Any) -> DynamicsConnector:
        settings = {"auth": self.sandbox.credential} | self._time
        return self.stack.enter_context(DynamicsConnector(url or self.sandbox.dynamics_url, **(settings | options)))

    def engine(
        self,
        entities: Sequence[type[Entity]] = (Lead, Contact),
        *,
        marketo: MarketoConnector | None = None,
        dynamics: DynamicsConnector | None = None,
        **options: Any,
    ) -> SyncEngine:
        clock = self.sandbox.clock
        settings: dict[str, Any] = {"store": self.store, "now": clock.now, "monotonic": clock.monotonic} | options
        return SyncEngine(
            marketo=marketo or self.marketo(), dynamics=dynamics or self.dynamics(), entities=entities, **settings
        )

    def settle(self, engine: SyncEngine) -> SyncReport:
        """Run until quiet."""
        for _ in range(6):
            self.sandbox.clock.advance(60)
            report = engine.run()
            if report.wrote == 0:
                return report
        raise AssertionError(f"still writing: {report}")

    def forget_calls(self) -> None:
        self.sandbox.marketo.reset_calls()
        self.sandbox.dynamics.reset_calls()

    def calls(self) -> list[str]:
        """Kinds of all calls since they were forgotten, those for tokens aside."""
        both = [*self.sandbox.marketo.calls, *self.sandbox.dynamics.calls]
        return [call.kind for call in both if call.kind != "token"]

    @property
    def writes(self) -> int:
        both = [*self.sandbox.marketo.calls, *self.sandbox.dynamics.calls]
        return sum(call.kind == "write" and call.status < 400 for call in both)

    def person_of(self, entity: str, row: str) -> dict[str, object]:
        link = self.store.links_by_dynamics(entity, [row])[row]
        found = self.sandbox.marketo.person(int(link.marketo_id))
        assert found is not None
        return found


@pytest.fixture
def pair_with() -> Iterator[Callable[..., Pair]]:
    """Make a pair; arguments go to the sandbox."""
    with ExitStack() as stack:

        def make(*, tls: ssl.SSLContext | None = None, store: StateStore | None = None, **options: Any) -> Pair:
            sandbox = stack.enter_context(Sandbox(start=START, tls=tls, **options))
            return Pair(sandbox, store or MemoryStateStore(), stack)

        yield make


@pytest.fixture
def pair(pair_with: Callable[..., Pair]) -> Pair:
    """The usual pair."""
    return pair_with()
