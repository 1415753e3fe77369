"""Marketo on this machine, an entity to sync with it, and a connector whose time only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
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
    company,
    custom_object,
    entity,
    mapped,
    opportunity,
    opportunity_role,
    person,
    sales_person,
)
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, ObjectField, PersonField
from marketo_dynamics_sync.sandbox.server import LoopbackServer
from marketo_dynamics_sync.testing import described_table

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


TO_MARKETO = Direction.TO_MARKETO


@entity(name="account", marketo=company(), dynamics="accounts", direction=TO_MARKETO)
class Account(Entity):
    """A company."""

    account: str | None = mapped(marketo="externalCompanyId", dynamics="accountid", key=True)
    name: str | None = mapped(marketo="company", dynamics="name")
    city: str | None = mapped(marketo="billingCity", dynamics="address1_city")
    owner: str | None = mapped(marketo="externalSalesPersonId", dynamics="new_owner")
    employees: int | None = mapped(marketo="numberOfEmployees", dynamics="numberofemployees")


@entity(name="user", marketo=sales_person(), dynamics="systemusers", direction=TO_MARKETO)
class User(Entity):
    """A sales person."""

    user: str | None = mapped(marketo="externalSalesPersonId", dynamics="systemuserid", key=True)
    email: Email | None = mapped(marketo="email", dynamics="internalemailaddress")
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname")


@entity(name="opportunity", marketo=opportunity(), dynamics="opportunities", direction=TO_MARKETO)
class Deal(Entity):
    """An opportunity."""

    deal: str | None = mapped(marketo="externalOpportunityId", dynamics="opportunityid", key=True)
    name: str | None = mapped(marketo="name", dynamics="name")
    account: str | None = mapped(marketo="externalCompanyId", dynamics="new_account")
    owner: str | None = mapped(marketo="externalSalesPersonId", dynamics="new_owner")
    stage: str | None = mapped(marketo="stage", dynamics="stepname")


@entity(name="role", marketo=opportunity_role(), dynamics="connections", direction=TO_MARKETO)
class Part(Entity):
    """A person's part in an opportunity: told apart by three fields together."""

    deal: str | None = mapped(marketo="externalOpportunityId", dynamics="new_deal")
    person: int | None = mapped(marketo="leadId", dynamics="new_person")
    role: str | None = mapped(marketo="role", dynamics="new_role")
    primary: bool | None = mapped(marketo="isPrimary", dynamics="new_primary")


@entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats", direction=TO_MARKETO)
class Seat(Entity):
    """A custom object of a person."""

    seat: str | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    person: int | None = mapped(marketo="leadId", dynamics="new_person")
    label: str | None = mapped(marketo="label", dynamics="new_name")
    count: int | None = mapped(marketo="count", dynamics="new_count")


@entity(name="row", marketo=custom_object("row_c", dedupe=("hall", "place")), dynamics="new_rows", direction=TO_MARKETO)
class Row(Entity):
    """A custom object with a compound key, linked to a building."""

    hall: str | None = mapped(marketo="hall", dynamics="new_hall")
    place: str | None = mapped(marketo="place", dynamics="new_place")
    home: str | None = mapped(marketo="home", dynamics="new_home")
    note: str | None = mapped(marketo="note", dynamics="new_note")


@entity(name="house", marketo=custom_object("house_c", dedupe="houseId"), dynamics="new_houses", direction=TO_MARKETO)
class House(Entity):
    """A custom object that others link to."""

    house: str | None = mapped(marketo="houseId", dynamics="new_houseid", key=True)
    name: str | None = mapped(marketo="name", dynamics="new_name")


def make_types(service: MarketoService) -> None:
    """Make the custom objects in an instance."""
    service.create_custom_object_type(
        "seat_c",
        [ObjectField("seatId", dedupe=True), ObjectField("label"), ObjectField("count", "integer")],
        link=("leadId", "lead", "id"),
    )
    service.create_custom_object_type("house_c", [ObjectField("houseId", dedupe=True), ObjectField("name")])
    service.create_custom_object_type(
        "row_c",
        [ObjectField("hall", dedupe=True), ObjectField("place", dedupe=True), ObjectField("note")],
        link=("home", "house_c", "houseId"),
    )


def bound_to(marketo: MarketoConnector, cls: type[Entity]) -> BoundEntity:
    """Return an entity bound to what the instance describes; what can be given to a new record is to be written."""
    info = marketo.describe(cls.__entity__)
    fields = {name: attrs.evolve(item, updatable=item.creatable) for name, item in info.fields.items()}
    return bind(cls.__entity__, attrs.evolve(info, fields=fields), described_table(cls))


class Objects:
    """The entities beside the person, bound to one instance."""

    def __init__(self, marketo: MarketoConnector) -> None:
        self.account = bound_to(marketo, Account)
        self.user = bound_to(marketo, User)
        self.deal = bound_to(marketo, Deal)
        self.part = bound_to(marketo, Part)
        self.seat = bound_to(marketo, Seat)
        self.row = bound_to(marketo, Row)
        self.house = bound_to(marketo, House)


@pytest.fixture
def objects(marketo: MarketoConnector, service: MarketoService) -> Objects:
    """The entities beside the person, bound; describing them leaves no trace in the log of calls."""
    make_types(service)
    found = Objects(marketo)
    service.reset_calls()
    return found


@pytest.fixture
def definitions() -> dict[str, Any]:
    """The entities beside the person, as data."""
    return {cls.__entity__.name: cls.__entity__ for cls in (Account, User, Deal, Part, Seat, Row, House)}


@pytest.fixture
def bind_to(definitions: dict[str, Any]) -> Callable[[MarketoConnector, str], BoundEntity]:
    """Bind an entity, named as its definition is, to what another instance describes."""
    return lambda marketo, name: bound_to(marketo, definitions[name].cls)


@pytest.fixture
def add_types() -> Callable[[MarketoService], None]:
    """Make the custom objects in another instance."""
    return make_types


@pytest.fixture
def with_types(service: MarketoService) -> MarketoService:
    """The instance with the custom objects in it."""
    make_types(service)
    return service


@entity(name="lead", marketo=person(), dynamics="leads", direction=TO_MARKETO)
class Linked(Entity):
    """A person that is linked to a company."""

    email: Email | None = mapped(marketo="email", dynamics="emailaddress1")
    account: str | None = mapped(marketo="externalCompanyId", dynamics="new_account")


@pytest.fixture
def person_with_company(marketo: MarketoConnector) -> BoundEntity:
    """A person entity with a link to a company, bound."""
    return bound_to(marketo, Linked)
