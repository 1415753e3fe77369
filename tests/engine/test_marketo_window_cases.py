"""Single cases of an edit in Marketo between our reading of a person and our write to it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import Hold, MarketoWins, PerField
from marketo_dynamics_sync.connectors import Problem, Write
from marketo_dynamics_sync.engine import OnSchemaChange
from marketo_dynamics_sync.entities import Account, Contact, Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.test_marketo_window import EDIT, STORIES, agreed, both_ways, clash, promoted, world_of
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, fused


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(("entity", "wins"), [("lead", EDIT), ("contact", "Director")])
def test_an_edit_after_dynamics_was_written_takes_part_in_the_same_cycle(entity: str, wins: str) -> None:
    world = World((Lead, Contact), reread_after=0)
    person = both_ways(entity)(world)
    write = world.dynamics.write

    def raced(writes: Any) -> Any:
        world.dynamics.write = write  # type: ignore[method-assign]  # once
        outcomes = write(writes)
        world.marketo.change("person", person, title=EDIT)
        return outcomes

    world.dynamics.write = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run()
    (row,) = world.dynamics.rows(f"{entity}s").values()
    held = world.marketo.row("person", person) or {}
    assert (held["title"], row["jobtitle"], held["city"], row["address1_city"]) == (wins, wins, "London", "London")
    assert not report.overwritten
    assert [(line.field, line.marketo, line.dynamics) for line in report.conflicts] == [("job_title", EDIT, "Director")]
    assert report.counts[entity, "to Marketo", "merged again"] == 1
    assert [entry.field for entry in world.store.journal() if entry.kind == "conflict"] == ["job_title"]
    assert world.settle().wrote == 0
    assert len([entry for entry in world.store.journal() if entry.kind in ("conflict", "overwritten")]) == 1


def test_a_clash_that_was_told_already_is_told_once() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = clash(world)  # the title: Dynamics wins, and is not written before Marketo's turn
    world.dynamics.change("contacts", next(iter(world.dynamics.rows("contacts"))), address1_line1="1 Street")
    write = world.dynamics.write

    def raced(writes: Any) -> Any:
        outcomes = write(writes)
        world.marketo.change("person", person, address="2 Street")
        return outcomes

    world.dynamics.write = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run()
    assert Counter(line.field for line in report.conflicts) == {"job_title": 1, "address": 1}
    found = [entry.field for entry in world.store.journal() if entry.kind == "conflict"]
    assert sorted(map(str, found)) == ["address", "job_title"]


def reads(world: World, seconds: float, **options: Any) -> int:
    """Return the read calls of a cycle that writes three persons, with so much time between reading and writing."""
    clock = Clock()
    world.engine = world.new_engine(monotonic=clock, **options)
    for n in range(3):
        agreed(world, lastname=f"Lead {n}", emailaddress1=f"l{n}@x.com")
    for row in world.dynamics.rows("leads"):
        world.dynamics.change("leads", row, jobtitle="Director")
    commit = world.store.commit

    def slowly(what: Any) -> None:
        clock.seconds += seconds
        commit(what)

    changes = world.dynamics.changes

    def slow(*given: Any) -> Any:
        clock.seconds += seconds
        return changes(*given)

    world.dynamics.changes = slow  # type: ignore[method-assign]  # takes its time
    before = world.marketo.calls.reads
    report = world.engine.run()
    assert report.total("to Marketo", "updated") == 3
    return world.marketo.calls.reads - before


@pytest.mark.parametrize(
    ("after", "seconds", "more"),
    [
        (5.0, 0.0, 0),
        (5.0, 2.4, 0),
        (5.0, 2.5, 1),
        (timedelta(seconds=30), 14.0, 0),
        (timedelta(seconds=30), 20.0, 1),
        (0, 0.0, 1),
        (None, 1000.0, 0),
    ],
)
def test_one_more_read_for_each_batch_that_was_read_a_while_ago(after: Any, seconds: float, more: int) -> None:
    usual = reads(World((Lead, Contact)), 0.0, reread_after=None)
    assert reads(World((Lead, Contact)), seconds, reread_after=after) == usual + more


def test_nothing_is_read_again_for_fields_that_only_flow_to_marketo() -> None:
    world = World((Lead, Contact), reread_after=0)
    row = agreed(world)
    before = world.marketo.calls.reads
    world.engine.run()
    idle = world.marketo.calls.reads - before
    world.dynamics.change("leads", row, createdon="2026-01-01T00:00:00Z", statuscode=2)
    before = world.marketo.calls.reads
    assert world.engine.run().wrote == 1
    assert world.marketo.calls.reads - before == idle


@pytest.mark.parametrize("story", ["lead", "both ways, lead", "found by e-mail", "qualified"])
def test_a_person_that_is_gone_by_then_is_not_written(story: str) -> None:
    world, person = world_of(STORIES[story], reread_after=0)
    fetch = world.marketo.fetch
    sent: list[Write] = []
    write = world.marketo.write

    def vanished(entity: Any, ids: Any) -> Any:
        if world.dynamics.calls.writes > before or story == "lead":
            world.marketo.fetch = fetch  # type: ignore[method-assign]  # once
            world.marketo.remove("person", person)
        return fetch(entity, ids)

    def watched(writes: Any) -> Any:
        sent.extend(writes)
        return write(writes)

    before = world.dynamics.calls.writes
    world.marketo.fetch = vanished  # type: ignore[method-assign]  # the race under test
    world.marketo.write = watched  # type: ignore[method-assign]  # only looks
    report = world.engine.run()
    assert person not in {each.id for each in sent}
    assert report.total("to Marketo", "gone") == 1
    world.settle()
    assert person not in {link.marketo_id for name in ("lead", "contact") for link in world.store.links(name)}


def test_a_row_that_is_gone_or_outside_the_filter_by_then_tells_marketo_nothing() -> None:
    for leaves in ("gone", "outside"):
        keep = {"lead": lambda row: row.values.get("job_title") != "outside"}
        world = World((Lead, Contact), reread_after=0, filters=keep)
        person = promoted("lead")(world)
        (row,) = world.dynamics.rows("leads")
        fetch = world.marketo.fetch

        def raced(entity: Any, ids: Any, world: Any = world, row: str = row, fetch: Any = fetch) -> Any:
            world.marketo.fetch = fetch
            world.marketo.change("person", person, title=EDIT)  # noqa: B023  # it is called at once
            if leaves == "gone":  # noqa: B023  # as above
                world.dynamics.remove("leads", row)
            else:
                world.dynamics.change("leads", row, jobtitle="outside")
            return fetch(entity, ids)

        world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
        assert world.engine.run().wrote == 0
        assert (world.marketo.row("person", person) or {})["title"] == EDIT
        world.settle()
        assert (world.marketo.row("person", person) or {})["title"] == EDIT


def test_somebody_who_never_stops_editing_doesnt_keep_us_for_ever() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = promoted("lead")(world)
    fetch, edits = world.marketo.fetch, iter(range(1000))

    def edited(entity: Any, ids: Any) -> Any:
        world.marketo.change("person", person, title=f"{EDIT} {next(edits)}", city=f"City {next(edits)}")
        return fetch(entity, ids)

    world.marketo.fetch = edited  # type: ignore[method-assign]  # the race under test
    world.dynamics.change("leads", next(iter(world.dynamics.rows("leads"))), address1_line1="1 Street")
    world.engine.run()
    assert next(edits) < 20
    world.marketo.fetch = fetch  # type: ignore[method-assign]  # somebody has stopped
    world.settle()
    (row,) = world.dynamics.rows("leads").values()
    held = world.marketo.row("person", person) or {}
    assert (held["title"], held["city"]) == (row["jobtitle"], row["address1_city"])


def test_where_dynamics_refused_its_half_the_next_cycle_decides() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = both_ways("lead")(world)
    write = world.dynamics.write

    def raced(writes: Any) -> Any:
        outcomes = write(writes)
        world.marketo.change("person", person, title=EDIT)
        return outcomes

    world.dynamics.write = raced  # type: ignore[method-assign]  # the race under test
    world.dynamics.refuse = lambda write: Problem("0x80044331", "too long")
    report = world.engine.run()
    assert len(report.rejected) == 1
    assert report.total("to Marketo", "updated") == 0
    assert (world.marketo.row("person", person) or {})["title"] == EDIT
    world.dynamics.refuse = None
    world.later(hours=1)
    world.settle()
    (row,) = world.dynamics.rows("leads").values()
    assert (row["jobtitle"], row["address1_city"]) == (EDIT, "London")


def test_a_cycle_that_is_stopped_in_between_goes_on_with_the_edit() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = promoted("lead")(world)
    fetch = world.marketo.fetch

    def raced(entity: Any, ids: Any) -> Any:
        world.marketo.change("person", person, title=EDIT)
        world.later(minutes=10)
        return fetch(entity, ids)

    world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run(deadline=timedelta(minutes=5))
    assert report.stopped == "the deadline has come"
    assert report.wrote == 0, "what is planned anew asks for the time before Dynamics is written"
    world.marketo.fetch = fetch  # type: ignore[method-assign]  # it is over
    world.settle()
    (row,) = world.dynamics.rows("leads").values()
    assert row["jobtitle"] == EDIT


@pytest.mark.parametrize("given", [-1, -0.1, float("nan"), True, "5", timedelta(seconds=-1)])
def test_an_age_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="reread_after"):
        World((Lead,), reread_after=given)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_what_was_overwritten_is_in_the_journal_before_it_is_put_back(place: int) -> None:
    """A process that ends right after the put-back has told of it; one that ends before tells of it again."""
    world = World((Lead, Contact), store=FusedStore())
    person = promoted("lead")(world)
    write = world.marketo.write

    def raced(writes: Any) -> Any:
        world.marketo.write = write  # type: ignore[method-assign]  # once
        world.marketo.change("person", person, title=EDIT)
        return write(writes)

    world.marketo.write = raced  # type: ignore[method-assign]  # the race under test
    world.engine.run()
    fuse = Fuse()
    fused(world, fuse)

    def killed(writes: Any, real: Any = world.marketo.write) -> Any:
        if place < 2:
            fuse.left = place
        return real(writes)

    def killed_before(what: Any, real: Any = world.store.commit) -> Any:
        if what.journal and any(entry.kind == "overwritten" for entry in what.journal) and place >= 2:
            fuse.left = place - 2
        return real(what)

    world.marketo.write = killed  # type: ignore[method-assign]  # the kill under test
    world.store.commit = killed_before  # type: ignore[method-assign]  # as above
    with pytest.raises(Killed):
        world.engine.run()
    fuse.left, told = None, [entry for entry in world.store.journal() if entry.kind == "overwritten"]
    assert len(told) == (0 if place == 2 else 1)
    del world.store.commit  # type: ignore[method-assign]  # the next process
    world.marketo.write = write  # type: ignore[method-assign]  # as above
    world.engine = world.new_engine()
    world.settle()
    assert (world.marketo.row("person", person) or {})["title"] == EDIT
    told = [entry for entry in world.store.journal() if entry.kind == "overwritten"]
    assert 1 <= len(told) <= 2
    assert {entry.detail["marketo"] for entry in told} == {EDIT}


def test_a_strict_schema_looks_at_what_is_planned_anew() -> None:
    world = World((Lead, Contact), reread_after=0, on_schema_change=OnSchemaChange.DISCARD_RECORD)
    person = promoted("lead")(world)
    info = world.dynamics.objects["leads"]
    fields = {**info.fields, "address1_city": evolve(info.fields["address1_city"], max_length=10)}
    world.dynamics.objects["leads"] = evolve(info, fields=fields)
    fetch = world.marketo.fetch

    def raced(entity: Any, ids: Any) -> Any:
        world.marketo.change("person", person, title=EDIT, city="Llanfairpwllgwyngyll")
        return fetch(entity, ids)

    world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run()
    assert [line.reason for line in report.parked] == ["schema-change"]
    assert (world.marketo.row("person", person) or {})["title"] == EDIT
    assert report.wrote == 0


def test_a_link_that_waits_for_its_parent_goes_on_waiting_when_a_row_is_planned_anew() -> None:
    """On either side: the row was edited before our write to Dynamics, or the person before the one to Marketo."""
    for side in Side:
        world = World((Account, Lead, Contact), reread_after=0)
        row = agreed(world, "contact")
        person = str(world.linked("contact", row))
        kind = "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
        later = "44444444-0000-0000-0000-000000000001"
        world.dynamics.change("contacts", row, jobtitle="Director", _parentcustomerid_value=later, **{kind: "account"})
        world.marketo.change("person", person, city="London")
        write = world.dynamics.write

        def raced(writes: Any, world: Any = world, write: Any = write, side: Side = side) -> Any:
            world.dynamics.write = write
            if side is Side.DYNAMICS:
                world.dynamics.change("contacts", row, address1_line1="1 Street")  # noqa: B023  # it is called at once
                return write(writes)
            outcomes = write(writes)
            world.marketo.change("person", person, title=EDIT)  # noqa: B023  # as above
            return outcomes

        world.dynamics.write = raced  # type: ignore[method-assign]  # the race under test
        world.engine.run()
        assert [(parked.field, parked.reason) for parked in world.store.parked()] == [("account", "missing-parent")]
        world.dynamics.put("accounts", later, name="Widgets")
        world.settle()
        assert not list(world.store.parked())
        assert (world.marketo.row("person", person) or {}).get("externalCompanyId") == later


def test_a_person_that_comes_back_loses_its_mark_though_it_was_edited_meanwhile() -> None:
    """What only a first link gives a person is given when the second half is planned anew too."""
    world = World((Lead, Contact), reread_after=0)
    row = agreed(world)
    person = str(world.linked("lead", row))
    world.dynamics.remove("leads", row)
    world.engine.run()
    assert (world.marketo.row("person", person) or {})["microsoftIsDeleted"] is True
    world.marketo.change("person", person, city="London", title=None)
    world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Director")
    write = world.dynamics.write

    def raced(writes: Any) -> Any:
        outcomes = write(writes)
        world.marketo.change("person", person, title=EDIT)
        return outcomes

    world.dynamics.write = raced  # type: ignore[method-assign]  # the race under test
    world.engine.run()
    held = world.marketo.row("person", person) or {}
    assert (held["microsoftIsDeleted"], held["title"]) == (False, EDIT)
    world.settle()


def test_what_is_to_be_put_back_is_put_back_though_another_field_was_edited_meanwhile() -> None:
    policy = PerField({"job_title": Hold()}, default=MarketoWins())
    world = World((Lead, Contact), policies={"lead": policy}, reread_after=0)
    person = promoted("lead")(world)
    write = world.marketo.write

    def raced(writes: Any) -> Any:
        world.marketo.write = write  # type: ignore[method-assign]  # once
        world.marketo.change("person", person, title=EDIT, city="London")
        return write(writes)

    world.marketo.write = raced  # type: ignore[method-assign]  # the race under test
    world.engine.run()
    world.dynamics.change("leads", next(iter(world.dynamics.rows("leads"))), address1_line1="1 Street")
    there = world.dynamics.write

    def raced_again(writes: Any) -> Any:
        outcomes = there(writes)
        world.marketo.change("person", person, address="2 Street")
        return outcomes

    world.dynamics.write = raced_again  # type: ignore[method-assign]  # as above
    report = world.engine.run()
    (row,) = world.dynamics.rows("leads").values()
    held = world.marketo.row("person", person) or {}
    assert (held["title"], held["address"], held["city"]) == (EDIT, "2 Street", "London")
    assert (row["jobtitle"], row["address1_line1"], row["address1_city"]) == ("Director", "2 Street", "London")
    assert [line.field for line in report.overwritten] == ["job_title"]
    assert len([entry for entry in world.store.journal() if entry.kind == "overwritten"]) == 1
    world.settle()
    assert [parked.field for parked in world.store.parked()] == ["job_title"]


def test_what_was_read_again_a_moment_ago_is_not_read_a_third_time() -> None:
    clock = Clock()
    world = World((Lead, Contact), reread_after=5.0, monotonic=clock)
    person = promoted("lead")(world)
    fetch, fetched = world.marketo.fetch, list[object]()
    changes = world.dynamics.changes

    def slow(*given: Any) -> Any:
        clock.seconds += 6
        return changes(*given)

    def raced(entity: Any, ids: Any) -> Any:
        fetched.append(ids)
        world.marketo.change("person", person, title=EDIT)
        return fetch(entity, ids)

    world.dynamics.changes = slow  # type: ignore[method-assign]  # takes its time
    world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
    world.dynamics.change("leads", next(iter(world.dynamics.rows("leads"))), address1_city="London")
    report = world.engine.run()
    assert report.counts["lead", "to Dynamics", "updated"] == 1, "the edit wins"
    assert report.counts["lead", "to Marketo", "updated"] == 1, "and the city still goes there"
    assert fetched == [[person]]


def test_the_same_edit_on_both_sides_needs_no_second_plan() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = promoted("lead")(world)
    fetch = world.marketo.fetch

    def raced(entity: Any, ids: Any) -> Any:
        world.marketo.change("person", person, title="Director")
        return fetch(entity, ids)

    world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run()
    assert report.counts["lead", "to Marketo", "merged again"] == 0
    world.settle()


def test_an_edit_that_loses_is_looked_at_once() -> None:
    world = World((Lead, Contact), reread_after=0)
    person = promoted("contact")(world)
    fetch, fetched = world.marketo.fetch, list[object]()

    def raced(entity: Any, ids: Any) -> Any:
        fetched.append(ids)
        world.marketo.change("person", person, title=f"{EDIT} {len(fetched)}")
        return fetch(entity, ids)

    world.marketo.fetch = raced  # type: ignore[method-assign]  # the race under test
    report = world.engine.run()
    assert fetched == [[person]], "nothing came between that reading and the write"
    assert [line.rule for line in report.conflicts] == ["Dynamics wins"]


def test_what_marketo_made_of_our_last_write_is_nobodys_edit() -> None:
    """It keeps a text trimmed, and its stream hasn't shown that write yet."""
    world = World((Lead, Contact), reread_after=0)
    row, changes = agreed(world), world.marketo.changes
    person = str(world.linked("lead", row))

    def lagging(*given: Any) -> Any:
        return (evolve(page, changed=(), field_changes=()) for page in changes(*given))

    world.marketo.changes = lagging  # type: ignore[method-assign]  # the stream under test
    world.dynamics.change("leads", row, jobtitle=" Director")
    world.engine.run()
    world.marketo.change("person", person, title="Director")
    world.dynamics.change("leads", row, jobtitle="Chief")
    report = world.engine.run()
    assert report.total("to Marketo", "updated") == 1
    assert report.counts["lead", "to Marketo", "merged again"] == 0
    assert not report.conflicts


@pytest.mark.parametrize("edited", [False, True])
def test_a_person_that_wasnt_read_is_as_old_as_the_stream(edited: bool) -> None:
    """Leads take six seconds; contacts come after them, and are read by themselves only where they were edited."""
    clock = Clock()
    world = World((Lead, Contact), reread_after=5.0, monotonic=clock)
    lead, contact = agreed(world, lastname="Lovelace", emailaddress1="al@x.com"), agreed(world, "contact")
    for table, row in (("leads", lead), ("contacts", contact)):
        world.dynamics.change(table, row, jobtitle="Director")
    person = str(world.linked("contact", contact))
    if edited:
        world.marketo.change("person", person, city="London")
    fetch, write, fetched = world.marketo.fetch, world.marketo.write, list[object]()

    def slow(writes: Any) -> Any:
        clock.seconds += 6
        return write(writes)

    def watched(entity: Any, ids: Any) -> Any:
        fetched.append(ids)
        return fetch(entity, ids)

    world.marketo.write = slow  # type: ignore[method-assign]  # takes its time
    world.marketo.fetch = watched  # type: ignore[method-assign]  # only looks
    world.engine.run()
    assert fetched == [[person]]
