"""What a service changed about mapped fields: kept small, compared exactly, told in words that name the schema only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import (
    BoundEntity,
    Direction,
    FieldInfo,
    Guid,
    ObjectInfo,
    Option,
    SchemaChange,
    Side,
    bind,
    custom_object,
    entity,
    mapped,
)
from marketo_dynamics_sync.entities.binding import Return
from marketo_dynamics_sync.entities.drift import (
    Snapshot,
    as_text,
    came_back,
    changes,
    former_labels,
    from_text,
    options_of,
    returns,
    snapshot,
    with_returns,
)
from marketo_dynamics_sync.entities.model import Entity
from tests.entities.described import columns


@entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats")
class Seat(Entity):
    """Both ways, with a field of each way and one that is only looked at."""

    seat_id: Guid | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    name: str | None = mapped(marketo="seatName", dynamics="new_name", optional=True)
    tier: str | None = mapped(marketo="seatTier", dynamics="new_tier", optional=True)
    score: str | None = mapped(marketo="seatScore", dynamics="new_score", direction=Direction.TO_MARKETO, optional=True)
    origin: str | None = mapped(
        marketo="seatOrigin", dynamics="new_origin", direction=Direction.TO_DYNAMICS, optional=True
    )
    note: str | None = mapped(dynamics="new_note", read_only=True, optional=True)
    only_here: str | None = mapped(marketo="onlyHere", optional=True)


DEFINITION = Seat.__entity__
TEXTS = ("name", "tier", "score", "origin", "note")
TABLE = ObjectInfo(
    "new_seat",
    columns(FieldInfo("new_seatid", "Uniqueidentifier"), *(FieldInfo(f"new_{name}", "String") for name in TEXTS)),
    "new_seats",
    "new_seatid",
)
OBJECT = ObjectInfo(
    "seat_c",
    columns(
        FieldInfo("seatId", "string"),
        *(FieldInfo(f"seat{name.title()}", "string") for name in TEXTS[:-1]),
        FieldInfo("onlyHere", "string"),
    ),
)


def with_field(info: ObjectInfo, name: str, **more: Any) -> ObjectInfo:
    return evolve(info, fields={**info.fields, name: evolve(info.fields[name], **more)})


def without(info: ObjectInfo, *names: str) -> ObjectInfo:
    return evolve(info, fields={name: field for name, field in info.fields.items() if name not in names})


def beside(info: ObjectInfo, *more: FieldInfo) -> ObjectInfo:
    return evolve(info, fields={**info.fields, **columns(*more)})


def told(before: ObjectInfo, after: ObjectInfo, *, side: Side = Side.DYNAMICS) -> list[tuple[str, Side, str, str, str]]:
    """Return what is said when one side's description changes, as plain tuples."""
    if side is Side.DYNAMICS:
        old, new = snapshot(DEFINITION, OBJECT, before), snapshot(DEFINITION, OBJECT, after)
        found = changes(DEFINITION, old, new, OBJECT, after)
    else:
        old, new = snapshot(DEFINITION, before, TABLE), snapshot(DEFINITION, after, TABLE)
        found = changes(DEFINITION, old, new, after, TABLE)
    assert {change.entity for change in found} <= {"seat"}
    return [(change.field, change.side, change.native, change.kind, change.detail) for change in found]


def test_a_snapshot_keeps_what_matters_and_no_more() -> None:
    table = with_field(TABLE, "new_name", max_length=100, updatable=False)
    table = with_field(table, "new_tier", type="Picklist", options=(Option(1, "Gold"), Option(2, "Silver")))
    table = with_field(table, "new_score", readable=False)
    table = with_field(without(table, "new_origin"), "new_note", type="DateTime", behavior="DateOnly")
    assert snapshot(DEFINITION, OBJECT, table) == {
        "seat_id": {
            "marketo": {"name": "seatId", "type": "string"},
            "dynamics": {"name": "new_seatid", "type": "Uniqueidentifier"},
        },
        "name": {
            "marketo": {"name": "seatName", "type": "string"},
            "dynamics": {"name": "new_name", "type": "String", "read-only": True, "length": 100},
        },
        "tier": {
            "marketo": {"name": "seatTier", "type": "string"},
            "dynamics": {"name": "new_tier", "type": "Picklist", "options": {"1": "Gold", "2": "Silver"}},
        },
        "score": {
            "marketo": {"name": "seatScore", "type": "string"},
            "dynamics": {"name": "new_score", "type": "String", "unreadable": True},
        },
        "origin": {
            "marketo": {"name": "seatOrigin", "type": "string"},
            "dynamics": {"name": "new_origin", "gone": True},
        },
        "note": {"dynamics": {"name": "new_note", "type": "DateTime", "behavior": "DateOnly"}},
        "only_here": {"marketo": {"name": "onlyHere", "type": "string"}},
    }


