"""Which bulk call goes where (Adobe's Swagger file "mapi").

Permissions of the exports follow Adobe's pages, which also take the read-write permission where the Swagger file names
the read-only one alone.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from ...http import Response
from ..envelope import Answer
from ..parameters import Parameters
from ..routes import Endpoint, Route
from .exports import Exports
from .imports import Imports

_WRITE_LEADS: Final = frozenset({"Read-Write Lead"})
_READ_LEADS: Final = frozenset({"Read-Only Lead", "Read-Write Lead"})
_READ_LOG: Final = frozenset({"Read-Only Activity", "Read-Write Activity"})
_WRITE_OBJECTS: Final = frozenset({"Read-Write Custom Object"})
_READ_OBJECTS: Final = frozenset({"Read-Only Custom Object", "Read-Write Custom Object"})
_LIST: Final = ("status", "batchSize", "nextPageToken")


def bulk_routes(
    imports: Imports, exports: Exports, leads: Endpoint, activities: Endpoint, objects: Endpoint
) -> tuple[Route, ...]:
    """Return the routes of the bulk calls.

    Args:
        imports: Answers the import calls.
        exports: Answers the export calls.
        leads: Creates an export of leads.
        activities: Creates an export of activities.
        objects: Creates an export of custom objects.
    """
    leads_path, objects_path = "/bulk/v1/leads", "/bulk/v1/customobjects/{apiName}"
    batch, object_batch = f"{leads_path}/batch/{{batchId}}", f"{objects_path}/import/{{batchId}}"
    parameters = ("format", "lookupField", "partitionName", "listId")
    return (
        Route("POST", f"{leads_path}.json", imports.import_leads, _WRITE_LEADS, parameters),
        Route("GET", f"{batch}.json", imports.status, _WRITE_LEADS),
        Route("GET", f"{batch}/failures.json", imports.failures, _WRITE_LEADS),
        Route("GET", f"{batch}/warnings.json", imports.warnings, _WRITE_LEADS),
        Route("POST", f"{objects_path}/import.json", imports.import_objects, _WRITE_OBJECTS, ("format",)),
        Route("GET", f"{object_batch}/status.json", imports.object_status, _WRITE_OBJECTS),
        Route("GET", f"{object_batch}/failures.json", imports.object_failures, _WRITE_OBJECTS),
        Route("GET", f"{object_batch}/warnings.json", imports.object_warnings, _WRITE_OBJECTS),
        *_export_routes(exports, "leads", leads, _READ_LEADS),
        *_export_routes(exports, "activities", activities, _READ_LOG),
        *_object_routes(exports, f"{objects_path}/export", objects),
    )


def _export_routes(exports: Exports, kind: str, create: Endpoint, needs: frozenset[str]) -> tuple[Route, ...]:
    path = f"/bulk/v1/{kind}/export"
    job = f"{path}/{{exportId}}"
    return (
        Route("POST", f"{path}/create.json", create, needs),
        Route("GET", f"{path}.json", partial(exports.browse, kind), needs, _LIST),
        Route("POST", f"{job}/enqueue.json", partial(exports.enqueue, kind), needs),
        Route("POST", f"{job}/cancel.json", partial(exports.cancel, kind), needs),
        Route("GET", f"{job}/status.json", partial(exports.status, kind), needs),
        Route("GET", f"{job}/file.json", partial(exports.file, kind), needs),
    )


def _object_routes(exports: Exports, path: str, create: Endpoint) -> tuple[Route, ...]:
    job = f"{path}/{{exportId}}"

    def of_object(call: Endpoint) -> Endpoint:
        def answer(given: Parameters, name: str, *rest: str) -> Answer | Response:
            return call(f"customobjects/{name}", given, *rest)

        return answer

    return (
        Route("POST", f"{path}/create.json", create, _READ_OBJECTS),
        Route("GET", f"{path}.json", of_object(exports.browse), _READ_OBJECTS, _LIST),
        Route("POST", f"{job}/enqueue.json", of_object(exports.enqueue), _READ_OBJECTS),
        Route("POST", f"{job}/cancel.json", of_object(exports.cancel), _READ_OBJECTS),
        Route("GET", f"{job}/status.json", of_object(exports.status), _READ_OBJECTS),
        Route("GET", f"{job}/file.json", of_object(exports.file), _READ_OBJECTS),
    )
