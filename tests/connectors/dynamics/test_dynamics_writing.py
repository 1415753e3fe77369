from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors import Status, Write, WriteKind
from marketo_dynamics_sync.connectors.dynamics import writing
from marketo_dynamics_sync.entities import Entity, Ref, entity, mapped, person
from marketo_dynamics_sync.errors import (
    AuthenticationError,
    ConnectionFailedError,
    PermissionDeniedError,
    RateLimitError,
)
from marketo_dynamics_sync.sandbox.dataverse import Fault
from marketo_dynamics_sync.sandbox.http import Response


@entity(name="owned", marketo=person(), dynamics="leads")
class Owned(Entity):
    """A lead with a lookup."""

    customer: Ref[object] | None = mapped(marketo="customer", dynamics="customerid")
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname")


def update(lead, row: str, version: str | None = None, **values: object) -> Write:
    return Write(lead, WriteKind.UPDATE, row, values, version)


def create(lead, row: str | None = None, **values: object) -> Write:
    return Write(lead, WriteKind.CREATE, row or str(uuid4()), values)


def delete(lead, row: str, version: str | None = None) -> Write:
    return Write(lead, WriteKind.DELETE, row, version=version)


def statuses(outcomes) -> list[Status]:
    return [outcome.status for outcome in outcomes]


def version(bench, row: str, table: str = "lead") -> str:
    return f'W/"{bench.service.row(table, row)["versionnumber"]}"'


def writes(bench) -> int:
    return bench.connector.calls.writes


def on_batches(bench, answer) -> None:
    """Let a function see every batch of writes: it gets the request and what carries it out."""
    original = bench.service._answer

    def seen(request):
        is_batch = request.path.endswith("/$batch") and b"\r\nGET " not in request.body
        return answer(request, original) if is_batch else original(request)

    bench.service._answer = seen


LOST = Response(502, [("Content-Type", "text/html")], b"<html>bad gateway</html>")


def test_rows_of_several_tables_in_one_call_with_what_is_stored(bench) -> None:
    old = bench.service.create("lead", firstname="Ada", lastname="L")
    doomed = bench.service.create("contact", lastname="L")
    lead, contact = bench.lead, bench.contact
    new = str(uuid4())
    outcomes = bench.connector.write(
        [
            update(lead, old, version(bench, old), first_name="Zoë 李"),
            create(contact, new, first_name="New", last_name="N"),
            delete(contact, doomed, version(bench, doomed, "contact")),
        ]
    )
    assert statuses(outcomes) == [Status.UPDATED, Status.CREATED, Status.DELETED]
    assert [outcome.id for outcome in outcomes] == [old, new, doomed]
    assert outcomes[0].stored.values["first_name"] == "Zoë 李"
    assert outcomes[0].stored.values["last_name"] == "L"
    assert outcomes[0].stored.version == version(bench, old)
    assert outcomes[1].stored.version == version(bench, new, "contact")
    assert bench.service.row("lead", old)["firstname"] == "Zoë 李"
    assert bench.service.row("contact", doomed) is None
    assert writes(bench) == 1
    assert bench.connector.calls.retries == 0


def test_a_thousand_rows_cost_one_call(make) -> None:
    bench = make()
    lead = bench.lead
    outcomes = bench.connector.write([create(lead, last_name=f"L{i}") for i in range(1001)])
    assert set(statuses(outcomes)) == {Status.CREATED}
    assert writes(bench) == 2


def test_a_refused_row_does_not_stop_its_neighbours(bench) -> None:
    ids = [bench.service.create("lead", lastname="L") for _ in range(3)]
    lead = bench.lead

    def rule(row, before):
        if row.get("firstname") == "Badword":
            raise Fault(400, "0x80040265", "The value 'Badword' of 'firstname' is not welcome, Badword.")

    bench.service.add_rule("lead", rule)
    outcomes = bench.connector.write(
        [update(lead, row, first_name=name) for row, name in zip(ids, ("a", "Badword", "c"), strict=True)]
    )
    assert statuses(outcomes) == [Status.UPDATED, Status.REJECTED, Status.UPDATED]
    problem = outcomes[1].problem
    assert problem.code == "0x80040265"
    assert problem.field == "firstname"
    assert "Badword" not in problem.message
    assert not problem.retryable


