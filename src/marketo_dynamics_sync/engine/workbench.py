"""What the parts of a cycle share: both sides, who derives works, and who takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from attrs import define

from ..entities import BoundEntity, Side
from .derive import Deriver
from .events import Event, OnEvent
from .people import ChangedPersons
from .report import SyncReport
from .roles import Roles
from .screen import screened
from .services import Services
from .work import Work


class Taker(Protocol):
    """Takes works: carries them out, or only collects them."""

    @property
    def refused_now(self) -> set[tuple[str, str, str]]:
        """Records that were refused in this very cycle: they had their try."""
        ...

    @property
    def rows_written(self) -> dict[str, set[str]]:
        """Ids of rows in Dynamics that were written in this cycle, by entity, until all of its rows were read."""
        ...

    def take(self, works: Sequence[Work]) -> None:
        """Take some works."""
        ...


@define
class Workbench:
    """What the parts of a cycle share.

    Attributes:
        services: Both sides and the store.
        people: What Marketo's change streams said.
        taker: Who takes the works.
        report: Where counts go.
        on_event: Who listens.
        keep_going: Asked at every batch edge; raises to end the cycle.
        deriver: Who derives the works of records.
        roles: Who derives the works of opportunity roles, where they are synced.
    """

    services: Services
    people: ChangedPersons
    taker: Taker
    report: SyncReport
    on_event: OnEvent
    keep_going: Callable[[], None]
    deriver: Deriver
    roles: Roles | None = None
    #: Works that were handed over, and of which it isn't known yet whether they were done.
    underway: Sequence[Work] = ()

    def take(self, works: Sequence[Work]) -> None:
        """Hand works over, without those that a changed schema keeps back."""
        if works:
            kept = screened(self.services, works)
            self.underway = kept
            self.taker.take(kept)
            self.underway = ()
            self.deriver.note_held(kept)

    def take_all(self, parts: Iterable[Sequence[Work]]) -> None:
        """Hand works over part by part: each is derived when the one before it is done."""
        for works in parts:
            self.take(works)

    def resolved(self, entity: BoundEntity, side: Side, records: Sequence[str]) -> None:
        """Tell that nothing is left to do for records that waited."""
        for record in records:
            self.on_event(Event("resolved", entity.name, side, 1, "nothing is left to do", record))

    def roles_of(self, entity: BoundEntity) -> Roles | None:
        """Return who derives an entity's works, where it is that of opportunity roles."""
        return self.roles if self.roles is not None and entity is self.roles.entity else None
