"""Bulk import of leads and custom objects (Adobe, "Bulk Lead Import", "Bulk Custom Object Import")."""

from __future__ import annotations

import json

import pytest
from tests.sandbox.marketo.bulk_calls import Calls
from tests.sandbox.marketo.bulk_store import CarStore
from tests.sandbox.marketo.marketo_instance import Make, code

from marketo_dynamics_sync.sandbox.http import Request
from marketo_dynamics_sync.sandbox.marketo import PERMISSIONS, BulkSettings, Client

CARS = "customobjects/car_c/import.json"


@pytest.fixture
def calls(make: Make) -> Calls:
    return Calls(make().sign_in())


def failures(calls: Calls, batch: dict, kind: str = "failures") -> str:
    answer = calls.file(f"leads/batch/{batch['batchId']}/{kind}.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8"
    return answer.text


def test_people_are_created_and_updated_at_the_moment_the_batch_ends(calls: Calls) -> None:
    known = calls.marketo.service.create_person(email="a@example.com", firstName="Old", notes="kept", visits=3)
    token = calls.marketo.paging_token()
    assert calls.upload("email,firstName,notes,visits\nA@example.com,New,,NULL\nb@example.com,B,n,1\n")["success"]
    calls.marketo.clock.advance(1800)
    first, second = calls.marketo.service.persons()
    assert (first["id"], first["firstName"], first["notes"]) == (known, "New", "kept")
    assert "visits" not in first
    assert first["updatedAt"] == second["createdAt"] == "2026-01-05T12:00:03Z"
    log = calls.marketo.get("activities.json", activityTypeIds="12,13", nextPageToken=token)["result"]
    assert {entry["activityDate"] for entry in log[1:]} == {"2026-01-05T12:00:03Z"}
    assert log[-1]["attributes"][0] == {"name": "Source Type", "value": "List import"}


def test_batches_are_counted_through(calls: Calls) -> None:
    done = calls.batch("email\na@example.com\n")
    assert done["message"] == "Import succeeded, 1 records imported (1 members)"
    assert calls.batch("email\n")["message"] == "Import succeeded, 0 records imported (0 members)"
    warned = calls.batch("email,firstName\nnobody,X\n")
    assert warned["batchId"] == 1003
    assert warned["message"] == "Import succeeded, 1 records imported (1 members), 1 warning."


def test_an_empty_cell_can_clear(make: Make) -> None:
    calls = Calls(make(bulk=BulkSettings(empty_clears=True)).sign_in())
    person = calls.marketo.service.create_person(email="a@example.com", firstName="A")
    calls.batch("email,firstName\na@example.com,\n")
    assert "firstName" not in calls.marketo.service.person(person)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a@example.com,1.5,,", "Invalid data type in field Visits"),
        ("a@example.com,,yesterday,", "Invalid data type in field Joined"),
        ("a@example.com,,2026-01-05T12:00:00,", "Invalid data type in field Joined"),
        (f"a@example.com,,,{'x' * 256}", "Invalid data type in field First Name"),
        (" ,1,,", "Value for lookup field 'email' not found"),
        ("NULL,1,,", "Value for lookup field 'email' not found"),
        ("twin@example.com,1,,", "Multiple lead match lookup criteria"),
        ("a@example.com,1,,A,B", "Invalid number of columns"),
    ],
)
def test_rows_that_fail(calls: Calls, row: str, reason: str) -> None:
    for _ in range(2):
        calls.marketo.service.create_person(email="twin@example.com")
    batch = calls.batch(f"email,visits,joined,firstName\n{row}\n")
    assert (batch["status"], batch["numOfLeadsProcessed"], batch["numOfRowsFailed"]) == ("Complete", 0, 1)
    assert failures(calls, batch).splitlines()[1].endswith(reason)
    assert len(calls.marketo.service.persons()) == 2


def test_columns_that_are_no_writable_field_are_passed_over(calls: Calls) -> None:
    batch = calls.batch("rowNo,id,createdAt, firstName,email\n1,77,2020-01-01T00:00:00Z,X,a@example.com\n")
    assert batch["numOfLeadsProcessed"] == 1
    [person] = calls.marketo.service.persons()
    assert person["id"] == 1001
    assert person["createdAt"] == "2026-01-05T12:00:03Z"
    assert "firstName" not in person


