"""Makes calls of writes: like with like, in the order of their links, never too many, too long, or one key twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, Protocol, TypeVar

from attrs import frozen

from ..protocol import WriteKind
from .encoding import Item

#: Records in one write call (Adobe, "Leads" and "Lead Database": create and update).
WRITE_SIZE: Final = 300
#: The service takes 1 MB; whether that is counted with a thousand or with 1,024 is not published.
BODY_BYTES: Final = 900_000


class Sized(Protocol):
    """Something that takes room in a body."""

    @property
    def size(self) -> int:
        """Bytes in the body."""
        ...


T = TypeVar("T", bound=Sized)


@frozen
class _Group:
    """What may go in one call, but for its size."""

    wave: int
    place: tuple[int, ...]
    object: str
    kind: WriteKind
    lookup: str


def batches(items: Iterable[Item], depth: Callable[[str], int]) -> Iterator[list[Item]]:
    """Yield the items of each call, in the order of sending.

    What others link to is written before them and deleted after them: the service refuses a link to what isn't there
    (Adobe, "Opportunity Roles", "Custom Objects") and the delete of what is in use ("Sales Persons"). A key that comes
    again goes into a later call, so that the last write counts.

    Args:
        items: The items.
        depth: How many custom objects stand above one.
    """
    groups: dict[_Group, list[Item]] = {}
    waves: dict[tuple[str, Hashable], int] = {}
    for item in items:
        keys = [(item.target.name, key) for key in item.keys]
        wave = max((waves.get(key, 0) for key in keys), default=0)
        waves.update(dict.fromkeys(keys, wave + 1))
        group = _Group(wave, _place(item, depth), item.target.name, item.write.kind, item.lookup)
        groups.setdefault(group, []).append(item)
    for group in sorted(groups, key=lambda group: (group.wave, group.place)):
        yield from bodies(groups[group])


def bodies(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield items in lists that fit in one call."""
    batch: list[T] = []
    size = 0
    for item in items:
        if batch and (len(batch) == WRITE_SIZE or size + item.size > BODY_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def _place(item: Item, depth: Callable[[str], int]) -> tuple[int, ...]:
    below = depth(item.target.name) if item.target.is_custom else 0
    if item.write.kind is WriteKind.DELETE:
        return (1, -item.target.rank, -below)
    return (0, item.target.rank, below)
