"""Looks up who a new row could be, and asks ``identity`` to say who it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..entities import BoundEntity, Record
from ..identity import Candidates, Match, MatchKey, Nothing, One, group_by_key, key_values, pair
from .conversions import is_person
from .filters import passes
from .services import Services
from .settle import gone_fact


def match_rows(
    services: Services, entity: BoundEntity, rows: Sequence[Record], taken: Mapping[str, str]
) -> dict[str, Match]:
    """Return who each new row is, by row id.

    Each key is looked up for all rows at once, and only for those that no earlier key decided.

    Args:
        services: Both sides.
        entity: The rows' entity.
        rows: Rows that have no link.
        taken: Person id to row id of links that are planned but not kept yet.
    """
    answers: dict[str, Match] = {}
    persons: dict[str, Mapping[str, Sequence[Record]]] = {}
    claims: dict[str, Mapping[str, frozenset[str]]] = {}
    owners: dict[str, str] = dict(taken)
    crm_id = entity.key.name if entity.key is not None else None
    open_rows = list(rows)
    for key in services.settings.matching.order(entity):
        values = [row.id for row in open_rows] if key.field == crm_id else key_values(key, open_rows)
        found = services.marketo.find(entity, key.field, values) if values else []
        persons[key.field] = group_by_key(key, found)
        linked = services.links_of_persons([person.id for person in found])
        owners |= {person: link.dynamics_id for person, link in linked.items()}
        if key.field != crm_id:
            contested = values if crm_id is None else _met(key, open_rows, persons[key.field])
            claims[key.field] = _claims(services, key, contested)
        gone = _gone(services, found, crm_id)
        among = Candidates(persons, claims, owners, gone)
        still_open = []
        for row in open_rows:
            answer = pair(row, entity=entity, keys=(key,), among=among)
            if _is_open(answer, key, crm_id):
                still_open.append(row)
            else:
                answers[row.id] = answer
        open_rows = still_open
    email = MatchKey("email")
    if crm_id is None and email.field in entity.fields and email.field not in persons:
        # Without a field for the CRM id a person is created under the e-mail address, which must be nobody's yet.
        values = key_values(email, open_rows)
        persons[email.field] = group_by_key(email, services.marketo.find(entity, email.field, values) if values else [])
        claims[email.field] = _claims(services, email, values)
    among = Candidates(persons, claims, owners)
    for row in open_rows:
        answers[row.id] = pair(row, entity=entity, keys=(), among=among)
    return answers | _made_as_leads(services, entity, [row for row in rows if isinstance(answers[row.id], Nothing)])


def _made_as_leads(services: Services, entity: BoundEntity, rows: Iterable[Record]) -> dict[str, Match]:
    """Return contacts whose persons carry the ids of the leads that they were made from.

    A run that is killed right after it made a person of a lead couldn't note it, and before the next run the lead was
    qualified. In a first copy that costs a call for every page, and nobody was made before.
    """
    key = entity.key
    origins = {row.converted_from: row for row in rows if row.converted_from is not None}
    if not origins or key is None or services.store.checkpoint(services.dynamics.stream(entity)) is None:
        return {}
    by_id = MatchKey(key.name)
    found = group_by_key(by_id, services.marketo.find(entity, key.name, list(origins)))
    linked = services.links_of_persons([person.id for people in found.values() for person in people])
    answers: dict[str, Match] = {}
    for origin, row in origins.items():
        people = [person for person in found.get(origin, ()) if person.id not in linked]
        if len(people) == 1:
            answers[row.id] = One(people[0], key.name)
    return answers


def _is_open(answer: Match, key: MatchKey, crm_id: str | None) -> bool:
    """Return whether later keys still have a say: this one found nobody, or only said how the row can't be created."""
    return isinstance(answer, Nothing) or (crm_id is None and getattr(answer, "reason", "") in ("no-key", "shared-key"))


def _met(key: MatchKey, rows: Iterable[Record], persons: Mapping[str, Sequence[Record]]) -> list[object]:
    return key_values(key, [row for row in rows if key.of(row.values) in persons])


def _claims(services: Services, key: MatchKey, values: Sequence[object]) -> dict[str, frozenset[str]]:
    """Return the unlinked rows of all person entities that have these key values."""
    claims: dict[str, set[str]] = {}
    for entity in services.persons():
        if not values or key.field not in entity.fields:
            continue
        rows = [
            row
            for row in services.dynamics.find(entity, key.field, values)
            if is_person(services, entity, row) and passes(services.settings.filters, entity, row)
        ]
        linked = services.store.links_by_dynamics(entity.name, [row.id for row in rows])
        for row in rows:
            value = key.of(row.values)
            if row.id not in linked and value is not None:
                claims.setdefault(value, set()).add(row.id)
    return {value: frozenset(ids) for value, ids in claims.items()}


def _gone(services: Services, people: Sequence[Record], crm_id: str | None) -> frozenset[object]:
    """Return the CRM ids that people carry of rows that were deleted while we watched."""
    carried = {person.values.get(crm_id) for person in people} - {None} if crm_id is not None else set()
    return frozenset(row for row in carried if services.store.fact(gone_fact(str(row))) is not None)
