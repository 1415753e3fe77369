"""Golden scenarios of the parity list: connecting, and what may change while a store is in use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.connectors.dynamics import FixedToken
from marketo_dynamics_sync.entities import Contact, Lead
from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.marketo import PERMISSIONS, Client, MarketoService
from tests.end_to_end.conftest import START, Pair, pair, pair_with
from tests.engine.world import World

__all__ = ["pair", "pair_with"]


def test_everything_that_is_wrong_is_told_at_once(pair_with: Callable[..., Pair]) -> None:
    few = frozenset(PERMISSIONS) - {"Read-Only Activity", "Read-Write Activity"}
    clock = SandboxClock(START)
    one = pair_with(
        marketo=MarketoService(clock, clients={"marketo-client": Client("marketo-secret", few)}),
        dynamics=DataverseService(clock, untracked=["lead"], privileges={"contact": frozenset({"write"})}),
    )
    late = one.dynamics(clock=lambda: clock.now() + timedelta(minutes=6))
    failed = {check.name for check in one.engine(dynamics=late).check().checks if not check.passed}
    assert {"read changes", "change tracking of leads", "read contacts", "clock"} <= failed


def test_another_way_to_sign_in_goes_on_where_the_last_one_stopped(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    pair.settle(pair.engine())
    pair.sandbox.dynamics.update("lead", lead, jobtitle="Countess")
    other = pair.engine(dynamics=pair.dynamics(auth=FixedToken(pair.sandbox.dynamics.issue_token())))

    report = other.run()

    assert pair.person_of("lead", lead)["title"] == "Countess"
    assert (report.wrote, report.full_comparisons) == (1, [])


def test_a_new_store_for_instances_that_were_refreshed_links_everybody_anew_and_makes_nobody_twice() -> None:
    world = World()
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(5)]
    rows.append(world.lead(lastname="No address"))
    world.settle()
    before = {row: world.linked("lead", row) for row in rows}
    refreshed = World()
    refreshed.marketo, refreshed.dynamics = world.marketo, world.dynamics
    refreshed.engine = refreshed.new_engine()
    refreshed.settle()
    assert {row: refreshed.linked("lead", row) for row in rows} == before
    assert len(refreshed.marketo.rows("person")) == 6


def test_another_organization_can_be_synced_afresh_with_a_store_of_its_own() -> None:
    world = World()
    world.settle()
    person = world.person(lastName="Byron", email="ada@x.com")
    other = World()
    other.marketo = world.marketo
    other.dynamics._identity = "org-2"
    row = other.lead(lastname="Byron", emailaddress1="ada@x.com")
    other.engine = other.new_engine()
    other.settle()
    assert other.linked("lead", row) == person


def test_the_library_makes_no_column_and_no_field(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine([Lead, Contact])
    pair.settle(engine)
    pair.sandbox.marketo.update_person(int(str(pair.person_of("lead", lead)["id"])), title="Countess")
    pair.settle(engine)
    both = [*pair.sandbox.dynamics.calls, *pair.sandbox.marketo.calls]
    changing = [call for call in both if call.method in ("PUT", "PATCH", "DELETE")]
    posted = {call.path.rsplit("/", 1)[-1] for call in both if call.method == "POST" and call.kind != "token"}
    assert changing == []
    assert posted <= {"$batch", "leads.json"}


@pytest.mark.parametrize("column", ["jobtitle", "telephone1"])
def test_a_rule_against_duplicates_stops_no_write(pair: Pair, column: str) -> None:
    dynamics = pair.sandbox.dynamics
    contact, twin = (dynamics.create("contact", lastname="Byron", emailaddress1="ada@example.com") for _ in range(2))
    dynamics.detect_duplicates("contact", "emailaddress1")
    engine = pair.engine()
    pair.settle(engine)
    person = int(str(pair.person_of("contact", contact)["id"]))
    pair.sandbox.marketo.update_person(person, **({"title": "x"} if column == "jobtitle" else {"phone": "x"}))
    pair.settle(engine)
    assert (dynamics.row("contact", contact) or {})[column] == "x"
    assert (dynamics.row("contact", twin) or {}).get(column) is None
    assert list(pair.store.rejected()) == []


def test_a_report_as_data_has_the_same_refused_records_as_the_report_and_the_store() -> None:
    world = World()
    for n in range(30):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com")
    world.marketo.refuse = lambda write: Problem("1006", "no")
    report = world.engine.run()
    exported = report.to_dict()["rejected"]
    assert isinstance(exported, list)
    rows = {item["dynamics_id"] for item in exported}
    assert len(exported) == 30
    assert rows == {line.dynamics_id for line in report.rejected} == {item.id for item in world.store.rejected()}