def test_an_edit_between_read_and_write_is_never_overwritten(bench) -> None:
    row = bench.service.create("lead", firstname="Ada", lastname="L")
    lead = bench.lead
    known = version(bench, row)

    def meanwhile(table, target):
        bench.service.before_write = None
        bench.service.update("lead", row, firstname="Theirs")

    bench.service.before_write = meanwhile
    assert statuses(bench.connector.write([update(lead, row, known, first_name="Ours")])) == [Status.STALE]
    assert statuses(bench.connector.write([delete(lead, row, known)])) == [Status.STALE]
    assert bench.service.row("lead", row)["firstname"] == "Theirs"


def test_an_unguarded_update_never_makes_a_row(bench) -> None:
    lead, ghost = bench.lead, str(uuid4())
    outcomes = bench.connector.write([update(lead, ghost, first_name="x"), delete(lead, ghost)])
    assert statuses(outcomes) == [Status.GONE, Status.GONE]
    assert bench.service.row("lead", ghost) is None


def test_a_repeated_create_finds_the_row_of_the_first_try(bench) -> None:
    lead, row = bench.lead, str(uuid4())
    assert statuses(bench.connector.write([create(lead, row, last_name="L")])) == [Status.CREATED]
    again = bench.connector.write([create(lead, row, last_name="L")])
    assert statuses(again) == [Status.EXISTS]
    assert again[0].id == row
    assert len(bench.service.all_rows("lead")) == 1


@pytest.mark.parametrize(
    ("code", "status"), [("0x80060892", 412), ("0x80040333", 412), ("0x80073002", 412), ("0x80040237", 412)]
)
def test_another_rows_unique_value_is_a_refusal_and_no_lost_race(bench, code: str, status: int) -> None:
    lead = bench.lead

    def rule(row, before):
        raise Fault(status, code, "taken")

    bench.service.add_rule("lead", rule)
    outcomes = bench.connector.write([create(lead, last_name="L")])
    assert statuses(outcomes) == [Status.REJECTED]
    assert outcomes[0].problem.code == code


