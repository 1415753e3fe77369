"""``mapped()``: what a user writes beside an attribute to say where it lives on both sides."""

from __future__ import annotations

from typing import Any, Final

import attrs
from attrs import frozen

from ..errors import MappingError
from .codecs import Codec
from .direction import Direction

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
    """

    marketo: str | None
    dynamics: str | None
    key: bool = False
    direction: Direction | None = None
    read_only: bool = False
    optional: bool = False
    opt_out: bool = False
    codec: Codec[Any] | None = None  # Any: a codec of whatever type the annotation names


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
    )
    return attrs.field(default=default, kw_only=True, metadata={METADATA: mapping})
