"""Up to when each stream of changes has been read."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Final, cast

from attrs import frozen

from ..entities import Side
from ..state import StateStore
from .services import Services

_FACT: Final = "status:watermarks"


@frozen
class Watermark:
    """Up to when a stream of changes has been read.

    Attributes:
        stream: Name of the stream: one for each table of Dynamics, one for all persons of Marketo.
        side: The service it is read from.
        entities: The entities that are read from it.
        read_to: Everything that was changed before this moment (UTC) has been read and dealt with.
    """

    stream: str
    side: Side
    entities: tuple[str, ...]
    read_to: datetime


def watermark_facts(services: Services, streams: Collection[str], at: datetime) -> dict[str, str | None]:
    """Return the fact that streams have been read up to a moment; those of others stay as they are."""
    marks = {(mark.side, mark.stream): mark for mark in read_watermarks(services.store)}
    for side, connector in ((Side.DYNAMICS, services.dynamics), (Side.MARKETO, services.marketo)):
        names: dict[str, list[str]] = {}
        for entity in services.entities.values():
            names.setdefault(connector.stream(entity), []).append(entity.name)
        for stream, entities in names.items():
            if stream in streams:
                marks[side, stream] = Watermark(stream, side, tuple(entities), at)
    kept = [[mark.stream, mark.side.value, list(mark.entities), mark.read_to.isoformat()] for mark in marks.values()]
    return {_FACT: json.dumps(kept)}


def read_watermarks(store: StateStore) -> tuple[Watermark, ...]:
    """Return where every stream stands, as the last complete cycle left it."""
    kept = cast("list[tuple[str, str, list[str], str]]", json.loads(store.fact(_FACT) or "[]"))
    return tuple(
        Watermark(stream, Side(side), tuple(entities), datetime.fromisoformat(at))
        for stream, side, entities, at in kept
    )
