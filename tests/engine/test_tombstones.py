"""A person that was deleted in Marketo stays deleted until somebody edits its row, also when everything is compared."""

from __future__ import annotations

from marketo_dynamics_sync.entities import Side
from tests.engine.world import World


def orphan(world: World) -> str:
    """Return a row whose person was deleted, as the last cycle found."""
    row = world.lead(lastname="A", emailaddress1="a@x.com", jobtitle="old")
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.settle()
    assert world.linked("lead", row) is None
    return row


def test_a_full_comparison_makes_nobody_of_a_row_that_was_left_alone() -> None:
    world = World()
    row = orphan(world)
    other = world.lead(lastname="B")
    world.dynamics.expire()
    assert world.engine.backlog().of("lead", Side.DYNAMICS).inserts == 1
    plan = world.engine.plan()
    assert [step.dynamics_id for step in plan.steps if step.writes_marketo] == [other]
    world.settle()
    assert world.linked("lead", row) is None
    assert [person["lastName"] for person in world.marketo.rows("person").values()] == ["B"]


def test_an_edit_of_the_row_makes_a_person_of_it_again_and_the_next_deletion_counts_too() -> None:
    world = World()
    row = orphan(world)
    for title in ("new", "newer"):
        world.dynamics.change("leads", row, jobtitle=title)
        world.dynamics.expire()
        world.settle()
        assert world.person_of("lead", row)["title"] == title
        world.marketo.remove("person", str(world.linked("lead", row)))
        world.settle()
        world.dynamics.expire()
        world.settle()
        assert world.marketo.rows("person") == {}


def test_an_edit_that_came_before_the_deletion_was_known_beats_it_when_everything_is_compared() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com", jobtitle="old")
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.dynamics.change("leads", row, jobtitle="new")
    world.dynamics.expire()
    world.marketo.expire()
    world.settle()
    assert world.person_of("lead", row)["title"] == "new"


def test_a_row_that_is_asked_for_by_itself_gets_its_person_back() -> None:
    world = World()
    row = orphan(world)
    world.engine.sync_records([row], entity="lead")
    assert world.person_of("lead", row)["title"] == "old"
    world.dynamics.expire()
    assert world.settle().wrote == 0


def test_a_person_found_gone_by_a_full_comparison_of_marketo_stays_gone() -> None:
    world = World()
    row = world.lead(lastname="A", emailaddress1="a@x.com")
    kept = world.lead(lastname="B", emailaddress1="b@x.com")
    world.settle()
    world.marketo.remove("person", str(world.linked("lead", row)))
    world.marketo.expire()
    world.dynamics.expire()
    world.settle()
    world.dynamics.expire()
    world.settle()
    assert world.linked("lead", row) is None
    assert world.linked("lead", kept) is not None


def test_closing_the_row_is_no_reason_to_make_a_person_of_it_again() -> None:
    world = World()
    row = orphan(world)
    world.dynamics.change("leads", row, statecode=2, statuscode=4)
    world.settle()
    assert world.marketo.rows("person") == {}
    world.dynamics.change("leads", row, statecode=0, statuscode=1)
    world.settle()
    assert world.linked("lead", row) is not None
