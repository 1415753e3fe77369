"""Reads what a plan needs to know, and derives the works of one page. Decides nothing: it asks ``identity`` and
``plan``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, evolve, field

from ..conflict import DecisionKind
from ..entities import BoundEntity, Record, Side
from ..identity import Nothing, One
from ..plan import Step, StepKind, plan_gone, plan_link, plan_new_row
from ..state import Link
from .again import Relink, pair_work, with_values
from .conversions import is_another, is_person
from .deletions import OnDelete
from .filters import any_stale, note_stale, passes, stale_fact
from .links import known_of
from .moves import Moves
from .objects import resolved, waiting_for_parents
from .pairing import match_rows
from .people import ChangedPersons
from .restored import older
from .services import Services
from .settle import gone_fact
from .tombstones import lifted, personless
from .work import Work


@define
class Deriver:
    """Derives works from what was read, a page at a time.

    Attributes:
        services: Both sides and the store.
        people: What Marketo's change streams said.
        taken: Person id to row id of links planned in this cycle and not kept, for a plan that is only looked at.
        waiting: Row ids that stay parked until a human decides, by entity.
        held: Row ids of linked records of which a field is held, by entity. Both their sides are read whenever one
            changed: an unread side would count as unchanged, and the held value would be lost.
        unchanged: Records that were read and needed nothing.
    """

    services: Services
    people: ChangedPersons
    taken: dict[str, str] = field(factory=dict)
    waiting: dict[str, set[str]] = field(factory=dict)
    held: dict[str, set[str]] = field(factory=dict)
    unchanged: int = 0
    moves: Moves = field(init=False)
    _any_stale: bool | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.moves = Moves(self.services, self.people, self.waiting)

    def from_rows(self, entity: BoundEntity, rows: Iterable[Record], *, forced: bool = False) -> list[Work]:
        """Return works for Dynamics rows.

        Args:
            entity: The rows' entity.
            rows: Rows as just read; of a row that comes more than once the last counts.
            forced: Look at rows and their persons even where nothing says that they changed.
        """
        latest = {row.id: row for row in self._kept(entity, rows)}
        links = self.services.store.links_by_dynamics(entity.name, list(latest))
        if old := older(latest.values(), links):
            # They were read again since, as when a link moved: what a page showed of them is no news.
            fresh = {row.id: row for row in self._kept(entity, self.services.dynamics.fetch(entity, old))}
            latest = {row_id: row for row_id, row in (latest | fresh).items() if row_id in fresh or row_id not in old}
        latest, held = resolved(self.services, entity, latest)
        digest = self.services.digests[entity.name]
        works: list[Work] = []
        new: list[Record] = []
        paired: list[tuple[Record, Link]] = []
        moved: list[tuple[Record, Link]] = []
        for row in latest.values():
            link = links.get(row.id)
            if link is None:
                if is_person(self.services, entity, row):
                    new.append(row)
            elif is_another(self.services, entity, row):
                moved.append((row, link))
            elif not forced and self._seen_before(entity, row, link, digest):
                self.unchanged += 1
            else:
                paired.append((row, link))
        if not entity.definition.marketo.is_person:
            # What was merged into another row stands for nothing any more; what hangs on its record in Marketo stays.
            works += [
                Work(Step(StepKind.UNLINK, entity, link.marketo_id, row.id, reason="merged in Dynamics"))
                for row, link in moved
            ]
            works += self._paired(entity, paired, digest, forced=False) + self._new_objects(entity, new)
        else:
            new, adopted = self.moves.adopt(entity, new)
            moves, staying = self.moves.rows(entity, moved) if moved else ([], [])
            paired += staying
            new = [row for row in new if not self.moves.is_target(entity, row.id)]
            works += moves + adopted + self._paired(entity, paired, digest, forced=forced)
            works += self._new(entity, new, forced=forced)
        return [waiting_for_parents(work, held.get(str(work.step.dynamics_id))) for work in works]

    def note_held(self, works: Iterable[Work]) -> None:
        """Note rows of which a field is held since this very cycle: a person may come up in it again."""
        for work in works:
            if any(decision.kind is DecisionKind.HELD for decision in work.step.decisions):
                self.held.setdefault(work.step.entity.name, set()).add(str(work.step.dynamics_id))

    def from_persons(self, ids: Sequence[str]) -> tuple[list[Work], list[str]]:
        """Return works for persons that changed and whose rows didn't, and the ids of persons that have no link."""
        links = self.services.links_of_persons(ids)
        works: list[Work] = []
        for entity in self.services.persons():
            mine = [links[i] for i in ids if i in links and links[i].entity == entity.name]
            works += self._changed_persons(entity, mine)
        return works, [i for i in ids if i not in links]

    def gone_rows(self, entity: BoundEntity, links: Iterable[Link]) -> list[Work]:
        """Return works for links whose rows were deleted in Dynamics."""
        digest, what = self.services.digests[entity.name], self.services.settings.deletions.after(entity, Side.DYNAMICS)
        known = (known_of(link, entity, digest=digest) for link in links)
        flag, delete = what is OnDelete.FLAG, what is OnDelete.DELETE
        return [Work(plan_gone(each, Side.DYNAMICS, flag=flag, delete=delete)) for each in known]

    def gone_persons(self, ids: Sequence[str]) -> list[Work]:
        """Return works for persons that were deleted in Marketo. Their rows stay; a later edit makes new persons of
        them."""
        works: list[Work] = []
        links = list(self.services.links_of_persons(ids).values())
        for entity in self.services.persons():
            mine = [link for link in links if link.entity == entity.name]
            delete = self.services.settings.deletions.after(entity, Side.MARKETO) is OnDelete.DELETE
            alike = self._agreed(entity, mine) if delete and mine else {}
            for link in mine:
                known = known_of(link, entity, digest=self.services.digests[entity.name])
                edited = delete and alike.get(link.dynamics_id) is False
                step = plan_gone(known, Side.MARKETO, flag=False, delete=alike.get(link.dynamics_id, False))
                works.append(Work(evolve(step, detail={"again": True}) if edited else step))
        return works

    def _agreed(self, entity: BoundEntity, links: Sequence[Link]) -> dict[str, bool]:
        """Return whether rows are as both sides left them, by row id; rows that are gone, or outside, are left out.

        Only such a row may be deleted: one that holds an edit, or a value that waits, is kept and makes a new person.
        """
        filters, held = self.services.settings.filters, self.held.get(entity.name, ())
        refused = {item.id for item in self.services.store.rejected(entity.name)}
        versions = {link.dynamics_id: link.version for link in links}
        rows = self.services.dynamics.fetch(entity, list(versions))
        return {
            row.id: row.version is not None and row.version == versions[row.id] and row.id not in {*held, *refused}
            for row in rows
            if passes(filters, entity, row)
        }

    def _kept(self, entity: BoundEntity, rows: Iterable[Record]) -> list[Record]:
        """Return the rows that pass the user's filter; linked ones that don't go stale."""
        filters = self.services.settings.filters
        if entity.name not in filters:
            return list(rows)
        latest = list({row.id: row for row in rows}.values())
        kept = [row for row in latest if passes(filters, entity, row)]
        inside = {row.id for row in kept}
        left = [row.id for row in latest if row.id not in inside]
        note_stale(self.services.store, entity, self.services.store.links_by_dynamics(entity.name, left))
        return kept

    def _back(self, entity: BoundEntity, row_id: str) -> dict[str, str | None]:
        """Return what is to be forgotten of a linked row that has entered the filter again; nothing for any other."""
        if self._any_stale is None:
            self._any_stale = any_stale(self.services.store)
        name = stale_fact(entity, row_id)
        return {name: None} if self._any_stale and self.services.store.fact(name) is not None else {}

    def _person_changed(self, entity: BoundEntity, link: Link) -> bool:
        """Return whether a link's person changed: other objects have numbers of their own, which may be the same."""
        return entity.definition.marketo.is_person and link.marketo_id in self.people

    def _seen_before(self, entity: BoundEntity, row: Record, link: Link, digest: str) -> bool:
        return (
            link.version is not None
            and row.version == link.version
            and link.fingerprint == digest
            and not self._person_changed(entity, link)
        )

    def _counted(self, work: Work) -> Work:
        if work.step.idle and not work.step.decisions:
            self.unchanged += 1
        return work

    def _paired(
        self, entity: BoundEntity, paired: Sequence[tuple[Record, Link]], digest: str, *, forced: bool
    ) -> list[Work]:
        held = self.held.get(entity.name, ())
        back = {row.id: self._back(entity, row.id) for row, _ in paired}
        whole = forced or entity.name in self.people.missed
        # Objects are read whenever their rows changed: what was edited in Marketo is repaired by the way.
        objects = not entity.definition.marketo.is_person
        wanted = [
            link.marketo_id
            for row, link in paired
            if whole
            or objects
            or self._person_changed(entity, link)
            or link.fingerprint != digest
            or not link.base
            or row.id in held
            or back[row.id]
        ]
        persons = {person.id: person for person in self.services.marketo.fetch(entity, wanted)} if wanted else {}
        works = []
        for row, link in paired:
            known = known_of(link, entity, digest=digest)
            person = persons.get(link.marketo_id)
            calls = () if objects else self.people.calls.get(link.marketo_id, ())
            if not objects:
                self.people.settle(link.marketo_id)
            work = pair_work(self.services, known, person, row, calls=calls)
            work.facts.update(back[row.id])
            works.append(work)
        return [self._counted(work) for work in with_values(self.services, works)]

    def _changed_persons(self, entity: BoundEntity, links: Sequence[Link]) -> list[Work]:
        if not links:
            return []
        digest = self.services.digests[entity.name]
        persons = {p.id: p for p in self.services.marketo.fetch(entity, [link.marketo_id for link in links])}
        # A row whose version isn't known, of which something was refused (it may be gone), or that was merged under
        # another mapping, is read first.
        refused = {item.id for item in self.services.store.rejected(entity.name) if item.side == Side.MARKETO.value}
        held = self.held.get(entity.name, ())
        filtered = entity.name in self.services.settings.filters
        unknown = [
            link.dynamics_id
            for link in links
            if link.version is None
            or link.fingerprint != digest
            or link.dynamics_id in held
            or link.dynamics_id in refused
            or filtered
        ]
        found = self.services.dynamics.fetch(entity, unknown) if unknown else []
        read = {row.id: row for row in self._kept(entity, found)}
        rows, waits = resolved(self.services, entity, read)
        works = []
        for link in links:
            person = persons.get(link.marketo_id)
            row = rows.get(link.dynamics_id)
            known = known_of(link, entity, digest=digest)
            if person is None and (self.people.everything or entity.name in self.people.missed):
                works.append(Work(plan_gone(known, Side.MARKETO, flag=False)))
                continue
            if person is None or (row is None and link.dynamics_id in unknown):
                continue  # Gone meanwhile: the next cycle's streams say how.
            calls = self.people.calls.get(link.marketo_id, ())
            work = pair_work(self.services, known, person, row, calls=calls)
            works.append(waiting_for_parents(self._counted(work), waits.get(link.dynamics_id)))
        return with_values(self.services, works)

    def _new(self, entity: BoundEntity, rows: Sequence[Record], *, forced: bool) -> list[Work]:
        waiting = self.waiting.get(entity.name, ())
        same, edited = personless(self.services.store, entity, rows)
        # Nor is a row somebody again that was closed since.
        left = set[str]() if forced else same | {row.id for row in rows if row.id in edited and not row.active}
        self.unchanged += len(left)
        rows = [row for row in rows if row.id not in waiting and row.id not in left]
        if not rows:
            return []
        policy = self.services.policy(entity)
        works = self._intended(entity, rows)
        ours = {work.step.dynamics_id for work in works}
        rows = [row for row in rows if row.id not in ours]
        answers = match_rows(self.services, entity, rows, self.taken)
        for row in rows:
            match = answers[row.id]
            person = match.record if isinstance(match, One) else None
            revive = person is not None and self._was_gone(entity, row, person)
            step = plan_new_row(entity, row, match, policy=policy, revive=revive)
            if person is not None:
                self.taken[person.id] = row.id
                self.people.settle(person.id)
                again = self._link_again(entity, person, step.reason, revive=revive)
                works.append(Work(step, person, row, again))
            else:
                works.append(Work(step, None, row))
        for work in works:
            if work.step.dynamics_id in same | edited:
                work.facts.update(lifted(entity.name, str(work.step.dynamics_id)))
        return works

    def _new_objects(self, entity: BoundEntity, rows: Sequence[Record]) -> list[Work]:
        """Return works for rows whose records Marketo tells apart by our own ids: nothing is to be matched."""
        policy, lookup = self.services.policy(entity), entity.key.name if entity.key is not None else ""
        return [Work(plan_new_row(entity, row, Nothing(lookup), policy=policy), None, row) for row in rows]

    def _intended(self, entity: BoundEntity, rows: Sequence[Record]) -> list[Work]:
        """Return works for rows that we made for a person ourselves, before something stopped us from noting it."""
        intents = self.services.store.intents_by_dynamics(entity.name, [row.id for row in rows])
        if not intents:
            return []
        wanted = [intent.marketo_id for intent in intents.values()]
        linked = self.services.links_of_persons(wanted)
        people = {person.id: person for person in self.services.marketo.fetch(entity, wanted)}
        works = []
        for row in rows:
            intent = intents.get(row.id)
            person = people.get(intent.marketo_id) if intent is not None else None
            if person is not None and person.id not in linked:
                self.taken[person.id] = row.id
                self.people.settle(person.id)
                gone = self._was_gone(entity, row, person)
                step = plan_link(entity, row, person, by="row id", policy=self.services.policy(entity), revive=gone)
                works.append(Work(step, person, row, self._link_again(entity, person, "row id", revive=gone)))
        return works

    def _link_again(self, entity: BoundEntity, person: Record, reason: str, *, revive: bool = False) -> Relink:
        return Relink(self.services, entity, person, reason.removeprefix("recognised by "), revive)

    def _was_gone(self, entity: BoundEntity, row: Record, person: Record) -> bool:
        """Return whether the person was marked as deleted when its row, this one or another, was deleted."""
        carried = person.values.get(entity.key.name) if entity.key is not None else None
        return any(self.services.store.fact(gone_fact(str(i))) is not None for i in (row.id, carried) if i is not None)
