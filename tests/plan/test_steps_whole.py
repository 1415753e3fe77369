"""Every step as a whole: what is written, under which guard, what is remembered, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve

from marketo_dynamics_sync.conflict import Conflict, DecisionKind, Hold, LatestWins, MarketoWins, Resolution, as_policy
from marketo_dynamics_sync.entities import (
    BoundEntity,
    Direction,
    Entity,
    FieldInfo,
    Guid,
    ObjectInfo,
    Record,
    Ref,
    Side,
    bind,
    custom_object,
    entity,
    mapped,
)
from marketo_dynamics_sync.identity import Many, Nothing, One
from marketo_dynamics_sync.plan import (
    REQUIRED,
    Known,
    Step,
    StepKind,
    confirmed_base,
    park,
    plan_gone,
    plan_link,
    plan_new_person,
    plan_new_row,
    plan_pair,
)
from tests.bound import LEAD, bound

ROW = "11111111-1111-1111-1111-111111111111"
BEFORE = "22222222-2222-2222-2222-222222222222"
POLICY = MarketoWins()
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
KEYLESS = bound(without=("dynamicsId",))
FLAGLESS = bound(without=("microsoftIsDeleted", "microsoftType"))
BASE = {"email": "ada@example.com", "city": "London", "phone": "1"}
KNOWN = Known(LEAD, "7", ROW, base_marketo=BASE, base_dynamics=BASE, version='W/"1"')


@entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats")
class Seat(Entity):
    """A custom object with a field that Marketo takes once, and one that only goes there."""

    seat_id: Guid | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    name: str | None = mapped(marketo="name", dynamics="new_name")
    since: str | None = mapped(marketo="since", dynamics="new_since", direction=Direction.TO_MARKETO)
    back: str | None = mapped(marketo="back", dynamics="new_back", direction=Direction.TO_DYNAMICS)


def seat() -> BoundEntity:
    names = ("name", "since", "back")
    marketo = {name: FieldInfo(name, "string", updatable=name != "since") for name in ("seatId", *names)}
    table = {f"new_{name}": FieldInfo(f"new_{name}", "String") for name in names}
    table["new_seatid"] = FieldInfo("new_seatid", "Uniqueidentifier")
    return bind(Seat.__entity__, ObjectInfo("seat_c", marketo), ObjectInfo("new_seat", table))


SEAT = seat()


def seen(step: Step) -> tuple[object, ...]:
    """Return a step without its merge."""
    return (
        step.kind,
        step.entity.name,
        step.marketo_id,
        step.dynamics_id,
        dict(step.to_marketo),
        dict(step.to_dynamics),
        step.version,
        step.lookup,
        step.reason,
        step.detail,
        step.moved_from,
        step.losers,
        step.deletes,
    )


def test_both_sides_of_a_pair_are_brought_together() -> None:
    person = Record("7", {**BASE, "city": "Rome"}, modified_at=EARLY)
    row = Record(ROW, {**BASE, "phone": "2"}, version='W/"2"', modified_at=LATE)
    step = plan_pair(KNOWN, marketo=person, dynamics=row, policy=POLICY)
    assert seen(step) == (
        *(StepKind.SYNC, "lead", "7", ROW, {"phone": "2"}, {"city": "Rome"}, 'W/"2"', None, "", {}, None, (), None),
    )
    assert step.known is KNOWN
    assert step.merge is not None
    assert {n: step.merge.base_marketo[n] for n in BASE} == {**BASE, "city": "Rome", "phone": "2"}
    assert {n: step.merge.base_dynamics[n] for n in BASE} == {**BASE, "city": "Rome", "phone": "2"}
    assert [(d.field, d.kind) for d in step.decisions] == [
        ("phone", DecisionKind.TO_MARKETO),
        ("city", DecisionKind.TO_DYNAMICS),
    ]


def test_a_link_that_moves_says_from_where() -> None:
    moved = plan_pair(KNOWN, marketo=None, dynamics=Record(ROW, BASE), policy=POLICY, moved_from=("lead", BEFORE))
    assert (moved.kind, moved.moved_from, moved.version) == (StepKind.MOVE, ("lead", BEFORE), None)
    assert not moved.idle


def test_the_policy_is_told_of_both_records() -> None:
    asked: list[Conflict] = []

    def look(conflict: Conflict) -> Side:
        asked.append(conflict)
        return Side.MARKETO

    person = Record("7", {"city": "Rome"}, modified_at=EARLY)
    row = Record(ROW, {"city": "Paris"}, modified_at=LATE)
    pair = evolve(KNOWN, base_marketo={"city": "London"}, base_dynamics={"city": "LONDON"})
    plan_pair(pair, marketo=person, dynamics=row, policy=as_policy(look))
    plan_link(LEAD, row, person, by="email", policy=as_policy(look))
    plan_new_row(LEAD, row, One(person, "email"), policy=as_policy(look))
    first = Conflict("lead", "city", "London", "Rome", "Paris", "7", ROW, EARLY, LATE, True)
    fresh = evolve(first, base=None, has_base=False)
    assert asked == [first, fresh, fresh]
    assert plan_pair(pair, marketo=person, dynamics=row, policy=LatestWins()).to_marketo == {"city": "Paris"}


def test_what_marketo_takes_once_is_given_to_new_records_only() -> None:
    base = {"seat_id": ROW, "name": "A", "since": "1"}
    pair = Known(SEAT, "7", ROW, base_marketo=base, base_dynamics=base)
    row = Record(ROW, {"seat_id": ROW, "name": "B", "since": "2"})
    assert plan_pair(pair, marketo=None, dynamics=row, policy=POLICY).to_marketo == {"name": "B"}
    made = plan_new_row(SEAT, row, Nothing("seat_id"), policy=POLICY)
    assert made.to_marketo == {"seat_id": ROW, "name": "B", "since": "2"}


def test_what_came_back_in_marketos_form_stands_for_what_was_written() -> None:
    pair = evolve(KNOWN, unconfirmed=frozenset({"city", "gone", "phone", "fax", "email"}))
    read = Record("7", {"city": "London ", "email": "eve@example.com", "fax": "5"})
    assert confirmed_base(pair, read) == {"email": "ada@example.com", "city": "London ", "phone": "1"}
    assert confirmed_base(KNOWN, read) == BASE
    assert KNOWN.base_marketo == BASE


def test_each_side_is_compared_with_its_own_base() -> None:
    pair = evolve(KNOWN, base_marketo={"city": "London"}, base_dynamics={"city": "LONDON"})
    quiet = plan_pair(
        pair, marketo=Record("7", {"city": "London"}), dynamics=Record(ROW, {"city": "LONDON"}), policy=POLICY
    )
    assert (quiet.idle, quiet.decisions) == (True, ())
    waiting = evolve(pair, unconfirmed=frozenset({"city"}))
    assert plan_pair(waiting, marketo=None, dynamics=Record(ROW, {"city": "LONDON"}), policy=POLICY).idle


def test_a_link_is_guarded_and_says_by_what_it_was_found() -> None:
    person = Record("7", {"email": "ada@example.com", "city": None, "phone": "1"})
    row = Record(ROW, {"email": "ada@example.com", "city": "Rome", "phone": None}, version='W/"2"')
    step = plan_link(LEAD, row, person, by="email", policy=POLICY)
    assert seen(step) == (
        *(StepKind.LINK, "lead", "7", ROW, {"city": "Rome"}, {"phone": "1"}, 'W/"2"', None),
        *("recognised by email", {}, None, (), None),
    )
    assert [(decision.field, decision.rule) for decision in step.decisions] == [
        ("email", "same on both sides"),
        ("phone", "changed in Marketo"),
        ("city", "changed in Dynamics"),
    ]
    again = plan_new_row(LEAD, row, One(person, "crm_id"), policy=POLICY, revive=True)
    assert again.to_marketo == {"city": "Rome", "is_deleted": False}
    assert again.reason == "recognised by crm_id"
    assert plan_new_row(LEAD, row, One(person, "email"), policy=POLICY).to_marketo == {"city": "Rome"}
    nowhere = plan_link(FLAGLESS, row, person, by="email", policy=POLICY, revive=True)
    assert nowhere.to_marketo == {"city": "Rome"}


def test_a_new_row_becomes_a_person() -> None:
    row = Record(ROW, {"crm_id": ROW, "email": "ada@example.com", "fax": None}, version='W/"2"')
    step = plan_new_row(LEAD, row, Nothing("crm_id"), policy=POLICY)
    assert seen(step) == (
        *(StepKind.CREATE_PERSON, "lead", None, ROW, {"crm_id": ROW, "email": "ada@example.com"}, {}),
        *('W/"2"', "crm_id", "new in Dynamics", {}, None, (), None),
    )
    assert step.merge is not None
    assert step.merge.base_marketo["email"] == step.merge.base_dynamics["email"] == "ada@example.com"


def test_a_row_that_cannot_be_matched_waits_with_what_was_found() -> None:
    row = Record(ROW, {"email": "ada@example.com"}, version='W/"2"')
    parked = plan_new_row(LEAD, row, Many("shared-key", "email", ("1", "2"), ("r",)), policy=POLICY)
    detail = {"key": "email", "candidates": ["1", "2"], "rivals": ["r"]}
    nothing = (StepKind.PARK, "lead", None, ROW, {}, {}, None, None)
    assert seen(parked) == (*nothing, "shared-key", detail, None, (), None)
    keyless = plan_new_row(KEYLESS, Record(ROW, {"email": "no address"}), Nothing("email"), policy=POLICY)
    assert seen(keyless) == (
        *nothing,
        *("no-key", {"key": "email", "candidates": [], "rivals": []}, None, (), None),
    )
    assert seen(park(LEAD, "why", marketo_id="7", dynamics_id=ROW, field="x")) == (
        *(StepKind.PARK, "lead", "7", ROW, {}, {}, None, None, "why", {"field": "x"}, None, (), None),
    )


def test_a_new_person_becomes_a_row_with_what_the_caller_wants() -> None:
    person = Record("7", {"email": "ada@example.com", "topic": "old", "city": "Rome", "created_on": None})
    preset = {"topic": "Webinar", "city": "Rome", "last_moment": "m", "owner": Ref("systemuser", BEFORE)}
    step = plan_new_person(LEAD, person, row_id=ROW, policy=Hold(), preset=preset, later=("owner",), revive=True)
    assert seen(step) == (
        *(StepKind.CREATE_ROW, "lead", "7", ROW),
        {"crm_id": ROW, "microsoft_type": "Lead", "topic": "Webinar", "is_deleted": False},
        {"email": "ada@example.com", **preset},
        *(None, None, "pushed from Marketo", {"preset": ["city", "last_moment", "owner", "topic"]}, None, (), None),
    )
    assert step.merge is not None
    assert (step.merge.to_marketo, step.merge.to_dynamics) == (
        {"crm_id": ROW, "microsoft_type": "Lead", "topic": "Webinar"},
        step.to_dynamics,
    )
    marketo = {n: v for n, v in step.merge.base_marketo.items() if v is not None}
    dynamics = {n: v for n, v in step.merge.base_dynamics.items() if v is not None}
    both = {"crm_id": ROW, "microsoft_type": "Lead", "email": "ada@example.com", "topic": "Webinar", "city": "Rome"}
    assert marketo == both
    assert dynamics == {**both, "last_moment": "m"}
    assert "owner" not in step.merge.base_marketo
    assert "last_moment" in step.merge.base_marketo
    assert [decision.field for decision in step.decisions] == ["crm_id", "microsoft_type", "email"]


def test_a_new_person_without_wishes_has_no_detail() -> None:
    person = Record("7", {"email": "ada@example.com"})
    step = plan_new_person(LEAD, person, row_id=ROW, policy=POLICY)
    assert (step.detail, step.to_dynamics) == ({}, {"email": "ada@example.com"})
    assert step.to_marketo == {"crm_id": ROW, "microsoft_type": "Lead"}
    keyless = plan_new_person(KEYLESS, person, row_id=ROW, policy=POLICY, revive=True)
    assert keyless.to_marketo == {"microsoft_type": "Lead", "is_deleted": False}


def test_a_person_who_lacks_what_dynamics_is_never_without_waits() -> None:
    fields = {name: evolve(field, needed=name in ("last_name", "email", "city")) for name, field in LEAD.fields.items()}
    strict = evolve(LEAD, fields=fields)
    person = Record("7", {"email": "ada@example.com", "last_name": None, "city": ""})
    parked = plan_new_person(strict, person, row_id=ROW, policy=POLICY)
    assert seen(parked) == (
        *(StepKind.PARK, "lead", "7", None, {}, {}, None, None),
        *(REQUIRED, {"missing": ["last_name", "city"]}, None, (), None),
    )
    emptied = plan_new_person(strict, person, row_id=ROW, policy=POLICY, preset={"last_name": "L", "city": ""})
    assert (emptied.kind, emptied.detail) == (StepKind.PARK, {"missing": ["city"]})
    given = plan_new_person(strict, person, row_id=ROW, policy=POLICY, preset={"last_name": "L", "city": "C"})
    assert given.kind is StepKind.CREATE_ROW


def test_a_record_gone_on_a_side_is_unlinked() -> None:
    plain = (StepKind.UNLINK, "lead", "7", ROW)
    rest = (None, (), None)
    assert seen(plan_gone(KNOWN, Side.DYNAMICS, flag=True)) == (
        *plain,
        *({"is_deleted": True, "microsoft_type": None}, {}, 'W/"1"', None, "deleted in Dynamics", {}, *rest),
    )
    assert seen(plan_gone(KNOWN, Side.MARKETO, flag=True)) == (
        *plain,
        *({}, {}, 'W/"1"', None, "deleted in Marketo", {}, *rest),
    )
    assert plan_gone(KNOWN, Side.DYNAMICS, flag=False, delete=True).deletes is Side.MARKETO
    assert plan_gone(KNOWN, Side.MARKETO, flag=False, delete=True).deletes is Side.DYNAMICS


def test_a_company_field_of_a_linked_person_is_left_to_the_company() -> None:
    linked = evolve(LEAD, definition=LEAD.definition)
    linked.company_link = "owner"  # any lookup will do
    person = {"company": "Old", "owner": None}
    pair = Known(linked, "7", ROW, base_marketo=person, base_dynamics=person)
    free = plan_pair(pair, marketo=None, dynamics=Record(ROW, {"company": "New"}), policy=POLICY)
    assert free.to_marketo == {"company": "New"}
    row = Record(ROW, {"company": "New", "owner": Ref("systemuser", BEFORE)})
    assert "company" not in plan_pair(pair, marketo=None, dynamics=row, policy=POLICY).to_marketo
    at_company = {**person, "owner": Ref("systemuser", BEFORE)}
    pair = evolve(pair, base_marketo=at_company, base_dynamics=at_company)
    assert (
        "company"
        not in plan_pair(pair, marketo=None, dynamics=Record(ROW, {"company": "New"}), policy=POLICY).to_marketo
    )
    read = Record("7", {"company": "Other", "owner": None})
    assert plan_pair(pair, marketo=read, dynamics=None, policy=POLICY).to_dynamics == {"company": "Other"}


def test_what_a_step_writes() -> None:
    plain = Step(StepKind.SYNC, LEAD)
    assert (plain.idle, plain.writes_marketo, plain.writes_dynamics) == (True, False, False)
    for step, marketo, dynamics in (
        (evolve(plain, to_marketo={"city": "x"}), True, False),
        (evolve(plain, to_dynamics={"city": "x"}), False, True),
        (evolve(plain, deletes=Side.MARKETO), True, False),
        (evolve(plain, deletes=Side.DYNAMICS), False, True),
        (evolve(plain, kind=StepKind.CREATE_PERSON), True, False),
        (evolve(plain, kind=StepKind.CREATE_ROW), False, True),
    ):
        assert (step.writes_marketo, step.writes_dynamics) == (marketo, dynamics)
        assert (step.writes(Side.MARKETO), step.writes(Side.DYNAMICS)) == (marketo, dynamics)
        assert not step.idle


def test_a_rule_of_a_users_own_reaches_the_step() -> None:
    policy = as_policy(lambda clash: Resolution.use("Both", "joined"))
    pair = Known(LEAD, "7", ROW, base_marketo=BASE, base_dynamics=BASE)
    step = plan_pair(
        pair,
        marketo=Record("7", {"city": "Rome"}),
        dynamics=Record(ROW, {"city": "Paris"}),
        policy=policy,
    )
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Both"}, {"city": "Both"})
    assert [decision.rule for decision in step.decisions] == ["joined"]
