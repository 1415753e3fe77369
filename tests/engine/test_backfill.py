"""Back-fills: chosen fields of many records agree now, merged as usual or repaired, and nothing else is touched."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketo_dynamics_sync.conflict import Hold, PerField
from marketo_dynamics_sync.engine import Event
from marketo_dynamics_sync.entities import Account, Contact, Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.test_roles import Deals
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def drift(world: World, row: str, *, table: str = "leads", entity: str = "lead", **ends: tuple[object, object]) -> None:
    """Change values so that no change feed tells of it: Marketo's field and Dynamics' column to both values."""
    for names, (marketo, dynamics) in ends.items():
        field, column = names.split("__")
        world.marketo._rows["person"][str(world.linked(entity, row))][field] = marketo
        world.dynamics._rows[table][row][column] = dynamics


def sides(world: World, row: str) -> tuple[object, object]:
    return world.person_of("lead", row).get("title"), (world.dynamics.row("leads", row) or {}).get("jobtitle")


def world_of(number: int = 3, **options: Any) -> tuple[World, list[str]]:
    world = World((Lead,), **options)
    rows = []
    for n in range(number):
        rows.append(world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com", jobtitle=f"T{n}", address1_city="Rome"))
        world.later(days=1)
    world.settle()
    return world, rows


def test_a_drifted_field_agrees_again_by_the_usual_merge() -> None:
    world, (one, two, three) = world_of()
    drift(world, one, title__jobtitle=("T0", "from sales"))
    drift(world, two, title__jobtitle=("from marketing", "T1"))
    drift(world, three, title__jobtitle=("from marketing", "from sales"))
    assert world.engine.run().wrote == 0, "no change feed tells of it"
    report = world.engine.backfill("lead", ["job_title"])
    assert [sides(world, row) for row in (one, two, three)] == [
        ("from sales",) * 2,
        ("from marketing",) * 2,
        ("from marketing",) * 2,  # leads: Marketo wins a clash
    ]
    assert (report.kind, report.wrote) == ("back-fill", 3)
    assert [line.field for line in report.conflicts] == ["job_title"]
    world.settle()


def test_a_repair_takes_the_value_of_dynamics_and_keeps_the_other_in_the_journal() -> None:
    world, (one, two, three) = world_of()
    drift(world, one, title__jobtitle=("from marketing", "T0"))
    drift(world, two, title__jobtitle=("from marketing", None))
    report = world.engine.backfill(Lead, ["job_title"], winner=Side.DYNAMICS)
    assert [sides(world, row) for row in (one, two, three)] == [("T0",) * 2, (None,) * 2, ("T2",) * 2]
    assert report.total("to Dynamics") == 0
    lost = [entry for entry in world.store.journal() if entry.kind == "conflict"]
    assert [(e.dynamics_id, e.detail["base"], e.detail["marketo"], e.detail["rule"]) for e in lost] == [
        (one, "T0", "from marketing", "back-fill: Dynamics wins"),
        (two, "T1", "from marketing", "back-fill: Dynamics wins"),
    ]
    world.settle()


def test_a_repair_takes_the_value_of_marketo_when_told_to() -> None:
    world, (row, *_) = world_of(1)
    drift(world, row, title__jobtitle=("from marketing", "from sales"))
    world.engine.backfill("lead", ["job_title"], winner=Side.MARKETO)
    assert sides(world, row) == ("from marketing",) * 2
    world.settle()


def test_a_repair_keeps_an_opt_out() -> None:
    world, (row, *_) = world_of(1)
    drift(world, row, unsubscribed__donotbulkemail=(True, False))
    world.engine.backfill("lead", ["unsubscribed"], winner=Side.DYNAMICS)
    assert (world.dynamics.row("leads", row) or {})["donotbulkemail"] is True
    assert world.person_of("lead", row)["unsubscribed"] is True


def test_nulls_are_carried_unless_told_otherwise() -> None:
    world, (row, *_) = world_of(1)
    drift(world, row, title__jobtitle=("T0", None))
    assert world.engine.backfill("lead", ["job_title"], nulls=False).wrote == 0
    assert sides(world, row) == ("T0", None)
    world.engine.backfill("lead", ["job_title"])
    assert sides(world, row) == (None, None)
    world.settle()


def test_only_the_chosen_fields_are_touched_and_the_others_are_still_the_next_cycles() -> None:
    world, (row, *_) = world_of(1)
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, jobtitle="sales", address1_city="Oslo", fax="7")
    world.marketo.change("person", person, phone="1")
    world.engine.backfill("lead", ["job_title"])
    assert (world.person_of("lead", row)["title"], world.person_of("lead", row)["city"]) == ("sales", "Rome")
    assert "telephone1" not in (world.dynamics.row("leads", row) or {})
    world.settle()
    assert world.person_of("lead", row)["city"] == "Oslo"
    assert world.person_of("lead", row)["fax"] == "7"
    assert (world.dynamics.row("leads", row) or {})["telephone1"] == "1"


def test_what_is_written_to_dynamics_hides_no_edit_of_another_column() -> None:
    world, (row, *_) = world_of(1)
    world.dynamics.change("leads", row, address1_city="Oslo")
    world.marketo.change("person", str(world.linked("lead", row)), title="marketing")
    world.engine.backfill("lead", ["job_title"])
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "marketing"
    world.settle()
    assert world.person_of("lead", row)["city"] == "Oslo"


@pytest.mark.parametrize("which", ["created", "modified"])
def test_only_rows_of_a_period_are_looked_at(which: str) -> None:
    world, rows = world_of(4)
    if which == "modified":
        world.later(days=10)
        for number, row in enumerate(rows):
            world.time = NOON + timedelta(days=20 + number)
            world.dynamics.change("leads", row, jobtitle=f"T{number}")
    start = NOON + timedelta(days=20 if which == "modified" else 0)
    for row in rows:
        drift(world, row, title__jobtitle=("drifted", f"T{rows.index(row)}"))
    period = (start + timedelta(days=1), start + timedelta(days=3))
    chosen: dict[str, Any] = {which: period}
    planned = world.engine.plan_backfill("lead", ["job_title"], winner=Side.DYNAMICS, **chosen)
    world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS, **chosen)
    assert [world.person_of("lead", row)["title"] for row in rows] == ["drifted", "T1", "T2", "drifted"]
    assert [step.dynamics_id for step in planned.steps] == rows[1:3]
    world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS, **{which: (period[1], None)})
    assert [world.person_of("lead", row)["title"] for row in rows] == ["drifted", "T1", "T2", "T3"]


def test_a_plan_of_a_back_fill_shows_it_and_writes_nothing() -> None:
    world, rows = world_of(5)
    for row in rows[1:]:
        drift(world, row, title__jobtitle=("x", "y"))
    before = world.marketo.rows("person"), world.dynamics.rows("leads"), list(world.store.links("lead"))
    plan = world.engine.plan_backfill("lead", ["job_title"])
    assert (world.marketo.rows("person"), world.dynamics.rows("leads"), list(world.store.links("lead"))) == before
    assert (len(plan.steps), plan.unchanged) == (4, 1)
    assert world.engine.plan_backfill("lead", ["job_title"]).digest == plan.digest
    report = world.engine.backfill("lead", ["job_title"])
    assert report.total("to Dynamics", "updated") == sum(step.writes_dynamics for step in plan.steps) == 4
    assert world.engine.plan_backfill("lead", ["job_title"]).steps == ()


def test_what_agrees_is_not_written_anywhere_not_even_to_the_store_again() -> None:
    world, rows = world_of(3)
    world.dynamics.change("leads", rows[0], jobtitle="sales")
    links = list(world.store.links("lead"))
    assert world.engine.backfill("lead", ["city"]).wrote == 0
    assert list(world.store.links("lead")) == links


def test_records_that_wait_or_belong_to_others_stay_as_they_are() -> None:
    world, (merged, survivor, stale) = world_of(3, filters={"lead": lambda row: row.values["fax"] != "no"})
    world.marketo.merge("person", str(world.linked("lead", merged)), str(world.linked("lead", survivor)))
    world.settle()
    world.dynamics.change("leads", stale, fax="no")
    world.settle()
    new = world.lead(lastname="New", emailaddress1="new@x.com")
    drift(world, stale, title__jobtitle=("x", "y"))
    report = world.engine.backfill("lead", created=(None, None))
    assert sides(world, stale) == ("x", "y")
    assert world.linked("lead", new) is None
    assert world.linked("lead", merged) is None
    assert report.counts["lead", "read", "left to the next cycle"] == 3
    assert [item.reason for item in world.store.parked()] == ["merged-in-marketo"]


def test_a_record_of_which_something_waits_is_merged_whole() -> None:
    world, (row, *_) = world_of(1, policies={"lead": PerField({"city": Hold()})})
    person = str(world.linked("lead", row))
    world.dynamics.change("leads", row, address1_city="Oslo", jobtitle="sales")
    world.marketo.change("person", person, city="Bern")
    world.settle()
    drift(world, row, title__jobtitle=("x", "sales"))
    world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS)
    assert sides(world, row) == ("sales",) * 2
    assert [item.field for item in world.store.parked()] == ["city"]
    assert (world.person_of("lead", row)["city"], (world.dynamics.row("leads", row) or {})["address1_city"]) == (
        "Bern",
        "Oslo",
    )


def test_a_one_way_entity_is_repaired_and_never_written_in_dynamics() -> None:
    world = World((Account,))
    row = world.dynamics.put("accounts", name="Analytical Engines", telephone1="1")
    world.settle()
    company = world.store.links_by_dynamics("account", [row])[row].marketo_id
    world.marketo._rows["company"][company]["mainPhone"] = "2"
    before = world.dynamics.rows("accounts")
    assert world.engine.backfill("account").total("to Marketo", "updated") == 1
    assert world.marketo._rows["company"][company]["mainPhone"] == "1"
    assert world.dynamics.rows("accounts") == before


def test_somebody_who_edits_in_the_same_moment_is_not_overwritten() -> None:
    world, (row, *_) = world_of(1)
    drift(world, row, title__jobtitle=("from marketing", "T0"))
    write = world.dynamics.write

    def meanwhile(writes: Any) -> Any:
        world.dynamics.write = write  # type: ignore[method-assign]  # once
        world.dynamics.change("leads", row, address1_city="Oslo")
        return write(writes)

    world.dynamics.write = meanwhile  # type: ignore[method-assign]  # the race under test
    report = world.engine.backfill("lead", ["job_title"])
    assert report.counts["lead", "to Dynamics", "merged again"] == 1
    assert sides(world, row) == ("from marketing",) * 2
    world.settle()
    assert world.person_of("lead", row)["city"] == "Oslo"


def test_it_stops_at_a_batch_edge_and_goes_on_when_it_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketo_dynamics_sync.engine.backfill.AT_ONCE", 2)
    world, rows = world_of(6)
    for row in rows:
        drift(world, row, title__jobtitle=("x", "y"))
    stop = threading.Event()
    report = world.engine.backfill("lead", ["job_title"], stop=stop, on_event=lambda e: e.count and stop.set())
    assert (report.stopped, report.wrote) == ("asked to stop", 2)
    assert world.engine.backfill("lead", ["job_title"], deadline=timedelta()).stopped == "the deadline has come"
    assert world.engine.backfill("lead", ["job_title"]).wrote == 4
    assert {sides(world, row) for row in rows} == {("x", "x")}


def test_the_host_is_told_when_it_begins_and_ends() -> None:
    world, _ = world_of(1)
    told: list[Event] = []
    world.engine.backfill("lead", on_event=told.append)
    kinds = [(event.kind, event.detail) for event in told if event.kind != "left-out"]
    assert kinds == [("started", "back-fill"), ("finished", "back-fill")]
    assert world.engine.status().runs[0].kind == "back-fill"


def test_killed_at_any_step_the_next_back_fill_ends_in_the_same_state() -> None:
    def prepared(fuse: Fuse) -> tuple[World, list[str]]:
        store = FusedStore()
        store.fuse = Fuse()
        world, rows = world_of(3, store=store)
        drift(world, rows[0], title__jobtitle=("T0", "sales"))
        drift(world, rows[1], title__jobtitle=("marketing", "T1"))
        drift(world, rows[2], title__jobtitle=("marketing", "sales"))
        store.fuse = fuse
        for connector in (world.marketo, world.dynamics):
            connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
        return world, rows

    fuse = Fuse()
    world, rows = prepared(fuse)
    world.engine.backfill("lead", ["job_title"])
    steps, wanted = fuse.passed, [sides(world, row) for row in rows]
    assert steps >= 6
    for step in range(steps):
        fuse = Fuse(step)
        world, rows = prepared(fuse)
        with pytest.raises(Killed):
            world.engine.backfill("lead", ["job_title"])
        fuse.left = None
        world.engine = world.new_engine()
        world.engine.backfill("lead", ["job_title"])
        assert [sides(world, row) for row in rows] == wanted, f"killed at step {step}"
        world.settle()
        assert [sides(world, row) for row in rows] == wanted


def test_a_field_that_is_added_later_is_the_only_one_written() -> None:
    world = World((Lead,))
    world.engine = world.new_engine(entities=(Lead.select("email", "last_name", "city"),))
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com", jobtitle="T", address1_city="Rome") for n in range(4)]
    world.settle()
    world.later(minutes=1)
    written: list[set[str]] = []
    write = world.marketo.write

    def spied(writes: Any) -> Any:
        written.extend(set(each.values) for each in writes)
        return write(writes)

    world.marketo.write = spied  # type: ignore[method-assign]  # a spy
    world.engine = world.new_engine(entities=(Lead.select("email", "last_name", "city", "job_title"),))
    report = world.engine.run()
    assert written == [{"job_title"}] * 4
    assert report.total("to Dynamics") == 0
    assert [world.person_of("lead", row)["title"] for row in rows] == ["T"] * 4


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"entity": "account"}, "doesn't sync 'account'"),
        ({"fields": "job_title"}, "list of field names"),
        ({"fields": []}, "list of field names"),
        ({"fields": ["shoe_size"]}, "lead syncs no 'shoe_size'"),
        ({"fields": ["topic"]}, r"lead syncs no 'topic' \(.+\)"),
        ({"created": (NOON, None), "modified": (NOON, None)}, "give one of them"),
        ({"created": NOON}, "created: give"),
        ({"modified": (NOON.replace(tzinfo=None), None)}, "time-zone aware"),
        ({"modified": (NOON, NOON)}, "ends before it begins"),
        ({"winner": "dynamics"}, "winner: give Side"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], says: str) -> None:
    world = World((Lead, Contact), person_without=("microsoftTopic",))
    for call in (world.engine.backfill, world.engine.plan_backfill):
        with pytest.raises(ConfigurationError, match=says):
            call(**{"entity": "lead"} | asked)


class Undated:
    """A connector that finds no rows by date."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "rows_between":
            raise AttributeError(name)
        return getattr(self._inner, name)


