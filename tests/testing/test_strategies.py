"""The strategies give what both services can hold, and say so where they can't know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from hypothesis import find as smallest
from hypothesis import strategies as st

from marketo_dynamics_sync.conflict import DynamicsWins, merge_record
from marketo_dynamics_sync.entities import (
    JSON,
    BoundEntity,
    Choice,
    Choices,
    Codec,
    Contact,
    Direction,
    Email,
    Entity,
    FieldInfo,
    Guid,
    Lead,
    Money,
    ObjectInfo,
    Option,
    Phone,
    Record,
    Ref,
    Side,
    Url,
    bind,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.entities.codecs import TextCodec
from marketo_dynamics_sync.errors import ConfigurationError
from marketo_dynamics_sync.state import Link
from marketo_dynamics_sync.testing import edits, links, records, values_of

from ..bound import CONTACT, LEAD


def find(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], object]) -> Any:
    """Return something that a strategy gives, as soon as it is found."""
    return smallest(
        strategy, lambda given: bool(wanted(given)), settings=settings(phases=[Phase.generate], max_examples=3000)
    )


class Tier(Enum):
    GOLD = 100000000
    SILVER = 100000001


@entity(name="sample", marketo=person(), dynamics="samples")
class Sample(Entity):
    """A field of every type."""

    crm_id: Guid | None = mapped(marketo="crmId", dynamics="sampleid", key=True)
    name: str | None = mapped(marketo="name", dynamics="name")
    email: Email | None = mapped(marketo="email", dynamics="email")
    phone: Phone | None = mapped(marketo="phone", dynamics="phone")
    site: Url | None = mapped(marketo="site", dynamics="site")
    flag: bool | None = mapped(marketo="flag", dynamics="flag")
    count: int | None = mapped(marketo="count", dynamics="count")
    ratio: float | None = mapped(marketo="ratio", dynamics="ratio")
    exact: Decimal | None = mapped(marketo="exact", dynamics="exact")
    revenue: Money | None = mapped(marketo="revenue", dynamics="revenue")
    born: date | None = mapped(marketo="born", dynamics="born")
    met: datetime | None = mapped(marketo="met", dynamics="met")
    due: datetime | None = mapped(marketo="due", dynamics="due")
    source: Choice | None = mapped(marketo="source", dynamics="source")
    topics: Choices | None = mapped(marketo="topics", dynamics="topics")
    tier: Tier | None = mapped(marketo="tier", dynamics="tier")
    owner: Ref[object] | None = mapped(marketo="owner", dynamics="owner", direction=Direction.TO_MARKETO)
    score: int | None = mapped(marketo="score", dynamics="score", direction=Direction.TO_DYNAMICS)
    note: str | None = mapped(marketo="note", dynamics="note", read_only=True)
    marketo_only: str | None = mapped(marketo="marketoOnly")
    dynamics_only: str | None = mapped(dynamics="dynamicsonly")


OPTIONS = (Option(1, "One"), Option(7, "Sieben Äpfel"), Option(30, "Thirty"))
COLUMNS = {
    "sampleid": FieldInfo("sampleid", "Uniqueidentifier", updatable=False),
    "name": FieldInfo("name", "String", max_length=7),
    "email": FieldInfo("email", "String", max_length=12),
    "phone": FieldInfo("phone", "String", max_length=5),
    "site": FieldInfo("site", "String", max_length=16),
    "flag": FieldInfo("flag", "Boolean"),
    "count": FieldInfo("count", "Integer", minimum=-2.5, maximum=9),
    "ratio": FieldInfo("ratio", "Double", precision=2),
    "exact": FieldInfo("exact", "Decimal", precision=1, minimum=0.3, maximum=2),
    "revenue": FieldInfo("revenue", "Money", precision=2, minimum=-922337203685477, maximum=922337203685477),
    "born": FieldInfo("born", "DateTime", behavior="DateOnly"),
    "met": FieldInfo("met", "DateTime", behavior="UserLocal"),
    "due": FieldInfo("due", "DateTime", behavior="DateOnly"),
    "source": FieldInfo("source", "Picklist", options=OPTIONS),
    "topics": FieldInfo("topics", "MultiSelectPicklist", options=OPTIONS),
    "tier": FieldInfo("tier", "Picklist"),
    "owner": FieldInfo("owner", "Owner", targets=("systemuser", "team")),
    "score": FieldInfo("score", "Integer"),
    "note": FieldInfo("note", "String"),
}
TYPES = {
    "flag": "boolean",
    "count": "integer",
    "ratio": "float",
    "exact": "float",
    "revenue": "currency",
    "born": "date",
    "met": "datetime",
    "due": "datetime",
    "score": "integer",
}
BOUND = bind(
    Sample.__entity__,
    ObjectInfo(
        "person",
        {
            f.marketo: FieldInfo(f.marketo, TYPES.get(f.marketo, "string"), max_length=40)
            for f in Sample.__entity__.fields.values()
            if f.marketo is not None
        },
    ),
    ObjectInfo("sample", COLUMNS, entity_set="samples", primary_id="sampleid"),
)


def assert_held_by_both(bound: BoundEntity, values: dict[str, object]) -> None:
    """Make sure that each side takes the values and gives them back."""
    for side in Side:
        assert {name: bound.fields[name].problem(side, value) for name, value in values.items()} == dict.fromkeys(
            values
        )
    read = bound.decode_marketo(bound.encode_marketo(values))
    assert {name: read[name] for name in values if name != "owner"} == {n: v for n, v in values.items() if n != "owner"}
    for name, value in values.items():
        # Lookups are read and written under names of their own.
        if not isinstance(value, Ref):
            row = bound.fields[name].codec.write_row(name, value)
            assert bound.fields[name].codec.read_row(row, name) == value
    assert bound.load(bound.dump(values)) == values


@pytest.mark.parametrize("bound", [BOUND, LEAD, CONTACT], ids=["sample", "lead", "contact"])
@given(data=st.data())
@settings(max_examples=30)
def test_values_of_a_bound_entity_are_held_by_both_sides(bound: BoundEntity, data: st.DataObject) -> None:
    values = data.draw(values_of(bound))
    assert values.keys() == bound.fields.keys()
    assert_held_by_both(bound, values)


@pytest.mark.parametrize("cls", [Sample, Lead, Contact])
@given(data=st.data())
@settings(max_examples=30)
def test_values_of_a_class_are_held_by_its_codecs(cls: type[Entity], data: st.DataObject) -> None:
    """As long as nobody says how long a text may be and which options there are."""
    values = data.draw(values_of(cls))
    fields = {name: f for name, f in cls.__entity__.fields.items() if f.marketo and f.dynamics}
    assert values.keys() == fields.keys()
    for name, value in values.items():
        codec = fields[name].codec
        assert codec.from_marketo(codec.to_marketo(value)) == value
        assert codec.load(codec.dump(value)) == value
    assert cls.from_values(values).to_values().items() >= values.items()


@pytest.mark.parametrize("name", [name for name in BOUND.fields if name != "flag"])
def test_every_field_but_a_boolean_may_be_empty_and_may_be_not(name: str) -> None:
    assert find(values_of(BOUND), lambda values: values[name] is None)[name] is None
    assert find(values_of(BOUND), lambda values: values[name] is not None)[name] is not None


def test_booleans_are_never_empty() -> None:
    assert find(values_of(BOUND), lambda values: values["flag"] is True)["flag"] is True
    assert find(values_of(BOUND), lambda values: values["flag"] is not True)["flag"] is False


def test_limits_are_reached() -> None:
    for name, edge in (("count", -2), ("count", 9), ("exact", Decimal("0.3")), ("exact", Decimal(2))):
        assert find(values_of(BOUND), lambda values, name=name, edge=edge: values[name] == edge)
    assert find(values_of(BOUND), lambda values: len(str(values["name"] or "")) == 7)
    assert find(values_of(BOUND), lambda values: values["topics"] == frozenset({1, 7, 30}))
    for table in ("systemuser", "team"):
        found = find(
            values_of(BOUND),
            lambda values, table=table: isinstance(values["owner"], Ref) and values["owner"].table == table,
        )
        assert found["owner"].table == table


class ShoutCodec(TextCodec):
    """A codec of a user's own, with examples that only it knows."""

    samples = ("LOUD", "LOUDER")


