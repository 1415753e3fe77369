"""Person fields: the standard ones, and custom ones a test adds.

Names are those of Adobe's page "Standard Fields"; types and lengths follow recorded describe answers where there are some, and
are plausible otherwise. A text longer than its field is refused with 1003: public material doesn't say whether Marketo cuts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from attrs import frozen

_EMAIL = re.compile(r"[!-~]+@[!-~]+\.[!-~]+")
_NUMBERS = ("integer", "score", "float", "percent", "currency")


class BadValue(Exception):  # noqa: N818  # becomes reason 1003 of one record
    """A value that its field doesn't take."""


@frozen
class PersonField:
    """One person field.

    Attributes:
        name: REST API name.
        type: Marketo ``dataType``.
        length: Longest text, or ``None``.
        updateable: Whether the API may write it.
        searchable: Whether people can be looked up by it.
        crm_managed: Whether a native CRM sync owns it.
        label: Name in the user interface.
        id: Number used in change records.
    """

    name: str
    type: str = "string"
    length: int | None = 255
    updateable: bool = True
    searchable: bool = False
    crm_managed: bool = False
    label: str = ""
    id: int = 0

    def accept(self, value: object) -> object:
        """Return what is stored for a value; ``None`` stands for empty.

        Raises:
            BadValue: The field doesn't take it.
        """
        if value is None or value == "":
            return False if self.type == "boolean" else None
        if self.type == "boolean":
            if isinstance(value, bool):
                return value
            if str(value).lower() in ("true", "false", "1", "0"):
                return str(value).lower() in ("true", "1")
            raise BadValue
        if self.type in _NUMBERS:
            return self._number(value)
        if self.type in ("date", "datetime"):
            return self._moment(str(value))
        text = value if isinstance(value, str) else str(value)
        if self.length is not None and len(text) > self.length:
            raise BadValue
        if self.type == "email" and not _EMAIL.fullmatch(text):
            raise BadValue
        return text

    def _number(self, value: object) -> object:
        if isinstance(value, bool):
            raise BadValue
        try:
            number = float(str(value))
        except ValueError:
            raise BadValue from None
        if self.type in ("integer", "score"):
            if not number.is_integer() or abs(number) > 2**31:
                raise BadValue
            return int(number)
        return int(number) if number.is_integer() else number

    def _moment(self, text: str) -> str:
        try:
            if self.type == "date":
                return date.fromisoformat(text[:10]).isoformat()
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise BadValue from None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_TEXT = (
    "address anonymousIP billingCity billingCountry billingPostalCode billingState billingStreet city company country "
    "department doNotCallReason fax firstName industry inferredCompany inferredCountry lastName leadRole leadSource leadStatus "
    "mainPhone middleName mobilePhone phone postalCode rating salutation sicCode site state title unsubscribedReason website "
    "emailInvalidCause inferredCity inferredMetropolitanArea inferredPhoneAreaCode inferredPostalCode inferredStateRegion"
)
_TYPED: Mapping[str, tuple[str, bool]] = {
    "annualRevenue": ("currency", True),
    "dateOfBirth": ("date", True),
    "doNotCall": ("boolean", True),
    "emailInvalid": ("boolean", True),
    "isAnonymous": ("boolean", False),
    "leadScore": ("integer", True),
    "numberOfEmployees": ("integer", True),
    "priority": ("integer", False),
    "relativeScore": ("integer", False),
    "urgency": ("float", False),
    "unsubscribed": ("boolean", True),
    "leadPartitionId": ("integer", False),
}
_IDS = {"id": 44, "firstName": 53, "lastName": 55, "email": 56, "createdAt": 130, "updatedAt": 131}


def standard_fields() -> dict[str, PersonField]:
    """Return the fields that every instance has."""
    fields = [
        PersonField("id", "integer", None, updateable=False, searchable=True),
        PersonField("email", "email", 255, searchable=True),
        PersonField("createdAt", "datetime", None, updateable=False),
        PersonField("updatedAt", "datetime", None, updateable=False),
        PersonField("externalCompanyId", "string", 50),
        PersonField("externalSalesPersonId", "string", 50),
    ]
    fields += [
        PersonField(name, "phone" if "Phone" in name or name in ("phone", "fax") else "string")
        for name in _TEXT.split()
    ]
    fields += [PersonField(name, kind, None, updateable=write) for name, (kind, write) in _TYPED.items()]
    return number_fields(fields)


def number_fields(fields: Iterable[PersonField]) -> dict[str, PersonField]:
    """Return fields by name, each with a number and a label."""
    numbered: dict[str, PersonField] = {}
    for position, item in enumerate(fields):
        number = item.id or _IDS.get(item.name) or 200 + position
        label = item.label or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", item.name).title()
        numbered[item.name] = PersonField(
            item.name, item.type, item.length, item.updateable, item.searchable, item.crm_managed, label, number
        )
    return numbered
