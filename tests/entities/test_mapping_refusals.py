"""A mapping that can't work is refused when the class is made, and the message names class and field."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

from marketo_dynamics_sync.entities import Codec, Direction, Entity, Lead, custom_object, entity, mapped, person
from marketo_dynamics_sync.entities.values import JSON
from marketo_dynamics_sync.errors import MappingError

if TYPE_CHECKING:
    from decimal import Decimal


class Letters(Enum):
    A = "a"


class Upper(Codec[str]):
    """Marketo gives back upper case."""

    samples = ("a",)

    def to_marketo(self, value: str | None) -> JSON:
        return value.upper() if value else None


class Cut(Codec[str]):
    """Dynamics keeps the first letter."""

    samples = ("ab",)

    def to_dynamics(self, value: str | None) -> JSON:
        return value[:1] if value else None


class Forgetful(Codec[tuple[int, ...]]):
    """The store's JSON makes a list of a tuple."""

    samples = ((1, 2),)


class Unkept(Codec[complex]):
    """The store's JSON has no complex numbers."""

    samples = (1j,)


class Broken(Codec[str]):
    samples = ("a",)

    def from_marketo(self, raw: JSON) -> str | None:
        raise KeyError("no such thing")


def refusal(pattern: str) -> Any:
    return pytest.raises(MappingError, match=pattern)


def test_neither_side_is_named() -> None:
    with refusal(r"mapped\(\) names neither a Marketo field nor a Dynamics column"):
        mapped()


def test_an_unknown_type() -> None:
    with refusal(r"^Odd\.blob: no codec carries the type bytes"):

        class Odd(Lead):
            blob: bytes | None = mapped(marketo="blob", dynamics="new_blob")


def test_an_enum_without_numbers() -> None:
    with refusal(r"^Odd\.letter: Letters\.A is str"):

        class Odd(Lead):
            letter: Letters | None = mapped(marketo="letter", dynamics="new_letter")


def test_two_fields_on_one_column() -> None:
    with refusal(r"^Odd: 'email' and 'other' are both mapped to the Dynamics column 'emailaddress1'"):

        class Odd(Lead):
            other: str | None = mapped(marketo="other", dynamics="emailaddress1")


def test_two_fields_on_one_marketo_field() -> None:
    with refusal(r"^Odd: 'email' and 'other' are both mapped to the Marketo field 'email'"):

        class Odd(Lead):
            other: str | None = mapped(marketo="email", dynamics="emailaddress2")


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        (Upper(), "Upper doesn't bring a value back from Marketo as it was, so the field can't flow both ways"),
        (Cut(), "Cut doesn't bring a value back from Dynamics as it was, so the field can't flow both ways"),
        (Broken(), r"Broken fails on its own example \(KeyError"),
    ],
)
def test_a_two_way_field_whose_codec_doesnt_round_trip(codec: Codec[object], message: str) -> None:
    with refusal(rf"^Odd\.name: the codec {message}"):

        class Odd(Lead):
            name: str | None = mapped(marketo="name", dynamics="new_name", codec=codec)

    class OneWay(Lead):
        name: str | None = mapped(marketo="name", dynamics="new_name", codec=codec, direction=Direction.TO_MARKETO)

    class Read(Lead):
        name: str | None = mapped(marketo="name", dynamics="new_name", codec=codec, read_only=True)

    assert OneWay.__entity__.fields["name"].codec is codec
    assert Read.__entity__.fields["name"].codec is codec


@pytest.mark.parametrize("direction", [None, *Direction])
@pytest.mark.parametrize(
    ("codec", "message"),
    [
        (Forgetful(), "Forgetful doesn't bring a value back from the state store as it was; mend its dump and load"),
        (Unkept(), r"Unkept fails on its own example \(TypeError"),
    ],
)
def test_a_codec_that_the_state_store_cant_keep(
    codec: Codec[object], message: str, direction: Direction | None
) -> None:
    with refusal(rf"^Odd\.name: the codec {message}"):

        class Odd(Lead):
            name: str | None = mapped(marketo="name", dynamics="new_name", codec=codec, direction=direction)


