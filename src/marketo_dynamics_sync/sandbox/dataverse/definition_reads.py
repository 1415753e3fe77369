"""Answers questions about definitions: lists, single ones, casts, and changes since a stamp."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from .address import Segment
from .definitions import (
    Data,
    column_definition,
    key_definition,
    key_id,
    many_to_many,
    one_to_many,
    relationships_of,
    table_definition,
)
from .environment import Environment
from .errors import Fault, bad_query, no_segment, unknown_property
from .filters import holds, parse_filter
from .lexer import literal, tokens, unquoted
from .metadata import Column, Key, Table
from .query import Query, split
from .scopes import DefinitionScope

_LOOKUPS: Final = ("Lookup", "Customer", "Owner")
_RELATIONS: Final = ("ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships")
_ALWAYS: Final = ("MetadataId", "@odata.type")
_STAMP: Final = "%m/%d/%Y %H:%M:%S"


class DefinitionReads:
    """Answers reads below ``EntityDefinitions`` and ``RelationshipDefinitions``."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def answer(self, steps: Sequence[Segment], query: Query) -> Data:
        """Return what an address below ``EntityDefinitions`` leads to."""
        query.only(("$select", "$filter", "$expand"))
        if steps[0].key is None:
            rows = [table_definition(table) for table in self._environment.tables.values()]
            return self._list(query, "EntityDefinitions", "EntityMetadata", rows, self._with_expanded)
        table = self.table(steps[0].key)
        if len(steps) == 1:
            shown = _chosen(table_definition(table), query, "EntityMetadata")
            return {"@odata.context": f"{query.root}/$metadata#EntityDefinitions/$entity"} | self._expanded(
                shown, query
            )
        home = f"EntityDefinitions('{table.name}')/{steps[1].name}"
        if steps[1].name == "Attributes":
            return self._attributes(table, steps[1:], query, home)
        if steps[1].name == "Keys":
            keys = [key_definition(table, key) for key in table.keys]
            if steps[1].key is not None:
                return _chosen(key_definition(table, self.key(table, steps[1].key)), query, "EntityKeyMetadata")
            return self._list(query, home, "EntityKeyMetadata", keys)
        if steps[1].name in _RELATIONS:
            environment = self._environment
            rows = relationships_of(environment.tables, environment.relationships, table, steps[1].name)
            many = steps[1].name == "ManyToManyRelationships"
            kind = "ManyToManyRelationshipMetadata" if many else "OneToManyRelationshipMetadata"
            return self._list(query, home, kind, rows)
        raise no_segment(steps[1].name)

    def relationships(self, steps: Sequence[Segment], query: Query) -> Data:
        """Return what an address below ``RelationshipDefinitions`` leads to."""
        environment = self._environment
        rows = [one_to_many(environment.tables, found) for found in environment.relationships.all()]
        rows += [many_to_many(found) for found in environment.relationships.crossing]
        if steps[0].key is not None:
            wanted = _named(steps[0].key)
            found = next((row for row in rows if wanted in (row["MetadataId"], row["SchemaName"])), None)
            if found is None:
                raise Fault(404, "0x80060888", f"Could not find a relationship with the id '{wanted}'.")
            return _chosen(found, query, "RelationshipMetadataBase")
        query.only(("$select", "$filter"))
        return self._list(query, "RelationshipDefinitions", "RelationshipMetadataBase", rows)

    def changes(self, query: Query, parameters: str | None) -> Data:
        """``RetrieveMetadataChanges(Query=@q[,ClientVersionStamp=@s])``."""
        given = dict(_parameter(part, query.aliases) for part in split(parameters or ""))
        environment = self._environment
        self._check_stamp(str(given.get("ClientVersionStamp", "")))
        wanted = given.get("Query")
        data = wanted if isinstance(wanted, dict) else {}
        found = [
            _with_attributes(table_definition(table), self._typed(table, data), data)
            for table in environment.tables.values()
            if _meets(table_definition(table), data.get("Criteria"))
        ]
        stamp = f"{environment.schema_version}!{environment.clock.now().strftime(_STAMP)}"
        context = f"{query.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse"
        return {
            "@odata.context": context,
            "ServerVersionStamp": stamp,
            "DeletedMetadata": None,
            "EntityMetadata": found,
        }

    def table(self, key: str) -> Table:
        """Return the table that a key of a definition names: its LogicalName or its MetadataId."""
        wanted = _named(key)
        for table in self._environment.tables.values():
            if wanted in (table.name, table.metadata_id):
                return table
        text = f"Could not find an entity with specified name or id: '{wanted}'."
        raise Fault(404, "0x80060888", text)

    def column(self, table: Table, key: str) -> Column:
        """Return the column that a key of a definition names."""
        wanted = _named(key)
        for column in table.columns.values():
            if wanted in (column.name, table.column_id(column.name)):
                return column
        raise Fault(404, "0x80060888", f"Could not find an attribute with specified name: '{wanted}'.")

    def key(self, table: Table, key: str) -> Key:
        """Return the alternate key that a key of a definition names."""
        wanted = _named(key)
        for known in table.keys:
            if wanted in (known.name, key_id(table, known)):
                return known
        raise Fault(404, "0x80060888", f"Could not find a key with specified name or id: '{wanted}'.")

    def _columns(self, table: Table) -> list[Data]:
        languages = self._environment.languages
        return [column_definition(table, column, languages) for column in table.columns.values()]

    def _attributes(self, table: Table, steps: Sequence[Segment], query: Query, home: str) -> Data:
        kind = "AttributeMetadata"
        if steps[0].key is not None:
            found = column_definition(table, self.column(table, steps[0].key), self._environment.languages)
            if len(steps) > 1:
                _cast(steps[1].name, [found])
            return {"@odata.context": f"{query.root}/$metadata#{home}/$entity"} | _chosen(found, query, kind)
        rows = self._columns(table)
        if len(steps) == 1:
            return self._list(query, home, kind, rows)
        rows = [{name: value for name, value in row.items() if name != "@odata.type"}
                for row in _cast(steps[1].name, rows)]  # fmt: skip
        return self._list(query, f"{home}/{steps[1].name}", steps[1].name.rsplit(".", 1)[-1], rows, _with_options)

    def _list(
        self,
        query: Query,
        home: str,
        kind: str,
        rows: list[Data],
        finish: Callable[[Data, Query, Data], Data] | None = None,
    ) -> Data:
        text = query.options.get("$filter")
        if text is not None:
            test = parse_filter(text, DefinitionScope(kind, rows[0] if rows else None), query.aliases)
            rows = [row for row in rows if holds(test, row)]
        shown = [_chosen(row, query, kind) for row in rows]
        if finish is not None:
            shown = [finish(row, query, full) for row, full in zip(shown, rows, strict=True)]
        return {"@odata.context": f"{query.root}/$metadata#{home}", "value": shown}

    def _with_expanded(self, shown: Data, query: Query, full: Data) -> Data:
        return self._expanded(shown, query)

    def _expanded(self, shown: Data, query: Query) -> Data:
        """Add what ``$expand`` asks for to a table's definition."""
        if "$expand" not in query.options:
            return shown
        environment = self._environment
        table = next(table for table in environment.tables.values() if table.metadata_id == shown["MetadataId"])
        for part in split(query.options["$expand"]):
            name, _, inside = part.strip().partition("(")
            options = dict(option.split("=", 1) for option in split(inside.removesuffix(")"), ";"))
            if name == "Attributes":
                rows = self._columns(table)
            elif name == "Keys":
                rows = [key_definition(table, key) for key in table.keys]
            elif name in _RELATIONS:
                rows = relationships_of(environment.tables, environment.relationships, table, name)
            else:
                raise unknown_property(name, "EntityMetadata")
            inner = Query(query.root, options, query.aliases, query.prefer, {})
            shown[name] = self._list(inner, name, name, rows)["value"]
        return shown

    def _typed(self, table: Table, data: Mapping[str, object]) -> list[Data]:
        asked = data.get("AttributeQuery")
        asked = asked if isinstance(asked, dict) else {}
        names = (asked.get("Properties") or {}).get("PropertyNames")
        found = []
        for column in table.columns.values():
            full = column_definition(table, column, self._environment.languages)
            if _meets(full, asked.get("Criteria")):
                keep = [*_ALWAYS, "LogicalName", *names] if names else list(full)
                found.append({name: value for name, value in full.items() if name in keep})
        return found

    def _check_stamp(self, stamp: str) -> None:
        if not stamp:
            return
        _, _, text = stamp.partition("!")
        try:
            at = datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            at = datetime.min.replace(tzinfo=UTC)
        if self._environment.clock.now() - at > timedelta(days=90):
            text = "Version stamp associated with the client has expired. Please perform a full sync."
            raise Fault(400, "0x80044352", text)


