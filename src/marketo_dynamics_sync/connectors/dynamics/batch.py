"""``$batch``: many independent requests in one call (Microsoft Learn, "Execute batch operations")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final
from uuid import uuid4

from attrs import field, frozen

from ...errors import ResponseError
from .address import Environment
from .answer import Answer
from .call import Call, Kind

#: Operations that one batch may hold.
MOST_PARTS: Final = 1000

_EOL: Final = b"\r\n"


@frozen
class Part:
    """One request of a batch.

    Attributes:
        method: HTTP verb.
        path: Path and query, percent-encoded.
        headers: Headers of the part.
        body: JSON body.
    """

    method: str
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Bytes it takes in a batch, about."""
        return 200 + len(self.path) + len(self.body or b"") + sum(len(n) + len(v) + 4 for n, v in self.headers.items())


def encode(parts: Sequence[Part], boundary: str) -> bytes:
    """Return the body of a batch of independent operations.

    Every line ends in CRLF, the last one before the closing boundary too; otherwise the service says that the stream
    was not readable.
    """
    lines: list[bytes] = []
    for part in parts:
        lines += [
            f"--{boundary}".encode(),
            b"Content-Type: application/http",
            b"Content-Transfer-Encoding: binary",
            b"",
            f"{part.method} {part.path} HTTP/1.1".encode("ascii"),
        ]
        headers = dict(part.headers)
        if part.body is not None:
            headers = {"Content-Type": "application/json; type=entry", **headers}
        lines += [f"{name}: {value}".encode("ascii") for name, value in headers.items()]
        lines += [b"", part.body if part.body is not None else b""]
    lines += [f"--{boundary}--".encode(), b""]
    return _EOL.join(lines)


def batch_call(environment: Environment, parts: Sequence[Part], kind: Kind, *, repeat: bool) -> Call:
    """Return the call that sends a batch of independent parts: a refused one doesn't stop the rest."""
    boundary = f"batch_{uuid4()}"
    headers = {"Content-Type": f'multipart/mixed; boundary="{boundary}"', "Prefer": "odata.continue-on-error"}
    return Call("POST", f"{environment.api}/$batch", kind, headers, encode(parts, boundary), repeat)


def decode(answer: Answer) -> list[Answer]:
    """Return the parts of a batch's answer, in order; what is cut off at the end is left out.

    Raises:
        ResponseError: The answer is not multipart, or its parts are not HTTP answers.
    """
    boundary = _boundary(answer.headers.get("content-type", ""))
    if answer.kind != "multipart/mixed" or not boundary:
        raise answer.broken("the answer to a batch is not multipart")
    mark = b"--" + boundary.encode("latin-1", "replace")
    return [_part(piece, answer.broken) for piece in _split(answer.body, mark)]


def _boundary(content_type: str) -> str:
    for item in content_type.split(";")[1:]:
        name, _, value = item.strip().partition("=")
        if name.strip().lower() == "boundary":
            return value.strip().strip('"')
    return ""


def _split(body: bytes, mark: bytes) -> list[bytes]:
    """Return the parts: what stands between two boundary lines. A part that no boundary line closes may be cut."""
    lines: list[tuple[int, int]] = []
    at = 0
    while (here := body.find(mark, at)) >= 0:
        at = here + len(mark)
        if (here == 0 or body[here - 1 : here] == b"\n") and body[at : at + 1] in (b"\r", b"\n", b" ", b"-", b""):
            lines.append((here, at))
    return [body[after:end] for (_, after), (end, _) in pairwise(lines)]


def _part(piece: bytes, broken: Callable[[str], ResponseError]) -> Answer:
    _, _, after_boundary_line = piece.partition(b"\n")
    _, inner = _head_and_rest(after_boundary_line)
    head, body = _head_and_rest(inner)
    lines = head.replace(b"\r\n", b"\n").split(b"\n")
    words = lines[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit() or len(words[1]) != 3:
        raise broken("a part of the batch's answer is not an HTTP answer")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            headers[name.decode("latin-1").strip()] = value.decode("latin-1").strip()
    return Answer(int(words[1]), headers, body.removesuffix(b"\n").removesuffix(b"\r"))


def _head_and_rest(text: bytes) -> tuple[bytes, bytes]:
    """Return a header block and what follows its blank line."""
    for eol in (b"\r\n", b"\n"):
        if text.startswith(eol):
            return b"", text[len(eol) :]
        head, found, rest = text.partition(eol * 2)
        if found:
            return head, rest
    return text.rstrip(b"\r\n"), b""
