"""Brakes before the first write where Marketo's persons changed, or its stream of changes was lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from marketo_dynamics_sync import Brake, Brakes
from marketo_dynamics_sync.engine import lookout
from marketo_dynamics_sync.entities import Account, Lead, Record, Side
from marketo_dynamics_sync.errors import PlanRefusedError
from tests.engine.paged import edited, lived, persons, picture, refused


def test_all_persons_are_looked_for_where_the_stream_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "PERSONS_AT_ONCE", 7)
    monkeypatch.setattr(lookout, "SOME_PERSONS", 10)
    world, rows = lived(entities=(Account, Lead))
    for person in persons(world, rows)[40:]:
        world.marketo.remove("person", person)
    world.marketo.expire()
    refused(world, Brake.DELETES, "20 of 60 .*look deleted")
    world.engine.run(release=[Brake.DELETES])
    world.settle()


def test_edits_are_looked_for_where_the_stream_was_lost() -> None:
    world, rows = lived(entities=(Account, Lead))
    for person in persons(world, rows)[20:]:
        world.marketo.change("person", person, city="New")
    world.marketo.expire()
    refused(world, Brake.CHANGES, "40 of 60 .*changed in Marketo")
    world.engine.run(release=[Brake.CHANGES])
    world.settle()


def test_a_share_below_the_limit_passes_however_it_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page of persons is judged by itself: all that are gone may be on one."""
    monkeypatch.setattr("marketo_dynamics_sync.engine.cycle.PERSONS_AT_ONCE", 10)
    world, rows = lived()
    for person in persons(world, rows)[:10]:
        world.marketo.remove("person", person)
    world.marketo.expire()
    world.engine.run()
    world.settle()
    assert world.store.count_links("lead") == 50


def test_persons_of_an_entity_that_was_not_synced_for_a_time_are_looked_for() -> None:
    world, rows = lived()
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@example.com") for n in range(9)]
    world.settle()
    alone = world.new_engine(entities=(Lead,))
    for row in contacts:
        link = world.store.links_by_dynamics("contact", [row])[row]
        world.marketo.remove("person", link.marketo_id)
    alone.run()
    edited(world, rows[:5])
    before = picture(world)
    with pytest.raises(PlanRefusedError, match=r"9 of 9 .*'contact'.*look deleted.*Nothing was written"):
        world.engine.run()
    assert picture(world) == before


@pytest.mark.parametrize(("changed", "says"), [(range(20, 60), "40 of 60"), (range(60), "60 of 60")])
def test_changed_persons_are_counted_not_guessed(monkeypatch: pytest.MonkeyPatch, changed: range, says: str) -> None:
    """The first ones don't stand for all."""
    monkeypatch.setattr(lookout, "SOME_PERSONS", 10)
    world, rows = lived(entities=(Account, Lead))
    for place, person in enumerate(persons(world, rows)):
        world.marketo.change("person", person, city="New" if place in changed else "Old")
    refused(world, Brake.CHANGES, f"{says} .*changed in Marketo")


def test_our_own_writes_are_no_news_and_cost_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "SOME_PERSONS", 10)
    world, rows = lived()
    for person in persons(world, rows):
        world.marketo.change("person", person)  # told by the stream, and nothing is new
    read: list[int] = []
    fetch = world.marketo.fetch

    def spied(entity: object, ids: Sequence[str]) -> list[Record]:
        read.append(len(ids))
        return fetch(entity, ids)  # type: ignore[arg-type]  # handed through

    world.marketo.fetch = spied  # type: ignore[method-assign]  # counts persons
    assert world.engine.run().wrote == 0
    assert read == [10, 60]


def test_where_no_brake_can_refuse_nobody_is_looked_for() -> None:
    world, rows = lived(4, brakes=Brakes())
    world.marketo.remove("person", persons(world, rows)[0])
    world.marketo.expire()
    reads = world.marketo.calls.reads
    world.engine.run()
    assert world.marketo.calls.reads - reads == 3, "the stream twice, and the persons"
    assert world.marketo.side is Side.MARKETO
