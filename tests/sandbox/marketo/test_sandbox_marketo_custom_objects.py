"""Custom objects and their types, as Adobe's page "Custom Objects" has them."""

from __future__ import annotations

import pytest
from tests.sandbox.marketo.marketo_instance import Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.marketo import Client, ObjectField
from marketo_dynamics_sync.sandbox.marketo.objects import Link

STAMP = "2026-01-05T12:00:00Z"
LINK = {"name": "leadID", "displayName": "Lead ID", "dataType": "link", "relatedTo": {"name": "lead", "field": "id"}}
VIN = {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True, "description": "Number"}
MAKE = {"name": "make", "displayName": "Make", "dataType": "string"}


def schema(marketo: Marketo, path: str, body: object = None) -> dict:
    """Call the schema and expect an empty result."""
    answer = marketo.post(f"customobjects/schema{path}.json", body)
    assert (answer["success"], answer.get("result")) == (True, []), answer
    return answer


def refused(marketo: Marketo, path: str, body: object = None) -> str:
    """Return the code of a refused schema call."""
    return code(marketo.post(f"customobjects/schema{path}.json", body))


@pytest.fixture
def car(make: Make) -> Marketo:
    """An instance with an approved type of cars."""
    marketo = make().sign_in()
    schema(marketo, "", {"action": "createOnly", "apiName": "car", "displayName": "Car", "description": "Owned"})
    schema(marketo, "/car/addField", {"input": [LINK, VIN, MAKE]})
    schema(marketo, "/car/approve")
    return marketo


def test_a_type_from_draft_to_approval(marketo: Marketo) -> None:
    schema(marketo, "", {"apiName": "car", "displayName": "Car", "pluralName": "Cars", "showInLeadDetail": True})
    (draft,) = marketo.get("customobjects/schema/car/describe.json")["result"]
    assert {key: draft[key] for key in ("state", "idField", "createdAt", "dedupeFields", "searchableFields")} == {
        "state": "draft",
        "idField": None,
        "createdAt": None,
        "dedupeFields": [],
        "searchableFields": [[]],
    }
    assert [field["name"] for field in draft["fields"]] == ["createdAt", "marketoGUID", "updatedAt"]
    assert refused(marketo, "/car/approve") == "1003"
    schema(marketo, "/car/addField", {"input": [LINK, VIN, MAKE]})
    assert marketo.get("customobjects.json")["result"] == []
    assert code(marketo.get("customobjects/car/describe.json")) == "1013"
    schema(marketo, "/car/approve")
    (approved,) = marketo.get("customobjects/schema/car/describe.json", state="approved")["result"]
    assert (approved["state"], approved["version"], approved["idField"]) == ("approved", "approved", "marketoGUID")
    assert approved["searchableFields"] == [["vin"], ["marketoGUID"], ["leadID"]]
    assert approved["relationships"] == [
        {"field": "leadID", "type": "child", "relatedTo": {"name": "Lead", "field": "id"}}
    ]
    assert [field["name"] for field in approved["fields"]][3:] == ["leadID", "make", "vin"]
    assert {field["name"]: field["dataType"] for field in approved["fields"]}["leadID"] == "integer"
    (listed,) = marketo.get("customobjects.json", names="car,bike")["result"]
    assert (listed["name"], listed["createdAt"], "fields" in listed) == ("car", STAMP, False)
    (described,) = marketo.get("customobjects/car/describe.json")["result"]
    assert {field["name"] for field in described["fields"]} >= {"vin", "leadID", "marketoGUID"}


