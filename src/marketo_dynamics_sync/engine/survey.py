"""What the brakes need to know of a table's changes, counted page by page, so that no page has to be kept for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import define, field

from ..connectors import ChangePage
from ..entities import BoundEntity, Record, Side
from ..plan import plan_pair
from ..state import Commit, Link
from .filters import passes, stale_fact
from .links import known_of
from .objects import resolved
from .roles import is_role, is_row
from .services import Services


@define
class Survey:
    """Counts what a table's changes would do, and lets the brakes judge it at their end.

    Attributes:
        services: Both sides and the store.
        entity: The entity.
        total: Links that it has.
        news: Whether the changes since a checkpoint are read; without change tracking they are a listing too.
        why: Why rows are written, in a few words.
        late: Whether other records were brought into agreement before.
        listing: Whether everything is listed.
    """

    services: Services
    entity: BoundEntity
    total: int
    news: bool
    why: str = "changed in Dynamics"
    late: bool = False
    listing: bool = field(default=False, init=False)
    _any: bool = field(default=False, init=False)
    _deletes: int = field(default=0, init=False)
    _linked: int = field(default=0, init=False)
    _leaving: int = field(default=0, init=False)
    _changes: int = field(default=0, init=False)

    def note(self, page: ChangePage) -> None:
        """Note what a page says is gone, and what it says is there."""
        store, name = self.services.store, self.entity.name
        if page.deleted:
            self._deletes += len(store.links_by_dynamics(name, sorted(set(page.deleted))))
        if page.listing and not self.listing:
            self.listing = True
            store.forget_seen(name)
        if self.listing and page.present:
            self._any = True
            store.commit(Commit(seen=[(name, page.present)]))

    def let_go(self, records: Sequence[Record]) -> None:
        """Count what rows would write that are not kept."""
        if records and not is_role(self.entity.definition):
            linked = self._count(records)
            if self.services.settings.brakes.looks_many(self.total, self.total):
                self._changes += self._written(records, linked)

    def judge(self, kept: Sequence[Record]) -> list[str]:
        """Refuse to go on where the changes look like an accident.

        Args:
            kept: Rows of which nothing was counted yet.

        Returns:
            Of a listing, the linked rows that are not in it.

        Raises:
            PlanRefusedError: They do.
        """
        brakes, name = self.services.settings.brakes, self.entity.name
        brakes.allow_deletes(name, self._deletes, self.total, late=self.late)
        missing: list[str] = []
        if self.listing:
            if not self._any and not is_role(self.entity.definition):
                brakes.allow_empty(name, "Dynamics", self.total, late=self.late)
            unseen = (link.dynamics_id for link in self.services.store.unseen(name))
            missing = [row for row in unseen if is_row(row)]
            brakes.allow_deletes(name, len(missing), self.total, late=self.late)
        if not is_role(self.entity.definition):  # most connections are no roles, and some roles come from no connection
            self._judge_rows(kept)
        return missing

    def _judge_rows(self, kept: Sequence[Record]) -> None:
        brakes, name = self.services.settings.brakes, self.entity.name
        linked: dict[str, Link] = {}
        if kept and (self._filtered or self.listing or brakes.looks_many(self._linked + len(kept), self.total)):
            linked = self._count(kept)
        if self._filtered:
            brakes.allow_leaving(name, self._leaving, self.total, late=self.late)
        looked_at = self._linked if self.listing and not self.news else self.total
        if brakes.looks_many(self._linked, looked_at):
            changes = self._changes + self._written(kept, linked)
            brakes.allow_changes(name, changes, looked_at, why=self.why, late=self.late)

    @property
    def _filtered(self) -> bool:
        return self.entity.name in self.services.settings.filters

    def _count(self, records: Sequence[Record]) -> dict[str, Link]:
        """Count linked rows, and those of them that leave the filter, and return their links."""
        linked = self.services.store.links_by_dynamics(self.entity.name, [record.id for record in records])
        self._linked += len(linked)
        if self._filtered:
            self._leaving += _leaving(self.services, self.entity, records, linked)
        return linked

    def _written(self, records: Sequence[Record], linked: dict[str, Link]) -> int:
        digest = self.services.digests[self.entity.name]
        filters = self.services.settings.filters
        news = (record for record in records if _news(record, linked.get(record.id), digest))
        rows = {record.id: record for record in news if passes(filters, self.entity, record)}
        rows, _ = resolved(self.services, self.entity, rows)
        pairs = [(row, linked[row_id]) for row_id, row in rows.items()]
        return written(self.services, self.entity, pairs, Side.MARKETO)


def written(services: Services, entity: BoundEntity, pairs: Sequence[tuple[Record, Link]], to: Side) -> int:
    """Return of how many records the other side would be told something."""
    digest, policy = services.digests[entity.name], services.policy(entity)
    count = 0
    for record, link in pairs:
        known = known_of(link, entity, digest=digest)
        row, person = (record, None) if to is Side.MARKETO else (None, record)
        count += plan_pair(known, marketo=person, dynamics=row, policy=policy).writes(to)
    return count


def _news(row: Record, link: Link | None, digest: str) -> bool:
    """Return whether a linked row may have something to say: of one that is as it was last left nothing is written."""
    return link is not None and (link.version is None or row.version != link.version or link.fingerprint != digest)


def _leaving(services: Services, entity: BoundEntity, rows: Sequence[Record], links: Collection[str]) -> int:
    """Return how many linked rows pass the filter no longer, and did so far."""
    filters, store = services.settings.filters, services.store
    outside = {row.id for row in rows if row.id in links and not passes(filters, entity, row)}
    return sum(store.fact(stale_fact(entity, row)) is None for row in outside)
