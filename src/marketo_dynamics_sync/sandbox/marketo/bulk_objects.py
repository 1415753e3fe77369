"""Custom objects as the bulk calls see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .bulk import ObjectType, RowRefused
from .envelope import Skip
from .objects import Link
from .objects.calls import ObjectCalls
from .objects.custom import CustomObjects
from .persons import API


class StoredObjects:
    """Gives the bulk calls the custom objects of an instance.

    Args:
        custom: The custom objects.
    """

    def __init__(self, custom: CustomObjects) -> None:
        self._custom = custom

    def describe(self, name: str) -> ObjectType | None:
        """Return an approved type, or ``None``."""
        calls = self._calls(name)
        if calls is None:
            return None
        kind = calls.records.kind
        links = [field.name for field in kind.fields.values() if field.link == Link("lead", "id")]
        return ObjectType(name, tuple(kind.fields), kind.dedupe, links[0] if links else None)

    def query(self, name: str) -> Iterable[Mapping[str, object]]:
        """Return the records of a type, in the order of their making."""
        calls = self._calls(name)
        records = None if calls is None else calls.records
        return () if records is None else [records[record] for record in records.ids()]

    def upsert(self, name: str, record: Mapping[str, str | None]) -> None:
        """Create or update a record.

        Raises:
            RowRefused: There is no such type, or it does not take the record.
        """
        calls = self._calls(name)
        if calls is None:
            raise RowRefused(f"Object '{name}' not found")
        try:
            calls.writing.upsert(record, API)
        except Skip as skip:
            raise RowRefused(skip.message) from None

    def _calls(self, name: str) -> ObjectCalls | None:
        item = self._custom.types.get(name)
        return None if item is None else item.calls
