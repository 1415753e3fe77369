"""What a request asks for: query, form and JSON body, and the verb that counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from attrs import define, field

from ..http import Request
from .envelope import Refusal, missing
from .identity import Client
from .values import whole_number

#: Most records in one write, values in one filter, and records on one page.
MOST = 300


@define
class Parameters:
    """The parameters of one call.

    Attributes:
        values: Every value of every query or form parameter.
        client: Who calls.
        content_type: Media type of the body, in lower case.
        raw: The body, unless it was a form.
        headers: The headers of the request, their names in lower case.
    """

    values: dict[str, list[str]]
    client: Client
    content_type: str = ""
    raw: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)

    def one(self, name: str) -> str | None:
        """Return the last value of a parameter, or ``None``."""
        found = self.values.get(name)
        return found[-1] if found else None

    def need(self, name: str) -> str:
        """Return the value of a required parameter.

        Raises:
            Refusal: 1002, it is missing or empty.
        """
        value = self.one(name)
        if value is None or value == "":
            raise missing(name)
        return value

    def many(self, name: str, *, most: int | None = None) -> list[str]:
        """Return a list, given with commas or by repeating the parameter.

        Raises:
            Refusal: 1003, it is longer than ``most``.
        """
        parts = [part.strip() for value in self.values.get(name, ()) for part in value.split(",") if part.strip()]
        if most is not None and len(parts) > most:
            raise Refusal("1003", f"The number of values of '{name}' exceeds the limit of {most}")
        return parts

    def numbers(self, name: str, *, most: int | None = None) -> list[int]:
        """Return a list of whole numbers.

        Raises:
            Refusal: 1001, a value is no whole number; 1003, it is longer than ``most``.
        """
        return [_number(name, part) for part in self.many(name, most=most)]

    def number(self, name: str) -> int | None:
        """Return a whole number, or ``None`` when the parameter is missing.

        Raises:
            Refusal: 1001, the value is no whole number.
        """
        raw = self.one(name)
        return None if raw is None else _number(name, raw)

    def flag(self, name: str) -> bool:
        """Return a boolean parameter in any letter case; missing is false.

        Raises:
            Refusal: 1001, the value is no boolean.
        """
        raw = (self.one(name) or "false").lower()
        if raw not in ("true", "false"):
            raise Refusal("1001", f"Invalid value '{raw}'. Required of type 'Boolean'")
        return raw == "true"

    def size(self) -> int:
        """Return the page size.

        Public material does not say what a page size above 300 does; here it is refused with 1003.

        Raises:
            Refusal: 1001 or 1003, it is no number or out of range.
        """
        size = self.number("batchSize")
        if size is None:
            return MOST
        if not 1 <= size <= MOST:
            raise Refusal("1003", f"Invalid value '{size}' for parameter 'batchSize': it must be from 1 to {MOST}")
        return size

    def json_object(self) -> dict[str, object]:
        """Return the JSON body.

        Raises:
            Refusal: 612, another content type; 609, not a JSON object.
        """
        if self.content_type != "application/json":
            raise Refusal("612", "Invalid Content Type")
        try:
            body = json.loads(self.raw, parse_constant=_no_constant)
        except ValueError:
            raise Refusal("609", "Invalid JSON") from None
        if not isinstance(body, dict):
            raise Refusal("609", "Invalid JSON")
        return body

    def records(self, body: dict[str, object], name: str = "input") -> list[dict[str, object]]:
        """Return the records of a write.

        Raises:
            Refusal: 1002, none; 1003, more than 300; 609, one is no object.
        """
        raw = body.get(name)
        if not isinstance(raw, list) or not raw:
            raise missing(name)
        if len(raw) > MOST:
            raise Refusal("1003", f"The number of records in '{name}' exceeds the limit of {MOST}")
        if not all(isinstance(item, dict) for item in raw):
            raise Refusal("609", "Invalid JSON")
        return raw

    def ids(self) -> list[object]:
        """Return record ids, from ``?id=1&id=2`` or from ``{"input": [{"id": 1}]}``.

        Raises:
            Refusal: As :meth:`records`.
        """
        if self.values.get("id"):
            return list(self.numbers("id", most=MOST))
        return [record.get("id") for record in self.records(self.json_object())]


def read_parameters(request: Request, client: Client) -> tuple[str, Parameters]:
    """Return the verb that counts and the parameters.

    ``_method``, in the query or in a form, replaces the verb of a POST. A form is read only then: the lead database
    takes JSON otherwise.
    """
    values: dict[str, list[str]] = {}
    _collect(values, parse_qsl(request.query, keep_blank_values=True))
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    method, raw = request.method, request.body
    if kind == "application/x-www-form-urlencoded" and method == "POST":
        form = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
        if "_method" in values or any(name == "_method" for name, _ in form):
            _collect(values, form)
            raw = b""
    if method == "POST" and "_method" in values:
        method = values["_method"][-1].upper()
    return method, Parameters(values, client, kind, raw, request.headers)


def _collect(values: dict[str, list[str]], pairs: Iterable[tuple[str, str]]) -> None:
    for name, value in pairs:
        values.setdefault(name, []).append(value)


def _number(name: str, raw: str) -> int:
    number = whole_number(raw.removeprefix("-"))
    if number is None:
        raise Refusal("1001", f"Invalid value '{raw}' for parameter '{name}'. Required of type 'Integer'")
    return -number if raw.startswith("-") else number


def _no_constant(name: str) -> object:
    raise ValueError(name)