def test_a_header_without_the_lookup_field_fails_every_row(calls: Calls) -> None:
    batch = calls.batch("city,  email\nChennai,a@example.com\n")
    assert failures(calls, batch) == (
        "city,  email,Import Failure Reason\nChennai,a@example.com,Value for lookup field 'email' not found\n"
    )


def test_recorded_failures_file_lacks_the_empty_column_at_the_end(calls: Calls) -> None:
    batch = calls.batch("firstName,lastName,phone,email\nJoe,H,1,j@example.com\nBenji,Nordstrom,212-555-2323,\n")
    assert failures(calls, batch) == (
        "firstName,lastName,phone,Import Failure Reason\n"
        "Benji,Nordstrom,212-555-2323,Value for lookup field 'email' not found\n"
    )


def test_rows_of_a_failures_file_shift_unless_told_otherwise(make: Make) -> None:
    text = "lastName,visits,email\nA,x,a@example.com\nB,1,\n"
    for whole, expected in ((False, "B,1,Value"), (True, "B,1,,Value")):
        calls = Calls(make(bulk=BulkSettings(whole_rows=whole)).sign_in())
        lines = failures(calls, calls.batch(text)).splitlines()
        assert lines[0] == "lastName,visits,email,Import Failure Reason"
        assert lines[2].startswith(expected)


def test_a_bad_address_is_imported_with_a_warning(calls: Calls) -> None:
    batch = calls.batch("firstName;email\nAerys;INVALID_EMAIL\n", format="SSV")
    assert (batch["numOfLeadsProcessed"], batch["numOfRowsWithWarning"]) == (1, 1)
    assert failures(calls, batch, "warnings") == (
        "firstName;email;Import Warning Reason\nAerys;INVALID_EMAIL;Invalid email address\n"
    )
    assert calls.marketo.service.persons()[0]["email"] == "INVALID_EMAIL"


def test_other_lookup_fields(calls: Calls) -> None:
    service = calls.marketo.service
    person = service.create_person(email="a@example.com", crmId="X-1")
    assert calls.batch("crmId,firstName\nX-1,One\nX-2,Two\n", lookupField="crmId")["numOfLeadsProcessed"] == 2
    batch = calls.batch(f"id,lastName\n{person},L\n999,M\nx,N\n", lookupField="id")
    assert (batch["numOfLeadsProcessed"], batch["numOfRowsFailed"]) == (1, 2)
    assert "999,M,Lead not found" in failures(calls, batch)
    found = service.person(person)
    assert found is not None
    assert (found["firstName"], found["lastName"]) == ("One", "L")
    assert len(service.persons()) == 2


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"lookupField": "nothing"}, "1006"),
        ({"lookupField": "firstName"}, "1011"),
        ({"lookupField": "cookies"}, "1011"),
        ({"lookupField": "leadPartitionId"}, "1011"),
        ({"listId": "many"}, "1001"),
        ({"listId": 5}, "1013"),
        ({"partitionName": "Nowhere"}, "1008"),
        ({"format": "xlsx"}, "1003"),
        ({"format": ""}, "1002"),
    ],
)
def test_calls_that_are_refused(calls: Calls, params: dict, expected: str) -> None:
    assert code(calls.upload("email\na@example.com\n", **params)) == expected


def test_a_file_without_rows_is_refused(calls: Calls) -> None:
    for content in ("", "\r\n \n"):
        answer = calls.upload(content)
        assert answer["errors"] == [{"code": "1003", "message": "Empty File"}]


def test_a_file_of_nothing_but_a_byte_order_mark_has_no_rows(calls: Calls) -> None:
    assert calls.batch(b"\xef\xbb\xbf")["numOfLeadsProcessed"] == 0


def test_a_file_that_is_not_utf8_fails_as_a_whole(calls: Calls) -> None:
    batch = calls.batch("email,firstName\na@example.com,Ren\u00e9\n".encode("latin-1"))
    assert (batch["status"], batch["numOfLeadsProcessed"]) == ("Failed", 0)
    assert "UTF-8" in batch["message"]
    assert calls.marketo.service.persons() == []


def test_a_batch_can_be_made_to_fail(calls: Calls) -> None:
    calls.marketo.service.bulk.on_finish = {"1001": "Database is busy"}.get
    assert calls.batch("email\na@example.com\n")["message"] == "Database is busy"
    assert calls.batch("email\na@example.com\n")["status"] == "Complete"