def test_a_snapshot_is_kept_as_text_that_is_always_the_same() -> None:
    table = with_field(TABLE, "new_tier", type="Picklist", options=(Option(2, "Größe"),))
    found = snapshot(DEFINITION, OBJECT, table)
    text = as_text({"tier": found["tier"]})
    assert text == (
        '{"tier":{"dynamics":{"name":"new_tier","options":{"2":"Größe"},"type":"Picklist"},'
        '"marketo":{"name":"seatTier","type":"string"}}}'
    )
    assert from_text(as_text(found)) == found == json.loads(as_text(found))
    assert from_text(None) is None
    assert from_text("") is None


def test_labels_that_options_had_stay_known_for_good() -> None:
    def tiers(*labels: str) -> ObjectInfo:
        options = tuple(Option(number, label) for number, label in enumerate(labels, 1))
        return with_field(TABLE, "new_tier", type="Picklist", options=options)

    first = snapshot(DEFINITION, OBJECT, tiers("Gold", "Silver"))
    second = snapshot(DEFINITION, OBJECT, tiers("Golden", "Silver"), first)
    assert former_labels(first["tier"]["dynamics"]) == {}
    assert options_of(first["tier"]["dynamics"]) == {1: "Gold", 2: "Silver"}
    assert former_labels(second["tier"]["dynamics"]) == {"Gold": 1}
    third = snapshot(DEFINITION, OBJECT, tiers("Best", "Silver"), second)
    assert third["tier"]["dynamics"] == {
        "name": "new_tier",
        "type": "Picklist",
        "options": {"1": "Best", "2": "Silver"},
        "was": {"Gold": 1, "Golden": 1},
    }
    gone = snapshot(DEFINITION, OBJECT, without(TABLE, "new_tier"), third)
    assert gone["tier"]["dynamics"] == {
        "name": "new_tier",
        "gone": True,
        "options": {"1": "Best", "2": "Silver"},
        "was": {"Gold": 1, "Golden": 1},
    }
    back = snapshot(DEFINITION, OBJECT, tiers("Gold", "Silver"), gone)
    assert former_labels(back["tier"]["dynamics"]) == {"Best": 1, "Golden": 1}
    assert former_labels(snapshot(DEFINITION, OBJECT, TABLE, second)["tier"]["dynamics"]) == {
        "Gold": 1,
        "Golden": 1,
        "Silver": 2,
    }
    never = snapshot(DEFINITION, OBJECT, without(TABLE, "new_tier"), snapshot(DEFINITION, OBJECT, TABLE))
    assert never["tier"]["dynamics"] == {"name": "new_tier", "gone": True}


def test_labels_of_another_column_are_not_taken_over() -> None:
    first = snapshot(DEFINITION, OBJECT, with_field(TABLE, "new_tier", type="Picklist", options=(Option(1, "Gold"),)))
    first["tier"]["dynamics"] = {**first["tier"]["dynamics"], "name": "new_level"}
    now = snapshot(DEFINITION, OBJECT, TABLE, first)
    assert now["tier"]["dynamics"] == {"name": "new_tier", "type": "String"}


def test_nothing_changed_says_nothing() -> None:
    assert told(TABLE, TABLE) == []
    away = without(TABLE, "new_name")
    assert told(away, away) == []
    assert told(TABLE, with_field(TABLE, "new_name", required="ApplicationRequired", precision=3)) == []


