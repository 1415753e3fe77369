"""What a create call of an extract may ask for (Adobe, "Bulk Extract", "Common Parameters")."""

from __future__ import annotations

import pytest
from tests.sandbox.marketo.bulk_calls import JANUARY, Calls
from tests.sandbox.marketo.marketo_instance import Make, code


@pytest.fixture
def calls(make: Make) -> Calls:
    return Calls(make().sign_in())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"format": "XLS"}, "1003"),
        ({"format": 7}, "1003"),
        ({"fields": None}, "1002"),
        ({"fields": []}, "1002"),
        ({"fields": "id"}, "609"),
        ({"fields": [1]}, "609"),
        ({"columnHeaderNames": []}, "609"),
        ({"columnHeaderNames": {"id": 1}}, "609"),
        ({"columnHeaderNames": {"email": "E-mail"}}, "1003"),
        ({"filter": None}, "1002"),
        ({"filter": {}}, "1002"),
        ({"filter": []}, "609"),
        ({"filter": {"createdAt": JANUARY, "staticListId": 1}}, "1003"),
        ({"filter": {"score": 5}}, "1003"),
    ],
)
def test_orders_that_are_refused(calls: Calls, changed: dict, expected: str) -> None:
    assert code(calls.create(**changed)) == expected
    assert calls.get("leads/export.json")["result"] == []


def test_a_body_that_is_no_json(calls: Calls) -> None:
    url = "/bulk/v1/leads/export/create.json"
    assert code(calls.marketo.http.post(url, content=b"{}").json()) == "612"
    assert (
        code(calls.marketo.http.post(url, content=b"{", headers={"Content-Type": "application/json"}).json()) == "609"
    )


@pytest.mark.parametrize("form", ["CSV", "tsv", "Ssv"])
def test_formats_and_headers(calls: Calls, form: str) -> None:
    calls.marketo.service.create_person(email="a@example.com", firstName="A;\tB,", visits=3, ratio=0.5)
    text = calls.extract(
        fields=["email", "firstName", "visits", "ratio", "email"],
        format=form,
        columnHeaderNames={"firstName": "First, Name", "visits": "Visits"},
    )
    expected = {
        "CSV": 'email,"First, Name",Visits,ratio,email\na@example.com,"A;\tB,",3,0.5,a@example.com\n',
        "tsv": 'email\tFirst, Name\tVisits\tratio\temail\na@example.com\t"A;\tB,"\t3\t0.5\ta@example.com\n',
        "Ssv": 'email;First, Name;Visits;ratio;email\na@example.com;"A;\tB,";3;0.5;a@example.com\n',
    }
    assert text == expected[form]
    assert calls.get("leads/export.json")["result"][0]["format"] == form.upper()
