"""Generated source as a whole, and the names and lines that it is made of."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import (
    Direction,
    Entity,
    FieldInfo,
    Lead,
    MarketoObject,
    ObjectInfo,
    Option,
    company,
    custom_object,
    entity,
    generate_source,
    mapped,
    opportunity,
    opportunity_role,
    person,
    sales_person,
)
from marketo_dynamics_sync.entities.layout import LINE, Call, comment, imports
from marketo_dynamics_sync.entities.likeness import alike, annotation_for, flow
from marketo_dynamics_sync.entities.naming import (
    bare_column,
    bare_field,
    class_name,
    fold,
    identifier,
    literal,
    plain,
    unique,
    width,
    words,
)
from marketo_dynamics_sync.errors import MappingError
from marketo_dynamics_sync.testing import described_table
from tests.entities.described import EVENTS, columns, twin
from tests.entities.generated import CALLS, WIDE_LEADS, WIDE_PEOPLE

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", CALLS)
def test_the_source_is_written_to_the_letter(name: str) -> None:
    wanted = (GOLDEN / f"{name.replace(' ', '_')}.txt").read_text(encoding="utf-8")
    assert CALLS[name]() == wanted


def line(source: str, text: str) -> str:
    (found,) = (each.strip() for each in source.splitlines() if text in each)
    return found


@pytest.mark.parametrize(
    ("home", "written"),
    [
        (person(), "marketo=person(),"),
        (company(), "marketo=company(),"),
        (sales_person(), "marketo=sales_person(),"),
        (opportunity(), "marketo=opportunity(),"),
        (opportunity_role(), "marketo=opportunity_role(),"),
        (custom_object("a_c", dedupe="x"), 'marketo=custom_object("a_c", dedupe="x"),'),
        (custom_object("a_c", dedupe=("x", "y")), 'marketo=custom_object("a_c", dedupe=("x", "y")),'),
    ],
)
def test_the_marketo_object_is_named_by_its_own_function(home: MarketoObject, written: str) -> None:
    source = generate_source("thing", ObjectInfo(home.name, {}), EVENTS, lives_in=home)
    assert written in source
    made = written.removeprefix("marketo=").partition("(")[0]
    assert f"    {made},\n" in source or f" {made}\n" in source or f", {made}" in source


def test_which_way_it_flows_is_the_usual_one_unless_it_is_told() -> None:
    described = ObjectInfo("person", columns(FieldInfo("name", "string")))
    table = evolve(EVENTS, fields=columns(FieldInfo("new_name", "String")))
    assert "direction=Direction.TWO_WAY)" in generate_source("thing", described, table)
    told = generate_source("thing", described, table, direction=Direction.TO_DYNAMICS)
    assert "direction=Direction.TO_DYNAMICS)" in told
    assert 'name: str | None = mapped(marketo="name", dynamics="new_name")' in told
    custom = evolve(described, name="thing_c")
    assert "direction=Direction.TO_MARKETO" in generate_source("thing", custom, table)


def test_what_flows_another_way_says_so() -> None:
    table = evolve(
        WIDE_LEADS, fields=dict(WIDE_LEADS.fields) | columns(FieldInfo("new_code", "String", updatable=False))
    )
    people = evolve(
        WIDE_PEOPLE,
        fields=dict(WIDE_PEOPLE.fields)
        | columns(FieldInfo("score", "score", updatable=False), FieldInfo("code", "string")),
    )
    source = generate_source("lead", people, table, extends=Lead)
    assert (
        line(source, "new_score") == 'score: int | None = mapped(marketo="score", dynamics="new_score", read_only=True)'
    )
    assert line(source, '"new_code"') == (
        'code: str | None = mapped(marketo="code", dynamics="new_code", direction=Direction.TO_MARKETO)'
    )
    assert source.startswith(
        "from __future__ import annotations\n\nfrom enum import Enum\n\n"
        "from marketo_dynamics_sync.entities import Direction, Lead, mapped\n\n\nclass "
    )


def test_a_field_that_is_not_readable_or_not_alike_is_told_with_its_type() -> None:
    described = ObjectInfo("event_c", columns(FieldInfo("seats", "integer", readable=False)))
    table = evolve(
        EVENTS,
        fields=columns(
            FieldInfo("new_seats", "Integer"),
            FieldInfo("new_other", "String"),
            FieldInfo("new_third", "Memo"),
            FieldInfo("new_photo", "Image"),
            FieldInfo("new_secret", "String", readable=False),
            FieldInfo("versionnumber", "BigInt"),
        ),
    )
    source = generate_source("event", described, table)
    told = source.partition("    # Columns that are not mapped, and why.\n")[2].splitlines()
    assert told == [
        "    # kept by the platform for itself: versionnumber (BigInt)",
        "    # looks like seats in Marketo, which the sync user can't read: new_seats (Integer)",
        "    # no annotation carries a column of type 'Image': new_photo (Image)",
        "    # no one field of event_c in Marketo looks like it: new_other (String), new_third (Memo)",
        "    # not readable for the sync user: new_secret (String)",
    ]


def test_a_dedupe_field_without_a_column_waits_for_one() -> None:
    described = ObjectInfo("event_c", columns(FieldInfo("code", "string"), FieldInfo("name", "string")))
    table = evolve(EVENTS, fields=columns(FieldInfo("new_name", "String")))
    source = generate_source("event", described, table, lives_in=custom_object("event_c", dedupe=("code", "name")))
    assert source.partition('kept as event_c in Marketo."""\n')[2] == (
        "\n"
        '    name: str | None = mapped(marketo="name", dynamics="new_name")\n'
        "    # code tells Marketo's records apart: give it the column that holds it.\n"
        '    code: str | None = mapped(marketo="code", optional=True)\n'
    )


