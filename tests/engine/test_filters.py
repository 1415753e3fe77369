"""Rows that the user's filter keeps out, rows that enter it, and rows that leave."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_dynamics_sync.entities import Contact, Lead, Record, mapped
from marketo_dynamics_sync.errors import ConfigurationError, FieldMissingError, PolicyError
from tests.engine.world import World


class Wanted(Lead):
    """A lead with a column that sales switches the sync on by; Marketo has no such field."""

    to_marketo: bool | None = mapped(dynamics="new_synctomarketo", read_only=True)


def flagged(row: Record) -> bool:
    return row.values["to_marketo"] is True


def filtered() -> World:
    return World((Wanted, Contact), filters={"lead": flagged})


def lead(world: World, **columns: Any) -> str:
    return world.lead(lastname="A", emailaddress1="a@x.com", **columns)


@pytest.mark.parametrize("flag", [None, False])
def test_a_row_outside_the_filter_reaches_nobody(flag: bool | None) -> None:
    world = filtered()
    row = lead(world, new_synctomarketo=flag)
    inside = world.lead(lastname="B", emailaddress1="b@x.com", new_synctomarketo=True)
    contact = world.contact(lastname="C", emailaddress1="c@x.com")
    world.settle()
    assert world.linked("lead", row) is None
    assert world.linked("lead", inside) is not None
    assert world.linked("contact", contact) is not None, "other entities have no filter"
    assert "new_synctomarketo" not in str(world.marketo.rows("person"))


def test_a_row_that_enters_is_taken_up() -> None:
    world = filtered()
    row = lead(world, new_synctomarketo=False)
    known = world.person(lastName="Old", email="A@x.com")
    world.settle()
    world.dynamics.change("leads", row, new_synctomarketo=True)
    world.settle()
    assert world.linked("lead", row) == known


def test_a_row_that_leaves_goes_stale_and_nothing_is_lost_when_it_enters_again() -> None:
    world = filtered()
    row = lead(world, new_synctomarketo=True)
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, new_synctomarketo=False, jobtitle="Poet")
    world.settle()
    world.marketo.change("person", person, phone="1")
    world.settle()
    assert (world.marketo.row("person", person) or {}).get("title") is None
    assert (world.dynamics.row("leads", row) or {}).get("telephone1") is None
    assert world.linked("lead", row) == person, "it stays linked"

    world.dynamics.change("leads", row, new_synctomarketo=True)
    world.settle()
    assert (world.marketo.row("person", person) or {})["title"] == "Poet"
    assert (world.dynamics.row("leads", row) or {})["telephone1"] == "1", "an edit of the meantime too"
    assert world.store.fact(f"stale:lead:{row}") is None


def test_a_row_that_left_is_not_written_even_where_its_person_alone_changes() -> None:
    world = filtered()
    row = lead(world, new_synctomarketo=True)
    world.settle()
    world.dynamics.change("leads", row, new_synctomarketo=False)
    world.marketo.change("person", str(world.linked("lead", row)), title="Countess")
    world.settle()
    assert (world.dynamics.row("leads", row) or {}).get("jobtitle") is None


def test_a_lead_inside_qualified_into_a_contact_outside_stays_the_person() -> None:
    world = World(filters={"contact": lambda row: row.values["job_title"] == "wanted"})
    row = lead(world)
    world.settle()
    person = str(world.linked("lead", row))
    contact = world.contact(lastname="A", emailaddress1="a@x.com", _originatingleadid_value=row)
    world.dynamics.change("leads", row, statecode=1, _parentcontactid_value=contact, jobtitle="Poet")
    world.settle()
    assert world.linked("lead", row) == person
    assert world.linked("contact", contact) is None
    assert (world.marketo.row("person", person) or {})["title"] == "Poet"
    world.dynamics.change("contacts", contact, jobtitle="wanted")
    world.settle()
    assert world.linked("contact", contact) == person, "one person, also when the contact enters later"
    assert len(world.marketo.rows("person")) == 1


def test_a_deleted_row_outside_the_filter_is_still_noticed() -> None:
    world = filtered()
    row = lead(world, new_synctomarketo=True)
    world.settle()
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, new_synctomarketo=False)
    world.settle()
    world.dynamics.remove("leads", row)
    world.settle()
    assert (world.marketo.row("person", person) or {})["microsoftIsDeleted"] is True


def test_a_plan_goes_through_the_filter_too() -> None:
    world = filtered()
    lead(world, new_synctomarketo=False)
    assert world.engine.plan().empty


def test_a_column_that_is_only_looked_at_must_be_there() -> None:
    world = filtered()
    del world.dynamics.objects["leads"].fields["new_synctomarketo"]
    with pytest.raises(FieldMissingError, match=r"Wanted\.to_marketo"):
        world.engine.run()


def test_filters_that_can_not_work_are_refused_and_ones_that_raise_are_named() -> None:
    with pytest.raises(ConfigurationError, match="no entity is called 'leads'"):
        World(filters={"leads": flagged})
    with pytest.raises(ConfigurationError, match="lead: give a function"):
        World(filters={"lead": True})
    world = World(filters={"lead": lambda row: row.values["nope"]})
    lead(world)
    with pytest.raises(PolicyError, match="filter of 'lead' raised KeyError for row"):
        world.engine.run()
