"""An answer of the Web API as plain data, whatever carried it: a response of its own or a part of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Final, cast

from attrs import define, field

from ...errors import ResponseError

#: Digits of a pause in seconds that can be meant; a longer one would lock a connector for good.
_DIGITS: Final = 7


def _fold(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@define(eq=False, slots=False)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        headers: Headers, names in lower case.
        body: The whole body.
    """

    status: int
    headers: Mapping[str, str] = field(converter=_fold, factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the service did what was asked."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """What to quote to the service's support."""
        return self.headers.get("x-ms-service-request-id") or self.headers.get("req_id")

    @property
    def date(self) -> datetime | None:
        """The server's clock."""
        return http_date(self.headers.get("date"))

    @property
    def kind(self) -> str:
        """Media type, in lower case."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    def retry_after(self, now: datetime) -> float | None:
        """Return the seconds that the service asks us to wait, if it does."""
        raw = self.headers.get("retry-after", "").strip()
        if raw.isdecimal():
            return float(raw) if len(raw) <= _DIGITS else None
        until = http_date(raw)
        return None if until is None else max(0.0, (until - now).total_seconds())

    def json(self) -> dict[str, object]:
        """Return the JSON object in the body.

        Raises:
            ResponseError: The body is HTML, is cut, or is no JSON object.
        """
        return self._object

    @cached_property
    def _object(self) -> dict[str, object]:
        try:
            found = json.loads(self.body, parse_float=Decimal)  # money has more digits than a float keeps
        except (ValueError, RecursionError):
            what = "HTML" if self.body.lstrip()[:1] == b"<" else "a body that is cut or not JSON"
            raise self.broken(
                f"the answer is {what} where JSON should be; is something between us and Dataverse?"
            ) from None
        if not isinstance(found, dict):
            raise self.broken("the answer is not a JSON object")
        return cast("dict[str, object]", found)

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of a collection answer.

        Raises:
            ResponseError: There is no list of objects under ``value``.
        """
        value = self.json().get("value")
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.broken("the answer has no list of rows")
        return cast("list[dict[str, object]]", value)

    def broken(self, why: str) -> ResponseError:
        """Return the error for an answer that is not what the service sends."""
        return ResponseError(why, service="dynamics", status=self.status, request_id=self.request_id)


def http_date(raw: str | None) -> datetime | None:
    """Return the moment that an HTTP date names, or ``None`` where it is none."""
    if not raw:
        return None
    try:
        moment = parsedate_to_datetime(raw)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