def _named(key: str) -> str:
    """Return the name or id in the brackets of a definition's address."""
    found = tokens(key)
    if len(found) == 3 and found[0].text in ("LogicalName", "SchemaName", "MetadataId"):
        found = found[2:]
    if len(found) != 1:
        raise bad_query(f"Bad Request - Error in query syntax: '{key}' is no key.")
    return unquoted(found[0].text) if found[0].kind == "text" else found[0].text.lower()


def _chosen(row: Data, query: Query, kind: str) -> Data:
    """Return a definition with the members that ``$select`` names."""
    names = [name.strip() for name in split(query.options.get("$select", ""))]
    for name in names:
        if name not in row and not _elsewhere(name):
            raise unknown_property(name, kind)
    return {name: value for name, value in row.items() if not names or name in (*_ALWAYS, *names)}


def _elsewhere(name: str) -> bool:
    """Return whether only some types of columns have a member."""
    return name in ("MaxLength", "MinValue", "MaxValue", "Precision", "PrecisionSource", "Targets", "Format",
                    "FormatName", "DateTimeBehavior", "OptionSet", "GlobalOptionSet")  # fmt: skip


def _cast(cast: str, rows: list[Data]) -> list[Data]:
    kind = cast.removeprefix("Microsoft.Dynamics.CRM.")
    if not kind.endswith("AttributeMetadata") or kind == cast:
        raise no_segment(cast)
    return [row for row in rows if row["@odata.type"] == f"#Microsoft.Dynamics.CRM.{kind}"]


