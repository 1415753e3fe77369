"""``Entity`` and ``@entity``: a class whose attributes say where each value lives on both sides."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ClassVar, Self, TypeVar, cast, dataclass_transform

import attrs

from ..errors import MappingError
from .definition import EntityDefinition, EntityOptions, define_entity
from .direction import Direction
from .fields import mapped
from .objects import MarketoObject
from .record import Record
from .values import UNREADABLE, Invalid, Values

C = TypeVar("C", bound="type[Entity]")


@dataclass_transform(kw_only_default=True, field_specifiers=(mapped,))
class Entity:
    """Base of every entity class. Subclass it, annotate attributes with ``mapped(...)``, and decorate with ``@entity``.

    A subclass of a decorated class needs no decorator: it is the same entity with fields added or changed, and takes
    the place of its parent where it is given to the engine.

    Examples:
        >>> from marketo_dynamics_sync.entities import Lead, mapped
        >>> class RegionalLead(Lead):
        ...     region: str | None = mapped(marketo="region", dynamics="new_region")
        >>> RegionalLead(region="North").region
        'North'
    """

    #: The mapping as data; made when the class is made.
    __entity__: ClassVar[EntityDefinition]
    _options: ClassVar[EntityOptions | None] = None
    #: Names that ``select`` kept and names that it left out.
    _selected: ClassVar[frozenset[str]] = frozenset()
    _dropped: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        attrs.define(cls, slots=False)
        if cls._options is not None:
            cls.__entity__ = _defined(cls, cls._options)

    @classmethod
    def select(cls, *names: str) -> type[Self]:
        """Return this entity with the named fields only.

        Fields that are named here are wanted: one that a side doesn't have is an error. The key field stays, and so do
        the dedupe fields of a custom object. A subclass has the selected fields and its own.

        Args:
            *names: Attribute names.

        Raises:
            MappingError: A name is not a mapped field of the class, or none is given.
        """
        if not names:
            raise MappingError(f"{cls.__name__}.select: name at least one field")
        known = cls.__entity__.fields
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise MappingError(f"{cls.__name__} has no field {', '.join(map(repr, unknown))}")
        dedupe = cls.__entity__.marketo.dedupe
        dropped = {n for n, f in known.items() if n not in names and not f.key and f.marketo not in dedupe}
        members = {
            "__doc__": cls.__doc__,
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "_selected": frozenset(names),
            "_dropped": cls._dropped | dropped,
        }
        return cast("type[Self]", type(cls.__name__, (cls,), members))

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Return an object of this class that holds the values of a record.

        A field that was not read, or not as a value of its type, is left at its default.
        """
        known = cls.__entity__.fields
        return cls(
            **{
                name: value
                for name, value in values.items()
                if name in known and value is not UNREADABLE and not isinstance(value, Invalid)
            }
        )

    def to_values(self) -> dict[str, object]:
        """Return the mapped values of this object by field name."""
        return {name: getattr(self, name) for name in type(self).__entity__.fields}


def entity(
    *,
    name: str,
    marketo: MarketoObject,
    dynamics: str,
    direction: Direction = Direction.TWO_WAY,
    keep: Callable[[Record], bool] | None = None,
) -> Callable[[C], C]:
    """Make a class of mapped attributes an entity that the engine can sync.

    Args:
        name: The entity's name in reports, plans and the state store. Keep it once data is synced.
        marketo: ``person()`` or ``custom_object(...)``.
        dynamics: Entity set name of the Dataverse table, as used in URLs (``"leads"``, ``"new_events"``).
        direction: Which way records flow.
        keep: Which rows are synced where the engine has no filter for the entity: a function of the row.

    Raises:
        MappingError: The mapping can't work; the text names the class and the field.

    Examples:
        >>> from marketo_dynamics_sync.entities import Direction, Entity, custom_object, entity, mapped
        >>> @entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="new_seats",
        ...         direction=Direction.TO_MARKETO)
        ... class Seat(Entity):
        ...     seat_id: str | None = mapped(marketo="seatId", dynamics="new_seatid", key=True)
    """

    def decorate(cls: C) -> C:
        options = EntityOptions(name=name, marketo=marketo, dynamics=dynamics, direction=direction, keep=keep)
        cls.__entity__ = _defined(cls, options)
        cls._options = options
        return cls

    return decorate


def _defined(cls: type[Entity], options: EntityOptions) -> EntityDefinition:
    """Return a class as data, without the fields that ``select`` left out of it or of a parent.

    A field that the class itself maps is there, whatever its parent left out.
    """
    definition = define_entity(cls, options)
    gone = cls._dropped = cls._dropped - set(inspect.get_annotations(cls))
    fields = {
        name: attrs.evolve(item, optional=False) if name in cls._selected else item
        for name, item in definition.fields.items()
        if name not in gone
    }
    return attrs.evolve(definition, fields=fields)
