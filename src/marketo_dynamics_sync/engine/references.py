"""What others hold of a record that is to be deleted in Marketo, cleared before it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final

from attrs import evolve

from ..entities import BoundEntity, Record, Ref
from ..plan import Known
from .again import pair_work
from .filters import passes
from .links import known_of
from .objects import resolved
from .relations import link_targets
from .services import Services
from .waiting import waiting_rows
from .work import Work

#: Links that are looked at, at once.
_AT_ONCE: Final = 1000


def cleared_references(services: Services, entity: BoundEntity, gone: Collection[str]) -> Iterator[list[Work]]:
    """Yield works that take a sales person off the records that still name it.

    Marketo refuses to delete a sales person that people, companies or opportunities belong to (Adobe, "Sales
    Persons"). Who has a new owner in Dynamics was given that one before.

    Args:
        services: Both sides and the store.
        entity: The entity whose rows are gone.
        gone: Their row ids.
    """
    if entity.definition.marketo.name != "salesperson" or not gone:
        return
    for other in services.entities.values():
        names = [name for name, target in link_targets(other).items() if target == "salesperson"]
        links = services.store.links(other.name) if names else iter(())
        digest = services.digests[other.name]
        while some := list(islice(links, _AT_ONCE)):
            naming: list[tuple[Known, list[str]]] = []
            for known in (known_of(link, other, digest=digest) for link in some):
                named = [n for n in names if isinstance(ref := known.base_marketo.get(n), Ref) and ref.id in gone]
                if named:
                    naming.append((known, named))
            read = _of_which_something_waits(services, other, [known for known, _ in naming])
            works = []
            for known, named in naming:
                unread = Record(known.dynamics_id, known.base_dynamics, version=known.version)
                person, row = read.get(known.dynamics_id, (None, unread))
                works.append(
                    pair_work(services, known, person, evolve(row, values={**row.values, **dict.fromkeys(named)}))
                )
            if works:
                yield works


def _of_which_something_waits(
    services: Services, entity: BoundEntity, pairs: Sequence[Known]
) -> dict[str, tuple[Record, Record]]:
    """Return both sides of records of which a value waits, by row id: an unread side would count as unchanged."""
    held = waiting_rows(services.store)[1].get(entity.name, set()) if pairs else set[str]()
    waiting = [known for known in pairs if known.dynamics_id in held]
    if not waiting:
        return {}
    rows = services.dynamics.fetch(entity, [known.dynamics_id for known in waiting])
    inside = {row.id: row for row in rows if passes(services.settings.filters, entity, row)}
    kept, _ = resolved(services, entity, inside)
    people = {person.id: person for person in services.marketo.fetch(entity, [known.marketo_id for known in waiting])}
    found = [(known, people.get(known.marketo_id), kept.get(known.dynamics_id)) for known in waiting]
    return {known.dynamics_id: (who, row) for known, who, row in found if who is not None and row is not None}
