"""What waits because a rule of a service was in the way, and when it is tried again.

A value that a service would refuse is held before it is sent, a person without a required value is parked, and what a
service refuses anyway is kept as rejected. Each is tried again when its record changes, and when a rule does: when a
column gets longer, a range wider, an option set another option, or a value is no longer required.
"""

from __future__ import annotations

import hashlib

from ..entities import BoundEntity, Side
from ..plan import REQUIRED
from ..state import Commit
from .contract import SCHEMA_CHANGE
from .services import Services
from .waiting import MISSING_PARENT


def changed_rules(services: Services) -> set[str]:
    """Return the names of entities whose rules are not those of the last cycle that came to its end."""
    before = {name: services.store.fact(_fact(name)) for name in services.entities}
    now = rules_facts(services)
    return {name for name, digest in before.items() if digest is not None and digest != now[_fact(name)]}


def rules_facts(services: Services) -> dict[str, str]:
    """Return the facts that remember the rules of now."""
    return {_fact(name): _digest(entity) for name, entity in services.entities.items()}


def waiting_values(services: Services, entity: BoundEntity) -> list[str]:
    """Return linked rows of which a value waits; a link waits for its parent alone."""
    waits = (p for p in services.store.parked(entity.name) if p.side == Side.DYNAMICS.value)
    return [p.id for p in waits if p.field and p.reason != MISSING_PARENT]


def waiting_persons(services: Services, entity: BoundEntity) -> set[str]:
    """Return persons that were to be made in Dynamics, and lack a required value or hold one that doesn't fit the
    changed schema; who is there by now waits no more."""
    parked = services.store.parked(entity.name)
    found = {p.id for p in parked if p.side == Side.MARKETO.value and p.reason in (REQUIRED, SCHEMA_CHANGE)}
    linked = services.links_of_persons(sorted(found))
    if linked:
        services.store.commit(Commit(unpark=[(entity.name, Side.MARKETO.value, person, "*") for person in linked]))
    return found - linked.keys()


def _fact(name: str) -> str:
    return f"rules:{name}"


def _digest(entity: BoundEntity) -> str:
    rules: list[object] = []
    for name, bound in sorted(entity.fields.items()):
        for info in (entity.marketo.fields.get(bound.marketo), entity.dynamics.fields.get(bound.dynamics)):
            if info is not None:
                options = [(option.value, option.label) for option in info.options]
                limits = (info.required, info.max_length, info.minimum, info.maximum, info.precision)
                rules.append((name, bound.needed, info.name, limits, options))
    return hashlib.sha256(repr(rules).encode()).hexdigest()[:16]
