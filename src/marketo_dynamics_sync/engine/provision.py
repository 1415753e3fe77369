"""``SyncEngine.provision``: shows which person fields Marketo lacks, and makes them when told to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import attrs

from ..connectors import Connector
from ..entities import EntityDefinition, NewField, Provision, missing_fields
from ..errors import ConfigurationError


@runtime_checkable
class FieldMaker(Protocol):
    """A connector that can make person fields."""

    def create_fields(self, fields: Sequence[NewField]) -> None:
        """Make custom person fields, all or none."""
        ...


def provision(
    marketo: Connector, dynamics: Connector, definitions: Sequence[EntityDefinition], *, dry_run: bool
) -> Provision:
    """Return the person fields that entities need and Marketo lacks, and make them unless it is a dry run.

    Raises:
        ConfigurationError: Marketo's connector can't make fields.
    """
    people = [definition for definition in definitions if definition.marketo.is_person]
    if not people:
        return Provision(())
    for connector in (marketo, dynamics):
        connector.refresh()
    tables = {definition.name: dynamics.describe(definition) for definition in people}
    found = missing_fields(people, marketo.describe(people[0]), tables)
    if dry_run or not found.fields:
        return found
    if not isinstance(marketo, FieldMaker):
        raise ConfigurationError(
            f"{type(marketo).__name__} can't make person fields; make them under Admin > Field Management: "
            + ", ".join(field.name for field in found.fields)
        )
    marketo.create_fields(found.fields)
    return attrs.evolve(found, made=True)
