"""Brakes: a plan that looks like an accident is refused before it does harm."""

from __future__ import annotations

from attrs import frozen

from ..errors import PlanRefusedError


@frozen
class Brakes:
    """Limits that stop a cycle.

    Attributes:
        max_delete_share: Largest share of an entity's links that may end as deletions in one cycle.
        min_deletes: Fewer deletions than this never brake.
    """

    max_delete_share: float = 0.25
    min_deletes: int = 20

    def allow_deletes(self, entity: str, deletes: int, links: int) -> None:
        """Let a number of deletions pass.

        Args:
            entity: Name of the entity.
            deletes: Records found to be deleted in this cycle.
            links: Links the entity had before.

        Raises:
            PlanRefusedError: They are too many. The text shows the numbers and the switch that lets them pass.
        """
        if deletes < self.min_deletes or links == 0:
            return
        share = deletes / links
        if share > self.max_delete_share:
            raise PlanRefusedError(
                f"{deletes} of {links} linked records of {entity!r} ({share:.0%}) look deleted, and "
                f"{self.max_delete_share:.0%} is "
                "the limit. If that is meant, run once with brakes=Brakes(max_delete_share=1.0); if not, look at the "
                "filter, the sync user's role and the address of the environment."
            )
