"""Between the store's plain data and the values that plans are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import evolve

from ..entities import BoundEntity, BoundField, Values
from ..plan import Known
from ..state import Link

#: Values by field name: what was known before the first write, then each that was written, or read, since.
Sent: TypeAlias = Mapping[str, tuple[object, ...]]


def mapping_digest(entity: BoundEntity, parents: str = "") -> str:
    """Return a short digest of the mapping in force; a base made under another one is compared afresh.

    Args:
        entity: The entity.
        parents: Which entities its links may lead to, where that is a matter of which are synced.
    """
    text = "|".join([entity.fingerprint + parents, *(_types(entity, bound) for bound in entity.fields.values())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _types(entity: BoundEntity, bound: BoundField) -> str:
    """Return the types that both services give a field: values of another type are to be compared afresh."""
    there, column = entity.marketo.fields.get(bound.marketo), entity.dynamics.fields.get(bound.dynamics)
    ends = (there.type if there else "", column.type if column else "", (column.behavior if column else None) or "")
    return ":".join((bound.name, *ends))


def known_of(link: Link, entity: BoundEntity, *, digest: str) -> Known:
    """Return what a link remembers, decoded for an entity."""
    base = {
        name: value for name, value in entity.load(link.base).items() if _means_something(entity, name, link, digest)
    }
    return Known(
        entity,
        link.marketo_id,
        link.dynamics_id,
        base_marketo=base,
        base_dynamics={**base, **entity.load(link.dynamics_base)} if link.dynamics_base else base,
        version=link.version,
        unconfirmed=link.unconfirmed,
        current=link.fingerprint == digest,
        sent=loaded_sent(entity, link.sent) if link.sent else {},
        source=link,
    )


def _means_something(entity: BoundEntity, name: str, link: Link, digest: str) -> bool:
    """Return whether a remembered value is of the field that is there now, and not of one that went away since."""
    back = entity.returns.get(name)
    return back is None or link.fingerprint == digest or link.fingerprint in back.digests


def link_of(
    entity: BoundEntity,
    *,
    marketo_id: str,
    dynamics_id: str,
    base_marketo: Values,
    base_dynamics: Values,
    version: str | None,
    unconfirmed: frozenset[str],
    digest: str,
    known: Known | None,
    sent: Sent | None = None,
) -> Link:
    """Return the link that remembers an agreement; of Dynamics' base only what differs is kept twice."""
    kept = stored_sent(entity, sent) if sent else {}
    before = known.source if known is not None and known.entity is entity else None
    same = (
        known is not None and known.base_marketo == base_marketo and known.base_dynamics == base_dynamics
    )  # most links of a cycle: nothing but the version is news
    if isinstance(before, Link) and before.fingerprint == digest and same:
        moved = evolve(before, marketo_id=marketo_id, dynamics_id=dynamics_id)
        return evolve(moved, version=version, unconfirmed=unconfirmed, sent=kept)
    missing = object()
    apart = {name: value for name, value in base_dynamics.items() if base_marketo.get(name, missing) != value}
    return Link(
        entity.name,
        dynamics_id,
        marketo_id,
        base=entity.dump(base_marketo),
        dynamics_base=entity.dump(apart),
        version=version,
        unconfirmed=unconfirmed,
        fingerprint=digest,
        sent=kept,
    )


def stored_sent(entity: BoundEntity, sent: Sent) -> dict[str, list[object]]:
    """Return values in the store's JSON form."""
    return {
        name: [entity.dump({name: value}).get(name) for value in values]
        for name, values in sent.items()
        if name in entity.fields
    }


def loaded_sent(entity: BoundEntity, stored: Mapping[str, Sequence[object]]) -> Sent:
    """Return the values that :func:`stored_sent` wrote; of a field that is mapped otherwise now, nothing."""
    found: dict[str, tuple[object, ...]] = {}
    for name, values in stored.items():
        loaded = [entity.load({name: value}) for value in values]
        if name in entity.fields and all(name in value for value in loaded):
            found[name] = tuple(value[name] for value in loaded)
    return found
