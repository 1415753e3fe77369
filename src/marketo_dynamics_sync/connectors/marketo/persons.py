"""Reads persons, by id or by the value of a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from ...entities import BoundEntity, Record
from ...errors import ConfigurationError, RequestRejectedError, ResponseError, TransientError, ValueRejectedError
from .codes import READ_PERSONS
from .envelope import SERVICE
from .session import Call, Kind, Session

#: Values in one look-up (Adobe, "Leads": query).
LOOKUP_SIZE: Final = 300
PATH: Final = "/rest/v1/leads.json"
#: Longer than the service's own limit for a look-up, 60 seconds.
_TIMEOUT: Final = 75.0
_TOO_MANY: Final = "too many results"
T = TypeVar("T")
Raw = Mapping[str, object]


class Persons:
    """Reads persons through a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the persons with these ids; ids that are not there are left out."""
        numbers = [i for i in dict.fromkeys(ids) if i.isascii() and i.isdecimal()]
        found: dict[str, Record] = {}
        for chunk in _chunks(numbers, LOOKUP_SIZE):
            for raw in self._look_up(entity, "id", chunk):
                record = record_of(entity, raw)
                found[record.id] = record
        return list(found.values())

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the persons whose field holds one of these values, letter case aside.

        Raises:
            ConfigurationError: The entity has no such field, or Marketo can't look persons up by it.
        """
        bound = entity.fields.get(field_name)
        if bound is None:
            raise ConfigurationError(
                f"{entity.name} has no field {field_name!r} that is synced, so it can't be a match key"
            )
        info = entity.marketo.fields.get(bound.marketo)
        if info is None or not info.searchable:
            raise ConfigurationError(
                f"{entity.name}.{field_name}: Marketo can't look persons up by {bound.marketo!r}. It can by id, email "
                "and custom fields of type string, email or integer; choose one of these as match key"
            )
        wanted: dict[str, str] = {}
        for value in values:
            try:
                encoded = bound.codec.to_marketo(value)
            except ValueRejectedError:
                continue  # Marketo can't hold it, so nobody has it
            text = "" if encoded is None else str(encoded).strip()
            if text:
                wanted.setdefault(text.casefold(), text)
        found: dict[str, Record] = {}
        for chunk in _chunks([text for text in wanted.values() if "," not in text], LOOKUP_SIZE):
            for raw in self._look_up(entity, bound.marketo, chunk):
                record = record_of(entity, raw)
                found[record.id] = record
        for text in wanted.values():
            if "," in text:
                # No escape is documented, and a server that splits the value finds others than were asked for.
                for raw in self._look_up(entity, bound.marketo, [text]):
                    if str(raw.get(bound.marketo)).strip().casefold() == text.casefold():
                        record = record_of(entity, raw)
                        found[record.id] = record
        return list(found.values())

    def _look_up(self, entity: BoundEntity, filter_type: str, values: Sequence[str]) -> Iterator[Raw]:
        """Yield the persons of one call's worth of values, in halves where the whole is too much for the service."""
        try:
            # Collected first: what is yielded can't be taken back when a later page is refused.
            found = list(self._pages(entity, filter_type, values))
        except (RequestRejectedError, TransientError) as error:
            if len(values) == 1 or not _halving_helps(error):
                raise
            middle = len(values) // 2
            yield from self._look_up(entity, filter_type, values[:middle])
            yield from self._look_up(entity, filter_type, values[middle:])
            return
        yield from found

    def _pages(self, entity: BoundEntity, filter_type: str, values: Sequence[str]) -> Iterator[Raw]:
        names = dict.fromkeys(["id", "updatedAt", *entity.marketo_names, filter_type])
        params = [
            ("filterType", filter_type),
            ("filterValues", ",".join(values)),
            ("fields", ",".join(names)),
            ("batchSize", str(LOOKUP_SIZE)),
        ]
        token: str | None = None
        tokens: set[str] = set()
        while True:
            paged = [*params, ("nextPageToken", token)] if token else params
            envelope = self._session.send(
                Call(
                    "reading persons",
                    PATH,
                    Kind.READ,
                    READ_PERSONS,
                    tuple(paged),
                    private=filter_type != "id",
                    timeout=_TIMEOUT,
                )
            )
            yield from envelope.result
            token = envelope.token
            if token is None:
                return
            if token in tokens:
                raise ResponseError(
                    "the service gives the same page again and again", service=SERVICE, request_id=envelope.request_id
                )
            tokens.add(token)


def record_of(entity: BoundEntity, raw: Raw) -> Record:
    """Return a person as a record.

    Raises:
        ResponseError: It has no id.
    """
    number = raw.get("id")
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        raise ResponseError("a person came without an id", service=SERVICE)
    return Record(str(number), entity.decode_marketo(raw), modified_at=moment(raw.get("updatedAt")))


def moment(raw: object) -> datetime | None:
    """Return a moment of Marketo's in UTC, or ``None`` for what is none; ``Z`` and ``+0000`` both occur."""
    if not isinstance(raw, str):
        return None
    try:
        read = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _halving_helps(error: RequestRejectedError | TransientError) -> bool:
    return error.code in ("604", "413") or (error.code == "1003" and _TOO_MANY in str(error).lower())


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    everything = list(items)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]
