"""Paging cookies: where a page ended, by value, so that rows made in between neither repeat nor skip others.

The form of the cookie is that of Microsoft Learn, "Page results using OData"; callers must not look inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Final
from urllib.parse import quote, unquote

from attrs import frozen

from .errors import Fault
from .query import Query

_OUTER: Final = re.compile(
    r'<cookie pagenumber="(?P<number>\d+)" pagingcookie="(?P<inner>[^"]*)" istracking="(?P<tracked>True|False)" />'
)
_INNER: Final = re.compile(r'<cookie page="\d+"(?: token="(?P<token>[^"]*)")?>(?P<marks>.*)</cookie>', re.DOTALL)
_MARK: Final = re.compile(r'<(?P<name>[\w.-]+) (?:last="(?P<last>[^"]*)"|lastnull="1") [^>]*/>')
#: Characters that links carry as they are.
_PLAIN: Final = "(),'$=;/:@*"


@frozen
class Mark:
    """A value at the end of a page.

    Attributes:
        name: What is ordered by.
        last: Value in the last row, ``None`` for none.
        first: Value in the first row.
    """

    name: str
    last: str | None
    first: str | None


@frozen
class Cookie:
    """Where a page ended.

    Attributes:
        number: Number of the page that follows.
        marks: Values that the rows are ordered by, in the last row; the primary key comes last.
        tracked: Whether a delta link comes at the end.
        token: The delta token that the whole read will end with, when it is tracked.
    """

    number: int
    marks: Sequence[Mark]
    tracked: bool = False
    token: str = ""

    @classmethod
    def read(cls, text: str) -> Cookie:
        """Return the cookie in a ``$skiptoken``.

        Raises:
            Fault: It isn't one of ours.
        """
        outer = _OUTER.fullmatch(text)
        inner = _INNER.fullmatch(unquote(outer["inner"])) if outer else None
        if outer is None or inner is None:
            raise invalid_cookie()
        marks = []
        for found in _MARK.finditer(inner["marks"]):
            last = found["last"]
            marks.append(Mark(found["name"], None if last is None else unescape(last), None))
        if not marks:
            raise invalid_cookie()
        return cls(int(outer["number"]), marks, outer["tracked"] == "True", unescape(inner["token"] or ""))

    def text(self) -> str:
        """Return the ``$skiptoken``, before it is percent-encoded."""
        marks = "".join(
            f"<{mark.name} {_side('last', mark.last)} {_side('first', mark.first)} />" for mark in self.marks
        )
        token = f' token="{escape(self.token)}"' if self.token else ""
        inner = f'<cookie page="{self.number - 1}"{token}>{marks}</cookie>'
        encoded = re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(inner, safe=""))
        return f'<cookie pagenumber="{self.number}" pagingcookie="{encoded}" istracking="{self.tracked}" />'


def invalid_cookie() -> Fault:
    """Return the error for a cookie that can't be used."""
    return Fault(400, "0x8004112a", "Invalid paging cookie.")


def link(query: Query, path: str, changes: dict[str, str]) -> str:
    """Return a link to the same query with other tokens.

    Args:
        query: The query.
        path: Path below the API's root.
        changes: ``$skiptoken`` or ``$deltatoken`` and their values.
    """
    kept = {name: value for name, value in query.options.items() if name not in ("$skiptoken", "$deltatoken")}
    every = [*kept.items(), *query.aliases.items(), *query.custom.items()]
    parts = [f"{name}={quote(value, safe=_PLAIN)}" for name, value in every]
    parts += [f"{name}={quote(value, safe='=/')}" for name, value in changes.items()]
    return f"{query.root}/{path}" + (f"?{'&'.join(parts)}" if parts else "")


def _side(name: str, value: str | None) -> str:
    return f'{name}null="1"' if value is None else f'{name}="{escape(value)}"'
