"""What a mapping is told where the two services don't have what it names: the whole text, and the whole gap."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import (
    BoundField,
    Direction,
    Entity,
    FieldInfo,
    Guid,
    Invalid,
    LeftOut,
    ObjectInfo,
    Record,
    Side,
    bind,
    company,
    custom_object,
    entity,
    mapped,
    opportunity,
    opportunity_role,
    person,
    sales_person,
)
from marketo_dynamics_sync.entities.codecs import GuidCodec, TextCodec
from marketo_dynamics_sync.entities.team import can_own
from marketo_dynamics_sync.errors import FieldMissingError, FieldUnreadableError, MappingError
from tests.entities.described import columns


@entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats")
class Seat(Entity):
    """Fields the user asks for by name, and some that may be missing."""

    seat_id: Guid | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    must: str | None = mapped(marketo="seatMust", dynamics="new_must")
    may: str | None = mapped(marketo="seatMay", dynamics="new_may", optional=True)
    note: str | None = mapped(dynamics="new_note", read_only=True, optional=True)


DEFINITION = Seat.__entity__
OBJECT = ObjectInfo(
    "seat_c", columns(FieldInfo("seatId", "string"), FieldInfo("seatMust", "string"), FieldInfo("seatMay", "string"))
)
TABLE = ObjectInfo(
    "new_seat",
    columns(
        FieldInfo("new_seatid", "Uniqueidentifier", updatable=False),
        FieldInfo("new_must", "String"),
        FieldInfo("new_may", "String"),
        FieldInfo("new_note", "String"),
    ),
)


def with_field(info: ObjectInfo, name: str, **more: bool) -> ObjectInfo:
    return evolve(info, fields={**info.fields, name: evolve(info.fields[name], **more)})


def less(info: ObjectInfo, name: str) -> ObjectInfo:
    return evolve(info, fields={n: f for n, f in info.fields.items() if n != name})


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def test_a_bound_field_has_every_part_of_its_mapping() -> None:
    found = bind(DEFINITION, OBJECT, TABLE)
    assert found.left_out == ()
    assert found.fields == {
        "seat_id": BoundField("seat_id", "seatId", "new_seatid", GuidCodec(), True, False, key=True),
        "must": BoundField("must", "seatMust", "new_must", TextCodec(), True, True),
        "may": BoundField("may", "seatMay", "new_may", TextCodec(), True, True),
        "note": BoundField("note", "", "new_note", TextCodec(), False, False),
    }


def test_a_field_of_an_object_that_is_given_once_is_marked() -> None:
    fixed = with_field(with_field(OBJECT, "seatMay", updatable=False), "seatId", updatable=False)
    found = bind(DEFINITION, fixed, TABLE)
    assert found.fields["may"] == BoundField("may", "seatMay", "new_may", TextCodec(), True, True, once=True)
    assert found.fields["seat_id"].once is False
    assert found.fields["seat_id"].to_marketo is True
    never = with_field(fixed, "seatMay", creatable=False)
    assert bind(DEFINITION, never, TABLE).fields["may"] == BoundField(
        "may", "seatMay", "new_may", TextCodec(), False, True
    )


def test_a_missing_field_that_was_asked_for_is_an_error_with_both_ways_out() -> None:
    wanted = (
        "Seat.must is mapped to 'seatMust', which marketo 'seat_c' doesn't have. Create it there, or correct the "
        "name in mapped(...)."
    )
    with pytest.raises(FieldMissingError, match=exactly(wanted)):
        bind(DEFINITION, less(OBJECT, "seatMust"), TABLE)


def test_a_hidden_field_that_was_asked_for_is_an_error_with_both_ways_out() -> None:
    wanted = (
        "Seat.must: the sync user can't read 'new_must' of dynamics 'new_seat'. Give its role the right to read the "
        "field, or leave the field out."
    )
    with pytest.raises(FieldUnreadableError, match=exactly(wanted)):
        bind(DEFINITION, OBJECT, with_field(TABLE, "new_must", readable=False))


def test_a_field_that_nobody_can_write_is_an_error_with_both_ways_out() -> None:
    wanted = (
        "Seat.must: marketo doesn't let 'seatMust' be written, so nothing would flow. Map it to a field that can be "
        "written, or only read it with read_only=True."
    )
    marketo = with_field(OBJECT, "seatMust", updatable=False, creatable=False)
    with pytest.raises(MappingError, match=exactly(wanted)):
        bind(DEFINITION, marketo, with_field(TABLE, "new_must", updatable=False))


def test_what_may_be_missing_is_left_out_with_the_reason() -> None:
    def gap(marketo: ObjectInfo = OBJECT, dynamics: ObjectInfo = TABLE) -> LeftOut:
        found = bind(DEFINITION, marketo, dynamics)
        (left,) = found.left_out
        assert left.field not in found.fields
        return left

    away = "dynamics 'new_seat' has no field "
    assert gap(dynamics=less(TABLE, "new_may")) == LeftOut("seat", "may", Side.DYNAMICS, "new_may", f"{away}'new_may'")
    assert gap(dynamics=less(TABLE, "new_note")) == LeftOut(
        "seat", "note", Side.DYNAMICS, "new_note", f"{away}'new_note'"
    )
    assert gap(with_field(OBJECT, "seatMay", readable=False)) == LeftOut(
        "seat", "may", Side.MARKETO, "seatMay", "the sync user can't read 'seatMay' of marketo 'seat_c'"
    )
    closed = with_field(OBJECT, "seatMay", updatable=False, creatable=False)
    assert gap(closed, with_field(TABLE, "new_may", updatable=False)) == LeftOut(
        "seat", "may", Side.MARKETO, "seatMay", "marketo doesn't let 'seatMay' be written"
    )


def test_a_field_with_one_end_is_left_out_unless_it_is_a_column_to_look_at() -> None:
    class Ends(Seat):
        may: str | None = mapped(dynamics="new_may", read_only=True)
        here: str | None = mapped(marketo="seatMay", read_only=True)
        there: str | None = mapped(dynamics="new_there")

    assert bind(Ends.__entity__, OBJECT, TABLE).left_out == (
        LeftOut("seat", "here", Side.DYNAMICS, "", "it is not mapped to any field of dynamics 'new_seat'"),
        LeftOut("seat", "there", Side.MARKETO, "", "it is not mapped to any field of marketo 'seat_c'"),
    )


def test_stored_values_of_fields_no_longer_mapped_hide_no_others() -> None:
    found = bind(DEFINITION, OBJECT, TABLE)
    assert found.load({"gone": 1, "must": "a", "older": 2, "may": None}) == {"must": "a", "may": None}


def test_every_object_of_marketo_is_told_apart_by_its_own_fields() -> None:
    objects = [person(), company(), sales_person(), opportunity(), opportunity_role()]
    assert [(made.name, made.dedupe, made.is_person, made.is_custom) for made in objects] == [
        ("person", (), True, False),
        ("company", ("externalCompanyId",), False, False),
        ("salesperson", ("externalSalesPersonId",), False, False),
        ("opportunity", ("externalOpportunityId",), False, False),
        ("opportunityRole", ("externalOpportunityId", "leadId", "role"), False, False),
    ]


def test_a_selection_is_named_like_its_class() -> None:
    chosen = Seat.select("must")
    assert (chosen.__name__, chosen.__qualname__, chosen.__module__, chosen.__doc__) == (
        Seat.__name__,
        Seat.__qualname__,
        Seat.__module__,
        Seat.__doc__,
    )
    assert list(chosen.__entity__.fields) == ["seat_id", "must"]

    wanted = Seat.select("may").__entity__.fields["may"]
    assert wanted.optional is False
    assert Seat.__entity__.fields["may"].optional is True

    class Inner(Seat):
        """Has a name of its own."""

    assert Inner.select("must").__qualname__ == Inner.__qualname__


def test_an_entity_is_what_the_decorator_was_told() -> None:
    def active(row: Record) -> bool:
        return row.active

    @entity(name="chair", marketo=person(), dynamics="new_chairs", direction=Direction.TO_DYNAMICS, keep=active)
    class Chair(Entity):
        name: str | None = mapped(marketo="chairName", dynamics="new_name")

    told = Chair.__entity__
    assert (told.name, told.marketo, told.dynamics, told.direction, told.keep) == (
        "chair",
        person(),
        "new_chairs",
        Direction.TO_DYNAMICS,
        active,
    )
    assert Seat.__entity__.direction is Direction.TWO_WAY
    assert Seat.__entity__.keep is None


def test_rules_and_constants_reach_the_bound_field() -> None:
    class Ruled(Seat):
        must: str | None = mapped(marketo="seatMust", dynamics="new_must", block=Side.MARKETO, required=True)
        kind: str | None = mapped(marketo="seatMay", constant="Seat")
        may: str | None = mapped(dynamics="new_may", read_only=True)

    found = bind(Ruled.__entity__, OBJECT, TABLE)
    assert found.fields["must"] == BoundField(
        *("must", "seatMust", "new_must", TextCodec(), True, True),
        block=Side.MARKETO,
        required=True,
        needed=True,
    )
    assert found.fields["kind"] == BoundField("kind", "seatMay", "", TextCodec(), True, False, constant="Seat")
    assert found.decode_dynamics({"new_may": "x"})["kind"] == "Seat"
    system = evolve(
        TABLE, fields={**TABLE.fields, "new_may": FieldInfo("new_may", "String", required="SystemRequired")}
    )
    may = bind(DEFINITION, OBJECT, system).fields["may"]
    assert (may.required, may.needed) == (True, False)
    assert may.problem(Side.DYNAMICS, "") == Invalid("required", "Dynamics requires a value")
    assert may.problem(Side.MARKETO, None) is None
    assert may.problem(Side.DYNAMICS, "x") is None


def test_who_can_own_a_row() -> None:
    kinds = {0: True, 1: False, 2: True, 3: True, None: True}
    assert {kind: can_own(Record("t", {"kind": kind})) for kind in kinds} == kinds
    assert can_own(Record("t", {}))


def test_a_column_that_is_only_looked_at_has_no_value_in_marketo() -> None:
    found = bind(DEFINITION, OBJECT, TABLE)
    assert "note" not in found.decode_marketo({"seatId": "x", "": "never read", "note": "neither"})
    assert found.decode_dynamics({"new_note": "there"})["note"] == "there"
