"""Change tracking: delta links, what they bring, and when they are refused.

Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from .environment import Environment
from .errors import Fault, bad_query
from .metadata import Table
from .paging import Cookie, Mark, invalid_cookie, link
from .projection import Projection, Shown, selected
from .query import PAGE, Query

_STAMP: Final = "%m/%d/%Y %H:%M:%S"


class Tracking:
    """Answers delta links."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def token(self) -> str:
        """Return a token for what comes after now."""
        return f"{self._environment.storage.version}!{self._environment.clock.now().strftime(_STAMP)}"

    def count(self, table: Table, token: str) -> int:
        """Return how many rows changed or went since a token."""
        since = self._since(table, token)
        storage = self._environment.storage
        changed = storage.changed(table.name, since, storage.version)
        return min(len(changed) + len(storage.gone(table.name, since, storage.version)), PAGE)

    def delta(self, table: Table, query: Query) -> Shown:
        """Return a page of changes: rows by version, then deletions."""
        refuse_untracked(table, query)
        token = query.options["$deltatoken"]
        since = self._since(table, token)
        start, until_token, number = ("row", since), self.token(), 2
        if "$skiptoken" in query.options:
            cookie = Cookie.read(query.options["$skiptoken"])
            start, until_token, number = _position(cookie.marks), cookie.token, cookie.number + 1
        until = int(until_token.partition("!")[0])
        size = query.prefer.size or PAGE
        storage = self._environment.storage
        rows: Sequence[Mapping[str, object]] = []
        if start[0] == "row":
            rows = storage.changed(table.name, max(since, start[1]), until)[: size + 1]
        gone_after = start[1] if start[0] == "gone" else since
        gone = storage.gone(table.name, gone_after, until)[: size + 1 - len(rows)]
        more = len(rows) + len(gone) > size
        shown_rows = rows[:size]
        shown_gone = gone[: size - len(shown_rows)]
        names = query.options.get("$select")
        what = f"({names})" if names else ""
        home = f"{query.root}/$metadata#{table.entity_set}"
        projection = Projection(self._environment, table, query, selected(table, names))
        value = projection.all(shown_rows)
        value += [
            {"@odata.context": f"{home}/$deletedEntity", "id": stone.id, "reason": "deleted"} for stone in shown_gone
        ]
        answer: Shown = {"@odata.context": f"{home}{what}/$delta", "value": value}
        if more:
            end = ("gone", shown_gone[-1].version) if shown_gone else ("row", int(str(shown_rows[-1]["versionnumber"])))
            following = Cookie(number, [Mark(end[0], str(end[1]), str(end[1]))], True, until_token)
            tokens = {"$deltatoken": token, "$skiptoken": following.text()}
            answer["@odata.nextLink"] = link(query, table.entity_set, tokens)
        else:
            answer["@odata.deltaLink"] = link(query, table.entity_set, {"$deltatoken": until_token})
        return answer

    def _since(self, table: Table, token: str) -> int:
        version, _, stamp = token.partition("!")
        try:
            at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
            since = int(version)
        except ValueError:
            raise _expired("Version stamp associated with the client is malformed.") from None
        environment = self._environment
        too_old = environment.clock.now() - at > timedelta(days=environment.tracking_days)
        schema_changed = environment.schema_changed.get(table.name, at) > at
        if too_old or schema_changed or since > environment.storage.version:
            raise _expired("Version stamp associated with the client has expired. Please perform a full sync.")
        return since


def refuse_untracked(table: Table, query: Query) -> None:
    """Refuse a tracked read that asks for what change tracking doesn't do.

    Raises:
        Fault: An option that isn't allowed, or a table without change tracking.
    """
    for option in ("$filter", "$orderby", "$top", "$expand", "$apply"):
        if option in query.options:
            raise bad_query(f'The "{option}" query parameter isn\'t supported when Change Tracking is enabled.')
    if not table.tracked:
        raise Fault(400, "0x80072491", f"Change tracking is not enabled for entity {table.name}.")


def _position(marks: Sequence[Mark]) -> tuple[str, int]:
    text = str(marks[0].last)
    if marks[0].name not in ("row", "gone") or not text.isdecimal():
        raise invalid_cookie()
    return marks[0].name, int(text)


def _expired(text: str) -> Fault:
    return Fault(400, "0x80044352", text)
