"""``$filter``: a parser for the operators and functions that the service has.

Source: Microsoft Learn, "Filter rows using OData". Logic has three values as in SQL: what compares with nothing is
neither true nor false, and such rows are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from attrs import frozen

from .errors import bad_query
from .lexer import Literal, Token, literal, tokens

Data = Mapping[str, object]
Test = Callable[[Data], bool | None]
Get = Callable[[Data], object]

_FUNCTIONS: Final = ("contains", "startswith", "endswith")
_NAMESPACE: Final = "Microsoft.Dynamics.CRM."
_TEXTS: Final = frozenset({"String"})
_NUMBERS: Final = frozenset({"Int32", "Decimal"})


@frozen
class Property:
    """Something of a row that can be compared.

    Attributes:
        edm: Its type: ``String``, ``Int32``, ``Decimal``, ``Boolean``, ``Guid``, ``Date``, ``DateTimeOffset``, or
            ``""`` for one that compares with anything.
        get: Returns its value.
    """

    edm: str
    get: Get


class Scope(Protocol):
    """What names in a filter stand for."""

    def property(self, path: str) -> Property:
        """Return what a path stands for, or raise the service's error."""
        ...

    def collection(self, path: str) -> tuple[Callable[[Data], Iterable[Data]], Scope]:
        """Return what gives the related rows of a row, and what names mean there."""
        ...

    def function(self, name: str, arguments: Mapping[str, Literal]) -> Test:
        """Return a query function of the service."""
        ...


def parse_filter(text: str, scope: Scope, aliases: Mapping[str, str] | None = None) -> Test:
    """Return a test of rows.

    Args:
        text: The filter, percent-decoded.
        scope: What names stand for.
        aliases: Parameter aliases (``@p``) and their texts.

    Raises:
        Fault: The filter can't be understood.
    """
    return _Parser(text, scope, aliases or {}).whole()


def holds(test: Test, row: Data) -> bool:
    """Return whether a test is true, not false and not unknown."""
    return test(row) is True


