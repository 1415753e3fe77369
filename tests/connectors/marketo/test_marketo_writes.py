"""Writing persons over a real socket: outcomes record by record, whatever becomes of the call."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.connectors import Status
from marketo_dynamics_sync.errors import ConnectionFailedError, PermissionDeniedError, QuotaError
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client


def guid(number):
    return f"6b1f8d0e-0c7a-ee11-8179-{number:012d}"


def answer(code, message="Something"):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": code, "message": message}]}
    return Response(200, [("Content-Type", "application/json;charset=UTF-8")], json.dumps(body).encode())


def bodies(service):
    """Collect the JSON bodies that are sent from now on."""
    sent = []

    def note(request):
        if request.headers.get("content-type") == "application/json":
            sent.append(json.loads(request.body))

    service.on_request = note
    return sent


def test_creates_look_up_by_the_key_and_updates_go_by_id(marketo, service, make):
    sent = bodies(service)
    outcomes = marketo.write([make.create(crm_id=guid(1), email="ada@example.com", first_name="Ada")])
    number = outcomes[0].id
    assert outcomes[0].status is Status.CREATED
    (again,) = marketo.write([make.create(crm_id=guid(1), first_name="Ada B")])
    assert (again.status, again.id) == (Status.UPDATED, number)
    (updated,) = marketo.write([make.update(number, email="ada.b@example.com", last_name=None)])
    assert (updated.status, updated.id) == (Status.UPDATED, number)
    (gone,) = marketo.write([make.delete(number)])
    assert (gone.status, gone.id) == (Status.DELETED, number)
    assert [(b.get("action"), b.get("lookupField")) for b in sent] == [
        ("createOrUpdate", "crmId"),
        ("createOrUpdate", "crmId"),
        ("updateOnly", "id"),
        (None, None),
    ]
    assert sent[2]["input"] == [{"id": int(number), "email": "ada.b@example.com", "lastName": None}]
    assert marketo.calls.writes == 4


def test_a_thousand_records_cost_four_calls(marketo, service, make):
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name=f"A{i}") for i in range(1000)])
    assert all(o.status is Status.CREATED for o in outcomes)
    assert len({o.id for o in outcomes}) == 1000
    assert len(service.calls) == 4
    assert service.person(int(outcomes[777].id))["firstName"] == "A777"


def test_one_bad_record_never_stops_its_neighbours(marketo, service, make):
    person = service.create_person(firstName="Ada")
    for _ in range(2):
        service.create_person(email="twice@example.com")
    outcomes = marketo.write(
        [
            make.create(crm_id=guid(1), first_name="Fine"),
            make.create(crm_id=guid(2), employees=2**40),
            make.create(lookup="email", email="twice@example.com"),
            make.update(person, last_name="Fine"),
            make.update(999999, last_name="Nobody"),
            make.delete(999998),
            make.create(crm_id=None, first_name="No key"),
            make.create(lookup=None, crm_id=guid(3)),
            make.update("abc", first_name="No id"),
            make.create(crm_id=guid(4), email="not an address"),
            make.create(crm_id=guid(5), first_name="half \ud800"),
        ]
    )
    assert [o.status for o in outcomes] == [
        Status.CREATED,
        Status.REJECTED,
        Status.REJECTED,
        Status.UPDATED,
        Status.GONE,
        Status.GONE,
        Status.REJECTED,
        Status.REJECTED,
        Status.REJECTED,
        Status.REJECTED,
        Status.REJECTED,
    ]
    codes = [o.problem.code if o.problem else None for o in outcomes]
    assert codes == [
        None, "1003", "1007", None, "1004", "1004", "no-key", "no-key", "bad-id", "bad-email", "bad-value",
    ]  # fmt: skip
    assert outcomes[1].problem.field == "numberOfEmployees"
    assert outcomes[9].problem.field == "email"
    assert str(2**40) not in outcomes[1].problem.message
    assert outcomes[4].id == "999999"


def test_one_key_is_never_twice_in_a_call_and_the_last_write_counts(marketo, service, make):
    sent = bodies(service)
    outcomes = marketo.write(
        [
            make.create(lookup="email", email="ada@example.com", first_name="1"),
            make.create(lookup="email", email="ADA@example.com", first_name="2"),
            make.create(lookup="email", email="bob@example.com", first_name="b"),
            make.create(lookup="email", email="ada@example.com", first_name="3"),
        ]
    )
    assert [len(b["input"]) for b in sent] == [2, 1, 1]
    assert [o.status for o in outcomes] == [Status.CREATED, Status.UPDATED, Status.CREATED, Status.UPDATED]
    assert service.person(int(outcomes[0].id))["firstName"] == "3"
    assert len(service.persons()) == 2


def test_bodies_stay_under_the_limit(marketo, service, make):
    sent = []
    service.on_request = lambda request: sent.append(len(request.body))
    long = "中" * 255
    outcomes = marketo.write(
        [make.create(crm_id=guid(i), first_name=long, last_name=long, badge=long, company=long) for i in range(600)]
    )
    assert all(o.status is Status.CREATED for o in outcomes)
    assert max(sent) <= 910_000
    assert len(sent) == 3


def test_a_body_that_is_too_long_for_the_service_is_halved(marketo, service, make):
    def strict(request):
        return Response(413, [("Content-Type", "text/html")], b"<html>") if len(request.body) > 400 else None

    service.on_request = strict
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x" * 50) for i in range(10)])
    assert all(o.status is Status.CREATED for o in outcomes)
    (alone,) = marketo.write([make.create(crm_id=guid(99), first_name="x" * 255, last_name="x" * 255)])
    assert (alone.status, alone.problem.code) == (Status.REJECTED, "413")


def test_a_call_that_is_refused_for_one_record_is_searched_for_it(marketo, service, make):
    def fussy(request):
        return answer("611", "System error") if guid(7).encode() in request.body else None

    service.on_request = fussy
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(20)])
    assert [i for i, o in enumerate(outcomes) if o.status is not Status.CREATED] == [7]
    assert outcomes[7].status is Status.REJECTED
    assert outcomes[7].problem.code == "611"
    assert outcomes[7].problem.retryable


def test_a_field_that_vanished_rejects_the_records_that_have_it_and_drops_the_description(marketo, service, make):
    service.on_request = lambda request: answer("1006", "Field 'badge' not found") if b"badge" in request.body else None
    outcomes = marketo.write([make.create(crm_id=guid(1), badge="a"), make.create(crm_id=guid(2), first_name="b")])
    assert [o.status for o in outcomes] == [Status.REJECTED, Status.CREATED]
    assert (outcomes[0].problem.code, outcomes[0].problem.field) == ("1006", "badge")
    service.on_request = None
    service.reset_calls()
    marketo.describe(make.entity.definition)
    assert len(service.calls) == 1


def test_a_record_level_1006_drops_the_description_too(marketo, service, make):
    def lose(request, response):
        body = {
            "requestId": "1#1",
            "result": [{"status": "skipped", "reasons": [{"code": "1006", "message": "Field 'badge' not found"}]}],
            "success": True,
        }
        return Response(200, [("Content-Type", "application/json")], json.dumps(body).encode())

    service.on_answer = lose
    (outcome,) = marketo.write([make.create(crm_id=guid(1), badge="a")])
    assert (outcome.status, outcome.problem.field) == (Status.REJECTED, "badge")
    service.on_answer = None
    service.reset_calls()
    marketo.describe(make.entity.definition)
    assert len(service.calls) == 1


@pytest.mark.parametrize("place", ["reasons", "errors", "reason"])
@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("1003", Status.REJECTED, False),
        ("1008", Status.REJECTED, False),
        ("1009", Status.REJECTED, False),
        ("1010", Status.REJECTED, False),
        ("1018", Status.REJECTED, False),
        ("1022", Status.REJECTED, True),
        ("1005", Status.EXISTS, False),
        ("424242", Status.REJECTED, False),
    ],
)
def test_reasons_are_found_in_all_three_places(marketo, service, make, place, code, status, retryable):
    reason = {"code": code, "message": "Invalid value for field 'email' and value 'o'brien@example.com'"}
    entry = {"status": "skipped", place: reason if place == "reason" else [reason]}
    body = json.dumps({"requestId": "1#1", "result": [entry], "success": True}).encode()
    service.on_answer = lambda request, response: Response(200, [("Content-Type", "application/json")], body)
    (outcome,) = marketo.write([make.create(crm_id=guid(1), email="o'brien@example.com")])
    assert outcome.status is status
    assert outcome.problem.code == code
    assert outcome.problem.field == "email"
    assert outcome.problem.retryable is retryable
    assert outcome.problem.message == "Invalid value for field 'email'"


def lose_after(service, count, exception=ConnectionResetError):
    """Let ``count`` writes through whole; the answers of the next ones are lost after the work is done."""
    left = [count]

    def lose(request, response):
        if b'"input"' not in request.body:
            return response
        left[0] -= 1
        if left[0] < 0:
            raise exception
        return response

    service.on_answer = lose


def test_a_lost_answer_to_an_upsert_waits_until_the_first_try_is_over_and_makes_no_second_person(
    marketo, service, make, clock
):
    lost = []

    def lose(request, response):
        if not lost and b'"input"' in request.body:
            lost.append(clock.monotonic())
            raise ConnectionResetError
        return response

    service.on_answer = lose
    (outcome,) = marketo.write([make.create(crm_id=guid(1), first_name="Ada")])
    assert outcome.status is Status.UPDATED
    assert len(service.persons()) == 1
    assert clock.monotonic() - lost[0] >= 90
    assert marketo.calls.retries == 1


def test_a_lost_answer_to_an_update_is_repeated_at_once(marketo, service, make, clock):
    person = service.create_person(firstName="Ada")
    lose_after(service, 0)
    before = clock.monotonic()
    tries = []
    service.on_answer = lambda request, response: (
        response if tries.append(1) or len(tries) > 1 else (_ for _ in ()).throw(ConnectionResetError())
    )
    (outcome,) = marketo.write([make.update(person, last_name="L")])
    assert outcome.status is Status.UPDATED
    assert clock.monotonic() - before < 5


def test_answers_that_stay_lost_are_unknown_and_the_rest_is_unsent(marketo, service, make):
    lose_after(service, 1)
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(900)])
    assert {o.status for o in outcomes[:300]} == {Status.CREATED}
    assert {o.status for o in outcomes[300:600]} == {Status.UNKNOWN}
    assert {o.status for o in outcomes[600:]} == {Status.UNSENT}
    assert outcomes[700].problem is not None
    assert len(service.persons()) == 600


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_error_leaves_a_write_unknown(marketo, service, make, status):
    service.on_request = lambda request: (
        Response(status, [("Content-Type", "text/html")], b"<html>") if b'"input"' in request.body else None
    )
    (outcome,) = marketo.write([make.create(crm_id=guid(1), first_name="x")])
    assert outcome.status is Status.UNKNOWN


@pytest.mark.parametrize("code", ["608", "713", "614"])
def test_a_service_that_is_unwell_for_good_leaves_everything_unsent_after_what_was_done(marketo, service, make, code):
    seen = []

    def unwell(request):
        if b'"input"' in request.body:
            seen.append(1)
            return answer(code) if len(seen) > 1 else None
        return None

    service.on_request = unwell
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(400)])
    assert {o.status for o in outcomes[:300]} == {Status.CREATED}
    assert {o.status for o in outcomes[300:]} == {Status.UNSENT}
    assert outcomes[399].problem.code == code


def test_an_answer_that_is_too_short_is_unknown(marketo, service, make):
    body = json.dumps({"requestId": "1#1", "result": [{"id": 1, "status": "created"}], "success": True}).encode()
    service.on_answer = lambda request, response: Response(200, [("Content-Type", "application/json")], body)
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(2)])
    assert {o.status for o in outcomes} == {Status.UNKNOWN}


def test_the_quota_in_the_middle_keeps_what_was_done(marketo, service, make):
    service.limits.quota = service.limits.total(service.limits.today()) + 2
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(1000)])
    assert [o.status for o in outcomes].count(Status.CREATED) == 600
    assert {o.status for o in outcomes[600:]} == {Status.UNSENT}
    assert outcomes[-1].problem.code == "607"
    with pytest.raises(QuotaError):
        marketo.write([make.create(crm_id=guid(5000), first_name="x")])


def test_an_error_is_raised_only_when_nothing_was_sent(connect, service, make):
    service.identity.clients["reader"] = Client("s", permissions=frozenset({"Read-Only Lead"}))
    reader = connect(client_id="reader", client_secret="s")
    with pytest.raises(PermissionDeniedError, match="'Read-Write Lead'"):
        reader.write([make.create(crm_id=guid(1), first_name="x")])
    nobody = connect(url="http://127.0.0.1:9")
    with pytest.raises(ConnectionFailedError):
        nobody.write([make.create(crm_id=guid(1), first_name="x")])


def test_new_persons_go_to_the_partition(connect, service, make):
    sent = bodies(service)
    marketo = connect(partition="Default")
    (outcome,) = marketo.write([make.create(crm_id=guid(1), first_name="x")])
    marketo.write([make.update(outcome.id, first_name="y")])
    assert [body.get("partitionName") for body in sent] == ["Default", None]


def test_nothing_to_write_sends_nothing(marketo, service, make):
    assert marketo.write([]) == []
    assert service.calls == []


def slow(service, most):
    """Answer writes of more than ``most`` records with a time-out."""
    service.on_request = lambda request: (
        answer("604", "Request time-out")
        if b'"input"' in request.body and len(json.loads(request.body)["input"]) > most
        else None
    )


def test_a_time_out_of_an_update_is_halved_at_once(marketo, service, make, clock):
    persons = [service.create_person(firstName="x") for _ in range(8)]
    slow(service, 3)
    before = clock.monotonic()
    outcomes = marketo.write([make.update(number, last_name="L") for number in persons])
    assert {o.status for o in outcomes} == {Status.UPDATED}
    assert clock.monotonic() == before


def test_a_time_out_of_an_upsert_is_halved_when_it_is_surely_over(marketo, service, make, clock):
    slow(service, 3)
    before = clock.monotonic()
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(6)])
    assert {o.status for o in outcomes} == {Status.CREATED}
    assert clock.monotonic() - before >= 90
    assert len(service.persons()) == 6


def test_a_time_out_of_one_record_alone_is_unknown_and_stops_nobody(marketo, service, make):
    person = service.create_person(firstName="x")
    service.on_request = lambda request: answer("604", "Request time-out") if guid(1).encode() in request.body else None
    outcomes = marketo.write([make.create(crm_id=guid(1), first_name="slow"), make.update(person, last_name="L")])
    assert [o.status for o in outcomes] == [Status.UNKNOWN, Status.UPDATED]
    assert outcomes[0].problem.code == "604"


def test_the_search_for_bad_records_ends(marketo, service, make):
    service.on_request = lambda request: answer("1003", "Nonsense") if b'"input"' in request.body else None
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(300)])
    assert {o.status for o in outcomes} == {Status.REJECTED}
    assert len(service.calls) < 100


def test_a_call_that_is_refused_for_an_unnamed_field_is_rejected_whole(marketo, service, make):
    service.on_request = lambda request: answer("1006", "Unknown field") if b'"input"' in request.body else None
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(5)])
    assert {(o.status, o.problem.code) for o in outcomes} == {(Status.REJECTED, "1006")}
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("entry", "status", "code"),
    [
        ({"status": "created"}, Status.UNKNOWN, "no-id"),
        ({"status": "skipped"}, Status.REJECTED, "skipped"),
        ({"status": "failed", "reasons": [{"code": 1003}]}, Status.REJECTED, "1003"),
        ({}, Status.REJECTED, "skipped"),
    ],
)
def test_odd_answers_for_a_record(marketo, service, make, entry, status, code):
    body = json.dumps({"requestId": "1#1", "result": [entry], "success": True}).encode()
    service.on_answer = lambda request, response: Response(200, [("Content-Type", "application/json")], body)
    (outcome,) = marketo.write([make.create(crm_id=guid(1), first_name="x")])
    assert (outcome.status, outcome.problem.code) == (status, code)


def test_a_lost_answer_followed_by_an_unreachable_host_is_unknown(connect, make):
    import httpx

    tries = []

    def handler(request):
        if "oauth" in request.url.path:
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3599})
        tries.append(1)
        raise httpx.ReadError("reset") if len(tries) == 1 else httpx.ConnectError("refused")

    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        (outcome,) = connect(client=client).write([make.create(crm_id=guid(1), first_name="x")])
    assert outcome.status is Status.UNKNOWN
    assert len(tries) == 5


def test_values_that_marketo_cannot_hold_are_not_sent(marketo, service, make):
    (outcome,) = marketo.write([make.create(crm_id=guid(1), first_name="x" * 300)])
    assert (outcome.status, outcome.problem.code, outcome.problem.field) == (Status.REJECTED, "too-long", "firstName")
    assert service.calls == []


def test_a_field_that_nobody_has_rejects_the_call_whole(marketo, service, make):
    service.on_request = lambda request: answer("1006", "Field 'ghost' not found")
    outcomes = marketo.write([make.create(crm_id=guid(i), first_name="x") for i in range(3)])
    assert {(o.status, o.problem.field) for o in outcomes} == {(Status.REJECTED, "ghost")}
    assert len(service.calls) == 1
