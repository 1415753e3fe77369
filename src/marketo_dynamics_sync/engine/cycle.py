"""One cycle: read changes, derive, carry out (or only collect), keep where to go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final, Protocol

from attrs import define, field

from ..connectors import ChangePage
from ..entities import BoundEntity, Record, Side
from ..errors import CheckpointExpiredError, RequestRejectedError
from ..plan import StepKind
from ..state import Commit, Link, Parked, Rejected
from .ahead import Pages, look_at_canary, look_at_clocks, look_at_persons, look_at_rows, open_pages
from .apply import Stopped
from .conversions import note_origins
from .deletions import OnDelete
from .derive import Deriver
from .events import Event, OnEvent
from .objects import freed, in_order
from .people import ChangedPersons
from .push import plan_push
from .quarantine import changed_rules, rules_facts, waiting_persons, waiting_values
from .references import cleared_references
from .report import SyncReport
from .restored import watched
from .roles import Roles, is_row, open_roles
from .screen import let_go, moved, moved_text, screened
from .sent import note_calls
from .services import Services
from .waiting import FINAL, waiting_rows
from .watermarks import watermark_facts
from .work import Work

#: Persons handled at once: ten full read calls.
PERSONS_AT_ONCE: Final = 3000
#: Fact that the last cycle synced opportunity roles.
_WITH_ROLES: Final = "with-roles"


class Taker(Protocol):
    """Takes works: carries them out, or only collects them."""

    @property
    def refused_now(self) -> set[tuple[str, str, str]]:
        """Records that were refused in this very cycle: they had their try."""
        ...

    @property
    def rows_written(self) -> set[str]:
        """Names of entities whose rows in Dynamics were written in this cycle."""
        ...

    def take(self, works: Sequence[Work]) -> None:
        """Take some works."""
        ...


@define
class Cycle:
    """One cycle over all entities.

    Attributes:
        services: Both sides and the store.
        taker: Who takes the works.
        report: Where counts go.
        on_event: Who listens.
        keep_going: Asked at every batch edge; raises to end the cycle.
        push: Makes persons in Dynamics that are new in Marketo, where the user gave a rule.
    """

    services: Services
    taker: Taker
    report: SyncReport
    on_event: OnEvent
    keep_going: Callable[[], None]
    push: Callable[[Sequence[str]], list[Work]] | None = None
    deriver: Deriver = field(init=False)
    roles: Roles | None = field(default=None, init=False)
    _checkpoints: dict[str, str | None] = field(factory=dict)
    _facts: dict[str, str] = field(factory=dict)
    _gone: dict[str, dict[str, None]] = field(factory=dict)
    _touched: set[str] = field(factory=set)
    #: Entities whose rules (lengths, ranges, options, required values) changed since the last cycle.
    _rules: set[str] = field(factory=set)
    #: Persons that Marketo said changed, whatever was done about them since.
    _changed: set[str] = field(factory=set)

    def run(self) -> None:
        """Run the cycle to its end.

        Raises:
            ServiceError: A service failed; what was done is kept, and the next cycle goes on from there.
            PlanRefusedError: A brake stopped it.
        """
        try:
            self._run()
        except RequestRejectedError as error:
            found = moved(self.services)
            if not found:
                raise
            raise Stopped(moved_text(found)) from error

    def _run(self) -> None:
        self._note_rebase()
        with self._timed("read Marketo changes"):
            people = self._read_people()
        look_at_clocks(self.services)
        look_at_canary(self.services)
        look_at_persons(self.services, people)
        self.roles = open_roles(self.services, people)
        with self._timed("read Dynamics changes"):
            ahead = {entity.name: self._opened(entity) for entity in in_order(self.services.entities.values())}
        self._changed = {*people.ids}
        self._rules = changed_rules(self.services)
        waiting, held = waiting_rows(self.services.store)
        self.deriver = Deriver(self.services, people, waiting=waiting, held=held)
        with self._timed("moves"):
            self._take(self.deriver.moves.persons())
        for entity in in_order(self.services.entities.values()):
            with self._timed(f"{entity.name} rows"):
                self._rows(entity, ahead.pop(entity.name))
        with self._timed("persons"):
            self._persons(people)
        with self._timed("retries"):
            self._retries(people)
        with self._timed("deletions"):
            self._deletions(people)
        facts = {f"mapping:{name}": digest for name, digest in self.services.digests.items()} | self._facts
        marks = watermark_facts(self.services, self._checkpoints, self.report.started_at)
        facts |= rules_facts(self.services)
        facts |= self.services.schema_facts
        if self.services.store.fact(_WITH_ROLES) or self.roles is not None:
            facts[_WITH_ROLES] = "" if self.roles is None else "yes"
        self.services.store.commit(Commit(checkpoints=self._checkpoints, facts={**facts, **marks}))

    @property
    def unchanged(self) -> int:
        """Records that were read and needed nothing."""
        return self.deriver.unchanged + (self.roles.unchanged if self.roles is not None else 0)

    def _note_rebase(self) -> None:
        for name, digest in self.services.digests.items():
            before = self.services.store.fact(f"mapping:{name}")
            if before is not None and before != digest:
                self._full(name, f"the mapping of {name!r} changed")

    def _rebased(self, entity: BoundEntity) -> bool:
        before = self.services.store.fact(f"mapping:{entity.name}")
        if self.roles is not None and entity in (self.roles.entity, self.roles.opportunity):
            # Cycles without roles, or with other ones, went past what roles are made of.
            role = self.roles.entity.name
            known = self.services.store.fact(_WITH_ROLES) and self.services.store.fact(f"mapping:{role}")
            if known != self.services.digests[role]:
                return True
        return before is not None and before != self.services.digests[entity.name]

    def _full(self, entity: str, reason: str) -> None:
        self.report.full_comparisons.append(reason)
        self.on_event(Event("full-comparison", entity, detail=reason))

    def _read_people(self) -> ChangedPersons:
        people = ChangedPersons()
        streams: dict[str, list[BoundEntity]] = {}
        for entity in self.services.persons():
            streams.setdefault(self.services.marketo.stream(entity), []).append(entity)
        for stream, entities in streams.items():
            checkpoint = self.services.store.checkpoint(stream)
            self._note_missed(people, stream, [entity.name for entity in entities])
            try:
                self._collect(people, stream, entities, checkpoint)
                if checkpoint is None:
                    # Kept at once: should this cycle end early, the next one must see what is edited from now on.
                    self.services.store.commit(Commit(checkpoints={stream: self._checkpoints[stream]}))
            except CheckpointExpiredError as error:
                if checkpoint is None:
                    raise
                people.everything = True
                self._full("", f"Marketo's changes: {error.code or 'too old'}")
                self._collect(people, stream, entities, None)
        people.ids = {i: None for i in people.ids if i not in people.merged}
        people.deleted = {i: None for i in people.deleted if i not in people.merged}
        return people

    def _note_missed(self, people: ChangedPersons, stream: str, names: Sequence[str]) -> None:
        """Note entities that a shared stream went on without."""
        covered = self.services.store.fact(f"covered:{stream}")
        for name in names:
            if covered is not None and name not in covered.split(",") and self.services.store.count_links(name):
                people.missed.add(name)
                self._full(name, f"{name!r} was not synced for a time")
        self._facts[f"covered:{stream}"] = ",".join(names)

    def _collect(
        self, people: ChangedPersons, stream: str, entities: Sequence[BoundEntity], checkpoint: str | None
    ) -> None:
        for page in self.services.marketo.changes(entities, checkpoint):
            self.keep_going()
            people.changed(page.changed)
            people.created.update(page.created)
            people.deleted.update(dict.fromkeys(page.deleted))
            people.merged.update(page.merged)
            note_calls(self.services, people, page.field_changes)
            self.on_event(Event("read", "", Side.MARKETO, len(page.changed)))
            if page.checkpoint is not None:
                self._checkpoints[stream] = page.checkpoint

    def _opened(self, entity: BoundEntity) -> Pages:
        """Return an entity's changes, after the brakes have looked at the first of them."""
        rebased = self._rebased(entity)
        checkpoint = None if rebased else self.services.store.checkpoint(self.services.dynamics.stream(entity))
        pages = open_pages(self.services, entity, checkpoint, partial(self._full, entity.name))
        look_at_rows(self.services, entity, pages, rebased=rebased)
        return pages

    def _rows(self, entity: BoundEntity, pages: Pages) -> None:
        if entity.name in self.taker.rows_written:
            # Links that moved wrote to rows of this entity since: what was read of them is old.
            full = partial(self._full, entity.name)
            checkpoint = None if pages.listing else self.services.store.checkpoint(pages.stream)
            pages = open_pages(self.services, entity, checkpoint, full)
        try:
            self._row_pages(entity, pages.stream, pages)
        except CheckpointExpiredError as error:
            if pages.listing:
                raise
            self._full(entity.name, f"changes of {entity.dynamics.entity_set}: {error.code or 'too old'}")
            again = self.services.dynamics.changes([entity], None)
            self._row_pages(entity, pages.stream, watched(self.services, entity, again))

    def _row_pages(self, entity: BoundEntity, stream: str, pages: Iterable[ChangePage]) -> None:
        listing = False
        for page in pages:
            self.keep_going()
            if page.listing and not listing:
                listing = True
                self.services.store.forget_seen(entity.name)
            self.on_event(Event("read", entity.name, Side.DYNAMICS, len(page.records)))
            note_origins(self.services, page.records)
            self._take_rows(entity, page.records)
            gone = self._gone.setdefault(entity.name, {})
            gone.update(dict.fromkeys(page.deleted))
            for row in page.records:
                gone.pop(row.id, None)
            if not listing:
                self._touched.update(row.id for row in page.records)
            if listing and page.present:
                self.services.store.commit(Commit(seen=[(entity.name, page.present)]))
            if page.checkpoint is not None:
                self._checkpoints[stream] = page.checkpoint
        if listing:
            gone = self._gone.setdefault(entity.name, {})
            unseen = (link.dynamics_id for link in self.services.store.unseen(entity.name))
            gone.update(dict.fromkeys(i for i in unseen if is_row(i)))

    def _take_rows(self, entity: BoundEntity, rows: Sequence[Record]) -> None:
        roles = self.roles
        if roles is not None and entity is roles.entity:
            self._take_all(roles.of_connections(rows))
            return
        self._take(self.deriver.from_rows(entity, rows))
        self._take(self.deriver.moves.merges())
        if roles is not None and entity is roles.opportunity:
            self._take_all(roles.of_opportunities(rows))

    def _persons(self, people: ChangedPersons) -> None:
        for entity in self.services.persons():
            if people.everything or entity.name in people.missed:
                links = self.services.store.links(entity.name)
                while some := list(islice(links, PERSONS_AT_ONCE)):
                    self._some_persons(people, [link.marketo_id for link in some], entity.name)
        if people.everything:
            return
        ids = [i for i in people.ids if i not in people.deleted]
        for start in range(0, len(ids), PERSONS_AT_ONCE):
            self._some_persons(people, [i for i in ids[start : start + PERSONS_AT_ONCE] if i in people.ids])

    def _some_persons(self, people: ChangedPersons, ids: Sequence[str], entity: str = "") -> None:
        self.keep_going()
        works, strangers = self.deriver.from_persons(ids)
        if entity:
            # Everybody is compared: who isn't there any more looks deleted.
            gone = sum(work.step.kind is StepKind.UNLINK for work in works)
            self.services.settings.brakes.allow_deletes(entity, gone, len(ids), late=True)
        self._take(works)
        if self.push is not None:
            self._take(self.push([i for i in strangers if i in people.created]))

    def _retries(self, people: ChangedPersons) -> None:
        """Take up what was refused before and is due, and parked rows whose candidates changed."""
        now = self.services.settings.now()
        done = set(self.taker.refused_now)
        due = [
            r
            for r in self.services.store.rejected()
            if (
                r.next_at <= now or r.entity in self._rules or (r.side == Side.DYNAMICS.value and r.id in self._changed)
            )
            and (r.entity, r.side, r.id) not in done
        ]
        for entity in self.services.entities.values():
            rows = [r.id for r in due if r.entity == entity.name and r.side == Side.MARKETO.value]
            rows += [
                p.id
                for p in self.services.store.parked(entity.name)
                if p.side == Side.DYNAMICS.value and not p.field and self._may_resolve(p, people)
            ]
            rows += let_go(self.services, entity)
            if self.roles is not None and entity is self.roles.entity:
                self._take_all(self.roles.again(rows, self.roles.waiting()))
                continue
            rows += freed(self.services, entity)
            if entity.name in self._rules:
                rows += waiting_values(self.services, entity)
            persons = [r.id for r in due if r.entity == entity.name and r.side == Side.DYNAMICS.value]
            if entity.definition.marketo.is_person:
                lacking = waiting_persons(self.services, entity)
                every = entity.name in self._rules or people.everything
                persons += sorted(lacking if every else self._changed.intersection(lacking))
            self._take_up(entity, rows, persons)

    def _take_up(self, entity: BoundEntity, rows: Sequence[str], persons: Sequence[str]) -> None:
        if self.roles is not None and entity is self.roles.entity:
            self._take_all(self.roles.again(rows, self.roles.waiting()))
        elif rows:
            self._again(entity, list(dict.fromkeys(rows)))
        if persons and entity.definition.marketo.is_person:
            works, strangers = self.deriver.from_persons(persons)
            self._take(works)
            self._push_again(entity, strangers)
            self._gone_again(entity, persons)

    def take_up(self, entity: BoundEntity, rows: Sequence[str], persons: Sequence[str]) -> None:
        """Take up rows and persons of one entity that wait, without reading what else changed.

        Args:
            entity: Their entity.
            rows: Ids of rows in Dynamics.
            persons: Ids of persons in Marketo whose rows were refused, or that are to be made there.
        """
        people = ChangedPersons()
        waiting, held = waiting_rows(self.services.store)
        self.roles = open_roles(self.services, people)
        self.deriver = Deriver(self.services, people, waiting=waiting, held=held)
        for start in range(0, max(len(rows), len(persons)), PERSONS_AT_ONCE):
            self.keep_going()
            end = start + PERSONS_AT_ONCE
            self._take_up(entity, rows[start:end], persons[start:end])

    def _again(self, entity: BoundEntity, rows: Sequence[str]) -> None:
        """Take rows up again that were refused or parked; of those that are no longer there the link ends."""
        found = self.services.dynamics.fetch(entity, rows)
        works = self.deriver.from_rows(entity, found, forced=True)
        self._take(works)
        merges = self.deriver.moves.merges()
        self._take(merges)
        gone = set(rows) - {row.id for row in found}
        self._brake_rows(entity, gone)
        links = self._rows_gone(entity, gone)
        # Nothing is left to do for rows that are no longer there, and for ones that nobody is to look at any more.
        idle = {row.id for row in found} - {str(work.step.dynamics_id) for work in works}
        idle -= {loser.dynamics_id for work in merges for loser in work.step.losers}
        nobody = sorted((gone - links.keys()) | idle)
        if nobody:
            # What a human is to decide of a row that is there goes on waiting.
            over = [row for row in nobody if row in gone or row not in self.deriver.waiting.get(entity.name, ())]
            self._resolved(entity, Side.MARKETO, over)
            self.services.store.commit(
                Commit(
                    unreject=[(entity.name, Side.MARKETO.value, row) for row in nobody],
                    unpark=[(entity.name, Side.DYNAMICS.value, row, "*") for row in over],
                )
            )

    def _push_again(self, entity: BoundEntity, persons: Sequence[str]) -> None:
        """Make persons in Dynamics whose push was refused; of those that are no longer there nothing is left to do."""
        if not persons:
            return
        there = {person.id for person in self.services.marketo.fetch(entity, persons)}
        self._take(plan_push(self.services, [p for p in persons if p in there], entity, self.report, {}))
        nobody = [(entity.name, Side.DYNAMICS.value, person) for person in persons if person not in there]
        waited = [(entity.name, Side.MARKETO.value, person, "*") for person in persons if person not in there]
        if nobody:
            self._resolved(entity, Side.DYNAMICS, [person for _, _, person in nobody])
            self.services.store.commit(Commit(unreject=nobody, unpark=waited))

    def _gone_again(self, entity: BoundEntity, persons: Sequence[str]) -> None:
        """Take up persons again that are gone, and whose rows could not be dealt with the first time."""
        linked = self.services.links_of_persons(persons)
        if linked:
            there = {person.id for person in self.services.marketo.fetch(entity, list(linked))}
            self._take(self.deriver.gone_persons([person for person in linked if person not in there]))

    def _may_resolve(self, parked: Parked, people: ChangedPersons) -> bool:
        if parked.reason in FINAL:
            return False
        candidates = parked.detail.get("candidates")
        rivals = parked.detail.get("rivals")
        touched = people.ids.keys() | people.deleted.keys() | people.merged.keys()
        if isinstance(candidates, list) and touched & set(candidates):
            return True
        moved = self._touched.union(*self._gone.values())
        return isinstance(rivals, list) and bool(moved & set(rivals))

    def _deletions(self, people: ChangedPersons) -> None:
        """Delete what is gone: what hangs on others before the others (Adobe, "Sync architecture")."""
        for entity in self.services.entities.values():
            self._brake_rows(entity, self._gone.get(entity.name, {}))
        self._take(self.deriver.gone_persons(list(people.deleted)))
        if self.roles is not None and (people.merged or people.deleted or people.everything or people.missed):
            self._take_all(self.roles.of_lost_persons())
        self._forget_parked(people)
        for entity in reversed(in_order(self.services.entities.values())):
            if gone := self._gone.get(entity.name):
                self._rows_gone(entity, gone)

    def _rows_gone(self, entity: BoundEntity, gone: Collection[str]) -> dict[str, Link]:
        """Deal with rows that are gone, and return the links that they had."""
        links = self._links_of(entity, gone)
        left = links
        if self.roles is not None and entity is self.roles.entity:
            self._take_all(self.roles.of_gone(connections=links))
            return links
        if self.roles is not None and entity is self.roles.opportunity and gone:
            self._take_all(self.roles.of_gone(opportunities=gone))
            left = self._without_roles(entity, links)
        if self.services.settings.deletions.after(entity, Side.DYNAMICS) is OnDelete.DELETE:
            self._take_all(cleared_references(self.services, entity, left))
        self._take(self.deriver.gone_rows(entity, left.values()))
        return links

    def _without_roles(self, entity: BoundEntity, links: dict[str, Link]) -> dict[str, Link]:
        """Return the links of opportunities that have no role any more; the others are met again in the next cycle."""
        assert self.roles is not None, "asked only where roles are synced"
        now, key = self.services.settings.now(), (entity.name, Side.MARKETO.value)
        words = "its opportunity roles couldn't be deleted, and go before it"
        wait = [
            Rejected(*key, row, "roles-left", words, None, 1, first_at=now, next_at=now)
            for row in self.roles.of_opportunity(links)
        ]
        if wait:
            self.services.store.commit(Commit(reject=wait))
        return {row: link for row, link in links.items() if row not in {item.id for item in wait}}

    def _links_of(self, entity: BoundEntity, rows: Collection[str]) -> dict[str, Link]:
        return self.services.store.links_by_dynamics(entity.name, sorted(rows)) if rows else {}

    def _brake_rows(self, entity: BoundEntity, gone: Collection[str]) -> None:
        """Refuse to go on where so many rows are gone that it looks like an accident."""
        links = self._links_of(entity, gone)
        total = self.services.store.count_links(entity.name) if links else 0
        self.services.settings.brakes.allow_deletes(entity.name, len(links), total, late=True)

    def _forget_parked(self, people: ChangedPersons) -> None:
        """Let go of parked records that are no longer there: nobody can decide about them."""
        gone = {(name, Side.DYNAMICS.value): ids.keys() for name, ids in self._gone.items()}
        gone |= {(name, Side.MARKETO.value): people.deleted.keys() for name in self.services.entities}
        over = [
            (parked.entity, parked.side, parked.id, "*")
            for parked in self.services.store.parked()
            if parked.id in gone.get((parked.entity, parked.side), ())
        ]
        if over:
            self.services.store.commit(Commit(unpark=over))
            for name, side, record, _ in over:
                self.on_event(Event("resolved", name, Side(side).other, 1, "the record is gone", record))

    def _resolved(self, entity: BoundEntity, side: Side, records: Sequence[str]) -> None:
        for record in records:
            self.on_event(Event("resolved", entity.name, side, 1, "nothing is left to do", record))

    def _take_all(self, parts: Iterable[Sequence[Work]]) -> None:
        for works in parts:
            self._take(works)

    def _take(self, works: Sequence[Work]) -> None:
        if works:
            kept = screened(self.services, works)
            self.taker.take(kept)
            self.deriver.note_held(kept)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = self.services.settings.monotonic()
        try:
            yield
        finally:
            took = self.services.settings.monotonic() - started
            self.report.seconds[phase] = self.report.seconds.get(phase, 0.0) + took
