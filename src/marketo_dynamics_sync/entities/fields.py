"""``mapped()``: what a user writes beside an attribute to say where it lives on both sides."""

from __future__ import annotations

from typing import Any, Final

import attrs
from attrs import frozen

from ..errors import MappingError
from .codecs import Codec
from .direction import Direction, Side

#: Key of the mapping in the attribute's attrs metadata.
METADATA: Final = "marketo_dynamics_sync"


@frozen
class FieldMapping:
    """What ``mapped()`` was told.

    Attributes:
        marketo: REST API name in Marketo, or ``None`` for a field that only Dynamics has.
        dynamics: Logical name of the column, or ``None`` for a field that only Marketo has.
        key: The field identifies the record across both sides: it carries the Dynamics row id.
        direction: Which way it flows; ``None`` takes the entity's.
        read_only: Read for policies and rules, never written on either side.
        optional: Left out without an error where a side doesn't have it.
        opt_out: A refusal of contact: a "yes" on either side wins, always.
        codec: The user's own codec, or ``None`` to take the annotation's.
        constant: A value that every record of the entity has in Marketo and no column holds.
        block: The side that takes a value only while its own is empty.
        required: A row is never without it.
    """

    marketo: str | None
    dynamics: str | None
    key: bool = False
    direction: Direction | None = None
    read_only: bool = False
    optional: bool = False
    opt_out: bool = False
    codec: Codec[Any] | None = None  # Any: a codec of whatever type the annotation names
    constant: object = None
    block: Side | None = None
    required: bool = False


def mapped(
    *,
    marketo: str | None = None,
    dynamics: str | None = None,
    key: bool = False,
    direction: Direction | None = None,
    read_only: bool = False,
    optional: bool = False,
    opt_out: bool = False,
    codec: Codec[Any] | None = None,
    constant: object = None,
    block: Side | None = None,
    required: bool = False,
    default: object = None,
) -> Any:  # Any: as with attrs.field, the annotation beside it says the type
    """Map an attribute of an entity class to a Marketo field and a Dataverse column.

    Args:
        marketo: REST API name of the Marketo field, as describe gives it (``"firstName"``).
        dynamics: Logical name of the column (``"firstname"``), also for lookups (``"ownerid"``, not
            ``"_ownerid_value"``).
        key: The field carries the Dynamics row id into Marketo, so that records find each other again.
        direction: Which way the field flows, where that differs from the entity's direction.
        read_only: Read the field on both sides but never write it.
        optional: Leave the field out, with a line in the report, where a side doesn't have it. Without it a missing
            field is an error.
        opt_out: Treat the field as a refusal of contact: a "yes" on either side wins whatever the policy says.
        codec: A codec of your own in place of the annotation's.
        constant: A value that every record of the entity has in Marketo, and that stems from the entity rather than
            from a column, such as ``"Lead"``. It is written with whatever else is written, repaired where somebody
            changed it, and emptied where a person is marked as deleted in Dynamics.
        block: The side that takes a value only while its own is empty: when a record is made there, or for the first
            time. From then on its value stays, whatever the other side does; where the field flows both ways, changes
            of the blocked side still go to the other. For Marketo this is what an administrator gets by blocking a
            field's updates for the CRM's sync (Adobe, "Block Updates to a Field").
        required: Dynamics must never be without a value: a person without one isn't made there, and a value isn't
            emptied there. Columns that the service itself requires needn't be marked.
        default: Value of the attribute when an entity object is made without it.

    Raises:
        MappingError: Neither side is named.

    Examples:
        >>> from marketo_dynamics_sync.entities import Lead, mapped
        >>> class ScoredLead(Lead):
        ...     fit: int | None = mapped(marketo="fitScore", dynamics="new_fit")
    """
    if marketo is None and dynamics is None:
        raise MappingError("mapped() names neither a Marketo field nor a Dynamics column")
    mapping = FieldMapping(
        marketo=marketo,
        dynamics=dynamics,
        key=key,
        direction=direction,
        read_only=read_only,
        optional=optional,
        opt_out=opt_out,
        codec=codec,
        constant=constant,
        block=block,
        required=required,
    )
    return attrs.field(default=constant if default is None else default, kw_only=True, metadata={METADATA: mapping})
