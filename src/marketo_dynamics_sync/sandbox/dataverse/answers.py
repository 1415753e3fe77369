"""Answers as the service writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from ..http import Response
from .errors import JSON_HEADERS
from .rendering import Rendered

# Answers are trees, so looking for circles in each of 5,000 rows is left out.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def json_answer(data: object, headers: Iterable[tuple[str, str]] = (), *, status: int = 200) -> Response:
    """Return an answer with a JSON body. Its rows, in ``value``, may have been rendered before."""
    rows = data.get("value") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(rows, Rendered):
        # Quotes inside texts are escaped, so this can only be the member itself.
        body = _ENCODER.encode({**data, "value": []}).replace('"value":[]', f'"value":{rows.text}', 1).encode()
    else:
        body = _ENCODER.encode(data).encode()
    return Response(status, [*JSON_HEADERS, *headers], body)


def text_answer(text: str) -> Response:
    """Return an answer with a plain text, such as a count."""
    return Response(200, [("Content-Type", "text/plain"), ("OData-Version", "4.0")], text.encode())


def no_content(headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return an answer without a body."""
    return Response(204, [("OData-Version", "4.0"), *headers])
