"""Counts the merges of persons that a cycle would do, before the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, evolve, field

from ..entities import BoundEntity, Record
from ..state import Link
from .conversions import is_another
from .filters import passes
from .merge_plan import merger_of
from .moves import Moves
from .objects import in_order
from .people import ChangedPersons
from .services import Services

#: Rows whose places are looked up at once.
_AT_ONCE: Final = 1000


@define
class MergesAhead:
    """Remembers linked rows that became other rows, without their values, until all tables were looked at.

    Attributes:
        services: Both sides and the store.
    """

    services: Services
    _moved: dict[str, dict[str, tuple[Record, Link]]] = field(factory=dict, init=False)

    def note(self, entity: BoundEntity, total: int, records: Sequence[Record]) -> None:
        """Note the rows of a page that became other rows.

        Args:
            entity: Their entity.
            total: Links that it has.
            records: The page's rows.
        """
        services = self.services
        if not entity.definition.marketo.is_person or not services.settings.brakes.looks_many_merges(total, total):
            return
        moved = {row.id: row for row in records if is_another(services, entity, row)}
        if not moved or not any(merger_of(services, each) for each in services.persons()):
            return
        links = services.store.links_by_dynamics(entity.name, list(moved))
        self._moved.setdefault(entity.name, {}).update(
            (row, (evolve(moved[row], values={}, empty=frozenset()), evolve(link, base={}, dynamics_base={}, sent={})))
            for row, link in links.items()
            if passes(services.settings.filters, entity, moved[row])
        )

    def judge(self) -> None:
        """Refuse to go on where so many persons would be merged that it looks like an accident.

        Most rows that became others take no second person with them, so what is noted is only the most that there can
        be. Where that would brake, it is looked up what each row became, as it is when its turn comes.

        Raises:
            PlanRefusedError: They are.
        """
        services, brakes = self.services, self.services.settings.brakes
        noted, self._moved = self._moved, {}
        totals = {name: services.store.count_links(name) for name in noted}
        if not any(brakes.looks_many_merges(len(moved), totals[name]) for name, moved in noted.items()):
            return
        moves = Moves(services, ChangedPersons(), {})
        for entity in in_order(services.persons()):
            moved = list(noted.get(entity.name, {}).values())
            for start in range(0, len(moved), _AT_ONCE):
                moves.rows(entity, moved[start : start + _AT_ONCE])
        for name, count in moves.found().items():
            brakes.allow_merges(name, count, totals[name])
