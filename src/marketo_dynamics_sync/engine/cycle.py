"""One cycle: read changes, derive, carry out (or only collect), keep where to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from attrs import define, field

from ..entities import BoundEntity, Record, Side
from ..errors import CheckpointExpiredError, QuotaError, RequestRejectedError
from ..plan import StepKind
from ..state import Commit
from .ahead import Ahead, Pages, why_lost
from .apply import Stopped
from .companies import of_moved_contacts
from .conversions import is_another, note_origins
from .derive import Deriver
from .events import Event, OnEvent
from .gone import GoneRows
from .lookout import look_at_canary, look_at_clocks, look_at_persons
from .objects import in_order
from .people import PERSONS_AT_ONCE, ChangedPersons
from .place import dealt_with
from .quarantine import changed_rules, rules_facts
from .report import SyncReport
from .retries import Retries
from .roles import is_row, open_roles
from .screen import moved, moved_text
from .sent import note_calls
from .services import Services
from .waiting import waiting_rows
from .watermarks import watermark_facts
from .work import Work
from .workbench import Taker, Workbench

#: Fact that the last cycle synced opportunity roles.
_WITH_ROLES: Final = "with-roles"


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
    bench: Workbench = field(init=False)
    _checkpoints: dict[str, str | None] = field(factory=dict)
    _facts: dict[str, str] = field(factory=dict)
    _gone: dict[str, dict[str, None]] = field(factory=dict)
    _touched: set[str] = field(factory=set)
    #: Rows that were merged into others, or became rows of another entity.
    _became: set[str] = field(factory=set)
    #: Persons that Marketo said changed, whatever is done about them since.
    _changed: set[str] = field(factory=set)
    #: What Marketo's streams said, once the brakes have looked at it.
    _read: ChangedPersons | None = None

    def run(self) -> None:
        """Run the cycle to its end.

        Raises:
            ServiceError: A service failed; what was done is kept, and the next cycle goes on from there.
            PlanRefusedError: A brake stopped it.
        """
        try:
            self._run()
        except (Stopped, QuotaError):
            self._keep_place()
            raise
        except RequestRejectedError as error:
            found = moved(self.services)
            if not found:
                raise
            raise Stopped(moved_text(found)) from error

    def _keep_place(self) -> None:
        """Let the next cycle go on where Marketo's stream ended, if this one did all that it told of."""
        people = self._read
        if people is None or self.push is not None:
            return
        if dealt_with(self.services, people, self._changed, self.bench.underway):
            streams = {self.services.marketo.stream(entity) for entity in self.services.persons()}
            places = {name: place for name, place in self._checkpoints.items() if name in streams}
            self.services.store.commit(Commit(checkpoints=places))

    def _run(self) -> None:
        self._note_rebase()
        with self._timed("read Marketo changes"):
            people = self._read_people()
        look_at_clocks(self.services)
        look_at_canary(self.services)
        look_at_persons(self.services, people, self.keep_going)
        self.bench = self._workbench(people)
        with self._timed("read Dynamics changes"):
            ahead = Ahead(self.services, self._full, self.keep_going)
            entities = in_order(self.services.entities.values())
            opened = {entity.name: ahead.open(entity, rebased=self._rebased(entity)) for entity in entities}
            ahead.judge()
        self._changed, rules = {*people.ids}, changed_rules(self.services)
        self._read = people
        with self._timed("moves"):
            self.bench.take(self.bench.deriver.moves.persons())
        for entity in entities:
            with self._timed(f"{entity.name} rows"):
                self._rows(entity, opened.pop(entity.name), ahead)
        with self._timed("persons"):
            self._persons(people)
        with self._timed("retries"):
            touched = self._touched.union(*self._gone.values())
            retries = Retries(self.bench, GoneRows(self.bench))
            retries.run(changed=self._changed, touched=touched, became=self._became, rules=rules)
        with self._timed("deletions"):
            self._deletions(people)
        facts = {f"mapping:{name}": digest for name, digest in self.services.digests.items()} | self._facts
        marks = watermark_facts(self.services, self._checkpoints, self.report.started_at)
        facts |= rules_facts(self.services)
        facts |= self.services.schema_facts
        if self.services.store.fact(_WITH_ROLES) or self.bench.roles is not None:
            facts[_WITH_ROLES] = "" if self.bench.roles is None else "yes"
        self.services.store.commit(Commit(checkpoints=self._checkpoints, facts={**facts, **marks}))

    @property
    def unchanged(self) -> int:
        """Records that were read and needed nothing."""
        roles = self.bench.roles
        return self.bench.deriver.unchanged + (roles.unchanged if roles is not None else 0)

    def take_up(self, entity: BoundEntity, rows: Sequence[str], persons: Sequence[str]) -> None:
        """Take up rows and persons of one entity that wait, without reading what else changed.

        Args:
            entity: Their entity.
            rows: Ids of rows in Dynamics.
            persons: Ids of persons in Marketo whose rows were refused, or that are to be made there.
        """
        self.bench = self._workbench(ChangedPersons())
        Retries(self.bench, GoneRows(self.bench)).take_up(entity, rows, persons)

    def _workbench(self, people: ChangedPersons) -> Workbench:
        waiting, held = waiting_rows(self.services.store)
        deriver = Deriver(self.services, people, waiting=waiting, held=held)
        roles = open_roles(self.services, people)
        ends = self.taker, self.report, self.on_event, self.keep_going
        return Workbench(self.services, people, *ends, deriver, roles)

    def _note_rebase(self) -> None:
        for name, digest in self.services.digests.items():
            before = self.services.store.fact(f"mapping:{name}")
            if before is not None and before != digest:
                self._full(name, f"the mapping of {name!r} changed")

    def _rebased(self, entity: BoundEntity) -> bool:
        before = self.services.store.fact(f"mapping:{entity.name}")
        roles = self.bench.roles
        if roles is not None and entity in (roles.entity, roles.opportunity):
            # Cycles without roles, or with other ones, went past what roles are made of.
            role = roles.entity.name
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

    def _rows(self, entity: BoundEntity, pages: Pages, ahead: Ahead) -> None:
        try:
            self._row_pages(entity, pages)
        except CheckpointExpiredError as error:
            if pages.checkpoint is None:
                raise
            self._full(entity.name, why_lost(entity, error))
            self._row_pages(entity, ahead.open(entity, late=True))
        self.taker.rows_written.pop(entity.name, None)

    def _as_written(self, entity: BoundEntity, rows: Sequence[Record]) -> Sequence[Record]:
        """Return rows of a page; what was read before this cycle wrote to it, or found it gone, is read again."""
        since = self.taker.rows_written, self.bench.deriver.moves.missing
        old = {row.id for row in rows if any(row.id in rows_of.get(entity.name, ()) for rows_of in since)}
        if not old:
            return rows
        read = self.services.dynamics.fetch(entity, sorted(old))
        return [*(row for row in rows if row.id not in old), *read]

    def _row_pages(self, entity: BoundEntity, pages: Pages) -> None:
        listing, missing = False, pages.missing
        for page in pages:
            self.keep_going()
            if page.listing and not listing:
                listing = True
                if missing is None:
                    self.services.store.forget_seen(entity.name)
            self.on_event(Event("read", entity.name, Side.DYNAMICS, len(page.records)))
            rows = self._as_written(entity, page.records)
            note_origins(self.services, rows)
            self._take_rows(entity, rows)
            self._became.update(row.id for row in rows if row.merged or is_another(self.services, entity, row))
            gone = self._gone.setdefault(entity.name, {})
            gone.update(dict.fromkeys(page.deleted))
            for row in page.records:
                gone.pop(row.id, None)
            if not listing:
                self._touched.update(row.id for row in page.records)
            if listing and page.present:
                self.services.store.commit(Commit(seen=[(entity.name, page.present)]))
            if page.checkpoint is not None:
                self._checkpoints[pages.stream] = page.checkpoint
        if listing:
            gone = self._gone.setdefault(entity.name, {})
            if missing is None:
                missing = [each.dynamics_id for each in self.services.store.unseen(entity.name)]
            gone.update(dict.fromkeys(i for i in missing if is_row(i)))

    def _take_rows(self, entity: BoundEntity, rows: Sequence[Record]) -> None:
        bench, roles = self.bench, self.bench.roles
        if roles is not None and entity is roles.entity:
            bench.take_all(roles.of_connections(rows))
            return
        opportunity = self.services.entity_of_table("opportunity")
        if opportunity is not None and (deals := of_moved_contacts(self.services, opportunity, entity, rows)):
            bench.take(bench.deriver.from_rows(opportunity, deals, forced=True))
        bench.take(bench.deriver.from_rows(entity, rows))
        bench.take(bench.deriver.moves.merges())
        if roles is not None and entity is roles.opportunity:
            bench.take_all(roles.of_opportunities(rows))

    def _persons(self, people: ChangedPersons) -> None:
        for entity in self.services.persons():
            if people.everything or entity.name in people.missed:
                links, lost = self.services.store.links(entity.name), 0
                total = self.services.store.count_links(entity.name)
                while some := list(islice(links, PERSONS_AT_ONCE)):
                    ids = [link.marketo_id for link in some]
                    lost = self._some_persons(people, ids, entity=entity.name, lost=lost, total=total)
        if people.everything:
            return
        ids = [i for i in people.ids if i not in people.deleted]
        for start in range(0, len(ids), PERSONS_AT_ONCE):
            self._some_persons(people, [i for i in ids[start : start + PERSONS_AT_ONCE] if i in people.ids])

    def _some_persons(
        self, people: ChangedPersons, ids: Sequence[str], *, entity: str = "", lost: int = 0, total: int = 0
    ) -> int:
        """Take up persons, and return how many of an entity's are lost by now."""
        self.keep_going()
        works, strangers = self.bench.deriver.from_persons(ids)
        if entity:
            # Everybody is compared: who isn't there any more looks deleted.
            lost += sum(work.step.kind is StepKind.UNLINK for work in works)
            self.services.settings.brakes.allow_deletes(entity, lost, total, late=True)
        self.bench.take(works)
        if self.push is not None:
            self.bench.take(self.push([i for i in strangers if i in people.created]))
        return lost

    def _deletions(self, people: ChangedPersons) -> None:
        """Delete what is gone: what hangs on others before the others (Adobe, "Sync architecture")."""
        bench, rows = self.bench, GoneRows(self.bench)
        for entity in self.services.entities.values():
            rows.brake(entity, self._gone.get(entity.name, {}))
        # Of persons that were merged, and whose survivors were deleted then, nothing is left either.
        lost = [loser for loser in people.merged if people.survivor(loser) in people.deleted]
        bench.take(bench.deriver.gone_persons([*people.deleted, *lost]))
        if bench.roles is not None and (people.merged or people.deleted or people.everything or people.missed):
            bench.take_all(bench.roles.of_lost_persons())
        self._forget_parked(people)
        for entity in reversed(in_order(self.services.entities.values())):
            if gone := self._gone.get(entity.name):
                rows.deal_with(entity, gone)

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

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = self.services.settings.monotonic()
        try:
            yield
        finally:
            took = self.services.settings.monotonic() - started
            self.report.seconds[phase] = self.report.seconds.get(phase, 0.0) + took
