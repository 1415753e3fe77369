"""What an environment holds: tables, relationships, rows, and who may see which secured column."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from attrs import define, field, frozen

from ..clock import SandboxClock
from .address import RowKey, Segment, row_key
from .errors import Fault, bad_query, no_row, no_segment
from .languages import Languages
from .lexer import Literal
from .metadata import Key, Table
from .relationships import Relationships
from .storage import Row, Storage
from .values import accept


@frozen
class Rights:
    """What the caller may do with a secured column (Microsoft Learn, "Column-level security").

    Attributes:
        read: May read it.
        create: May set it on a new row.
        update: May change it.
    """

    read: bool
    create: bool
    update: bool


@define
class Environment:
    """One environment.

    Attributes:
        clock: Tells the time.
        organization_id: Its organization id.
        tables: Tables by name.
        tracking_days: Days a delta link lives.
        origin: The organization id it began with: a copy keeps its rows, and what they point to.
        relationships: Relationships of the tables.
        storage: Rows.
        secured: Rights on secured columns by table and column.
        schema_version: Rises with every change of a table or column.
        schema_changed: When a table's schema last changed: older delta links are refused.
        languages: Languages, and which of them the sync user reads.
    """

    clock: SandboxClock
    organization_id: str
    tables: dict[str, Table]
    tracking_days: int
    origin: str = field(init=False)
    relationships: Relationships = field(init=False)
    storage: Storage = field(init=False)
    secured: dict[str, dict[str, Rights]] = field(factory=dict)
    schema_version: int = 63_068_270
    schema_changed: dict[str, datetime] = field(factory=dict)
    languages: Languages = field(factory=Languages)

    def __attrs_post_init__(self) -> None:
        self.origin = self.organization_id
        self.relationships = Relationships(self.tables)
        self.storage = Storage(self.tables)

    def id_of(self, what: str) -> str:
        """Return a steady id for something that every environment has once."""
        return str(uuid.uuid5(uuid.UUID(self.origin), what))

    @property
    def user_id(self) -> str:
        """The application user behind the connection."""
        return self.id_of("sync user")

    @property
    def salesperson_id(self) -> str:
        """The user who edits rows by hand."""
        return self.id_of("salesperson")

    @property
    def unit_id(self) -> str:
        """The root business unit."""
        return self.id_of("unit")

    @property
    def currency_id(self) -> str:
        """The base currency."""
        return self.id_of("EUR")

    def now(self) -> str:
        """Return the time as rows carry it."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def table_of(self, entity_set: str) -> Table:
        """Return the table of an entity set.

        Raises:
            Fault: There is none; names are case-sensitive.
        """
        found = next((table for table in self.tables.values() if table.entity_set == entity_set), None)
        if found is None:
            raise no_segment(entity_set)
        return found

    def schema_edited(self, table: str) -> None:
        """Note that a table's schema changed: its delta links are refused from now on."""
        self.schema_version += 1
        self.schema_changed[table] = self.clock.now()

    def unreadable(self, table: str) -> frozenset[str]:
        """Return wire names of secured columns that the caller may not read."""
        columns = self.tables[table].columns
        rights = self.secured.get(table, {})
        return frozenset(columns[name].wire for name, right in rights.items() if not right.read and name in columns)

    def key_of(self, table: Table, text: str) -> RowKey:
        """Return the key that stands in the brackets of an address."""
        return row_key(text, table.primary_id, named=not table.principal)

    def find(self, table: Table, key: RowKey) -> str | None:
        """Return the id of the row that a key tells, or ``None`` when there is no such row.

        Raises:
            Fault: The columns are no alternate key, or its index isn't made yet.
        """
        if key.id is not None:
            return key.id if key.id in self.storage.table(table.name) else None
        known = self.alternate_key(table, key)
        return self.storage.by_key(table, known, self.key_values(table, known, key))

    def locate(self, table: Table, key: RowKey) -> str:
        """Return the id of the row that a key tells.

        Raises:
            Fault: There is no such row.
        """
        found = self.find(table, key)
        if found is not None:
            return found
        if key.id is not None:
            raise no_row(table.name, key.id)
        raise Fault(404, "0x80060891", f"A record with the specified key values does not exist in {table.name} entity")

    def located(self, step: Segment) -> tuple[Table, str]:
        """Return the table and id of the row that an address step tells."""
        table = self.table_of(step.name)
        if step.key is None:
            raise bad_query(f"'{step.name}' names no row.")
        return table, self.locate(table, self.key_of(table, step.key))

    def row(self, table: str, row_id: str) -> Row:
        """Return a row, or raise the platform's error."""
        found = self.storage.table(table).get(row_id)
        if found is None:
            raise no_row(table, row_id)
        return found

    def alternate_key(self, table: Table, key: RowKey) -> Key:
        """Return the alternate key whose columns an address names."""
        wanted = set(key.values)
        for known in table.keys:
            if {table.columns[name].wire for name in known.columns} == wanted and known.active:
                return known
        text = f"The specified key attributes are not a defined key for the {table.name} entity"
        raise Fault(400, "0x80060890", text)

    def key_values(self, table: Table, known: Key, key: RowKey) -> tuple[object, ...]:
        """Return the values of an address in the order of a key's columns, as rows hold them."""
        return tuple(self._value(table, name, key.values) for name in known.columns)

    @staticmethod
    def _value(table: Table, name: str, values: Mapping[str, Literal]) -> object:
        column = table.columns[name]
        value = values[column.wire].value
        return value if column.is_lookup or column.type == "DateTime" else accept(table, column, value)
