"""Answers that are files, whole or in part (Adobe, "Bulk Extract", "Retrieving Your Data"; RFC 7233)."""

from __future__ import annotations

import re
from email.utils import format_datetime

from ...clock import SandboxClock
from ...http import Response

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_TYPE = "text/csv;charset=UTF-8"


class Files:
    """Makes answers that are files. Every format has the media type of CSV, which Adobe does not settle for the others.

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock

    def whole(self, content: bytes) -> Response:
        """Return a file."""
        return Response(200, self._headers(_TYPE), content)

    def part(self, content: bytes, wanted: str | None) -> Response:
        """Return a file, or the part that a ``Range`` header asks for.

        As RFC 7233 has it: 206 with the part, 416 when the file has no such part, and the whole file when the header
        cannot be read, which here holds for one that asks for several parts too.
        """
        size = len(content)
        match = _RANGE.fullmatch(wanted or "")
        if match is None or match.groups() == ("", ""):
            whole = self.whole(content)
            whole.headers.append(("Accept-Ranges", "bytes"))
            return whole
        first, last = match.groups()
        start = max(0, size - int(last)) if not first else int(first)
        stop = size if not first or not last else min(size, int(last) + 1)
        if first and last and int(last) < int(first):
            return self.part(content, None)
        headers = [*self._headers(_TYPE), ("Accept-Ranges", "bytes")]
        if start >= size:
            return Response(416, [*headers, ("Content-Range", f"bytes */{size}")])
        return Response(206, [*headers, ("Content-Range", f"bytes {start}-{stop - 1}/{size}")], content[start:stop])

    def missing(self, text: str) -> Response:
        """Return 404 with a plain text, as the file calls do."""
        return Response(404, self._headers("text/plain;charset=UTF-8"), text.encode())

    def _headers(self, kind: str) -> list[tuple[str, str]]:
        now = format_datetime(self._clock.now(), usegmt=True)
        return [("Content-Type", kind), ("Server", "nginx"), ("Date", now)]
