"""Requests whose addresses tell nobody's values when they are logged.

httpx logs the address of every request at level INFO, and a query for persons holds their e-mail addresses. The lines
of these requests show where a call went, and what was asked only by its path.
"""

from __future__ import annotations

import httpx


class QuietURL(httpx.URL):
    """An address that is sent whole and shown without its query."""

    def __str__(self) -> str:
        shown = f"{self.scheme}://{self.netloc.decode('ascii')}{self.path}"
        return f"{shown}?…" if self.query else shown

    def __repr__(self) -> str:
        return f"QuietURL({str(self)!r})"


class HostURL(httpx.URL):
    """An address that is sent whole and shown by its host alone: a sign-in may carry the user's name in its path."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc.decode('ascii')}/…"

    def __repr__(self) -> str:
        return f"HostURL({str(self)!r})"


def quiet(request: httpx.Request, shown: type[QuietURL] | type[HostURL] = QuietURL) -> httpx.Request:
    """Return the request with an address that tells nobody's values when it is logged."""
    request.url = shown(request.url)
    return request
