"""The people of one instance, and what happens to them. Every change is written to the activity log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ..clock import SandboxClock
from .activities import CHANGE_SCORE, CHANGE_VALUE, DELETE, MERGE, NEW_PERSON, ActivityLog
from .fields import PersonField


class People:
    """Persons by id, with values kept sparsely.

    Args:
        clock: Tells the time.
        fields: Person fields by name; may grow.
        log: Where changes are written.
    """

    def __init__(self, clock: SandboxClock, fields: dict[str, PersonField], log: ActivityLog) -> None:
        self._clock = clock
        self.fields = fields
        self._log = log
        self._people: dict[int, dict[str, object]] = {}
        self._index: dict[str, dict[str, set[int]]] = {}
        self._next = 1000
        self.delay = timedelta()

    def __len__(self) -> int:
        return len(self._people)

    def ids(self) -> list[int]:
        """Return all ids in order."""
        return sorted(self._people)

    def get(self, person: int) -> dict[str, object] | None:
        """Return a person's stored values, or ``None``."""
        return self._people.get(person)

    def value(self, person: int, name: str) -> object:
        """Return one value as the API shows it."""
        stored = self._people[person].get(name)
        return False if stored is None and self.fields[name].type == "boolean" else stored

    def find(self, name: str, value: str) -> list[int]:
        """Return ids of people whose field holds a value, letter case aside, in order."""
        if name == "id":
            number = int(value) if value.isdecimal() else 0
            return [number] if number in self._people else []
        index = self._index.get(name)
        if index is None:
            index = self._index[name] = {}
            for person, values in self._people.items():
                if values.get(name) is not None:
                    index.setdefault(str(values[name]).casefold(), set()).add(person)
        return sorted(index.get(value.casefold(), ()))

    def create(self, values: Mapping[str, object], source: str) -> int:
        """Make a person and return its id."""
        self._next += 1
        now = self._clock.now()
        person = self._next
        self._people[person] = {"id": person, "createdAt": _second(now), "updatedAt": _second(now)}
        self._store(person, {n: v for n, v in values.items() if v is not None})
        self._log.write(
            person,
            NEW_PERSON,
            now,
            self.delay,
            primary=str(person),
            primary_id=person,
            attributes={"Source Type": source},
        )
        return person

    def update(self, person: int, values: Mapping[str, object], source: str) -> bool:
        """Change a person; return whether anything really changed."""
        changes = {
            name: (_shown(self.value(person, name)), _shown(value))
            for name, value in values.items()
            if self.value(person, name) != value
        }
        if not changes:
            return False
        self._store(person, {name: values[name] for name in changes})
        now = self._clock.now()
        self._people[person]["updatedAt"] = _second(now)
        attributes = {"Reason": source, "Source": source}
        for name, change in changes.items():
            self._log.write(
                person,
                CHANGE_VALUE,
                now,
                self.delay,
                primary=self.fields[name].label,
                primary_id=self.fields[name].id,
                attributes=attributes,
                changes={name: change},
            )
        return True

    def score(self, person: int, by: int) -> None:
        """Change a score as a flow step does: with an activity of type 22 only."""
        now = self._clock.now()
        old = self._people[person].get("leadScore")
        new = (old if isinstance(old, int) else 0) + by
        self._store(person, {"leadScore": new})
        attributes = {"Change Value": f"{by:+d}", "New Value": new, "Old Value": old or 0}
        self._log.write(person, CHANGE_SCORE, now, self.delay, primary="Lead Score", attributes=attributes)

    def delete(self, person: int) -> None:
        """Delete a person."""
        self._forget(person)
        now = self._clock.now()
        self._log.write(person, DELETE, now, self.delay, primary=str(person), primary_id=person)

    def merge(self, winner: int, losers: Iterable[int]) -> None:
        """Merge people: the winner's values stay unless empty, the losers vanish.

        Each loser also gets a Delete Lead activity; public material doesn't say whether it does.
        """
        gone = list(losers)
        filled: dict[str, object] = {}
        for loser in gone:
            for name, value in self._people[loser].items():
                empty = self._people[winner].get(name) is None and name not in filled
                if empty and self.fields[name].updateable:
                    filled[name] = value
        now = self._clock.now()
        for loser in gone:
            self._forget(loser)
        self._log.write(
            winner,
            MERGE,
            now,
            self.delay,
            primary=str(winner),
            primary_id=winner,
            attributes={"Merge IDs": f"[{', '.join(map(str, gone))}]", "Master Updated": bool(filled)},
        )
        for loser in gone:
            self._log.write(loser, DELETE, now, self.delay, primary=str(loser), primary_id=loser)
        self.update(winner, filled, "Merge Leads")

    def _store(self, person: int, values: Mapping[str, object]) -> None:
        stored = self._people[person]
        for name, value in values.items():
            index = self._index.get(name)
            if index is not None:
                if stored.get(name) is not None:
                    index.get(str(stored[name]).casefold(), set()).discard(person)
                if value is not None:
                    index.setdefault(str(value).casefold(), set()).add(person)
            if value is None:
                stored.pop(name, None)
            else:
                stored[name] = value

    def _forget(self, person: int) -> None:
        values = self._people.pop(person)
        for name, index in self._index.items():
            if values.get(name) is not None:
                index.get(str(values[name]).casefold(), set()).discard(person)


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
