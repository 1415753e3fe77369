"""The Dynamics connector: a Dataverse environment as the engine sees it."""

from __future__ import annotations

import random as random_numbers
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from ...entities import BoundEntity, EntityDefinition, ObjectInfo, Record, Side
from ...errors import SyncError, ValueRejectedError
from ..campaigns import CampaignKeeper
from ..protocol import CallCount, Capabilities, ChangePage, Check, Outcome, Write
from .address import environment
from .auth import check_credential
from .call import Timing
from .credentials import Credential
from .gate import MOST_AT_ONCE, Gate

if TYPE_CHECKING:
    import httpx

#: Rows of a page, and operations of a batch, that Dataverse takes at most.
MOST_ROWS = 5000
MOST_OPERATIONS = 1000


def _now() -> datetime:
    return datetime.now(UTC)


class DynamicsConnector:
    """One Dataverse environment.

    Nothing is sent before the first call of a method. Safe to use from several threads.

    Args:
        url: Root address of the environment, such as ``https://contoso.crm.dynamics.com``.
        auth: Who signs in: :class:`ClientSecret`, :class:`ClientCertificate`, :class:`UsernamePassword`, or any object
            with ``get_token(*scopes)``, such as a credential of ``azure-identity``.
        client: Carries all calls, the sign-in's too: for proxies, TLS settings and tests. The caller closes it.
        page_size: Rows of a page, 5,000 at most.
        batch_size: Operations of a batch, 1,000 at most.
        concurrency: Calls at once, 52 at most; the service's own hint lowers it.
        metadata_lifetime: Seconds for which table definitions are believed unless something shows that they changed.
        language: Language of the labels of options, by locale id (``1031``) or name (``"de-DE"``, ``"de"``): one that
            the environment has; options that have no label in it, and all where none is given, come in the
            language of the sync user.
        clock: Current moment in UTC.
        monotonic: Seconds that never go backwards.
        sleep: Waits.
        random: A number from 0 up to 1, which spreads repeated calls.

    Raises:
        AddressError: The address can't be one of an environment.
        ConfigurationError: ``auth`` can't hand out tokens, or ``language`` is none. Whether the environment has it
            shows at the start of a cycle.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: Credential,
        client: httpx.Client | None = None,
        page_size: int = MOST_ROWS,
        batch_size: int = MOST_OPERATIONS,
        concurrency: int = MOST_AT_ONCE,
        metadata_lifetime: float = 3600.0,
        language: int | str | None = None,
        clock: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        # Imported when a connector is made: importing the library must bring in neither httpx nor tenacity.
        from .catalog import Catalog
        from .channel import Channel, own_client
        from .language import locale_id
        from .reading import Reader
        from .writing import Writer

        place = environment(url)
        credential = check_credential(auth)
        gate = Gate(concurrency, monotonic, sleep)
        self._own_client = own_client(concurrency) if client is None else None
        self._channel = Channel(
            place,
            credential,
            client or self._own_client or own_client(concurrency),
            gate,
            Timing(clock, monotonic, sleep, random),
        )
        self._reader = Reader(self._channel, max(1, min(page_size, MOST_ROWS)))
        self._catalog = Catalog(self._reader, metadata_lifetime, None if language is None else locale_id(language))
        self._writer = Writer(self._reader, self._catalog, max(1, min(batch_size, MOST_OPERATIONS)))

    def __repr__(self) -> str:
        return f"DynamicsConnector({self._channel.environment.root!r})"

    @property
    def side(self) -> Side:
        """Dynamics."""
        return Side.DYNAMICS

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            lists=True, chooses_id=True, guards=True, write_size=self._writer.batch_size, lookup_size=MOST_ROWS
        )

    @property
    def calls(self) -> CallCount:
        """Calls made so far, repeated ones included."""
        return self._channel.calls

    @property
    def skew(self) -> timedelta | None:
        """How far this machine's clock is ahead of Dynamics'; ``None`` before the first answer."""
        return self._channel.skew

    def identity(self) -> str:
        """Return the organization id, from ``WhoAmI``; it is asked for once.

        Raises:
            AddressError: The address is none of a Dataverse environment.
        """
        return self._catalog.who_am_i()[0]

    def refresh(self, *, certain: bool = False) -> None:
        """Let the next :meth:`describe` read definitions again if they are old, or if an answer didn't fit them.

        Args:
            certain: Read them again in any case.
        """
        self._catalog.refresh(certain=certain)

    def describe(self, definition: EntityDefinition) -> ObjectInfo:
        """Return the table that an entity lives in.

        Raises:
            FieldMissingError: There is no table with that entity set name.
        """
        return self._catalog.describe(definition.dynamics)

    def stream(self, entity: BoundEntity) -> str:
        """Return the name of the entity's change stream: each table has its own."""
        return f"dynamics:{entity.definition.dynamics}"

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield what changed in a table since a checkpoint, or everything where there is none.

        Args:
            entities: The one entity of the stream.
            checkpoint: What the last page of the last read carried.

        Raises:
            CheckpointExpiredError: The point is no longer known, or the mapping changed; everything has to be compared.
            ClockSkewError: The table is read by time, and this machine's clock is wrong.
        """
        from .changes import Changes
        from .rows import shape

        for entity in entities:
            try:
                yield from Changes(self._reader, shape(entity)).since(checkpoint)
            except SyncError as error:
                self._learn(error)
                raise

    def counter(self, checkpoint: str) -> int | None:
        """Return how far the environment's counter of row versions was at a checkpoint, or ``None`` where it doesn't
        say."""
        from .checkpoint import counter

        return counter(checkpoint)

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the rows with these ids; ids that are not there are left out."""
        from .rows import shape

        try:
            return self._reader.fetch(shape(entity), ids)
        except SyncError as error:
            self._learn(error)
            raise

    def rows_between(
        self,
        entity: BoundEntity,
        *,
        created: tuple[datetime | None, datetime | None] | None = None,
        modified: tuple[datetime | None, datetime | None] | None = None,
    ) -> Iterator[list[Record]]:
        """Yield the rows that were made (``createdon``) or last changed (``modifiedon``) in a period, page by page.

        Args:
            entity: The entity.
            created: From a moment on and up to another, which is outside; ``None`` is open.
            modified: Likewise.

        Raises:
            ConfigurationError: The table has no such column, or the sync user can't read it.
        """
        from .between import rows_between
        from .rows import shape

        try:
            yield from rows_between(self._reader, shape(entity), {"createdon": created, "modifiedon": modified})
        except SyncError as error:
            self._learn(error)
            raise

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the rows whose field holds one of these values; letter case doesn't count, as ever in Dataverse."""
        from .reading import texts
        from .rows import shape

        bound = entity.fields[field_name]
        wanted: list[object] = []
        for value in values:
            try:
                wanted.append(bound.codec.to_dynamics(value))
            except ValueRejectedError:
                continue  # a value that the column can't hold is in no row
        try:
            return self._reader.matching(shape(entity), bound.codec.column(bound.dynamics), texts(wanted))
        except SyncError as error:
            self._learn(error)
            raise

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write rows and return what became of each, in order; a refused row never stops its neighbours.

        Raises:
            SyncError: Nothing was sent.
        """
        return self._writer.write(writes)

    def campaign_keeper(self) -> CampaignKeeper:
        """Return what reads campaigns and keeps their marketing lists."""
        from .campaigns import DynamicsCampaigns

        return DynamicsCampaigns(self._reader, self._catalog)

    def check(self, definitions: Sequence[EntityDefinition]) -> list[Check]:
        """Return the preflight's lines."""
        from .preflight import Preflight

        return list(Preflight(self._reader, self._catalog).lines(definitions))

    def __enter__(self) -> Self:
        """Return this connector; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the client that the connector made; one that was handed in stays open."""
        if self._own_client is not None:
            self._own_client.close()

    def _learn(self, error: SyncError) -> None:
        from .reading import complains_about_column

        if complains_about_column(error):
            self._catalog.doubt()
