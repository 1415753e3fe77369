"""How hosts run cycles: with deadlines, events, from async code, again and again."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from marketo_dynamics_sync.connectors import Outcome, Problem, Status, Write
from marketo_dynamics_sync.engine import Event
from marketo_dynamics_sync.entities import Lead, Side
from marketo_dynamics_sync.errors import ConfigurationError, PermissionDeniedError, QuotaError
from tests.engine.world import World


def crowd(world: World, number: int) -> None:
    for n in range(number):
        world.lead(lastname=f"Name {n}", emailaddress1=f"p{n}@example.com")


def test_a_deadline_stops_at_a_batch_edge_and_the_next_cycle_goes_on() -> None:
    world = World()
    crowd(world, 700)
    seen: list[Event] = []

    def watch(event: Event) -> None:
        seen.append(event)
        if event.kind == "written":
            world.later(seconds=30)

    report = world.engine.run(deadline=timedelta(seconds=20), on_event=watch)

    assert not report.complete
    assert "deadline" in report.stopped
    assert 0 < len(world.marketo.rows("person")) < 700
    assert len(world.marketo.rows("person")) == world.store.count_links("lead"), "the batch under way was kept"
    assert [e.kind for e in seen[-2:]] == ["stopped", "finished"]
    assert world.engine.run(deadline=world.time + timedelta(hours=1)).complete
    assert len(world.marketo.rows("person")) == 700


def test_a_deadline_that_has_passed_does_nothing() -> None:
    world = World()
    crowd(world, 3)
    report = world.engine.run(deadline=world.time - timedelta(seconds=1))
    assert report.stopped
    assert report.wrote == 0


def test_a_deadline_without_a_time_zone_is_refused() -> None:
    world = World()
    with pytest.raises(ConfigurationError, match=r"deadline.*time-zone aware"):
        world.engine.run(deadline=datetime(2026, 3, 1, 12, 30))
    assert world.dynamics.calls.reads == 0


def test_a_host_can_stop_a_cycle() -> None:
    world = World()
    crowd(world, 700)
    stop = threading.Event()
    report = world.engine.run(stop=stop, on_event=lambda event: stop.set() if event.kind == "written" else None)
    assert report.stopped == "asked to stop"
    assert 0 < len(world.marketo.rows("person")) < 700
    assert report.to_dict()["stopped"] == "asked to stop"


def test_events_tell_what_happens_in_order() -> None:
    world = World(person_without=("dynamicsId",))
    world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.lead(lastname="Nobody")
    seen: list[Event] = []
    world.engine.run(on_event=seen.append)
    kinds = [event.kind for event in seen]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert kinds.index("left-out") < kinds.index("read") < kinds.index("written")
    assert seen[0].detail == "first copy"
    assert [(e.side, e.count) for e in seen if e.kind == "written"] == [(Side.MARKETO, 1)]
    assert [e.detail for e in seen if e.kind == "parked"] == ["no-key"]
    assert "Byron" not in repr(seen)
    assert "ada" not in repr(seen)


def test_a_quota_that_is_used_up_ends_the_cycle_with_a_report() -> None:
    world = World()
    crowd(world, 3)

    def used_up(*_: object) -> list[object]:
        raise QuotaError("the day's calls are used up", service="marketo")

    world.marketo.find = used_up  # type: ignore[method-assign, assignment]  # the fault under test
    report = world.engine.run()
    assert "used up" in report.stopped
    assert report.finished_at == world.time


def test_writes_that_were_not_sent_are_kept_for_the_next_cycle() -> None:
    world = World()
    crowd(world, 3)
    write = world.marketo.write

    def unsent(writes: list[Write]) -> list[Outcome]:
        return [Outcome(Status.UNSENT, problem=Problem("607", "no calls left today")) for _ in writes]

    world.marketo.write = unsent  # type: ignore[method-assign, assignment]  # the fault under test
    report = world.engine.run()
    assert report.stopped == "no calls left today"
    assert world.store.count_links("lead") == 0
    world.marketo.write = write  # type: ignore[method-assign]  # back to normal
    assert world.engine.run().counts["lead", "to Marketo", "created"] == 3


def test_an_error_of_a_service_reaches_the_host_and_leaves_the_lock() -> None:
    world = World()
    crowd(world, 3)
    find = world.marketo.find

    def refused(*_: object) -> list[object]:
        raise PermissionDeniedError("no access", service="marketo")

    world.marketo.find = refused  # type: ignore[method-assign, assignment]  # the fault under test
    with pytest.raises(PermissionDeniedError):
        world.engine.run()
    world.marketo.find = find  # type: ignore[method-assign]  # back to normal
    assert world.engine.run().wrote == 3


def test_async_hosts_run_the_same_cycle_in_a_worker_thread() -> None:
    world = World()
    crowd(world, 3)
    threads: set[str] = set()
    seen = asyncio.run(world.engine.arun(on_event=lambda _: threads.add(threading.current_thread().name)))
    assert seen.wrote == 3
    assert threading.main_thread().name not in threads


def test_cancelling_stops_at_the_next_batch_edge_and_keeps_what_was_done() -> None:
    world = World()
    crowd(world, 700)

    async def host() -> None:
        loop, started = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.ensure_future(
            world.engine.arun(
                on_event=lambda event: (
                    loop.call_soon_threadsafe(started.set) and hold.wait() if event.kind == "written" else None
                )
            )
        )
        await started.wait()
        task.cancel()
        loop.call_later(0, hold.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    hold = threading.Event()
    asyncio.run(host())
    made = len(world.marketo.rows("person"))
    assert 0 < made < 700
    assert made == world.store.count_links("lead")
    assert world.engine.run().complete


def test_an_error_reaches_an_async_host() -> None:
    world = World()
    with pytest.raises(ConfigurationError):
        asyncio.run(world.engine.arun(deadline=datetime(2026, 3, 1)))


def test_running_every_so_often_until_told_to_stop() -> None:
    world = World()
    world.lead(lastname="Byron", emailaddress1="ada@example.com")

    class Stop(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.waits: list[float] = []

        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            self.waits.append(timeout)
            world.later(seconds=timeout)
            if len(self.waits) == 3:
                self.set()
            return self.is_set()

    stop = Stop()
    assert world.engine.run_every(timedelta(minutes=5), stop) == 3
    assert stop.waits == [300.0, 300.0, 300.0]
    assert world.engine.run_every(60, stop) == 0, "told before it began"
    with pytest.raises(ValueError, match="negative"):
        world.engine.run_every(-1, threading.Event())


def test_a_report_reads_in_words_and_as_plain_data_without_values() -> None:
    world = World(person_without=("microsoftTopic",))
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com", jobtitle="Poet")
    world.lead(lastname="One", emailaddress1="two@example.com")
    world.person(email="two@example.com", lastName="A")
    world.person(email="two@example.com", lastName="B")
    world.engine.run()
    world.settle()
    person = world.store.links_by_dynamics("lead", [lead])[lead].marketo_id
    world.later(minutes=1)
    world.marketo.change("person", person, title="Countess")
    world.dynamics.change("leads", lead, jobtitle="Programmer")
    report = world.engine.run()

    text = str(report)
    assert "clash" in text
    assert "job_title" in text
    assert "MarketoWins" in text or "Marketo wins" in text
    for private in ("Countess", "Programmer", "Byron", "example.com"):
        assert private not in text
        assert private not in repr(report)
        assert private not in str(report.to_dict())
    told = report.to_dict(values=True)
    clash = told["conflicts"][0]  # type: ignore[index]  # plain data
    assert (clash["marketo"], clash["dynamics"], clash["base"]) == ("Countess", "Programmer", "Poet")
    assert told["left_out"][0]["field"] == "topic"  # type: ignore[index]  # plain data
    assert told["calls"]["marketo"]["reads"] > 0  # type: ignore[index]  # plain data
    assert report.started_at == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def test_a_preflight_of_memory_connectors_passes_and_names_the_mapping() -> None:
    world = World([Lead])
    found = world.engine.check()
    assert found.passed
    assert any(line.startswith("[ok]") and "mapping of lead" in line for line in found.lines())
    assert "belongs to these two instances" in str(found)


def test_a_preflight_tells_a_store_of_other_instances() -> None:
    world = World()
    world.engine.run()
    other = World(store=world.store)
    other.marketo._identity = "999-XYZ-999"
    found = other.engine.check()
    assert not found.passed
    assert "what to do: give the store" in str(found)
