"""Plans the merge of persons whose rows became one: who takes whom in, and what both sides hold afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from attrs import define, evolve, frozen

from ..entities import BoundEntity, Record, Side, Values
from ..plan import Known, MergedPerson, Step, StepKind, park, plan_pair
from ..state import Commit, Link
from .conversions import is_superseded
from .filters import passes
from .links import known_of
from .merging import OnMerge, PersonMerger
from .objects import resolved, waiting_for_parents
from .services import Services
from .settle import gone_fact
from .waiting import met_again
from .work import Work

#: Numbers that are added up, and refusals that stay where anybody said yes, by REST name.
Sums: TypeAlias = Mapping[str, int | bool | None]
#: A row: its entity and its id.
Place: TypeAlias = tuple[str, str]
_EMPTY: Final = (None, "")


@frozen
class Note:
    """What is kept before a merge is asked for, so that it can be brought to its end whatever happens meanwhile.

    Attributes:
        winner: Person that stays.
        before: What it held of all that is added up or kept.
        after: What it is to hold.
        lost: Values of the loser that the winner has others for, in the store's JSON form, by field name.
    """

    winner: str
    before: Sums
    after: Sums
    lost: Mapping[str, object]

    def dump(self) -> str:
        """Return it as text."""
        data = {"winner": self.winner, "before": self.before, "after": self.after, "lost": self.lost}
        return json.dumps(data, sort_keys=True)


def note_fact(loser: str) -> str:
    """Return the name of the fact that a person is being merged into another."""
    return f"merging:{loser}"


def read_note(services: Services, loser: str) -> Note | None:
    """Return what was kept before a merge that was not brought to its end."""
    text = services.store.fact(note_fact(loser))
    if text is None:
        return None
    data = json.loads(text)
    return Note(data["winner"], data["before"], data["after"], data["lost"])


def merger_of(services: Services, entity: BoundEntity) -> PersonMerger | None:
    """Return what merges persons into those of an entity; ``None`` where they are left for a human."""
    marketo = services.marketo
    wanted = services.settings.mergings.into(entity) is OnMerge.MERGE
    return marketo if wanted and isinstance(marketo, PersonMerger) else None


def refusals(services: Services) -> frozenset[str]:
    """Return the REST names of all mapped fields with which a person refuses contact."""
    fields = (bound for entity in services.persons() for bound in entity.fields.values())
    return frozenset(bound.marketo for bound in fields if bound.opt_out and bound.marketo)


def added(winner: Sums, loser: Sums) -> dict[str, int | bool | None]:
    """Return what the winner is to hold: numbers added up, and a yes of either."""
    found: dict[str, int | bool | None] = {}
    for name, held in winner.items():
        other = loser.get(name)
        if isinstance(held, bool) or isinstance(other, bool):
            found[name] = bool(held) or bool(other)
        else:
            found[name] = held if other is None else (held or 0) + other
    return found


def destination(services: Services, entity: BoundEntity, row: Record) -> tuple[BoundEntity, str] | None:
    """Return the row that a row itself says it became; ``None`` where it is a row of its own."""
    if row.merged_into is not None:
        return entity, row.merged_into
    if row.converted_to is None or not is_superseded(services, entity, row):
        return None
    target = services.entity_of_table(row.converted_to.table)
    return (target, row.converted_to.id) if target is not None else None


def final_places(
    services: Services, rows: Iterable[tuple[BoundEntity, Record]]
) -> dict[Place, tuple[BoundEntity, str]]:
    """Return what rows became in the end, however often they were merged or qualified; one read for each step."""
    steps: dict[Place, tuple[BoundEntity, str]] = {}
    known: set[Place] = set()
    group = list(rows)
    starts = [(entity.name, row.id) for entity, row in group]
    while group:
        ahead: dict[str, set[str]] = {}
        for entity, row in group:
            known.add((entity.name, row.id))
            to = destination(services, entity, row)
            if to is not None:
                steps[entity.name, row.id] = to
                ahead.setdefault(to[0].name, set()).add(to[1])
        group = []
        for name, ids in ahead.items():
            entity = services.entities[name]
            asked = sorted(i for i in ids if (name, i) not in known)
            known.update((name, i) for i in asked)
            group += [(entity, row) for row in (services.dynamics.fetch(entity, asked) if asked else ())]
    found: dict[Place, tuple[BoundEntity, str]] = {}
    for start in starts:
        met, here = {start}, steps.get(start)
        while here is not None and (here[0].name, here[1]) in steps and (here[0].name, here[1]) not in met:
            met.add((here[0].name, here[1]))
            here = steps[here[0].name, here[1]]
        if here is not None:
            found[start] = here
    return found


@define
class MergePlanner:
    """Derives works for rows whose persons became one.

    Attributes:
        services: Both sides and the store.
    """

    services: Services

    def works(self, entity: BoundEntity, row_id: str, losers: Sequence[MergedPerson]) -> list[Work]:
        """Return the works for one surviving row; everything is read anew, since a merge can't be undone.

        Args:
            entity: The surviving row's entity.
            row_id: The surviving row.
            losers: Persons whose rows went into it, as they were found.
        """
        losers = self._still(entity, row_id, losers)
        link = self.services.store.links_by_dynamics(entity.name, [row_id]).get(row_id)
        merger = merger_of(self.services, entity)
        rows = self.services.fetch(Side.DYNAMICS, entity, [row_id]) if losers else {}
        row = rows.get(row_id)
        if not losers:
            return []
        if merger is None or link is None or row is None or destination(self.services, entity, row) is not None:
            return self.held(entity, row_id, losers, link)
        if not passes(self.services.settings.filters, entity, row):
            return self.held(entity, row_id, losers, link)
        people = self.services.fetch(Side.MARKETO, entity, [link.marketo_id, *(each.marketo_id for each in losers)])
        if self._claimed(entity, (entity.name, row_id), link.marketo_id, losers, people):
            return self.held(entity, row_id, losers, link)
        return self._planned(entity, row, link, losers, people, merger)

    def held(self, entity: BoundEntity, row_id: str, losers: Sequence[MergedPerson], link: Link | None) -> list[Work]:
        """Return works that leave the persons as they are: the links of their rows end, and a human decides."""
        works: list[Work] = []
        for loser in losers:
            works.append(self._ended(loser))
            if link is not None and link.marketo_id != loser.marketo_id:
                step = park(
                    self.services.entities[loser.entity],
                    "two-persons",
                    marketo_id=loser.marketo_id,
                    dynamics_id=loser.dynamics_id,
                    candidates=[link.marketo_id],
                    rivals=[row_id],
                )
                works.append(Work(step))
        return works

    def _planned(
        self,
        entity: BoundEntity,
        row: Record,
        link: Link,
        losers: Sequence[MergedPerson],
        people: Mapping[str, Record],
        merger: PersonMerger,
    ) -> list[Work]:
        gone = [each for each in losers if each.marketo_id not in people and not self._begun(each, link.marketo_id)]
        works = [self._ended(loser) for loser in gone]
        losers = [each for each in losers if each not in gone]
        if not losers:
            return works
        kept, waits = resolved(self.services, entity, {row.id: row})
        winner = people.get(link.marketo_id)
        if winner is None:
            # The row's own person is gone: the first of the others takes its place, and any more wait for a human.
            works += self._replaced(losers[0], kept[row.id], people, entity)
            return works + self.held(entity, row.id, losers[1:], link)
        sums = merger.read_for_merge([winner.id, *people], refusals(self.services))
        total = sums.get(winner.id, {})
        for loser in losers:
            note = read_note(self.services, loser.marketo_id)
            if loser.marketo_id in sums:
                total = added(total, sums[loser.marketo_id])
            elif note is not None:
                total = {name: note.after.get(name, held) for name, held in total.items()}
        numbers = {name: value for name, value in total.items() if value != sums.get(winner.id, {}).get(name)}
        taken = [people[each.marketo_id] for each in losers if each.marketo_id in people]
        person = evolve(winner, values=foreseen(entity, winner.values, [each.values for each in taken], numbers))
        known = known_of(link, entity, digest=self.services.digests[entity.name])
        step = plan_pair(known, marketo=person, dynamics=kept[row.id], policy=self.services.policy(entity))
        step = evolve(
            step,
            kind=StepKind.MERGE_PERSONS,
            losers=tuple(losers),
            reason=reason_of(losers),
            detail={"sets": sorted(numbers)} if numbers else {},
        )
        works.append(waiting_for_parents(Work(step, person, kept[row.id]), waits.get(row.id)))
        return works

    def _replaced(
        self, loser: MergedPerson, row: Record, people: Mapping[str, Record], entity: BoundEntity
    ) -> list[Work]:
        source = self.services.entities[loser.entity]
        link = self.services.store.links_by_dynamics(loser.entity, [loser.dynamics_id])[loser.dynamics_id]
        if loser.marketo_id not in people:
            return [self._ended(loser)]
        known = known_of(link, source, digest=self.services.digests[source.name])
        known = moved_known(known, entity, loser.marketo_id, row.id, version=row.version, fresh=row)
        person, moved = people[loser.marketo_id], (loser.entity, loser.dynamics_id)
        policy = self.services.policy(entity)
        return [Work(plan_pair(known, marketo=person, dynamics=row, policy=policy, moved_from=moved), person, row)]

    def _still(self, entity: BoundEntity, row_id: str, losers: Sequence[MergedPerson]) -> list[MergedPerson]:
        """Return those whose links and whose rows still say what they said when they were found."""
        kept: list[MergedPerson] = []
        rows: list[tuple[BoundEntity, Record]] = []
        for name in sorted({loser.entity for loser in losers}):
            ids = [loser.dynamics_id for loser in losers if loser.entity == name]
            links = self.services.store.links_by_dynamics(name, ids)
            source = self.services.entities[name]
            rows += [(source, row) for row in self.services.dynamics.fetch(source, sorted(links))]
            kept += [
                each
                for each in losers
                if each.entity == name
                and each.dynamics_id in links
                and links[each.dynamics_id].marketo_id == each.marketo_id
            ]
        places = final_places(self.services, rows)
        there = [
            each
            for each in kept
            if (to := places.get((each.entity, each.dynamics_id))) is not None
            and (to[0].name, to[1]) == (entity.name, row_id)
        ]
        order = {(each.entity, each.dynamics_id): place for place, each in enumerate(losers)}
        self._met_again([each for each in kept if each not in there])
        return sorted(there, key=lambda each: order[each.entity, each.dynamics_id])

    def _met_again(self, losers: Sequence[MergedPerson]) -> None:
        """Let rows be met again that have become something else since they were found: nobody will touch them."""
        now, words = self.services.settings.now(), "what the row became has become something else since"
        again = [met_again(each.entity, each.dynamics_id, "moved-on", words, now) for each in losers]
        if again:
            self.services.store.commit(Commit(reject=again))

    def _claimed(
        self,
        entity: BoundEntity,
        place: Place,
        winner: str,
        losers: Sequence[MergedPerson],
        people: Mapping[str, Record],
    ) -> bool:
        """Return whether one of the persons is also somebody else's: linked to another row, or carrying its id."""
        ours = {place, *((each.entity, each.dynamics_id) for each in losers)}
        linked = self.services.linked_person_ids([winner, *(each.marketo_id for each in losers)])
        if any(rows - ours for rows in linked.values()):
            return True
        if entity.key is None:
            return False
        ids = {row for _, row in ours}
        carried = {str(person.values.get(entity.key.name) or "").lower() for person in people.values()} - {""}
        return bool(self._maybe_live(carried - ids))

    def _maybe_live(self, ids: set[str]) -> set[str]:
        """Return these rows without the ones that are known to stand for nobody: merged, qualified, or deleted.

        A row that none of our tables has may be one of a table that isn't synced: it counts as live.
        """
        dead = {row for row in ids if self.services.store.fact(gone_fact(row)) is not None}
        for entity in self.services.persons() if ids else ():
            rows = self.services.dynamics.fetch(entity, sorted(ids))
            dead |= {row.id for row in rows if destination(self.services, entity, row) is not None}
        return ids - dead

    def _begun(self, loser: MergedPerson, winner: str) -> bool:
        note = read_note(self.services, loser.marketo_id)
        return note is not None and note.winner == winner

    def _ended(self, loser: MergedPerson) -> Work:
        source, facts = self.services.entities[loser.entity], {note_fact(loser.marketo_id): None}
        step = Step(StepKind.UNLINK, source, loser.marketo_id, loser.dynamics_id, reason=reason_of([loser]))
        begun = read_note(self.services, loser.marketo_id) is not None
        return Work(step, facts=cast("dict[str, str | None]", facts) if begun else {})


