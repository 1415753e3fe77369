"""A store in which no link is made yet, on top of one whose links are of other instances."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from attrs import define, evolve, field

from ..state import Commit, Link, MemoryStateStore
from .overlay import Overlay
from .settle import gone_fact

#: How the fact begins that a row is gone.
_GONE: Final = gone_fact("")


@define
class ReboundStore(Overlay):
    """Shows the links that were made anew and none of the old ones; everything else is the real store's.

    Attributes:
        real: The store whose links are old.
        keep: Whether new links go to the real store too.
        present: Ids of rows of persons that Dynamics has; ``None`` while ids of other rows mean nothing.
    """

    keep: bool = False
    present: Collection[str] | None = None
    #: Row ids that persons carry, and that Dynamics doesn't have.
    foreign: set[str] = field(factory=set, init=False)
    _new: MemoryStateStore = field(factory=MemoryStateStore, init=False)

    def commit(self, commit: Commit) -> None:
        """Keep links, bare of values, in memory, and the whole commit in the real store where it is to be kept."""
        # A million links fit into memory without their values.
        bare = [evolve(link, base={}, dynamics_base={}) for link in commit.put_links]
        self._new.commit(Commit(put_links=bare))
        if self.keep:
            self.real.commit(commit)

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the new links of these rows."""
        return self._new.links_by_dynamics(entity, ids)

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the new links of these records."""
        return self._new.links_by_marketo(ids, entities=entities)

    def links(self, entity: str) -> Iterator[Link]:
        """Yield the new links of an entity."""
        return self._new.links(entity)

    def count_links(self, entity: str) -> int:
        """Return how many new links an entity has."""
        return self._new.count_links(entity)

    def fact(self, name: str) -> str | None:
        """Return a fact; of a row that Dynamics doesn't have, that it is gone."""
        row = name.removeprefix(_GONE)
        if self.present is not None and name.startswith(_GONE) and row not in self.present:
            self.foreign.add(row)
            return "another organization"
        return self.real.fact(name)
