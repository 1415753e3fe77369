"""What goes into the files of an extract: leads, activities, custom objects."""

from __future__ import annotations

import csv
import io
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.marketo.bulk_calls import JANUARY, Calls
from tests.sandbox.marketo.bulk_store import CarStore
from tests.sandbox.marketo.marketo_instance import HOST, START, Make, Marketo, code

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import BulkSettings, MarketoService
from marketo_dynamics_sync.sandbox.marketo.bulk.delimited import DELIMITERS, write_table
from marketo_dynamics_sync.sandbox.transport import SandboxTransport

CARS = "customobjects/car_c"
PARK = {"fields": ["vIN"]}


@pytest.fixture
def calls(make: Make) -> Calls:
    return Calls(make().sign_in())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def day(number: int, time: str = "00:00:00") -> str:
    return f"2026-01-{number:02}T{time}Z"


def emails(calls: Calls, **chosen: object) -> list[str]:
    return [row["email"] for row in rows(calls.extract(fields=["email"], filter=chosen))]


def test_empty_values_are_the_text_null(calls: Calls) -> None:
    calls.marketo.service.create_person(
        email="a@example.com", notes="null", joined="2026-01-01T00:00:00Z", consent=True
    )
    calls.marketo.service.create_person(firstName="Zoë \u2028 \x00")
    names = ["email", "firstName", "notes", "joined", "consent", "leadPartitionId"]
    first, second = rows(calls.extract(fields=names))
    assert first == dict(
        zip(names, ["a@example.com", "null", "null", "2026-01-01T00:00:00Z", "true", "1"], strict=True)
    )
    assert second == dict(zip(names, ["null", "Zoë \u2028 \x00", "null", "null", "false", "1"], strict=True))


CELLS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(lambda text: text not in ("NULL", "null"))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5), st.sampled_from(sorted(DELIMITERS)))
def test_what_is_imported_is_extracted_again(people: list[tuple[str, str]], form: str) -> None:
    service = MarketoService(SandboxClock(START))
    table = [("email", "firstName", "lastName"), *((f"{n}@example.com", *pair) for n, pair in enumerate(people))]
    with httpx.Client(base_url=f"https://{HOST}", transport=SandboxTransport({HOST: service})) as client:
        calls = Calls(Marketo(service, service.clock, client).sign_in())
        assert calls.batch(write_table(table, form), format=form)["numOfLeadsProcessed"] == len(people)
        text = calls.extract(fields=["email", "firstName", "lastName"], format=form)
    assert text == write_table(table, form).decode()


def test_both_ends_of_a_range_are_in_it(calls: Calls) -> None:
    for number in range(5):
        calls.marketo.service.create_person(email=f"{number}@example.com")
        calls.marketo.clock.advance(1.5)
    assert emails(calls, createdAt={"startAt": day(5, "12:00:01"), "endAt": day(5, "12:00:04")}) == [
        "1@example.com",
        "2@example.com",
        "3@example.com",
    ]


def test_updated_at_is_the_last_change_of_any_field(calls: Calls) -> None:
    service, clock = calls.marketo.service, calls.marketo.clock
    people = [service.create_person(email=f"{number}@example.com") for number in range(4)]
    clock.advance(days=2)
    service.update_person(people[0], crmId="custom fields do not move the visible time")
    service.change_score(people[1], 5)
    clock.advance(days=2)
    service.update_person(people[2], firstName="B")
    service.update_person(people[3], email="3@example.com")
    calls.marketo.sign_in()
    assert emails(calls, updatedAt={"startAt": day(5), "endAt": day(6)}) == ["3@example.com"]
    assert emails(calls, updatedAt={"startAt": day(7), "endAt": day(8)}) == ["0@example.com", "1@example.com"]
    assert emails(calls, updatedAt={"startAt": day(9), "endAt": day(10)}) == ["2@example.com"]
    assert service.persons()[0]["updatedAt"] == day(5, "12:00:00")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01", "609"),
        ({"startAt": day(1)}, "1002"),
        ({"endAt": day(1)}, "1002"),
        ({"startAt": day(2), "endAt": day(1)}, "1003"),
        ({"startAt": day(1), "endAt": "2026-02-01T00:00:01Z"}, "1003"),
        ({"startAt": "2026-01-01T00:00:00.000Z", "endAt": day(2)}, "1003"),
        ({"startAt": "January", "endAt": day(2)}, "1003"),
        ({"startAt": "2026-13-01", "endAt": day(2)}, "1003"),
        ({"startAt": 5, "endAt": day(2)}, "1003"),
    ],
)
def test_ranges_that_are_refused(calls: Calls, value: object, expected: str) -> None:
    for kind in ("createdAt", "updatedAt"):
        assert code(calls.create(filter={kind: value})) == expected
    assert code(calls.create("activities", filter={"createdAt": value})) == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-01-05", "2026-01-06"),
        ("2026-01-05T12:00:00", "2026-01-05T12:00:00"),
        ("2026-01-05T13:00:00+01:00", "2026-01-05T07:00:00-0500"),
        ("2026-01-05T12:00Z", "2026-01-05T12:00Z"),
    ],
)
def test_ranges_that_are_taken(calls: Calls, start: str, end: str) -> None:
    calls.marketo.service.create_person(email="a@example.com")
    assert emails(calls, createdAt={"startAt": start, "endAt": end}) == ["a@example.com"]