def _with_options(shown: Data, query: Query, full: Data) -> Data:
    """Add option sets, which are navigation properties: shown only when they are expanded."""
    asked = [part.strip().partition("(")[0] for part in split(query.options.get("$expand", ""))]
    shown = {name: value for name, value in shown.items() if name not in ("OptionSet", "GlobalOptionSet")}
    for name in asked:
        if name not in full:
            raise unknown_property(name, "AttributeMetadata")
        shown[name] = full[name]
    return shown


def _parameter(part: str, aliases: Mapping[str, str]) -> tuple[str, object]:
    name, _, value = part.partition("=")
    text = aliases.get(value.strip(), value.strip())
    if text.startswith("{"):
        try:
            return name.strip(), json.loads(text)
        except ValueError:
            raise bad_query(f"The parameter '{name}' can't be read.") from None
    found = literal(tokens(text)[0]) if text else None
    return name.strip(), found.value if found is not None else text


def _meets(row: Data, criteria: object) -> bool:
    """Return whether a definition meets a ``MetadataFilterExpression`` of conditions that all hold."""
    conditions = criteria.get("Conditions") if isinstance(criteria, dict) else None
    for condition in conditions or []:
        value = (condition.get("Value") or {}).get("Value")
        operator = condition.get("ConditionOperator")
        if operator not in ("Equals", "NotEquals"):
            raise bad_query(f"The sandbox knows no condition operator '{operator}' on definitions.")
        if (row.get(condition.get("PropertyName")) == value) is (operator == "NotEquals"):
            return False
    return True


def _with_attributes(row: Data, attributes: list[Data], data: Mapping[str, object]) -> Data:
    asked = data.get("Properties")
    names = asked.get("PropertyNames") if isinstance(asked, dict) else None
    shown = {name: value for name, value in row.items() if not names or name in (*_ALWAYS, *names)}
    if names is None or "Attributes" in names:
        shown["Attributes"] = attributes
    return shown