class _Parser:
    def __init__(self, text: str, scope: Scope, aliases: Mapping[str, str]) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._scopes: list[tuple[str, Scope]] = [("", scope)]
        self._aliases = aliases

    def whole(self) -> Test:
        test = self._or()
        if self._at < len(self._tokens):
            raise self._bad()
        return test

    def _or(self) -> Test:
        left = self._and()
        while self._word("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Test:
        left = self._not()
        while self._word("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Test:
        if self._word("not"):
            return _opposite(self._not())
        if self._punct("("):
            test = self._or()
            self._need(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        token = self._peek()
        if token.kind == "word":
            if token.text in _FUNCTIONS:
                return self._text_function()
            if token.text.startswith(_NAMESPACE):
                return self._query_function()
            if token.text.endswith(("/any", "/all")):
                return self._lambda()
            following = self._tokens[self._at + 1 : self._at + 2]
            if following and following[0].text == "(":
                raise bad_query(f"An unknown function with name '{token.text}' was found.")
        left, left_edm = self._operand()
        operator = self._next().text
        if operator not in _COMPARE:
            raise self._bad()
        right, right_edm = self._operand()
        if not comparable(left_edm, right_edm):
            kinds = f"'Edm.{left_edm}' and 'Edm.{right_edm}'"
            raise bad_query(
                "A binary operator with incompatible types was detected. Found operand types "
                f"{kinds} for operator kind '{_COMPARE[operator][0]}'."
            )
        return _comparison(left, right, operator, "Null" in (left_edm, right_edm))

    def _operand(self) -> tuple[Get, str]:
        token = self._resolved()
        value = literal(token)
        if value is not None:
            constant = normal(value.value)
            return (lambda row: constant), value.edm
        if token.kind != "word":
            raise self._bad()
        found = self._property(token.text)
        get = found.get
        return (lambda row: normal(get(row))), found.edm

    def _property(self, path: str) -> Property:
        first, _, rest = path.partition("/")
        for variable, scope in reversed(self._scopes):
            if variable == first and variable:
                return scope.property(rest)
        return self._scopes[0][1].property(path)

    def _resolved(self) -> Token:
        """Return the next token, or what its parameter alias stands for: null without a value."""
        token = self._next()
        if not token.text.startswith("@"):
            return token
        found = tokens(self._aliases.get(token.text, "null"))
        if len(found) != 1:
            raise self._bad()
        return found[0]

    def _text_function(self) -> Test:
        name = self._next().text
        self._need("(")
        left, left_edm = self._operand()
        self._need(",")
        right, right_edm = self._operand()
        self._need(")")
        if left_edm not in ("String", "") or right_edm not in ("String", ""):
            raise bad_query(
                f"No function signature for the function with name '{name}' matches the specified arguments."
            )
        before = "" if name == "startswith" else ".*"
        after = "" if name == "endswith" else ".*"

        def test(row: Data) -> bool | None:
            text, wanted = left(row), right(row)
            if text is None or wanted is None:
                return None
            return re.fullmatch(before + _like(str(wanted)) + after, str(text), re.DOTALL) is not None

        return test

    def _query_function(self) -> Test:
        name = self._next().text.removeprefix(_NAMESPACE)
        self._need("(")
        given: dict[str, Literal] = {}
        while not self._punct(")"):
            key = self._next().text
            self._need("=")
            value = literal(self._resolved())
            if value is None:
                raise self._bad()
            given[key] = value
            self._punct(",")
        return self._scopes[0][1].function(name, given)

    def _lambda(self) -> Test:
        path, _, kind = self._next().text.rpartition("/")
        rows, scope = self._scopes[0][1].collection(path)
        self._need("(")
        if self._punct(")"):
            return lambda row: any(True for _ in rows(row))
        variable = self._next().text
        self._need(":")
        self._scopes.append((variable, scope))
        inner = self._or()
        self._scopes.pop()
        self._need(")")
        if kind == "any":
            return lambda row: any(holds(inner, each) for each in rows(row))
        return lambda row: all(holds(inner, each) for each in rows(row))

    def _peek(self) -> Token:
        if self._at >= len(self._tokens):
            raise self._bad()
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _word(self, word: str) -> bool:
        return self._take("word", word)

    def _punct(self, mark: str) -> bool:
        return self._take("punct", mark)

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].kind == kind:
            found = self._tokens[self._at].text == text
            self._at += found
            return found
        return False

    def _need(self, mark: str) -> None:
        if not self._punct(mark):
            raise self._bad()

    def _bad(self) -> Exception:
        at = self._tokens[self._at].at if self._at < len(self._tokens) else len(self._text)
        return bad_query(f"Syntax error at position {at} in '{self._text}'.")


def comparable(left: str, right: str) -> bool:
    """Return whether values of two types can be compared. A GUID may be written as a text."""
    if not left or not right or "Null" in (left, right) or "Enum" in (left, right):
        return True
    if left in _NUMBERS or right in _NUMBERS:
        return left in _NUMBERS and right in _NUMBERS
    if "Boolean" in (left, right):
        return left == right
    texts = left in _TEXTS and right in _TEXTS
    moments = {"Date", "DateTimeOffset"}
    return texts or {left, right} <= {"Guid", "String"} or {left, right} <= moments


def normal(value: object) -> object:
    """Return a value as it is compared: texts and moments without letter case and zone mark."""
    if isinstance(value, str):
        text = value.casefold()
        return text[:-1] if len(text) > 18 and text[10:11] == "t" and text.endswith("z") else text
    return value


def _less(left: object, right: object) -> bool:
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    return str(left) < str(right)


_COMPARE: Final[Mapping[str, tuple[str, Callable[[object, object], bool]]]] = {
    "eq": ("Equal", lambda a, b: a == b),
    "ne": ("NotEqual", lambda a, b: a != b),
    "gt": ("GreaterThan", lambda a, b: _less(b, a)),
    "lt": ("LessThan", lambda a, b: _less(a, b)),
    "ge": ("GreaterThanOrEqual", lambda a, b: a == b or _less(b, a)),
    "le": ("LessThanOrEqual", lambda a, b: a == b or _less(a, b)),
}


def _comparison(left: Get, right: Get, operator: str, null: bool) -> Test:
    compare = _COMPARE[operator][1]
    if null and operator in ("eq", "ne"):
        return lambda row: compare(left(row), right(row))

    def test(row: Data) -> bool | None:
        a, b = left(row), right(row)
        return None if a is None or b is None else compare(a, b)

    return test


def _like(text: str) -> str:
    """Return a pattern for SQL's LIKE: ``%`` and ``_`` are wildcards."""
    return "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in text)


def _both(left: Test, right: Test) -> Test:
    def test(row: Data) -> bool | None:
        first = left(row)
        if first is False:
            return False
        second = right(row)
        return second if first else (False if second is False else None)

    return test


def _either(left: Test, right: Test) -> Test:
    def test(row: Data) -> bool | None:
        first = left(row)
        if first is True:
            return True
        second = right(row)
        return second if first is False else (True if second else None)

    return test


def _opposite(inner: Test) -> Test:
    def test(row: Data) -> bool | None:
        found = inner(row)
        return None if found is None else not found

    return test
