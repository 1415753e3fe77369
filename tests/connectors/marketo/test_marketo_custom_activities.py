"""Custom activities over a real socket: lines of our own in a person's activity log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from marketo_dynamics_sync.connectors import Status
from marketo_dynamics_sync.connectors.marketo import CustomActivity
from marketo_dynamics_sync.errors import OutcomeUnknownError, PermissionDeniedError, QuotaError
from marketo_dynamics_sync.sandbox.fault_kinds import answer_lost, connection_reset, marketo_error
from marketo_dynamics_sync.sandbox.faults import Faults
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client
from marketo_dynamics_sync.sandbox.server import LoopbackServer

JSON = [("Content-Type", "application/json;charset=UTF-8")]
AT = datetime(2026, 3, 2, 11, 30, 5, 999, tzinfo=timezone(timedelta(hours=1)))


def make_type(url, service, name="crmSyncFailure", *, approve=True):
    """Make a custom activity type as an administrator's tool does."""
    token = httpx.get(
        f"{url}/identity/oauth/token",
        params={"grant_type": "client_credentials", "client_id": "marketo-client", "client_secret": "marketo-secret"},
    ).json()["access_token"]
    with httpx.Client(
        base_url=f"{url}/rest/v1/activities/external", headers={"Authorization": f"Bearer {token}"}
    ) as to:
        primary = {"apiName": "syncObject", "name": "Sync Object", "description": "What"}
        made = {"apiName": name, "name": name, "triggerName": name, "filterName": name, "primaryAttribute": primary}
        assert to.post("/type.json", json=made).json()["success"]
        attributes = [
            {"apiName": "errorCode", "name": "Error Code", "dataType": "string"},
            {"apiName": "errorMessage", "name": "Error Message", "dataType": "text"},
        ]
        assert to.post(f"/type/{name}/attributes/create.json", json={"attributes": attributes}).json()["success"]
        if approve:
            assert to.post(f"/type/{name}/approve.json").json()["success"]
    service.reset_calls()


@pytest.fixture
def failure(url, service, marketo):
    """The number of the activity type that the instance has for us."""
    make_type(url, service)
    number = marketo.activity_types()["crmSyncFailure"].id
    service.reset_calls()
    return number


def activities(marketo, kind):
    from marketo_dynamics_sync.connectors.marketo.activities import ACTIVITIES, token_at
    from marketo_dynamics_sync.connectors.marketo.session import Call, Kind

    mark = token_at(marketo._session, datetime(2026, 1, 1, tzinfo=UTC))
    params = (("activityTypeIds", str(kind)), ("nextPageToken", mark.token))
    return marketo._session.send(Call("reading", ACTIVITIES, Kind.READ, "Read-Only Activity", params)).result


def test_a_type_is_found_by_its_api_name(marketo, url, service):
    make_type(url, service)
    make_type(url, service, "draftOnly", approve=False)
    found = marketo.activity_types()
    assert set(found) == {"crmSyncFailure"}
    assert found["crmSyncFailure"].attributes == {"errorCode": "Error Code", "errorMessage": "Error Message"}
    assert marketo.activity_types() == found
    assert marketo.calls.metadata == 1
    make_type(url, service, "later")
    assert "later" not in marketo.activity_types()
    marketo.refresh()
    assert "later" in marketo.activity_types()


def test_types_that_are_no_types_are_left_out(marketo, service):
    result = [
        {"id": "1", "apiName": "x"},
        {"id": True, "apiName": "y"},
        {"id": 5},
        {"id": 7, "apiName": "z", "attributes": ["b", {"apiName": "a"}]},
    ]
    body = json.dumps({"requestId": "1#1", "success": True, "result": result}).encode()
    service.on_request = lambda request: Response(200, JSON, body) if "/activities/" in request.path else None
    (only,) = marketo.activity_types().values()
    assert (only.id, only.name, only.attributes) == (7, "z", {"a": "a"})


def test_an_activity_is_written_as_it_was_given(marketo, service, failure):
    person = service.create_person(lastName="Byron")
    text = 'Łódź 山田 👩‍🚀 "quoted"\nline'
    (outcome,) = marketo.post_activities(
        [CustomActivity(str(person), failure, AT, "contact, Ł", {"errorCode": "0x1", "errorMessage": text})]
    )
    assert outcome.status is Status.CREATED
    (entry,) = activities(marketo, failure)
    assert str(entry["marketoGUID"]) == outcome.id
    assert (entry["leadId"], entry["primaryAttributeValue"]) == (person, "contact, Ł")
    assert entry["activityDate"].startswith("2026-03-02T10:30:05")
    assert {each["name"]: each["value"] for each in entry["attributes"]} == {"Error Code": "0x1", "Error Message": text}


