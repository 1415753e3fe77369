"""Which values a person field takes, and what it keeps of them (Adobe, "Field Types")."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Final

NUMBERS: Final = ("integer", "score", "float", "percent", "currency")
_WHOLE: Final = ("integer", "score")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_TEXT_BYTES = 30_000
_MOST_DIGITS = 18

#: A stored value: never empty text, never a boolean false.
Value = str | int | float | bool


class BadValue(Exception):  # becomes reason 1003 of one record
    """A value that its field does not take."""


def accept(kind: str, length: int | None, value: object) -> Value | None:
    """Return what a field keeps of a JSON value; ``None`` is empty.

    Null and empty text are empty, an empty boolean is false, moments lose what is below the second and come back in
    UTC.
    Public material leaves these cases open, chosen here: a text longer than its field is refused (not cut); a number
    or boolean is taken as the text of a text field; a moment without an offset is refused.

    Args:
        kind: Marketo ``dataType``.
        length: Most characters of a text, or ``None``.
        value: The JSON value.

    Raises:
        BadValue: The field does not take it.
    """
    if value is None or value == "":
        return None
    if kind == "boolean":
        return _boolean(value)
    if kind in NUMBERS:
        return _number(value, whole=kind in _WHOLE)
    if kind == "date":
        return _date(value)
    if kind == "datetime":
        return _moment(value)
    return _text(kind, length, value)


def shown(value: object) -> str | None:
    """Return a value as activities show it: as text, or ``None`` when it is empty."""
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def second(moment: datetime) -> str:
    """Return a moment as the API writes it: UTC, to the second, with ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_moment(text: str) -> datetime:
    """Return the moment of an ISO 8601 text with an offset.

    Raises:
        BadValue: It is none.
    """
    if not _MOMENT.fullmatch(text):
        raise BadValue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadValue from None


def whole_number(text: str) -> int | None:
    """Return the number that a text of digits stands for, or ``None``."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool | int):
        text = str(int(value))
    elif isinstance(value, str):
        text = value.strip().lower()
    else:
        raise BadValue
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return None
    raise BadValue


def _number(value: object, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadValue
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise BadValue from None
    if not math.isfinite(number) or (isinstance(value, str) and "_" in value):
        raise BadValue
    if not number.is_integer():
        if whole:
            raise BadValue
        return number
    if whole and not -(2**31) <= number < 2**31:
        raise BadValue
    return int(number)


def _date(value: object) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise BadValue
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise BadValue from None


def _moment(value: object) -> str:
    if not isinstance(value, str):
        raise BadValue
    try:
        return second(parse_moment(value))
    except OverflowError:
        raise BadValue from None


def _text(kind: str, length: int | None, value: object) -> str:
    if isinstance(value, dict | list):
        raise BadValue
    text = value if isinstance(value, str) else (shown(value) or "")
    if length is not None and len(text) > length:
        raise BadValue
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadValue from None
    if kind == "text" and size > _TEXT_BYTES:
        raise BadValue
    if kind == "email" and not (text.isascii() and _EMAIL.fullmatch(text)):
        raise BadValue
    return text
