"""Accounts, users, opportunities and an entity of the user's own, over real sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync import errors
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    Entity,
    Guid,
    Lead,
    Opportunity,
    User,
    custom_object,
    entity,
    mapped,
)
from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, ObjectField
from tests.end_to_end.conftest import START, Pair

EVERYTHING = (User, Account, Lead, Contact, Opportunity)


@entity(
    name="business_unit",
    marketo=custom_object("unit_c", dedupe="unitId"),
    dynamics="businessunits",
    direction=Direction.TO_MARKETO,
)
class Unit(Entity):
    """A table that the sandbox has and the library knows nothing of."""

    unit_id: Guid | None = mapped(marketo="unitId", dynamics="businessunitid", key=True)
    name: str | None = mapped(marketo="unitName", dynamics="name")


def seeded(pair: Pair) -> dict[str, str]:
    dynamics = pair.sandbox.dynamics
    owner = dynamics.create("systemuser", firstname="Grace", lastname="Hopper", internalemailaddress="grace@sales.com")
    account = dynamics.create("account", name="Widgets & Sons", revenue=1200.5, address1_city="Łódź")
    company = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    contact = dynamics.create("contact", lastname="Byron", emailaddress1="ada@example.com", **company)
    about = {"parentaccountid@odata.bind": f"/accounts({account})"}
    deal = dynamics.create("opportunity", name="Big one", estimatedvalue=9000, **about)
    return {"owner": owner, "account": account, "contact": contact, "deal": deal}


def records(pair: Pair, name: str) -> list[dict[str, object]]:
    return [dict(record) for record in pair.sandbox.marketo.objects(name)]


def test_everything_arrives_in_its_place_and_an_idle_cycle_writes_nothing(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(EVERYTHING)
    report = engine.run()
    pair.settle(engine)

    assert report.complete
    (company,) = records(pair, "companies")
    assert (company["externalCompanyId"], company["company"]) == (ids["account"], "Widgets & Sons")
    assert company["billingCity"] == "Łódź"
    assert ids["owner"] in {record["externalSalesPersonId"] for record in records(pair, "salespersons")}
    assert pair.person_of("contact", ids["contact"])["externalCompanyId"] == ids["account"]
    (deal,) = records(pair, "opportunities")
    assert (deal["externalOpportunityId"], deal["externalCompanyId"]) == (ids["deal"], ids["account"])
    pair.forget_calls()
    pair.sandbox.clock.advance(300)
    engine.run()
    assert pair.writes == 0


def test_edits_and_deletions_follow(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(EVERYTHING)
    pair.settle(engine)
    pair.sandbox.dynamics.update("account", ids["account"], name="Widgets Ltd.", address1_city=None)
    pair.sandbox.dynamics.delete("opportunity", ids["deal"])
    pair.settle(engine)
    (company,) = records(pair, "companies")
    assert company["company"] == "Widgets Ltd."
    assert company.get("billingCity") is None
    assert records(pair, "opportunities") == []


def test_an_entity_of_the_users_own_lives_in_a_custom_object(pair: Pair) -> None:
    service = pair.sandbox.marketo
    service.create_custom_object_type("unit_c", [ObjectField("unitId", dedupe=True), ObjectField("unitName")])
    unit = pair.sandbox.dynamics.create("businessunit", name="Sales EMEA")
    engine = pair.engine([Unit])
    pair.settle(engine)
    assert {"unitId": unit, "unitName": "Sales EMEA"}.items() <= next(
        record for record in records(pair, "unit_c") if record["unitId"] == unit
    ).items()


def test_a_custom_object_that_marketo_does_not_have_is_said_before_anything_is_written(pair: Pair) -> None:
    seeded(pair)
    with pytest.raises(errors.ConfigurationError, match="unit_c"):
        pair.engine([Lead, Unit]).run()
    assert pair.writes == 0


def test_a_native_sync_that_is_still_connected_is_said_plainly(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with(marketo=MarketoService(SandboxClock(START), native_sync="dynamics"))
    seeded(pair)
    found = pair.engine(EVERYTHING).check()
    assert not found.passed
    assert "native" in str(found)