def test_empty_attributes_are_left_out(marketo, service, failure):
    person = service.create_person(lastName="Byron")
    given = {"errorCode": None, "errorMessage": "x"}
    (outcome,) = marketo.post_activities([CustomActivity(str(person), failure, AT, "lead", given)])
    assert outcome.status is Status.CREATED
    assert [each["name"] for each in activities(marketo, failure)[0]["attributes"]] == ["Error Message"]
    assert marketo.post_activities([CustomActivity(str(person), failure, AT, "lead")])[0].status is Status.CREATED


def test_one_bad_activity_never_stops_its_neighbours(marketo, service, failure):
    person = str(service.create_person(lastName="Byron"))
    outcomes = marketo.post_activities(
        [
            CustomActivity(person, failure, AT, "fine"),
            CustomActivity("999999", failure, AT, "nobody"),
            CustomActivity("abc", failure, AT, "no id"),
            CustomActivity(person, failure, AT.replace(tzinfo=None), "no zone"),
            CustomActivity(person, failure, AT, "half \ud800"),
            CustomActivity(person, 4711, AT, "no such type"),
            CustomActivity(person, failure, AT, "long", {"errorMessage": "x" * 70_000}),
            CustomActivity(person, failure, AT, "fine too", {"errorCode": "1"}),
        ]
    )
    assert [(o.status, o.problem.code if o.problem else None) for o in outcomes] == [
        (Status.CREATED, None),
        (Status.GONE, "1004"),
        (Status.REJECTED, "bad-id"),
        (Status.REJECTED, "bad-moment"),
        (Status.REJECTED, "bad-value"),
        (Status.REJECTED, "1013"),
        (Status.REJECTED, "1049"),
        (Status.CREATED, None),
    ]
    assert marketo.post_activities([]) == []


def test_hundreds_go_in_calls_of_300_below_the_body_limit(marketo, service, failure):
    person = str(service.create_person(lastName="Byron"))
    service.reset_calls()
    outcomes = marketo.post_activities([CustomActivity(person, failure, AT, f"n{n}") for n in range(650)])
    assert {o.status for o in outcomes} == {Status.CREATED}
    assert len({o.id for o in outcomes}) == 650
    assert len(service.calls) == 3
    sizes = []
    service.on_request = lambda request: sizes.append(len(request.body))
    long = {"errorMessage": "中" * 10_000}
    outcomes = marketo.post_activities([CustomActivity(person, failure, AT, "long", long) for _ in range(60)])
    assert {o.status for o in outcomes} == {Status.CREATED}
    assert max(sizes) <= 910_000
    assert len(sizes) == 3


def test_a_lost_answer_is_never_repeated(connect, service, failure):
    person = str(service.create_person(lastName="Byron"))
    faults = Faults()
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        marketo.activity_types()
        faults.script(answer_lost, path="external.json", times=None)
        outcomes = marketo.post_activities([CustomActivity(person, failure, AT, f"n{n}") for n in range(301)])
        assert {o.status for o in outcomes[:300]} == {Status.UNKNOWN}
        assert outcomes[300].status is Status.UNSENT
        assert outcomes[0].problem.retryable
        faults.clear()
        assert len(activities(marketo, failure)) == 300


def test_an_answer_that_the_service_itself_gave_up_on(connect, service, failure):
    person = str(service.create_person(lastName="Byron"))
    faults = Faults()
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        faults.script(marketo_error("604"), path="external.json", times=1)
        outcomes = marketo.post_activities([CustomActivity(person, failure, AT, f"n{n}") for n in range(301)])
    assert {o.status for o in outcomes[:300]} == {Status.UNKNOWN}
    assert outcomes[300].status is Status.CREATED


def test_a_call_that_was_surely_not_done_is_repeated(connect, service, failure):
    person = str(service.create_person(lastName="Byron"))
    faults = Faults()
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        faults.script(marketo_error("606"), path="external.json", times=2)
        (outcome,) = marketo.post_activities([CustomActivity(person, failure, AT, "x")])
        assert outcome.status is Status.CREATED
        faults.script(connection_reset, path="external.json", times=1)
        (outcome,) = marketo.post_activities([CustomActivity(person, failure, AT, "x")])
        assert outcome.status is Status.UNKNOWN
        assert len(activities(marketo, failure)) == 1


