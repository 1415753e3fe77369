"""``SyncEngine``: what a host makes, and what it calls."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs

from ..conflict import PolicyLike
from ..connectors import CallCount, Connector
from ..entities import Discovery, Entity, Provision, Side, discover
from ..errors import ConfigurationError, PlanRefusedError, QuotaError, StateError, SyncError
from ..identity import Matching
from ..plan import Brake, Brakes, Plan
from ..state import StateStore
from .apply import Applier, Stopped
from .arguments import checked_age, checked_entities, checked_policies
from .campaigns import CampaignActions
from .chosen import chosen_entity, plan_chosen
from .collect import Collector
from .contract import SchemaModes, checked_modes
from .cycle import Cycle
from .deletions import OnDelete, deletions
from .digested import BaseForm, checked_form
from .events import Event, OnEvent, ignore
from .filters import Filter, checked_filters
from .merging import OnMerge, mergings
from .overlay import Overlay
from .preflight import Preflight, preflight
from .provision import provision
from .push import by_rule
from .report import SyncReport
from .roles import check_roles
from .schedule import in_thread, repeat
from .screen import screened
from .services import PushRule, Services, Settings, open_services
from .status import remember_run
from .streams import begin_streams
from .takeover import Takeover, take_over
from .workbench import Taker


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


class SyncEngine(CampaignActions):
    """Keeps Marketo and Dynamics in sync. Making one touches nothing: the first call of a method does.

    Args:
        marketo: Marketo's connector.
        dynamics: Dynamics' connector.
        store: Where observations are kept between cycles. One engine at a time runs on a store.
        entities: Entity classes to sync, in the order of a cycle. A subclass takes the place of its parent.
        policies: Who wins a clash: one policy for all, or by entity name. Default: Marketo for leads, Dynamics for
            contacts and everything else. Opt-out fields are always most restrictive.
        matching: How a new Dynamics row is matched with persons Marketo already has. Default: CRM id, then e-mail.
        filters: Which Dynamics rows are synced, by entity name: a function of the row. A row that leaves goes stale.
            A filter takes the place of the entity's own (``team``: no access teams).
        brakes: When a cycle looks like an accident and is refused.
        on_delete: What becomes of a record whose other half was deleted: by entity name for rows deleted in Dynamics,
            by ``(name, Side.MARKETO)`` for persons deleted in Marketo. Default: persons are marked (the native way),
            companies and sales persons stay, opportunities, roles and custom objects are deleted; rows always stay.
        on_schema_change: What a cycle does when a service changed a mapped field since the last one: one mode for all
            entities, or by entity name. Default: fields that are ``optional`` evolve; the loss of another is an error.
        beside_native_sync: Sync persons and custom objects only, while Marketo's own CRM sync is connected and keeps
            companies, sales persons, opportunities and their roles to itself. Without it that is an error.
        on_merge: What becomes of two persons whose rows were merged in Dynamics, or one qualified into the other: one
            answer for all, or by name of the entity of the row that is left. Default: its person takes the other in,
            as with the native sync, which can't be undone.
        push_rule: Says as which entity a person that is new in Marketo is made in Dynamics; without it none is, unless
            :meth:`push_persons` asks for it.
        base: How the store remembers what both sides agreed on: as ``"values"``, or as a ``"digest"`` of each, so that
            no value stands in it in clear text. What that costs is told in "Keep values out of the state file".
        reread_after: A person that was read longer ago (a timedelta, or seconds) is read again right before it is
            written to, since Marketo guards no write. 0 reads it always, ``None`` never.
        now: The clock (UTC).
        monotonic: Seconds for durations.
        new_id: Makes row ids for new Dynamics rows.

    Raises:
        ConfigurationError: No entity, two entities of one name, a policy that is none, or a connector of the other
            side.
    """

    def __init__(
        self,
        *,
        marketo: Connector,
        dynamics: Connector,
        store: StateStore,
        entities: Sequence[type[Entity]],
        policies: PolicyLike | Mapping[str, PolicyLike] | None = None,
        matching: Matching | None = None,
        filters: Mapping[str, Filter] | None = None,
        brakes: Brakes | None = None,
        on_delete: Mapping[str | tuple[str, Side], OnDelete] | None = None,
        on_schema_change: SchemaModes | None = None,
        beside_native_sync: bool = False,
        on_merge: OnMerge | Mapping[str, OnMerge] | None = None,
        push_rule: PushRule | None = None,
        base: BaseForm = "values",
        reread_after: timedelta | float | None = 5.0,
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        for name, given, side in (("marketo", marketo, Side.MARKETO), ("dynamics", dynamics, Side.DYNAMICS)):
            if given.side is not side:
                raise ConfigurationError(
                    f"{name}: {type(given).__name__} speaks for {given.side.value}, not for {name}"
                )
        for name, option, kind in (("matching", matching, Matching), ("brakes", brakes, Brakes)):
            if option is not None and not isinstance(option, kind):
                raise ConfigurationError(f"{name}: give {kind.__name__}(...), not {type(option).__name__}")
        self._marketo = marketo
        self._dynamics = dynamics
        self._store = store
        self._definitions = checked_entities(entities)
        if brakes is not None and brakes.canary is not None and brakes.canary.entity not in self._names:
            raise ConfigurationError(f"brakes: the canary's entity {brakes.canary.entity!r} isn't synced")
        check_roles(self._definitions)
        self._settings = Settings(
            policies=checked_policies(self._definitions, policies),
            matching=matching or Matching(),
            brakes=brakes or Brakes(),
            deletions=deletions(on_delete, self._names),
            mergings=mergings(on_merge, self._names),
            filters=checked_filters(filters, self._definitions),
            push_rule=push_rule,
            schema_modes=checked_modes(on_schema_change, self._names),
            beside_native_sync=beside_native_sync,
            base=checked_form(base),
            new_id=new_id,
            now=now,
            monotonic=monotonic,
            reread_after=checked_age(reread_after),
        )

    def check(self) -> Preflight:
        """Look at everything a cycle needs: address, credentials, permissions, change tracking, mapping, limits.
        Writes nothing."""
        modes, beside = self._settings.schema_modes, self._settings.beside_native_sync
        return preflight(self._marketo, self._dynamics, self._store, self._definitions, modes, beside=beside)

    def discover(self, entity: str | type[Entity]) -> Discovery:
        """Return what both services have for an entity: mapped, free, alike, not to be used. Writes nothing anywhere.

        Args:
            entity: Name of one of the engine's entities, or any entity class.

        Raises:
            ConfigurationError: No entity of the engine is called so, or a service doesn't have its object.
            ServiceError: A service can't be reached or refuses us.
        """
        if isinstance(entity, str):
            definition = next((d for d in self._definitions if d.name == entity), None)
            if definition is None:
                raise ConfigurationError(f"discover: no entity is called {entity!r}")
        else:
            (definition,) = checked_entities([entity])
        for connector in (self._marketo, self._dynamics):
            connector.refresh()
        return discover(definition, self._marketo.describe(definition), self._dynamics.describe(definition))

    def provision(self, *, dry_run: bool = True) -> Provision:
        """Return the person fields that the entities need and Marketo lacks. Makes them only when told to.

        Args:
            dry_run: Only look. With ``False`` the fields are made in Marketo, all or none; they can be hidden there
                later, and never deleted.

        Raises:
            ConfigurationError: Marketo's connector can't make fields.
            ServiceError: A service can't be reached or refuses us; making fields needs the right "Read-Write Schema
                Custom Field".
        """
        return provision(self._marketo, self._dynamics, self._definitions, dry_run=dry_run)

    def plan(self, *, release: Collection[Brake] = ()) -> Plan:
        """Return what :meth:`run` would do now. Reads and decides; writes nothing anywhere, not even where it stopped.

        Args:
            release: Brakes that let everything pass this once.

        Raises:
            SyncError: As :meth:`run`.
        """
        with self._store.lock():
            try:
                return self._planned(release)
            except Stopped:  # the schema changed meanwhile: what is known of it is new by now
                return self._planned(release)

    def run(
        self,
        *,
        deadline: datetime | timedelta | None = None,
        on_event: OnEvent = ignore,
        stop: threading.Event | None = None,
        release: Collection[Brake] = (),
    ) -> SyncReport:
        """Run one cycle: the first is the full copy, later ones carry changes only.

        Args:
            deadline: When to stop at the next batch edge: a moment (time-zone aware), or a time from now.
            on_event: Called with everything that happens, for progress bars and logs.
            stop: Set by the host to stop at the next batch edge.
            release: Brakes that let everything pass in this cycle, such as ``[Brake.DELETES]``.

        Returns:
            What was done. ``report.stopped`` says why a cycle ended before everything was done; the next one goes on.

        Raises:
            ConfigurationError: Something must be changed before any call can work.
            SchemaChangedError: A service changed a mapped field of an entity whose schema is frozen.
            ServiceError: A service failed for good. What was done until then is kept.
            StateError: The store can't be used, is locked, or belongs to other instances.
            PlanRefusedError: A brake stopped the cycle.
        """
        with self._store.lock():
            keep_going = self._edge(deadline, stop)
            first = all(self._store.fact(f"mapping:{d.name}") is None for d in self._definitions)
            report = SyncReport(self._settings.now(), kind="first copy" if first else "cycle")
            on_event(Event("started", detail=report.kind))
            try:
                with self._counted(report, on_event):
                    services, applier = self._ready(report, on_event, keep_going, release)
                    cycle = self._cycle(services, applier, report, on_event, keep_going)
                    cycle.run()
                    report.count("all", "read", "unchanged", cycle.unchanged)
            except StateError:
                raise  # a store that can't be used, or that isn't ours, keeps nothing of it
            except SyncError:
                with suppress(StateError):
                    remember_run(self._store, report, self._names)
                raise
            remember_run(self._store, report, self._names)
            return report

    async def arun(
        self,
        *,
        deadline: datetime | timedelta | None = None,
        on_event: OnEvent = ignore,
        release: Collection[Brake] = (),
    ) -> SyncReport:
        """Run one cycle in a worker thread, as :meth:`run` does. Cancelling the task stops the cycle at the next batch
        edge."""
        return await in_thread(lambda stop: self.run(deadline=deadline, on_event=on_event, stop=stop, release=release))

    def run_every(self, interval: timedelta | float, stop: threading.Event, *, on_event: OnEvent = ignore) -> int:
        """Run cycles until ``stop`` is set, and return how many ran. Owns no thread: it blocks the caller's.

        Args:
            interval: Time between the end of one cycle and the start of the next.
            stop: Set by the host; a cycle under way stops at its next batch edge.
            on_event: Called with everything that happens.
        """
        return repeat(lambda: self.run(on_event=on_event, stop=stop), interval, stop)

    def sync_records(
        self,
        ids: Sequence[int | str],
        *,
        entity: str | type[Entity],
        side: Side = Side.DYNAMICS,
        on_event: OnEvent = ignore,
    ) -> SyncReport:
        """Bring these records into agreement now, through the same merge, without waiting for their turn.

        Both sides of each record are read. A row that has no link yet is matched, or made in Marketo, as in a cycle.

        Args:
            ids: Row ids in Dynamics, or ids in Marketo of linked records.
            entity: Name of the entity, or its class.
            side: Whose ids they are.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each record that isn't there or isn't linked.

        Raises:
            ConfigurationError: The engine doesn't sync the entity, or ``ids`` is a text.
            SyncError: As :meth:`run`.
        """
        if isinstance(ids, str):
            raise ConfigurationError("ids: give a list of ids, not a text")
        name = entity if isinstance(entity, str) else entity.__entity__.name
        with self._store.lock():
            report = SyncReport(self._settings.now(), kind="chosen records")
            with self._counted(report, on_event):
                services, applier = self._ready(report, on_event, _go_on)
                bound = chosen_entity(services, name)
                begin_streams(services)
                for works in plan_chosen(services, bound, [str(i).strip().lower() for i in ids], side, report):
                    applier.take(screened(services, works))
            return report

    def takeover(
        self, field: str | Mapping[str, str], *, dry_run: bool = True, leave_differences: bool = False
    ) -> Takeover:
        """Take over links that another sync made, such as Marketo's own, by the field in which it kept row ids.

        Nothing is written to either service. Equal values write nothing later either; ones that differ are decided by
        the policy in the next cycle, or left as they are until somebody edits them.

        Args:
            field: REST name of the Marketo person field that holds row ids, or one by entity name.
            dry_run: Only look. With ``False`` the links are kept.
            leave_differences: Leave what differs as it is.

        Returns:
            What was, or would be, linked, and how each field compares: numbers and ids, never values.

        Raises:
            ConfigurationError: Marketo has no such field, or persons can't be looked up by it.
            SyncError: As :meth:`run`.
        """
        with self._store.lock():
            services = self._open(Overlay(self._store) if dry_run else self._store)
            return take_over(services, field, dry_run=dry_run, leave_differences=leave_differences)

    @property
    def _names(self) -> list[str]:
        return [definition.name for definition in self._definitions]

    def _planned(self, release: Collection[Brake]) -> Plan:
        services = self._open(Overlay(self._store), release)
        collector = Collector(services)
        cycle = self._cycle(services, collector, SyncReport(self._settings.now()), ignore, _go_on)
        cycle.run()
        return collector.plan(cycle.unchanged)

    def _open(self, store: StateStore, release: Collection[Brake] = ()) -> Services:
        settings = attrs.evolve(self._settings, brakes=self._settings.brakes.release(release))
        return open_services(self._marketo, self._dynamics, store, settings, self._definitions)

    def _unguarded(self, store: StateStore) -> Services:
        ends = self._marketo, self._dynamics
        return open_services(*ends, store, self._settings, self._definitions, guard=False)

    def _cycle(
        self, services: Services, taker: Taker, report: SyncReport, on_event: OnEvent, keep_going: Callable[[], None]
    ) -> Cycle:
        push = partial(by_rule, services, report=report) if self._settings.push_rule is not None else None
        return Cycle(services, taker, report, on_event, keep_going, push)

    def _ready(
        self,
        report: SyncReport,
        on_event: OnEvent,
        keep_going: Callable[[], None],
        release: Collection[Brake] = (),
    ) -> tuple[Services, Applier]:
        services = self._open(self._store, release)
        report.left_out = services.left_out
        for gap in services.left_out:
            on_event(Event("left-out", gap.entity, gap.side, detail=f"{gap.field}: {gap.reason}"))
        report.schema_changes = services.schema_changes
        for change in services.schema_changes:
            on_event(Event("schema-changed", change.entity, change.side, detail=str(change)))
        applier = Applier(services, report, on_event, keep_going)
        applier.waits.read(self._store)
        return services, applier

    def _calls(self) -> tuple[CallCount, CallCount]:
        return attrs.evolve(self._marketo.calls), attrs.evolve(self._dynamics.calls)

    def _edge(self, deadline: datetime | timedelta | None, stop: threading.Event | None) -> Callable[[], None]:
        end = self._settings.now() + deadline if isinstance(deadline, timedelta) else deadline
        if end is not None and (not isinstance(end, datetime) or end.tzinfo is None):
            raise ConfigurationError("deadline: give a time-zone aware datetime, or a timedelta from now")

        def keep_going() -> None:
            if stop is not None and stop.is_set():
                raise Stopped("asked to stop")
            if end is not None and self._settings.now() >= end:
                raise Stopped("the deadline has come")

        return keep_going

    @contextmanager
    def _counted(self, report: SyncReport, on_event: OnEvent) -> Iterator[None]:
        marketo, dynamics = self._calls()
        try:
            yield
        except (Stopped, QuotaError) as end:
            report.stopped = str(end)
            on_event(Event("stopped", detail=report.stopped))
        except SyncError as error:
            report.stopped = f"{type(error).__name__}: {error}"
            on_event(Event("refused" if isinstance(error, PlanRefusedError) else "failed", detail=report.stopped))
            raise
        finally:
            report.marketo_calls = _used(marketo, self._marketo.calls)
            report.dynamics_calls = _used(dynamics, self._dynamics.calls)
            report.finished_at = self._settings.now()
        on_event(Event("finished", count=report.wrote, detail=report.kind))


def _go_on() -> None:
    """Nothing stops a plan."""


def _used(before: CallCount, after: CallCount) -> CallCount:
    return CallCount(*(getattr(after, a.name) - getattr(before, a.name) for a in attrs.fields(CallCount)))
