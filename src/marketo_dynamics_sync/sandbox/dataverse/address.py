"""Addresses of resources: segments with their keys, as they stand in a path or a bind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from .errors import bad_query, no_segment
from .lexer import Literal, literal, tokens
from .query import split

#: Where the Web API lives.
API: Final = "/api/data/v9.2"
_SEGMENT: Final = re.compile(r"(?P<name>[$A-Za-z_][\w.]*)(?:\((?P<key>.*)\))?", re.DOTALL)
_BASE: Final = re.compile(r"(?:https?://[^/]*)?(?:/?api/data/v9\.\d/)?/?")


@frozen
class Segment:
    """One step of a path.

    Attributes:
        name: Entity set, property, function or action.
        key: What stands in brackets, ``None`` without any.
    """

    name: str
    key: str | None = None


@frozen
class RowKey:
    """What tells one row.

    Attributes:
        id: Primary key, when it is that.
        values: Values by column, when it is an alternate key.
    """

    id: str | None
    values: Mapping[str, Literal]


def segments(path: str) -> list[Segment]:
    """Return the steps of a path below the API's root, percent-decoded.

    Raises:
        Fault: A step that can't be read.
    """
    found: list[Segment] = []
    for part in split(path.strip("/"), "/"):
        match = _SEGMENT.fullmatch(part)
        if match is None:
            raise no_segment(part)
        found.append(Segment(match["name"], match["key"]))
    return found


def reference(text: str) -> list[Segment]:
    """Return the steps of an address in a body: relative, from the root, or whole."""
    match = _BASE.match(text)
    return segments(text[match.end() :] if match else text)


def row_key(text: str, primary: str, *, named: bool = True) -> RowKey:
    """Return what a key in brackets says.

    Args:
        text: What stands in the brackets.
        primary: Primary key column.
        named: Whether ``primaryid=GUID`` may be written; not for users and teams, whose key is ``ownerid``.

    Raises:
        Fault: The key can't be read.
    """
    values: dict[str, Literal] = {}
    parts = split(text)
    for part in parts:
        found = tokens(part)
        if len(found) == 1:
            value = literal(found[0])
            if value is None or value.edm != "Guid" or len(parts) > 1:
                raise bad_query(f"Bad Request - Error in query syntax: '{text}' is no key.")
            return RowKey(str(value.value), {})
        value = literal(found[2]) if len(found) == 3 and found[1].text == "=" else None
        if value is None or found[0].kind != "word":
            raise bad_query(f"Bad Request - Error in query syntax: '{text}' is no key.")
        values[found[0].text] = value
    if list(values) == [primary] and named:
        return RowKey(str(values[primary].value).lower(), {})
    if not values:
        raise bad_query("Bad Request - Error in query syntax: the key is empty.")
    return RowKey(None, values)
