"""Takes links over that another sync made, such as Marketo's own: nothing is written to either service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from ..entities import BoundEntity, BoundField, Record, Side
from ..errors import ConfigurationError
from ..state import Commit, JournalEntry, Link, Parked
from .comparison import SAMPLES, FieldComparison, compared_link
from .conversions import is_person
from .filters import passes
from .objects import resolved
from .services import Services

#: Stands in for the field that the other sync kept row ids in.
_THEIRS: Final = "id kept by the other sync"


@define
class EntityTakeover:
    """What was found of one entity.

    Attributes:
        counts: Rows by what was found: ``"taken over"``, ``"linked already"``, ``"no person"`` (the next cycle matches
            it or makes one), ``"several persons"`` (parked), ``"person linked to another row"``.
        fields: How each field compares over the pairs taken over.
        undecided: Rows of ``"several persons"`` and ``"person linked to another row"``, the first ones: row id and
            person ids.
    """

    counts: Counter[str] = field(factory=Counter)
    fields: dict[str, FieldComparison] = field(factory=dict)
    undecided: list[tuple[str, tuple[str, ...]]] = field(factory=list)


@frozen
class Takeover:
    """What a takeover found, or did. It holds names, ids and numbers, never a value.

    Attributes:
        dry_run: Whether it only looked.
        leave_differences: Whether what differs stays as it is until somebody edits it.
        entities: What was found, by entity name.
    """

    dry_run: bool
    leave_differences: bool
    entities: Mapping[str, EntityTakeover]

    def lines(self) -> Iterator[str]:
        """Yield the takeover in words."""
        done = "would be" if self.dry_run else "were"
        left = "stays as it is" if self.leave_differences else "is decided by the policy in the next cycle"
        yield f"links that {done} taken over; what differs {left}"
        for name, found in self.entities.items():
            yield f"{name}: " + (", ".join(f"{number} {what}" for what, number in sorted(found.counts.items())) or "-")
            for label, item in found.fields.items():
                if item.differing:
                    yield f"  {label}: {item}"
            for row, persons in found.undecided:
                yield f"  undecided: row {row}: persons {', '.join(persons)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def take_over(services: Services, by: str | Mapping[str, str], *, dry_run: bool, leave_differences: bool) -> Takeover:
    """Link persons and rows that another sync had linked, by the Marketo field in which it kept row ids.

    Fields that are equal get their base, so that they write nothing. Ones that differ get none, so that the policy
    decides in the next cycle as for any first link; or, if they are to be left, one for each side.

    Args:
        services: Both sides and the store; for a dry run a store that pretends.
        by: REST name of the field, or one by entity name.
        dry_run: Only look.
        leave_differences: Leave what differs as it is until somebody edits it.

    Raises:
        ConfigurationError: Marketo has no such field, or can't look persons up by it.
    """
    names = by if isinstance(by, Mapping) else {entity.name: by for entity in services.persons()}
    found: dict[str, EntityTakeover] = {}
    for name in names:
        if name not in {entity.name for entity in services.persons()}:
            raise ConfigurationError(f"takeover: no entity of persons is called {name!r}")
    keyed = {name: _keyed(services.entities[name], native) for name, native in names.items()}
    _keep_starts(services)
    for name, reading in keyed.items():
        entity, found[name] = services.entities[name], EntityTakeover()
        for page in services.dynamics.changes([entity], None):
            services.store.commit(_page(services, entity, reading, page.records, found[name], leave=leave_differences))
        # A store that has gone on before lists all rows once more, so that every pair is met.
        if services.store.fact(f"mapping:{name}") is not None:
            services.store.commit(Commit(facts={f"mapping:{name}": "taken over"}))
    return Takeover(dry_run, leave_differences, found)


def _keyed(entity: BoundEntity, native: str) -> BoundEntity:
    """Return the entity with the field that the other sync kept row ids in."""
    info, key = entity.marketo.fields.get(native), entity.definition.key
    if info is None:
        raise ConfigurationError(f"takeover: Marketo has no person field {native!r}; discover() lists those there are")
    if not info.searchable:
        raise ConfigurationError(
            f"takeover: persons can't be looked up by {native!r}. Copy it into a custom field of type string, by a "
            "smart campaign or an import, and name that one"
        )
    if key is None or key.dynamics is None:
        raise ConfigurationError(f"takeover: {entity.name!r} has no field with key=True, which says what a row id is")
    codec = key.codec.bind(info, entity.dynamics.fields[key.dynamics])
    theirs = BoundField(_THEIRS, native, key.dynamics, codec, to_marketo=False, to_dynamics=False)
    return evolve(entity, fields={**entity.fields, _THEIRS: theirs})


def _keep_starts(services: Services) -> None:
    """Keep where Marketo's changes stand, before anything is compared: an edit made from now on must be seen."""
    new = {name: start for name, start in starts(services).items() if services.store.checkpoint(name) is None}
    if new:
        services.store.commit(Commit(checkpoints=new))


