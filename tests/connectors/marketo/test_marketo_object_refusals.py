"""What goes wrong when objects beside persons are written: whose records are touched by it, and whose are not."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.connectors import Status, Write, WriteKind
from marketo_dynamics_sync.errors import PermissionDeniedError, QuotaError
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.fault_kinds import answer_lost, connection_reset, http_status, marketo_error
from marketo_dynamics_sync.sandbox.faults import Faults
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService
from marketo_dynamics_sync.sandbox.server import LoopbackServer

JSON = [("Content-Type", "application/json;charset=UTF-8")]
NAME = "Żółć 株式会社 👩‍🚀"
NOBODY = "00000000-0000-4000-8000-000000000000"


def create(entity, lookup=None, **values):
    return Write(entity, WriteKind.CREATE, None, values, lookup=lookup)


def update(entity, number=None, **values):
    return Write(entity, WriteKind.UPDATE, None if number is None else str(number), values)


def delete(entity, number=None, **values):
    return Write(entity, WriteKind.DELETE, None if number is None else str(number), values)


def answer(**members):
    return Response(200, JSON, json.dumps({"requestId": "1#1", "success": True, **members}).encode())


def refused(code, message="Something"):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": code, "message": message}]}
    return Response(200, JSON, json.dumps(body).encode())


def statuses(outcomes):
    return [outcome.status for outcome in outcomes]


def codes(outcomes):
    return [outcome.problem.code if outcome.problem else None for outcome in outcomes]


def test_reasons_are_found_in_all_three_places(marketo, service, objects):
    reason = {"code": "1003", "message": "Invalid value for field 'label' and value 'secret'"}
    result = [
        {"seq": 0, "status": "skipped", "reasons": [reason]},
        {"seq": 1, "status": "skipped", "errors": [reason]},
        {"seq": 2, "status": "skipped", "reason": reason},
        {"seq": 3, "status": "skipped"},
        {"seq": 4, "status": "updated"},
    ]
    service.on_request = lambda request: answer(result=result)
    outcomes = marketo.write([create(objects.seat, seat=f"S-{n}", label="secret") for n in range(5)])
    assert statuses(outcomes) == [Status.REJECTED] * 4 + [Status.UNKNOWN]
    assert codes(outcomes) == ["1003", "1003", "1003", "skipped", "no-id"]
    assert all("secret" not in o.problem.message for o in outcomes)
    assert outcomes[2].problem.field == "label"


def test_answers_are_told_apart_by_seq(marketo, service, objects):
    result = [{"seq": 1, "status": "created", "marketoGUID": "b"}, {"seq": 0, "status": "updated", "marketoGUID": "a"}]
    service.on_request = lambda request: answer(result=result)
    outcomes = marketo.write([create(objects.seat, seat="S-0"), create(objects.seat, seat="S-1")])
    assert [(o.status, o.id) for o in outcomes] == [(Status.UPDATED, "a"), (Status.CREATED, "b")]


def test_a_short_answer_leaves_all_unknown(marketo, service, objects):
    service.on_request = lambda request: answer(result=[{"seq": 0, "status": "created", "marketoGUID": "a"}])
    outcomes = marketo.write([create(objects.seat, seat="S-0"), create(objects.seat, seat="S-1")])
    assert statuses(outcomes) == [Status.UNKNOWN] * 2
    assert codes(outcomes) == ["short-answer"] * 2


def test_an_unknown_owner_refuses_only_the_opportunities_that_name_it(marketo, service, objects):
    service.create_sales_person("U-1")
    service.reset_calls()
    writes = [create(objects.deal, deal=f"O-{n}", name="D", owner=f"U-{n}" if n < 9 else None) for n in range(300)]
    outcomes = marketo.write(writes)
    assert [n for n, o in enumerate(outcomes) if o.status is Status.REJECTED] == [0, 2, 3, 4, 5, 6, 7, 8]
    assert {o.status for n, o in enumerate(outcomes) if n == 1 or n > 8} == {Status.CREATED}
    assert outcomes[0].problem.code == "718"
    assert len(service.calls) == 3


def test_without_the_right_to_see_sales_persons_the_call_is_halved(connect, service, objects):
    service.identity.clients["few"] = Client("s", permissions=frozenset({"Read-Write Opportunity"}))
    marketo = connect(client_id="few", client_secret="s")
    writes = [create(objects.deal, deal=f"O-{n}", name="D", owner="U-9" if n == 5 else None) for n in range(8)]
    outcomes = marketo.write(writes)
    assert [o.status for o in outcomes] == [Status.CREATED] * 5 + [Status.REJECTED] + [Status.CREATED] * 2
    (alone,) = marketo.write([create(objects.deal, deal="O-1", name="D", owner="U-9,8")])
    assert alone.problem.code == "718"


def test_a_native_sync_closes_its_objects_and_no_others(connect, make, bind_to, add_types):
    service = MarketoService(SandboxClock(), native_sync="dynamics")
    add_types(service)
    with LoopbackServer(service) as server:
        marketo = connect(url=server.url)
        account, deal, user, seat = (bind_to(marketo, name) for name in ("account", "opportunity", "user", "seat"))
        service.reset_calls()
        outcomes = marketo.write(
            [
                *(create(account, account=f"A-{n}") for n in range(301)),
                create(deal, deal="O-1", name="D"),
                create(seat, seat="S-1"),
                create(user, user="U-1"),
                make.create(lookup="email", email="ada@example.com"),
            ]
        )
    assert codes(outcomes) == ["1018"] * 302 + [None, "1018", None]
    assert statuses(outcomes[-3:]) == [Status.CREATED, Status.REJECTED, Status.CREATED]
    assert not outcomes[0].problem.retryable
    assert "Disconnect Marketo's own CRM sync" in outcomes[0].problem.message
    assert len([call for call in service.calls if call.path.endswith("companies.json")]) == 1


def test_an_object_without_a_right_does_not_stop_the_others(connect, service, objects, make):
    rights = frozenset({"Read-Write Lead", "Read-Write Custom Object"})
    service.identity.clients["few"] = Client("s", permissions=rights)
    marketo = connect(client_id="few", client_secret="s")
    outcomes = marketo.write(
        [
            create(objects.account, account="A-1"),
            make.create(lookup="email", email="ada@example.com"),
            create(objects.deal, deal="O-1", name="D"),
            create(objects.seat, seat="S-1"),
        ]
    )
    assert statuses(outcomes) == [Status.UNSENT, Status.CREATED, Status.UNSENT, Status.CREATED]
    assert "'Read-Write Company'" in outcomes[0].problem.message
    assert "'Read-Write Opportunity'" in outcomes[2].problem.message
    with pytest.raises(PermissionDeniedError, match="'Read-Write Company'"):
        marketo.write([create(objects.account, account="A-1"), create(objects.account)])


def test_a_spent_quota_leaves_the_rest_unsent(marketo, service, objects):
    service.limits.quota = service.limits.total(service.limits.today()) + 1
    outcomes = marketo.write([create(objects.seat, seat=f"S-{n}") for n in range(301)])
    assert statuses(outcomes) == [Status.CREATED] * 300 + [Status.UNSENT]
    assert outcomes[300].problem.code == "607"
    with pytest.raises(QuotaError):
        marketo.write([create(objects.seat, seat="S-1")])


def test_a_lost_answer_is_asked_for_again_when_the_first_try_is_surely_over(connect, service, objects, clock):
    faults = Faults()
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        marketo.fetch(objects.seat, [NOBODY])
        faults.script(answer_lost, writes=True, times=1)
        before = clock.now()
        (outcome,) = marketo.write([create(objects.seat, seat="S-1")])
    assert outcome.status is Status.UPDATED
    assert (clock.now() - before).total_seconds() >= 120
    assert len(service.objects("seat_c")) == 1


def test_answers_that_stay_lost_are_unknown(connect, service, objects):
    faults = Faults()
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        marketo.fetch(objects.seat, [NOBODY])
        faults.script(answer_lost, writes=True, times=None)
        outcomes = marketo.write([create(objects.account, account="A-1"), create(objects.seat, seat="S-1")])
    assert statuses(outcomes) == [Status.UNKNOWN, Status.UNSENT]
    assert outcomes[0].problem.retryable
    assert len(service.objects("companies")) == 1


def test_a_call_that_takes_too_long_is_halved(marketo, service, objects):
    def slow(request):
        return refused("604", "Request time-out") if request.body.count(b"seatId") > 100 else None

    service.on_request = slow
    outcomes = marketo.write([update(objects.seat, seat=f"S-{n}", label="x") for n in range(300)])
    assert statuses(outcomes) == [Status.GONE] * 300


def test_a_field_that_is_gone_is_told_and_forgotten(marketo, service, objects, definitions):
    definition = objects.seat.definition
    marketo.describe(definition)
    asked = marketo.calls.metadata
    del service._objects.custom.types["seat_c"].kind.fields["label"]
    outcomes = marketo.write([create(objects.seat, seat="S-1", label="x"), create(objects.seat, seat="S-2")])
    assert statuses(outcomes) == [Status.REJECTED, Status.CREATED]
    assert codes(outcomes) == ["1006", None]
    assert "label" not in marketo.describe(definition).fields
    assert marketo.calls.metadata == asked + 1


def test_a_custom_object_that_is_gone_refuses_its_records_alone(marketo, service, objects):
    service._objects.custom.types.pop("seat_c")
    outcomes = marketo.write(
        [create(objects.seat, seat="S-1"), create(objects.seat, seat="S-2"), create(objects.house, house="H-1")]
    )
    assert statuses(outcomes) == [Status.REJECTED, Status.REJECTED, Status.CREATED]
    assert codes(outcomes)[0] == "1013"


def test_a_person_whose_company_is_missing_is_not_told_as_gone(marketo, service, person_with_company):
    known, stranger = service.create_person(lastName="Byron"), 999999
    entity = person_with_company
    outcomes = marketo.write(
        [
            Write(entity, WriteKind.UPDATE, str(known), {"account": "A-9"}),
            Write(entity, WriteKind.UPDATE, str(stranger), {"account": "A-9"}),
            Write(entity, WriteKind.CREATE, None, {"account": "A-9", "email": "x@example.com"}, lookup="email"),
        ]
    )
    assert list(zip(statuses(outcomes), codes(outcomes), strict=True)) == [
        (Status.REJECTED, "1013"),
        (Status.GONE, "1004"),
        (Status.REJECTED, "1013"),
    ]


def test_a_record_that_a_native_sync_owns_is_told_plainly(marketo, service, objects):
    entry = {"seq": 0, "status": "skipped", "reasons": [{"code": "1018", "message": "CRM Enabled"}]}
    service.on_request = lambda request: answer(result=[entry])
    (outcome,) = marketo.write([create(objects.account, account="A-1")])
    assert (outcome.status, outcome.problem.code) == (Status.REJECTED, "1018")
    assert "Disconnect Marketo's own CRM sync" in outcome.problem.message


def test_a_stranger_who_answers_midway_leaves_the_rest_unsent(marketo, service, objects):
    away = Response(302, [("Location", "https://elsewhere.example/")], b"")
    service.on_request = lambda request: away if "seat_c" in request.path else None
    outcomes = marketo.write([create(objects.account, account="A-1"), create(objects.seat, seat="S-1")])
    assert statuses(outcomes) == [Status.CREATED, Status.UNSENT]
    assert (outcomes[1].problem.code, outcomes[1].problem.retryable) == ("unsent", True)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_goes_wrong_the_outcomes_are_true(connect, service, objects, seed):
    faults = Faults(seed)
    kinds = [answer_lost, connection_reset, http_status(502), *(marketo_error(c) for c in ("604", "606", "611", "615"))]
    with LoopbackServer(faults.around("marketo", service)) as server:
        marketo = connect(url=server.url)
        marketo.fetch(objects.seat, [NOBODY])
        faults.at_random(kinds, share=0.4, writes=True)
        writes = [create(objects.account, account=f"A-{n % 50}", name=f"{n}") for n in range(100)]
        writes += [create(objects.seat, seat=f"S-{n}", count=n) for n in range(650)]
        outcomes = marketo.write(writes)
    assert len(outcomes) == len(writes)
    seats = {row["seatId"]: row["marketoGUID"] for row in service.objects("seat_c")}
    companies = {row["externalCompanyId"]: row["company"] for row in service.objects("companies")}
    assert len(seats) == len(service.objects("seat_c"))
    assert len(companies) == len(service.objects("companies"))
    for number, outcome in enumerate(outcomes[100:]):
        if outcome.status.done:
            assert seats[f"S-{number}"] == outcome.id
        elif outcome.status in (Status.UNSENT, Status.REJECTED):
            assert f"S-{number}" not in seats
        else:
            assert outcome.status is Status.UNKNOWN
    for number, outcome in enumerate(outcomes[50:100]):
        if outcome.status.done:
            assert companies[f"A-{number}"] == str(number + 50)
