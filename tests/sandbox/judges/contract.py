"""Checks answers and requests of Marketo's API against Adobe's published specification files.

The files do not describe the service in full. Where they are known to be wrong, the deviation stands below with its
source: ``README n`` is the numbered list beside the files, a page is one of Adobe's documentation. Nothing else is let
through: members must be known, required ones there, and types and enumerations right.
"""

from __future__ import annotations

import gzip
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from attrs import frozen

#: Records whose other members are field values: README 5.
OPEN: Final = frozenset(
    {"Company", "CompanyResponse", "CustomObject", "Lead", "LeadFormFields", "NamedAccount", "PushLead", "SalesPerson"}
)

#: Required members that may be missing, by definition.
MAY_LACK: Final[Mapping[str, frozenset[str]]] = {
    "Activity": frozenset({"id"}),  # README 6
    "LeadChange": frozenset({"id"}),  # README 6
    # README 4, and pages "Companies", "Custom Objects", "Named Accounts": a skipped record has no id, and in requests
    # neither id nor seq stands.
    "CompanyResponse": frozenset({"id"}),
    "CustomObject": frozenset({"marketoGUID", "seq"}),
    "NamedAccount": frozenset({"marketoGUID", "seq"}),
    # README 4, and page "Activities", "Add Custom Activities": answers tell id, marketoGUID and status or errors;
    # requests have neither id nor errors.
    "CustomActivity": frozenset(
        {"activityDate", "activityTypeId", "attributes", "errors", "id", "leadId", "primaryAttributeValue"}
    ),
    # Pages "Companies", "Sales Persons", "Opportunities", "Custom Objects": describe answers have "name" and none of
    # these; the schema calls have apiName and version; nothing has "status", which the files do not even define.
    "ObjectMetaData": frozenset({"apiName", "fields", "pluralName", "relationships", "status", "version"}),
    # Page "Bulk Lead Import": the answer to a new job tells batchId, importId and status.
    "ImportLeadResponse": frozenset({"numOfLeadsProcessed"}),
    # Page "Activities", "Update Type": every member is optional.
    "CustomActivityTypeRequest": frozenset({"apiName", "filterName", "name", "primaryAttribute", "triggerName"}),
    # Page "Custom Objects", "Update Type": apiName alone is required.
    "SyncCustomObjectTypeRequest": frozenset({"displayName"}),
}

#: Members that the files do not have, by definition.
ADDED: Final[Mapping[str, frozenset[str]]] = {
    "ObjectMetaData": frozenset({"name"}),  # pages "Companies", "Custom Objects"
    "CustomActivity": frozenset({"errors"}),  # README 4
    "ObjectField": frozenset({"description"}),  # page "Custom Objects", "Describe"
}

#: Calls that the files lack: README 9. They answer as ``delete.json`` does.
UNLISTED: Final = {("delete", "/rest/v1/leads.json"): ("post", "/rest/v1/leads/delete.json")}

#: Answers without a result although nothing failed: an empty page of the activity stream, as published clients expect
#: it (marketorestpython asks for the member before it reads it).
NO_RESULT: Final = (
    "/rest/v1/activities.json",
    "/rest/v1/activities/leadchanges.json",
    "/rest/v1/activities/deletedleads.json",
)

_FILES: Final = ("swagger-mapi.json", "swagger-identity.json")
_METHOD: Final = "_method"
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@frozen
class Operation:
    """One operation of the files.

    Attributes:
        path: Its path, with ``{name}`` for variable parts.
        parameters: Its parameters.
        answer: Schema of its answer.
        definitions: The definitions of its file.
    """

    path: str
    parameters: list[dict[str, Any]]
    answer: dict[str, Any]
    definitions: dict[str, Any]

    def named(self, place: str) -> dict[str, dict[str, Any]]:
        """Return the parameters of a place (``query``, ``body``, ``formData``) by name."""
        return {item["name"]: item for item in self.parameters if item["in"] == place}


