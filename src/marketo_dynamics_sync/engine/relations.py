"""Links between Marketo's objects: which fields make them, and which of them can be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import evolve

from ..entities import BoundEntity, LeftOut, Side, without
from ..entities.codecs import LookupCodec

#: Marketo's fields that link a record to another object, and the object (Adobe, "Companies", "Sales Persons").
LINK_FIELDS: Final[Mapping[str, str]] = {"externalCompanyId": "company", "externalSalesPersonId": "salesperson"}


def link_targets(entity: BoundEntity) -> dict[str, str]:
    """Return the object that each linking field of an entity points to, by field name."""
    return {
        name: LINK_FIELDS[bound.marketo]
        for name, bound in entity.fields.items()
        if bound.marketo in LINK_FIELDS and isinstance(bound.codec, LookupCodec)
    }


def several_parents(entity: BoundEntity, entities: Iterable[BoundEntity]) -> str:
    """Return the entities that an entity's links may lead to, where one object is made of several: owners that are
    users, and owners that are teams. A link that was empty fills when another of them is synced too.
    """
    targets = set(link_targets(entity).values())
    made: dict[str, list[str]] = {}
    for each in entities:
        made.setdefault(each.definition.marketo.name, []).append(each.name)
    return "".join(f"|{name}:{','.join(sorted(made[name]))}" for name in sorted(targets) if len(made[name]) > 1)


def without_foreign_links(entities: Mapping[str, BoundEntity]) -> dict[str, BoundEntity]:
    """Return the entities without links to objects that this engine doesn't keep.

    Marketo refuses a record that names a company or a sales person it doesn't have.
    """
    kept = {entity.definition.marketo.name for entity in entities.values()}
    found = {}
    for name, entity in entities.items():
        foreign = {field: target for field, target in link_targets(entity).items() if target not in kept}
        gaps = tuple(
            LeftOut(name, field, Side.MARKETO, entity.fields[field].marketo, f"no entity of this engine is a {target}")
            for field, target in foreign.items()
        )
        found[name] = evolve(without(entity, foreign), left_out=entity.left_out + gaps) if foreign else entity
    return found
