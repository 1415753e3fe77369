"""Between the store's plain data and the values that plans are made of."""

from __future__ import annotations

import hashlib

from attrs import evolve

from ..entities import BoundEntity, Values
from ..plan import Known
from ..state import Link


def mapping_digest(entity: BoundEntity) -> str:
    """Return a short digest of the mapping in force; a base made under another one is compared afresh."""
    return hashlib.sha256(entity.fingerprint.encode()).hexdigest()[:16]


def known_of(link: Link, entity: BoundEntity, *, digest: str) -> Known:
    """Return what a link remembers, decoded for an entity."""
    base = entity.load(link.base)
    return Known(
        entity,
        link.marketo_id,
        link.dynamics_id,
        base_marketo=base,
        base_dynamics={**base, **entity.load(link.dynamics_base)} if link.dynamics_base else base,
        version=link.version,
        unconfirmed=link.unconfirmed,
        current=link.fingerprint == digest,
        source=link,
    )


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
) -> Link:
    """Return the link that remembers an agreement; of Dynamics' base only what differs is kept twice."""
    before = known.source if known is not None and known.entity is entity else None
    same = (
        known is not None and known.base_marketo == base_marketo and known.base_dynamics == base_dynamics
    )  # most links of a cycle: nothing but the version is news
    if isinstance(before, Link) and before.fingerprint == digest and same:
        moved = evolve(before, marketo_id=marketo_id, dynamics_id=dynamics_id)
        return evolve(moved, version=version, unconfirmed=unconfirmed)
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
    )
