"""What an entity class says, checked: the class is the mapping, this is the mapping as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast, get_type_hints

import attrs
from attrs import field, frozen

from ..errors import MappingError, ValueRejectedError
from .codecs import Codec, codec_for
from .direction import Direction
from .fields import METADATA, FieldMapping
from .objects import MarketoObject

if TYPE_CHECKING:
    from .model import Entity


@frozen
class EntityField:
    """One mapped attribute of an entity class.

    Attributes:
        name: Name of the attribute.
        marketo: REST API name, or ``None``.
        dynamics: Logical name of the column, or ``None``.
        codec: How values travel.
        direction: Which way it flows.
        key: Whether it carries the Dynamics row id.
        read_only: Whether it is never written.
        optional: Whether it may be missing on a side.
        opt_out: Whether a "yes" on either side always wins.
    """

    name: str
    marketo: str | None
    dynamics: str | None
    codec: Codec[object]
    direction: Direction
    key: bool = False
    read_only: bool = False
    optional: bool = False
    opt_out: bool = False


@frozen
class EntityOptions:
    """What ``@entity`` was told; subclasses inherit it."""

    name: str
    marketo: MarketoObject
    dynamics: str
    direction: Direction


@frozen
class EntityDefinition:
    """An entity class as data.

    Attributes:
        cls: The class.
        name: Name of the entity, the same for a subclass that only adds fields.
        marketo: The Marketo object.
        dynamics: Entity set name in Dataverse (``"leads"``).
        direction: Which way its records flow.
        fields: Its mapped fields by name, in the order of the class.
    """

    cls: type[Entity] = field(eq=False)
    name: str
    marketo: MarketoObject
    dynamics: str
    direction: Direction
    fields: dict[str, EntityField] = field(eq=False)

    @property
    def key(self) -> EntityField | None:
        """The field that carries the Dynamics row id into Marketo, if there is one."""
        return next((f for f in self.fields.values() if f.key), None)


def define_entity(cls: type[Entity], options: EntityOptions) -> EntityDefinition:
    """Read an entity class and refuse a mapping that can't work.

    Raises:
        MappingError: An unknown type, two fields on one column or Marketo field, a direction that the entity doesn't
            allow, or a two-way field whose codec doesn't round-trip. The text names the class and the field.
    """
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise MappingError(
            f"{cls.__name__}: the annotation {error.name!r} can't be found; import it at module level, outside "
            "TYPE_CHECKING"
        ) from None
    found: dict[str, EntityField] = {}
    for attribute in attrs.fields(cast("type[attrs.AttrsInstance]", cls)):
        mapping = attribute.metadata.get(METADATA)
        if isinstance(mapping, FieldMapping):
            found[attribute.name] = _field(cls, attribute.name, hints[attribute.name], mapping, options)
    _refuse_shared(cls, "Marketo field", ((f.name, f.marketo) for f in found.values()))
    _refuse_shared(cls, "Dynamics column", ((f.name, f.dynamics) for f in found.values()))
    if len([f for f in found.values() if f.key]) > 1:
        raise MappingError(f"{cls.__name__}: more than one field is marked key=True; one field carries the row id")
    return EntityDefinition(cls, options.name, options.marketo, options.dynamics, options.direction, found)


def _field(cls: type[Entity], name: str, hint: object, mapping: FieldMapping, options: EntityOptions) -> EntityField:
    where = f"{cls.__name__}.{name}"
    try:
        codec: Codec[object] = mapping.codec if mapping.codec is not None else codec_for(hint)
    except MappingError as error:
        raise MappingError(f"{where}: {error}") from None
    direction = mapping.direction or (Direction.TO_MARKETO if mapping.key else options.direction)
    if options.direction is not Direction.TWO_WAY and direction is not options.direction:
        raise MappingError(
            f"{where}: flows {direction.value}, but {options.name!r} flows {options.direction.value} only"
        )
    if mapping.opt_out and direction is not Direction.TWO_WAY:
        raise MappingError(f"{where}: an opt-out must be heard from both sides, so it has to flow both ways")
    if direction is Direction.TWO_WAY and not mapping.read_only:
        _refuse_lossy(where, codec)
    return EntityField(
        name=name,
        marketo=mapping.marketo,
        dynamics=mapping.dynamics,
        codec=codec,
        direction=direction,
        key=mapping.key,
        read_only=mapping.read_only,
        optional=mapping.optional,
        opt_out=mapping.opt_out,
    )


def _refuse_lossy(where: str, codec: Codec[object]) -> None:
    for sample in codec.examples():
        try:
            there = codec.from_marketo(codec.to_marketo(sample))
            back = codec.from_dynamics(codec.to_dynamics(sample))
            kept = codec.load(codec.dump(sample))
        except ValueRejectedError as error:
            raise MappingError(
                f"{where}: the codec {type(codec).__name__} refuses its own value ({error.reason}), so the field "
                "can't flow both ways"
            ) from None
        for way, result in (("Marketo", there), ("Dynamics", back), ("the state store", kept)):
            if result != sample:
                raise MappingError(
                    f"{where}: the codec {type(codec).__name__} doesn't bring a value back from {way} as it was, so "
                    "the field "
                    "can't flow both ways; make it one-way with direction=..., or mend the codec"
                )


def _refuse_shared(cls: type[Entity], what: str, pairs: Iterable[tuple[str, str | None]]) -> None:
    seen: dict[str, str] = {}
    for name, target in pairs:
        if target is None:
            continue
        if target in seen:
            raise MappingError(
                f"{cls.__name__}: {seen[target]!r} and {name!r} are both mapped to the {what} {target!r}"
            )
        seen[target] = name
