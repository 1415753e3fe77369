"""Metadata endpoints: tables, columns with their typed parts, and relationships."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .errors import Fault
from .metadata import Column, Table

Data = dict[str, object]
_NAMES: Mapping[str, str] = {
    "String": "StringType",
    "Memo": "MemoType",
    "Integer": "IntegerType",
    "BigInt": "BigIntType",
    "Decimal": "DecimalType",
    "Double": "DoubleType",
    "Money": "MoneyType",
    "Boolean": "BooleanType",
    "DateTime": "DateTimeType",
    "Picklist": "PicklistType",
    "MultiSelectPicklist": "MultiSelectPicklistType",
    "State": "StateType",
    "Status": "StatusType",
    "Lookup": "LookupType",
    "Customer": "CustomerType",
    "Owner": "OwnerType",
    "Uniqueidentifier": "UniqueidentifierType",
}
_CASTS: Mapping[str, tuple[str, ...]] = {
    "LookupAttributeMetadata": ("Lookup", "Customer", "Owner"),
    "MultiSelectPicklistAttributeMetadata": ("MultiSelectPicklist",),
}


def definitions(tables: Mapping[str, Table], options: Mapping[str, str]) -> Data:
    """``GET EntityDefinitions``: all tables, or those that a simple filter names."""
    chosen = list(tables.values())
    text = options.get("$filter", "")
    tests = re.findall(r"(LogicalName|EntitySetName) eq '([^']*)'", text)
    if text and not tests:
        raise Fault(400, "0x80060888", "The filter is not supported on metadata.")
    if tests:
        chosen = [t for t in chosen if any(v == (t.name if n == "LogicalName" else t.entity_set) for n, v in tests)]
    return {"value": [_table(table, options) for table in chosen]}


def definition(table: Table, rest: str, options: Mapping[str, str]) -> Data:
    """``GET EntityDefinitions(LogicalName='…')`` and what is below it."""
    if not rest:
        return _table(table, options)
    parts = rest.strip("/").split("/")
    if parts[0] == "Attributes":
        return {"value": _attributes(table, parts[1] if len(parts) > 1 else "")}
    if parts[0] == "ManyToOneRelationships":
        return {"value": _relationships(table)}
    if parts[0] == "Keys":
        return {"value": []}
    raise Fault(404, "0x8006088a", f"Resource not found for the segment '{parts[0]}'.")


def _table(table: Table, options: Mapping[str, str]) -> Data:
    data: Data = {
        "LogicalName": table.name,
        "EntitySetName": table.entity_set,
        "SchemaName": table.name.capitalize(),
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": "fullname" if table.name in ("lead", "contact", "systemuser") else "name",
        "ChangeTrackingEnabled": table.tracked,
        "CanChangeTrackingBeEnabled": {"Value": True, "CanBeChanged": True},
        "IsOptimisticConcurrencyEnabled": table.guarded,
        "OwnershipType": "UserOwned",
        "MetadataId": table.metadata_id,
    }
    wanted = options.get("$select")
    if wanted:
        names = {name.strip() for name in wanted.split(",")}
        missing = names - set(data)
        if missing:
            raise Fault(400, "0x0", f"Could not find a property named '{min(missing)}' on EntityMetadata.")
        data = {name: value for name, value in data.items() if name in names or name == "MetadataId"}
    if "Attributes" in options.get("$expand", ""):
        data["Attributes"] = _attributes(table, "")
    return data


def _attributes(table: Table, cast: str) -> list[Data]:
    kind = cast.rsplit(".", 1)[-1]
    types = _CASTS.get(kind, (kind.removesuffix("AttributeMetadata"),)) if kind else None
    found = [column for column in table.columns.values() if types is None or column.type in types]
    return [_attribute(table, column, typed=types is not None) for column in found]


def _attribute(table: Table, column: Column, *, typed: bool) -> Data:
    writable = not column.read_only
    data: Data = {
        "LogicalName": column.name,
        "SchemaName": column.schema_name or column.name.capitalize(),
        "AttributeType": "Virtual" if column.type == "MultiSelectPicklist" else column.type,
        "AttributeTypeName": {"Value": _NAMES[column.type]},
        "AttributeOf": None,
        "RequiredLevel": {"Value": column.required},
        "IsValidForCreate": writable,
        "IsValidForUpdate": writable and column.name != table.primary_id,
        "IsValidForRead": True,
        "IsPrimaryId": column.name == table.primary_id,
        "IsCustomAttribute": "_" in column.name and not column.name.startswith("address"),
        "IsSecured": column.secured,
        "MetadataId": table.column_id(column.name),
    }
    if typed:
        parts: Mapping[str, Callable[[], object]] = {
            "MaxLength": lambda: column.max_length,
            "MinValue": lambda: column.minimum,
            "MaxValue": lambda: column.maximum,
            "Precision": lambda: column.precision,
        }
        data |= {name: part() for name, part in parts.items() if part() is not None}
        if column.type == "DateTime":
            data["DateTimeBehavior"] = {"Value": column.behavior}
            data["Format"] = "DateOnly" if column.behavior == "DateOnly" else "DateAndTime"
        if column.is_lookup:
            data["Targets"] = list(column.targets)
        if column.options:
            data["OptionSet"] = {"Options": [_option(option) for option in column.options]}
    return data


def _option(option: Mapping[str, object]) -> Data:
    label = {"Label": option["label"], "LanguageCode": 1033}
    data: Data = {"Value": option["value"], "Label": {"LocalizedLabels": [label], "UserLocalizedLabel": label}}
    if "state" in option:
        data["State"] = option["state"]
    return data


def _relationships(table: Table) -> list[Data]:
    return [
        {
            "ReferencingAttribute": column.name,
            "ReferencedEntity": target,
            "ReferencingEntityNavigationPropertyName": column.navigation(target),
        }
        for column in table.columns.values()
        if column.is_lookup
        for target in column.targets
    ]
