"""Every call the sandbox knows stands in Adobe's Swagger file, with the parameters it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService

SPEC = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "marketo" / "swagger-mapi.json"
#: Recorded traffic has this call; the Swagger file does not.
UNDOCUMENTED = {("DELETE", "/rest/v1/leads.json")}
#: Permissions that Adobe's page "Custom Services" spells otherwise than the file, which leaves the last one out.
MISSPELT = {
    "Read-Write Opportunity": "Read-Write Named Opportunity",
    "Read-Only Assets": "Read-Only Asset",
    "Read-Write Assets": "Read-Only Asset",
}
#: Adobe's pages on bulk extract take the permission to write as well; the Swagger file names the one to read alone.
PAGES_TAKE_WRITERS = "/export"


@pytest.fixture(scope="module")
def paths() -> dict[str, dict[str, dict]]:
    if not SPEC.exists():
        pytest.skip("Adobe's Swagger files are not beside the checkout, at ../shared/contracts/marketo")
    return json.loads(SPEC.read_text(encoding="utf-8"))["paths"]


def test_calls_permissions_and_parameters_are_adobes(paths: dict[str, dict[str, dict]]) -> None:
    for route in MarketoService(SandboxClock()).router.routes:
        if (route.method, route.path) in UNDOCUMENTED:
            assert route.method.lower() not in paths[route.path]
            continue
        described = paths[route.path][route.method.lower()]
        named = {item["name"] for item in described.get("parameters", []) if item["in"] == "query"}
        assert set(route.parameters) == named, route.path
        needs = described["description"].split("Required Permissions:")[-1] if "description" in described else ""
        for permission in route.permissions if "Required Permissions" in described.get("description", "") else ():
            if PAGES_TAKE_WRITERS in route.path:
                permission = permission.replace("Read-Write", "Read-Only")
            assert MISSPELT.get(permission, permission) in needs, route.path
