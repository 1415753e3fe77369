"""Plans a pair anew from a row read again, after somebody else wrote first."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from ..connectors import FieldChange
from ..entities import BoundEntity, Record
from ..plan import Known, Step, plan_link, plan_pair
from .objects import resolved_row
from .sent import met
from .services import Services
from .work import Work


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
        row = resolved_row(self.services, entity, row)
        policy = self.services.policy(entity)
        return plan_pair(self.known, marketo=self.person, dynamics=row, policy=policy, moved_from=self.moved_from)


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
        row = resolved_row(self.services, self.entity, row)
        return plan_link(self.entity, row, self.person, by=self.by, policy=policy, revive=self.revive)


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
    again = Remerge(services, known, person, moved_from)
    policy = services.policy(known.entity)
    step = plan_pair(known, marketo=person, dynamics=row, policy=policy, moved_from=moved_from)
    return Work(step, person, row, again)