def test_a_connector_that_finds_nothing_by_date_says_so() -> None:
    world, _ = world_of(1)
    world.dynamics = Undated(world.dynamics)  # type: ignore[assignment]  # less than the memory connector
    world.engine = world.new_engine()
    with pytest.raises(ConfigurationError, match="Undated can't find rows by date"):
        world.engine.backfill("lead", created=(NOON, None))
    assert world.engine.backfill("lead").complete


def test_a_record_whose_other_half_is_gone_is_left_to_the_next_cycle() -> None:
    world, (one, two) = world_of(2)
    drift(world, two, title__jobtitle=("x", "T1"))
    world.marketo.remove("person", str(world.linked("lead", one)))
    report = world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS)
    assert report.counts["lead", "read", "not found"] == 1
    assert world.person_of("lead", two)["title"] == "T1"
    assert world.linked("lead", one) is not None


def test_rows_of_a_period_that_nobody_linked_cost_no_call_to_marketo() -> None:
    world = World((Lead,))
    world.engine.run()
    world.lead(lastname="New", emailaddress1="new@x.com")
    report = world.engine.backfill("lead", created=(NOON, None))
    assert report.marketo_calls.total == 0
    assert report.counts["lead", "read", "left to the next cycle"] == 1


def test_a_value_that_is_not_of_the_fields_type_repairs_nothing() -> None:
    world, (row, *_) = world_of(1)
    drift(world, row, title__jobtitle=("T0", ["no", "text"]))
    report = world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS)
    assert world.person_of("lead", row)["title"] == "T0"
    assert [(line.field, line.reason) for line in report.parked] == [("job_title", "invalid in Dynamics")]


def test_roles_are_not_back_filled_since_no_row_is_one() -> None:
    world = Deals()
    world.stakeholder(world.deal(world.buyer()), world.buyer("Other"))
    world.settle()
    before = world.roles()
    for ask in (world.engine.backfill, world.engine.plan_backfill):
        with pytest.raises(ConfigurationError, match="opportunity as a whole"):
            ask("opportunity_role", winner=Side.DYNAMICS)
    assert world.roles() == before
    world.settle()