def test_a_removed_column_is_told_and_a_likely_new_name_with_it() -> None:
    away = without(TABLE, "new_name")
    dynamics = Side.DYNAMICS
    assert told(TABLE, away) == [("name", dynamics, "new_name", "removed", "was removed")]
    wanted = [("name", dynamics, "new_name", "renamed", "was removed; 'abc_names' looks like its new name")]
    assert told(TABLE, beside(away, FieldInfo("abc_names", "String"), FieldInfo("new_other", "String"))) == wanted
    assert told(TABLE, beside(away, FieldInfo("abc_NAME", "Memo"))) == [
        ("name", dynamics, "new_name", "removed", "was removed")
    ]
    assert told(away, TABLE) == [("name", dynamics, "new_name", "appeared", "is there now, as String")]
    assert told(away, with_field(TABLE, "new_name", max_length=80)) == [
        ("name", dynamics, "new_name", "appeared", "is there now, as String(80)")
    ]


def test_a_field_that_is_mapped_already_is_nobodys_new_name() -> None:
    table = beside(without(TABLE, "new_note"), FieldInfo("new_notes", "String"))

    class Noted(Seat):
        notes: str | None = mapped(marketo="seatNotes", dynamics="new_notes", optional=True)

    definition = Noted.__entity__
    before, now = (
        snapshot(definition, OBJECT, beside(TABLE, FieldInfo("new_notes", "String"))),
        snapshot(definition, OBJECT, table),
    )
    assert [change.kind for change in changes(definition, before, now, OBJECT, table)] == ["removed"]


def test_a_removed_marketo_field_is_looked_for_without_its_suffix() -> None:
    after = beside(without(OBJECT, "seatName"), FieldInfo("seat_names_c", "string"))
    assert told(OBJECT, after, side=Side.MARKETO) == [
        ("name", Side.MARKETO, "seatName", "renamed", "was removed; 'seat_names_c' looks like its new name")
    ]
    # The prefix of a Dataverse publisher means nothing in Marketo.
    other = beside(without(OBJECT, "seatName"), FieldInfo("abcdefgh_seatName", "string"))
    assert told(OBJECT, other, side=Side.MARKETO) == [("name", Side.MARKETO, "seatName", "removed", "was removed")]


def test_a_removed_end_of_unknown_type_has_no_new_name() -> None:
    before = snapshot(DEFINITION, OBJECT, TABLE)
    before["name"]["dynamics"] = {"name": "new_name"}
    table = beside(without(TABLE, "new_name"), FieldInfo("new_names", "String"))
    (change,) = changes(DEFINITION, before, snapshot(DEFINITION, OBJECT, table), OBJECT, table)
    assert change.kind == "removed"


def test_a_changed_type_is_told_alone() -> None:
    dynamics = Side.DYNAMICS
    longer = with_field(TABLE, "new_name", max_length=100)
    memo = with_field(TABLE, "new_name", type="Memo", max_length=2000, readable=False)
    assert told(longer, memo) == [
        ("name", dynamics, "new_name", "retyped", "changed its type: String(100) → Memo(2000)")
    ]
    local = with_field(TABLE, "new_name", type="DateTime", behavior="UserLocal")
    day = with_field(TABLE, "new_name", type="DateTime", behavior="DateOnly")
    assert told(local, day) == [
        ("name", dynamics, "new_name", "retyped", "changed its type: DateTime(UserLocal) → DateTime(DateOnly)")
    ]


def test_rights_that_come_and_go_are_told() -> None:
    dynamics = Side.DYNAMICS
    hidden = with_field(TABLE, "new_name", readable=False, max_length=5)
    assert told(TABLE, hidden) == [
        ("name", dynamics, "new_name", "unreadable", "can no longer be read by the sync user")
    ]
    assert told(hidden, with_field(TABLE, "new_name", max_length=5)) == [
        ("name", dynamics, "new_name", "readable", "can now be read by the sync user")
    ]
    fixed = with_field(TABLE, "new_name", updatable=False)
    assert told(TABLE, fixed) == [("name", dynamics, "new_name", "read-only", "can no longer be written")]
    assert told(fixed, TABLE) == [("name", dynamics, "new_name", "writable", "can now be written")]
    both = with_field(TABLE, "new_name", updatable=False, readable=False)
    assert [kind for *_, kind, _ in told(both, TABLE)] == ["readable", "writable"]


