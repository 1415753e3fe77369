"""``MarketoConnector``: Marketo's side of the connector protocol."""

from __future__ import annotations

import random as _random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from ...entities import BoundEntity, EntityDefinition, ObjectInfo, Record, Side
from ...errors import ConfigurationError
from ..address import service_root
from ..protocol import CallCount, Capabilities, ChangePage, Check, Outcome, Write
from . import describe
from .checkpoint import StreamCheckpoint
from .checks import run_checks
from .limiter import Limiter
from .reading import LOOKUP_SIZE, fetch_persons, find_persons
from .rest import Rest
from .streams import Streams
from .token import TokenSource
from .writing import WRITE_SIZE, Writer

_MUNCHKIN: Final = re.compile(r"\d{3}-[a-z]{3}-\d{3}", re.IGNORECASE)
_EXAMPLE: Final = "https://123-ABC-456.mktorest.com"
#: Longer than the service's own time-outs: it goes on with a write after we have given up.
_TIMEOUT: Final = httpx.Timeout(120.0, connect=15.0)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MarketoConnector:
    """Reads and writes people of one Marketo instance through its REST API.

    Making one sends nothing. It may be used from many threads.

    Args:
        url: The instance's REST address, with or without ``/rest`` (Admin, Web Services).
        client_id: Client id of a custom service (Admin, LaunchPoint).
        client_secret: Its secret.
        client: An ``httpx.Client`` of your own, for proxies, TLS and tests; it stays yours to close.
        partition: Partition that new people go to.
        daily_limit: Calls this connector makes at most before it stops cleanly; leaves the rest of the quota to others.
        calls_per_window: Calls in 20 seconds, at most 100. Adobe asks each integration to stay at 50.
        concurrency: Calls at once, at most 10.
        overlap: How late an activity may turn up in the change stream.
        now: The clock (UTC).
        monotonic: Seconds that never go back.
        sleep: Waits.
        random: Number from 0 to 1, spreads waits.

    Raises:
        AddressError: ``url`` is no https address of a service.
        ConfigurationError: A limit is outside what Marketo allows.
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
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._root = service_root(url, strip=("/rest", "/identity", "/bulk"), example=_EXAMPLE)
        if not 1 <= calls_per_window <= 100 or not 1 <= concurrency <= 10:
            raise ConfigurationError("marketo: calls_per_window goes from 1 to 100, concurrency from 1 to 10")
        self._given = client
        self._own: httpx.Client | None = None
        self._lock = threading.Lock()
        self._calls = CallCount()
        token = TokenSource(self._root, client_id, client_secret, self._client, monotonic, sleep, self._count_token)
        limiter = Limiter(calls_per_window, 20.0, concurrency, monotonic, sleep)
        self._rest = Rest(
            self._root, self._client, token, limiter, self._calls, now, sleep, random, daily_limit=daily_limit
        )
        self._streams = Streams(self._rest, overlap)
        self._writer = Writer(self._rest, partition)
        self._person: ObjectInfo | None = None

    def __repr__(self) -> str:
        return f"MarketoConnector({self._root!r})"

    @property
    def side(self) -> Side:
        """Marketo."""
        return Side.MARKETO

    @property
    def capabilities(self) -> Capabilities:
        """No listing of everybody, ids chosen by Marketo, no guard against other writers."""
        return Capabilities(lists=False, chooses_id=False, guards=False, write_size=WRITE_SIZE, lookup_size=LOOKUP_SIZE)

    @property
    def calls(self) -> CallCount:
        """Calls made so far."""
        return self._calls

    def identity(self) -> str:
        """Return the Munchkin id that the address starts with, or the host itself where it is another one."""
        host = self._root.split("://", 1)[1]
        first = host.split(".", 1)[0]
        return first.upper() if _MUNCHKIN.fullmatch(first) else host

    def refresh(self) -> None:
        """Forget the description of people, so that the next cycle sees fields that admins added or hid."""
        self._person = None

    def describe(self, definition: EntityDefinition) -> ObjectInfo:
        """Return the person object; one call a cycle, however many entities.

        Raises:
            ConfigurationError: The entity lives in a custom object, which this version doesn't carry.
        """
        if not definition.marketo.is_person:
            raise ConfigurationError(
                f"{definition.name}: custom objects such as {definition.marketo.name!r} aren't carried by this version"
            )
        if self._person is None:
            self._person = describe.person_object(self._rest.get(describe.PATH))
        return self._person

    def stream(self, entity: BoundEntity) -> str:
        """Return ``"persons"``: all of Marketo's people change in one stream."""
        return "persons"

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield which people changed; values have to be fetched, since activities carry text only."""
        if checkpoint is None:
            start = self._streams.start()
            self._rest.refuse_skew()
            yield ChangePage(checkpoint=start.dump())
            return
        self._rest.refuse_skew()
        fields = sorted({name for entity in entities for name in entity.marketo_names} - {"id"})
        yield from self._streams.poll(StreamCheckpoint.load(checkpoint), fields)

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the people with these ids."""
        return fetch_persons(self._rest, entity, ids)

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the people whose field holds one of these values.

        Raises:
            ConfigurationError: Marketo can't look people up by that field.
        """
        bound = entity.fields[field_name]
        if not entity.marketo.fields[bound.marketo].searchable:
            raise ConfigurationError(
                f"{entity.name}.{field_name}: Marketo can't look people up by {bound.marketo!r}; keys have to be the e-mail "
                "address or a custom field of type string, e-mail or integer"
            )
        return find_persons(self._rest, entity, field_name, values)

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write people and return what became of each."""
        return self._writer.write(writes)

    def check(self, definitions: Sequence[EntityDefinition]) -> list[Check]:
        """Return Marketo's lines of the preflight."""
        return list(run_checks(self._rest, definitions))

    def close(self) -> None:
        """Close the HTTP client if the connector made it."""
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    def _client(self) -> httpx.Client:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None:
                self._own = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
            return self._own

    def _count_token(self) -> None:
        with self._lock:
            self._calls.tokens += 1
