"""The limits on our side: never more than so many in any window, never more than so many at once."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.marketo.limiter import CallLimiter


class Time:
    """A clock that only waiting and working move."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def run(limit, window, steps):
    """Make a call for each step (idle time before it, time it takes); return when calls began and ended."""
    time = Time()
    limiter = CallLimiter(limit, 1, time.monotonic, time.sleep, window)
    spans = []
    for idle, takes in steps:
        time.now += idle
        with limiter.slot():
            began = time.now
            time.now += takes
        spans.append((began, time.now))
    return spans


steps = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 25)), max_size=60)


@given(limit=st.integers(1, 7), window=st.floats(1, 30), steps=steps, where=st.floats(0, 1))
def test_no_window_holds_more_calls_than_allowed(limit, window, steps, where):
    # The service counts a call at some moment between its start and its end, which we can't know.
    counted = [began + where * (ended - began) for began, ended in run(limit, window, steps)]
    for first, last in zip(counted, counted[limit:], strict=False):
        assert last - first >= window


@given(limit=st.integers(1, 7), steps=st.lists(st.floats(0, 5), max_size=40))
def test_nobody_waits_longer_than_the_window_asks(limit, steps):
    spans = run(limit, 20.0, [(idle, 0.0) for idle in steps])
    wanted = 1000.0
    for index, (idle, (began, _)) in enumerate(zip(steps, spans, strict=True)):
        wanted += idle
        earliest = max(wanted, spans[index - limit][1] + 20.0 if index >= limit else 0.0)
        assert began <= earliest + 0.02
        wanted = began


def test_calls_run_without_waiting_below_the_limit():
    spans = run(100, 20.0, [(0.0, 0.0)] * 100)
    assert spans[-1][1] == 1000.0


def test_a_pause_holds_everybody_back():
    time = Time()
    limiter = CallLimiter(100, 10, time.monotonic, time.sleep)
    limiter.pause(20)
    limiter.pause(5)
    with limiter.slot():
        assert time.now == 1020.0


def test_a_call_that_fails_gives_its_place_back():
    time = Time()
    limiter = CallLimiter(2, 1, time.monotonic, time.sleep)
    for _ in range(4):
        try:
            with limiter.slot():
                raise KeyError
        except KeyError:
            pass
    assert time.now > 1020.0


def test_never_more_than_ten_at_once_over_the_wire(marketo, service, lead):
    lock = threading.Lock()
    full = threading.Event()
    running = [0]
    most = [0]

    def on_running(request):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] == 10:
                full.set()
        assert full.wait(30)

    def on_answer(request, response):
        with lock:
            running[0] -= 1
        return response

    service.on_running, service.on_answer = on_running, on_answer
    threads = [threading.Thread(target=lambda: marketo.fetch(lead, ["1"])) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 10
    assert {call.code for call in service.calls} == {""}
    assert len(service.calls) == 25


def test_one_write_at_a_time_whatever_the_threads(marketo, service, make):
    running = []
    overlapped = []

    def on_running(request):
        running.append(1)
        if len(running) > 1:
            overlapped.append(1)

    service.on_running = on_running
    service.on_answer = lambda request, response: (running.clear(), response)[1]
    guid = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"
    threads = [
        threading.Thread(target=lambda i=i: marketo.write([make.create(crm_id=guid, first_name=str(i))]))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not overlapped
    assert len(service.persons()) == 1


def test_pairs_of_starts_keep_their_order():
    spans = run(3, 20.0, [(1.0, 0.5)] * 12)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


class Waited(Exception):
    """Somebody had to wait."""


def test_calls_under_way_count():
    def sleep(seconds):
        assert seconds > 0
        raise Waited

    limiter = CallLimiter(1, 2, lambda: 0.0, sleep)
    with limiter.slot(), pytest.raises(Waited), limiter.slot():
        pass
