"""Answers as the service writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..http import Response
from .errors import JSON_HEADERS


def json_answer(data: object, headers: Iterable[tuple[str, str]] = (), *, status: int = 200) -> Response:
    """Return an answer with a JSON body."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, [*JSON_HEADERS, *headers], body)


def text_answer(text: str) -> Response:
    """Return an answer with a plain text, such as a count."""
    return Response(200, [("Content-Type", "text/plain"), ("OData-Version", "4.0")], text.encode())


def no_content(headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return an answer without a body."""
    return Response(204, [("OData-Version", "4.0"), *headers])
