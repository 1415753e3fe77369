"""Companies, sales persons, opportunities, roles and named accounts by call, as Adobe's pages on them have it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.marketo.marketo_instance import START, Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import Client, ObjectField
from marketo_dynamics_sync.sandbox.marketo.objects import standard
from marketo_dynamics_sync.sandbox.marketo.objects.records import Records, guids, numbers

STAMP = "2026-01-05T12:00:00Z"
OBJECTS = ["companies", "salespersons", "opportunities", "opportunities/roles", "namedaccounts"]


def write(marketo: Marketo, path: str, *records: object, **members: object) -> list[dict]:
    """Sync records and return the result."""
    answer = marketo.post(f"{path}.json", {"input": list(records), **members})
    assert answer["success"], answer
    return answer["result"]


def statuses(result: list[dict]) -> list[str]:
    """Return the status or the reason of each record, and check that they are numbered."""
    assert [entry["seq"] for entry in result] == list(range(len(result)))
    return [entry["status"] if entry["status"] != "skipped" else reason(entry) for entry in result]


@pytest.mark.parametrize(
    ("path", "name", "id_field", "dedupe"),
    [
        ("companies", "Company", "id", ["externalCompanyId"]),
        ("salespersons", "SalesPerson", "id", ["externalSalesPersonId"]),
        ("opportunities", "opportunity", "marketoGUID", ["externalOpportunityId"]),
        ("opportunities/roles", "opportunityRole", "marketoGUID", ["externalOpportunityId", "leadId", "role"]),
        ("namedaccounts", "Named Account", "marketoGUID", ["name"]),
    ],
)
def test_describe(marketo: Marketo, path: str, name: str, id_field: str, dedupe: list[str]) -> None:
    (described,) = marketo.get(f"{path}/describe.json")["result"]
    assert (described["name"], described["idField"], described["dedupeFields"]) == (name, id_field, dedupe)
    assert (described["createdAt"], described["updatedAt"]) == (STAMP, STAMP)
    fields = {item["name"]: item for item in described["fields"]}
    assert {name for group in described["searchableFields"] for name in group} <= fields.keys()
    assert fields["createdAt"] == {
        "name": "createdAt",
        "displayName": "Created At",
        "dataType": "datetime",
        "updateable": False,
    }
    for key in (id_field, *dedupe):
        assert fields[key]["updateable"] is False
    assert "relationships" not in described


def test_company_fields_are_adobes(marketo: Marketo) -> None:
    first = marketo.get("companies/schema/fields.json", batchSize=5)
    assert [item["displayName"] for item in first["result"]] == [
        "Company Name",
        "Site",
        "Website",
        "Main Phone",
        "Annual Revenue",
    ]
    assert first["moreResult"] is True
    rest = marketo.get("companies/schema/fields.json", nextPageToken=first["nextPageToken"])
    assert rest["moreResult"] is False
    assert "nextPageToken" not in rest
    assert marketo.get("companies/schema/fields/industry.json")["result"] == [
        {
            "displayName": "Industry",
            "name": "industry",
            "description": None,
            "dataType": "string",
            "length": 255,
            "isHidden": False,
            "isHtmlEncodingInEmail": True,
            "isSensitive": False,
            "isCustom": False,
            "isApiCreated": False,
        }
    ]
    assert marketo.get("opportunities/schema/fields/externalOpportunityId.json")["result"][0]["length"] == 50
    assert marketo.get("namedaccounts/schema/fields/sicCode.json")["result"][0]["length"] == 40
    named = marketo.get("namedaccounts/schema/fields.json", batchSize=300)["result"]
    assert {"name", "sicCode"} <= {field["name"] for field in named}
    assert code(marketo.get("companies/schema/fields/none.json")) == "1006"
    assert code(marketo.get("companies/schema/fields.json", nextPageToken="nonsense")) == "1003"
    assert code(marketo.get("opportunities/schema/fields.json", nextPageToken=first["nextPageToken"])) == "1003"


def test_default_fields_and_explicit_nulls(marketo: Marketo) -> None:
    write(marketo, "companies", {"externalCompanyId": "C1", "company": "Example", "website": ""})
    assert marketo.get("companies.json", filterType="dedupeFields", filterValues="c1")["result"] == [
        {"seq": 0, "id": 2101, "externalCompanyId": "C1", "createdAt": STAMP, "updatedAt": STAMP}
    ]
    chosen = marketo.get("companies.json", filterType="company", filterValues="Example", fields="company,website")
    assert chosen["result"] == [{"seq": 0, "id": 2101, "company": "Example", "website": None}]
    assert marketo.get("companies.json", filterType="id", filterValues="9")["result"] == []
    write(marketo, "opportunities", {"externalOpportunityId": "O1", "name": "N", "isWon": True})
    (row,) = marketo.get(
        "opportunities.json", filterType="externalOpportunityId", filterValues="O1", fields="marketoGuid,isWon,isClosed"
    )["result"]
    assert (len(row["marketoGUID"]), row["isWon"], row["isClosed"]) == (36, True, False)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filterValues": "1"}, "1002"),
        ({"filterType": "id"}, "1002"),
        ({"filterType": "industry", "filterValues": "x"}, "1011"),
        ({"filterType": "nonsense", "filterValues": "x"}, "1011"),
        ({"filterType": "id", "filterValues": "1", "fields": "nonsense"}, "1006"),
        ({"filterType": "id", "filterValues": ",".join(["1"] * 301)}, "1003"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "301"}, "1003"),
        ({"filterType": "id", "filterValues": "1", "nextPageToken": "nonsense"}, "1003"),
    ],
)
def test_bad_filters(marketo: Marketo, params: dict[str, str], expected: str) -> None:
    assert code(marketo.get("companies.json", **params)) == expected


def test_pages(marketo: Marketo) -> None:
    keys = [f"O{number}" for number in range(5)]
    write(marketo, "opportunities", *({"externalOpportunityId": key, "name": key} for key in keys))
    asked = {"filterType": "dedupeFields", "filterValues": ",".join(keys), "batchSize": 2}
    first = marketo.get("opportunities.json", **asked)
    assert ([row["externalOpportunityId"] for row in first["result"]], first["moreResult"]) == (["O0", "O1"], True)
    second = marketo.get("opportunities.json", **asked, nextPageToken=first["nextPageToken"])
    assert [(row["seq"], row["externalOpportunityId"]) for row in second["result"]] == [(0, "O2"), (1, "O3")]
    third = marketo.get("opportunities.json", **asked, nextPageToken=second["nextPageToken"])
    assert [row["externalOpportunityId"] for row in third["result"]] == ["O4"]
    assert not {"moreResult", "nextPageToken"} & third.keys()
    other = {**asked, "filterValues": "O0,O1,O2"}
    assert code(marketo.get("opportunities.json", **other, nextPageToken=first["nextPageToken"])) == "1003"
    write(marketo, "companies", *({"externalCompanyId": key} for key in keys))
    page = marketo.get("companies.json", **asked)
    assert "nextPageToken" in page
    assert "moreResult" not in page


def test_compound_keys_come_as_json(marketo: Marketo) -> None:
    people = [marketo.service.create_person() for _ in range(3)]
    marketo.service.create_opportunity("O1", "Chairs")
    for person in people:
        marketo.service.create_opportunity_role("O1", person, "Buyer")
    keys = [{"externalOpportunityId": "O1", "leadId": person, "role": "Buyer"} for person in people]
    body = {"filterType": "dedupeFields", "fields": ["leadId", "role"], "input": keys, "batchSize": 2}
    path = "opportunities/roles.json"
    first = marketo.post(path, body, _method="GET")
    assert [row["leadId"] for row in first["result"]] == people[:2]
    rest = marketo.post(path, {**body, "nextPageToken": first["nextPageToken"]}, _method="GET")
    assert [row["leadId"] for row in rest["result"]] == people[2:]
    alone = {"filterType": "idFields", "input": [{"MARKETOguid": first["result"][0]["marketoGUID"]}], "fields": "role"}
    assert marketo.post(path, alone, _method="GET")["result"][0]["role"] == "Buyer"
    assert code(marketo.get(path, filterType="dedupeFields", filterValues="O1")) == "1002"
    assert code(marketo.post(path, {**body, "input": [{"leadId": 1}]}, _method="GET")) == "1002"
    assert code(marketo.post(path, {"filterType": "dedupeFields"}, _method="GET")) == "1002"
    assert len(marketo.get(path, filterType="externalOpportunityId", filterValues="o1")["result"]) == 3


@pytest.mark.parametrize(
    ("action", "known", "unknown"),
    [("createOrUpdate", "updated", "created"), ("createOnly", "1017", "created"), ("updateOnly", "updated", "1013")],
)
def test_actions(marketo: Marketo, action: str, known: str, unknown: str) -> None:
    marketo.service.create_company("A")
    result = write(marketo, "companies", {"externalCompanyId": "a"}, {"externalCompanyId": "B"}, action=action)
    assert statuses(result) == [known, unknown]


def test_records_that_cannot_be_written_are_skipped(marketo: Marketo) -> None:
    marketo.service.create_company("A", company="Old")
    result = write(
        marketo,
        "companies",
        {"externalCompanyId": "A", "annualRevenue": "lots"},
        {"company": "No key"},
        {"externalCompanyId": " "},
        {"externalCompanyId": "B", "nonsense": 1},
        {"externalCompanyId": "C", "createdAt": STAMP},
        {"externalCompanyId": "D", "id": 7},
        {"externalCompanyId": "A", "company": "Twice"},
        {"externalCompanyId": "E", "company": "x" * 256},
    )
    assert statuses(result) == ["1003", "1003", "1003", "1006", "1003", "1003", "1036", "1003"]
    assert result[0]["reasons"][0]["message"] == "Invalid value for field 'annualRevenue' and value 'lots'"
    assert marketo.service.objects("companies")[0]["company"] == "Old"
    assert len(marketo.service.objects("companies")) == 1


def test_by_id_only_updates(marketo: Marketo) -> None:
    company = marketo.service.create_company("A")
    marketo.clock.advance(60)
    by_id = {"action": "updateOnly", "dedupeBy": "idField"}
    assert statuses(write(marketo, "companies", {"id": company, "company": "New"}, {"id": 9}, **by_id)) == [
        "updated",
        "1013",
    ]
    assert statuses(write(marketo, "companies", {"id": company, "externalCompanyId": "B"}, **by_id)) == ["1003"]
    assert statuses(write(marketo, "companies", {"id": company, "externalCompanyId": "A"}, **by_id)) == ["updated"]
    row = marketo.service.objects("companies")[0]
    assert (row["company"], row["createdAt"], row["updatedAt"]) == ("New", STAMP, "2026-01-05T12:01:00Z")
    for members in (
        {"dedupeBy": "idField"},
        {"dedupeBy": "idField", "action": "createOnly"},
        {"dedupeBy": "name"},
        {"action": "createDuplicate"},
    ):
        assert code(marketo.post("companies.json", {"input": [{"id": company}], **members})) == "1003"


def test_an_update_that_changes_nothing_leaves_the_stamp(marketo: Marketo) -> None:
    write(marketo, "companies", {"externalCompanyId": "A", "company": "Same"})
    marketo.clock.advance(60)
    assert statuses(write(marketo, "companies", {"externalCompanyId": "A", "company": "Same"})) == ["updated"]
    assert marketo.service.objects("companies")[0]["updatedAt"] == STAMP
    write(marketo, "companies", {"externalCompanyId": "A", "company": None})
    assert "company" not in marketo.service.objects("companies")[0]


def test_an_opportunity_always_has_a_name(marketo: Marketo) -> None:
    first = write(
        marketo, "opportunities", {"externalOpportunityId": "O1"}, {"externalOpportunityId": "O2", "name": "N"}
    )
    assert statuses(first) == ["1003", "created"]
    assert statuses(write(marketo, "opportunities", {"externalOpportunityId": "O2", "name": None})) == ["1003"]
    assert statuses(write(marketo, "opportunities", {"externalOpportunityId": "O2", "stage": "Won"})) == ["updated"]


def test_a_sales_persons_mail_is_given_once(marketo: Marketo) -> None:
    record = {"externalSalesPersonId": "S", "email": "s@example.com", "firstName": "Sam"}
    assert statuses(write(marketo, "salespersons", record)) == ["created"]
    assert statuses(write(marketo, "salespersons", {**record, "firstName": "Samuel"})) == ["updated"]
    assert statuses(write(marketo, "salespersons", {**record, "email": "t@example.com"})) == ["1003"]
    assert marketo.get("salespersons.json", filterType="email", filterValues="S@EXAMPLE.COM")["result"]


def test_deleting(marketo: Marketo) -> None:
    keys = ["A", "B", "C"]
    ids = [marketo.service.create_company(key) for key in keys]
    result = marketo.post(
        "companies/delete.json", {"input": [{"externalCompanyId": "a"}, {"externalCompanyId": "Z"}, {"company": "x"}]}
    )["result"]
    assert statuses(result) == ["deleted", "1013", "1003"]
    assert result[0]["id"] == ids[0]
    by_id = marketo.post("companies/delete.json", {"deleteBy": "idField", "input": [{"id": ids[1]}, {"id": ids[0]}]})
    assert statuses(by_id["result"]) == ["deleted", "1013"]
    assert [row["externalCompanyId"] for row in marketo.service.objects("companies")] == ["C"]
    assert code(marketo.post("companies/delete.json", {"deleteBy": "name", "input": [{}]})) == "1003"
    assert code(marketo.post("companies/delete.json", {"input": []})) == "1002"


def test_named_accounts(marketo: Marketo) -> None:
    result = write(marketo, "namedaccounts", {"name": "Google", "city": "Zürich"}, {"name": "X", "membershipCount": 2})
    assert statuses(result) == ["created", "1003"]
    assert marketo.get("namedaccounts.json", filterType="city", filterValues="zürich")["result"][0]["name"] == "Google"
    gone = marketo.post("namedaccounts/delete.json", {"input": [{"name": "Google"}, {"name": "Yahoo"}]})["result"]
    assert statuses(gone) == ["deleted", "1013"]


def test_custom_fields(make: Make) -> None:
    marketo = make().sign_in()
    marketo.service.add_object_field("opportunities", ObjectField("topicCode", "integer"))
    marketo.service.add_object_field("opportunities", ObjectField("notes", "text", description="Long"))
    (described,) = marketo.get("opportunities/describe.json")["result"]
    assert ["topicCode"] in described["searchableFields"]
    assert ["notes"] not in described["searchableFields"]
    write(marketo, "opportunities", {"externalOpportunityId": "O1", "name": "N", "topicCode": 7})
    assert marketo.get("opportunities.json", filterType="topicCode", filterValues="7")["result"]
    shown = marketo.get("opportunities/schema/fields/notes.json")["result"][0]
    assert (shown["isCustom"], shown["description"], shown["length"]) == (True, "Long", 2000)
    for item in (ObjectField("notes"), ObjectField("with space")):
        with pytest.raises(ValueError, match=item.name):
            marketo.service.add_object_field("opportunities", item)
    with pytest.raises(ValueError, match="no object 'leads'"):
        marketo.service.add_object_field("leads", ObjectField("x"))


@pytest.mark.parametrize("path", ["companies", "salespersons", "opportunities"])
def test_a_native_sync_leaves_reads(make: Make, path: str) -> None:
    marketo = make(native_sync="dynamics").sign_in()
    key = marketo.get(f"{path}/describe.json")["result"][0]["dedupeFields"][0]
    assert marketo.get(f"{path}.json", filterType=key, filterValues="x")["result"] == []
    for call in (f"{path}.json", f"{path}/delete.json"):
        answer = marketo.post(call, {"input": [{key: "x", "name": "N"}]})
        assert answer["errors"] == [{"code": "1018", "message": "CRM Enabled"}]
    made = marketo.service.create_company("A")
    assert marketo.get("companies.json", filterType="id", filterValues=made)["result"]


def test_a_native_sync_hides_roles_and_leaves_named_accounts_alone(make: Make) -> None:
    marketo = make(native_sync="dynamics").sign_in()
    assert code(marketo.get("opportunities/roles/describe.json")) == "1018"
    assert code(marketo.get("opportunities/roles.json", filterType="leadId", filterValues="1")) == "1018"
    assert code(marketo.post("opportunities/roles.json", {"input": [{}]})) == "1018"
    assert statuses(write(marketo, "namedaccounts", {"name": "Google"})) == ["created"]


@pytest.mark.parametrize("path", OBJECTS)
def test_permissions(make: Make, path: str) -> None:
    right = {
        "companies": "Company",
        "salespersons": "Sales Person",
        "namedaccounts": "Named Account",
    }.get(path, "Opportunity")
    clients = {
        "reader": Client("s", permissions={f"Read-Only {right}"}),
        "writer": Client("s", permissions={f"Read-Write {right}"}),
        "other": Client("s", permissions={"Read-Write Lead"}),
    }
    marketo = make(clients=clients)
    body = {"input": [{"nothing": 1}]}
    for client, reads, writes in (("reader", True, False), ("writer", True, True), ("other", False, False)):
        marketo.sign_in(client, "s")
        assert marketo.get(f"{path}/describe.json")["success"] is reads
        for call in (f"{path}.json", f"{path}/delete.json"):
            answer = marketo.post(call, body)
            assert answer["success"] is writes
            assert writes or answer["errors"][0]["code"] == "603"


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abAB c"), st.sampled_from(["x", "Y", None]))))
def test_records_are_found_as_if_all_were_looked_at(steps: list[tuple[int, str, str | None]]) -> None:
    records = Records(SandboxClock(START), standard.company(), numbers(1))
    for turn, key, value in steps:
        ids = records.ids()
        if turn < 3 or not ids:
            records.create({name: text for name, text in (("externalCompanyId", key), ("company", value)) if text})
        elif turn < 5:
            records.update(ids[turn % len(ids)], {"company": value})
        else:
            records.delete(ids[0])
        for names in (("externalCompanyId",), ("company",), ("externalCompanyId", "company")):
            for wanted in ("a", "b", "x", "y"):
                asked = (wanted,) * len(names)
                expected = [
                    record
                    for record in records.ids()
                    if all(str(records[record].get(name, "-")).strip().casefold() == wanted for name in names)
                ]
                assert records.find(names, asked) == expected


def test_guids_are_repeatable_and_differ() -> None:
    one, two = guids(random.Random(1)), guids(random.Random(1))
    first = [one() for _ in range(3)]
    assert first == [two() for _ in range(3)]
    assert len(set(first)) == 3
