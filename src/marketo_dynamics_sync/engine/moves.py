"""Links that move: leads that became contacts, rows that were merged, persons that were merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import define, field

from ..entities import BoundEntity, Record, Side
from ..plan import Known, MergedPerson, Step, StepKind, park, plan_gone
from ..state import Link
from .again import pair_work, with_values
from .filters import passes
from .links import known_of
from .merge_plan import MergePlanner, final_places, merger_of, moved_known
from .objects import resolved, waiting_for_parents
from .people import ChangedPersons
from .services import Services
from .tombstones import personless
from .work import Work


@define
class Moves:
    """Derives works that move links.

    Attributes:
        services: Both sides and the store.
        people: What Marketo's change streams said.
        waiting: Rows that stay parked until a human decides, by entity; those that are parked here are added.
        missing: Rows that were found gone while links moved, by entity: a page that was read before still shows them.
    """

    services: Services
    people: ChangedPersons
    waiting: dict[str, set[str]]
    missing: dict[str, set[str]] = field(factory=dict, init=False)
    #: Person by the entity and row id that a link was moved to in this cycle.
    _moved: dict[tuple[str, str], str] = field(factory=dict, init=False)
    #: Persons to be merged into the person of a row, by its entity and id.
    _merging: dict[tuple[str, str], list[MergedPerson]] = field(factory=dict, init=False)
    #: Persons that this cycle merges into others, by the entity of their rows.
    _merges: Counter[str] = field(factory=Counter, init=False)
    #: Links that an entity had when the first of them was found.
    _links: dict[str, int] = field(factory=dict, init=False)

    def persons(self) -> list[Work]:
        """Return works for persons that were merged into others: their links move to the survivors."""
        works: list[Work] = []
        links = self.services.links_of_persons(list(self.people.merged))
        survivors = {loser: self.people.survivor(loser) for loser in links}
        linked = self.services.links_of_persons(list(survivors.values()))
        holders = {person: link.dynamics_id for person, link in linked.items()}
        for entity in self.services.persons():
            mine = {loser: link for loser, link in links.items() if link.entity == entity.name}
            wanted = sorted({survivors[loser] for loser in mine} - holders.keys())
            found = {person.id: person for person in self.services.marketo.fetch(entity, wanted)} if wanted else {}
            # Rows are read, so that the update is guarded and an edit made meanwhile takes part in the merge.
            ids = [link.dynamics_id for link in mine.values()]
            raw = {row.id: row for row in self.services.dynamics.fetch(entity, ids)} if found else {}
            rows, waits = resolved(self.services, entity, raw)
            for loser, link in mine.items():
                winner = survivors[loser]
                known = known_of(link, entity, digest=self.services.digests[entity.name])
                if winner in holders:
                    if not self._one_row(entity, link, linked.get(winner)):
                        works += self._merged_away(entity, link, winner, holders[winner])
                elif winner not in found:
                    # The survivor is gone too: an edit of the row makes a new person.
                    works.append(Work(plan_gone(known, Side.MARKETO, flag=False)))
                elif link.dynamics_id in rows:
                    to = (winner, link.dynamics_id)
                    inside = passes(self.services.settings.filters, entity, raw[link.dynamics_id])
                    person, row = (found[winner], rows[link.dynamics_id]) if inside else (None, None)
                    work = self._move(entity, known, person, row, to=to)
                    works.append(waiting_for_parents(work, waits.get(link.dynamics_id) if inside else None))
                    holders[winner] = link.dynamics_id
                    self.people.settle(winner)
        return works

    def _one_row(self, entity: BoundEntity, link: Link, other: Link | None) -> bool:
        """Return whether the rows of two merged persons became one too, by our own merge or by other hands.

        Then nothing waits: the row that is gone is looked at in its turn.
        """
        if other is None or merger_of(self.services, entity) is None or other.entity not in self.services.entities:
            return False
        rival = self.services.entities[other.entity]
        rows = [(entity, row) for row in self.services.dynamics.fetch(entity, [link.dynamics_id])]
        rows += [(rival, row) for row in self.services.dynamics.fetch(rival, [other.dynamics_id])]
        pair = {(entity.name, link.dynamics_id), (rival.name, other.dynamics_id)}
        return any({start, (to.name, row)} == pair for start, (to, row) in final_places(self.services, rows).items())

    def _merged_away(self, entity: BoundEntity, link: Link, winner: str, rival: str) -> list[Work]:
        """Return works for a row whose person was merged into one that is another row's."""
        self.waiting.setdefault(entity.name, set()).add(link.dynamics_id)
        unlink = Step(StepKind.UNLINK, entity, link.marketo_id, link.dynamics_id, reason="merged in Marketo")
        wait = park(entity, "merged-in-marketo", marketo_id=winner, dynamics_id=link.dynamics_id, rivals=[rival])
        return [Work(unlink), Work(wait)]

    def adopt(self, entity: BoundEntity, rows: Sequence[Record]) -> tuple[list[Record], list[Work]]:
        """Move links of leads to the contacts that were made from them, where the contact is met before its lead.

        Returns:
            The rows that are left, and the works of the others.
        """
        origins = {row.converted_from: row for row in rows if row.converted_from is not None}
        works: list[Work] = []
        taken: set[str] = set()
        for source in self.services.persons() if origins else ():
            if source.name == entity.name:
                continue
            links = self.services.store.links_by_dynamics(source.name, list(origins))
            people = self._people(entity, [link.marketo_id for link in links.values()])
            for origin, link in links.items():
                row = origins[origin]
                self._moved[entity.name, row.id] = link.marketo_id
                known = known_of(link, source, digest=self.services.digests[source.name])
                to = (link.marketo_id, row.id)
                works.append(self._move(entity, known, people.get(link.marketo_id), row, to=to))
                taken.add(row.id)
        return [row for row in rows if row.id not in taken], works

    def rows(
        self, entity: BoundEntity, moved: Sequence[tuple[Record, Link]]
    ) -> tuple[list[Work], list[tuple[Record, Link]]]:
        """Return works for linked rows that were merged into others, or that became contacts.

        Returns:
            The works, and the pairs that stay what they are, since what the row became is not synced.
        """
        works: list[Work] = []
        staying: list[tuple[Record, Link]] = []
        by_target: dict[str, list[tuple[Record, Link, str]]] = {}
        store = self.services.store
        places = final_places(self.services, [(entity, row) for row, _ in moved])
        for row, link in moved:
            target, target_id = places[entity.name, row.id]
            by_target.setdefault(target.name, []).append((row, link, target_id))
        for name, group in by_target.items():
            target = self.services.entities[name]
            ids = [target_id for _, _, target_id in group]
            holders = {i: link.marketo_id for i, link in self.services.store.links_by_dynamics(name, ids).items()}
            free = [i for i in ids if i not in holders]
            raw = {row.id: row for row in self.services.dynamics.fetch(target, free)} if free else {}
            self.missing.setdefault(name, set()).update(row_id for row_id in free if row_id not in raw)
            survivors, waits = resolved(self.services, target, raw)
            people = self._people(target, [link.marketo_id for _, link, _ in group]) if survivors else {}
            # Of several that became one row, one whose person is still there takes the place.
            for row, link, target_id in sorted(group, key=lambda each: each[1].marketo_id not in people):
                survivor = survivors.get(target_id)
                holder = holders.get(target_id) or self._moved.get((name, target_id))
                if survivor is not None and not passes(self.services.settings.filters, target, raw[target_id]):
                    # What it became isn't synced: the row goes on being the person's, as with the native sync.
                    staying.append((row, link))
                elif holder not in (None, link.marketo_id) and merger_of(self.services, target) is not None:
                    self._merge_later(entity, row, link, (name, target_id))
                elif survivor is None or holder is not None:
                    works += self._ended(entity, row, link, target_id, holder)
                elif link.marketo_id not in people and survivor.id in personless(store, target, [survivor])[0]:
                    # Both persons were deleted: that the rows became one brings nobody back.
                    gone = known_of(link, entity, digest=self.services.digests[entity.name])
                    works.append(Work(plan_gone(gone, Side.MARKETO, flag=False)))
                else:
                    self._moved[name, target_id] = link.marketo_id
                    self.people.settle(link.marketo_id)
                    known = known_of(link, entity, digest=self.services.digests[entity.name])
                    to = (link.marketo_id, target_id)
                    work = self._move(target, known, people.get(link.marketo_id), survivor, to=to)
                    works.append(waiting_for_parents(work, waits.get(target_id)))
        return works, staying

    def found(self) -> Counter[str]:
        """Return how many persons are to be merged into others, as far as they were found since the last time."""
        return Counter(loser.entity for losers in self._merging.values() for loser in losers)

    def is_target(self, entity: BoundEntity, row_id: str) -> bool:
        """Return whether a link was moved to a row in this cycle: it is nobody new."""
        return (entity.name, row_id) in self._moved

    def merges(self) -> list[Work]:
        """Return works that merge persons whose rows became one, as far as they were found since the last time.

        Raises:
            PlanRefusedError: So many look like an accident.
        """
        before, new = self._merges.copy(), self.found()
        found, self._merging = self._merging, {}
        self._merges += new
        for name in new:
            links = self._links.setdefault(name, self.services.store.count_links(name))
            self.services.settings.brakes.allow_merges(name, self._merges[name], links, done=before[name])
        planner, works = MergePlanner(self.services), list[Work]()
        for (name, row_id), losers in found.items():
            derived = planner.works(self.services.entities[name], row_id, losers)
            for work in derived:
                self.people.settle(str(work.step.marketo_id))
            works += derived
        return works

    def _merge_later(self, entity: BoundEntity, row: Record, link: Link, place: tuple[str, str]) -> None:
        """Remember a person to be merged into another's, when what both rows have to say is written."""
        loser = MergedPerson(link.marketo_id, entity.name, row.id, qualified=row.merged_into is None)
        self._merging.setdefault(place, []).append(loser)
        self.people.settle(link.marketo_id)

    def _ended(self, entity: BoundEntity, row: Record, link: Link, target: str, holder: str | None) -> list[Work]:
        """Return works for a row whose place is another's: its link ends, and two persons for one row wait."""
        why = "merged in Dynamics" if row.merged_into is not None else "qualified in Dynamics"
        works = [Work(Step(StepKind.UNLINK, entity, link.marketo_id, row.id, reason=why))]
        if holder is not None and holder != link.marketo_id:
            # Which of the two persons stays is for people to say.
            both = {"candidates": [holder], "rivals": [target]}
            works.append(Work(park(entity, "two-persons", marketo_id=link.marketo_id, dynamics_id=row.id, **both)))
        return works

    def _people(self, entity: BoundEntity, ids: Sequence[str]) -> Mapping[str, Record]:
        return {person.id: person for person in self.services.marketo.fetch(entity, ids)} if ids else {}

    def _move(
        self, entity: BoundEntity, known: Known, person: Record | None, row: Record | None, *, to: tuple[str, str]
    ) -> Work:
        """Return the work that moves a link, keeping the base of the fields that both entities have."""
        fresh = row if to[0] == known.marketo_id else person
        version = row.version if row is not None else known.version
        moved = moved_known(known, entity, *to, version=version, fresh=fresh)
        calls, moved_from = self.people.calls.get(to[0], ()), (known.entity.name, known.dynamics_id)
        work = pair_work(self.services, moved, person, row, moved_from=moved_from, calls=calls)
        return with_values(self.services, [work])[0]
