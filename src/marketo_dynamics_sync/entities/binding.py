"""An entity definition against what both services really have: fields left out, limits known, ready to carry values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import cast

import attrs
from attrs import define, field, frozen

from ..errors import FieldMissingError, FieldUnreadableError, MappingError, ValueRejectedError
from .codecs import Codec
from .company_fields import COMPANY_FIELDS, COMPANY_KEY
from .definition import EntityDefinition, EntityField
from .digests import Digest
from .direction import Direction, Side
from .schema import FieldInfo, ObjectInfo
from .values import JSON, UNREADABLE, Invalid, Values


@frozen
class LeftOut:
    """A field of the default mapping that is not synced here.

    Attributes:
        entity: Name of the entity.
        field: Name of the field.
        side: The side that keeps it out.
        native: Name of the field or column there.
        reason: Why, in words.
    """

    entity: str
    field: str
    side: Side
    native: str
    reason: str


@frozen
class BoundField:
    """A field whose two ends are known to exist.

    Attributes:
        name: Name of the attribute.
        marketo: REST API name.
        dynamics: Logical name of the column.
        codec: Codec that knows both ends' limits.
        to_marketo: Whether values may be written to Marketo.
        to_dynamics: Whether values may be written to Dynamics.
        opt_out: Whether a "yes" on either side always wins.
        key: Whether it carries the Dynamics row id.
        once: Whether Marketo takes it when the record is made, and never again.
        constant: Value that every record has in Marketo, where no column holds it.
        block: The side that takes a value only while its own is empty.
        required: Whether Dynamics must never be without a value.
        needed: Whether a row can't be made without a value: the user said so. What the service requires of every row
            it may fill in itself.
    """

    name: str
    marketo: str
    dynamics: str
    codec: Codec[object]
    to_marketo: bool
    to_dynamics: bool
    opt_out: bool = False
    key: bool = False
    once: bool = False
    constant: object = None
    block: Side | None = None
    required: bool = False
    needed: bool = False

    @property
    def direction(self) -> Direction | None:
        """Which way values flow; ``None`` for a field that is only read."""
        if self.to_marketo and self.to_dynamics:
            return Direction.TWO_WAY
        if self.to_marketo:
            return Direction.TO_MARKETO
        return Direction.TO_DYNAMICS if self.to_dynamics else None

    def writable(self, side: Side) -> bool:
        """Return whether values may be written to ``side``."""
        return self.to_marketo if side is Side.MARKETO else self.to_dynamics

    def stored_form(self, written: object, read: object) -> bool:
        """Return whether ``read`` is what a service makes of ``written``, which may be known by its digest only."""
        if isinstance(written, Digest):
            return written.became(read)
        return read == written if isinstance(read, Digest) else self.codec.stored_form(written, read)

    def problem(self, side: Side, value: object) -> Invalid | None:
        """Return why ``side`` can't hold ``value``, or ``None`` when it can."""
        if self.required and side is Side.DYNAMICS and value in (None, ""):
            return Invalid("required", "Dynamics requires a value")
        if isinstance(value, Digest):
            return None  # it was there before; whoever is to write it reads it first
        try:
            if side is Side.MARKETO:
                self.codec.to_marketo(value)
            else:
                self.codec.write_row(self.dynamics, value)
        except Exception as error:
            return _invalid(self.codec, error)
        return None


def _invalid(codec: Codec[object], error: Exception) -> Invalid:
    """Return what to say of a value that a codec failed on: a user's codec may raise anything, and one value of one
    record must not stop the others. The error's own text stays out, since it may quote the value.
    """
    if isinstance(error, ValueRejectedError):
        return Invalid(error.code, error.reason)
    return Invalid("codec-failed", f"the codec {type(codec).__name__} raised {type(error).__name__}")


def _known(value: object) -> object:
    if isinstance(value, Digest):
        raise ValueRejectedError("only a digest of the value is known", code="digest")
    return value


