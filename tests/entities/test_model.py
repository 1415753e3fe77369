"""Entity classes as users write them: the code of the tutorial, subclasses, selections, codecs of their own."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

import pytest

from marketo_dynamics_sync.entities import (
    UNREADABLE,
    Codec,
    Contact,
    Direction,
    Email,
    Entity,
    Invalid,
    Lead,
    Ref,
    Side,
    custom_object,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.entities.codecs import EnumCodec, LookupCodec, PhoneCodec, TextCodec
from marketo_dynamics_sync.entities.values import JSON
from marketo_dynamics_sync.errors import MappingError


class Tier(Enum):
    GOLD = 100_000_000
    SILVER = 100_000_001


@entity(
    name="event",
    marketo=custom_object("event_c", dedupe="eventId"),
    dynamics="new_events",
    direction=Direction.TO_MARKETO,
)
class Event(Entity):
    event_id: str = mapped(marketo="eventId", dynamics="new_eventid", key=True)
    name: str = mapped(marketo="eventName", dynamics="new_name")
    attendee: Ref[Contact] | None = mapped(marketo="personId", dynamics="new_contactid")


class PremiumLead(Lead):
    tier: Tier | None = mapped(marketo="slaTier", dynamics="new_slatier")


class Minutes(Codec[timedelta]):
    """A whole number of minutes on both sides."""

    samples = (timedelta(minutes=90),)

    def from_marketo(self, raw: JSON) -> timedelta | None:
        return timedelta(minutes=raw) if isinstance(raw, int) else None

    def to_marketo(self, value: timedelta | None) -> JSON:
        return None if value is None else int(value.total_seconds() // 60)

    def from_dynamics(self, raw: JSON) -> timedelta | None:
        return self.from_marketo(raw)

    def to_dynamics(self, value: timedelta | None) -> JSON:
        return self.to_marketo(value)

    def dump(self, value: timedelta | None) -> JSON:
        return self.to_marketo(value)

    def load(self, raw: JSON) -> timedelta | None:
        return self.from_marketo(raw)


def test_the_event_of_the_design_is_an_entity() -> None:
    definition = Event.__entity__
    assert (definition.name, definition.dynamics, definition.direction) == (
        "event",
        "new_events",
        Direction.TO_MARKETO,
    )
    assert (definition.marketo.name, definition.marketo.dedupe) == ("event_c", ("eventId",))
    assert not definition.marketo.is_person
    assert definition.key is definition.fields["event_id"]
    assert isinstance(definition.fields["attendee"].codec, LookupCodec)
    assert {f.direction for f in definition.fields.values()} == {Direction.TO_MARKETO}
    assert Event(event_id="1", name="Fair").attendee is None


def test_a_built_in_entity_takes_a_custom_field() -> None:
    assert PremiumLead(tier=Tier.GOLD, first_name="Ada").tier is Tier.GOLD
    definition = PremiumLead.__entity__
    assert definition.name == "lead", "it takes the place of its parent"
    assert definition.cls is PremiumLead
    assert definition.fields["tier"].codec == EnumCodec(Tier)
    assert not definition.fields["tier"].optional
    assert [*definition.fields][:-1] == [*Lead.__entity__.fields]
    assert "tier" not in Lead.__entity__.fields


def test_a_field_of_a_parent_can_be_mapped_elsewhere() -> None:
    class Elsewhere(Lead):
        email: Email | None = mapped(marketo="email", dynamics="emailaddress2", direction=Direction.TO_DYNAMICS)

    assert Elsewhere.__entity__.fields["email"].dynamics == "emailaddress2"
    assert Elsewhere.__entity__.fields["email"].direction is Direction.TO_DYNAMICS
    assert Lead.__entity__.fields["email"].dynamics == "emailaddress1"


def test_a_field_takes_its_direction_from_its_entity_and_its_key_flows_to_marketo() -> None:
    @entity(name="moment", marketo=person(), dynamics="new_moments", direction=Direction.TO_DYNAMICS)
    class Moment(Entity):
        moment: str | None = mapped(marketo="momentId", dynamics="new_momentid", key=True)
        text: str | None = mapped(marketo="text", dynamics="new_text")

    assert Moment.__entity__.fields["moment"].direction is Direction.TO_MARKETO
    assert Moment.__entity__.fields["text"].direction is Direction.TO_DYNAMICS
    assert Moment.__entity__.marketo.is_person


def test_a_field_takes_a_codec_of_ones_own_beside_it_or_in_its_annotation() -> None:
    class Called(Lead):
        length: timedelta | None = mapped(marketo="callLength", dynamics="new_length", codec=Minutes())
        badge: str | None = mapped(marketo="badge", dynamics="new_badge", codec=PhoneCodec())

    assert isinstance(Called.__entity__.fields["length"].codec, Minutes)
    assert isinstance(Called.__entity__.fields["badge"].codec, PhoneCodec)


def test_one_way_read_only_optional_and_opt_out_are_told_on() -> None:
    class Told(Lead):
        one: str | None = mapped(marketo="one", dynamics="new_one", direction=Direction.TO_MARKETO, optional=True)
        two: str | None = mapped(marketo="two", dynamics="new_two", read_only=True)
        no_post: bool | None = mapped(marketo="noPost", dynamics="donotpostalmail", opt_out=True)

    fields = Told.__entity__.fields
    assert (fields["one"].direction, fields["one"].optional, fields["one"].read_only) == (
        Direction.TO_MARKETO,
        True,
        False,
    )
    assert (fields["two"].read_only, fields["two"].optional) == (True, False)
    assert fields["no_post"].opt_out


def test_a_default_is_the_value_of_an_object_made_without_it() -> None:
    class Regional(Lead):
        region: str | None = mapped(marketo="region", dynamics="new_region", default="North")

    assert Regional().region == "North"
    assert Regional(region="South") != Regional()
    assert Regional() == Regional()


def test_a_base_class_without_mapping_is_no_entity_yet() -> None:
    class Named(Entity):
        name: str | None = mapped(marketo="name", dynamics="new_name")

    assert not hasattr(Named, "__entity__")

    @entity(name="desk", marketo=person(), dynamics="new_desks")
    class Desk(Named):
        number: int | None = mapped(marketo="number", dynamics="new_number")

    assert [*Desk.__entity__.fields] == ["name", "number"]
    assert Desk.__entity__.key is None


def test_a_class_that_was_refused_is_not_half_an_entity() -> None:
    class Half(Entity):
        blob: bytes | None = mapped(marketo="blob", dynamics="new_blob")

    with pytest.raises(MappingError):
        entity(name="half", marketo=person(), dynamics="halves")(Half)
    assert not hasattr(Half, "__entity__")
    assert Half._options is None


def test_a_selection_has_the_named_fields_and_the_key_and_wants_them() -> None:
    picked = Lead.select("email", "first_name")
    assert [*picked.__entity__.fields] == ["crm_id", "first_name", "email"]
    assert not picked.__entity__.fields["email"].optional
    assert picked.__entity__.fields["crm_id"].optional, "nobody named it"
    assert picked.__entity__.cls is picked
    assert (picked.__name__, picked.__qualname__, picked.__doc__) == ("Lead", "Lead", Lead.__doc__)
    assert [*Lead.__entity__.fields] == [*Lead.select(*Lead.__entity__.fields).__entity__.fields]


def test_a_selection_can_be_narrowed_and_extended() -> None:
    assert [*Lead.select("email", "fax").select("fax").__entity__.fields] == ["crm_id", "fax"]
    with pytest.raises(MappingError, match="Lead has no field 'email'"):
        Lead.select("fax").select("email")

    class Small(Lead.select("email")):  # type: ignore[misc]  # a class made on the spot
        region: str | None = mapped(marketo="region", dynamics="new_region")

    assert [*Small.__entity__.fields] == ["crm_id", "email", "region"]
    assert not Small.__entity__.fields["email"].optional

    class Again(Small):
        phone: str | None = mapped(marketo="phone", dynamics="telephone3")

    class Last(Again):
        pass

    assert [*Last.__entity__.fields] == ["crm_id", "email", "region", "phone"]
    assert isinstance(Last.__entity__.fields["phone"].codec, TextCodec)


def test_a_selection_keeps_what_marketo_tells_records_apart_by() -> None:
    @entity(
        name="seat",
        marketo=custom_object("seat_c", dedupe=("hall", "row")),
        dynamics="new_seats",
        direction=Direction.TO_MARKETO,
    )
    class Seat(Entity):
        hall: str | None = mapped(marketo="hall", dynamics="new_hall")
        row: str | None = mapped(marketo="row", dynamics="new_row")
        price: int | None = mapped(marketo="price", dynamics="new_price")
        colour: str | None = mapped(marketo="colour", dynamics="new_colour")

    assert [*Seat.select("price").__entity__.fields] == ["hall", "row", "price"]


def test_a_selection_of_something_unknown_is_refused_by_name() -> None:
    with pytest.raises(MappingError, match="PremiumLead has no field 'a', 'b'"):
        PremiumLead.select("b", "tier", "a")


def test_an_object_holds_the_values_of_a_record() -> None:
    values = {
        "first_name": "Ada",
        "tier": Tier.SILVER,
        "email": Invalid("not-text", "a text was expected"),
        "phone": UNREADABLE,
        "unknown": 1,
    }
    lead = PremiumLead.from_values(values)
    assert (lead.first_name, lead.tier, lead.email, lead.phone) == ("Ada", Tier.SILVER, None, None)
    assert lead.to_values() == dict.fromkeys(PremiumLead.__entity__.fields) | {
        "first_name": "Ada",
        "tier": Tier.SILVER,
        "microsoft_type": "Lead",
    }
    assert PremiumLead.from_values(lead.to_values()) == lead


def test_what_couldnt_be_read_says_so() -> None:
    assert repr(UNREADABLE) == "UNREADABLE"


def test_sides_and_directions() -> None:
    assert Side.MARKETO.other is Side.DYNAMICS
    assert Side.DYNAMICS.other is Side.MARKETO
    assert Direction.TWO_WAY.source is None
    assert Direction.TO_MARKETO.source is Side.DYNAMICS
    assert Direction.TO_DYNAMICS.source is Side.MARKETO


def test_selecting_nothing_is_a_mistake() -> None:
    with pytest.raises(MappingError, match=r"Lead\.select: name at least one field"):
        Lead.select()
