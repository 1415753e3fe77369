"""Generated source compiles, is formatted, passes mypy, and its class binds to what both services described."""

from __future__ import annotations

import ast
import importlib.util
import keyword
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import marketo_dynamics_sync
from marketo_dynamics_sync.entities import (
    BoundEntity,
    Direction,
    Entity,
    FieldInfo,
    Lead,
    MarketoObject,
    ObjectInfo,
    Option,
    bind,
    company,
    custom_object,
    generate_source,
    mapped,
    opportunity_role,
)
from marketo_dynamics_sync.entities.naming import class_name, identifier, literal
from marketo_dynamics_sync.testing import described_object, described_table
from tests.entities.described import EVENTS, columns, twin
from tests.entities.generated import CALLS, LEADS, WIDE_LEADS, WIDE_PEOPLE

_numbers = count()
needs_mypy = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed here")
needs_ruff = pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed here")
SOURCES = {name: call() for name, call in CALLS.items()}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    return SOURCES[request.param]


def loaded(source: str, folder: Path) -> ModuleType:
    path = folder / f"generated_{next(_numbers)}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def entity_of(module: ModuleType) -> type[Entity]:
    (cls,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Entity) and value.__module__ == module.__name__
    )
    return cls


def bound(source: str, marketo: ObjectInfo, dynamics: ObjectInfo, folder: Path) -> BoundEntity:
    return bind(entity_of(loaded(source, folder)).__entity__, marketo, dynamics)


def line_of(source: str, text: str) -> str:
    (line,) = (line.strip() for line in source.splitlines() if text in line)
    return line


def comments(source: str) -> str:
    """Return the comments of a source as one text."""
    lines = (line.strip().removeprefix("#").strip() for line in source.splitlines() if line.strip().startswith("#"))
    return " ".join(lines)


def unmapped(source: str) -> set[str]:
    return set(re.findall(r"(\w+) \([A-Z]\w+\)", comments(source)))