def test_a_draft_beside_the_approved_version(car: Marketo) -> None:
    schema(car, "", {"action": "updateOnly", "apiName": "car", "description": "Changed"})
    schema(car, "/car/addField", {"input": [{"name": "year", "displayName": "Year", "dataType": "integer"}]})
    schema(car, "/car/make/updateField", {"displayName": "Brand", "dataType": "text"})

    def seen(**state: str) -> list[tuple[str, str]]:
        return [(item["state"], item["version"]) for item in car.get("customobjects/schema.json", **state)["result"]]

    assert seen() == [("approvedWithDraft", "approved")]
    assert seen(state="draft") == [("approvedWithDraft", "draft")]
    assert seen(state="approvedWithDraft") == [("approvedWithDraft", "draft")]
    assert seen(names="bike") == []
    assert code(car.get("customobjects/schema.json", state="old")) == "1003"
    (entry,) = car.post("customobjects/car.json", {"input": [{"vin": "V", "year": 1}]})["result"]
    assert reason(entry) == "1006"
    schema(car, "/car/discardDraft")
    assert car.get("customobjects/schema/car/describe.json")["result"][0]["description"] == "Owned"
    assert refused(car, "/car/discardDraft") == "1048"
    assert seen(state="draft") == []
    assert code(car.get("customobjects/schema/car/describe.json", state="draft")) == "1013"
    schema(car, "/car/deleteField", {"input": [{"name": "make"}]})
    car.clock.advance(60)
    schema(car, "/car/approve")
    assert refused(car, "/car/approve") == "1003"
    described = car.get("customobjects/car/describe.json")["result"][0]
    assert (described["createdAt"], described["updatedAt"]) == (STAMP, "2026-01-05T12:01:00Z")
    assert "make" not in {field["name"] for field in described["fields"]}
    schema(car, "", {"apiName": "bike", "displayName": "Bike"})
    schema(car, "", {"apiName": "bike", "displayName": "Bicycle"})
    assert car.get("customobjects/schema/bike/describe.json")["result"][0]["displayName"] == "Bicycle"
    assert refused(car, "/bike/delete") == "1013"
    schema(car, "/bike/discardDraft")
    assert seen(names="bike") == []


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("", {"displayName": "Bike"}, "1002"),
        ("", {"apiName": "bike"}, "1002"),
        ("", {"apiName": "bi ke", "displayName": "Bike"}, "1003"),
        ("", {"apiName": "bike", "displayName": "Bike!"}, "1003"),
        ("", {"apiName": "bike", "displayName": "Car"}, "1017"),
        ("", {"apiName": "car", "displayName": "Car", "action": "createOnly"}, "1017"),
        ("", {"apiName": "bike", "displayName": "Bike", "action": "updateOnly"}, "1013"),
        ("", {"apiName": "bike", "displayName": "Bike", "action": "upsert"}, "1003"),
        ("", {"apiName": "car", "displayName": "Automobile"}, "1003"),
        ("/car/addField", {"input": [MAKE]}, "1017"),
        ("/car/addField", {"input": [{**MAKE, "name": "createdAt"}]}, "1017"),
        ("/car/addField", {"input": [{**VIN, "name": "vin2"}]}, "1003"),
        ("/car/addField", {"input": [{**LINK, "name": "lead2"}]}, "1003"),
        ("/car/addField", {"input": [{**LINK, "name": "lead2", "relatedTo": None}]}, "1002"),
        ("/car/addField", {"input": [{**LINK, "name": "l", "relatedTo": {"name": "lead", "field": "title"}}]}, "1013"),
        ("/car/addField", {"input": [{**LINK, "name": "l", "relatedTo": {"name": "boat", "field": "id"}}]}, "1013"),
        ("/car/addField", {"input": [{**LINK, "name": "l", "relatedTo": {"name": "car", "field": "vin"}}]}, "1013"),
        ("/car/addField", {"input": [{**MAKE, "name": "x", "dataType": "blob"}]}, "1003"),
        ("/car/addField", {"input": [{**MAKE, "name": f"x{n}"} for n in range(21)]}, "1003"),
        ("/car/deleteField", {"input": [{"name": "vin"}]}, "1003"),
        ("/car/deleteField", {"input": [{"name": "none"}]}, "1013"),
        ("/car/vin/updateField", {"isDedupeField": False}, "1003"),
        ("/car/vin/updateField", {"name": "number"}, "1003"),
        ("/car/none/updateField", {"displayName": "N"}, "1013"),
        ("/bike/addField", {"input": [MAKE]}, "1013"),
        ("/bike/approve", None, "1013"),
        ("/bike/delete", None, "1013"),
    ],
)
def test_refusals_of_the_schema(car: Marketo, path: str, body: object, expected: str) -> None:
    assert refused(car, path, body) == expected
    assert [item["state"] for item in car.get("customobjects/schema.json")["result"]] == ["approved"]