@pytest.mark.parametrize(
    ("columns_", "proposed"),
    [
        (("new_ID", "abc_id"), ["id2", "id3"]),
        (("new_first_name", "abc_first_name"), ["firstName", "firstName2"]),
        (("new_CamelCase",), ["camelCase"]),
        (("new_Ünï_x",), ["nX"]),
        (("new_я", "new_1st"), ["own", "own1st"]),
        (("new_createdat", "new_updatedat", "new_marketoguid"), ["createdat2", "updatedat2", "marketoguid2"]),
    ],
)
def test_proposed_names_are_camel_case_in_ascii(columns_: tuple[str, ...], proposed: list[str]) -> None:
    key = FieldInfo("new_eventid", "Uniqueidentifier")
    table = evolve(EVENTS, fields=columns(key, *(FieldInfo(name, "String") for name in columns_)))
    source = generate_source("event", None, table)
    names = {
        each.partition('dynamics="')[2].partition('"')[0]: each.partition('marketo="')[2].partition('"')[0]
        for each in source.splitlines()
        if "dynamics=" in each and "marketo=" in each
    }
    assert sorted(names[name] for name in columns_) == sorted(proposed)


def test_options_without_letters_are_named_by_their_number_and_names_are_cut() -> None:
    options = (Option(1, "!?"), Option(2, "1st"), Option(3, "x" * 60), Option(4, "y" * 61), Option(-5, "+"))
    many = FieldInfo("new_" + "n" * 39, "MultiSelectPicklist", options=options)
    one = FieldInfo("new_" + "o" * 50, "Picklist", options=options)
    table = evolve(EVENTS, fields=columns(many, one))
    source = generate_source("abcdefghijkl", None, table)
    assert f"\nclass Abcdefghijkl{'N' + 'n' * 37}(IntEnum):\n" in source
    assert f"\nclass Abcdefghijkl{'O' + 'o' * 37}(Enum):\n" in source
    body = source.partition("(Enum):\n")[2]
    assert body.startswith(
        f'    """Choices of new_{"o" * 50}."""\n\n'
        "    OPTION_1 = 1\n"
        "    OPTION_1ST = 2\n"
        f"    {'X' * 60} = 3\n"
        f"    {'Y' * 60} = 4\n"
        "    OPTION_5 = -5\n"
        "\n    @property\n"
    )


