"""Marketo on this machine, an entity to sync with it, and a connector whose time only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from marketo_dynamics_sync.connectors import Write, WriteKind
from marketo_dynamics_sync.connectors.marketo import MarketoConnector
from marketo_dynamics_sync.entities import (
    BoundEntity,
    Direction,
    Email,
    Entity,
    FieldInfo,
    Guid,
    ObjectInfo,
    bind,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, PersonField
from marketo_dynamics_sync.sandbox.server import LoopbackServer

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@entity(name="lead", marketo=person(), dynamics="leads", direction=Direction.TWO_WAY)
class Somebody(Entity):
    """A person with a field of each kind that matters here."""

    crm_id: Guid | None = mapped(marketo="crmId", dynamics="leadid", key=True)
    first_name: str | None = mapped(marketo="firstName", dynamics="firstname")
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname")
    email: Email | None = mapped(marketo="email", dynamics="emailaddress1")
    company: str | None = mapped(marketo="company", dynamics="companyname")
    badge: str | None = mapped(marketo="badge", dynamics="new_badge")
    do_not_call: bool | None = mapped(marketo="doNotCall", dynamics="donotphone", opt_out=True)
    employees: int | None = mapped(marketo="numberOfEmployees", dynamics="numberofemployees")


CUSTOM_FIELDS = (
    PersonField("crmId", searchable=True),
    PersonField("badge", searchable=True),
    PersonField("shoeSize", label="Shoe Size"),
)

#: The table, as far as the entity needs it.
LEADS = ObjectInfo(
    "lead",
    {
        name: FieldInfo(name, kind)
        for name, kind in {
            "leadid": "Uniqueidentifier",
            "firstname": "String",
            "lastname": "String",
            "emailaddress1": "String",
            "companyname": "String",
            "new_badge": "String",
            "donotphone": "Boolean",
            "numberofemployees": "Integer",
        }.items()
    },
    entity_set="leads",
    primary_id="leadid",
)


@pytest.fixture
def clock() -> SandboxClock:
    """Time that stands still until it is moved; waiting moves it."""
    return SandboxClock(START)


@pytest.fixture
def service(clock: SandboxClock) -> MarketoService:
    """A Marketo instance with nobody in it."""
    return MarketoService(clock, custom_fields=CUSTOM_FIELDS)


@pytest.fixture
def url(service: MarketoService) -> Iterator[str]:
    """Where the instance answers over a real socket."""
    with LoopbackServer(service) as server:
        yield server.url


Connect = Callable[..., MarketoConnector]


@pytest.fixture
def connect(url: str, clock: SandboxClock) -> Iterator[Connect]:
    """Make connectors to the instance; arguments replace the usual ones."""
    made: list[MarketoConnector] = []

    def connect(**given: Any) -> MarketoConnector:
        arguments: dict[str, Any] = {
            "client_id": "marketo-client",
            "client_secret": "marketo-secret",
            "clock": clock.now,
            "monotonic": clock.monotonic,
            "sleep": clock.sleep,
            "random": lambda: 0.5,
            **given,
        }
        made.append(MarketoConnector(arguments.pop("url", url), **arguments))
        return made[-1]

    yield connect
    for connector in made:
        connector.close()


@pytest.fixture
def marketo(connect: Connect) -> MarketoConnector:
    """A connector to the instance."""
    return connect()


@pytest.fixture
def lead(marketo: MarketoConnector, service: MarketoService) -> BoundEntity:
    """The entity, bound; describing it leaves no trace in the log of calls."""
    bound = bind(Somebody.__entity__, marketo.describe(Somebody.__entity__), LEADS)
    service.reset_calls()
    return bound


class Make:
    """Short ways to say what is to be written."""

    def __init__(self, entity: BoundEntity) -> None:
        self.entity = entity

    def create(self, lookup: str | None = "crm_id", **values: object) -> Write:
        """Return a create."""
        return Write(self.entity, WriteKind.CREATE, None, values, lookup=lookup)

    def update(self, number: int | str, **values: object) -> Write:
        """Return an update."""
        return Write(self.entity, WriteKind.UPDATE, str(number), values)

    def delete(self, number: int | str) -> Write:
        """Return a delete."""
        return Write(self.entity, WriteKind.DELETE, str(number))


@pytest.fixture
def make(lead: BoundEntity) -> Make:
    """Make writes of the entity."""
    return Make(lead)
