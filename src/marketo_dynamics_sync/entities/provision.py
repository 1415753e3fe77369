"""Which person fields a mapping needs that Marketo doesn't have yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from .codecs import (
    BooleanCodec,
    Codec,
    DateCodec,
    DateTimeCodec,
    DecimalCodec,
    EmailCodec,
    FloatCodec,
    IntegerCodec,
    MoneyCodec,
    PhoneCodec,
    UrlCodec,
)
from .definition import EntityDefinition, EntityField
from .direction import Direction
from .naming import words
from .schema import ObjectInfo
from .values import JSON

#: What Marketo's API makes (Adobe, "Leads", "Create Lead Fields").
_TYPES: Final[Mapping[type[Codec[Any]], str]] = {  # Any: each codec carries its own type
    MoneyCodec: "currency",  # before the decimal number that it is one of
    BooleanCodec: "boolean",
    DateCodec: "date",
    DateTimeCodec: "datetime",
    DecimalCodec: "float",
    EmailCodec: "email",
    FloatCodec: "float",
    IntegerCodec: "integer",
    PhoneCodec: "phone",
    UrlCodec: "url",
}
#: Marketo's own fields, which can't be made (Adobe, "Companies", "Sales Persons").
_MARKETO_OWN: Final = frozenset({"id", "externalCompanyId", "externalSalesPersonId"})


@frozen
class NewField:
    """A person field to be made in Marketo.

    Attributes:
        name: REST API name.
        type: Marketo ``dataType``.
        label: Name in Marketo's user interface.
        needed_by: The fields of entities that are mapped to it, as ``entity.field``.
    """

    name: str
    type: str
    label: str
    needed_by: tuple[str, ...]


@frozen
class Provision:
    """The person fields that mappings need and Marketo lacks.

    Attributes:
        fields: The fields, by name.
        made: Whether they were made now.
    """

    fields: tuple[NewField, ...]
    made: bool = False

    def as_dict(self) -> dict[str, JSON]:
        """Return everything as plain data that JSON can say."""
        return attrs.asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield the provision in words."""
        if not self.fields:
            yield "Marketo has every person field that the mappings need"
            return
        yield f"person fields {'made' if self.made else 'missing'} in Marketo: {len(self.fields)}"
        for field in self.fields:
            yield f"  {field.name}: {field.type}, labelled {field.label!r}, for {', '.join(field.needed_by)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def missing_fields(
    definitions: Iterable[EntityDefinition], person: ObjectInfo, tables: Mapping[str, ObjectInfo]
) -> Provision:
    """Return the person fields to be made for entities. A field that Marketo is the only source of isn't needed:
    nothing would ever stand in it.

    Args:
        definitions: The entities; those that don't live in Marketo's person table are passed over.
        person: The person object, as described now.
        tables: The table of each entity, by the entity's name.
    """
    found: dict[str, NewField] = {}
    for definition in definitions:
        if not definition.marketo.is_person:
            continue
        for item in definition.fields.values():
            name = item.marketo
            if name is None or name in person.fields or not _needed(item, tables[definition.name]):
                continue
            before = found.get(name)
            users = (*(before.needed_by if before else ()), f"{definition.name}.{item.name}")
            kind = before.type if before else _type(item.codec)
            found[name] = NewField(name, kind, words(name), users)
    return Provision(tuple(found[name] for name in sorted(found)))


def _needed(item: EntityField, table: ObjectInfo) -> bool:
    if item.marketo in _MARKETO_OWN or item.read_only or item.direction is Direction.TO_DYNAMICS:
        return False
    return item.dynamics is None or (item.dynamics in table.fields and table.fields[item.dynamics].readable)


def _type(codec: Codec[Any]) -> str:  # Any: each codec carries its own type
    found = next((kind for cls, kind in _TYPES.items() if isinstance(codec, cls)), "string")
    if codec.marketo_types and found not in codec.marketo_types:
        return min(codec.marketo_types)
    return found
