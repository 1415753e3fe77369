"""``$batch``: multipart requests, taken apart and answered byte for byte."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Final

from attrs import frozen

from ..http import Request, Response
from .errors import Fault

_CRLF: Final = b"\r\n"
_MOST: Final = 1000
_LONGEST: Final = 65_536
_REFERENCE: Final = re.compile(r"^/(?:api/data/v9\.2/)?(?P<name>\$\d+)(?=$|[/?])")
_BOUND: Final = re.compile(r'(?P<before>"[^"]*@odata\.(?:bind|id)"\s*:\s*")/?(?P<name>\$\d+)"')
#: Headers of the batch that each operation is done under.
_OUTER: Final = ("authorization", "mscrmcallerid", "callerobjectid")
#: Answers one operation.
Answer = Callable[[Request], Response]


@frozen
class Part:
    """One operation of a batch.

    Attributes:
        request: The operation.
        content_id: Its ``Content-ID``, in change sets.
    """

    request: Request
    content_id: str | None = None


def is_write(request: Request) -> bool:
    """Return whether a batch holds an operation that changes something."""
    return re.search(rb"\r\n(POST|PATCH|PUT|DELETE) ", request.body) is not None


class _Failed(Exception):
    def __init__(self, part: Part, response: Response) -> None:
        super().__init__(response.status)
        self.part = part
        self.response = response


def run_batch(request: Request, answer: Answer, transaction: Callable[[], AbstractContextManager[None]]) -> Response:
    """Answer a batch.

    Args:
        request: The outer request.
        answer: Answers one operation.
        transaction: Undoes what happens inside when it ends with an exception.

    Raises:
        Fault: The batch can't be read, and is refused as a whole.
    """
    items = _items(request.body, _boundary(request.headers.get("content-type", "")), request)
    count = sum(len(item) if isinstance(item, list) else 1 for item in items)
    if count > _MOST:
        raise Fault(400, "0x80048d19", f"Number of operations in the batch exceeds the maximum of {_MOST}.")
    go_on = "odata.continue-on-error" in request.headers.get("prefer", "")
    boundary = f"batchresponse_{uuid.uuid4()}"
    out: list[bytes] = []
    failed = False
    for item in items:
        if isinstance(item, list):
            piece, bad = _change_set(item, answer, transaction)
        else:
            response = answer(item.request)
            piece, bad = _part(response, None), response.status >= 400
        out.append(b"--" + boundary.encode() + _CRLF + piece + _CRLF)
        failed = failed or bad
        if bad and not go_on:
            break
    body = b"".join(out) + b"--" + boundary.encode() + b"--" + _CRLF
    headers = [("Content-Type", f"multipart/mixed; boundary={boundary}"), ("OData-Version", "4.0")]
    return Response(400 if failed and not go_on else 200, headers, body)


def _change_set(
    parts: list[Part], answer: Answer, transaction: Callable[[], AbstractContextManager[None]]
) -> tuple[bytes, bool]:
    made: dict[str, str] = {}
    answers: list[tuple[Part, Response]] = []
    try:
        with transaction():
            for part in parts:
                response = _in_change_set(part, made, answer)
                if response.status >= 400:
                    raise _Failed(part, response)
                answers.append((part, response))
    except _Failed as failed:
        return _part(failed.response, failed.part.content_id), True
    boundary = f"changesetresponse_{uuid.uuid4()}"
    body = b"".join(b"--" + boundary.encode() + _CRLF + _part(r, p.content_id) + _CRLF for p, r in answers)
    head = f"Content-Type: multipart/mixed; boundary={boundary}".encode()
    return head + _CRLF + _CRLF + body + b"--" + boundary.encode() + b"--" + _CRLF, False


def _in_change_set(part: Part, made: dict[str, str], answer: Answer) -> Response:
    request = _resolved(part.request, made)
    missing = _REFERENCE.match(request.target) or _BOUND.search(request.body.decode("utf-8", "replace"))
    if missing:
        name = missing["name"]
        text = f"Content-ID Reference: '{name}' does not exist in the batch context."
        return Fault(400, "0x80060888", text).response()
    response = answer(request)
    location = response.header("OData-EntityId")
    if part.content_id is not None and location is not None:
        made[part.content_id] = location
    return response


def _resolved(request: Request, made: dict[str, str]) -> Request:
    """Put addresses of rows made earlier in the change set in place of ``$1`` and the like."""
    target = request.target
    found = _REFERENCE.match(target)
    if found is not None and found["name"][1:] in made:
        location = made[found["name"][1:]]
        target = "/" + location.split("://", 1)[-1].partition("/")[2] + target[found.end() :]

    def bound(match: re.Match[str]) -> str:
        location = made.get(match["name"][1:])
        return match[0] if location is None else f'{match["before"]}{location}"'

    body = _BOUND.sub(bound, request.body.decode("utf-8", "surrogateescape"))
    return Request(request.method, target, request.headers, body.encode("utf-8", "surrogateescape"), request.base_url)


def _part(response: Response, content_id: str | None) -> bytes:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    inner = [f"HTTP/1.1 {response.status} {response.reason or HTTPStatus(response.status).phrase}"]
    inner += [f"{name}: {value}" for name, value in response.headers]
    text = "\r\n".join(lines) + "\r\n\r\n" + "\r\n".join(inner) + "\r\n\r\n"
    return text.encode() + response.body


def _items(body: bytes, boundary: bytes, outer: Request) -> list[Part | list[Part]]:
    items: list[Part | list[Part]] = []
    for raw in _pieces(body, boundary):
        head, _, rest = raw.partition(_CRLF + _CRLF)
        kind = _header(head, b"content-type")
        if kind.startswith("multipart/mixed"):
            inner = [_operation(piece, outer) for piece in _pieces(rest, _boundary(kind))]
            _check_change_set(inner)
            items.append(inner)
        else:
            items.append(_operation(raw, outer))
    return items


def _check_change_set(parts: list[Part]) -> None:
    if any(part.request.method == "GET" for part in parts):
        text = "An invalid HTTP method 'GET' was detected for a request in a change set."
        raise Fault(400, "0x80048d19", f"{text} Requests in change sets only support the HTTP methods 'POST', 'PUT', "
                    "'DELETE', and 'PATCH'.")  # fmt: skip
    if len(parts) > 1 and any(part.content_id is None for part in parts):
        raise Fault(400, "0x80048d19", "A request in a change set has no 'Content-ID' header.")


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    marker = b"--" + boundary
    if marker + b"--" not in body:
        raise Fault(400, "0x80048d19", "The batch has no closing boundary.")
    inside = body.split(marker + b"--", 1)[0]
    pieces = inside.split(marker + _CRLF)[1:]
    for piece in pieces:
        if not piece.endswith(_CRLF):
            raise Fault(400, "0x80048d19", "Stream was not readable.")
    return [piece[:-2] for piece in pieces]


def _operation(raw: bytes, outer: Request) -> Part:
    head, _, rest = raw.partition(_CRLF + _CRLF)
    if _header(head, b"content-type") != "application/http":
        raise Fault(400, "0x80048d19", "A part of the batch is no application/http.")
    lines, _, body = rest.partition(_CRLF + _CRLF)
    first, *fields = lines.split(_CRLF)
    try:
        # An address may hold blanks: it is what stands between the first and the last of them.
        method, rest_of_line = first.decode("utf-8").split(" ", 1)
        target, version = rest_of_line.rsplit(" ", 1)
    except ValueError:
        raise Fault(400, "0x80048d19", "A request line of the batch can't be read.") from None
    if version != "HTTP/1.1":
        raise Fault(400, "0x80048d19", "A request line of the batch can't be read.")
    headers = [(n.decode().strip(), v.decode().strip()) for n, _, v in (f.partition(b":") for f in fields if f)]
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    elif not target.startswith("/"):
        target = f"/api/data/v9.2/{target}"
    keep = [(n, v) for n, v in outer.headers.items() if n in _OUTER or n.startswith("mscrm.")]
    if len(target) > _LONGEST:
        raise Fault(400, "0x80060888", f"The URL of an operation is longer than {_LONGEST} characters.")
    content_id = _header(head, b"content-id") or None
    return Part(Request(method, target, [*keep, *headers], body.removesuffix(_CRLF), outer.base_url), content_id)


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(_CRLF):
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode()
    return ""


def _boundary(content_type: str) -> bytes:
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if match is None:
        raise Fault(400, "0x80048d19", "The multipart content has no boundary.")
    return match.group(1).encode()
