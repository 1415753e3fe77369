"""Python source laid out as a formatter lays it out, with lines of 120 columns."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from .naming import width

LINE: Final = 120
_INDENT: Final = 4


@frozen
class Call:
    """A call with its arguments, each a text or a call that a keyword may stand before.

    Attributes:
        head: What stands before the parenthesis.
        arguments: The arguments.
    """

    head: str
    arguments: Sequence[str | Call]

    def __str__(self) -> str:
        return f"{self.head}({', '.join(map(str, self.arguments))})"

    def lines(self, indent: int = 0, tail: str = "") -> Iterator[str]:
        """Yield the lines of the call: in one line, or its arguments in one line, or a line for each."""
        space = " " * indent
        flat = f"{space}{self}{tail}"
        if width(flat) <= LINE:
            yield flat
            return
        yield f"{space}{self.head}("
        together = f"{space}{' ' * _INDENT}{', '.join(map(str, self.arguments))}"
        if width(together) <= LINE:
            yield together
        else:
            for argument in self.arguments:
                if isinstance(argument, Call):
                    yield from argument.lines(indent + _INDENT, ",")
                else:
                    yield f"{space}{' ' * _INDENT}{argument},"
        yield f"{space}){tail}"


def comment(text: str, indent: int) -> list[str]:
    """Return a comment, in as many lines as it needs."""
    first = " " * indent + "# "
    return textwrap.wrap(text, LINE, initial_indent=first, subsequent_indent=f"{first}  ", break_on_hyphens=False)


def imports(names: Iterable[tuple[str, str]], *, ours: str) -> Iterator[str]:
    """Yield import statements: those of the standard library first, names in the order that import sorters use.

    Args:
        names: Module and name.
        ours: First part of the names of modules that are not of the standard library.
    """
    modules: dict[str, set[str]] = defaultdict(set)
    for module, name in names:
        modules[module].add(name)
    blocks = [[m for m in sorted(modules) if _is_own(m, ours) is own] for own in (False, True)]
    for place, block in enumerate(block for block in blocks if block):
        if place:
            yield ""
        for module in block:
            listed = sorted(modules[module], key=lambda name: (name[0].islower(), name))
            flat = f"from {module} import {', '.join(listed)}"
            if width(flat) <= LINE:
                yield flat
            else:
                yield from (f"from {module} import (", *(f"    {name}," for name in listed), ")")


def _is_own(module: str, ours: str) -> bool:
    return module.partition(".")[0] == ours
