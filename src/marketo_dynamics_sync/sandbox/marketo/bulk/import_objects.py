"""Rows of a custom object import (Adobe, "Bulk Custom Object Import")."""

from __future__ import annotations

from collections.abc import Mapping

from .import_leads import NULL
from .objects import ObjectStore, ObjectType, RowRefused
from .settings import BulkSettings


class ObjectImport:
    """Creates and updates records of custom objects from rows.

    Columns whose name is no field are passed over, so that a header with a blank before the name of a dedupe field
    makes every row fail with ``missing.dedupe.fields``, as Adobe's page shows. Empty cells are treated as in lead
    imports.

    Args:
        settings: Whether an empty cell empties its field.
    """

    def __init__(self, settings: BulkSettings) -> None:
        self._empty_clears = settings.empty_clears

    def write(self, store: ObjectStore, kind: ObjectType, row: Mapping[str, str]) -> None:
        """Write a row.

        Raises:
            RowRefused: The row is a failure.
        """
        record: dict[str, str | None] = {}
        for name, cell in row.items():
            if name not in kind.fields or (cell == "" and not self._empty_clears):
                continue
            record[name] = None if cell in ("", NULL) else cell
        if any(record.get(name) is None for name in kind.dedupe):
            raise RowRefused("missing.dedupe.fields")
        store.upsert(kind.name, record)
