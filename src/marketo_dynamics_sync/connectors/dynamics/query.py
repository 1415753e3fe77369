"""Query strings of the Web API (Microsoft Learn, "Query data using the Web API")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

#: Longest address of a GET, and of a GET inside a batch, with room to spare below 32,768 and 65,536 characters.
LONGEST_URL: Final = 30_000
LONGEST_PART: Final = 60_000
#: Values in one ``In``; a query with too many conditions is refused (0x8004430c).
MOST_VALUES: Final = 500


def query(options: Mapping[str, str]) -> str:
    """Return a query string with its question mark; every value percent-encoded, nothing where there are no options."""
    if not options:
        return ""
    return "?" + "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in options.items())


_PLAIN: Final = "(),=$@:;'/*"


def is_in(column: str, values: Sequence[str]) -> dict[str, str]:
    """Return the options that filter for rows whose column holds one of some values.

    The values travel as a JSON list in a parameter of their own, so that quotes in them need no rule of their own.
    """
    return {
        "$filter": "Microsoft.Dynamics.CRM.In(PropertyName=@p,PropertyValues=@v)",
        "@p": f"'{column}'",
        "@v": json.dumps(list(values), ensure_ascii=False),
    }


def slices(values: Sequence[str], room: int) -> Iterator[list[str]]:
    """Yield values in pieces whose list takes no more than ``room`` characters of an address."""
    piece: list[str] = []
    taken = 0
    for value in values:
        size = len(quote(json.dumps(value, ensure_ascii=False), safe=_PLAIN)) + 6
        if piece and (taken + size > room or len(piece) >= MOST_VALUES):
            yield piece
            piece, taken = [], 0
        piece.append(value)
        taken += size
    if piece:
        yield piece
