"""Tables and columns: a committed extract of Microsoft's schema documents, and what a test adds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from attrs import define, field

_NAMESPACE: Final = uuid.UUID("7c0a2f4e-4d44-4d79-9c3a-53594e430001")
_SYSTEM_READ_ONLY: Final = frozenset({"createdon", "modifiedon", "versionnumber", "merged", "masterid", "fullname"})


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
        options: ``{"value", "label"[, "state"]}`` of an option set.
        targets: Tables a lookup may point to.
        read_only: Values sent for it are silently ignored.
        behavior: ``UserLocal``, ``DateOnly`` or ``TimeZoneIndependent``.
        schema_name: SchemaName; custom lookups are bound by it.
        secured: Column-level security is on.
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

    @property
    def is_lookup(self) -> bool:
        """Whether it points to a row."""
        return self.type in ("Lookup", "Customer", "Owner")

    @property
    def wire(self) -> str:
        """Name by which it is read."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    def navigation(self, target: str) -> str:
        """Return the navigation property that binds it to a table."""
        base = self.schema_name or self.name
        if self.type == "Owner" or len(self.targets) == 1:
            return base
        return f"{base}_{target}"


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
    """

    name: str
    entity_set: str
    primary_id: str
    columns: dict[str, Column]
    tracked: bool = True
    guarded: bool = True

    @property
    def metadata_id(self) -> str:
        """A steady id for the table."""
        return str(uuid.uuid5(_NAMESPACE, self.name))

    def column_id(self, column: str) -> str:
        """Return a steady id for a column."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.name}.{column}"))

    def by_wire(self) -> dict[str, Column]:
        """Return columns by the name they are read by."""
        return {column.wire: column for column in self.columns.values()}


@cache
def _extract() -> Mapping[str, object]:
    text = files("marketo_dynamics_sync.sandbox.dataverse").joinpath("tables.json").read_text(encoding="utf-8")
    data = json.loads(text)
    assert isinstance(data, dict), "the committed file is an object"
    return data


def standard_tables(untracked: Iterable[str] = ()) -> dict[str, Table]:
    """Return the tables of the extract."""
    off = set(untracked)
    tables: dict[str, Table] = {}
    for name, raw in _extract().items():
        if not isinstance(raw, dict):
            continue
        columns = {column: _column(column, data) for column, data in raw["columns"].items()}
        tables[name] = Table(name, raw["entity_set"], raw["primary_id"], columns, tracked=name not in off)
    return tables


def _column(name: str, data: Mapping[str, object]) -> Column:
    kind = str(data["type"])
    precision = data.get("precision")
    options = data.get("options")
    targets = data.get("targets")
    return Column(
        name,
        kind,
        str(data.get("required", "None")),
        _int(data.get("max_length")),
        _float(data.get("min")),
        _float(data.get("max")),
        int(str(precision)) if precision is not None else (2 if kind in ("Money", "Decimal", "Double") else None),
        list(options) if isinstance(options, list) else [],
        tuple(targets) if isinstance(targets, list) else (),
        bool(data.get("read_only")) or name in _SYSTEM_READ_ONLY,
        str(data.get("behavior", "UserLocal")),
    )


def _int(value: object) -> int | None:
    return int(str(value)) if value is not None else None


def _float(value: object) -> float | None:
    return float(str(value)) if value is not None else None
