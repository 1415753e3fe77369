"""Records that a changed schema keeps back: they wait whole, and are looked at again when nothing keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from ..conflict import DecisionKind
from ..entities import BoundEntity, Record, SchemaChange, Side
from ..entities.drift import changes, snapshot
from ..plan import Known, Step, StepKind, park
from ..state import Link
from .apply import Stopped
from .contract import SCHEMA_CHANGE
from .services import Services
from .work import Again, Work

#: Steps that carry values of a record.
_CARRYING = frozenset({StepKind.SYNC, StepKind.LINK, StepKind.MOVE, StepKind.CREATE_PERSON, StepKind.CREATE_ROW})
#: What is no value.
_EMPTY = (None, "", False)


def moved(services: Services) -> tuple[SchemaChange, ...]:
    """Return what the services changed since the cycle began, as far as it takes something away."""
    services.marketo.refresh(certain=True)
    return _moved_tables(services)


def _moved_tables(services: Services) -> tuple[SchemaChange, ...]:
    found: list[SchemaChange] = []
    services.dynamics.refresh(certain=True)
    for name, entity in services.entities.items():
        definition = entity.definition
        ends = services.marketo.describe(definition), services.dynamics.describe(definition)
        seen = services.contracts[name].seen
        found += changes(definition, seen, snapshot(definition, *ends, seen), *ends)
    return tuple(change for change in found if change.lost)


def _require_same(services: Services, works: Sequence[Work]) -> None:
    """Make sure that values which look cleared in Dynamics were cleared: a column that column-level security hides
    comes as null, and definitions are kept from cycle to cycle (Microsoft Learn, "Column-level security").

    Raises:
        Stopped: A column was taken from the sync user, or away, while its definition was believed. The next cycle goes
            by the new ones.
    """
    cleared = {(work.step.entity.name, name) for work in works for name in _cleared(work)}
    if not cleared:
        return
    taken = [change for change in _moved_tables(services) if (change.entity, change.field) in cleared]
    if taken:
        raise Stopped(moved_text(taken))


def moved_text(found: Iterable[SchemaChange]) -> str:
    """Return what to say of changes that end a cycle."""
    return f"the schema changed while the cycle ran; the next one goes by it: {'; '.join(map(str, found))}"


def _cleared(work: Work) -> Iterator[str]:
    """Yield fields that a row read as empty, though they had a value, and that are to be emptied in Marketo."""
    if work.dynamics is not None and work.step.known is not None:
        for name, value in work.step.to_marketo.items():
            if value in _EMPTY and work.step.known.base_dynamics.get(name) not in _EMPTY:
                yield name


def _screen(services: Services, work: Work) -> Work:
    """Return a work, or one that parks its record where the entity's contract says so."""
    if services.contracts[work.step.entity.name].strict:
        work.step = _screened(services, work.step)
        if work.again is not None:
            work.again = _Again(services, work.again)
    return work


@frozen
class _Again:
    """Plans a record anew and looks at what came out."""

    services: Services
    again: Again

    def __call__(self, row: Record) -> Step:
        return _screened(self.services, self.again(row))

    def anew(self, person: Record, known: Known | None) -> _Again:
        return _Again(self.services, self.again.anew(person, known))


def _screened(services: Services, step: Step) -> Step:
    contract = services.contracts[step.entity.name]
    if step.kind not in _CARRYING:
        return step
    kept = step.known.source if step.known is not None else None
    base = kept.base if isinstance(kept, Link) else {}
    gone = {name for name in contract.strict & contract.left_out if base.get(name) not in _EMPTY}
    misfits = {d.field for d in step.decisions if d.kind is DecisionKind.HELD and d.field in contract.strict}
    if not gone and not misfits:
        return step
    made = step.kind is StepKind.CREATE_ROW
    fields = sorted(gone | misfits)
    return park(
        step.entity,
        SCHEMA_CHANGE,
        marketo_id=step.marketo_id,
        dynamics_id=None if made else step.dynamics_id,
        fields=fields,
    )


def screened(services: Services, works: Sequence[Work]) -> list[Work]:
    """Return works as the schema lets them be carried out.

    Raises:
        Stopped: The schema changed while the cycle ran.
    """
    _require_same(services, works)
    return [_screen(services, work) for work in works]


def let_go(services: Services, entity: BoundEntity) -> list[str]:
    """Return rows that waited for the schema, and that it keeps back no longer."""
    contract = services.contracts[entity.name]
    easing = ("lengthened",) if contract.discards else ("lengthened", "options")
    eased = {change.field for change in contract.changes if change.kind in easing}
    rows = []
    for parked in services.store.parked(entity.name):
        if parked.side != Side.DYNAMICS.value:
            continue
        fields = parked.detail.get("fields")
        whole = not parked.field and parked.reason == SCHEMA_CHANGE and isinstance(fields, list)
        if parked.field in eased or (whole and isinstance(fields, list) and not contract.strict & set(fields)):
            rows.append(parked.id)
    return rows