class SilentCodec(Codec[str]):
    """A codec of a user's own that says nothing of its values."""

    def from_marketo(self, raw: JSON) -> str | None:
        return None if raw is None else str(raw)


class OwnLead(Lead):
    shout: Annotated[str, ShoutCodec()] | None = mapped(marketo="shout", dynamics="new_shout")


class SilentLead(Lead):
    code: str | None = mapped(marketo="code", dynamics="new_code", codec=SilentCodec())


@given(values_of(OwnLead))
def test_a_codec_of_the_users_own_gives_its_examples(values: dict[str, object]) -> None:
    assert values["shout"] in (None, "LOUD", "LOUDER")


@pytest.mark.parametrize("strategy", [values_of, edits, records, links])
def test_a_codec_without_examples_needs_a_strategy(strategy: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"lead\.code: .*SilentCodec.*examples\(\), or pass own=\{'code'"):
        strategy(SilentLead)
    assert find(strategy(SilentLead, own={"code": st.just("A-1")}), bool)


@given(values_of(Lead, own={"email": st.just("ada@example.com")}))
def test_own_strategies_take_the_place_of_ours(values: dict[str, object]) -> None:
    assert values["email"] == "ada@example.com"


def test_own_strategies_for_no_field_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="lead has no field is_deleted, nmae on both sides"):
        values_of(Lead, own={"nmae": st.none(), "is_deleted": st.none()})