def test_enumerations_of_one_name_get_numbers() -> None:
    picks = [FieldInfo(name, "Picklist", options=(Option(1, "Gold"),)) for name in ("new_tier", "abc_tier")]
    source = generate_source("event", None, evolve(EVENTS, fields=columns(*picks)))
    assert "class EventTier(Enum):" in source
    assert "class EventTier2(Enum):" in source
    assert "def label" not in source


def test_a_lookup_names_the_tables_it_may_point_to() -> None:
    targets = ("systemuser", "opportunity", "lead", "new_other")
    table = evolve(EVENTS, fields=columns(FieldInfo("new_link", "Lookup", targets=targets)))
    source = generate_source("event", None, table)
    assert "link: Ref[Lead | Opportunity | User] | None" in source
    for name in ("Lead", "Opportunity", "Ref", "User"):
        assert f"    {name},\n" in source


# The guesses.


def test_a_column_goes_where_the_codec_can_carry_it() -> None:
    day = FieldInfo("new_day", "DateTime", behavior="DateOnly")
    assert annotation_for(day, None) == "date"
    assert annotation_for(day, FieldInfo("day", "datetime")) == "datetime"
    assert annotation_for(FieldInfo("new_x", "DateTime", behavior="UserLocal"), None) == "datetime"
    with pytest.raises(MappingError, match=r"^marketo field 'day' is of type 'boolean'; a date can't be kept there"):
        annotation_for(day, FieldInfo("day", "boolean"))
    with pytest.raises(MappingError, match=r"^no annotation carries a column of type 'Image'$"):
        annotation_for(FieldInfo("new_x", "Image"), None)


def test_which_way_a_pair_can_flow() -> None:
    column, state = FieldInfo("a", "String"), FieldInfo("a", "State")
    fixed, field = FieldInfo("a", "String", updatable=False), FieldInfo("A", "string")
    closed = evolve(field, updatable=False)
    both, there, back = Direction.TWO_WAY, Direction.TO_MARKETO, Direction.TO_DYNAMICS
    assert [flow(way, column, field) for way in (both, there, back)] == [both, there, back]
    assert [flow(way, column, None) for way in (both, there, back)] == [both, there, back]
    assert [flow(way, fixed, field) for way in (both, there, back)] == [there, there, None]
    assert [flow(way, state, field) for way in (both, there, back)] == [there, there, None]
    assert [flow(way, column, closed) for way in (both, there, back)] == [back, None, back]


def test_names_that_could_go_with_several_go_with_none() -> None:
    def found(columns_: list[str], fields: list[str]) -> dict[str, str]:
        table = ObjectInfo("t", columns(*(FieldInfo(name, "String") for name in columns_)))
        return alike(ObjectInfo("o", {}), table, columns=columns_, fields=fields)

    assert found(["new_a", "abc_a"], ["a"]) == {}
    assert found(["new_a"], ["a", "a_c"]) == {}
    assert found(["a", "new_a"], ["A", "a_c"]) == {"a": "A", "new_a": "a_c"}
    assert found(["new_firstName"], ["first_name_c"]) == {"new_firstName": "first_name_c"}
    assert found(["__"], ["--"]) == {}


# Names and lines.