def _dumped(codec: Codec[object], value: object) -> JSON:
    # A digest stays one, for the store that made it; JSON is what everything else becomes.
    return (
        cast("JSON", value.with_codec(None))
        if isinstance(value, Digest)
        else codec.dump(value)
        if value is not None
        else None
    )


def _loaded(codec: Codec[object], raw: object) -> object:
    if raw is None:
        return None
    return raw.with_codec(codec) if isinstance(raw, Digest) else codec.load(cast("JSON", raw))


@frozen
class Return:
    """A field that was away for a time, or was made anew: what was remembered of it before means nothing.

    Attributes:
        times: How often it came back.
        digests: Digests of the mappings in force since; a value remembered under another one is from before.
    """

    times: int
    digests: frozenset[str] = frozenset()


def _reads_empty(codec: Codec[object]) -> bool:
    try:
        return codec.from_dynamics(None) is not None
    except Exception:  # a user's codec may raise anything; it says so when a row is read
        return False


@define(eq=False, slots=False)
class BoundEntity:
    """An entity ready to be synced between two given instances.

    Attributes:
        definition: The entity class as data.
        fields: The fields that both sides have, by name.
        marketo: The Marketo object as described.
        dynamics: The Dataverse table as described.
        left_out: Fields that are not synced here, and why.
        deleted_flag: Marketo's own field that says the row was deleted in Dynamics, where Marketo has one.
        returns: Fields that were away and came back.
    """

    definition: EntityDefinition
    fields: Mapping[str, BoundField]
    marketo: ObjectInfo
    dynamics: ObjectInfo
    left_out: tuple[LeftOut, ...] = field(default=())
    deleted_flag: BoundField | None = None
    returns: Mapping[str, Return] = field(factory=dict)

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.definition.name

    @cached_property
    def key(self) -> BoundField | None:
        """The field that carries the Dynamics row id into Marketo, where Marketo has it."""
        return next((f for f in self.fields.values() if f.key), None)

    @cached_property
    def marketo_names(self) -> tuple[str, ...]:
        """REST API names to ask Marketo for, sorted."""
        return tuple(sorted(f.marketo for f in self.fields.values() if f.marketo))

    @cached_property
    def dynamics_names(self) -> tuple[str, ...]:
        """Column names to select in Dataverse (``_x_value`` for lookups), sorted."""
        return tuple(sorted(f.codec.column(f.dynamics) for f in self.fields.values() if f.dynamics))

    @cached_property
    def constants(self) -> Values:
        """Values that every record has in Marketo, and that no column holds, by field name."""
        return {name: f.constant for name, f in self.fields.items() if f.constant is not None}

    @cached_property
    def company_fields(self) -> frozenset[str]:
        """Fields that Marketo takes from a person's company, once the person is linked to one."""
        if not self.definition.marketo.is_person:
            return frozenset()
        return frozenset(name for name, f in self.fields.items() if f.marketo in COMPANY_FIELDS)

    @cached_property
    def company_link(self) -> str | None:
        """Name of the field that links a person to its company, where there is one."""
        if not self.definition.marketo.is_person:
            return None
        return next((name for name, f in self.fields.items() if f.marketo == COMPANY_KEY), None)

    def decode_marketo(self, raw: Mapping[str, object]) -> Values:
        """Return the values of a Marketo record by field name; a value that is not of its type comes as ``Invalid``."""
        values: dict[str, object] = {}
        for name, bound in self.fields.items():
            try:
                if bound.marketo:
                    values[name] = bound.codec.from_marketo(cast("JSON", raw.get(bound.marketo)))
            except Exception as error:
                values[name] = _invalid(bound.codec, error)
        return values

    def decode_dynamics(self, row: Mapping[str, object]) -> Values:
        """Return the values of a Dataverse row by field name; a value that is not of its type comes as ``Invalid``."""
        values: dict[str, object] = {}
        for name, bound in self.fields.items():
            try:
                values[name] = bound.constant if not bound.dynamics else bound.codec.read_row(row, bound.dynamics)
            except Exception as error:
                values[name] = _invalid(bound.codec, error)
        return values

    @cached_property
    def _speaking(self) -> tuple[BoundField, ...]:
        """Fields that read an empty column as a value."""
        return tuple(bound for bound in self.fields.values() if _reads_empty(bound.codec))

    def empty(self, row: Mapping[str, object]) -> frozenset[str]:
        """Return the fields whose column is empty in a Dataverse row and whose value says something all the same."""
        return frozenset(f.name for f in self._speaking if row.get(f.codec.column(f.dynamics)) is None)

    def encode_marketo(self, values: Values) -> dict[str, JSON]:
        """Return the Marketo JSON that writes ``values``.

        Raises:
            ValueRejectedError: Marketo can't hold a value; :meth:`BoundField.problem` finds out beforehand.
        """
        raw: dict[str, JSON] = {}
        for name, value in values.items():
            bound = self.deleted_flag if self.deleted_flag and name == self.deleted_flag.name else self.fields[name]
            raw[bound.marketo] = bound.codec.to_marketo(_known(value))
        return raw

    def encode_dynamics(self, values: Values) -> dict[str, JSON]:
        """Return the Dataverse payload that writes ``values``.

        Raises:
            ValueRejectedError: The table can't hold a value.
        """
        payload: dict[str, JSON] = {}
        for name, value in values.items():
            payload |= self.fields[name].codec.write_row(self.fields[name].dynamics, _known(value))
        return payload

    def dump(self, values: Values) -> dict[str, JSON]:
        """Return a JSON form of values for the state store; what couldn't be read is left out."""
        return {
            name: _dumped(self.fields[name].codec, value)
            for name, value in values.items()
            if name in self.fields and value is not UNREADABLE and not isinstance(value, Invalid)
        }

    def load(self, stored: Mapping[str, object]) -> dict[str, object]:
        """Return the values that :meth:`dump` wrote.

        A field that is no longer mapped is left out, and so is one whose type was changed so that what was kept means
        nothing any more: it is compared afresh.
        """
        values: dict[str, object] = {}
        for name, raw in stored.items():
            bound = self.fields.get(name)
            if bound is None:
                continue
            try:
                values[name] = _loaded(bound.codec, raw)
            except Exception:  # noqa: S112 - as with reading: a user's codec may raise anything
                continue
        return values

    @cached_property
    def fingerprint(self) -> str:
        """Text that changes when mapped fields, their ends, their directions or their codecs change."""
        parts = [
            f"{f.name}:{f.marketo}:{f.dynamics}:{f.direction.value if f.direction else 'read'}:{type(f.codec).__name__}"
            + (f":{f.constant}" if f.constant is not None else "")
            + (f":{f.block.value}" if f.block is not None else "")
            for f in sorted(self.fields.values(), key=lambda f: f.name)
        ]
        parts += [f"{name}:{self.returns[name].times}" for name in sorted(self.returns) if self.returns[name].times]
        if self.dynamics.language is not None:
            parts.append(f"language:{self.dynamics.language}")  # labels in Marketo mean something else from now on
        return "|".join([self.name, self.definition.dynamics, self.definition.direction.value, *parts])


