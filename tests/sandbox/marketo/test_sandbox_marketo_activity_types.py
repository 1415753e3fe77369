"""Custom activity types with their drafts, and writing activities, as Adobe's page "Activities" has them."""

from __future__ import annotations

import pytest
from tests.sandbox.marketo.marketo_instance import Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.marketo import PersonField

TYPE = {
    "apiName": "visit",
    "name": "Visit",
    "triggerName": "Visits",
    "filterName": "Visited",
    "primaryAttribute": {"apiName": "place", "name": "Place", "description": "Where"},
}
PATH = "activities/external/type"
FIELDS = [
    {"apiName": "hours", "name": "Hours", "dataType": "float", "description": "How long"},
    {"apiName": "guest", "name": "Is Guest", "dataType": "boolean"},
    {"apiName": "page", "name": "Page", "dataType": "link"},
]


@pytest.fixture
def visit(make: Make) -> Marketo:
    """An instance with an approved type and a person."""
    marketo = make().sign_in()
    marketo.post(f"{PATH}.json", TYPE)
    marketo.post(f"{PATH}/visit/attributes/create.json", {"attributes": FIELDS})
    assert marketo.post(f"{PATH}/visit/approve.json")["result"][0]["status"] == "approved"
    marketo.service.create_person(email="a@example.com")
    return marketo


def add(marketo: Marketo, *attributes: dict[str, object], **changed: object) -> dict:
    """Add an activity and return its outcome."""
    record = {
        "leadId": 1001,
        "activityDate": "2026-01-05T11:00:00Z",
        "activityTypeId": 100_001,
        "primaryAttributeValue": "Berlin",
        "attributes": list(attributes),
        **changed,
    }
    return marketo.post("activities/external.json", {"input": [record]})["result"][0]


def described(marketo: Marketo, **params: object) -> dict:
    """Describe the type."""
    return marketo.get(f"{PATH}/visit/describe.json", **params)["result"][0]


def test_changes_wait_in_the_draft(visit: Marketo) -> None:
    assert code(visit.get(f"{PATH}/visit/describe.json", draft="true")) == "1013"
    visit.clock.advance(60)
    (changed,) = visit.post(f"{PATH}/visit.json", {"name": "Stay", "primaryAttribute": {"name": "Town"}})["result"]
    assert (changed["name"], changed["status"], changed["updatedAt"]) == (
        "Stay",
        "approved with draft",
        "2026-01-05T12:01:00Z",
    )
    assert changed["primaryAttribute"] == {
        "apiName": "place",
        "name": "Town",
        "dataType": "string",
        "description": "Where",
    }
    assert described(visit)["name"] == "Visit"
    assert described(visit, draft="true")["name"] == "Stay"
    listed = [item for item in visit.get("activities/types.json")["result"] if item["id"] == 100_001]
    assert listed[0]["name"] == "Visit"
    (shown,) = visit.get("activities/external/types.json")["result"]
    assert (shown["name"], "attributes" in shown) == ("Visit", False)
    visit.post(f"{PATH}/visit/approve.json")
    assert described(visit)["name"] == "Stay"
    assert code(visit.post(f"{PATH}/visit/approve.json")) == "709"
    assert code(visit.post(f"{PATH}/visit/discardDraft.json")) == "709"


def test_attributes_are_checked_against_the_approved_version(visit: Marketo) -> None:
    visit.post(f"{PATH}/visit/attributes/create.json", {"attributes": [{**FIELDS[0], "apiName": "rooms"}]})
    assert reason(add(visit, {"apiName": "rooms", "value": 1}), "errors") == "1003"
    visit.post(f"{PATH}/visit/discardDraft.json")
    assert [item["apiName"] for item in described(visit)["attributes"]] == ["hours", "guest", "page"]
    visit.post(f"{PATH}/visit/attributes/delete.json", {"attributes": [{"apiName": "page"}]})
    assert add(visit, {"apiName": "page", "value": "x"})["status"] == "added"
    visit.post(f"{PATH}/visit/approve.json")
    assert reason(add(visit, {"apiName": "page", "value": "x"}), "errors") == "1003"


def test_values_have_the_type_of_their_attribute(visit: Marketo) -> None:
    added = add(visit, {"name": "Hours", "value": "1.5"}, {"apiName": "guest", "value": False})
    assert added["status"] == "added"
    add(visit, {"apiName": "hours", "value": None})
    for wrong in (
        {"apiName": "hours", "value": "long"},
        {"name": "Nothing", "value": 1},
        {"value": 1},
        {"apiName": "guest", "value": "perhaps"},
    ):
        assert reason(add(visit, wrong), "errors") == "1003"
    assert reason(add(visit, attributes=["hours"]), "errors") == "1003"
    token = visit.paging_token()
    found = visit.get("activities.json", nextPageToken=token, activityTypeIds=100_001)["result"]
    assert found[0]["attributes"] == [
        {"apiName": "hours", "name": "Hours", "value": 1.5},
        {"apiName": "guest", "name": "Is Guest", "value": False},
    ]
    assert found[1]["attributes"] == []


