"""Which Marketo person a new Dynamics row is: one, none yet, or too many to say. Never a guess."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import field, frozen

from ..entities import BoundEntity, Record
from .keys import MatchKey

#: Why a row waits.
AMBIGUOUS: Final = "ambiguous"
SHARED_KEY: Final = "shared-key"
NO_KEY: Final = "no-key"


@frozen
class One:
    """Exactly one record is the other half.

    Attributes:
        record: The record.
        key: Name of the field by which it was recognised.
    """

    record: Record
    key: str


@frozen
class Nothing:
    """Nobody is the other half yet.

    Attributes:
        lookup: Name of the field that a new record is created under, so that a repeat finds it again.
    """

    lookup: str


@frozen
class Many:
    """More than one record could be the other half, or none could be created safely: a human decides.

    Attributes:
        reason: ``"ambiguous"``, ``"shared-key"`` or ``"no-key"``.
        key: Name of the field that didn't decide.
        candidates: Ids of the persons that match.
        rivals: Ids of other rows that claim the same persons.
    """

    reason: str
    key: str
    candidates: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


#: The three answers of matching.
Match: TypeAlias = One | Nothing | Many


@frozen
class Candidates:
    """Persons and rows that share a key value with the rows to pair.

    Attributes:
        persons: For each key field: key value to the persons that have it.
        rows: For each key field: key value to ids of all unlinked rows, of any entity, that have it.
        taken: Person id to the row id it is linked to.
        gone: CRM ids of rows that are known to be deleted: who carries one is free again.
    """

    persons: Mapping[str, Mapping[str, Sequence[Record]]] = field(factory=dict)
    rows: Mapping[str, Mapping[str, frozenset[str]]] = field(factory=dict)
    taken: Mapping[str, str] = field(factory=dict)
    gone: Collection[object] = frozenset()


def group_by_key(key: MatchKey, records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return records by their value of a key; records without one are left out."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        value = key.of(record.values)
        if value is not None:
            grouped.setdefault(value, []).append(record)
    return grouped


def pair(row: Record, *, entity: BoundEntity, keys: Sequence[MatchKey], among: Candidates) -> Match:
    """Return which person a new row is.

    A person that is linked to another row, or that carries another row's CRM id, is nobody's candidate. The first key
    that finds anybody decides. Where it finds one person but several unlinked rows claim that person, nobody gets it.

    Args:
        row: The Dynamics row.
        entity: Its entity.
        keys: Match keys in their order; the CRM id first.
        among: Persons and rows that share key values.

    Returns:
        ``One``, ``Nothing`` or ``Many``.
    """
    crm_id = entity.key.name if entity.key is not None else None
    for key in keys:
        value = row.id if key.field == crm_id else key.of(row.values)
        if value is None:
            continue
        free = [
            person
            for person in among.persons.get(key.field, {}).get(value, ())
            if among.taken.get(person.id, row.id) == row.id
            and (crm_id is None or person.values.get(crm_id) in (None, row.id, *among.gone))
        ]
        if not free:
            continue
        rivals = among.rows.get(key.field, {}).get(value, frozenset()) - {row.id}
        if len(free) == 1 and (not rivals or key.field == crm_id):
            return One(free[0], key.field)
        return Many(AMBIGUOUS, key.field, tuple(p.id for p in free), tuple(sorted(rivals)))
    return _new(row, entity=entity, crm_id=crm_id, among=among)


def _new(row: Record, *, entity: BoundEntity, crm_id: str | None, among: Candidates) -> Match:
    if crm_id is not None:
        return Nothing(crm_id)
    email = MatchKey("email")
    value = email.of(row.values) if "email" in entity.fields else None
    if value is None:
        return Many(NO_KEY, "email")
    others = among.persons.get(email.field, {}).get(value, ())
    rivals = among.rows.get(email.field, {}).get(value, frozenset()) - {row.id}
    if others or rivals:
        return Many(SHARED_KEY, email.field, tuple(person.id for person in others), tuple(sorted(rivals)))
    return Nothing(email.field)
