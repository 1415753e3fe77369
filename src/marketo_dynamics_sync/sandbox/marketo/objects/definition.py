"""What an object of the lead database looks like: its keys and fields (Adobe, "Lead Database", "Describe")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attrs import define, evolve, field, frozen

from ..envelope import Answer
from ..values import Value, accept

_LENGTHS: Final = {"string": 255, "email": 255, "phone": 255, "url": 255, "text": 2000}
_TEXTS: Final = frozenset({"string", "email", "phone", "url", "text"})
_SEARCHED: Final = ("string", "integer")


@frozen
class Link:
    """What a link field of a custom object points to.

    Attributes:
        object: ``"lead"``, ``"company"`` or the API name of a custom object.
        field: Field of that object whose value the link holds.
    """

    object: str
    field: str


@frozen
class ObjectField:
    """One field of an object.

    Attributes:
        name: REST API name.
        type: Marketo ``dataType``; a field with a ``link`` has the type of the field it points to.
        length: Longest text; ``None`` takes the usual length of the type.
        updateable: Whether it can be changed once the record exists. One that cannot may still be given at creation.
        label: Name in the user interface; made from ``name`` when empty.
        system: Whether only the service itself writes it.
        custom: Whether the instance added it.
        dedupe: Whether it is part of the key of a custom object.
        link: What it points to.
        description: What it is for.
    """

    name: str
    type: str = "string"
    length: int | None = None
    updateable: bool = True
    label: str = ""
    system: bool = False
    custom: bool = True
    dedupe: bool = False
    link: Link | None = None
    description: str = ""

    def accept(self, value: object) -> Value | None:
        """Return what the field keeps of a JSON value.

        Raises:
            BadValue: The field does not take it.
        """
        return accept(self.type, self.length, value)

    def described(self) -> Answer:
        """Return the field as describe calls show it."""
        shown: Answer = {"name": self.name, "displayName": self.label, "dataType": self.type}
        if self.length is not None:
            shown["length"] = self.length
        return {**shown, "updateable": self.updateable}

    def listed(self) -> Answer:
        """Return the field as the schema calls show it (Adobe, "Companies", "Query Fields")."""
        shown: Answer = {
            "displayName": self.label,
            "name": self.name,
            "description": self.description or None,
            "dataType": self.type,
        }
        if self.length is not None:
            shown["length"] = self.length
        return {
            **shown,
            "isHidden": False,
            "isHtmlEncodingInEmail": self.type in _TEXTS,
            "isSensitive": False,
            "isCustom": self.custom,
            "isApiCreated": False,
        }


def completed(item: ObjectField) -> ObjectField:
    """Return a field with the length and label that it has when none is given."""
    length = _LENGTHS.get(item.type) if item.length is None else item.length
    label = item.label or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", item.name[:1].upper() + item.name[1:])
    return evolve(item, length=length, label=label)


@define
class ObjectType:
    """One kind of object.

    Attributes:
        name: As describe calls name it.
        label: Name in the user interface.
        id_field: The field that the service numbers records by.
        dedupe: The key that clients give.
        searchable: What records can be looked up by; a group of several is a compound key.
        fields: The fields, by name.
        description: What it is for.
        required: Fields that may never be empty.
        relationships: Links to other objects, as describe calls show them.
        not_found: The service's words for a record that is not there.
    """

    name: str
    label: str
    id_field: str
    dedupe: tuple[str, ...]
    searchable: tuple[tuple[str, ...], ...]
    fields: dict[str, ObjectField]
    description: str = ""
    required: tuple[str, ...] = ()
    relationships: list[Answer] = field(factory=list)
    not_found: str = "Record not found"

    def add(self, item: ObjectField) -> ObjectField:
        """Add a field; custom text and integer fields can be searched (Adobe, "Opportunities", "Query").

        Raises:
            ValueError: The name is taken or not a REST name.
        """
        if item.name in self.fields:
            raise ValueError(f"field '{item.name}' of {self.name} exists already")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", item.name):
            raise ValueError(f"'{item.name}' is no REST field name: letters, digits and underscores only")
        kept = self.fields[item.name] = completed(item)
        if kept.type in _SEARCHED:
            self.searchable += ((kept.name,),)
        return kept

    def spelt(self, name: str) -> str | None:
        """Return a field's name as it is spelt, whatever the letter case asked for, or ``None``.

        Adobe's own examples ask for ``marketoGuid`` where the field is ``marketoGUID``.
        """
        if name in self.fields:
            return name
        return next((known for known in self.fields if known.lower() == name.lower()), None)

    def lookup(self, kind: str) -> tuple[str, ...] | None:
        """Return the fields that a ``filterType`` stands for, or ``None`` when it cannot be searched."""
        if kind == "dedupeFields":
            return self.dedupe
        if kind in ("idField", "idFields"):
            return (self.id_field,)
        name = self.spelt(kind)
        return (name,) if name is not None and (name,) in self.searchable else None


def by_name(fields: Iterable[ObjectField]) -> dict[str, ObjectField]:
    """Return completed fields by their names."""
    return {item.name: completed(item) for item in fields}
