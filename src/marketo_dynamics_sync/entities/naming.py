"""Names of services made into Python names and literals, whatever script or sign they hold."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: A publisher's prefix has two to eight characters (Microsoft Learn, "Create a solution"); addresses look like one.
_PREFIX = re.compile(r"(?!address[0-9]_)[a-z][a-z0-9]{1,7}_(?=.)")
_SUFFIX = re.compile(r"(?<=.)__?c$")


def bare_column(name: str) -> str:
    """Return a column's name without its publisher's prefix (``new_``)."""
    found = _PREFIX.match(name)
    return name[found.end() :] if found else name


def bare_field(name: str) -> str:
    """Return a Marketo field's name without the suffix of custom fields (``_c``)."""
    return _SUFFIX.sub("", name)


def fold(name: str) -> str:
    """Return what two names have in common that differ in letter case and signs only."""
    return "".join(c for c in name.casefold() if c.isalnum())


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes, as a formatter counts line length."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def identifier(text: str, *, otherwise: str, upper: bool = False, most: int = 40) -> str:
    """Return a Python identifier that reads like ``text``.

    Args:
        text: Any text.
        otherwise: What stands in front, or alone, where the text can't begin an identifier.
        upper: Write it as a constant.
        most: Greatest width.
    """
    # Python reads identifiers in NFKC, so two names that differ only before it would be one; upper case can undo it.
    words = unicodedata.normalize("NFKC", text if upper else _HUMP.sub("_", text))
    words = unicodedata.normalize("NFKC", words.upper() if upper else words.lower())
    kept = "".join(c if f"a{c}".isidentifier() else "_" for c in words)
    name = _cut(re.sub("_+", "_", kept).strip("_"), most)
    if not name.isidentifier():
        name = _cut(f"{otherwise}_{name}", most)
    return unicodedata.normalize("NFKC", name)


def _cut(name: str, most: int) -> str:
    while width(name) > most:
        name = name[:-1]
    return name.strip("_")


def class_name(text: str) -> str:
    """Return a name for a class that reads like ``text``."""
    words = identifier(text, otherwise="own").split("_")
    name = unicodedata.normalize("NFKC", "".join(word[:1].upper() + word[1:] for word in words))
    return f"{name}_" if keyword.iskeyword(name) else name


def words(name: str) -> str:
    """Return a camel-case name as people read it: ``"slaTier_c"`` as ``"Sla Tier"``."""
    return " ".join(word[:1].upper() + word[1:] for word in _HUMP.sub("_", bare_field(name)).split("_") if word)


def unique(name: str, taken: Container[str]) -> str:
    """Return ``name``, or the first of ``name_2``, ``name_3``, … that is not taken; a keyword gets an underscore."""
    name = f"{name}_" if keyword.iskeyword(name) else name
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name.rstrip('_')}_{number}"
    return found


def literal(text: str) -> str:
    """Return a string literal as a formatter writes it: double quotes, unless they cost more escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    body = "".join(f"\\{c}" if c in (quote, "\\") else _shown(c) for c in text)
    return f"{quote}{body}{quote}"


def plain(text: str) -> str:
    """Return a text as it can stand in a comment or a docstring: in one line, without double quotes or backslashes."""
    return "".join("_" if c in '"\\' or not c.isprintable() else c for c in text)


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
