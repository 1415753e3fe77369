"""What a create call of an extract asks for (Adobe, "Bulk Extract", "Common Parameters")."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from attrs import frozen

from ..envelope import Refusal, missing
from ..parameters import Parameters
from .delimited import DELIMITERS

#: Gives the rows of a file when the job begins to run; ``None`` is an empty value.
Gather = Callable[[], Iterable[Sequence[object]]]

_LONGEST = timedelta(days=31)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?)?")


@frozen
class Order:
    """The body of a create call.

    Attributes:
        form: Format of the file, in upper case.
        fields: Names of the fields; ``None`` when the call names none.
        headers: Names of column headers by field.
        filter: The filters by type.
    """

    form: str
    fields: list[str] | None
    headers: Mapping[str, str]
    filter: Mapping[str, object]

    def need_fields(self) -> list[str]:
        """Return the fields.

        Raises:
            Refusal: 1002, the call names none.
        """
        if self.fields is None:
            raise missing("fields")
        return self.fields

    def only_filter(self, allowed: Collection[str]) -> tuple[str, object]:
        """Return the one filter, its type and its value.

        Raises:
            Refusal: 1003, there are several, or one of a type that the extract does not have.
        """
        self.check_filters(allowed)
        if len(self.filter) > 1:
            raise Refusal("1003", "Only one filter type may be specified")
        return next(iter(self.filter.items()))

    def check_filters(self, allowed: Collection[str]) -> None:
        """Check the types of the filters.

        Raises:
            Refusal: 1003, there is one that the extract does not have.
        """
        for name in self.filter:
            if name not in allowed:
                raise Refusal("1003", f"Invalid filter type '{name}'")

    def header(self, fields: Iterable[str]) -> list[str]:
        """Return the header row.

        Raises:
            Refusal: 1003, a header is named for a field that is not exported.
        """
        names = list(fields)
        for name in self.headers:
            if name not in names:
                raise Refusal("1003", f"Invalid value for 'columnHeaderNames': field '{name}' is not exported")
        return [self.headers.get(name, name) for name in names]


@frozen
class DateRange:
    """A range of seconds, both ends included.

    Attributes:
        start: Its first moment.
        end: Its last moment.
    """

    start: datetime
    end: datetime

    def __contains__(self, seconds: object) -> bool:
        return isinstance(seconds, int | float) and int(self.start.timestamp()) <= seconds < self.end.timestamp() + 1


def read_order(given: Parameters) -> Order:
    """Return the order of a create call.

    Choices: a member of the wrong JSON type is refused with 609 and the words recorded for that error, a missing or
    empty filter with 1002, a bad format with 1003; the format may be in any letter case.

    Raises:
        Refusal: 609, 612, 1002 or 1003.
    """
    body = {name: value for name, value in given.json_object().items() if value is not None}
    form, fields, headers = body.get("format", "CSV"), body.get("fields"), body.get("columnHeaderNames", {})
    chosen = body.get("filter", {})
    if not isinstance(form, str) or form.upper() not in DELIMITERS:
        raise Refusal("1003", f"Invalid value '{form}' for parameter 'format'")
    if fields is not None and (not isinstance(fields, list) or not all(isinstance(name, str) for name in fields)):
        raise _bad("fields")
    if not isinstance(headers, dict) or not all(isinstance(name, str) for name in headers.values()):
        raise _bad("columnHeaderNames")
    if not isinstance(chosen, dict):
        raise _bad("filter")
    if not chosen:
        raise missing("filter")
    return Order(form.upper(), fields or None, headers, chosen)


def read_range(name: str, value: object) -> DateRange:
    """Return the range of a date filter.

    Adobe's pages ask for ISO 8601 "without milliseconds" and for 31 days or fewer. Choices: milliseconds are refused,
    a moment without an offset is UTC, a date alone is its midnight, both ends are needed, and what is wrong is 1003.

    Args:
        name: The filter type.
        value: Its value in the body.

    Raises:
        Refusal: 609, 1002 or 1003.
    """
    if not isinstance(value, dict):
        raise _bad(name)
    start, end = (_moment(value.get(part), part) for part in ("startAt", "endAt"))
    if end < start:
        raise Refusal("1003", f"Invalid value for '{name}': 'endAt' is before 'startAt'")
    if end - start > _LONGEST:
        raise Refusal("1003", f"Invalid value for '{name}': the range exceeds 31 days")
    return DateRange(start, end)


def read_whole(name: str, value: object) -> int:
    """Return a whole number of a filter.

    Raises:
        Refusal: 1001, it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal("1001", f"Invalid value '{value}' for parameter '{name}'. Required of type 'Integer'")
    return value


def read_list(name: str, value: object) -> list[object]:
    """Return a list of a filter.

    Raises:
        Refusal: 609, it is none; 1003, it is empty.
    """
    if not isinstance(value, list):
        raise _bad(name)
    if not value:
        raise Refusal("1003", f"Invalid value for '{name}': it is empty")
    return value


def _moment(value: object, name: str) -> datetime:
    if value is None:
        raise missing(name)
    try:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise ValueError
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refusal("1003", f"Invalid value '{value}' for parameter '{name}'") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _bad(name: str) -> Refusal:
    return Refusal("609", f"Invalid value specified for attribute '{name}'")
