"""What becomes of a record when its other half is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from ..entities import BoundEntity, Side
from ..errors import ConfigurationError


class OnDelete(Enum):
    """What becomes of a record when its other half is deleted."""

    #: It stays as it is; the two are no longer linked.
    KEEP = "keep"
    #: It stays, and is marked as deleted in Dynamics, where Marketo has the field for it: the native way for persons.
    FLAG = "flag"
    #: It is deleted too.
    DELETE = "delete"


@frozen
class Deletions:
    """What the user decided, by entity and by the side where the record was deleted.

    Attributes:
        chosen: Entity name, or entity name and side, to what becomes of the other half.
    """

    chosen: Mapping[str | tuple[str, Side], OnDelete]

    def after(self, entity: BoundEntity, side: Side) -> OnDelete:
        """Return what becomes of the other half of a record that was deleted on a side."""
        both = self.chosen.get((entity.name, side))
        if both is not None:
            return both
        if side is Side.MARKETO:
            return OnDelete.KEEP
        return self.chosen.get(entity.name, _usual(entity))


def _usual(entity: BoundEntity) -> OnDelete:
    """Return what happens by default to Marketo's record of a deleted row.

    Persons are marked, as by the native sync; opportunities, roles and custom objects go; companies and sales persons
    stay, since others hang on them.
    """
    target = entity.definition.marketo
    if target.is_person:
        return OnDelete.FLAG
    return OnDelete.KEEP if target.name in ("company", "salesperson") else OnDelete.DELETE


def deletions(given: Mapping[str | tuple[str, Side], OnDelete] | None, names: list[str]) -> Deletions:
    """Return the user's decisions, checked.

    Raises:
        ConfigurationError: An entity is unknown, a value is none, or a row is to be marked in Dynamics.
    """
    for key, what in (given or {}).items():
        name, side = key if isinstance(key, tuple) else (key, Side.DYNAMICS)
        if name not in names:
            raise ConfigurationError(f"on_delete: no entity is called {name!r}")
        if not isinstance(what, OnDelete) or not isinstance(side, Side):
            raise ConfigurationError(f"on_delete: {name}: give an OnDelete, for a Side where you name one")
        if side is Side.MARKETO and what is OnDelete.FLAG:
            raise ConfigurationError(f"on_delete: {name}: rows can't be marked in Dynamics; keep or delete them")
    return Deletions(given or {})
