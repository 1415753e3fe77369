"""Rows of a lead import (Adobe, "Bulk Lead Import")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from ..envelope import Refusal, Skip
from ..fields import FILTER_ONLY, Fields
from ..lists import StaticList, StaticLists
from ..objects.relations import PersonLinks
from ..parameters import Parameters
from ..partitions import Partitions
from ..persons import People
from ..standard_fields import COMPANY
from ..values import BadValue, Value
from .objects import RowRefused
from .settings import BulkSettings

#: What activities name as the source of a change made by an import; the service's own word is not published.
SOURCE: Final = "List import"
#: What a cell holds that empties its field.
NULL: Final = "NULL"


@frozen
class LeadPlan:
    """How the rows of one file are written.

    Attributes:
        lookup: REST name of the lookup field.
        partition: Name of the partition that was given.
        allowed: Names of the partitions that the client may use.
        target: The static list that people are put on.
    """

    lookup: str
    partition: str | None
    allowed: list[str]
    target: StaticList | None


class LeadImport:
    """Creates and updates people from rows.

    Recorded: a row without a lookup value fails with the words used here, also when the header lacks the lookup field;
    columns whose name is no field are passed over, which makes room for a row number. Adobe's page "Bulk Program
    Member Import" gives the words for a value of the wrong type, a failure, and for a bad e-mail address, a warning:
    the row is imported.

    Choices: the bad address is kept as it came; a column of a field that the API may not write is passed over; a value
    too long for its field counts as one of the wrong type; a date and time without an offset is one of the wrong type
    too; with ``id`` as lookup field an unknown id fails; a partition that the client may not use is refused with 1008
    and an unknown list with 1013, before anything is queued.

    Args:
        people: The people.
        fields: Their fields.
        partitions: Lead partitions.
        lists: Static lists.
        settings: Whether an empty cell empties its field.
        links: Gives what being linked to a company means for people, or ``None``.
    """

    def __init__(
        self,
        people: People,
        fields: Fields,
        partitions: Partitions,
        lists: StaticLists,
        settings: BulkSettings,
        links: Callable[[], PersonLinks | None],
    ) -> None:
        self._people = people
        self._fields = fields
        self._partitions = partitions
        self._lists = lists
        self._empty_clears = settings.empty_clears
        self._links = links

    def plan(self, given: Parameters) -> LeadPlan:
        """Return how a call wants its rows written.

        Raises:
            Refusal: 1001, 1006, 1008, 1011 or 1013, a parameter is bad.
        """
        lookup = given.one("lookupField") or "email"
        if lookup not in self._fields and lookup not in FILTER_ONLY:
            raise Refusal("1006", f"Field '{lookup}' not found")
        if lookup not in self._fields or not self._fields[lookup].searchable or lookup == "leadPartitionId":
            raise Refusal("1011", f"Field '{lookup}' not supported")
        allowed = self._partitions.of_client(given.client)
        partition = given.one("partitionName") or None
        if partition is not None and partition not in allowed:
            raise Refusal("1008", f"Access denied to partition '{partition}'")
        number = given.number("listId")
        return LeadPlan(lookup, partition, allowed, None if number is None else self._lists.need(number))

    def write(self, row: Mapping[str, str], plan: LeadPlan) -> str | None:
        """Write a row and return a warning or ``None``.

        Raises:
            RowRefused: The row is a failure.
        """
        key = row.get(plan.lookup, "").strip()
        if key in ("", NULL):
            raise RowRefused(f"Value for lookup field '{plan.lookup}' not found")
        values, warning = self._values(row)
        found = self._people.find(plan.lookup, key)
        if len(found) > 1:
            raise RowRefused("Multiple lead match lookup criteria")
        if found:
            person = found[0]
            self._check_home(person, plan)
            self._people.update(person, self._settled(person, values), SOURCE)
        elif plan.lookup == "id":
            raise RowRefused("Lead not found")
        else:
            person = self._people.create(self._settled(None, values), SOURCE, partition=self._home(plan))
        if plan.target is not None:
            self._lists.add_member(plan.target, person)
        return warning

    def _settled(self, person: int | None, values: dict[str, Value | None]) -> dict[str, Value | None]:
        links = self._links()
        if links is None:
            return values
        try:
            return links.settle(person, values)
        except Skip as skip:
            raise RowRefused(skip.message) from None

    def _values(self, row: Mapping[str, str]) -> tuple[dict[str, Value | None], str | None]:
        values: dict[str, Value | None] = {}
        warning: str | None = None
        for name, cell in row.items():
            field = self._fields.get(name)
            if field is None or not field.updateable or (cell == "" and not self._empty_clears):
                continue
            if self._fields.native_sync and name in COMPANY:
                raise RowRefused("Company update not allowed")
            try:
                values[name] = None if cell == NULL else field.accept(cell)
            except BadValue:
                if field.type != "email":
                    raise RowRefused(f"Invalid data type in field {field.label}") from None
                values[name], warning = cell, "Invalid email address"
        return values, warning

    def _check_home(self, person: int, plan: LeadPlan) -> None:
        home = self._partitions.name(self._people.partition(person))
        if home not in plan.allowed:
            raise RowRefused(f"Access denied to partition '{home}'")
        if plan.partition is not None and plan.partition != home:
            raise RowRefused("Partition update not allowed")

    def _home(self, plan: LeadPlan) -> int:
        if plan.partition is not None:
            return self._partitions.number(plan.partition)
        if self._partitions.names[0] in plan.allowed:
            return 1
        if len(plan.allowed) == 1:
            return self._partitions.number(plan.allowed[0])
        raise RowRefused("Partition name must be specified")
