"""Dataverse on this machine: routing, tokens, limits, and what a salesperson does by hand."""

from __future__ import annotations

import copy
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..calls import Call
from ..clock import SandboxClock
from ..http import Request, Response
from .batch import is_write, run_batch
from .definitions import definition, definitions
from .entra import Application, Entra
from .errors import Fault
from .limits import Limits
from .metadata import STANDARD, Column, Table, standard_tables
from .reads import Query, Reads, as_json
from .rows import Rows, Rule
from .values import guid
from .writes import Writes

_API: Final = "/api/data/v9.2"
_ADDRESS: Final = re.compile(r"/(?P<set>[A-Za-z_]\w*)(?:\((?P<key>[^)]*)\))?(?P<rest>/.*)?")


class DataverseService:
    """One Dynamics 365 environment, with the token endpoints of its tenant.

    The token endpoints answer on the same app, under any host: route ``login.microsoftonline.com`` to it.

    Args:
        clock: Tells the time.
        organization_id: The environment's organization id.
        tenant: Tenant id.
        applications: Registered applications by client id.
        users: Password by user name, for the password grant.
        untracked: Tables without change tracking.
        extra_columns: Columns to add, by table.
        tracking_days: Days a delta link lives.
        privileges: What the sync user may do, by table: any of ``"read"``, ``"create"``, ``"write"``, ``"delete"``. A
            table that isn't named allows everything.
        requests: Requests in 300 seconds.
        seconds: Execution seconds in 300 seconds.
        at_once: Requests at the same time.
        cost: Execution seconds that a request counts.
        dop_hint: Recommended degree of parallelism.
        token_lifetime: Seconds a token lives.
    """

    def __init__(
        self,
        clock: SandboxClock,
        *,
        organization_id: str = "c4d10a3e-52f0-4c1e-9b7e-0d5a3c1e2f40",
        tenant: str = "9d1f3b52-7a0c-4e4e-8d5e-5a1b6c7d8e9f",
        applications: Mapping[str, Application] | None = None,
        users: Mapping[str, str] | None = None,
        untracked: Iterable[str] = (),
        extra_columns: Mapping[str, Iterable[Column]] | None = None,
        tracking_days: int = 7,
        privileges: Mapping[str, frozenset[str]] | None = None,
        requests: int = 6000,
        seconds: float = 1200.0,
        at_once: int = 52,
        cost: float = 0.02,
        dop_hint: int = 12,
        token_lifetime: float = 3600,
    ) -> None:
        self.clock = clock
        self.organization_id = organization_id
        self.user_id = str(uuid.uuid5(uuid.UUID(organization_id), "sync user"))
        self.other_user_id = str(uuid.uuid5(uuid.UUID(organization_id), "salesperson"))
        registered = applications or {"dynamics-client": Application("dynamics-secret")}
        self.entra = Entra(clock, tenant, registered, users or {"sync@example.com": "password"}, token_lifetime)
        self.tables = standard_tables(STANDARD)
        for name in untracked:
            self.tables[name].tracked = False
        for name, columns in (extra_columns or {}).items():
            self.tables[name].columns.update({column.name: column for column in columns})
        self.rows = Rows(clock, self.tables, self.user_id, str(uuid.uuid5(uuid.UUID(organization_id), "EUR")))
        self._reads = Reads(clock, self.rows, tracking_days)
        self._writes = Writes(self.rows, self._reads)
        self.limits = Limits(clock, requests, seconds, at_once, cost)
        self.privileges = dict(privileges or {})
        #: Secured columns that the sync user may not read or write, by table.
        self.hidden: dict[str, frozenset[str]] = {}
        self.dop_hint = dop_hint
        self._lock = threading.RLock()
        self.calls: list[Call] = []
        #: Answers in the service's place when it returns a response: for tests of faults.
        self.on_request: Callable[[Request], Response | None] | None = None
        #: Called before each write of a row inside a request: for edits that land in between.
        self.before_write: Callable[[str, str], None] | None = None

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if self.on_request is not None:
            answer = self.on_request(request)
            if answer is not None:
                self._note(request, "fault", answer)
                return answer
        with self._lock:
            token = self.entra.answer(request)
        if token is not None:
            self._note(request, "token", token)
            return token
        kind = self._kind(request)
        entered = False
        try:
            self._authorize(request)
            if len(request.target) > 32_768:
                raise Fault(414, "0x80060888", "The request URL is too long.")
            with self._lock:
                self.limits.enter()
                entered = True
                answer = self._answer(request)
        except Fault as fault:
            answer = fault.response()
        finally:
            if entered:
                with self._lock:
                    self.limits.leave()
        answer.headers += [
            ("x-ms-service-request-id", str(uuid.uuid4())),
            ("x-ms-dop-hint", str(self.dop_hint)),
            ("x-ms-ratelimit-burst-remaining-xrm-requests", str(self.limits.left)),
            ("Date", self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")),
        ]
        self._note(request, kind, answer)
        return answer

    def issue_token(self) -> str:
        """Return a token that works, without asking the token endpoint."""
        with self._lock:
            return self.entra.issue(next(iter(self.entra.applications)))

    def create(self, table: str, **columns: object) -> str:
        """Make a row as a salesperson does, and return its id."""
        with self._lock:
            return self.rows.create(self.tables[table], columns, by=self.other_user_id)

    def update(self, table: str, row: str, **columns: object) -> None:
        """Edit a row as a salesperson does."""
        with self._lock:
            self.rows.update(self.tables[table], row, columns, by=self.other_user_id)

    def delete(self, table: str, row: str) -> None:
        """Delete a row as a salesperson does."""
        with self._lock:
            self.rows.delete(self.tables[table], row)

    def qualify_lead(self, lead: str) -> str:
        """Qualify a lead into a new contact, as the out-of-the-box process does, and return the contact's id."""
        with self._lock:
            source = self.rows.get("lead", lead)
            if source.get("statecode") != 0:
                raise Fault(400, "0x80081018", "The lead is already closed.")
            shared = self.tables["contact"].columns
            kept = {n: v for n, v in source.items() if n in shared and not shared[n].read_only}
            for name in ("statecode", "statuscode", "leadsourcecode", "contactid"):
                kept.pop(name, None)
            contact = self.rows.create(self.tables["contact"], kept, by=self.other_user_id)
            self.rows.force("contact", contact, _originatingleadid_value=lead)
            self.rows.force("lead", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
            return contact

    def merge(self, table: str, target: str, subordinate: str) -> None:
        """Merge two rows: the subordinate is deactivated and points to the target."""
        with self._lock:
            self.rows.get(table, target)
            inactive = {"lead": (2, 7), "contact": (1, 2), "account": (1, 2)}[table]
            state, status = inactive
            self.rows.force(table, subordinate, merged=True, _masterid_value=target, statecode=state, statuscode=status)

    def row(self, table: str, row: str) -> dict[str, object] | None:
        """Return a row as it is stored, or ``None``."""
        with self._lock:
            found = self.rows.table(table).get(row)
            return None if found is None else dict(found)

    def all_rows(self, table: str) -> list[dict[str, object]]:
        """Return all rows of a table, in the order of ids."""
        with self._lock:
            stored = self.rows.table(table)
            return [dict(stored[row]) for row in sorted(stored)]

    def add_rule(self, table: str, rule: Rule) -> None:
        """Add a business rule that sees every row before it is saved."""
        self.rows.rules.setdefault(table, []).append(rule)

    def secure(self, table: str, column: str, *, readable: bool) -> None:
        """Switch column-level security on."""
        with self._lock:
            self.tables[table].columns[column].secured = True
            if not readable:
                self.hidden[table] = self.hidden.get(table, frozenset()) | {column}

    def remove_column(self, table: str, column: str) -> None:
        """Delete a column, as an admin does; delta links of the table expire with it."""
        with self._lock:
            del self.tables[table].columns[column]
            self._reads.changed[table] = self.clock.now()

    def expire_links(self, table: str) -> None:
        """Make every delta link of a table unknown."""
        with self._lock:
            self.clock.advance(1)
            self._reads.changed[table] = self.clock.now()

    def reset_calls(self) -> None:
        """Forget the log of calls."""
        with self._lock:
            self.calls.clear()

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        client = self.entra.client_of(token) if scheme.lower() == "bearer" else None
        if client is None:
            raise Fault(401, "0x80040204", "The access token is missing, expired or invalid.")
        if not self.entra.applications[client].user:
            raise Fault(403, "0x80072560", "The user is not a member of the organization.")

    def _answer(self, request: Request) -> Response:
        if not request.path.startswith(_API):
            return Response(404, [("Content-Type", "text/html")], b"<html>404 - File or directory not found.</html>")
        if request.path == f"{_API}/$batch":
            return run_batch(request, self._operation, self._undo)
        return self._resource(request)

    def _operation(self, request: Request) -> Response:
        try:
            return self._resource(request)
        except Fault as fault:
            return fault.response()

    def _undo(self) -> Callable[[], None]:
        kept = copy.deepcopy((self.rows._rows, self.rows.tombstones))

        def take_back() -> None:
            self.rows._rows, self.rows.tombstones = kept

        return take_back

    def _resource(self, request: Request) -> Response:
        root = f"{request.base_url}{_API}"
        path = request.path.removeprefix(_API) or "/"
        query = Query.read(root, request.query, request.headers.get("prefer", ""))
        if path == "/":
            sets = [{"name": t.entity_set, "kind": "EntitySet", "url": t.entity_set} for t in self.tables.values()]
            return _ok({"@odata.context": f"{root}/$metadata", "value": sets})
        match = _ADDRESS.fullmatch(path)
        if match is None:
            raise Fault(404, "0x8006088a", f"Resource not found for the segment '{path.strip('/')}'.")
        name, key, rest = match.group("set"), match.group("key"), match.group("rest") or ""
        special = self._special(request, root, name, key, rest, query)
        if special is not None:
            return special
        table = next((t for t in self.tables.values() if t.entity_set == name), None)
        if table is None:
            raise Fault(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
        return self._table(request, root, table, key, rest, query)

    def _special(
        self, request: Request, root: str, name: str, key: str | None, rest: str, query: Query
    ) -> Response | None:
        if name == "WhoAmI" and request.method == "GET":
            return _ok(
                {
                    "@odata.context": f"{root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
                    "BusinessUnitId": str(uuid.uuid5(uuid.UUID(self.organization_id), "unit")),
                    "UserId": self.user_id,
                    "OrganizationId": self.organization_id,
                }
            )
        if name == "organizations":
            value = {
                "organizationid": self.organization_id,
                "name": "contoso",
                "expirechangetrackingindays": self._reads.days,
            }
            return _ok({"@odata.context": f"{root}/$metadata#organizations", "value": [value]})
        if name == "EntityDefinitions":
            if key is None:
                return _ok(definitions(self.tables, query.options))
            found = re.fullmatch(r"LogicalName='([^']*)'", key)
            table = self.tables.get(found.group(1)) if found else None
            if table is None:
                raise Fault(404, "0x80060888", "Could not find an entity with the given name.")
            return _ok(definition(table, rest, query.options))
        if name == "systemusers" and rest.startswith("/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges"):
            return _ok({"AttributePrivileges": self._column_privileges()})
        return None

    def _column_privileges(self) -> list[dict[str, object]]:
        """Return privileges on secured columns: 4 allows, 0 doesn't (Microsoft Learn, AttributePrivilege
        ComplexType)."""
        found: list[dict[str, object]] = []
        for table in self.tables.values():
            for column in table.columns.values():
                if column.secured:
                    allowed = 0 if column.name in self.hidden.get(table.name, frozenset()) else 4
                    column_id = table.column_id(column.name)
                    found.append(
                        {"AttributeId": column_id, "CanRead": allowed, "CanCreate": allowed, "CanUpdate": allowed}
                    )
        return found

    def _table(self, request: Request, root: str, table: Table, key: str | None, rest: str, query: Query) -> Response:
        hidden = self.hidden.get(table.name, frozenset())
        needs = {"GET": "read", "POST": "create", "PATCH": "write", "DELETE": "delete"}.get(request.method)
        if needs is None or (request.method == "POST" and key is not None):
            raise Fault(405, "0x80060888", f"The method {request.method} is not allowed here.")
        allowed = self.privileges.get(table.name)
        if allowed is not None and needs not in allowed:
            text = (
                f"Principal user (Id={self.user_id}, type=8) is missing "
                f"prv{needs.capitalize()}{table.name.capitalize()} privilege "
                f"on OTC for entity '{table.name}'."
            )
            raise Fault(403, "0x80040220", text)
        if request.method == "GET":
            if rest == "/$count":
                return Response(200, [("Content-Type", "text/plain")], str(self._reads.count(table, query)).encode())
            if rest:
                raise Fault(404, "0x8006088a", f"Resource not found for the segment '{rest.strip('/')}'.")
            data = self._reads.many(table, query, hidden) if key is None else self._one(table, key, query, hidden)
            applied = request.headers.get("prefer")
            return _ok(data, [("Preference-Applied", applied)] if applied else [])
        if request.method == "POST":
            return self._writes.create(table, request, root, hidden)
        if key is None:
            raise Fault(405, "0x80060888", "A row must be addressed.")
        row = guid(key.rpartition("=")[2])
        if self.before_write is not None:
            self.before_write(table.name, row)
        if request.method == "DELETE":
            return self._writes.delete(table, row, request)
        return self._writes.change(table, row, request, root, hidden)

    def _one(self, table: Table, key: str, query: Query, hidden: frozenset[str]) -> dict[str, object]:
        return self._reads.one(table, guid(key.rpartition("=")[2]), query, hidden)

    def _kind(self, request: Request) -> str:
        if request.path == f"{_API}/$batch":
            if is_write(request):
                return "write"
            return "metadata" if b"EntityDefinitions" in request.body else "read"
        if request.method != "GET":
            return "write"
        special = ("WhoAmI", "EntityDefinitions", "organizations", "systemusers(")
        return "metadata" if any(f"{_API}/{name}" in request.path for name in special) else "read"

    def _note(self, request: Request, kind: str, answer: Response) -> None:
        with self._lock:
            code = ""
            if answer.status >= 400:
                found = re.search(rb'"code":\s*"([^"]*)"', answer.body)
                code = found.group(1).decode() if found else ""
            self.calls.append(Call(self.clock.now(), request.method, request.path, kind, answer.status, code))


def _ok(data: object, headers: Iterable[tuple[str, str]] = ()) -> Response:
    kind = ("Content-Type", "application/json; odata.metadata=minimal")
    return Response(200, [kind, ("OData-Version", "4.0"), *headers], as_json(data))
