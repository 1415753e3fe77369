"""What a read asks for: query options, parameter aliases and preferences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from attrs import frozen

from .errors import Fault, bad_query

#: Rows on a page, unless fewer are asked for.
PAGE = 5000
_APPLIED = ("return", "odata.maxpagesize", "odata.include-annotations", "odata.track-changes")
_SYSTEM = ("$select", "$filter", "$orderby", "$top", "$count", "$expand", "$apply", "$skiptoken", "$deltatoken", "$id")


@frozen
class Preferences:
    """The ``Prefer`` header, taken apart (Microsoft Learn, "Compose HTTP requests", *Prefer headers*).

    Attributes:
        parts: Value by name in lower case.
        raw: The preferences as they were written, by name.
    """

    parts: Mapping[str, str]
    raw: Mapping[str, str]

    @classmethod
    def read(cls, header: str) -> Preferences:
        """Return the preferences of a header."""
        parts, raw = {}, {}
        for part in split(header):
            name, _, value = part.strip().partition("=")
            parts[name.strip().lower()] = value.strip().strip('"')
            raw[name.strip().lower()] = part.strip()
        return cls(parts, raw)

    @property
    def size(self) -> int | None:
        """The page size asked for; more than a page can hold is ignored."""
        text = self.parts.get("odata.maxpagesize", "")
        asked = int(text) if text.isdecimal() else 0
        return asked if 0 < asked <= PAGE else None

    @property
    def tracked(self) -> bool:
        """Whether a delta link is asked for."""
        return "odata.track-changes" in self.parts

    @property
    def representation(self) -> bool:
        """Whether the row is asked for after a write."""
        return self.parts.get("return") == "representation"

    @property
    def annotates(self) -> bool:
        """Whether any annotation is asked for."""
        return "odata.include-annotations" in self.parts

    def annotated(self, name: str) -> bool:
        """Return whether an annotation is asked for."""
        asked = [part.strip() for part in self.parts.get("odata.include-annotations", "").split(",")]
        return any(a == "*" or a == name or (a.endswith("*") and name.startswith(a[:-1])) for a in asked if a)

    def applied(self) -> list[tuple[str, str]]:
        """Return the ``Preference-Applied`` header, if one is due."""
        known = [text for name, text in self.raw.items() if name in _APPLIED]
        return [("Preference-Applied", ",".join(known))] if known else []


@frozen
class Query:
    """A read as it was asked.

    Attributes:
        root: Address of the API.
        options: System query options.
        aliases: Parameter aliases.
        prefer: Preferences.
        custom: Options that are neither, such as ``tag``.
    """

    root: str
    options: Mapping[str, str]
    aliases: Mapping[str, str]
    prefer: Preferences
    custom: Mapping[str, str]

    @classmethod
    def read(cls, root: str, query: str, prefer: str) -> Query:
        """Return the read that a query string and a ``Prefer`` header ask for.

        Raises:
            Fault: An option the service doesn't know, or one that is there twice.
        """
        options: dict[str, str] = {}
        aliases: dict[str, str] = {}
        custom: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            home = options if name.startswith("$") else aliases if name.startswith("@") else custom
            if name in home and home is options:
                raise bad_query(f"Query option '{name}' was specified more than once, but it must be specified once.")
            home[name] = value
        if "$skip" in options:
            raise bad_query("Skip Clause is not supported in CRM")
        unknown = sorted(set(options) - set(_SYSTEM))
        if unknown:
            raise bad_query(f"The query parameter '{unknown[0]}' is not supported.")
        if custom.keys() & {"fetchXml", "sql", "savedQuery", "userQuery"}:
            raise Fault(501, "0x80040219", "The sandbox runs OData queries only, no FetchXML, SQL or saved queries.")
        return cls(root, options, aliases, Preferences.read(prefer), custom)

    def only(self, allowed: Iterable[str]) -> None:
        """Refuse options that this resource doesn't take."""
        unknown = sorted(set(self.options) - set(allowed))
        if unknown:
            raise bad_query(f"The query parameter '{unknown[0]}' is not supported.")

    @property
    def top(self) -> int | None:
        """``$top``, unless a page size is asked for as well (Microsoft Learn, "Page results using OData")."""
        text = self.options.get("$top")
        if text is None or self.prefer.size is not None:
            return None
        if not text.isdecimal():
            raise bad_query(f"Invalid value '{text}' for $top query option found. The $top query option requires a "
                            "non-negative integer value.")  # fmt: skip
        return int(text)

    @property
    def counted(self) -> bool:
        """Whether ``$count=true``."""
        text = self.options.get("$count", "false")
        if text not in ("true", "false"):
            raise bad_query(f"Invalid value '{text}' for $count query option found. Valid values are 'true, false'.")
        return text == "true"


def split(text: str, separator: str = ",") -> list[str]:
    """Split at a separator outside quotes and brackets; empty parts are left out."""
    parts: list[str] = []
    depth, quote, current = 0, "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(current)
            current = ""
            continue
        current += character
    return [part for part in [*parts, current] if part.strip()]