def test_a_value_that_dynamics_cant_hold_is_not_even_sent(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    outcomes = bench.connector.write([update(lead, row, first_name="x" * 51), Write(lead, WriteKind.CREATE, None, {})])
    assert statuses(outcomes) == [Status.REJECTED, Status.REJECTED]
    assert outcomes[0].problem.field == "firstname"
    assert writes(bench) == 0


def test_nothing_to_write_is_no_call(bench) -> None:
    assert bench.connector.write([]) == []
    assert bench.connector.calls.total == 0


# Limits and passing trouble


def test_a_limit_on_the_whole_batch_is_waited_out(bench) -> None:
    lead = bench.lead
    answers = iter([Fault(429, "0x80072322", "busy", retry_after=27).response()])
    on_batches(bench, lambda request, go: next(answers, None) or go(request))
    assert statuses(bench.connector.write([create(lead, last_name="L")])) == [Status.CREATED]
    assert bench.time.waits == [27.0]


def test_only_parts_that_met_a_limit_are_sent_again(bench) -> None:
    lead = bench.lead
    original, sizes, refused = bench.service._operation, [], []

    def operation(request):
        if b'"L1"' in request.body and not refused:
            refused.append(1)
            return Fault(429, "0x80072326", "busy", retry_after=4).response()
        return original(request)

    def count(request, go):
        sizes.append(request.body.count(b"\r\nPOST "))
        return go(request)

    bench.service._operation = operation
    on_batches(bench, count)
    outcomes = bench.connector.write([create(lead, last_name=f"L{i}") for i in range(3)])
    assert set(statuses(outcomes)) == {Status.CREATED}
    assert sizes == [3, 1]
    assert bench.time.waits == [4.0]


def test_limits_that_stay_leave_rows_unsent(bench) -> None:
    lead = bench.lead
    original = bench.service._operation
    bench.service._operation = lambda request: (
        Fault(429, "0x80072321", "busy", retry_after=1).response() if request.method == "POST" else original(request)
    )
    outcomes = bench.connector.write([create(lead, last_name="L")])
    assert statuses(outcomes) == [Status.UNSENT]
    assert outcomes[0].problem.retryable


def test_a_lock_is_tried_again_and_in_the_end_refused_for_now(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    tries: list[int] = []

    def rule(record, before):
        tries.append(1)
        if len(tries) <= 2:
            raise Fault(500, "0x80044150", "deadlock")

    bench.service.add_rule("lead", rule)
    assert statuses(bench.connector.write([update(lead, row, first_name="x")])) == [Status.UPDATED]
    bench.service.rows.rules["lead"] = []
    bench.service.add_rule("lead", lambda record, before: (_ for _ in ()).throw(Fault(500, "0x80044150", "deadlock")))
    outcomes = bench.connector.write([update(lead, row, first_name="y")])
    assert statuses(outcomes) == [Status.REJECTED]
    assert outcomes[0].problem.retryable


def test_a_batch_that_is_too_large_is_halved(bench) -> None:
    lead = bench.lead
    sizes: list[int] = []

    def answer(request, go):
        count = request.body.count(b"\r\nPOST ")
        if count > 2:
            return Fault(413, "", "too large").response()
        sizes.append(count)
        return go(request)

    on_batches(bench, answer)
    outcomes = bench.connector.write([create(lead, last_name=f"L{i}") for i in range(8)])
    assert set(statuses(outcomes)) == {Status.CREATED}
    assert sizes == [2, 2, 2, 2]


def test_a_row_that_spoils_its_whole_batch_ends_alone(bench) -> None:
    lead = bench.lead

    def answer(request, go):
        return Fault(400, "0x80048d19", "broken").response() if b"poison" in request.body else go(request)

    on_batches(bench, answer)
    names = ["a", "b", "poison", "d", "e"]
    outcomes = bench.connector.write([create(lead, last_name=name) for name in names])
    assert statuses(outcomes) == [Status.REJECTED if name == "poison" else Status.CREATED for name in names]


def test_batches_stay_below_the_body_limit(bench, monkeypatch) -> None:
    lead = bench.lead
    monkeypatch.setattr(writing, "MOST_BYTES", 20_000)
    lengths: list[int] = []

    def answer(request, go):
        lengths.append(len(request.body))
        return go(request)

    on_batches(bench, answer)
    outcomes = bench.connector.write([create(lead, last_name="L", notes="x" * 2000) for _ in range(20)])
    assert set(statuses(outcomes)) == {Status.CREATED}
    assert len(lengths) > 1
    assert max(lengths) <= 20_000


# Lost answers


@pytest.mark.parametrize("committed", [True, False])
def test_after_a_lost_answer_rows_are_read_back(bench, committed: bool) -> None:
    changed, doomed = (bench.service.create("lead", lastname="L") for _ in range(2))
    lead, new = bench.lead, str(uuid4())
    lost: list[int] = []

    def answer(request, go):
        if not lost:
            lost.append(1)
            if committed:
                go(request)
            return LOST
        return go(request)

    on_batches(bench, answer)
    guards = {row: version(bench, row) for row in (changed, doomed)}
    outcomes = bench.connector.write(
        [
            update(lead, changed, guards[changed], first_name="x"),
            create(lead, new, last_name="N"),
            delete(lead, doomed, guards[doomed]),
        ]
    )
    assert statuses(outcomes) == [Status.UPDATED, Status.CREATED, Status.DELETED]
    assert outcomes[0].stored.version == version(bench, changed)
    assert bench.service.row("lead", changed)["firstname"] == "x"
    assert bench.service.row("lead", doomed) is None
    assert len(bench.service.all_rows("lead")) == 2
    assert writes(bench) == (1 if committed else 3)


def test_after_a_lost_answer_somebody_elses_edit_is_kept(bench) -> None:
    row, gone, doomed = (bench.service.create("lead", lastname="L") for _ in range(3))
    lead = bench.lead
    guards = {r: version(bench, r) for r in (row, gone, doomed)}

    def answer(request, go):
        bench.service._answer = original
        bench.service.update("lead", row, firstname="Theirs")
        bench.service.update("lead", doomed, firstname="Theirs")
        bench.service.delete("lead", gone)
        return LOST

    original = bench.service._answer
    on_batches(bench, answer)
    outcomes = bench.connector.write(
        [
            update(lead, row, guards[row], first_name="Ours"),
            update(lead, gone, guards[gone], first_name="Ours"),
            delete(lead, doomed, guards[doomed]),
        ]
    )
    assert statuses(outcomes) == [Status.STALE, Status.GONE, Status.STALE]
    assert bench.service.row("lead", row)["firstname"] == "Theirs"


def test_a_new_row_that_somebody_changed_at_once_exists(bench) -> None:
    lead, new = bench.lead, str(uuid4())
    original = bench.service._answer

    def answer(request, go):
        go(request)
        bench.service._answer = original
        bench.service.update("lead", new, lastname="Theirs")
        return LOST

    on_batches(bench, answer)
    outcomes = bench.connector.write([create(lead, new, last_name="Ours")])
    assert statuses(outcomes) == [Status.EXISTS]
    assert outcomes[0].stored.values["last_name"] == "Theirs"


def test_unguarded_writes_are_repeated_until_they_show(bench) -> None:
    row, doomed = (bench.service.create("lead", lastname="L") for _ in range(2))
    lead = bench.lead
    lost: list[int] = []

    def answer(request, go):
        lost.append(1)
        return LOST if len(lost) == 1 else go(request)

    on_batches(bench, answer)
    outcomes = bench.connector.write([update(lead, row, first_name="x"), delete(lead, doomed)])
    assert statuses(outcomes) == [Status.UPDATED, Status.DELETED]


def test_answers_that_stay_lost_leave_rows_unknown(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    on_batches(bench, lambda request, go: LOST)
    outcomes = bench.connector.write([update(lead, row, version(bench, row), first_name="x")])
    assert statuses(outcomes) == [Status.UNKNOWN]
    assert writes(bench) == 5


def test_rows_that_cant_be_read_back_are_unknown(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead

    def answer(request, go):
        bench.service.privileges["lead"] = frozenset({"write"})
        return LOST

    on_batches(bench, answer)
    outcomes = bench.connector.write([update(lead, row, first_name="x")])
    assert statuses(outcomes) == [Status.UNKNOWN]
    assert outcomes[0].problem.retryable


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_cut_off_outcomes_are_true(bench, data: st.DataObject) -> None:
    lead = bench.lead
    ids = [bench.service.create("lead", lastname="L") for _ in range(4)]
    original, cuts = bench.service._answer, []
    share = data.draw(st.floats(0, 1))

    def answer(request):
        whole = original(request)
        if request.path.endswith("/$batch") and not cuts and b"\r\nGET " not in request.body:
            cuts.append(1)
            return Response(200, whole.headers, whole.body[: int(len(whole.body) * share)])
        return whole

    bench.service._answer = answer
    new = str(uuid4())
    outcomes = bench.connector.write(
        [
            update(lead, ids[0], version(bench, ids[0]), first_name="x"),
            create(lead, new, last_name="N"),
            update(lead, ids[1], 'W/"1"', first_name="x"),
            delete(lead, ids[2], version(bench, ids[2])),
            update(lead, ids[3], first_name="y"),
        ]
    )
    bench.service._answer = original
    assert statuses(outcomes) == [Status.UPDATED, Status.CREATED, Status.STALE, Status.DELETED, Status.UPDATED]
    assert bench.service.row("lead", ids[0])["firstname"] == "x"
    assert "firstname" not in bench.service.row("lead", ids[1])
    assert bench.service.row("lead", ids[2]) is None


# Errors of the whole call


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(403, "0x80040220", "missing prvWriteLead"), PermissionDeniedError),
        (Fault(401, "0x80040204", "token"), AuthenticationError),
        (Fault(429, "0x80072322", "busy", retry_after=9999), RateLimitError),
    ],
)
def test_an_error_is_raised_while_nothing_was_sent(bench, fault: Fault, kind: type[Exception]) -> None:
    lead = bench.lead
    on_batches(bench, lambda request, go: fault.response())
    with pytest.raises(kind):
        bench.connector.write([create(lead, last_name="L")])


def test_an_unreachable_service_is_an_error(scripted, bench) -> None:
    lead = bench.lead

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    with pytest.raises(ConnectionFailedError):
        scripted(answer).write([create(lead, last_name="L")])


def test_what_comes_after_the_end_of_service_is_unsent(make) -> None:
    bench = make(connector={"batch_size": 2})
    lead = bench.lead
    count: list[int] = []

    def answer(request, go):
        count.append(1)
        return go(request) if len(count) == 1 else Fault(403, "0x80040220", "missing").response()

    on_batches(bench, answer)
    outcomes = bench.connector.write([create(lead, last_name=f"L{i}") for i in range(6)])
    assert statuses(outcomes) == [Status.CREATED] * 2 + [Status.UNSENT] * 4


def test_an_answer_that_is_no_batch_is_a_lost_one(bench) -> None:
    lead, new = bench.lead, str(uuid4())
    lost: list[int] = []

    def answer(request, go):
        done = go(request)
        lost.append(1)
        return Response(200, [("Content-Type", "text/html")], b"<html>") if len(lost) == 1 else done

    on_batches(bench, answer)
    assert statuses(bench.connector.write([create(lead, new, last_name="L")])) == [Status.CREATED]
    assert writes(bench) == 1


# Lookups and guards


def test_a_lookup_is_written_by_its_navigation_property(bench) -> None:
    account = bench.service.create("account", name="ACME")
    row = bench.service.create("lead", lastname="L")
    owned = bench.entity(Owned)
    outcomes = bench.connector.write([update(owned, row, customer=Ref("account", account))])
    assert statuses(outcomes) == [Status.UPDATED]
    assert outcomes[0].stored.values["customer"] == Ref("account", account)


def test_a_row_that_is_gone_is_told_from_a_lookup_whose_target_is(bench) -> None:
    row, ghost = bench.service.create("lead", lastname="L"), str(uuid4())
    owned = bench.entity(Owned)
    missing = Ref("account", str(uuid4()))
    outcomes = bench.connector.write(
        [
            update(owned, row, customer=missing),
            update(owned, ghost, customer=missing),
            create(owned, customer=missing, last_name="L"),
        ]
    )
    assert statuses(outcomes) == [Status.REJECTED, Status.GONE, Status.REJECTED]
    assert outcomes[0].problem.field == "customerid_account"


def test_a_missing_row_that_isnt_named_is_looked_for(bench) -> None:
    row, ghost = bench.service.create("lead", lastname="L"), str(uuid4())
    owned = bench.entity(Owned)
    original = bench.service._operation
    bench.service._operation = lambda request: (
        Fault(404, "0x80040217", "Does Not Exist").response() if request.method == "PATCH" else original(request)
    )
    target = Ref("account", str(uuid4()))
    outcomes = bench.connector.write([update(owned, row, customer=target), update(owned, ghost, customer=target)])
    assert statuses(outcomes) == [Status.REJECTED, Status.GONE]


def test_a_table_without_optimistic_concurrency_says_so_and_is_written_unguarded(bench) -> None:
    bench.service.tables["lead"].guarded = False
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    assert not lead.dynamics.guarded
    assert statuses(bench.connector.write([update(lead, row, 'W/"1"', first_name="x")])) == [Status.UPDATED]


def test_optimistic_concurrency_that_was_switched_off_meanwhile(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    bench.service.tables["lead"].guarded = False
    outcomes = bench.connector.write([update(lead, row, version(bench, row), first_name="x")])
    assert statuses(outcomes) == [Status.REJECTED]
    assert outcomes[0].problem.retryable
    assert "firstname" not in bench.service.row("lead", row)
    bench.connector.refresh()
    assert not bench.lead.dynamics.guarded


def test_what_was_done_counts_even_if_the_row_cant_be_read(bench) -> None:
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    original = bench.service._operation

    def operation(request):
        done = original(request)
        return Response(200, done.headers, b'{"leadid": "cut') if request.method == "PATCH" else done

    bench.service._operation = operation
    (outcome,) = bench.connector.write([update(lead, row, first_name="x")])
    assert outcome.status is Status.UPDATED
    assert outcome.stored is None
