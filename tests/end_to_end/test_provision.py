"""Person fields that Marketo lacks: shown, and made when told to."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync import MemoryStateStore, SyncEngine
from marketo_dynamics_sync.entities import Account, Lead, mapped
from marketo_dynamics_sync.errors import ConfigurationError
from tests.end_to_end.conftest import Pair
from tests.engine.world import World


class Small(Lead.select("crm_id", "last_name", "email")):  # type: ignore[misc]  # made at run time
    """A lead with one field that Marketo lacks and one that Dynamics lacks."""

    region: str | None = mapped(marketo="salesRegion", dynamics="address1_county")
    nowhere: str | None = mapped(marketo="nowhere", dynamics="new_nowhere", optional=True)


def names(pair: Pair) -> set[str]:
    return {item.name for item in pair.sandbox.marketo.fields}


def test_a_dry_run_shows_what_is_missing_and_makes_nothing(pair: Pair) -> None:
    before = names(pair)
    provision = pair.engine([Small]).provision()
    assert [(field.name, field.type, field.needed_by) for field in provision.fields] == [
        ("salesRegion", "string", ("lead.region",))
    ]
    assert not provision.made
    assert names(pair) == before
    assert pair.writes == 0


def test_fields_are_made_when_told_to_and_filled_by_the_next_cycle(pair: Pair) -> None:
    pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", address1_county="Surrey")
    engine = pair.engine([Small])
    made = engine.provision(dry_run=False)
    assert made.made
    assert "salesRegion" in names(pair)
    assert engine.provision(dry_run=False).fields == ()
    engine.run()
    assert pair.sandbox.marketo.persons()[0]["salesRegion"] == "Surrey"


def test_an_engine_without_persons_needs_no_person_fields(pair: Pair) -> None:
    assert pair.engine([Account]).provision(dry_run=False).fields == ()
    assert pair.calls() == []


def test_a_connector_that_makes_no_fields_is_told_by_name() -> None:
    world = World((Lead,), person_without=("microsoftTopic",))
    engine = SyncEngine(marketo=world.marketo, dynamics=world.dynamics, store=MemoryStateStore(), entities=[Lead])
    assert [field.name for field in engine.provision().fields] == ["microsoftTopic"]
    with pytest.raises(ConfigurationError, match=r"MemoryConnector can't make person fields.*microsoftTopic"):
        engine.provision(dry_run=False)
