"""A mapping against what both services say they have."""

from __future__ import annotations

from enum import Enum

import pytest
from attrs import evolve

from marketo_dynamics_sync.entities import (
    JSON,
    BoundEntity,
    Direction,
    Entity,
    FieldInfo,
    Lead,
    LeftOut,
    Money,
    ObjectInfo,
    Option,
    Ref,
    Side,
    bind,
    entity,
    mapped,
    person,
    without,
)
from marketo_dynamics_sync.entities.codecs import BooleanCodec, EnumCodec, TextCodec
from marketo_dynamics_sync.errors import FieldMissingError, FieldUnreadableError, MappingError
from marketo_dynamics_sync.testing import described_person, described_table

from ..bound import bound


class Tier(Enum):
    GOLD = 1


class Custom(Lead):
    tier: Tier | None = mapped(marketo="slaTier", dynamics="new_slatier")


@entity(name="thing", marketo=person(), dynamics="new_things")
class Thing(Entity):
    """One field of each kind of wish."""

    must: str | None = mapped(marketo="must", dynamics="new_must")
    may: str | None = mapped(marketo="may", dynamics="new_may", optional=True)


def described(
    cls: type[Entity] = Thing,
    *,
    marketo: dict[str, object] | None = None,
    dynamics: dict[str, object] | None = None,
    field: str = "may",
) -> BoundEntity:
    """Bind a class after one of its fields was described differently; ``None`` for a member takes the field away."""
    ours, theirs = described_person(cls), described_table(cls)
    item = cls.__entity__.fields[field]
    return bind(
        cls.__entity__, _changed(ours, item.marketo or "", marketo), _changed(theirs, item.dynamics or "", dynamics)
    )


def _changed(info: ObjectInfo, name: str, change: dict[str, object] | None) -> ObjectInfo:
    fields = dict(info.fields)
    if change == {}:
        del fields[name]
    elif change is not None:
        fields[name] = evolve(fields[name], **change)
    return evolve(info, fields=fields)


GONE: dict[str, object] = {}
UNREAD: dict[str, object] = {"readable": False}
FIXED: dict[str, object] = {"updatable": False}


def test_an_entity_that_both_sides_have_all_fields_of_is_bound_whole() -> None:
    lead = bound(Lead)
    assert lead.left_out == ()
    assert set(lead.fields) | {"is_deleted"} == set(Lead.__entity__.fields)
    assert lead.name == "lead"
    assert lead.key is lead.fields["crm_id"]
    assert (lead.marketo.name, lead.dynamics.name) == ("person", "lead")


def test_a_field_of_the_default_mapping_that_marketo_lacks_is_left_out_and_said() -> None:
    lead = bound(Lead, without=("microsoftTopic",))
    assert "topic" not in lead.fields
    assert lead.left_out == (
        LeftOut("lead", "topic", Side.MARKETO, "microsoftTopic", "marketo 'person' has no field 'microsoftTopic'"),
    )


def test_a_field_of_the_default_mapping_that_dynamics_lacks_is_left_out_and_said() -> None:
    lead = bound(Lead, without=("fax", "mkt_urgency"))
    assert [(gap.field, gap.side, gap.reason) for gap in lead.left_out] == [
        ("fax", Side.MARKETO, "marketo 'person' has no field 'fax'"),
        ("urgency", Side.DYNAMICS, "dynamics 'lead' has no field 'mkt_urgency'"),
    ]


def test_a_marketo_with_standard_fields_only_binds_without_key_and_flag() -> None:
    own = tuple(f.marketo for f in Lead.__entity__.fields.values() if f.marketo and f.marketo.startswith("microsoft"))
    lead = bound(Lead, without=(*own, "dynamicsId"))
    assert lead.key is None
    assert lead.deleted_flag is None
    assert {"crm_id", "is_deleted", "created_on", "topic"} <= {gap.field for gap in lead.left_out}
    assert "email" in lead.fields


@pytest.mark.parametrize(("gone", "place"), [("slaTier", "marketo 'person'"), ("new_slatier", "dynamics 'lead'")])
def test_a_field_of_the_users_own_class_that_is_missing_is_an_error(gone: str, place: str) -> None:
    with pytest.raises(FieldMissingError, match=rf"Custom\.tier is mapped to '{gone}', which {place} doesn't have"):
        bound(Custom, without=(gone,))


def test_a_field_that_was_selected_and_is_missing_is_an_error() -> None:
    picked = Lead.select("email", "is_deleted")
    assert [*bound(picked).fields] == ["crm_id", "email"]
    with pytest.raises(FieldMissingError, match=r"Lead\.email is mapped to 'emailaddress1'"):
        bound(picked, without=("emailaddress1",))
    with pytest.raises(FieldMissingError, match=r"Lead\.is_deleted is mapped to 'microsoftIsDeleted'"):
        bound(picked, without=("microsoftIsDeleted",))
    assert bound(picked, without=("dynamicsId",)).left_out[0].field == "crm_id", "the key was not named"


