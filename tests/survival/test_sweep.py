"""A kill at every boundary of every scenario, and at every pair of boundaries of some: the end is the same."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.engine.world import World
from tests.survival.fuse import BATCH, Fuse, Killed, Written, fused
from tests.survival.scenarios import SCENARIOS, TWICE, Scenario

#: Fields by which nothing is compared: ids that Marketo numbers in the order of its creates, and ids that we choose.
VARY = frozenset({"id", "leadid", "contactid", "dynamicsId", "leadId"})


def picture(world: World) -> object:
    """Return what both sides hold and what the store knows, without ids that differ from run to run."""
    marketo = {name: _records(world.marketo.rows(name)) for name in world.marketo.objects}
    dynamics = {name: _records(world.dynamics.rows(name)) for name in world.dynamics.objects}
    store = world.store
    links = {cls.__entity__.name: store.count_links(cls.__entity__.name) for cls in world.entities}
    parked = sorted((p.entity, p.side, p.field, p.reason) for p in store.parked())
    rejected = sorted((r.entity, r.side, r.code) for r in store.rejected())
    return marketo, dynamics, links, parked, rejected


def _records(rows: dict[str, dict[str, object]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((k, str(v)) for k, v in row.items() if k not in VARY) for row in rows.values())


def finished(world: World, scenario: Scenario) -> None:
    """Let a new process do the work, and go on until the world is quiet."""
    world.engine = world.new_engine()
    scenario.act(world)
    world.settle()


def undisturbed(scenario: Scenario) -> tuple[object, int, Written]:
    world = scenario.world()
    fuse = Fuse()
    written = fused(world, fuse)
    scenario.act(world)
    passed = fuse.passed
    finished(world, scenario)
    return picture(world), passed, written


def test_there_are_fifty_scenarios_and_ten_of_them_are_swept_twice() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 50
    assert len(set(TWICE) & set(names)) >= 10


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_it_ends_the_same(scenario: Scenario) -> None:
    wanted, passed, once = undisturbed(scenario)
    assert passed > 3
    for place in range(passed):
        world = scenario.world()
        fuse = Fuse(place)
        written = fused(world, fuse)
        with pytest.raises(Killed):
            scenario.act(world)
        fuse.left = None
        finished(world, scenario)
        assert picture(world) == wanted, f"{scenario.name}: killed at boundary {place}"
        # At most the batch that was under way is sent again to each side.
        assert written.marketo <= once.marketo + BATCH, f"{scenario.name}: killed at boundary {place}"
        assert written.dynamics <= once.dynamics + BATCH, f"{scenario.name}: killed at boundary {place}"


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name in TWICE], ids=lambda scenario: scenario.name)
def test_with_digests_it_ends_as_with_values(scenario: Scenario) -> None:
    hiding = evolve(scenario, options=lambda: {**scenario.options(), "base": "digest"})
    assert undisturbed(hiding)[0] == undisturbed(scenario)[0]
    test_killed_at_any_boundary_it_ends_the_same(hiding)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name in TWICE], ids=lambda scenario: scenario.name)
def test_killed_at_any_two_boundaries_it_ends_the_same(scenario: Scenario) -> None:
    wanted, passed, _ = undisturbed(scenario)
    for first in range(passed):
        for second in range(passed):
            world = scenario.world()
            fuse = Fuse(first)
            fused(world, fuse)
            with pytest.raises(Killed):
                scenario.act(world)
            fuse.left = second
            try:
                world.engine = world.new_engine()
                scenario.act(world)
            except Killed:
                pass
            else:
                break  # what is left takes fewer boundaries than that
            finally:
                fuse.left = None
            finished(world, scenario)
            assert picture(world) == wanted, f"{scenario.name}: killed at boundaries {first} and {second}"
