"""Person fields: the standard ones, and custom ones an instance adds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import evolve, frozen

from .standard_fields import STANDARD_FIELDS
from .values import Value, accept

#: What people can be looked up by without being a field that can be read.
FILTER_ONLY: Final = ("cookies", "sfdcLeadId", "sfdcContactId", "sfdcAccountId", "sfdcLeadOwnerId", "sfdcOpptyId")

_SEARCHED_TYPES = ("string", "email", "integer")
_DEFAULT_LENGTH = {"string": 255, "email": 255, "phone": 255, "url": 255, "text": 30_000, "reference": 255}
_FIRST_CUSTOM_ID = 795


@frozen
class PersonField:
    """One person field.

    Attributes:
        name: REST API name.
        type: Marketo ``dataType``.
        length: Longest text; ``None`` takes the usual length of the type.
        updateable: Whether the API may write it.
        searchable: Whether people can be looked up by it; custom string, email and integer fields always can.
        crm_managed: Whether a native CRM sync owns it.
        label: Name in the user interface; made from ``name`` when empty.
        id: Number used in change records; given by the instance when 0.
        custom: Whether the instance added it.
        by_api: Whether it was added by a call.
        description: What it is for.
        hidden: Whether the user interface hides it.
        html_encoded: Whether mails encode it as HTML; ``None`` takes what its type usually has.
        sensitive: Whether it is marked as sensitive.
    """

    name: str
    type: str = "string"
    length: int | None = None
    updateable: bool = True
    searchable: bool = False
    crm_managed: bool = False
    label: str = ""
    id: int = 0
    custom: bool = True
    by_api: bool = False
    description: str = ""
    hidden: bool = False
    html_encoded: bool | None = None
    sensitive: bool = False

    def accept(self, value: object) -> Value | None:
        """Return what the field keeps of a JSON value.

        Raises:
            BadValue: The field does not take it.
        """
        return accept(self.type, self.length, value)


class Fields:
    """The person fields of one instance, by REST name.

    Args:
        custom: Fields beside the standard ones.
        native_sync: Marketo's own Dynamics sync is on: it brings fields of its own, and a call may not write
            company fields. Which fields a real instance marks as managed by the CRM is not published; here only the
            sync's own are.
    """

    def __init__(self, custom: Iterable[PersonField], *, native_sync: bool) -> None:
        self.native_sync = native_sync
        self._by_name: dict[str, PersonField] = {}
        for row in STANDARD_FIELDS:
            self._add(
                PersonField(
                    row.name,
                    row.type,
                    length=row.length,
                    updateable=row.updateable,
                    searchable=row.searchable,
                    label=row.label,
                    id=row.id,
                    custom=False,
                )
            )
        if native_sync:
            for name, kind in (("microsoftType", "string"), ("microsoftIsDeleted", "boolean")):
                self._add(PersonField(name, kind, updateable=False, crm_managed=True, custom=False))
        for item in custom:
            self.add(item)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> PersonField:
        return self._by_name[name]

    def __iter__(self) -> Iterator[PersonField]:
        return iter(list(self._by_name.values()))

    def get(self, name: str) -> PersonField | None:
        """Return a field, or ``None``."""
        return self._by_name.get(name)

    def add(self, item: PersonField) -> PersonField:
        """Add a custom field and return it as the instance keeps it.

        Raises:
            ValueError: The name is taken or not a REST name.
        """
        if item.name in self._by_name:
            raise ValueError(f"person field '{item.name}' exists already")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", item.name):
            raise ValueError(f"'{item.name}' is no REST field name: letters, digits and underscores only")
        return self._add(evolve(item, searchable=item.searchable or item.type in _SEARCHED_TYPES))

    def change(self, item: PersonField) -> None:
        """Put a changed field in the place of the one with the same name."""
        self._by_name[item.name] = item

    def searchable(self) -> list[str]:
        """Return the names that people can be filtered by."""
        return [item.name for item in self if item.searchable] + list(FILTER_ONLY)

    def can_filter(self, name: str) -> bool:
        """Return whether people can be filtered by a name."""
        item = self._by_name.get(name)
        return name in FILTER_ONLY if item is None else item.searchable

    def _add(self, item: PersonField) -> PersonField:
        kept = evolve(
            item,
            length=_DEFAULT_LENGTH.get(item.type) if item.length is None else item.length,
            label=item.label or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", item.name[:1].upper() + item.name[1:]),
            id=item.id or self._free_id(),
        )
        self._by_name[kept.name] = kept
        return kept

    def _free_id(self) -> int:
        return max([_FIRST_CUSTOM_ID, *(item.id for item in self._by_name.values())]) + 1
