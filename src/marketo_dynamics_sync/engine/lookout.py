"""Looks at clocks, the canary and Marketo's persons before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final, Protocol, runtime_checkable

from ..entities import BoundEntity, Record, Side
from ..plan import Brake, Brakes
from ..state import Link
from .people import PERSONS_AT_ONCE, ChangedPersons
from .services import Services
from .survey import written

#: Persons that are looked at first when very many changed: one read call.
SOME_PERSONS: Final = 300


@runtime_checkable
class Clocked(Protocol):
    """A connector that knows how far this machine's clock is from its service's."""

    @property
    def skew(self) -> timedelta | None:
        """The difference, of either sign, or ``None`` before the first answer."""
        ...


def look_at_clocks(services: Services) -> None:
    """Refuse to go on where a service's clock is far from this machine's.

    Raises:
        PlanRefusedError: It is.
    """
    for connector in (services.marketo, services.dynamics):
        skew = connector.skew if isinstance(connector, Clocked) else None
        if skew is not None:
            name = "Dynamics" if connector.side is Side.DYNAMICS else "Marketo"
            services.settings.brakes.allow_skew(name, skew)


def look_at_canary(services: Services) -> None:
    """Refuse to go on where the canary can't be read.

    Raises:
        PlanRefusedError: It can't.
    """
    brakes = services.settings.brakes
    if brakes.canary is None:
        return
    entity = services.entities[brakes.canary.entity]
    row = brakes.canary.row
    if not services.dynamics.fetch(entity, [row]):
        brakes.allow_canary("Dynamics has no such row, or doesn't show it")
    link = services.store.links_by_dynamics(entity.name, [row]).get(row)
    if link is not None and not services.marketo.fetch(entity, [link.marketo_id]):
        brakes.allow_canary(f"Marketo has no record {link.marketo_id}, or doesn't show it")


def look_at_persons(services: Services, people: ChangedPersons, keep_going: Callable[[], None]) -> None:
    """Refuse to go on where what Marketo says of its persons looks like an accident.

    Args:
        services: Both sides and the store.
        people: What its change streams said, to their ends.
        keep_going: Asked between calls; raises to end the cycle.

    Raises:
        PlanRefusedError: It does.
    """
    brakes, store = services.settings.brakes, services.store
    totals = {entity.name: store.count_links(entity.name) for entity in services.persons()}
    if not any(totals.values()):
        return
    deleted = _by_entity(services, list(people.deleted))
    changed = _by_entity(services, list(people.ids)) if brakes.looks_many(len(people.ids), sum(totals.values())) else {}
    for entity in services.persons():
        total = totals[entity.name]
        brakes.allow_deletes(entity.name, len(deleted.get(entity.name, ())), total)
        if people.everything or entity.name in people.missed:
            _look_at_all(services, entity, total, keep_going)
            continue
        links = changed.get(entity.name, [])
        if brakes.looks_many(len(links), total):
            _look_at_changed(services, entity, links, total, keep_going)


def _look_at_all(services: Services, entity: BoundEntity, total: int, keep_going: Callable[[], None]) -> None:
    """Look for every linked person: the stream was lost, with the deletions in it."""
    brakes = services.settings.brakes
    if not _may_refuse_deletes(brakes, total) and not brakes.looks_many(total, total):
        return
    lost = changes = 0
    for some, read in _read(services, entity, services.store.links(entity.name), keep_going):
        lost += sum(link.marketo_id not in read for link in some)
        changes += _edited(services, entity, some, read) if brakes.looks_many(total, total) else 0
    brakes.allow_deletes(entity.name, lost, total)
    brakes.allow_changes(entity.name, changes, total, why="changed in Marketo")


def _look_at_changed(
    services: Services, entity: BoundEntity, links: Sequence[Link], total: int, keep_going: Callable[[], None]
) -> None:
    """Look at persons of which the stream shows very many. It shows our own writes too, so what differs is news: a few
    from all over are read first, and only where many of these differ all of them are."""
    brakes = services.settings.brakes
    sample = links[:: max(len(links) // SOME_PERSONS, 1)][:SOME_PERSONS]
    changes = _count_edited(services, entity, sample, keep_going)
    if len(sample) < len(links):
        if 2 * changes * len(links) <= brakes.max_change_share * total * len(sample):
            return  # not half as many as are allowed
        changes = _count_edited(services, entity, links, keep_going)
    brakes.allow_changes(entity.name, changes, total, why="changed in Marketo")


def _read(
    services: Services, entity: BoundEntity, links: Iterator[Link], keep_going: Callable[[], None]
) -> Iterator[tuple[list[Link], dict[str, Record]]]:
    while some := list(islice(links, PERSONS_AT_ONCE)):
        keep_going()
        yield some, {person.id: person for person in services.marketo.fetch(entity, [e.marketo_id for e in some])}


def _count_edited(
    services: Services, entity: BoundEntity, links: Sequence[Link], keep_going: Callable[[], None]
) -> int:
    return sum(_edited(services, entity, *each) for each in _read(services, entity, iter(links), keep_going))


def _edited(services: Services, entity: BoundEntity, links: Sequence[Link], read: dict[str, Record]) -> int:
    """Return of how many persons Dynamics would be told something."""
    pairs = [(read[link.marketo_id], link) for link in links if link.marketo_id in read]
    return written(services, entity, pairs, Side.DYNAMICS)


def _may_refuse_deletes(brakes: Brakes, total: int) -> bool:
    return Brake.DELETES not in brakes.released and (brakes.max_deletes is not None or total >= brakes.min_deletes)


def _by_entity(services: Services, persons: Sequence[str]) -> dict[str, list[Link]]:
    found: dict[str, list[Link]] = {}
    for link in services.links_of_persons(persons).values():
        found.setdefault(link.entity, []).append(link)
    return found
