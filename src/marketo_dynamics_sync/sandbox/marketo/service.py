"""Marketo on this machine: routing, tokens, limits, and what a marketer does by hand."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from ..calls import Call
from ..clock import SandboxClock
from ..http import Request, Response
from .activities import ActivityLog
from .envelope import FREE, Parameters, Refusal, json_response, read_parameters
from .fields import PersonField, number_fields, standard_fields
from .identity import Client, Identity
from .leads import Answer, Leads
from .limits import Limits
from .persons import People
from .streams import Streams

_MEGABYTE = 1_048_576
_URI = 8 * 1024
Endpoint = Callable[[Parameters], Answer]


class MarketoService:
    """One Marketo instance.

    Args:
        clock: Tells the time.
        munchkin_id: The instance's id.
        custom_fields: Person fields beside the standard ones.
        clients: Custom services by client id.
        partitions: Names of lead partitions.
        daily_quota: Calls a day.
        rate: Calls in 20 seconds.
        at_once: Calls running at the same time.
        token_lifetime: Seconds a token lives.
        activity_delay: Seconds until a change shows in the activity stream.
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
        at_once: int = 10,
        token_lifetime: float = 3600,
        activity_delay: float = 0,
    ) -> None:
        self.clock = clock
        self.munchkin_id = munchkin_id
        self.identity = Identity(clock, clients or {"marketo-client": Client("marketo-secret")}, token_lifetime)
        self.limits = Limits(clock, rate, 20.0, at_once, daily_quota)
        fields = number_fields([*standard_fields().values(), *custom_fields])
        self.log = ActivityLog()
        self.people = People(clock, fields, self.log)
        self.people.delay = timedelta(seconds=activity_delay)
        self._leads = Leads(self.people, partitions)
        self._streams = Streams(clock, self.log, self.people)
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self.calls: list[Call] = []
        #: Answers in the service's place when it returns a response: for tests of faults.
        self.on_request: Callable[[Request], Response | None] | None = None
        self._routes: list[tuple[str, str, str, Callable[..., Answer]]] = [
            ("GET", r"/rest/v1/leads/describe\.json", "read", self._leads.describe),
            ("GET", r"/rest/v1/leads/describe2\.json", "read", self._leads.describe2),
            ("GET", r"/rest/v1/leads/partitions\.json", "read", self._leads.list_partitions),
            ("GET", r"/rest/v1/lead/(\d+)\.json", "read", self._leads.one),
            ("GET", r"/rest/v1/leads\.json", "read", self._leads.by_filter),
            ("POST", r"/rest/v1/leads\.json", "write", self._leads.sync),
            ("DELETE", r"/rest/v1/leads\.json", "write", self._leads.delete),
            ("POST", r"/rest/v1/leads/delete\.json", "write", self._leads.delete),
            ("POST", r"/rest/v1/leads/(\d+)/merge\.json", "write", self._leads.merge),
            ("GET", r"/rest/v1/activities/pagingtoken\.json", "read", self._streams.paging_token),
            ("GET", r"/rest/v1/activities\.json", "read", self._streams.activities),
            ("GET", r"/rest/v1/activities/leadchanges\.json", "read", self._streams.lead_changes),
            ("GET", r"/rest/v1/activities/deletedleads\.json", "read", self._streams.deleted),
            ("GET", r"/rest/v1/activities/types\.json", "read", self._streams.types),
            ("POST", r"/rest/v1/activities/external\.json", "activity", self._streams.add_custom),
            ("GET", r"/rest/v1/stats/usage\.json", "read", self._usage),
            ("GET", r"/rest/v1/stats/errors\.json", "read", self._errors),
        ]

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if self.on_request is not None:
            answer = self.on_request(request)
            if answer is not None:
                self._note(request, "fault", answer.status, "")
                return answer
        if request.path == "/identity/oauth/token":
            with self._lock:
                answer = self.identity.token(request)
            self._note(request, "token", answer.status, "")
            return answer
        if len(request.target) > _URI:
            self._note(request, "read", 414, "414")
            return Response(414, [("Content-Type", "text/html")], b"<html>414 Request-URI Too Large</html>")
        if len(request.body) > _MEGABYTE:
            self._note(request, "write", 413, "413")
            return Response(413, [("Content-Type", "text/html")], b"<html>413 Request Entity Too Large</html>")
        return self._rest(request)

    def create_person(self, **fields: object) -> int:
        """Make a person as a marketer does, and return its id."""
        with self._lock:
            return self.people.create(self._accepted(fields), "New person")

    def update_person(self, person: int, **fields: object) -> None:
        """Edit a person as a marketer does."""
        with self._lock:
            self.people.update(person, self._accepted(fields), "Web form fillout")

    def delete_person(self, person: int) -> None:
        """Delete a person as a marketer does."""
        with self._lock:
            self.people.delete(person)

    def merge_persons(self, winner: int, *losers: int) -> None:
        """Merge people as a marketer does."""
        with self._lock:
            self.people.merge(winner, losers)

    def change_score(self, person: int, by: int) -> None:
        """Change a person's score as a flow step does."""
        with self._lock:
            self.people.score(person, by)

    def person(self, person: int) -> dict[str, object] | None:
        """Return a person's values, or ``None``."""
        with self._lock:
            found = self.people.get(person)
            return None if found is None else dict(found)

    def persons(self) -> list[dict[str, object]]:
        """Return everybody, in the order of ids."""
        with self._lock:
            return [dict(self.people.get(i) or {}) for i in self.people.ids()]

    def add_field(self, item: PersonField) -> None:
        """Add a person field."""
        with self._lock:
            self.people.fields.update(number_fields([*self.people.fields.values(), item]))

    def reset_calls(self) -> None:
        """Forget the log of calls."""
        with self._lock:
            self.calls.clear()

    def _accepted(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {name: self.people.fields[name].accept(value) for name, value in fields.items()}

    def _rest(self, request: Request) -> Response:
        kind, code, entered = "read", "", False
        try:
            if "//" in request.path:
                raise Refusal("610", "Requested resource not found")
            with self._lock:
                client = self._client(request)
                refused = self.limits.enter()
            if refused is not None:
                raise Refusal(*refused)
            entered = True
            method, given = read_parameters(request)
            need, endpoint = self._route(method, request.path)
            kind = "read" if need == "read" else "write"
            if need not in client.permissions:
                raise Refusal("603", "Access denied")
            with self._lock:
                data = endpoint(given)
            envelope: Answer = {"requestId": self._request_id(), **data, "success": True}
        except Refusal as refusal:
            code = refusal.code
            error = {"code": refusal.code, "message": refusal.message}
            envelope = {"requestId": self._request_id(), "success": False, "errors": [error]}
        finally:
            if entered:
                with self._lock:
                    self.limits.leave(free=code in FREE)
        self._note(request, kind, 200, code)
        return json_response(envelope, request)

    def _client(self, request: Request) -> Client:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal("603", "Access denied")
        who = self.identity.who(token)
        if isinstance(who, tuple):
            raise Refusal(*who)
        return who

    def _route(self, method: str, path: str) -> tuple[str, Endpoint]:
        known = False
        for verb, pattern, need, endpoint in self._routes:
            match = re.fullmatch(pattern, path)
            if match is None:
                continue
            known = True
            if verb == method:
                numbers = [int(group) for group in match.groups()]
                return need, lambda given: endpoint(*numbers, given)
        if known:
            raise Refusal("605", f"HTTP Method '{method}' not supported")
        raise Refusal("610", "Requested resource not found")

    def _usage(self, given: Parameters) -> Answer:
        day = self.limits.today()
        total = self.limits.used[day]
        users = [{"userId": "sync-api@example.com", "count": total}]
        return {"result": [{"date": day.isoformat(), "total": total, "users": users}]}

    def _errors(self, given: Parameters) -> Answer:
        day = self.limits.today()
        errors = [{"errorCode": code, "count": n} for (when, code), n in self.limits.errors.items() if when == day]
        return {
            "result": [{"date": day.isoformat(), "total": sum(int(str(e["count"])) for e in errors), "errors": errors}]
        }

    def _request_id(self) -> str:
        return f"{next(self._numbers):x}#{int(self.clock.now().timestamp() * 1000):x}"

    def _note(self, request: Request, kind: str, status: int, code: str) -> None:
        with self._lock:
            if code:
                self.limits.errors[self.limits.today(), code] += 1
            self.calls.append(Call(self.clock.now(), request.method, request.path, kind, status, code))
