"""What a service says about an object and its fields: the common form of both services' metadata."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class Option:
    """One choice of an option set.

    Attributes:
        value: The number that Dataverse stores.
        label: What people see.
        state: For a status reason: the state it belongs to.
        aliases: What people see in other languages.
    """

    value: int
    label: str
    state: int | None = None
    aliases: tuple[str, ...] = ()


@frozen
class FieldInfo:
    """One column of a Dataverse table or one field of a Marketo object, as the service describes it.

    Attributes:
        name: Logical name in Dataverse, REST API name in Marketo.
        type: The service's own type word: Dataverse ``AttributeType`` (``"String"``, ``"Picklist"``, ``"Lookup"``, with
            ``"MultiSelectPicklist"`` for multi-select), Marketo ``dataType`` (``"string"``, ``"currency"``).
        readable: Whether the sync user can read it.
        creatable: Whether it can be given when a record is created.
        updatable: Whether it can be changed later.
        required: Dataverse required level: ``"None"``, ``"Recommended"``, ``"ApplicationRequired"``,
            ``"SystemRequired"``.
        max_length: Longest text. Dataverse counts UTF-16 units, Marketo characters.
        minimum: Smallest number.
        maximum: Largest number.
        precision: Digits after the point that are stored.
        behavior: Dataverse date behaviour: ``"UserLocal"``, ``"DateOnly"``, ``"TimeZoneIndependent"``.
        options: Choices of an option set.
        targets: Tables that a lookup may point to (logical names).
        navigation: Navigation property to write for each target table.
        entity_sets: Entity set name of each target table, where it is not the logical name with an ``s``.
        searchable: Whether Marketo can look records up by it.
        former: Labels that options had before, with their numbers: what Marketo still holds of them stays readable.
    """

    name: str
    type: str
    readable: bool = True
    creatable: bool = True
    updatable: bool = True
    required: str = "None"
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    behavior: str | None = None
    options: tuple[Option, ...] = ()
    targets: tuple[str, ...] = ()
    navigation: Mapping[str, str] = field(factory=dict)
    entity_sets: Mapping[str, str] = field(factory=dict)
    searchable: bool = False
    former: Mapping[str, int] = field(factory=dict)


@frozen
class ObjectInfo:
    """A Dataverse table or a Marketo object, as the service describes it.

    Attributes:
        name: Logical name of the table (``"lead"``), or name of the Marketo object (``"person"``).
        fields: Its fields by name.
        entity_set: Entity set name used in Dataverse URLs (``"leads"``); empty for Marketo.
        primary_id: Name of the field that identifies a record (``"leadid"``, ``"id"``).
        tracked: Whether the service can say what changed since a point (Dataverse change tracking).
        guarded: Whether a write can be refused when somebody else wrote first (``If-Match``).
        closed: Why no record of it can be written, in words; "" where nothing keeps it closed.
        language: Locale id of the labels of options, where one was asked for.
    """

    name: str
    fields: Mapping[str, FieldInfo]
    entity_set: str = ""
    primary_id: str = "id"
    tracked: bool = True
    guarded: bool = False
    closed: str = ""
    language: int | None = None