def test_static_and_smart_lists(calls: Calls) -> None:
    service = calls.marketo.service
    people = [service.create_person(email=f"{number}@example.com", visits=number) for number in range(4)]
    static = service.create_list("VIPs", people[3], people[0])
    service.bulk.add_smart_list("Others", lambda person: False)
    smart = service.bulk.add_smart_list("Visitors", lambda person: bool(person.get("visits", 0)))
    for chosen in ({"staticListId": static}, {"staticListName": "VIPs"}):
        assert emails(calls, **chosen) == ["0@example.com", "3@example.com"]
    for chosen in ({"smartListId": smart}, {"smartListName": "Visitors"}):
        assert emails(calls, **chosen) == ["1@example.com", "2@example.com", "3@example.com"]
    assert code(calls.create(filter={"smartListName": smart})) == "1013"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"staticListId": 9}, "1013"),
        ({"staticListName": "Nobody"}, "1013"),
        ({"smartListId": 9}, "1013"),
        ({"smartListName": "Nobody"}, "1013"),
        ({"staticListId": "9"}, "1001"),
        ({"smartListId": True}, "1001"),
    ],
)
def test_lists_that_are_refused(calls: Calls, chosen: dict, expected: str) -> None:
    assert code(calls.create(filter=chosen)) == expected


def test_some_subscriptions_lack_some_filters(make: Make) -> None:
    marketo = make(bulk=BulkSettings(every_filter=False)).sign_in()
    marketo.service.bulk.objects = CarStore(marketo.clock)
    calls = Calls(marketo)
    target = marketo.service.create_list("L")
    for chosen in ({"updatedAt": JANUARY}, {"smartListId": 1}, {"smartListName": "x"}):
        assert code(calls.create(filter=chosen)) == "1035"
    assert code(calls.create(CARS, **PARK, filter={"smartListId": 1})) == "1035"
    for chosen in ({"createdAt": JANUARY}, {"staticListId": target}, {"staticListName": "L"}):
        assert calls.create(filter=chosen)["success"]
    assert calls.create(CARS, **PARK, filter={"updatedAt": JANUARY})["success"]


def test_unknown_fields_are_refused(calls: Calls) -> None:
    assert code(calls.create(fields=["email", "shoeSize"])) == "1006"
    assert code(calls.create("activities", fields=["leadId", "shoeSize"])) == "1006"


def test_activities_as_adobe_shows_them(calls: Calls) -> None:
    service = calls.marketo.service
    person = service.create_person(email="a@example.com", firstName="Ada")
    service.update_person(person, firstName=None, leadScore=3)
    created, emptied, scored = rows(calls.extract("activities"))
    assert list(created) == [
        "marketoGUID",
        "leadId",
        "activityDate",
        "activityTypeId",
        "campaignId",
        "primaryAttributeValueId",
        "primaryAttributeValue",
        "attributes",
    ]
    assert (created["activityTypeId"], created["leadId"], created["campaignId"]) == ("12", str(person), "null")
    assert json.loads(created["attributes"]) == {"Source Type": "Manual change", "Created Date": "2026-01-05"}
    assert json.loads(emptied["attributes"])["Old Value"] == "Ada"
    assert "New Value" not in json.loads(emptied["attributes"])
    assert json.loads(scored["attributes"])["New Value"] == "3"
    assert emptied["primaryAttributeValue"] == "First Name"
    assert emptied["primaryAttributeValueId"] == str(service.fields["firstName"].id)
    assert '": ' not in created["attributes"]


def test_activities_by_time_and_type(calls: Calls) -> None:
    service, clock = calls.marketo.service, calls.marketo.clock
    person = service.create_person(email="a@example.com")
    clock.advance(600)
    service.update_person(person, firstName="A")
    service.change_score(person, 1)
    service.delete_person(service.create_person())
    early = {"startAt": day(5, "12:00:00"), "endAt": day(5, "12:09:59")}
    types = lambda chosen: [row["activityTypeId"] for row in rows(calls.extract("activities", filter=chosen))]  # noqa: E731
    assert types({"createdAt": early}) == ["12"]
    assert types({"createdAt": JANUARY}) == ["12", "13", "22", "12"]
    assert types({"createdAt": JANUARY, "activityTypeIds": [13, 22, 999]}) == ["13", "22"]
    text = calls.extract("activities", fields=["leadId", "actionResult"], columnHeaderNames={"leadId": "Lead"})
    assert text.splitlines()[:2] == ["Lead,actionResult", f"{person},succeeded"]


