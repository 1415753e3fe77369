"""How Marketo wraps answers, and how a request's parameters are read."""

from __future__ import annotations

import gzip
import json
from urllib.parse import parse_qsl

from attrs import field, frozen

from ..http import Request, Response

#: Errors that count against neither quota nor rate (Adobe, "Error Codes").
FREE = frozenset({"601", "602", "604", "605", "608", "611"})


class Refusal(Exception):  # noqa: N818  # becomes an error envelope
    """A response-level error."""

    def __init__(self, code: str, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@frozen
class Parameters:
    """Query and form parameters together, and the JSON body if there is one.

    Attributes:
        values: Every value of every name.
        body: The JSON body, or ``None``.
    """

    values: dict[str, list[str]]
    body: object = field(default=None, repr=False)

    def one(self, name: str) -> str | None:
        """Return the last value of a parameter, or ``None``."""
        found = self.values.get(name)
        return found[-1] if found else None

    def need(self, name: str) -> str:
        """Return the value of a required parameter."""
        value = self.one(name)
        if value is None or value == "":
            raise Refusal("1002", f"Missing value for required parameter '{name}'")
        return value

    def many(self, name: str) -> list[str]:
        """Return a list, given with commas or by repeating the parameter."""
        return [part.strip() for value in self.values.get(name, []) for part in value.split(",") if part.strip()]

    def size(self) -> int:
        """Return the page size."""
        raw = self.one("batchSize")
        if raw is None:
            return 300
        if not raw.isdecimal() or int(raw) < 1:
            raise Refusal("1001", "Invalid value for parameter 'batchSize'")
        return min(int(raw), 300)

    def json_object(self) -> dict[str, object]:
        """Return the JSON body as an object."""
        if not isinstance(self.body, dict):
            raise Refusal("609", "Invalid JSON")
        return self.body

    def records(self) -> list[dict[str, object]]:
        """Return the records of a write."""
        raw = self.json_object().get("input")
        if not isinstance(raw, list) or not raw:
            raise Refusal("1002", "Missing value for required parameter 'input'")
        if len(raw) > 300:
            raise Refusal("1003", "The number of records in the input exceeds the limit of 300")
        if not all(isinstance(item, dict) for item in raw):
            raise Refusal("609", "Invalid JSON")
        return raw


def read_parameters(request: Request) -> tuple[str, Parameters]:
    """Return the verb that counts (``_method`` overrides it) and the parameters.

    Raises:
        Refusal: The body is of the wrong type, or no JSON.
    """
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body: object = None
    if request.body and kind == "application/x-www-form-urlencoded":
        for name, value in parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True):
            values.setdefault(name, []).append(value)
    elif request.body:
        if kind != "application/json":
            raise Refusal("612", "Invalid Content Type")
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Refusal("609", "Invalid JSON") from None
    method = values.get("_method", [request.method])[-1].upper()
    return method, Parameters(values, body)


def json_response(data: object, request: Request, *, status: int = 200, compress: bool = True) -> Response:
    """Return a JSON answer, compressed from 1,024 bytes on where the client takes it."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [("Content-Type", "application/json;charset=UTF-8"), ("Server", "nginx")]
    if compress and len(body) >= 1024 and "gzip" in request.headers.get("accept-encoding", ""):
        headers.append(("Content-Encoding", "gzip"))
        body = gzip.compress(body, 1, mtime=0)
    return Response(status, headers, body)
