"""Lookups that Marketo keeps as something else than a row id: the number of a person, the name of a role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from attrs import evolve, field, frozen

from ...errors import ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON
from .base import Codec
from .lookups import LookupCodec


@frozen
class LinkedCodec(Codec[object]):
    """A lookup that is read as a reference, and that the engine follows before anything is written to Marketo."""

    dynamics_types: ClassVar[frozenset[str]] = LookupCodec.dynamics_types
    kept_readable: ClassVar[bool] = True

    _lookup: LookupCodec = field(factory=LookupCodec, repr=False, eq=False)

    def column(self, name: str) -> str:
        """Return ``_name_value``."""
        return self._lookup.column(name)

    def read_row(self, row: Mapping[str, object], name: str) -> object:
        """Return what the lookup points to."""
        return self._lookup.read_row(row, name)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows what the lookup points to."""
        super().bind(marketo, dynamics)
        return evolve(self, lookup=self._lookup.bind(None, dynamics))


@frozen
class LinkedPersonCodec(LinkedCodec):
    """The Marketo id of the person that a lookup's row is linked with."""

    name: ClassVar[str] = "person"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"integer", "string"})
    samples: ClassVar[tuple[object, ...]] = ("1001",)

    def from_marketo(self, raw: JSON) -> object:
        """Return the id as text, as the engine keeps ids."""
        return None if raw is None or raw == "" else str(raw)

    def to_marketo(self, value: object) -> JSON:
        """Return the number; a person that is only planned has none yet."""
        text = None if value is None else str(value)
        return int(text) if text is not None and text.isascii() and text.isdecimal() else text


@frozen
class LinkedNameCodec(LinkedCodec):
    """The name of a lookup's row."""

    name: ClassVar[str] = "name"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"string", "text"})
    samples: ClassVar[tuple[object, ...]] = ("Decision Maker",)

    longest: int | None = None

    def cut(self, name: str) -> str:
        """Return a name as Marketo can hold it."""
        return name.strip()[: self.longest].strip()

    def from_marketo(self, raw: JSON) -> object:
        """Return the name."""
        return None if raw is None or raw == "" else str(raw)

    def to_marketo(self, value: object) -> JSON:
        """Return the name.

        Raises:
            ValueRejectedError: It is too long for Marketo's field.
        """
        if value is not None and self.longest is not None and len(str(value)) > self.longest:
            raise ValueRejectedError(f"longer than the {self.longest} characters that Marketo keeps", code="too-long")
        return None if value is None else str(value)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows how long a name may be."""
        bound = super().bind(marketo, dynamics)
        return evolve(bound, longest=marketo.max_length) if marketo is not None else bound