def reason_of(losers: Sequence[MergedPerson]) -> str:
    """Return why persons are merged, in a few words."""
    return "qualified in Dynamics" if all(loser.qualified for loser in losers) else "merged in Dynamics"


def moved_known(
    known: Known, entity: BoundEntity, person: str, row_id: str, *, version: str | None, fresh: Record | None
) -> Known:
    """Return what is remembered of a row and a person, for another row or person: fields that both entities have.

    Where the record that takes the place of another never had its opt-out, or wasn't read, that is nobody's taking it
    back: such a field has no base, and the opt-out wins.

    Args:
        known: What is remembered.
        entity: The entity that the link moves to.
        person: The person from now on.
        row_id: The row from now on.
        version: The row's version.
        fresh: The record that takes the place of another, if it was read.
    """
    kept = [
        name
        for name, bound in entity.fields.items()
        if not (bound.opt_out and known.base_marketo.get(name) and (fresh is None or not fresh.values.get(name)))
    ]
    return Known(
        entity,
        person,
        row_id,
        base_marketo={name: known.base_marketo[name] for name in kept if name in known.base_marketo},
        base_dynamics={name: known.base_dynamics[name] for name in kept if name in known.base_dynamics},
        version=version,
        unconfirmed=known.unconfirmed,
        sent=known.sent if person == known.marketo_id else {},
    )


def foreseen(entity: BoundEntity, winner: Values, losers: Sequence[Values], sums: Mapping[str, object]) -> Values:
    """Return what the winner will hold after the merge, as far as the entity's fields show it."""
    values = dict(winner)
    for name, bound in entity.fields.items():
        if bound.marketo in sums:
            values[name] = bound.codec.from_marketo(cast("int | bool | None", sums[bound.marketo]))
        elif values.get(name) in _EMPTY and not bound.key:
            values[name] = next((v for v in (loser.get(name) for loser in losers) if v not in _EMPTY), values.get(name))
    return {name: value for name, value in values.items() if name in winner or value not in _EMPTY}


def lost_values(entity: BoundEntity, winner: Values, loser: Values) -> dict[str, object]:
    """Return the loser's values that the winner has others for, in the store's JSON form."""
    clash = {
        name: value
        for name, value in loser.items()
        if value not in _EMPTY and winner.get(name) not in _EMPTY and winner.get(name) != value
    }
    return dict(entity.dump(clash))
