"""One HTTP exchange as plain data: what both services see and answer, whatever carried it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, cast
from urllib.parse import unquote

from attrs import define, field, frozen


def _fold(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    folded: dict[str, str] = {}
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        key = name.lower()
        folded[key] = f"{folded[key]}, {value}" if key in folded else value
    return folded


@frozen
class Request:
    """A request as it came off the wire.

    Attributes:
        method: Upper-case verb.
        target: Path and query exactly as sent, percent-encoding untouched (``/leads?$top=1``).
        headers: Header names in lower case; repeated headers joined by a comma.
        body: The whole body.
        base_url: Scheme, host and port the client used, without a trailing slash: what links in answers start with.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(converter=_fold, factory=dict)
    body: bytes = b""
    base_url: str = "http://sandbox"

    @property
    def raw_path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.split("?", 1)[0]

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(self.raw_path)

    @property
    def query(self) -> str:
        """The query string, still percent-encoded, without the question mark."""
        return self.target.partition("?")[2]


@define
class Response:
    """An answer on its way out.

    Attributes:
        status: HTTP status code.
        headers: Header pairs in the order they are written.
        body: The whole body.
        reason: Reason phrase; empty takes the standard one.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(factory=list)
    body: bytes = b""
    reason: str = ""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any letter case, or ``None``."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


class App(Protocol):
    """A service: one request in, one answer out. Safe to call from many threads at once."""

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        ...


#: What a test hands in to see or replace an exchange: gets the request and the next step.
Middleware = Callable[[Request, App], Response]