def test_members_of_the_list(calls: Calls) -> None:
    target = calls.marketo.service.create_list("Newsletter")
    calls.batch("email\na@example.com\nb@example.com\n", listId=target)
    members = calls.marketo.get(f"lists/{target}/leads.json", fields="email")["result"]
    assert [member["email"] for member in members] == ["a@example.com", "b@example.com"]
    assert calls.upload("email\na@example.com\n", listId=target)["success"]
    assert code(calls.upload("email\na@example.com\n", listId=target)) == "1019"
    other = calls.marketo.service.create_list("Other")
    assert calls.upload("email\na@example.com\n", listId=other)["success"]


def test_partitions(make: Make) -> None:
    clients = {
        "all": Client("s"),
        "east": Client("s", partitions=frozenset({"East"}), user="east@example.com"),
        "outer": Client("s", partitions=frozenset({"East", "West"}), user="outer@example.com"),
    }
    marketo = make(partitions=("Default", "East", "West"), clients=clients)
    calls = Calls(marketo.sign_in("all", "s"))
    assert calls.batch("email\nd@example.com\n")["numOfLeadsProcessed"] == 1
    assert calls.batch("email\nw@example.com\n", partitionName="West")["numOfLeadsProcessed"] == 1
    marketo.sign_in("east", "s")
    batch = calls.batch("email\ne@example.com\nw@example.com\n")
    assert batch["numOfLeadsProcessed"] == 1
    assert failures(calls, batch).splitlines()[1] == "w@example.com,Access denied to partition 'West'"
    marketo.sign_in("outer", "s")
    batch = calls.batch("email\nnew@example.com\n")
    assert failures(calls, batch).splitlines()[1] == "new@example.com,Partition name must be specified"
    batch = calls.batch("email\nw@example.com\n", partitionName="East")
    assert failures(calls, batch).splitlines()[1] == "w@example.com,Partition update not allowed"
    homes = {person["email"]: person["leadPartitionId"] for person in marketo.service.persons()}
    assert homes == {"d@example.com": 1, "w@example.com": 3, "e@example.com": 2}


def test_company_fields_belong_to_a_native_sync(make: Make) -> None:
    calls = Calls(make(native_sync="dynamics").sign_in())
    batch = calls.batch("email,company\na@example.com,Acme\n")
    assert failures(calls, batch).splitlines()[1] == "a@example.com,Acme,Company update not allowed"


def test_two_run_at_once_and_ten_wait(calls: Calls) -> None:
    for _ in range(10):
        assert calls.upload("email\na@example.com\n")["result"][0]["status"] == "Queued"
    assert code(calls.upload("email\na@example.com\n")) == "1016"

    def states() -> list[str]:
        numbers = range(1001, 1011)
        return [calls.get(f"leads/batch/{number}.json")["result"][0]["status"][0] for number in numbers]

    assert states() == list("QQQQQQQQQQ")
    calls.marketo.clock.advance(1)
    assert states() == list("IIQQQQQQQQ")
    calls.marketo.clock.advance(3)
    assert states() == list("CCIIQQQQQQ")
    assert calls.upload("email\na@example.com\n")["success"]


def test_batches_are_known_for_seven_days(calls: Calls) -> None:
    batch = calls.batch("email\n,\n")
    path = f"leads/batch/{batch['batchId']}"
    assert calls.file(f"{path}/failures.json").status_code == 200
    calls.marketo.clock.advance(days=7)
    calls.marketo.sign_in()
    assert code(calls.get(f"{path}.json")) == "1013"
    assert calls.file(f"{path}/failures.json").status_code == 404
    assert code(calls.get("leads/batch/first.json")) == "1001"


def test_files_that_are_not_there(calls: Calls) -> None:
    number = calls.upload("email\n,\n")["result"][0]["batchId"]
    for path in (f"leads/batch/{number}/failures", "leads/batch/9/failures", "leads/batch/x/warnings"):
        answer = calls.file(f"{path}.json")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "text/plain;charset=UTF-8"
    calls.marketo.clock.advance(60)
    assert calls.file(f"leads/batch/{number}/failures.json").status_code == 200
    assert calls.file(f"leads/batch/{number}/warnings.json").status_code == 404
    assert calls.marketo.service.calls[-1].status == 404


