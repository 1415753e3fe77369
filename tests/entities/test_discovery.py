"""What both services have for an entity, told as data and in words."""

from __future__ import annotations

import json

from attrs import evolve

from marketo_dynamics_sync.entities import (
    Direction,
    FieldInfo,
    Lead,
    MappedField,
    ObjectInfo,
    Option,
    Restriction,
    Side,
    Suggestion,
    discover,
)
from marketo_dynamics_sync.testing import described_person, described_table
from tests.entities.described import EVENTS, columns, twin

TIER = FieldInfo("new_slatier", "Picklist", options=(Option(1, "Gold"),))
LEADS = described_table(Lead, without=("jobtitle",))
TABLE = evolve(
    LEADS,
    fields=dict(LEADS.fields)
    | columns(
        TIER,
        FieldInfo("new_score", "Integer", updatable=False, creatable=False),
        FieldInfo("new_code", "String", updatable=False),
        FieldInfo("new_hidden", "String", readable=False),
        FieldInfo("new_seen", "Boolean"),
        FieldInfo("abc_twin", "String"),
        FieldInfo("new_twin", "String"),
        FieldInfo("address2_city", "String"),
    ),
)
PEOPLE = described_person(Lead, without=("title",))
PERSON = evolve(
    PEOPLE,
    fields=dict(PEOPLE.fields)
    | columns(
        FieldInfo("slaTier_c", "string"),
        FieldInfo("score", "score"),
        FieldInfo("code", "string", updatable=False, creatable=False),
        FieldInfo("hidden", "string"),
        FieldInfo("seen", "string"),
        FieldInfo("twin", "string"),
    ),
)
FOUND = discover(Lead.__entity__, PERSON, TABLE)


def test_what_is_mapped_and_what_of_it_is_missing() -> None:
    assert MappedField("email", "email", "emailaddress1") in FOUND.mapped
    assert MappedField("is_deleted", "microsoftIsDeleted", "") in FOUND.mapped
    assert MappedField("job_title", "title", "jobtitle", (Side.MARKETO, Side.DYNAMICS)) in FOUND.mapped
    assert [item.name for item in FOUND.mapped] == [*Lead.__entity__.fields]


def test_what_is_free_is_all_that_is_not_mapped() -> None:
    assert set(FOUND.free_marketo) == {"id", "slaTier_c", "score", "code", "hidden", "seen", "twin"}
    assert set(FOUND.free_dynamics) == set(TABLE.fields) - set(LEADS.fields)
    assert FOUND.marketo_fields["score"] == "score"
    assert FOUND.dynamics_columns["new_slatier"] == "Picklist"
    assert set(FOUND.dynamics_columns) == set(TABLE.fields)


def test_pairs_that_look_alike_come_with_an_annotation_and_a_way() -> None:
    found = {pair.dynamics: pair for pair in FOUND.suggested}
    seen = found.pop("new_seen")
    assert found == {
        "new_slatier": Suggestion("slaTier_c", "new_slatier", "Enum", Direction.TWO_WAY),
        "new_score": Suggestion("score", "new_score", "int", Direction.TO_MARKETO),
        "new_code": Suggestion("code", "new_code", "str", None),
    }
    assert "'seen' is of type 'string'; a boolean can't be kept there" in seen.problem
    assert (seen.marketo, seen.annotation, seen.direction) == ("seen", "", None)


def test_what_cannot_be_used_in_full_is_told_of_both_sides() -> None:
    told = {(item.side, item.name): item.reason for item in FOUND.restricted}
    assert told[Side.DYNAMICS, "new_score"] == "read-only"
    assert told[Side.DYNAMICS, "new_code"] == "set once"
    assert told[Side.DYNAMICS, "new_hidden"] == "unreadable"
    assert told[Side.MARKETO, "code"] == "read-only"
    assert Restriction(Side.DYNAMICS, "new_slatier", "read-only") not in FOUND.restricted


def test_two_objects_without_an_entity() -> None:
    found = discover(None, twin("event_c", EVENTS), EVENTS)
    assert found.entity == ""
    assert found.mapped == ()
    pairs = {pair.dynamics: pair.annotation for pair in found.suggested}
    assert pairs["new_stage"] == "Enum"
    assert pairs["new_eventid"] == "Guid"
    assert pairs["new_photo"] == ""
    assert next(found.lines()) == "compared: marketo 'event_c' and dynamics 'new_event': 28 Marketo fields, " + (
        "27 Dynamics columns"
    )


def test_the_default_mapping_is_suggested_where_names_say_nothing() -> None:
    found = discover(None, PERSON, TABLE)
    pairs = {pair.dynamics: pair for pair in found.suggested}
    assert pairs["emailaddress1"] == Suggestion("email", "emailaddress1", "Email", Direction.TWO_WAY)
    other = discover(None, PERSON, evolve(TABLE, entity_set="new_people"))
    assert "emailaddress1" not in {pair.dynamics for pair in other.suggested}


def test_types_decide_the_annotation() -> None:
    pairs = [
        (FieldInfo("a", "DateTime", behavior="DateOnly"), "date", "date"),
        (FieldInfo("a", "DateTime", behavior="DateOnly"), "datetime", "datetime"),
        (FieldInfo("a", "DateTime", behavior="UserLocal"), "datetime", "datetime"),
        (FieldInfo("a", "DateTime", behavior="UserLocal"), "date", ""),
        (FieldInfo("a", "String"), "email", "Email"),
        (FieldInfo("a", "String"), "phone", "Phone"),
        (FieldInfo("a", "Memo"), "url", "Url"),
        (FieldInfo("a", "Picklist"), "string", "Choice"),
        (TIER_A := evolve(TIER, name="a"), "integer", "Enum"),
        (TIER_A, "boolean", ""),
        (FieldInfo("a", "Owner"), "string", "Ref"),
        (FieldInfo("a", "Virtual"), "string", ""),
    ]
    for column, kind, wanted in pairs:
        found = discover(None, ObjectInfo("x", columns(FieldInfo("A", kind))), ObjectInfo("y", columns(column)))
        assert [pair.annotation for pair in found.suggested] == [wanted], (column, kind)


def test_it_says_all_of_it_in_words() -> None:
    text = str(FOUND)
    assert text.splitlines() == list(FOUND.lines())
    for line in (
        "lead: marketo 'person' and dynamics 'lead': ",
        "  job_title: title / jobtitle; missing in marketo and dynamics",
        "  is_deleted: microsoftIsDeleted / -",
        "look alike, not mapped: 4",
        "  slaTier_c / new_slatier: Enum, two-way",
        "  code / new_code: str, can only be read",
        "  seen / new_seen: marketo field 'seen' is of type 'string'",
        "free in Marketo: 7",
        "  score (score)",
        "  dynamics new_hidden: unreadable",
    ):
        assert f"\n{line}" in f"\n{text}"


def test_it_is_plain_data_that_json_can_say() -> None:
    data = json.loads(json.dumps(FOUND.as_dict()))
    assert data["entity"] == "lead"
    assert {"side": "dynamics", "name": "new_hidden", "reason": "unreadable"} in data["restricted"]
    assert [pair["direction"] for pair in data["suggested"]] == [None, "to-marketo", None, "two-way"]
    assert data["marketo_fields"]["score"] == "score"
