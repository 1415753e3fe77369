"""What counts as an older Dynamics, and what only looks like one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.connectors import ChangePage
from marketo_dynamics_sync.connectors.dynamics.checkpoint import counter
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine.restored import version_number
from marketo_dynamics_sync.entities import BoundEntity
from marketo_dynamics_sync.errors import RestoredError
from marketo_dynamics_sync.state import Commit
from tests.engine.world import World


class Counting(MemoryConnector):
    """A connector that says how far it counted, and shows rows as a test wants them."""

    answers: Sequence[int | None] = ()
    stale: frozenset[str] = frozenset()

    def counter(self, checkpoint: str) -> int | None:
        first, self.answers = (list(self.answers) or [None])[0], list(self.answers)[1:]
        return first

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        for page in super().changes(entities, checkpoint):
            rows = [evolve(row, version='W/"0"') if row.id in self.stale else row for row in page.records]
            yield evolve(page, records=rows)


def world_with_rows() -> tuple[World, Any, list[str]]:
    world = World(connector=Counting)
    rows = [world.lead(lastname=f"L{i}", emailaddress1=f"l{i}@x.com") for i in range(3)]
    world.settle()
    return world, world.dynamics, rows


@pytest.mark.parametrize(
    ("version", "number"),
    [('W/"919042"', 919042), ('"7"', 7), (None, None), ("", None), ('W/"abc"', None), ('W/"1" ', None), ("7", None)],
)
def test_only_numbers_are_compared(version: str | None, number: int | None) -> None:
    assert version_number(version) == number


@pytest.mark.parametrize(
    ("checkpoint", "number"),
    [
        ('{"link": "https://x/api/leads?$select=a&$deltatoken=919042!08/22/2017 08:10:44"}', 919042),
        ('{"link": "https://x/api/leads?$deltatoken=88001%2103%2f05%2f2026"}', 88001),
        ('{"link": "https://x/api/leads?$deltatoken=opaque"}', None),
        ('{"link": 7}', None),
        ('{"link": ""}', None),
        ("[]", None),
        ("no json", None),
        ("[" * 100_000, None),
    ],
)
def test_a_delta_link_tells_its_number_where_it_has_one(checkpoint: str, number: int | None) -> None:
    assert counter(checkpoint) == number


def test_a_page_that_is_older_than_the_row_is_read_again_and_no_alarm() -> None:
    """Read before we wrote, or from a copy that lags behind: the row itself says how it is."""
    world, dynamics, rows = world_with_rows()
    dynamics.stale = frozenset(rows)
    dynamics.change("leads", rows[0], jobtitle="CTO")
    world.engine.run()
    assert world.person_of("lead", rows[0])["title"] == "CTO"


def test_a_row_that_is_older_is_an_alarm_and_nothing_is_written() -> None:
    world, dynamics, rows = world_with_rows()
    dynamics.change("leads", rows[0], jobtitle="CTO")
    link = world.store.links_by_dynamics("lead", rows[:1])[rows[0]]
    world.store.commit(Commit(put_links=[evolve(link, version='W/"1000"')]))
    with pytest.raises(RestoredError, match=f"lead: row {rows[0]} has a lower version.*0 others of 1"):
        world.engine.run()
    assert world.person_of("lead", rows[0]).get("title") is None


def test_a_counter_that_went_back_compares_everything_before_it_says_so() -> None:
    world, dynamics, _ = world_with_rows()
    dynamics.answers = [100, 50, 100, 100]  # a link behind the last one; the listing's own is not
    report = world.engine.run()
    assert report.full_comparisons == ["changes of leads: older"]
    assert report.wrote == 0


def test_a_counter_that_stays_back_is_an_alarm() -> None:
    world, dynamics, rows = world_with_rows()
    dynamics.remove("leads", rows[0])
    dynamics.answers = [100, 50, 100, 50]
    with pytest.raises(RestoredError, match=r"leads: Dynamics counts its changes up to 50, and was at 100"):
        world.engine.run()
    assert world.linked("lead", rows[0]) is not None


def test_a_counter_of_a_table_that_nothing_is_linked_to_says_nothing() -> None:
    world, dynamics, _ = world_with_rows()
    dynamics.answers = [None, None, 100, 50, 100, 50]  # contacts
    assert world.engine.run().full_comparisons == ["changes of contacts: older"]
