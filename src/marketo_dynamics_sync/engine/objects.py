"""Entities that live in Marketo's other objects: their place in a cycle, their links, and what a deletion means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import evolve

from ..conflict import Decision, DecisionKind
from ..entities import BoundEntity, Record, Ref
from .companies import followed
from .relations import link_targets
from .services import Services
from .waiting import MISSING_PARENT
from .work import Work

#: Objects that others link to come first (Adobe, "Sync architecture": sales persons, companies, leads, opportunities,
#: roles, custom objects).
_PLACES: Final = {"salesperson": 0, "company": 1, "person": 2, "opportunity": 3, "opportunityRole": 4}


def in_order(entities: Iterable[BoundEntity]) -> list[BoundEntity]:
    """Return entities in the order of a cycle; those of one kind stay in the order they were given."""
    return sorted(entities, key=lambda entity: _PLACES.get(entity.definition.marketo.name, 5))


def resolved(
    services: Services, entity: BoundEntity, rows: Mapping[str, Record]
) -> tuple[dict[str, Record], dict[str, dict[str, str]]]:
    """Return rows whose links Marketo can hold, and the links that wait: row id to field to the parent's row id.

    A link to a row that is no record of the right kind (an owner that is a team, a contact as a contact's parent)
    counts as empty. One to a record that Marketo doesn't have yet is left out until the record comes. A person can be
    given another company, and can't be left without one.
    """
    links = link_targets(entity)
    if not links:
        return dict(rows), {}
    rows = followed(services, entity, rows)
    parents = _parents(services, links, rows.values())
    found: dict[str, Record] = {}
    waiting: dict[str, dict[str, str]] = {}
    for row_id, row in rows.items():
        values = dict(row.values)
        for name, target in links.items():
            ref = values.get(name)
            there = parents.get((name, ref.table, ref.id)) if isinstance(ref, Ref) else None
            if isinstance(ref, Ref) and there is False:
                del values[name]
                waiting.setdefault(row_id, {})[name] = ref.id
            elif there is None and name in values:
                values[name] = None
                if target == "company" and entity.definition.marketo.is_person:
                    # Marketo refuses a person whose company is taken away: the last one stays.
                    del values[name]
        found[row_id] = evolve(row, values=values)
    return found, waiting


def _parents(services: Services, links: Mapping[str, str], rows: Iterable[Record]) -> dict[tuple[str, str, str], bool]:
    """Return whether Marketo has the parent, by field, table and row id; parents of the wrong kind are left out."""
    asked: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name in links:
            ref = row.values.get(name)
            if isinstance(ref, Ref):
                asked.setdefault((name, ref.table), set()).add(ref.id)
    found: dict[tuple[str, str, str], bool] = {}
    for (name, table), ids in asked.items():
        parent = services.entity_of_table(table)
        if parent is None or parent.definition.marketo.name != links[name]:
            continue
        linked = services.store.links_by_dynamics(parent.name, sorted(ids))
        found |= {(name, table, row_id): row_id in linked for row_id in ids}
    return found


def waiting_for_parents(work: Work, held: Mapping[str, str] | None) -> Work:
    """Return a work that also says which of its links wait, and for whom."""
    merge = work.step.merge
    if not held or merge is None:
        return work
    waits = tuple(
        Decision(
            name,
            DecisionKind.HELD,
            base=None,
            marketo=None,
            dynamics=None,
            winner=None,
            value=None,
            rule=MISSING_PARENT,
            reason=parent,
        )
        for name, parent in held.items()
    )
    work.step = evolve(work.step, merge=evolve(merge, decisions=(*merge.decisions, *waits)))
    return work


def resolved_row(services: Services, entity: BoundEntity, row: Record) -> Record:
    """Return one row as :func:`resolved` does."""
    return resolved(services, entity, {row.id: row})[0][row.id]


def freed(services: Services, entity: BoundEntity) -> list[str]:
    """Return rows that waited for a parent which Marketo has by now."""
    waits = [p for p in services.store.parked(entity.name) if p.reason == MISSING_PARENT]
    parents = sorted({str(p.detail.get("reason")) for p in waits})
    there: set[str] = set()
    for parent in services.entities.values():
        if parents and parent.definition.marketo.name in link_targets(entity).values():
            there |= services.store.links_by_dynamics(parent.name, parents).keys()
    return [p.id for p in waits if p.detail.get("reason") in there]
