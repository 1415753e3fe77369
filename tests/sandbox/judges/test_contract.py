"""The checker itself: what it lets through, and what it must not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.sandbox.judges.contract import ADDED, MAY_LACK, OPEN, Asked, Contract
from tests.sandbox.judges.watch import checked, published, watching

from marketo_dynamics_sync.connectors.marketo.wire import Wire
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService

SECRETS = "grant_type=client_credentials&client_id=marketo-client&client_secret=marketo-secret"
JSON = {"content-type": "application/json;charset=UTF-8"}


@pytest.fixture(autouse=True)
def marketo_keeps_the_contract() -> None:
    """Nothing watches here: these tests answer and ask wrongly on purpose."""


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Adobe's specification."""
    found = published()
    if found is None:
        pytest.skip("Adobe's specification files are not beside the checkout, at ../shared/contracts/marketo")
    return found


def answer_to(contract: Contract, method: str, target: str, data: object, status: int = 200) -> list[str]:
    asked = Asked.read(method, target, {}, b"")
    return contract.answer(asked, status, JSON, json.dumps(data).encode())


def request_of(contract: Contract, method: str, target: str, data: object = None, **headers: str) -> list[str]:
    body = b"" if data is None else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    kind = headers or ({"content-type": "application/json"} if data is not None else {})
    return contract.request(Asked.read(method, target, {k.replace("_", "-"): v for k, v in kind.items()}, body))


GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/rest/v1/leads.json", {"result": [{"id": 1, "email": "a@example.com", "customField": None}]}),
    ("POST", "/rest/v1/leads.json", {"result": [{"status": "skipped", "reasons": [{"code": "1", "message": ""}]}]}),
    ("DELETE", "/rest/v1/leads.json", {"result": [{"id": 1, "status": "deleted"}]}),
    ("POST", "/rest/v1/leads/7/merge.json", {}),
    ("GET", "/rest/v1/activities.json", {"moreResult": False, "nextPageToken": "A="}),
    ("GET", "/rest/v1/leads/partitions.json", {"result": [{"id": 1, "name": "Default", "description": ""}]}),
    ("POST", "/rest/v1/customobjects/schema.json", {"result": []}),
    (
        "POST",
        "/rest/v1/companies.json",
        {"result": [{"seq": 0, "id": 1, "status": "created"}, {"seq": 1, "status": "skipped"}]},
    ),
]


@pytest.mark.parametrize(("method", "target", "members"), GOOD)
def test_known_deviations_pass(contract: Contract, method: str, target: str, members: dict[str, Any]) -> None:
    assert answer_to(contract, method, target, {"requestId": "1#2", "success": True, **members}) == []


@pytest.mark.parametrize(
    ("method", "target", "members", "expected"),
    [
        ("GET", "/rest/v1/leads.json", {}, "lacks 'result'"),
        ("GET", "/rest/v1/leads.json", {"result": [{"id": "1"}]}, "is no integer"),
        ("GET", "/rest/v1/leads.json", {"result": {}}, "is no array"),
        ("GET", "/rest/v1/leads.json", {"result": [], "errors": []}, "errors in an answer without failure"),
        ("GET", "/rest/v1/leads.json", {"result": [], "page": 2}, "unknown member 'page'"),
        ("GET", "/rest/v1/companies.json", {"result": [], "moreResult": True}, "unknown member 'moreResult'"),
        ("GET", "/rest/v1/companies.json", {"result": [{"id": 1}]}, "lacks 'seq'"),
        ("POST", "/rest/v1/companies.json", {"result": [{"seq": 0, "status": "done"}]}, "none of"),
        ("GET", "/rest/v1/lists.json", {"result": [{"id": 1, "name": "L", "createdAt": "x"}]}, "lacks 'updatedAt'"),
        ("GET", "/rest/v1/nothing.json", {"result": []}, "no such call is specified"),
        ("GET", "/rest/v1/stats/usage.json", {"result": [{"date": "d", "total": True}]}, "is no integer"),
    ],
)
def test_other_deviations_are_found(
    contract: Contract, method: str, target: str, members: dict[str, Any], expected: str
) -> None:
    found = answer_to(contract, method, target, {"requestId": "1#2", "success": True, **members})
    assert any(expected in each for each in found), found


def test_failures_are_checked_too(contract: Contract) -> None:
    failed = {"requestId": "1#2", "success": False, "errors": [{"code": "606", "message": "M"}]}
    assert answer_to(contract, "GET", "/rest/v1/nothing.json", failed) == []
    assert answer_to(contract, "GET", "/rest/v1/leads.json", {**failed, "result": []})
    assert answer_to(contract, "GET", "/rest/v1/leads.json", {**failed, "errors": [{"code": 606, "message": "M"}]})
    assert answer_to(contract, "GET", "/rest/v1/leads.json", {"success": False, "errors": failed["errors"]})
    assert answer_to(contract, "GET", "/rest/v1/leads.json", failed, status=500)
    assert answer_to(contract, "GET", "/identity/oauth/token", {"access_token": "t"})
    html = contract.answer(Asked.read("GET", "/rest/v1/leads.json", {}, b""), 200, {"content-type": "text/html"}, b"")
    assert "content type" in html[0]