def test_limits(make: Make) -> None:
    marketo = make().sign_in()
    schema(marketo, "", {"apiName": "t0", "displayName": "T0"})
    many = [{**MAKE, "name": f"f{n}"} for n in range(51)]
    assert refused(marketo, "/t0/addField", {"input": many}) == "1003"
    keys = [{**VIN, "name": f"k{n}"} for n in range(4)]
    assert refused(marketo, "/t0/addField", {"input": keys}) == "1003"
    schema(marketo, "/t0/addField", {"input": keys[:3]})
    for number in range(1, 10):
        schema(marketo, "", {"apiName": f"t{number}", "displayName": f"T{number}"})
    assert refused(marketo, "", {"apiName": "t10", "displayName": "T10"}) == "1003"


def test_data_types_and_linkable_objects(car: Marketo) -> None:
    assert "link" in car.get("customobjects/schema/fieldDataTypes.json")["result"]
    schema(car, "", {"apiName": "course", "displayName": "Course"})
    schema(car, "/course/addField", {"input": [{**VIN, "name": "courseID", "displayName": "Course ID"}]})
    schema(car, "/course/approve")
    linkable = {item["name"]: item for item in car.get("customobjects/schema/linkableObjects.json")["result"]}
    assert set(linkable) == {"lead", "company", "course"}
    assert [field["name"] for field in linkable["company"]["fields"]] == ["Id"]
    assert [field["name"] for field in linkable["course"]["fields"]] == ["marketoGUID", "courseID"]
    labels = {field["name"] for field in linkable["lead"]["fields"]}
    assert {"Id", "Email Address", "Crm Id", "Marketo Social Twitter Id"} <= labels
    assert "First Name" not in labels
    assert car.get("customobjects/schema/car/dependentAssets.json")["result"] == []
    assert code(car.get("customobjects/schema/bike/dependentAssets.json")) == "1013"


def test_bridge_objects(car: Marketo) -> None:
    schema(car, "", {"apiName": "course", "displayName": "Course"})
    schema(car, "/course/addField", {"input": [{**VIN, "name": "courseID", "displayName": "Course ID"}]})
    schema(car, "/course/approve")
    to_course = {**LINK, "name": "course", "relatedTo": {"name": "course", "field": "courseID"}}
    to_company = {**LINK, "name": "firm", "relatedTo": {"name": "company", "field": "Id"}}
    schema(car, "", {"apiName": "enrollment", "displayName": "Enrollment"})
    schema(car, "/enrollment/addField", {"input": [{**VIN, "name": "number"}, LINK, to_course, to_company]})
    schema(car, "/enrollment/approve")
    company = car.service.create_company("C1")
    car.service.create_custom_object("course", courseID="Maths")
    records = [
        {"number": "1", "course": "maths", "firm": company},
        {"number": "2", "course": "Physics"},
        {"number": "3", "firm": 9},
        {"number": "4", "course": None},
    ]
    result = car.post("customobjects/enrollment.json", {"input": records})["result"]
    assert [entry["status"] for entry in result] == ["created", "skipped", "skipped", "created"]
    assert [reason(entry) for entry in result[1:3]] == ["1013", "1013"]
    assert refused(car, "/course/delete") == "1022"
    schema(car, "/enrollment/delete")
    schema(car, "/course/delete")


