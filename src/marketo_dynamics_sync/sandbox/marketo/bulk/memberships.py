"""Extract filters that name a static or a smart list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import frozen

from ..envelope import Refusal
from ..lists import StaticLists
from ..persons import People
from .orders import read_whole
from .settings import BulkSettings

#: Gives person ids when the job begins to run.
Members = Callable[[], Iterable[int]]
#: Decides from all values of a person whether it is on a smart list.
Rule = Callable[[Mapping[str, object]], bool]

LIST_FILTERS: Final = ("staticListId", "staticListName", "smartListId", "smartListName")
_FIRST = 2001


@frozen
class SmartList:
    """One smart list.

    Attributes:
        id: Its id.
        name: Its name.
        rule: Who is on it.
    """

    id: int
    name: str
    rule: Rule


class Memberships:
    """Resolves list filters; who is on a list is asked when the job begins to run, as Adobe's pages have it.

    An unknown list is refused with 1013 by the create call, which public material does not settle.

    Args:
        people: The people.
        lists: Static lists.
        settings: Whether the subscription has smart list filters.
    """

    def __init__(self, people: People, lists: StaticLists, settings: BulkSettings) -> None:
        self._people = people
        self._lists = lists
        self._every_filter = settings.every_filter
        self._smart: list[SmartList] = []

    def add(self, name: str, rule: Rule) -> int:
        """Make a smart list, as a marketer does, and return its id."""
        made = SmartList(_FIRST + len(self._smart), name, rule)
        self._smart.append(made)
        return made.id

    def need_filter(self) -> None:
        """Refuse a filter that not every subscription has.

        Raises:
            Refusal: 1035, this one has not.
        """
        if not self._every_filter:
            raise Refusal("1035", "Unsupported filter type for target subscription")

    def of(self, name: str, value: object) -> Members:
        """Return the members of the list that a filter names.

        Args:
            name: One of :data:`LIST_FILTERS`.
            value: Its value in the body.

        Raises:
            Refusal: 1001, 1013 or 1035.
        """
        if name.startswith("smart"):
            self.need_filter()
            return self._of_smart(name, value)
        if name == "staticListId":
            target = self._lists.need(read_whole(name, value))
        else:
            found = self._lists.named(str(value))
            if found is None:
                raise Refusal("1013", f"List '{value}' not found")
            target = found
        return lambda: sorted(target.members)

    def _of_smart(self, name: str, value: object) -> Members:
        wanted = read_whole(name, value) if name == "smartListId" else str(value)
        for item in self._smart:
            if wanted in (item.id, item.name):
                rule = item.rule
                return lambda: [person for person in self._people.ids() if rule(self._people.full(person))]
        raise Refusal("1013", f"Smart list '{value}' not found")
