"""What can go wrong with one exchange. Each fault sees the request and the step that would answer it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Final

from .clock import SandboxClock
from .dataverse import DataverseService
from .http import App, Middleware, Request, Response
from .interruption import interrupted
from .marketo import MarketoService

_HTML: Final = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
#: Marketo's envelope errors, with the texts of its documentation page "Error Codes".
_MARKETO: Final = {
    "601": "Access token invalid",
    "602": "Access token expired",
    "604": "Request time-out",
    "606": "Max rate limit '100' exceeded with in '20' secs",
    "607": "Daily quota reached",
    "608": "API Temporarily Unavailable",
    "611": "System error",
    "614": "Invalid Subscription",
    "615": "Concurrent access limit reached",
    "713": "Transient Error",
}
#: Dataverse's service protection errors (Microsoft Learn, "Service protection API limits").
_PROTECTION: Final = {
    "0x80072322": "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    "0x80072321": (
        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of "
        "300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
    ),
    "0x80072326": "Number of concurrent requests exceeded the limit of 52.",
}


def answer_lost(request: Request, forward: App) -> Response:
    """Do the work, then close the connection before a word of the answer."""
    forward(request)
    raise ConnectionError


def connection_reset(request: Request, forward: App) -> Response:
    """Close the connection before any work is done."""
    raise ConnectionError


def delivered_twice(request: Request, forward: App) -> Response:
    """Do the work twice, as when something on the way repeats a request, and give the second answer."""
    forward(request)
    return forward(request)


def cut_in_the_middle(request: Request, forward: App) -> Response:
    """Do the work, and break the answer off half-way."""
    answer = forward(request)
    headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    headers.append(("Content-Length", str(len(answer.body) + 1)))
    return Response(answer.status, headers, answer.body[: len(answer.body) // 2])


def html_page(request: Request, forward: App) -> Response:
    """Give a proxy's HTML page with status 200."""
    return Response(200, [("Content-Type", "text/html")], _HTML)


def slow(seconds: float, clock: SandboxClock) -> Middleware:
    """Return a fault that lets time pass before the answer.

    Args:
        seconds: How long.
        clock: The clock that moves.
    """

    def fault(request: Request, forward: App) -> Response:
        answer = forward(request)
        clock.sleep(seconds)
        return answer

    return _named(fault, f"slow({seconds:g})")


def http_status(status: int, *, retry_after: int | None = None) -> Middleware:
    """Return a fault that answers with a gateway's page and does no work.

    Args:
        status: 429, 502, 503, 504 …
        retry_after: Seconds for the ``Retry-After`` header.
    """

    def fault(request: Request, forward: App) -> Response:
        headers = [("Content-Type", "text/html")]
        if retry_after is not None:
            headers.append(("Retry-After", str(retry_after)))
        return Response(status, headers, _HTML.replace(b"502 Bad Gateway", str(status).encode()))

    return _named(fault, f"http_status({status})")


def marketo_error(code: str) -> Middleware:
    """Return a fault that answers as Marketo does when a call fails as a whole.

    Args:
        code: 601, 602, 604, 606, 607, 608, 611, 614, 615 or 713.
    """
    envelope = {"requestId": "fa17#1", "success": False, "errors": [{"code": code, "message": _MARKETO[code]}]}

    def fault(request: Request, forward: App) -> Response:
        return _json(200, envelope)

    return _named(fault, f"marketo_error({code})")


def dynamics_error(code: str, message: str = "", *, status: int = 400, retry_after: int | None = None) -> Middleware:
    """Return a fault that answers as Dataverse does when a request, a whole batch too, is refused.

    Args:
        code: Hexadecimal code (``"0x80072322"``).
        message: Text; service protection errors have theirs.
        status: HTTP status; service protection errors have 429.
        retry_after: Seconds for the ``Retry-After`` header.
    """
    limit = _PROTECTION.get(code)
    body = {"error": {"code": code, "message": message or limit or "An unexpected error occurred."}}
    headers = [] if retry_after is None else [("Retry-After", str(retry_after))]

    def fault(request: Request, forward: App) -> Response:
        return _json(429 if limit else status, body, headers)

    return _named(fault, f"dynamics_error({code})")


def page_repeated() -> Middleware:
    """Return a fault that answers a request for a further page with the page before it."""
    before: dict[str, Response] = {}
    lock = threading.Lock()

    def fault(request: Request, forward: App) -> Response:
        with lock:
            known = before.get(request.path)
        if known is not None and ("skiptoken" in request.query or "nextPageToken" in request.query):
            return known
        answer = forward(request)
        with lock:
            before[request.path] = answer
        return answer

    return _named(fault, "page_repeated")


def meanwhile(action: Callable[[Request], object]) -> Middleware:
    """Return a fault that lets something happen just before the request is answered.

    Args:
        action: What happens, such as another user's edit; gets the request.
    """

    def fault(request: Request, forward: App) -> Response:
        action(request)
        return forward(request)

    return _named(fault, "meanwhile")


def batch_refused(request: Request, forward: App) -> Response:
    """Refuse a request as a whole, with an error that says nothing of its parts: none of them is done.

    Scripted with ``path=r"/\\$batch"`` it meets whole batches of Dynamics. Marketo refuses a whole call with
    :func:`marketo_error`.
    """
    return dynamics_error("0x80040216", status=500)(request, forward)


def delta_link_expired(request: Request, forward: App) -> Response:
    """Refuse a delta link as Dataverse does with one that is too old (Microsoft Learn, "Use change tracking").

    Script it with ``query="deltatoken"``, so that it waits for a request that carries one.
    """
    text = "Version stamp associated with the client has expired. Please perform a full sync."
    return dynamics_error("0x80044352", text)(request, forward)


def token_revoked(service: DataverseService | MarketoService) -> Middleware:
    """Return a fault that makes all tokens of a service unknown just before a request.

    Args:
        service: The service.
    """
    return _named(meanwhile(lambda request: service.revoke_tokens()), "token_revoked")


def row_edited(service: DataverseService, table: str, **columns: object) -> Middleware:
    """Return a fault that lets a salesperson edit each row that a request changes, just before it is changed.

    Args:
        service: The service.
        table: Rows of this table only.
        **columns: The edit, by logical name.
    """

    def edit(kind: str, row: str) -> None:
        if kind == table:
            service.update(table, row, **columns)

    def fault(request: Request, forward: App) -> Response:
        with interrupted(edit):
            return forward(request)

    return _named(fault, f"row_edited({table})")


def person_edited(service: MarketoService, **fields: object) -> Middleware:
    """Return a fault that lets a marketer edit each person that a request changes, just before it is changed.

    Args:
        service: The service.
        **fields: The edit, by REST name.
    """

    def fault(request: Request, forward: App) -> Response:
        with interrupted(lambda kind, person: service.update_person(int(person), **fields)):
            return forward(request)

    return _named(fault, "person_edited")


def _named(fault: Middleware, name: str) -> Middleware:
    fault.__name__ = name
    return fault


def _json(status: int, body: Mapping[str, object], headers: list[tuple[str, str]] | None = None) -> Response:
    text = json.dumps(body).encode()
    return Response(status, [("Content-Type", "application/json;charset=UTF-8"), *(headers or [])], text)
