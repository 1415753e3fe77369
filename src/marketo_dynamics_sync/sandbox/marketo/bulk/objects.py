"""What the bulk calls need of the room that keeps custom objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from attrs import frozen


class RowRefused(Exception):  # becomes a row of the failures file
    """A row that was not imported.

    Args:
        reason: What the failures file says of it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class ObjectType:
    """A custom object type.

    Attributes:
        name: API name.
        fields: API names of all fields, ``marketoGUID``, ``createdAt`` and ``updatedAt`` among them.
        dedupe: API names of the fields that tell two records apart.
        link: API name of the field that holds the id of a linked lead; ``None`` when it links to none.
    """

    name: str
    fields: tuple[str, ...]
    dedupe: tuple[str, ...]
    link: str | None = None


class ObjectStore(Protocol):
    """Keeps custom objects."""

    def describe(self, name: str) -> ObjectType | None:
        """Return a type by its API name, or ``None`` when there is none."""
        ...

    def query(self, name: str) -> Iterable[Mapping[str, object]]:
        """Return the records of a type, by API names; empty fields may be missing or ``None``."""
        ...

    def upsert(self, name: str, record: Mapping[str, str | None]) -> None:
        """Create or update a record by its dedupe fields, which are all given.

        Args:
            name: API name of the type.
            record: Values as text, as they stand in a file; ``None`` empties a field. Fields not named stay.

        Raises:
            RowRefused: The store does not take it.
        """
        ...


class NoObjects:
    """The store of an instance without custom objects."""

    def describe(self, name: str) -> ObjectType | None:
        """Return ``None``."""
        return None

    def query(self, name: str) -> Iterable[Mapping[str, object]]:
        """Return nothing."""
        return ()

    def upsert(self, name: str, record: Mapping[str, str | None]) -> None:
        """Refuse the record."""
        raise RowRefused(f"Object '{name}' not found")