def test_names_of_services_become_names_of_python() -> None:
    assert [bare_column(name) for name in ("new_tier", "address1_city", "a_b", "abcdefghi_x", "new_", "New_x")] == [
        "tier",
        "address1_city",
        "a_b",
        "abcdefghi_x",
        "new_",
        "New_x",
    ]
    assert [bare_field(name) for name in ("tier_c", "tier__c", "_c", "tier")] == ["tier", "tier", "_c", "tier"]
    assert fold("Sla-Tier_1") == "slatier1"
    assert words("slaTier_c") == "Sla Tier"
    assert identifier("slaTier 1", otherwise="own") == "sla_tier_1"
    assert identifier("slaTier 1", otherwise="OWN", upper=True) == "SLATIER_1"
    assert identifier("1st", otherwise="own") == "own_1st"
    assert identifier("?!", otherwise="own") == "own"
    assert identifier("a" * 39 + "_b", otherwise="own") == "a" * 39
    assert identifier("_" + "a" * 40, otherwise="own") == "a" * 40
    assert identifier("1" * 40, otherwise="own") == "own_" + "1" * 36
    assert identifier("予" * 30, otherwise="own") == "予" * 20
    assert class_name("sla tier") == "SlaTier"
    assert class_name("none") == "None_"
    assert width(unicodedata.normalize("NFD", "é") + "予a") == 4


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert unique("name", {"other"}) == "name"
    assert unique("name", {"name"}) == "name_2"
    assert unique("name", {"name", "name_2"}) == "name_3"
    assert unique("class", ()) == "class_"
    assert unique("class", {"class_"}) == "class_2"
    assert unique("_x", {"_x"}) == "_x_2"
    assert unique("MAX", {"MAX"}) == "MAX_2"


def test_texts_are_written_so_that_nothing_breaks_out() -> None:
    assert literal("it's") == '"it\'s"'
    assert literal('say "hi"') == "'say \"hi\"'"
    assert literal("\"'") == '"\\"\'"'
    assert literal("a\\b\nc") == '"a\\\\b\\nc"'
    assert plain("XY") == "XY"
    assert plain('a"b\\c\nd') == "a_b_c_d"


def test_a_call_is_laid_out_by_its_length() -> None:
    exact = Call("f", ["a" * (LINE - 3)])
    assert list(exact.lines()) == [f"f({'a' * (LINE - 3)})"]
    assert list(exact.lines(0, ",")) == ["f(", f"    {'a' * (LINE - 3)},", "),"]
    assert list(exact.lines(4)) == ["    f(", f"        {'a' * (LINE - 3)},", "    )"]
    together = Call("function", ["a" * 60, "b" * 54])
    assert list(together.lines()) == ["function(", f"    {'a' * 60}, {'b' * 54}", ")"]
    wider = Call("function", ["a" * 60, "b" * 55])
    assert list(wider.lines()) == ["function(", f"    {'a' * 60},", f"    {'b' * 55},", ")"]
    inner = Call("x=g", ["c" * 60, "d" * 60])
    assert list(Call("f", ["e", inner]).lines()) == [
        "f(",
        "    e,",
        "    x=g(",
        f"        {'c' * 60},",
        f"        {'d' * 60},",
        "    ),",
        ")",
    ]


def test_a_comment_is_never_broken_at_a_hyphen() -> None:
    assert comment("short", 4) == ["    # short"]
    text = "a" * (LINE - 10) + " one-two-three-four"
    assert comment(text, 2) == ["  # " + "a" * (LINE - 10), "    # one-two-three-four".replace("    #", "  #  ")]


