"""What is asked of a table's rows, and how a row becomes a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ...entities import BoundEntity, Record, Ref
from ...entities.values import UNREADABLE
from ...errors import ResponseError

ETAG: Final = "@odata.etag"
_TABLES: Final = 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'
#: Facts of a row that are no fields of an entity: column, and the name it is read by.
_FACTS: Final = (
    ("statecode", "statecode"),
    ("modifiedon", "modifiedon"),
    ("merged", "merged"),
    ("masterid", "_masterid_value"),
    ("versionnumber", "versionnumber"),
)
#: Further facts of single tables: what a lead became, and what a contact was made from.
_OWN_FACTS: Final = {
    "lead": ("parentcontactid", "_parentcontactid_value"),
    "contact": ("originatingleadid", "_originatingleadid_value"),
}


@frozen
class Shape:
    """What is asked of an entity's table.

    Attributes:
        entity: The entity.
        select: Columns to ask for, sorted.
        annotations: The preference that makes lookups name their table; empty where none is mapped.
    """

    entity: BoundEntity
    select: tuple[str, ...]
    annotations: str

    @property
    def entity_set(self) -> str:
        """Name of the entity set."""
        return self.entity.dynamics.entity_set or self.entity.definition.dynamics

    @property
    def primary_id(self) -> str:
        """Name of the column with the row id."""
        return self.entity.dynamics.primary_id

    @property
    def columns(self) -> str:
        """The select list."""
        return ",".join(self.select)

    def prefer(self, *preferences: str) -> str:
        """Return one header with these preferences and the annotations that are needed."""
        return ",".join(part for part in (*preferences, self.annotations) if part)

    def record(self, row: Mapping[str, object]) -> Record:
        """Return a row as a record.

        Raises:
            ResponseError: The row has no id or no version.
        """
        row_id, etag = row.get(self.primary_id), row.get(ETAG)
        if not isinstance(row_id, str) or not isinstance(etag, str):
            raise ResponseError(f"a row of {self.entity_set!r} came without its id or its version", service="dynamics")
        values = dict(self.entity.decode_dynamics(row))
        for name, bound in self.entity.fields.items():
            if bound.dynamics and bound.codec.column(bound.dynamics) not in row:
                values[name] = UNREADABLE  # an empty column comes as null; one that isn't there was kept from us
        return Record(
            id=row_id.lower(),
            values=values,
            version=etag,
            modified_at=moment(row.get("modifiedon")),
            merged_into=_id(row.get("_masterid_value")) if row.get("merged") is True else None,
            merged=row.get("merged") is True,
            converted_to=self._converted_to(row),
            converted_from=_id(row.get("_originatingleadid_value")) if self._is("contact") else None,
            active=row.get("statecode") in (None, 0),
            empty=self.entity.empty(row),
        )

    def _is(self, table: str) -> bool:
        return self.entity.dynamics.name == table

    def _converted_to(self, row: Mapping[str, object]) -> Ref[object] | None:
        """Return the contact that a qualified lead became; the row itself stays (Microsoft Learn, "QualifyLead")."""
        contact = _id(row.get("_parentcontactid_value"))
        qualified = self._is("lead") and row.get("statecode") == 1
        return Ref("contact", contact) if qualified and contact else None


def shape(entity: BoundEntity) -> Shape:
    """Return what to ask of an entity's table: mapped columns, and the facts that the table has."""
    table = entity.dynamics
    wanted = {table.primary_id, *entity.dynamics_names}
    own = _OWN_FACTS.get(table.name)
    for column, name in (*_FACTS, *([own] if own else [])):
        there = table.fields.get(column)
        if there is not None and there.readable:
            wanted.add(name)
    lookups = any(bound.codec.column(bound.dynamics) != bound.dynamics for bound in entity.fields.values())
    return Shape(entity, tuple(sorted(wanted)), _TABLES if lookups else "")


def moment(raw: object) -> datetime | None:
    """Return a date and time of a row in UTC, or ``None`` where there is none."""
    if not isinstance(raw, str):
        return None
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _id(raw: object) -> str | None:
    return raw.lower() if isinstance(raw, str) and raw else None
