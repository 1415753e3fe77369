"""Constants, blocked fields and required fields: which can't go together, in words, and what becomes of the others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marketo_dynamics_sync.entities import Direction, Entity, Lead, Side, custom_object, entity, mapped
from marketo_dynamics_sync.entities.codecs import Codec
from marketo_dynamics_sync.errors import MappingError

ALONE = "constant= is kept in Marketo alone, so it needs marketo= and no dynamics="
ALWAYS = "constant= flows to Marketo, always, and takes no other rule"
BLOCK = "block= doesn't go with key=, opt_out= or read_only="
REQUIRED = "required= is about what Dynamics is given, and nothing flows there"


class Lossy(Codec[str]):
    """Forgets everything."""

    def from_marketo(self, raw: Any) -> str | None:
        return None


class Failing(Codec[str]):
    """Can't say anything."""

    def to_marketo(self, value: str | None) -> Any:
        raise LookupError


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"dynamics": "new_x", "constant": "c"}, ALONE),
        ({"marketo": "x", "dynamics": "new_x", "constant": "c"}, ALONE),
        ({"marketo": "x", "constant": "c", "direction": Direction.TWO_WAY}, ALWAYS),
        ({"marketo": "x", "constant": "c", "direction": Direction.TO_DYNAMICS}, ALWAYS),
        ({"marketo": "x", "constant": "c", "read_only": True}, ALWAYS),
        ({"marketo": "x", "constant": "c", "block": Side.MARKETO}, ALWAYS),
        ({"marketo": "x", "constant": "c", "required": True}, ALWAYS),
        (
            {"marketo": "x", "constant": "c", "codec": Lossy()},
            "the codec Lossy doesn't bring the constant back from Marketo",
        ),
        (
            {"marketo": "x", "constant": "c", "codec": Failing()},
            "the codec Failing doesn't bring the constant back from Marketo",
        ),
        ({"marketo": "x", "dynamics": "new_x", "block": Side.MARKETO, "read_only": True}, BLOCK),
        ({"marketo": "x", "dynamics": "new_x", "block": Side.MARKETO, "opt_out": True}, BLOCK),
        (
            {"marketo": "x", "dynamics": "new_x", "block": Side.DYNAMICS, "direction": Direction.TO_MARKETO},
            "nothing flows to dynamics, so there is nothing to block",
        ),
        (
            {"marketo": "x", "dynamics": "new_x", "block": Side.MARKETO, "direction": Direction.TO_DYNAMICS},
            "nothing flows to marketo, so there is nothing to block",
        ),
        ({"marketo": "x", "required": True}, REQUIRED),
        ({"marketo": "x", "dynamics": "new_x", "required": True, "read_only": True}, REQUIRED),
        ({"marketo": "x", "dynamics": "new_x", "required": True, "direction": Direction.TO_MARKETO}, REQUIRED),
    ],
)
def test_rules_that_do_not_go_together_are_refused_by_field(rules: dict[str, Any], text: str) -> None:
    with pytest.raises(MappingError, match=f"^Ruled.own: {re.escape(text)}$"):

        class Ruled(Lead):
            own: str | None = mapped(**rules)


def test_a_key_is_never_blocked() -> None:
    with pytest.raises(MappingError, match=f"^Seat.seat_id: {re.escape(BLOCK)}$"):

        @entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats")
        class Seat(Entity):
            seat_id: str | None = mapped(marketo="seatId", dynamics="new_seatid", key=True, block=Side.MARKETO)


def test_rules_that_go_are_kept_with_the_field() -> None:
    class Ruled(Lead):
        kind: str | None = mapped(marketo="kind", constant="Lead of ours")
        same: str | None = mapped(marketo="same", constant="x", direction=Direction.TO_MARKETO, default="y")
        here: str | None = mapped(marketo="here", dynamics="new_here", block=Side.DYNAMICS)
        there: str | None = mapped(
            marketo="there", dynamics="new_there", block=Side.MARKETO, direction=Direction.TO_MARKETO
        )
        must: str | None = mapped(marketo="must", dynamics="new_must", required=True)
        given: str | None = mapped(
            marketo="given", dynamics="new_given", required=True, direction=Direction.TO_DYNAMICS
        )

    told = {
        name: (item.direction, item.constant, item.block, item.required)
        for name, item in Ruled.__entity__.fields.items()
        if name not in Lead.__entity__.fields
    }
    both, marketo, dynamics = Direction.TWO_WAY, Direction.TO_MARKETO, Direction.TO_DYNAMICS
    assert told == {
        "kind": (marketo, "Lead of ours", None, False),
        "same": (marketo, "x", None, False),
        "here": (both, None, Side.DYNAMICS, False),
        "there": (marketo, None, Side.MARKETO, False),
        "must": (both, None, None, True),
        "given": (dynamics, None, None, True),
    }
    made = Ruled()
    assert (made.kind, made.same, made.here) == ("Lead of ours", "y", None)


def test_attributes_are_given_by_name_only() -> None:
    class Ruled(Lead):
        own: str | None = mapped(marketo="x", dynamics="new_x")

    values: tuple[Any, ...] = ("x",)
    with pytest.raises(TypeError):
        Ruled(*values)


def test_a_mapping_to_nothing_is_refused() -> None:
    with pytest.raises(MappingError, match=r"^mapped\(\) names neither a Marketo field nor a Dynamics column$"):
        mapped()


def test_a_codec_that_forgets_is_refused_with_the_way_out() -> None:
    class Once(Codec[str]):
        samples = ("a",)

        def from_marketo(self, raw: Any) -> str | None:
            return None

    wanted = (
        "Ruled.own: the codec Once doesn't bring a value back from Marketo as it was, so the field can't flow both "
        "ways; make it one-way with direction=..., or mend the codec"
    )
    with pytest.raises(MappingError, match=f"^{re.escape(wanted)}$"):

        class Ruled(Lead):
            own: str | None = mapped(marketo="x", dynamics="new_x", codec=Once())


def test_an_annotation_that_cannot_be_evaluated_is_refused_with_the_way_out() -> None:
    wanted = (
        "Ruled.own: an annotation can't be evaluated (name 'Nowhere' is not defined); import what it names at module "
        "level, outside TYPE_CHECKING"
    )
    with pytest.raises(MappingError, match=f"^{re.escape(wanted)}$"):

        class Ruled(Lead):
            own: "Nowhere | None" = mapped(marketo="x", dynamics="new_x")  # type: ignore[name-defined]  # noqa: F821, UP037 - on purpose
