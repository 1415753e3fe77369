"""Bulk messages and batches."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from tests.sandbox.dataverse.callers import HOST

from marketo_dynamics_sync.sandbox.http import Request

LEAD = {"@odata.type": "Microsoft.Dynamics.CRM.lead"}
NAMESPACE = "Microsoft.Dynamics.CRM"


def targets(*rows: dict[str, object]) -> dict[str, object]:
    return {"Targets": [{**LEAD, **row} for row in rows]}


def test_rows_are_made_in_order(api, service) -> None:
    answer = api("POST", f"leads/{NAMESPACE}.CreateMultiple", targets({"lastname": "A"}, {"lastname": "B"}))
    assert answer.status == 200
    assert answer.json["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateMultipleResponse")
    assert [service.row("lead", row)["lastname"] for row in answer.json["Ids"]] == ["A", "B"]


@pytest.mark.parametrize(
    ("message", "body", "expected"),
    [
        ("CreateMultiple", {}, (400, "0x80048d19")),
        ("CreateMultiple", {"Targets": ["x"]}, (400, "0x80048d19")),
        ("CreateMultiple", {"Targets": [{"lastname": "B"}]}, (400, "0x80048d19")),
        ("CreateMultiple", {"Targets": [{"@odata.type": f"{NAMESPACE}.contact"}]}, (400, "0x80040203")),
        ("CreateMultiple", targets({"lastname": "x" * 51}), (400, "0x80044331")),
        ("UpdateMultiple", targets({"leadid": str(uuid4())}), (404, "0x80040217")),
        ("UpdateMultiple", targets({"@odata.id": "contacts(x)"}), (400, "0x80048d19")),
        ("UpdateMultiple", targets({"lastname": "nobody"}), (404, "0x80040217")),
        ("UpsertMultiple", targets({"@odata.id": "leads(fax='1')"}), (400, "0x80060890")),
        ("DeleteMultiple", targets({"leadid": str(uuid4())}), (501, "0x80040219")),
    ],
)
def test_what_bulk_messages_refuse(api, message: str, body: dict[str, object], expected) -> None:
    assert api("POST", f"leads/{NAMESPACE}.{message}", body).failed == expected
    assert api.get(f"leads/{NAMESPACE}.{message}").failed == (404, "")


def test_a_taken_id_undoes_all(api, service) -> None:
    row = service.create("lead", lastname="old")
    answer = api("POST", f"leads/{NAMESPACE}.CreateMultiple", targets({"lastname": "A"}, {"leadid": row}))
    assert answer.failed == (412, "0x80040237")
    assert answer.message == "Cannot insert duplicate key."
    assert [each["lastname"] for each in service.all_rows("lead")] == ["old"]


def test_updates_are_all_or_nothing(api, service) -> None:
    rows = [service.create("lead", lastname=name) for name in "AB"]
    body = targets(*({"leadid": row, "fax": "1"} for row in rows))
    assert api("POST", f"leads/{NAMESPACE}.UpdateMultiple", body).status == 204
    bad = targets({"leadid": rows[0], "fax": "2"}, {"leadid": rows[1], "fax": "x" * 999})
    assert api("POST", f"leads/{NAMESPACE}.UpdateMultiple", bad).status == 400
    assert {row["fax"] for row in service.all_rows("lead")} == {"1"}


def test_upserts_by_id_key_or_neither(api, service) -> None:
    service.add_key("lead", "fax", "fax")
    known, fresh = service.create("lead", lastname="known"), str(uuid4())
    body = targets(
        {"leadid": known, "pager": "1"},
        {"leadid": fresh, "pager": "2"},
        {"@odata.id": "leads(fax='F')", "pager": "3"},
        {"pager": "4"},
    )
    assert api("POST", f"leads/{NAMESPACE}.UpsertMultiple", body).status == 204
    rows = {row["leadid"]: row for row in service.all_rows("lead")}
    assert (rows[known]["pager"], rows[fresh]["pager"], len(rows)) == ("1", "2", 4)
    again = targets({"@odata.id": "leads(fax='F')", "fax": "F", "pager": "5"})
    assert api("POST", f"leads/{NAMESPACE}.UpsertMultiple", again).status == 204
    twice = targets({"@odata.id": "leads(fax='G')", "fax": "G"})
    assert api("POST", f"leads/{NAMESPACE}.UpsertMultiple", twice).failed == (400, "0x80040216")


def test_each_row_is_told_before_it_changes(api, service) -> None:
    row, told = service.create("lead", lastname="A"), []
    service.before_write = lambda table, changed: told.append((table, changed))
    for message in ("UpdateMultiple", "UpsertMultiple"):
        api("POST", f"leads/{NAMESPACE}.{message}", targets({"leadid": row, "fax": "1"}))
    api("PATCH", f"leads({row})", {"fax": "2"})
    assert told == [("lead", row)] * 3


def query_set(**condition: object) -> dict[str, object]:
    return {"QuerySet": [{"EntityName": "lead", "Criteria": {"Conditions": [condition]}}]}


def test_deleting_in_bulk_happens_after_the_answer(api, service) -> None:
    rows = [service.create("lead", lastname=name) for name in "ABC"]
    values = [{"Value": row} for row in rows[:2]]
    answer = api("POST", "BulkDelete", query_set(AttributeName="leadid", Operator="In", Values=values))
    assert answer.json["JobId"]
    assert len(service.all_rows("lead")) == 3
    service.delete("lead", rows[0])
    api.get("WhoAmI")
    assert [row["leadid"] for row in service.all_rows("lead")] == rows[2:]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "0x80048d19"),
        ({"QuerySet": ["x"]}, "0x80060888"),
        ({"QuerySet": [{"EntityName": "nonsense"}]}, "0x80060888"),
        (query_set(AttributeName="leadid", Operator="Like", Values=[]), "0x80041120"),
        (query_set(AttributeName="nonsense", Operator="In", Values=[]), "0x80041120"),
    ],
)
def test_bulk_deletes_that_are_refused(api, body: dict[str, object], code: str) -> None:
    assert api("POST", "BulkDelete", body).code == code


# Batches


def part(method: str, target: str, body: str = "", *headers: str, content_id: str = "") -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    inner = [f"{method} {target} HTTP/1.1", *headers, "Content-Type: application/json", "", body]
    return "\r\n".join([*lines, "", *inner]) + "\r\n"


def batch(api, *parts: str, prefer: str = "", boundary: str = "batch_1", end: str = "--batch_1--\r\n"):
    text = "".join(f"--batch_1\r\n{each}" for each in parts) + end
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": f'multipart/mixed; boundary="{boundary}"'}
    headers |= {"Prefer": prefer} if prefer else {}
    return api.raw(Request("POST", "/api/data/v9.2/$batch", headers, text.encode(), HOST))


def change_set(*parts: str) -> str:
    inner = "".join(f"--changeset_1\r\n{each}" for each in parts)
    return f"Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n{inner}--changeset_1--\r\n\r\n"


def test_a_batch_byte_for_byte(api, service) -> None:
    row = service.create("lead", lastname="A")
    answer = batch(
        api,
        part("GET", f"leads({row})?$select=lastname"),
        change_set(part("PATCH", f"/api/data/v9.2/leads({row})", '{"fax":"1"}', content_id="1")),
    )
    assert answer.status == 200
    boundary = answer.headers["content-type"].removeprefix("multipart/mixed; boundary=")
    inner = re.search(rb"changesetresponse_[\w-]+", answer.body)[0].decode()
    etag = re.search(rb'W/[^,]*"', answer.body)[0].decode()
    body = (
        '{"@odata.context":"https://contoso.crm.dynamics.com/api/data/v9.2/$metadata#leads(lastname)/$entity",'
        f'"@odata.etag":"{etag[:-1]}","lastname":"A","leadid":"{row}"}}'
    )
    first = answer.body.decode().split("\r\n\r\n")[2].split("\r\n")[0]
    assert first.startswith('{"@odata.context"')
    assert f'"leadid":"{row}"' in first
    assert body[:90] == first[:90]
    address = f"https://contoso.crm.dynamics.com/api/data/v9.2/leads({row})"
    assert answer.body.decode().endswith(
        f"\r\n--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n"
        f"--{inner}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
        f"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nLocation: {address}\r\nOData-EntityId: {address}\r\n\r\n\r\n"
        f"--{inner}--\r\n\r\n--{boundary}--\r\n"
    )


def statuses(answer) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1.1 (\d+)", answer.body)]


def test_a_batch_stops_or_goes_on(api, service) -> None:
    parts = [part("POST", "leads", '{"lastname":"A"}'), part("GET", "nowhere"), part("POST", "leads", "{}")]
    answer = batch(api, *parts)
    assert (answer.status, statuses(answer)) == (400, [204, 404])
    answer = batch(api, *parts, prefer="odata.continue-on-error")
    assert (answer.status, statuses(answer)) == (200, [204, 404, 204])


def test_references_in_a_change_set(api, service) -> None:
    answer = batch(
        api,
        change_set(
            part("POST", "accounts", '{"name":"$1"}', content_id="1"),
            part("POST", "contacts", '{"parentcustomerid_account@odata.bind":"$1"}', content_id="2"),
            part("PUT", "$1/primarycontactid/$ref", '{"@odata.id":"$2"}', content_id="3"),
        ),
    )
    assert statuses(answer) == [204, 204, 204]
    (account,), (contact,) = service.all_rows("account"), service.all_rows("contact")
    assert account["name"] == "$1"
    assert account["_primarycontactid_value"] == contact["contactid"]


@pytest.mark.parametrize(
    "bad",
    [
        part("PATCH", "$2", "{}", content_id="1"),
        part("POST", "contacts", '{"parentcustomerid_account@odata.bind":"$2"}', content_id="1"),
    ],
)
def test_references_to_what_isnt_made_yet(api, service, bad: str) -> None:
    answer = batch(api, change_set(bad, part("POST", "accounts", "{}", content_id="2")))
    assert statuses(answer) == [400]
    assert b"Content-ID Reference: '$2' does not exist in the batch context." in answer.body


def test_operations_have_headers_of_their_own(api, service) -> None:
    row = service.create("lead", lastname="A")
    answer = batch(
        api,
        part("PATCH", f"leads({row})", '{"fax":"1"}', 'If-Match: W/"1"', 'Prefer: odata.include-annotations="*"'),
        part("PATCH", f"leads({row})?$select=fax", '{"fax":"1"}', "Prefer: return=representation"),
        prefer="odata.continue-on-error",
    )
    assert statuses(answer) == [412, 200]
    assert b"Microsoft.PowerApps.CDS.HelpLink" in answer.body
    assert b"HTTP/1.1 412 Precondition Failed" in answer.body


def test_blanks_in_an_address(api, service) -> None:
    service.create("lead", lastname="A B")
    answer = batch(api, part("GET", "https://contoso.crm.dynamics.com/api/data/v9.2/leads?$filter=lastname eq 'A B'"))
    assert b'"lastname":"A B"' in answer.body


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boundary": "other"}, "closing boundary"),
        ({"boundary": ""}, "no boundary"),
        ({"end": ""}, "closing boundary"),
        ({"parts": ["Content-Type: application/http\r\n\r\nGET leads HTTP/1.1\r\n\r\n{}"]}, "Stream was not readable"),
        ({"parts": ["Content-Type: text/plain\r\n\r\nx\r\n"]}, "no application/http"),
        ({"parts": [part("GET", "leads").replace(" HTTP/1.1", "")]}, "request line"),
        ({"parts": [part("GET", "leads").replace("HTTP/1.1", "HTTP/2")]}, "request line"),
        ({"parts": [change_set(part("GET", "leads", content_id="1"))]}, "invalid HTTP method 'GET'"),
        ({"parts": [change_set(part("POST", "leads", "{}"), part("POST", "leads", "{}"))]}, "Content-ID"),
        ({"parts": [part("GET", "leads")] * 1001}, "maximum of 1000"),
        ({"parts": [part("GET", "x" * 65_537)]}, "longer than 65536"),
    ],
)
def test_batches_that_are_refused_as_a_whole(api, options, words: str) -> None:
    parts = options.pop("parts", [part("GET", "leads")])
    answer = batch(api, *parts, **options)
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert words in answer.message


def test_a_batch_holds_no_batch(api) -> None:
    assert statuses(batch(api, part("POST", "$batch"))) == [404]


def test_a_change_set_undoes_associations_too(api, service) -> None:
    team = service.create("team", name="T")
    path, body = f"teams({team})/teammembership_association/$ref", f'{{"@odata.id":"systemusers({service.user_id})"}}'
    bad = part("POST", "leads", '{"x":1}', content_id="2")
    batch(api, change_set(part("POST", path, body, content_id="1"), bad))
    assert api.get(f"teams({team})/teammembership_association").value == []
    api("POST", path, {"@odata.id": f"systemusers({service.user_id})"})
    gone = part("DELETE", f"teams({team})/teammembership_association({service.user_id})/$ref", content_id="1")
    batch(api, change_set(gone, bad))
    assert len(api.get(f"teams({team})/teammembership_association").value) == 1
