"""Marketo on this machine: tokens, limits and routing, and what a marketer does by hand."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from ..calls import Call
from ..clock import SandboxClock
from ..http import Request, Response
from ..memento import Memento
from .activities import ActivityLog
from .activity_types import ActivityTypes
from .bulk import Bulk, BulkSettings, Turn, WorkClock, takes_upload
from .bulk_objects import StoredObjects
from .by_hand import ObjectsByHand
from .custom_activity_types import CustomActivityTypes
from .envelope import Answer, Refusal, json_response, plain_page
from .fields import Fields, PersonField
from .identity import Client, Identity
from .leads import Leads
from .limits import Limits
from .lists import StaticLists
from .object_routes import object_routes
from .objects import Objects
from .parameters import Parameters, read_parameters
from .partitions import Partitions
from .persons import BY_HAND, People
from .push import Push
from .routes import Route, Router, routes_of
from .schema import Schema
from .streams import Streams
from .sync_leads import SyncLeads
from .tokens import Tokens
from .usage import Usage
from .values import BadValue, Value

#: The custom service of an instance that was given none.
DEFAULT_CLIENT_ID = "marketo-client"
DEFAULT_CLIENT_SECRET = "marketo-secret"

_MOST_BODY = 1_048_576
_MOST_UPLOAD = 10 * _MOST_BODY
_MOST_TARGET = 8 * 1024
_TOKEN_PATH = "/identity/oauth/token"
_UNKNOWN_CLIENT = Client("", permissions=frozenset(), user="unknown")


class MarketoService(ObjectsByHand):
    """One Marketo instance, answering as the service does.

    Reads and writes are answered one at a time, but calls count as running while they wait. Where public material
    leaves a behaviour open, the choice stands in the docstring of the room that made it; here: a body of 1,048,576
    bytes and a target of 8,192 bytes are the largest taken, and parameters that a call does not know are ignored and
    noted in :attr:`ignored`.

    Args:
        clock: Tells the time.
        munchkin_id: The instance's id.
        custom_fields: Person fields beside the standard ones.
        clients: Custom services by client id.
        partitions: Names of lead partitions; people go to the first when a call names none.
        daily_quota: Calls a day.
        rate: Calls in one window.
        rate_window: Seconds of the window.
        at_once: Calls running at the same time.
        token_lifetime: Seconds a token lives.
        activity_delay: Seconds until a change shows in the activity stream.
        activity_scan: Most activities one page of the stream looks at, so that pages can be short or empty while more
            follows; ``None`` fills every page.
        merge_deletes: A merge also writes a Delete Lead activity for each loser.
        native_sync: ``"dynamics"`` for an instance whose own Dynamics sync is on.
        bulk: Limits and timings of bulk jobs, where they are not the usual ones.
        access_token_parameter: Also take the token from the deprecated query parameter.
        custom_object_schema: The subscription has the schema calls of custom objects; without, they answer 616.
        first_id: Id of the first person.
        seed: Makes tokens and GUIDs repeatable.
    """

    def __init__(
        self,
        clock: SandboxClock,
        *,
        munchkin_id: str = "123-ABC-456",
        custom_fields: Iterable[PersonField] = (),
        clients: Mapping[str, Client] | None = None,
        partitions: Iterable[str] = ("Default",),
        daily_quota: int = 50_000,
        rate: int = 100,
        rate_window: float = 20.0,
        at_once: int = 10,
        token_lifetime: float = 3600,
        activity_delay: float = 0,
        activity_scan: int | None = None,
        merge_deletes: bool = True,
        native_sync: Literal["dynamics"] | None = None,
        bulk: BulkSettings | None = None,
        access_token_parameter: bool = False,
        custom_object_schema: bool = True,
        first_id: int = 1001,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.munchkin_id = munchkin_id
        self.identity = Identity(
            clock, clients or {DEFAULT_CLIENT_ID: Client(DEFAULT_CLIENT_SECRET)}, token_lifetime, seed
        )
        self.limits = Limits(clock, rate, rate_window, at_once, daily_quota)
        self.fields = Fields(custom_fields, native_sync=native_sync is not None)
        work = WorkClock(clock)
        self.log = ActivityLog(work, activity_delay, activity_scan)
        self.people = People(work, self.fields, self.log, merge_deletes=merge_deletes, first_id=first_id)
        tokens, homes = Tokens(seed), Partitions(partitions)
        self._lists = StaticLists(work, self.log, tokens, self.people)
        self._objects = Objects(
            work,
            tokens,
            self.people,
            native_sync=native_sync is not None,
            custom_object_schema=custom_object_schema,
            seed=seed,
        )
        self.bulk = Bulk(
            work, self.people, self.fields, self.log, self._lists, homes, tokens, bulk or BulkSettings(), seed
        )
        self.bulk.objects = StoredObjects(self._objects.custom)
        if native_sync is None:
            self.bulk.links = self._objects.links
        types = CustomActivityTypes(clock)
        sync = SyncLeads(self.people, self.fields, homes, self._objects.links)
        self._push = Push(sync, self.people, self.log)
        rest = routes_of(
            Leads(self.people, self.fields, self._lists, homes, tokens),
            sync,
            Schema(self.fields, tokens),
            Streams(self.log, types, self.fields, self.people, self._lists, tokens),
            ActivityTypes(types),
            types,
            self._lists,
            self._push,
            Usage(self.limits),
        )
        self.router = Router((*rest, *object_routes(self._objects), *self.bulk.routes()))
        self._access_token_parameter = access_token_parameter
        self._lock = Turn(self.bulk.settle)
        self._numbers = itertools.count(0x1A2B)
        #: Calls answered so far, in the order of their answers.
        self.calls: list[Call] = []
        #: Names of parameters that calls carried and no endpoint knows.
        self.ignored: set[str] = set()
        #: Sees every request first; a response that it returns is given in the service's place and uses up no limit.
        #: It may raise ``ConnectionError`` to cut the connection.
        self.on_request: Callable[[Request], Response | None] | None = None
        #: Called for each call that passed the limits, before its work is done: holding it holds a place in the limit.
        self.on_running: Callable[[Request], None] | None = None
        #: Sees every answer after the work is done and may replace it, or raise ``ConnectionError`` to lose it.
        self.on_answer: Callable[[Request, Response], Response] | None = None

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        early = self.on_request(request) if self.on_request is not None else None
        if early is not None:
            self._note(request, _kind_of(request), early.status, "")
            return early
        response = self._answer(request)
        return response if self.on_answer is None else self.on_answer(request, response)

    def create_person(self, **fields: object) -> int:
        """Make a person as a marketer does, and return its id.

        Args:
            **fields: Values by REST name.

        Raises:
            ValueError: A field is unknown or does not take its value.
        """
        with self._lock:
            return self.people.create(self._settled(None, self._accepted(fields)), BY_HAND)

    def update_person(self, person: int, **fields: object) -> None:
        """Edit a person as a marketer does. Company fields of somebody who has a company change the company.

        Raises:
            ValueError: The person or a field is unknown, or a field does not take its value.
        """
        with self._lock:
            values = self._settled(self._known(person), self._accepted(fields))
            self.people.update(person, values, BY_HAND)

    def delete_person(self, person: int) -> None:
        """Delete a person as a marketer does.

        Raises:
            ValueError: The person is unknown.
        """
        with self._lock:
            self.people.delete(self._known(person))
            self._lists.forget(person)

    def merge_persons(self, winner: int, *losers: int) -> None:
        """Merge people as a marketer does.

        Raises:
            ValueError: A person is unknown, or the winner is among the losers.
        """
        with self._lock:
            if self._known(winner) in [self._known(loser) for loser in losers]:
                raise ValueError(f"person {winner} cannot be merged into itself")
            self.people.merge(winner, losers, BY_HAND)
            self._lists.merge(winner, losers)

    def change_score(self, person: int, by: int) -> None:
        """Change a person's score as a flow step does.

        Raises:
            ValueError: The person is unknown.
        """
        with self._lock:
            self.people.change_score(self._known(person), by)

    def person(self, person: int) -> dict[str, object] | None:
        """Return a person's values, empty ones left out and every boolean given, or ``None``."""
        with self._lock:
            return self.people.full(person) if person in self.people else None

    def persons(self) -> list[dict[str, object]]:
        """Return everybody, in the order of ids."""
        with self._lock:
            return [self.people.full(person) for person in self.people.ids()]

    def add_field(self, item: PersonField) -> None:
        """Add a custom person field.

        Raises:
            ValueError: The name is taken or not a REST name.
        """
        with self._lock:
            self.fields.add(item)

    def create_list(
        self, name: str, *members: int, description: str = "", program: str = "", workspace: str = "Default"
    ) -> int:
        """Make a static list of people and return its id.

        Args:
            name: Its name.
            *members: Ids of people.
            description: What it is for.
            program: Name of its program.
            workspace: Name of its workspace.

        Raises:
            ValueError: A person is unknown.
        """
        with self._lock:
            known = [self._known(person) for person in members]
            made = self._lists.create(name, description=description, program=program, workspace=workspace)
            for person in known:
                self._lists.add_member(made, person)
            return made.id

    def revoke_tokens(self) -> None:
        """Make every token that was given unknown: calls with one get 601."""
        with self._lock:
            self.identity.revoke()

    def snapshot(self) -> Memento:
        """Return a copy of what the instance holds: people, objects, lists, definitions, jobs and activities."""
        with self._lock:
            kept = (self.limits, self.identity, self.calls, self.ignored)
            return Memento([self.router.routes, self.people, self.log, self.bulk, self._objects], kept)

    def restore(self, backup: Memento) -> None:
        """Put everything back as it was; ids of people and activities are given anew from there.

        Tokens, limits and the log of calls stay. No real instance can do this: it is for tests of what a program does
        when what it saw is gone.
        """
        with self._lock:
            backup.restore()

    def reset_calls(self) -> None:
        """Forget the log of calls and ignored parameters; limits keep what they counted."""
        with self._lock:
            self.calls.clear()
            self.ignored.clear()

    def _known(self, person: int) -> int:
        if person not in self.people:
            raise ValueError(f"no person {person}")
        return person

    def _accepted(self, values: Mapping[str, object]) -> dict[str, Value | None]:
        accepted: dict[str, Value | None] = {}
        for name, value in values.items():
            if name not in self.fields:
                raise ValueError(f"no person field '{name}'")
            try:
                accepted[name] = self.fields[name].accept(value)
            except BadValue:
                raise ValueError(f"person field '{name}' does not take this value") from None
        return accepted

    def _answer(self, request: Request) -> Response:
        if len(request.target) > _MOST_TARGET:
            self._note(request, _kind_of(request), 414, "414")
            return plain_page(414, "Request-URI Too Large", self.clock)
        if len(request.body) > (_MOST_UPLOAD if takes_upload(_clean(request.path)) else _MOST_BODY):
            self._note(request, _kind_of(request), 413, "413")
            return plain_page(413, "Request Entity Too Large", self.clock)
        if request.path == _TOKEN_PATH:
            with self._lock:
                response = self.identity.token(request)
            self._note(request, "token", response.status, "")
            return response
        return self._rest(request)

    def _rest(self, request: Request) -> Response:
        kind, code, entered, counted = _kind_of(request), "", False, 0
        try:
            with self._lock:
                client = self._client(request)
            method, given = read_parameters(request, client)
            found = self.router.find(method, _clean(request.path))
            kind = found[0].kind if found is not None else kind
            with self._lock:
                refused = self.limits.enter(client.user)
            counted = int(refused is None or refused[0] != "607")
            if refused is not None:
                raise Refusal(*refused)
            entered = True
            if self.on_running is not None:
                self.on_running(request)
            with self._lock:
                answer = self._do(found, given)
            if isinstance(answer, Response):
                self._note(request, kind, answer.status, "", counted=counted)
                return answer
            envelope: Answer = {"requestId": self._request_id(), **answer, "success": True}
        except Refusal as refusal:
            code = refusal.code
            errors = [{"code": code, "message": str(refusal)}]
            envelope = {"requestId": self._request_id(), "success": False, "errors": errors}
        finally:
            if entered:
                with self._lock:
                    self.limits.leave()
        self._note(request, kind, 200, code, envelope, counted=counted)
        return json_response(envelope, request, self.clock)

    def _do(self, found: tuple[Route, tuple[str, ...]] | None, given: Parameters) -> Answer | Response:
        if given.client is _UNKNOWN_CLIENT:
            raise Refusal("603", "Access denied")
        if found is None:
            raise Refusal("610", "Requested resource not found")
        route, parts = found
        if route.permissions and not route.permissions & given.client.permissions:
            raise Refusal("603", "Access denied")
        self.ignored |= given.values.keys() - {*route.parameters, "_method", "access_token"}
        return route.endpoint(given, *parts)

    def _client(self, request: Request) -> Client:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = self._parameter_token(request)
        if not token:
            return _UNKNOWN_CLIENT
        who = self.identity.who(token.strip())
        if isinstance(who, tuple):
            raise Refusal(*who)
        return who

    def _parameter_token(self, request: Request) -> str:
        if not self._access_token_parameter:
            return ""
        return read_parameters(request, _UNKNOWN_CLIENT)[1].one("access_token") or ""

    def _request_id(self) -> str:
        number = next(self._numbers)
        return f"{number & 0xFFFFF:x}#{int(self.clock.now().timestamp() * 1000):x}"

    def _note(
        self, request: Request, kind: str, status: int, code: str, envelope: Answer | None = None, *, counted: int = 0
    ) -> None:
        result = envelope.get("result") if envelope is not None else None
        records = len(result) if isinstance(result, list) else 0
        with self._lock:
            if code:
                self.limits.errors[self.limits.today(), code] += 1
            at, service = self.clock.now(), "marketo"
            self.calls.append(Call(at, request.method, request.path, kind, status, code, records, service, counted))


def _kind_of(request: Request) -> str:
    if request.path == _TOKEN_PATH:
        return "token"
    reads = request.method == "GET" or "_method=GET" in request.query or b"_method=GET" in request.body[:2048]
    return "read" if reads else "write"


def _clean(path: str) -> str:
    """Return a path without dot segments; double slashes stay, and so lead nowhere."""
    if "//" in path or "/." not in path:
        return path
    return posixpath.normpath(path)
