"""What both services have for an entity: what is mapped, what is free, what looks alike, what can't be used."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from ..errors import MappingError
from .definition import EntityDefinition
from .direction import Direction, Side
from .likeness import alike, annotation_for, flow
from .schema import FieldInfo, ObjectInfo
from .values import JSON


@frozen
class MappedField:
    """A field of the entity and where its ends are.

    Attributes:
        name: Name of the attribute.
        marketo: REST API name, or "" where it has no end in Marketo.
        dynamics: Logical name of the column, or "" where it has no end in Dynamics.
        missing: The sides that don't have the end the mapping names.
    """

    name: str
    marketo: str
    dynamics: str
    missing: tuple[Side, ...] = ()


@frozen
class Suggestion:
    """A free column and a free Marketo field that look alike.

    Attributes:
        marketo: REST API name.
        dynamics: Logical name of the column.
        annotation: The annotation that carries both, such as ``"Money"``; "" where none does. ``"Enum"`` stands for one
            made of the column's options.
        direction: Which way it can flow; ``None`` where it can only be read, or not at all.
        problem: Why no annotation carries both.
    """

    marketo: str
    dynamics: str
    annotation: str
    direction: Direction | None
    problem: str = ""


@frozen
class Restriction:
    """A field of one side that the sync user can't use in full.

    Attributes:
        side: The side that has it.
        name: Name of the field or column there.
        reason: ``"unreadable"``, ``"read-only"`` or ``"set once"``. Computed fields (a formula, a roll-up, what the
            platform fills) are among the read-only ones: descriptions don't tell them apart.
    """

    side: Side
    name: str
    reason: str


@frozen
class Discovery:
    """What both services have for an entity. Holds names and types, never values.

    Attributes:
        entity: Name of the entity; "" where two objects were compared without one.
        marketo_object: Name of the Marketo object.
        table: Logical name of the table.
        marketo_fields: Type of every Marketo field, by name.
        dynamics_columns: Type of every column, by name.
        mapped: What the entity maps.
        suggested: Free pairs that look alike.
        free_marketo: Marketo fields that nothing is mapped to.
        free_dynamics: Columns that nothing is mapped to.
        restricted: What can't be read or written.
    """

    entity: str
    marketo_object: str
    table: str
    marketo_fields: dict[str, str]
    dynamics_columns: dict[str, str]
    mapped: tuple[MappedField, ...]
    suggested: tuple[Suggestion, ...]
    free_marketo: tuple[str, ...]
    free_dynamics: tuple[str, ...]
    restricted: tuple[Restriction, ...]

    def as_dict(self) -> dict[str, JSON]:
        """Return everything as plain data that JSON can say."""
        return attrs.asdict(self, value_serializer=_plain)

    def lines(self) -> Iterator[str]:
        """Yield the discovery in words."""
        sizes = f"{len(self.marketo_fields)} Marketo fields, {len(self.dynamics_columns)} Dynamics columns"
        yield f"{self.entity or 'compared'}: marketo {self.marketo_object!r} and dynamics {self.table!r}: {sizes}"
        yield f"mapped: {len(self.mapped)}"
        for item in self.mapped:
            gap = "; missing in " + " and ".join(side.value for side in item.missing) if item.missing else ""
            yield f"  {item.name}: {item.marketo or '-'} / {item.dynamics or '-'}{gap}"
        yield f"look alike, not mapped: {len(self.suggested)}"
        for pair in self.suggested:
            way = f", {pair.direction.value}" if pair.direction else ", can only be read"
            yield f"  {pair.marketo} / {pair.dynamics}: {pair.problem or pair.annotation + way}"
        for title, names, types in (
            ("free in Marketo", self.free_marketo, self.marketo_fields),
            ("free in Dynamics", self.free_dynamics, self.dynamics_columns),
        ):
            yield f"{title}: {len(names)}"
            yield from (f"  {name} ({types[name]})" for name in names)
        yield f"can't be used in full: {len(self.restricted)}"
        yield from (f"  {item.side.value} {item.name}: {item.reason}" for item in self.restricted)

    def __str__(self) -> str:
        return "\n".join(self.lines())


def discover(definition: EntityDefinition | None, marketo: ObjectInfo, dynamics: ObjectInfo) -> Discovery:
    """Return what both services have for an entity, or for two objects that no entity joins yet.

    Args:
        definition: The entity, or ``None``.
        marketo: The Marketo object, as described now.
        dynamics: The Dataverse table, as described now.
    """
    items = list(definition.fields.values()) if definition else []
    mapped = tuple(
        MappedField(item.name, item.marketo or "", item.dynamics or "", tuple(_missing(ends)))
        for item in items
        for ends in [((Side.MARKETO, item.marketo, marketo), (Side.DYNAMICS, item.dynamics, dynamics))]
    )
    fields = tuple(sorted(set(marketo.fields) - {item.marketo for item in items}))
    columns = tuple(sorted(set(dynamics.fields) - {item.dynamics for item in items}))
    direction = definition.direction if definition else Direction.TWO_WAY
    pairs = alike(marketo, dynamics, columns=columns, fields=fields)
    return Discovery(
        entity=definition.name if definition else "",
        marketo_object=marketo.name,
        table=dynamics.name,
        marketo_fields={name: marketo.fields[name].type for name in sorted(marketo.fields)},
        dynamics_columns={name: dynamics.fields[name].type for name in sorted(dynamics.fields)},
        mapped=mapped,
        suggested=tuple(
            _suggestion(direction, dynamics.fields[column], marketo.fields[field])
            for column, field in sorted(pairs.items())
            if dynamics.fields[column].readable and marketo.fields[field].readable
        ),
        free_marketo=fields,
        free_dynamics=columns,
        restricted=tuple(
            Restriction(side, name, reason)
            for side, info in ((Side.MARKETO, marketo), (Side.DYNAMICS, dynamics))
            for name in sorted(info.fields)
            if (reason := _restricted(info.fields[name]))
        ),
    )


def _missing(ends: tuple[tuple[Side, str | None, ObjectInfo], ...]) -> Iterator[Side]:
    return (side for side, native, info in ends if native is not None and native not in info.fields)


def _suggestion(direction: Direction, column: FieldInfo, field: FieldInfo) -> Suggestion:
    try:
        annotation = annotation_for(column, field)
    except MappingError as error:
        return Suggestion(field.name, column.name, "", None, str(error))
    return Suggestion(field.name, column.name, annotation, flow(direction, column, field))


def _restricted(info: FieldInfo) -> str:
    if not info.readable:
        return "unreadable"
    if info.updatable:
        return ""
    return "set once" if info.creatable else "read-only"


def _plain(_: object, __: object, value: object) -> object:
    return value.value if isinstance(value, Side | Direction) else value
