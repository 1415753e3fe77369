"""Every word of a decision: who reads the plan or the journal sees the rule and the reason, and acts on them."""

from __future__ import annotations

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import (
    Decision,
    DecisionKind,
    DynamicsWins,
    Hold,
    MarketoWins,
    MergeResult,
    Policy,
    Resolution,
    as_policy,
)
from marketo_dynamics_sync.entities import UNREADABLE, Digest, Side, Values
from marketo_dynamics_sync.entities.codecs import BooleanCodec

from .samples import FLAG, NAME, OWNER, merge


def test_the_same_change_on_both_sides_says_so() -> None:
    assert merge({"name": "Eve"}, {"name": "Eve"}, {"name": "Ada"}) == MergeResult(
        {},
        {},
        {"name": "Eve"},
        {"name": "Eve"},
        (Decision("name", DecisionKind.AGREED, "Ada", "Eve", "Eve", None, "Eve", "same on both sides", ""),),
    )


@pytest.mark.parametrize("base", [None, {"name": "Ada"}])
def test_a_field_held_for_want_of_rights_says_what_to_look_into(base: dict[str, object] | None) -> None:
    old = "Ada" if base else None
    reason = "the sync user can't read what is there, so it is not overwritten"
    assert merge({"name": "Eve"}, {"name": UNREADABLE}, base).decisions == (
        Decision("name", DecisionKind.HELD, old, "Eve", old, None, None, "unreadable in Dynamics", reason),
    )
    assert merge({"name": UNREADABLE}, {"name": "Eve"}, base).decisions == (
        Decision("name", DecisionKind.HELD, old, old, "Eve", None, None, "unreadable in Marketo", reason),
    )


def test_a_policys_rule_and_reason_reach_the_decision() -> None:
    policy = as_policy(lambda clash: Resolution(clash.marketo, "oldest wins", Side.MARKETO, reason="born first"))
    assert merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=policy).decisions == (
        Decision("name", DecisionKind.CONFLICT, "Ada", "Eve", "Bob", Side.MARKETO, "Eve", "oldest wins", "born first"),
    )


# A side that takes nothing: blocked, or closed because the value is the company's.

SHUT = {side: (evolve(NAME, block=side),) for side in Side}
COMPANYS = "it is the company's in Marketo"


def kept(base: object, marketo: object, dynamics: object, rule: str) -> tuple[Decision, ...]:
    return (Decision("name", DecisionKind.KEPT, base, marketo, dynamics, None, None, rule, ""),)


@pytest.mark.parametrize(
    ("marketo", "dynamics", "policy", "blocked", "rule"),
    [
        ("Ada", "Eve", MarketoWins(), Side.MARKETO, "blocked in Marketo"),
        ("Bob", "Eve", DynamicsWins(), Side.MARKETO, "blocked in Marketo"),
        ("Eve", "Ada", MarketoWins(), Side.DYNAMICS, "blocked in Dynamics"),
        ("Eve", "Bob", MarketoWins(), Side.DYNAMICS, "blocked in Dynamics"),
    ],
)
def test_a_blocked_side_keeps_its_own_and_the_base_remembers_both(
    marketo: str, dynamics: str, policy: Policy, blocked: Side, rule: str
) -> None:
    result = merge({"name": marketo}, {"name": dynamics}, {"name": "Ada"}, policy=policy, fields=SHUT[blocked])
    assert result == MergeResult({}, {}, {"name": marketo}, {"name": dynamics}, kept("Ada", marketo, dynamics, rule))
    after = merge({"name": marketo}, {"name": dynamics}, *bases(result), fields=SHUT[blocked])
    assert (after.to_marketo, after.to_dynamics, after.decisions) == ({}, {}, ())


def bases(result: MergeResult) -> tuple[Values, Values]:
    return result.base_marketo, result.base_dynamics


def test_a_blocked_side_takes_what_it_has_not_and_gives_what_it_has() -> None:
    empty = merge({"name": None}, {"name": "Eve"}, {"name": None}, fields=SHUT[Side.MARKETO])
    assert empty.to_marketo == {"name": "Eve"}
    empty = merge({"name": "Eve"}, {"name": None}, {"name": None}, fields=SHUT[Side.DYNAMICS])
    assert empty.to_dynamics == {"name": "Eve"}
    given = merge({"name": "Eve"}, {"name": "Ada"}, {"name": "Ada"}, fields=SHUT[Side.MARKETO])
    assert (given.to_marketo, given.to_dynamics) == ({}, {"name": "Eve"})
    assert given.decisions[0].kind is DecisionKind.TO_DYNAMICS
    given = merge({"name": "Ada"}, {"name": "Eve"}, {"name": "Ada"}, fields=SHUT[Side.DYNAMICS])
    assert (given.to_marketo, given.to_dynamics) == ({"name": "Eve"}, {})


