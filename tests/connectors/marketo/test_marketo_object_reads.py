"""Reading objects beside persons over a real socket: by id, by a field, by a compound key, to the last page."""

from __future__ import annotations

import json

import attrs
import pytest

from marketo_dynamics_sync.connectors.marketo import DEDUPE_FIELDS
from marketo_dynamics_sync.entities import without
from marketo_dynamics_sync.errors import ConfigurationError, PermissionDeniedError, RequestRejectedError, ResponseError
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client

JSON = [("Content-Type", "application/json;charset=UTF-8")]
NOBODY = "00000000-0000-4000-8000-000000000000"


def test_companies_by_id(marketo, service, objects):
    ids = [str(service.create_company(f"A-{n}", company=f"Firma {n} Żółć 株式会社 👩‍🚀")) for n in range(3)]
    service.update_company(int(ids[0]), numberOfEmployees=12)
    found = marketo.fetch(objects.account, [*ids, "999999", "abc", "1,2", "", *ids])
    assert [record.id for record in found] == ids
    assert found[0].values["name"] == "Firma 0 Żółć 株式会社 👩‍🚀"
    assert found[0].values["employees"] == 12
    assert found[1].values["employees"] is None
    assert found[0].modified_at is not None
    assert found[0].modified_at.utcoffset().total_seconds() == 0
    assert marketo.fetch(objects.account, []) == []


def test_hundreds_of_opportunities_by_their_guid(marketo, service, objects):
    ids = [service.create_opportunity(f"O-{n}", f"Deal {n}") for n in range(650)]
    service.reset_calls()
    found = marketo.fetch(objects.deal, [*ids, NOBODY, "a,b"])
    assert [record.id for record in found] == ids
    assert [call.method for call in service.calls] == ["POST", "POST", "GET"]
    assert {call.path for call in service.calls} == {"/rest/v1/opportunities.json"}
    assert {call.kind for call in service.calls} == {"read"}


def test_few_ids_go_in_the_url_and_personal_values_never(marketo, service, objects):
    user = service.create_sales_person("U-1", email="ada@example.com", lastName="Byron")
    queries = []
    service.on_request = lambda request: queries.append(request.query)
    assert [record.id for record in marketo.fetch(objects.user, [str(user)])] == [str(user)]
    (record,) = marketo.find(objects.user, "email", ["ADA@example.com"])
    assert (record.id, record.values["user"]) == (str(user), "U-1")
    assert "filterValues" in queries[0]
    assert "ada" not in "".join(queries).lower()


def test_every_page_is_read(marketo, service, objects):
    person = service.create_person(email="ada@example.com")
    for n in range(620):
        service.create_custom_object("seat_c", seatId=f"S-{n}", leadId=person, label=f"L{n}")
    service.reset_calls()
    found = marketo.find(objects.seat, "person", [person])
    assert len({record.id for record in found}) == 620
    assert len(service.calls) == 3


def test_a_page_that_comes_again_ends_with_an_error(marketo, service, objects):
    body = {"requestId": "1#1", "success": True, "result": [], "nextPageToken": "AAAA"}
    service.on_request = lambda request: Response(200, JSON, json.dumps(body).encode())
    with pytest.raises(ResponseError, match="same page"):
        marketo.find(objects.account, "account", ["A-1"])
    with pytest.raises(ResponseError, match="same page"):
        marketo.find(objects.part, DEDUPE_FIELDS, [("O-1", 1, "Buyer")])


def test_roles_by_their_compound_key(marketo, service, objects):
    people = [service.create_person(lastName=f"P{n}") for n in range(310)]
    service.create_opportunity("O-1", "Deal")
    for number in people:
        service.create_opportunity_role("O-1", number, "Entscheider, Käufer", isPrimary=number == people[0])
    service.create_opportunity_role("O-1", people[0], "Other")
    service.reset_calls()
    keys = [("o-1", number, "ENTSCHEIDER, käufer") for number in people]
    found = marketo.find(objects.part, DEDUPE_FIELDS, [*keys, ("O-1", 999999, "Other"), ("O-1", None, "x"), keys[0]])
    assert sorted(record.values["person"] for record in found) == people
    assert found[0].values["primary"] is True
    assert found[1].values["primary"] is False
    assert [call.kind for call in service.calls] == ["read", "read"]
    assert len(marketo.find(objects.part, "person", [people[0]])) == 2
    assert marketo.find(objects.part, DEDUPE_FIELDS, []) == []


