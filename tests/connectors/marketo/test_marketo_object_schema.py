"""Describing companies, sales persons, opportunities, roles and custom objects over a real socket."""

from __future__ import annotations

import gzip
import json

import pytest

from marketo_dynamics_sync.entities import Direction, Entity, custom_object, entity, mapped
from marketo_dynamics_sync.errors import ConfigurationError, PermissionDeniedError, RequestRejectedError, ResponseError
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService, ObjectField
from marketo_dynamics_sync.sandbox.server import LoopbackServer

JSON = [("Content-Type", "application/json;charset=UTF-8")]


def described(service, change):
    """Change the description of an object on its way."""

    def changed(request, response):
        if not request.path.endswith("describe.json"):
            return response
        data = json.loads(gzip.decompress(response.body) if response.body[:2] == b"\x1f\x8b" else response.body)
        change(data["result"][0])
        return Response(200, JSON, json.dumps(data).encode())

    service.on_answer = changed


def test_a_company_as_it_is_described(marketo, definitions):
    info = marketo.describe(definitions["account"])
    assert (info.name, info.primary_id, info.tracked, info.guarded) == ("company", "id", False, False)
    key, number, city = info.fields["externalCompanyId"], info.fields["id"], info.fields["billingCity"]
    assert (key.type, key.max_length, key.creatable, key.updatable, key.searchable) == (
        "string",
        100,
        True,
        False,
        True,
    )
    assert (number.creatable, number.updatable, number.searchable) == (False, False, True)
    assert (city.creatable, city.updatable, city.searchable) == (True, True, False)
    assert info.fields["annualRevenue"].type == "currency"


def test_every_object_is_described_by_its_own_id(marketo, with_types, definitions):
    found = {name: marketo.describe(item) for name, item in definitions.items()}
    assert {name: info.primary_id for name, info in found.items()} == {
        "account": "id",
        "user": "id",
        "opportunity": "marketoGUID",
        "role": "marketoGUID",
        "seat": "marketoGUID",
        "row": "marketoGUID",
        "house": "marketoGUID",
    }
    assert {name: info.name for name, info in found.items()}["seat"] == "seat_c"
    assert found["role"].fields["leadId"].searchable
    assert not found["role"].fields["role"].searchable
    assert found["role"].fields["role"].creatable
    assert found["seat"].fields["leadId"].targets == ("person",)
    assert found["row"].fields["home"].targets == ("house_c",)
    assert found["row"].fields["hall"].targets == ()
    assert found["user"].fields["email"].creatable
    assert not found["user"].fields["email"].updatable


def test_an_object_is_described_once_until_a_refresh(marketo, with_types, definitions):
    with_types.reset_calls()
    for _ in range(3):
        marketo.describe(definitions["seat"])
    assert marketo.calls.metadata == 1
    with_types.add_object_field("companies", ObjectField("tier"))
    marketo.describe(definitions["account"])
    marketo.refresh()
    assert "tier" in marketo.describe(definitions["account"]).fields
    # The person fields once, to see whether a native sync ever was.
    assert marketo.calls.metadata == 4


def test_a_custom_object_that_is_not_there(marketo, definitions):
    with pytest.raises(ConfigurationError, match=r"seat.*'seat_c'.*isn't there or has no approved version.*API name"):
        marketo.describe(definitions["seat"])


def test_a_custom_object_without_an_approved_version(marketo, service, definitions):
    service.create_custom_object_type("seat_c", [ObjectField("seatId", dedupe=True)], approve=False)
    with pytest.raises(ConfigurationError, match=r"'seat_c', which has no approved version\. Approve"):
        marketo.describe(definitions["seat"])


def test_a_draft_that_may_not_be_seen_is_told_as_both(connect, service, definitions):
    service.create_custom_object_type("seat_c", [ObjectField("seatId", dedupe=True)], approve=False)
    service.identity.clients["few"] = Client("s", permissions=frozenset({"Read-Only Custom Object"}))
    with pytest.raises(ConfigurationError, match="isn't there or has no approved version"):
        connect(client_id="few", client_secret="s").describe(definitions["seat"])


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("account", "Read-Only Company"),
        ("user", "Read-Only Sales Person"),
        ("opportunity", "Read-Only Opportunity"),
        ("role", "Read-Only Opportunity"),
        ("seat", "Read-Only Custom Object"),
    ],
)
def test_a_missing_right_is_named(connect, with_types, definitions, name, right):
    with_types.identity.clients["none"] = Client("s", permissions=frozenset({"Read-Only Lead"}))
    with pytest.raises(PermissionDeniedError, match=f"'{right}'"):
        connect(client_id="none", client_secret="s").describe(definitions[name])


