"""Says whether all that Marketo's stream told of is done though the cycle ended early.

Where a day's calls don't suffice for a first copy, each cycle would otherwise begin with reading what all the others
wrote, until nothing is left for the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..plan import StepKind
from .people import ChangedPersons
from .services import Services
from .work import Work

#: What is derived from rows, which are read again because their own stream doesn't go on.
_OF_ROWS = frozenset({StepKind.CREATE_PERSON, StepKind.LINK, StepKind.PARK})


def dealt_with(services: Services, people: ChangedPersons, told_of: Collection[str], underway: Iterable[Work]) -> bool:
    """Return whether the next cycle may go on where Marketo's stream ended.

    Args:
        services: Both sides and the store.
        people: What the stream said, without those that were dealt with.
        told_of: All persons that it named.
        underway: Works of which it isn't known whether they were done.
    """
    if people.everything or people.missed:
        return False
    undone = [str(w.step.marketo_id) for w in underway if w.step.kind not in _OF_ROWS and not w.step.idle]
    left = [*people.ids, *people.deleted, *people.merged, *undone]
    return not services.links_of_persons(left) and not _waited_for(services, told_of)


def _waited_for(services: Services, persons: Collection[str]) -> bool:
    """Return whether something waits for one of these persons to change."""
    if any(item.id in persons for item in services.store.rejected()):
        return True
    for parked in services.store.parked():
        candidates = parked.detail.get("candidates")
        if parked.id in persons or (isinstance(candidates, list) and not set(persons).isdisjoint(candidates)):
            return True
    return False
