"""Three-way merge, field by field, against what both sides agreed on last. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from attrs import field, frozen

from ..entities import UNREADABLE, BoundField, Digest, Invalid, Side, Values
from .conflict import Conflict
from .decision import Decision, DecisionKind
from .policies import MostRestrictive
from .policy import Policy, decide

_NOTHING: Final[Mapping[str, object]] = {}
#: Stands for a field that wasn't read: its side counts as unchanged.
_ABSENT: Final = object()

#: What a policy may want to know of the two records: both ids, both times.
_About: TypeAlias = tuple[str | None, str | None, datetime | None, datetime | None]


@frozen
class MergeResult:
    """What a merge came to.

    Attributes:
        to_marketo: Values to write to Marketo.
        to_dynamics: Values to write to Dynamics.
        base_marketo: What Marketo holds once its write is done: the new base. A held field keeps its old base.
        base_dynamics: What Dynamics holds once its write is done.
        decisions: The fields in which something happened.
    """

    to_marketo: Values = field(repr=False)
    to_dynamics: Values = field(repr=False)
    base_marketo: Values = field(repr=False)
    base_dynamics: Values = field(repr=False)
    decisions: tuple[Decision, ...] = ()


@frozen
class _Cell:
    """One field on one side: what it held when both last agreed, and what was read now."""

    old: object
    raw: object

    @property
    def read(self) -> bool:
        return self.raw is not _ABSENT and self.raw is not UNREADABLE

    @property
    def now(self) -> object:
        """The value; one that wasn't read is the one it had."""
        return self.raw if self.read else self.old

    @property
    def changed(self) -> bool:
        return not _same(self.now, self.old)

    @property
    def known(self) -> object:
        """The value for a decision: there is none where what was read is not of the field's type."""
        return None if isinstance(self.raw, Invalid) else self.now


@frozen
class _Cells:
    """One field on both sides."""

    marketo: _Cell
    dynamics: _Cell
    has_base: bool
    block: Side | None = None
    closed: bool = False

    def __getitem__(self, side: Side) -> _Cell:
        return self.marketo if side is Side.MARKETO else self.dynamics

    @property
    def shut(self) -> Side | None:
        """The side that doesn't take a value now."""
        return None if self.block is None or _empty(self[self.block].now) else self.block

    @property
    def why(self) -> str:
        """Why a side doesn't take a value."""
        if self.closed:
            return "it is the company's in Marketo"
        return f"blocked in {self.block.value.title()}" if self.block is not None else ""

    @property
    def certain(self) -> bool:
        """Whether what is known now can be the next base: not if it rests on cells that were never read."""
        if self.has_base:
            return True
        unreadable = self.marketo.raw is UNREADABLE or self.dynamics.raw is UNREADABLE
        return not unreadable and (self.marketo.read or self.dynamics.read)


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
    closed: Collection[str] = (),
) -> MergeResult:
    """Merge two records that are one.

    Each field for itself:

    - Changed on one side, it goes to the other; an opt-out that was taken back too.
    - Changed on both to the same value, only the base moves.
    - Changed on both to different values, the policy decides; for an opt-out field the opt-out wins whatever it says.
    - A field that flows one way is repaired on the far side, where somebody changed it. A source that was never read
      repairs nothing.
    - A side that is blocked for a field takes a value only while its own is empty. After that each side keeps its own,
      until the blocked side changes; what changed there goes to the other as ever.
    - A value that wasn't read (absent, unreadable) counts as unchanged. What the sync user can't read it doesn't
      overwrite: the field is held.
    - A value that is not of the field's type, or that the other side can't hold, is held; the other fields go on.

    With no base a field counts as having been empty on both sides: a value on one side only goes to the other, and two
    different values clash.

    Args:
        fields: The entity's fields.
        entity: Name of the entity.
        marketo: Marketo's values now; ``None`` or a missing name: not read.
        dynamics: Dynamics' values now, likewise.
        base_marketo: What Marketo held when both last agreed; ``None`` or a missing name: never.
        base_dynamics: What Dynamics held then; a missing name: the same as Marketo. A name that Marketo's base doesn't
            have was never agreed, whatever is here.
        policy: Decides clashes.
        marketo_id: Person id, for the policy.
        dynamics_id: Row id, for the policy.
        marketo_at: When Marketo last changed the record, for the policy.
        dynamics_at: When Dynamics last changed the row, for the policy.
        closed: Fields that are not this record's own in Marketo, but its company's: they flow neither way.

    Raises:
        PolicyError: The policy raised or gave no resolution.
    """
    m_now, d_now = marketo or _NOTHING, dynamics or _NOTHING
    m_base, d_base = base_marketo or _NOTHING, base_dynamics or _NOTHING
    about: _About = (marketo_id, dynamics_id, marketo_at, dynamics_at)
    to_marketo: dict[str, object] = {}
    to_dynamics: dict[str, object] = {}
    new_m: dict[str, object] = {}
    new_d: dict[str, object] = {}
    decisions: list[Decision] = []
    for bound in fields:
        name = bound.name
        has_base = name in m_base
        old_m = m_base.get(name)
        old_d = d_base.get(name, old_m) if has_base else None
        m = m_now.get(name, _ABSENT)
        d = d_now.get(name, _ABSENT)
        if has_base:
            new_m[name], new_d[name] = old_m, old_d
            # Nearly every field of every record ends here, so these two lines are the speed of the merge.
            if (m == old_m or m is _ABSENT or m is UNREADABLE) and (d == old_d or d is _ABSENT or d is UNREADABLE):
                continue
        direction = bound.direction
        if direction is None:
            continue
        cells = _Cells(_Cell(old_m, m), _Cell(old_d, d), has_base, bound.block, name in closed)
        source = direction.source
        if source is not None and not has_base and not cells[source].read:
            continue
        decision = _decided(bound, cells, source, entity, policy, about)
        if decision is not None:
            decision = _checked(bound, cells, _allowed(bound, cells, decision))
            decisions.append(decision)
            if decision.kind is DecisionKind.HELD:
                continue
        elif not cells.certain:
            continue
        new_m[name], new_d[name] = cells.marketo.now, cells.dynamics.now
        if decision is None:
            continue
        if _to_write(bound, Side.MARKETO, cells, decision):
            to_marketo[name] = new_m[name] = decision.value
        if _to_write(bound, Side.DYNAMICS, cells, decision):
            to_dynamics[name] = new_d[name] = decision.value
    return MergeResult(to_marketo, to_dynamics, new_m, new_d, tuple(decisions))


