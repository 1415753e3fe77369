"""The bulk calls of one instance, put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...http import Response
from ..activities import ActivityLog
from ..envelope import Answer, Refusal
from ..fields import Fields
from ..lists import StaticLists
from ..objects.relations import PersonLinks
from ..parameters import Parameters
from ..partitions import Partitions
from ..persons import People
from ..routes import Route
from ..tokens import Tokens
from .activity_extract import ActivityExtract
from .exports import Exports
from .extracts import LeadExtract, ObjectExtract
from .import_leads import LeadImport
from .import_objects import ObjectImport
from .imports import Imports
from .memberships import Memberships, Rule
from .objects import NoObjects, ObjectStore
from .queue import Queue
from .routes import bulk_routes
from .settings import BulkSettings
from .work import WorkClock


class Bulk:
    """Bulk import of leads and custom objects, and bulk extract of leads, activities and custom objects.

    Args:
        clock: The clock of the rooms that jobs write to; jobs that are made up for set it back.
        people: The people.
        fields: Their fields.
        log: The activity log.
        lists: Static lists.
        partitions: Lead partitions.
        tokens: Makes paging tokens.
        settings: Limits and timings.
        seed: Makes export ids repeatable.

    Attributes:
        objects: Keeps custom objects; can be replaced at any time.
        links: What being linked to a company means for imported people; ``None`` leaves that to a native sync.
        on_finish: Asked with the batch or export id when a job ends; a text makes it fail with that message.
    """

    def __init__(
        self,
        clock: WorkClock,
        people: People,
        fields: Fields,
        log: ActivityLog,
        lists: StaticLists,
        partitions: Partitions,
        tokens: Tokens,
        settings: BulkSettings,
        seed: int,
    ) -> None:
        self.objects: ObjectStore = NoObjects()
        self.links: PersonLinks | None = None
        self.on_finish: Callable[[str], str | None] | None = None
        self._clock = clock
        limits = {"running": settings.running, "queued": settings.queued}
        imports = Queue(clock, **limits, wait=settings.import_wait)
        exports = Queue(clock, **limits, wait=settings.export_wait)
        self._queues = (imports, exports)
        self._memberships = Memberships(people, lists, settings)
        self.imports = Imports(
            clock,
            imports,
            settings,
            LeadImport(people, fields, partitions, lists, settings, lambda: self.links),
            ObjectImport(settings),
            lambda: self.objects,
            self._breaks,
        )
        self.exports = Exports(clock, exports, settings, tokens, self._breaks, seed)
        self._leads = LeadExtract(people, fields, log, self._memberships)
        self._activities = ActivityExtract(log)

    def settle(self) -> None:
        """Do everything that has fallen due, in the order in which it fell due."""
        now = self._clock.now()
        while True:
            due = [(at, queue) for queue in self._queues if (at := queue.due()) is not None and at <= now]
            if not due:
                return
            min(due, key=lambda pair: pair[0])[1].step()

    def add_smart_list(self, name: str, rule: Rule) -> int:
        """Make a smart list, as a marketer does, and return its id.

        Args:
            name: Its name.
            rule: Decides from all values of a person, as :meth:`MarketoService.person` gives them, who is on it.
        """
        return self._memberships.add(name, rule)

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of the bulk calls."""
        return bulk_routes(
            self.imports,
            self.exports,
            partial(self.exports.create, "leads", self._leads),
            partial(self.exports.create, "activities", self._activities),
            self._create_object_export,
        )

    def _create_object_export(self, given: Parameters, name: str) -> Answer | Response:
        kind = self.objects.describe(name)
        if kind is None:
            raise Refusal("1013", f"Object '{name}' not found")
        source = ObjectExtract(self.objects, kind, self._memberships)
        return self.exports.create(f"customobjects/{name}", source, given)

    def _breaks(self, number: str) -> str | None:
        return None if self.on_finish is None else self.on_finish(number)
