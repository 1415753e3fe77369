"""Tables and columns: a committed extract of Microsoft's schema documents, and what a test adds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from attrs import define, field, frozen

_NAMESPACE: Final = uuid.UUID("7c0a2f4e-4d44-4d79-9c3a-53594e430001")
#: Columns that only the platform writes, beside those that the extract marks.
_SYSTEM_READ_ONLY: Final = frozenset(
    {
        "createdon", "createdby", "createdonbehalfby", "modifiedon", "modifiedby", "modifiedonbehalfby",
        "versionnumber", "merged", "masterid", "fullname", "owninguser", "owningteam", "owningbusinessunit",
        "exchangerate", "qualifyingopportunityid",
    }
)  # fmt: skip
_NUMBERS: Final = ("Integer", "BigInt", "Decimal", "Double", "Money")
_OPTION_SETS: Final = ("Picklist", "MultiSelectPicklist", "State", "Status")
#: Lookups whose navigation property is not their logical name (Microsoft Learn, table reference pages).
_NAVIGATION: Final = {
    "slaid": "sla_{table}_sla",
    "slainvokedid": "slainvokedid_{table}_sla",
    "stageid": "stageid_processstage",
}
#: Activities: what they regard is bound by a navigation property for each table (Microsoft Learn, "Task table/entity
#: reference": ``regardingobjectid_contact_task``), and goes with it when that is deleted.
ACTIVITIES: Final = ("task",)
_PRIMARY_NAME: Final = {
    "task": "subject",
    "lead": "fullname",
    "contact": "fullname",
    "systemuser": "fullname",
    "transactioncurrency": "currencyname",
    "list": "listname",
}
#: Tables that a Dynamics 365 Sales environment has, as far as the sandbox holds them.
STANDARD: Final = (
    "lead", "contact", "account", "opportunity", "systemuser", "team", "transactioncurrency", "businessunit",
    "connection", "connectionrole",
    "campaign", "list",
)  # fmt: skip
_SCHEMA_NAME: Final = {
    "systemuser": "SystemUser",
    "transactioncurrency": "TransactionCurrency",
    "businessunit": "BusinessUnit",
    "connectionrole": "ConnectionRole",
    "listmember": "ListMember",
}
#: Tables of Dynamics 365 Sales that a connection may join, beside those of the platform's own schema documents
#: (Microsoft Learn, "Connection table/entity reference", Record1Id).
_JOINED: Final = ("lead", "opportunity")


@define
class Column:
    """One column of a table.

    Attributes:
        name: Logical name.
        type: ``AttributeType``, with ``MultiSelectPicklist`` for multi-select option sets.
        required: Required level.
        max_length: Longest text in UTF-16 units.
        minimum: Smallest number.
        maximum: Largest number.
        precision: Digits after the point.
        options: ``{"value", "label"[, "state"][, "labels"]}`` of an option set; ``labels`` by locale id.
        targets: Tables a lookup may point to.
        read_only: Values sent for it are silently ignored.
        behavior: ``UserLocal``, ``DateOnly`` or ``TimeZoneIndependent``.
        schema_name: SchemaName; custom lookups are bound by it.
        secured: Column-level security is on.
        format: ``Email``, ``Phone``, ``Url`` … of a text: told in metadata, never enforced.
        readable: ``IsValidForRead``; one that isn't can't be selected.
        display_name: What people call it.
    """

    name: str
    type: str = "String"
    required: str = "None"
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    options: list[dict[str, object]] = field(factory=list)
    targets: tuple[str, ...] = ()
    read_only: bool = False
    behavior: str = "UserLocal"
    schema_name: str = ""
    secured: bool = False
    format: str = ""
    readable: bool = True
    display_name: str = ""

    @property
    def is_lookup(self) -> bool:
        """Whether it points to a row."""
        return self.type in ("Lookup", "Customer", "Owner")

    @property
    def is_number(self) -> bool:
        """Whether it holds a number, not that of an option."""
        return self.type in _NUMBERS

    @property
    def is_option_set(self) -> bool:
        """Whether it holds numbers of options."""
        return self.type in _OPTION_SETS

    @property
    def is_custom(self) -> bool:
        """Whether somebody added it: such columns have a SchemaName of their own."""
        return bool(self.schema_name)

    @property
    def wire(self) -> str:
        """Name by which it is read."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    def navigation(self, target: str, table: str = "") -> str:
        """Return the navigation property that binds it to a table.

        Source: Microsoft Learn, "Web API navigation properties": the logical name, for custom columns the
        SchemaName, and for a column with several targets one property for each.
        """
        base = self.schema_name or self.name
        if base == "regardingobjectid" and table in ACTIVITIES:
            return f"{base}_{target}_{table}"
        if base in _NAVIGATION:
            return _NAVIGATION[base].format(table=table)
        if self.type == "Owner" or len(self.targets) == 1:
            return base
        return f"{base}_{target}"


@frozen
class Key:
    """An alternate key.

    Attributes:
        name: Logical name.
        columns: Its columns.
        active: Whether its index is made; until then it can't be used.
        schema_name: SchemaName.
    """

    name: str
    columns: tuple[str, ...]
    active: bool = True
    schema_name: str = ""


@frozen
class Shape:
    """What follows from a table's columns, worked out once.

    Attributes:
        by_wire: Columns by the name they are read by.
        navigation: Column and target table (``""``: any of its targets) by navigation property.
        defaults: What a new row starts with.
        money: Money columns that have a base amount.
        states: State of each status code.
    """

    by_wire: dict[str, Column]
    navigation: dict[str, tuple[Column, str]]
    defaults: dict[str, object]
    money: tuple[str, ...]
    states: dict[object, object]


