"""The Web API's resources: which address and verb leads to what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..http import Request, Response
from .actions import Actions, entity_parameter, qualify_wish
from .address import API, Segment, segments
from .answers import json_answer, no_content
from .bulk import MESSAGES, Bulk
from .definition_reads import DefinitionReads
from .definition_writes import DefinitionWrites
from .environment import Environment
from .errors import Fault, bad_payload, no_resource, no_segment, privilege_denied
from .functions import (
    column_privileges,
    current_organization,
    listed,
    message_filters,
    organizations,
    provisioned_languages,
    retrieve_version,
    total_record_count,
    who_am_i,
)
from .marketing import LIST, MEMBER, Marketing
from .metadata import Table
from .payload import bound_row, json_object
from .query import Query
from .reads import Reads
from .rows import Caller, Rows
from .table_resource import TableResource
from .writes import Writes

_NAMESPACE = "Microsoft.Dynamics.CRM."
_FUNCTIONS = ("WhoAmI", "RetrieveVersion", "RetrieveCurrentOrganization", "RetrieveTotalRecordCount",
              "RetrieveMetadataChanges", "RetrieveProvisionedLanguages")  # fmt: skip
_ACTIONS = ("BulkDelete", "CreateEntities", "Merge", "WinOpportunity", "LoseOpportunity", "AddListMembersList")
_IMPERSONATION = ("callerobjectid", "mscrmcallerid")


class Resources:
    """Answers requests that were let in.

    Args:
        environment: What they work on.
        rows: Writes rows.
        actions: Carries out actions.
        tenant: Tenant id.
        privileges: What the application user may do, by table; a table that isn't named allows everything.
        changing: Told of each row before it changes.
    """

    def __init__(
        self,
        environment: Environment,
        rows: Rows,
        actions: Actions,
        tenant: str,
        privileges: Mapping[str, frozenset[str]],
        changing: Callable[[str, str], None],
    ) -> None:
        self._environment = environment
        self._rows = rows
        self._actions = actions
        self._tenant = tenant
        self._privileges = privileges
        self._changing = changing
        reads = Reads(environment)
        writes = Writes(environment, rows, reads)
        self._bulk = Bulk(environment, rows, writes, changing)
        self._tables = TableResource(environment, reads, writes, changing, self._allow)
        self._marketing = Marketing(environment, rows)
        self._definitions = DefinitionReads(environment)
        self._definition_writes = DefinitionWrites(environment, self._definitions)
        #: Whether the application user may act for others, and may skip business rules.
        self.may_impersonate = True
        self.may_bypass = True

    def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            Fault: The error to answer with.
        """
        self._bulk.run_jobs()
        root = f"{request.base_url}{API}"
        query = Query.read(root, request.query, request.headers.get("prefer", ""))
        steps = segments(request.path.removeprefix(API))
        if not steps:
            return self._service_document(root)
        caller = self._caller(request)
        name = steps[0].name
        if name in _FUNCTIONS:
            return self._function(name, steps[0].key, request, query, caller)
        if name in _ACTIONS:
            return self._action(name, request, query, caller)
        if name == "EntityDefinitions":
            if request.method == "GET":
                return json_answer(self._definitions.answer(steps, query))
            return self._definition_writes.answer(steps, request, query)
        if name == "RelationshipDefinitions":
            if request.method == "GET":
                return json_answer(self._definitions.relationships(steps, query))
            return self._definition_writes.relationship(steps, request, query)
        if name == "organizations" and request.method == "GET":
            return json_answer(listed(query, name, organizations(self._environment)))
        if name == "sdkmessagefilters" and request.method == "GET":
            rows = message_filters(self._environment, MESSAGES)
            return json_answer(listed(query, name, rows, hide=("sdkmessageid",)))
        if name == "$metadata":
            raise Fault(501, "0x80040219", "The sandbox doesn't write its definitions as CSDL; ask EntityDefinitions.")
        return self._table(steps, request, query, caller)

    def _table(self, steps: Sequence[Segment], request: Request, query: Query, caller: Caller) -> Response:
        table = self._environment.table_of(steps[0].name)
        step = steps[1] if len(steps) > 1 else None
        if step is not None and step.name.startswith(_NAMESPACE):
            return self._bound(table, steps, step.name.removeprefix(_NAMESPACE), request, query, caller)
        if table.name == MEMBER:
            self._marketing.check(request.method, steps[0].key)
        return self._tables.answer(table, steps, request, query, caller)

    def _bound(
        self, table: Table, steps: Sequence[Segment], name: str, request: Request, query: Query, caller: Caller
    ) -> Response:
        if steps[0].key is None and name in (*MESSAGES, "DeleteMultiple"):
            if request.method != "POST":
                raise no_resource(f"{request.base_url}{request.raw_path}")
            for need in {"CreateMultiple": ("create",), "UpdateMultiple": ("write",)}.get(name, ("create", "write")):
                self._allow(table, need)
            return self._bulk.answer(name, table, request, query, caller)
        if table.name == "systemuser" and name == "RetrievePrincipalAttributePrivileges":
            return json_answer(column_privileges(self._environment))
        if table.name == "lead" and name == "QualifyLead" and request.method == "POST":
            _, lead = self._environment.located(steps[0])
            self._allow(table, "write")
            made = self._actions.qualify(lead, qualify_wish(json_object(request)), caller)
            context = f"{query.root}/$metadata#Collection(mscrm.crmbaseentity)"
            value = [
                {"@odata.type": f"#{_NAMESPACE}{kind}", self._environment.tables[kind].primary_id: row}
                for kind, row in made
            ]
            return json_answer({"@odata.context": context, "value": value})
        if table.name == LIST and name == "AddItemCampaign" and request.method == "POST":
            _, row = self._environment.located(steps[0])
            self._allow(table, "write")
            _, campaign = entity_parameter(self._environment, json_object(request), "Campaign")
            item = self._marketing.tie(row, campaign)
            return json_answer(
                {"@odata.context": f"{query.root}/$metadata#campaignitems/$entity", "campaignitemid": item}
            )
        raise no_segment(f"{_NAMESPACE}{name}")

    def _function(self, name: str, parameters: str | None, request: Request, query: Query, caller: Caller) -> Response:
        if request.method != "GET":
            raise no_resource(f"{request.base_url}{request.raw_path}")
        environment = self._environment
        if name == "WhoAmI":
            return json_answer(who_am_i(environment, query, caller.user))
        if name == "RetrieveVersion":
            return json_answer(retrieve_version(query))
        if name == "RetrieveProvisionedLanguages":
            return json_answer(provisioned_languages(environment, query))
        if name == "RetrieveCurrentOrganization":
            return json_answer(current_organization(environment, query, self._tenant, parameters))
        if name == "RetrieveTotalRecordCount":
            return json_answer(total_record_count(environment, query, parameters))
        return json_answer(self._definitions.changes(query, parameters))

    def _action(self, name: str, request: Request, query: Query, caller: Caller) -> Response:
        if request.method != "POST":
            raise no_resource(f"{request.base_url}{request.raw_path}")
        if name == "BulkDelete":
            return self._bulk.start_delete(request, query)
        if name == "CreateEntities":
            return self._definition_writes.create_tables(request, query)
        body = json_object(request)
        if name == "AddListMembersList":
            row, members = self._marketing.wish(body)
            self._allow(self._environment.tables[LIST], "write")
            self._changing(LIST, row)
            self._marketing.add(row, members, caller)
            return no_content()
        if name == "Merge":
            kind, target = entity_parameter(self._environment, body, "Target")
            other, subordinate = entity_parameter(self._environment, body, "Subordinate")
            if kind != other or kind not in ("account", "contact", "lead"):
                raise Fault(400, "0x80040203", f"Rows of '{kind}' and '{other}' can't be merged.")
            content = body.get("UpdateContent")
            values = content if isinstance(content, dict) else {}
            values = {
                name: value for name, value in values.items() if name != self._environment.tables[kind].primary_id
            }
            self._actions.merge(kind, target, subordinate, values, caller)
            return no_content()
        details = body.get("OpportunityClose")
        status = body.get("Status")
        bound = details.get("opportunityid@odata.bind") if isinstance(details, dict) else None
        if not isinstance(details, dict) or not isinstance(bound, str) or not isinstance(status, int):
            raise bad_payload("", "The parameters 'Status' and 'OpportunityClose' are required.")
        _, row = bound_row(self._environment, self._environment.tables["opportunity"], bound)
        self._actions.close(row, won=name == "WinOpportunity", status=status, details=details)
        return no_content()

    def _service_document(self, root: str) -> Response:
        tables = self._environment.tables.values()
        sets = [{"name": t.entity_set, "kind": "EntitySet", "url": t.entity_set} for t in tables]
        return json_answer({"@odata.context": f"{root}/$metadata", "value": sets})

    def _allow(self, table: Table, need: str) -> None:
        """Hold a request to the application user's privileges."""
        allowed = self._privileges.get(table.name)
        if allowed is not None and need not in allowed:
            privilege = f"prv{need.capitalize()}{table.schema}"
            raise privilege_denied(self._environment.user_id, privilege, table.name)

    def _caller(self, request: Request) -> Caller:
        """Return who writes, as ``MSCRM`` headers say (Microsoft Learn, "Compose HTTP requests", *Other headers*)."""
        environment, headers = self._environment, request.headers
        bypass = headers.get("mscrm.bypasscustompluginexecution", "").lower() == "true"
        bypass = bypass or "CustomSync" in headers.get("mscrm.bypassbusinesslogicexecution", "")
        if bypass and not self.may_bypass:
            raise privilege_denied(environment.user_id, "prvBypassCustomBusinessLogic", "systemuser")
        detect = headers.get("mscrm.suppressduplicatedetection", "").lower() == "false"
        user, behalf = environment.user_id, None
        wanted = next((headers[name] for name in _IMPERSONATION if name in headers), None)
        if wanted is not None:
            if not self.may_impersonate:
                raise Fault(403, "0x8004a110", "The user doesn't have the privilege prvActOnBehalfOfAnotherUser.")
            user, behalf = self._impersonated(wanted.lower()), user
        return Caller(user, behalf, bypass, detect, limited=True)

    def _impersonated(self, wanted: str) -> str:
        for row_id, row in self._environment.storage.table("systemuser").items():
            if wanted in (row_id, row.get("azureactivedirectoryobjectid")):
                return row_id
        raise Fault(400, "0x80040257", f"The caller '{wanted}' is no user of the organization.")