class Contract:
    """Adobe's specification of the lead database and of identity.

    Args:
        folder: Where the specification files are.
    """

    def __init__(self, folder: Path) -> None:
        self._operations: dict[str, list[tuple[re.Pattern[str], Operation]]] = {}
        for name in _FILES:
            whole = json.loads((folder / name).read_text(encoding="utf-8"))
            for path, methods in whole["paths"].items():
                shape = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
                for method, raw in methods.items():
                    schema = raw["responses"].get("200", {}).get("schema", {})
                    found = Operation(path, raw.get("parameters", []), schema, whole["definitions"])
                    self._operations.setdefault(method, []).append((shape, found))
        for entries in self._operations.values():
            entries.sort(key=lambda entry: entry[1].path.count("{"))

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a call, or ``None``."""
        plain = posixpath.normpath(path) if "/." in path else path
        method, plain = UNLISTED.get((method.lower(), plain), (method.lower(), plain))
        return next((found for shape, found in self._operations.get(method, ()) if shape.fullmatch(plain)), None)

    def calls(self) -> list[tuple[str, str]]:
        """Return all calls of the files: verb in lower case, and path."""
        return [(method, found.path) for method, entries in self._operations.items() for _, found in entries]

    def answer(self, asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Return what is wrong with an answer.

        Args:
            asked: The request.
            status: HTTP status of the answer.
            headers: Its headers, with names in lower case.
            body: Its body.
        """
        return [f"{asked.method} {asked.path}: {each}" for each in self._answer(asked, status, headers, body)]

    def request(self, asked: Asked) -> list[str]:
        """Return what is wrong with a request."""
        return [f"{asked.method} {asked.path}: {each}" for each in self._request(asked)]

    def _answer(self, asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
        operation = self.operation(asked.method, asked.path)
        identity = asked.path.startswith("/identity/")
        if status != 200:
            files = (206, 404, 416) if "/bulk/" in asked.path else ()  # page "Bulk Extract"; 416 is RFC 9110
            allowed = (400, 401, 405) if identity else (413, 414, *files)
            if status not in allowed:
                yield f"HTTP status {status}"
            return
        is_file = operation is not None and "InputStream" in operation.answer.get("$ref", "")
        if is_file and not headers.get("content-type", "").startswith("application/json"):
            return
        if not headers.get("content-type", "").startswith("application/json"):
            yield f"content type {headers.get('content-type')}"
            return
        data = json.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
        if identity:
            assert operation is not None
            yield from _check(data, operation.answer, operation.definitions, "answer")
        elif data.get("success") is False:
            yield from self._refusal(data)
        elif operation is None:
            yield "answered, though no such call is specified"
        else:
            yield from self._success(data, operation)

    def _refusal(self, data: dict[str, Any]) -> Iterator[str]:
        if not data.keys() <= {"requestId", "success", "errors"} or not data.get("errors"):  # README 2
            yield f"a failed answer has members {sorted(data)}"
        definitions = self._operations["get"][0][1].definitions
        error = {"type": "array", "items": {"$ref": "#/definitions/Error"}}
        for known in (found for entries in self._operations.values() for _, found in entries):
            if "Error" in known.definitions:
                definitions = known.definitions
                break
        yield from _check(data.get("errors"), error, definitions, "errors")
        if not isinstance(data.get("requestId"), str):
            yield "no requestId"

    def _success(self, data: dict[str, Any], operation: Operation) -> Iterator[str]:
        lacks = {"errors", "warnings"}  # README 2
        if operation.path in NO_RESULT:
            lacks.add("result")
        yield from _check(data, operation.answer, operation.definitions, "answer", lacks)
        if "errors" in data:
            yield "errors in an answer without failure"  # README 2

    def _request(self, asked: Asked) -> Iterator[str]:
        operation = self.operation(asked.method, asked.path)
        if operation is None:
            yield "no such call is specified"
            return
        known = operation.named("query")
        for name, value in asked.values:
            if name == _METHOD:
                continue
            if name not in known:
                yield f"parameter '{name}' is not specified"
            else:
                yield from _parameter(known[name], value)
        yield from self._required(operation, asked)
        bodies = operation.named("body")
        if asked.json is not None:
            if not bodies:
                yield "a body is not specified"
            for item in bodies.values():
                yield from _check(asked.json, item["schema"], operation.definitions, "body")

    def _required(self, operation: Operation, asked: Asked) -> Iterator[str]:
        given = {name for name, _ in asked.values}
        bodies = operation.named("body")
        for name, item in operation.named("query").items():
            # README 7 and 8: a body stands for the parameters
            if item.get("required") and name not in given and not (bodies and asked.json is not None):
                yield f"parameter '{name}' is missing"
        for name, item in bodies.items():
            if item.get("required") and asked.json is None and not given - {_METHOD}:
                yield f"body '{name}' is missing"


@frozen
class Asked:
    """A request as the specification sees it.

    Attributes:
        method: The verb that counts.
        path: The path, decoded.
        values: Names and values of query and form parameters.
        json: The JSON body, or ``None``.
    """

    method: str
    path: str
    values: list[tuple[str, str]]
    json: Any

    @classmethod
    def read(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked:
        """Return a request as it came off the wire.

        Args:
            method: HTTP verb.
            target: Path and query.
            headers: Headers, with names in lower case.
            body: Body.
        """
        path, _, query = target.partition("?")
        values = parse_qsl(query, keep_blank_values=True)
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        data: Any = None
        if kind == "application/x-www-form-urlencoded":
            values += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        elif kind == "application/json" and body:
            try:
                data = json.loads(body)
            except ValueError:
                data = None
        override = dict(values).get(_METHOD) if method == "POST" else None
        return cls((override or method).upper(), unquote(path), values, data)


def _parameter(item: Mapping[str, Any], value: str) -> Iterator[str]:
    for part in value.split(",") if item["type"] == "array" else [value]:  # README 11
        kind = item.get("items", item)["type"]
        if kind == "integer" and not re.fullmatch(r"-?\d+", part):
            yield f"parameter '{item['name']}' is no integer"
        if kind == "boolean" and part.lower() not in ("true", "false"):
            yield f"parameter '{item['name']}' is no boolean"
        if "enum" in item and part not in item["enum"]:
            yield f"parameter '{item['name']}' is none of {item['enum']}"


def _check(
    data: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], where: str, lacks: set[str] | None = None
) -> Iterator[str]:
    name = ""
    while "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        schema = definitions[name]
    if data is None:
        return  # page "Leads", "Query Fields": null is an empty value, which Swagger 2.0 cannot say
    kind = schema.get("type", "object" if "properties" in schema else None)
    if where.endswith(".value") and kind == "object":
        kind = None  # page "Activities": values of attributes are texts and numbers
    if kind is not None and (not isinstance(data, _TYPES[kind]) or (isinstance(data, bool) and kind != "boolean")):
        yield f"{where} is no {kind} but {type(data).__name__}"
        return
    if "enum" in schema and data not in schema["enum"]:
        yield f"{where} is none of {schema['enum']} but {data!r}"
    if kind == "array":
        for index, item in enumerate(data):
            yield from _check(item, schema.get("items", {}), definitions, f"{where}[{index}]")
    elif kind == "object":
        yield from _members(data, schema, definitions, where, name, lacks or set())


def _members(
    data: dict[str, Any],
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    where: str,
    name: str,
    lacks: set[str],
) -> Iterator[str]:
    properties = schema.get("properties", {})
    for need in schema.get("required", ()):
        if need not in data and need not in lacks and need not in MAY_LACK.get(name, ()):
            yield f"{where} ({name}) lacks '{need}'"
    for key, value in data.items():
        if key in properties:
            yield from _check(value, properties[key], definitions, f"{where}.{key}")
        elif key not in ADDED.get(name, ()) and name not in OPEN and properties:
            yield f"{where} ({name}) has an unknown member '{key}'"
