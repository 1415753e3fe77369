"""Every connector of the library passes the suite that users' connectors have to pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import attrs
import pytest
from attrs import define, field

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector
from marketo_dynamics_sync.connectors import ChangePage, Connector, Outcome, Status, Write
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.entities import (
    BoundEntity,
    Direction,
    Email,
    Entity,
    Guid,
    Record,
    Side,
    bind,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.testing import ConnectorSuite, described_person, described_table

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@entity(name="lead", marketo=person(), dynamics="leads", direction=Direction.TWO_WAY)
class Somebody(Entity):
    """A person with the fields that the suite needs."""

    crm_id: Guid | None = mapped(marketo="dynamicsId", dynamics="leadid", key=True)
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname")
    title: str | None = mapped(marketo="title", dynamics="jobtitle")
    email: Email | None = mapped(marketo="email", dynamics="emailaddress1")


DEFINITION = Somebody.__entity__


@define
class MemoryBench:
    """One side in memory."""

    side: Side
    connector: MemoryConnector = field(init=False)
    entity: BoundEntity = field(init=False)

    def __attrs_post_init__(self) -> None:
        objects = {"person": described_person(Somebody), "leads": described_table(Somebody)}
        self.connector = MemoryConnector(self.side, objects, identity="1", now=lambda: START)
        self.entity = bind(DEFINITION, described_person(Somebody), described_table(Somebody))

    def _native(self, values: dict[str, object]) -> dict[str, object]:
        entity = self.entity
        return dict(entity.encode_marketo(values) if self.side is Side.MARKETO else entity.encode_dynamics(values))

    @property
    def _name(self) -> str:
        return "person" if self.side is Side.MARKETO else "leads"

    def put(self, **values: object) -> str:
        return self.connector.put(self._name, **self._native(values))

    def edit(self, record: str, **values: object) -> None:
        self.connector.change(self._name, record, **self._native(values))

    def remove(self, record: str) -> None:
        self.connector.remove(self._name, record)

    def settle(self) -> None:
        """Memory is quick."""


@define
class SandboxBench:
    """One side of a sandbox that is served over loopback."""

    sandbox: Sandbox
    connector: Connector
    entity: BoundEntity

    @property
    def _marketo(self) -> bool:
        return self.connector.side is Side.MARKETO

    def _native(self, values: dict[str, object]) -> dict[str, object]:
        return dict(self.entity.encode_marketo(values) if self._marketo else self.entity.encode_dynamics(values))

    def put(self, **values: object) -> str:
        native = self._native(values)
        if self._marketo:
            return str(self.sandbox.marketo.create_person(**native))
        return self.sandbox.dynamics.create("lead", **native)

    def edit(self, record: str, **values: object) -> None:
        native = self._native(values)
        if self._marketo:
            self.sandbox.marketo.update_person(int(record), **native)
        else:
            self.sandbox.dynamics.update("lead", record, **native)

    def remove(self, record: str) -> None:
        if self._marketo:
            self.sandbox.marketo.delete_person(int(record))
        else:
            self.sandbox.dynamics.delete("lead", record)

    def settle(self) -> None:
        self.sandbox.clock.advance(600)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(start=START) as sandbox:
        yield sandbox


class TestMemoryMarketo(ConnectorSuite):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return MemoryBench(Side.MARKETO)


class TestMemoryDynamics(ConnectorSuite):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return MemoryBench(Side.DYNAMICS)


class TestMarketo(ConnectorSuite):
    @pytest.fixture
    def bench(self, sandbox: Sandbox) -> Iterator[SandboxBench]:
        clock = sandbox.clock
        with MarketoConnector(
            sandbox.marketo_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            clock=clock.now,
            monotonic=clock.monotonic,
            sleep=clock.advance,
        ) as connector:
            entity = bind(DEFINITION, connector.describe(DEFINITION), described_table(Somebody))
            yield SandboxBench(sandbox, connector, entity)


class TestDynamics(ConnectorSuite):
    @pytest.fixture(params=["tracked", "untracked"])
    def bench(self, sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[SandboxBench]:
        clock = sandbox.clock
        sandbox.dynamics.tables["lead"].tracked = request.param == "tracked"
        with ExitStack() as stack:
            connector = stack.enter_context(
                DynamicsConnector(
                    sandbox.dynamics_url,
                    auth=sandbox.credential,
                    clock=clock.now,
                    monotonic=clock.monotonic,
                    sleep=clock.advance,
                )
            )
            entity = bind(DEFINITION, described_person(Somebody), connector.describe(DEFINITION))
            yield SandboxBench(sandbox, connector, entity)


class Forgetful(MemoryConnector):
    """Says nothing of deletions."""

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        for page in super().changes(entities, checkpoint):
            yield attrs.evolve(page, deleted=())


class Careless(MemoryConnector):
    """Writes over what somebody else wrote."""

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        return super().write([attrs.evolve(write, version=None) for write in writes])


class Hasty(MemoryConnector):
    """Stops at the first refusal."""

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        outcomes = [super(Hasty, self).write([write])[0] for write in writes[:2]]
        return [*outcomes, *(Outcome(Status.UNSENT) for _ in writes[2:])]


class Short(MemoryConnector):
    """Fetches one page and forgets the rest."""

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        return super().fetch(entity, ids)[:1]


class Eager(MemoryConnector):
    """Tells everything again, every time."""

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        yield from super().changes(entities, None if checkpoint is None else "0")


BROKEN = [
    (Forgetful, "test_changes_tell_everybody_who_changed"),
    (Careless, "test_a_guard_holds_back_a_write_over_somebody_elses"),
    (Hasty, "test_creates_and_updates_are_told_one_by_one_in_order"),
    (Short, "test_fetching_leaves_out_who_is_not_there_and_takes_any_number"),
    (Eager, "test_nothing_new_yields_nothing_and_keeps_a_checkpoint"),
]


@pytest.mark.parametrize(("broken", "promise"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_connector_that_breaks_a_promise_fails_the_suite(broken: type[MemoryConnector], promise: str) -> None:
    bench = MemoryBench(Side.DYNAMICS)
    bench.connector.__class__ = broken
    with pytest.raises(AssertionError):
        getattr(ConnectorSuite(), promise)(bench)
