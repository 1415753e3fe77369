"""What a host hands the engine, checked before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from ..conflict import Policy, PolicyLike, as_policy, default_policy
from ..entities import Entity, EntityDefinition
from ..errors import ConfigurationError


def checked_entities(entities: Sequence[type[Entity]]) -> list[EntityDefinition]:
    """Return what entity classes say, in their order.

    Raises:
        ConfigurationError: There is none, one is no entity class, or two are of one name.
    """
    if not entities:
        raise ConfigurationError("entities: give at least one entity class, such as Lead")
    found: dict[str, EntityDefinition] = {}
    for cls in entities:
        definition = getattr(cls, "__entity__", None)
        if not isinstance(definition, EntityDefinition) or not isinstance(cls, type):
            raise ConfigurationError(f"entities: {cls!r} is no entity class; decorate it with @entity(...)")
        if definition.name in found:
            other = found[definition.name].cls.__name__
            raise ConfigurationError(
                f"entities: {other} and {cls.__name__} are both {definition.name!r}; a subclass takes its parent's "
                "place"
            )
        found[definition.name] = definition
    return list(found.values())


def checked_policies(
    definitions: Sequence[EntityDefinition], given: PolicyLike | Mapping[str, PolicyLike] | None
) -> dict[str, Policy]:
    """Return the policy of every entity, by its name.

    Raises:
        ConfigurationError: No entity is called so, or a policy is none.
    """
    if isinstance(given, Mapping):
        unknown = sorted(set(given) - {d.name for d in definitions})
        if unknown:
            raise ConfigurationError(f"policies: no entity is called {', '.join(map(repr, unknown))}")
        return {d.name: as_policy(given.get(d.name, default_policy(d.name))) for d in definitions}
    return {d.name: default_policy(d.name) if given is None else as_policy(given) for d in definitions}


def checked_person_ids(ids: Sequence[int | str]) -> list[str]:
    """Return Marketo person ids as texts.

    Raises:
        ConfigurationError: One is no whole number, or ``ids`` is a text.
    """
    if isinstance(ids, str):
        raise ConfigurationError("ids: give a list of person ids, not a text")
    wanted = []
    for place, given in enumerate(ids):
        text = "" if isinstance(given, bool) else str(given).strip()
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(f"ids: number {place + 1} is no Marketo person id, which is a whole number")
        wanted.append(str(int(text)))
    return wanted


def checked_age(given: timedelta | float | None) -> float | None:
    """Return an age in seconds.

    Raises:
        ConfigurationError: It is none, or below zero.
    """
    if given is None:
        return None
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise ConfigurationError("reread_after: give a timedelta or seconds, 0 for always, or None for never")
    return float(seconds)
