"""Which call on companies, sales persons, opportunities, named accounts and custom objects goes where."""

from __future__ import annotations

from typing import Final

from .objects import Objects
from .routes import Route

_PAGING: Final = ("batchSize", "nextPageToken")
_QUERY: Final = ("filterType", "filterValues", "fields", *_PAGING)
_FIELDS: Final = frozenset({"Read-Write Schema Standard Field", "Read-Write Schema Custom Field"})
#: Path, permission, and whether there are calls on its fields.
_STANDARD: Final = (
    ("companies", "Company", True),
    ("salespersons", "Sales Person", False),
    ("opportunities/roles", "Opportunity", False),
    ("opportunities", "Opportunity", True),
    ("namedaccounts", "Named Account", True),
)


def object_routes(objects: Objects) -> tuple[Route, ...]:
    """Return the routes of the objects of an instance."""
    routes: list[Route] = []
    for path, right, has_fields in _STANDARD:
        calls, start, (reads, writes) = objects.standard(path), f"/rest/v1/{path}", _rights(right)
        routes += [
            Route("GET", f"{start}/describe.json", calls.describe, reads),
            Route("GET", f"{start}.json", calls.query, reads, _QUERY),
            Route("POST", f"{start}.json", calls.sync, writes),
            Route("POST", f"{start}/delete.json", calls.delete, writes),
        ]
        if has_fields:
            routes += [
                Route("GET", f"{start}/schema/fields.json", calls.fields, _FIELDS, _PAGING),
                Route("GET", f"{start}/schema/fields/{{fieldApiName}}.json", calls.field, _FIELDS),
            ]
    return (*routes, *_schema(objects), *_custom(objects))


def _custom(objects: Objects) -> tuple[Route, ...]:
    custom, (reads, writes) = objects.custom, _rights("Custom Object")
    start = "/rest/v1/customobjects/{customObjectName}"
    return (
        Route("GET", "/rest/v1/customobjects.json", custom.browse, reads, ("names",)),
        Route("GET", f"{start}/describe.json", custom.describe, reads),
        Route("GET", f"{start}.json", custom.query, reads, _QUERY),
        Route("POST", f"{start}.json", custom.sync, writes),
        Route("POST", f"{start}/delete.json", custom.delete, writes),
    )


def _schema(objects: Objects) -> tuple[Route, ...]:
    types, (reads, writes) = objects.types, _rights("Custom Object Type")
    start = "/rest/v1/customobjects/schema"
    one = f"{start}/{{apiName}}"
    listed = (
        ("GET", f"{start}.json", types.browse, ("names", "state")),
        ("POST", f"{start}.json", types.sync, ()),
        ("GET", f"{start}/fieldDataTypes.json", types.data_types, ()),
        ("GET", f"{start}/linkableObjects.json", types.linkable, ()),
        ("GET", f"{one}/describe.json", types.describe, ("state",)),
        ("GET", f"{one}/dependentAssets.json", types.dependents, ()),
        ("POST", f"{one}/addField.json", types.add_fields, ()),
        ("POST", f"{one}/deleteField.json", types.drop_fields, ()),
        ("POST", f"{one}/{{fieldApiName}}/updateField.json", types.change_field, ()),
        ("POST", f"{one}/approve.json", types.approve, ()),
        ("POST", f"{one}/discardDraft.json", types.discard, ()),
        ("POST", f"{one}/delete.json", types.delete, ()),
    )
    return tuple(
        Route(method, path, types.guarded(endpoint), reads if method == "GET" else writes, parameters)
        for method, path, endpoint, parameters in listed
    )


def _rights(name: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset({f"Read-Only {name}", f"Read-Write {name}"}), frozenset({f"Read-Write {name}"})
