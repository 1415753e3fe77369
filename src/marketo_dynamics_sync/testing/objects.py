"""Descriptions of the standard objects, for connectors in memory and for tests of entities."""

from __future__ import annotations

from ..entities import Contact, Entity, FieldInfo, Lead, ObjectInfo, Option
from ..entities.codecs import (
    BooleanCodec,
    ChoiceCodec,
    DateCodec,
    DateTimeCodec,
    EmailCodec,
    FloatCodec,
    IntegerCodec,
    LookupCodec,
    MoneyCodec,
)
from ..entities.codecs.linked import LinkedNameCodec, LinkedPersonCodec
from ..entities.definition import EntityField

_OPTIONS: dict[str, tuple[Option, ...]] = {
    "leadsourcecode": (Option(1, "Advertisement"), Option(8, "Web"), Option(10, "Other")),
    "leadqualitycode": (Option(1, "Hot"), Option(2, "Warm"), Option(3, "Cold")),
    "industrycode": (Option(1, "Accounting"), Option(2, "Agriculture and Non-petrol Natural Resource Extraction")),
    "businesstypecode": (Option(1, "Default Value"), Option(2, "Reseller")),
    "teamtype": (Option(0, "Owner"), Option(1, "Access"), Option(2, "Security Group"), Option(3, "Office Group")),
    "preferredcontactmethodcode": (Option(1, "Any"), Option(2, "Email"), Option(3, "Phone")),
    "statecode": (Option(0, "Open"), Option(1, "Qualified"), Option(2, "Disqualified")),
    "statuscode": (Option(1, "New", 0), Option(3, "Qualified", 1), Option(4, "Lost", 2)),
}
_LENGTHS = {
    "firstname": 50,
    "lastname": 50,
    "emailaddress1": 100,
    "mobilephone": 20,
    "telephone1": 50,
    "description": 2000,
}
#: What the lookups of the default mappings may point to.
_TARGETS: dict[str, tuple[str, ...]] = {
    "ownerid": ("systemuser", "team"),
    "parentaccountid": ("account",),
    "parentcustomerid": ("account", "contact"),
    "parentcontactid": ("contact",),
    "customerid": ("account", "contact"),
    "record1id": ("account", "contact", "opportunity"),
    "record2id": ("account", "contact", "opportunity"),
    "record2roleid": ("connectionrole",),
}
#: Tables whose entity set is not their name with an s.
_NAMES = {"opportunities": "opportunity"}
_TYPES: tuple[tuple[type[object], str, str], ...] = (
    (BooleanCodec, "boolean", "Boolean"),
    (ChoiceCodec, "string", "Picklist"),
    (DateTimeCodec, "datetime", "DateTime"),
    (EmailCodec, "email", "String"),
    (FloatCodec, "float", "Double"),
    (IntegerCodec, "integer", "Integer"),
    (DateCodec, "date", "DateTime"),
    (LookupCodec, "string", "Lookup"),
    (MoneyCodec, "currency", "Money"),
    (LinkedPersonCodec, "integer", "Lookup"),
    (LinkedNameCodec, "string", "Lookup"),
)


def described_person(*entities: type[Entity], without: tuple[str, ...] = ()) -> ObjectInfo:
    """Return a Marketo person object that has every field the entities are mapped to.

    Args:
        *entities: Entity classes; ``Lead`` and ``Contact`` when none is given.
        without: REST names of fields to leave out.
    """
    fields = {"id": FieldInfo("id", "integer", updatable=False, searchable=True)}
    for cls in entities or (Lead, Contact):
        for item in cls.__entity__.fields.values():
            if item.marketo is not None and item.marketo not in without:
                kind = _kinds(item)[0]
                searchable = item.key or kind == "email"
                fields[item.marketo] = FieldInfo(item.marketo, kind, max_length=_text(kind, 255), searchable=searchable)
    return ObjectInfo("person", fields)


def described_object(cls: type[Entity]) -> ObjectInfo:
    """Return a Marketo object, such as a company, that has every field an entity is mapped to.

    Args:
        cls: The entity class.
    """
    definition = cls.__entity__
    fields = {"marketoGUID": FieldInfo("marketoGUID", "string", updatable=False, searchable=True)}
    for item in definition.fields.values():
        if item.marketo is not None:
            kind = _kinds(item)[0]
            searchable = item.marketo in definition.marketo.dedupe
            fields[item.marketo] = FieldInfo(item.marketo, kind, max_length=_text(kind, 255), searchable=searchable)
    return ObjectInfo(definition.marketo.name, fields, primary_id="marketoGUID")


def described_table(cls: type[Entity], *, without: tuple[str, ...] = ()) -> ObjectInfo:
    """Return a Dataverse table that has every column an entity is mapped to.

    Args:
        cls: The entity class.
        without: Logical names of columns to leave out.
    """
    definition = cls.__entity__
    name = _NAMES.get(definition.dynamics, definition.dynamics.removesuffix("s"))
    fields: dict[str, FieldInfo] = {}
    for item in definition.fields.values():
        if item.dynamics is None or item.dynamics in without:
            continue
        kind = "Uniqueidentifier" if item.key else _kinds(item)[1]
        fields[item.dynamics] = FieldInfo(
            item.dynamics,
            kind,
            updatable=not item.key and item.dynamics != "createdon",
            max_length=_text(kind, _LENGTHS.get(item.dynamics, 100)),
            precision=2 if kind in ("Money", "Double") else None,
            behavior=_behavior(item) if kind == "DateTime" else None,
            options=_OPTIONS.get(item.dynamics, ()),
            targets=_TARGETS.get(item.dynamics, ()),
        )
    return ObjectInfo(name, fields, entity_set=definition.dynamics, primary_id=f"{name}id", guarded=True)


def _kinds(item: EntityField) -> tuple[str, str]:
    return next(((m, d) for codec, m, d in _TYPES if isinstance(item.codec, codec)), ("string", "String"))


def _text(kind: str, length: int) -> int | None:
    return length if kind in ("string", "String", "email") else None


def _behavior(item: EntityField) -> str:
    return "DateOnly" if isinstance(item.codec, DateCodec) else "UserLocal"
