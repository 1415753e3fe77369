"""Edits in Marketo between our reading of a person and our write to it, which Marketo doesn't refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from marketo_dynamics_sync.conflict import DynamicsWins, Hold, MarketoWins, PolicyLike
from marketo_dynamics_sync.entities import Contact, Lead, Side
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, fused

POLICIES: dict[str, PolicyLike] = {"marketo": MarketoWins(), "dynamics": DynamicsWins(), "hold": Hold()}
EDIT = "Countess"


class Meanwhile(Fuse):
    """Lets somebody act at one boundary, before the kill there, if any."""

    def __init__(self, place: int | None = None, act: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.place = place
        self.act = act

    def burn(self) -> None:
        if self.passed == self.place:
            self.act()
        super().burn()


@frozen
class Story:
    """What happened before a cycle in which the title of a person is written.

    Attributes:
        happens: Makes it happen, and returns the person's id.
        work: What the engine is asked to do.
        entity: The entity of the row in the end.
        before: People of whom both sides agree.
    """

    happens: Callable[[World], str]
    work: Callable[[World, str], object] = lambda world, person: world.engine.run()
    entity: str = "lead"


def agreed(world: World, entity: str = "lead", **columns: object) -> str:
    make = world.lead if entity == "lead" else world.contact
    row = make(**({"lastname": "Byron", "emailaddress1": "ada@x.com", "jobtitle": "Engineer"} | columns))
    world.settle()
    return row


def promoted(entity: str) -> Callable[[World], str]:
    def happens(world: World) -> str:
        row = agreed(world, entity)
        world.dynamics.change(f"{entity}s", row, jobtitle="Director")
        return str(world.linked(entity, row))

    return happens


def both_ways(entity: str) -> Callable[[World], str]:
    """The cycle writes to Dynamics first, and then to Marketo."""

    def happens(world: World) -> str:
        person = promoted(entity)(world)
        world.marketo.change("person", person, city="London")
        return person

    return happens


def clash(world: World) -> str:
    """Marketo has edited the title already; the edit under test is one more."""
    person = both_ways("contact")(world)
    world.marketo.change("person", person, title="Baroness")
    return person


def found_by_email(world: World) -> str:
    person = world.person(lastName="Byron", email="ada@x.com", city="London")
    world.engine.run()
    world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Director")
    return person


def qualified(world: World) -> str:
    row = agreed(world)
    contact = world.contact(
        lastname="Byron", emailaddress1="ada@x.com", jobtitle="Director", _originatingleadid_value=row
    )
    world.dynamics.change("leads", row, statecode=1, statuscode=3, _parentcontactid_value=contact)
    world.marketo.change("person", str(world.linked("lead", row)), city="London")
    return str(world.linked("lead", row))


def stranger(world: World) -> str:
    world.engine.run()
    world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Director")
    return world.person(lastName="Byron", email="ada@x.com", city="London")


def push(world: World, person: str) -> object:
    return world.engine.push_persons([person])


def fill(world: World, person: str) -> object:
    return world.engine.backfill("lead", ["job_title", "city"], winner=Side.DYNAMICS)


STORIES = {
    "lead": Story(promoted("lead")),
    "contact": Story(promoted("contact"), entity="contact"),
    "both ways, lead": Story(both_ways("lead")),
    "both ways, contact": Story(both_ways("contact"), entity="contact"),
    "clash": Story(clash, entity="contact"),
    "found by e-mail": Story(found_by_email),
    "qualified": Story(qualified, entity="contact"),
    "pushed": Story(stranger, push),
    "back-fill": Story(both_ways("lead"), fill),
}


def world_of(story: Story, **options: Any) -> tuple[World, str]:
    world = World((Lead, Contact), store=FusedStore(), **options)
    return world, story.happens(world)


def accounted_for(world: World, story: Story, person: str) -> str:
    """Return what became of the edit."""
    (row,) = [link.dynamics_id for link in world.store.links(story.entity) if link.marketo_id == person]
    title = (world.marketo.row("person", person) or {})["title"]
    jobtitle = (world.dynamics.row(f"{story.entity}s", row) or {}).get("jobtitle")
    entries = [e for e in world.store.journal() if e.detail.get("marketo") == EDIT]
    if any(parked.field == "job_title" for parked in world.store.parked()):
        return "held" if title == EDIT else "lost"
    assert title == jobtitle
    if title == EDIT:
        return "kept"
    assert all(entry.detail["rule"] for entry in entries)
    return entries[-1].kind if entries else "lost"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", STORIES)
def test_an_edit_at_any_boundary_is_kept_or_loses_to_a_rule(name: str, policy: str) -> None:
    story, options = STORIES[name], {"policies": POLICIES[policy], "reread_after": 0}
    world, person = world_of(story, **options)
    fuse = Meanwhile()
    fused(world, fuse)
    story.work(world, person)
    found = Counter[str]()
    for place in range(fuse.passed):
        world, person = world_of(story, **options)
        fused(world, Meanwhile(place, lambda w=world, p=person: w.marketo.change("person", p, title=EDIT)))
        story.work(world, person)
        world.settle()
        became = accounted_for(world, story, person)
        assert became != "lost", f"edited at boundary {place}"
        found[became] += 1
    assert sum(found.values()) == fuse.passed > 5


def overwritten_at(story: Story, **options: Any) -> tuple[list[int], int]:
    """Return the boundaries at which an edit is overwritten for a time, and how many there are."""
    world, person = world_of(story, **options)
    fuse = Meanwhile()
    fused(world, fuse)
    story.work(world, person)
    found = []
    for place in range(fuse.passed):
        world, person = world_of(story, **options)
        fused(world, Meanwhile(place, lambda w=world, p=person: w.marketo.change("person", p, title=EDIT)))
        story.work(world, person)
        if world.engine.run().overwritten:
            found.append(place)
    return found, fuse.passed


def test_only_one_call_and_our_own_notes_lie_between_reading_and_writing() -> None:
    wide, _ = overwritten_at(STORIES["both ways, lead"], reread_after=None)
    narrow, last = overwritten_at(STORIES["both ways, lead"], reread_after=0)
    # The note of what is about to be written, before and after; and the call itself.
    assert len(narrow) == 3
    assert len(wide) > len(narrow)
    assert max(narrow) < last