def test_the_primary_attribute_can_change_hands(visit: Marketo) -> None:
    path = f"{PATH}/visit/attributes/update.json"
    promote = {"apiName": "hours", "isPrimary": True}
    assert code(visit.post(path, {"attributes": [promote]})) == "1003"
    visit.post(path, {"attributes": [{"apiName": "place", "isPrimary": False}]})
    assert "primaryAttribute" not in described(visit, draft="true")
    assert code(visit.post(f"{PATH}/visit/approve.json")) == "1003"
    visit.post(path, {"attributes": [promote]})
    draft = described(visit, draft="true")
    assert draft["primaryAttribute"]["apiName"] == "hours"
    assert [item["apiName"] for item in draft["attributes"]] == ["guest", "page", "place"]
    visit.post(path, {"attributes": [{"apiName": "hours", "name": "Length"}]})
    assert described(visit, draft="true")["primaryAttribute"]["name"] == "Length"
    visit.post(f"{PATH}/visit/attributes/create.json", {"attributes": [{**FIELDS[0], "apiName": "plain"}]})
    extra = {**FIELDS[0], "apiName": "second", "isPrimary": True}
    assert code(visit.post(f"{PATH}/visit/attributes/create.json", {"attributes": [extra]})) == "1003"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/none.json", {"name": "x"}, "1013"),
        ("/none/delete.json", None, "1013"),
        ("/none/discardDraft.json", None, "1013"),
        ("/visit.json", {"name": 7}, "1002"),
        ("/visit.json", {"primaryAttribute": "place"}, "1002"),
        ("/visit/attributes/create.json", {"attributes": [{**FIELDS[0]}]}, "1017"),
        ("/visit/attributes/create.json", {"attributes": [{**FIELDS[0], "apiName": "place"}]}, "1017"),
        ("/visit/attributes/update.json", {"attributes": [{"apiName": "none", "name": "x"}]}, "1013"),
        ("/visit/attributes/update.json", {"attributes": [{"apiName": "hours", "dataType": "x"}]}, "1003"),
        ("/visit/attributes/delete.json", {"attributes": [{"apiName": "none"}]}, "1013"),
        ("/visit/attributes/delete.json", {"attributes": [{"apiName": "place"}]}, "1013"),
        ("/visit/attributes/delete.json", {}, "1002"),
    ],
)
def test_refusals_leave_no_draft(visit: Marketo, path: str, body: object, expected: str) -> None:
    assert code(visit.post(f"{PATH}{path}", body)) == expected
    assert described(visit)["status"] == "approved"


def test_deleting_types(visit: Marketo) -> None:
    add(visit)
    assert visit.post(f"{PATH}/visit/delete.json")["result"][0]["status"] == "deleted"
    assert reason(add(visit), "errors") == "1013"
    token = visit.paging_token()
    assert len(visit.get("activities.json", nextPageToken=token, activityTypeIds=100_001)["result"]) == 1
    assert visit.post(f"{PATH}.json", TYPE)["result"][0]["id"] == 100_002
    assert visit.post(f"{PATH}/visit/discardDraft.json")["result"][0]["status"] == "deleted"
    assert visit.get("activities/external/types.json")["result"] == []


def test_pushing_people(make: Make) -> None:
    marketo = make().sign_in()
    number = marketo.service.create_program("Launch")
    cookie = "id:123-ABC-456&token:_mch-example.com-1"
    records = [
        {"email": "a@example.com", "cookies": cookie},
        {"email": "b@example.com", "cookies": "nonsense"},
        {"email": "c"},
    ]
    body = {"programName": "Launch", "source": "Site", "input": records, "programStatus": "Member"}
    result = marketo.post("leads/push.json", body)["result"]
    assert result[0] == {"id": 1001, "status": "created"}
    assert [reason(entry) for entry in result[1:]] == ["1012", "1003"]
    again = marketo.post("leads/push.json", {**body, "lookupField": "email", "input": [{"email": "A@example.com"}]})
    assert again["result"] == [{"id": 1001, "status": "updated"}]
    token = marketo.paging_token()
    pushed = marketo.get("activities.json", nextPageToken=token, activityTypeIds=145)["result"]
    assert [(item["leadId"], item["primaryAttributeValueId"]) for item in pushed] == [(1001, number)] * 2
    assert pushed[0]["attributes"] == [{"name": "Source", "value": "Site"}]
    asked = {"filterType": "cookies", "filterValues": cookie}
    assert [item["id"] for item in marketo.get("leads.json", **asked)["result"]] == [1001]
    for wrong, expected in (
        ({"input": records}, "1002"),
        ({"programName": "None", "input": records}, "1013"),
        ({"programName": "Launch"}, "1002"),
    ):
        assert code(marketo.post("leads/push.json", wrong)) == expected


