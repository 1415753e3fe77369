"""The status by the hour, up to when streams were read, and as a page for people and programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.entities import Contact, Lead, Side
from marketo_dynamics_sync.errors import PlanRefusedError, SyncError, TransientError
from marketo_dynamics_sync.plan import Brakes
from marketo_dynamics_sync.state import MemoryStateStore
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_at_twenty_past_two_the_last_hour_is_from_one_to_two() -> None:
    world = World((Lead, Contact))
    for moment, number in ((at(12, 59), 1), (at(13, 0), 2), (at(13, 59), 3), (at(14, 5), 4)):
        world.time = moment
        for each in range(number):
            world.lead(lastname="L", emailaddress1=f"l{moment.timestamp()}{each}@x.com")
        world.engine.run()
    world.time = at(14, 20)
    calls = world.marketo.calls.total + world.dynamics.calls.total
    status = world.engine.status()
    assert world.marketo.calls.total + world.dynamics.calls.total == calls
    assert status.last_hour.start == at(13)
    assert status.last_hour.synced() == 5
    assert dict(status.last_hour.counts) == {("lead", Side.MARKETO, "created"): 5}
    assert [(hour.start, hour.synced()) for hour in status.hours] == [(at(14), 4), (at(13), 5), (at(12), 1)]
    assert status.last_hour.synced("contact") == status.last_hour.synced("lead", Side.DYNAMICS) == 0
    assert "last full hour (from 2026-03-01 13:00:00 UTC): 5 to Marketo" in str(status)
    world.time = at(17)
    assert world.engine.status().last_hour.synced() == 0


def test_both_sides_and_refusals_are_counted_apart() -> None:
    world = World((Lead,))
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(3)]
    world.settle()
    world.later(hours=1)
    world.marketo.change("person", str(world.linked("lead", rows[0])), title="Poet")
    world.dynamics.change("leads", rows[1], jobtitle="Poet")
    world.dynamics.change("leads", rows[2], jobtitle="No")
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.values.get("job_title") == "No" else None
    world.engine.run()
    (hour, _) = world.engine.status().hours
    assert dict(hour.counts) == {
        ("lead", Side.DYNAMICS, "updated"): 1,
        ("lead", Side.MARKETO, "updated"): 1,
        ("lead", Side.MARKETO, "rejected"): 1,
    }
    assert hour.synced() == 2
    assert dict(world.engine.status().errors) == {"1006": 1}


def test_three_days_are_remembered_and_no_more_is_kept() -> None:
    world = World((Lead,))
    row = world.lead(lastname="L", emailaddress1="l@x.com")
    for number in range(100):
        world.dynamics.change("leads", row, jobtitle=str(number))
        world.engine.run()
        world.later(hours=1)
    hours = world.engine.status().hours
    assert (len(hours), hours[0].start - hours[-1].start) == (72, timedelta(hours=71))
    store = world.store
    assert isinstance(store, MemoryStateStore)
    assert sum(name.startswith("hour:") for name in store._facts) == 72


def test_an_hour_without_anything_is_not_kept() -> None:
    world = World((Lead,))
    world.engine.run()
    assert world.engine.status().hours == ()


def test_after_a_kill_nothing_is_counted_twice_and_what_was_kept_is_counted() -> None:
    counted = []
    for step in range(12):
        store = FusedStore()
        store.fuse = Fuse()
        world = World((Lead,), store=store)
        world.engine.run()
        for number in range(3):
            world.lead(lastname="L", emailaddress1=f"l{number}@x.com")
        store.fuse = Fuse(step)
        try:
            world.engine.run()
        except Killed:
            store.fuse.left = None
            world.engine.run()
        counted.append(sum(hour.synced() for hour in world.engine.status().hours))
        assert world.store.count_links("lead") == 3
    # Killed between the write and the commit, the batch was made and is only found again.
    assert counted == [0, *[3] * 11]


def test_a_watermark_says_up_to_when_each_stream_was_read() -> None:
    world = World((Lead, Contact))
    assert world.engine.status().watermarks == ()
    world.engine.run(on_event=lambda event: world.later(seconds=1))
    status = world.engine.status()
    marks = {(mark.side, mark.stream): mark for mark in status.watermarks}
    assert {(side.value, stream) for side, stream in marks} == {
        ("dynamics", "leads"),
        ("dynamics", "contacts"),
        ("marketo", "persons"),
    }
    assert {mark.read_to for mark in status.watermarks} == {at(12)}, "what came while it was read is the next cycle's"
    assert marks[Side.MARKETO, "persons"].entities == ("lead", "contact")
    world.time = at(13)
    world.engine.run(deadline=world.time)
    assert {mark.read_to for mark in world.engine.status().watermarks} == {at(12)}, "a cycle that ended early"
    world.new_engine(entities=(Lead,)).run()
    found = {mark.stream: mark.read_to for mark in world.engine.status().watermarks}
    assert found == {"leads": at(13), "contacts": at(12), "persons": at(13)}
    assert "Dynamics, lead: read up to 2026-03-01 13:00:00 UTC" in str(world.engine.status())


@pytest.mark.parametrize("what", ["service", "brake"])
def test_a_cycle_that_failed_is_among_the_runs_and_the_host_is_told(what: str) -> None:
    world = World((Lead,), brakes=Brakes())
    rows = [world.lead(lastname="L", emailaddress1=f"l{n}@x.com") for n in range(40)]
    world.settle()
    told: list[tuple[str, str]] = []

    def broken(*_: Any) -> Any:
        raise TransientError("the service is down", service="dynamics", code="503")

    if what == "service":
        world.dynamics.changes = broken  # type: ignore[method-assign]  # the failure under test
    else:
        for row in rows:
            world.dynamics.remove("leads", row)
    with pytest.raises(SyncError) as error:
        world.engine.run(on_event=lambda event: told.append((event.kind, event.detail)))
    assert isinstance(error.value, PlanRefusedError) is (what == "brake")
    status = world.engine.status()
    kind = "failed" if what == "service" else "refused"
    assert told[-1] == (kind, f"{type(error.value).__name__}: {error.value}")
    assert status.runs[0].stopped == told[-1][1]
    assert status.runs[1].stopped == ""
    assert status.entities[0].finished_at == status.runs[1].finished_at


def test_a_status_is_plain_data_for_an_endpoint_and_reads_in_words() -> None:
    world = World((Lead,))
    world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.lead(lastname="Refused", emailaddress1="no@x.com")
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.values.get("last_name") == "Refused" else None
    world.engine.run()
    world.later(hours=1)
    status = world.engine.status()
    plain = json.loads(json.dumps(status.to_dict()))
    assert plain["at"] == at(13).isoformat()
    assert (plain["waiting"], plain["errors"]) == (1, {"1006": 1})
    assert plain["entities"][0]["links"] == 1
    assert plain["entities"][0]["rejected"] == {"1006": 1}
    assert plain["entities"][0]["finished_at"] == at(12).isoformat()
    assert plain["last_hour"]["synced"] == 1
    assert {"entity": "lead", "side": "marketo", "what": "created", "records": 1} in plain["last_hour"]["counts"]
    assert plain["hours"] == [plain["last_hour"]]
    assert {mark["side"] for mark in plain["watermarks"]} == {"marketo", "dynamics"}
    assert plain["runs"][0]["kind"] == "first copy"
    text = str(status)
    assert "lead: 1 linked, last complete: 2026-03-01 12:00:00 UTC" in text
    assert "next try of the rejected: 2026-03-01 12:05:00 UTC" in text
    assert "Byron" not in text + json.dumps(plain)
