"""Which call goes where, what it takes, and which permission it needs (Adobe's Swagger file "mapi")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from attrs import frozen

from ..http import Response
from .activity_types import ActivityTypes
from .custom_activity_types import CustomActivityTypes
from .envelope import Answer, Refusal
from .leads import Leads
from .lists import StaticLists
from .push import Push
from .schema import Schema
from .streams import Streams
from .sync_leads import SyncLeads
from .usage import Usage

_NOBODY: Final[frozenset[str]] = frozenset()
_READ_LEADS = frozenset({"Read-Only Lead", "Read-Write Lead"})
_WRITE_LEADS = frozenset({"Read-Write Lead"})
_READ_LOG = frozenset({"Read-Only Activity", "Read-Write Activity"})
_WRITE_LOG = frozenset({"Read-Write Activity"})
_READ_TYPES = frozenset({"Read-Only Activity Metadata", "Read-Write Activity Metadata"})
_WRITE_TYPES = frozenset({"Read-Write Activity Metadata"})
_READ_ASSETS = frozenset({"Read-Only Assets", "Read-Write Assets"})
_SCHEMA = frozenset({"Read-Write Schema Standard Field", "Read-Write Schema Custom Field"})
_CREATE_FIELDS = frozenset({"Read-Write Schema Custom Field"})

#: What answers a call: gets the parameters, and the variable parts of the path. A file is answered as it goes out.
Endpoint = Callable[..., Answer | Response]


@frozen
class Route:
    """One call that the service knows.

    Attributes:
        method: The verb that counts.
        path: The path, with ``{name}`` for variable parts.
        endpoint: What answers it.
        permissions: Any one of these is needed; empty needs none.
        parameters: Query parameters it takes.
    """

    method: str
    path: str
    endpoint: Endpoint
    permissions: frozenset[str]
    parameters: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``"read"`` or ``"write"``."""
        return "read" if self.method == "GET" else "write"