@pytest.mark.parametrize(
    ("change", "place"),
    [({"marketo": UNREAD}, "'{}' of marketo 'person'"), ({"dynamics": UNREAD}, "'new_{}' of dynamics 'new_thing'")],
)
def test_what_the_sync_user_cant_read_is_left_out_or_an_error(change: dict[str, dict[str, object]], place: str) -> None:
    thing = described(**change)  # type: ignore[arg-type]  # one of two sides
    assert [gap.reason for gap in thing.left_out] == [f"the sync user can't read {place.format('may')}"]
    assert [*thing.fields] == ["must"]
    with pytest.raises(FieldUnreadableError, match=rf"Thing\.must: the sync user can't read {place.format('must')}"):
        described(**change, field="must")  # type: ignore[arg-type]  # one of two sides


def test_a_side_that_cant_be_written_makes_a_field_one_way() -> None:
    for field in ("may", "must"):
        to_marketo = described(dynamics=FIXED, field=field).fields[field]
        assert (to_marketo.direction, to_marketo.to_dynamics) == (Direction.TO_MARKETO, False)
        assert to_marketo.writable(Side.MARKETO)
        assert not to_marketo.writable(Side.DYNAMICS)
        to_dynamics = described(marketo=FIXED, field=field).fields[field]
        assert (to_dynamics.direction, to_dynamics.to_marketo) == (Direction.TO_DYNAMICS, False)
    assert described().fields["may"].direction is Direction.TWO_WAY


def test_a_field_that_nothing_can_flow_through_is_left_out_or_an_error() -> None:
    thing = described(marketo=FIXED, dynamics=FIXED)
    assert [gap.reason for gap in thing.left_out] == ["marketo doesn't let 'may' be written"]
    with pytest.raises(
        MappingError, match=r"Thing\.must: marketo doesn't let 'must' be written, so nothing would flow"
    ):
        described(marketo=FIXED, dynamics=FIXED, field="must")
    lead = described(Lead, dynamics=FIXED, field="urgency")
    assert [(gap.field, gap.side, gap.reason) for gap in lead.left_out] == [
        ("urgency", Side.DYNAMICS, "dynamics doesn't let 'mkt_urgency' be written")
    ]


def test_a_read_only_field_is_read_and_never_written() -> None:
    class Watched(Thing):
        seen: str | None = mapped(marketo="seen", dynamics="new_seen", read_only=True)

    seen = bound(Watched).fields["seen"]
    assert seen.direction is None
    assert not seen.writable(Side.MARKETO)
    assert not seen.writable(Side.DYNAMICS)
    assert described(Watched, marketo=FIXED, dynamics=FIXED, field="seen").left_out == ()


def test_a_field_flows_where_it_was_told_to() -> None:
    fields = bound(Lead).fields
    assert fields["created_on"].direction is Direction.TO_MARKETO
    assert fields["urgency"].direction is Direction.TO_DYNAMICS
    assert fields["email"].direction is Direction.TWO_WAY
    assert fields["crm_id"].direction is Direction.TO_MARKETO
    assert fields["do_not_call"].opt_out
    assert not fields["email"].opt_out


def test_the_key_is_written_where_marketo_lets_it_be_given_once() -> None:
    lead = described(Lead, marketo=FIXED, field="crm_id")
    assert lead.key is not None
    assert lead.key.to_marketo


def test_a_field_with_one_end_is_not_passed_over_in_silence() -> None:
    class Lonely(Thing):
        here: str | None = mapped(marketo="here")
        there: str | None = mapped(dynamics="new_there")

    assert bound(Lonely).left_out == (
        LeftOut("thing", "here", Side.DYNAMICS, "", "it is not mapped to any field of dynamics 'new_thing'"),
        LeftOut("thing", "there", Side.MARKETO, "", "it is not mapped to any field of marketo 'person'"),
    )


def test_the_flag_for_deleted_rows_is_apart_from_the_fields() -> None:
    lead = bound(Lead)
    assert lead.deleted_flag is not None
    assert (lead.deleted_flag.marketo, lead.deleted_flag.dynamics) == ("microsoftIsDeleted", "")
    assert lead.deleted_flag.direction is Direction.TO_MARKETO
    assert "is_deleted" not in lead.fields
    assert "microsoftIsDeleted" not in lead.marketo_names


def test_a_flag_that_a_native_sync_owns_is_left_out_and_said() -> None:
    lead = described(Lead, marketo=FIXED, field="is_deleted")
    assert lead.deleted_flag is None
    assert [gap.reason for gap in lead.left_out] == ["marketo doesn't let 'microsoftIsDeleted' be written"]