def test_a_direction_that_the_entity_doesnt_have() -> None:
    with refusal(r"^Seat\.name: flows two-way, but 'seat' flows to-marketo only"):

        @entity(name="seat", marketo=person(), dynamics="new_seats", direction=Direction.TO_MARKETO)
        class Seat(Entity):
            name: str | None = mapped(marketo="name", dynamics="new_name", direction=Direction.TWO_WAY)


def test_an_opt_out_that_only_one_side_is_heard_about() -> None:
    with refusal(r"^Odd\.no_post: an opt-out must be heard from both sides"):

        class Odd(Lead):
            no_post: bool | None = mapped(
                marketo="noPost", dynamics="donotpostalmail", opt_out=True, direction=Direction.TO_MARKETO
            )


def test_more_than_one_key() -> None:
    with refusal(r"^Odd: more than one field is marked key=True"):

        class Odd(Lead):
            other: str | None = mapped(marketo="other", dynamics="new_other", key=True)


@pytest.mark.parametrize("ends", [{"marketo": "seatId"}, {"dynamics": "new_seatid"}])
def test_a_key_with_one_end(ends: dict[str, str]) -> None:
    with refusal(r"^Seat\.seat: key=True carries the row id into Marketo, so it needs marketo= and dynamics="):

        @entity(name="seat", marketo=person(), dynamics="new_seats")
        class Seat(Entity):
            seat: str | None = mapped(**ends, key=True)  # type: ignore[arg-type]  # one of two names


@pytest.mark.parametrize(
    "more", [{"direction": Direction.TO_DYNAMICS}, {"direction": Direction.TWO_WAY}, {"read_only": True}]
)
def test_a_key_that_flows_elsewhere(more: dict[str, object]) -> None:
    with refusal(r"^Seat\.seat: key=True carries the row id into Marketo and flows there only"):

        @entity(name="seat", marketo=person(), dynamics="new_seats")
        class Seat(Entity):
            seat: str | None = mapped(marketo="seatId", dynamics="new_seatid", key=True, **more)  # type: ignore[arg-type]  # what a key can't have


def test_an_attribute_that_is_not_mapped() -> None:
    with refusal(r"^Seat\.row is annotated but not mapped; write = mapped"):

        @entity(name="seat", marketo=person(), dynamics="new_seats")
        class Seat(Entity):
            row: int | None = None


def test_an_attribute_that_is_not_mapped_in_a_subclass_of_a_built_in_entity() -> None:
    with refusal(r"^Odd\.tier is annotated but not mapped"):

        class Odd(Lead):
            tier: int | None = None


def test_an_attribute_without_annotation() -> None:
    with refusal(r"^Odd\.tier is mapped but has no annotation"):

        class Odd(Lead):
            region: str | None = mapped(marketo="region", dynamics="new_region")
            tier = mapped(marketo="tier", dynamics="new_tier")


def test_an_annotation_that_is_only_there_for_type_checkers() -> None:
    with refusal(r"^Odd\.amount: an annotation can't be evaluated .*'Decimal'.*outside TYPE_CHECKING"):

        class Odd(Lead):
            region: str | None = mapped(marketo="region", dynamics="new_region")
            amount: Decimal | None = mapped(marketo="amount", dynamics="new_amount")


def test_an_annotation_that_raises() -> None:
    with refusal(r"^Odd: an annotation can't be evaluated"):

        class Odd(Lead):
            amount: 1 / 0 = mapped(marketo="amount", dynamics="new_amount")  # type: ignore[valid-type]  # on purpose


@pytest.mark.parametrize("dedupe", [(), ("a", "b", "c", "d")])
def test_dedupe_fields_of_a_custom_object_are_one_to_three(dedupe: tuple[str, ...]) -> None:
    with refusal(rf"custom_object\('seat_c'\) names {len(dedupe)} dedupe fields; Marketo takes one to 3"):
        custom_object("seat_c", dedupe=dedupe)


def test_a_dedupe_field_that_nothing_is_mapped_to() -> None:
    with refusal(
        r"^Seat: no field is mapped to 'hall', 'seatId', by which Marketo tells the records of 'seat_c' apart"
    ):

        @entity(
            name="seat",
            marketo=custom_object("seat_c", dedupe=("seatId", "hall", "row")),
            dynamics="new_seats",
            direction=Direction.TO_MARKETO,
        )
        class Seat(Entity):
            row: str | None = mapped(marketo="row", dynamics="new_row")
