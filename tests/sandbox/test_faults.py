"""Faults happen to the requests they were meant for, and to no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from marketo_dynamics_sync.sandbox import Sandbox, fault_kinds
from marketo_dynamics_sync.sandbox.faults import Faults
from marketo_dynamics_sync.sandbox.http import Middleware, Request, Response

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["socket", "in process"])
def reached(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, Callable[..., httpx.Response]]]:
    """A sandbox, and a way to ask Dynamics."""
    with Sandbox(start=START) as sandbox:
        token = {"Authorization": f"Bearer {sandbox.dynamics.issue_token()}"}
        if request.param == "socket":
            client, root = httpx.Client(headers=token), sandbox.dynamics_url
        else:
            client, root = sandbox.client(), "https://contoso.crm.dynamics.com"
            client.headers.update(token)
        with client:
            yield (
                sandbox,
                lambda path, method="GET", **more: client.request(method, f"{root}/api/data/v9.2/{path}", **more),
            )


Reached = tuple[Sandbox, Callable[..., httpx.Response]]


def test_an_answer_is_lost_after_the_work_was_done(reached: Reached) -> None:
    sandbox, ask = reached
    script = sandbox.faults.script(fault_kinds.answer_lost, service="dynamics", writes=True)
    assert ask("leads?$top=1").status_code == 200, "reads pass"
    with pytest.raises(httpx.RemoteProtocolError):
        ask("leads", "POST", json={"lastname": "Byron"})
    assert len(sandbox.dynamics.all_rows("lead")) == 1
    assert ask("leads", "POST", json={"lastname": "Hopper"}).status_code == 204
    assert script.happened == 1
    assert [(h.service, h.method, h.fault) for h in sandbox.faults.log] == [("dynamics", "POST", "answer_lost")]


def test_a_connection_is_reset_before_any_work(reached: Reached) -> None:
    sandbox, ask = reached
    sandbox.faults.script(fault_kinds.connection_reset, path="/leads")
    with pytest.raises(httpx.RemoteProtocolError):
        ask("leads", "POST", json={"lastname": "Byron"})
    assert sandbox.dynamics.all_rows("lead") == []


def test_a_request_is_delivered_twice(reached: Reached) -> None:
    sandbox, ask = reached
    sandbox.faults.script(fault_kinds.delivered_twice, writes=True)
    assert ask("leads", "POST", json={"lastname": "Byron"}).status_code == 204
    assert len(sandbox.dynamics.all_rows("lead")) == 2


def test_an_answer_is_cut_in_the_middle(reached: Reached) -> None:
    sandbox, ask = reached
    sandbox.faults.script(fault_kinds.cut_in_the_middle)
    with pytest.raises(httpx.RemoteProtocolError, match="body"):
        ask("WhoAmI")


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        (fault_kinds.html_page, 200, "<html>"),
        (fault_kinds.http_status(503, retry_after=7), 503, "503"),
        (fault_kinds.http_status(429), 429, "429"),
        (fault_kinds.dynamics_error("0x80072322", retry_after=7), 429, "6000"),
        (fault_kinds.dynamics_error("0x80040265", "Not here."), 400, "Not here."),
        (fault_kinds.dynamics_error("0x80040216"), 400, "unexpected"),
        (fault_kinds.marketo_error("606"), 200, "Max rate limit"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_answer_comes_from_somewhere_else(reached: Reached, fault: Middleware, status: int, says: str) -> None:
    sandbox, ask = reached
    sandbox.faults.script(fault, skip=1, times=2)
    assert ask("WhoAmI").json()["UserId"], "one passes"
    for _ in range(2):
        answer = ask("WhoAmI")
        assert answer.status_code == status
        assert says in answer.text
        assert answer.headers.get("Retry-After") in ("7", None)
    assert ask("WhoAmI").json()["UserId"]


def test_time_passes_while_an_answer_is_slow(reached: Reached) -> None:
    sandbox, ask = reached
    sandbox.faults.script(fault_kinds.slow(40, sandbox.clock))
    ask("WhoAmI")
    assert (sandbox.clock.now() - START).total_seconds() == 40


def test_a_page_is_repeated(reached: Reached) -> None:
    sandbox, ask = reached
    for number in range(6):
        sandbox.dynamics.create("lead", lastname=f"Name {number}")
    sandbox.faults.script(fault_kinds.page_repeated(), path="/leads", times=2)
    prefer = {"Prefer": "odata.maxpagesize=2"}
    first = ask("leads?$select=lastname", headers=prefer).json()
    further = first["@odata.nextLink"].partition("/api/data/v9.2/")[2]
    again = ask(further, headers=prefer).json()
    assert again["value"] == first["value"]
    assert ask(further, headers=prefer).json()["value"] != first["value"]


def test_something_happens_meanwhile(reached: Reached) -> None:
    sandbox, ask = reached
    row = sandbox.dynamics.create("lead", lastname="Byron")
    sandbox.faults.script(
        fault_kinds.meanwhile(lambda request: sandbox.dynamics.update("lead", row, jobtitle="Poet")), times=None
    )
    assert ask(f"leads({row})?$select=jobtitle").json()["jobtitle"] == "Poet"


def test_a_fault_waits_for_a_query(reached: Reached) -> None:
    sandbox, ask = reached
    script = sandbox.faults.script(fault_kinds.http_status(503), path="/leads", query=r"top=2\b")
    assert [ask(f"leads?$top={number}").status_code for number in (1, 22, 2)] == [200, 200, 503]
    assert script.happened == 1


def asked(faults: Faults, number: int) -> list[bool]:
    app = faults.around("marketo", lambda request: Response(200))
    return [app(Request("GET", f"/rest/v1/{n}")).status == 200 for n in range(number)]


def test_faults_at_random_come_from_a_seed_and_keep_their_share() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.at_random([fault_kinds.http_status(502), fault_kinds.http_status(503)], share=0.2, service="marketo")
        return asked(faults, 2000)

    assert run(3) == run(3)
    assert run(3) != run(4)
    assert 300 < run(3).count(False) < 500


def test_both_kinds_of_random_faults_happen_and_clearing_ends_them() -> None:
    faults = Faults()
    scripts = faults.at_random([fault_kinds.http_status(502), fault_kinds.http_status(503)], share=1.0)
    asked(faults, 50)
    assert all(script.happened for script in scripts)
    faults.clear()
    assert all(asked(faults, 50))
    assert len(faults.log) == sum(script.happened for script in scripts)


def test_scripts_tell_services_and_reads_from_writes_apart() -> None:
    faults = Faults()
    faults.script(fault_kinds.http_status(502), service="dynamics")
    faults.script(fault_kinds.http_status(503), writes=True, times=None)
    app = faults.around("marketo", lambda request: Response(200))
    reads = [
        Request("GET", "/rest/v1/leads.json"),
        Request("POST", "/rest/v1/leads.json?_method=GET"),
        Request("POST", "/rest/v1/leads.json", body=b"_method=GET&filterType=id"),
        Request("POST", "/identity/oauth/token"),
        Request("POST", "/api/data/v9.2/$batch", body=b"--b\r\n\r\nGET /leads HTTP/1.1\r\n"),
    ]
    writes = [
        Request("POST", "/rest/v1/leads.json", body=b"{}"),
        Request("PATCH", "/api/data/v9.2/leads(1)"),
        Request("POST", "/api/data/v9.2/$batch", body=b"--b\r\n\r\nPATCH /leads(1) HTTP/1.1\r\n"),
    ]
    assert [app(request).status for request in reads] == [200] * 5
    assert [app(request).status for request in writes] == [503] * 3
