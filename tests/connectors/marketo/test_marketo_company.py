"""Writes of people whose company's fields are not theirs to write (code 1021)."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.connectors import Status
from marketo_dynamics_sync.entities import Lead, mapped
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import PersonField

from .conftest import Make, bound_to


class Worker(Lead.select("crm_id", "email", "first_name", "company", "annual_revenue")):
    """A lead with two company fields, and one that only this instance has."""

    custom: str | None = mapped(marketo="companyTier", dynamics="new_tier", optional=True)


@pytest.fixture
def worker(marketo, service):
    service.add_field(PersonField("dynamicsId", "string", 36, searchable=True))
    service.create_company("C1", company="Widgets")
    return Make(bound_to(marketo, Worker))


def calls(service):
    return [call for call in service.calls if call.kind == "write"]


def test_the_rest_goes_in_one_more_call_and_neighbours_in_the_first(marketo, service, worker):
    linked = [service.create_person(email=f"l{n}@x.com", externalCompanyId="C1") for n in range(3)]
    free = service.create_person(email="free@x.com")
    writes = [worker.update(n, company="Mine", annual_revenue=None, first_name=f"A{n}") for n in [*linked, free]]
    outcomes = marketo.write(writes)
    assert [o.status for o in outcomes] == [Status.UPDATED] * 4
    assert [o.left_out for o in outcomes] == [frozenset({"company", "annual_revenue"})] * 3 + [frozenset()]
    assert len(calls(service)) == 2
    assert [service.person(n)["firstName"] for n in [*linked, free]] == [f"A{n}" for n in [*linked, free]]
    assert [service.person(n)["company"] for n in (linked[0], free)] == ["Widgets", "Mine"]


def test_an_update_of_nothing_else_is_done_without_another_call(marketo, service, worker):
    number = service.create_person(email="l@x.com", externalCompanyId="C1")
    (outcome,) = marketo.write([worker.update(number, company="Mine")])
    assert (outcome.status, outcome.id, outcome.left_out) == (Status.UPDATED, str(number), frozenset({"company"}))
    assert len(calls(service)) == 1


def test_a_person_that_is_refused_for_another_reason_then_is_refused(marketo, service, worker):
    number = service.create_person(email="l@x.com", externalCompanyId="C1")
    refuse = json.dumps(
        {
            "requestId": "1#1",
            "success": True,
            "result": [{"status": "skipped", "reasons": [{"code": "1021", "message": "Company update not allowed"}]}],
        }
    ).encode()
    answers = [Response(200, [("Content-Type", "application/json;charset=UTF-8")], refuse) for _ in range(3)]
    service.on_request = lambda request: answers.pop() if request.path.endswith("leads.json") else None
    (outcome,) = marketo.write([worker.update(number, company="Mine", first_name="Ada")])
    assert (outcome.status, outcome.problem.code, outcome.left_out) == (Status.REJECTED, "1021", frozenset())
    assert len(answers) == 1, "one more try, and no third"


def test_a_refusal_that_names_no_field_of_a_company_stands(marketo, service, worker):
    number = service.create_person(email="l@x.com")
    refuse = b'{"requestId": "1#1", "success": true, "result": [{"status": "skipped", "reasons": [{"code": "1021"}]}]}'
    answers = [Response(200, [("Content-Type", "application/json;charset=UTF-8")], refuse)]
    service.on_request = lambda request: answers.pop() if request.path.endswith("leads.json") else None
    (outcome,) = marketo.write([worker.update(number, first_name="Ada")])
    assert (outcome.status, outcome.problem.code) == (Status.REJECTED, "1021")
