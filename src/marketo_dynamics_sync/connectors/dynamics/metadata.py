"""What to ask of a table's definition, and how the answers become an ``ObjectInfo``.

Source: Microsoft Learn, "Query table definitions using the Web API". Each kind of column has its own type
whose members the common type doesn't show, so there is one request for each; they travel in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import cattrs
from attrs import evolve, field, frozen, validators
from cattrs.gen import make_dict_structure_fn, override

from ...entities.schema import FieldInfo, ObjectInfo, Option
from ...errors import ResponseError
from .batch import Part
from .query import query

T = TypeVar("T")

_CAST: Final = "Attributes/Microsoft.Dynamics.CRM."
_COMMON: Final = (
    "LogicalName,AttributeType,AttributeTypeName,AttributeOf,RequiredLevel,IsValidForCreate,IsValidForUpdate,"
    "IsValidForRead,IsSecured,MetadataId"
)
_CHOICES: Final = {"$select": "LogicalName", "$expand": "OptionSet($select=Options)"}
_SHARED: Final = {"$select": "LogicalName", "$expand": "OptionSet($select=Options),GlobalOptionSet($select=Options)"}

#: What to ask of each kind of column, by the name of its type.
_TYPED: Final[Mapping[str, Mapping[str, str]]] = {
    "StringAttributeMetadata": {"$select": "LogicalName,MaxLength"},
    "MemoAttributeMetadata": {"$select": "LogicalName,MaxLength"},
    "IntegerAttributeMetadata": {"$select": "LogicalName,MinValue,MaxValue"},
    "DecimalAttributeMetadata": {"$select": "LogicalName,MinValue,MaxValue,Precision"},
    "DoubleAttributeMetadata": {"$select": "LogicalName,MinValue,MaxValue,Precision"},
    "MoneyAttributeMetadata": {"$select": "LogicalName,MinValue,MaxValue,Precision"},
    "DateTimeAttributeMetadata": {"$select": "LogicalName,DateTimeBehavior"},
    "LookupAttributeMetadata": {"$select": "LogicalName,Targets"},
    "PicklistAttributeMetadata": _SHARED,
    "MultiSelectPicklistAttributeMetadata": _SHARED,
    "StateAttributeMetadata": _CHOICES,
    "StatusAttributeMetadata": _CHOICES,
}


@frozen
class _Value:
    value: str = ""


@frozen
class _LabelText:
    label: str | None = None
    language: int | None = None


@frozen
class _Label:
    user: _LabelText | None = None
    all: list[_LabelText] = field(factory=list)


@frozen
class _Option:
    value: int
    label: _Label | None = None
    state: int | None = None


@frozen
class _OptionSet:
    options: list[_Option] = field(factory=list)


#: Names of tables become parts of addresses, so nothing else than a name is taken for one.
_NAME: Final = validators.matches_re(r"[A-Za-z_][A-Za-z0-9_]*")


@frozen
class Table:
    """A table as ``EntityDefinitions`` lists it."""

    logical: str = field(validator=_NAME)
    entity_set: str = field(validator=_NAME)
    primary_id: str = field(validator=_NAME)
    tracked: bool = False
    guarded: bool = False


@frozen
class _Column:
    logical: str
    kind: str = ""
    type_name: _Value | None = None
    part_of: str | None = None
    required: _Value | None = None
    create: bool = True
    update: bool = True
    read: bool = True
    secured: bool = False
    id: str = ""


@frozen
class _Typed:
    logical: str
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    behavior: _Value | None = None
    targets: list[str] = field(factory=list)
    own: _OptionSet | None = None
    shared: _OptionSet | None = None


@frozen
class _Relation:
    column: str
    table: str
    navigation: str | None = None


@frozen
class Right:
    """What the sync user may do with a secured column; 4 allows, 0 doesn't.

    Source: Microsoft Learn, "AttributePrivilege ComplexType" and the choices of ``fieldpermission.canread``.
    """

    column: str
    read: int = 0
    create: int = 0
    update: int = 0


_WIRE: Final[Mapping[type, Mapping[str, str]]] = {
    _Value: {"value": "Value"},
    _LabelText: {"label": "Label", "language": "LanguageCode"},
    _Label: {"user": "UserLocalizedLabel", "all": "LocalizedLabels"},
    _Option: {"value": "Value", "label": "Label", "state": "State"},
    _OptionSet: {"options": "Options"},
    Table: {
        "logical": "LogicalName",
        "entity_set": "EntitySetName",
        "primary_id": "PrimaryIdAttribute",
        "tracked": "ChangeTrackingEnabled",
        "guarded": "IsOptimisticConcurrencyEnabled",
    },
    _Column: {
        "logical": "LogicalName",
        "kind": "AttributeType",
        "type_name": "AttributeTypeName",
        "part_of": "AttributeOf",
        "required": "RequiredLevel",
        "create": "IsValidForCreate",
        "update": "IsValidForUpdate",
        "read": "IsValidForRead",
        "secured": "IsSecured",
        "id": "MetadataId",
    },
    _Typed: {
        "logical": "LogicalName",
        "max_length": "MaxLength",
        "minimum": "MinValue",
        "maximum": "MaxValue",
        "precision": "Precision",
        "behavior": "DateTimeBehavior",
        "targets": "Targets",
        "own": "OptionSet",
        "shared": "GlobalOptionSet",
    },
    _Relation: {
        "column": "ReferencingAttribute",
        "table": "ReferencedEntity",
        "navigation": "ReferencingEntityNavigationPropertyName",
    },
    Right: {"column": "AttributeId", "read": "CanRead", "create": "CanCreate", "update": "CanUpdate"},
}


def _converter() -> cattrs.Converter:
    made = cattrs.Converter()
    for cls, names in _WIRE.items():
        renames = {name: override(rename=wire) for name, wire in names.items()}
        made.register_structure_hook(cls, make_dict_structure_fn(cls, made, **renames))  # type: ignore[arg-type]  # cattrs types the overrides as one of its own flags
    return made


_converter_for_wire: Final = _converter()


def tables_path() -> str:
    """Return what to ask for the names of all tables; the answer is one page."""
    names = ",".join(_WIRE[Table].values())
    return f"EntityDefinitions{query({'$select': names})}"


def read_tables(rows: Iterable[object]) -> list[Table]:
    """Return the tables that have an entity set."""
    usable = [row for row in rows if isinstance(row, dict) and row.get("EntitySetName")]
    return [structured(row, Table) for row in usable]


def table_parts(path: str, table: Table) -> list[Part]:
    """Return the requests that describe one table, to be sent in one batch."""
    home = f"{path}/EntityDefinitions(LogicalName='{table.logical}')"
    columns = query({"$select": "LogicalName", "$expand": f"Attributes($select={_COMMON})"})
    relations = query({"$select": ",".join(_WIRE[_Relation].values())})
    return [
        Part("GET", f"{home}{columns}"),
        Part("GET", f"{home}/ManyToOneRelationships{relations}"),
        *(Part("GET", f"{home}/{_CAST}{cast}{query(asked)}") for cast, asked in _TYPED.items()),
    ]


def read_table(
    table: Table,
    common: Mapping[str, object],
    relations: Iterable[object],
    typed: Iterable[object],
    rights: Iterable[Right],
    language: int | None = None,
) -> ObjectInfo:
    """Return a table's description from the answers to :func:`table_parts`.

    Args:
        table: The table.
        common: What all columns have in common.
        relations: The many-to-one relationships.
        typed: What single kinds of columns have, of all kinds.
        rights: What the sync user may do with secured columns; one that isn't listed can't be read.
        language: Locale id of the labels of options; ``None`` for the sync user's own language.

    Raises:
        ResponseError: An answer lacks what is needed.
    """
    listed = common.get("Attributes")
    if not isinstance(listed, list):
        raise ResponseError(f"the definition of table {table.logical!r} lists no columns", service="dynamics")
    details = {item.logical: item for item in (structured(row, _Typed) for row in typed)}
    navigation: dict[str, dict[str, str]] = {}
    for relation in (structured(row, _Relation) for row in relations):
        if relation.navigation:
            navigation.setdefault(relation.column, {})[relation.table] = relation.navigation
    allowed = {right.column.lower(): right for right in rights}
    fields = {}
    for column in (structured(row, _Column) for row in listed):
        if column.part_of:
            continue  # a label or a phonetic name that belongs to another column
        info = _field(column, details.get(column.logical), navigation.get(column.logical, {}), language)
        fields[info.name] = _secured(info, allowed.get(column.id.lower())) if column.secured else info
    return ObjectInfo(
        table.logical,
        fields,
        table.entity_set,
        table.primary_id,
        tracked=table.tracked,
        guarded=table.guarded,
        language=language,
    )


def _field(column: _Column, detail: _Typed | None, navigation: Mapping[str, str], language: int | None) -> FieldInfo:
    # The older AttributeType shows multi-select choices and images as "Virtual"; the newer name tells them apart.
    word = column.type_name.value.removesuffix("Type") if column.type_name and column.type_name.value else column.kind
    info = FieldInfo(
        name=column.logical,
        type=word,
        readable=column.read,
        creatable=column.create,
        updatable=column.update,
        required=column.required.value if column.required else "None",
        navigation=navigation,
    )
    if detail is None:
        return evolve(info, targets=tuple(navigation))
    choices = detail.own or detail.shared
    return evolve(
        info,
        max_length=detail.max_length,
        minimum=detail.minimum,
        maximum=detail.maximum,
        precision=detail.precision,
        behavior=detail.behavior.value if detail.behavior else None,
        targets=tuple(detail.targets or navigation),
        options=tuple(Option(o.value, _text(o, language), o.state, _aliases(o)) for o in choices.options)
        if choices
        else (),
    )


def _option(option: _Option, language: int | None) -> Option:
    return Option(option.value, _text(option, language), option.state, _aliases(option))


def _text(option: _Option, language: int | None) -> str:
    """Return an option's label in a language; one that nobody translated is read as the sync user reads it."""
    label = option.label or _Label()
    asked = next((text for text in label.all if text.language == language), None) if language is not None else None
    found = next((text.label for text in (asked, label.user) if text is not None and text.label), None)
    return found or str(option.value)