def test_records(car: Marketo) -> None:
    person = car.service.create_person(email="a@example.com")
    records = [{"vin": "V1", "leadID": person, "make": "BMW"}, {"vin": "V2", "leadID": 9}, {"make": "x"}]
    result = car.post("customobjects/car.json", {"input": records})["result"]
    assert [entry["status"] for entry in result] == ["created", "skipped", "skipped"]
    assert [reason(entry) for entry in result[1:]] == ["1004", "1003"]
    guid = result[0]["marketoGUID"]
    (row,) = car.get("customobjects/car.json", filterType="idField", filterValues=guid)["result"]
    assert row == {"seq": 0, "marketoGUID": guid, "vin": "V1", "createdAt": STAMP, "updatedAt": STAMP}
    (row,) = car.get("customobjects/car.json", filterType="leadid", filterValues=person, fields="make")["result"]
    assert row == {"seq": 0, "marketoGUID": guid, "make": "BMW"}
    gone = car.post("customobjects/car/delete.json", {"input": [{"vin": "V9"}, {"vin": "v1"}]})["result"]
    assert gone[0]["reasons"] == [{"code": "1013", "message": "Object not found"}]
    assert gone[1] == {"seq": 1, "marketoGUID": guid, "status": "deleted"}
    for path in ("customobjects/bike.json", "customobjects/bike/delete.json"):
        assert code(car.post(path, {"input": [{}]})) == "1013"
    assert code(car.get("customobjects/bike.json", filterType="vin", filterValues="1")) == "1013"


def test_linked_records_follow_people(car: Marketo) -> None:
    ada, bob = (car.service.create_person(email=f"{name}@example.com") for name in ("ada", "bob"))
    car.service.create_custom_object_type(
        "visit", [ObjectField("who", dedupe=True, link=Link("lead", "id")), ObjectField("where", dedupe=True)]
    )
    for name in (ada, bob):
        car.service.create_custom_object("car", vin=f"V{name}", leadID=name)
        car.service.create_custom_object("visit", who=name, where="Home")
    car.service.create_custom_object("visit", who=bob, where="Away")
    car.service.merge_persons(ada, bob)
    assert [(row["vin"], row["leadID"]) for row in car.service.objects("car")] == [(f"V{ada}", ada), (f"V{bob}", ada)]
    assert [(row["who"], row["where"]) for row in car.service.objects("visit")] == [(ada, "Home"), (ada, "Away")]
    car.service.delete_person(ada)
    assert car.service.objects("car") == car.service.objects("visit") == []


def test_by_hand(make: Make) -> None:
    service = make().service
    service.create_custom_object_type("seat_c", [ObjectField("seatId", dedupe=True), ObjectField("row", "integer")])
    guid = service.create_custom_object("seat_c", seatId="S1", row=3)
    service.update_custom_object("seat_c", guid, row=4)
    assert service.objects("seat_c")[0]["row"] == 4
    service.delete_object("seat_c", guid)
    assert service.objects("seat_c") == []
    service.create_custom_object_type("draft_c", [ObjectField("id2", dedupe=True)], approve=False)
    for call, words in (
        (lambda: service.create_custom_object("draft_c", id2="x"), "draft_c"),
        (lambda: service.create_custom_object("none", id2="x"), "none"),
        (lambda: service.create_custom_object("seat_c", row=1), "seatId"),
        (lambda: service.update_custom_object("seat_c", guid, row=1), "seat_c"),
        (lambda: service.objects("draft_c"), "draft_c"),
        (lambda: service.create_custom_object_type("seat_c", []), "exists already"),
        (lambda: service.create_custom_object_type("keyless", [ObjectField("x")]), "no dedupe field"),
        (lambda: service.create_custom_object_type("bad", [], link=("l", "moon", "id")), "moon"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    service.create_custom_object_type("keyless", [ObjectField("x", dedupe=True)])


def test_the_schema_is_sold_apart(make: Make) -> None:
    marketo = make(custom_object_schema=False).sign_in()
    assert code(marketo.get("customobjects/schema.json")) == "616"
    assert refused(marketo, "", {"apiName": "car", "displayName": "Car"}) == "616"
    assert marketo.get("customobjects.json")["result"] == []


def test_permissions(make: Make) -> None:
    clients = {
        "records": Client("s", permissions={"Read-Write Custom Object"}),
        "types": Client("s", permissions={"Read-Only Custom Object Type"}),
    }
    marketo = make(clients=clients)
    marketo.sign_in("records", "s")
    assert marketo.get("customobjects.json")["success"]
    assert code(marketo.get("customobjects/schema.json")) == "603"
    marketo.sign_in("types", "s")
    assert marketo.get("customobjects/schema.json")["success"]
    assert refused(marketo, "", {"apiName": "car", "displayName": "Car"}) == "603"
    assert code(marketo.get("customobjects.json")) == "603"
