"""Which Marketo object an entity lives in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ..errors import MappingError

#: Marketo lets a custom object have this many dedupe fields (Adobe, "Add Marketo Custom Object Fields").
MOST_DEDUPE_FIELDS = 3


#: Marketo's own objects beside persons, and the fields their records are told apart by (Adobe, "Companies", "Sales
#: Persons", "Opportunities").
STANDARD_OBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "company": ("externalCompanyId",),
    "salesperson": ("externalSalesPersonId",),
    "opportunity": ("externalOpportunityId",),
    "opportunityRole": ("externalOpportunityId", "leadId", "role"),
}


@frozen
class MarketoObject:
    """A Marketo object and how its records are found.

    Attributes:
        name: ``"person"``, one of ``STANDARD_OBJECTS``, or the API name of a custom object.
        dedupe: Fields that records are told apart by, as REST API names; empty for persons.
    """

    name: str
    dedupe: tuple[str, ...] = ()

    @property
    def is_person(self) -> bool:
        """Whether this is Marketo's one type of person."""
        return self.name == "person"

    @property
    def is_custom(self) -> bool:
        """Whether this is a custom object."""
        return not self.is_person and self.name not in STANDARD_OBJECTS


def person() -> MarketoObject:
    """Say that an entity lives in Marketo's person (lead) table."""
    return MarketoObject("person")


def company() -> MarketoObject:
    """Say that an entity lives in Marketo's companies."""
    return _standard("company")


def sales_person() -> MarketoObject:
    """Say that an entity lives in Marketo's sales persons."""
    return _standard("salesperson")


def opportunity() -> MarketoObject:
    """Say that an entity lives in Marketo's opportunities."""
    return _standard("opportunity")


def opportunity_role() -> MarketoObject:
    """Say that an entity lives in Marketo's opportunity roles: which person takes part in which opportunity."""
    return _standard("opportunityRole")


def _standard(name: str) -> MarketoObject:
    return MarketoObject(name, STANDARD_OBJECTS[name])


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
