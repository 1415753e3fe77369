"""``generate_entity``: from a table in Dynamics to the source of its entity class."""

from __future__ import annotations

from collections.abc import Iterator

from ..connectors import Connector
from ..entities import Direction, Entity, EntityDefinition, MarketoObject, ObjectInfo, generate_source
from ..entities.likeness import STANDARD_ENTITIES
from ..entities.naming import bare_column
from ..errors import FieldMissingError


def generate_entity(
    marketo: Connector,
    dynamics: Connector,
    table: str,
    *,
    name: str | None = None,
    marketo_object: MarketoObject | None = None,
    direction: Direction | None = None,
) -> str:
    """Return the source of a typed entity class for a table, from what both services say. Writes nothing anywhere.

    For a table that the library has an entity for (leads, contacts, accounts …) a subclass of that entity is written,
    with what its default mapping lacks. For any other table a class of its own is written: name the Marketo object it
    lives in, or leave it away to get proposals for one that isn't made yet.

    Args:
        marketo: Marketo's connector.
        dynamics: Dynamics' connector.
        table: Entity set name (``"new_events"``) or logical name (``"new_event"``) of the table.
        name: Name of the entity; default: the table's, without its publisher's prefix.
        marketo_object: Where its records live in Marketo, such as ``custom_object("event_c", dedupe="eventId")``. Given
            for one of the library's own tables, a class of its own is written for it too.
        direction: Which way it flows; default: both ways for persons, to Marketo for everything else.

    Returns:
        Python source, formatted, to be pasted into a module.

    Raises:
        FieldMissingError: There is no such table.
        ServiceError: A service can't be reached or refuses us.

    Examples:
        >>> from marketo_dynamics_sync import generate_entity
        >>> def write(marketo, dynamics):
        ...     print(generate_entity(marketo, dynamics, "new_events"))
    """
    described = _described(dynamics, table)
    extends = STANDARD_ENTITIES.get(described.entity_set) if marketo_object is None else None
    home = extends.__entity__.marketo if extends is not None else marketo_object
    known = marketo.describe(_minimal(described.entity_set, home)) if home is not None else None
    entity_name = name or bare_column(described.name)
    return generate_source(entity_name, known, described, lives_in=marketo_object, direction=direction, extends=extends)


def _described(dynamics: Connector, table: str) -> ObjectInfo:
    """Return the description of a table by its entity set name or its logical name."""
    try:
        return dynamics.describe(_minimal(table))
    except FieldMissingError:
        for plural in _plurals(table):
            try:
                found = dynamics.describe(_minimal(plural))
            except FieldMissingError:
                continue
            if found.name == table:
                return found
        raise


def _plurals(name: str) -> Iterator[str]:
    """Yield the entity set names that Dataverse makes of a logical name (Microsoft Learn, "Web API types and
    operations": entity sets are called by the plural)."""
    yield f"{name}s"
    yield f"{name}es"
    if name.endswith("y"):
        yield f"{name[:-1]}ies"


def _minimal(table: str, home: MarketoObject | None = None) -> EntityDefinition:
    """Return a definition that says where to look and maps nothing."""
    return EntityDefinition(Entity, table, home or MarketoObject("person"), table, Direction.TO_MARKETO, {})
