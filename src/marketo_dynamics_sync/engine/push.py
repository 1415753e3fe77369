"""Makes Marketo persons in Dynamics, now and on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ..entities import BoundEntity, Record, Ref, Side, Values
from ..errors import ConfigurationError, PolicyError
from ..identity import MatchKey, group_by_key, key_values
from ..plan import park, plan_link, plan_new_person
from .again import Relink
from .conversions import is_person
from .filters import passes
from .objects import resolved, waiting_for_parents
from .relations import link_targets
from .report import SyncReport, WaitingLine
from .services import PushRule, Services
from .settle import gone_fact
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
    links = services.links_of_persons(wanted)
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
    return _works(services, [people[i] for i in free if i in people], entity, preset, report)


def _works(
    services: Services, people: Sequence[Record], entity: BoundEntity, preset: Values, report: SyncReport
) -> list[Work]:
    if not people:
        return []
    policy = services.policy(entity)
    made = _made_as_another(services, people, entity)
    found = _rows_like(services, [person for person in people if person.id not in made]) | made
    claimed = Counter((owner.name, row.id) for rows in found.values() for owner, row, _ in rows)
    intents = services.store.intents(entity.name, [person.id for person in people])
    works: list[Work] = []
    for person in people:
        rows = found.get(person.id, [])
        outside = [row for owner, row, _ in rows if not passes(services.settings.filters, owner, row)]
        if outside:
            message = "it is a row in Dynamics already, which the filter keeps out"
            report.count(entity.name, "to Dynamics", "refused")
            report.add(report.rejected, WaitingLine(entity.name, person.id, outside[0].id, "", "filtered", message))
            continue
        others = sorted({other for _, _, people_like in rows for other in people_like} - {person.id})
        if len(rows) > 1 or others or any(claimed[owner.name, row.id] > 1 for owner, row, _ in rows):
            ids = [row.id for _, row, _ in rows]
            detail = {"key": "email", "rivals": ids, "candidates": others}
            works.append(Work(park(entity, "ambiguous", marketo_id=person.id, dynamics_id=None, **detail)))
        elif rows:
            owner, raw, _ = rows[0]
            kept, waits = resolved(services, owner, {raw.id: raw})
            row = kept[raw.id]
            by = "row id" if person.id in made else "email"
            step = plan_link(owner, row, person, by=by, policy=services.policy(owner))
            work = Work(step, person, row, Relink(services, owner, person, by))
            works.append(waiting_for_parents(work, waits.get(row.id)))
        else:
            intent = intents.get(person.id)
            row_id = intent.dynamics_id if intent is not None else services.settings.new_id()
            kept, waits = resolved(services, entity, {row_id: Record(row_id, preset)})
            # Links that Marketo can't hold, or not yet: an owner that is a team, a company that hasn't come.
            later = [name for name in link_targets(entity) if not isinstance(kept[row_id].values.get(name), Ref)]
            gone = _deleted_row(services, entity, person)
            revive = gone is not None
            step = plan_new_person(
                entity, person, row_id=row_id, policy=policy, preset=preset, later=later, revive=revive
            )
            work = Work(step, person, None, Relink(services, entity, person, "row id", revive))
            if gone is not None:
                work.facts[gone] = None
            works.append(waiting_for_parents(work, waits.get(row_id)))
    return works


def _deleted_row(services: Services, entity: BoundEntity, person: Record) -> str | None:
    """Return the name of the fact that the person's row was deleted, and that it was marked so."""
    carried = person.values.get(entity.key.name) if entity.key is not None else None
    name = gone_fact(str(carried)) if carried is not None else None
    return name if name is not None and services.store.fact(name) is not None else None