def test_imports_come_in_the_order_of_import_sorters() -> None:
    needed = {("enum", "Enum"), ("datetime", "datetime"), ("datetime", "date"), ("ours.a", "mapped"), ("ours.a", "Ref")}
    assert list(imports(needed, ours="ours")) == [
        "from datetime import date, datetime",
        "from enum import Enum",
        "",
        "from ours.a import Ref, mapped",
    ]
    deep = {("ours.a.b", "x"), ("ours", "y"), ("enum", "Enum")}
    assert list(imports(deep, ours="ours")) == [
        "from enum import Enum",
        "",
        "from ours import y",
        "from ours.a.b import x",
    ]
    assert list(imports({("own", "a"), ("own", "Ähre")}, ours="ours")) == ["from own import Ähre, a"]
    assert list(imports({("ours.a", "x")}, ours="ours")) == ["from ours.a import x"]
    names = ["Zz", "a" * 52, "b" * 41]
    exact = [f"from ours.a import {', '.join(names)}"]
    assert len(exact[0]) == LINE - 2
    assert list(imports({("ours.a", name) for name in names}, ours="ours")) == exact
    longer = [*names[:2], "b" * 43]
    assert list(imports({("ours.a", name) for name in longer}, ours="ours")) == [
        f"from ours.a import {', '.join(longer)}"
    ]
    wide = [*names[:2], "b" * 44]
    assert list(imports({("ours.a", name) for name in wide}, ours="ours")) == [
        "from ours.a import (",
        "    Zz,",
        f"    {'a' * 52},",
        f"    {'b' * 44},",
        ")",
    ]


def test_a_described_object_is_recognised_by_its_name() -> None:
    source = generate_source("deal", ObjectInfo("opportunity", {}), EVENTS)
    assert "marketo=opportunity()," in source
    assert "marketo=person()" in generate_source("visitor", ObjectInfo("person", {}), EVENTS)
    assert 'marketo=custom_object("event_c", dedupe="Eventid_c")' in generate_source(
        "event", twin("event_c", EVENTS), EVENTS
    )


def test_a_subclass_lives_and_flows_as_its_parent_does() -> None:
    @entity(name="watched", marketo=company(), dynamics="new_events", direction=Direction.TO_MARKETO)
    class Watched(Entity):
        event_id: str | None = mapped(marketo="externalCompanyId", dynamics="new_eventid", key=True)

    table = evolve(
        EVENTS,
        fields=columns(EVENTS.fields["new_eventid"], FieldInfo("new_name", "String"), FieldInfo("statecode", "State")),
    )
    source = generate_source("event", None, table, extends=Watched, direction=Direction.TWO_WAY)
    assert '"""Rows of new_event, kept as company in Marketo."""' in source
    assert '    name: str | None = mapped(marketo="name", dynamics="new_name")\n' in source
    assert 'statecode: Choice | None = mapped(marketo="statecode", dynamics="statecode")\n' in source


def test_persons_are_told_apart_by_no_field_of_a_custom_object() -> None:
    described = ObjectInfo("person", columns(FieldInfo("email", "email", searchable=True)))
    source = generate_source("visitor", described, evolve(EVENTS, fields=columns(EVENTS.fields["new_eventid"])))
    assert "email" not in source


def test_the_key_goes_to_the_one_field_that_tells_records_apart() -> None:
    plain, found = FieldInfo("aaa", "string"), FieldInfo("zzz", "string", searchable=True)
    described = ObjectInfo("event_c", columns(plain, found, FieldInfo("code", "string")), primary_id="marketoGUID")
    table = evolve(EVENTS, fields=columns(EVENTS.fields["new_eventid"]))
    key = 'dynamics="new_eventid", key=True'
    assert f'mapped(marketo="zzz", {key})' in generate_source("event", described, table)
    one = custom_object("event_c", dedupe="code")
    assert f'mapped(marketo="code", {key})' in generate_source("event", described, table, lives_in=one)
    assert f'mapped(marketo="code", {key})' in generate_source("event", None, table, lives_in=one)
    two = custom_object("event_c", dedupe=("code", "aaa"))
    assert key not in generate_source("event", described, table, lives_in=two)


def test_the_default_mapping_proposes_the_names_of_its_fields() -> None:
    table = evolve(
        described_table(Lead), fields=columns(FieldInfo("emailaddress1", "String"), FieldInfo("firstname", "String"))
    )
    source = generate_source("visitor", None, table, lives_in=person())
    assert 'email: str | None = mapped(marketo="email", dynamics="emailaddress1")' in source
    assert 'first_name: str | None = mapped(marketo="firstName", dynamics="firstname")' in source
