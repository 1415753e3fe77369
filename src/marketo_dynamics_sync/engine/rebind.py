"""Makes all links anew between a store and two services, by what both hold now: nothing is written to either of them.

For another organization, another Marketo instance, a restored environment, or a state that was lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from attrs import define, evolve, field, frozen

from ..entities import BoundEntity, Record, Side
from ..errors import ConfigurationError
from ..identity import Many, One
from ..state import Commit, JournalEntry, Link, StateStore
from .comparison import SAMPLES, FieldComparison, compared_link
from .conversions import is_person, note_origins
from .filters import passes
from .objects import in_order, resolved
from .pairing import match_rows
from .rebound_store import ReboundStore
from .roles import is_role
from .services import Services
from .settle import gone_fact
from .takeover import starts

#: Records handled at once.
_AT_ONCE: Final = 1000
_NAMES: Final = {Side.MARKETO: "Marketo instance", Side.DYNAMICS: "Dynamics organization"}


@define
class EntityRebinding:
    """What was found of one entity.

    Attributes:
        counts: Records by what was found: ``"linked"``, and of these ``"as before"`` (the same row and record were
            linked before); ``"agree"`` (linked, and all fields are equal); ``"no record in Marketo"``: rows that the
            next cycle matches or makes; ``"ambiguous"``: rows that several records could be; ``"no row in Dynamics"``:
            records whose row is gone, or is another record's now; ``"forgotten"``: old links that ended.
        recognised: Linked pairs by what they were recognised by: a field's name, or ``"former link"``.
        fields: How each field compares over the pairs.
        rows: The first rows with no record in Marketo.
        records: The first records in Marketo with no row.
        ambiguous: The first rows that are ambiguous: row id and ids of the records.
    """

    counts: Counter[str] = field(factory=Counter)
    recognised: Counter[str] = field(factory=Counter)
    fields: dict[str, FieldComparison] = field(factory=dict)
    rows: list[str] = field(factory=list)
    records: list[str] = field(factory=list)
    ambiguous: list[tuple[str, tuple[str, ...]]] = field(factory=list)


@frozen
class Rebinding:
    """What making links anew found, or did. It holds names, ids and numbers, never a value.

    Attributes:
        dry_run: Whether it only looked.
        leave_differences: Whether what differs stays as it is until somebody edits it.
        moved: Instances that are others now: side to the id that the store had and the one that is there.
        entities: What was found, by entity name.
    """

    dry_run: bool
    leave_differences: bool
    moved: Mapping[Side, tuple[str, str]]
    entities: Mapping[str, EntityRebinding]

    def lines(self) -> Iterator[str]:
        """Yield it in words."""
        left = "stays as it is" if self.leave_differences else "is decided by the policy in the next cycle"
        yield f"links that {'would be' if self.dry_run else 'were'} made anew; what differs {left}"
        for side, (before, now) in self.moved.items():
            yield f"{_NAMES[side]}: {now}, was {before}"
        for name, found in self.entities.items():
            yield f"{name}: " + (", ".join(f"{number} {what}" for what, number in sorted(found.counts.items())) or "-")
            if found.recognised:
                yield "  recognised by " + ", ".join(f"{key}: {n}" for key, n in sorted(found.recognised.items()))
            yield from (f"  {label}: {item}" for label, item in found.fields.items() if item.differing)
            for what, ids in (("rows with no record in Marketo", found.rows), ("records with no row", found.records)):
                if ids:
                    yield f"  {what}, the first: {', '.join(ids)}"
            for row, persons in found.ambiguous:
                yield f"  ambiguous: row {row}: {', '.join(persons)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def rebind(services: Services, *, dry_run: bool, leave_differences: bool, foreign_ids: bool | None) -> Rebinding:
    """Make all links anew, and let the store belong to the two services that are there.

    Everything but links is kept for the last commit, so that a store whose rebinding was killed is refused as before.

    Args:
        services: Both sides and the store; for a dry run a store that pretends.
        dry_run: Only look.
        leave_differences: Leave what differs as it is until somebody edits it.
        foreign_ids: Whether row ids that persons carry may be another organization's; ``None`` asks the store.

    Raises:
        ConfigurationError: The store has links of persons that this engine doesn't sync.
    """
    real = services.store
    sides = {Side.MARKETO: services.marketo.identity(), Side.DYNAMICS: services.dynamics.identity()}
    before = {side: real.fact(f"identity:{side.value}") for side in sides}
    moved = {side: (was, sides[side]) for side, was in before.items() if was not in (None, sides[side])}
    _refuse_others(services)
    foreign = Side.DYNAMICS in moved if foreign_ids is None else foreign_ids
    checkpoints: dict[str, str | None] = dict(starts(services))
    store = ReboundStore(real, keep=not dry_run)
    binder = _Binder(
        evolve(services, store=store), real, store, leave=leave_differences, same_marketo=Side.MARKETO not in moved
    )
    entities = [entity for entity in in_order(services.entities.values()) if not is_role(entity.definition)]
    for entity in entities:
        binder.by_ids(entity)
    # Now that all rows are known, an id that none of them has is another organization's.
    store.present = binder.present if foreign else None
    for entity in entities:
        binder.by_keys(entity)
    for entity in services.entities.values():
        binder.end_old(entity)
    streams = {services.dynamics.stream(entity) for entity in services.entities.values()}
    facts: dict[str, str | None] = {f"identity:{side.value}": now for side, now in sides.items()}
    gone = dict.fromkeys(map(gone_fact, store.foreign), "another organization")
    if not dry_run:
        real.commit(Commit(checkpoints={**dict.fromkeys(streams), **checkpoints}, facts={**gone, **facts}))
    return Rebinding(dry_run, leave_differences, moved, binder.found)


def _refuse_others(services: Services) -> None:
    names = {name for name in (services.store.fact("persons") or "").split(",") if name}
    for name in sorted(names - services.entities.keys()):
        if services.store.count_links(name):
            raise ConfigurationError(
                f"rebind: the store has links of {name!r}, which this engine doesn't sync, and they would go on "
                "meaning the old records. Give the engine all entities that the store was used with."
            )


@define
class _Binder:
    """Makes links anew, entity by entity.

    Attributes:
        services: Both sides, with a store that has none of the old links.
        real: The store with the old links.
        store: The one without them.
        leave: Leave what differs as it is.
        same_marketo: Whether ids of Marketo's records mean what they meant.
        found: What was found so far.
        present: Ids of rows of persons that Dynamics has.
    """

    services: Services
    real: StateStore
    store: ReboundStore
    leave: bool
    same_marketo: bool
    found: dict[str, EntityRebinding] = field(factory=dict)
    present: set[str] = field(factory=set)
    _open: dict[str, list[str]] = field(factory=dict)
    #: Old links that ended because new ones took their place, by entity and row id, without values.
    _replaced: dict[str, dict[str, Link]] = field(factory=dict)

    def by_ids(self, entity: BoundEntity) -> None:
        """Link rows whose id a record carries, or whose former link still holds; the others stay open."""
        found = self.found[entity.name] = EntityRebinding()
        still_open = self._open[entity.name] = []
        for page in self.services.dynamics.changes([entity], None):
            note_origins(self.services, page.records)
            if entity.definition.marketo.is_person:
                self.present.update(page.present)
            for start in range(0, len(page.records), _AT_ONCE):
                rows, waits = self._kept(entity, page.records[start : start + _AT_ONCE])
                pairs: list[tuple[Record, Record, str]] = []
                taken: set[str] = set()
                carried, former = self._carriers(entity, rows), self._former(entity, rows)
                near = [record.id for some in (*carried.values(), former.values()) for record in some]
                linked = self._owners(entity, near)
                for row in rows.values():
                    record, by = self._half(row.id, carried.get(row.id, []), former.get(row.id), found)
                    if record is not None and record.id not in taken and record.id not in linked:
                        taken.add(record.id)
                        pairs.append((record, row, by))
                    elif len(carried.get(row.id, [])) < 2:
                        still_open.append(row.id)
                self._link(entity, pairs, waits)

    def by_keys(self, entity: BoundEntity) -> None:
        """Link the rows that are left by the keys of the matching order."""
        found, rest = self.found[entity.name], self._open.pop(entity.name)
        if not entity.definition.marketo.is_person:
            self._unmatched(found, rest)
            return
        for start in range(0, len(rest), _AT_ONCE):
            rows, waits = self._kept(entity, self.services.dynamics.fetch(entity, rest[start : start + _AT_ONCE]))
            pairs: list[tuple[Record, Record, str]] = []
            for row_id, answer in match_rows(self.services, entity, list(rows.values()), {}).items():
                if isinstance(answer, One) and answer.record.id not in {person.id for person, _, _ in pairs}:
                    pairs.append((answer.record, rows[row_id], answer.key))
                elif isinstance(answer, Many) and answer.candidates:
                    _ambiguous(found, row_id, answer.candidates)
                else:
                    self._unmatched(found, [row_id])
            self._link(entity, pairs, waits)

    def end_old(self, entity: BoundEntity) -> None:
        """End the old links that were not made anew, and forget what waited under old ids."""
        found = self.found.setdefault(entity.name, EntityRebinding())
        replaced = self._replaced.pop(entity.name, {})
        for old, journaled in ((iter(replaced.values()), True), (self.real.links(entity.name), False)):
            while some := list(islice(old, _AT_ONCE)):
                new = self.store.links_by_dynamics(entity.name, [link.dynamics_id for link in some])
                left = [link for link in some if link.dynamics_id not in new and link.dynamics_id not in replaced]
                self._end(entity, found, some if journaled else left, journaled=journaled)
        key, parked = entity.name, list(self.real.parked(entity.name))
        linked = self.store.links_by_dynamics(key, [item.id for item in parked])
        # What waits for a human goes on waiting where its row is there, and is nobody's yet.
        stays = self.present - linked.keys() if self.same_marketo else set[str]()
        unpark = [(key, item.side, item.id, "*") for item in parked if item.id not in stays]
        unreject = [
            (key, r.side, r.id)
            for r in self.real.rejected(key)
            if r.side == Side.MARKETO.value or not self.same_marketo or self.store.links_by_marketo([r.id])
        ]
        if self.store.keep and (unpark or unreject):
            self.real.commit(Commit(unpark=unpark, unreject=unreject))

    def _kept(
        self, entity: BoundEntity, records: Sequence[Record]
    ) -> tuple[dict[str, Record], dict[str, dict[str, str]]]:
        filters, person = self.services.settings.filters, entity.definition.marketo.is_person
        kept = {
            row.id: row
            for row in records
            if passes(filters, entity, row)
            and (is_person(self.services, entity, row) if person else row.merged_into is None)
        }
        return resolved(self.services, entity, kept)

    def _carriers(self, entity: BoundEntity, rows: Mapping[str, Record]) -> dict[str, list[Record]]:
        """Return the records that carry the ids of rows."""
        found: dict[str, list[Record]] = {}
        if entity.key is not None and rows:
            for record in self.services.marketo.find(entity, entity.key.name, list(rows)):
                found.setdefault(str(record.values.get(entity.key.name)), []).append(record)
        return found

    def _former(self, entity: BoundEntity, rows: Mapping[str, Record]) -> dict[str, Record]:
        """Return the records that rows were linked to, where the record is the same still."""
        links = self.real.links_by_dynamics(entity.name, list(rows)) if self.same_marketo else {}
        records = self.services.marketo.fetch(entity, [link.marketo_id for link in links.values()]) if links else []
        there = {record.id: record for record in records}
        pairs = ((row, link, there.get(link.marketo_id)) for row, link in links.items())
        return {row: record for row, link, record in pairs if record is not None and _is_same(entity, link, record)}

    def _owners(self, entity: BoundEntity, ids: Sequence[str]) -> set[str]:
        """Return the records that are linked anew already."""
        names = [e.name for e in self.services.persons()] if entity.definition.marketo.is_person else [entity.name]
        return set(self.store.links_by_marketo(ids, entities=names))

    def _half(
        self, row: str, carriers: Sequence[Record], former: Record | None, found: EntityRebinding
    ) -> tuple[Record | None, str]:
        """Return the other half of a row, and what it was recognised by."""
        if len(carriers) == 1:
            return carriers[0], "row id"
        if former is not None and (not carriers or former.id in {record.id for record in carriers}):
            return former, "former link"
        if carriers:
            _ambiguous(found, row, tuple(record.id for record in carriers))
        return None, ""

    def _link(
        self, entity: BoundEntity, pairs: Sequence[tuple[Record, Record, str]], waits: Mapping[str, dict[str, str]]
    ) -> None:
        if not pairs:
            return
        found, now = self.found[entity.name], self.services.settings.now()
        before = self.real.links_by_dynamics(entity.name, [row.id for _, row, _ in pairs])
        # The row's id is told in the next cycle where a person carries another one.
        leave = {name for name, bound in entity.fields.items() if not bound.key} if self.leave else set[str]()
        links: list[Link] = []
        journal: list[JournalEntry] = []
        for record, row, by in pairs:
            compared: dict[str, FieldComparison] = {}
            held = waits.get(row.id, {})
            links.append(compared_link(self.services, entity, record, row, compared, leave=leave, waiting=held))
            for name, item in compared.items():
                found.fields.setdefault(name, FieldComparison()).add(item)
            found.counts["linked"] += 1
            found.counts["agree"] += not any(item.differing for item in compared.values())
            found.recognised[by] += 1
            old = before.get(row.id)
            if old is not None and old.marketo_id == record.id and self.same_marketo:
                found.counts["as before"] += 1
                continue
            journal.append(
                JournalEntry(now, entity.name, "linked", record.id, row.id, None, {"reason": f"rebind: {by}"})
            )
        intents = self.real.intents_by_dynamics(entity.name, [row.id for _, row, _ in pairs])
        drop = [(entity.name, intent.marketo_id) for intent in intents.values()]
        found.counts = +found.counts
        # A new link takes the place of every old one of its row and of its record.
        for link in self._in_place_of(entity, links, before):
            journal.insert(0, self._ended(link))
        self.store.commit(Commit(put_links=links, journal=journal, drop_intents=drop))

    def _in_place_of(self, entity: BoundEntity, links: Sequence[Link], before: Mapping[str, Link]) -> list[Link]:
        """Return the old links that end because of new ones, each once."""
        ended = self._replaced.setdefault(entity.name, {})
        by_record = self.real.links_by_marketo([link.marketo_id for link in links], entities=[entity.name])
        pairs = {link.dynamics_id: link.marketo_id for link in links}
        news = {
            old.dynamics_id: old
            for old in (*before.values(), *by_record.values())
            if old.dynamics_id not in ended and not (self.same_marketo and pairs.get(old.dynamics_id) == old.marketo_id)
        }
        ended.update((row, evolve(old, base={}, dynamics_base={})) for row, old in news.items())
        return list(news.values())

    def _end(self, entity: BoundEntity, found: EntityRebinding, links: Sequence[Link], *, journaled: bool) -> None:
        person = entity.definition.marketo.is_person
        gone = [link.dynamics_id for link in links if person and link.dynamics_id not in self.present]
        if links:
            found.counts["forgotten"] += len(links)
        if person and self.same_marketo and links:
            ids = [link.marketo_id for link in links]
            linked = self.services.links_of_persons(ids)
            left = [r.id for r in self.services.marketo.fetch(entity, [i for i in ids if i not in linked])]
            found.counts["no row in Dynamics"] += len(left)
            found.records += left[: SAMPLES - len(found.records)]
        found.counts = +found.counts
        if self.store.keep:
            drop = [] if journaled else [(entity.name, link.dynamics_id) for link in links]
            journal = [] if journaled else [self._ended(link) for link in links]
            facts: dict[str, str | None] = dict.fromkeys(map(gone_fact, gone), entity.name)
            self.real.commit(Commit(drop_links=drop, journal=journal, facts=facts))

    def _ended(self, link: Link) -> JournalEntry:
        sides = {side.value: self.real.fact(f"identity:{side.value}") for side in Side}
        now, reason = self.services.settings.now(), {"reason": "rebind", **sides}
        return JournalEntry(now, link.entity, "unlinked", link.marketo_id, link.dynamics_id, None, reason)

    def _unmatched(self, found: EntityRebinding, rows: Sequence[str]) -> None:
        if rows:
            found.counts["no record in Marketo"] += len(rows)
            found.rows += rows[: SAMPLES - len(found.rows)]


def _ambiguous(found: EntityRebinding, row: str, records: tuple[str, ...]) -> None:
    found.counts["ambiguous"] += 1
    if len(found.ambiguous) < SAMPLES:
        found.ambiguous.append((row, tuple(sorted(records))))


def _is_same(entity: BoundEntity, link: Link, record: Record) -> bool:
    """Return whether a record still is who the link means: its id may be another's in a restored instance."""
    base = {name: value for name, value in entity.load(link.base).items() if value not in (None, "", False)}
    names = ["email"] if "email" in base else list(base)
    return bool(names) and 2 * sum(record.values.get(name) == base[name] for name in names) >= len(names)
