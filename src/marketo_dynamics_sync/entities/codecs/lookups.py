"""Lookups: read as ``_x_value``, written as ``x@odata.bind`` through the navigation property of the target table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self, cast
from uuid import UUID

from attrs import evolve, field, frozen

from ...errors import ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON, Ref
from .base import Codec

#: Annotation that names the table a lookup points to (Microsoft Learn, "Retrieve a table row using the Web API").
TABLE_ANNOTATION = "@Microsoft.Dynamics.CRM.lookuplogicalname"


@frozen
class LookupCodec(Codec[Ref[object]]):
    """A lookup to a row of one of several tables.

    In Marketo the field holds the id alone, and which table it means is only known where there is one: an id that
    Marketo brings for a lookup to several tables is refused by Dynamics.

    Attributes:
        targets: Logical names of the tables it may point to.
        navigation: Navigation property to write, by table.
        entity_sets: Entity set name, by table, for the bind address.
    """

    name: ClassVar[str] = "lookup"
    kept_readable: ClassVar[bool] = True
    marketo_types: ClassVar[frozenset[str]] = frozenset({"string", "text", "reference"})
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Lookup", "Customer", "Owner"})
    samples: ClassVar[tuple[object, ...]] = (Ref("", "6b1f8d0e-0c7a-ee11-8179-000d3a123456"),)

    targets: tuple[str, ...] = ()
    navigation: Mapping[str, str] = field(factory=dict, repr=False, eq=False)
    entity_sets: Mapping[str, str] = field(factory=dict, repr=False, eq=False)

    def column(self, name: str) -> str:
        """Return ``_name_value``."""
        return f"_{name}_value"

    def read_row(self, row: Mapping[str, object], name: str) -> Ref[object] | None:
        """Return what the lookup points to, with the table that the annotation names."""
        key = self.column(name)
        raw = row.get(key)
        if raw is None:
            return None
        table = row.get(key + TABLE_ANNOTATION) or self._only
        return Ref(str(table), self._guid(raw))

    def write_row(self, name: str, value: Ref[object] | None) -> dict[str, JSON]:
        """Return the bind of the right navigation property; ``None`` clears every one of them.

        Raises:
            ValueRejectedError: The table is unknown, or none of the lookup's targets.
        """
        if value is None:
            return {f"{nav}@odata.bind": None for nav in sorted(set(self.navigation.values())) or [name]}
        table = value.table or self._only
        if not table:
            raise ValueRejectedError("which table the id belongs to is not known", code="bad-lookup")
        if self.targets and table not in self.targets:
            raise ValueRejectedError(f"the lookup can't point to table {table!r}", code="bad-lookup")
        navigation = self.navigation.get(table, name)
        entity_set = self.entity_sets.get(table, f"{table}s")
        return {f"{navigation}@odata.bind": f"/{entity_set}({self._guid(value.id)})"}

    def from_marketo(self, raw: JSON) -> Ref[object] | None:
        """Return the reference; the table is known only where there is one target."""
        if raw is None or raw == "":
            return None
        return Ref(self._only, self._guid(raw))

    def to_marketo(self, value: Ref[object] | None) -> JSON:
        """Return the id."""
        return None if value is None else value.id

    def from_dynamics(self, raw: JSON) -> Ref[object] | None:
        """Return the reference to the only target."""
        return self.from_marketo(raw)

    def to_dynamics(self, value: Ref[object] | None) -> JSON:
        """Return the id."""
        return None if value is None else value.id

    def dump(self, value: Ref[object] | None) -> JSON:
        """Return table and id."""
        return None if value is None else [value.table, value.id]

    def load(self, raw: JSON) -> Ref[object] | None:
        """Return the reference that :meth:`dump` wrote."""
        if raw is None:
            return None
        table, row = cast("list[str]", raw)
        return Ref(table, row)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows targets, navigation properties and entity sets."""
        super().bind(marketo, dynamics)
        if dynamics is None:
            return self
        return evolve(self, targets=dynamics.targets, navigation=dynamics.navigation, entity_sets=dynamics.entity_sets)

    @property
    def _only(self) -> str:
        return self.targets[0] if len(self.targets) == 1 else ""

    @staticmethod
    def _guid(raw: object) -> str:
        try:
            return str(UUID(str(raw).strip()))
        except ValueError:
            raise ValueRejectedError("not a GUID", code="bad-guid") from None