@needs_mypy
def test_mypy_is_content(tmp_path: Path) -> None:
    for number, text in enumerate(SOURCES.values()):
        (tmp_path / f"made_{number}.py").write_text(text, encoding="utf-8")
    home = Path(marketo_dynamics_sync.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    ended = subprocess.run(command, env={"MYPYPATH": str(home)}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def formatted(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    ended = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


@needs_ruff
def test_it_is_formatted(source: str) -> None:
    assert formatted(source) == source


@needs_ruff
def test_its_imports_are_sorted_and_used(source: str) -> None:
    rules = ["--select", "I,F,UP", "--isolated", "--target-version", "py311", "--line-length", "120"]
    first_party = ["--config", "lint.isort.known-third-party=['marketo_dynamics_sync']"]
    command = [sys.executable, "-m", "ruff", "check", *rules, *first_party, "-"]
    ended = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout.decode()


def test_the_class_binds_and_every_column_is_in_it_or_explained(tmp_path: Path) -> None:
    entity = bound(SOURCES["events"], twin("event_c", EVENTS), EVENTS, tmp_path)
    assert entity.left_out == ()
    assert entity.key is not None
    assert entity.key.dynamics == "new_eventid"
    explained = unmapped(SOURCES["events"])
    assert explained == {"new_photo", "new_secret", "versionnumber"}
    assert {f.dynamics for f in entity.fields.values()} | explained == set(EVENTS.fields)


def test_every_type_gets_its_annotation(tmp_path: Path) -> None:
    cls = entity_of(loaded(SOURCES["events"], tmp_path))
    told = {name: str(hint).removesuffix(" | None") for name, hint in cls.__annotations__.items() if hint}
    assert {name: told[name] for name in told if name in WANTED} == WANTED


WANTED = {
    "eventid": "Guid",
    "name": "str",
    "class_": "str",
    "date_": "date",
    "startson": "datetime",
    "seats": "int",
    "rate": "Decimal",
    "share": "float",
    "price": "Money",
    "open": "bool",
    "stage": "EventStage",
    "empty": "Choice",
    "topics": "Choices",
    "contactid": "Ref[Contact]",
    "partyid": "Ref[Account | Contact]",
    "parentid": "Ref[object]",
}


def test_every_option_goes_to_marketo_by_its_label_and_comes_back(tmp_path: Path) -> None:
    entity = bound(SOURCES["events"], twin("event_c", EVENTS), EVENTS, tmp_path)
    codec = entity.fields["stage"].codec
    shown = {}
    for option in EVENTS.fields["new_stage"].options:
        member = codec.from_dynamics(option.value)
        shown[option.value] = codec.to_marketo(member)
        assert codec.from_marketo(shown[option.value]) is member
    assert shown[1] == "1st call"
    assert shown[5] == "Won / closed"
    assert shown[3] == "3"
    assert (shown[13], shown[14]) == ("Twice (13)", "twice (14)")


def test_choices_of_a_multi_select_are_told_by_name(tmp_path: Path) -> None:
    module = loaded(SOURCES["events"], tmp_path)
    entity = bind(entity_of(module).__entity__, twin("event_c", EVENTS), EVENTS)
    value = entity.fields["topics"].codec.from_dynamics("2,7")
    assert value == {module.EventTopics.CLASS, 7}


def test_proposals_bind_once_marketo_has_the_fields(tmp_path: Path) -> None:
    assert "# The names of Marketo's fields are proposals" in SOURCES["proposed"]
    cls = entity_of(loaded(SOURCES["proposed"], tmp_path))
    assert cls.__entity__.marketo == custom_object("event_c", dedupe="eventid")
    by_column = {info.name: info for info in twin("event_c", EVENTS).fields.values()}
    types = {name.removesuffix("_c").lower(): info.type for name, info in by_column.items()}
    made = {
        str(item.marketo): FieldInfo(
            str(item.marketo), types[str(item.dynamics).removeprefix("new_").replace("_", "").lower()]
        )
        for item in cls.__entity__.fields.values()
    }
    assert bind(cls.__entity__, ObjectInfo("event_c", made), EVENTS).left_out == ()


def test_proposed_names_are_unique_to_marketo_and_none_of_its_own(tmp_path: Path) -> None:
    names = ("new_createdat", "abc_createdat", "new_name", "abc_name", "new_ID", "new_Ünï")
    table = evolve(EVENTS, fields=columns(EVENTS.fields["new_eventid"], *(FieldInfo(n, "String") for n in names)))
    cls = entity_of(loaded(generate_source("event", None, table), tmp_path))
    proposed = [str(item.marketo).lower() for item in cls.__entity__.fields.values()]
    assert len(set(proposed)) == len(names) + 1
    assert not {"id", "createdat"} & set(proposed)
    assert all(name.isascii() for name in proposed)


def test_a_person_flows_both_ways_with_the_default_pairs_and_opt_outs(tmp_path: Path) -> None:
    entity = bound(SOURCES["person"], WIDE_PEOPLE, WIDE_LEADS, tmp_path)
    assert entity.definition.direction is Direction.TWO_WAY
    for name in ("crm_id", "email", "first_name", "unsubscribed", "status", "created_on"):
        mine, theirs = entity.definition.fields[name], Lead.__entity__.fields[name]
        assert (mine.marketo, mine.dynamics, mine.key, mine.opt_out, mine.direction) == (
            theirs.marketo,
            theirs.dynamics,
            theirs.key,
            theirs.opt_out,
            theirs.direction,
        )


def test_what_can_only_be_read_is_marked() -> None:
    people = evolve(
        WIDE_PEOPLE,
        fields=dict(WIDE_PEOPLE.fields)
        | columns(FieldInfo("score", "score", updatable=False), FieldInfo("slaTier_c", "string", updatable=False)),
    )
    source = generate_source("visitor", people, WIDE_LEADS)
    assert line_of(source, "new_score").endswith("read_only=True)")
    assert 'dynamics="new_slatier", direction=Direction.TO_DYNAMICS' in source
    assert 'dynamics="new_score", direction=Direction.TO_MARKETO' in SOURCES["person"]


def test_a_subclass_holds_what_its_parent_does_not(tmp_path: Path) -> None:
    module = loaded(SOURCES["extended"], tmp_path)
    cls = entity_of(module)
    assert cls.__name__ == "CustomLead"
    assert issubclass(cls, Lead)
    assert set(cls.__entity__.fields) - set(Lead.__entity__.fields) == {"sla_tier", "score"}
    assert bind(cls.__entity__, WIDE_PEOPLE, WIDE_LEADS).fields["score"].direction is Direction.TO_MARKETO
    told = "looks like first_Name_c in Marketo, which the sync user can't read: new_first_name (String)"
    assert told in comments(SOURCES["extended"])


class Own(Lead):
    """A user's own entity, in the user's own module."""

    tier: str | None = mapped(marketo="slaTier_c", dynamics="new_slatier")


def test_a_user_s_own_class_is_imported_from_where_it_is(tmp_path: Path) -> None:
    source = generate_source("own", WIDE_PEOPLE, WIDE_LEADS, extends=Own)
    assert f"from {__name__} import Own\n" in source
    assert "class CustomOwn(Own):" in source
    assert "new_slatier" not in source


def test_proposals_of_a_subclass_keep_clear_of_its_parent(tmp_path: Path) -> None:
    table = evolve(LEADS, fields=dict(LEADS.fields) | columns(FieldInfo("new_email", "String")))
    source = generate_source("lead", None, table, extends=Lead)
    assert 'email_2: str | None = mapped(marketo="email2", dynamics="new_email")' in source


@pytest.mark.parametrize(
    ("lives_in", "written"),
    [
        (company(), "marketo=company()"),
        (opportunity_role(), "marketo=opportunity_role()"),
        (custom_object("a_c", dedupe=("x", "y")), 'marketo=custom_object("a_c", dedupe=("x", "y"))'),
        (MarketoObject("person"), "marketo=person()"),
    ],
)
def test_it_names_the_object_and_maps_what_tells_its_records_apart(
    lives_in: MarketoObject, written: str, tmp_path: Path
) -> None:
    described = ObjectInfo(lives_in.name, {})
    source = generate_source("thing", described, EVENTS, lives_in=lives_in)
    assert written in source
    cls = entity_of(loaded(source, tmp_path))
    assert set(lives_in.dedupe) <= {item.marketo for item in cls.__entity__.fields.values()}
    assert not bind(cls.__entity__, described, EVENTS).fields


def test_the_dedupe_field_of_a_described_object_is_found() -> None:
    plain = FieldInfo("code", "string", searchable=True)
    guid = FieldInfo("marketoGUID", "string", updatable=False, searchable=True)
    described = ObjectInfo("event_c", columns(guid, plain), primary_id="marketoGUID")
    assert 'custom_object("event_c", dedupe="code")' in generate_source("event", described, EVENTS)
    same = ObjectInfo("event_c", columns(guid, plain, FieldInfo("eventId", "string")), primary_id="marketoGUID")
    assert 'custom_object("event_c", dedupe="eventId")' in generate_source("event", same, EVENTS)
    nothing = ObjectInfo("event_c", columns(guid), primary_id="marketoGUID")
    assert 'custom_object("event_c", dedupe="marketoGUID")' in generate_source("event", nothing, EVENTS)


def test_the_standard_objects_are_known_by_name(tmp_path: Path) -> None:
    from marketo_dynamics_sync.entities import Account

    source = generate_source("account", described_object(Account), described_table(Account))
    assert "marketo=company()" in source
    entity = bound(source, described_object(Account), described_table(Account), tmp_path)
    assert {"account_id", "name", "owner"} <= set(entity.fields)
    assert "owner: Ref[User] | None" in source


def test_a_pair_whose_types_do_not_agree_is_explained() -> None:
    described = ObjectInfo("event_c", columns(FieldInfo("price", "boolean"), FieldInfo("eventId", "string")))
    source = generate_source("event", described, EVENTS)
    told = comments(source)
    assert "marketo field 'price' is of type 'boolean'" in told
    assert re.search(r"no one field of event_c in Marketo looks like it: [^:]*new_seats \(Integer\)", told)
    assert "no annotation carries a column of type 'Image': new_photo (Image)" in told
    assert "not readable for the sync user: new_secret (String)" in told
    assert unmapped(source) == set(EVENTS.fields) - {"new_eventid"}


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("lead", "CustomLead"),
        ("choice", "CustomChoice"),
        ("none", "None_"),
        ("", "Own"),
        ("1 a", "Own1A"),
        ("🔥", "Own"),
    ],
)
def test_classes_never_hide_what_they_need(name: str, cls: str, tmp_path: Path) -> None:
    source = generate_source(name, None, EVENTS)
    assert entity_of(loaded(source, tmp_path)).__name__ == cls


labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(labels, min_size=1, max_size=6))
@settings(max_examples=40)
def test_any_labels_make_an_enumeration_that_carries_them(texts: list[str]) -> None:
    options = tuple(Option(number, text) for number, text in enumerate(texts))
    table = evolve(
        EVENTS,
        fields=columns(
            FieldInfo("new_eventid", "Uniqueidentifier"), FieldInfo("new_tier", "Picklist", options=options)
        ),
    )
    described = ObjectInfo("event_c", columns(FieldInfo("eventId", "string"), FieldInfo("tier", "string")))
    name = f"generated_{next(_numbers)}"
    module = sys.modules[name] = ModuleType(name)
    source = generate_source("event", described, table)
    assert ast.parse(source)
    exec(source, vars(module))
    codec = bind(entity_of(module).__entity__, described, table).fields["tier"].codec
    for option in options:
        member = codec.from_dynamics(option.value)
        assert codec.from_marketo(codec.to_marketo(member)) is member


@needs_ruff
@given(labels)
@settings(max_examples=15)
def test_any_label_is_formatted(text: str) -> None:
    options = (Option(1, text), Option(2, "other"))
    table = evolve(EVENTS, fields=columns(FieldInfo("new_tier", "Picklist", options=options)))
    source = generate_source("event", None, table)
    assert formatted(source) == source


@given(st.text(max_size=40), st.booleans())
def test_identifiers_are_what_python_reads(text: str, upper: bool) -> None:
    name = identifier(text, otherwise="own", upper=upper)
    assert name.isidentifier()
    assert unicodedata.normalize("NFKC", name) == name
    assert class_name(text).isidentifier()
    assert not keyword.iskeyword(class_name(text))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_literals_say_their_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text


@pytest.fixture(autouse=True)
def no_modules_left() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("generated_")]:
        del sys.modules[name]