@define
class Table:
    """One table.

    Attributes:
        name: Logical name.
        entity_set: Name in URLs.
        primary_id: Column that identifies a row.
        columns: Columns by name.
        tracked: Whether change tracking is on.
        guarded: Whether optimistic concurrency is on.
        keys: Alternate keys.
        schema_name: SchemaName of a table that somebody added.
        name_column: Column that names a row, where it isn't the usual one.
        display_name: What people call it.
        intersect: Whether it stands behind a many-to-many relationship.
    """

    name: str
    entity_set: str
    primary_id: str
    columns: dict[str, Column]
    tracked: bool = True
    guarded: bool = True
    keys: list[Key] = field(factory=list)
    schema_name: str = ""
    name_column: str = ""
    display_name: str = ""
    intersect: bool = False
    _shape: Shape | None = field(default=None, init=False, repr=False, eq=False)
    _shaped: list[int] = field(factory=list, init=False, repr=False, eq=False)

    @property
    def metadata_id(self) -> str:
        """A steady id for the table."""
        return str(uuid.uuid5(_NAMESPACE, self.name))

    @property
    def primary_name(self) -> str:
        """Column that names a row for people."""
        return self.name_column or _PRIMARY_NAME.get(self.name, "name")

    @property
    def is_custom(self) -> bool:
        """Whether somebody added it."""
        return bool(self.schema_name)

    @property
    def schema(self) -> str:
        """SchemaName."""
        return self.schema_name or _SCHEMA_NAME.get(self.name, self.name.capitalize())

    @property
    def principal(self) -> bool:
        """Whether it is a kind of principal: its key is ``ownerid`` then (Microsoft Learn, "EntityTypes")."""
        return self.name in ("systemuser", "team")

    def column_id(self, column: str) -> str:
        """Return a steady id for a column."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.name}.{column}"))

    @property
    def shape(self) -> Shape:
        """What follows from the columns as they are now."""
        mark = list(map(id, self.columns.values()))
        if self._shape is None or mark != self._shaped:
            self._shape, self._shaped = self._worked_out(), mark
        return self._shape

    def by_wire(self) -> dict[str, Column]:
        """Return columns by the name they are read by."""
        return self.shape.by_wire

    def _worked_out(self) -> Shape:
        columns = self.columns.values()
        navigation: dict[str, tuple[Column, str]] = {}
        for column in columns:
            if column.is_lookup:
                for target in column.targets:
                    several = column.type == "Owner" and len(column.targets) > 1
                    navigation[column.navigation(target, self.name)] = (column, "" if several else target)
        defaults: dict[str, object] = {}
        for column in columns:
            if column.type == "Boolean":
                defaults[column.name] = column.name == "followemail"
            elif column.type in ("State", "Status") and column.options:
                defaults[column.name] = column.options[0]["value"]
        status = self.columns.get("statuscode")
        return Shape(
            {column.wire: column for column in columns},
            navigation,
            defaults,
            tuple(c.name for c in columns if c.type == "Money" and f"{c.name}_base" in self.columns),
            {option["value"]: option.get("state") for option in status.options} if status else {},
        )


def translations(option: Mapping[str, object]) -> dict[int, str]:
    """Return the labels of an option in other languages than the base language, by locale id."""
    labels = option.get("labels")
    return {int(code): str(text) for code, text in labels.items()} if isinstance(labels, Mapping) else {}


@cache
def _extract() -> Mapping[str, object]:
    text = files("marketo_dynamics_sync.sandbox.dataverse").joinpath("tables.json").read_text(encoding="utf-8")
    data = json.loads(text)
    assert isinstance(data, dict), "the committed file is an object"
    return data


def standard_tables(names: Iterable[str]) -> dict[str, Table]:
    """Return tables of the extract.

    Raises:
        ValueError: The extract has no such table.
    """
    tables: dict[str, Table] = {}
    known = _extract()
    for name in names:
        raw = known.get(name)
        if not isinstance(raw, dict):
            raise ValueError(f"the sandbox has no table {name!r}; it has {sorted(set(known) - {'source'})}")
        columns = {column: _column(column, data) for column, data in raw["columns"].items()}
        tables[name] = Table(name, raw["entity_set"], raw["primary_id"], columns)
    if "connection" in tables:
        for name in ("record1id", "record2id"):
            tables["connection"].columns[name].targets += _JOINED
    if "systemuser" in tables:
        object_id = Key("azureactivedirectoryobjectid", ("azureactivedirectoryobjectid",))
        tables["systemuser"].keys.append(object_id)
    if "team" in tables:
        # The schema documents are older than teams of groups (Microsoft Learn, "Team table/entity reference").
        kinds = ((2, "Security Group"), (3, "Office Group"))
        tables["team"].columns["teamtype"].options += [{"value": value, "label": label} for value, label in kinds]
    return tables


def _column(name: str, data: Mapping[str, object]) -> Column:
    kind = str(data["type"])
    precision = data.get("precision")
    options = data.get("options")
    targets = data.get("targets")
    automatic = name in _SYSTEM_READ_ONLY or name.endswith(("_base", "_composite"))
    usual = {"Money": 2, "Decimal": 10 if name == "exchangerate" else 2, "Double": 5}.get(kind)
    return Column(
        name,
        kind,
        str(data.get("required", "None")),
        _int(data.get("max_length")),
        _float(data.get("min")),
        _float(data.get("max")),
        int(str(precision)) if precision is not None else usual,
        [dict(option) for option in options] if isinstance(options, list) else [],
        tuple(targets) if isinstance(targets, list) else (),
        bool(data.get("read_only")) or automatic,
        str(data.get("behavior", "UserLocal")),
        format=str(data.get("format", "")),
    )


def _int(value: object) -> int | None:
    return int(str(value)) if value is not None else None


def _float(value: object) -> float | None:
    return float(str(value)) if value is not None else None