def test_requests_are_checked(contract: Contract) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert request_of(contract, "GET", "/rest/v1/leads.json?filterType=id&filterValues=1,2") == []
    assert request_of(contract, "POST", "/rest/v1/leads.json", "_method=GET&filterType=id&filterValues=1", **form) == []
    sync = {"action": "updateOnly", "input": [{"id": 1, "crmId": "x"}]}
    assert request_of(contract, "POST", "/rest/v1/leads.json", sync) == []
    assert request_of(contract, "DELETE", "/rest/v1/lists/1/leads.json?id=1") == []
    lookup = {"filterType": "dedupeFields", "input": [{"a": 1}]}
    assert request_of(contract, "POST", "/rest/v1/opportunities/roles.json?_method=GET", lookup) == []
    for method, target, body, expected in (
        ("GET", "/rest/v1/leads.json?filterType=id", None, "'filterValues' is missing"),
        ("GET", "/rest/v1/leads.json?filterType=id&filterValues=1&page=2", None, "'page' is not specified"),
        ("GET", "/rest/v1/leads.json?filterType=id&filterValues=1&batchSize=x", None, "no integer"),
        ("GET", "/rest/v1/lead.json", None, "no such call"),
        ("POST", "/rest/v1/leads.json", {"action": "merge", "input": []}, "none of"),
        ("POST", "/rest/v1/leads.json", {"inputs": []}, "unknown member 'inputs'"),
        ("POST", "/rest/v1/leads.json", None, "body 'syncLeadRequest' is missing"),
        ("POST", "/rest/v1/leads/1/merge.json?leadId=x", None, "no integer"),
        ("POST", "/rest/v1/leads/1/merge.json?mergeInCRM=perhaps", None, "no boolean"),
        ("POST", "/identity/oauth/token?grant_type=password&client_id=a&client_secret=b", None, "none of"),
        ("GET", "/rest/v1/leads/describe.json", {"a": 1}, "a body is not specified"),
    ):
        found = request_of(contract, method, target, body)
        assert any(expected in each for each in found), (target, found)


def test_every_exception_names_something_that_the_files_have(contract: Contract) -> None:
    operation = contract.operation("GET", "/rest/v1/leads.json")
    assert operation is not None
    definitions = operation.definitions
    assert {*OPEN, *MAY_LACK, *ADDED} <= definitions.keys()
    for name, members in MAY_LACK.items():
        assert members <= set(definitions[name].get("required", ())), name


def _open_calls() -> Iterator[tuple[str, str]]:
    for route in MarketoService(SandboxClock()).router.routes:
        yield (
            route.method,
            route.path.replace("{leadId}", "1").replace("{listId}", "1").replace("{", "").replace("}", ""),
        )


def test_every_call_of_the_sandbox_is_specified(contract: Contract) -> None:
    assert [call for call in _open_calls() if contract.operation(*call) is None] == []


def test_a_wrong_answer_of_the_sandbox_is_seen(contract: Contract) -> None:
    request = Request("GET", "/rest/v1/stats/usage.json")
    right = {"requestId": "1#2", "result": [{"date": "2026-01-05", "total": 1, "users": []}], "success": True}
    headers = [("Content-Type", "application/json")]
    assert checked(contract, request, Response(200, headers, json.dumps(right).encode())) == []
    wrong = {**right, "result": [{"total": 1}]}
    found = checked(contract, request, Response(200, headers, json.dumps(wrong).encode()))
    assert found == ["GET /rest/v1/stats/usage.json: answer.result[0] (UsageData) lacks 'date'"]


def test_the_watch_fails_a_request_and_an_answer(contract: Contract) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json={})))
    with pytest.raises(pytest.fail.Exception, match="no such call is specified"), watching(contract), client:
        Wire("https://example.com", client, 1).exchange("GET", "/rest/v1/nonsense.json", timeout=1)
    service = MarketoService(SandboxClock(), access_token_parameter=True)
    token = service.identity.token(Request("GET", f"/identity/oauth/token?{SECRETS}"))
    target = f"/rest/v1/stats/usage.json?access_token={json.loads(token.body)['access_token']}"
    service._do = lambda found, given: {"result": [{"total": "many"}]}  # type: ignore[method-assign]  # a wrong answer
    with pytest.raises(pytest.fail.Exception, match=r"lacks 'date'"), watching(contract):
        assert service(Request("GET", target)).status == 200