def test_cookies_move_with_people(make: Make) -> None:
    marketo = make().sign_in()
    ada, bob = marketo.service.create_person(), marketo.service.create_person()
    cookie = "token:_mch-example.com-1"

    def owner() -> list[int]:
        return [item["id"] for item in marketo.get("leads.json", filterType="cookies", filterValues=cookie)["result"]]

    assert owner() == []
    assert marketo.get("leads.json", filterType="sfdcLeadId", filterValues="x")["result"] == []
    assert marketo.post(f"leads/{bob}/associate.json", cookie=cookie)["success"]
    assert owner() == [bob]
    marketo.service.merge_persons(ada, bob)
    assert owner() == [ada]
    marketo.service.delete_person(ada)
    assert owner() == []
    assert code(marketo.post(f"leads/{ada}/associate.json", cookie=cookie)) == "1004"
    assert code(marketo.post("leads/x/associate.json", cookie=cookie)) == "1004"
    assert code(marketo.post(f"leads/{ada}/associate.json")) == "1002"


def test_the_lists_of_a_person(make: Make) -> None:
    marketo = make().sign_in()
    ada, bob = marketo.service.create_person(), marketo.service.create_person()
    lists = [marketo.service.create_list(f"L{number}", ada, workspace="EMEA") for number in range(3)]
    marketo.clock.advance(60)
    marketo.post(f"lists/{lists[0]}/leads.json", id=bob)
    path = f"leads/{ada}/listMembership.json"
    first = marketo.get(path, batchSize=2)
    assert ([item["listId"] for item in first["result"]], first["moreResult"]) == (lists[:2], True)
    rest = marketo.get(path, nextPageToken=first["nextPageToken"])
    assert ([item["listId"] for item in rest["result"]], rest["moreResult"]) == (lists[2:], False)
    (mine,) = marketo.get(f"leads/{bob}/listMembership.json")["result"]
    assert mine == {
        "listId": lists[0],
        "createdAt": "2026-01-05T12:01:00Z",
        "updatedAt": "2026-01-05T12:01:00Z",
    }
    assert code(marketo.get(f"leads/{bob}/listMembership.json", nextPageToken=first["nextPageToken"])) == "1003"
    assert code(marketo.get("leads/99/listMembership.json")) == "1004"
    cy = marketo.service.create_person()
    marketo.service.merge_persons(cy, bob)
    assert [item["listId"] for item in marketo.get(f"leads/{cy}/listMembership.json")["result"]] == lists[:1]
    assert [item["id"] for item in marketo.get("lists.json", workspaceName="EMEA,Default")["result"]] == lists
    assert marketo.get("lists.json", workspaceName="Default")["result"] == []
    assert marketo.get("lists.json", programName="Launch")["result"] == []


def test_changing_fields(make: Make) -> None:
    marketo = make(custom_fields=[PersonField("crmId")]).sign_in()
    made = {"displayName": "Tier", "name": "tier", "dataType": "string", "isSensitive": True, "isHidden": True}
    marketo.post("leads/schema/fields.json", {"input": [made]})

    def change(name: str, *records: dict[str, object]) -> dict:
        return marketo.post(f"leads/schema/fields/{name}.json", {"input": list(records)})

    def shown(name: str) -> dict:
        return marketo.get(f"leads/schema/fields/{name}.json")["result"][0]

    assert (shown("tier")["isSensitive"], shown("tier")["isHidden"]) == (True, True)
    everything = {
        "displayName": "Level",
        "description": "How far",
        "isHidden": False,
        "isHtmlEncodingInEmail": False,
        "isSensitive": False,
    }
    assert change("tier", everything)["result"] == [{"name": "tier", "status": "updated"}]
    assert {key: shown("tier")[key] for key in everything} == everything
    assert change("crmId", {"displayName": "CRM"})["success"]
    assert change("email", {"description": "Mail", "isHtmlEncodingInEmail": False, "isSensitive": True})["success"]
    assert (shown("email")["description"], shown("email")["isSensitive"]) == ("Mail", True)
    assert (shown("dateOfBirth")["isHtmlEncodingInEmail"], shown("phone")["isHtmlEncodingInEmail"]) == (False, True)
    for name, records, expected in (
        ("none", [{"description": "x"}], "1006"),
        ("email", [{"displayName": "Mail"}], "1003"),
        ("email", [{"isHidden": True}], "1003"),
        ("crmId", [{"isHidden": True}], "1003"),
        ("tier", [{"dataType": "integer"}], "1003"),
        ("tier", [{"name": "tier2"}], "1003"),
        ("tier", [{"description": "x"}, {"description": "y"}], "1003"),
    ):
        assert code(change(name, *records)) == expected
