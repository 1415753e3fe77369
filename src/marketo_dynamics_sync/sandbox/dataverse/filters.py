"""``$filter``: a small parser for the operators and functions that the reference lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from .errors import Fault, unknown_property
from .metadata import Table

Row = Mapping[str, object]
Test = Callable[[Row], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<json>\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\])|(?P<punct>[(),=])"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<word>[@A-Za-z_][\w.@/]*)|(?P<value>[-+0-9][\w.:+-]*))"
)
_COMPARE: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: _less(b, a),
    "lt": lambda a, b: _less(a, b),
    "ge": lambda a, b: a == b or _less(b, a),
    "le": lambda a, b: a == b or _less(a, b),
}


def parse_filter(text: str, table: Table, aliases: Mapping[str, str]) -> Test:
    """Return a test of rows.

    Args:
        text: The filter, percent-decoded.
        table: The table; unknown columns are refused.
        aliases: Parameter aliases (``@p``) and their texts.
    """
    return _Parser(text, table, aliases).whole()


class _Parser:
    def __init__(self, text: str, table: Table, aliases: Mapping[str, str]) -> None:
        self._tokens = self._split(text)
        self._at = 0
        self._table = table
        self._columns = table.by_wire()
        self._aliases = aliases

    def whole(self) -> Test:
        test = self._or()
        if self._at < len(self._tokens):
            raise self._bad()
        return test

    @staticmethod
    def _split(text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise Fault(400, "0x80060888", f"Syntax error at position {position} in the filter.")
            tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            position = match.end()
        return tokens

    def _or(self) -> Test:
        left = self._and()
        while self._word("or"):
            right = self._and()
            left = _either(left, right)
        return left

    def _and(self) -> Test:
        left = self._not()
        while self._word("and"):
            right = self._not()
            left = _both(left, right)
        return left

    def _not(self) -> Test:
        if self._word("not"):
            inner = self._not()
            return lambda row: not inner(row)
        if self._punct("("):
            test = self._or()
            self._need(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, name = self._next()
        if kind != "word":
            raise self._bad()
        if name in ("contains", "startswith", "endswith"):
            return self._text_function(name)
        if name == "Microsoft.Dynamics.CRM.In":
            return self._in()
        column = self._column(name)
        _, operator = self._next()
        compare = _COMPARE.get(operator)
        if compare is None:
            raise self._bad()
        value = _fold(self._literal())
        if value is None:
            return lambda row: (row.get(column) is None) is (operator == "eq")
        return lambda row: row.get(column) is not None and compare(_fold(row.get(column)), value)

    def _text_function(self, name: str) -> Test:
        self._need("(")
        column = self._column(self._next()[1])
        self._need(",")
        wanted = str(_fold(self._literal()))
        self._need(")")
        tests: Mapping[str, Callable[[str], bool]] = {
            "contains": lambda text: wanted in text,
            "startswith": lambda text: text.startswith(wanted),
            "endswith": lambda text: text.endswith(wanted),
        }
        test = tests[name]
        return lambda row: row.get(column) is not None and test(str(_fold(row.get(column))))

    def _in(self) -> Test:
        self._need("(")
        given: dict[str, object] = {}
        while not self._punct(")"):
            name = self._next()[1]
            self._need("=")
            given[name] = self._literal()
            self._punct(",")
        column = self._column(str(given.get("PropertyName")))
        values = given.get("PropertyValues")
        if not isinstance(values, list):
            raise self._bad()
        wanted = {_fold(value) for value in values}
        return lambda row: row.get(column) is not None and str(_fold(row.get(column))) in wanted

    def _literal(self) -> object:
        kind, text = self._next()
        if kind == "word" and text.startswith("@"):
            if text not in self._aliases:
                raise self._bad()
            kind, text = self._split(self._aliases[text])[0]
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "json":
            return [str(value) for value in json.loads(text)]
        if kind == "guid":
            return text.lower()
        if kind == "word":
            return {"null": None, "true": True, "false": False}.get(text, text)
        try:
            return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        except ValueError:
            return text

    def _column(self, name: str) -> str:
        if name not in self._columns:
            raise unknown_property(name, self._table.name)
        return name

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._bad()
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("word", word):
            self._at += 1
            return True
        return False

    def _punct(self, mark: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("punct", mark):
            self._at += 1
            return True
        return False

    def _need(self, mark: str) -> None:
        if not self._punct(mark):
            raise self._bad()

    @staticmethod
    def _bad() -> Fault:
        return Fault(400, "0x80060888", "Syntax error in the filter.")


def _fold(value: object) -> object:
    """Texts are compared without letter case."""
    return value.casefold() if isinstance(value, str) else value


def _less(left: object, right: object) -> bool:
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    return left < right if numbers else str(left) < str(right)  # type: ignore[operator]  # numbers were made sure of


def _both(left: Test, right: Test) -> Test:
    return lambda row: left(row) and right(row)


def _either(left: Test, right: Test) -> Test:
    return lambda row: left(row) or right(row)
