"""Plans a pair anew from a record read again, after somebody else wrote first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, evolve

from ..connectors import FieldChange
from ..entities import BoundEntity, Digest, Record
from ..plan import Known, Step, plan_link, plan_pair
from .objects import resolved, resolved_row, waiting_for_parents
from .sent import met
from .services import Services
from .work import Again, Work


def lacks_values(step: Step) -> bool:
    """Return whether a step is to write a value of a side that wasn't read, and of which only a digest is kept."""
    return any(isinstance(value, Digest) for value in (*step.to_marketo.values(), *step.to_dynamics.values()))


def with_values(services: Services, works: Sequence[Work]) -> list[Work]:
    """Return works of one entity with the values that they are to write: the side that has them is read too.

    What isn't there any more is not written: the next cycle's streams say what became of it.
    """
    lacking = [work for work in works if lacks_values(work.step)]
    if not lacking:
        return list(works)
    entity = lacking[0].step.entity
    unread = [str(work.step.marketo_id) for work in lacking if work.marketo is None]
    people = {person.id: person for person in services.marketo.fetch(entity, unread)} if unread else {}
    unread = [str(work.step.dynamics_id) for work in lacking if work.dynamics is None]
    raw = {row.id: row for row in services.dynamics.fetch(entity, unread)} if unread else {}
    rows, waits = resolved(services, entity, raw)
    return [_read(services, work, people, rows, waits) if lacks_values(work.step) else work for work in works]


def _read(
    services: Services,
    work: Work,
    people: Mapping[str, Record],
    rows: Mapping[str, Record],
    waits: Mapping[str, dict[str, str]],
) -> Work:
    step, known = work.step, work.step.known
    assert known is not None, "only what is remembered can be a digest"
    person, row = work.marketo or people.get(str(step.marketo_id)), work.dynamics or rows.get(str(step.dynamics_id))
    found = pair_work(services, known, person, row, moved_from=step.moved_from)
    found.step = _without_digests(found.step)
    found.facts.update(work.facts)
    return waiting_for_parents(found, waits.get(str(step.dynamics_id)))


def _without_digests(step: Step) -> Step:
    to_marketo, to_dynamics = (
        {name: value for name, value in values.items() if not isinstance(value, Digest)}
        for values in (step.to_marketo, step.to_dynamics)
    )
    return evolve(step, to_marketo=to_marketo, to_dynamics=to_dynamics)


@define
class Remerge:
    """Plans two linked records anew.

    Attributes:
        services: Both sides and the store.
        known: What is remembered of them.
        person: The person as it was read, if it was.
        moved_from: Entity and row id the link had before, where the plan also moves it.
    """

    services: Services
    known: Known
    person: Record | None
    moved_from: tuple[str, str] | None = None

    def __call__(self, row: Record) -> Step:
        """Return the step for a fresh row."""
        entity = self.known.entity
        rows, waits = resolved(self.services, entity, {row.id: row})
        policy, person, moved_from = self.services.policy(entity), self.person, self.moved_from
        step = plan_pair(self.known, marketo=person, dynamics=rows[row.id], policy=policy, moved_from=moved_from)
        if lacks_values(step):
            person = next(iter(self.services.marketo.fetch(entity, [self.known.marketo_id])), None)
            step = plan_pair(self.known, marketo=person, dynamics=rows[row.id], policy=policy, moved_from=moved_from)
        return waiting_for_parents(Work(_without_digests(step)), waits.get(row.id)).step

    def anew(self, person: Record, known: Known | None) -> Remerge:
        """Return what plans for a fresh person."""
        return evolve(self, person=person) if known is None else Remerge(self.services, known, person)


@define
class Relink:
    """Plans a first link anew.

    Attributes:
        services: Both sides and the store.
        entity: The entity.
        person: The person.
        by: Field that the two were recognised by.
        revive: Take the mark of a deleted row away.
    """

    services: Services
    entity: BoundEntity
    person: Record
    by: str
    revive: bool = False

    def __call__(self, row: Record) -> Step:
        """Return the step for a fresh row."""
        policy = self.services.policy(self.entity)
        rows, waits = resolved(self.services, self.entity, {row.id: row})
        step = plan_link(self.entity, rows[row.id], self.person, by=self.by, policy=policy, revive=self.revive)
        return waiting_for_parents(Work(step), waits.get(row.id)).step

    def anew(self, person: Record, known: Known | None) -> Again:
        """Return what plans for a fresh person."""
        return evolve(self, person=person) if known is None else Remerge(self.services, known, person)


def pair_work(
    services: Services,
    known: Known,
    person: Record | None,
    row: Record | None,
    *,
    moved_from: tuple[str, str] | None = None,
    calls: Sequence[FieldChange] = (),
) -> Work:
    """Return the work that brings two linked records into agreement.

    Args:
        services: Both sides and the store.
        known: What is remembered of them.
        person: The person as just read, if it was.
        row: The row as just read, if it was.
        moved_from: Entity and row id the link had before, where it moves.
        calls: What Marketo's stream shows of calls that changed the person.
    """
    if calls and person is not None:
        known = met(known, calls)
    if known.lost and row is None and any(isinstance(value, Digest) for value in known.base_dynamics.values()):
        # A policy is about to be asked, and it is shown values.
        found = services.dynamics.fetch(known.entity, [known.dynamics_id])
        row = resolved_row(services, known.entity, found[0]) if found else None
        known = known if found else evolve(known, lost=())
    again = Remerge(services, known, person, moved_from)
    policy = services.policy(known.entity)
    step = plan_pair(known, marketo=person, dynamics=row, policy=policy, moved_from=moved_from)
    return Work(step, person, row, again)
