"""Takes records up again that wait: refused before and due, or parked and free to go on by now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

from attrs import define

from ..connectors import WriteKind
from ..entities import BoundEntity, Side
from ..plan import Step, StepKind
from ..state import Commit, Parked
from .deletions import OnDelete
from .gone import GoneRows
from .objects import freed
from .people import PERSONS_AT_ONCE
from .push import plan_push
from .quarantine import waiting_persons, waiting_values
from .screen import let_go
from .waiting import FINAL
from .work import Work
from .workbench import Workbench

#: After these an object may be in Marketo though it has no link.
_MAY_BE_THERE: Final = frozenset({WriteKind.CREATE.value, WriteKind.DELETE.value})


@define
class Retries:
    """Takes records up again that wait.

    Attributes:
        bench: Both sides, who derives, who takes.
        gone: Deals with rows that turn out to be gone.
    """

    bench: Workbench
    gone: GoneRows

    def run(
        self,
        *,
        changed: Collection[str],
        touched: Collection[str],
        became: Collection[str],
        rules: Collection[str],
    ) -> None:
        """Take up what was refused before and is due, and parked rows whose candidates changed.

        Args:
            changed: Persons that Marketo said changed.
            touched: Rows that Dynamics said changed, or that are gone.
            became: Rows that Dynamics said became others: nobody is to decide about them any more.
            rules: Entities whose rules (lengths, ranges, options, required values) changed since the last cycle.
        """
        services = self.bench.services
        now, done = services.settings.now(), set(self.bench.taker.refused_now)
        due = [
            r
            for r in services.store.rejected()
            if (r.next_at <= now or r.entity in rules or (r.side == Side.DYNAMICS.value and r.id in changed))
            and (r.entity, r.side, r.id) not in done
        ]
        for entity in services.entities.values():
            rows = [r.id for r in due if r.entity == entity.name and r.side == Side.MARKETO.value]
            rows += [
                p.id
                for p in services.store.parked(entity.name)
                if p.side == Side.DYNAMICS.value and not p.field and self._may_resolve(p, touched, became)
            ]
            rows += let_go(services, entity)
            if self.bench.roles_of(entity) is None:
                rows += freed(services, entity)
                if entity.name in rules:
                    rows += waiting_values(services, entity)
            persons = [r.id for r in due if r.entity == entity.name and r.side == Side.DYNAMICS.value]
            if entity.definition.marketo.is_person:
                lacking = waiting_persons(services, entity)
                every = entity.name in rules or self.bench.people.everything
                persons += sorted(lacking if every else lacking.intersection(changed))
            self._take_up(entity, rows, persons)

    def take_up(self, entity: BoundEntity, rows: Sequence[str], persons: Sequence[str]) -> None:
        """Take up rows and persons of one entity that wait.

        Args:
            entity: Their entity.
            rows: Ids of rows in Dynamics.
            persons: Ids of persons in Marketo whose rows were refused, or that are to be made there.
        """
        for start in range(0, max(len(rows), len(persons)), PERSONS_AT_ONCE):
            self.bench.keep_going()
            end = start + PERSONS_AT_ONCE
            self._take_up(entity, rows[start:end], persons[start:end])

    def _take_up(self, entity: BoundEntity, rows: Sequence[str], persons: Sequence[str]) -> None:
        roles = self.bench.roles_of(entity)
        if roles is not None:
            self.bench.take_all(roles.again(rows, roles.waiting()))
        elif rows:
            self._rows(entity, list(dict.fromkeys(rows)))
        if persons and entity.definition.marketo.is_person:
            works, strangers = self.bench.deriver.from_persons(persons)
            self.bench.take(works)
            self._push(entity, strangers)
            self._gone_persons(entity, persons)

    def _rows(self, entity: BoundEntity, rows: Sequence[str]) -> None:
        """Take rows up again that were refused or parked; of those that are no longer there the link ends."""
        bench = self.bench
        found = bench.services.dynamics.fetch(entity, rows)
        works = bench.deriver.from_rows(entity, found, forced=True)
        bench.take(works)
        merges = bench.deriver.moves.merges()
        bench.take(merges)
        gone = set(rows) - {row.id for row in found}
        self.gone.brake(entity, gone)
        links = self.gone.deal_with(entity, gone)
        made = self._perhaps_made(entity, gone - links.keys())
        # Nothing is left to do for rows that are no longer there, and for ones that nobody is to look at any more.
        idle = {row.id for row in found} - {str(work.step.dynamics_id) for work in works}
        idle -= {loser.dynamics_id for work in merges for loser in work.step.losers}
        nobody = sorted(((gone - links.keys()) | idle) - made)
        if nobody:
            # What a human is to decide of a row that is there goes on waiting.
            over = [row for row in nobody if row in gone or row not in bench.deriver.waiting.get(entity.name, ())]
            bench.resolved(entity, Side.MARKETO, over)
            bench.services.store.commit(
                Commit(
                    unreject=[(entity.name, Side.MARKETO.value, row) for row in nobody],
                    unpark=[(entity.name, Side.DYNAMICS.value, row, "*") for row in over],
                )
            )

    def _perhaps_made(self, entity: BoundEntity, gone: Collection[str]) -> set[str]:
        """Delete objects of rows that are gone, where it was never known whether they were made in Marketo, and return
        the rows of those that were."""
        services, key = self.bench.services, entity.key
        if entity.definition.marketo.is_person or key is None or not gone:
            return set()
        if services.settings.deletions.after(entity, Side.DYNAMICS) is not OnDelete.DELETE:
            return set()
        refused = services.store.rejected(entity.name)
        asked = [r.id for r in refused if r.id in gone and r.operation in _MAY_BE_THERE]
        found = services.marketo.find(entity, key.name, asked) if asked else []
        step = partial(Step, StepKind.UNLINK, entity, reason="deleted in Dynamics", deletes=Side.MARKETO)
        made = {str(each.values[key.name]).lower(): each.id for each in found}
        self.bench.take([Work(step(marketo_id=record, dynamics_id=row)) for row, record in made.items()])
        return made.keys() & gone

    def _push(self, entity: BoundEntity, persons: Sequence[str]) -> None:
        """Make persons in Dynamics whose push was refused; of those that are no longer there nothing is left to do."""
        if not persons:
            return
        bench = self.bench
        there = {person.id for person in bench.services.marketo.fetch(entity, persons)}
        bench.take(plan_push(bench.services, [p for p in persons if p in there], entity, bench.report, {}))
        nobody = [(entity.name, Side.DYNAMICS.value, person) for person in persons if person not in there]
        waited = [(entity.name, Side.MARKETO.value, person, "*") for person in persons if person not in there]
        if nobody:
            bench.resolved(entity, Side.DYNAMICS, [person for _, _, person in nobody])
            bench.services.store.commit(Commit(unreject=nobody, unpark=waited))

    def _gone_persons(self, entity: BoundEntity, persons: Sequence[str]) -> None:
        """Take up persons again that are gone, and whose rows could not be dealt with the first time."""
        services = self.bench.services
        linked = services.links_of_persons(persons)
        if linked:
            there = {person.id for person in services.marketo.fetch(entity, list(linked))}
            self.bench.take(self.bench.deriver.gone_persons([person for person in linked if person not in there]))

    def _may_resolve(self, parked: Parked, touched: Collection[str], became: Collection[str]) -> bool:
        if parked.reason in FINAL:
            return False
        if parked.id in became:
            return True
        people = self.bench.people
        candidates, rivals = parked.detail.get("candidates"), parked.detail.get("rivals")
        if isinstance(candidates, list) and not (
            people.ids.keys() | people.deleted.keys() | people.merged.keys()
        ).isdisjoint(candidates):
            return True
        return isinstance(rivals, list) and not set(rivals).isdisjoint(touched)
