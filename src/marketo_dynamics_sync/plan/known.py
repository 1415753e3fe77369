"""What is remembered of two linked records."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import field, frozen

from ..entities import BoundEntity, Record, Values


@frozen
class Lost:
    """An edit in Marketo that a write of ours overwrote.

    Attributes:
        field: Name of the field.
        base: The value that was known before the write.
        value: The value that it met; ``Invalid`` where that is not of the field's type.
        written: The value that was written last.
        shown: The value that it met, as the service shows it.
    """

    field: str
    base: object = attrs.field(repr=False)
    value: object = attrs.field(repr=False)
    written: object = attrs.field(repr=False)
    shown: object = attrs.field(default=None, repr=False)


@frozen
class Known:
    """What is remembered of two linked records, decoded.

    Attributes:
        entity: The entity.
        marketo_id: Person id.
        dynamics_id: Row id.
        base_marketo: What Marketo held when both last agreed.
        base_dynamics: What Dynamics held then.
        version: The row's version when it was last seen.
        unconfirmed: Fields written to Marketo and not read back since.
        current: Whether the base was made under the mapping in force now.
        sent: What was written to Marketo and not shown by its stream yet, by field name: the value known before, then
            each that was written since.
        lost: Edits in Marketo that writes of ours overwrote, in the order of time.
        source: What this was decoded from; only whoever decoded it looks at it.
    """

    entity: BoundEntity = field(repr=lambda e: e.name)
    marketo_id: str
    dynamics_id: str
    base_marketo: Values = field(factory=dict, repr=False)
    base_dynamics: Values = field(factory=dict, repr=False)
    version: str | None = None
    unconfirmed: frozenset[str] = frozenset()
    current: bool = True
    sent: Mapping[str, tuple[object, ...]] = field(factory=dict, repr=False)
    lost: tuple[Lost, ...] = ()
    source: object = field(default=None, repr=False, eq=False)


def confirmed_base(known: Known, person: Record) -> Values:
    """Return Marketo's base, with what Marketo made of our last write in place of what we wrote.

    A text that came back trimmed, or a number that came back rounded, is not an edit: without this it would travel
    back and forth for ever.
    """
    base = dict(known.base_marketo)
    for name in known.unconfirmed:
        bound = known.entity.fields.get(name)
        if bound is None or name not in person.values or name not in base:
            continue
        read = person.values[name]
        if bound.stored_form(base[name], read):
            base[name] = read
    return base
