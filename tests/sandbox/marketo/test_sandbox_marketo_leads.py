"""People read and written by call, as Adobe's page "Leads" and recordings of it have them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sandbox.marketo.marketo_instance import CUSTOM, START, Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.http import Request
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService, PersonField
from marketo_dynamics_sync.sandbox.marketo.parameters import read_parameters


def test_describe2_tells_what_can_be_searched_and_written(marketo: Marketo) -> None:
    (described,) = marketo.get("leads/describe2.json")["result"]
    assert described["name"] == "API Lead"
    searchable = [names[0] for names in described["searchableFields"]]
    assert {"id", "email", "crmId", "visits", "cookies", "leadPartitionId"} <= set(searchable)
    assert not {"phone", "consent", "notes", "firstName"} & set(searchable)
    fields = {item["name"]: item for item in described["fields"]}
    assert fields["email"] == {
        "name": "email",
        "displayName": "Email Address",
        "dataType": "email",
        "length": 255,
        "updateable": True,
        "crmManaged": False,
    }
    assert [
        name for name in ("id", "createdAt", "updatedAt", "urgency", "firstName") if fields[name]["updateable"]
    ] == ["firstName"]
    assert fields["annualRevenue"]["dataType"] == "currency"
    assert "length" not in fields["annualRevenue"]


def test_describe_has_field_numbers_and_an_entry_without_rest(marketo: Marketo) -> None:
    entries = marketo.get("leads/describe.json")["result"]
    numbers = {entry["rest"]["name"]: entry["id"] for entry in entries if "rest" in entry}
    known = {"id": 44, "firstName": 53, "lastName": 55, "email": 56, "createdAt": 130, "updatedAt": 131}
    assert {name: numbers[name] for name in known} == known
    assert numbers["crmId"] > 795
    assert len(set(numbers.values())) == len(numbers)
    assert [entry["displayName"] for entry in entries if "rest" not in entry] == ["Old Field"]


def test_schema_fields_come_in_pages_and_can_be_made(marketo: Marketo) -> None:
    first = marketo.get("leads/schema/fields.json", batchSize=50)
    assert (len(first["result"]), first["moreResult"]) == (50, True)
    rest = marketo.get("leads/schema/fields.json", nextPageToken=first["nextPageToken"])
    assert rest["moreResult"] is False
    assert "nextPageToken" not in rest
    names = [item["name"] for item in first["result"] + rest["result"]]
    assert names == [item["name"] for item in marketo.get("leads/describe2.json")["result"][0]["fields"]]
    good = {"displayName": "CRM Guid", "name": "crmGuid", "dataType": "string"}
    for bad, expected in (
        ({"displayName": "Taken", "name": "email", "dataType": "string"}, "1017"),
        (good, "1017"),
        ({"displayName": "Odd", "name": "9odd", "dataType": "string"}, "1003"),
        ({"displayName": "Odd", "name": "odd", "dataType": "blob"}, "1001"),
        ({"name": "odd", "dataType": "string"}, "1002"),
    ):
        assert code(marketo.post("leads/schema/fields.json", {"input": [good, bad]})) == expected
    made = marketo.post("leads/schema/fields.json", {"input": [good]})["result"]
    assert made == [{"name": "crmGuid", "status": "created"}]
    (field,) = marketo.get("leads/schema/fields/crmGuid.json")["result"]
    assert (field["isCustom"], field["isApiCreated"], field["length"]) == (True, True, 255)
    marketo.sync({"crmGuid": "G1"}, lookupField="crmGuid")
    assert marketo.get("leads.json", filterType="crmGuid", filterValues="g1")["result"][0]["id"] == 1001
    assert code(marketo.get("leads/schema/fields/none.json")) == "1006"


def test_reading_gives_explicit_nulls_and_default_fields(marketo: Marketo) -> None:
    marketo.sync({"email": "ada@example.com", "firstName": "Ada", "annualRevenue": 125000.5, "doNotCall": True})
    stamp = "2026-01-05T12:00:00Z"
    whole = {
        "id": 1001,
        "email": "ada@example.com",
        "updatedAt": stamp,
        "createdAt": stamp,
        "firstName": "Ada",
        "lastName": None,
    }
    assert marketo.get("lead/1001.json")["result"] == [whole]
    assert marketo.get("leads.json", filterType="email", filterValues="ADA@example.com")["result"] == [whole]
    chosen = marketo.get("lead/1001.json", fields="annualRevenue,doNotCall,unsubscribed,title,leadPartitionId")
    assert chosen["result"] == [
        {
            "id": 1001,
            "annualRevenue": 125000.5,
            "doNotCall": True,
            "unsubscribed": False,
            "title": None,
            "leadPartitionId": 1,
        }
    ]
    assert marketo.get("lead/9.json")["result"] == []
    assert code(marketo.get("lead/x.json")) == "1001"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filterValues": "1"}, "1002"),
        ({"filterType": "id"}, "1002"),
        ({"filterType": "id", "filterValues": ""}, "1002"),
        ({"filterType": "firstName", "filterValues": "Ada"}, "1011"),
        ({"filterType": "nonsense", "filterValues": "1"}, "1011"),
        ({"filterType": "id", "filterValues": "1", "fields": "email,nonsense"}, "1006"),
        ({"filterType": "id", "filterValues": "x"}, "1001"),
        ({"filterType": "id", "filterValues": ",".join(["1"] * 301)}, "1003"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "301"}, "1003"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "0"}, "1003"),
        ({"filterType": "id", "filterValues": "1", "batchSize": "ten"}, "1001"),
        ({"filterType": "id", "filterValues": "1", "nextPageToken": "nonsense"}, "1003"),
    ],
)
def test_bad_filters(marketo: Marketo, params: dict[str, str], expected: str) -> None:
    assert code(marketo.get("leads.json", **params)) == expected


def test_pages_go_on_until_no_token_comes(marketo: Marketo) -> None:
    for number in range(5):
        marketo.service.create_person(crmId="same", email=f"p{number}@example.com")
    seen: list[int] = []
    token: dict[str, str] = {}
    sizes = []
    while True:
        page = marketo.get("leads.json", filterType="crmId", filterValues="same", batchSize=2, **token)
        assert "moreResult" not in page
        sizes.append(len(page["result"]))
        seen += [person["id"] for person in page["result"]]
        if "nextPageToken" not in page:
            break
        token = {"nextPageToken": page["nextPageToken"]}
        assert token["nextPageToken"].endswith("=")
    assert (seen, sizes) == ([1001, 1002, 1003, 1004, 1005], [2, 2, 1])
    assert code(marketo.get("leads.json", filterType="crmId", filterValues="other", **token)) == "1003"


def test_more_than_1000_matches_are_refused(make: Make) -> None:
    marketo = make().sign_in()
    for _ in range(1000):
        marketo.service.create_person(crmId="same")
    assert len(marketo.get("leads.json", filterType="crmId", filterValues="same")["result"]) == 300
    marketo.service.create_person(crmId="same")
    answer = marketo.get("leads.json", filterType="crmId", filterValues="same")
    assert answer["errors"] == [{"code": "1003", "message": "Too many results match the filter"}]


def test_results_keep_the_order_of_the_input(marketo: Marketo) -> None:
    marketo.service.create_person(email="old@example.com")
    result = marketo.sync(
        {"email": "new@example.com"},
        {"email": "bademail"},
        {"email": "OLD@example.com", "firstName": "O"},
        {"email": "new@example.com", "lastName": "N"},
        {"firstName": "nobody"},
        {"email": "x@example.com", "nonsense": 1},
    )
    assert [entry["status"] for entry in result] == ["created", "skipped", "updated", "updated", "skipped", "skipped"]
    assert [entry.get("id") for entry in result] == [1002, None, 1001, 1002, None, None]
    assert result[1]["reasons"] == [{"code": "1003", "message": "Invalid value for field 'email' and value 'bademail'"}]
    assert result[4]["reasons"] == [{"code": "1003", "message": "Value for required field 'email' not specified"}]
    assert reason(result[5]) == "1006"
    assert len(marketo.service.persons()) == 2


@pytest.mark.parametrize(
    ("action", "known", "unknown"),
    [
        ("createOrUpdate", "updated", "created"),
        ("createOnly", "1005", "created"),
        ("updateOnly", "updated", "1004"),
        ("createDuplicate", "created", "created"),
    ],
)
def test_actions(marketo: Marketo, action: str, known: str, unknown: str) -> None:
    marketo.service.create_person(email="a@example.com")
    result = marketo.sync({"email": "a@example.com"}, {"email": "b@example.com"}, action=action)
    outcomes = [entry["status"] if entry["status"] != "skipped" else reason(entry) for entry in result]
    assert outcomes == [known, unknown]


def test_a_key_of_several_people_is_1007(marketo: Marketo) -> None:
    for _ in range(2):
        marketo.service.create_person(email="shared@example.com")
    assert reason(marketo.sync({"email": "shared@example.com", "firstName": "X"})[0]) == "1007"
    assert all("firstName" not in person for person in marketo.service.persons())


def test_writing_by_id(marketo: Marketo) -> None:
    marketo.service.create_person(email="a@example.com")
    result = marketo.sync(
        {"id": 1001, "email": "b@example.com"},
        {"id": 9, "firstName": "X"},
        {"id": "nonsense"},
        {"firstName": "X"},
        action="updateOnly",
        lookupField="id",
    )
    assert result[0] == {"id": 1001, "status": "updated"}
    assert [reason(entry) for entry in result[1:]] == ["1004", "1003", "1003"]
    assert marketo.service.person(1001)["email"] == "b@example.com"
    assert marketo.get("leads.json", filterType="email", filterValues="a@example.com")["result"] == []
    assert marketo.get("leads.json", filterType="email", filterValues="b@example.com")["result"][0]["id"] == 1001
    assert reason(marketo.sync({"id": 1001, "email": "c@example.com"})[0]) == "1003"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"action": "upsert"}, "1003"),
        ({"lookupField": "nonsense"}, "1006"),
        ({"lookupField": "firstName"}, "1011"),
        ({"lookupField": "cookies"}, "1011"),
        ({"lookupField": "id"}, "1003"),
        ({"action": "updateOnly", "partitionName": "Default"}, "1003"),
        ({"input": [{}] * 301}, "1003"),
    ],
)
def test_bad_sync_requests_do_nothing(marketo: Marketo, members: dict[str, object], expected: str) -> None:
    assert code(marketo.post("leads.json", {"input": [{"email": "a@example.com"}], **members})) == expected
    assert marketo.service.persons() == []


VALUES = [
    ("doNotCall", True, True),
    ("doNotCall", "false", False),
    ("doNotCall", None, False),
    ("doNotCall", "other", "1003"),
    ("numberOfEmployees", 14, 14),
    ("numberOfEmployees", "14", 14),
    ("numberOfEmployees", 14.1, "1003"),
    ("numberOfEmployees", "14.1", "1003"),
    ("numberOfEmployees", 2**31, "1003"),
    ("numberOfEmployees", True, "1003"),
    ("ratio", "14c", "1003"),
    ("ratio", 1.25, 1.25),
    ("ratio", "nan", "1003"),
    ("share", 34.66, 34.66),
    ("share", "100%", "1003"),
    ("annualRevenue", "lots", "1003"),
    ("annualRevenue", 10**400, "1003"),
    ("dateOfBirth", "2020-08-30", "2020-08-30"),
    ("dateOfBirth", "2020-02-30", "1003"),
    ("dateOfBirth", "30.08.2020", "1003"),
    ("joined", "2020-08-30T05:49:48.987Z", "2020-08-30T05:49:48Z"),
    ("joined", "2020-08-30T05:49:48+02:00", "2020-08-30T03:49:48Z"),
    ("joined", "yesterday", "1003"),
    ("joined", "2020-08-30T05:49:48", "1003"),
    ("firstName", "x" * 255, "x" * 255),
    ("firstName", "x" * 256, "1003"),
    ("firstName", "", None),
    ("firstName", None, None),
    ("firstName", 7, "7"),
    ("firstName", ["x"], "1003"),
    ("doNotCall", ["x"], "1003"),
    ("dateOfBirth", 20200830, "1003"),
    ("joined", 1598766588, "1003"),
    ("joined", "2020-02-30T05:49:48Z", "1003"),
    ("joined", "0001-01-01T00:00:00+05:00", "1003"),
    ("notes", "é" * 15_000, "é" * 15_000),
    ("notes", "é" * 15_001, "1003"),
    ("email", "jörg@example.com", "1003"),
    ("email", "a b@example.com", "1003"),
    ("email", "a@b@example.com", "1003"),
    ("createdAt", "2020-08-30T05:49:48Z", "1003"),
    ("inferredCompany", "X", "1003"),
]


@pytest.mark.parametrize(("field", "value", "expected"), VALUES)
def test_values(marketo: Marketo, field: str, value: object, expected: object) -> None:
    marketo.service.create_person(crmId="1")
    (entry,) = marketo.sync({"crmId": "1", field: value}, lookupField="crmId")
    if expected == "1003":
        assert reason(entry) == "1003"
    else:
        assert entry == {"id": 1001, "status": "updated"}
        read = marketo.get("lead/1001.json", fields=field)["result"][0][field]
        assert read == expected
        assert type(read) is type(expected)


def test_half_a_surrogate_pair_is_no_text(marketo: Marketo) -> None:
    sent = rb'{"input":[{"email":"a@example.com","firstName":"\ud800"}]}'
    headers = {"Content-Type": "application/json"}
    answer = marketo.http.post("/rest/v1/leads.json", content=sent, headers=headers).json()
    assert reason(answer["result"][0]) == "1003"


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "firstName": st.none() | st.text(max_size=300),
            "consent": st.none() | st.booleans() | st.text(max_size=5),
            "visits": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            "joined": st.none() | st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=5),
            "email": st.none() | st.emails() | st.text(max_size=5),
        },
    )
)
def test_what_is_read_can_be_written_again_without_a_change(values: dict[str, object]) -> None:
    service = MarketoService(SandboxClock(START), custom_fields=CUSTOM)

    def sync(record: dict[str, object]) -> dict:
        body = {"input": [record], "lookupField": "crmId"}
        sent = Request("POST", "/rest/v1/leads.json", {"content-type": "application/json"}, json.dumps(body).encode())
        found = service.router.find("POST", "/rest/v1/leads.json")
        assert found is not None
        return found[0].endpoint(read_parameters(sent, Client("x"))[1])["result"][0]

    if sync({"crmId": "1", **values})["status"] == "skipped":
        assert service.persons() == []
        return
    read = service.people.select(1001, ["crmId", *values])
    before = len(service.log)
    assert sync(read)["status"] == "updated"
    assert len(service.log) == before
    assert service.people.select(1001, ["crmId", *values]) == read


def test_a_write_that_changes_nothing_leaves_no_trace(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com", "firstName": "A", "consent": False})
    before = len(marketo.service.log)
    marketo.clock.advance(60)
    assert marketo.sync({"email": "a@example.com", "firstName": "A", "consent": None, "title": ""}) == [
        {"id": 1001, "status": "updated"}
    ]
    assert marketo.service.person(1001)["updatedAt"] == "2026-01-05T12:00:00Z"
    assert len(marketo.service.log) == before


def test_updated_at_follows_standard_fields_only(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"})
    marketo.clock.advance(60)
    marketo.sync({"email": "a@example.com", "crmId": "1"})
    assert marketo.service.person(1001)["updatedAt"] == "2026-01-05T12:00:00Z"
    marketo.sync({"email": "a@example.com", "firstName": "A"})
    assert marketo.service.person(1001)["updatedAt"] == "2026-01-05T12:01:00Z"


def test_asynchronous_sync_tells_no_outcome(marketo: Marketo) -> None:
    answer = marketo.post("leads.json", {"asyncProcessing": True, "input": [{"email": "a@example.com"}]})
    assert answer["success"]
    assert answer["result"] == []
    assert len(marketo.service.persons()) == 1


@pytest.mark.parametrize("form", ["POST body", "POST query", "DELETE", "_method"])
def test_deleting(marketo: Marketo, form: str) -> None:
    marketo.service.create_person(email="a@example.com")
    body = {"input": [{"id": 1001}, {"id": 99}]}
    calls = {
        "POST body": ("POST", "/rest/v1/leads/delete.json", body),
        "POST query": ("POST", "/rest/v1/leads/delete.json?id=1001&id=99", None),
        "DELETE": ("DELETE", "/rest/v1/leads.json", body),
        "_method": ("POST", "/rest/v1/leads.json?_method=DELETE", body),
    }
    method, path, sent = calls[form]
    answer = marketo.http.request(method, path, json=sent).json()
    assert answer["result"] == [
        {"id": 1001, "status": "deleted"},
        {"id": 99, "status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]},
    ]
    assert marketo.service.person(1001) is None
    assert marketo.get("leads.json", filterType="email", filterValues="a@example.com")["result"] == []


def test_merging(marketo: Marketo) -> None:
    create = marketo.service.create_person
    create(email="w@example.com", firstName="Win")
    create(email="l@example.com", lastName="Lost", firstName="No", unsubscribed=True)
    create(email="m@example.com", title="Dr", lastName="Late")
    answer = marketo.post("leads/1001/merge.json", leadIds="1002,1003", mergeInCRM="False")
    assert set(answer) == {"requestId", "success"}
    (left,) = marketo.service.persons()
    chosen = {name: left.get(name) for name in ("id", "email", "firstName", "lastName", "title", "unsubscribed")}
    assert chosen == {
        "id": 1001,
        "email": "w@example.com",
        "firstName": "Win",
        "lastName": "Lost",
        "title": None,
        "unsubscribed": True,
    }
    assert marketo.get("leads.json", filterType="id", filterValues="1002,1003")["result"] == []


def test_bad_merges_do_nothing(marketo: Marketo) -> None:
    for _ in range(2):
        marketo.service.create_person()
    assert marketo.post("leads/1001/merge.json", leadId=9)["errors"] == [
        {"code": "1004", "message": "Lead '9' not found"}
    ]
    assert code(marketo.post("leads/9/merge.json", leadId=1001)) == "1004"
    assert code(marketo.post("leads/1001/merge.json")) == "1002"
    assert code(marketo.post("leads/1001/merge.json", leadIds="1002,1001")) == "1003"
    assert code(marketo.post("leads/1001/merge.json", leadIds=",".join(map(str, range(2000, 2026))))) == "1080"
    assert len(marketo.service.persons()) == 2


def test_partitions(make: Make) -> None:
    clients = {"all": Client("s"), "north": Client("s", partitions={"North"})}
    marketo = make(partitions=("Default", "North", "South"), clients=clients).sign_in("all", "s")
    assert [item["name"] for item in marketo.get("leads/partitions.json")["result"]] == ["Default", "North", "South"]
    marketo.sync({"email": "n@example.com"}, partitionName="North")
    marketo.sync({"email": "d@example.com"})
    assert marketo.get("lead/1001.json", fields="leadPartitionId")["result"][0]["leadPartitionId"] == 2
    assert reason(marketo.sync({"email": "n@example.com"}, partitionName="South")[0]) == "1010"
    assert reason(marketo.sync({"email": "n@example.com"}, partitionName="West")[0]) == "1008"
    found = marketo.get("leads.json", filterType="leadPartitionId", filterValues="2")["result"]
    assert [person["id"] for person in found] == [1001]
    marketo.sign_in("north", "s")
    assert [item["id"] for item in marketo.get("leads/partitions.json")["result"]] == [2]
    assert marketo.get("lead/1002.json")["result"] == []
    assert reason(marketo.sync({"email": "d@example.com", "firstName": "X"})[0]) == "1008"
    assert marketo.sync({"email": "new@example.com"})[0]["status"] == "created"
    assert marketo.service.person(1003)["leadPartitionId"] == 2


def test_moving_between_partitions(make: Make) -> None:
    marketo = make(partitions=("Default", "North")).sign_in()
    for number in range(3):
        marketo.service.create_person(email=f"p{number}@example.com")
    moves = [{"id": 1001, "partitionName": "North"}, {"id": 9, "partitionName": "North"}, {"id": 1002}]
    moved = marketo.post("leads/partitions.json", {"input": moves})["result"]
    assert moved[0] == {"id": 1001, "status": "updated"}
    assert [reason(entry) for entry in moved[1:]] == ["1004", "1008"]

    def members(partition: int) -> list[int]:
        found = marketo.get("leads.json", filterType="leadPartitionId", filterValues=partition)
        return [person["id"] for person in found["result"]]

    assert (members(1), members(2)) == ([1002, 1003], [1001])
    again = {"input": [{"id": 1001, "partitionName": "North"}]}
    before = len(marketo.service.log)
    assert marketo.post("leads/partitions.json", again)["result"][0]["status"] == "updated"
    assert len(marketo.service.log) == before
    marketo.post("leads/partitions.json", {"input": [{"id": 1001, "partitionName": "Default"}]})
    assert (members(1), members(2)) == ([1001, 1002, 1003], [])
    asked = {"nextPageToken": marketo.paging_token(), "activityTypeIds": 100}
    found = marketo.get("activities.json", **asked)["result"]
    assert [item["primaryAttributeValue"] for item in found] == ["North", "Default"]


def test_an_instance_has_a_partition(make: Make) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make(partitions=())


def test_people_leave_the_index_with_their_values(marketo: Marketo) -> None:
    def found() -> list[int]:
        people = marketo.get("leads.json", filterType="crmId", filterValues="k")["result"]
        return [person["id"] for person in people]

    for _ in range(3):
        marketo.service.create_person(crmId="k")
    marketo.service.create_person()
    assert found() == [1001, 1002, 1003]
    marketo.service.delete_person(1002)
    marketo.service.update_person(1003, crmId="other")
    assert found() == [1001]
    marketo.service.update_person(1001, crmId=None)
    assert found() == []
    marketo.service.update_person(1004, crmId="K")
    assert found() == [1004]
    assert marketo.get("leads.json", filterType="cookies", filterValues="k")["result"] == []


def test_a_merge_needs_a_boolean_for_the_crm(marketo: Marketo) -> None:
    for _ in range(2):
        marketo.service.create_person()
    assert code(marketo.post("leads/1001/merge.json", leadId=1002, mergeInCRM="maybe")) == "1001"


def test_fields_made_by_call_are_limited_to_100(make: Make) -> None:
    marketo = make(custom_fields=[PersonField(f"f{n}", by_api=True) for n in range(99)]).sign_in()
    wanted = [{"displayName": "N", "name": f"n{n}", "dataType": "score"} for n in range(2)]
    assert code(marketo.post("leads/schema/fields.json", {"input": wanted})) == "1003"
    made = marketo.post("leads/schema/fields.json", {"input": wanted[:1]})["result"]
    assert made == [{"name": "n0", "status": "created"}]
    assert code(marketo.get("leads/schema/fields.json", nextPageToken="nonsense")) == "1003"


def test_a_client_of_several_partitions_without_the_first_must_name_one(make: Make) -> None:
    clients = {"two": Client("s", partitions={"North", "South"})}
    marketo = make(partitions=("Default", "North", "South"), clients=clients).sign_in("two", "s")
    assert reason(marketo.sync({"email": "a@example.com"})[0]) == "1009"
    assert marketo.sync({"email": "a@example.com"}, partitionName="South")[0]["status"] == "created"


def test_a_native_dynamics_sync_owns_company_fields(make: Make) -> None:
    marketo = make(native_sync="dynamics").sign_in()
    fields = {item["name"]: item for item in marketo.get("leads/describe2.json")["result"][0]["fields"]}
    assert [name for name, item in fields.items() if item["crmManaged"]] == ["microsoftType", "microsoftIsDeleted"]
    assert (fields["microsoftType"]["crmManaged"], fields["microsoftType"]["updateable"]) == (True, False)
    result = marketo.sync({"email": "a@example.com", "company": "X"}, {"email": "b@example.com", "microsoftType": "X"})
    assert [reason(entry) for entry in result] == ["1021", "1003"]


def test_marketers_edits_are_checked(make: Make) -> None:
    service = make().service
    person = service.create_person(email="a@example.com")
    for wrong in ({"nonsense": 1}, {"email": "bad"}):
        with pytest.raises(ValueError, match="person field"):
            service.update_person(person, **wrong)
    for edit in (service.delete_person, service.update_person, lambda number: service.merge_persons(person, number)):
        with pytest.raises(ValueError, match="no person 9"):
            edit(9)
    with pytest.raises(ValueError, match="itself"):
        service.merge_persons(person, person)
    with pytest.raises(ValueError, match="exists already"):
        service.add_field(PersonField("email"))
    with pytest.raises(ValueError, match="REST field name"):
        service.add_field(PersonField("with space"))


def test_static_lists(marketo: Marketo) -> None:
    for number in range(3):
        marketo.service.create_person(email=f"p{number}@example.com")
    made = marketo.service.create_list("VIP", 1001)
    assert [(item["id"], item["name"]) for item in marketo.get("lists.json", name="VIP")["result"]] == [(made, "VIP")]
    assert marketo.get(f"lists/{made}.json")["result"][0]["workspaceName"] == "Default"
    added = marketo.post(f"lists/{made}/leads.json", {"input": [{"id": 1002}, {"id": 9}]})["result"]
    assert (added[0], reason(added[1])) == ({"id": 1002, "status": "added"}, "1004")
    stamp = marketo.service.person(1002)["updatedAt"]
    page = marketo.get(f"lists/{made}/leads.json", batchSize=1, fields="email")
    assert page["result"] == [{"id": 1001, "email": "p0@example.com"}]
    rest = marketo.get(f"list/{made}/leads.json", fields="email", nextPageToken=page["nextPageToken"])
    assert [person["id"] for person in rest["result"]] == [1002]
    member = marketo.get(f"lists/{made}/leads/ismember.json", id="1002,1003")["result"]
    assert [entry["status"] for entry in member] == ["memberof", "notmemberof"]
    gone = marketo.http.delete(f"/rest/v1/lists/{made}/leads.json?id=1002&id=1003").json()["result"]
    assert (gone[0], reason(gone[1])) == ({"id": 1002, "status": "removed"}, "1015")
    assert marketo.service.person(1002)["updatedAt"] == stamp
    assert code(marketo.get("lists/9.json")) == "1013"
    assert code(marketo.get("lists/nine.json")) == "1013"


def test_lists_in_pages_and_with_strangers(marketo: Marketo) -> None:
    marketo.service.create_person()
    marketo.service.create_person()
    ids = [marketo.service.create_list(name, 1001) for name in ("A", "B", "C")]
    page = marketo.get("lists.json", batchSize=2)
    rest = marketo.get("lists.json", nextPageToken=page["nextPageToken"])
    assert [item["id"] for item in page["result"] + rest["result"]] == ids
    assert "nextPageToken" not in rest
    assert code(marketo.get("lists.json", nextPageToken="nonsense")) == "1003"
    assert marketo.get("lists.json", programName="P")["result"] == []
    gone = marketo.http.delete(f"/rest/v1/lists/{ids[0]}/leads.json?id=9").json()["result"]
    assert reason(gone[0]) == "1004"
    assert reason(marketo.get(f"lists/{ids[0]}/leads/ismember.json", id=9)["result"][0]) == "1004"
    marketo.post(f"lists/{ids[0]}/leads.json", {"input": [{"id": 1001}]})
    asked = {"nextPageToken": marketo.paging_token(), "activityTypeIds": 24}
    assert len(marketo.get("activities.json", **asked)["result"]) == 3
    marketo.post("leads/1002/merge.json", leadId=1001)
    assert [person["id"] for person in marketo.get(f"lists/{ids[1]}/leads.json")["result"]] == [1002]
    marketo.service.delete_person(1002)
    assert marketo.get(f"lists/{ids[1]}/leads.json")["result"] == []
