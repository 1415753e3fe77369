"""Finds rows by the date they were made or last changed (Microsoft Learn, "Filter rows using OData")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from ...entities import Record
from ...errors import ConfigurationError
from .query import query
from .reading import Reader
from .rows import Shape

_Period: TypeAlias = tuple[datetime | None, datetime | None]


def rows_between(reader: Reader, shape: Shape, periods: Mapping[str, _Period | None]) -> Iterator[list[Record]]:
    """Yield the rows whose date columns lie in periods, page by page to the end.

    Args:
        reader: Reads pages.
        shape: What is asked of the table.
        periods: By date column: from, and up to, which is outside; ``None`` is open.

    Raises:
        ConfigurationError: The table has no such column, or the sync user can't read it.
    """
    conditions = []
    for column, period in periods.items():
        if period is None:
            continue
        info = shape.entity.dynamics.fields.get(column)
        if info is None or not info.readable:
            raise ConfigurationError(
                f"{shape.entity_set} has no column {column!r} that the sync user can read, so its rows can't be found "
                "by that date"
            )
        for word, moment in zip(("ge", "lt"), period, strict=True):
            if moment is not None:
                conditions.append(f"{column} {word} {_whole_second(moment)}")
    # By id: rows that are written meanwhile keep their places between pages.
    options = {"$select": shape.columns, "$orderby": f"{shape.primary_id} asc"}
    if conditions:
        options["$filter"] = " and ".join(conditions)
    url = reader.address(f"{shape.entity_set}{query(options)}")
    for page in reader.pages(url, shape.prefer(f"odata.maxpagesize={reader.page_size}")):
        yield [shape.record(row) for row in page.rows]


def _whole_second(at: datetime) -> str:
    """Return the first whole second that isn't before a moment: rows are stamped with whole seconds."""
    moment = at.astimezone(UTC)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
