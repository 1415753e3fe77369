"""Tables of many pages: what stands on the last of them stops a cycle before its first write."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from attrs import evolve

from marketo_dynamics_sync import Brake
from marketo_dynamics_sync.entities import Account, Lead, Record
from marketo_dynamics_sync.errors import RestoredError
from marketo_dynamics_sync.plan import StepKind
from marketo_dynamics_sync.state import Commit
from tests.engine.paged import FEW, ByTime, Paged, deleted, edited, keep, lived, picture, refused
from tests.engine.world import World

#: Nothing is read twice with so much room, everything that matters here with so little.
ROOM = pytest.mark.parametrize("room", [FEW, 10_000])


def many_deleted_on_the_last_pages(world: World, rows: list[str]) -> None:
    edited(world, rows[:18])
    deleted(world, rows[40:])


def many_edited(world: World, rows: list[str]) -> None:
    edited(world, rows[:40])


def many_deleted_and_the_checkpoint_lost(world: World, rows: list[str]) -> None:
    edited(world, rows[:18])
    deleted(world, rows[40:])
    world.dynamics.expire()


def all_gone_and_the_checkpoint_lost(world: World, rows: list[str]) -> None:
    deleted(world, rows)
    world.dynamics.expire()


def many_leave_the_filter(world: World, rows: list[str]) -> None:
    edited(world, rows[:18])
    for row in rows[40:]:
        world.dynamics.change("leads", row, address1_city="Out")


STORIES = [
    (many_deleted_on_the_last_pages, Brake.DELETES, r"20 of 60 .*'lead' \(33%\) look deleted"),
    (many_edited, Brake.CHANGES, r"40 of 60 .*'lead'.* \(67%\) would be written \(changed in Dynamics\)"),
    (many_deleted_and_the_checkpoint_lost, Brake.DELETES, r"20 of 60 .*'lead' \(33%\) look deleted"),
    (all_gone_and_the_checkpoint_lost, Brake.EMPTY, r"Dynamics shows no record of 'lead', and 60 are linked"),
    (many_leave_the_filter, Brake.FILTER, r"20 of 60 .*'lead' \(33%\) would leave the filter"),
]


@ROOM
@pytest.mark.parametrize("connector", [Paged, ByTime])
@pytest.mark.parametrize(("story", "brake", "says"), STORIES, ids=lambda value: getattr(value, "__name__", None))
def test_what_only_late_pages_show_is_refused_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[World, list[str]], None],
    brake: Brake,
    says: str,
    connector: type[Paged],
    room: int,
) -> None:
    keep(monkeypatch, room)
    filters = {"lead": lambda row: row.values.get("city") != "Out"}
    world, rows = lived(entities=(Account, Lead), connector=connector, filters=filters)
    story(world, rows)
    refused(world, brake, says)

    world.engine.run(release=[brake])
    assert len(world.marketo.rows("company")) == 1
    world.settle()


@ROOM
def test_a_brake_that_was_released_holds_again_in_the_next_cycle(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    keep(monkeypatch, room)
    world, rows = lived()
    many_edited(world, rows)
    assert world.engine.run(release=[Brake.CHANGES]).counts["lead", "to Marketo", "updated"] == 40
    world.settle()
    for row in rows[10:50]:
        world.dynamics.change("leads", row, address1_city="Newer")
    refused(world, Brake.CHANGES, "40 of 60")


@ROOM
def test_a_row_on_the_last_page_that_went_back_is_refused_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    keep(monkeypatch, room)
    world, rows = lived(entities=(Account, Lead))
    link = world.store.links_by_dynamics("lead", rows[20:21])[rows[20]]
    world.store.commit(Commit(put_links=[evolve(link, version='W/"100000"')]))
    edited(world, rows[:21])
    world.dynamics.put("accounts", name="New")
    before = picture(world)
    for call in (world.engine.plan, world.engine.run):
        with pytest.raises(RestoredError, match=rf"lead: row {rows[20]} has a lower version.*engine\.rebind\(\)"):
            call()
    assert picture(world) == before


class Counting(Paged):
    """A service that says how far it counted."""

    def counter(self, checkpoint: str) -> int | None:
        return int(checkpoint)


def test_a_counter_on_the_last_page_that_went_back_is_refused_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(monkeypatch, FEW)
    world, rows = lived(connector=Counting, entities=(Account, Lead))
    edited(world, rows[:21])
    world.dynamics.put("accounts", name="New")
    numbers = iter([1000, 5, 1000, 5])
    counted = {"leads": lambda: next(numbers)}
    stream = world.dynamics.stream

    def counter(checkpoint: str) -> int | None:
        return counted["leads"]() if reading[-1] == "leads" else None

    reading = [""]

    def named(entity: object) -> str:
        reading.append(stream(entity))  # type: ignore[arg-type]  # whatever it is asked for
        return reading[-1]

    world.dynamics.stream = named  # type: ignore[method-assign]  # tells whose checkpoint is looked at
    world.dynamics.counter = counter  # type: ignore[attr-defined]  # an older database
    before = picture(world)
    with pytest.raises(RestoredError, match="leads: Dynamics counts its changes up to 5, and was at 1000"):
        world.engine.run()
    assert picture(world) == before


@ROOM
def test_a_changed_mapping_that_would_write_most_records_is_refused(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    keep(monkeypatch, room)
    world, _ = lived(entities=(Account, Lead))
    links = [
        evolve(link, base={k: v for k, v in link.base.items() if k != "city"}, fingerprint="before")
        for link in world.store.links("lead")
    ]
    world.store.commit(Commit(put_links=links, facts={"mapping:lead": "before"}))
    refused(world, Brake.CHANGES, r"60 of 60.*the mapping changed")
    world.engine.run(release=[Brake.CHANGES])
    world.settle()


def qualified(world: World, rows: Sequence[str], contacts: Sequence[str]) -> None:
    for row, contact in zip(rows, contacts, strict=True):
        world.dynamics.change("leads", row, statecode=1, statuscode=3, _parentcontactid_value=contact)


@ROOM
def test_merges_of_all_pages_are_counted_before_the_first(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    keep(monkeypatch, room)
    world, rows = lived()
    contacts = [world.contact(lastname=f"C{n}", emailaddress1=f"c{n}@example.com") for n in range(20)]
    world.settle()
    qualified(world, rows[:20], contacts)
    refused(world, Brake.MERGES, r"persons of 20 of 60 linked records of 'lead' \(33%\) would be merged")
    planned = world.engine.plan(release=[Brake.MERGES])
    assert sum(step.kind is StepKind.MERGE_PERSONS for step in planned.steps) == 20
    world.engine.run(release=[Brake.MERGES])
    world.settle()
    assert len(world.marketo.rows("person")) == 60


def test_leads_that_became_contacts_of_their_own_are_no_merges_however_many() -> None:
    world, rows = lived()
    contacts = [world.contact(lastname=f"L{n}", emailaddress1=f"l{n}@example.com") for n in range(20)]
    qualified(world, rows[:20], contacts)
    planned = world.engine.plan()
    assert sum(step.kind is StepKind.MOVE for step in planned.steps) == 20
    world.settle()
    assert len(world.marketo.rows("person")) == 60


def test_merges_into_one_new_contact_are_counted_too() -> None:
    world, rows = lived()
    contact = world.contact(lastname="One")
    qualified(world, rows[:20], [contact] * 20)
    refused(world, Brake.MERGES, r"persons of 19 of 60 linked records of 'lead'")


def test_a_few_merges_cost_no_call_ahead() -> None:
    world, rows = lived()
    contacts = [world.contact(lastname=f"C{n}") for n in range(4)]
    world.settle()
    qualified(world, rows[:4], contacts)
    fetched: list[str] = []
    fetch = world.dynamics.fetch
    opened: list[int] = []
    world.dynamics.at_end = lambda table, times: opened.append(len(fetched))  # type: ignore[attr-defined]  # a spy

    def spied(entity: object, ids: Sequence[str]) -> list[Record]:
        fetched.append("fetch")
        return fetch(entity, ids)  # type: ignore[arg-type]  # handed through

    world.dynamics.fetch = spied  # type: ignore[method-assign]  # counts calls
    world.engine.run()
    assert opened[:2] == [0, 0], "the two tables were looked at"
