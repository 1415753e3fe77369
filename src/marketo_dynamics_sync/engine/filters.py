"""Which rows go to Marketo: the user's filter, and what happens when a row enters it or leaves it.

A row that leaves goes stale: its person stays as it was last written, and nothing flows either way until the row
enters again (Adobe, "Create a Custom Dynamics Sync Filter").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from attrs import evolve

from ..entities import UNREADABLE, BoundEntity, EntityDefinition, Record
from ..errors import ConfigurationError, PolicyError
from ..state import Commit, StateStore

#: Says whether a Dynamics row is synced. Its values are those of mapped fields; a column that is only looked at is
#: mapped with a Dynamics end alone: ``mapped(dynamics="new_synctomarketo", read_only=True)``. A yes-or-no column that
#: nobody filled in is ``None`` here, although it is synced as No.
Filter: TypeAlias = Callable[[Record], bool]


_ANY: Final = "stale"


def checked_filters(given: Mapping[str, Filter] | None, definitions: Iterable[EntityDefinition]) -> dict[str, Filter]:
    """Return filters by entity name: the user's, and where there is none, the entity's own.

    Raises:
        ConfigurationError: An entity is unknown, or a filter can't be called.
    """
    known = {definition.name: definition.keep for definition in definitions}
    for name, keep in (given or {}).items():
        if name not in known:
            raise ConfigurationError(f"filters: no entity is called {name!r}")
        if not callable(keep):
            raise ConfigurationError(f"filters: {name}: give a function of a record")
    return {name: keep for name, keep in known.items() if keep is not None} | dict(given or {})


def passes(filters: Mapping[str, Filter], entity: BoundEntity, row: Record) -> bool:
    """Return whether a row is synced.

    Raises:
        PolicyError: The filter raised.
    """
    keep = filters.get(entity.name)
    if keep is None:
        return True
    try:
        return bool(keep(_as_stored(row)))
    except Exception as error:
        # The error's own text may quote the row.
        raise PolicyError(f"filter of {entity.name!r} raised {type(error).__name__} for row {row.id}") from None


def _as_stored(row: Record) -> Record:
    """Return a row as Dynamics holds it: a yes-or-no column that nobody filled in is neither."""
    if not row.empty:
        return row
    nothing = {name: None for name in row.empty if row.values.get(name) is not UNREADABLE}
    return evolve(row, values={**row.values, **nothing})


def stale_fact(entity: BoundEntity, row_id: str) -> str:
    """Return the name of the fact that a linked row has left the filter."""
    return f"stale:{entity.name}:{row_id}"


def note_stale(store: StateStore, entity: BoundEntity, rows: Iterable[str]) -> None:
    """Remember linked rows that have left the filter: what changes on either side meanwhile is looked at later."""
    facts = {stale_fact(entity, row): "left the filter" for row in rows}
    news = {name: text for name, text in facts.items() if store.fact(name) is None}
    if news:
        store.commit(Commit(facts={**news, _ANY: "yes"}))


def any_stale(store: StateStore) -> bool:
    """Return whether any row has ever left a filter."""
    return store.fact(_ANY) is not None
