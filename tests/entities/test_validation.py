"""What a service would refuse is found before it is sent, from its metadata: each kind of rule, each side."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from marketo_dynamics_sync.entities import (
    BoundField,
    Choice,
    Choices,
    Email,
    FieldInfo,
    Invalid,
    Lead,
    Money,
    ObjectInfo,
    Option,
    Side,
    bind,
    mapped,
)

OPTIONS = (Option(1, "One"), Option(2, "A label that is far too long"))


class Ruled(Lead.select("last_name")):  # type: ignore[misc]  # made at run time
    """A lead with a field for each kind of rule."""

    text: str | None = mapped(marketo="text", dynamics="new_text")
    area: str | None = mapped(marketo="area", dynamics="new_area")
    mail: Email | None = mapped(marketo="mail", dynamics="new_mail")
    number: int | None = mapped(marketo="number", dynamics="new_number")
    amount: Money | None = mapped(marketo="amount", dynamics="new_amount")
    rate: float | None = mapped(marketo="rate", dynamics="new_rate")
    choice: Choice | None = mapped(marketo="choice", dynamics="new_choice")
    choices: Choices | None = mapped(marketo="choices", dynamics="new_choices")
    wanted: str | None = mapped(marketo="wanted", dynamics="new_wanted", required=True)


def field(name: str, *, marketo: str, dynamics: str, **rules: object) -> BoundField:
    """Return one field of an entity, bound to ends of these types."""
    table = {
        item.dynamics: FieldInfo(item.dynamics, dynamics if item.name == name else _usual(item.name))
        for item in Ruled.__entity__.fields.values()
        if item.dynamics
    }
    table[f"new_{name}"] = attrs.evolve(table[f"new_{name}"], **rules)
    person = {
        item.marketo: FieldInfo(item.marketo, marketo if item.name == name else "string", max_length=10)
        for item in Ruled.__entity__.fields.values()
        if item.marketo
    }
    person |= {n: FieldInfo(n, "float") for n in ("number", "amount", "rate") if n != name}
    bound = bind(Ruled.__entity__, ObjectInfo("person", person), ObjectInfo("lead", table, "leads", "leadid"))
    return bound.fields[name]


def _usual(name: str) -> str:
    kinds = {"number": "Integer", "amount": "Money", "rate": "Double", "choice": "Picklist"}
    return kinds.get(name, "MultiSelectPicklist" if name == "choices" else "String")


def refused(bound: BoundField, side: Side, value: object) -> str:
    problem = bound.problem(side, value)
    assert isinstance(problem, Invalid), "it would be sent"
    assert not (isinstance(value, str) and value) or value not in problem.reason, "values stay out of reasons"
    return problem.code


@pytest.mark.parametrize(
    ("side", "name", "ends", "rules", "good", "bad", "code"),
    [
        (Side.DYNAMICS, "text", ("string", "String"), {"max_length": 5}, "12345", "123456", "too-long"),
        (Side.MARKETO, "text", ("string", "String"), {}, "1234567890", "12345678901", "too-long"),
        (Side.DYNAMICS, "text", ("string", "String"), {"max_length": 5}, "12345", "1234😀", "too-long"),
        (Side.MARKETO, "mail", ("email", "String"), {}, "a@b.co", "no address", "bad-email"),
        (Side.MARKETO, "mail", ("email", "String"), {}, "a@b.co", "ä@b.co", "bad-email"),
        (Side.DYNAMICS, "number", ("integer", "Integer"), {"maximum": 9}, 9, 10, "out-of-range"),
        (Side.DYNAMICS, "number", ("integer", "Integer"), {"minimum": -9}, -9, -10, "out-of-range"),
        (Side.MARKETO, "number", ("integer", "BigInt"), {}, 2**63 - 1, 2**63, "out-of-range"),
        (Side.MARKETO, "number", ("score", "BigInt"), {}, -(2**63), -(2**63) - 1, "out-of-range"),
        (Side.DYNAMICS, "amount", ("currency", "Money"), {"maximum": 9}, Decimal(9), Decimal(10), "out-of-range"),
        (Side.MARKETO, "amount", ("integer", "Money"), {}, Decimal(9), Decimal("9.5"), "not-whole"),
        (Side.DYNAMICS, "rate", ("float", "Double"), {"minimum": 0.5}, 0.5, 0.25, "out-of-range"),
        (Side.MARKETO, "rate", ("integer", "Double"), {}, 1.0, 1.5, "not-whole"),
        (Side.DYNAMICS, "choice", ("string", "Picklist"), {"options": OPTIONS}, 1, 3, "unknown-option"),
        (Side.MARKETO, "choice", ("string", "Picklist"), {"options": OPTIONS}, 1, 2, "too-long"),
        (
            Side.DYNAMICS,
            "choices",
            ("string", "MultiSelectPicklist"),
            {"options": OPTIONS},
            frozenset({1}),
            frozenset({1, 3}),
            "unknown-option",
        ),
        (
            Side.MARKETO,
            "choices",
            ("string", "MultiSelectPicklist"),
            {"options": OPTIONS},
            frozenset({1}),
            frozenset({1, 2}),
            "too-long",
        ),
        (Side.DYNAMICS, "wanted", ("string", "String"), {}, "x", None, "required"),
        (Side.DYNAMICS, "wanted", ("string", "String"), {}, "x", "", "required"),
        (Side.DYNAMICS, "text", ("string", "String"), {"required": "SystemRequired"}, "x", None, "required"),
    ],
)
def test_a_rule_is_known_before_anything_is_sent(
    side: Side, name: str, ends: tuple[str, str], rules: dict[str, object], good: object, bad: object, code: str
) -> None:
    bound = field(name, marketo=ends[0], dynamics=ends[1], **rules)
    assert bound.problem(side, good) is None
    assert refused(bound, side, bad) == code


def test_a_text_area_of_marketo_counts_bytes() -> None:
    bound = field("area", marketo="text", dynamics="Memo")
    bound = attrs.evolve(bound, codec=attrs.evolve(bound.codec, marketo_length=None))  # type: ignore[type-var]
    assert bound.problem(Side.MARKETO, "a" * 30_000) is None
    assert refused(bound, Side.MARKETO, "ä" * 15_001) == "too-long"


@pytest.mark.parametrize("level", ["None", "Recommended", "ApplicationRequired"])
def test_levels_that_the_web_api_does_not_enforce_hold_nothing_back(level: str) -> None:
    assert field("text", marketo="string", dynamics="String", required=level).problem(Side.DYNAMICS, None) is None


def test_what_dynamics_requires_marketo_may_lack() -> None:
    bound = field("wanted", marketo="string", dynamics="String")
    assert bound.problem(Side.MARKETO, None) is None