def test_a_policys_own_value_reaches_the_side_that_is_open() -> None:
    joined = as_policy(lambda clash: Resolution.use("Both", "joined"))
    result = merge({"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}, policy=joined, fields=SHUT[Side.MARKETO])
    assert (result.to_marketo, result.to_dynamics) == ({}, {"name": "Both"})
    assert bases(result) == ({"name": "Eve"}, {"name": "Both"})
    assert result.decisions[0].kind is DecisionKind.CONFLICT


def test_a_block_changes_nothing_of_what_is_held_or_agreed_or_flows_elsewhere() -> None:
    names = {"name": "Eve"}, {"name": "Bob"}, {"name": "Ada"}
    assert merge(*names, policy=Hold("ask"), fields=SHUT[Side.MARKETO]).decisions[0].kind is DecisionKind.HELD
    same = merge({"name": "Eve"}, {"name": "Eve"}, {"name": "Ada"}, fields=SHUT[Side.MARKETO])
    assert same.decisions[0].kind is DecisionKind.AGREED
    one_way = evolve(OWNER, block=Side.DYNAMICS)
    followed = merge({"owner": "o"}, {"owner": "p"}, {"owner": "o"}, fields=(one_way,))
    assert (followed.to_marketo, followed.decisions[0].kind) == ({"owner": "p"}, DecisionKind.TO_MARKETO)


@pytest.mark.parametrize(("marketo", "dynamics"), [("Eve", "Ada"), ("Ada", "Eve"), ("Eve", "Bob"), (None, "Eve")])
def test_what_is_the_companys_flows_neither_way(marketo: str | None, dynamics: str) -> None:
    for fields in ((NAME,), SHUT[Side.DYNAMICS]):
        result = merge(
            {"name": marketo, "flag": True},
            {"name": dynamics, "flag": False},
            {"name": "Ada", "flag": False},
            closed=("name",),
            fields=(*fields, FLAG),
        )
        assert (result.to_marketo, result.to_dynamics) == ({}, {"flag": True})
        assert result.decisions[:1] == kept("Ada", marketo, dynamics, COMPANYS)
        assert bases(result) == ({"name": marketo, "flag": True}, {"name": dynamics, "flag": True})


def test_what_is_the_companys_and_the_same_is_agreed() -> None:
    result = merge({"name": "Eve"}, {"name": "Eve"}, {"name": "Ada"}, closed=("name",))
    assert [decision.kind for decision in result.decisions] == [DecisionKind.AGREED]


def test_a_held_clash_of_a_blocked_field_waits_even_where_the_other_side_is_empty() -> None:
    result = merge({"name": "Eve"}, {"name": None}, {"name": "Ada"}, policy=Hold("ask"), fields=SHUT[Side.MARKETO])
    assert [(decision.kind, decision.reason) for decision in result.decisions] == [(DecisionKind.HELD, "ask")]


def test_a_base_of_dynamics_alone_was_never_agreed() -> None:
    result = merge({"name": "Ada"}, {"name": "Eve"}, {}, {"name": "Eve"})
    assert [decision.kind for decision in result.decisions] == [DecisionKind.CONFLICT]
    assert result.decisions[0].base is None


def test_a_side_that_took_the_others_form_is_told_as_agreed() -> None:
    result = merge({"name": "ADA"}, {"name": "ADA"}, {"name": "Ada"}, {"name": "ADA"})
    assert [decision.kind for decision in result.decisions] == [DecisionKind.AGREED]
    assert bases(result) == ({"name": "ADA"}, {"name": "ADA"})


@pytest.mark.parametrize("read", [None, False])
def test_an_unset_boolean_is_the_false_that_only_a_digest_remembers(read: bool | None) -> None:
    remembered = Digest.of(b"key", "flag", False).with_codec(BooleanCodec())
    assert merge({"flag": read}, {"flag": False}, {"flag": remembered}).decisions == ()


def test_an_unset_boolean_is_not_the_true_that_only_a_digest_remembers() -> None:
    remembered = Digest.of(b"key", "flag", True).with_codec(BooleanCodec())
    result = merge({"flag": None}, {"flag": True}, {"flag": remembered})
    assert [decision.kind for decision in result.decisions] == [DecisionKind.TO_DYNAMICS]
    assert (result.to_marketo, result.to_dynamics) == ({}, {"flag": None})
