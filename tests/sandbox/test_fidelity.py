"""The fidelity page is up to date, and is made as it should be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.sandbox.judges import page, recorder
from tests.sandbox.judges.endpoints import IDENTITY, dataverse_endpoint, marketo_endpoint
from tests.sandbox.judges.rooms import GROUPS

from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.http import Request
from marketo_dynamics_sync.sandbox.marketo import MarketoService

OUTDATED = "docs/fidelity.md is out of date: run make fidelity and commit it"


@pytest.fixture(scope="module")
def text() -> str:
    """The committed page."""
    return page.PAGE.read_text(encoding="utf-8")


@pytest.fixture
def written(request: pytest.FixtureRequest) -> bool:
    """Whether this run writes the page anew, so that the committed one needn't be right yet."""
    return request.config.getoption("--fidelity") is not None


def test_the_page_has_every_rule_and_no_other(text: str, written: bool) -> None:
    rules = {rule.words for rule in page.rules_of_tests()}
    told = {line[2:] for line in text.partition(": rules\n")[2].splitlines() if line.startswith("- ")}
    assert written or told == rules, OUTDATED


def test_the_page_has_every_call_of_marketo(written: bool) -> None:
    calls = {f"{route.method} {route.path}" for route in MarketoService(SandboxClock()).router.routes}
    told = {endpoint for endpoint in page.endpoints_of_page() if "/rest/" in endpoint or "/bulk/" in endpoint}
    assert written or told == calls, OUTDATED
    assert f"GET {IDENTITY}" in page.endpoints_of_page()


def test_the_page_has_every_call_that_marketo_lacks(text: str, written: bool) -> None:
    lacking = page.unserved()
    if not lacking:
        pytest.skip("Adobe's specification files are not beside the checkout, at ../shared/contracts/marketo")
    line = next((line for line in text.splitlines() if "get 610 here" in line), "")
    assert written or set(lacking) == set(re.findall(r"`([^`]+)`", line)), OUTDATED


def test_every_test_module_and_every_room_with_a_source_has_its_place() -> None:
    assert {rule.module for rule in page.rules_of_tests()} == GROUPS.keys()
    placed = {source for _, rooms in GROUPS.values() for source in page.sources_of(rooms)}
    everywhere = page.sources_of(("", "dataverse", "marketo", "marketo/bulk", "marketo/objects"))
    assert len(everywhere) > 60
    assert set(everywhere) - placed == set()


def test_what_is_missing_is_written_down(text: str) -> None:
    kept = page.kept_by_hand(text)
    for word in ("FetchXML", "CSDL", "610", "501"):
        assert word in kept


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("GET", "/", "GET /"),
        ("GET", "/leads", "GET /{set}"),
        ("GET", "/leads(0a000000-0000-0000-0000-000000000001)", "GET /{set}({id})"),
        ("PATCH", "/contacts(fax='1',lastname='B')", "PATCH /{set}({alternate key})"),
        ("PUT", "/leads(1)/lastname", "PUT /{set}({id})/{column}"),
        ("GET", "/leads/$count", "GET /{set}/$count"),
        ("POST", "/accounts(1)/contact_customer_accounts/$ref", "POST /{set}({id})/{navigation}/$ref"),
        (
            "DELETE",
            "/accounts(1)/contact_customer_accounts(2)/$ref",
            "DELETE /{set}({id})/{navigation}({id})/$ref",
        ),
        (
            "POST",
            "/leads(1)/Microsoft.Dynamics.CRM.QualifyLead",
            "POST /{set}({id})/Microsoft.Dynamics.CRM.QualifyLead",
        ),
        ("GET", "/RetrieveTotalRecordCount(EntityNames=['lead'])", "GET /RetrieveTotalRecordCount(…)"),
        (
            "GET",
            "/EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='a')/"
            "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
            "GET /EntityDefinitions({key})/Attributes({key})/{cast}",
        ),
        ("GET", "/le ads", None),
    ],
)
def test_paths_of_dynamics_have_names_for_what_varies(method: str, path: str, endpoint: str | None) -> None:
    service = DataverseService(SandboxClock())
    assert dataverse_endpoint(service, Request(method, f"/api/data/v9.2{path}")) == endpoint
    assert dataverse_endpoint(service, Request(method, "/elsewhere")) is None


