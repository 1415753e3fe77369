"""How Marketo wraps its answers (Adobe, "REST API" and "Error Codes")."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from email.utils import format_datetime

from ..clock import SandboxClock
from ..http import Request, Response

#: Members of an answer beside ``requestId`` and ``success``.
Answer = dict[str, object]

#: Errors that count against neither quota nor rate.
FREE = frozenset({"601", "602", "604", "605", "608", "611"})

_COMPRESSED_FROM = 1024


class Refusal(Exception):  # becomes an error envelope
    """A response-level error: nothing was done.

    Args:
        code: Error code.
        message: The service's words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Skip(Exception):  # becomes the reason of one record
    """A record-level error: this record was not written, others may have been.

    Args:
        code: Error code.
        message: The service's words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def missing(name: str) -> Refusal:
    """Return the refusal of a call that lacks a required parameter."""
    return Refusal("1002", f"Missing value for required parameter '{name}'")


def skipped(code: str, message: str, *, key: str = "reasons") -> Answer:
    """Return the result entry of a record that was not written."""
    return {"status": "skipped", key: [{"code": code, "message": message}]}


def json_response(data: Mapping[str, object], request: Request, clock: SandboxClock, *, status: int = 200) -> Response:
    """Return a JSON answer, compressed from 1,024 bytes on where the client takes gzip; bulk answers never are."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = [("Content-Type", "application/json;charset=UTF-8"), *_stamp(clock)]
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "").lower() and "/bulk/" not in request.path
    if takes_gzip and len(body) >= _COMPRESSED_FROM:
        headers.append(("Content-Encoding", "gzip"))
        body = gzip.compress(body, 1, mtime=0)
    return Response(status, headers, body)


def plain_page(status: int, title: str, clock: SandboxClock) -> Response:
    """Return the HTML page that the web server in front of the API gives for 413 and 414."""
    body = f"<html>\n<head><title>{status} {title}</title></head>\n<body>{status} {title}</body>\n</html>\n"
    return Response(status, [("Content-Type", "text/html"), *_stamp(clock)], body.encode())


def _stamp(clock: SandboxClock) -> list[tuple[str, str]]:
    return [("Server", "nginx"), ("Date", format_datetime(clock.now(), usegmt=True))]
