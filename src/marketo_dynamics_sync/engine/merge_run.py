"""Carries out merges of persons, one loser at a time, so that each can be brought to its end after any stop.

What is to be added up is noted before the merge is asked for, refusals are written before it, scores after it, and the
loser's link ends only then. A merge can't be undone, so both rows and both persons are read again right before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import define

from ..connectors import Outcome, Problem, Status
from ..entities import BoundEntity, Record, Side
from ..plan import MergedPerson, Step, StepKind
from ..state import Commit, JournalEntry
from .again import pair_work
from .events import Event, OnEvent
from .links import known_of
from .merge_plan import (
    MergePlanner,
    Note,
    Sums,
    added,
    lost_values,
    merger_of,
    note_fact,
    read_note,
    reason_of,
    refusals,
)
from .merging import PersonMerger
from .objects import resolved, waiting_for_parents
from .report import SyncReport
from .services import Services
from .work import Work


class Refused(Protocol):
    """Told of a merge that could not be done, with what became of it."""

    def __call__(self, work: Work) -> None:
        """Keep it for a later try, or end the cycle."""
        ...


@define
class MergeRunner:
    """Merges persons.

    Attributes:
        services: Both sides and the store.
        report: Where counts go.
        on_event: Who listens.
        keep_going: Raises when it is time to end; asked before each merge.
        refused: Told of a merge that could not be done.
    """

    services: Services
    report: SyncReport
    on_event: OnEvent
    keep_going: Callable[[], None]
    refused: Refused

    def carry_out(self, work: Work) -> list[Work]:
        """Merge the persons of a work, and return the works that bring the two sides into agreement afterwards."""
        entity, row_id = work.step.entity, str(work.step.dynamics_id)
        follow: list[Work] = []
        for fresh in MergePlanner(self.services).works(entity, row_id, work.step.losers):
            merger = merger_of(self.services, entity)
            if fresh.step.kind is not StepKind.MERGE_PERSONS or merger is None or fresh.marketo is None:
                follow.append(fresh)
                continue
            done = 0
            for loser in fresh.step.losers:
                self.keep_going()
                done += self._merged(merger, entity, row_id, fresh.marketo.id, loser)
            self.report.count(entity.name, "to Marketo", "merged", done)
            self.on_event(Event("written", entity.name, Side.MARKETO, done))
            follow += self._agreed(entity, row_id)
        return follow

    def _merged(self, merger: PersonMerger, entity: BoundEntity, row: str, winner: str, loser: MergedPerson) -> bool:
        """Merge one person into another, or bring to its end what was begun; return whether it is done."""
        person = loser.marketo_id
        read = merger.read_for_merge([winner, person], refusals(self.services))
        if winner not in read:
            self.refused(_refusal(self.services, loser, Outcome(Status.GONE, winner)))
            return False
        if person in read:
            note = self._noted(entity, winner, person, read)
            yes = {n: v for n, v in note.after.items() if isinstance(v, bool) and v != read[winner].get(n)}
            outcome = merger.write_for_merge(winner, yes) if yes else None
            if outcome is None or outcome.status.done:
                outcome = self._asked(merger, winner, person)
            if not outcome.status.done:
                self.refused(_refusal(self.services, loser, outcome))
                return False
            read = merger.read_for_merge([winner], refusals(self.services))
        known = read_note(self.services, person)
        if known is not None and not self._added(merger, winner, known, read.get(winner, {}), loser):
            return False
        self._finish(entity, row, winner, loser, known)
        return True

    def _noted(self, entity: BoundEntity, winner: str, person: str, read: Mapping[str, Sums]) -> Note:
        people = {each.id: each for each in self.services.marketo.fetch(entity, [winner, person])}
        lost = lost_values(entity, people[winner].values, people[person].values) if len(people) == 2 else {}
        note = Note(winner, read[winner], added(read[winner], read[person]), lost)
        self.services.store.commit(Commit(facts={note_fact(person): note.dump()}))
        return note

    def _asked(self, merger: PersonMerger, winner: str, person: str) -> Outcome:
        """Ask for the merge; where it isn't known what became of it, the two are read to find out."""
        outcome = merger.merge_persons(winner, person)
        if outcome.status in (Status.UNKNOWN, Status.GONE):
            left = merger.read_for_merge([winner, person], ())
            if winner in left and person not in left:
                return Outcome(Status.UPDATED, winner)
        return outcome

    def _added(self, merger: PersonMerger, winner: str, note: Note, now: Sums, loser: MergedPerson) -> bool:
        """Write what Marketo doesn't add up itself. A number that is neither what it was nor what it is to be was
        changed by somebody since, after ours or in its place: it stays. So does a refusal that came since."""
        values = {
            name: after
            for name, after in note.after.items()
            if after is not None
            and now.get(name) != after
            and (after is True or (not isinstance(after, bool) and now.get(name) == note.before.get(name)))
        }
        outcome = merger.write_for_merge(winner, values) if values else None
        if outcome is None or outcome.status.done:
            return True
        self.refused(_refusal(self.services, loser, outcome))
        return False

    def _finish(self, entity: BoundEntity, row: str, winner: str, loser: MergedPerson, note: Note | None) -> None:
        place = (loser.entity, loser.dynamics_id)
        detail: dict[str, object] = {"reason": reason_of([loser]), "loser": loser.marketo_id, "from": list(place)}
        if note is not None and note.lost:
            detail["lost"] = dict(note.lost)
        entry = JournalEntry(self.services.settings.now(), entity.name, "merged", winner, row, None, detail)
        self.services.store.commit(
            Commit(
                drop_links=[place],
                journal=[entry],
                unpark=[(loser.entity, Side.DYNAMICS.value, loser.dynamics_id, "*")],
                unreject=[(loser.entity, Side.MARKETO.value, loser.dynamics_id)],
                facts={note_fact(loser.marketo_id): None},
            )
        )

    def _agreed(self, entity: BoundEntity, row_id: str) -> list[Work]:
        """Return the work that brings the row and its person, as they are now, into agreement."""
        link = self.services.store.links_by_dynamics(entity.name, [row_id]).get(row_id)
        if link is None:
            return []
        people = self.services.fetch(Side.MARKETO, entity, [link.marketo_id])
        rows: Sequence[Record] = self.services.dynamics.fetch(entity, [row_id])
        if link.marketo_id not in people or not rows:
            return []
        kept, waits = resolved(self.services, entity, {row_id: rows[0]})
        known = known_of(link, entity, digest=self.services.digests[entity.name])
        work = pair_work(self.services, known, people[link.marketo_id], kept[row_id])
        return [waiting_for_parents(work, waits.get(row_id))]


def _refusal(services: Services, loser: MergedPerson, outcome: Outcome) -> Work:
    """Return the merge as a work of the row that went into another: a later try begins with that row."""
    if outcome.status is Status.GONE:
        # The person of the row that is left was deleted meanwhile: the next cycle sees what is there by then.
        problem = Problem("gone", "the person that was to stay was deleted", retryable=True)
        outcome = Outcome(Status.REJECTED, outcome.id, problem=problem)
    source = services.entities[loser.entity]
    step = Step(StepKind.MERGE_PERSONS, source, loser.marketo_id, loser.dynamics_id, losers=(loser,))
    return Work(step, on_marketo=outcome)