def starts(services: Services) -> dict[str, str]:
    """Return where the changes of Marketo's persons stand now, by stream."""
    streams: dict[str, list[BoundEntity]] = {}
    for entity in services.persons():
        streams.setdefault(services.marketo.stream(entity), []).append(entity)
    pages = ((name, page) for name, some in streams.items() for page in services.marketo.changes(some, None))
    return {name: page.checkpoint for name, page in pages if page.checkpoint is not None}


def _page(
    services: Services,
    entity: BoundEntity,
    reading: BoundEntity,
    records: Sequence[Record],
    found: EntityTakeover,
    *,
    leave: bool,
) -> Commit:
    now = services.settings.now()
    raw = {
        row.id: row
        for row in records
        if is_person(services, entity, row) and passes(services.settings.filters, entity, row)
    }
    linked = services.store.links_by_dynamics(entity.name, list(raw))
    found.counts["linked already"] += len(linked)
    rows, waits = resolved(services, entity, {row: raw[row] for row in raw if row not in linked})
    people = _people(services, reading, list(rows))
    others = services.links_of_persons([person.id for some in people.values() for person in some])
    links: list[Link] = []
    journal: list[JournalEntry] = []
    parked: list[Parked] = []
    for row in rows.values():
        some = people.get(row.id, [])
        ids = tuple(sorted(person.id for person in some))
        if not some:
            found.counts["no person"] += 1
        elif len(some) > 1:
            _undecided(found, "several persons", row.id, ids)
            detail: dict[str, object] = {"candidates": list(ids), "rivals": []}
            parked.append(Parked(entity.name, Side.DYNAMICS.value, row.id, "", "two-persons", detail, now))
        elif ids[0] in others:
            _undecided(found, "person linked to another row", row.id, ids)
        else:
            found.counts["taken over"] += 1
            held = waits.get(row.id, {})
            links.append(
                compared_link(
                    services, entity, some[0], row, found.fields, leave=entity.fields if leave else (), waiting=held
                )
            )
            reason = {"reason": f"taken over by {reading.fields[_THEIRS].marketo}"}
            journal.append(JournalEntry(now, entity.name, "linked", ids[0], row.id, None, reason))
    found.counts = +found.counts
    unpark = [(entity.name, Side.DYNAMICS.value, link.dynamics_id, "*") for link in links]
    return Commit(put_links=links, journal=journal, park=parked, unpark=unpark)


def _undecided(found: EntityTakeover, what: str, row: str, persons: tuple[str, ...]) -> None:
    found.counts[what] += 1
    if len(found.undecided) < SAMPLES:
        found.undecided.append((row, persons))


def _people(services: Services, reading: BoundEntity, rows: Sequence[str]) -> dict[str, list[Record]]:
    people: dict[str, list[Record]] = {}
    for person in services.marketo.find(reading, _THEIRS, rows) if rows else []:
        people.setdefault(str(person.values.get(_THEIRS)), []).append(person)
    return people
