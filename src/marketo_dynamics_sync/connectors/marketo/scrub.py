"""Takes values out of the service's messages: they quote what people typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_FIELD: Final = re.compile(r"\bfield\s+['\"]([A-Za-z_][\w.]*)['\"]", re.IGNORECASE)
_NAMES: Final = re.compile(r"\b(?:field|parameter)\s+['\"]([A-Za-z_][\w.]*)['\"]", re.IGNORECASE)
#: Everything from "value 'x" on to the last quote: a value may hold quotes itself.
_VALUE: Final = re.compile(r"(?:\s*,?\s*\band)?\s*\bvalue\s+(['\"]).*\1", re.IGNORECASE | re.DOTALL)
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_MAIL: Final = re.compile(r"[^\s'\"<>(),;:]+@[^\s'\"<>(),;:]+")
_LONGEST: Final = 300
_SHORTEST_VALUE: Final = 3
_GONE: Final = "…"


def field_in(message: str) -> str | None:
    """Return the field that a message names, if it does."""
    found = _FIELD.search(message)
    return found.group(1) if found else None


def scrub(message: str, values: Iterable[object] = ()) -> str:
    """Return a message without values: field names, ids and the service's own words stay.

    Args:
        message: The service's message.
        values: What was sent; wherever a text of it is quoted, it is taken out.
    """
    names = set(_NAMES.findall(message))
    text = _VALUE.sub("", message)
    for value in sorted({v for v in values if isinstance(v, str) and len(v) >= _SHORTEST_VALUE}, key=len, reverse=True):
        if value not in names:
            text = text.replace(value, _GONE)
    text = _MAIL.sub(_GONE, text)
    text = _QUOTED.sub(lambda quoted: _kept(quoted, names), text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + _GONE


def _kept(quoted: re.Match[str], names: set[str]) -> str:
    inner = quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
    return quoted.group(0) if inner in names or inner.isdecimal() else f"'{_GONE}'"