@pytest.mark.parametrize(
    ("field", "dynamics", "marketo"),
    [
        ("name", True, True),
        ("score", False, True),
        ("origin", True, False),
        ("seat_id", False, False),
        ("note", False, None),
    ],
)
def test_only_what_the_sync_writes_can_become_read_only(field: str, dynamics: bool, marketo: bool | None) -> None:
    item = DEFINITION.fields[field]
    assert item.dynamics is not None
    assert bool(told(TABLE, with_field(TABLE, item.dynamics, updatable=False))) is dynamics
    if item.marketo is not None:
        after = with_field(OBJECT, item.marketo, updatable=False)
        assert bool(told(OBJECT, after, side=Side.MARKETO)) is marketo


@pytest.mark.parametrize(
    ("before", "after", "kind", "detail"),
    [
        (100, 50, "shortened", "String(100) → String(50)"),
        (50, 100, "lengthened", "String(50) → String(100)"),
        (None, 100, "shortened", "String → String(100)"),
        (100, None, "lengthened", "String(100) → String"),
        (9, 10, "lengthened", "String(9) → String(10)"),
    ],
)
def test_a_changed_length_is_told_with_both(before: int | None, after: int | None, kind: str, detail: str) -> None:
    old, new = (with_field(TABLE, "new_name", max_length=length) for length in (before, after))
    assert told(old, new) == [("name", Side.DYNAMICS, "new_name", kind, f"changed its length: {detail}")]


def test_changed_options_are_told_one_by_one_in_the_order_of_their_numbers() -> None:
    old = with_field(
        TABLE, "new_tier", type="Picklist", options=(Option(10, "Gold"), Option(2, "Silver"), Option(3, "Tin"))
    )
    new = with_field(
        TABLE, "new_tier", type="Picklist", options=(Option(10, "Golden"), Option(3, "Tin"), Option(4, "Lead"))
    )
    assert told(old, new) == [
        (
            "tier",
            Side.DYNAMICS,
            "new_tier",
            "options",
            "changed its options: 2 'Silver' is gone, 4 'Lead' is new, 10 'Gold' is called 'Golden' now",
        )
    ]
    assert told(old, with_field(TABLE, "new_tier", type="Picklist")) == [
        (
            "tier",
            Side.DYNAMICS,
            "new_tier",
            "options",
            "changed its options: 2 'Silver' is gone, 3 'Tin' is gone, 10 'Gold' is gone",
        )
    ]


def test_several_changes_of_one_field_are_all_told() -> None:
    old = with_field(TABLE, "new_name", max_length=100)
    new = with_field(TABLE, "new_name", max_length=50, updatable=False)
    assert [kind for *_, kind, _ in told(old, new)] == ["read-only", "shortened"]


def test_changes_come_in_the_order_of_the_fields_marketo_first() -> None:
    before = snapshot(DEFINITION, OBJECT, TABLE)
    marketo, dynamics = without(OBJECT, "seatTier", "seatName"), without(TABLE, "new_name", "new_note")
    found = changes(DEFINITION, before, snapshot(DEFINITION, marketo, dynamics), marketo, dynamics)
    assert [(change.field, change.side) for change in found] == [
        ("name", Side.MARKETO),
        ("name", Side.DYNAMICS),
        ("tier", Side.MARKETO),
        ("note", Side.DYNAMICS),
    ]


def test_a_field_that_is_new_or_mapped_elsewhere_now_is_compared_with_nothing() -> None:
    now = snapshot(DEFINITION, OBJECT, TABLE)
    before = snapshot(DEFINITION, OBJECT, with_field(TABLE, "new_tier", max_length=7))
    del before["seat_id"]
    del before["score"]["dynamics"]
    before["name"]["dynamics"] = {**before["name"]["dynamics"], "name": "new_fullname", "type": "Memo"}
    found = changes(DEFINITION, before, now, OBJECT, TABLE)
    assert [(change.field, change.kind) for change in found] == [("tier", "lengthened")]
    assert changes(DEFINITION, before, {}, OBJECT, TABLE) == ()


