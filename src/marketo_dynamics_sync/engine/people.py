"""Which persons Marketo says changed, kept small: ids only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import define, field

from ..connectors import FieldChange

#: Persons handled at once: ten full read calls.
PERSONS_AT_ONCE: Final = 3000


@define
class ChangedPersons:
    """What Marketo's change streams said.

    Attributes:
        ids: Persons that changed.
        created: Those of them that are new.
        deleted: Persons that are gone.
        merged: Losing id to surviving id.
        calls: What calls changed of persons that we wrote to, in the order of time.
        everything: True when the stream was lost, so that every person may have changed.
        missed: Entities that were not synced when the stream was last read: their linked persons may have changed.
    """

    ids: dict[str, None] = field(factory=dict)
    created: set[str] = field(factory=set)
    deleted: dict[str, None] = field(factory=dict)
    merged: dict[str, str] = field(factory=dict)
    calls: dict[str, list[FieldChange]] = field(factory=dict)
    everything: bool = False
    missed: set[str] = field(factory=set)

    def __contains__(self, person: str) -> bool:
        return self.everything or person in self.ids

    def changed(self, ids: Iterable[str]) -> None:
        """Note persons that changed."""
        self.ids.update(dict.fromkeys(ids))

    def settle(self, person: str) -> None:
        """Note that a person was dealt with."""
        self.ids.pop(person, None)

    def survivor(self, person: str) -> str:
        """Return who a person became through merges, however many."""
        met = {person}
        while person in self.merged and self.merged[person] not in met:
            person = self.merged[person]
            met.add(person)
        return person