def with_cars(make: Make, **options: object) -> tuple[Calls, CarStore]:
    marketo = make(**options).sign_in()
    store = CarStore(marketo.clock)
    marketo.service.bulk.objects = store
    return Calls(marketo), store


def test_custom_objects_are_imported(make: Make) -> None:
    calls, store = with_cars(make)
    answer = calls.upload("color,make,vIN\nred,bmw,V1\n", CARS)
    assert answer["result"][0]["objectApiName"] == "car_c"
    batch = calls.batch("color,make,vIN\nblue,,V1\nNULL,audi,V2\n", CARS)
    assert batch == {
        "batchId": 1002,
        "operation": "import",
        "status": "Complete",
        "objectApiName": "car_c",
        "numOfObjectsProcessed": 2,
        "numOfRowsFailed": 0,
        "numOfRowsWithWarning": 0,
        "importTime": "2 second(s)",
        "message": "Import succeeded, 2 records imported (2 members)",
    }
    assert (store.cars["V1"]["color"], store.cars["V1"]["make"]) == ("blue", "bmw")
    assert (store.cars["V2"]["color"], store.cars["V2"]["make"]) == (None, "audi")
    assert code(calls.get("leads/batch/1002.json")) == "1013"
    assert code(calls.get("customobjects/boat_c/import/1002/status.json")) == "1013"


def test_empty_cells_of_custom_objects_can_clear(make: Make) -> None:
    calls, store = with_cars(make, bulk=BulkSettings(empty_clears=True))
    calls.batch("color,vIN\nred,V1\n,V1\n", CARS)
    assert store.cars["V1"]["color"] is None


def test_adobes_sample_of_a_header_with_a_blank(make: Make) -> None:
    calls, _ = with_cars(make)
    batch = calls.batch("color,make,model, vIN\nred,bmw,2002,W1\nyellow,bmw,320i,W2\n", CARS)
    assert batch["message"] == "Import completed with errors, 0 records imported (0 members), 2 failed"
    path = CARS.replace(".json", f"/{batch['batchId']}")
    assert calls.file(f"{path}/failures.json").text == (
        "color,make,model, vIN,Import Failure Reason\n"
        "red,bmw,2002,W1,missing.dedupe.fields\nyellow,bmw,320i,W2,missing.dedupe.fields\n"
    )
    assert calls.file(f"{path}/warnings.json").status_code == 404
    calls.batch("vIN,leadID\nW1,someone\nNULL,\n", CARS)
    text = calls.file(CARS.replace(".json", "/1002/failures.json")).text
    assert text.splitlines()[1:] == ["W1,someone,Invalid data type in field Lead ID", "NULL,missing.dedupe.fields"]


def test_objects_that_are_not_there(make: Make) -> None:
    calls = Calls(make().sign_in())
    assert code(calls.upload("vIN\nV1\n", CARS)) == "1013"
    assert list(calls.marketo.service.bulk.objects.query("car_c")) == []
    store = CarStore(calls.marketo.clock)
    gone = calls.marketo.service.bulk.objects
    calls.marketo.service.bulk.objects = store
    store.upsert = gone.upsert  # type: ignore[method-assign]  # a store that lost the type meanwhile
    batch = calls.batch("vIN\nV1\n", CARS)
    text = calls.file(CARS.replace(".json", f"/{batch['batchId']}/failures.json")).text
    assert text.splitlines()[1] == "V1,Object 'car_c' not found"


def test_imports_need_the_permission_to_write(make: Make) -> None:
    reader = Client("s", permissions=PERMISSIONS - {"Read-Write Lead", "Read-Write Custom Object"})
    calls = Calls(make(clients={"r": reader}).sign_in("r", "s"))
    assert code(calls.upload("email\na@example.com\n")) == "603"
    assert code(calls.upload("vIN\nV1\n", CARS)) == "603"
    assert code(calls.get("leads/batch/1.json")) == "603"


def test_dot_segments_lead_to_the_upload(calls: Calls) -> None:
    files = {"file": ("f.csv", "email,notes\n" + "x,y\n" * 300_000)}
    sent = calls.marketo.http.build_request("POST", "/bulk/v1/leads.json", files=files)
    request = Request("POST", "/rest/../bulk/v1/leads.json?format=csv", dict(sent.headers), sent.read())
    answer = calls.marketo.service(request)
    assert json.loads(answer.body)["result"][0]["status"] == "Queued"
    assert calls.marketo.service.ignored == set()
