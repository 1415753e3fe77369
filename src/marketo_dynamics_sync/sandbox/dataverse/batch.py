"""``$batch``: multipart requests, taken apart and answered byte for byte."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Final

from attrs import frozen

from ..http import Request, Response
from .errors import Fault

_CRLF: Final = b"\r\n"
_MOST: Final = 1000
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


def run_batch(request: Request, answer: Answer, undo: Callable[[], Callable[[], None]]) -> Response:
    """Answer a batch.

    Args:
        request: The outer request.
        answer: Answers one operation.
        undo: Called before a change set; returns what takes it back.
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
            piece, bad = _change_set(item, answer, undo)
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


def _change_set(parts: list[Part], answer: Answer, undo: Callable[[], Callable[[], None]]) -> tuple[bytes, bool]:
    take_back = undo()
    made: dict[str, str] = {}
    answers: list[tuple[Part, Response]] = []
    for part in parts:
        response = answer(_resolved(part.request, made))
        if response.status >= 400:
            take_back()
            return _part(response, part.content_id), True
        location = response.header("OData-EntityId")
        if part.content_id is not None and location is not None:
            made[part.content_id] = location
        answers.append((part, response))
    boundary = f"changesetresponse_{uuid.uuid4()}"
    body = b"".join(b"--" + boundary.encode() + _CRLF + _part(r, p.content_id) + _CRLF for p, r in answers)
    head = f"Content-Type: multipart/mixed; boundary={boundary}".encode()
    return head + _CRLF + _CRLF + body + b"--" + boundary.encode() + b"--" + _CRLF, False


def _resolved(request: Request, made: dict[str, str]) -> Request:
    """Put addresses of rows made earlier in the change set in place of ``$1`` and the like."""
    target, body = request.target, request.body
    for number, location in made.items():
        path = "/" + location.split("://", 1)[-1].partition("/")[2]
        target = re.sub(rf"^/(?:api/data/v9\.2/)?\${number}(?=$|/)", path, target)
        body = body.replace(f'"${number}"'.encode(), f'"{location}"'.encode())
    return Request(request.method, target, request.headers, body, request.base_url)


def _part(response: Response, content_id: str | None) -> bytes:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    reason = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found"}.get(
        response.status, "Error"
    )
    inner = [f"HTTP/1.1 {response.status} {response.reason or reason}"]
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
            if any(part.request.method == "GET" for part in inner):
                raise Fault(400, "0x80048d19", "GET operations are not allowed in a change set.")
            items.append(inner)
        else:
            items.append(_operation(raw, outer))
    return items


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
        method, target, version = first.decode("ascii").split(" ")
    except ValueError:
        raise Fault(400, "0x80048d19", "A request line of the batch can't be read.") from None
    if version != "HTTP/1.1":
        raise Fault(400, "0x80048d19", "A request line of the batch can't be read.")
    headers = [(n.decode().strip(), v.decode().strip()) for n, _, v in (f.partition(b":") for f in fields if f)]
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    elif not target.startswith("/"):
        target = f"/api/data/v9.2/{target}"
    keep = [(n, v) for n, v in outer.headers.items() if n in ("authorization", "mscrmcallerid", "callerobjectid")]
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
