"""Expressions of query options and keys, cut into tokens and literals."""

from __future__ import annotations

import json
import re
from typing import Final

from attrs import frozen

from .errors import bad_query

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<enum>[A-Za-z_][\w.]*'(?:[^']|'')*')|(?P<text>'(?:[^']|'')*')"
    r"|(?P<list>\[(?:[^\]'\"]|'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\")*\])|(?P<punct>[(),=:])"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})(?![\w-])"
    r"|(?P<word>[@$A-Za-z_][\w.]*(?:/[$A-Za-z_][\w.]*)*)|(?P<value>[-+0-9][\w.:+-]*))"
)

_MEMBER: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"|[^\s,'\"]+")


@frozen
class Token:
    """A piece of an expression.

    Attributes:
        kind: ``enum``, ``text``, ``list``, ``punct``, ``guid``, ``word`` or ``value``.
        text: As it was written.
        at: Where it starts.
    """

    kind: str
    text: str
    at: int


@frozen
class Literal:
    """A value in an expression.

    Attributes:
        edm: ``String``, ``Int32``, ``Decimal``, ``Boolean``, ``Guid``, ``Date``, ``DateTimeOffset``, ``Null``,
            ``Enum`` or ``Collection``.
        value: What it stands for; moments stay texts.
    """

    edm: str
    value: object


def tokens(text: str) -> list[Token]:
    """Return the tokens of an expression.

    Raises:
        Fault: Something that is no token.
    """
    found: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            at = len(text) - len(text[position:].lstrip())
            raise bad_query(f"Syntax error at position {at} in '{text}'.")
        found.append(Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        position = match.end()
    return found


def literal(token: Token) -> Literal | None:
    """Return the value of a token, or ``None`` for one that isn't a value."""
    text = token.text
    if token.kind == "text":
        return Literal("String", unquoted(text))
    if token.kind == "enum":
        return Literal("Enum", unquoted(text[text.index("'") :]))
    if token.kind == "guid":
        return Literal("Guid", text.lower())
    if token.kind == "list":
        return Literal("Collection", [_member(found[0]) for found in _MEMBER.finditer(text[1:-1])])
    if token.kind == "word":
        words = {"null": Literal("Null", None), "true": Literal("Boolean", True), "false": Literal("Boolean", False)}
        return words.get(text)
    return _value(text) if token.kind == "value" else None


def unquoted(text: str) -> str:
    """Return what a quoted text says."""
    return text[1:-1].replace("''", "'")


def _member(text: str) -> str:
    """Return a member of a list: the service takes both kinds of quotes."""
    return str(json.loads(text)) if text[0] == '"' else unquoted(text) if text[0] == "'" else text


def _value(text: str) -> Literal | None:
    if re.fullmatch(r"[-+]?\d+", text):
        return Literal("Int32", int(text))
    if re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?[mMfFdD]?", text):
        return Literal("Decimal", float(text.rstrip("mMfFdD")))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return Literal("Date", text)
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d)?", text):
        return Literal("DateTimeOffset", text)
    return None
