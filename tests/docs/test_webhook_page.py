"""The endpoints of the webhook page, called over HTTP: one by one, with the wrong secret, and several at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from fastapi.testclient import TestClient

from marketo_dynamics_sync import SQLiteStateStore
from marketo_dynamics_sync.sandbox import Sandbox
from tests.docs.test_pages import DOCS, blocks_of, services

__all__ = ["services"]

SECRET = {"X-Sync-Secret": "a long random text"}
#: Status, headers in lower case, and answer of a call with a JSON body.
Answer = tuple[int, dict[str, str], dict[str, Any]]
Call = Callable[..., Answer]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *given: object) -> None:
        """Say nothing."""


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def fastapi(page: dict[str, Any]) -> Iterator[Call]:
    with TestClient(page["api"]) as client:

        def call(wish: object, headers: dict[str, str] = SECRET) -> Answer:
            answer = client.post("/dynamics", json=wish, headers=headers)
            return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.json()

        yield call


@contextmanager
def flask(page: dict[str, Any]) -> Iterator[Call]:
    """Serve the application on a loopback port, one thread for each request."""
    with page["open_engine"]() as engine:
        server = make_server("127.0.0.1", 0, page["create_app"](engine), _Threaded, _Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def call(wish: object, headers: dict[str, str] = SECRET) -> Answer:
            sent = {"Content-Type": "application/json", **headers}
            url = f"http://127.0.0.1:{server.server_port}/dynamics"
            try:
                answer: Any = urlopen(Request(url, json.dumps(wish).encode(), sent))
            except HTTPError as error:
                answer = error
            with answer:
                headers_got = {name.lower(): value for name, value in answer.headers.items()}
                return answer.status, headers_got, json.loads(answer.read())

        yield call
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def page(services: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page defines, before it tries it out."""
    monkeypatch.chdir(tmp_path)
    blocks = [block for block in blocks_of(DOCS / "howto" / "webhook.md") if block.kind == "python"]
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks[:3]:
        exec(block.compiled(), namespace)  # type: ignore[arg-type]  # compiled code
    return namespace


@pytest.fixture(params=[fastapi, flask], ids=["fastapi", "flask"])
def call(request: pytest.FixtureRequest, page: dict[str, Any]) -> Iterator[Call]:
    with request.param(page) as made:
        yield made


def stranger(services: Sandbox, number: int = 0) -> int:
    return services.marketo.create_person(lastName=f"New {number}", email=f"new{number}@example.com")


def names(services: Sandbox) -> list[str]:
    return sorted(str(row["lastname"]) for row in services.dynamics.all_rows("lead"))


def test_an_endpoint_is_thirty_lines() -> None:
    python = [block for block in blocks_of(DOCS / "howto" / "webhook.md") if block.kind == "python"]
    for block in python[1:3]:
        assert len(block.text.splitlines()) <= 30


def test_the_record_is_in_dynamics_when_the_answer_comes(services: Sandbox, call: Call) -> None:
    person = stranger(services)
    assert call({"person": person})[::2] == (200, {"dynamics": "done"})
    assert names(services) == ["Byron", "New 0"]


def test_owner_and_task_in_one_request_and_a_repeat_makes_nothing(services: Sandbox, call: Call) -> None:
    sally = services.dynamics.other_user_id
    wish = {"person": stranger(services), "owner": sally, "subject": "Call", "key": 1071}
    for _ in range(2):
        assert call(wish)[0] == 200
    (task,) = services.dynamics.all_rows("task")
    row = services.dynamics.row("lead", str(task["_regardingobjectid_value"])) or {}
    assert (task["subject"], row["lastname"], row["_ownerid_value"]) == ("Call", "New 0", sally)
    assert call(wish | {"key": 1072})[0] == 200
    assert len(services.dynamics.all_rows("task")) == 2


@pytest.mark.parametrize("headers", [{}, {"X-Sync-Secret": "a guess"}, {"X-Sync-Secret": ""}])
def test_without_the_secret_nothing_is_done(services: Sandbox, call: Call, headers: dict[str, str]) -> None:
    person = stranger(services)
    assert call({"person": person}, headers)[0] == 401
    assert names(services) == ["Byron"]
    assert services.marketo.calls == services.dynamics.calls == []


@pytest.mark.parametrize("wish", [{}, {"person": None}, {"person": "x"}, []])
def test_what_is_no_wish_is_refused(services: Sandbox, call: Call, wish: object) -> None:
    assert call(wish)[0] in (400, 422)
    assert names(services) == ["Byron"]


def test_a_refusal_says_why(services: Sandbox, call: Call) -> None:
    status, _, answer = call({"person": 99999})
    assert (status, answer["reason"]) == (422, "not-found: Marketo has no person with this id")
    status, _, answer = call({"person": stranger(services), "owner": "nobody"})
    assert (status, answer["dynamics"]) == (400, "refused")


def test_a_service_that_fails_is_told_as_such(services: Sandbox, call: Call) -> None:
    services.dynamics.privileges["lead"] = frozenset()
    status, _, answer = call({"person": stranger(services)})
    assert (status, answer) == (502, {"dynamics": "failed", "reason": "PermissionDeniedError"})


def test_while_a_cycle_runs_it_is_told_to_come_again(services: Sandbox, page: dict[str, Any], call: Call) -> None:
    page["PATIENCE"] = 0
    person = stranger(services)
    with SQLiteStateStore("sync.db").lock():  # as another process holds it while its cycle runs
        status, headers, answer = call({"person": person})
    assert (status, headers["retry-after"], answer["dynamics"]) == (503, "30", "later")
    assert names(services) == ["Byron"]
    assert call({"person": person})[0] == 200


def test_requests_at_once_wait_for_each_other_and_corrupt_nothing(
    services: Sandbox, page: dict[str, Any], call: Call
) -> None:
    people = [stranger(services, number) for number in range(3)]
    wishes = [{"person": person, "subject": "Call", "key": 1} for person in [*people, *people]]
    # The page waits between two tries; here the wait is for the others to have finished one request.
    one_done = threading.Condition()
    page["time"] = Clock(one_done)

    def ask(wish: object) -> int:
        status = call(wish)[0]
        with one_done:
            one_done.notify_all()
        return status

    with ThreadPoolExecutor(len(wishes)) as pool:
        assert list(pool.map(ask, wishes)) == [200] * 6
    assert names(services) == ["Byron", "New 0", "New 1", "New 2"]
    assert len(services.dynamics.all_rows("task")) == 3
    with page["open_engine"]() as engine:
        engine.run()
        assert engine.run().wrote == 0
        assert [entity.links for entity in engine.status().entities] == [4, 0]


class Clock:
    """Time that stands still; a wait is over when another request was answered."""

    def __init__(self, one_done: threading.Condition) -> None:
        self._one_done = one_done

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        with self._one_done:
            self._one_done.wait(seconds)
