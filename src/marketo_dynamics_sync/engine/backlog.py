"""What waits to be synced: both services' own change streams, read without moving on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import attrs
from attrs import define, field, frozen

from ..connectors import ChangePage
from ..entities import BoundEntity, Record, Side
from ..errors import CheckpointExpiredError
from ..plan import plan_pair
from ..state import Link
from .conversions import is_another, is_person
from .filters import passes
from .links import known_of
from .objects import resolved
from .people import ChangedPersons
from .push import asked_for
from .roles import is_role, is_row, open_roles
from .services import Services
from .tombstones import personless
from .waiting import waiting_rows

#: Pages of each change stream that are read unless the caller says otherwise.
PAGES: Final = 4


@frozen
class OldestChange:
    """The change that has waited longest.

    Attributes:
        record: Id of the record at its side.
        at: When the record was last changed (UTC), or ``None`` where the service doesn't say.
    """

    record: str
    at: datetime | None


@frozen
class WaitingChanges:
    """Changes of one entity on one side that no cycle has met yet.

    Attributes:
        entity: Name of the entity.
        side: Where the changes were made; they wait to be brought to the other side.
        inserts: New records.
        updates: Linked records with a synced field that differs from what both sides agreed on, or whose link is to
            move (qualified, merged).
        deletes: Linked records that are gone.
        oldest_insert: The new record that was left alone longest.
        oldest_update: The changed record that was left alone longest.
        complete: Whether the stream was read to its end. Otherwise there are at least as many.
        reason: Why not, in words.
    """

    entity: str
    side: Side
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    oldest_insert: OldestChange | None = None
    oldest_update: OldestChange | None = None
    complete: bool = True
    reason: str = ""

    @property
    def total(self) -> int:
        """All waiting changes that were seen."""
        return self.inserts + self.updates + self.deletes


@frozen
class Backlog:
    """What waits to be synced.

    Attributes:
        at: When it was asked (UTC).
        changes: One for each entity and side that can have changes.
        marketo_calls: Calls to Marketo that the asking took.
        dynamics_calls: Calls to Dynamics that it took.
    """

    at: datetime
    changes: tuple[WaitingChanges, ...]
    marketo_calls: int = 0
    dynamics_calls: int = 0

    @property
    def total(self) -> int:
        """All waiting changes that were seen."""
        return sum(each.total for each in self.changes)

    @property
    def complete(self) -> bool:
        """Whether all streams were read to their ends."""
        return all(each.complete for each in self.changes)

    def of(self, entity: str, side: Side) -> WaitingChanges:
        """Return what waits of an entity on a side; nothing where nothing can."""
        return next((c for c in self.changes if (c.entity, c.side) == (entity, side)), WaitingChanges(entity, side))

    def lines(self) -> Iterator[str]:
        """Yield the backlog in words, without field values."""
        yield f"waiting at {self.at.isoformat(sep=' ', timespec='seconds')}"
        for each in self.changes:
            least = "" if each.complete else "at least "
            why = f" ({each.reason})" if each.reason else ""
            yield (
                f"{each.entity}, from {each.side.value.title()}: {least}{each.inserts} new, {each.updates} changed, "
                f"{each.deletes} deleted{why}"
            )
            for title, oldest in (("new", each.oldest_insert), ("changed", each.oldest_update)):
                if oldest is not None:
                    when = oldest.at.isoformat(sep=" ", timespec="seconds") if oldest.at else "a time not known"
                    yield f"  oldest {title}: {oldest.record}, since {when}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, object]:
        """Return the backlog as plain data; there is no field value in it."""
        return {
            "at": self.at.isoformat(),
            "total": self.total,
            "complete": self.complete,
            "calls": {"marketo": self.marketo_calls, "dynamics": self.dynamics_calls},
            "changes": [attrs.asdict(each, value_serializer=_plain) for each in self.changes],
        }


def _plain(_: object, __: object, value: object) -> object:
    if isinstance(value, Side):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def read_backlog(services: Services, pages: int) -> tuple[WaitingChanges, ...]:
    """Return what waits, by entity and side.

    Args:
        services: Both sides, and a store that is only looked at.
        pages: Pages of each stream that are read at most.
    """
    waiting, _ = waiting_rows(services.store)
    found = []
    for entity in services.entities.values():
        found.append(_from_dynamics(services, entity, pages, waiting.get(entity.name, set())))
    return (*found, *_from_marketo(services, pages))


@define
class _Seen:
    """Changes of one entity on one side, each record once, as it was seen last."""

    entity: str
    side: Side
    inserts: dict[str, datetime | None] = field(factory=dict)
    updates: dict[str, datetime | None] = field(factory=dict)
    deletes: set[str] = field(factory=set)

    def forget(self, record: str) -> None:
        self.inserts.pop(record, None)
        self.updates.pop(record, None)
        self.deletes.discard(record)

    def counted(self, reason: str, *, complete: bool) -> WaitingChanges:
        inserts, updates, deletes = len(self.inserts), len(self.updates), len(self.deletes)
        oldest = _oldest(self.inserts), _oldest(self.updates)
        return WaitingChanges(self.entity, self.side, inserts, updates, deletes, *oldest, complete, reason)


def _oldest(found: Mapping[str, datetime | None]) -> OldestChange | None:
    if not found:
        return None
    # A record whose time isn't known is named only where there is no other.
    record, at = min(found.items(), key=lambda item: (item[1] is None, item[1].isoformat() if item[1] else "", item[0]))
    return OldestChange(record, at)


def _from_dynamics(services: Services, entity: BoundEntity, pages: int, nobody: set[str]) -> WaitingChanges:
    checkpoint = services.store.checkpoint(services.dynamics.stream(entity))
    mapping = services.store.fact(f"mapping:{entity.name}")
    reason = "everything is compared: no cycle has been complete" if mapping is None else ""
    if mapping not in (None, services.digests[entity.name]):
        checkpoint, reason = None, "everything is compared: the mapping changed"
    try:
        return _rows(services, entity, services.dynamics.changes([entity], checkpoint), pages, nobody, reason)
    except CheckpointExpiredError:
        if checkpoint is None:
            raise
        again = "everything is compared: the service no longer knows where the last cycle stopped"
        return _rows(services, entity, services.dynamics.changes([entity], None), pages, nobody, again)


def _rows(
    services: Services,
    entity: BoundEntity,
    stream: Iterator[ChangePage],
    pages: int,
    nobody: set[str],
    reason: str,
) -> WaitingChanges:
    seen = _Seen(entity.name, Side.DYNAMICS)
    present: set[str] = set()
    listing = ended = False
    for page in islice(stream, pages):
        listing = listing or page.listing
        ended = page.checkpoint is not None
        present.update(page.present)
        _add_rows(services, entity, [row for row in page.records if row.id not in nobody], seen)
        for row_id in page.deleted:
            seen.forget(row_id)
        seen.deletes |= services.store.links_by_dynamics(entity.name, list(page.deleted)).keys()
    if listing and ended:
        linked = (link.dynamics_id for link in services.store.links(entity.name))
        seen.deletes.update(row for row in linked if row not in present and is_row(row))
    return seen.counted(reason or ("" if ended else _more(pages)), complete=ended)


def _more(pages: int) -> str:
    return f"read {pages} pages, there are more"


def _add_rows(services: Services, entity: BoundEntity, rows: Iterable[Record], seen: _Seen) -> None:
    latest = {row.id: row for row in rows}
    roles = open_roles(services, ChangedPersons()) if is_role(entity.definition) else None
    if roles is not None:
        for row_id in latest:
            seen.forget(row_id)
        new, other = roles.news(latest.values())
        seen.inserts |= {row_id: latest[row_id].modified_at for row_id in new}
        seen.updates |= {row_id: latest[row_id].modified_at for row_id in other}
        return
    links = services.store.links_by_dynamics(entity.name, list(latest))
    digest = services.digests[entity.name]
    linked: dict[str, Record] = {}
    left, _ = personless(services.store, entity, (row for row in latest.values() if row.id not in links))
    for row in latest.values():
        seen.forget(row.id)
        if not passes(services.settings.filters, entity, row):
            continue
        link = links.get(row.id)
        if link is None:
            if row.id not in left and is_person(services, entity, row):
                seen.inserts[row.id] = row.modified_at
        elif is_another(services, entity, row):
            seen.updates[row.id] = row.modified_at
        elif link.version is None or row.version != link.version or link.fingerprint != digest:
            linked[row.id] = row
    for row_id, row in resolved(services, entity, linked)[0].items():
        known, policy = known_of(links[row_id], entity, digest=digest), services.policy(entity)
        if not known.current or not plan_pair(known, marketo=None, dynamics=row, policy=policy).idle:
            seen.updates[row_id] = row.modified_at


def _from_marketo(services: Services, pages: int) -> Iterator[WaitingChanges]:
    streams: dict[str, list[BoundEntity]] = {}
    for entity in services.persons():
        streams.setdefault(services.marketo.stream(entity), []).append(entity)
    for stream, entities in streams.items():
        checkpoint = services.store.checkpoint(stream)
        seen = {entity.name: _Seen(entity.name, Side.MARKETO) for entity in entities}
        reason = ""
        if checkpoint is not None:
            try:
                reason = _persons(services, services.marketo.changes(entities, checkpoint), pages, seen)
            except CheckpointExpiredError:
                reason = "everything is compared: the service no longer knows where the last cycle stopped"
        yield from (each.counted(reason, complete=not reason) for each in seen.values())


def _persons(services: Services, stream: Iterator[ChangePage], pages: int, seen: Mapping[str, _Seen]) -> str:
    changed: dict[str, None] = {}
    created: set[str] = set()
    deleted: dict[str, None] = {}
    merged: set[str] = set()
    ended = False
    for page in islice(stream, pages):
        changed.update(dict.fromkeys(page.changed))
        created |= set(page.created)
        deleted.update(dict.fromkeys(page.deleted))
        merged |= page.merged.keys()
        ended = page.checkpoint is not None
    links = services.links_of_persons([*changed, *deleted, *merged])
    for person, link in links.items():
        if link.entity in seen and person in merged:
            seen[link.entity].updates[person] = None
        elif link.entity in seen and person in deleted:
            seen[link.entity].deletes.add(person)
    there = [person for person in changed if person not in deleted and person not in merged]
    for name, each in seen.items():
        _add_persons(services, services.entities[name], [i for i in there if i in links], links, each)
    for name, at in asked_for(services, [i for i in there if i in created and i not in links]).items():
        if name in seen:
            seen[name].inserts |= at
    return "" if ended else _more(pages)


def _add_persons(
    services: Services, entity: BoundEntity, ids: Sequence[str], links: Mapping[str, Link], seen: _Seen
) -> None:
    mine = [i for i in ids if links[i].entity == entity.name]
    digest, policy = services.digests[entity.name], services.policy(entity)
    for person in services.marketo.fetch(entity, mine) if mine else ():
        known = known_of(links[person.id], entity, digest=digest)
        if not plan_pair(known, marketo=person, dynamics=None, policy=policy).idle:
            seen.updates[person.id] = person.modified_at
