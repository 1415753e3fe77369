"""Jobs on a clock without threads, and the turn that makes up for what fell due."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.marketo.marketo_instance import START

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo.bulk.queue import Job, Queue
from marketo_dynamics_sync.sandbox.marketo.bulk.work import Turn, WorkClock


@define(eq=False, kw_only=True)
class Noted(Job):
    """A job that notes when it believes it is."""

    clock: WorkClock
    noted: list[datetime] = field(factory=list)

    def begin(self) -> None:
        self.noted.append(self.clock.now())

    def end(self) -> None:
        self.noted.append(self.clock.now())


def settle(queue: Queue, clock: WorkClock) -> None:
    while (at := queue.due()) is not None and at <= clock.now():
        queue.step()


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=1, max_size=12)


@given(STEPS, st.integers(1, 3), st.integers(0, 10))
def test_first_in_first_out_never_too_many_and_never_idle(
    steps: list[tuple[int, int]], running: int, wait: int
) -> None:
    clock = WorkClock(SandboxClock(START))
    queue = Queue(clock, running=running, queued=100, wait=wait)
    jobs: list[Noted] = []
    for pause, seconds in steps:
        clock.advance(pause)
        settle(queue, clock)
        jobs.append(Noted(seconds=seconds, clock=clock))
        queue.add(jobs[-1])
    clock.advance(10_000)
    settle(queue, clock)
    assert len(queue) == 0
    free = [START] * running
    for job in jobs:
        assert job.queued_at is not None
        started = max(
            job.queued_at + timedelta(seconds=wait), min(free), *(j.noted[0] for j in jobs[: jobs.index(job)])
        )
        free[free.index(min(free))] = started + timedelta(seconds=job.seconds)
        assert job.noted == [job.started_at, job.finished_at]
        assert job.noted == [started, started + timedelta(seconds=job.seconds)]


@given(STEPS, st.lists(st.integers(1, 60), max_size=10))
def test_it_does_not_matter_how_often_one_looks(steps: list[tuple[int, int]], looks: list[int]) -> None:
    noted: list[list[list[datetime]]] = []
    for pauses in ([], looks):
        clock = WorkClock(SandboxClock(START))
        queue = Queue(clock, running=2, queued=100, wait=5)
        jobs = [Noted(seconds=seconds, clock=clock) for _, seconds in steps]
        for job in jobs:
            queue.add(job)
        for pause in pauses:
            clock.advance(pause)
            settle(queue, clock)
        clock.advance(10_000)
        settle(queue, clock)
        noted.append([job.noted for job in jobs])
    assert noted[0] == noted[1]


def test_an_empty_queue_has_nothing_due() -> None:
    clock = WorkClock(SandboxClock(START))
    queue = Queue(clock, running=1, queued=1, wait=0)
    queue.step()
    assert queue.due() is None
    assert not queue.full


def test_a_work_clock_follows_its_clock() -> None:
    real = SandboxClock(START)
    work = WorkClock(real)
    work.advance(5)
    work.sleep(5)
    assert work.now() == real.now() == START + timedelta(seconds=10)
    assert work.monotonic() == real.monotonic() == 10
    with work.at(START):
        assert work.now() == START
    with pytest.raises(KeyError), work.at(START):
        raise KeyError
    assert work.now() == real.now()


def test_a_turn_settles_once_before_the_outermost_caller() -> None:
    settled: list[int] = []
    turn = Turn(lambda: settled.append(1))
    with turn, turn:
        assert settled == [1]
    with turn:
        assert settled == [1, 1]


def test_a_turn_is_given_back_when_settling_fails() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    turn = Turn(fail)
    with pytest.raises(ZeroDivisionError), turn:
        pass
    turn = Turn(lambda: None)
    inside: list[bool] = []

    def other() -> None:
        with turn:
            inside.append(True)

    with turn:
        thread = threading.Thread(target=other)
        thread.start()
        assert inside == []
    thread.join()
    assert inside == [True]
