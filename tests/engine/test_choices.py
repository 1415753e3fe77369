"""What users decide: what a deletion means, which records are synced now, and how they see how it goes."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Account, Contact, Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError, PlanRefusedError
from tests.engine.world import World


def linked_lead(world: World) -> tuple[str, str]:
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    world.settle()
    return row, str(world.linked("lead", row))


@pytest.mark.parametrize("what", list(OnDelete))
def test_a_row_deleted_in_dynamics_keeps_flags_or_deletes_its_person(what: OnDelete) -> None:
    world = World(on_delete={"lead": what})
    row, person = linked_lead(world)
    world.dynamics.remove("leads", row)
    planned = world.engine.plan()
    assert world.marketo.row("person", person) is not None, "looking deletes nobody"
    world.settle()
    left = world.marketo.row("person", person)
    assert (left is None) is (what is OnDelete.DELETE)
    assert (left or {}).get("microsoftIsDeleted") is (True if what is OnDelete.FLAG else None)
    assert [step.deletes for step in planned.steps] == [Side.MARKETO if what is OnDelete.DELETE else None]
    assert list(world.store.links("lead")) == []


@pytest.mark.parametrize("what", [OnDelete.KEEP, OnDelete.DELETE])
def test_a_person_deleted_in_marketo_keeps_or_deletes_its_row(what: OnDelete) -> None:
    world = World(on_delete={("lead", Side.MARKETO): what})
    row, person = linked_lead(world)
    world.marketo.remove("person", person)
    world.settle()
    assert (world.dynamics.row("leads", row) is None) is (what is OnDelete.DELETE)
    assert list(world.store.links("lead")) == []
    assert list(world.store.rejected()) == []


def test_a_row_that_was_edited_is_not_deleted_and_its_person_comes_back() -> None:
    world = World(on_delete={("lead", Side.MARKETO): OnDelete.DELETE})
    row, person = linked_lead(world)
    world.marketo.remove("person", person)
    world.dynamics.change("leads", row, jobtitle="Poet")
    for _ in range(4):
        world.engine.run()
    assert world.dynamics.row("leads", row) is not None
    assert world.person_of("lead", row)["title"] == "Poet"


def test_an_edit_in_the_moment_of_a_deletion_saves_the_row() -> None:
    world = World(on_delete={("lead", Side.MARKETO): OnDelete.DELETE})
    row, person = linked_lead(world)
    world.marketo.remove("person", person)
    write = world.dynamics.write

    def meanwhile(writes: Any) -> Any:
        world.dynamics.write = write  # type: ignore[method-assign]  # once
        world.dynamics.change("leads", row, jobtitle="Poet")
        return write(writes)

    world.dynamics.write = meanwhile  # type: ignore[method-assign]  # the race under test
    for _ in range(5):
        world.engine.run()
    assert world.dynamics.row("leads", row) is not None
    assert world.person_of("lead", row)["title"] == "Poet"
    assert list(world.store.rejected()) == []


def test_many_persons_deleted_at_once_do_not_take_their_rows_with_them() -> None:
    world = World(on_delete={("lead", Side.MARKETO): OnDelete.DELETE})
    rows = [world.lead(lastname=f"A{n}", emailaddress1=f"a{n}@x.com") for n in range(40)]
    world.settle()
    for row in rows[:30]:
        world.marketo.remove("person", str(world.linked("lead", row)))
    with pytest.raises(PlanRefusedError, match="30 of 40"):
        world.engine.run()
    assert len(world.dynamics.rows("leads")) == 40


@pytest.mark.parametrize("side", ["rows", "persons"])
def test_a_brake_holds_before_anything_of_the_entity_is_written(side: str) -> None:
    world = World(on_delete={("lead", Side.MARKETO): OnDelete.DELETE})
    rows = [world.lead(lastname=f"A{n}", emailaddress1=f"a{n}@x.com") for n in range(40)]
    world.settle()
    world.dynamics.change("leads", rows[0], jobtitle="Poet")
    for row in rows[5:]:
        if side == "rows":
            world.dynamics.remove("leads", row)
        else:
            world.marketo.remove("person", str(world.linked("lead", row)))
    for look in (world.engine.plan, world.engine.run):
        with pytest.raises(PlanRefusedError, match="35 of 40"):
            look()
    assert "title" not in world.person_of("lead", rows[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"leads": OnDelete.KEEP}, "no entity is called 'leads'"),
        ({"lead": "delete"}, "give an OnDelete"),
        ({("lead", "marketo"): OnDelete.KEEP}, "give an OnDelete, for a Side"),
        ({("lead", Side.MARKETO): OnDelete.FLAG}, "can't be marked"),
    ],
)
def test_decisions_about_deletions_that_make_no_sense_are_refused(given: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        World(on_delete=given)


def test_chosen_rows_are_brought_into_agreement_now() -> None:
    world = World()
    row, person = linked_lead(world)
    new = world.lead(lastname="New", emailaddress1="new@x.com")
    world.dynamics.change("leads", row, jobtitle="Poet")
    world.marketo.change("person", person, phone="1")
    other = world.lead(lastname="Other", emailaddress1="other@x.com")

    report = world.engine.sync_records([row.upper(), new, "00000000-0000-4000-8000-0000000000ff"], entity=Lead)

    assert world.person_of("lead", row)["title"] == "Poet"
    assert (world.dynamics.row("leads", row) or {})["telephone1"] == "1"
    assert world.linked("lead", new) is not None
    assert world.linked("lead", other) is None, "only those that were chosen"
    assert [(line.reason, line.dynamics_id) for line in report.rejected] == [
        ("not-found", "00000000-0000-4000-8000-0000000000ff")
    ]
    assert report.kind == "chosen records"
    world.settle()
    assert len(world.marketo.rows("person")) == 3


def test_chosen_persons_are_brought_into_agreement_now() -> None:
    world = World()
    row, person = linked_lead(world)
    stranger = world.person(lastName="Nobody")
    world.marketo.change("person", person, title="Countess")
    report = world.engine.sync_records([int(person), stranger], entity="lead", side=Side.MARKETO)
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Countess"
    assert [(line.reason, line.marketo_id) for line in report.rejected] == [("not-linked", stranger)]


def test_what_can_not_be_chosen_is_refused() -> None:
    world = World((Lead, Contact))
    with pytest.raises(ConfigurationError, match="list of ids"):
        world.engine.sync_records("1001", entity="lead")
    with pytest.raises(ConfigurationError, match="doesn't sync 'account'; it syncs 'lead', 'contact'"):
        world.engine.sync_records(["1"], entity=Account)


def test_a_row_that_waits_for_a_human_still_waits_when_it_is_chosen() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    other = world.lead(lastname="B", emailaddress1="b@x.com")
    world.settle()
    world.marketo.merge("person", str(world.linked("lead", row)), str(world.linked("lead", other)))
    world.settle()
    world.engine.sync_records([row], entity="lead")
    assert len(world.marketo.rows("person")) == 1
    assert [p.reason for p in world.store.parked()] == ["merged-in-marketo"]


def test_the_status_says_how_it_goes_without_a_call() -> None:
    world = World()
    assert world.engine.status().runs == ()
    assert world.engine.status().entities[0].finished_at is None
    world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.lead(lastname="One", emailaddress1="two@example.com")
    world.person(email="two@example.com", lastName="A")
    world.person(email="two@example.com", lastName="B")
    world.contact(lastname="Refused", emailaddress1="no@example.com")
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.values.get("last_name") == "Refused" else None
    world.engine.run(on_event=lambda event: world.later(seconds=1))
    calls = world.marketo.calls.total + world.dynamics.calls.total

    status = world.engine.status()

    assert world.marketo.calls.total + world.dynamics.calls.total == calls
    lead, contact = status.entities
    assert (lead.name, lead.links, dict(lead.parked), dict(lead.rejected)) == ("lead", 1, {"ambiguous": 1}, {})
    assert (contact.links, dict(contact.rejected)) == (0, {"1006": 1})
    assert contact.next_try is not None
    assert contact.next_try > world.time - (world.time - status.runs[0].finished_at)
    assert status.waiting == 2
    assert status.runs[0].kind == "first copy"
    assert status.runs[0].wrote == 1
    assert status.runs[0].throughput == 1 / status.runs[0].seconds
    assert lead.finished_at == status.runs[0].finished_at
    text = str(status)
    assert "lead: 1 linked" in text
    assert "rejected: 1 1006" in text
    assert "example.com" not in text


def test_only_a_cycle_that_got_through_counts_as_complete_and_old_ones_are_forgotten() -> None:
    world = World()
    world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.engine.run(deadline=world.time)
    status = world.engine.status()
    assert status.runs[0].stopped
    assert "stopped" in str(status)
    assert status.runs[0].throughput == 0
    assert status.entities[0].finished_at is None
    for _ in range(30):
        world.later(minutes=1)
        world.engine.run()
    status = world.engine.status()
    assert len(status.runs) == 20
    assert status.runs[0].finished_at == world.time == status.entities[0].finished_at
