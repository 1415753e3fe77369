"""Keeps the time between reading a person and writing to it short: Marketo can't refuse a write because somebody else
wrote first (Adobe, "Leads": an update names no version), so persons are read again right before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define, evolve

from ..connectors import Outcome, Problem, Status
from ..entities import Record
from ..plan import Known, Step, StepKind, confirmed_base
from .filters import passes
from .links import known_of
from .sent import tracked
from .services import Services
from .work import Work

#: Steps whose person was read, or was known from the stream, when they were planned.
_MET: Final = frozenset({StepKind.SYNC, StepKind.LINK, StepKind.MOVE, StepKind.CREATE_ROW})
#: What became of a write to a person that is no longer there.
_GONE: Final = Problem("gone", "it was read again right before the write, and is no longer there")


@define
class Window:
    """Reads persons again that were read a while ago, and plans for those that somebody edited meanwhile.

    Attributes:
        services: Both sides and the store.
    """

    services: Services

    def edited(self, works: Sequence[Work]) -> list[tuple[Work, Record]]:
        """Return the works whose persons aren't as they were in the fields that are to be written, and the persons.

        One read call for each entity of a batch, and none where everything was read moments ago. A work whose person
        is gone gets that as its outcome.
        """
        after, now = self.services.settings.reread_after, self.services.settings.monotonic
        if after is None:
            return []
        started = now()
        by_entity: dict[str, list[Work]] = {}
        for work in works:
            old = work.read_at is not None and started - work.read_at >= after
            if old and work.on_marketo is None and any(_in_doubt(work)):
                by_entity.setdefault(work.step.entity.name, []).append(work)
        found: list[tuple[Work, Record]] = []
        for name, group in by_entity.items():
            read_at = now()
            ids = list(dict.fromkeys(str(work.step.marketo_id) for work in group))
            persons = {p.id: p for p in self.services.marketo.fetch(self.services.entities[name], ids)}
            for work in group:
                person = persons.get(str(work.step.marketo_id))
                work.read_at = read_at
                if person is None:
                    work.on_marketo = Outcome(Status.GONE, work.step.marketo_id, problem=_GONE)
                elif _differs(work, person):
                    found.append((work, person))
        return found

    def planned_anew(self, edited: Sequence[tuple[Work, Record]]) -> list[Work]:
        """Plan works anew for fresh persons, and return those that were.

        What Dynamics was told by then has to be settled. The others are left to the next cycle, which sees in both
        streams what happened: their rows are gone, or no longer ours to sync, or Dynamics refused its half.
        """
        by_entity: dict[str, list[tuple[Work, Record]]] = {}
        for work, person in edited:
            if not work.dynamics_failed:
                by_entity.setdefault(work.step.entity.name, []).append((work, person))
        planned: list[Work] = []
        for name, group in by_entity.items():
            entity, filters = self.services.entities[name], self.services.settings.filters
            ids = [str(work.step.dynamics_id) for work, _ in group]
            rows = {row.id: row for row in self.services.dynamics.fetch(entity, ids)}
            for work, person in group:
                row = rows.get(str(work.step.dynamics_id))
                if row is None or row.merged_into is not None or not passes(filters, entity, row):
                    continue
                if self._plan(work, person, row):
                    planned.append(work)
        return planned

    def _plan(self, work: Work, person: Record, row: Record) -> bool:
        """Plan a work anew, and return whether that could be done."""
        before, known, owed = work.step, None, dict[str, object]()
        if work.on_dynamics is not None:
            known = self._known(before, person)
            if known is None:
                return False
            owed = _owed(before)
            work.noted = work.counted = (*work.noted, *before.decisions, *before.overwritten)
            work.on_dynamics, work.facts = None, {}
        assert work.again is not None, "works that can't be planned anew aren't read again"
        work.again = work.again.anew(person, known)
        step = work.again(row)
        if owed and step.kind is StepKind.SYNC:
            step = evolve(step, to_marketo={**owed, **step.to_marketo})
        work.step, work.marketo, work.dynamics = step, person, row
        return True

    def _known(self, step: Step, person: Record) -> Known | None:
        """Return what is remembered of two records since Dynamics has its half, if they are still linked."""
        entity, row = step.entity, str(step.dynamics_id)
        link = self.services.store.links_by_dynamics(entity.name, [row]).get(row)
        if link is None or link.marketo_id != person.id:
            return None
        known = known_of(link, entity, digest=self.services.digests[entity.name])
        return evolve(known, lost=step.known.lost) if step.known is not None else known


def _in_doubt(work: Work) -> Iterator[str]:
    """Yield the fields that are to be written and that somebody may have edited: ones that flow both ways."""
    step = work.step
    if (
        step.kind in _MET
        and step.deletes is None
        and work.again is not None
        and step.entity.definition.marketo.is_person
    ):
        for name in step.to_marketo:
            bound = step.entity.fields.get(name)
            if bound is not None and tracked(bound):
                yield name


def _differs(work: Work, person: Record) -> bool:
    """Return whether a person holds something else than the plan believed, and than it is to be given."""
    step = work.step
    if work.marketo is not None:
        before = work.marketo.values
    else:
        before = confirmed_base(step.known, person) if step.known is not None else {}
    return any(person.values.get(n) not in (before.get(n), step.to_marketo[n]) for n in _in_doubt(work))


def _owed(step: Step) -> dict[str, object]:
    """Return what only a first plan gives a person, and a later one wouldn't: first values, and a mark taken away."""
    fields, flag = step.entity.fields, step.entity.deleted_flag
    return {
        name: value
        for name, value in step.to_marketo.items()
        if (name in fields and fields[name].once) or (flag is not None and name == flag.name)
    }
