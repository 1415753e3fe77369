"""From what was read to what is to be done. Pure: the same readings give the same step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from attrs import evolve

from ..conflict import MergeResult, Policy, merge_record
from ..entities import BoundEntity, Record, Side, Values
from ..identity import NO_KEY, Many, Nothing, One
from .company import company_fields
from .known import Known, confirmed_base
from .overwritten import as_before, open_losses, put_back, told
from .step import Step, StepKind

#: Why a person waits that lacks a value which Dynamics is never to be without.
REQUIRED: Final = "required"
_NOTHING_READ: Final[Mapping[str, object]] = {}


def plan_pair(
    known: Known,
    *,
    marketo: Record | None,
    dynamics: Record | None,
    policy: Policy,
    moved_from: tuple[str, str] | None = None,
) -> Step:
    """Plan for two linked records.

    Args:
        known: What is remembered of them.
        marketo: The person as just read; ``None`` where nothing says that it changed.
        dynamics: The row as just read; ``None`` where nothing says that it changed.
        policy: Decides clashes.
        moved_from: Entity and row id the link had before, where this plan also moves it.

    Returns:
        A step of kind ``SYNC``, or ``MOVE`` when the link moves.
    """
    before, person, row = known, marketo, dynamics
    losses = open_losses(known, marketo)
    if losses and marketo is not None:
        before, person, row = as_before(known, losses, marketo, dynamics)
    merge = _merge(
        known.entity,
        policy,
        marketo=person,
        dynamics=row,
        base_marketo=confirmed_base(before, person) if person is not None else known.base_marketo,
        base_dynamics=before.base_dynamics,
        ids=(known.marketo_id, known.dynamics_id),
    )
    if losses and marketo is not None:
        merge = put_back(merge, losses, marketo)
    return Step(
        StepKind.SYNC if moved_from is None else StepKind.MOVE,
        known.entity,
        marketo_id=known.marketo_id,
        dynamics_id=known.dynamics_id,
        to_marketo={n: v for n, v in merge.to_marketo.items() if not known.entity.fields[n].once},
        to_dynamics=merge.to_dynamics,
        merge=merge,
        known=known,
        version=dynamics.version if dynamics is not None else known.version,
        moved_from=moved_from,
        overwritten=told(known, losses, merge.decisions),
    )


def plan_link(
    entity: BoundEntity, row: Record, person: Record, *, by: str, policy: Policy, revive: bool = False
) -> Step:
    """Plan for a row and a person that were found to be one and never were linked.

    With no base, a value on one side only goes to the other, and two different values are a clash for the policy.

    Args:
        entity: The entity.
        row: The Dynamics row.
        person: The Marketo person.
        by: Field that they were recognised by.
        policy: Decides clashes.
        revive: The person was marked as deleted in Dynamics: take the mark away.
    """
    merge = _merge(
        entity,
        policy,
        marketo=person,
        dynamics=row,
        base_marketo=None,
        base_dynamics=None,
        ids=(person.id, row.id),
    )
    return Step(
        StepKind.LINK,
        entity,
        marketo_id=person.id,
        dynamics_id=row.id,
        to_marketo=_revived(entity, merge.to_marketo) if revive else merge.to_marketo,
        to_dynamics=merge.to_dynamics,
        merge=merge,
        version=row.version,
        reason=f"recognised by {by}",
    )


def plan_new_row(
    entity: BoundEntity, row: Record, match: One | Nothing | Many, *, policy: Policy, revive: bool = False
) -> Step:
    """Plan for a Dynamics row that is new to us, by what matching said of it."""
    if isinstance(match, One):
        return plan_link(entity, row, match.record, by=match.key, policy=policy, revive=revive)
    if isinstance(match, Many):
        return _park(entity, row, match)
    merge = _merge(
        entity,
        policy,
        marketo=None,
        dynamics=row,
        base_marketo=None,
        base_dynamics=None,
        ids=(None, row.id),
    )
    if merge.to_marketo.get(match.lookup) is None:
        return _park(entity, row, Many(NO_KEY, match.lookup))
    return Step(
        StepKind.CREATE_PERSON,
        entity,
        dynamics_id=row.id,
        to_marketo=merge.to_marketo,
        merge=merge,
        version=row.version,
        lookup=match.lookup,
        reason="new in Dynamics",
    )


def plan_new_person(
    entity: BoundEntity,
    person: Record,
    *,
    row_id: str,
    policy: Policy,
    preset: Values = _NOTHING_READ,
    later: Collection[str] = (),
    revive: bool = False,
) -> Step:
    """Plan for a Marketo person that is to be made in Dynamics.

    Args:
        entity: The entity to make it as.
        person: The person.
        row_id: The row id we chose.
        policy: Decides clashes; with nothing on the other side there are none.
        preset: Values for the new row that the caller asked for.
        later: Fields that Marketo is told of when the new row is read, and not before.
        revive: The person was marked as deleted in Dynamics: take the mark away.

    Returns:
        A step that makes the row, or one that parks a person who lacks a required value.
    """
    values = {**preset}
    if entity.key is not None:
        values[entity.key.name] = row_id
    values |= entity.constants
    merge = _merge(
        entity,
        policy,
        marketo=person,
        dynamics=Record(row_id, values),
        base_marketo=None,
        base_dynamics=None,
        ids=(person.id, row_id),
    )
    # The caller's values win on both sides, where the field flows to Marketo at all.
    flowing = {n: v for n, v in preset.items() if entity.fields[n].to_marketo and n not in later}
    news = {n: v for n, v in flowing.items() if person.values.get(n) != v}
    base = {**merge.base_marketo, **{n: person.values.get(n) for n in preset}, **news}
    merge = evolve(
        merge,
        to_marketo={n: v for n, v in merge.to_marketo.items() if n not in preset} | news,
        to_dynamics={**merge.to_dynamics, **preset},
        base_marketo={n: v for n, v in base.items() if n not in later},
        base_dynamics={n: v for n, v in {**merge.base_dynamics, **preset}.items() if n not in later},
        decisions=tuple(decision for decision in merge.decisions if decision.field not in preset),
    )
    missing = [n for n, f in entity.fields.items() if f.needed and merge.to_dynamics.get(n) in (None, "")]
    if missing:
        return park(entity, REQUIRED, marketo_id=person.id, dynamics_id=None, missing=missing)
    return Step(
        StepKind.CREATE_ROW,
        entity,
        marketo_id=person.id,
        dynamics_id=row_id,
        to_marketo=_revived(entity, merge.to_marketo) if revive else merge.to_marketo,
        to_dynamics=merge.to_dynamics,
        merge=merge,
        reason="pushed from Marketo",
        detail={"preset": sorted(preset)} if preset else {},
    )


def plan_gone(known: Known, side: Side, *, flag: bool, delete: bool = False) -> Step:
    """Plan for a linked record that was deleted on a side.

    Args:
        known: What is remembered of the pair.
        side: The side where the record is gone.
        flag: For a row gone in Dynamics: mark the person as deleted in Dynamics, where Marketo has the field for it,
            and empty what only a person that is in Dynamics has (Adobe, "Default Dynamics Field Mapping": Microsoft
            Type is empty for one that exists only in Marketo).
        delete: Delete the other half too.
    """
    mark = flag and side is Side.DYNAMICS
    flagged = known.entity.deleted_flag if mark else None
    marks: dict[str, object] = {flagged.name: True} if flagged is not None else {}
    if mark:
        marks |= dict.fromkeys(known.entity.constants)
    return Step(
        StepKind.UNLINK,
        known.entity,
        marketo_id=known.marketo_id,
        dynamics_id=known.dynamics_id,
        to_marketo=marks,
        reason=f"deleted in {side.value.title()}",
        version=known.version,
        deletes=side.other if delete else None,
    )


def park(
    entity: BoundEntity, reason: str, *, marketo_id: str | None, dynamics_id: str | None, **detail: object
) -> Step:
    """Plan to leave a record alone until a human decides."""
    return Step(
        StepKind.PARK, entity, marketo_id=marketo_id, dynamics_id=dynamics_id, reason=reason, detail=dict(detail)
    )


def _revived(entity: BoundEntity, values: Values) -> Values:
    return {**values, entity.deleted_flag.name: False} if entity.deleted_flag is not None else values


def _park(entity: BoundEntity, row: Record, match: Many) -> Step:
    return park(
        entity,
        match.reason,
        marketo_id=None,
        dynamics_id=row.id,
        key=match.key,
        candidates=list(match.candidates),
        rivals=list(match.rivals),
    )


def _merge(
    entity: BoundEntity,
    policy: Policy,
    *,
    marketo: Record | None,
    dynamics: Record | None,
    base_marketo: Values | None,
    base_dynamics: Values | None,
    ids: tuple[str | None, str | None],
) -> MergeResult:
    return merge_record(
        entity.fields.values(),
        entity=entity.name,
        marketo=marketo.values if marketo is not None else None,
        dynamics=dynamics.values if dynamics is not None else None,
        base_marketo=base_marketo,
        base_dynamics=base_dynamics,
        policy=policy,
        marketo_id=ids[0],
        dynamics_id=ids[1],
        marketo_at=marketo.modified_at if marketo is not None else None,
        dynamics_at=dynamics.modified_at if dynamics is not None else None,
        closed=company_fields(
            entity,
            dynamics.values if dynamics is not None else {},
            marketo.values if marketo is not None else base_marketo or {},
        ),
    )
