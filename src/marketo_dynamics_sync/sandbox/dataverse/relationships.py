"""Relationships between tables, with the navigation properties on both ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from .metadata import ACTIVITIES, Column, Table

_NAMESPACE: Final = uuid.UUID("7c0a2f4e-4d44-4d79-9c3a-53594e430002")
#: Relationships of the standard tables by table, lookup and target (Microsoft Learn, table reference pages:
#: *Many-to-one relationships*). Those of lookups that only the platform writes are left out.
_STANDARD: Final[Mapping[tuple[str, str, str], str]] = {
    ("account", "masterid", "account"): "account_master_account",
    ("account", "originatingleadid", "lead"): "account_originating_lead",
    ("account", "parentaccountid", "account"): "account_parent_account",
    ("account", "primarycontactid", "contact"): "account_primary_contact",
    ("account", "owninguser", "systemuser"): "user_accounts",
    ("contact", "masterid", "contact"): "contact_master_contact",
    ("contact", "originatingleadid", "lead"): "contact_originating_lead",
    ("contact", "parentcustomerid", "account"): "contact_customer_accounts",
    ("contact", "parentcustomerid", "contact"): "contact_customer_contacts",
    ("contact", "owninguser", "systemuser"): "contact_owning_user",
    ("lead", "customerid", "account"): "lead_customer_accounts",
    ("lead", "customerid", "contact"): "lead_customer_contacts",
    ("lead", "masterid", "lead"): "lead_master_lead",
    ("lead", "parentaccountid", "account"): "lead_parent_account",
    ("lead", "parentcontactid", "contact"): "lead_parent_contact",
    ("lead", "owninguser", "systemuser"): "lead_owning_user",
    ("opportunity", "customerid", "account"): "opportunity_customer_accounts",
    ("opportunity", "customerid", "contact"): "opportunity_customer_contacts",
    ("opportunity", "originatingleadid", "lead"): "opportunity_originating_lead",
    ("opportunity", "parentaccountid", "account"): "opportunity_parent_account",
    ("opportunity", "parentcontactid", "contact"): "opportunity_parent_contact",
    ("opportunity", "owninguser", "systemuser"): "opportunity_owning_user",
    ("task", "regardingobjectid", "account"): "Account_Tasks",
    ("task", "regardingobjectid", "contact"): "Contact_Tasks",
    ("task", "regardingobjectid", "lead"): "Lead_Tasks",
    ("task", "regardingobjectid", "opportunity"): "Opportunity_Tasks",
    ("task", "owninguser", "systemuser"): "user_task",
}

#: Ends of a connection: it goes with the row at either.
_JOINS: Final = ("record1id", "record2id")


@frozen
class OneToMany:
    """A lookup column seen as a relationship.

    Attributes:
        name: SchemaName.
        table: Table that has the lookup.
        column: The lookup.
        target: Table that it points to.
        single: Navigation property from the row that points.
        many: Navigation property from the row that is pointed to.
        cascade_delete: What happens to rows that point to a deleted one.
    """

    name: str
    table: str
    column: str
    target: str
    single: str
    many: str
    cascade_delete: str = "RemoveLink"

    @property
    def id(self) -> str:
        """A steady MetadataId."""
        return str(uuid.uuid5(_NAMESPACE, self.name))


@frozen
class ManyToMany:
    """A relationship through an intersect table.

    Attributes:
        name: SchemaName.
        first: One table.
        second: The other table.
        first_navigation: Navigation property of the first table's rows.
        second_navigation: Navigation property of the second table's rows.
        intersect: Logical name of the table between them.
    """

    name: str
    first: str
    second: str
    first_navigation: str
    second_navigation: str
    intersect: str

    @property
    def id(self) -> str:
        """A steady MetadataId."""
        return str(uuid.uuid5(_NAMESPACE, self.name))


#: The membership of users in teams (Microsoft Learn, team table reference).
MEMBERSHIP: Final = ManyToMany(
    "teammembership_association",
    "team",
    "systemuser",
    "teammembership_association",
    "teammembership_association",
    "teammembership",
)


class Relationships:
    """The relationships of an environment: those of its lookups, and those that were added.

    Args:
        tables: Tables by name; looked at each time, since tests change them.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self.added: dict[tuple[str, str, str], OneToMany] = {}
        self.crossing: list[ManyToMany] = [MEMBERSHIP] if {"team", "systemuser"} <= tables.keys() else []

    def of(self, table: Table) -> list[OneToMany]:
        """Return the relationships of a table's lookups."""
        return [found for column in table.columns.values() if column.is_lookup for found in self._of(table, column)]

    def to(self, target: str) -> list[OneToMany]:
        """Return the relationships in which a table is pointed to."""
        return [found for table in self._tables.values() for found in self.of(table) if found.target == target]

    def all(self) -> Iterable[OneToMany]:
        """Return every one-to-many relationship."""
        return [found for table in self._tables.values() for found in self.of(table)]

    def many(self, target: str, navigation: str) -> OneToMany | None:
        """Return the relationship that a collection-valued navigation property of a table stands for."""
        return next((found for found in self.to(target) if found.many == navigation), None)

    def cross(self, table: str, navigation: str) -> tuple[ManyToMany, bool] | None:
        """Return a many-to-many relationship by its navigation property, and whether the table is its first."""
        for found in self.crossing:
            if found.first == table and found.first_navigation == navigation:
                return found, True
            if found.second == table and found.second_navigation == navigation:
                return found, False
        return None

    def _of(self, table: Table, column: Column) -> list[OneToMany]:
        found = []
        for target in column.targets:
            key = (table.name, column.name, target)
            added = self.added.get(key)
            name = _STANDARD.get(key, f"{target}_{table.name}_{column.schema_name}" if column.is_custom else "")
            if added is not None:
                found.append(added)
            elif name or column.type != "Owner":
                single = column.navigation(target, table.name)
                goes = (column.name == "regardingobjectid" and table.name in ACTIVITIES) or (
                    column.name in _JOINS and table.name == "connection"
                )
                schema = name or f"{target}_{table.name}_{column.name}"
                found.append(OneToMany(schema, *key, single, name, "Cascade" if goes else "RemoveLink"))
        return found