def bind(definition: EntityDefinition, marketo: ObjectInfo, dynamics: ObjectInfo) -> BoundEntity:
    """Return the entity bound to what both services have.

    Args:
        definition: The entity.
        marketo: The Marketo object, as described now.
        dynamics: The Dataverse table, as described now.

    Raises:
        FieldMissingError: A field that the user named is missing on a side.
        FieldUnreadableError: A field that the user named can't be read by the sync user.
        MappingError: A field's type on a side is not what the annotation says, or no side lets it be written.
    """
    fields: dict[str, BoundField] = {}
    left_out: list[LeftOut] = []
    flag: BoundField | None = None
    for item in definition.fields.values():
        gap = _gap(definition, item, marketo, dynamics)
        if gap is None:
            there = marketo.fields[item.marketo] if item.marketo else None
            bound = _bound(definition, item, there, dynamics.fields[item.dynamics] if item.dynamics else None)
            gap = _unwritable(definition, item, bound)
            if gap is None and _is_flag(item):
                flag = bound
            elif gap is None:
                fields[item.name] = bound
        if gap is not None:
            left_out.append(gap)
    return BoundEntity(definition, fields, marketo, dynamics, tuple(left_out), flag)


def _is_flag(item: EntityField) -> bool:
    """Return whether a field is the flag for rows deleted in Dynamics: one with a Marketo end only, ``is_deleted``."""
    return item.name == "is_deleted" and item.dynamics is None


