"""Brakes: a plan that looks like an accident is refused before it does harm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from ..errors import ConfigurationError, PlanRefusedError


class Brake(Enum):
    """What a brake looks at. ``run(release=[Brake.DELETES])`` lets it pass in one cycle."""

    #: Many linked records look deleted.
    DELETES = "deletes"
    #: Many linked records would be written.
    CHANGES = "changes"
    #: Many persons would be merged into others.
    MERGES = "merges"
    #: A side that had records shows none.
    EMPTY = "empty"
    #: Many linked rows leave the filter at once.
    FILTER = "filter"
    #: This machine's clock and a service's disagree.
    CLOCK = "clock"
    #: The canary record isn't there on both sides.
    CANARY = "canary"


@frozen
class Canary:
    """A record that must be readable on both sides before anything is written.

    Attributes:
        entity: Name of its entity.
        row: Row id in Dynamics. Its other half is the record it is linked with; before that only the row is looked at.
    """

    entity: str
    row: str


_USUAL_SKEW: Final = timedelta(minutes=15)


@frozen
class Brakes:
    """Limits that stop a cycle before its first write.

    Attributes:
        max_delete_share: Largest share of an entity's links that may end as deletions in one cycle.
        min_deletes: Fewer deletions than this never brake by their share.
        max_deletes: Largest number of deletions of an entity in one cycle, whatever their share; ``None`` for any.
        max_change_share: Largest share of an entity's links that one cycle may write.
        min_changes: Fewer changes than this never brake.
        max_merge_share: Largest share of an entity's links whose persons may be merged into others in one cycle.
        min_merges: Fewer merges than this never brake.
        max_clock_skew: Largest difference between this machine's clock and a service's.
        canary: A record that must be readable on both sides. It costs two calls a cycle.
        released: Brakes that let everything pass.
    """

    max_delete_share: float = 0.25
    min_deletes: int = 20
    max_deletes: int | None = None
    max_change_share: float = 0.5
    min_changes: int = 1000
    max_merge_share: float = 0.25
    min_merges: int = 20
    max_clock_skew: timedelta = _USUAL_SKEW
    canary: Canary | None = None
    released: frozenset[Brake] = frozenset()

    def release(self, brakes: Iterable[Brake]) -> Brakes:
        """Return these brakes with some of them released.

        Raises:
            ConfigurationError: What is to be released is no brake.
        """
        wanted = frozenset([brakes] if isinstance(brakes, Brake) else brakes)
        if not all(isinstance(brake, Brake) for brake in wanted):
            raise ConfigurationError("release: give members of Brake, such as [Brake.DELETES]")
        if Brake.EMPTY in wanted:
            wanted |= {Brake.DELETES}  # on an empty side everything looks deleted
        return evolve(self, released=self.released | wanted) if wanted else self

    def allow_deletes(self, entity: str, deletes: int, links: int, *, late: bool = False) -> None:
        """Let a number of deletions pass.

        Args:
            entity: Name of the entity.
            deletes: Records found to be deleted in this cycle.
            links: Links the entity had before.
            late: Whether other records were brought into agreement before these were found.

        Raises:
            PlanRefusedError: They are too many. The text shows the numbers and the switch that lets them pass.
        """
        if Brake.DELETES in self.released or links == 0:
            return
        share = deletes / links
        look = "if not, look at the filter, the sync user's role and the address of the environment"
        if self.max_deletes is not None and deletes > self.max_deletes:
            limit = f"{self.max_deletes} is the limit (max_deletes)"
        elif deletes >= self.min_deletes and share > self.max_delete_share:
            limit = f"{self.max_delete_share:.0%} is the limit (max_delete_share)"
        else:
            return
        what = f"{deletes} of {links} linked records of {entity!r} ({share:.0%}) look deleted, and {limit}"
        raise _refused(Brake.DELETES, what, look, _untouched(late=late))

    def looks_many(self, changes: int, links: int) -> bool:
        """Return whether so many changes are worth a closer look."""
        many = changes >= self.min_changes and changes > links * self.max_change_share
        return many and Brake.CHANGES not in self.released

    def looks_many_merges(self, merges: int, links: int) -> bool:
        """Return whether so many merges of persons are worth a closer look."""
        many = merges >= self.min_merges and merges > links * self.max_merge_share
        return links > 0 and many and Brake.MERGES not in self.released

    def allow_changes(self, entity: str, changes: int, looked_at: int, *, why: str, late: bool = False) -> None:
        """Let a number of changes pass.

        Args:
            entity: Name of the entity.
            changes: Linked records that would be written.
            looked_at: Linked records that they were counted among.
            why: Where they come from, in a few words.
            late: Whether other records were brought into agreement before these were found.

        Raises:
            PlanRefusedError: They are too many. The text shows the numbers and the switch that lets them pass.
        """
        if looked_at and self.looks_many(changes, looked_at):
            raise _refused(
                Brake.CHANGES,
                f"{changes} of {looked_at} linked records of {entity!r} ({changes / looked_at:.0%}) would be written "
                f"({why}), and {self.max_change_share:.0%} is the limit (max_change_share)",
                "if not, look at engine.plan() with the same switch, which writes nothing",
                _untouched(late=late),
            )

    def allow_merges(self, entity: str, merges: int, links: int, *, done: int | None = None) -> None:
        """Let a number of merges of persons pass.

        Args:
            entity: Name of the entity whose rows were merged away or qualified.
            merges: Persons that would be merged into others in this cycle.
            links: Links the entity has.
            done: How many of them were taken up before these were found; ``None`` where nothing was written yet.

        Raises:
            PlanRefusedError: They are too many. The text shows the numbers and the switch that lets them pass.
        """
        if self.looks_many_merges(merges, links):
            raise _refused(
                Brake.MERGES,
                f"persons of {merges} of {links} linked records of {entity!r} ({merges / links:.0%}) would be merged "
                f"into others, which can't be undone, and {self.max_merge_share:.0%} is the limit (max_merge_share)",
                "if not, give on_merge=OnMerge.HOLD",
                "Nothing was written" if done is None else f"{done} of them may be merged by now, and no other is",
            )

    def allow_leaving(self, entity: str, leaving: int, links: int, *, late: bool = False) -> None:
        """Let linked rows leave the filter.

        Args:
            entity: Name of the entity.
            leaving: Linked rows that pass the filter no longer.
            links: Links of the entity.
            late: Whether other records were brought into agreement before these were found.

        Raises:
            PlanRefusedError: They are too many. The text shows the numbers and the switch that lets them pass.
        """
        many = leaving >= self.min_deletes and leaving > links * self.max_delete_share
        if many and Brake.FILTER not in self.released:
            raise _refused(
                Brake.FILTER,
                f"{leaving} of {links} linked records of {entity!r} ({leaving / links:.0%}) would leave the filter, "
                f"and {self.max_delete_share:.0%} is the limit (max_delete_share)",
                "if not, look at the filter",
                _untouched(late=late),
            )

    def allow_empty(self, entity: str, where: str, links: int, *, late: bool = False) -> None:
        """Let a side be empty.

        Args:
            entity: Name of the entity.
            where: What was read, in a few words.
            links: Links of the entity.
            late: Whether other records were brought into agreement before.

        Raises:
            PlanRefusedError: There were links. The text shows how many, and the switch that lets it pass.
        """
        if links and Brake.EMPTY not in self.released:
            raise _refused(
                Brake.EMPTY,
                f"{where} shows no record of {entity!r}, and {links} are linked",
                "if not, look at the sync user's role and at the address of the environment",
                _untouched(late=late),
            )

    def allow_skew(self, service: str, skew: timedelta) -> None:
        """Let two clocks differ.

        Raises:
            PlanRefusedError: They differ too much. The text shows by how much, and the switch that lets it pass.
        """
        if abs(skew) > self.max_clock_skew and Brake.CLOCK not in self.released:
            raise _refused(
                Brake.CLOCK,
                f"this machine's clock and {service}'s are {abs(skew).total_seconds() / 60:.0f} minutes apart, and "
                f"{self.max_clock_skew.total_seconds() / 60:.0f} are the limit (max_clock_skew)",
                "if not, set this machine's clock",
            )

    def allow_canary(self, missing: str) -> None:
        """Refuse to go on without the canary.

        Args:
            missing: Where it was not found, in a few words.

        Raises:
            PlanRefusedError: Always, unless the brake was released.
        """
        if self.canary is not None and Brake.CANARY not in self.released:
            raise _refused(
                Brake.CANARY,
                f"the canary, {self.canary.entity} {self.canary.row}, is not there: {missing}",
                "if not, look at the sync user's role, the filter, and the address of the instances",
            )


def _untouched(*, late: bool) -> str:
    return "None of these was touched" if late else "Nothing was written"


def _refused(brake: Brake, what: str, look: str, nothing: str = "Nothing was written") -> PlanRefusedError:
    name = f"Brake.{brake.name}"
    return PlanRefusedError(
        f"{what}. {nothing}. If that is meant, run once with release=[{name}]; {look}.", brake=brake.value
    )