def test_a_flag_of_another_type_is_an_error() -> None:
    with pytest.raises(MappingError, match=r"Lead\.is_deleted: marketo field 'microsoftIsDeleted' is of type 'string'"):
        described(Lead, marketo={"type": "string"}, field="is_deleted")


def test_a_field_called_is_deleted_that_dynamics_has_too_is_a_field_like_others() -> None:
    class Flagged(Thing):
        is_deleted: bool | None = mapped(marketo="gone", dynamics="new_gone")

    thing = bound(Flagged)
    assert thing.deleted_flag is None
    assert "is_deleted" in thing.fields


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"marketo": {"type": "integer"}}, "marketo field 'must' is of type 'integer'; a text can't be kept there"),
        ({"dynamics": {"type": "Picklist"}}, "dynamics field 'new_must' is of type 'Picklist'; a text can't be kept"),
    ],
)
def test_a_type_that_doesnt_fit_is_an_error(change: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(MappingError, match=rf"^Thing\.must: {message}"):
        described(**change, field="must")  # type: ignore[arg-type]  # one of two sides


def test_codecs_learn_what_both_sides_say() -> None:
    lead = described(Lead, marketo={"max_length": 7}, dynamics={"max_length": 9}, field="job_title")
    assert lead.fields["job_title"].codec == TextCodec(marketo_length=7, dynamics_length=9)
    assert lead.fields["source"].codec.to_marketo(8) == "Web"

    custom = bind(
        Custom.__entity__,
        described_person(Custom),
        _changed(described_table(Custom), "new_slatier", {"type": "Picklist", "options": (Option(1, "Au"),)}),
    )
    codec = custom.fields["tier"].codec
    assert isinstance(codec, EnumCodec)
    assert codec.from_marketo("au") is Tier.GOLD


def test_names_to_ask_each_side_for() -> None:
    class Owned(Thing):
        owner: Ref[object] | None = mapped(marketo="owner", dynamics="ownerid", direction=Direction.TO_MARKETO)
        amount: Money | None = mapped(marketo="amount", dynamics="new_amount")

    table = described_table(Owned)
    fields = dict(table.fields) | {"ownerid": FieldInfo("ownerid", "Owner", targets=("systemuser", "team"))}
    owned = bind(Owned.__entity__, described_person(Owned), evolve(table, fields=fields))
    assert owned.marketo_names == ("amount", "may", "must", "owner")
    assert owned.dynamics_names == ("_ownerid_value", "new_amount", "new_may", "new_must")


def test_fields_can_be_set_aside() -> None:
    thing = without(bound(Thing), ["may", "unknown"])
    assert [*thing.fields] == ["must"]
    assert thing.marketo_names == ("must",)
    assert thing.fingerprint != bound(Thing).fingerprint


def test_the_fingerprint_changes_with_what_the_base_depends_on_and_with_nothing_else() -> None:
    class Other(Thing):
        may: int | None = mapped(marketo="may", dynamics="new_may", optional=True)

    class Moved(Thing):
        may: str | None = mapped(marketo="may", dynamics="new_moved", optional=True)

    class Same(Thing):
        pass

    class Reader(Thing):
        may: str | None = mapped(marketo="may", dynamics="new_may", optional=True, read_only=True)

    first = bound(Thing).fingerprint
    assert bound(Same).fingerprint == first
    assert described(marketo={"max_length": 3}).fingerprint == first
    others = [bound(Other), bound(Moved), bound(Reader), described(dynamics=FIXED), described(marketo=GONE)]
    assert len({first, *(other.fingerprint for other in others)}) == 6


class PickyCodec(BooleanCodec):
    """Takes nothing that is empty."""

    def from_dynamics(self, raw: JSON) -> bool | None:
        """Return yes or no, and raise for nothing."""
        if raw is None:
            raise KeyError("nothing")
        return raw is True


def test_columns_that_are_empty_and_read_as_a_value_are_known() -> None:
    class Flagged(Lead):
        picky: bool | None = mapped(marketo="picky", dynamics="new_picky", codec=PickyCodec())

    bound = bind(Flagged.__entity__, described_person(Flagged), described_table(Flagged))
    assert bound.empty({"donotemail": True, "donotphone": False, "donotfax": None}) == {
        "unsubscribed",
        "do_not_fax",
        "do_not_send_material",
    }


def test_labels_in_another_language_are_another_mapping() -> None:
    person, table = described_person(Lead), described_table(Lead)
    plain, german, french = (
        bind(Lead.__entity__, person, evolve(table, language=code)).fingerprint for code in (None, 1031, 1036)
    )
    assert bind(Lead.__entity__, person, table).fingerprint == plain
    assert len({plain, german, french}) == 3
