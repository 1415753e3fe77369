"""Reads every entity's changes to their end, and lets the brakes look at them, before anything is written.

What fits is kept until the entity's turn comes. Of what doesn't fit only numbers are kept, and it is read a second time
then, from the same checkpoint: a delta link can be followed again (Microsoft Learn, "Use change tracking to synchronize
data with external systems": it holds until the changes are too old), and what was edited meanwhile is on its pages too.
Nothing of it is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from attrs import define, evolve, field

from ..connectors import ChangePage
from ..entities import BoundEntity, Record
from ..errors import CheckpointExpiredError
from .merges_ahead import MergesAhead
from .restored import watched
from .services import Services
from .survey import Survey

#: Rows that are kept in memory until their turn, those of all entities together: two pages.
KEPT_ROWS: Final = 10_000


@define
class Pages:
    """One entity's changes, looked at.

    Attributes:
        stream: The stream's name.
        checkpoint: Where they begin; ``None`` for a listing of everything.
        missing: Linked rows that a listing doesn't have; ``None`` where that is known only when it was read.
    """

    stream: str
    checkpoint: str | None
    missing: list[str] | None
    _pages: Iterator[ChangePage] = field(repr=False)

    def __iter__(self) -> Iterator[ChangePage]:
        return self._pages


@define
class Ahead:
    """Opens the changes of entities.

    Attributes:
        services: Both sides.
        full: Told of an entity, by its name, and why everything is compared.
        keep_going: Asked before each page; raises to end the cycle.
        room: Rows that can still be kept.
    """

    services: Services
    full: Callable[[str, str], None]
    keep_going: Callable[[], None]
    room: int = field(factory=lambda: KEPT_ROWS)
    _merges: MergesAhead = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._merges = MergesAhead(self.services)

    def open(self, entity: BoundEntity, *, rebased: bool = False, late: bool = False) -> Pages:
        """Return an entity's changes, after the brakes have looked at them.

        Args:
            entity: The entity.
            rebased: Whether everything is compared because the mapping changed.
            late: Whether something was written before, and everything is compared since the checkpoint was lost.

        Raises:
            CheckpointExpiredError: The service doesn't know a checkpoint though none was given.
            PlanRefusedError: The changes look like an accident.
            RestoredError: Dynamics is older than the store.
        """
        stream = self.services.dynamics.stream(entity)
        why = "the mapping changed" if rebased else "changed in Dynamics"
        checkpoint = None if rebased or late else self.services.store.checkpoint(stream)
        try:
            return self._looked_at(entity, stream, checkpoint, why, late=late)
        except CheckpointExpiredError as error:
            if checkpoint is None:
                raise
            self.full(entity.name, why_lost(entity, error))
            return self._looked_at(entity, stream, None, why, late=late)

    def judge(self) -> None:
        """Let the brakes look at what shows only in the changes of all entities together.

        Raises:
            PlanRefusedError: It looks like an accident.
        """
        self._merges.judge()

    def _looked_at(self, entity: BoundEntity, stream: str, checkpoint: str | None, why: str, *, late: bool) -> Pages:
        pages = self._read(entity, checkpoint)
        total = self.services.store.count_links(entity.name)
        if not total:
            # No brake goes by a table without links. One page shows that it can be read.
            first = [page for page in (next(pages, None),) if page is not None]
            return Pages(stream, checkpoint, None, chain(first, pages))
        survey = Survey(self.services, entity, total, checkpoint is not None, why, late)
        kept: list[ChangePage] | None = []
        held = 0
        for page in pages:
            self.keep_going()
            survey.note(page)
            self._merges.note(entity, total, page.records)
            held += len(page.records) + len(page.deleted)
            if kept is not None and held <= self.room:
                # What is there stands in the store by now.
                kept.append(evolve(page, present=()))
                continue
            for each in (*(kept or ()), page):
                survey.let_go(each.records)
            kept = None
        rows: list[Record] = [row for page in kept or () for row in page.records]
        missing = survey.judge(rows)
        if kept is None:
            return Pages(stream, checkpoint, None, self._read(entity, checkpoint))
        self.room -= held
        return Pages(stream, checkpoint, missing, iter(kept))

    def _read(self, entity: BoundEntity, checkpoint: str | None) -> Iterator[ChangePage]:
        # Nothing is asked before the first page is.
        yield from watched(self.services, entity, self.services.dynamics.changes([entity], checkpoint))


def why_lost(entity: BoundEntity, error: CheckpointExpiredError) -> str:
    """Return why everything of an entity is compared, in a few words."""
    return f"changes of {entity.dynamics.entity_set}: {error.code or 'too old'}"
