"""Dataverse on this machine: tokens, limits, the log of calls, and what a salesperson does by hand."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..calls import Call
from ..clock import SandboxClock
from ..http import Request, Response
from ..interruption import about_to_change
from ..memento import Memento
from .actions import Actions, Wish
from .activities import task_table
from .address import API, segments
from .batch import is_write, run_batch
from .entra import Application, Entra
from .environment import Environment, Rights
from .errors import Fault, no_segment
from .intersect import membership_table
from .limits import Limits
from .marketing import MEMBER, Marketing, member_table, relate
from .metadata import STANDARD, Column, Key, standard_tables, translations
from .query import Preferences
from .relationships import MEMBERSHIP
from .resources import Resources
from .rows import Caller, Rows, Rule
from .storage import Row

#: Characters that the web server refuses in a path, also percent-encoded.
_DANGEROUS: Final = frozenset("<>*%&:\\?")
_LONGEST: Final = 32_768
_METADATA: Final = (
    "WhoAmI",
    "RetrieveProvisionedLanguages",
    "EntityDefinitions",
    "RelationshipDefinitions",
    "organizations",
    "systemusers(",
)
_HTML: Final = [("Content-Type", "text/html; charset=utf-8")]


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
        self.tables = standard_tables(STANDARD) | {
            "task": task_table(),
            "teammembership": membership_table(),
            MEMBER: member_table(),
        }
        for name in untracked:
            self.tables[name].tracked = False
        for name, columns in (extra_columns or {}).items():
            self.tables[name].columns.update({column.name: column for column in columns})
        self.environment = Environment(clock, organization_id, self.tables, tracking_days)
        relate(self.environment)
        registered = applications or {"dynamics-client": Application("dynamics-secret")}
        self.entra = Entra(clock, tenant, registered, users or {"sync@example.com": "password"}, token_lifetime)
        self.rows = Rows(self.environment)
        self.privileges = dict(privileges or {})
        self._actions = Actions(self.environment, self.rows)
        self.resources = Resources(self.environment, self.rows, self._actions, tenant, self.privileges, self._changing)
        self.limits = Limits(clock, requests, seconds, at_once, cost)
        self.dop_hint = dop_hint
        self._lock = threading.RLock()
        self.calls: list[Call] = []
        #: Answers in the service's place when it returns a response: for tests of faults.
        self.on_request: Callable[[Request], Response | None] | None = None
        #: Called before each write of a row inside a request: for edits that land in between.
        self.before_write: Callable[[str, str], None] | None = None
        self._furnish()

    @property
    def organization_id(self) -> str:
        """The environment's organization id."""
        return self.environment.organization_id

    @organization_id.setter
    def organization_id(self, value: str) -> None:
        self.environment.organization_id = value

    @property
    def user_id(self) -> str:
        """The application user behind the connection."""
        return self._users[0]

    @property
    def other_user_id(self) -> str:
        """The user who edits rows by hand."""
        return self._users[1]

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if self.on_request is not None:
            answer = self.on_request(request)
            if answer is not None:
                self._note(request, "fault", answer)
                return answer
        token = self.entra.answer(request)
        if token is not None:
            self._note(request, "token", token)
            return token
        kind = self._kind(request)
        request_id = str(uuid.uuid4())
        counted = False
        try:
            self._admit(request)
            counted = True
            answer = self._guarded(request)
        except Fault as fault:
            answer = fault.response(Preferences.read(request.headers.get("prefer", "")).annotated)
        answer.headers += [
            ("x-ms-service-request-id", request_id),
            ("REQ_ID", request_id),
            ("x-ms-dop-hint", str(self.dop_hint)),
            *self.limits.headers(),
            ("Date", self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")),
        ]
        self._note(request, kind, answer, counted=counted)
        return answer

    def issue_token(self) -> str:
        """Return a token that works, without asking the token endpoint."""
        return self.entra.issue(next(iter(self.entra.applications)))

    def create(self, table: str, **columns: object) -> str:
        """Make a row as a salesperson does, and return its id."""
        with self._lock:
            return self.rows.create(self.tables[table], columns, self._by_hand)

    def update(self, table: str, row: str, **columns: object) -> None:
        """Edit a row as a salesperson does."""
        with self._lock:
            self.rows.update(self.tables[table], row, columns, self._by_hand)

    def delete(self, table: str, row: str) -> None:
        """Delete a row as a salesperson does."""
        with self._lock:
            self.rows.delete(self.tables[table], row)

    def qualify_lead(self, lead: str, wish: Wish | None = None) -> str:
        """Qualify a lead as the out-of-the-box process does, and return its contact's id: the new one, or, without one,
        the existing contact that the lead names (``parentcontactid``)."""
        with self._lock:
            made = dict(self._actions.qualify(lead, wish or Wish(), self._by_hand))
            return made.get("contact") or str(self.environment.row("lead", lead)["_parentcontactid_value"])

    def merge(self, table: str, target: str, subordinate: str) -> None:
        """Merge two rows: the subordinate is deactivated and points to the target."""
        with self._lock:
            self._actions.merge(table, target, subordinate, {}, self._by_hand)

    def join_team(self, team: str, user: str) -> None:
        """Make a user a member of a team, as an admin does."""
        with self._lock:
            self.rows.associate(
                self.tables["team"], team, MEMBERSHIP.first_navigation, (self.tables["systemuser"], user)
            )

    def leave_team(self, team: str, user: str) -> None:
        """Take a user out of a team, as an admin does."""
        with self._lock:
            other = (self.tables["systemuser"], user)
            self.rows.disassociate(self.tables["team"], team, MEMBERSHIP.first_navigation, other)

    def add_member(self, list_id: str, table: str, row: str) -> None:
        """Add a row to a marketing list as a salesperson does."""
        with self._lock:
            Marketing(self.environment, self.rows).add(list_id, [(table, row)], self._by_hand)

    def row(self, table: str, row: str) -> Row | None:
        """Return a row as it is stored, or ``None``."""
        with self._lock:
            found = self.environment.storage.table(table).get(row)
            return None if found is None else dict(found)

    def all_rows(self, table: str) -> list[Row]:
        """Return all rows of a table, in the order of ids."""
        with self._lock:
            stored = self.environment.storage
            return [dict(stored.table(table)[row]) for row in stored.ids(table)]

    def add_rule(self, table: str, rule: Rule) -> None:
        """Add a business rule that sees every row before it is saved."""
        self.rows.rules.setdefault(table, []).append(rule)

    def add_key(self, table: str, name: str, *columns: str, active: bool = True) -> None:
        """Define an alternate key, as an admin does."""
        with self._lock:
            self.tables[table].keys.append(Key(name, columns, active))
            self.environment.schema_edited(table)

    def detect_duplicates(self, table: str, *columns: str) -> None:
        """Publish a duplicate detection rule: it works on writes that ask for it."""
        self.rows.duplicate_rules[table] = columns

    def speak(self, *languages: int, user: int | None = None) -> None:
        """Switch languages on, as an admin does, beside the base language.

        Args:
            *languages: Locale ids.
            user: The language of the sync user; ``None`` for the base language.
        """
        spoken = self.environment.languages
        spoken.provisioned = list(dict.fromkeys((spoken.base, *languages)))
        spoken.user = user

    def translate(self, table: str, column: str, language: int, labels: Mapping[int, str]) -> None:
        """Translate the options of a column, as an admin does.

        Args:
            table: The table.
            column: The column.
            language: Locale id.
            labels: Label by number of the option.
        """
        with self._lock:
            for option in self.tables[table].columns[column].options:
                said = labels.get(int(str(option["value"])))
                if said is not None:
                    option["labels"] = translations(option) | {language: said}
            self.environment.schema_version += 1

    def secure(self, table: str, column: str, *, readable: bool, writable: bool | None = None) -> None:
        """Switch column-level security on.

        Args:
            table: The table.
            column: The column.
            readable: Whether the application user may read it.
            writable: Whether it may write it; ``None`` follows ``readable``.
        """
        with self._lock:
            self.tables[table].columns[column].secured = True
            write = readable if writable is None else writable
            self.environment.secured.setdefault(table, {})[column] = Rights(readable, write, write)

    def remove_column(self, table: str, column: str) -> None:
        """Delete a column, as an admin does; delta links of the table expire with it."""
        with self._lock:
            del self.tables[table].columns[column]
            self.environment.schema_edited(table)

    def edit_column(self, table: str, column: str, **changes: object) -> None:
        """Change a column, as an admin does: its longest text, its options, or (by a new column of the old name) its
        type. Values that are there stay, and so do delta links.

        Args:
            table: The table.
            column: Its logical name.
            **changes: What :class:`Column` calls it, such as ``max_length=50``.
        """
        with self._lock:
            columns = self.tables[table].columns
            for name, value in changes.items():
                setattr(columns[column], name, value)

    def rewrite(self, table: str, **columns: object) -> None:
        """Add a plug-in that changes what is written before it is saved.

        Args:
            table: The table.
            **columns: By logical name, what each column is set to, or a function of the value that was written, such
                as ``lastname=str.upper``. Functions aren't asked about empty columns.
        """
        wires = {self.tables[table].columns[name].wire: change for name, change in columns.items()}

        def rule(row: dict[str, object], old: dict[str, object] | None) -> None:
            for wire, change in wires.items():
                if not callable(change):
                    row[wire] = change
                elif wire in row:
                    row[wire] = change(row[wire])

        self.add_rule(table, rule)

    def revoke_tokens(self) -> None:
        """Make every token that was given unknown, as when an application's secret or consent is taken back."""
        self.entra.revoke()

    def snapshot(self) -> Memento:
        """Return a backup of the environment: rows, row versions, deletions, definitions and its id."""
        with self._lock:
            return Memento([self.environment, self.tables])

    def restore(self, backup: Memento) -> None:
        """Put the environment back as it was, as an admin does from a backup.

        Row versions go back too, so numbers that clients know of are given anew, and delta links from after the
        backup are refused. Tokens, limits and the log of calls stay.
        """
        with self._lock:
            backup.restore()

    def become_copy(self, organization_id: str | None = None) -> str:
        """Make this environment a copy of itself under a new organization id, and return that id.

        Rows, ids and row versions are those of the original, as after the copy of a whole environment.

        Args:
            organization_id: The new id; ``None`` makes one up.
        """
        with self._lock:
            self.organization_id = organization_id or str(uuid.uuid4())
            return self.organization_id

    def expire_links(self, table: str) -> None:
        """Make every delta link of a table unknown."""
        with self._lock:
            self.clock.advance(1)
            self.environment.schema_edited(table)

    def reset_calls(self) -> None:
        """Forget the log of calls."""
        self.calls.clear()

    @property
    def _by_hand(self) -> Caller:
        return Caller(self.other_user_id)

    def _furnish(self) -> None:
        """Put in the rows that every environment has: a business unit, a currency, users."""
        environment = self.environment
        self._users = (environment.user_id, environment.salesperson_id)
        caller = Caller(self.user_id)
        unit, currency = environment.unit_id, environment.currency_id
        rows: list[tuple[str, dict[str, object]]] = [
            ("businessunit", {"businessunitid": unit, "name": "Contoso"}),
            (
                "transactioncurrency",
                {
                    "transactioncurrencyid": currency,
                    "currencyname": "Euro",
                    "isocurrencycode": "EUR",
                    "currencysymbol": "€",
                },
            ),
            ("systemuser", {"systemuserid": self.user_id, "firstname": "Sync", "lastname": "Application"}),
            ("systemuser", {"systemuserid": self.other_user_id, "firstname": "Sally", "lastname": "Sales"}),
        ]
        for name, payload in rows:
            table = self.tables[name]
            row_id = self.rows.create(table, payload, caller)
            if name == "transactioncurrency":
                self.rows.force(name, row_id, exchangerate=1.0)
            if name == "systemuser":
                self.rows.force(name, row_id, azureactivedirectoryobjectid=environment.id_of(f"object of {row_id}"))

    def _changing(self, table: str, row: str) -> None:
        if self.before_write is not None:
            self.before_write(table, row)
        about_to_change(table, row)

    def _admit(self, request: Request) -> None:
        """Let a request in that has a token, within the limits."""
        self._authorize(request)
        if len(request.target) > _LONGEST:
            raise Fault(414, "0x80060888", f"The request URL is longer than {_LONGEST} characters.")
        self.limits.enter()

    def _guarded(self, request: Request) -> Response:
        """Answer a request that was let in."""
        try:
            with self._lock:
                return self._answer(request)
        finally:
            self.limits.leave()

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        host = request.base_url.partition("://")[2]
        client = self.entra.client_of(token, host) if scheme.lower() == "bearer" else None
        if client is None:
            challenge = (
                f"Bearer authorization_uri=https://login.microsoftonline.com/{self.entra.tenant}/oauth2/authorize, "
                f"resource_id={request.base_url}/"
            )
            text = "The access token is missing, expired or invalid."
            raise Fault(401, "0x80040204", text, challenge=challenge)
        if not self.entra.applications[client].user:
            raise Fault(403, "0x80072560", "The user is not a member of the organization.")

    def _answer(self, request: Request) -> Response:
        if not request.path.startswith(API):
            return Response(404, list(_HTML), b"<html>404 - File or directory not found.</html>")
        below = request.path.removeprefix(API)
        bad = next((character for character in below if character in _DANGEROUS), None)
        if bad is not None:
            text = f"A potentially dangerous Request.Path value was detected from the client ({bad})."
            return Response(400, list(_HTML), f"<html>{text.replace('<', '&lt;')}</html>".encode())
        if "+" in below:
            return Response(404, list(_HTML), b"<html>404 - The request contained a double escape sequence.</html>")
        if below == "/$batch":
            return run_batch(request, lambda part: self._operation(part), self.environment.storage.transaction)
        for step in segments(below):
            if "/" in (step.key or ""):
                raise no_segment(step.name)
        return self.resources.answer(request)

    def _operation(self, request: Request) -> Response:
        """Answer one operation of a batch."""
        try:
            return self.resources.answer(request)
        except Fault as fault:
            return fault.response(Preferences.read(request.headers.get("prefer", "")).annotated)

    def _kind(self, request: Request) -> str:
        if request.path == f"{API}/$batch":
            if is_write(request):
                return "write"
            return "metadata" if b"EntityDefinitions" in request.body else "read"
        if request.method != "GET":
            return "write"
        return "metadata" if any(f"{API}/{name}" in request.path for name in _METADATA) else "read"

    def _note(self, request: Request, kind: str, answer: Response, *, counted: bool = False) -> None:
        code = ""
        if answer.status >= 400:
            found = re.search(rb'"code":\s*"([^"]*)"', answer.body)
            code = found.group(1).decode() if found else ""
        records, seconds = _records(request, answer), self.limits.cost if counted else 0.0
        at, service = self.clock.now(), "dynamics"
        made = Call(
            at, request.method, request.path, kind, answer.status, code, records, service, int(counted), seconds
        )
        self.calls.append(made)


def _records(request: Request, answer: Response) -> int:
    """Return the rows in an answer, or those that a request writes, as far as they can be told."""
    if request.path.endswith("Multiple") and answer.status < 400:
        return request.body.count(b'"@odata.type"')
    if request.path.endswith("/$batch"):
        return answer.body.count(b"HTTP/1.1 20")
    if request.method == "GET":
        return answer.body.count(b'"@odata.etag"')
    return int(answer.status < 400)
