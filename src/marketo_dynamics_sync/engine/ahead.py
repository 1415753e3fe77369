"""Reads the first pages of every entity's changes, and lets the brakes look at them, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from typing import Final, Protocol, runtime_checkable

from attrs import define, field

from ..connectors import ChangePage
from ..entities import BoundEntity, Record, Side
from ..errors import CheckpointExpiredError
from ..plan import plan_pair
from ..state import Link
from .filters import passes, stale_fact
from .links import known_of
from .objects import resolved
from .people import ChangedPersons
from .restored import watched
from .roles import is_role, is_row
from .services import Services

#: Pages of changes that are read before anything is written.
LOOK_AHEAD: Final = 5
#: Records of a listing that are kept for it: after so many no further page is read.
MANY_RECORDS: Final = 1000
#: Persons that are looked at when very many changed: one read call.
SOME_PERSONS: Final = 300


@runtime_checkable
class Clocked(Protocol):
    """A connector that knows how far this machine's clock is from its service's."""

    @property
    def skew(self) -> timedelta | None:
        """The difference, of either sign, or ``None`` before the first answer."""
        ...


@define
class Pages:
    """What one entity's change stream shows: the first pages, read, and the others, still to be read."""

    stream: str
    first: list[ChangePage]
    rest: Iterator[ChangePage] = field(repr=False)
    #: Whether only what changed is shown; without change tracking that is a listing too.
    news: bool = False

    @property
    def listing(self) -> bool:
        """Whether everything is listed."""
        return bool(self.first) and self.first[0].listing

    def __iter__(self) -> Iterator[ChangePage]:
        return chain(self.first, self.rest)


def open_pages(services: Services, entity: BoundEntity, checkpoint: str | None, full: Callable[[str], None]) -> Pages:
    """Return an entity's changes since a checkpoint, the first pages read.

    Args:
        services: Both sides.
        entity: The entity.
        checkpoint: Where the last cycle stopped.
        full: Told why everything is compared, where the service no longer knows the checkpoint.

    Raises:
        CheckpointExpiredError: The service doesn't know a checkpoint though none was given.
    """
    stream = services.dynamics.stream(entity)
    try:
        pages = watched(services, entity, services.dynamics.changes([entity], checkpoint))
        return _read(stream, pages, news=checkpoint is not None)
    except CheckpointExpiredError as error:
        if checkpoint is None:
            raise
        full(f"changes of {entity.dynamics.entity_set}: {error.code or 'too old'}")
        return _read(stream, watched(services, entity, services.dynamics.changes([entity], None)))


def _read(stream: str, pages: Iterator[ChangePage], *, news: bool = False) -> Pages:
    first: list[ChangePage] = []
    for page in islice(pages, LOOK_AHEAD):
        first.append(page)
        if page.listing and sum(len(each.records) for each in first) >= MANY_RECORDS:
            break
    return Pages(stream, first, pages, news)


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


def look_at_rows(services: Services, entity: BoundEntity, pages: Pages, *, rebased: bool) -> None:
    """Refuse to go on where the first pages look like an accident.

    Args:
        services: Both sides and the store.
        entity: The entity.
        pages: Its changes.
        rebased: Whether everything is compared because the mapping changed.

    Raises:
        PlanRefusedError: They do.
    """
    brakes, store = services.settings.brakes, services.store
    total = store.count_links(entity.name)
    if not total:
        return
    gone = {row for page in pages.first for row in page.deleted}
    if gone:
        brakes.allow_deletes(entity.name, len(store.links_by_dynamics(entity.name, sorted(gone))), total)
    over = any(page.checkpoint is not None for page in pages.first)
    if pages.listing and over:
        # All rows are on the first page, so what is not there is known before anything is written.
        present = {row for page in pages.first for row in page.present}
        if not present and not is_role(entity.definition):
            brakes.allow_empty(entity.name, "Dynamics", total)
        links = (link.dynamics_id for link in store.links(entity.name))
        brakes.allow_deletes(entity.name, sum(is_row(row) and row not in present for row in links), total)
    if is_role(entity.definition):
        return  # most connections are no roles, and some roles come from no connection
    shown = [record for page in pages.first for record in page.records]
    filtered = entity.name in services.settings.filters
    if not shown or not (filtered or brakes.looks_many(len(shown), total) or pages.listing):
        return
    linked = store.links_by_dynamics(entity.name, [record.id for record in shown])
    if filtered:
        brakes.allow_leaving(entity.name, _leaving(services, entity, shown, linked), total)
    looked_at = len(linked) if pages.listing and not pages.news else total
    if brakes.looks_many(len(linked), looked_at):
        rows, _ = resolved(services, entity, {record.id: record for record in shown if record.id in linked})
        pairs = [(row, linked[row_id]) for row_id, row in rows.items()]
        changes = _written(services, entity, pairs, Side.MARKETO)
        why = "the mapping changed" if rebased else "changed in Dynamics"
        brakes.allow_changes(entity.name, changes, looked_at, why=why)


def look_at_persons(services: Services, people: ChangedPersons) -> None:
    """Refuse to go on where what Marketo says of its persons looks like an accident.

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
        if people.everything and totals[entity.name]:
            # The stream was lost with the deletions in it, so some of the persons are looked for.
            some = list(islice(store.links(entity.name), SOME_PERSONS))
            there = {person.id for person in services.marketo.fetch(entity, [link.marketo_id for link in some])}
            brakes.allow_deletes(entity.name, sum(link.marketo_id not in there for link in some), len(some))
        brakes.allow_deletes(entity.name, len(deleted.get(entity.name, ())), totals[entity.name])
        links = changed.get(entity.name, [])
        if brakes.looks_many(len(links), totals[entity.name]):
            # The stream shows our own writes too, so some of the persons are read: what differs is news.
            some = links[:SOME_PERSONS]
            read = {person.id: person for person in services.marketo.fetch(entity, [link.marketo_id for link in some])}
            pairs = [(read[link.marketo_id], link) for link in some if link.marketo_id in read]
            share = _written(services, entity, pairs, Side.DYNAMICS) / max(len(pairs), 1)
            brakes.allow_changes(entity.name, round(share * len(links)), totals[entity.name], why="changed in Marketo")


def _by_entity(services: Services, persons: Sequence[str]) -> dict[str, list[Link]]:
    found: dict[str, list[Link]] = {}
    for link in services.links_of_persons(persons).values():
        found.setdefault(link.entity, []).append(link)
    return found


def _leaving(services: Services, entity: BoundEntity, rows: Sequence[Record], links: Collection[str]) -> int:
    """Return how many linked rows pass the filter no longer, and did so far."""
    filters, store = services.settings.filters, services.store
    outside = {row.id for row in rows if row.id in links and not passes(filters, entity, row)}
    return sum(store.fact(stale_fact(entity, row)) is None for row in outside)


def _written(services: Services, entity: BoundEntity, pairs: Sequence[tuple[Record, Link]], to: Side) -> int:
    """Return how many records the other side would be told something of."""
    digest, policy = services.digests[entity.name], services.policy(entity)
    count = 0
    for record, link in pairs:
        known = known_of(link, entity, digest=digest)
        row, person = (record, None) if to is Side.MARKETO else (None, record)
        count += plan_pair(known, marketo=person, dynamics=row, policy=policy).writes(to)
    return count
