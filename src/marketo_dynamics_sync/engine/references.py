"""What others hold of a record that is to be deleted in Marketo, cleared before it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from ..entities import BoundEntity, Record, Ref
from .again import pair_work
from .links import known_of
from .relations import link_targets
from .services import Services
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
            works = []
            for known in (known_of(link, other, digest=digest) for link in some):
                held = {n: ref for n in names if isinstance(ref := known.base_marketo.get(n), Ref) and ref.id in gone}
                if held:
                    values = {**known.base_dynamics, **dict.fromkeys(held)}
                    row = Record(known.dynamics_id, values, version=known.version)
                    works.append(pair_work(services, known, None, row))
            if works:
                yield works
