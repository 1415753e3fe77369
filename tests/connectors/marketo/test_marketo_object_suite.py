"""The promises of every connector, held for an object beside persons, as far as Marketo can keep them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define

from marketo_dynamics_sync.connectors.marketo import MarketoConnector
from marketo_dynamics_sync.entities import BoundEntity, Direction, Email, Entity, bind, company, entity, mapped
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, ObjectField
from marketo_dynamics_sync.testing import ConnectorSuite, described_table


@entity(name="account", marketo=company(), dynamics="accounts", direction=Direction.TWO_WAY)
class Firm(Entity):
    """A company with the fields that the suite needs."""

    crm_id: str | None = mapped(marketo="externalCompanyId", dynamics="accountid", key=True)
    last_name: str | None = mapped(marketo="company", dynamics="name")
    title: str | None = mapped(marketo="site", dynamics="new_site")
    email: Email | None = mapped(marketo="mainAddress", dynamics="emailaddress1")


@define
class CompanyBench:
    """Companies of an instance that is served over loopback."""

    service: MarketoService
    connector: MarketoConnector
    entity: BoundEntity
    clock: SandboxClock
    made: int = 0

    def put(self, **values: object) -> str:
        self.made += 1
        return str(self.service.create_company(f"by-hand-{self.made}", **self.entity.encode_marketo(values)))

    def edit(self, record: str, **values: object) -> None:
        self.service.update_company(int(record), **self.entity.encode_marketo(values))

    def remove(self, record: str) -> None:
        self.service.delete_object("companies", int(record))

    def settle(self) -> None:
        self.clock.advance(600)


class TestCompanies(ConnectorSuite):
    @pytest.fixture
    def bench(self, service: MarketoService, connect: Callable[..., Any], clock: SandboxClock) -> CompanyBench:
        service.add_object_field("companies", ObjectField("mainAddress"))
        connector = connect()
        bound = bind(Firm.__entity__, connector.describe(Firm.__entity__), described_table(Firm))
        return CompanyBench(service, connector, bound, clock)

    def test_changes_tell_everybody_who_changed(self, bench: CompanyBench) -> None:
        """Marketo tells of no changes of companies: the stream stays empty and still says where to go on."""
        record = bench.put(last_name="Byron & Co")
        (first,) = bench.connector.changes([bench.entity], None)
        bench.edit(record, title="Poets")
        bench.remove(bench.put(last_name="Gone"))
        bench.settle()
        (page,) = bench.connector.changes([bench.entity], first.checkpoint)
        assert page.checkpoint == first.checkpoint
        assert not any((page.records, page.changed, page.deleted, page.present, page.listing))
