"""Where reading of Marketo's changes begins, for work that links records before the first cycle."""

from __future__ import annotations

from ..entities import BoundEntity
from ..state import Commit
from .services import Services


def begin_streams(services: Services) -> None:
    """Keep where the streams of persons stand now, unless they are being read already.

    What is linked by a push, or as a chosen record, is never listed again: without a place to read on from, an edit
    that is made in Marketo before the first cycle would never be seen.
    """
    streams: dict[str, list[BoundEntity]] = {}
    for entity in services.persons():
        streams.setdefault(services.marketo.stream(entity), []).append(entity)
    for stream, entities in streams.items():
        if services.store.checkpoint(stream) is not None:
            continue
        for page in services.marketo.changes(entities, None):
            if page.checkpoint is not None:
                services.store.commit(Commit(checkpoints={stream: page.checkpoint}))
