"""Brakes stop a cycle before its first write, in the plan as in the run, and let it pass once when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from marketo_dynamics_sync import Brake, Brakes, Canary
from marketo_dynamics_sync.connectors import ChangePage
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.entities import Account, BoundEntity, Contact, Entity, Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError, PlanRefusedError
from marketo_dynamics_sync.state import Commit
from tests.engine.world import World

#: So small that thirty people can tell.
SMALL = Brakes(min_deletes=5, min_changes=10)


def people(world: World, count: int = 30) -> list[str]:
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com", address1_city="Old") for n in range(count)]
    world.settle()
    world.later(minutes=5)
    return rows


def persons(world: World, rows: list[str]) -> list[str]:
    links = world.store.links_by_dynamics("lead", rows)
    return [links[row].marketo_id for row in rows]


def many_rows_edited(world: World, rows: list[str]) -> None:
    for row in rows[:20]:
        world.dynamics.change("leads", row, address1_city="New")


def many_persons_edited(world: World, rows: list[str]) -> None:
    for person in persons(world, rows[:20]):
        world.marketo.change("person", person, city="New")


def many_rows_deleted(world: World, rows: list[str]) -> None:
    for row in rows[:20]:
        world.dynamics.remove("leads", row)


def many_persons_deleted(world: World, rows: list[str]) -> None:
    for person in persons(world, rows[:20]):
        world.marketo.remove("person", person)


def many_persons_lost_with_the_stream(world: World, rows: list[str]) -> None:
    many_persons_deleted(world, rows)
    world.marketo.expire()


def everything_gone(world: World, rows: list[str]) -> None:
    for row in rows:
        world.dynamics.remove("leads", row)
    world.dynamics.expire()


STORIES = [
    (many_rows_edited, Brake.CHANGES, r"20 of 30 .*'lead'.* \(67%\) would be written \(changed in Dynamics\)"),
    (many_persons_edited, Brake.CHANGES, r"20 of 30 .*would be written \(changed in Marketo\)"),
    (many_rows_deleted, Brake.DELETES, r"20 of 30 .*look deleted"),
    (many_persons_deleted, Brake.DELETES, r"20 of 30 .*look deleted"),
    (many_persons_lost_with_the_stream, Brake.DELETES, r"20 of 30 .*look deleted"),
    (everything_gone, Brake.EMPTY, r"Dynamics shows no record of 'lead', and 30 are linked"),
]


@pytest.mark.parametrize(("story", "brake", "says"), STORIES, ids=lambda value: getattr(value, "__name__", None))
def test_what_looks_like_an_accident_is_refused_before_the_first_write(
    story: Callable[[World, list[str]], None], brake: Brake, says: str
) -> None:
    world = World(brakes=SMALL)
    rows = people(world)
    contact = world.contact(lastname="New", emailaddress1="new@example.com")
    story(world, rows)
    before = (world.marketo.rows("person"), world.dynamics.rows("leads"))
    writes = (world.marketo.calls.writes, world.dynamics.calls.writes)

    for call in (world.engine.plan, world.engine.run):
        with pytest.raises(PlanRefusedError, match=says) as refused:
            call()
        assert refused.value.brake == brake.value
        assert f"release=[Brake.{brake.name}]" in str(refused.value)
    assert before == (world.marketo.rows("person"), world.dynamics.rows("leads"))
    assert writes == (world.marketo.calls.writes, world.dynamics.calls.writes)
    assert world.linked("contact", contact) is None

    assert world.engine.plan(release=[brake]).steps
    world.engine.run(release=[brake])
    assert world.linked("contact", contact) is not None
    world.settle()


def test_a_brake_that_was_released_once_brakes_the_next_time() -> None:
    world = World(brakes=SMALL)
    rows = people(world)
    many_rows_edited(world, rows)
    world.engine.run(release=[Brake.CHANGES])
    world.settle()
    for row in rows:
        world.dynamics.change("leads", row, address1_city="Newer")
    with pytest.raises(PlanRefusedError):
        world.engine.run()


def test_rows_that_were_touched_without_news_do_not_brake() -> None:
    world = World(brakes=SMALL)
    for row in people(world):
        world.dynamics.change("leads", row, address1_city="Old")
    assert world.engine.run().wrote == 0


def test_our_own_writes_in_marketos_stream_do_not_brake() -> None:
    world = World(brakes=SMALL)
    for n in range(30):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com")
    world.engine.run()
    assert world.engine.run().wrote == 0


def test_a_first_copy_never_brakes() -> None:
    world = World(brakes=SMALL)
    for n in range(30):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com")
    assert world.engine.run().total("to Marketo", "created") == 30


def test_a_changed_mapping_that_would_write_most_records_is_refused() -> None:
    world = World((Lead,), brakes=SMALL)
    without_city = world.new_engine(brakes=SMALL)
    for n in range(30):
        world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com", address1_city="Paris")
    without_city.run()
    without_city.run()
    links = list(world.store.links("lead"))
    world.later(minutes=5)
    # As if the field had been added to the mapping since: no base of it, another digest.
    world.store.commit(
        Commit(
            put_links=[
                evolve(link, base={k: v for k, v in link.base.items() if k != "city"}, fingerprint="before")
                for link in links
            ],
            facts={"mapping:lead": "before"},
        )
    )
    with pytest.raises(PlanRefusedError, match=r"30 of 30.*the mapping changed") as refused:
        world.engine.run()
    assert refused.value.brake == "changes"
    world.engine.run(release=[Brake.CHANGES])
    world.settle()


def test_a_filter_that_would_leave_many_outside_is_refused() -> None:
    world = World(brakes=SMALL)
    rows = people(world)
    engine = world.new_engine(filters={"lead": lambda row: row.values.get("city") != "Out"})
    for row in rows[:10]:
        world.dynamics.change("leads", row, address1_city="Out")
    with pytest.raises(PlanRefusedError, match=r"10 of 30 .*would leave the filter") as refused:
        engine.run()
    assert refused.value.brake == "filter"
    assert engine.run(release=[Brake.FILTER]).wrote == 0
    assert engine.run().wrote == 0


def test_a_number_of_deletions_can_be_the_limit() -> None:
    world = World(brakes=Brakes(max_deletes=2))
    rows = people(world)
    for row in rows[:3]:
        world.dynamics.remove("leads", row)
    with pytest.raises(PlanRefusedError, match="max_deletes"):
        world.engine.run()


class Slow(MemoryConnector):
    """A service whose clock is an hour behind ours."""

    skew = timedelta(hours=1)


def test_clocks_that_disagree_are_refused() -> None:
    world = World(connector=Slow)
    world.lead(lastname="New", emailaddress1="new@example.com")
    with pytest.raises(PlanRefusedError, match="60 minutes apart") as refused:
        world.engine.run()
    assert refused.value.brake == "clock"
    assert world.engine.run(release=[Brake.CLOCK]).wrote == 1


@pytest.mark.parametrize("side", ["Dynamics", "Marketo"])
def test_a_canary_that_is_gone_stops_the_cycle(side: str) -> None:
    world = World()
    canary, *others = people(world, 3)
    engine = world.new_engine(brakes=Brakes(canary=Canary("lead", canary)))
    assert engine.run().wrote == 0
    world.dynamics.change("leads", others[0], address1_city="New")
    if side == "Dynamics":
        world.dynamics.remove("leads", canary)
    else:
        world.marketo.remove("person", persons(world, [canary])[0])
    with pytest.raises(PlanRefusedError, match=f"canary.*{side}") as refused:
        engine.run()
    assert refused.value.brake == "canary"
    assert engine.run(release=[Brake.CANARY]).wrote >= 1


def test_a_canary_must_be_of_an_entity_that_is_synced() -> None:
    world = World((Contact, Account))
    with pytest.raises(ConfigurationError, match="canary"):
        world.new_engine(brakes=Brakes(canary=Canary("lead", "1")))


def test_only_brakes_can_be_released() -> None:
    world = World()
    with pytest.raises(ConfigurationError, match="release"):
        world.engine.run(release=["deletes"])  # type: ignore[list-item]  # the mistake under test
    assert Brakes().release(Brake.CLOCK).released == {Brake.CLOCK}  # type: ignore[arg-type]  # one brake is taken too


@pytest.mark.parametrize("entities", [(Account, Lead), (Lead, Contact)])
def test_rows_missing_from_a_listing_are_missed_before_anything_is_written(entities: tuple[type[Entity], ...]) -> None:
    world = World(entities, brakes=SMALL)
    rows = people(world)
    world.dynamics.expire()
    for row in rows[:10]:
        world.dynamics.remove("leads", row)
    world.dynamics.put("accounts", name="New")
    world.contact(lastname="New")
    before = world.marketo.rows("person"), world.marketo.rows("company")
    with pytest.raises(PlanRefusedError, match="Nothing was written"):
        world.engine.run()
    assert (world.marketo.rows("person"), world.marketo.rows("company")) == before


class ByTime(MemoryConnector):
    """Reads rows as a table without change tracking is read: what changed, then every id."""

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        for page in super().changes(entities, checkpoint):
            if self.side is Side.MARKETO or checkpoint is None:
                yield page
                continue
            ids = list(self.rows(entities[0].definition.dynamics))
            yield ChangePage(page.records, present=[record.id for record in page.records], listing=True)
            yield ChangePage(present=ids, listing=True, checkpoint=page.checkpoint)


def test_a_table_without_change_tracking_brakes_like_any_other() -> None:
    world = World((Account, Lead), connector=ByTime, brakes=SMALL)
    rows = people(world)
    for row in rows[:12]:
        world.dynamics.change("leads", row, address1_city="New")
    assert world.engine.run().counts["lead", "to Marketo", "updated"] == 12, "a third is not too many"
    world.settle()
    for row in rows[:10]:
        world.dynamics.remove("leads", row)
    world.dynamics.put("accounts", name="New")
    with pytest.raises(PlanRefusedError, match="Nothing was written"):
        world.engine.run()
    assert world.marketo.rows("company") == {}
