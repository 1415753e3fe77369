"""What becomes of two Marketo persons whose rows became one, and what a connector needs to make them one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Protocol, runtime_checkable

from attrs import frozen

from ..connectors import Outcome
from ..entities import BoundEntity
from ..errors import ConfigurationError


class OnMerge(Enum):
    """What becomes of two persons when their rows were merged, or one was qualified into the other."""

    #: The person of the row that is left takes the other one in: the native way. It cannot be undone.
    MERGE = "merge"
    #: Both stay as they are, and the row that is gone waits for a human.
    HOLD = "hold"


@frozen
class Mergings:
    """What the user decided, by entity of the row that is left.

    Attributes:
        chosen: Entity name to what becomes of the persons.
        usual: What becomes of the persons of other entities.
    """

    chosen: Mapping[str, OnMerge]
    usual: OnMerge = OnMerge.MERGE

    def into(self, entity: BoundEntity) -> OnMerge:
        """Return what becomes of a person whose row went into one of an entity."""
        return self.chosen.get(entity.name, self.usual)


@runtime_checkable
class PersonMerger(Protocol):
    """A connector that can merge persons."""

    def read_for_merge(
        self, persons: Sequence[str], refusals: Collection[str]
    ) -> Mapping[str, Mapping[str, int | bool | None]]:
        """Return what is to be added up (numbers) or kept where anybody said yes (booleans), by person and REST name.

        Args:
            persons: Person ids; those that are not there are left out.
            refusals: REST names of fields with which a person refuses contact; the connector adds those it knows.
        """
        ...

    def merge_persons(self, winner: str, loser: str) -> Outcome:
        """Merge a person into another: ``UPDATED``; ``GONE`` where one of them isn't there; ``UNKNOWN`` after a lost
        answer. The winner's values stay, and its empty fields are filled from the loser, whose id is gone."""
        ...

    def write_for_merge(self, person: str, values: Mapping[str, int | bool]) -> Outcome:
        """Write values by REST name, as they are to stand."""
        ...


def mergings(given: OnMerge | Mapping[str, OnMerge] | None, names: Sequence[str]) -> Mergings:
    """Return the user's decisions, checked.

    Raises:
        ConfigurationError: An entity is unknown, or a value is none.
    """
    if isinstance(given, OnMerge):
        return Mergings({}, given)
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError("on_merge: give an OnMerge, or one by entity name")
    for name, what in (given or {}).items():
        if name not in names:
            raise ConfigurationError(f"on_merge: no entity is called {name!r}")
        if not isinstance(what, OnMerge):
            raise ConfigurationError(f"on_merge: {name}: give an OnMerge")
    return Mergings(given or {})
