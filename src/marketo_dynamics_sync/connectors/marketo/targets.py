"""Where each Marketo object is reached, which rights it needs, and in which order objects are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from attrs import frozen

from ...entities import MarketoObject

#: The field that people, companies and opportunities name their owner by.
OWNER: Final = "externalSalesPersonId"
#: The field that people and opportunities name their company by.
COMPANY: Final = "externalCompanyId"


@frozen
class Target:
    """One Marketo object as the REST API has it.

    Attributes:
        name: Its name, as in :class:`~marketo_dynamics_sync.entities.MarketoObject`.
        path: Path of its calls, without ``.json``.
        words: What its records are called in messages.
        right: Name of the permission, behind "Read-Only" and "Read-Write".
        seconds: How long the service works on a write at most; who gives up earlier doesn't know what was done.
        rank: Its place in the order of writing: what is linked to comes first.
        id_field: The field that the service numbers its records by.
        crm_owned: Whether a native CRM sync, while it is connected, keeps others from writing it.
    """

    name: str
    path: str
    words: str
    right: str
    seconds: float
    rank: int
    id_field: str = "marketoGUID"
    crm_owned: bool = False

    @property
    def reads(self) -> str:
        """The permission that reading needs."""
        return f"Read-Only {self.right}"

    @property
    def writes(self) -> str:
        """The permission that writing needs."""
        return f"Read-Write {self.right}"

    @property
    def is_person(self) -> bool:
        """Whether it is Marketo's one type of person."""
        return self.name == "person"

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom object."""
        return self.rank == _CUSTOM


_CUSTOM: Final = 5
#: Seconds are those of Adobe, "Error Codes" (604); rights those of "Custom Services", "Permissions".
PERSON: Final = Target("person", "/rest/v1/leads", "persons", "Lead", 90.0, 2, "id")
SALES_PERSON: Final = Target(
    "salesperson", "/rest/v1/salespersons", "sales persons", "Sales Person", 60.0, 0, "id", crm_owned=True
)
_OPPORTUNITIES: Final = "/rest/v1/opportunities"
_STANDARD: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        SALES_PERSON,
        Target("company", "/rest/v1/companies", "companies", "Company", 60.0, 1, "id", crm_owned=True),
        PERSON,
        Target("opportunity", _OPPORTUNITIES, "opportunities", "Opportunity", 60.0, 3, crm_owned=True),
        Target(
            "opportunityRole", f"{_OPPORTUNITIES}/roles", "opportunity roles", "Opportunity", 60.0, 4, crm_owned=True
        ),
    )
}


def target_of(item: MarketoObject) -> Target:
    """Return how an object is reached."""
    found = _STANDARD.get(item.name)
    if found is not None:
        return found
    path = f"/rest/v1/customobjects/{quote(item.name, safe='')}"
    return Target(item.name, path, f"records of {item.name!r}", "Custom Object", 120.0, _CUSTOM)
