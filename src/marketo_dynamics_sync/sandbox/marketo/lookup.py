"""Finding people by the value of a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Index:
    """Person ids by the value of one field. Letter case does not count: for e-mail that is how the service is known to
    work, for other fields it is a choice.

    Args:
        name: REST name of the field.
        people: Values by person id.
    """

    def __init__(self, name: str, people: Mapping[int, Mapping[str, object]]) -> None:
        self._name = name
        self._ids: dict[str, int | set[int]] = {}
        for person, values in people.items():
            self.add(person, values.get(name))

    def find(self, value: str) -> Iterable[int]:
        """Return the ids of people with a value, in no order."""
        held = self._ids.get(value.strip().casefold())
        if held is None:
            return ()
        return (held,) if isinstance(held, int) else held

    def add(self, person: int, value: object) -> None:
        """Note that a person has a value."""
        if value is None:
            return
        key = str(value).strip().casefold()
        held = self._ids.get(key)
        if held is None:
            self._ids[key] = person
        elif isinstance(held, int):
            self._ids[key] = {held, person}
        else:
            held.add(person)

    def remove(self, person: int, value: object) -> None:
        """Note that a person has a value no longer."""
        if value is None:
            return
        key = str(value).strip().casefold()
        held = self._ids.get(key)
        if isinstance(held, set):
            held.discard(person)
            if len(held) == 1:
                self._ids[key] = held.pop()
        elif held == person:
            del self._ids[key]
