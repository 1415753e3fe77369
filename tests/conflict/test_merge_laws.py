"""The laws of the merge, for every mixture of values, absences, and unreadable and invalid ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.conflict import (
    DecisionKind,
    DynamicsWins,
    FirstDecided,
    Hold,
    LatestWins,
    MarketoWins,
    MergeResult,
    PerField,
    Policy,
    PreferNonEmpty,
    Resolution,
    as_policy,
)
from marketo_dynamics_sync.entities import UNREADABLE, BoundField, Digest, Direction, Invalid, Side

from .samples import FIELDS, merge

# Long texts fit one side only or none.
_TEXT = st.sampled_from([None, "", "a", "b", "c", "sixsix", "nine-nine"])
_FLAG = st.sampled_from([None, False, True])
_AMOUNT = st.sampled_from([None, Decimal(0), Decimal("1.25"), Decimal("-2")])
_ODD = st.sampled_from([UNREADABLE, Invalid("not-text", "a text was expected")])
_OF: dict[str, st.SearchStrategy[object]] = {
    "name": _TEXT,
    "owner": _TEXT,
    "moment": _TEXT,
    "note": _TEXT,
    "opt_out": _FLAG,
    "flag": _FLAG,
    "amount": _AMOUNT,
}
VALUES = st.fixed_dictionaries({}, optional=_OF)
WHOLE = st.fixed_dictionaries(_OF)
READ = st.fixed_dictionaries({}, optional={name: _ODD | values for name, values in _OF.items()})
POLICIES: st.SearchStrategy[Policy] = st.sampled_from(
    [
        MarketoWins(),
        DynamicsWins(),
        Hold(),
        LatestWins(),
        PreferNonEmpty(then=Hold()),
        PerField({"name": MarketoWins()}, default=Hold()),
        FirstDecided(Hold(), MarketoWins()),
        as_policy(lambda conflict: Resolution.use("new" if conflict.field == "name" else conflict.dynamics, "own")),
    ]
)


@frozen
class Case:
    """One record to merge."""

    marketo: dict[str, object] | None
    dynamics: dict[str, object] | None
    base_marketo: dict[str, object] | None
    base_dynamics: dict[str, object] | None
    policy: Policy

    def merge(self) -> MergeResult:
        return merge(self.marketo, self.dynamics, self.base_marketo, self.base_dynamics or {}, self.policy)

    def after(self, result: MergeResult) -> Case:
        """Return the record with the writes done and the base moved."""
        base = self.base_marketo or {}
        other = base | {name: old for name, old in (self.base_dynamics or {}).items() if name in base}
        return evolve(
            self,
            marketo={**base, **(self.marketo or {}), **result.to_marketo},
            dynamics={**other, **(self.dynamics or {}), **result.to_dynamics},
            base_marketo=dict(result.base_marketo),
            base_dynamics=dict(result.base_dynamics),
        )


def cases(read: st.SearchStrategy[Any] = READ) -> st.SearchStrategy[Case]:
    return st.builds(Case, st.none() | read, st.none() | read, st.none() | VALUES, st.none() | VALUES, POLICIES)


def same(left: object, right: object) -> bool:
    return left == right or (left in EMPTY and right in EMPTY and not is_number(left) and not is_number(right))


EMPTY: tuple[object, ...] = (None, "", False)


def is_number(value: object) -> bool:
    return isinstance(value, Decimal)


def changed(now: object, old: object) -> bool:
    return now is not UNREADABLE and not same(now, old)


def source_of(field: BoundField) -> Side | None:
    return field.direction.source if field.direction else None


@given(cases())
def test_total_and_deterministic(case: Case) -> None:
    result = case.merge()
    again = case.merge()
    assert result == again
    assert [d.field for d in result.decisions] == [
        f.name for f in FIELDS if f.name in {d.field for d in result.decisions}
    ]


@given(cases())
def test_idempotent(case: Case) -> None:
    first = case.merge()
    again = case.after(first).merge()
    assert again.to_marketo == {}
    assert again.to_dynamics == {}
    assert {d.kind for d in again.decisions} <= {DecisionKind.HELD}
    assert {d.field for d in again.decisions} <= {d.field for d in first.decisions if d.kind is DecisionKind.HELD}


@given(WHOLE, WHOLE, st.none() | VALUES, POLICIES)
def test_converging(
    marketo: dict[str, object], dynamics: dict[str, object], base: dict[str, object] | None, policy: Policy
) -> None:
    case = Case(marketo, dynamics, base, base, policy)
    result = case.merge()
    after = case.after(result)
    assert after.marketo is not None
    assert after.dynamics is not None
    held = {d.field for d in result.decisions if d.kind is DecisionKind.HELD}
    for field in FIELDS:
        if field.direction is not None and field.name not in held:
            assert same(after.marketo[field.name], after.dynamics[field.name]), field.name
            assert same(after.base_marketo[field.name], after.marketo[field.name])  # type: ignore[index]  # not None
            assert same(after.base_dynamics[field.name], after.dynamics[field.name])  # type: ignore[index]  # not None


@given(WHOLE, st.none() | VALUES, st.none() | VALUES, POLICIES)
def test_equal_changes_never_clash(
    both: dict[str, object], base: dict[str, object] | None, other: dict[str, object] | None, policy: Policy
) -> None:
    result = Case(both, dict(both), base, other, policy).merge()
    assert (result.to_marketo, result.to_dynamics) == ({}, {})
    assert {d.kind for d in result.decisions} <= {DecisionKind.AGREED}


@given(cases())
def test_a_change_on_one_side_always_reaches_the_other(case: Case) -> None:
    result = case.merge()
    base = case.base_marketo or {}
    other = case.base_dynamics or {}
    for field in FIELDS:
        if field.direction is not Direction.TWO_WAY:
            continue
        old_m = base.get(field.name)
        old_d = other.get(field.name, old_m) if field.name in base else None
        m = (case.marketo or {}).get(field.name, old_m)
        d = (case.dynamics or {}).get(field.name, old_d)
        if isinstance(m, Invalid) or isinstance(d, Invalid):
            continue
        for now, old, far, far_old, out, side in (
            (m, old_m, d, old_d, result.to_dynamics, Side.DYNAMICS),
            (d, old_d, m, old_m, result.to_marketo, Side.MARKETO),
        ):
            if not changed(now, old) or changed(far, far_old):
                continue
            decision = next(x for x in result.decisions if x.field == field.name)
            if far is UNREADABLE and not same(now, far_old):
                assert decision.rule == f"unreadable in {side.value.title()}"
            elif same(now, far_old):
                assert decision.kind is DecisionKind.AGREED
            elif field.problem(side, now) is not None:
                assert decision.rule == f"not valid for {side.value.title()}"
            else:
                assert out[field.name] == now


@given(cases())
def test_sources_and_read_only_fields_are_never_written(case: Case) -> None:
    result = case.merge()
    for field in FIELDS:
        if source_of(field) is Side.MARKETO or field.direction is None:
            assert field.name not in result.to_marketo
        if source_of(field) is Side.DYNAMICS or field.direction is None:
            assert field.name not in result.to_dynamics


@given(cases())
def test_only_good_values_are_written_and_remembered(case: Case) -> None:
    result = case.merge()
    for side, out in ((Side.MARKETO, result.to_marketo), (Side.DYNAMICS, result.to_dynamics)):
        for field in FIELDS:
            if field.name in out:
                assert field.problem(side, out[field.name]) is None
                now = ((case.marketo if side is Side.MARKETO else case.dynamics) or {}).get(field.name)
                assert now is not UNREADABLE
    for base in (result.base_marketo, result.base_dynamics):
        assert not any(value is UNREADABLE or isinstance(value, Invalid) for value in base.values())


@given(cases())
def test_a_held_field_keeps_its_base_and_both_values(case: Case) -> None:
    result = case.merge()
    for decision in result.decisions:
        if decision.kind is DecisionKind.HELD:
            name = decision.field
            assert name not in result.to_marketo
            assert name not in result.to_dynamics
            assert (name in result.base_marketo) is (name in (case.base_marketo or {}))
            assert result.base_marketo.get(name) == (case.base_marketo or {}).get(name)


@given(cases())
def test_every_write_has_its_decision(case: Case) -> None:
    result = case.merge()
    decided = {d.field: d for d in result.decisions}
    for out in (result.to_marketo, result.to_dynamics):
        for name, value in out.items():
            assert decided[name].value == value
            assert decided[name].rule


_NOT_OUT: st.SearchStrategy[dict[str, object]] = st.sampled_from([{}, {"opt_out": False}, {"opt_out": None}])


@given(_NOT_OUT, _NOT_OUT, st.none() | _NOT_OUT, st.none() | st.sampled_from([{"opt_out": True}, {}]), POLICIES)
def test_a_new_opt_out_is_never_lost(
    quiet: dict[str, object],
    base: dict[str, object],
    edited: dict[str, object] | None,
    other: dict[str, object] | None,
    policy: Policy,
) -> None:
    """Where a side newly says "opted out", both sides say so afterwards, whatever the other side says."""
    for far in (quiet, edited):
        after = Case({"opt_out": True}, far, base, other, policy)
        after = after.after(after.merge())
        assert after.marketo is not None
        assert after.dynamics is not None
        assert after.marketo["opt_out"] is True
        assert after.dynamics["opt_out"] is True


def hidden(base: dict[str, object] | None) -> dict[str, object] | None:
    """Return a base of which only digests are kept: of all but empty values."""
    if base is None:
        return None
    codecs = {bound.name: bound.codec for bound in FIELDS}
    return {
        name: value
        if value in (None, "") and value is not False
        else Digest.of(b"key", name, codecs[name].dump(value)).with_codec(codecs[name])
        for name, value in base.items()
    }


@given(READ | st.none(), READ | st.none(), st.none() | VALUES, st.none() | VALUES, POLICIES)
def test_a_merge_against_digests_is_the_merge_against_the_values(
    marketo: dict[str, object] | None,
    dynamics: dict[str, object] | None,
    base: dict[str, object] | None,
    base_dynamics: dict[str, object] | None,
    policy: Policy,
) -> None:
    result = merge(marketo, dynamics, base, base_dynamics, policy)
    assert merge(marketo, dynamics, hidden(base), hidden(base_dynamics), policy) == result
