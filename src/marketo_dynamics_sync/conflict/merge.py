"""Three-way merge, field by field, against what both sides agreed on last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from ..entities import UNREADABLE, BoundField, Direction, Invalid, Side, Values
from .conflict import Conflict
from .decision import Decision, DecisionKind
from .policies import MostRestrictive, Policy, decide
from .resolution import Resolution

_EMPTY: Final[Mapping[str, object]] = {}


@frozen
class MergeResult:
    """What a merge came to.

    Attributes:
        to_marketo: Values to write to Marketo.
        to_dynamics: Values to write to Dynamics.
        base_marketo: What Marketo holds once its write is done: the new base.
        base_dynamics: What Dynamics holds once its write is done.
        decisions: The fields in which something happened.
    """

    to_marketo: Values = field(repr=False)
    to_dynamics: Values = field(repr=False)
    base_marketo: Values = field(repr=False)
    base_dynamics: Values = field(repr=False)
    decisions: tuple[Decision, ...] = ()


@frozen
class _Three:
    """The three versions of one field. A side that wasn't read counts as unchanged."""

    base_marketo: object
    base_dynamics: object
    marketo: object
    dynamics: object
    has_base: bool


def merge_record(
    fields: Iterable[BoundField],
    *,
    entity: str,
    marketo: Values | None,
    dynamics: Values | None,
    base_marketo: Values | None,
    base_dynamics: Values | None,
    policy: Policy,
    marketo_id: str | None = None,
    dynamics_id: str | None = None,
    marketo_at: datetime | None = None,
    dynamics_at: datetime | None = None,
) -> MergeResult:
    """Merge two records that are one.

    Each field for itself: changed on one side, it goes to the other; changed on both to the same value, only the base moves;
    changed on both to different values, the policy decides, and for an opt-out field the opt-out. A field that flows one way
    is repaired on the far side. A value that wasn't read (absent, unreadable) counts as unchanged and is never written over
    by what wasn't read. A value that a side can't hold is held back; the other fields go on.

    With no base a field counts as having been empty on both sides.

    Args:
        fields: The entity's fields.
        entity: Name of the entity.
        marketo: Marketo's values now; ``None`` or a missing name: not read.
        dynamics: Dynamics' values now, likewise.
        base_marketo: What Marketo held when both last agreed; ``None`` or a missing name: never.
        base_dynamics: What Dynamics held then.
        policy: Decides clashes.
        marketo_id: Person id, for the policy.
        dynamics_id: Row id, for the policy.
        marketo_at: When Marketo last changed the record, for the policy.
        dynamics_at: When Dynamics last changed the row, for the policy.

    Raises:
        PolicyError: The policy raised or gave no resolution.
    """
    m_now, d_now = marketo or _EMPTY, dynamics or _EMPTY
    m_base, d_base = base_marketo or _EMPTY, base_dynamics or _EMPTY
    to_marketo: dict[str, object] = {}
    to_dynamics: dict[str, object] = {}
    new_m: dict[str, object] = {}
    new_d: dict[str, object] = {}
    decisions: list[Decision] = []
    for bound in fields:
        name = bound.name
        has_base = name in m_base
        old_m = m_base.get(name)
        old_d = d_base.get(name, old_m)
        m = m_now.get(name, UNREADABLE)
        d = d_now.get(name, UNREADABLE)
        if has_base:
            new_m[name], new_d[name] = old_m, old_d
            if (m is UNREADABLE or m == old_m) and (d is UNREADABLE or d == old_d):
                continue
        bad = m if isinstance(m, Invalid) else d
        if isinstance(bad, Invalid):
            where = Side.MARKETO if bad is m else Side.DYNAMICS
            decisions.append(
                Decision(
                    name,
                    DecisionKind.HELD,
                    old_m,
                    None,
                    None,
                    None,
                    None,
                    f"invalid in {where.value.title()}",
                    bad.reason,
                )
            )
            continue
        three = _Three(old_m, old_d, old_m if m is UNREADABLE else m, old_d if d is UNREADABLE else d, has_base)
        decision = _field(
            bound,
            three,
            policy,
            Conflict(
                entity,
                name,
                old_m,
                three.marketo,
                three.dynamics,
                marketo_id,
                dynamics_id,
                marketo_at,
                dynamics_at,
                has_base,
            ),
        )
        if decision is not None:
            decision = _holdable(bound, three, decision)
        if decision is not None and decision.kind is DecisionKind.HELD:
            decisions.append(decision)
            continue
        new_m[name], new_d[name] = three.marketo, three.dynamics
        if decision is None:
            continue
        decisions.append(decision)
        for side, now, out, base in (
            (Side.MARKETO, three.marketo, to_marketo, new_m),
            (Side.DYNAMICS, three.dynamics, to_dynamics, new_d),
        ):
            if not _same(decision.value, now) and bound.writable(side):
                out[name] = base[name] = decision.value
    return MergeResult(to_marketo, to_dynamics, new_m, new_d, tuple(decisions))