def test_pages_of_a_compound_look_up(marketo, service, objects):
    service.create_custom_object("row_c", hall="A", place="1")
    answered = []

    def paged(request):
        body = json.loads(request.body)
        answered.append(body.get("nextPageToken"))
        result = [{"marketoGUID": f"00000000-0000-4000-8000-00000000000{len(answered)}", "hall": "A", "place": "1"}]
        more = {"nextPageToken": "AAAA"} if len(answered) == 1 else {}
        return Response(200, JSON, json.dumps({"requestId": "1#1", "success": True, "result": result, **more}).encode())

    service.on_request = lambda request: paged(request) if request.path.endswith("row_c.json") else None
    assert len(marketo.find(objects.row, DEDUPE_FIELDS, [("A", "1")])) == 2
    assert answered == [None, "AAAA"]


def test_a_field_that_is_searchable_only_with_others(marketo, objects):
    with pytest.raises(ConfigurationError, match=r"row.hall.*can't look.*'row_c'.*'hall'.*hall, place together"):
        marketo.find(objects.row, "hall", ["A"])
    with pytest.raises(ConfigurationError, match=r"'role'.*leadId.*together \('dedupeFields'\)"):
        marketo.find(objects.part, "role", ["Buyer"])


def test_a_field_that_is_not_searchable_at_all(marketo, objects):
    with pytest.raises(
        ConfigurationError, match=r"account.city.*'billingCity'.*It can by company, externalCompanyId, id$"
    ):
        marketo.find(objects.account, "city", ["Berlin"])
    with pytest.raises(ConfigurationError, match="no field 'nothing'"):
        marketo.find(objects.account, "nothing", ["x"])


def test_the_one_dedupe_field_is_searchable_whatever_the_description_says(connect, service, objects):
    service.create_custom_object("seat_c", seatId="S-1")
    fields = {name: attrs.evolve(item, searchable=False) for name, item in objects.seat.marketo.fields.items()}
    seat = attrs.evolve(objects.seat, marketo=attrs.evolve(objects.seat.marketo, fields=fields))
    (record,) = connect().find(seat, "seat", ["s-1"])
    assert record.values["seat"] == "S-1"


def test_keys_of_the_wrong_shape(marketo, objects):
    with pytest.raises(ConfigurationError, match="tuple of 2"):
        marketo.find(objects.row, DEDUPE_FIELDS, ["A"])
    assert marketo.find(objects.seat, DEDUPE_FIELDS, ["S-1", ("S-2",)]) == []


def test_a_key_that_is_not_synced(marketo, objects):
    with pytest.raises(ConfigurationError, match="syncs no field with 'place'"):
        marketo.find(without(objects.row, ["place"]), DEDUPE_FIELDS, [("A", "1")])


def test_values_that_marketo_cannot_hold_are_nobodys(marketo, service, objects):
    service.create_company("A-1", company="x")
    found = marketo.find(objects.account, "account", ["A-1", "x" * 500, None, "  ", "a-1"])
    assert len(found) == 1
    assert marketo.find(objects.row, DEDUPE_FIELDS, [("x" * 500, "1")]) == []


def test_a_value_with_a_comma_never_finds_its_parts(marketo, service, objects):
    service.create_company("A-1", company="Smith")
    service.create_company("A-2", company="Sons")
    assert marketo.find(objects.account, "name", ["Smith,Sons"]) == []
    assert len(marketo.find(objects.account, "name", ["smith", "SONS"])) == 2


def test_too_many_results_are_asked_for_in_halves(marketo, service, objects):
    for n in range(8):
        service.create_company(f"A-{n}")

    def strict(request):
        if request.body.count(b"%2C") < 4 + 6 or not request.path.endswith("companies.json"):
            return None
        body = {"requestId": "1#1", "success": False, "errors": [{"code": "1003", "message": "Too many results"}]}
        return Response(200, JSON, json.dumps(body).encode())

    service.on_request = strict
    assert len(marketo.find(objects.account, "account", [f"A-{n}" for n in range(8)])) == 8


def test_a_missing_right_is_named(connect, service, objects):
    service.identity.clients["none"] = Client("s", permissions=frozenset())
    marketo = connect(client_id="none", client_secret="s")
    with pytest.raises(PermissionDeniedError, match="'Read-Only Opportunity'"):
        marketo.fetch(objects.part, [NOBODY])
    with pytest.raises(PermissionDeniedError, match="'Read-Only Custom Object'"):
        marketo.find(objects.seat, "seat", ["S-1"])


def test_an_object_that_is_gone_meanwhile(marketo, service, objects):
    service._objects.custom.types.pop("seat_c")
    with pytest.raises(RequestRejectedError, match=r"'seat_c'.*1013"):
        marketo.fetch(objects.seat, [NOBODY])


def test_a_record_without_an_id(marketo, service, objects):
    body = b'{"requestId": "1#1", "success": true, "result": [{"seq": 0, "seatId": "S-1"}]}'
    service.on_request = lambda request: Response(200, JSON, body)
    with pytest.raises(ResponseError, match="without an id"):
        marketo.fetch(objects.seat, [NOBODY])
