"""Makes Marketo persons in Dynamics, now and on request."""

from __future__ import annotations

from collections.abc import Sequence

from ..entities import BoundEntity, Record, Side, Values
from ..errors import ConfigurationError
from ..identity import MatchKey, group_by_key, key_values
from ..plan import park, plan_link, plan_new_person
from .conversions import is_person
from .derive import Relink
from .report import SyncReport, WaitingLine
from .services import Services
from .work import Work


def plan_push(
    services: Services, ids: Sequence[str], entity: BoundEntity, report: SyncReport, preset: Values
) -> list[Work]:
    """Return works that make persons in Dynamics.

    A person that is linked already, or whose row is found there, is not made a second time. One that several rows
    could be is parked with its candidates.

    Args:
        services: Both sides.
        ids: Person ids.
        entity: What to make them as.
        report: Notes those that are there already, unknown, or refused.
        preset: Values for the new rows.
    """
    wanted = list(dict.fromkeys(ids))
    links = services.store.links_by_marketo(wanted)
    for person_id in wanted:
        link = links.get(person_id)
        if link is None:
            continue
        if link.entity != entity.name:
            report.count(entity.name, "to Dynamics", "refused")
            message = f"the person is a {link.entity} in Dynamics already"
            report.add(report.rejected, WaitingLine(entity.name, person_id, link.dynamics_id, "", "exists", message))
        else:
            report.count(entity.name, "to Dynamics", "there already")
    free = [person_id for person_id in wanted if person_id not in links]
    people = {person.id: person for person in services.marketo.fetch(entity, free)} if free else {}
    for person_id in free:
        if person_id not in people:
            report.count(entity.name, "to Dynamics", "not found")
            line = WaitingLine(entity.name, person_id, None, "", "not-found", "Marketo has no person with this id")
            report.add(report.rejected, line)
    return _works(services, [people[i] for i in free if i in people], entity, preset)


def _works(services: Services, people: Sequence[Record], entity: BoundEntity, preset: Values) -> list[Work]:
    if not people:
        return []
    policy = services.policy(entity)
    found = _rows_like(services, people)
    intents = services.store.intents(entity.name, [person.id for person in people])
    works: list[Work] = []
    for person in people:
        rows = found.get(person.id, [])
        if len(rows) > 1:
            ids = [row.id for _, row in rows]
            works.append(
                Work(park(entity, "ambiguous", marketo_id=person.id, dynamics_id=None, key="email", rivals=ids))
            )
        elif rows:
            owner, row = rows[0]
            step = plan_link(owner, row, person, by="email", policy=services.policy(owner))
            works.append(Work(step, person, row, Relink(services, owner, person, "email")))
        else:
            intent = intents.get(person.id)
            row_id = intent.dynamics_id if intent is not None else services.settings.new_id()
            step = plan_new_person(entity, person, row_id=row_id, policy=policy, preset=preset)
            works.append(Work(step, person, None, Relink(services, entity, person, "row id")))
    return works


def _rows_like(services: Services, people: Sequence[Record]) -> dict[str, list[tuple[BoundEntity, Record]]]:
    """Return the unlinked rows that each person could be: by the CRM id it carries, else by the user's keys."""
    found: dict[str, list[tuple[BoundEntity, Record]]] = {}
    for entity in services.persons():
        crm_id = entity.key.name if entity.key is not None else None
        for key in services.settings.matching.order(entity):
            todo = [person for person in people if person.id not in found]
            values = key_values(key, todo)
            if not values:
                continue
            if key.field == crm_id:
                rows = services.dynamics.fetch(entity, [str(value) for value in values])
            else:
                rows = services.dynamics.find(entity, key.field, values)
            rows = [r for r in rows if is_person(services, entity, r)]
            linked = services.store.links_by_dynamics(entity.name, [row.id for row in rows])
            free = [row for row in rows if row.id not in linked]
            by_value = {row.id: [row] for row in free} if key.field == crm_id else group_by_key(key, free)
            _assign(found, todo, key, by_value, entity)
    return found


def _assign(
    found: dict[str, list[tuple[BoundEntity, Record]]],
    people: Sequence[Record],
    key: MatchKey,
    by_value: dict[str, list[Record]],
    entity: BoundEntity,
) -> None:
    for person in people:
        value = key.of(person.values)
        if value is not None and value in by_value:
            found.setdefault(person.id, []).extend((entity, row) for row in by_value[value])


def entity_to_push(services: Services, name: str) -> BoundEntity:
    """Return the person entity of that name.

    Raises:
        ConfigurationError: The engine doesn't sync it, or it is no person.
    """
    entity = services.entities.get(name)
    if entity is None or not entity.definition.marketo.is_person:
        known = ", ".join(repr(e.name) for e in services.persons())
        raise ConfigurationError(f"persons can't be pushed as {name!r}; this engine syncs {known or 'no persons'}")
    return entity


def check_preset(entity: BoundEntity, values: Values) -> None:
    """Make sure that new rows can have these values.

    Raises:
        ConfigurationError: The entity has no such field, or Dynamics doesn't take the value; the text doesn't quote it.
    """
    for name, value in values.items():
        bound = entity.fields.get(name)
        if bound is None or bound.key:
            raise ConfigurationError(f"values: {entity.name} has no field {name!r} that can be given")
        problem = bound.problem(Side.DYNAMICS, value)
        if problem is not None:
            raise ConfigurationError(f"values: {entity.name}.{name}: {problem.reason}")


def by_rule(services: Services, ids: Sequence[str], report: SyncReport) -> list[Work]:
    """Return works for persons that are new in Marketo and that the user's rule wants in Dynamics."""
    rule = services.settings.push_rule
    persons = services.persons()
    if rule is None or not persons or not ids:
        return []
    chosen: dict[str, list[str]] = {}
    for person in services.marketo.fetch(persons[0], ids):
        name = rule(person)
        if name is not None:
            chosen.setdefault(name, []).append(person.id)
    works: list[Work] = []
    for name, wanted in chosen.items():
        works += plan_push(services, wanted, entity_to_push(services, name), report, {})
    return works