def test_a_change_says_itself_and_whether_it_takes_something_away() -> None:
    change = SchemaChange("seat", "name", Side.DYNAMICS, "new_name", "removed", "was removed")
    assert str(change) == "seat.name: dynamics 'new_name' was removed"
    kinds = {
        "removed": (False, True),
        "renamed": (False, True),
        "retyped": (False, True),
        "unreadable": (False, True),
        "read-only": (False, True),
        "options": (False, False),
        "shortened": (False, False),
        "appeared": (True, False),
        "readable": (True, False),
        "writable": (True, False),
        "lengthened": (True, False),
    }
    for kind, wanted in kinds.items():
        its = evolve(change, kind=kind)
        assert (its.eased, its.lost) == wanted, kind


# Fields that were away.


def bound(**back: Return) -> BoundEntity:
    found = bind(DEFINITION, OBJECT, TABLE)
    found.returns = back
    return found


def test_which_fields_are_away_and_came_back_is_kept_beside_the_ends() -> None:
    found = snapshot(DEFINITION, OBJECT, TABLE)
    kept = with_returns(found, {"name", "tier"}, bound(tier=Return(2, frozenset({"a"}))), "d1")
    assert kept["name"] == {**found["name"], "since": {"times": 0, "away": True, "digests": []}}
    assert kept["tier"] == {**found["tier"], "since": {"times": 2, "away": True, "digests": []}}
    assert kept["score"] == found["score"]

    known = with_returns(kept, set(), bound(tier=Return(3, frozenset({"b", "a"}))), "d1")
    assert known["tier"]["since"] == {"times": 3, "digests": ["a", "b", "d1"]}
    assert "since" not in known["name"]
    assert from_text(as_text(known)) == known
    assert returns(known) == {"tier": Return(3, frozenset({"a", "b", "d1"}))}
    assert returns(kept) == {"name": Return(0), "tier": Return(2)}
    assert returns(found) == returns(None) == {}


def test_the_latest_fifty_mappings_are_kept() -> None:
    digests = frozenset(f"{number:03}" for number in range(60))
    kept = with_returns(snapshot(DEFINITION, OBJECT, TABLE), (), bound(tier=Return(1, digests)), "060")
    assert kept["tier"]["since"]["digests"] == [f"{number:03}" for number in range(11, 61)]


def test_a_field_that_is_there_again_came_back_once_more() -> None:
    away: Snapshot = with_returns(
        snapshot(DEFINITION, OBJECT, TABLE), {"name", "tier"}, bound(tier=Return(2, frozenset({"a"}))), "d1"
    )
    there = bind(DEFINITION, OBJECT, TABLE)
    assert came_back(away, there, ()) == {"name": Return(1), "tier": Return(3)}
    still_away = bind(DEFINITION, OBJECT, without(TABLE, "new_tier"))
    assert came_back(away, still_away, ()) == {"name": Return(1), "tier": Return(2)}
    assert came_back(None, there, {"name"}) == {}


def test_a_column_made_anew_counts_as_come_back() -> None:
    kept: Snapshot = with_returns(
        snapshot(DEFINITION, OBJECT, TABLE), (), bound(tier=Return(2, frozenset({"a"}))), "d1"
    )
    there = bind(DEFINITION, OBJECT, TABLE)
    assert came_back(kept, there, ()) == {"tier": Return(2, frozenset({"a", "d1"}))}
    assert came_back(kept, there, {"tier", "score"}) == {"tier": Return(3), "score": Return(1)}


def test_what_stayed_the_same_beside_a_change_is_not_told() -> None:
    day = with_field(TABLE, "new_name", type="DateTime", behavior="DateOnly")
    hidden = with_field(day, "new_name", readable=False)
    assert [kind for *_, kind, _ in told(day, hidden)] == ["unreadable"]
    tiers = with_field(TABLE, "new_tier", type="Picklist", options=(Option(1, "Gold"),))
    assert told(tiers, tiers) == []
    assert [kind for *_, kind, _ in told(tiers, with_field(tiers, "new_tier", updatable=False))] == ["read-only"]


def test_an_end_that_is_compared_with_nothing_hides_not_the_other() -> None:
    before = snapshot(DEFINITION, OBJECT, with_field(TABLE, "new_tier", max_length=7))
    del before["tier"]["marketo"]
    found = changes(DEFINITION, before, snapshot(DEFINITION, OBJECT, TABLE), OBJECT, TABLE)
    assert [(change.field, change.side) for change in found] == [("tier", Side.DYNAMICS)]
