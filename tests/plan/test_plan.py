"""Steps, their price, the brakes, and how a plan reads."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.conflict import Hold, MarketoWins
from marketo_dynamics_sync.entities import LeftOut, Record, Side
from marketo_dynamics_sync.errors import PlanRefusedError
from marketo_dynamics_sync.identity import Many, Nothing, One
from marketo_dynamics_sync.plan import (
    Brakes,
    Known,
    Plan,
    Step,
    StepKind,
    confirmed_base,
    describe,
    park,
    plan_gone,
    plan_new_person,
    plan_new_row,
    plan_pair,
    price,
    step_as_data,
)
from tests.bound import LEAD, bound

ROW = "11111111-1111-1111-1111-111111111111"
POLICY = MarketoWins()


def known(**parts: object) -> Known:
    base = {"email": "ada@example.com", "city": "London", "annual_revenue": None}
    return Known(LEAD, "1", ROW, base_marketo=base, base_dynamics=base, version='W/"1"', **parts)  # type: ignore[arg-type]  # names are given by the tests


def test_a_pair_in_agreement_is_idle() -> None:
    step = plan_pair(known(), marketo=None, dynamics=None, policy=POLICY)
    assert step.idle
    assert step.decisions == ()
    assert not step.writes(Side.MARKETO)
    assert not step.writes(Side.DYNAMICS)


def test_a_changed_row_goes_to_marketo_guarded_by_its_version() -> None:
    row = Record(ROW, {"email": "ada@example.com", "city": "Paris"}, version='W/"2"')
    step = plan_pair(known(), marketo=None, dynamics=row, policy=POLICY)
    assert (step.to_marketo, step.to_dynamics, step.version) == ({"city": "Paris"}, {}, 'W/"2"')
    person = Record("1", {"email": "ada@example.com", "city": "Rome"})
    back = plan_pair(known(), marketo=person, dynamics=None, policy=POLICY)
    assert (back.to_dynamics, back.version) == ({"city": "Rome"}, 'W/"1"')


def test_what_marketo_made_of_our_write_is_no_edit() -> None:
    pair = known(unconfirmed=frozenset({"city", "gone", "phone"}))
    read = Record("1", {"email": "ada@example.com", "city": "London "})
    assert confirmed_base(pair, read)["city"] == "London "
    assert plan_pair(pair, marketo=read, dynamics=None, policy=POLICY).idle
    edited = Record("1", {"email": "ada@example.com", "city": "Paris"})
    assert plan_pair(pair, marketo=edited, dynamics=None, policy=POLICY).to_dynamics == {"city": "Paris"}
    assert not plan_pair(known(), marketo=read, dynamics=None, policy=POLICY).idle


def test_new_rows_are_linked_created_or_parked() -> None:
    row = Record(ROW, {"crm_id": ROW, "email": "ada@example.com", "city": "London"}, version='W/"1"')
    person = Record("7", {"crm_id": None, "email": "ada@example.com", "job_title": "Countess"})
    link = plan_new_row(LEAD, row, One(person, "email"), policy=POLICY)
    assert (link.kind, link.to_marketo["city"], link.to_dynamics) == (
        StepKind.LINK,
        "London",
        {"job_title": "Countess"},
    )
    made = plan_new_row(LEAD, row, Nothing("crm_id"), policy=POLICY)
    assert (made.kind, made.lookup, made.to_marketo["crm_id"]) == (StepKind.CREATE_PERSON, "crm_id", ROW)
    parked = plan_new_row(LEAD, row, Many("ambiguous", "email", ("1", "2"), ("r",)), policy=POLICY)
    assert (parked.kind, parked.detail["candidates"], parked.detail["rivals"]) == (StepKind.PARK, ["1", "2"], ["r"])


def test_a_key_that_marketo_cannot_hold_parks_the_row() -> None:
    row = Record(ROW, {"email": "not an address"})
    assert plan_new_row(bound(without=("dynamicsId",)), row, Nothing("email"), policy=POLICY).reason == "no-key"


def test_a_new_person_becomes_a_row_with_our_id_and_presets() -> None:
    person = Record("7", {"crm_id": None, "email": "ada@example.com"})
    step = plan_new_person(LEAD, person, row_id=ROW, policy=POLICY, preset={"topic": "Webinar"})
    assert (step.kind, step.dynamics_id) == (StepKind.CREATE_ROW, ROW)
    assert step.to_dynamics == {"email": "ada@example.com", "topic": "Webinar"}
    assert step.to_marketo == {"crm_id": ROW, "topic": "Webinar", "microsoft_type": "Lead"}
    keyless = plan_new_person(bound(without=("dynamicsId",)), person, row_id=ROW, policy=POLICY)
    assert keyless.to_marketo == {"microsoft_type": "Lead"}


def test_a_record_gone_in_dynamics_is_flagged_where_marketo_has_the_flag() -> None:
    assert plan_gone(known(), Side.DYNAMICS, flag=True).to_marketo == {"is_deleted": True, "microsoft_type": None}
    assert plan_gone(known(), Side.DYNAMICS, flag=False).to_marketo == {}
    assert plan_gone(known(), Side.MARKETO, flag=True).to_marketo == {}
    plain = Known(bound(without=("microsoftIsDeleted", "microsoftType")), "1", ROW)
    assert plan_gone(plain, Side.DYNAMICS, flag=True).to_marketo == {}


def test_the_price_counts_full_batches_by_lookup() -> None:
    creates = [Step(StepKind.CREATE_PERSON, LEAD, lookup="crm_id")] * 301
    updates = [Step(StepKind.SYNC, LEAD, to_marketo={"city": "x"}, to_dynamics={"city": "x"})] * 1001
    cost = price([*creates, *updates])
    assert (cost.marketo, cost.dynamics) == (2 + 4, 2)


def test_brakes_let_few_deletions_pass_and_stop_many() -> None:
    brakes = Brakes()
    brakes.allow_deletes("lead", 19, 19)
    brakes.allow_deletes("lead", 25, 100)
    brakes.allow_deletes("lead", 50, 0)
    with pytest.raises(PlanRefusedError, match=r"26 of 100.*26%.*max_delete_share"):
        brakes.allow_deletes("lead", 26, 100)


def test_a_plan_reads_without_values_and_has_a_digest() -> None:
    row = Record(ROW, {"email": "ada@example.com", "city": "Paris"}, version='W/"2"')
    step = plan_pair(known(), marketo=None, dynamics=row, policy=POLICY)
    waiting = park(LEAD, "ambiguous", marketo_id=None, dynamics_id=ROW, candidates=["1"])
    gap = LeftOut("lead", "fax", Side.MARKETO, "fax", "marketo 'person' has no field 'fax'")
    plan = Plan((step, waiting), (gap,), unchanged=3)

    text = str(plan)
    assert "Paris" not in text + repr(plan) + repr(step)
    assert "lead 1 <-> " + ROW + ": sync | city -> Marketo | (changed in Dynamics)" in text
    assert "left out: lead.fax" in text
    assert describe(waiting).endswith("park | ambiguous")
    data = plan.to_dict()
    assert "Paris" not in json.dumps(data)
    assert "Paris" in json.dumps(plan.to_dict(values=True))
    assert data["calls"] == {"marketo": 1, "dynamics": 0}
    assert not plan.empty
    assert Plan((waiting,)).empty
    assert plan.counts["lead", "sync"] == 1

    other = plan_pair(known(), marketo=None, dynamics=Record(ROW, {"city": "Rome"}, version='W/"2"'), policy=POLICY)
    assert Plan((step,)).digest == Plan((step,)).digest
    assert Plan((step,)).digest != Plan((other,)).digest


def test_a_held_clash_writes_nothing_and_shows_its_rule() -> None:
    row = Record(ROW, {"city": "Paris"}, version='W/"2"')
    person = Record("1", {"city": "Rome"})
    step = plan_pair(known(), marketo=person, dynamics=row, policy=Hold())
    assert step.idle
    data = step_as_data(step, values=False)
    assert data["decisions"] == [{"field": "city", "kind": "held", "rule": "held", "winner": None}]
