"""Reads the body of an answer, as long as it is no longer than any true one."""

from __future__ import annotations

from typing import Final

import httpx

#: Bytes after unpacking. Dataverse's largest page, 5,000 rows of very wide tables, stays far below.
MOST_BYTES: Final = 256 * 1024 * 1024


#: Headers that tell how the body travelled, and are no longer true of it.
_OF_THE_WAY: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class BodyTooLong(Exception):
    """The body goes on and on: nothing of it is kept."""


def whole(response: httpx.Response, most: int = MOST_BYTES) -> httpx.Response:
    """Return a streamed answer with its whole body, unpacked.

    Args:
        response: An answer that was not read yet; the caller closes it.
        most: Bytes that are too many.

    Raises:
        BodyTooLong: It is longer. What was read is let go.
        httpx.RequestError: The connection broke, or the body can't be unpacked.
    """
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > most:
            raise BodyTooLong
        parts.append(part)
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_WAY]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(parts), request=response.request)
