"""The backlog: what waits on both sides, asked of the services, and nothing moved on by asking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketo_dynamics_sync.engine import OldestChange
from marketo_dynamics_sync.entities import Account, Contact, Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.test_roles import Deals, lookup
from tests.engine.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def numbers(world: World, entity: str, side: Side, **options: Any) -> tuple[int, int, int]:
    found = world.engine.backlog(**options).of(entity, side)
    return found.inserts, found.updates, found.deletes


def test_each_object_shows_waiting_inserts_updates_and_deletes_and_the_oldest_of_each() -> None:
    world = World((Lead, Contact))
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(6)]
    contact = world.contact(lastname="C", emailaddress1="c@x.com")
    world.settle()
    quiet = world.engine.backlog()
    assert (quiet.total, quiet.complete) == (0, True)
    world.later(hours=1)
    world.dynamics.change("leads", rows[1], jobtitle="Poet")
    world.later(hours=1)
    world.dynamics.change("leads", rows[0], jobtitle="Poet")
    new = world.lead(lastname="New", emailaddress1="new@x.com")
    world.later(hours=1)
    world.lead(lastname="Newer", emailaddress1="newer@x.com")
    world.dynamics.remove("leads", rows[2])
    world.marketo.change("person", str(world.linked("lead", rows[3])), title="Countess")
    world.marketo.remove("person", str(world.linked("lead", rows[4])))
    world.marketo.change("person", str(world.linked("contact", contact)), title="Countess")
    before = world.store.checkpoint("persons"), world.store.checkpoint("leads"), list(world.store.links("lead"))

    backlog = world.engine.backlog()

    leads = backlog.of("lead", Side.DYNAMICS)
    assert (leads.inserts, leads.updates, leads.deletes, leads.complete) == (2, 2, 1, True)
    assert leads.oldest_insert == OldestChange(new, NOON + timedelta(hours=2))
    assert leads.oldest_update == OldestChange(rows[1], NOON + timedelta(hours=1))
    people = backlog.of("lead", Side.MARKETO)
    assert (people.inserts, people.updates, people.deletes) == (0, 1, 1)
    assert people.oldest_update == OldestChange(str(world.linked("lead", rows[3])), NOON + timedelta(hours=3))
    assert backlog.of("contact", Side.MARKETO).updates == 1
    assert backlog.of("contact", Side.DYNAMICS).total == 0
    assert backlog.total == 8
    assert (world.store.checkpoint("persons"), world.store.checkpoint("leads")) == before[:2]
    assert list(world.store.links("lead")) == before[2]
    world.settle()
    assert world.engine.backlog().total == 0


def test_echoes_and_changes_where_nobody_looks_do_not_wait() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    world.engine.run()
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.engine.run()
    assert world.engine.backlog().total == 0, "our own write to Marketo is no change"
    world.dynamics.change("leads", row, new_nobody="looks")
    world.marketo.change("person", str(world.linked("lead", row)), leadScoreOfNobody=3)
    assert world.engine.backlog().total == 0


def test_a_stream_that_goes_on_is_counted_as_at_least() -> None:
    world = World((Lead,))
    world.engine.run()
    for number in range(7):
        world.lead(lastname="L", emailaddress1=f"l{number}@x.com")
    changes = world.dynamics.changes

    def paged(entities: Any, checkpoint: str | None) -> Any:
        for page in changes(entities, checkpoint):
            for record in page.records:
                yield type(page)(records=[record])
            yield type(page)(checkpoint=page.checkpoint)

    world.dynamics.changes = paged  # type: ignore[method-assign]  # pages of one row
    leads = world.engine.backlog(pages=3).of("lead", Side.DYNAMICS)
    assert (leads.inserts, leads.complete) == (3, False)
    assert "at least 3 new" in str(world.engine.backlog(pages=3))
    assert world.engine.backlog(pages=8).complete
    with pytest.raises(ConfigurationError, match="one page at least"):
        world.engine.backlog(pages=0)


def test_before_the_first_copy_everything_waits() -> None:
    world = World((Lead,))
    world.lead(lastname="L", emailaddress1="l@x.com")
    backlog = world.engine.backlog()
    assert backlog.of("lead", Side.DYNAMICS).inserts == 1
    assert "no cycle has been complete" in str(backlog)
    assert world.store.fact("identity:marketo") is None, "asking leaves nothing behind"


@pytest.mark.parametrize("what", ["expired", "mapping"])
def test_where_everything_is_compared_it_says_so_and_counts_what_is_gone(what: str) -> None:
    world = World((Lead,))
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(3)]
    world.settle()
    world.dynamics.remove("leads", rows[0])
    world.dynamics.change("leads", rows[1], jobtitle="Poet")
    if what == "expired":
        world.dynamics.expire()
        world.marketo.expire()
    else:
        world.engine = world.new_engine(entities=(Lead.select("email", "last_name", "job_title"),))
    backlog = world.engine.backlog()
    leads = backlog.of("lead", Side.DYNAMICS)
    assert leads.deletes == 1
    assert leads.updates == (1 if what == "expired" else 2), "under another mapping every pair is compared"
    assert "everything is compared" in leads.reason
    assert leads.complete
    assert backlog.of("lead", Side.MARKETO).complete is (what == "mapping")


def test_new_persons_wait_only_where_a_rule_wants_them() -> None:
    world = World((Lead,), push_rule=lambda person: "lead" if person.values.get("company") else None)
    world.engine.run()
    wanted = world.person(lastName="W", email="w@x.com", company="Oasis")
    world.person(lastName="N", email="n@x.com")
    found = world.engine.backlog().of("lead", Side.MARKETO)
    assert found.inserts == 1
    assert found.oldest_insert is not None
    assert found.oldest_insert.record == wanted
    assert numbers(World((Lead,)), "lead", Side.MARKETO) == (0, 0, 0)


def test_merged_qualified_and_filtered_records_count_as_what_they_are() -> None:
    world = World((Lead, Contact), filters={"lead": lambda row: row.values["fax"] != "no"})
    one, two, three, four = (world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(4))
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", one)), str(world.linked("lead", two)))
    contact = world.contact(lastname="L", emailaddress1="l2@x.com", _originatingleadid_value=three)
    world.dynamics.change("leads", three, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.dynamics.change("leads", four, fax="no")
    world.lead(lastname="Out", emailaddress1="out@x.com", fax="no")
    assert numbers(world, "lead", Side.MARKETO) == (0, 1, 0)
    assert numbers(world, "lead", Side.DYNAMICS) == (0, 1, 0)
    assert numbers(world, "contact", Side.DYNAMICS) == (1, 0, 0)


def test_one_way_objects_wait_in_dynamics_only() -> None:
    world = World((Account,))
    world.engine.run()
    world.dynamics.put("accounts", name="Engines")
    backlog = world.engine.backlog()
    assert [(each.entity, each.side) for each in backlog.changes] == [("account", Side.DYNAMICS)]
    assert backlog.of("account", Side.DYNAMICS).inserts == 1
    assert backlog.of("account", Side.MARKETO).total == 0


def test_it_takes_a_bounded_number_of_calls_and_says_how_many() -> None:
    world = World((Lead, Contact))
    for number in range(40):
        world.lead(lastname="L", emailaddress1=f"l{number}@x.com")
    world.settle()
    for person in world.marketo.rows("person"):
        world.marketo.change("person", person, title="Poet")
    backlog = world.engine.backlog(pages=1)
    assert backlog.of("lead", Side.MARKETO).updates == 40
    assert backlog.dynamics_calls == 2, "one page of each table"
    assert backlog.marketo_calls == 2, "one page of activities, one call for the persons in it"


def test_it_reads_in_words_and_as_plain_data_without_values() -> None:
    world = World((Lead,))
    world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.later(hours=2)
    world.lead(lastname="Lovelace", emailaddress1="love@x.com")
    backlog = world.engine.backlog()
    text = str(backlog)
    assert "lead, from Dynamics: 1 new, 0 changed, 0 deleted" in text
    assert "oldest new: 00000000-0000-0000-0000-000000000002, since 2026-03-01 14:00:00+00:00" in text
    assert "Lovelace" not in text + json.dumps(backlog.to_dict())
    plain = json.loads(json.dumps(backlog.to_dict()))
    assert plain["changes"][0]["oldest_insert"]["at"] == (NOON + timedelta(hours=2)).isoformat()
    assert (plain["changes"][0]["side"], plain["total"]) == ("dynamics", 1)


def test_connections_count_where_they_are_roles_and_links_of_other_sources_are_not_missed() -> None:
    world = Deals()
    buyer, other = world.buyer(), world.buyer("Other")
    deal = world.deal(buyer)
    stakeholder = world.stakeholder(deal, other)
    world.settle()
    assert world.engine.backlog().total == 0
    world.dynamics.expire()
    assert world.engine.backlog().total == 0, "a customer's role comes from no connection, and is not missed"
    world.settle()
    world.stakeholder(deal, other, world.colleague)
    world.dynamics.change("connections", stakeholder, description="x")
    assert world.engine.backlog().total == 0, "a colleague is no role, and nothing of the other one changed"
    world.dynamics.change("connections", stakeholder, **lookup("record2roleid", "connectionrole", world.advises))
    world.stakeholder(deal, buyer, world.advises)
    assert numbers(world, "opportunity_role", Side.DYNAMICS) == (1, 1, 0)
    world.settle()
    world.dynamics.remove("connections", stakeholder)
    assert numbers(world, "opportunity_role", Side.DYNAMICS) == (0, 0, 1)
