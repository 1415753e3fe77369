"""Deals with rows that are no longer in Dynamics."""

from __future__ import annotations

from collections.abc import Collection

from attrs import define

from ..entities import BoundEntity, Side
from ..state import Commit, Link
from .deletions import OnDelete
from .references import cleared_references
from .waiting import met_again
from .workbench import Workbench


@define
class GoneRows:
    """Deals with rows that are no longer in Dynamics.

    Attributes:
        bench: Both sides, who derives, who takes.
    """

    bench: Workbench

    def deal_with(self, entity: BoundEntity, gone: Collection[str]) -> dict[str, Link]:
        """Deal with rows that are gone, and return the links that they had."""
        bench = self.bench
        links = self._links_of(entity, gone)
        left = links
        roles = bench.roles
        if roles is not None and entity is roles.entity:
            bench.take_all(roles.of_gone(connections=links))
            return links
        if roles is not None and entity is roles.opportunity and gone:
            bench.take_all(roles.of_gone(opportunities=gone))
            held = roles.of_opportunity(links)
            self._wait(entity, held)
            left = {row: link for row, link in links.items() if row not in held}
        if bench.services.settings.deletions.after(entity, Side.DYNAMICS) is OnDelete.DELETE:
            bench.take_all(cleared_references(bench.services, entity, left))
        bench.take(bench.deriver.gone_rows(entity, left.values()))
        return links

    def brake(self, entity: BoundEntity, gone: Collection[str]) -> None:
        """Refuse to go on where so many rows are gone that it looks like an accident.

        Raises:
            PlanRefusedError: They are.
        """
        services = self.bench.services
        links = self._links_of(entity, gone)
        total = services.store.count_links(entity.name) if links else 0
        services.settings.brakes.allow_deletes(entity.name, len(links), total, late=True)

    def _wait(self, entity: BoundEntity, opportunities: Collection[str]) -> None:
        """Let opportunities wait whose roles couldn't be deleted: they are met again in the next cycle."""
        now, words = self.bench.services.settings.now(), "its opportunity roles couldn't be deleted, and go before it"
        wait = [met_again(entity.name, row, "roles-left", words, now) for row in opportunities]
        if wait:
            self.bench.services.store.commit(Commit(reject=wait))

    def _links_of(self, entity: BoundEntity, rows: Collection[str]) -> dict[str, Link]:
        return self.bench.services.store.links_by_dynamics(entity.name, sorted(rows)) if rows else {}
