"""Which Marketo object an entity lives in."""

from __future__ import annotations

from attrs import frozen

from ..errors import MappingError

#: Marketo lets a custom object have this many dedupe fields (Adobe, "Add Marketo Custom Object Fields").
MOST_DEDUPE_FIELDS = 3


@frozen
class MarketoObject:
    """A Marketo object and how its records are found.

    Attributes:
        name: ``"person"``, or the API name of a custom object.
        dedupe: Dedupe fields of a custom object, as REST API names; empty for persons.
    """

    name: str
    dedupe: tuple[str, ...] = ()

    @property
    def is_person(self) -> bool:
        """Whether this is Marketo's one type of person."""
        return self.name == "person"


def person() -> MarketoObject:
    """Say that an entity lives in Marketo's person (lead) table."""
    return MarketoObject("person")


def custom_object(name: str, *, dedupe: str | tuple[str, ...]) -> MarketoObject:
    """Say that an entity lives in a Marketo custom object.

    Args:
        name: API name, such as ``"event_c"``.
        dedupe: The field or fields Marketo tells its records apart by, one to three.

    Raises:
        MappingError: No dedupe field, or more than Marketo takes.
    """
    fields = (dedupe,) if isinstance(dedupe, str) else tuple(dedupe)
    if not 1 <= len(fields) <= MOST_DEDUPE_FIELDS:
        raise MappingError(
            f"custom_object({name!r}) names {len(fields)} dedupe fields; Marketo takes one to {MOST_DEDUPE_FIELDS}"
        )
    return MarketoObject(name, fields)
