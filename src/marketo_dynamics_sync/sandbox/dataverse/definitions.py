"""Definitions of tables, columns, keys and relationships, as ``EntityDefinitions`` shows them.

Source: Microsoft Learn, "Query table definitions using the Web API" and the metadata entity type reference.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from .languages import Languages
from .metadata import Column, Key, Table, translations
from .relationships import ManyToMany, OneToMany, Relationships

Data = dict[str, object]
_NAMESPACE: Final = uuid.UUID("7c0a2f4e-4d44-4d79-9c3a-53594e430003")
#: ``AttributeTypeName`` where it isn't the type's own name with ``Type`` behind it.
_WITHOUT_SEMANTICS: Final = ("State", "Status", "Uniqueidentifier")


def label(text: str) -> Data:
    """Return a label in the base language."""
    localized = {"Label": text, "LanguageCode": 1033, "IsManaged": False}
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def managed(value: object) -> Data:
    """Return a managed property."""
    return {"Value": value, "CanBeChanged": True}


def table_definition(table: Table) -> Data:
    """Return ``EntityMetadata``."""
    return {
        "LogicalName": table.name,
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.entity_set,
        "SchemaName": table.schema,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "ChangeTrackingEnabled": table.tracked,
        "CanChangeTrackingBeEnabled": managed(True),
        "IsOptimisticConcurrencyEnabled": table.guarded,
        "OwnershipType": "UserOwned" if "ownerid" in table.columns else "OrganizationOwned",
        "IsCustomEntity": table.is_custom,
        "IsPrivate": False,
        "IsIntersect": table.intersect,
        "IsActivity": False,
        "DisplayName": label(table.display_name or table.schema),
        "DisplayCollectionName": label(table.display_name or table.schema),
        "MetadataId": table.metadata_id,
    }


def column_definition(table: Table, column: Column, languages: Languages) -> Data:
    """Return ``AttributeMetadata`` with what its type adds."""
    writable = not column.read_only
    data: Data = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{type_name(column)}",
        "LogicalName": column.name,
        "SchemaName": column.schema_name or _schema_name(table, column),
        "EntityLogicalName": table.name,
        "AttributeType": "Virtual" if column.type == "MultiSelectPicklist" else column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "AttributeOf": None,
        "RequiredLevel": managed(column.required),
        "IsValidForCreate": writable,
        "IsValidForUpdate": writable and column.name != table.primary_id,
        "IsValidForRead": column.readable,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsCustomAttribute": column.is_custom,
        "IsSecured": column.secured,
        "DisplayName": label(column.display_name or column.schema_name or column.name),
        "Description": label(""),
        "MetadataId": table.column_id(column.name),
    }
    return data | _typed(column, languages)


def type_name(column: Column) -> str:
    """Return the type of a column's definition."""
    kind = "Lookup" if column.is_lookup else column.type
    plain = kind in ("Uniqueidentifier",)
    return "AttributeMetadata" if plain else f"{kind}AttributeMetadata"


def option_set(column: Column, languages: Languages) -> Data:
    """Return the options of a column."""
    return {"Options": [_option(option, languages) for option in column.options]}


def key_definition(table: Table, key: Key) -> Data:
    """Return ``EntityKeyMetadata``."""
    return {
        "LogicalName": key.name,
        "SchemaName": key.schema_name or key.name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Active" if key.active else "Pending",
        "DisplayName": label(key.schema_name or key.name),
        "MetadataId": key_id(table, key),
    }


def key_id(table: Table, key: Key) -> str:
    """Return a steady id for a key."""
    return str(uuid.uuid5(_NAMESPACE, f"{table.name}.{key.name}"))


def one_to_many(tables: Mapping[str, Table], relationship: OneToMany) -> Data:
    """Return ``OneToManyRelationshipMetadata``."""
    target = tables.get(relationship.target)
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": relationship.name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencedEntity": relationship.target,
        "ReferencedAttribute": target.primary_id if target else f"{relationship.target}id",
        "ReferencedEntityNavigationPropertyName": relationship.many or relationship.name,
        "ReferencingEntity": relationship.table,
        "ReferencingAttribute": relationship.column,
        "ReferencingEntityNavigationPropertyName": relationship.single,
        "IsCustomRelationship": "_" in relationship.column,
        "CascadeConfiguration": {"Delete": relationship.cascade_delete},
        "MetadataId": relationship.id,
    }


def many_to_many(relationship: ManyToMany) -> Data:
    """Return ``ManyToManyRelationshipMetadata``."""
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
        "SchemaName": relationship.name,
        "RelationshipType": "ManyToManyRelationship",
        "Entity1LogicalName": relationship.first,
        "Entity1NavigationPropertyName": relationship.first_navigation,
        "Entity2LogicalName": relationship.second,
        "Entity2NavigationPropertyName": relationship.second_navigation,
        "IntersectEntityName": relationship.intersect,
        "IsCustomRelationship": True,
        "MetadataId": relationship.id,
    }


def relationships_of(tables: Mapping[str, Table], known: Relationships, table: Table, kind: str) -> list[Data]:
    """Return the relationships of a table of one kind."""
    if kind == "ManyToOneRelationships":
        return [one_to_many(tables, found) for found in known.of(table)]
    if kind == "OneToManyRelationships":
        return [one_to_many(tables, found) for found in known.to(table.name)]
    return [many_to_many(found) for found in known.crossing if table.name in (found.first, found.second)]


def _schema_name(table: Table, column: Column) -> str:
    return f"{table.schema}Id" if column.name == table.primary_id else column.name.capitalize()


def _typed(column: Column, languages: Languages) -> Data:
    data: Data = {}
    if column.max_length is not None:
        data["MaxLength"] = column.max_length
    for name, limit in (("MinValue", column.minimum), ("MaxValue", column.maximum)):
        if limit is not None:
            data[name] = int(limit) if column.type == "Integer" else limit
    if column.precision is not None and column.type in ("Decimal", "Double", "Money"):
        data["Precision"] = column.precision
    if column.type in ("String", "Memo"):
        data["FormatName"] = {"Value": column.format or "Text"}
    if column.type == "DateTime":
        data["DateTimeBehavior"] = {"Value": column.behavior}
        data["Format"] = "DateOnly" if column.behavior == "DateOnly" else "DateAndTime"
    if column.is_lookup:
        data["Targets"] = list(column.targets)
    if column.is_option_set:
        data["OptionSet"] = option_set(column, languages)
        data["GlobalOptionSet"] = None
    if column.type == "Boolean":
        data["OptionSet"] = {"TrueOption": {"Value": 1, "Label": label("Yes")},
                             "FalseOption": {"Value": 0, "Label": label("No")}}  # fmt: skip
    return data


def _option(option: Mapping[str, object], languages: Languages) -> Data:
    words = languages.label(str(option["label"]), translations(option))
    data: Data = {"Value": option["value"], "Label": words}
    if "state" in option:
        data["State"] = option["state"]
    return data
