"""The merge, rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_dynamics_sync.conflict import (
    Conflict,
    Decision,
    DecisionKind,
    DynamicsWins,
    Hold,
    MarketoWins,
    MergeResult,
    Resolution,
    as_policy,
)
from marketo_dynamics_sync.entities import UNREADABLE, Invalid, Ref, Side
from marketo_dynamics_sync.entities.codecs import LookupCodec
from marketo_dynamics_sync.errors import PolicyError

from .samples import FLAG, NAME, OPT_OUT, bound, merge

BAD = Invalid("unknown-option", "not a label of the option set")


def only(result: MergeResult) -> Decision:
    assert len(result.decisions) == 1, result.decisions
    return result.decisions[0]


def nothing(result: MergeResult) -> bool:
    return not result.to_marketo and not result.to_dynamics and not result.decisions


def test_nothing_changed_plans_nothing_and_keeps_the_base() -> None:
    base = {"name": "Ada", "owner": "o", "moment": "m", "opt_out": False}
    result = merge(dict(base), dict(base), base)
    assert nothing(result)
    assert result.base_marketo == result.base_dynamics == base


@pytest.mark.parametrize("unread", [None, {}, {"name": UNREADABLE}])
def test_a_side_that_was_not_read_counts_as_unchanged(unread: dict[str, object] | None) -> None:
    base = {"name": "Ada"}
    assert nothing(merge(unread, {"name": "Ada"}, base))
    assert nothing(merge({"name": "Ada"}, unread, base))
    assert nothing(merge(unread, unread, base))


@pytest.mark.parametrize("unread", [None, {}])
def test_a_change_reaches_a_side_that_was_not_read(unread: dict[str, object] | None) -> None:
    assert merge({"name": "Eve"}, unread, {"name": "Ada"}).to_dynamics == {"name": "Eve"}
    assert merge(unread, {"name": "Eve"}, {"name": "Ada"}).to_marketo == {"name": "Eve"}


def test_changed_in_marketo_goes_to_dynamics() -> None:
    result = merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, policy=DynamicsWins())
    assert result.to_dynamics == {"name": "Eve"}
    assert result.to_marketo == {}
    assert result.base_marketo == result.base_dynamics == {"name": "Eve"}
    assert only(result) == Decision(
        "name", DecisionKind.TO_DYNAMICS, "Ada", "Eve", "Ada", Side.MARKETO, "Eve", "changed in Marketo"
    )


def test_changed_in_dynamics_goes_to_marketo() -> None:
    result = merge({"name": "Ada"}, {"name": "Eve"}, {"name": "Ada"}, policy=MarketoWins())
    assert result.to_marketo == {"name": "Eve"}
    assert result.to_dynamics == {}
    assert result.base_marketo == result.base_dynamics == {"name": "Eve"}
    assert only(result) == Decision(
        "name", DecisionKind.TO_MARKETO, "Ada", "Ada", "Eve", Side.DYNAMICS, "Eve", "changed in Dynamics"
    )


def test_clearing_a_field_is_a_change() -> None:
    assert merge({"name": None}, {"name": "Ada"}, {"name": "Ada"}).to_dynamics == {"name": None}


def test_the_same_change_on_both_sides_moves_the_base_only() -> None:
    result = merge({"name": "Eve"}, {"name": "Eve"}, {"name": "Ada"})
    assert not result.to_marketo
    assert not result.to_dynamics
    assert result.base_marketo == result.base_dynamics == {"name": "Eve"}
    decision = only(result)
    assert (decision.kind, decision.value, decision.winner) == (DecisionKind.AGREED, "Eve", None)


@pytest.mark.parametrize(("policy", "winner"), [(MarketoWins(), Side.MARKETO), (DynamicsWins(), Side.DYNAMICS)])
def test_a_clash_is_for_the_policy(policy: MarketoWins | DynamicsWins, winner: Side) -> None:
    result = merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=policy)
    stands = "Eve" if winner is Side.MARKETO else "Bob"
    loser = result.to_dynamics if winner is Side.MARKETO else result.to_marketo
    assert loser == {"name": stands}
    assert len(result.to_marketo) + len(result.to_dynamics) == 1
    assert result.base_marketo == result.base_dynamics == {"name": stands}
    decision = only(result)
    assert (decision.kind, decision.winner, decision.value) == (DecisionKind.CONFLICT, winner, stands)
    assert (decision.base, decision.marketo, decision.dynamics) == ("Ada", "Eve", "Bob")


def test_the_policy_sees_the_whole_clash() -> None:
    seen: list[Conflict] = []

    def look(conflict: Conflict) -> Side:
        seen.append(conflict)
        return Side.MARKETO

    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    about = {"marketo_id": "7", "dynamics_id": "g", "marketo_at": early, "dynamics_at": late}
    merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, {"name": "ADA"}, as_policy(look), **about)
    merge({"name": "Eve"}, {"name": "Bob"}, policy=as_policy(look), **about)
    assert seen == [
        Conflict("lead", "name", "Ada", "Eve", "Bob", "7", "g", early, late, True),
        Conflict("lead", "name", None, "Eve", "Bob", "7", "g", early, late, False),
    ]


def test_disjoint_edits_of_one_record_both_survive() -> None:
    base = {"name": "Ada", "flag": False}
    result = merge({"name": "Eve", "flag": False}, {"name": "Ada", "flag": True}, base)
    assert (result.to_dynamics, result.to_marketo) == ({"name": "Eve"}, {"flag": True})


def test_a_held_clash_leaves_both_sides_and_the_base() -> None:
    base = {"name": "Ada", "flag": False}
    result = merge({"name": "Eve", "flag": True}, {"name": "Bob", "flag": False}, base, policy=Hold("ask her"))
    assert result.to_marketo == {}
    assert result.to_dynamics == {"flag": True}
    assert result.base_marketo == result.base_dynamics == {"name": "Ada", "flag": True}
    held = next(d for d in result.decisions if d.field == "name")
    assert (held.kind, held.rule, held.reason, held.winner) == (DecisionKind.HELD, "held", "ask her", None)
    assert (held.marketo, held.dynamics) == ("Eve", "Bob")


def test_a_value_of_the_policys_own_goes_to_both_sides() -> None:
    policy = as_policy(lambda conflict: Resolution.use("Both", "joined"))
    result = merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=policy)
    assert result.to_marketo == result.to_dynamics == {"name": "Both"}
    assert result.base_marketo == result.base_dynamics == {"name": "Both"}
    assert (only(result).winner, only(result).rule) == (None, "joined")


def test_a_value_of_the_policys_own_that_one_side_has_goes_to_the_other() -> None:
    policy = as_policy(lambda conflict: Resolution.use("Eve", "chosen"))
    result = merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=policy)
    assert (result.to_marketo, result.to_dynamics) == ({}, {"name": "Eve"})


def test_a_value_of_the_policys_own_of_a_wrong_type_is_held() -> None:
    policy = as_policy(lambda conflict: Resolution.use(5, "silly"))
    decision = only(merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=policy))
    assert (decision.kind, decision.rule) == (DecisionKind.HELD, "not valid for Marketo")
    assert decision.reason == "the codec TextCodec raised TypeError"


def test_a_policy_that_fails_is_an_error_that_names_it() -> None:
    def broken(conflict: Conflict) -> Side:
        raise KeyError("secret")

    with pytest.raises(PolicyError, match=r"lead\.name: policy broken raised KeyError") as caught:
        merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=as_policy(broken))
    assert "secret" not in str(caught.value)


# No base: the two were just found to be one.


def test_without_a_base_a_value_on_one_side_goes_to_the_other() -> None:
    result = merge({"name": "Ada", "flag": False}, {"name": None, "flag": True}, policy=Hold())
    assert (result.to_dynamics, result.to_marketo) == ({"name": "Ada"}, {"flag": True})
    assert result.base_marketo == result.base_dynamics == {"name": "Ada", "flag": True}


def test_without_a_base_equal_values_agree_and_empties_are_nothing() -> None:
    result = merge({"name": "Ada", "flag": False}, {"name": "Ada", "flag": None})
    assert (result.to_marketo, result.to_dynamics) == ({}, {})
    assert only(result).kind is DecisionKind.AGREED
    assert result.base_marketo == {"name": "Ada", "flag": False}
    assert result.base_dynamics == {"name": "Ada", "flag": None}


def test_without_a_base_two_values_clash() -> None:
    assert only(merge({"name": "Ada"}, {"name": "Eve"})).kind is DecisionKind.CONFLICT


def test_a_new_record_takes_every_value_there_is() -> None:
    result = merge(None, {"name": "Ada", "owner": "o", "moment": "x", "note": "n", "opt_out": True, "amount": None})
    assert result.to_marketo == {"name": "Ada", "owner": "o", "opt_out": True}
    assert result.to_dynamics == {}


def test_a_source_that_was_never_read_repairs_nothing() -> None:
    result = merge({"name": "Ada", "owner": "kept"}, {})
    assert (result.to_marketo, result.to_dynamics) == ({}, {"name": "Ada"})
    assert "owner" not in result.base_marketo


# One way.


def test_a_one_way_field_follows_its_source() -> None:
    base = {"owner": "o", "moment": "m"}
    result = merge({"owner": "o", "moment": "n"}, {"owner": "p", "moment": "m"}, base)
    assert (result.to_marketo, result.to_dynamics) == ({"owner": "p"}, {"moment": "n"})
    assert {d.rule for d in result.decisions} == {"one-way from Dynamics", "one-way from Marketo"}
    assert {d.reason for d in result.decisions} == {""}


@pytest.mark.parametrize("source_read", [True, False])
def test_a_one_way_field_is_repaired_on_the_far_side(source_read: bool) -> None:
    base = {"owner": "o", "moment": "m"}
    marketo = {"owner": "edited"} | ({"moment": "m"} if source_read else {})
    dynamics = {"moment": "edited"} | ({"owner": "o"} if source_read else {})
    result = merge(marketo, dynamics, base)
    assert (result.to_marketo, result.to_dynamics) == ({"owner": "o"}, {"moment": "m"})
    assert {d.reason for d in result.decisions} == {"repaired"}
    assert result.base_marketo == result.base_dynamics == base


def test_a_one_way_field_kept_in_another_form_on_the_far_side_is_agreement() -> None:
    values = ({"owner": "o"}, {"owner": "o  "})
    assert nothing(merge(*values, *values))
    # The far side is unchanged though the empty text came as None: still agreement.
    result = merge({"owner": None}, {"owner": "o"}, {"owner": ""}, {"owner": "o"})
    assert nothing(result)


def test_a_one_way_field_both_changed_alike_moves_the_base() -> None:
    result = merge({"owner": "p"}, {"owner": "p"}, {"owner": "o"})
    assert only(result).kind is DecisionKind.AGREED
    assert (result.to_marketo, result.base_dynamics) == ({}, {"owner": "p"})


def test_an_invalid_copy_of_a_one_way_field_is_repaired() -> None:
    result = merge({"owner": BAD}, {"owner": "o"}, {"owner": "o"})
    assert result.to_marketo == {"owner": "o"}
    assert (only(result).reason, only(result).marketo) == ("repaired", None)


def test_a_read_only_field_is_never_touched() -> None:
    result = merge({"note": "a"}, {"note": "b"}, {"note": "c"})
    assert nothing(result)
    assert nothing(merge({"note": BAD}, {"note": "b"}))


# Forms: a side may keep a value in its own form.


def test_sides_that_agreed_in_two_forms_are_quiet() -> None:
    assert nothing(merge({"name": "Ada"}, {"name": "ADA"}, {"name": "Ada"}, {"name": "ADA"}))
    assert nothing(merge({"name": "Ada"}, {"name": ""}, {"name": "Ada"}, {"name": None}))


def test_an_unset_boolean_is_false() -> None:
    assert nothing(merge({"flag": False}, {"flag": None}, {"flag": None}, {"flag": False}))


def test_zero_is_a_value() -> None:
    from decimal import Decimal

    result = merge({"amount": Decimal(0)}, {"amount": None}, {"amount": None})
    assert result.to_dynamics == {"amount": Decimal(0)}


# Values that can't be used.


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("base", [None, {"name": "Ada", "flag": False}])
def test_an_invalid_value_holds_its_field_and_no_other(side: Side, base: dict[str, object] | None) -> None:
    bad, good = {"name": BAD, "flag": False}, {"name": "Eve", "flag": True}
    result = merge(bad, good, base) if side is Side.MARKETO else merge(good, bad, base)
    assert (result.to_marketo, result.to_dynamics) == (
        ({"flag": True}, {}) if side is Side.MARKETO else ({}, {"flag": True})
    )
    held = next(d for d in result.decisions if d.field == "name")
    assert (held.kind, held.rule) == (DecisionKind.HELD, f"invalid in {side.value.title()}")
    assert held.reason == BAD.reason
    assert {held.marketo, held.dynamics} == {None, "Eve"}
    assert result.base_marketo.get("name") == (base or {}).get("name")
    assert ("name" in result.base_marketo) is (base is not None)


def test_a_value_that_the_other_side_cannot_hold_is_held() -> None:
    result = merge({"name": "Ada", "flag": True}, {"name": "Adelheid", "flag": False}, {"name": "Ada", "flag": False})
    assert (result.to_marketo, result.to_dynamics) == ({}, {"flag": True})
    held = next(d for d in result.decisions if d.field == "name")
    assert (held.kind, held.rule) == (DecisionKind.HELD, "not valid for Marketo")
    assert held.reason == "8 characters where Marketo takes 5"
    assert result.base_dynamics["name"] == "Ada"


def test_a_value_too_long_for_dynamics_is_held() -> None:
    decision = only(merge({"name": "Adelheide"}, {"name": "Ada"}, {"name": "Ada"}))
    assert (decision.kind, decision.rule) == (DecisionKind.HELD, "not valid for Dynamics")


def test_a_clash_won_by_a_value_the_loser_cannot_hold_is_held() -> None:
    decision = only(merge({"name": "Eve"}, {"name": "Adelheid"}, {"name": "Ada"}, policy=DynamicsWins()))
    assert (decision.kind, decision.rule) == (DecisionKind.HELD, "not valid for Marketo")


@pytest.mark.parametrize("base", [None, {"name": "Ada"}])
def test_what_cannot_be_read_is_never_overwritten(base: dict[str, object] | None) -> None:
    for result, side in (
        (merge({"name": "Eve"}, {"name": UNREADABLE}, base), "Dynamics"),
        (merge({"name": UNREADABLE}, {"name": "Eve"}, base), "Marketo"),
    ):
        assert (result.to_marketo, result.to_dynamics) == ({}, {})
        assert (only(result).kind, only(result).rule) == (DecisionKind.HELD, f"unreadable in {side}")
        assert result.base_marketo == result.base_dynamics == (base or {})


def test_what_was_never_read_makes_no_base() -> None:
    assert merge({}, None, {}).base_marketo == {}
    result = merge({"name": None}, {"name": UNREADABLE})
    assert nothing(result)
    assert result.base_marketo == {}


# Consent.


def test_an_opt_out_wins_a_clash_whatever_the_policy_says() -> None:
    base, other = {"opt_out": None}, {"opt_out": True}
    # The two agreed in different forms before, so that both can change to different values.
    result = merge({"opt_out": True}, {"opt_out": False}, base, other, policy=DynamicsWins())
    assert (result.to_marketo, result.to_dynamics) == ({}, {"opt_out": True})
    assert only(result).rule == "most restrictive"
    result = merge({"opt_out": False}, {"opt_out": True}, other, base, policy=MarketoWins())
    assert (result.to_marketo, result.to_dynamics) == ({"opt_out": True}, {})


def test_an_opt_out_on_one_side_wins_without_a_base() -> None:
    assert merge({"opt_out": True}, {"opt_out": False}).to_dynamics == {"opt_out": True}
    assert merge({"opt_out": False}, {"opt_out": True}).to_marketo == {"opt_out": True}


def test_an_opt_out_that_is_taken_back_travels_too() -> None:
    base = {"opt_out": True}
    assert merge({"opt_out": False}, {"opt_out": True}, base).to_dynamics == {"opt_out": False}
    assert merge({"opt_out": True}, {"opt_out": False}, base).to_marketo == {"opt_out": False}


def test_an_opt_out_field_that_is_not_yes_or_no_goes_to_the_policy() -> None:
    channel = bound("channel", opt_out=True)
    result = merge({"channel": "a"}, {"channel": "b"}, fields=(channel,), policy=DynamicsWins())
    assert only(result).rule == "Dynamics wins"


def test_a_field_that_is_no_opt_out_does_not_favour_true() -> None:
    result = merge({"flag": True}, {"flag": False}, {"flag": None}, {"flag": True}, DynamicsWins())
    assert result.to_marketo == {"flag": False}


def test_base_of_dynamics_is_marketos_where_it_is_not_given() -> None:
    assert nothing(merge({"name": "Ada"}, {"name": "Ada"}, {"name": "Ada"}, {}))


def test_fields_no_longer_mapped_leave_the_base() -> None:
    assert merge({"name": "Ada"}, {"name": "Ada"}, {"name": "Ada", "gone": 1}).base_marketo == {"name": "Ada"}


def test_decisions_come_in_the_order_of_the_fields() -> None:
    result = merge({"name": "a", "flag": True}, {"opt_out": True}, fields=(FLAG, OPT_OUT, NAME))
    assert [d.field for d in result.decisions] == ["flag", "opt_out", "name"]


def test_one_row_is_one_value_though_marketo_doesnt_say_of_which_table() -> None:
    customer = bound("customer", LookupCodec(targets=("account", "contact")))
    row, other = "6b1f8d0e-0c7a-ee11-8179-000d3a123456", "7c2e9e1f-0c7a-ee11-8179-000d3a123456"
    first = merge({"customer": Ref("", row)}, {"customer": Ref("account", row)}, fields=(customer,))
    assert (first.to_marketo, first.to_dynamics) == ({}, {})
    later = merge({"customer": Ref("", row)}, {"customer": Ref("account", row)}, first.base_marketo, fields=(customer,))
    assert nothing(later)

    moved = merge(
        {"customer": Ref("", other)}, {"customer": Ref("account", row)}, first.base_marketo, fields=(customer,)
    )
    assert only(moved).kind is DecisionKind.HELD
    assert only(moved).reason == "which table the id belongs to is not known"
