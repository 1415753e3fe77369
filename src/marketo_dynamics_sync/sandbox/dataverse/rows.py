"""Rows of all tables: versions from one rising counter, deletions kept for change tracking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import frozen

from ..clock import SandboxClock
from .errors import Fault, no_row, unknown_property
from .metadata import Column, Table
from .values import accept, guid

#: Sees or changes a row before it is saved; may raise a :class:`Fault` to refuse it.
Rule = Callable[[dict[str, object], "dict[str, object] | None"], None]


@frozen
class Tombstone:
    """A deleted row.

    Attributes:
        id: Its id.
        version: Version at which it was deleted.
        at: When (UTC).
    """

    id: str
    version: int
    at: datetime


class Rows:
    """Rows by table and id, stored under wire names (``_x_value`` for lookups), without nulls."""

    def __init__(self, clock: SandboxClock, tables: dict[str, Table], user: str, currency: str) -> None:
        self._clock = clock
        self.tables = tables
        self._user = user
        self._currency = currency
        self._rows: dict[str, dict[str, dict[str, object]]] = {name: {} for name in tables}
        self.tombstones: dict[str, list[Tombstone]] = {name: [] for name in tables}
        self.rules: dict[str, list[Rule]] = {}
        self.version = 8_800_000

    def table(self, name: str) -> dict[str, dict[str, object]]:
        """Return a table's rows by id."""
        return self._rows[name]

    def get(self, table: str, row: str) -> dict[str, object]:
        """Return a row, or raise the platform's error."""
        found = self._rows[table].get(row)
        if found is None:
            raise no_row(table, row)
        return found

    def create(self, table: Table, payload: Mapping[str, object], *, by: str | None = None) -> str:
        """Make a row from a payload and return its id."""
        values = self._read(table, payload, creating=True)
        row_id = guid(values.pop(table.primary_id, None) or uuid.uuid4())
        if row_id in self._rows[table.name]:
            raise Fault(412, "0x80040237", "A record with matching key values already exists.")
        now = self._stamp()
        user = by or self._user
        row: dict[str, object] = {
            table.primary_id: row_id,
            "createdon": now,
            "modifiedon": now,
            "_createdby_value": user,
            "_modifiedby_value": user,
            "_ownerid_value": user,
        }
        row |= self._defaults(table)
        row |= {name: value for name, value in values.items() if value is not None}
        self._save(table, row_id, row, None)
        return row_id

    def update(self, table: Table, row_id: str, payload: Mapping[str, object], *, by: str | None = None) -> None:
        """Change a row."""
        old = self.get(table.name, row_id)
        values = self._read(table, payload, creating=False)
        values.pop(table.primary_id, None)
        row = dict(old)
        for name, value in values.items():
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value
        row["modifiedon"] = self._stamp()
        row["_modifiedby_value"] = by or self._user
        self._save(table, row_id, row, old)

    def delete(self, table: Table, row_id: str) -> None:
        """Delete a row."""
        self.get(table.name, row_id)
        del self._rows[table.name][row_id]
        self.version += 1
        self.tombstones[table.name].append(Tombstone(row_id, self.version, self._clock.now()))

    def force(self, table: str, row_id: str, **wire: object) -> None:
        """Set columns that a caller can't write, as the platform does."""
        row = self.get(table, row_id)
        row.update(wire)
        row["modifiedon"] = self._stamp()
        self.version += 1
        row["versionnumber"] = self.version

    def _save(self, table: Table, row_id: str, row: dict[str, object], old: dict[str, object] | None) -> None:
        for rule in self.rules.get(table.name, []):
            rule(row, old)
        self._state(table, row, old)
        if table.name in ("lead", "contact"):
            names = [str(row[part]) for part in ("firstname", "middlename", "lastname") if row.get(part)]
            row["fullname"] = " ".join(names)
        for name in [name for name in row if name.endswith("_base")]:
            if name.removesuffix("_base") not in row:
                del row[name]
        for column in table.columns.values():
            if column.type == "Money" and f"{column.name}_base" in table.columns and column.name in row:
                row[f"{column.name}_base"] = row[column.name]
                row.setdefault("_transactioncurrencyid_value", self._currency)
        self.version += 1
        row["versionnumber"] = self.version
        self._rows[table.name][row_id] = row

    def _state(self, table: Table, row: dict[str, object], old: dict[str, object] | None) -> None:
        status = table.columns.get("statuscode")
        if status is None or "statecode" not in table.columns:
            return
        states = {option["value"]: option.get("state") for option in status.options}
        fits = states.get(row.get("statuscode")) == row.get("statecode")
        if fits:
            return
        moved = old is not None and old.get("statecode") != row.get("statecode")
        same_status = old is not None and old.get("statuscode") == row.get("statuscode")
        if moved and same_status:
            row["statuscode"] = next(value for value, state in states.items() if state == row["statecode"])
            return
        raise Fault(
            400,
            "0x80048408",
            f"{row.get('statuscode')} is not a valid status code for state code {row.get('statecode')} on "
            f"{table.name}.",
        )

    def _defaults(self, table: Table) -> dict[str, object]:
        found: dict[str, object] = {}
        for column in table.columns.values():
            if column.type == "Boolean":
                found[column.name] = False
            elif column.type == "State" or column.type == "Status":
                found[column.name] = column.options[0]["value"]
        return found

    def _read(self, table: Table, payload: Mapping[str, object], *, creating: bool) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, raw in payload.items():
            if name.startswith("@odata") or "@OData" in name or "@Microsoft" in name:
                continue
            if name.endswith("@odata.bind"):
                values |= self._bound(table, name.removesuffix("@odata.bind"), raw)
                continue
            column = table.columns.get(name)
            if column is None:
                if name in table.by_wire():
                    continue  # Writing _x_value sets nothing.
                raise unknown_property(name, table.name)
            if column.is_lookup:
                if raw is None:
                    values[column.wire] = None
                continue
            if column.read_only or (name == table.primary_id and not creating):
                continue
            values[name] = accept(table, column, raw)
        return values

    def _bound(self, table: Table, navigation: str, raw: object) -> dict[str, object]:
        for column in table.columns.values():
            for target in column.targets:
                if column.is_lookup and column.navigation(target) == navigation:
                    return self._bind(column, target, raw)
        raise Fault(
            400,
            "0x80048d19",
            f"Error identified in Payload provided by the user for Entity :'{table.entity_set}', For more "
            "information on this "
            f"error please follow this help link. An undeclared property '{navigation}' which only has property "
            "annotations in "
            "the payload but no property value was found in the payload.",
        )

    def _bind(self, column: Column, target: str, raw: object) -> dict[str, object]:
        if raw is None:
            return {column.wire: None}
        text = str(raw).rstrip(")")
        entity_set, _, row = text.rpartition("(")
        name = entity_set.rsplit("/", 1)[-1]
        found = next((t.name for t in self.tables.values() if t.entity_set == name), target)
        row_id = guid(row)
        self.get(found, row_id)
        return {column.wire: row_id, f"{column.wire}!": found}

    def _stamp(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