def _made_as_another(services: Services, people: Sequence[Record], entity: BoundEntity) -> dict[str, list[_Like]]:
    """Return rows that an earlier push made of persons as another entity, before it was killed and could note it."""
    found: dict[str, list[_Like]] = {}
    for other in services.persons():
        intents = services.store.intents(other.name, [person.id for person in people]) if other is not entity else {}
        ids = [intent.dynamics_id for intent in intents.values()]
        there = {row.id: row for row in _free(services, other, services.dynamics.fetch(other, ids))} if ids else {}
        found |= {
            person: [(other, there[intent.dynamics_id], frozenset[str]())]
            for person, intent in intents.items()
            if intent.dynamics_id in there
        }
    return found


#: Rows that a person could be: the entity, the row, and other persons of Marketo that it could be as well.
_Like = tuple[BoundEntity, Record, frozenset[str]]


def _rows_like(services: Services, people: Sequence[Record]) -> dict[str, list[_Like]]:
    """Return the unlinked rows that each person could be: by the CRM id it carries, else by the user's keys.

    The first key that finds anybody decides, and it decides over all entities: a lead and a contact that share it are
    both meant.
    """
    found: dict[str, list[_Like]] = {}
    orders = [(entity, services.settings.matching.order(entity)) for entity in services.persons()]
    for place in range(max((len(keys) for _, keys in orders), default=0)):
        todo = [person for person in people if person.id not in found]
        for entity, keys in orders:
            if place < len(keys) and todo:
                _look_up(services, entity, keys[place], todo, found)
    return found


def _look_up(
    services: Services, entity: BoundEntity, key: MatchKey, people: Sequence[Record], found: dict[str, list[_Like]]
) -> None:
    values = key_values(key, people)
    if not values:
        return
    shared: Mapping[str, Sequence[Record]] = {}
    if entity.key is not None and key.field == entity.key.name:
        ids = [str(value) for value in values]
        rows = {row.id: [row] for row in _free(services, entity, services.dynamics.fetch(entity, ids))}
    else:
        rows = group_by_key(key, _free(services, entity, services.dynamics.find(entity, key.field, values)))
        if rows:
            shared = group_by_key(key, _unlinked(services, services.marketo.find(entity, key.field, values)))
    for person in people:
        value = key.of(person.values)
        if value is not None and value in rows:
            others = frozenset(other.id for other in shared.get(value, ()))
            found.setdefault(person.id, []).extend((entity, row, others) for row in rows[value])


def _free(services: Services, entity: BoundEntity, rows: Sequence[Record]) -> list[Record]:
    rows = [row for row in rows if is_person(services, entity, row)]
    linked = services.store.links_by_dynamics(entity.name, [row.id for row in rows])
    return [row for row in rows if row.id not in linked]


def _unlinked(services: Services, people: Sequence[Record]) -> list[Record]:
    linked = services.links_of_persons([person.id for person in people])
    return [person for person in people if person.id not in linked]


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
        if bound is None or bound.key or not bound.dynamics:
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
        name = _chosen(rule, person)
        if name is not None:
            chosen.setdefault(name, []).append(person.id)
    works: list[Work] = []
    for name, wanted in chosen.items():
        works += plan_push(services, wanted, entity_to_push(services, name), report, {})
    return works


def asked_for(services: Services, ids: Sequence[str]) -> dict[str, dict[str, datetime | None]]:
    """Return the persons that the user's rule wants in Dynamics, with the time of their last change, by entity."""
    rule, persons = services.settings.push_rule, services.persons()
    found: dict[str, dict[str, datetime | None]] = {}
    for person in services.marketo.fetch(persons[0], ids) if rule is not None and persons and ids else ():
        name = _chosen(rule, person) if rule is not None else None
        if name is not None:
            found.setdefault(name, {})[person.id] = person.modified_at
    return found


def _chosen(rule: PushRule, person: Record) -> str | None:
    try:
        name: object = rule(person)
    except Exception as error:
        # The error's own text may quote the person.
        raise PolicyError(f"push_rule raised {type(error).__name__} for person {person.id}") from None
    if name is not None and not isinstance(name, str):
        raise PolicyError(
            f"push_rule returned {type(name).__name__} for person {person.id}; give an entity's name or None"
        )
    return name