def _field(bound: BoundField, three: _Three, policy: Policy, conflict: Conflict) -> Decision | None:
    direction = bound.direction
    if direction is None or _same(three.marketo, three.dynamics):
        moved = not _same(three.marketo, three.base_marketo) or not _same(three.dynamics, three.base_dynamics)
        if direction is None or not moved:
            return None
        return _decision(bound, three, DecisionKind.AGREED, None, three.marketo, "same on both sides")
    if direction is Direction.TO_MARKETO:
        return _one_way(bound, three, Side.DYNAMICS)
    if direction is Direction.TO_DYNAMICS:
        return _one_way(bound, three, Side.MARKETO)
    m_changed = not _same(three.marketo, three.base_marketo)
    d_changed = not _same(three.dynamics, three.base_dynamics)
    if m_changed and d_changed:
        ruling = MostRestrictive(policy) if bound.opt_out else policy
        return _ruled(bound, three, decide(ruling, conflict))
    if m_changed:
        return _decision(bound, three, DecisionKind.TO_DYNAMICS, Side.MARKETO, three.marketo, "changed in Marketo")
    if d_changed:
        return _decision(bound, three, DecisionKind.TO_MARKETO, Side.DYNAMICS, three.dynamics, "changed in Dynamics")
    return None


def _one_way(bound: BoundField, three: _Three, source: Side) -> Decision | None:
    value, base_there, there = (
        (three.dynamics, three.base_marketo, three.marketo)
        if source is Side.DYNAMICS
        else (three.marketo, three.base_dynamics, three.dynamics)
    )
    base_here = three.base_dynamics if source is Side.DYNAMICS else three.base_marketo
    if _same(value, base_here) and _same(there, base_there) and three.has_base:
        # The far side keeps the value in a form of its own (rounded, trimmed): that is agreement.
        return None
    repaired = not _same(there, base_there) and three.has_base
    kind = DecisionKind.TO_MARKETO if source is Side.DYNAMICS else DecisionKind.TO_DYNAMICS
    rule = f"one-way from {source.value.title()}"
    return _decision(bound, three, kind, source, value, rule, "repaired" if repaired else "")


def _ruled(bound: BoundField, three: _Three, answer: Resolution) -> Decision:
    kind = DecisionKind.HELD if answer.held else DecisionKind.CONFLICT
    return _decision(bound, three, kind, answer.winner, answer.value, answer.rule, answer.reason)


def _holdable(bound: BoundField, three: _Three, decision: Decision) -> Decision:
    """Return the decision, or one that holds the field where a side that would be written to can't hold the value."""
    if decision.kind is DecisionKind.HELD:
        return decision
    for side, now in ((Side.MARKETO, three.marketo), (Side.DYNAMICS, three.dynamics)):
        if not bound.writable(side) or _same(decision.value, now):
            continue
        problem = bound.problem(side, decision.value)
        if problem is not None:
            rule = f"not valid for {side.value.title()}"
            return _decision(bound, three, DecisionKind.HELD, None, None, rule, problem.reason)
    return decision


def _decision(
    bound: BoundField,
    three: _Three,
    kind: DecisionKind,
    winner: Side | None,
    value: object,
    rule: str,
    reason: str = "",
) -> Decision:
    return Decision(bound.name, kind, three.base_marketo, three.marketo, three.dynamics, winner, value, rule, reason)


def _same(left: object, right: object) -> bool:
    """Return whether two values are one: equal, or both empty. False is what an unset boolean is."""
    if left == right:
        return True
    return left in (None, "", False) and right in (None, "", False) and not _is_zero(left) and not _is_zero(right)


def _is_zero(value: object) -> bool:
    return value == 0 and value is not False
