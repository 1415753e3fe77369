"""A plan as a whole: in words, as data, and its price."""

from __future__ import annotations

import json

from attrs import evolve

from marketo_dynamics_sync.conflict import Hold, MarketoWins
from marketo_dynamics_sync.entities import LeftOut, Record, SchemaChange, Side
from marketo_dynamics_sync.plan import (
    MergedPerson,
    Plan,
    Price,
    Step,
    StepKind,
    describe,
    park,
    plan_pair,
    price,
    step_as_data,
)
from marketo_dynamics_sync.plan.known import Known
from tests.bound import LEAD

ROW = "11111111-1111-1111-1111-111111111111"
BASE = {"email": "ada@example.com", "city": "London", "phone": "1", "first_name": "A"}
KNOWN = Known(LEAD, "7", ROW, base_marketo=BASE, base_dynamics=BASE, version='W/"1"')
SYNC = plan_pair(
    KNOWN,
    marketo=Record("7", {**BASE, "city": "Größe", "phone": "2"}),
    dynamics=Record(ROW, {**BASE, "first_name": "B", "phone": "3"}),
    policy=MarketoWins(),
)
HELD = plan_pair(
    KNOWN, marketo=Record("7", {"city": "Rome"}), dynamics=Record(ROW, {"city": "Paris"}), policy=Hold("ask her")
)
PARKED = park(LEAD, "ambiguous", marketo_id=None, dynamics_id=ROW, rivals=["r"], candidates=["1"])
MADE = Step(StepKind.CREATE_PERSON, LEAD, dynamics_id=ROW, to_marketo={"email": "x"}, lookup="email", reason="new")
MERGED = Step(
    StepKind.MERGE_PERSONS,
    LEAD,
    marketo_id="7",
    dynamics_id=ROW,
    losers=(MergedPerson("8", "lead", "l-1"), MergedPerson("9", "contact", "c-1")),
)
GAP = LeftOut("lead", "fax", Side.MARKETO, "fax", "marketo 'person' has no field 'fax'")
CHANGE = SchemaChange("lead", "city", Side.DYNAMICS, "address1_city", "shortened", "changed its length")
PLAN = Plan((SYNC, HELD, PARKED, MADE, MERGED), (GAP,), unchanged=3, schema_changes=(CHANGE,))
DECISIONS = [
    {"field": "first_name", "kind": "to Marketo", "rule": "changed in Dynamics", "winner": "dynamics"},
    {"field": "phone", "kind": "conflict", "rule": "Marketo wins", "winner": "marketo"},
    {"field": "city", "kind": "to Dynamics", "rule": "changed in Marketo", "winner": "marketo"},
]


def test_a_plan_in_words() -> None:
    assert str(PLAN).splitlines() == [
        "5 steps, 3 records unchanged; 4 write calls to Marketo, 1 to Dynamics",
        "  left out: lead.fax: marketo 'person' has no field 'fax'",
        "  schema changed: lead.city: dynamics 'address1_city' changed its length",
        f"  lead 7 <-> {ROW}: sync | first_name -> Marketo | city, phone -> Dynamics | "
        "(Marketo wins; changed in Dynamics; changed in Marketo)",
        f"  lead 7 <-> {ROW}: sync | (held)",
        f"  lead new person <-> {ROW}: park | ambiguous",
        f"  lead new person <-> {ROW}: create in Marketo | new",
        f"  lead 7 <-> {ROW}: merge persons | takes in 8 (lead l-1), 9 (contact c-1)",
    ]
    assert describe(Step(StepKind.CREATE_ROW, LEAD, marketo_id="7", to_dynamics={"city": "x"})) == (
        "lead 7 <-> new row: create in Dynamics"
    )


def plain(step: Step, **more: object) -> dict[str, object]:
    return {
        "kind": step.kind.value,
        "entity": "lead",
        "marketo_id": step.marketo_id,
        "dynamics_id": ROW,
        "to_marketo": [],
        "to_dynamics": [],
        "deletes": None,
        "moved_from": None,
        "losers": [],
        "reason": "",
        "detail": {},
        "decisions": [],
        **more,
    }


