"""Orders of events that the simulation found and nobody had thought of: each of them lost or undid something once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import Hold
from marketo_dynamics_sync.connectors import ChangePage, Outcome, Problem, Status
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Side
from marketo_dynamics_sync.plan import StepKind
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning

ADA: dict[str, Any] = {"lastname": "A", "emailaddress1": "a@x.com"}


@pytest.mark.parametrize("where", ["sales", "marketing"])
def test_a_lead_qualified_into_a_contact_that_was_there_takes_no_opt_out_back(where: str) -> None:
    world = World()
    lead = world.lead(**ADA, donotbulkemail=where == "marketing")
    world.settle()
    person = str(world.linked("lead", lead))
    contact = world.contact(lastname="A", donotbulkemail=where == "sales")
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert world.linked("contact", contact) == person
    assert (world.marketo.row("person", person) or {})["unsubscribed"] is True
    assert (world.dynamics.row("contacts", contact) or {})["donotbulkemail"] is True


@pytest.mark.parametrize("at_once", [False, True])
def test_a_row_merged_into_one_without_opt_out_takes_it_along(at_once: bool) -> None:
    world = World()
    target, loser = world.lead(lastname="T"), world.lead(lastname="L", donotphone=True)
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", target)))
    if not at_once:
        world.settle()
    person = str(world.linked("lead", loser))
    world.dynamics.merge("leads", loser, target)
    world.settle()
    assert world.linked("lead", target) == person
    assert (world.dynamics.row("leads", target) or {})["donotphone"] is True


@pytest.mark.parametrize("by", ["push", "chosen"])
def test_an_edit_in_marketo_between_the_first_link_and_the_first_cycle_is_seen(by: str) -> None:
    world = World()
    if by == "push":
        person = world.person(lastName="A", email="a@x.com", title="old")
        world.engine.push_persons([person])
        (row,) = world.dynamics.rows("leads")
    else:
        row = world.lead(**ADA, jobtitle="old")
        world.engine.sync_records([row], entity="lead")
        person = str(world.linked("lead", row))
    world.marketo.change("person", person, title="new")
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "new"


def test_a_field_that_a_cycle_holds_is_not_decided_later_in_that_cycle() -> None:
    world = World(policies={"lead": Hold()})
    row = world.lead(**ADA, jobtitle="old")
    world.settle()
    world.dynamics.change("leads", row, jobtitle="sales says")
    world.marketo.change("person", str(world.linked("lead", row)), title="marketing says")
    world.marketo.expire()
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "sales says"
    assert world.person_of("lead", row)["title"] == "marketing says"
    assert [p.field for p in world.store.parked()] == ["job_title"]


@pytest.mark.parametrize("entity", ["lead", "contact"])
def test_killed_right_after_a_write_the_value_that_lost_is_in_the_journal(entity: str) -> None:
    steps = 0
    while True:
        store = FusedStore()
        world = World(store=store)
        row = world.lead(**ADA) if entity == "lead" else world.contact(**ADA)
        world.settle()
        world.dynamics.change(f"{entity}s", row, jobtitle="sales says")
        world.marketo.change("person", str(world.linked(entity, row)), title="marketing says")
        store.fuse = fuse = Fuse(steps)
        for connector in (world.marketo, world.dynamics):
            connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
        try:
            world.engine.run()
        except Killed:
            fuse.left = None
            world.engine = world.new_engine()
            world.settle()
        else:
            break
        told = [entry.detail for entry in store.journal() if entry.kind == "conflict"]
        loser, value = ("dynamics", "sales says") if entity == "lead" else ("marketo", "marketing says")
        assert told, f"killed at step {steps}"
        assert {entry[loser] for entry in told} == {value}
        steps += 1
    assert steps > 4
    assert [entry.kind for entry in store.journal()].count("conflict") == 1, "undisturbed, it stands there once"


@pytest.mark.parametrize("deleted", ["person", "contact"])
def test_a_qualified_lead_is_nobody_once_its_contact_is_deleted(deleted: str) -> None:
    both: dict[Any, OnDelete] = {("contact", Side.MARKETO): OnDelete.DELETE, "contact": OnDelete.DELETE}
    world = World(on_delete=both)
    lead = world.lead(**ADA)
    contact = world.contact(**ADA, _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.settle()
    if deleted == "person":
        world.marketo.remove("person", str(world.linked("contact", contact)))
    else:
        world.dynamics.remove("contacts", contact)
    world.settle()
    assert world.dynamics.rows("contacts") == {}
    world.dynamics.change("leads", lead, _parentcontactid_value=None)  # as the platform does
    world.settle()
    assert world.marketo.rows("person") == {}, "what was deleted doesn't come back as the lead it was made from"


@pytest.mark.parametrize("known_by", ["cycle", "chosen records"])
def test_a_lead_qualified_into_a_contact_that_was_there_is_nobody_once_that_is_deleted(known_by: str) -> None:
    world = World()
    lead, contact = world.lead(**ADA), world.contact(lastname="C", emailaddress1="c@x.com")
    if known_by == "cycle":
        world.settle()
    world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
    if known_by == "cycle":
        world.settle()
    else:
        world.engine.run()
        world.engine.sync_records([lead, contact], entity="lead")
    people = len(world.marketo.rows("person"))
    world.dynamics.remove("contacts", contact)
    world.dynamics.change("leads", lead, _parentcontactid_value=None)
    world.settle()
    assert len(world.marketo.rows("person")) == people


def test_a_contact_synced_by_itself_is_remembered_as_what_its_lead_became() -> None:
    world = World()
    world.engine.run()
    lead = world.lead(**ADA, statecode=1, statuscode=3)
    contact = world.contact(**ADA, _originatingleadid_value=lead)
    world.engine.sync_records([contact], entity="contact")
    world.dynamics.remove("contacts", contact)
    world.settle()
    assert len(world.marketo.rows("person")) == 1, "the contact's, marked as deleted, and none of the lead"


def test_an_opt_out_taken_back_in_marketo_while_the_lead_is_qualified_stays_taken_back() -> None:
    world = World()
    lead = world.lead(**ADA, donotphone=True)
    world.settle()
    person = str(world.linked("lead", lead))
    world.marketo.change("person", person, doNotCall=False)
    contact = world.contact(**ADA, donotphone=True, _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()
    assert world.linked("contact", contact) == person
    assert (world.marketo.row("person", person) or {})["doNotCall"] is False
    assert (world.dynamics.row("contacts", contact) or {})["donotphone"] is False


@pytest.mark.parametrize("edited", [False, True])
def test_a_person_deleted_right_after_its_push_comes_back_for_an_edit_only(edited: bool) -> None:
    world = World()
    world.engine.run()
    person = world.person(lastName="A", email="a@x.com", title="old")
    world.engine.push_persons([person])
    (row,) = world.dynamics.rows("leads")
    world.dynamics.change("leads", row, createdon="2026-03-01T12:00:00Z")  # what the platform sets by itself
    if edited:
        world.dynamics.change("leads", row, jobtitle="new")
    world.marketo.remove("person", person)
    world.settle()
    assert [p["title"] for p in world.marketo.rows("person").values()] == (["new"] if edited else [])


def test_a_row_that_is_parked_is_not_listed_as_refused_too() -> None:
    world = World(person_without=("dynamicsId",))
    row = world.lead(**ADA)
    world.settle()
    world.dynamics.change("leads", row, jobtitle="new")
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.engine.run()
    for number in range(2):
        world.person(lastName=f"P{number}", email="a@x.com")
    world.engine.run()
    assert [p.reason for p in world.store.parked()] == ["ambiguous"]
    assert list(world.store.rejected()) == []


def test_of_two_leads_that_became_one_contact_the_one_whose_person_is_there_gives_it() -> None:
    world = World()
    first, second = world.lead(lastname="First"), world.lead(lastname="Second")
    world.settle()
    person = str(world.linked("lead", second))
    world.dynamics.merge("leads", first, second)
    contact = world.contact(lastname="Second", _originatingleadid_value=second)
    world.dynamics.change("leads", second, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.marketo.remove("person", str(world.linked("lead", first)))
    world.settle()
    assert world.linked("contact", contact) == person
    assert world.marketo.rows("person").keys() == {person}


def paged(world: World) -> None:
    """Let Dynamics show its changes a row a page."""
    changes = world.dynamics.changes

    def one_by_one(*given: Any) -> Iterator[ChangePage]:
        for page in changes(*given):
            parts = [evolve(page, records=[row], present=[row.id], deleted=[], checkpoint=None) for row in page.records]
            yield from parts
            yield evolve(page, records=[], present=[])

    world.dynamics.changes = one_by_one  # type: ignore[method-assign]  # a service with small pages


def test_a_page_that_was_read_before_a_merge_wrote_to_its_rows_undoes_nothing() -> None:
    world = World()
    loser, target = world.lead(lastname="L", donotphone=True, telephone1="1"), world.lead(lastname="T")
    world.settle()
    paged(world)
    world.dynamics.merge("leads", loser, target)
    world.dynamics.expire()
    planned = [step.kind for step in world.engine.plan().steps if step.writes_marketo or step.writes_dynamics]
    world.engine.run()
    assert StepKind.MERGE_PERSONS in planned
    for _ in range(2):
        row, person = world.dynamics.row("leads", target) or {}, world.person_of("lead", target)
        assert (row["donotphone"], row["telephone1"]) == (True, "1")
        assert (person["doNotCall"], person["phone"]) == (True, "1")
        assert world.engine.run().wrote == 0


def test_a_contact_that_was_read_before_it_was_deleted_makes_no_second_person_of_its_lead() -> None:
    world = World()
    lead = world.lead(**ADA)
    world.settle()
    contact = world.contact(**ADA, _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    changes = world.dynamics.changes

    def deleted_once_read(entities: Any, checkpoint: str | None) -> Iterator[ChangePage]:
        yield from changes(entities, checkpoint)
        if entities[0].name == "contact" and world.dynamics.row("contacts", contact) is not None:
            world.dynamics.remove("contacts", contact)

    world.dynamics.changes = deleted_once_read  # type: ignore[method-assign]  # somebody deletes it right then
    world.settle()
    assert len(world.marketo.rows("person")) == 1
    assert world.linked("contact", contact) is None


def test_a_lead_whose_person_was_made_just_before_a_kill_and_that_is_qualified_then_has_one_person() -> None:
    store = FusedStore()
    world = World(store=store)
    world.settle()
    lead = world.lead(lastname="A")
    create, store.fuse = world.marketo.write, Fuse()

    def killed(writes: Any) -> Any:
        create(writes)
        store.fuse.left = 0
        raise Killed

    world.marketo.write = killed  # type: ignore[method-assign]  # the kill under test
    with pytest.raises(Killed):
        world.engine.run()
    assert list(world.store.links("lead")) == []
    world.marketo.write, store.fuse = create, Fuse()  # type: ignore[method-assign]  # a new process
    contact = world.contact(lastname="A", _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.engine = world.new_engine()
    world.settle()
    (person,) = world.marketo.rows("person")
    assert world.linked("contact", contact) == person
    assert world.person_of("contact", contact)["dynamicsId"] == contact


def test_a_new_row_that_takes_over_a_link_is_not_written_as_a_new_one_too() -> None:
    world = World(policies={"lead": Hold()})
    lead = world.lead(lastname="L", jobtitle="old")
    world.settle()
    world.marketo.change("person", str(world.linked("lead", lead)), title="marketing says")
    other = world.lead(lastname="M", jobtitle="sales says")
    world.dynamics.merge("leads", lead, other)
    world.settle()
    assert world.person_of("lead", other)["title"] == "marketing says"
    assert [(parked.id, parked.field) for parked in world.store.parked()] == [(other, "job_title")]


def test_a_merged_row_is_nobody_once_its_master_is_deleted() -> None:
    world = World()
    master, loser = world.contact(lastname="M"), world.contact(lastname="L", emailaddress1="l@x.com")
    world.settle()
    world.dynamics.merge("contacts", loser, master)
    world.settle()
    world.dynamics.remove("contacts", master)
    world.dynamics.change("contacts", loser, _masterid_value=None)  # the platform clears the lookup
    before = len(world.marketo.rows("person"))
    world.settle()
    world.dynamics.expire()
    world.settle()
    assert len(world.marketo.rows("person")) == before == 1
    assert world.linked("contact", loser) is None


def test_a_row_that_waits_and_is_merged_waits_no_longer() -> None:
    world = World()
    twins = [world.person(lastName="L", email="a@x.com") for _ in range(2)]
    row, master = world.lead(**ADA), world.lead(lastname="M")
    world.settle()
    assert [(parked.id, parked.reason) for parked in world.store.parked()] == [(row, "ambiguous")]
    world.dynamics.merge("leads", row, master)
    world.settle()
    assert list(world.store.parked()) == []
    assert len(world.marketo.rows("person")) == len(twins) + 1


def test_what_a_row_held_is_let_go_of_when_its_person_is_gone_as_it_is_written_to() -> None:
    world = World()
    world.settle()
    person = world.person(lastName="A", title="x" * 101)
    world.engine.push_persons([person])
    (row,) = world.dynamics.rows("leads")
    assert [(parked.id, parked.field) for parked in world.store.parked()] == [(row, "job_title")]
    world.dynamics.change("leads", row, createdon="2026-03-01T12:00:00Z")  # told to Marketo when it is known
    write = world.marketo.write

    def deleted_before(writes: Any) -> Any:
        world.marketo.write = write  # type: ignore[method-assign]  # once
        world.marketo.remove("person", person)
        return write(writes)

    world.marketo.write = deleted_before  # type: ignore[method-assign]  # somebody deletes it right then
    world.settle()
    assert world.linked("lead", row) is None
    assert list(world.store.parked()) == []


def test_a_page_that_is_older_than_a_row_read_since_undoes_nothing() -> None:
    world = World()
    lead = world.lead(lastname="L")
    world.settle()
    contact = world.contact(lastname="L", _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    changes = world.dynamics.changes

    def edited_once_read(entities: Any, checkpoint: str | None) -> Iterator[ChangePage]:
        pages = list(changes(entities, checkpoint))
        if entities[0].name == "contact" and not (world.dynamics.row("contacts", contact) or {}).get("donotphone"):
            world.dynamics.change("contacts", contact, donotphone=True)
        yield from pages

    world.dynamics.changes = edited_once_read  # type: ignore[method-assign]  # somebody edits it right then
    world.engine.run()
    assert world.person_of("contact", contact)["doNotCall"] is True
    assert (world.dynamics.row("contacts", contact) or {})["donotphone"] is True


def test_a_row_that_was_closed_does_not_bring_its_deleted_person_back() -> None:
    world = World()
    lead = world.lead(**ADA)
    world.settle()
    world.dynamics.change("leads", lead, statecode=2, statuscode=4)
    world.marketo.remove("person", str(world.linked("lead", lead)))
    world.settle()
    world.dynamics.expire()
    world.settle()
    assert world.marketo.rows("person") == {}
    world.dynamics.change("leads", lead, statecode=0, statuscode=1)
    world.settle()
    assert len(world.marketo.rows("person")) == 1, "opened again, it is somebody"


def test_a_person_that_was_merged_into_one_that_is_deleted_too_leaves_no_link() -> None:
    world = World()
    lead, contact = world.lead(lastname="L"), world.contact(lastname="C")
    world.settle()
    survivor, loser = str(world.linked("lead", lead)), str(world.linked("contact", contact))
    world.marketo.merge("person", loser, survivor)
    world.marketo.remove("person", survivor)
    world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.settle()
    assert world.linked("lead", lead) is None
    assert world.linked("contact", contact) is None
    world.dynamics.change("contacts", contact, jobtitle="Boss")
    world.settle()
    assert world.person_of("contact", contact)["title"] == "Boss"


def test_a_row_merged_into_a_lead_that_is_qualified_meanwhile_is_not_forgotten() -> None:
    world = World()
    lead, loser = world.lead(lastname="T"), world.lead(lastname="L", telephone1="1")
    world.settle()
    world.dynamics.merge("leads", loser, lead)
    fetch = world.dynamics.fetch
    reads: list[str] = []

    def qualified_after_the_first(entity: Any, ids: Any) -> Any:
        found = fetch(entity, ids)
        if lead in ids and not reads:
            reads.append(lead)
            contact = world.contact(lastname="T", _originatingleadid_value=lead)
            world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
        return found

    world.dynamics.fetch = qualified_after_the_first  # type: ignore[method-assign]  # somebody qualifies it right then
    world.settle()
    assert reads
    (contact,) = world.dynamics.rows("contacts")
    assert world.linked("lead", loser) is None
    assert world.linked("contact", contact) is not None
    assert len(world.marketo.rows("person")) == 1
    assert list(world.store.rejected()) == list(world.store.parked()) == []


@pytest.mark.parametrize("way", ["merged", "qualified"])
def test_rows_that_become_one_bring_no_deleted_person_back(way: str) -> None:
    world = World()
    lead = world.lead(**ADA)
    target = world.lead(lastname="T") if way == "merged" else world.contact(lastname="T")
    entity = "lead" if way == "merged" else "contact"
    world.settle()
    world.marketo.remove("person", str(world.linked(entity, target)))
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", lead)))
    if way == "merged":
        world.dynamics.merge("leads", lead, target)
    else:
        world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=target)
    world.settle()
    assert world.marketo.rows("person") == {}
    assert world.linked("lead", lead) is world.linked(entity, target) is None


def test_a_mark_that_could_not_be_made_is_made_later_though_its_person_is_looked_at_meanwhile() -> None:
    world = World()
    row = world.contact(lastname="C")
    world.settle()
    person = str(world.linked("contact", row))
    world.dynamics.remove("contacts", row)
    write = world.marketo.write

    def lost(writes: Any) -> Any:
        write(writes)
        return [Outcome(Status.UNKNOWN, each.id, problem=Problem("lost", "no answer")) for each in writes]

    world.marketo.write = lost  # type: ignore[method-assign]  # an answer is lost
    world.engine.run()
    world.marketo.write = write  # type: ignore[method-assign]  # back to normal
    world.settle()
    assert world.linked("contact", row) is None
    assert (world.marketo.row("person", person) or {})["microsoftIsDeleted"] is True
    assert list(world.store.rejected()) == []
