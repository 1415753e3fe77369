"""Every bulk answer in JSON is as Adobe's Swagger file describes it, with the deviations known of the service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft4Validator
from tests.sandbox.marketo.bulk_calls import JANUARY, Calls
from tests.sandbox.marketo.bulk_store import CarStore
from tests.sandbox.marketo.marketo_instance import Make

from marketo_dynamics_sync.sandbox.marketo import BulkSettings

SPEC = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "marketo" / "swagger-mapi.json"
CARS = "customobjects/car_c"


@pytest.fixture(scope="module")
def spec() -> dict:
    if not SPEC.exists():
        pytest.skip("Adobe's Swagger files are not beside the checkout, at ../shared/contracts/marketo")
    return json.loads(SPEC.read_text(encoding="utf-8"))


def check(spec: dict, path: str, method: str, answer: dict) -> None:
    """Validate an answer; the service leaves ``errors`` and ``warnings`` out of its successes."""
    assert answer["success"], answer
    schema = spec["paths"][f"/bulk/v1/{path}"][method]["responses"]["200"]["schema"]
    full = {"errors": [], "warnings": [], **answer}
    Draft4Validator({**schema, "definitions": spec["definitions"]}).validate(full)
    definition = spec["definitions"][schema["$ref"].rpartition("/")[2]]
    item = spec["definitions"][definition["properties"]["result"]["items"]["$ref"].rpartition("/")[2]]
    assert set(answer) <= {*definition["properties"]}
    for entry in answer["result"]:
        assert set(entry) <= {*item["properties"]}, path


@pytest.fixture
def calls(make: Make) -> Calls:
    marketo = make(bulk=BulkSettings(refresh=0)).sign_in()
    marketo.service.bulk.objects = CarStore(marketo.clock)
    return Calls(marketo)


@pytest.mark.parametrize(
    ("path", "template", "status", "content"),
    [
        ("leads.json", "leads.json", "leads/batch/{batchId}.json", "email\na@example.com\nnobody\n,\n"),
        (
            f"{CARS}/import.json",
            "customobjects/{apiName}/import.json",
            "customobjects/{apiName}/import/{batchId}/status.json",
            "vIN\nV1\n,\n",
        ),
    ],
)
def test_imports(spec: dict, calls: Calls, path: str, template: str, status: str, content: str) -> None:
    answer = calls.upload(content, path)
    check(spec, template, "post", answer)
    where = status.replace("{apiName}", "car_c").replace("{batchId}", str(answer["result"][0]["batchId"]))
    for expected in ("Queued", "Importing", "Complete"):
        shown = calls.get(where)
        assert shown["result"][0]["status"] == expected
        check(spec, status, "get", shown)
        calls.marketo.clock.advance(2)


@pytest.mark.parametrize("kind", ["leads", "activities", CARS])
def test_exports(spec: dict, calls: Calls, kind: str) -> None:
    body = {"fields": ["vIN"], "filter": {"updatedAt": JANUARY}} if kind == CARS else {}
    template = kind.replace("car_c", "{apiName}") + "/export"
    answer = calls.create(kind, **body)
    check(spec, f"{template}/create.json", "post", answer)
    job = answer["result"][0]["exportId"]
    check(spec, f"{template}/{{exportId}}/enqueue.json", "post", calls.enqueue(job, kind))
    broken = calls.job(kind, **body)
    calls.enqueue(broken, kind)
    calls.marketo.service.bulk.on_finish = {broken: "Export failed"}.get
    for expected in ("Queued", "Processing", "Completed"):
        shown = calls.get(f"{kind}/export/{job}/status.json")
        assert shown["result"][0]["status"] == expected
        check(spec, f"{template}/{{exportId}}/status.json", "get", shown)
        calls.marketo.clock.advance(60)
    assert calls.state(broken, kind)["status"] == "Failed"
    dropped = calls.job(kind, **body)
    check(spec, f"{template}/{{exportId}}/cancel.json", "post", calls.post(f"{kind}/export/{dropped}/cancel.json"))
    page = calls.get(f"{kind}/export.json", batchSize=2)
    assert "nextPageToken" in page
    check(spec, f"{template}.json", "get", page)


def test_every_bulk_call_of_leads_activities_and_custom_objects_is_there(spec: dict, calls: Calls) -> None:
    known = {(route.method.lower(), route.path) for route in calls.marketo.service.router.routes}
    described = {
        (method, path)
        for path, methods in spec["paths"].items()
        for method in methods
        if path.startswith("/bulk/") and "/program/" not in path
    }
    assert described <= known