def test_what_was_written_stays_told_when_the_quota_ends(marketo, service, failure):
    person = str(service.create_person(lastName="Byron"))
    service.limits.quota = service.limits.total(service.limits.today()) + 1
    given = [CustomActivity(person, failure, AT, f"n{n}") for n in range(301)]
    outcomes = marketo.post_activities(given)
    assert {o.status for o in outcomes[:300]} == {Status.CREATED}
    assert (outcomes[300].status, outcomes[300].problem.code) == (Status.UNSENT, "607")
    with pytest.raises(QuotaError):
        marketo.post_activities(given)


def test_a_call_that_is_refused_whole_is_halved_and_nothing_is_lost(marketo, service, failure):
    person = str(service.create_person(lastName="Byron"))
    refusal = json.dumps(
        {"requestId": "1#1", "success": False, "errors": [{"code": "1003", "message": "Invalid data"}]}
    ).encode()
    service.on_request = lambda request: Response(200, JSON, refusal) if b'"bad"' in request.body else None
    given = [CustomActivity(person, failure, AT, "bad" if n == 3 else f"n{n}") for n in range(8)]
    outcomes = marketo.post_activities(given)
    assert [o.status for o in outcomes] == [Status.CREATED] * 3 + [Status.REJECTED] + [Status.CREATED] * 4
    service.on_request = None
    assert len(activities(marketo, failure)) == 7


def test_without_the_right_to_see_types_attributes_go_by_their_api_names(connect, service, failure):
    service.identity.clients["few"] = Client("s", permissions=frozenset({"Read-Write Activity"}))
    person = str(service.create_person(lastName="Byron"))
    bodies = []
    service.on_request = lambda request: bodies.append(request.body)
    service.on_answer = lambda request, response: _denied(response) if request.path.endswith("types.json") else response
    given = CustomActivity(person, failure, AT, "lead", {"errorCode": "1"})
    (outcome,) = connect(client_id="few", client_secret="s").post_activities([given])
    assert outcome.status is Status.CREATED
    assert json.loads(bodies[-1])["input"][0]["attributes"] == [
        {"apiName": "errorCode", "name": "errorCode", "value": "1"}
    ]


def _denied(response):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": "603", "message": "Access denied"}]}
    return Response(200, JSON, json.dumps(body).encode())


def test_a_short_answer_leaves_all_unknown(marketo, service):
    body = json.dumps({"requestId": "1#1", "success": True, "result": []}).encode()
    service.on_request = lambda request: Response(200, JSON, body) if "/activities/" in request.path else None
    (outcome,) = marketo.post_activities([CustomActivity("1", 100001, AT, "x")])
    assert (outcome.status, outcome.problem.code) == (Status.UNKNOWN, "short-answer")


def test_values_are_in_no_message_and_no_repr(marketo, service, failure):
    given = CustomActivity("1", 100001, AT, "Ada Byron", {"errorMessage": "secret thing"})
    assert "Ada" not in repr(given)
    assert "secret" not in repr(given)
    entry = {"status": "skipped", "errors": [{"code": "1003", "message": "Bad Ada Byron, bad secret thing"}]}
    body = json.dumps({"requestId": "1#1", "success": True, "result": [entry]}).encode()
    service.on_request = lambda request: Response(200, JSON, body) if "external" in request.path else None
    (outcome,) = marketo.post_activities([given])
    assert outcome.status is Status.REJECTED
    assert "Ada" not in outcome.problem.message
    assert "secret" not in outcome.problem.message


def test_missing_rights_are_named(connect, service):
    service.identity.clients["none"] = Client("s", permissions=frozenset())
    marketo = connect(client_id="none", client_secret="s")
    with pytest.raises(PermissionDeniedError, match="'Read-Only Activity'"):
        marketo.activity_types()
    with pytest.raises(PermissionDeniedError, match="'Read-Write Activity'"):
        marketo.post_activities([CustomActivity("1", 1, AT, "x")])


def test_a_write_that_may_be_done_twice_is_tried_once(connect, service):
    from marketo_dynamics_sync.connectors.marketo.session import Call, Kind

    def lose(request):
        if request.path.endswith("external.json"):
            raise ConnectionError

    service.on_request = lose
    marketo = connect()
    call = Call("writing", "/rest/v1/activities/external.json", Kind.WRITE, "x", body={"input": []}, once=True)
    with pytest.raises(OutcomeUnknownError):
        marketo._session.send(call)
    assert marketo.calls.writes == 1
