"""Reading persons over a real socket."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.errors import ConfigurationError, RequestRejectedError


def guid(number):
    return f"6b1f8d0e-0c7a-ee11-8179-{number:012d}"


def test_a_thousand_ids_cost_four_calls(marketo, service, lead):
    ids = [str(service.create_person(email=f"a{i}@example.com", firstName=f"A{i}")) for i in range(1000)]
    records = marketo.fetch(lead, [*ids, *ids[:10], "999999", "no-number"])
    assert sorted(r.id for r in records) == sorted(ids)
    assert [call.kind for call in service.calls] == ["read"] * 4
    assert marketo.calls.reads == 4


def test_three_hundred_guids_go_in_one_form(marketo, service, lead):
    for i in range(300):
        service.create_person(crmId=guid(i), lastName=str(i))
    found = marketo.find(lead, "crm_id", [guid(i).upper() for i in range(300)] + [guid(0)])
    assert len(found) == 300
    assert [(call.method, call.path) for call in service.calls] == [("POST", "/rest/v1/leads.json")]


def test_values_are_normalised(marketo, service, lead, clock):
    number = service.create_person(crmId=guid(1), firstName="Ada", numberOfEmployees=12)
    (record,) = marketo.fetch(lead, [str(number)])
    assert record.values == {
        "crm_id": guid(1),
        "first_name": "Ada",
        "last_name": None,
        "email": None,
        "company": None,
        "badge": None,
        "do_not_call": False,
        "employees": 12,
    }
    assert record.modified_at == clock.now()


def test_e_mails_are_found_in_any_case_and_with_blanks_around(marketo, service, lead):
    number = service.create_person(email="Ada@Example.com")
    (record,) = marketo.find(lead, "email", [" aDa@example.COM ", "ada@example.com", None, ""])
    assert record.id == str(number)
    assert len(service.calls) == 1


def test_an_e_mail_that_marketo_cannot_hold_is_not_asked_for(marketo, service, lead):
    assert marketo.find(lead, "email", ["münchen@example.com"]) == []
    assert service.calls == []


def test_personal_data_stays_out_of_urls(marketo, service, lead):
    seen = []
    service.on_request = lambda request: seen.append(request.target)
    marketo.find(lead, "email", ["ada@example.com"])
    assert seen == ["/rest/v1/leads.json"]


def test_a_shared_key_is_read_page_by_page_to_its_end(marketo, service, lead):
    for _ in range(700):
        service.create_person(email="shared@example.com")
    assert len(marketo.find(lead, "email", ["shared@example.com"])) == 700
    assert len(service.calls) == 3


def test_too_many_matches_are_asked_for_in_halves(marketo, service, lead):
    for i in range(3):
        for _ in range(600):
            service.create_person(email=f"many{i}@example.com")
    assert len(marketo.find(lead, "email", [f"many{i}@example.com" for i in range(3)])) == 1800


def test_one_key_with_too_many_matches_is_an_error_without_the_value(marketo, service, lead):
    for _ in range(1001):
        service.create_person(email="shared@example.com")
    with pytest.raises(RequestRejectedError) as caught:
        marketo.find(lead, "email", ["shared@example.com"])
    assert caught.value.code == "1003"
    assert "shared" not in str(caught.value)


def test_a_comma_finds_nobody_else(marketo, service, lead):
    service.create_person(badge="left")
    service.create_person(badge="right")
    number = service.create_person(badge="plain")
    found = marketo.find(lead, "badge", ["left,right", "plain"])
    assert [record.id for record in found] == [str(number)]


def test_a_field_that_cannot_be_searched_is_named(marketo, lead):
    with pytest.raises(ConfigurationError, match=r"lead\.company.*'company'"):
        marketo.find(lead, "company", ["x"])
    with pytest.raises(ConfigurationError, match="no field 'shoe'"):
        marketo.find(lead, "shoe", ["x"])


def test_only_the_mapped_fields_are_asked_for(marketo, service, lead):
    number = service.create_person(firstName="Ada", shoeSize="38")
    seen = []
    service.on_request = lambda request: seen.append(request.target)
    marketo.fetch(lead, [str(number)])
    assert "shoeSize" not in seen[0]
    assert "firstName" in seen[0]
    assert service.ignored == set()


def test_describe_is_asked_once_until_refreshed(marketo, service, lead):
    definition = lead.definition
    info = marketo.describe(definition)
    assert info.fields["crmId"].searchable
    assert info.fields["crmId"].updatable
    assert not info.fields["company"].searchable
    assert not info.fields["id"].updatable
    assert info.fields["email"].type == "email"
    assert info.fields["firstName"].max_length == 255
    assert service.calls == []
    marketo.refresh()
    marketo.describe(definition)
    marketo.describe(definition)
    assert [call.path for call in service.calls] == ["/rest/v1/leads/describe2.json"]
    assert marketo.calls.metadata == 2


def test_a_time_out_of_the_service_is_halved(marketo, service, lead):
    ids = [str(service.create_person(firstName=f"A{i}")) for i in range(8)]

    def slow(request):
        values = request.query.split("filterValues=")[1].split("&")[0].split("%2C")
        return None if len(values) <= 2 else timeout_answer()

    service.on_request = slow
    assert len(marketo.fetch(lead, ids)) == 8


def timeout_answer():
    from marketo_dynamics_sync.sandbox.http import Response

    body = b'{"requestId":"1#1","success":false,"errors":[{"code":"604","message":"Request time-out"}]}'
    return Response(200, [("Content-Type", "application/json;charset=UTF-8")], body)
