"""A side that is blocked for a field takes a value only while its own is empty."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.conflict import DecisionKind, DynamicsWins, MarketoWins, Policy, Resolution, as_policy
from marketo_dynamics_sync.entities import Side

from .samples import NAME, OWNER, bound, merge

#: Both ways, and blocked in Marketo; from Dynamics only, and blocked in Marketo; both ways, and blocked in Dynamics.
BOTH = attrs.evolve(NAME, block=Side.MARKETO)
PULL = attrs.evolve(OWNER, name="name", block=Side.MARKETO)
HERE = attrs.evolve(NAME, block=Side.DYNAMICS)
EITHER = pytest.mark.parametrize("field", [BOTH, PULL], ids=["both ways", "to Marketo"])
VALUES = st.sampled_from([None, "", "a", "b", "c"])


@EITHER
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_is_filled(field: object, empty: str | None) -> None:
    assert merge(None, {"name": "Ada"}, fields=(field,)).to_marketo == {"name": "Ada"}  # type: ignore[arg-type]
    filled = merge({"name": empty}, {"name": "Ada"}, {"name": empty}, fields=(field,))  # type: ignore[arg-type]
    assert filled.to_marketo == {"name": "Ada"}


@EITHER
@pytest.mark.parametrize("read", [{"name": "Ada"}, None])
def test_a_value_stays_and_what_changed_elsewhere_is_remembered(field: object, read: dict[str, object] | None) -> None:
    result = merge(read, {"name": "Eve"}, {"name": "Ada"}, fields=(field,))  # type: ignore[arg-type]
    assert (result.to_marketo, result.to_dynamics) == ({}, {})
    assert (result.base_marketo, result.base_dynamics) == ({"name": "Ada"}, {"name": "Eve"})
    (decision,) = result.decisions
    assert (decision.kind, decision.rule, decision.winner) == (DecisionKind.KEPT, "blocked in Marketo", None)
    again = merge({"name": "Ada"}, {"name": "Eve"}, result.base_marketo, result.base_dynamics, fields=(field,))  # type: ignore[arg-type]
    assert (again.decisions, again.to_marketo, again.to_dynamics) == ((), {}, {})


def test_what_marketo_changes_goes_to_dynamics_where_the_field_flows_there() -> None:
    assert merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, fields=(BOTH,)).to_dynamics == {"name": "Eve"}
    result = merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, fields=(PULL,))
    assert (result.to_dynamics, result.to_marketo) == ({}, {})


def test_a_clash_is_the_policys_and_a_value_that_would_be_overwritten_stays() -> None:
    fields = {"marketo": {"name": "m"}, "dynamics": {"name": "d"}, "base": {"name": "b"}, "fields": (BOTH,)}
    lost = merge(**fields, policy=DynamicsWins())  # type: ignore[arg-type]
    assert (lost.to_marketo, lost.to_dynamics) == ({}, {})
    won = merge(**fields, policy=MarketoWins())  # type: ignore[arg-type]
    assert (won.to_marketo, won.to_dynamics) == ({}, {"name": "m"})
    third = as_policy(lambda clash: Resolution("x", "a third"))
    mixed = merge(**fields, policy=third)  # type: ignore[arg-type]
    assert (mixed.to_marketo, mixed.to_dynamics) == ({}, {"name": "x"})
    assert mixed.base_marketo == {"name": "m"}


def test_dynamics_can_be_blocked_too() -> None:
    assert merge({"name": "Eve"}, {"name": None}, {"name": None}, fields=(HERE,)).to_dynamics == {"name": "Eve"}
    kept = merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, fields=(HERE,))
    assert (kept.to_dynamics, kept.decisions[0].rule) == ({}, "blocked in Dynamics")


def test_a_value_that_the_blocked_side_could_not_hold_is_not_held_up() -> None:
    result = merge({"name": "Ada"}, {"name": "far too long"}, {"name": "Ada"}, fields=(BOTH,))
    assert result.decisions[0].kind is DecisionKind.KEPT


def test_fields_of_a_company_flow_neither_way_even_while_they_are_empty() -> None:
    field = bound("name")
    result = merge({"name": None}, {"name": "Ada"}, fields=(field,), closed={"name"})
    assert (result.to_marketo, result.base_dynamics, result.decisions[0].rule) == (
        {},
        {"name": "Ada"},
        "it is the company's in Marketo",
    )
    result = merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, fields=(field,), closed={"name"})
    assert (result.to_dynamics, result.decisions[0].kind) == ({}, DecisionKind.KEPT)
    assert (result.base_marketo, result.base_dynamics) == ({"name": "Eve"}, {"name": "Ada"})
    clash = merge({"name": "Eve"}, {"name": "Eva"}, {"name": "Ada"}, fields=(field,), closed={"name"})
    assert (clash.to_marketo, clash.to_dynamics) == ({}, {})
    same = merge({"name": "Eve"}, {"name": "Eve"}, {"name": "Ada"}, fields=(field,), closed={"name"})
    assert same.decisions[0].kind is DecisionKind.AGREED


@given(VALUES, VALUES, VALUES, VALUES, st.sampled_from([BOTH, PULL]), st.sampled_from([MarketoWins(), DynamicsWins()]))
def test_a_value_in_a_blocked_field_is_never_overwritten_and_agreement_is_reached_at_once(
    marketo: str | None, dynamics: str | None, base_m: str | None, base_d: str | None, field: object, policy: Policy
) -> None:
    first = merge({"name": marketo}, {"name": dynamics}, {"name": base_m}, {"name": base_d}, policy, (field,))  # type: ignore[arg-type]
    if marketo:
        assert not first.to_marketo
    now = {"name": first.to_marketo.get("name", marketo)}, {"name": first.to_dynamics.get("name", dynamics)}
    second = merge(*now, first.base_marketo, first.base_dynamics, policy, (field,))  # type: ignore[arg-type]
    assert (second.to_marketo, second.to_dynamics, second.decisions) == ({}, {}, ())