def test_paths_of_marketo_are_those_of_its_routes() -> None:
    service = MarketoService(SandboxClock())
    form = {"content-type": "application/x-www-form-urlencoded"}
    read = Request("POST", "/rest/v1/leads.json", form, b"_method=GET&filterType=id&filterValues=1")
    assert marketo_endpoint(service, read) == "GET /rest/v1/leads.json"
    assert marketo_endpoint(service, Request("GET", "/rest/v1/lead/7.json")) == "GET /rest/v1/lead/{leadId}.json"
    assert marketo_endpoint(service, Request("GET", "/rest/v1/nothing.json")) is None
    assert marketo_endpoint(service, Request("PATCH", "/rest/v1/leads.json")) is None


def test_published_clients_are_known_by_their_headers() -> None:
    def judge(path: str = "/rest/v1/leads.json", **headers: str) -> str:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return recorder.judge_of(Request("GET", path, sent), "tests/sandbox/test_x.py")

    assert judge(user_agent="DataverseSvcPythonClient:1.1.0") == page.MICROSOFT
    assert judge(user_agent="python-requests/2.32", x_client_sku="MSAL.Python") == page.MSAL
    assert judge(user_agent="python-requests/2.32") == page.MARKETORESTPYTHON
    assert judge("/common/discovery/instance", user_agent="python-requests/2.32") == page.MSAL
    assert judge(user_agent="python-httpx/0.28") == page.RULES
    assert recorder.judge_of(Request("GET", "/"), "tests/engine/test_cycle.py") == page.CONNECTORS


def test_one_case_that_fails_breaks_a_rule(tmp_path: Path) -> None:
    record = recorder.Record()
    for name, held in (("test_a", True), ("test_b", True), ("test_b", False), ("test_b", True)):
        record.rule("tests/sandbox/test_faults.py", name, held=held)
    record.exchange("dynamics", "GET /", {page.RULES}, frozenset({"GET /"}))
    record.exchange("dynamics", "GET /", {page.MICROSOFT}, frozenset({"GET /"}))
    record.exchange("marketo", "GET /new.json", {page.RULES}, frozenset())
    record.exchange("marketo", None, {page.RULES}, frozenset())
    assert record.new == {"GET /new.json"}
    record.code("dynamics", {"0x0"})
    record.write(tmp_path / "build" / "record.json")
    written = json.loads((tmp_path / "build" / "record.json").read_text(encoding="utf-8"))
    assert written == {
        "endpoints": {"marketo": {"GET /new.json": ["rules"]}, "dynamics": {"GET /": ["Microsoft's client", "rules"]}},
        "unserved": page.unserved(),
        "codes": {"marketo": [], "dynamics": ["0x0"]},
        "rules": {"tests/sandbox/test_faults.py": ["test_a"]},
    }


def test_a_page_is_made_of_a_record() -> None:
    name = "test_a_page_is_made_of_a_record"
    record = {
        "endpoints": {"marketo": {"GET /b": ["rules"], "POST /a": ["Adobe's specification"]}, "dynamics": {}},
        "unserved": ["GET /z", "POST /c"],
        "codes": {"marketo": ["1003", "601"], "dynamics": ["", "0x0"]},
        "rules": {"tests/sandbox/test_fidelity.py": [name]},
    }
    made = page.render(record, "Nothing of **this**.")
    assert page.kept_by_hand(made) == "Nothing of **this**."
    assert page.render(record, page.kept_by_hand(made)) == made
    table = made.partition("## Marketo: endpoints\n\n")[2].splitlines()
    assert table[:4] == [
        "| call | marketorestpython | Adobe's specification | rules | connectors |",
        "| --- | :-: | :-: | :-: | :-: |",
        "| `POST /a` |  | ✓ |  |  |",
        "| `GET /b` |  |  | ✓ |  |",
    ]
    assert "get 610 here: `POST /c`, `GET /z`." in made
    assert "Error codes given in the run: `601`, `1003`." in made
    assert made.endswith(
        "### The fidelity page is up to date, and is made as it should be\n\n- A page is made of a record\n"
    )


def test_the_script_says_when_the_page_is_another_one_or_a_judge_was_away(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    before = page.PAGE.read_bytes()

    def checked(*, without: str = "") -> tuple[int, str]:
        endpoints = {
            service: {"GET /": [judge for judge in judges if judge != without]}
            for service, judges in page.COLUMNS.items()
        }
        data = {"endpoints": endpoints, "unserved": [], "codes": {"marketo": [], "dynamics": []}, "rules": {}}
        record.write_text(json.dumps(data), encoding="utf-8")
        command = [sys.executable, str(page.ROOT / "scripts" / "fidelity.py"), str(record), "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert page.PAGE.read_bytes() == before
        return done.returncode, done.stdout

    code, told = checked()
    assert (code, "out of date" in told) == (1, True)
    code, told = checked(without=page.MICROSOFT)
    assert (code, "lacks Microsoft's client:" in told) == (1, True)