@pytest.mark.parametrize("like", [Sample, BOUND], ids=["class", "bound"])
@given(data=st.data())
@settings(max_examples=30)
def test_edits_change_what_people_can_change(like: Any, data: st.DataObject) -> None:
    edit = data.draw(edits(like))
    assert edit
    assert not {"crm_id", "note"} & edit.keys()
    assert_held_by_both(BOUND, {}) if like is Sample else assert_held_by_both(BOUND, edit)


@pytest.mark.parametrize("like", [Sample, BOUND], ids=["class", "bound"])
@pytest.mark.parametrize(("side", "there", "missing"), [("marketo", "score", "owner"), ("dynamics", "owner", "score")])
def test_edits_of_a_side_flow_from_it(like: Any, side: str, there: str, missing: str) -> None:
    strategy = edits(like, side=Side(side))
    assert find(strategy, lambda edit: there in edit)
    assert find(strategy, lambda edit: "name" in edit)
    assert find(strategy, lambda edit: len(edit) > 3)
    never: set[str] = set()

    @given(strategy)
    @settings(max_examples=30)
    def look(edit: dict[str, object]) -> None:
        never.update(edit)

    look()
    assert missing not in never


def test_an_entity_that_nobody_can_edit_is_refused() -> None:
    only = Sample.select("score")
    assert find(edits(only, side=Side.MARKETO), bool).keys() == {"score"}
    with pytest.raises(ConfigurationError, match="no field of sample can be changed in Dynamics"):
        edits(only, side=Side.DYNAMICS)
    with pytest.raises(ConfigurationError, match="no field of sample can be changed; give"):
        edits(Sample.select("note"))


@given(values_of(LEAD), edits(LEAD, side=Side.MARKETO), edits(LEAD, side=Side.DYNAMICS))
def test_they_fit_together_in_a_test_of_a_policy(
    base: dict[str, object], in_marketo: dict[str, object], in_dynamics: dict[str, object]
) -> None:
    """As a user would test one: after a merge both sides hold the same in every field that both may change."""
    merged = merge_record(
        LEAD.fields.values(),
        entity="lead",
        marketo=base | in_marketo,
        dynamics=base | in_dynamics,
        base_marketo=base,
        base_dynamics=base,
        policy=DynamicsWins(),
    )
    after_marketo = base | in_marketo | dict(merged.to_marketo)
    after_dynamics = base | in_dynamics | dict(merged.to_dynamics)
    for name, field in LEAD.fields.items():
        if field.direction is Direction.TWO_WAY:
            left, right = after_marketo[name], after_dynamics[name]
            assert left == right or {left, right} <= {None, False}


@given(records(LEAD))
def test_rows_have_a_guid_an_etag_and_their_id_in_the_key_field(record: Record) -> None:
    assert len(record.id) == 36
    assert record.values["crm_id"] == record.id
    assert record.version is not None
    assert record.version.startswith('W/"')
    assert record.modified_at is None or record.modified_at.tzinfo is not None
    assert record.values.keys() == LEAD.fields.keys()


@given(records(Contact, side=Side.MARKETO))
def test_persons_have_a_number_and_no_version(record: Record) -> None:
    assert int(record.id) > 0
    assert record.version is None


@entity(name="keyless", marketo=person(), dynamics="keyless")
class Keyless(Entity):
    """An entity without a field for the row id."""

    name: str | None = mapped(marketo="name", dynamics="name")


@given(records(Keyless))
def test_an_entity_without_a_key_field_has_records_too(record: Record) -> None:
    assert record.values.keys() == {"name"}


@pytest.mark.parametrize("like", [Sample, BOUND, LEAD])
@given(data=st.data())
@settings(max_examples=30)
def test_links_of_an_entity_hold_its_stored_values(like: Any, data: st.DataObject) -> None:
    link = data.draw(links(like))
    bound = LEAD if like is LEAD else BOUND
    assert link.entity == bound.name
    assert link.base.keys() == bound.fields.keys()
    assert_held_by_both(BOUND, bound.load(link.base)) if like is BOUND else bound.load(link.base)
    assert link.dynamics_base.items() <= link.base.items()
    assert link.unconfirmed <= link.base.keys()


@given(links(), links("seat"))
def test_links_of_a_name_hold_any_json(lead: Link, seat: Link) -> None:
    assert (lead.entity, seat.entity) == ("lead", "seat")
    assert evolve(lead, base={}, dynamics_base={}).base == {}
