"""Marketers read in a person's activity log why something of that person is not in Dynamics."""

from __future__ import annotations

import httpx

from marketo_dynamics_sync.connectors.marketo import ActivityType, failure_activities
from marketo_dynamics_sync.engine import WaitingLine
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.sandbox.dataverse import Refused
from tests.end_to_end.conftest import Pair


def make_type(pair: Pair) -> None:
    """Make the activity type as an administrator does."""
    sandbox = pair.sandbox
    secrets = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    token = httpx.get(
        f"{sandbox.marketo_url}/identity/oauth/token", params={"grant_type": "client_credentials", **secrets}
    ).json()["access_token"]
    with httpx.Client(
        base_url=f"{sandbox.marketo_url}/rest/v1/activities/external", headers={"Authorization": f"Bearer {token}"}
    ) as admin:
        name = "dynamicsSyncFailed"
        primary = {"apiName": "reason", "name": "Reason", "description": "Why"}
        made = {"apiName": name, "name": "Dynamics sync failed", "triggerName": name, "filterName": name}
        assert admin.post("/type.json", json={**made, "primaryAttribute": primary}).json()["success"]
        attributes = [{"apiName": n, "name": n.title(), "dataType": "string"} for n in ("entity", "field", "message")]
        assert admin.post(f"/type/{name}/attributes/create.json", json={"attributes": attributes}).json()["success"]
        assert admin.post(f"/type/{name}/approve.json").json()["success"]


def test_a_refused_person_and_a_held_field_are_told_in_the_activity_log(pair: Pair) -> None:
    make_type(pair)
    rows = [
        pair.sandbox.dynamics.create("lead", lastname=name, emailaddress1=f"{name.lower()}@example.com")
        for name in ("Byron", "Hopper")
    ]
    marketo = pair.marketo()
    engine = pair.engine([Lead], marketo=marketo)
    pair.settle(engine)
    people = [int(str(pair.person_of("lead", row)["id"])) for row in rows]

    def rule(row: dict[str, object], before: dict[str, object] | None) -> None:
        if row.get("jobtitle") == "Countess":
            raise Refused("Titles of nobility are not kept here.")

    pair.sandbox.dynamics.add_rule("lead", rule)
    pair.sandbox.marketo.update_person(people[0], title="Countess")
    pair.sandbox.marketo.update_person(people[1], mobilePhone="0" * 60)
    pair.sandbox.clock.advance(60)
    report = engine.run()

    kind = marketo.activity_types()["dynamicsSyncFailed"]
    lines = [*report.rejected, *report.parked]
    told = failure_activities(lines, kind, at=pair.sandbox.clock.now())
    outcomes = marketo.post_activities(told)

    assert all(outcome.status.done for outcome in outcomes)
    assert {activity.lead_id for activity in told} == {str(person) for person in people}
    assert "0x80040265" in {activity.primary_value for activity in told}
    assert any("nobility" in str(activity.attributes["message"]) for activity in told)
    assert {activity.attributes.get("field") for activity in told} >= {"mobile_phone"}
    assert "0000" not in str([activity.attributes for activity in told]), "values stay out"


def test_lines_that_name_nobody_and_attributes_that_the_type_lacks_are_left_out(pair: Pair) -> None:
    kind = ActivityType(100001, "x", "X", {"message": "Message"})
    lines = [
        WaitingLine("lead", None, "row", "", "1003", "no person"),
        WaitingLine("lead", "7", "row", "email", "1003", "w" * 900),
    ]
    (told,) = failure_activities(lines, kind, at=pair.sandbox.clock.now())
    assert (told.lead_id, told.type_id, told.primary_value) == ("7", 100001, "1003")
    assert told.attributes == {"message": "w" * 250}
