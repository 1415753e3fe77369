"""What a codec is: the way of one value between Marketo JSON, Python and Dataverse JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, Self, TypeVar, cast

from ...errors import MappingError
from ..direction import Side
from ..schema import FieldInfo
from ..values import JSON

T = TypeVar("T")

#: Examples are how a class proves, when it is made, that its codec round-trips.
Samples = tuple[object, ...]


class Codec(Generic[T]):
    """Carries one kind of value both ways. Subclass it and override what differs.

    ``None`` is JSON ``null`` and the empty value. :meth:`dump` and :meth:`load` never see it; the four
    ``*_marketo``/``*_dynamics`` methods and :meth:`stored_form` do. A codec raises
    :class:`~marketo_dynamics_sync.errors.ValueRejectedError` for what it can't carry.

    Attributes:
        name: Word for this kind of value in messages.
        marketo_types: Marketo ``dataType`` words it fits; empty fits any.
        dynamics_types: Dataverse ``AttributeType`` words it fits; empty fits any.
        samples: Values that must survive a round trip through both services.
        kept_readable: Values are ids, or names of rows, which the engine reads back from the state store: they are
            kept as they are also where other values are kept as digests.
    """

    name: ClassVar[str] = "value"
    marketo_types: ClassVar[frozenset[str]] = frozenset()
    dynamics_types: ClassVar[frozenset[str]] = frozenset()
    samples: ClassVar[Samples] = ()
    kept_readable: ClassVar[bool] = False

    def examples(self) -> Samples:
        """Return values that must survive a round trip through both services."""
        return self.samples

    def from_marketo(self, raw: JSON) -> T | None:
        """Return the Python value of what Marketo sent."""
        return cast("T | None", raw)

    def to_marketo(self, value: T | None) -> JSON:
        """Return what to send to Marketo."""
        return cast("JSON", value)

    def from_dynamics(self, raw: JSON) -> T | None:
        """Return the Python value of what Dataverse sent."""
        return cast("T | None", raw)

    def to_dynamics(self, value: T | None) -> JSON:
        """Return what to send to Dataverse."""
        return cast("JSON", value)

    def dump(self, value: T | None) -> JSON:
        """Return a JSON form for the state store; JSON numbers, texts, lists and objects only, the same form for equal
        values."""
        return cast("JSON", value)

    def load(self, raw: JSON) -> T | None:
        """Return the value that :meth:`dump` wrote."""
        return cast("T | None", raw)

    def column(self, name: str) -> str:
        """Return the name by which Dataverse reads the column: ``_x_value`` for lookups."""
        return name

    def read_row(self, row: Mapping[str, object], name: str) -> T | None:
        """Return the Python value of column ``name`` in a Dataverse row."""
        return self.from_dynamics(cast("JSON", row.get(name)))

    def write_row(self, name: str, value: T | None) -> dict[str, JSON]:
        """Return the members of a Dataverse payload that write ``value`` into column ``name``."""
        return {name: self.to_dynamics(value)}

    def stored_form(self, written: T | None, read: T | None) -> bool:
        """Return whether ``read`` is what a service makes of ``written`` by trimming, rounding or cutting."""
        return written == read

    def forms(self, written: T) -> tuple[T | None, ...]:
        """Return what services may make of a written value, as far as it can be foreseen.

        Only digests need it (``base="digest"``), where :meth:`stored_form` has no value to look at: a value that was
        read is the written one if its :meth:`form` is among these.
        """
        return (written,)

    def form(self, read: T | None) -> T | None:
        """Return a value that was read in the form in which :meth:`forms` has it."""
        return read

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows both fields' limits.

        Args:
            marketo: The Marketo field, if it is there.
            dynamics: The Dataverse column, if it is there.

        Raises:
            MappingError: The field is of a type that this codec can't carry.
        """
        self.expect(Side.MARKETO, marketo, self.marketo_types)
        self.expect(Side.DYNAMICS, dynamics, self.dynamics_types)
        return self

    def expect(self, side: Side, info: FieldInfo | None, types: frozenset[str]) -> None:
        """Raise :class:`MappingError` unless the field's type is one of ``types``."""
        if info is not None and types and info.type not in types:
            raise MappingError(
                f"{side.value} field {info.name!r} is of type {info.type!r}; a {self.name} can't be kept there. "
                f"It fits {', '.join(sorted(types))}. Change the annotation or give the field a codec of its own."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
