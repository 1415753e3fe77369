"""Query functions of the service: ``Microsoft.Dynamics.CRM.In`` and its relatives.

Source: Microsoft Learn, "Web API Query Function Reference". Days begin at midnight UTC here, weeks on Sunday.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from .errors import bad_query
from .filters import Data, Get, Test, normal
from .lexer import Literal

Window = tuple[datetime | None, datetime | None]


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _month(now: datetime, step: int = 0) -> datetime:
    months = now.year * 12 + now.month - 1 + step
    return _day(now).replace(year=months // 12, month=months % 12 + 1, day=1)


def _week(now: datetime, step: int = 0) -> datetime:
    return _day(now) - timedelta(days=(now.weekday() + 1) % 7) + timedelta(weeks=step)


def _year(now: datetime, step: int = 0) -> datetime:
    return _month(now).replace(year=now.year + step, month=1)


#: Windows ``[from, to)`` by function, from the time and the number that some functions take.
_WINDOWS: Final[Mapping[str, Callable[[datetime, int], Window]]] = {
    "Today": lambda now, n: (_day(now), _day(now) + timedelta(days=1)),
    "Yesterday": lambda now, n: (_day(now) - timedelta(days=1), _day(now)),
    "Tomorrow": lambda now, n: (_day(now) + timedelta(days=1), _day(now) + timedelta(days=2)),
    "Last7Days": lambda now, n: (_day(now) - timedelta(days=7), _day(now) + timedelta(days=1)),
    "Next7Days": lambda now, n: (_day(now) + timedelta(days=1), _day(now) + timedelta(days=8)),
    "LastWeek": lambda now, n: (_week(now, -1), _week(now)),
    "ThisWeek": lambda now, n: (_week(now), _week(now, 1)),
    "NextWeek": lambda now, n: (_week(now, 1), _week(now, 2)),
    "LastMonth": lambda now, n: (_month(now, -1), _month(now)),
    "ThisMonth": lambda now, n: (_month(now), _month(now, 1)),
    "NextMonth": lambda now, n: (_month(now, 1), _month(now, 2)),
    "LastYear": lambda now, n: (_year(now, -1), _year(now)),
    "ThisYear": lambda now, n: (_year(now), _year(now, 1)),
    "NextYear": lambda now, n: (_year(now, 1), _year(now, 2)),
    "LastXHours": lambda now, n: (_hour(now) - timedelta(hours=n), now),
    "NextXHours": lambda now, n: (now, _hour(now) + timedelta(hours=n + 1)),
    "LastXDays": lambda now, n: (_day(now) - timedelta(days=n), now),
    "NextXDays": lambda now, n: (now, _day(now) + timedelta(days=n + 1)),
    "LastXWeeks": lambda now, n: (_day(now) - timedelta(weeks=n), now),
    "NextXWeeks": lambda now, n: (now, _day(now) + timedelta(weeks=n, days=1)),
    "LastXMonths": lambda now, n: (_month(now, -n).replace(day=min(now.day, 28)), now),
    "NextXMonths": lambda now, n: (now, _month(now, n).replace(day=min(now.day, 28)) + timedelta(days=1)),
    "OlderThanXMinutes": lambda now, n: (None, now - timedelta(minutes=n)),
    "OlderThanXHours": lambda now, n: (None, now - timedelta(hours=n)),
    "OlderThanXDays": lambda now, n: (None, _day(now) - timedelta(days=n)),
    "OlderThanXWeeks": lambda now, n: (None, _day(now) - timedelta(weeks=n)),
    "OlderThanXMonths": lambda now, n: (None, _month(now, -n).replace(day=min(now.day, 28))),
}


def query_function(name: str, arguments: Mapping[str, Literal], get: Get, now: datetime, user: str, unit: str) -> Test:
    """Return the test that a query function makes.

    Args:
        name: Name without namespace.
        arguments: Its parameters.
        get: Returns the property that it looks at.
        now: The time.
        user: The caller.
        unit: The caller's business unit.

    Raises:
        Fault: There is no such function, or its parameters don't fit.
    """
    if name in _WINDOWS:
        start, end = _WINDOWS[name](now, _number(name, arguments) if "X" in name else 0)
        return _between(get, _text(start), _text(end))
    if name in ("On", "OnOrAfter", "OnOrBefore"):
        day = str(_given(name, arguments, "PropertyValue"))[:10]
        following = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
        return _between(get, None if name == "OnOrBefore" else day, None if name == "OnOrAfter" else following)
    if name in ("EqualUserId", "NotEqualUserId"):
        return _member(get, {user}, inside=name == "EqualUserId")
    if name in ("EqualBusinessId", "NotEqualBusinessId"):
        return _member(get, {unit}, inside=name == "EqualBusinessId")
    values = _given(name, arguments, "PropertyValues")
    if not isinstance(values, list):
        raise bad_query(f"The values of the function '{name}' are no collection.")
    if name in ("In", "NotIn"):
        return _member(get, {str(normal(value)) for value in values}, inside=name == "In")
    if name in ("Between", "NotBetween"):
        return _within(get, values, inside=name == "Between")
    if name in ("ContainValues", "DoesNotContainValues"):
        return _choices(get, set(values), inside=name == "ContainValues")
    raise bad_query(f"An unknown function with name 'Microsoft.Dynamics.CRM.{name}' was found.")


def _given(name: str, arguments: Mapping[str, Literal], parameter: str) -> object:
    if parameter not in arguments:
        raise bad_query(f"An unknown function with name 'Microsoft.Dynamics.CRM.{name}' was found.")
    return arguments[parameter].value


def _number(name: str, arguments: Mapping[str, Literal]) -> int:
    value = _given(name, arguments, "PropertyValue")
    if not str(value).isdecimal():
        raise bad_query(f"The value of the function '{name}' is no number.")
    return int(str(value))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S")


def _between(get: Get, start: str | None, end: str | None) -> Test:
    def test(row: Data) -> bool | None:
        value = get(row)
        if value is None:
            return None
        text = str(value).removesuffix("Z")
        text += "T00:00:00" if len(text) == 10 else ""
        return (start is None or text >= start) and (end is None or text < end)

    return test


def _member(get: Get, wanted: set[str], *, inside: bool) -> Test:
    def test(row: Data) -> bool | None:
        value = get(row)
        return None if value is None else (str(normal(value)) in wanted) is inside

    return test


def _within(get: Get, values: list[object], *, inside: bool) -> Test:
    if len(values) != 2:
        raise bad_query("The function 'Between' takes two values.")
    low, high = values

    def test(row: Data) -> bool | None:
        value = get(row)
        if value is None:
            return None
        if isinstance(value, (int, float)):
            return (float(str(low)) <= value <= float(str(high))) is inside
        return (str(normal(low)) <= str(normal(value)) <= str(normal(high))) is inside

    return test


def _choices(get: Get, wanted: set[object], *, inside: bool) -> Test:
    def test(row: Data) -> bool | None:
        value = get(row)
        return None if value is None else bool(wanted & set(str(value).split(","))) is inside

    return test
