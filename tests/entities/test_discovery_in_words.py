"""The whole of a discovery, as data and in words, of two small objects with one thing of every kind."""

from __future__ import annotations

from attrs import evolve

from marketo_dynamics_sync.entities import (
    Direction,
    Discovery,
    Entity,
    FieldInfo,
    Guid,
    MappedField,
    ObjectInfo,
    Option,
    Restriction,
    Side,
    Suggestion,
    custom_object,
    discover,
    entity,
    mapped,
)
from tests.entities.described import columns


@entity(
    name="seat",
    marketo=custom_object("seat_c", dedupe="seatId"),
    dynamics="new_seats",
    direction=Direction.TO_MARKETO,
)
class Seat(Entity):
    """One field that is there, one missing on each side, one that only Dynamics has."""

    seat_id: Guid | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    away: str | None = mapped(marketo="away", dynamics="new_away", optional=True)
    here: str | None = mapped(marketo="here", dynamics="new_here", optional=True)
    note: str | None = mapped(dynamics="new_note", read_only=True, optional=True)
    flag: str | None = mapped(marketo="flag", optional=True)


OBJECT = ObjectInfo(
    "seat_c",
    columns(
        FieldInfo("seatId", "string", updatable=False),
        FieldInfo("here", "string"),
        FieldInfo("flag", "string"),
        FieldInfo("tier", "string"),
        FieldInfo("code", "string", updatable=False, creatable=False),
        FieldInfo("seen", "string"),
        FieldInfo("veiled", "string"),
        FieldInfo("hidden", "string", readable=False),
    ),
)
TABLE = ObjectInfo(
    "new_seat",
    columns(
        FieldInfo("new_seatid", "Uniqueidentifier", updatable=False),
        FieldInfo("new_away", "String"),
        FieldInfo("new_note", "String"),
        FieldInfo("new_tier", "Picklist", options=(Option(1, "Gold"),)),
        FieldInfo("new_code", "String"),
        FieldInfo("new_seen", "Boolean"),
        FieldInfo("new_veiled", "String", readable=False),
        FieldInfo("new_hidden", "String"),
    ),
)
PROBLEM = (
    "marketo field 'seen' is of type 'string'; a boolean can't be kept there. It fits boolean. Change the annotation "
    "or give the field a codec of its own."
)


def test_everything_is_found() -> None:
    assert discover(Seat.__entity__, OBJECT, TABLE) == Discovery(
        entity="seat",
        marketo_object="seat_c",
        table="new_seat",
        marketo_fields={
            "code": "string",
            "flag": "string",
            "here": "string",
            "hidden": "string",
            "seatId": "string",
            "seen": "string",
            "tier": "string",
            "veiled": "string",
        },
        dynamics_columns={
            "new_away": "String",
            "new_code": "String",
            "new_hidden": "String",
            "new_note": "String",
            "new_seatid": "Uniqueidentifier",
            "new_seen": "Boolean",
            "new_tier": "Picklist",
            "new_veiled": "String",
        },
        mapped=(
            MappedField("seat_id", "seatId", "new_seatid"),
            MappedField("away", "away", "new_away", (Side.MARKETO,)),
            MappedField("here", "here", "new_here", (Side.DYNAMICS,)),
            MappedField("note", "", "new_note"),
            MappedField("flag", "flag", ""),
        ),
        suggested=(
            Suggestion("code", "new_code", "str", None),
            Suggestion("seen", "new_seen", "", None, PROBLEM),
            Suggestion("tier", "new_tier", "Enum", Direction.TO_MARKETO),
        ),
        free_marketo=("code", "hidden", "seen", "tier", "veiled"),
        free_dynamics=("new_code", "new_hidden", "new_seen", "new_tier", "new_veiled"),
        restricted=(
            Restriction(Side.MARKETO, "code", "read-only"),
            Restriction(Side.MARKETO, "hidden", "unreadable"),
            Restriction(Side.MARKETO, "seatId", "set once"),
            Restriction(Side.DYNAMICS, "new_seatid", "set once"),
            Restriction(Side.DYNAMICS, "new_veiled", "unreadable"),
        ),
    )


def test_everything_is_told() -> None:
    assert str(discover(Seat.__entity__, OBJECT, TABLE)).splitlines() == [
        "seat: marketo 'seat_c' and dynamics 'new_seat': 8 Marketo fields, 8 Dynamics columns",
        "mapped: 5",
        "  seat_id: seatId / new_seatid",
        "  away: away / new_away; missing in marketo",
        "  here: here / new_here; missing in dynamics",
        "  note: - / new_note",
        "  flag: flag / -",
        "look alike, not mapped: 3",
        "  code / new_code: str, can only be read",
        f"  seen / new_seen: {PROBLEM}",
        "  tier / new_tier: Enum, to-marketo",
        "free in Marketo: 5",
        "  code (string)",
        "  hidden (string)",
        "  seen (string)",
        "  tier (string)",
        "  veiled (string)",
        "free in Dynamics: 5",
        "  new_code (String)",
        "  new_hidden (String)",
        "  new_seen (Boolean)",
        "  new_tier (Picklist)",
        "  new_veiled (String)",
        "can't be used in full: 5",
        "  marketo code: read-only",
        "  marketo hidden: unreadable",
        "  marketo seatId: set once",
        "  dynamics new_seatid: set once",
        "  dynamics new_veiled: unreadable",
    ]


def test_without_an_entity_everything_is_free_and_may_flow_both_ways() -> None:
    found = discover(None, OBJECT, evolve(TABLE, fields=columns(TABLE.fields["new_tier"], TABLE.fields["new_code"])))
    assert (found.entity, found.mapped) == ("", ())
    assert found.free_marketo == tuple(sorted(OBJECT.fields))
    assert found.suggested == (
        Suggestion("code", "new_code", "str", Direction.TO_DYNAMICS),
        Suggestion("tier", "new_tier", "Enum", Direction.TWO_WAY),
    )
    assert str(found).startswith("compared: marketo 'seat_c'")
