"""Knows every change on both sides: when, of what, by whom, from what to what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from attrs import define, field, frozen

from marketo_dynamics_sync.sandbox import Sandbox

from .fields import ORIGIN, PEOPLE, SOURCES, THEIRS, of

Author: TypeAlias = Literal["users", "engine"]
#: Table (``"person"``, ``"lead"``, ``"contact"`` …) and id.
Key: TypeAlias = tuple[str, str]

_OBJECTS: Final = ("companies", "salespersons", "opportunities")


@frozen
class Change:
    """One change.

    Attributes:
        place: Its place among all that happens.
        at: When.
        author: Who.
        key: Of what.
        what: ``"made"``, ``"gone"``, ``"touched"`` (something changed that no field shows), or the field.
        old: Value before.
        new: Value after.
    """

    place: int
    at: datetime
    author: Author
    key: Key
    what: str
    old: object = None
    new: object = None

    @property
    def side(self) -> str:
        """The side it happened on."""
        return "marketo" if self.key[0] == "person" else "dynamics"


@define
class Ledger:
    """Compares what both services hold with what they held before, whenever somebody may have changed it.

    Attributes:
        sandbox: Both services.
    """

    sandbox: Sandbox
    changes: list[Change] = field(factory=list)
    by_key: dict[Key, list[Change]] = field(factory=dict)
    #: Counts everything that happens, so that the order is known where the clock stands still.
    place: int = 0
    _held: dict[Key, tuple[object, Mapping[str, object]]] = field(factory=dict)

    def step(self) -> int:
        """Return the next place."""
        self.place += 1
        return self.place

    def observe(self, author: Author) -> None:
        """Write down what changed since the last time, as somebody's work."""
        at, seen = self.sandbox.clock.now(), set()
        for key, mark, values in self._now():
            seen.add(key)
            before = self._held.get(key)
            if before is not None and before[0] == mark:
                continue
            if before is None:
                self._note(author, at, key, "made")
            old = before[1] if before is not None else {}
            known = len(self.changes)
            for name in sorted(old.keys() | values.keys()):
                if old.get(name) != values.get(name):
                    self._note(author, at, key, name, old.get(name), values.get(name))
            if before is not None and len(self.changes) == known:
                self._note(author, at, key, "touched")
            self._held[key] = (mark, values)
        for key in [key for key in self._held if key not in seen]:
            del self._held[key]
            self._note(author, at, key, "gone")

    def value(self, key: Key, name: str) -> object:
        """Return what a record holds now."""
        held = self._held.get(key)
        return None if held is None else held[1].get(name)

    def alive(self, key: Key) -> bool:
        """Return whether a record is there."""
        return key in self._held

    def of(self, key: Key) -> list[Change]:
        """Return the changes of a record."""
        return self.by_key.get(key, [])

    def _note(self, author: Author, at: datetime, key: Key, what: str, old: object = None, new: object = None) -> None:
        change = Change(self.step(), at, author, key, what, old, new)
        self.changes.append(change)
        self.by_key.setdefault(key, []).append(change)

    def _now(self) -> Iterator[tuple[Key, object, Mapping[str, object]]]:
        """Yield every record: its key, a mark that moves with each change, and its fields."""
        people = self.sandbox.marketo.people
        for person in people.ids():
            key = ("person", str(person))
            values = people._people[person]
            yield key, dict(values), {f.name: f.same(values.get(f.marketo)) for f in of("person")}
        storage = self.sandbox.dynamics.environment.storage
        for table in (*PEOPLE, *SOURCES):
            for row_id, row in storage.table(table).items():
                key = (table, row_id)
                held = self._held.get(key)
                if held is not None and held[0] == row["versionnumber"]:
                    yield key, held[0], held[1]
                elif table in PEOPLE:
                    values = {f.name: f.same(row.get(f.column)) for f in of(table)}
                    yield key, row["versionnumber"], values | {name: row.get(name) for name in (*THEIRS, ORIGIN)}
                else:
                    yield key, row["versionnumber"], {}