def _gap(definition: EntityDefinition, item: EntityField, marketo: ObjectInfo, dynamics: ObjectInfo) -> LeftOut | None:
    ends = ((Side.MARKETO, item.marketo, marketo), (Side.DYNAMICS, item.dynamics, dynamics))
    where = f"{definition.cls.__name__}.{item.name}"
    for side, native, info in ends:
        place = f"{side.value} {info.name!r}"
        if native is None:
            if _is_flag(item) or item.constant is not None or (item.read_only and side is Side.MARKETO):
                continue  # a column that is only looked at needs no place in Marketo
            return LeftOut(definition.name, item.name, side, "", f"it is not mapped to any field of {place}")
        there = info.fields.get(native)
        if there is None:
            if not item.optional:
                raise FieldMissingError(
                    f"{where} is mapped to {native!r}, which {place} doesn't have. Create it there, or correct the "
                    "name in mapped(...)."
                )
            return LeftOut(definition.name, item.name, side, native, f"{place} has no field {native!r}")
        if not there.readable:
            if not item.optional:
                raise FieldUnreadableError(
                    f"{where}: the sync user can't read {native!r} of {place}. Give its role the right to read the "
                    "field, or leave the field out."
                )
            reason = f"the sync user can't read {native!r} of {place}"
            return LeftOut(definition.name, item.name, side, native, reason)
    return None


def _unwritable(definition: EntityDefinition, item: EntityField, bound: BoundField) -> LeftOut | None:
    """Return what to say of a field that was to be written but can't be on any side."""
    if item.read_only or bound.direction is not None:
        return None
    side = Side.DYNAMICS if item.direction is Direction.TO_DYNAMICS else Side.MARKETO
    native = bound.marketo if side is Side.MARKETO else bound.dynamics
    reason = f"{side.value} doesn't let {native!r} be written"
    if not item.optional:
        raise MappingError(
            f"{definition.cls.__name__}.{item.name}: {reason}, so nothing would flow. Map it to a field that can be "
            "written, or only read it with read_only=True."
        )
    return LeftOut(definition.name, item.name, side, native, reason)


def _bound(
    definition: EntityDefinition, item: EntityField, marketo: FieldInfo | None, dynamics: FieldInfo | None
) -> BoundField:
    try:
        codec = item.codec.bind(marketo, dynamics)
    except MappingError as error:
        raise MappingError(f"{definition.cls.__name__}.{item.name}: {error}") from None
    wants_marketo = item.direction is not Direction.TO_DYNAMICS and not item.read_only
    wants_dynamics = item.direction is not Direction.TO_MARKETO and not item.read_only
    # Marketo's other objects have fields that are given when the record is made, and never again.
    objects = not definition.marketo.is_person
    once = objects and marketo is not None and marketo.creatable and not marketo.updatable and not item.key
    return BoundField(
        name=item.name,
        marketo=item.marketo or "",
        dynamics=item.dynamics or "",
        codec=codec,
        to_marketo=wants_marketo and marketo is not None and (marketo.updatable or item.key or once),
        to_dynamics=wants_dynamics and dynamics is not None and dynamics.updatable,
        opt_out=item.opt_out,
        key=item.key,
        once=once,
        constant=item.constant,
        block=item.block,
        required=item.required or (dynamics is not None and dynamics.required == "SystemRequired"),
        needed=item.required,
    )


def without(entity: BoundEntity, names: Iterable[str]) -> BoundEntity:
    """Return the entity without some of its fields."""
    gone = set(names)
    return attrs.evolve(entity, fields={n: f for n, f in entity.fields.items() if n not in gone})
