"""What a service holds at one moment, so that it can be put back as it was."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from types import FunctionType, MethodType
from typing import Any, Final

from .clock import SandboxClock

_PACKAGE: Final = __name__.rpartition(".")[0]
_COUNT_STEP: Final = type(itertools.count().__next__)


class Memento:
    """Remembers the contents of everything that can be reached from some objects.

    The objects stay the same ones and get their contents back, so that whoever holds one of them needn't know.

    Args:
        roots: Where to start.
        untouched: What is left alone, with all that only it leads to. Clocks always are.
    """

    def __init__(self, roots: Iterable[object], untouched: Iterable[object] = ()) -> None:
        self._steps: list[Callable[[], object]] = []
        self._seen: dict[int, object] = {id(each): each for each in untouched}
        waiting = list(roots)
        while waiting:
            found = waiting.pop()
            if id(found) not in self._seen:
                self._seen[id(found)] = found
                waiting.extend(self._remember(found))

    def restore(self) -> None:
        """Put the contents back; may be done any number of times."""
        for step in self._steps:
            step()

    def _remember(self, found: object) -> Iterator[Any]:  # Any: what is reached may be anything
        """Keep the contents of one object, and give what it leads to."""
        if isinstance(found, dict):
            self._steps.append(_refill_dict(found, dict(found)))
            yield from found.values()
        elif isinstance(found, (list, deque)):
            self._steps.append(_refill_list(found, list(found)))
            yield from found
        elif isinstance(found, set):
            self._steps.append(_refill_set(found, set(found)))
        elif isinstance(found, (tuple, frozenset)):
            yield from found
        elif isinstance(found, random.Random):
            self._steps.append(_reset_chance(found, found.getstate()))
        elif isinstance(found, MethodType):
            yield found.__self__
        elif isinstance(found, FunctionType):
            yield from (cell.cell_contents for cell in found.__closure__ or ())
        elif type(found).__module__.startswith(_PACKAGE) and not isinstance(found, (type, SandboxClock)):
            attributes = dict(_attributes(found))
            self._steps.append(_reset_object(found, {name: _still(value) for name, value in attributes.items()}))
            yield from attributes.values()


def _attributes(found: object) -> Iterator[tuple[str, Any]]:  # Any: attributes may be anything
    yield from getattr(found, "__dict__", {}).items()
    for kind in type(found).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if name not in ("__weakref__", "__dict__") and hasattr(found, name):
                yield name, getattr(found, name)


def _still(value: object) -> object:
    """Return a counter as it is now: counters can't be set back, so they are replaced."""
    if isinstance(value, itertools.count):
        return copy(value)
    counter = getattr(value, "__self__", None)
    if isinstance(value, _COUNT_STEP) and isinstance(counter, itertools.count):
        return copy(counter).__next__
    return value


def _reset_object(found: object, kept: dict[str, object]) -> Callable[[], None]:
    def step() -> None:
        for name in getattr(found, "__dict__", {}).keys() - kept.keys():
            object.__delattr__(found, name)
        for name, value in kept.items():
            object.__setattr__(found, name, _still(value))

    return step


def _refill_dict(found: dict[object, object], kept: dict[object, object]) -> Callable[[], None]:
    def step() -> None:
        found.clear()
        found.update(kept)

    return step


def _refill_list(found: list[object] | deque[object], kept: list[object]) -> Callable[[], None]:
    def step() -> None:
        found.clear()
        found.extend(kept)

    return step


def _refill_set(found: set[object], kept: set[object]) -> Callable[[], None]:
    def step() -> None:
        found.clear()
        found.update(kept)

    return step


def _reset_chance(found: random.Random, kept: tuple[Any, ...]) -> Callable[[], None]:  # Any: Python's own state
    return lambda: found.setstate(kept)
