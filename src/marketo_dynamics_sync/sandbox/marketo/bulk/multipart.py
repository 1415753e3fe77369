"""Reading an upload, ``multipart/form-data`` (Adobe, "Bulk Import"; RFC 7578)."""

from __future__ import annotations

import re
from email.message import Message

from attrs import evolve, frozen

from ..envelope import Refusal, missing
from ..parameters import Parameters

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


@frozen
class Upload:
    """An upload.

    Attributes:
        file: The file.
        given: The parameters of the call, from the query and from the parts.
    """

    file: bytes
    given: Parameters


def takes_upload(path: str) -> bool:
    """Return whether a path is that of an import, whose body may have ten times the usual size."""
    return path == "/bulk/v1/leads.json" or (path.startswith("/bulk/v1/") and path.endswith("/import.json"))


def read_upload(given: Parameters) -> Upload:
    """Return the file of a call and its parameters.

    Adobe gives 613 for multipart content that is "not formatted correctly". Choices: another content type is 612, a
    call without a ``file`` part is 1002; where the query and a part give the same parameter, the part counts.

    Raises:
        Refusal: 612, 613 or 1002, as above.
    """
    kind = Message()
    kind["Content-Type"] = given.headers.get("content-type", "")
    if kind.get_content_type() != "multipart/form-data":
        raise Refusal("612", "Invalid Content Type")
    boundary = kind.get_boundary()
    if boundary is None or not _BOUNDARY.fullmatch(boundary):
        raise _broken()
    values = {name: list(found) for name, found in given.values.items()}
    file: bytes | None = None
    for name, content in _parts(given.raw, b"--" + boundary.encode("ascii")):
        if name == "file":
            file = content
        else:
            values.setdefault(name, []).append(content.decode("utf-8", "replace").strip())
    if file is None:
        raise missing("file")
    return Upload(file, evolve(given, values=values))


def _parts(body: bytes, mark: bytes) -> list[tuple[str, bytes]]:
    chunks = (b"\r\n" + body).split(b"\r\n" + mark)[1:]
    if len(chunks) < 2 or not chunks[-1].startswith(b"--"):
        raise _broken()
    return [_part(chunk) for chunk in chunks[:-1]]


def _part(chunk: bytes) -> tuple[str, bytes]:
    padding, _, rest = chunk.partition(b"\r\n")
    head, blank, content = rest.partition(b"\r\n\r\n")
    if padding.strip(b" \t") or not blank:
        raise _broken()
    headers = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        label, _, value = line.partition(":")
        headers[label.strip()] = value.strip()
    name = headers.get_param("name", header="Content-Disposition")
    if headers.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise _broken()
    return name, content


def _broken() -> Refusal:
    return Refusal("613", "Invalid Multipart Request")
