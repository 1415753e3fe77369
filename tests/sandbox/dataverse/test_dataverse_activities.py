"""Tasks: what they regard, how they open and close, and owners that can own nothing."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("table", "entity_set"), [("lead", "leads"), ("contact", "contacts"), ("account", "accounts")])
def test_a_task_regards_a_row_by_the_navigation_property_of_its_table(
    api, service, table: str, entity_set: str
) -> None:
    row = service.create(table, **({"name": "A"} if table == "account" else {"lastname": "Byron"}))
    made = api(
        "POST", "tasks", {"subject": "Call", f"regardingobjectid_{table}_task@odata.bind": f"/{entity_set}({row})"}
    )
    assert made.status == 204
    (task,) = api.get("tasks").json["value"]
    assert task["_regardingobjectid_value"] == row
    other = "regardingobjectid@odata.bind", f"regardingobjectid_{table}@odata.bind"
    for name in other:
        assert api("POST", "tasks", {"subject": "Call", name: f"/{entity_set}({row})"}).status == 400
    service.delete(table, row)
    assert api.get("tasks").json["value"] == [], "it goes with what it regards"


def test_the_definition_names_the_navigation_properties(api) -> None:
    relations = api.get("EntityDefinitions(LogicalName='task')/ManyToOneRelationships").json["value"]
    found = {
        relation["ReferencedEntity"]: (relation["SchemaName"], relation["ReferencingEntityNavigationPropertyName"])
        for relation in relations
        if relation["ReferencingAttribute"] == "regardingobjectid"
    }
    assert found["lead"] == ("Lead_Tasks", "regardingobjectid_lead_task")
    assert found["contact"] == ("Contact_Tasks", "regardingobjectid_contact_task")
    about = api.get(
        "EntityDefinitions(LogicalName='task')?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute"
    )
    assert about.json["EntitySetName"] == "tasks"
    assert (about.json["PrimaryIdAttribute"], about.json["PrimaryNameAttribute"]) == ("activityid", "subject")


def test_a_task_opens_as_not_started_and_closes_by_an_update(api, service) -> None:
    api("POST", "tasks", {"subject": "Call", "statuscode": 4})
    (task,) = service.all_rows("task")
    assert (task["statecode"], task["statuscode"]) == (0, 4)
    assert api("POST", "tasks", {"subject": "Call", "statuscode": 5}).failed == (400, "0x80048408")
    at = f"tasks({task['activityid']})"
    assert api("PATCH", at, {"statecode": 1, "statuscode": 5}).status == 204
    assert (service.row("task", str(task["activityid"])) or {})["statuscode"] == 5
    assert api("POST", "tasks", {"subject": "Call", "statuscode": 9}).status == 400


def test_owners_that_can_own_nothing_are_refused(api, service) -> None:
    row = service.create("lead", lastname="Byron")
    crew, club = (service.create("team", name="Crew", teamtype=kind) for kind in (0, 1))
    grace = service.create("systemuser", firstname="Grace", lastname="Hopper")
    assert api("PATCH", f"leads({row})", {"ownerid@odata.bind": f"/teams({crew})"}).status == 204
    assert api("PATCH", f"leads({row})", {"ownerid@odata.bind": f"/teams({club})"}).failed == (400, "0x80048340")
    service.rows.without_role.add(grace)
    assert api("PATCH", f"leads({row})", {"ownerid@odata.bind": f"/systemusers({grace})"}).failed == (403, "0x80042f09")
    assert (service.row("lead", row) or {})["_owningteam_value"] == crew
