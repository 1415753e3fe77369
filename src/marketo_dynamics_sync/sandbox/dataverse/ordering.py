"""``$orderby``: how rows are sorted, and where a page ended in that order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import total_ordering

from attrs import frozen

from .errors import bad_query
from .lexer import tokens
from .paging import Mark, invalid_cookie
from .query import split
from .scopes import TableScope

Key = tuple[object, ...]


@frozen
class Step:
    """One thing that rows are ordered by.

    Attributes:
        name: Its name in cookies.
        numeric: Whether its values are numbers.
        descending: Whether the greatest comes first.
        get: Returns its value.
    """

    name: str
    numeric: bool
    descending: bool
    get: Callable[[Mapping[str, object]], object]

    def rank(self, value: object) -> object:
        """Return what sorts a value: nothing first, texts without letter case."""
        if value is None:
            place: tuple[int, float | str] = (0, 0.0)
        elif isinstance(value, (int, float)):
            place = (1, float(value))
        else:
            place = (1, str(value).casefold())
        return _Down(place) if self.descending else place

    def written(self, value: object) -> str | None:
        """Return a value as a cookie carries it."""
        return None if value is None else str(float(str(int(value)) if isinstance(value, bool) else str(value))) \
            if self.numeric else str(value)  # fmt: skip

    def read(self, text: str | None) -> object:
        """Return a value that a cookie carries."""
        try:
            return float(text) if self.numeric and text is not None else text
        except ValueError:
            raise invalid_cookie() from None


@total_ordering
@frozen(order=False)
class _Down:
    place: tuple[int, float | str]

    def __lt__(self, other: _Down) -> bool:
        return other.place < self.place


@frozen
class Order:
    """How rows are ordered: by what was asked, then by primary key.

    Attributes:
        steps: What they are ordered by; empty for the primary key alone.
        primary: Primary key column.
    """

    steps: Sequence[Step]
    primary: str

    @classmethod
    def read(cls, text: str, scope: TableScope, aliases: Mapping[str, str]) -> Order:
        """Return the order that an option asks for.

        Raises:
            Fault: It can't be understood.
        """
        steps = []
        for part in split(text):
            found = [token.text for token in tokens(part)]
            name = aliases.get(found[0], found[0])
            if len(found) > 2 or (len(found) == 2 and found[1] not in ("asc", "desc")):
                raise bad_query(f"Syntax error at position {part.index(found[1])} in '{part}'.")
            known = scope.property(name)
            numeric = known.edm in ("Int32", "Decimal", "Boolean")
            steps.append(Step(name.replace("/", "."), numeric, found[-1] == "desc", known.get))
        return cls(steps, scope.table.primary_id)

    def key(self, row: Mapping[str, object]) -> Key:
        """Return what sorts a row."""
        return (*(step.rank(step.get(row)) for step in self.steps), str(row[self.primary]))

    def marks(self, first: Mapping[str, object], last: Mapping[str, object]) -> list[Mark]:
        """Return the marks of a page."""
        marks = [Mark(s.name, s.written(s.get(last)), s.written(s.get(first))) for s in self.steps]
        return [*marks, Mark(self.primary, _braced(last[self.primary]), _braced(first[self.primary]))]

    def after(self, marks: Sequence[Mark]) -> Key:
        """Return the key that the next page starts after.

        Raises:
            Fault: The cookie belongs to another order.
        """
        if [mark.name for mark in marks] != [*(step.name for step in self.steps), self.primary]:
            raise invalid_cookie()
        ranks = [step.rank(step.read(mark.last)) for step, mark in zip(self.steps, marks, strict=False)]
        return (*ranks, str(marks[-1].last).strip("{}").lower())


def _braced(value: object) -> str:
    return "{" + str(value).upper() + "}"