def _decided(
    bound: BoundField, cells: _Cells, source: Side | None, entity: str, policy: Policy, about: _About
) -> Decision | None:
    for side in Side if source is None else (source,):
        raw = cells[side].raw
        if isinstance(raw, Invalid):
            return _decision(bound, cells, DecisionKind.HELD, f"invalid in {side.value.title()}", raw.reason)
    changed_m, changed_d = cells.marketo.changed, cells.dynamics.changed
    if _same(cells.marketo.now, cells.dynamics.now):
        if not changed_m and not changed_d:
            return None
        return _decision(bound, cells, DecisionKind.AGREED, "same on both sides", value=cells.marketo.now)
    if source is not None:
        return _one_way(bound, cells, source)
    if changed_m and changed_d:
        return _clash(bound, cells, entity, policy, about)
    if changed_m:
        return _carried(bound, cells, Side.MARKETO, "changed in Marketo")
    if changed_d:
        return _carried(bound, cells, Side.DYNAMICS, "changed in Dynamics")
    return None


def _one_way(bound: BoundField, cells: _Cells, source: Side) -> Decision | None:
    repaired = cells.has_base and cells[source.other].changed
    if cells.has_base and not cells[source].changed and not repaired:
        # The far side keeps the value in a form of its own (rounded, trimmed): that is agreement.
        return None
    return _carried(bound, cells, source, f"one-way from {source.value.title()}", "repaired" if repaired else "")


def _carried(bound: BoundField, cells: _Cells, winner: Side, rule: str, reason: str = "") -> Decision:
    kind = DecisionKind.TO_DYNAMICS if winner is Side.MARKETO else DecisionKind.TO_MARKETO
    return _decision(bound, cells, kind, rule, reason, winner, cells[winner].now)


def _clash(bound: BoundField, cells: _Cells, entity: str, policy: Policy, about: _About) -> Decision:
    marketo, dynamics = cells.marketo, cells.dynamics
    clash = Conflict(entity, bound.name, marketo.old, marketo.now, dynamics.now, *about, has_base=cells.has_base)
    answer = decide(MostRestrictive(policy) if bound.opt_out else policy, clash)
    if answer.held:
        return _decision(bound, cells, DecisionKind.HELD, answer.rule, answer.reason)
    return _decision(bound, cells, DecisionKind.CONFLICT, answer.rule, answer.reason, answer.winner, answer.value)


def _allowed(bound: BoundField, cells: _Cells, decision: Decision) -> Decision:
    """Return the decision, or one by which each side keeps its own where none may follow the other."""
    if cells.closed and decision.kind is not DecisionKind.AGREED:
        return _decision(bound, cells, DecisionKind.KEPT, cells.why)
    shut = cells.shut
    if shut is None or decision.kind is DecisionKind.HELD or not bound.writable(shut):
        return decision
    if _same(decision.value, cells[shut].now) or _to_write(bound, shut.other, cells, decision):
        return decision
    return _decision(bound, cells, DecisionKind.KEPT, cells.why)


def _checked(bound: BoundField, cells: _Cells, decision: Decision) -> Decision:
    """Return the decision, or one that holds the field where a side can't be given the value."""
    if decision.kind is DecisionKind.HELD:
        return decision
    for side in Side:
        if not _to_write(bound, side, cells, decision):
            continue
        if cells[side].raw is UNREADABLE:
            reason = "the sync user can't read what is there, so it is not overwritten"
            return _decision(bound, cells, DecisionKind.HELD, f"unreadable in {side.value.title()}", reason)
        problem = bound.problem(side, decision.value)
        if problem is not None:
            rule = f"not valid for {side.value.title()}"
            return _decision(bound, cells, DecisionKind.HELD, rule, problem.reason)
    return decision


def _to_write(bound: BoundField, side: Side, cells: _Cells, decision: Decision) -> bool:
    if decision.kind is DecisionKind.KEPT or side is cells.shut:
        return False
    return bound.writable(side) and not _same(decision.value, cells[side].now)


def _decision(
    bound: BoundField,
    cells: _Cells,
    kind: DecisionKind,
    rule: str,
    reason: str = "",
    winner: Side | None = None,
    value: object = None,
) -> Decision:
    old, marketo, dynamics = cells.marketo.old, cells.marketo.known, cells.dynamics.known
    return Decision(bound.name, kind, old, marketo, dynamics, winner, value, rule, reason)


def _same(left: object, right: object) -> bool:
    """Return whether two values are one: equal, or both empty. False is what an unset boolean is."""
    return left == right or (_empty(left) and _empty(right))


def _empty(value: object) -> bool:
    if isinstance(value, Digest):
        return value.exactly(False)
    return value is None or value is False or value == ""