def test_activities_that_do_not_show_yet_are_not_exported(make: Make) -> None:
    calls = Calls(make(activity_delay=300, activity_scan=2).sign_in())
    for _ in range(5):
        calls.marketo.service.create_person()
    assert rows(calls.extract("activities")) == []
    calls.marketo.clock.advance(300)
    assert len(rows(calls.extract("activities"))) == 5


def test_activities_by_primary_attribute(calls: Calls) -> None:
    service = calls.marketo.service
    person = service.create_person(email="a@example.com")
    service.update_person(person, firstName="A", lastName="B")
    target = service.create_list("L", person)
    service.create_list("M", person)
    field = service.fields["firstName"]
    for chosen, expected in (
        ({"activityTypeIds": [13], "primaryAttributeValueIds": [field.id]}, ["First Name"]),
        ({"activityTypeIds": [13, 22], "primaryAttributeValues": ["Last Name"]}, ["Last Name"]),
        ({"activityTypeIds": [24, 25], "primaryAttributeValueIds": [target, 99]}, ["L"]),
        ({"activityTypeIds": [2], "primaryAttributeValues": ["Form"]}, []),
    ):
        found = rows(calls.extract("activities", filter={"createdAt": JANUARY, **chosen}))
        assert [row["primaryAttributeValue"] for row in found] == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"activityTypeIds": []}, "1003"),
        ({"activityTypeIds": 13}, "609"),
        ({"activityTypeIds": ["13"]}, "1001"),
        ({"activityTypeIds": [12, 37]}, "1003"),
        ({"primaryAttributeValueIds": [1]}, "1003"),
        ({"activityTypeIds": [13, 24], "primaryAttributeValueIds": [1]}, "1003"),
        ({"activityTypeIds": [12], "primaryAttributeValues": ["x"]}, "1003"),
        ({"activityTypeIds": [13], "primaryAttributeValueIds": [1], "primaryAttributeValues": ["x"]}, "1003"),
        ({"activityTypeIds": [13], "primaryAttributeValueIds": list(range(51))}, "1003"),
        ({"activityTypeIds": [13], "primaryAttributeValueIds": ["x"]}, "1001"),
        ({"staticListId": 1}, "1003"),
    ],
)
def test_activity_orders_that_are_refused(calls: Calls, chosen: dict, expected: str) -> None:
    assert code(calls.create("activities", filter={"createdAt": JANUARY, **chosen})) == expected
    assert code(calls.create("activities", filter={"activityTypeIds": [13]})) == "1002"


@pytest.fixture
def cars(make: Make) -> tuple[Calls, CarStore]:
    marketo = make(first_id=11).sign_in()
    store = CarStore(marketo.clock)
    marketo.service.bulk.objects = store
    for number, vin in enumerate(("V1", "V2", "V3")):
        person = marketo.service.create_person(email=f"{number}@example.com")
        store.upsert("car_c", {"vIN": vin, "leadID": str(person), "color": None})
        marketo.clock.advance(3600 - 60)
    marketo.sign_in()
    store.upsert("car_c", {"vIN": "V4", "leadID": "11"})
    store.upsert("car_c", {"vIN": "V5"})
    return Calls(marketo), store


def test_custom_objects_of_the_people_on_a_list(cars: tuple[Calls, CarStore]) -> None:
    calls, _ = cars
    target = calls.marketo.service.create_list("Buyers", 12, 11)
    text = calls.extract(CARS, fields=["leadId", "VIN", "color", "marketoGUID"], filter={"staticListId": target})
    assert text == "leadId,VIN,color,marketoGUID\n11,V1,null,guid-0\n11,V4,null,guid-3\n12,V2,null,guid-1\n"


def test_custom_objects_by_their_own_time_of_change(cars: tuple[Calls, CarStore]) -> None:
    calls, store = cars
    assert store.cars["V2"]["updatedAt"] == START.replace(hour=12, minute=59).isoformat().replace("+00:00", "Z")
    chosen = {"updatedAt": {"startAt": day(5, "12:59:00"), "endAt": day(5, "13:58:00")}}
    assert calls.extract(CARS, fields=["vIN"], filter=chosen) == "vIN\nV2\nV3\n"


def test_custom_object_orders_that_are_refused(cars: tuple[Calls, CarStore]) -> None:
    calls, store = cars
    usual = {"fields": ["vIN"], "filter": {"updatedAt": JANUARY}}
    assert code(calls.create("customobjects/boat_c", **usual)) == "1013"
    assert code(calls.create(CARS, **(usual | {"fields": ["price"]}))) == "1006"
    assert code(calls.create(CARS, **(usual | {"fields": None}))) == "1002"
    assert code(calls.create(CARS, **(usual | {"filter": {"createdAt": JANUARY}}))) == "1003"
    calls.marketo.service.bulk.objects = CarStore(calls.marketo.clock, link=None)
    assert code(calls.create(CARS, **usual)) == "1003"
    assert store.describe("car_c") is not None
