"""A clash: one field, changed on both sides to different values."""

from __future__ import annotations

from datetime import datetime

import attrs
from attrs import frozen


@frozen
class Conflict:
    """One field that holds different new values on the two sides.

    Attributes:
        entity: Name of the entity.
        field: Name of the field.
        base: The value both sides agreed on before (Marketo's form of it). Where the store keeps digests it is a
            :class:`~marketo_dynamics_sync.entities.Digest`, which equals the value and shows nothing of it.
        marketo: Marketo's value now.
        dynamics: Dynamics' value now.
        marketo_id: Person id, if known.
        dynamics_id: Row id, if known.
        marketo_at: When Marketo last changed the record (UTC), if known.
        dynamics_at: When Dynamics last changed the row (UTC), if known.
        has_base: False when the two never agreed before: they were just found to be one.
    """

    entity: str
    field: str
    base: object = attrs.field(repr=False)
    marketo: object = attrs.field(repr=False)
    dynamics: object = attrs.field(repr=False)
    marketo_id: str | None = None
    dynamics_id: str | None = None
    marketo_at: datetime | None = None
    dynamics_at: datetime | None = None
    has_base: bool = True
