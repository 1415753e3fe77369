"""Compares the two halves of a pair that nothing is remembered of, and makes a link of what agrees."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from typing import Final

from attrs import define, field

from ..entities import UNREADABLE, BoundEntity, Invalid, Record
from ..state import Link
from .links import link_of
from .services import Services

#: Pairs of ids that are shown for each field.
SAMPLES: Final = 10
_EMPTY: Final = (None, "", False)


@define
class FieldComparison:
    """How one field compares over all pairs.

    Attributes:
        equal: Pairs in which both sides hold the same.
        only_marketo: Pairs in which only Marketo holds a value.
        only_dynamics: Pairs in which only Dynamics holds a value.
        different: Pairs in which both hold a value, and not the same.
        samples: The first pairs that differ: person id and row id.
    """

    equal: int = 0
    only_marketo: int = 0
    only_dynamics: int = 0
    different: int = 0
    samples: list[tuple[str, str]] = field(factory=list)

    @property
    def differing(self) -> int:
        """Pairs in which the two sides don't hold the same."""
        return self.only_marketo + self.only_dynamics + self.different

    def add(self, other: FieldComparison) -> None:
        """Count other pairs too."""
        self.equal += other.equal
        self.only_marketo += other.only_marketo
        self.only_dynamics += other.only_dynamics
        self.different += other.different
        self.samples += other.samples[: SAMPLES - len(self.samples)]

    def __str__(self) -> str:
        return (
            f"{self.equal} equal, {self.different} different, {self.only_marketo} only in Marketo, "
            f"{self.only_dynamics} only in Dynamics; such as " + ", ".join(f"{m}/{d}" for m, d in self.samples[:3])
        )


def compared_link(
    services: Services,
    entity: BoundEntity,
    person: Record,
    row: Record,
    found: MutableMapping[str, FieldComparison],
    *,
    leave: Collection[str],
    waiting: Mapping[str, str],
) -> Link:
    """Return the link of a pair that agrees on what is equal.

    Fields that are equal get their base, so that they write nothing. Ones that differ get none, so that the policy
    decides in the next cycle as for any first link; or, if they are to be left, one for each side.

    Args:
        services: Both sides.
        entity: The entity.
        person: The person, or another record in Marketo.
        row: The row, its links resolved.
        found: How each field compares, counted on.
        leave: Fields that are left as they are until somebody edits them, where they differ.
        waiting: Links of the row that wait for a parent.
    """
    base_marketo: dict[str, object] = {}
    base_dynamics: dict[str, object] = {}
    open_fields = bool(waiting)
    for name, bound in entity.fields.items():
        theirs, ours = person.values.get(name, UNREADABLE), row.values.get(name, UNREADABLE)
        if bound.direction is None or any(v is UNREADABLE or isinstance(v, Invalid) for v in (theirs, ours)):
            open_fields = open_fields or bound.direction is not None
            continue
        item = found.setdefault(name, FieldComparison())
        same = theirs == ours or (theirs in _EMPTY and ours in _EMPTY)
        _note(item, theirs, ours, (person.id, row.id), same=same)
        if same or name in leave:
            base_marketo[name], base_dynamics[name] = theirs, ours
        else:
            open_fields = True
    return link_of(
        entity,
        marketo_id=person.id,
        dynamics_id=row.id,
        base_marketo=base_marketo,
        base_dynamics=base_dynamics,
        version=row.version,
        unconfirmed=frozenset(),
        # A link that is complete needs no look; any other is read on both sides by the next cycle.
        digest="" if open_fields else services.digests[entity.name],
        known=None,
    )


def _note(item: FieldComparison, theirs: object, ours: object, pair: tuple[str, str], *, same: bool) -> None:
    if same:
        item.equal += 1
        return
    if ours in _EMPTY:
        item.only_marketo += 1
    elif theirs in _EMPTY:
        item.only_dynamics += 1
    else:
        item.different += 1
    if len(item.samples) < SAMPLES:
        item.samples.append(pair)
