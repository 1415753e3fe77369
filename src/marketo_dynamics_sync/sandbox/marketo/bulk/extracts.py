"""What goes into files of leads and of custom objects (Adobe, "Bulk Lead Extract", "Bulk Custom Object Extract")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ..activities import CHANGE_SCORE, CHANGE_VALUE, NEW_PERSON, ActivityLog
from ..envelope import Refusal
from ..fields import Fields
from ..persons import People
from ..values import parse_moment
from .memberships import LIST_FILTERS, Members, Memberships
from .objects import ObjectStore, ObjectType
from .orders import DateRange, Gather, Order, read_range

_FIELD_UPDATES: Final = (NEW_PERSON, CHANGE_VALUE, CHANGE_SCORE)


class LeadExtract:
    """Rows of people, by ascending id.

    ``updatedAt`` filters by the last change of any field, as Adobe's page says, not by the visible field of that name,
    which only standard fields move. All partitions are exported: "Bulk Extract" says that workspaces do not count,
    while the page on leads speaks of "accessible records". An unknown field is refused with 1006, which the pages do
    not settle.

    Args:
        people: The people.
        fields: Their fields.
        log: Tells when fields were changed.
        memberships: Resolves list filters.
    """

    def __init__(self, people: People, fields: Fields, log: ActivityLog, memberships: Memberships) -> None:
        self._people = people
        self._fields = fields
        self._log = log
        self._memberships = memberships

    def plan(self, order: Order) -> tuple[list[str], Gather]:
        """Return the fields and the rows of an order.

        Raises:
            Refusal: A part of the order is bad.
        """
        names = order.need_fields()
        for name in names:
            if name not in self._fields:
                raise Refusal("1006", f"Field '{name}' not found")
        members = self._members(*order.only_filter(("createdAt", "updatedAt", *LIST_FILTERS)))
        return names, lambda: self._rows(members(), names)

    def _members(self, kind: str, value: object) -> Members:
        if kind in LIST_FILTERS:
            return self._memberships.of(kind, value)
        if kind == "createdAt":
            created = read_range(kind, value)
            return lambda: [person for person in self._people.ids() if self._created(person) in created]
        self._memberships.need_filter()
        updated = read_range(kind, value)
        return lambda: self._updated(updated)

    def _created(self, person: int) -> float:
        return parse_moment(str(self._people.select(person, ("createdAt",))["createdAt"])).timestamp()

    def _updated(self, wanted: DateRange) -> list[int]:
        last = {item.person: item.written for item in self._log if item.type in _FIELD_UPDATES}
        return [person for person in self._people.ids() if last.get(person) in wanted]

    def _rows(self, members: Iterable[int], names: Sequence[str]) -> Iterator[list[object]]:
        for person in members:
            values = self._people.select(person, names)
            yield [values[name] for name in names]


class ObjectExtract:
    """Rows of one custom object type, in the order of the leads they are linked to.

    Adobe's page exports ``leadId`` where the description of its sample object says ``leadID``, so names are compared
    without regard to letter case. ``updatedAt`` filters the records by their own time of change, as the Swagger file
    has it. Objects that are not linked to leads are refused with 1003, which the page does not settle.

    Args:
        store: Keeps custom objects.
        kind: The type.
        memberships: Resolves list filters.
    """

    def __init__(self, store: ObjectStore, kind: ObjectType, memberships: Memberships) -> None:
        self._store = store
        self._kind = kind
        self._memberships = memberships

    def plan(self, order: Order) -> tuple[list[str], Gather]:
        """Return the fields and the rows of an order.

        Raises:
            Refusal: A part of the order is bad.
        """
        link = self._kind.link
        if link is None:
            raise Refusal("1003", f"Object '{self._kind.name}' is not linked to leads")
        known = {name.lower(): name for name in self._kind.fields}
        names = order.need_fields()
        for name in names:
            if name.lower() not in known:
                raise Refusal("1006", f"Field '{name}' not found")
        own = [known[name.lower()] for name in names]
        kind, value = order.only_filter(("updatedAt", *LIST_FILTERS))
        if kind == "updatedAt":
            wanted = read_range(kind, value)
            return names, lambda: self._updated(wanted, own)
        members = self._memberships.of(kind, value)
        return names, lambda: self._linked(members(), link, own)

    def _updated(self, wanted: DateRange, own: Sequence[str]) -> Iterator[list[object]]:
        for record in self._store.query(self._kind.name):
            if parse_moment(str(record["updatedAt"])).timestamp() in wanted:
                yield _row(record, own)

    def _linked(self, members: Iterable[int], link: str, own: Sequence[str]) -> Iterator[list[object]]:
        records: dict[str, list[Mapping[str, object]]] = {}
        for record in self._store.query(self._kind.name):
            records.setdefault(str(record.get(link)), []).append(record)
        for person in members:
            for record in records.get(str(person), ()):
                yield _row(record, own)


def _row(record: Mapping[str, object], names: Sequence[str]) -> list[object]:
    return [record.get(name) for name in names]
