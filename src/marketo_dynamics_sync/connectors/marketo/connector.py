"""The connector: one object that speaks for one Marketo instance."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Final, Self

import httpx
from attrs import evolve

from ...entities import BoundEntity, EntityDefinition, NewField, ObjectInfo, Record, Side
from ...errors import ConfigurationError, PermissionDeniedError, ServiceError
from ..protocol import CallCount, Capabilities, ChangePage, Check, Outcome, Write
from .address import parse_address
from .batches import WRITE_SIZE
from .changes import Changes
from .codes import CRM_ENABLED
from .custom_activities import ActivityType, CustomActivities, CustomActivity
from .limiter import CallLimiter
from .lookup import LOOKUP_SIZE
from .merging import Merger
from .object_preflight import refusal
from .object_schema import ObjectSchemas
from .preflight import Preflight
from .provisioning import create_fields
from .reading import Reader
from .schema import Schema
from .session import Session
from .targets import target_of
from .usage import calls_today_once
from .wire import Wire
from .writing import Writer

_RANDOM: Final = SystemRandom()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MarketoConnector:
    """Reads and writes persons and other objects of one Marketo Engage instance over its REST API.

    Nothing is sent and no HTTP client is made before a method is called. All methods may be called from several
    threads; the limits hold for all of them together.

    Args:
        url: Address of the instance, such as ``https://123-ABC-456.mktorest.com``; ``/rest`` or ``/identity`` at its
            end, as Marketo's admin page shows it, is taken too. ``http://`` is taken for loopback hosts only.
        client_id: Id of the custom service (Admin > LaunchPoint).
        client_secret: Its secret.
        client: An HTTP client of yours, for proxies and certificates; it is never closed. Without one, a client is
            made that reads no environment variables.
        partition: Lead partition that new persons go to.
        daily_limit: Stop when the instance's calls of today, other programs' included, reach this number.
        calls_per_window: Most calls in 20 seconds. Marketo allows 100 for all programs of an instance together, and
            asks each to keep to 50 (Adobe, "Marketo Integration Best Practices").
        concurrency: Most calls at once. Marketo allows 10 for all programs together.
        overlap: How far each read of changes goes back behind the last one, as activities can become visible late.
        clock: The time (time-zone aware).
        monotonic: Seconds that never go backwards.
        sleep: Waits so many seconds.
        random: A number from 0 up to 1.

    Raises:
        AddressError: The address is malformed, not encrypted, or carries credentials.
        ConfigurationError: Another argument can't be used.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        client: httpx.Client | None = None,
        partition: str | None = None,
        daily_limit: int | None = None,
        calls_per_window: int = 100,
        concurrency: int = 10,
        overlap: timedelta = timedelta(minutes=5),
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._address = parse_address(url)
        if not client_id or not client_secret:
            raise ConfigurationError(
                "MarketoConnector needs client_id and client_secret (Admin > LaunchPoint > View Details)"
            )
        if calls_per_window < 1 or concurrency < 1:
            raise ConfigurationError("calls_per_window and concurrency of MarketoConnector must be at least 1")
        if overlap < timedelta():
            raise ConfigurationError("overlap of MarketoConnector can't be negative")
        self._wire = Wire(self._address.origin, client, concurrency)
        self._session = Session(
            self._wire,
            client_id,
            client_secret,
            CallLimiter(calls_per_window, concurrency, monotonic, sleep),
            daily_limit=daily_limit,
            usage=lambda: calls_today_once(self._session),
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
            random=random,
        )
        self._schema = Schema(self._session)
        self._objects = ObjectSchemas(self._session)
        self._reader = Reader(self._session)
        self._activities = CustomActivities(self._session)
        self._changes = Changes(self._session, self._schema, overlap)
        self._merger = Merger(self._session, self._schema)
        self._writer = Writer(self._session, self.refresh, self._objects.depth, partition)
        self._daily_limit = daily_limit
        #: Objects that are known to be open to writes.
        self._open: set[str] = set()

    def __repr__(self) -> str:
        return f"MarketoConnector({self._address.origin!r})"

    @property
    def side(self) -> Side:
        """Marketo."""
        return Side.MARKETO

    @property
    def capabilities(self) -> Capabilities:
        """What Marketo's REST API can do: it can't list persons, chooses their ids itself, and guards no write."""
        return Capabilities(lists=False, chooses_id=False, guards=False, write_size=WRITE_SIZE, lookup_size=LOOKUP_SIZE)

    @property
    def calls(self) -> CallCount:
        """Calls made so far, as they stand now."""
        return self._session.calls

    @property
    def skew(self) -> timedelta | None:
        """How far Marketo's clock is ahead of this machine's; ``None`` before the first answer."""
        return self._session.skew

    def identity(self) -> str:
        """Return the Munchkin id, read from the host; ``host:port`` for a host that doesn't begin with one."""
        return self._address.identity

    def refresh(self, *, certain: bool = False) -> None:
        """Forget the fields of all objects and the activity types, so that they are asked for anew: always."""
        self._schema.forget()
        self._objects.forget()
        self._activities.forget()

    def describe(self, definition: EntityDefinition) -> ObjectInfo:
        """Return Marketo's description of the object that an entity lives in; asked once until :meth:`refresh`.

        Raises:
            ConfigurationError: A custom object isn't there or has no approved version; its records are told apart by
                other fields than the entity says; or a native CRM sync keeps the object to itself.
            ServiceError: The service can't be reached or refuses us.
        """
        if definition.marketo.is_person:
            return self._schema.get().info
        info = self._objects.get(definition).info
        return evolve(info, closed=self._closed(definition))

    def _closed(self, definition: EntityDefinition) -> str:
        """Return why records of an object can't be written, "" where nothing keeps them; found out once.

        While a native CRM sync is connected, it keeps companies, sales persons and opportunities to itself (Adobe,
        "Error Codes", 1018). An instance on which it never was has no person field that is managed by a CRM, and is
        not asked.
        """
        target = target_of(definition.marketo)
        if not target.crm_owned:
            return ""
        if target.name in self._open:
            return ""
        try:
            traces = self._schema.get().crm_managed
        except PermissionDeniedError:  # whoever keeps no persons needs no right to read them
            traces = frozenset()
        refused = refusal(self._session, target) if traces else None
        if isinstance(refused, ServiceError) and refused.code == CRM_ENABLED:
            return str(refused)
        self._open.add(target.name)
        return ""

    def create_fields(self, fields: Sequence[NewField]) -> None:
        """Make custom person fields, all or none; the next :meth:`describe` sees them.

        Raises:
            ServiceError: The service can't be reached or refuses us; nothing was made, unless the answer was lost.
        """
        create_fields(self._session, fields)
        self._schema.forget()

    def stream(self, entity: BoundEntity) -> str:
        """Return the stream's name: ``"persons"``, which leads and contacts share, or ``"object:NAME"``."""
        return "persons" if entity.definition.marketo.is_person else f"object:{entity.definition.marketo.name}"

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield the ids of persons that were made, changed, merged or deleted since a checkpoint.

        Marketo tells of no changes of other objects: their streams have one empty page.

        Args:
            entities: The entities whose fields matter, all of one stream.
            checkpoint: Where the last read stopped; ``None`` yields one empty page whose checkpoint is now.

        Raises:
            CheckpointExpiredError: Deletions since then may be lost (Marketo keeps them 14 days).
            ClockSkewError: This machine's clock and Marketo's are more than 15 minutes apart.
            ServiceError: The service can't be reached or refuses us.
        """
        if entities and not entities[0].definition.marketo.is_person:
            return iter((ChangePage(checkpoint=self.stream(entities[0])),))
        return self._changes.read(entities, checkpoint)

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids, 300 a call; ids that are not there are left out.

        The id of a company or sales person is its ``id``, that of the other objects its ``marketoGUID``.
        """
        return self._reader.fetch(entity, ids)

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the records whose field holds one of these values, letter case aside, 300 values a call.

        Values with a comma are asked for one by one: Marketo documents no way to escape it. For an object beside
        persons, ``"dedupeFields"`` as field name finds records by all their dedupe fields together: each value is then
        a tuple in the order of ``definition.marketo.dedupe`` (Adobe, "Lead Database", "Compound Keys").

        Raises:
            ConfigurationError: Marketo can't look records up by the field.
            ServiceError: The service can't be reached or refuses us.
        """
        return self._reader.find(entity, field_name, values)

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write records, 300 a call, and return what became of each, in the same order.

        The create of a person looks it up by :attr:`~marketo_dynamics_sync.connectors.Write.lookup` and updates it if
        it is there (``UPDATED`` with its id), so a repeat makes no second person; an update goes by id. Records of
        other objects are found by their dedupe fields, whose values have to be among the write's, so a repeated create
        updates too; an update or delete without them goes by id.

        Sales persons and companies are written first, then persons, opportunities, opportunity roles and custom
        objects, because Marketo refuses a link to what isn't there; deletes follow, the other way round. Calls follow
        one another: two upserts of one key that overlap make two persons (Adobe, "Leads").

        An object that we have no right to write, or that a native CRM sync keeps to itself, doesn't stop the others.

        Raises:
            ServiceError: Nothing was sent.
        """
        return self._writer.write(writes)

    def read_for_merge(
        self, persons: Sequence[str], refusals: Collection[str]
    ) -> Mapping[str, Mapping[str, int | bool | None]]:
        """Return scores (``leadScore`` and fields of type score) and refusals of persons, by id and REST name.

        Raises:
            ServiceError: The service can't be reached or refuses us.
        """
        return self._merger.read(persons, refusals)

    def merge_persons(self, winner: str, loser: str) -> Outcome:
        """Merge a person into another, in Marketo alone; it cannot be undone.

        The winner's values stay, its empty fields are filled from the loser, and lists, programs and activities are
        joined (Adobe developer documentation, "Leads", "Merge Leads"). The loser's id is gone. A call whose answer was
        lost is not repeated: ``UNKNOWN``.

        Raises:
            ServiceError: Nothing was done.
        """
        return self._merger.merge(winner, loser)

    def write_for_merge(self, person: str, values: Mapping[str, int | bool]) -> Outcome:
        """Write scores and refusals of a person, by REST name.

        Raises:
            ServiceError: Nothing was sent.
        """
        return self._merger.write(person, values)

    def check(self, definitions: Sequence[EntityDefinition]) -> list[Check]:
        """Return the preflight's lines for Marketo."""
        preflight = Preflight(self._session, self._schema, self._objects, self._address, self._daily_limit)
        return list(preflight.run(definitions))

    def activity_types(self) -> Mapping[str, ActivityType]:
        """Return the approved custom activity types by API name; asked once until :meth:`refresh`.

        Raises:
            ServiceError: The service can't be reached or refuses us.
        """
        return self._activities.types()

    def post_activities(self, activities: Sequence[CustomActivity]) -> list[Outcome]:
        """Write custom activities into persons' activity logs, 300 a call, and return what became of each.

        ``CREATED`` with the activity's ``marketoGUID``; ``GONE`` where the person isn't there; ``UNKNOWN`` where the
        answer was lost: such a call is not repeated, because an activity that is written twice stands there twice and
        can't be taken back (Adobe, "Activities").

        Raises:
            ServiceError: Nothing was sent.
        """
        return self._activities.post(activities)

    def __enter__(self) -> Self:
        """Return this connector; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the HTTP client that was made here; one that was handed in stays open."""
        self._wire.close()
