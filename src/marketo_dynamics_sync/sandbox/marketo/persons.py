"""The people of one instance, and what happens to them: every change is written to the activity log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..clock import SandboxClock
from .activities import CHANGE_PARTITION, CHANGE_SCORE, CHANGE_VALUE, DELETE, MERGE, NEW_PERSON, ActivityLog, Change
from .fields import Fields
from .lookup import Index
from .standard_fields import COMPANY
from .values import Value, second, shown, whole_number

#: What activities name as the source of a change made by a call.
API = "Web service API"
#: What they name for a change made by hand; the service's own word for that is not published.
BY_HAND = "Manual change"

_DEFAULT_PARTITION = 1


class People:
    """Persons by id; only values that are not empty are kept.

    The visible ``updatedAt`` moves when a standard field changes, and for nothing else, as Adobe's page on bulk lead
    extract says of it.

    Args:
        clock: Tells the time.
        fields: Person fields.
        log: Where changes are written.
        merge_deletes: A merge also writes a Delete Lead activity for each loser; whether the service does is not
            published.
        first_id: Id of the first person.
    """

    def __init__(
        self, clock: SandboxClock, fields: Fields, log: ActivityLog, *, merge_deletes: bool, first_id: int
    ) -> None:
        self._clock = clock
        self.fields = fields
        self._log = log
        self._merge_deletes = merge_deletes
        self._next = first_id
        self._people: dict[int, dict[str, Value]] = {}
        self._indexes: dict[str, Index] = {}
        self._cookies: dict[str, int] = {}
        #: Called with each person that was deleted, after it is gone.
        self.on_delete: list[Callable[[int], None]] = []
        #: Called with the winner and the losers of each merge, after the losers are gone.
        self.on_merge: list[Callable[[int, Sequence[int]], None]] = []

    def __contains__(self, person: object) -> bool:
        return person in self._people

    def ids(self) -> list[int]:
        """Return all ids in order."""
        return sorted(self._people)

    def full(self, person: int) -> dict[str, object]:
        """Return a person's values: all that are not empty, and every boolean."""
        booleans = {item.name: False for item in self.fields if item.type == "boolean"}
        return {**booleans, "leadPartitionId": _DEFAULT_PARTITION, **self._people[person]}

    def select(self, person: int, names: Iterable[str]) -> dict[str, object]:
        """Return chosen values as the API shows them, empty ones as ``None``."""
        values = self._people[person]
        return {name: values[name] if name in values else self._empty(name) for name in names}

    def find(self, name: str, value: str) -> list[int]:
        """Return the ids of people whose field holds a value, in order."""
        if name == "id":
            number = whole_number(value)
            return [number] if number is not None and number in self._people else []
        if name == "leadPartitionId" and value == str(_DEFAULT_PARTITION):
            return [person for person in self.ids() if "leadPartitionId" not in self._people[person]]
        if name == "cookies":
            found = self._cookies.get(value)
            return [found] if found is not None and found in self._people else []
        if name not in self.fields:
            return []
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = Index(name, self._people)
        return sorted(index.find(value))

    def create(self, values: Mapping[str, Value | None], source: str, *, partition: int = _DEFAULT_PARTITION) -> int:
        """Make a person and return its id. Its first values are not written as changes, only as a new person."""
        person, now = self._next, second(self._clock.now())
        self._next += 1
        self._people[person] = {"id": person, "createdAt": now, "updatedAt": now}
        self._store(person, {name: value for name, value in values.items() if value is not None})
        if partition != _DEFAULT_PARTITION:
            self._store(person, {"leadPartitionId": partition})
        attributes = (("Source Type", source), ("Created Date", now[:10]))
        self._log.write(person, NEW_PERSON, primary=self._name(person), primary_id=person, attributes=attributes)
        return person

    def update(self, person: int, values: Mapping[str, Value | None], source: str) -> bool:
        """Change a person; return whether anything really changed. A call that changes nothing leaves no trace."""
        held = self._people[person]
        changed = {name: value for name, value in values.items() if held.get(name) != value}
        if not changed:
            return False
        first: int | None = None
        attributes = (("Reason", source), ("Source", source))
        for name, value in changed.items():
            field = self.fields[name]
            old, new = (held.get(name) or False, value or False) if field.type == "boolean" else (held.get(name), value)
            number = self._log.write(
                person,
                CHANGE_VALUE,
                primary=field.label,
                primary_id=field.id,
                attributes=attributes,
                change=Change(name, shown(old), shown(new)),
                first=first,
            )
            first = number if first is None else first
        self._store(person, changed)
        self._touch(person, changed)
        return True

    def change_score(self, person: int, by: int) -> None:
        """Change the score as a flow step does, which writes type 22 and no value change."""
        held = self._people[person].get("leadScore", 0)
        old = held if isinstance(held, int) else 0
        field = self.fields["leadScore"]
        attributes = (
            ("Change Value", f"{by:+d}"),
            ("Old Value", str(old)),
            ("New Value", str(old + by)),
            ("Reason", BY_HAND),
        )
        self._log.write(person, CHANGE_SCORE, primary=field.label, primary_id=field.id, attributes=attributes)
        self._store(person, {"leadScore": old + by})
        self._touch(person, ("leadScore",))

    def delete(self, person: int) -> None:
        """Delete a person."""
        self._write_delete(person, self._name(person))
        self._forget(person)
        for follow in self.on_delete:
            follow(person)

    def associate(self, person: int, cookie: str) -> None:
        """Remember the tracking cookie of a person; one that somebody else had moves."""
        self._cookies[cookie] = person

    def merge(self, winner: int, losers: Sequence[int], source: str) -> None:
        """Merge people: the winner keeps its values, its empty ones are filled from the first loser (Adobe knowledge
        base, "What Field Values Are Copied to Winning Records When Merging Multiple Records From REST API": the id
        that is named first gives its value, an empty one too).

        The attributes of the Merge Leads activity are ``Merge IDs`` (losers' ids, separated by commas), ``Master
        Updated`` (whether the winner took a value over) and ``Merge Source``; public material shows the first two
        names and no values. Changes of the winner's values are written first. Company fields of a winner that has a
        company stay.
        """
        kept = COMPANY if "externalCompanyId" in self._people[winner] else frozenset[str]()
        filled: dict[str, Value | None] = {}
        for name, value in self._people[losers[0]].items():
            if name not in self._people[winner] and name not in kept and self.fields[name].updateable:
                filled[name] = value
        updated = self.update(winner, filled, "Merge Leads")
        names = {loser: self._name(loser) for loser in losers}
        for loser in losers:
            self._forget(loser)
        attributes = (
            ("Merge IDs", ",".join(map(str, losers))),
            ("Master Updated", shown(updated)),
            ("Merge Source", source),
        )
        self._log.write(winner, MERGE, primary=self._name(winner), primary_id=winner, attributes=attributes)
        if self._merge_deletes:
            for loser, name in names.items():
                self._write_delete(loser, name)
        self._cookies |= {cookie: winner for cookie, person in self._cookies.items() if person in names}
        for follow in self.on_merge:
            follow(winner, losers)

    def partition(self, person: int) -> int:
        """Return the id of a person's partition."""
        return int(self._people[person].get("leadPartitionId", _DEFAULT_PARTITION))

    def move(self, person: int, number: int, name: str) -> None:
        """Move a person to another partition."""
        old = self.partition(person)
        if number != old:
            self._store(person, {"leadPartitionId": None if number == _DEFAULT_PARTITION else number})
            attributes = (("Old Partition ID", old), ("Reason", API))
            self._log.write(person, CHANGE_PARTITION, primary=name, primary_id=number, attributes=attributes)

    def _write_delete(self, person: int, name: str) -> None:
        self._log.write(person, DELETE, primary=name, primary_id=person)

    def _name(self, person: int) -> str:
        values = self._people[person]
        parts = (values.get("firstName"), values.get("lastName"))
        return " ".join(str(part) for part in parts if part) or str(values.get("email", ""))

    def _empty(self, name: str) -> object:
        if name == "leadPartitionId":
            return _DEFAULT_PARTITION
        return False if self.fields[name].type == "boolean" else None

    def _touch(self, person: int, names: Iterable[str]) -> None:
        if any(not self.fields[name].custom for name in names):
            self._people[person]["updatedAt"] = second(self._clock.now())

    def _store(self, person: int, values: Mapping[str, Value | None]) -> None:
        held = self._people[person]
        for name, value in values.items():
            index = self._indexes.get(name)
            if index is not None:
                index.remove(person, held.get(name))
                index.add(person, value)
            if value is None:
                held.pop(name, None)
            else:
                held[name] = value

    def _forget(self, person: int) -> None:
        values = self._people.pop(person)
        for name, index in self._indexes.items():
            index.remove(person, values.get(name))
