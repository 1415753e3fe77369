"""Connections: Dynamics keeps two rows for each, one for either end, and keeps them alike.

Source: Microsoft Learn, "Connection table/entity reference" (``ismaster``, ``relatedconnectionid``,
``record1roleid``) and "Connection entities". Open in public material and chosen: a change of one row is a change of the
other at once, and a connection goes with the row at either end.
"""

from __future__ import annotations

from typing import Final

from .storage import Row

CONNECTION: Final = "connection"
_RELATED: Final = "_relatedconnectionid_value"
_SWAPPED: Final = tuple(
    (f"{first}{mark}", f"{second}{mark}")
    for first, second in (
        ("_record1id_value", "_record2id_value"),
        ("_record1roleid_value", "_record2roleid_value"),
        ("record1objecttypecode", "record2objecttypecode"),
    )
    for mark in ("", "!")
)
_SHARED: Final = ("description", "effectivestart", "effectiveend", "statecode", "statuscode", "modifiedon")


def partner_of(row: Row) -> str | None:
    """Return the id of the row for the other end."""
    other = row.get(_RELATED)
    return None if other is None else str(other)


def paired(row: Row, row_id: str, other_id: str) -> tuple[Row, Row]:
    """Return a new connection's two rows, told apart by which of them was made by hand."""
    mine = row | {"ismaster": True, _RELATED: other_id, f"{_RELATED}!": CONNECTION}
    other = mine | {"connectionid": other_id, "ismaster": False, _RELATED: row_id}
    return mine, mirrored(mine, other)


def mirrored(row: Row, other: Row) -> Row:
    """Return the row for the other end as it has to be beside a row."""
    found = other | {name: row[name] for name in _SHARED if name in row}
    for left, right in _SWAPPED:
        for source, target in ((left, right), (right, left)):
            found.pop(target, None)
            if source in row:
                found[target] = row[source]
    return found
