"""Reading rows: ``$select``, ``$filter``, ``$orderby``, pages, annotations, and change tracking."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

from attrs import frozen

from ..clock import SandboxClock
from .errors import Fault, unknown_property
from .filters import parse_filter
from .metadata import Column, Table
from .rows import Rows

_PAGE = 5000


@frozen
class Query:
    """A read as it was asked.

    Attributes:
        root: Address of the API.
        options: System query options.
        aliases: Parameter aliases.
        prefer: The ``Prefer`` header's parts.
    """

    root: str
    options: Mapping[str, str]
    aliases: Mapping[str, str]
    prefer: Mapping[str, str]

    @classmethod
    def read(cls, root: str, query: str, prefer: str) -> Query:
        """Return the read that a query string and a ``Prefer`` header ask for."""
        pairs = parse_qsl(query, keep_blank_values=True)
        options = {name: value for name, value in pairs if name.startswith("$")}
        aliases = {name: value for name, value in pairs if name.startswith("@")}
        parts = {}
        for part in _split(prefer):
            name, _, value = part.strip().partition("=")
            parts[name.lower()] = value.strip('"')
        return cls(root, options, aliases, parts)

    @property
    def size(self) -> int:
        """Rows on a page."""
        raw = self.prefer.get("odata.maxpagesize", "")
        return min(int(raw), _PAGE) if raw.isdecimal() and int(raw) > 0 else _PAGE

    def annotated(self, name: str) -> bool:
        """Return whether an annotation was asked for."""
        asked = [part.strip() for part in self.prefer.get("odata.include-annotations", "").split(",")]
        return any(a == "*" or a == name or (a.endswith("*") and name.startswith(a[:-1])) for a in asked)


class Reads:
    """Answers reads of rows."""

    def __init__(self, clock: SandboxClock, rows: Rows, days: int) -> None:
        self._clock = clock
        self._rows = rows
        self.days = days
        #: When a table's schema last changed: older tokens are refused.
        self.changed: dict[str, datetime] = {}

    def one(self, table: Table, row_id: str, query: Query, hidden: frozenset[str]) -> dict[str, object]:
        """Return one row with its context."""
        row = self._rows.get(table.name, row_id)
        columns = self._select(table, query)
        context = {"@odata.context": f"{query.root}/$metadata#{table.entity_set}/$entity"}
        return context | self._show(table, row, columns, query, hidden)

    def many(self, table: Table, query: Query, hidden: frozenset[str]) -> dict[str, object]:
        """Return a page of rows."""
        if "$deltatoken" in query.options:
            return self._delta(table, query, hidden)
        unknown = set(query.options) - {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken"}
        if unknown:
            raise Fault(400, "0x80060888", f"The query parameter {min(unknown)} is not supported.")
        tracked = "odata.track-changes" in query.prefer
        if tracked:
            self._refuse_tracked(table, query)
        start, token = 0, None
        if "$skiptoken" in query.options:
            start, tracked, token = _cookie(query.options["$skiptoken"])
        token = token or self._token()
        rows = self._matching(table, query)
        top = query.options.get("$top")
        if top is not None:
            rows = rows[: int(top)]
        page = rows[start : start + query.size]
        columns = self._select(table, query)
        names = query.options.get("$select", "")
        answer: dict[str, object] = {"@odata.context": f"{query.root}/$metadata#{table.entity_set}({names})"}
        if query.options.get("$count") == "true":
            answer["@odata.count"] = min(len(rows), _PAGE)
        answer["value"] = [self._show(table, row, columns, query, hidden) for row in page]
        if start + query.size < len(rows):
            cookie = f'<cookie pagenumber="{start + query.size}" token="{token}" istracking="{tracked}" />'
            answer["@odata.nextLink"] = self._link(table, query, "$skiptoken", cookie)
        elif tracked:
            answer["@odata.deltaLink"] = self._link(table, query, "$deltatoken", token)
        return answer

    def count(self, table: Table, query: Query) -> int:
        """Return how many rows match, or how many changed since a token."""
        if "$deltatoken" in query.options:
            version, _ = self._known(table, query.options["$deltatoken"])
            return len(self._changed(table, version)) + len(self._gone(table, version))
        return min(len(self._matching(table, query)), _PAGE)

    def _delta(self, table: Table, query: Query, hidden: frozenset[str]) -> dict[str, object]:
        for option in ("$filter", "$orderby", "$top", "$expand"):
            if option in query.options:
                raise _not_tracked(option)
        version, start = self._known(table, query.options["$deltatoken"])
        now = self._token()
        columns = self._select(table, query)
        everything: list[dict[str, object]] = [
            self._show(table, row, columns, query, hidden) for row in self._changed(table, version)
        ]
        context = f"{query.root}/$metadata#{table.entity_set}/$deletedEntity"
        for row_id in self._gone(table, version):
            everything.append({"@odata.context": context, "id": row_id, "reason": "deleted"})
        names = query.options.get("$select", "")
        answer: dict[str, object] = {
            "@odata.context": f"{query.root}/$metadata#{table.entity_set}({names})/$delta",
            "value": everything[start : start + query.size],
        }
        if start + query.size < len(everything):
            link = self._link(
                table, query, "$deltatoken", f"{query.options['$deltatoken'].split('#')[0]}#{start + query.size}"
            )
            answer["@odata.nextLink"] = link
        else:
            answer["@odata.deltaLink"] = self._link(table, query, "$deltatoken", now)
        return answer

    def _changed(self, table: Table, version: int) -> list[dict[str, object]]:
        rows = self._rows.table(table.name).values()
        found = [row for row in rows if _version(row) > version]
        return sorted(found, key=_version)

    def _gone(self, table: Table, version: int) -> list[str]:
        return [t.id for t in self._rows.tombstones[table.name] if t.version > version]

    def _known(self, table: Table, token: str) -> tuple[int, int]:
        text, _, start = token.partition("#")
        version, _, stamp = text.partition("!")
        try:
            at = datetime.strptime(stamp, "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
            number = int(version)
        except ValueError:
            raise Fault(400, "0x80044352", "Version stamp associated with the client is malformed.") from None
        expired = self._clock.now() - at > timedelta(days=self.days) or self.changed.get(table.name, at) > at
        if expired:
            raise Fault(
                400, "0x80044352", "Version stamp associated with the client has expired. Please perform a full sync."
            )
        return number, int(start or 0)

    def _token(self) -> str:
        return f"{self._rows.version}!{self._clock.now():%m/%d/%Y %H:%M:%S}"

    def _refuse_tracked(self, table: Table, query: Query) -> None:
        for option in ("$filter", "$orderby", "$top", "$expand"):
            if option in query.options:
                raise _not_tracked(option)
        if not table.tracked:
            raise Fault(400, "0x80072491", f"Change tracking is not enabled for entity {table.name}.")

    def _matching(self, table: Table, query: Query) -> list[dict[str, object]]:
        rows: Iterable[dict[str, object]] = self._rows.table(table.name).values()
        if "$filter" in query.options:
            test = parse_filter(query.options["$filter"], table, query.aliases)
            rows = [row for row in rows if test(row)]
        found = sorted(rows, key=lambda row: str(row[table.primary_id]))
        for part in reversed(query.options.get("$orderby", "").split(",")):
            name, _, way = part.strip().partition(" ")
            if name:
                if name not in table.by_wire():
                    raise unknown_property(name, table.name)
                found.sort(key=lambda row: _sortable(row.get(name)), reverse=way.strip() == "desc")
        return found

    def _select(self, table: Table, query: Query) -> list[Column]:
        raw = query.options.get("$select")
        by_wire = table.by_wire()
        if raw is None or raw == "*":
            return list(table.columns.values())
        chosen = {table.primary_id: table.columns[table.primary_id]}
        for name in raw.split(","):
            column = by_wire.get(name.strip())
            if column is None:
                raise unknown_property(name.strip(), table.name)
            chosen[column.name] = column
        if any(column.type == "Money" for column in chosen.values()) and "transactioncurrencyid" in table.columns:
            chosen["transactioncurrencyid"] = table.columns["transactioncurrencyid"]
        return list(chosen.values())

    def _show(
        self, table: Table, row: Mapping[str, object], columns: Sequence[Column], query: Query, hidden: frozenset[str]
    ) -> dict[str, object]:
        shown: dict[str, object] = {"@odata.etag": f'W/"{row["versionnumber"]}"'}
        labels = query.annotated("OData.Community.Display.V1.FormattedValue")
        tables = query.annotated("Microsoft.Dynamics.CRM.lookuplogicalname")
        for column in columns:
            name = column.wire
            value = None if column.name in hidden else row.get(name)
            if tables and column.is_lookup and value is not None:
                default = column.targets[0] if column.targets else ""
                shown[f"{name}@Microsoft.Dynamics.CRM.lookuplogicalname"] = row.get(f"{name}!") or default
            if labels and column.options and value is not None:
                label = next((o["label"] for o in column.options if o["value"] == value), None)
                shown[f"{name}@OData.Community.Display.V1.FormattedValue"] = label
            shown[name] = value
        return shown

    def _link(self, table: Table, query: Query, name: str, value: str) -> str:
        kept = [(n, v) for n, v in query.options.items() if n not in ("$skiptoken", "$deltatoken", "$count")]
        kept += list(query.aliases.items())
        text = "&".join(f"{n}={quote(v, safe=',()=')}" for n, v in [*kept, (name, value)])
        return f"{query.root}/{table.entity_set}?{text}"


def _not_tracked(option: str) -> Fault:
    text = f'The "{option}" query parameter isn\'t supported when Change Tracking is enabled.'
    return Fault(400, "0x80060888", text)


def _version(row: Mapping[str, object]) -> int:
    return int(str(row["versionnumber"]))


def _sortable(value: object) -> tuple[int, float, str]:
    if isinstance(value, (int, float)):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (1, 0.0, str(value).casefold())


def _cookie(raw: str) -> tuple[int, bool, str]:
    parts = dict(
        part.split("=", 1) for part in unquote(raw).strip("</>").replace("cookie ", "").split('" ') if "=" in part
    )
    try:
        number = int(parts["pagenumber"].strip('"'))
        return number, parts["istracking"].strip('" /') == "True", parts["token"].strip('"')
    except (KeyError, ValueError):
        raise Fault(400, "0x80041129", "The paging cookie is malformed.") from None


def _split(prefer: str) -> list[str]:
    """Split preferences at commas outside quotes."""
    parts, quoted, current = [], False, ""
    for character in prefer:
        quoted ^= character == '"'
        if character == "," and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part.strip()]


def as_json(data: object) -> bytes:
    """Return JSON as the service writes it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