def test_other_dedupe_fields_than_the_entity_says(marketo, with_types):
    @entity(name="seat", marketo=custom_object("seat_c", dedupe="label"), dynamics="s", direction=Direction.TO_MARKETO)
    class Wrong(Entity):
        label: str | None = mapped(marketo="label", dynamics="new_label", key=True)

    with pytest.raises(ConfigurationError, match=r"apart by label, but they are told apart by seatId"):
        marketo.describe(Wrong.__entity__)


def test_letter_case_of_keys_in_a_description_does_not_count(marketo, with_types, definitions):
    def loud(result):
        result["relationships"][0]["field"] = "LEADID"
        result["dedupeFields"] = [name.upper() for name in result["dedupeFields"]]
        result["searchableFields"] = [[name.upper() for name in group] for group in result["searchableFields"]]

    described(with_types, loud)
    info = marketo.describe(definitions["seat"])
    assert info.fields["leadId"].searchable
    assert info.fields["leadId"].targets == ("person",)
    assert info.fields["seatId"].searchable


def test_a_description_with_less_than_usual(marketo, with_types, definitions):
    def poor(result):
        del result["dedupeFields"], result["searchableFields"], result["idField"]
        result["relationships"] = ["junk", {"field": "leadId"}, {"field": "leadId", "relatedTo": {}}]
        kept = [field for field in result["fields"] if field["name"] not in ("marketoGUID", "label")]
        result["fields"] = [*kept, {"name": "label"}, {"dataType": "string"}, "junk"]

    described(with_types, poor)
    info = marketo.describe(definitions["seat"])
    assert info.primary_id == "marketoGUID"
    assert info.fields["marketoGUID"].searchable
    assert "label" not in info.fields


def test_a_description_without_fields(marketo, service, definitions):
    described(service, lambda result: result.pop("fields"))
    with pytest.raises(ResponseError, match="no 'fields'"):
        marketo.describe(definitions["account"])


def test_a_refusal_that_says_nothing_of_the_object(marketo, service, definitions):
    body = b'{"requestId": "1#1", "success": false, "errors": [{"code": "1003", "message": "Odd"}]}'
    service.on_request = lambda request: Response(200, JSON, body) if "describe" in request.path else None
    with pytest.raises(RequestRejectedError, match="Odd"):
        marketo.describe(definitions["seat"])


def test_an_empty_description_of_a_custom_object(marketo, service, definitions):
    body = b'{"requestId": "1#1", "success": true, "result": []}'
    service.on_request = lambda request: Response(200, JSON, body) if "describe" in request.path else None
    with pytest.raises(ConfigurationError, match="seat_c"):
        marketo.describe(definitions["seat"])
    with pytest.raises(ResponseError, match="companies"):
        marketo.describe(definitions["account"])


def test_roles_under_a_native_sync(connect, definitions):
    with LoopbackServer(MarketoService(SandboxClock(), native_sync="dynamics")) as server:
        marketo = connect(url=server.url)
        assert marketo.describe(definitions["account"]).fields
        with pytest.raises(ConfigurationError, match=r"role can't be synced.*own CRM sync is connected.*Disconnect"):
            marketo.describe(definitions["role"])


def test_a_name_is_escaped_in_the_path(marketo, service):
    @entity(name="odd", marketo=custom_object("a?c", dedupe="x"), dynamics="odds", direction=Direction.TO_MARKETO)
    class Odd(Entity):
        x: str | None = mapped(marketo="x", dynamics="new_x", key=True)

    with pytest.raises(ConfigurationError, match="isn't there"):
        marketo.describe(Odd.__entity__)
    assert "/rest/v1/customobjects/a?c/describe.json" in [call.path for call in service.calls]


def test_objects_have_streams_of_their_own_that_never_tell_anything(marketo, objects, lead):
    names = [marketo.stream(item) for item in (objects.account, objects.part, objects.seat, lead)]
    assert names == ["object:company", "object:opportunityRole", "object:seat_c", "persons"]
    before = marketo.calls.total
    for checkpoint in (None, "object:seat_c"):
        (page,) = marketo.changes([objects.seat], checkpoint)
        assert page.checkpoint
        assert not any((page.records, page.changed, page.deleted, page.present, page.listing))
    assert marketo.calls.total == before
