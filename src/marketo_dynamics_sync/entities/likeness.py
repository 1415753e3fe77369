"""Which column goes with which Marketo field, as which type, and which way: guesses from names and types alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from ..errors import MappingError
from .account import Account
from .codecs import (
    BooleanCodec,
    ChoiceCodec,
    Codec,
    DateCodec,
    DateTimeCodec,
    DecimalCodec,
    EmailCodec,
    FloatCodec,
    GuidCodec,
    IntegerCodec,
    LookupCodec,
    MoneyCodec,
    MultiChoiceCodec,
    PhoneCodec,
    TextCodec,
    UrlCodec,
)
from .contact import Contact
from .definition import EntityField
from .direction import Direction
from .lead import Lead
from .model import Entity
from .naming import bare_column, bare_field, fold
from .opportunities import Opportunity
from .schema import FieldInfo, ObjectInfo
from .user import User

#: The entities that come with the library, by the entity set of their table.
STANDARD_ENTITIES: Final[Mapping[str, type[Entity]]] = {
    cls.__entity__.dynamics: cls for cls in (Account, Contact, Lead, Opportunity, User)
}

_CODECS: Final[Mapping[str, Codec[Any]]] = {  # Any: each codec carries its own type
    "Choice": ChoiceCodec(),
    "Choices": MultiChoiceCodec(),
    "Decimal": DecimalCodec(),
    "Email": EmailCodec(),
    "Enum": ChoiceCodec(),
    "Guid": GuidCodec(),
    "Money": MoneyCodec(),
    "Phone": PhoneCodec(),
    "Ref": LookupCodec(),
    "Url": UrlCodec(),
    "bool": BooleanCodec(),
    "date": DateCodec(),
    "datetime": DateTimeCodec(),
    "float": FloatCodec(),
    "int": IntegerCodec(),
    "str": TextCodec(),
}
_BY_COLUMN: Final[Mapping[str, str]] = {
    "BigInt": "int",
    "Boolean": "bool",
    "Customer": "Ref",
    "Decimal": "Decimal",
    "Double": "float",
    "Integer": "int",
    "Lookup": "Ref",
    "Memo": "str",
    "Money": "Money",
    "MultiSelectPicklist": "Choices",
    "Owner": "Ref",
    "String": "str",
    "Uniqueidentifier": "Guid",
}
_BY_FIELD: Final[Mapping[str, str]] = {"email": "Email", "phone": "Phone", "url": "Url"}
_STATES: Final = ("State", "Status")


def annotation_for(column: FieldInfo, field: FieldInfo | None) -> str:
    """Return the annotation for a column and the Marketo field it is mapped to.

    Args:
        column: The column.
        field: The field, or ``None`` where it isn't made yet.

    Returns:
        The name of the type; ``"Enum"`` stands for one made of the column's options and ``"Ref"`` for a reference to
        its targets.

    Raises:
        MappingError: No type fits both.
    """
    found = _BY_COLUMN.get(column.type)
    if column.type in ("Picklist", *_STATES):
        found = "Enum" if column.options else "Choice"
    elif column.type == "DateTime":
        # A day may be kept as its midnight, but a moment has no day without a time zone.
        on_a_day = column.behavior == "DateOnly" and (field is None or field.type != "datetime")
        found = "date" if on_a_day else "datetime"
    elif found == "str" and field is not None:
        found = _BY_FIELD.get(field.type, "str")
    if found is None:
        raise MappingError(f"no annotation carries a column of type {column.type!r}")
    _CODECS[found].bind(field, column)
    return found


def flow(direction: Direction, column: FieldInfo, field: FieldInfo | None) -> Direction | None:
    """Return which way a pair can flow in an entity that flows ``direction``; ``None`` where it can only be read.

    A state is never written to Dynamics, which moves it by actions.
    """
    to_marketo = direction is not Direction.TO_DYNAMICS and (field is None or field.updatable)
    to_dynamics = direction is not Direction.TO_MARKETO and column.updatable and column.type not in _STATES
    if to_marketo and to_dynamics:
        return Direction.TWO_WAY
    if to_marketo:
        return Direction.TO_MARKETO
    return Direction.TO_DYNAMICS if to_dynamics else None


def documented(marketo_name: str, dynamics: ObjectInfo) -> dict[str, EntityField]:
    """Return the default mapping's fields by column, where the library brings one for table and Marketo object."""
    cls = STANDARD_ENTITIES.get(dynamics.entity_set)
    if cls is None or cls.__entity__.marketo.name != marketo_name:
        return {}
    return {item.dynamics: item for item in cls.__entity__.fields.values() if item.dynamics and item.marketo}


def alike(
    marketo: ObjectInfo, dynamics: ObjectInfo, *, columns: Collection[str], fields: Collection[str]
) -> dict[str, str]:
    """Return the Marketo field that each column looks like, by column.

    Pairs of the default mapping come first, then names that are the same but for letter case and signs, then those
    that are the same without a publisher's prefix. A name that could go with several goes with none.

    Args:
        marketo: The Marketo object.
        dynamics: The table.
        columns: Names of the columns that are free.
        fields: Names of the fields that are free.
    """
    known = documented(marketo.name, dynamics)
    found = {c: str(known[c].marketo) for c in columns if c in known and known[c].marketo in fields}
    for of_column, of_field in ((fold, fold), (_folded_column, _folded_field)):
        used = set(found.values())
        groups: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for name in columns:
            if name not in found:
                groups[of_column(name)][0].append(name)
        for name in fields:
            if name not in used:
                groups[of_field(name)][1].append(name)
        found |= {c[0]: f[0] for text, (c, f) in groups.items() if text and len(c) == len(f) == 1}
    return found


def _folded_column(name: str) -> str:
    return fold(bare_column(name))


def _folded_field(name: str) -> str:
    return fold(bare_field(name))
