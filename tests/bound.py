"""Entities bound to described objects, for tests that need no connector."""

from __future__ import annotations

from marketo_dynamics_sync.entities import BoundEntity, Contact, Entity, Lead, bind
from marketo_dynamics_sync.testing import described_person, described_table


def bound(cls: type[Entity] = Lead, *, without: tuple[str, ...] = ()) -> BoundEntity:
    """Return an entity bound to objects that have all its fields, but those named (on either side)."""
    return bind(cls.__entity__, described_person(cls, without=without), described_table(cls, without=without))


LEAD = bound(Lead)
CONTACT = bound(Contact)