def _aliases(option: _Option) -> tuple[str, ...]:
    """Return what an option is called in any language: one label is none beside itself."""
    texts = tuple(text.label for text in (option.label.all if option.label else ()) if text.label)
    return texts if len(texts) > 1 else ()


def _secured(info: FieldInfo, right: Right | None) -> FieldInfo:
    """Return a secured column with what the user may do: one that can't be read comes as null, not as an error."""
    right = right or Right("")
    return evolve(
        info,
        readable=info.readable and right.read > 0,
        creatable=info.creatable and right.create > 0,
        updatable=info.updatable and right.update > 0,
    )


def is_secured(common: Mapping[str, object]) -> bool:
    """Return whether any column of a table is secured."""
    listed = common.get("Attributes")
    return isinstance(listed, list) and any(isinstance(row, dict) and row.get("IsSecured") is True for row in listed)


def structured(row: object, kind: type[T]) -> T:
    """Return a row of metadata as one of our own types.

    Raises:
        ResponseError: A member is missing or of another type.
    """
    try:
        return _converter_for_wire.structure(_known(row), kind)
    except (cattrs.BaseValidationError, KeyError, TypeError, ValueError):
        raise ResponseError(
            "a table definition lacks a member or has one of another type", service="dynamics"
        ) from None


def _known(row: object) -> object:
    """Return a row without its nulls, so that defaults apply."""
    if isinstance(row, dict):
        return {name: _known(value) for name, value in row.items() if value is not None}
    return [_known(item) for item in row] if isinstance(row, list) else row
