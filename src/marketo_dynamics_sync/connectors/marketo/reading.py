"""Reading persons by id or by a key: 300 a call, every page to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, cast

from ...entities import BoundEntity, Record
from ...errors import RequestRejectedError, ResponseError, ValueRejectedError
from .rest import Rest

_PATH: Final = "/rest/v1/leads.json"
#: Values in one look-up (Adobe developer documentation, "Leads").
LOOKUP_SIZE: Final = 300


def fetch_persons(rest: Rest, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
    """Return the persons with these ids."""
    wanted = list(dict.fromkeys(ids))
    return [_record(entity, raw) for raw in _look_up(rest, entity, "id", wanted)]


def find_persons(rest: Rest, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
    """Return the persons whose field holds one of these values, letter case aside."""
    bound = entity.fields[field_name]
    texts: dict[str, str] = {}
    for value in values:
        try:
            text = str(bound.codec.to_marketo(value) or "").strip()
        except ValueRejectedError:
            continue  # Marketo can't hold the value, so nobody has it.
        if text:
            texts.setdefault(text.casefold(), text)
    found = {raw["id"]: raw for raw in _look_up(rest, entity, bound.marketo, list(texts.values()))}
    return [_record(entity, found[person]) for person in sorted(found, key=lambda i: int(str(i)))]


def _look_up(rest: Rest, entity: BoundEntity, name: str, values: Sequence[str]) -> Iterator[dict[str, object]]:
    for start in range(0, len(values), LOOKUP_SIZE):
        yield from _some(rest, entity, name, values[start : start + LOOKUP_SIZE])


def _some(rest: Rest, entity: BoundEntity, name: str, values: Sequence[str]) -> Iterator[dict[str, object]]:
    names = ",".join(dict.fromkeys(["id", "updatedAt", *entity.marketo_names]))
    # A comma inside a value can't be escaped, so lists with one are sent by repeating the parameter.
    listed = (
        [("filterValues", v) for v in values] if any("," in v for v in values) else [("filterValues", ",".join(values))]
    )
    query = [("filterType", name), *listed, ("fields", names), ("batchSize", "300")]
    token: str | None = None
    try:
        while True:
            answer = rest.get(_PATH, [*query, ("nextPageToken", token)] if token else query)
            result = answer.get("result")
            yield from cast("list[dict[str, object]]", result if isinstance(result, list) else [])
            following = answer.get("nextPageToken")
            if not following:
                return
            if following == token:
                raise ResponseError("a page of persons points to itself", service="marketo")
            token = str(following)
    except RequestRejectedError as error:
        too_many = error.code in ("1003", "413", "414") and len(values) > 1 and token is None
        if not too_many:
            raise
    # Keys that are not unique can match more than 1,000 people: ask for fewer at a time.
    half = len(values) // 2
    yield from _some(rest, entity, name, values[:half])
    yield from _some(rest, entity, name, values[half:])


def _record(entity: BoundEntity, raw: dict[str, object]) -> Record:
    stamp = raw.get("updatedAt")
    return Record(
        str(raw["id"]),
        entity.decode_marketo(raw),
        modified_at=datetime.fromisoformat(stamp) if isinstance(stamp, str) else None,
    )