class Router:
    """Finds the route of a call.

    Args:
        routes: All routes; of two that fit, the first counts.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._patterns = [(re.compile(re.sub(r"\\{\w+\\}", "([^/]+?)", re.escape(r.path))), r) for r in self.routes]

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        """Return the route of a call and the variable parts of its path, or ``None`` when the path is unknown.

        Raises:
            Refusal: 605, the path is known and the verb is not.
        """
        known = False
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route, match.groups()
            known = True
        if known:
            raise Refusal("605", f"HTTP Method '{method}' not supported")
        return None


def routes_of(
    leads: Leads,
    sync: SyncLeads,
    schema: Schema,
    streams: Streams,
    types: ActivityTypes,
    custom_types: CustomActivityTypes,
    lists: StaticLists,
    push: Push,
    usage: Usage,
) -> tuple[Route, ...]:
    """Return the routes of an instance."""
    paging = ("batchSize", "nextPageToken")
    v1, custom = "/rest/v1", "/rest/v1/activities/external"
    one_type = f"{custom}/type/{{apiName}}"
    return (
        Route("GET", f"{v1}/leads/describe.json", schema.describe, _READ_LEADS),
        Route("GET", f"{v1}/leads/describe2.json", schema.describe2, _READ_LEADS),
        Route("GET", f"{v1}/leads/schema/fields.json", schema.browse, _SCHEMA, paging),
        Route("POST", f"{v1}/leads/schema/fields.json", schema.create, _CREATE_FIELDS),
        Route("GET", f"{v1}/leads/schema/fields/{{fieldApiName}}.json", schema.one, _SCHEMA),
        Route("POST", f"{v1}/leads/schema/fields/{{fieldApiName}}.json", schema.change, _SCHEMA),
        Route("GET", f"{v1}/leads/partitions.json", leads.list_partitions, _READ_LEADS),
        Route("POST", f"{v1}/leads/partitions.json", leads.move, _WRITE_LEADS),
        Route("GET", f"{v1}/lead/{{leadId}}.json", leads.one, _READ_LEADS, ("fields",)),
        Route(
            "GET",
            f"{v1}/leads.json",
            leads.by_filter,
            _READ_LEADS,
            ("filterType", "filterValues", "fields", *paging),
        ),
        Route("POST", f"{v1}/leads.json", sync, _WRITE_LEADS),
        Route("DELETE", f"{v1}/leads.json", leads.delete, _WRITE_LEADS, ("id",)),
        Route("POST", f"{v1}/leads/delete.json", leads.delete, _WRITE_LEADS, ("id",)),
        Route(
            "POST",
            f"{v1}/leads/{{leadId}}/merge.json",
            leads.merge,
            _WRITE_LEADS,
            ("leadId", "leadIds", "mergeInCRM"),
        ),
        Route("POST", f"{v1}/leads/push.json", push.push, _WRITE_LEADS),
        Route("POST", f"{v1}/leads/{{leadId}}/associate.json", push.associate, _WRITE_LEADS, ("cookie",)),
        Route("GET", f"{v1}/leads/{{leadId}}/listMembership.json", lists.of_person, _READ_ASSETS, paging),
        Route("GET", f"{v1}/activities/pagingtoken.json", streams.paging_token, _READ_LOG, ("sinceDatetime",)),
        Route(
            "GET",
            f"{v1}/activities.json",
            streams.activities,
            _READ_LOG,
            ("activityTypeIds", "assetIds", "leadIds", "listId", *paging),
        ),
        Route(
            "GET",
            f"{v1}/activities/leadchanges.json",
            streams.lead_changes,
            _READ_LOG,
            ("fields", "leadIds", "listId", *paging),
        ),
        Route("GET", f"{v1}/activities/deletedleads.json", streams.deleted, _READ_LOG, paging),
        Route("GET", f"{v1}/activities/types.json", types.browse, _READ_LOG),
        Route("POST", f"{custom}.json", streams.add_custom, _WRITE_LOG),
        Route("GET", f"{custom}/types.json", custom_types.browse, _READ_TYPES),
        Route("POST", f"{custom}/type.json", custom_types.create, _WRITE_TYPES),
        Route("POST", f"{one_type}.json", custom_types.change, _WRITE_TYPES),
        Route("GET", f"{one_type}/describe.json", custom_types.describe, _READ_TYPES, ("draft",)),
        Route("POST", f"{one_type}/approve.json", custom_types.approve, _WRITE_TYPES),
        Route("POST", f"{one_type}/discardDraft.json", custom_types.discard, _WRITE_TYPES),
        Route("POST", f"{one_type}/delete.json", custom_types.delete, _WRITE_TYPES),
        Route("POST", f"{one_type}/attributes/create.json", custom_types.add_attributes, _WRITE_TYPES),
        Route("POST", f"{one_type}/attributes/update.json", custom_types.change_attributes, _WRITE_TYPES),
        Route("POST", f"{one_type}/attributes/delete.json", custom_types.drop_attributes, _WRITE_TYPES),
        Route(
            "GET",
            f"{v1}/lists.json",
            lists.browse,
            _READ_LEADS,
            ("id", "name", "programName", "workspaceName", *paging),
        ),
        Route("GET", f"{v1}/lists/{{listId}}.json", lists.one, _READ_LEADS),
        Route("GET", f"{v1}/lists/{{listId}}/leads.json", leads.of_list, _READ_LEADS, ("fields", *paging)),
        Route("GET", f"{v1}/list/{{listId}}/leads.json", leads.of_list, _READ_LEADS, ("fields", *paging)),
        Route("POST", f"{v1}/lists/{{listId}}/leads.json", lists.add, _WRITE_LEADS, ("id",)),
        Route("DELETE", f"{v1}/lists/{{listId}}/leads.json", lists.remove, _WRITE_LEADS, ("id",)),
        Route("GET", f"{v1}/lists/{{listId}}/leads/ismember.json", lists.is_member, _WRITE_LEADS, ("id",)),
        Route("GET", f"{v1}/stats/usage.json", usage.calls, _NOBODY),
        Route("GET", f"{v1}/stats/usage/last7days.json", usage.calls_of_week, _NOBODY),
        Route("GET", f"{v1}/stats/errors.json", usage.errors, _NOBODY),
        Route("GET", f"{v1}/stats/errors/last7days.json", usage.errors_of_week, _NOBODY),
    )
