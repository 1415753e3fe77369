"""Brings chosen records into agreement now, through the same merge, without waiting for their turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..entities import BoundEntity, Side
from ..errors import ConfigurationError
from .conversions import note_origins
from .derive import Deriver
from .people import ChangedPersons
from .report import SyncReport, WaitingLine
from .roles import open_roles
from .services import Services
from .waiting import waiting_rows
from .work import Work

#: Records handled at once.
AT_ONCE: Final = 1000


def chosen_entity(services: Services, name: str) -> BoundEntity:
    """Return the entity of that name.

    Raises:
        ConfigurationError: The engine doesn't sync it.
    """
    entity = services.entities.get(name)
    if entity is None:
        known = ", ".join(map(repr, services.entities))
        raise ConfigurationError(f"entity: this engine doesn't sync {name!r}; it syncs {known}")
    return entity


def plan_chosen(
    services: Services, entity: BoundEntity, ids: Sequence[str], side: Side, report: SyncReport
) -> Iterator[list[Work]]:
    """Yield works that bring records into agreement; both sides of each are read.

    Args:
        services: Both sides and the store.
        entity: Their entity.
        ids: Row ids, or Marketo ids of linked records.
        side: Whose ids they are.
        report: Notes records that aren't there, or that nothing links.
    """
    waiting, held = waiting_rows(services.store)
    people = ChangedPersons()
    deriver, roles = Deriver(services, people, waiting=waiting, held=held), open_roles(services, people)
    for start in range(0, len(ids), AT_ONCE):
        some = list(dict.fromkeys(ids[start : start + AT_ONCE]))
        rows = some if side is Side.DYNAMICS else _rows_of(services, entity, some, report)
        found = services.dynamics.fetch(entity, rows) if rows else []
        for row_id in sorted(set(rows) - {row.id for row in found}):
            report.count(entity.name, "read", "not found")
            line = WaitingLine(entity.name, None, row_id, "", "not-found", "Dynamics has no row with this id")
            report.add(report.rejected, line)
        note_origins(services, found)
        if roles is not None and entity is roles.entity:
            yield from roles.of_connections(found, forced=True)
            continue
        yield deriver.from_rows(entity, found, forced=True)
        yield deriver.moves.merges()
        if roles is not None and entity is roles.opportunity:
            yield from roles.of_opportunities(found)


def _rows_of(services: Services, entity: BoundEntity, ids: Sequence[str], report: SyncReport) -> list[str]:
    links = services.store.links_by_marketo(ids, entities=(entity.name,))
    for marketo_id in ids:
        if marketo_id not in links:
            report.count(entity.name, "read", "not linked")
            line = WaitingLine(entity.name, marketo_id, None, "", "not-linked", "nothing links it to a row; push it")
            report.add(report.rejected, line)
    return [links[i].dynamics_id for i in ids if i in links]
