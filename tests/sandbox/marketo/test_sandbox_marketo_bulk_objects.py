"""The bulk calls with the instance's own custom objects and companies."""

from __future__ import annotations

import pytest
from tests.sandbox.marketo.bulk_calls import Calls
from tests.sandbox.marketo.marketo_instance import Make, code

from marketo_dynamics_sync.sandbox.marketo import ObjectField
from marketo_dynamics_sync.sandbox.marketo.bulk import RowRefused
from marketo_dynamics_sync.sandbox.marketo.bulk_objects import StoredObjects

CARS = "customobjects/car_c/import.json"


@pytest.fixture
def calls(make: Make) -> Calls:
    """Bulk calls on an instance with cars."""
    marketo = make().sign_in()
    marketo.service.create_custom_object_type(
        "car_c", [ObjectField("vin", dedupe=True), ObjectField("year", "integer")], link=("leadID", "lead", "id")
    )
    return Calls(marketo)


def test_cars_are_imported_and_extracted(calls: Calls) -> None:
    service = calls.marketo.service
    person = service.create_person(email="a@example.com")
    service.create_custom_object("car_c", vin="V1", year=1999)
    done = calls.batch(f"vin,year,leadID\nV1,2001,{person}\nV2,2002,\nV3,x,\nV4,1,99\n", CARS)
    assert (done["numOfObjectsProcessed"], done["numOfRowsFailed"]) == (2, 2)
    rows = [(row["vin"], row["year"], row.get("leadID")) for row in service.objects("car_c")]
    assert rows == [("V1", 2001, person), ("V2", 2002, None)]
    failed = calls.file(f"customobjects/car_c/import/{done['batchId']}/failures.json").text
    assert "Lead not found" in failed
    window = {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-31T00:00:00Z"}
    kind = "customobjects/car_c"
    text = calls.extract(kind, fields=["vin", "year"], filter={"updatedAt": window})
    assert text.splitlines() == ["vin,year", "V1,2001", "V2,2002"]


def test_only_approved_types_are_there(calls: Calls) -> None:
    calls.marketo.service.create_custom_object_type("draft_c", [ObjectField("key", dedupe=True)], approve=False)
    for name in ("draft_c", "none_c"):
        assert code(calls.upload("key\nx\n", f"customobjects/{name}/import.json")) == "1013"
    store = StoredObjects(calls.marketo.service._objects.custom)
    assert store.describe("draft_c") is None
    assert list(store.query("draft_c")) == []
    with pytest.raises(RowRefused, match="draft_c"):
        store.upsert("draft_c", {"key": "x"})


def test_imported_people_are_linked_to_companies(calls: Calls) -> None:
    service = calls.marketo.service
    service.create_company("C1", company="Example", industry="Chairs")
    done = calls.batch(
        "email,externalCompanyId,company\na@example.com,C1,\nb@example.com,C9,\nc@example.com,C1,Mine\nd@example.com,,Own\n"
    )
    assert (done["numOfLeadsProcessed"], done["numOfRowsFailed"]) == (2, 2)
    ada, own = service.persons()
    assert (ada["company"], ada["industry"]) == ("Example", "Chairs")
    assert own["company"] == "Own"
    failed = calls.file(f"leads/batch/{done['batchId']}/failures.json").text
    assert "Company update not allowed" in failed
    assert "Record not found" in failed