def test_a_plan_as_data() -> None:
    data = PLAN.to_dict()
    assert data == {
        "digest": PLAN.digest,
        "unchanged": 3,
        "calls": {"marketo": 4, "dynamics": 1},
        "left_out": [
            {"entity": "lead", "field": "fax", "side": "marketo", "reason": "marketo 'person' has no field 'fax'"}
        ],
        "schema_changes": [
            {
                "entity": "lead",
                "field": "city",
                "side": "dynamics",
                "native": "address1_city",
                "kind": "shortened",
                "detail": "changed its length",
            }
        ],
        "steps": [
            plain(SYNC, to_marketo=["first_name"], to_dynamics=["city", "phone"], decisions=DECISIONS),
            plain(HELD, decisions=[{"field": "city", "kind": "held", "rule": "held", "winner": None}]),
            plain(PARKED, reason="ambiguous", detail={"candidates": ["1"], "rivals": ["r"]}),
            plain(MADE, to_marketo=["email"], reason="new"),
            plain(MERGED, losers=[["8", "lead", "l-1"], ["9", "contact", "c-1"]]),
        ],
    }
    steps = data["steps"]
    assert isinstance(steps, list)
    assert list(steps[2]["detail"]) == ["candidates", "rivals"]
    shown = PLAN.to_dict(values=True)["steps"]
    assert isinstance(shown, list)
    assert shown[0] == plain(
        SYNC, to_marketo={"first_name": "B"}, to_dynamics={"phone": "2", "city": "Größe"}, decisions=DECISIONS
    )


def test_the_digest_is_that_of_the_values_whatever_their_order() -> None:
    one = evolve(MADE, to_marketo={"email": "x", "city": "Größe"})
    other = evolve(MADE, to_marketo={"city": "Größe", "email": "x"})
    assert Plan((one,)).digest == Plan((other,)).digest
    assert Plan((one,)).digest != Plan((evolve(one, to_marketo={"email": "x", "city": "Grösse"}),)).digest
    assert Plan((one, MADE)).digest != Plan((MADE, one)).digest


def test_a_deletion_and_a_move_are_told_and_make_a_plan_another() -> None:
    kept = Step(StepKind.UNLINK, LEAD, marketo_id="7", dynamics_id=ROW, reason="deleted in Dynamics")
    deleted = evolve(kept, deletes=Side.MARKETO)
    assert describe(kept) == f"lead 7 <-> {ROW}: unlink | deleted in Dynamics"
    assert describe(deleted) == f"lead 7 <-> {ROW}: unlink | delete in Marketo | deleted in Dynamics"
    assert step_as_data(deleted, values=False) == plain(deleted, deletes="marketo", reason="deleted in Dynamics")
    assert Plan((kept,)).digest != Plan((deleted,)).digest

    moved = Step(StepKind.MOVE, LEAD, marketo_id="7", dynamics_id=ROW, moved_from=("lead", "l-1"))
    assert step_as_data(moved, values=False) == plain(moved, moved_from=["lead", "l-1"])
    assert Plan((moved,)).digest != Plan((evolve(moved, moved_from=("lead", "l-2")),)).digest


def test_steps_are_counted_by_entity_and_kind() -> None:
    assert PLAN.counts == {
        ("lead", "sync"): 2,
        ("lead", "park"): 1,
        ("lead", "create in Marketo"): 1,
        ("lead", "merge persons"): 1,
    }
    assert not PLAN.empty
    assert Plan((HELD, PARKED)).empty
    assert not Plan((evolve(HELD, to_dynamics={"city": "x"}),)).empty
    assert json.dumps(PLAN.to_dict())
    assert PLAN.price == Price(4, 1)


def test_the_price_is_that_of_full_batches() -> None:
    update = Step(StepKind.SYNC, LEAD, to_marketo={"city": "x"})
    row = Step(StepKind.SYNC, LEAD, to_dynamics={"city": "x"})
    made = Step(StepKind.CREATE_PERSON, LEAD, lookup="email")
    nameless = evolve(made, lookup=None)
    assert price([]) == Price(0, 0)
    assert price([update] * 300) == Price(1, 0)
    assert price([update] * 301) == Price(2, 0)
    assert price([row] * 1000) == Price(0, 1)
    assert price([row] * 1001) == Price(0, 2)
    assert price([update, made]) == Price(2, 0)
    assert price([update, nameless]) == Price(1, 0)
    assert price([update, evolve(update, lookup="email")]) == Price(1, 0)
    assert price([Step(StepKind.UNLINK, LEAD, deletes=Side.MARKETO)]) == Price(1, 0)
    assert price([Step(StepKind.UNLINK, LEAD, deletes=Side.DYNAMICS)]) == Price(0, 1)
    assert price([MERGED, MERGED]) == Price(4, 0)
    assert price([Step(StepKind.PARK, LEAD), update], marketo_size=1) == Price(1, 0)
    assert price([update] * 5 + [row] * 5, marketo_size=2, dynamics_size=3) == Price(3, 2)
