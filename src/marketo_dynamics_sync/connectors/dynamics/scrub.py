"""Makes a server's error text fit to be shown: names and codes stay, values go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Stands for what was taken out.
GAP: Final = "…"
#: Longest text that is kept; plug-ins can answer with a whole stack trace.
LONGEST: Final = 400

_MAIL: Final = re.compile(r"[^\s'\"<>()\[\],;:]+@[^\s'\"<>()\[\],;]+")
_GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_KEYED: Final = re.compile(r"(value is )\([^)]*\)?", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|“([^”]*)”|‘([^’]*)’|`([^`]*)`")
_LONG_NUMBER: Final = re.compile(r"(?<![\w-])\+?\d[\d ()./-]{5,}\d(?![\w-])")
_HEX: Final = re.compile(r"0x[0-9a-f]{1,8}", re.IGNORECASE)
_SMALL_NUMBER: Final = re.compile(r"-?\d{1,6}")
_TYPE: Final = re.compile(r"(?:Microsoft|System|Edm)(?:\.\w+)+|prv\w+")


def scrub(text: str, *, names: Iterable[str] = (), values: Iterable[object] = ()) -> str:
    """Return an error text of the server without the values it may quote.

    Args:
        text: The text.
        names: Column, table and navigation names that may stay in quotes; letter case doesn't count.
        values: Values that were sent; each is taken out wherever it stands as a word of its own.

    A quoted part stays if it is a known name, a row id, a code, a small number (a length or a limit) or a type or
    privilege name, or if the word beside it says that it is a name; every other one goes. E-mail addresses and long
    numbers go wherever they stand.
    """
    known = {name.casefold() for name in names}
    text = " ".join(text.split())
    for value in _words(values):
        if value.casefold() not in known:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", GAP, text, flags=re.IGNORECASE)
    text = _MAIL.sub(GAP, text)
    text = _KEYED.sub(rf"\1({GAP})", text)
    text = _QUOTED.sub(lambda match: _quoted(match, known), text)
    text = _outside(text)
    return text if len(text) <= LONGEST else text[:LONGEST] + GAP


def named(text: str, names: Iterable[str]) -> str | None:
    """Return the first of ``names`` that an error text speaks of as a word of its own, the quoted ones first."""
    candidates = sorted(names, key=len, reverse=True)
    for pattern in (r"['\"“‘`]{name}['\"”’`]", r"(?<![\w.]){name}(?![\w])"):
        found = [
            (match.start(), name)
            for name in candidates
            if (match := re.search(pattern.format(name=re.escape(name)), text, re.IGNORECASE))
        ]
        if found:
            return min(found)[1]
    return None


def row_ids(text: str) -> set[str]:
    """Return the row ids in a text, in lower case."""
    return {found.lower() for found in _GUID.findall(text)}


def _words(values: Iterable[object]) -> list[str]:
    texts = {" ".join(str(value).split()) for value in values if value is not None and not isinstance(value, bool)}
    return sorted((text for text in texts if len(text) > 1), key=len, reverse=True)


def _quoted(match: re.Match[str], known: set[str]) -> str:
    inner = next((group for group in match.groups() if group is not None), "")
    keep = inner == GAP or inner.casefold() in known or any(p.fullmatch(inner) for p in _KEEP) or _called(match, inner)
    return match.group(0) if keep else match.group(0)[0] + GAP + match.group(0)[-1]


def _called(match: re.Match[str], inner: str) -> bool:
    """Return whether the words around a quoted part say that it is a name, as in "property named 'x'"."""
    before, after = match.string[: match.start()].split(), match.string[match.end() :].split()
    told = (before[-1:] and before[-1].lower() in _NAMERS) or (after[:1] and after[0].lower().rstrip(".,") in _NAMERS)
    return bool(told) and _IDENTIFIER.fullmatch(inner) is not None


_NAMERS: Final = frozenset({"attribute", "column", "entity", "named", "property", "segment", "table"})
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEEP: Final = (_GUID, _HEX, _SMALL_NUMBER, _TYPE)


def _outside(text: str) -> str:
    """Take long numbers out of a text, but not out of row ids."""
    pieces, last = [], 0
    for guid in _GUID.finditer(text):
        pieces += [_LONG_NUMBER.sub(GAP, text[last : guid.start()]), guid.group(0)]
        last = guid.end()
    return "".join([*pieces, _LONG_NUMBER.sub(GAP, text[last:])])
