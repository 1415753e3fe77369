"""Notices that Dynamics is older than the store: its environment was restored from a backup.

``versionnumber`` comes from one counter of the whole database, which every write moves on (Microsoft Learn, "rowversion
(Transact-SQL)"; a row's etag shows it). So no row ever has a lower version than the one it had before, unless the whole
database is an older one; and a row that was made since the backup is gone without a deletion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from ..connectors import ChangePage
from ..entities import BoundEntity, Record
from ..errors import CheckpointExpiredError, RestoredError
from ..state import Link
from .roles import is_role
from .services import Services

_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,18})"')
#: Rows that are read again before anything is said.
_MOST_LOOKED_AT: Final = 50
_WHAT_TO_DO: Final = (
    "Was the environment restored from a backup? Then what the store remembers is newer than what is there, and a "
    "cycle would take old values for edits. It is not used. engine.rebind() shows how the links fit what is there "
    "now, and engine.rebind(dry_run=False) keeps them."
)


@runtime_checkable
class Counted(Protocol):
    """A connector whose checkpoints say how far its service's counter of changes was."""

    def counter(self, checkpoint: str) -> int | None:
        """Return how far it was, or ``None`` where the checkpoint doesn't say."""
        ...


def version_number(version: str | None) -> int | None:
    """Return the number in an etag, or ``None`` where it is no number."""
    found = _ETAG.fullmatch(version or "")
    return int(found[1]) if found is not None else None


def watched(services: Services, entity: BoundEntity, pages: Iterable[ChangePage]) -> Iterator[ChangePage]:
    """Yield an entity's pages of changes, each looked at before anything is done with it.

    Args:
        services: Both sides and the store.
        entity: The entity.
        pages: Its changes since the store's checkpoint, or its listing.

    Raises:
        RestoredError: Dynamics is older than the store.
        CheckpointExpiredError: The counter went back; everything is to be compared, which shows what is the matter.
    """
    before = _counter(services, services.store.checkpoint(services.dynamics.stream(entity)))
    for page in pages:
        _look_at_versions(services, entity, page.records)
        now = _counter(services, page.checkpoint)
        if before is not None and now is not None and now < before:
            where = f"{entity.dynamics.entity_set}: Dynamics counts its changes up to {now}"
            if not page.listing:
                raise CheckpointExpiredError(f"{where}, and was at {before} before", service="dynamics", code="older")
            if services.store.count_links(entity.name):
                raise RestoredError(f"{where}, and was at {before} when it was read last. {_WHAT_TO_DO}")
        yield page


def _counter(services: Services, checkpoint: str | None) -> int | None:
    connector = services.dynamics
    return connector.counter(checkpoint) if checkpoint is not None and isinstance(connector, Counted) else None


def _look_at_versions(services: Services, entity: BoundEntity, rows: Sequence[Record]) -> None:
    if not rows or is_role(entity.definition):
        return
    links = services.store.links_by_dynamics(entity.name, [row.id for row in rows])
    suspects = older(rows, links)[:_MOST_LOOKED_AT]
    if not suspects:
        return
    # What was read may be older than what we wrote since: only a row that is older now says something.
    again = services.dynamics.fetch(entity, suspects)
    gone_back = older(again, services.store.links_by_dynamics(entity.name, suspects))
    if gone_back:
        raise RestoredError(
            f"{entity.name}: row {gone_back[0]} has a lower version than it had when it was read last (and so have "
            f"{len(gone_back) - 1} others of {len(suspects)}). {_WHAT_TO_DO}"
        )


def older(rows: Iterable[Record], links: Mapping[str, Link]) -> list[str]:
    """Return the ids of rows that were newer when they were linked, or looked at last, than they are here."""
    found = []
    for row in rows:
        link = links.get(row.id)
        if link is not None and link.version == row.version:
            continue  # most rows of a listing
        now = version_number(row.version)
        before = version_number(link.version) if link is not None else None
        if now is not None and before is not None and now < before:
            found.append(row.id)
    return found
