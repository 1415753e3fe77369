"""What an entity class says, checked: the class is the mapping, this is the mapping as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast, get_type_hints

import attrs
from attrs import field, frozen

from ..errors import MappingError
from .codecs import Codec, codec_for
from .direction import Direction, Side
from .fields import METADATA, FieldMapping
from .objects import MarketoObject
from .record import Record
from .values import JSON

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
        constant: Value that every record has in Marketo, where no column holds it.
        block: The side that takes a value only while its own is empty.
        required: Whether Dynamics must never be without a value.
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
    constant: object = None
    block: Side | None = None
    required: bool = False


@frozen
class EntityOptions:
    """What ``@entity`` was told; subclasses inherit it."""

    name: str
    marketo: MarketoObject
    dynamics: str
    direction: Direction
    keep: Callable[[Record], bool] | None = None


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
        keep: Which rows are synced unless the user's filter says so; ``None`` for all.
    """

    cls: type[Entity] = field(eq=False)
    name: str
    marketo: MarketoObject
    dynamics: str
    direction: Direction
    fields: dict[str, EntityField] = field(eq=False)
    keep: Callable[[Record], bool] | None = field(default=None, eq=False)

    @property
    def key(self) -> EntityField | None:
        """The field that carries the Dynamics row id into Marketo, if there is one."""
        return next((f for f in self.fields.values() if f.key), None)


def define_entity(cls: type[Entity], options: EntityOptions) -> EntityDefinition:
    """Read an entity class and refuse a mapping that can't work.

    Raises:
        MappingError: An unknown type, an attribute without mapping or annotation, two fields on one column or Marketo
            field, a direction that the entity doesn't allow, or a codec that doesn't bring a value back. The text
            names the class and the field.
    """
    attributes = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
    for attribute in attributes:
        where = f"{cls.__name__}.{attribute.name}"
        if not isinstance(attribute.metadata.get(METADATA), FieldMapping):
            raise MappingError(f"{where} is annotated but not mapped; write = mapped(...) beside it")
        if attribute.type is None:
            raise MappingError(f"{where} is mapped but has no annotation; write the type of its values beside it")
    hints = _hints(cls, {a.name: str(a.type) for a in attributes})
    found = {a.name: _field(cls, a.name, hints[a.name], a.metadata[METADATA], options) for a in attributes}
    _refuse_shared(cls, "Marketo field", ((f.name, f.marketo) for f in found.values()))
    _refuse_shared(cls, "Dynamics column", ((f.name, f.dynamics) for f in found.values()))
    if len([f for f in found.values() if f.key]) > 1:
        raise MappingError(f"{cls.__name__}: more than one field is marked key=True; one field carries the row id")
    unmapped = sorted(set(options.marketo.dedupe) - {f.marketo for f in found.values()})
    if unmapped:
        raise MappingError(
            f"{cls.__name__}: no field is mapped to {', '.join(map(repr, unmapped))}, by which Marketo tells the "
            f"records of {options.marketo.name!r} apart"
        )
    return EntityDefinition(
        cls, options.name, options.marketo, options.dynamics, options.direction, found, options.keep
    )


def _hints(cls: type[Entity], written: dict[str, str]) -> dict[str, object]:
    try:
        return get_type_hints(cls, include_extras=True)
    except Exception as error:  # whatever evaluating an annotation raises
        name = getattr(error, "name", None)
        where = next((f".{field}" for field, text in written.items() if name and name in text), "")
        raise MappingError(
            f"{cls.__name__}{where}: an annotation can't be evaluated ({error}); import what it names at module level, "
            "outside TYPE_CHECKING"
        ) from None


def _field(cls: type[Entity], name: str, hint: object, mapping: FieldMapping, options: EntityOptions) -> EntityField:
    where = f"{cls.__name__}.{name}"
    try:
        codec: Codec[object] = mapping.codec if mapping.codec is not None else codec_for(hint)
    except MappingError as error:
        raise MappingError(f"{where}: {error}") from None
    if mapping.key and (mapping.marketo is None or mapping.dynamics is None):
        raise MappingError(f"{where}: key=True carries the row id into Marketo, so it needs marketo= and dynamics=")
    if mapping.key and (mapping.direction not in (None, Direction.TO_MARKETO) or mapping.read_only):
        raise MappingError(f"{where}: key=True carries the row id into Marketo and flows there only")
    own = mapping.key or mapping.constant is not None
    direction = mapping.direction or (Direction.TO_MARKETO if own else options.direction)
    if options.direction is not Direction.TWO_WAY and direction is not options.direction and not mapping.key:
        raise MappingError(
            f"{where}: flows {direction.value}, but {options.name!r} flows {options.direction.value} only"
        )
    if mapping.opt_out and direction is not Direction.TWO_WAY:
        raise MappingError(f"{where}: an opt-out must be heard from both sides, so it has to flow both ways")
    _refuse_constant(where, codec, mapping)
    _refuse_rules(where, mapping, direction)
    _refuse_lossy(where, codec, services=direction is Direction.TWO_WAY and not mapping.read_only)
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
        constant=mapping.constant,
        block=mapping.block,
        required=mapping.required,
    )


def _refuse_constant(where: str, codec: Codec[object], mapping: FieldMapping) -> None:
    if mapping.constant is None:
        return
    if mapping.marketo is None or mapping.dynamics is not None:
        raise MappingError(f"{where}: constant= is kept in Marketo alone, so it needs marketo= and no dynamics=")
    if mapping.direction not in (None, Direction.TO_MARKETO) or mapping.read_only or mapping.block or mapping.required:
        raise MappingError(f"{where}: constant= flows to Marketo, always, and takes no other rule")
    try:
        same = codec.from_marketo(codec.to_marketo(mapping.constant)) == mapping.constant
    except Exception:  # a user's codec may raise anything
        same = False
    if not same:
        raise MappingError(f"{where}: the codec {type(codec).__name__} doesn't bring the constant back from Marketo")


def _refuse_rules(where: str, mapping: FieldMapping, direction: Direction) -> None:
    if mapping.block is not None:
        if mapping.key or mapping.opt_out or mapping.read_only:
            raise MappingError(f"{where}: block= doesn't go with key=, opt_out= or read_only=")
        if direction.source is mapping.block:
            raise MappingError(f"{where}: nothing flows to {mapping.block.value}, so there is nothing to block")
    if mapping.required and (mapping.dynamics is None or direction is Direction.TO_MARKETO or mapping.read_only):
        raise MappingError(f"{where}: required= is about what Dynamics is given, and nothing flows there")


def _refuse_lossy(where: str, codec: Codec[object], *, services: bool) -> None:
    """Refuse a codec that doesn't bring its own examples back: from the state store always, from both services where
    the field flows both ways.
    """
    kind = f"{where}: the codec {type(codec).__name__}"
    for sample in codec.examples():
        try:
            kept = codec.load(cast("JSON", json.loads(json.dumps(codec.dump(sample)))))
            there = codec.from_marketo(codec.to_marketo(sample)) if services else sample
            back = codec.from_dynamics(codec.to_dynamics(sample)) if services else sample
        except Exception as error:  # a user's codec may raise anything
            raise MappingError(f"{kind} fails on its own example ({type(error).__name__}: {error})") from None
        if kept != sample:
            raise MappingError(
                f"{kind} doesn't bring a value back from the state store as it was; mend its dump and load"
            )
        for way, result in (("Marketo", there), ("Dynamics", back)):
            if result != sample:
                raise MappingError(
                    f"{kind} doesn't bring a value back from {way} as it was, so the field can't flow both ways; make "
                    "it one-way with direction=..., or mend the codec"
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
