"""The preflight's lines for objects beside persons: readable, writable, or what to do."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService
from marketo_dynamics_sync.sandbox.server import LoopbackServer


def lines(marketo, definitions):
    found = {line.name: line for line in marketo.check(list(definitions))}
    for line in found.values():
        assert line.side.value == "marketo"
        assert line.passed or line.remedy
    return found


def failed(found):
    return sorted(name for name, line in found.items() if not line.passed)


def test_everything_in_order_and_nothing_written(marketo, with_types, definitions):
    found = lines(marketo, definitions.values())
    assert failed(found) == []
    assert list(found)[-15:-1] == [
        "read companies",
        "write companies",
        "read sales persons",
        "write sales persons",
        "read opportunities",
        "write opportunities",
        "read opportunity roles",
        "write opportunity roles",
        "read records of 'seat_c'",
        "write records of 'seat_c'",
        "read records of 'row_c'",
        "write records of 'row_c'",
        "read records of 'house_c'",
        "write records of 'house_c'",
    ]
    assert "told apart by hall, place" in found["read records of 'row_c'"].detail
    assert marketo.calls.writes == 0
    names = ("companies", "salespersons", "opportunities", "opportunities/roles", "seat_c", "row_c", "house_c")
    assert not any(with_types.objects(name) for name in names)


def test_one_object_is_looked_at_once(marketo, with_types, definitions):
    names = [line.name for line in marketo.check([definitions["seat"], definitions["seat"]])]
    assert names.count("read records of 'seat_c'") == 1


def test_a_custom_object_that_is_missing(marketo, service, definitions):
    found = lines(marketo, [definitions["seat"]])
    assert failed(found) == ["read records of 'seat_c'", "write records of 'seat_c'"]
    assert "isn't there" in found["read records of 'seat_c'"].detail


def test_rights_that_are_missing_are_named(connect, with_types, definitions):
    rights = frozenset({"Read-Only Lead", "Read-Only Activity", "Read-Only Company", "Read-Write Custom Object"})
    with_types.identity.clients["few"] = Client("s", permissions=rights)
    wanted = [definitions[name] for name in ("account", "opportunity", "seat")]
    found = lines(connect(client_id="few", client_secret="s"), wanted)
    assert failed(found) == ["read opportunities", "write companies", "write opportunities"]
    assert "'Read-Write Company'" in found["write companies"].remedy
    assert "'Read-Only Opportunity'" in found["read opportunities"].remedy


def test_a_native_sync_leaves_reads_and_closes_writes(connect, definitions, add_types, clock):
    service = MarketoService(clock, native_sync="dynamics")
    add_types(service)
    with LoopbackServer(service) as server:
        found = lines(connect(url=server.url), definitions.values())
    assert failed(found) == [
        "native CRM sync",
        "read opportunity roles",
        "write companies",
        "write opportunities",
        "write opportunity roles",
        "write sales persons",
    ]
    for name in ("write companies", "write opportunities", "write sales persons", "read opportunity roles"):
        assert "own CRM sync is connected" in found[name].detail
    assert "Disconnect Marketo's own CRM sync" in found["write companies"].remedy


def test_fields_that_a_crm_manages_close_an_object_too(marketo, service, definitions):
    fields = [
        {"name": "externalCompanyId", "dataType": "string", "updateable": False},
        {"name": "company", "dataType": "string", "updateable": False, "crmManaged": True},
    ]
    described = {"name": "Company", "idField": "id", "dedupeFields": ["externalCompanyId"], "fields": fields}
    body = json.dumps({"requestId": "1#1", "success": True, "result": [described]}).encode()
    answer = Response(200, [("Content-Type", "application/json")], body)
    service.on_request = lambda request: answer if request.path.endswith("companies/describe.json") else None
    found = lines(marketo, [definitions["account"]])
    assert failed(found) == ["write companies"]
    assert "managed by a CRM" in found["write companies"].detail


@pytest.mark.parametrize("code", ["607", "1018"])
def test_what_stops_the_try_of_a_write_is_told(marketo, service, definitions, code):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": code, "message": "No"}]}
    answer = Response(200, [("Content-Type", "application/json")], json.dumps(body).encode())
    service.on_request = lambda request: (
        answer if request.method == "POST" and request.path.endswith("companies.json") else None
    )
    found = lines(marketo, [definitions["account"]])
    assert failed(found) == ["write companies"]
    assert code in found["write companies"].detail
