"""What an engine does for single persons when asked: Marketo's flow actions for Dynamics, one by one and in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..entities import BoundEntity, Entity
from .apply import Applier
from .arguments import checked_person_ids
from .events import OnEvent, ignore
from .owners import OwnerLike, assign, checked_owner
from .push import check_preset, entity_to_push, plan_push
from .report import SyncReport
from .screen import screened
from .streams import begin_streams
from .tasks import Task, checked_key, make_tasks
from .upkeep import Upkeep


class FlowActions(Upkeep):
    """The part of :class:`SyncEngine` that answers requests for single persons."""

    def push_persons(
        self,
        ids: Sequence[int | str],
        *,
        as_entity: str | type[Entity] = "lead",
        values: Mapping[str, object] | None = None,
        on_event: OnEvent = ignore,
    ) -> SyncReport:
        """Make these Marketo persons in Dynamics now. One that is there already is left as it is.

        Args:
            ids: Marketo person ids.
            as_entity: ``"lead"``, ``"contact"``, or the entity class.
            values: Values for the new rows, by field name, such as an owner's.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each person that couldn't be made.

        Raises:
            ConfigurationError: An id is no whole number, ``values`` has an unknown field or a value that Dynamics
                doesn't take, or ``as_entity`` is no person.
            SyncError: As :meth:`SyncEngine.run`.
        """
        wanted, preset = checked_person_ids(ids), values or {}

        def push(applier: Applier, entity: BoundEntity) -> None:
            check_preset(entity, preset)
            begin_streams(applier.services)
            works = plan_push(applier.services, wanted, entity, applier.report, preset)
            applier.take(screened(applier.services, works))

        return self._act("push", as_entity, on_event, push)

    def assign_owner(
        self,
        ids: Sequence[int | str],
        owner: OwnerLike,
        *,
        as_entity: str | type[Entity] = "lead",
        on_event: OnEvent = ignore,
    ) -> SyncReport:
        """Give the Dynamics rows of these Marketo persons a new owner. A person that isn't in Dynamics is pushed first.

        Nothing guards the write: the last one who sets an owner wins, and no other edit of the row is lost. Marketo
        hears of the owner in the next cycle, as of any edit made in Dynamics.

        Args:
            ids: Marketo person ids, any number.
            owner: Row id of a user or a team, or a reference to one.
            as_entity: What to make persons as that aren't in Dynamics: ``"lead"``, ``"contact"``, or the entity class.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each person whose row didn't get the owner. Where there is no such owner, or
            it can own nothing, nobody is pushed either.

        Raises:
            ConfigurationError: An id is no whole number, ``owner`` no row id, or ``as_entity`` is no person.
            SyncError: As :meth:`SyncEngine.run`.
        """
        wanted, given = checked_person_ids(ids), checked_owner(owner)
        return self._act("owner", as_entity, on_event, partial(assign, ids=wanted, owner=given))

    def create_tasks(
        self,
        ids: Sequence[int | str],
        task: Task,
        *,
        key: str | None = None,
        as_entity: str | type[Entity] = "lead",
        on_event: OnEvent = ignore,
    ) -> SyncReport:
        """Make a task in Dynamics for each of these Marketo persons, regarding its lead or contact. A person that isn't
        in Dynamics is pushed first.

        Args:
            ids: Marketo person ids, any number.
            task: What the tasks say.
            key: Names these tasks: a repeat with the same key makes no second task for a person, whatever became of the
                first call. Without a key a lost answer makes none either, but a call that is made again does.
            as_entity: What to make persons as that aren't in Dynamics: ``"lead"``, ``"contact"``, or the entity class.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each person that got no task.

        Raises:
            ConfigurationError: An id is no whole number, Dynamics doesn't take a value of the task, or ``as_entity`` is
                no person.
            SyncError: As :meth:`SyncEngine.run`.
        """
        wanted = checked_person_ids(ids)
        checked_key(key)
        return self._act("tasks", as_entity, on_event, partial(make_tasks, ids=wanted, task=task, key=key))

    def _act(
        self, kind: str, as_entity: str | type[Entity], on_event: OnEvent, do: Callable[[Applier, BoundEntity], None]
    ) -> SyncReport:
        name = as_entity if isinstance(as_entity, str) else as_entity.__entity__.name
        with self._store.lock():
            report = SyncReport(self._settings.now(), kind=kind)
            with self._counted(report, on_event):
                services, applier = self._ready(report, on_event, _go_on)
                do(applier, entity_to_push(services, name))
            return report


def _go_on() -> None:
    """Nothing stops an action."""
