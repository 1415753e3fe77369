"""What a column takes: validation with the codes that the platform uses."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from .errors import Fault
from .metadata import Column, Table


def accept(table: Table, column: Column, value: object) -> object:
    """Return what is stored for a value.

    Raises:
        Fault: The column doesn't take it.
    """
    if value is None or value == "":
        return None
    if column.type in ("String", "Memo"):
        return _text(table, column, value)
    if column.type in ("Integer", "BigInt", "Decimal", "Double", "Money"):
        return _number(table, column, value)
    if column.type == "Boolean":
        if not isinstance(value, bool):
            raise _type(column, "Edm.Boolean")
        return value
    if column.type in ("Picklist", "State", "Status"):
        return _option(table, column, value)
    if column.type == "MultiSelectPicklist":
        return ",".join(str(_option(table, column, int(part))) for part in str(value).split(","))
    if column.type == "DateTime":
        return _moment(column, value)
    return guid(value) if column.type == "Uniqueidentifier" else value


def guid(value: object) -> str:
    """Return a GUID in lower case."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise Fault(400, "0x0", "Guid should contain 32 digits with 4 dashes") from None


def _text(table: Table, column: Column, value: object) -> str:
    if not isinstance(value, str):
        raise _type(column, "Edm.String")
    units = len(value) + sum(1 for character in value if character > "\uffff")
    if column.max_length is not None and units > column.max_length:
        raise Fault(
            400,
            "0x80044331",
            f"A validation error occurred. The length of the '{column.name}' attribute of the '{table.name}' entity "
            "exceeded "
            f"the maximum allowed length of '{column.max_length}'.",
        )
    return value


def _number(table: Table, column: Column, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _type(column, "Edm.Int32" if column.type == "Integer" else "Edm.Decimal")
    if column.type in ("Integer", "BigInt") and not float(value).is_integer():
        raise _type(column, "Edm.Int32")
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        code = "0x8004432f" if column.type == "Integer" else "0x80044330"
        raise Fault(
            400,
            code,
            f"A validation error occurred.  The value of '{column.name}' on record of type '{table.name}' is "
            "outside the valid "
            f"range. Valid range is from '{low}' to '{high}'.",
        )
    if column.type in ("Integer", "BigInt"):
        return int(value)
    places = Decimal(1).scaleb(-(column.precision if column.precision is not None else 2))
    return float(Decimal(str(value)).quantize(places, rounding=ROUND_HALF_UP))


def _option(table: Table, column: Column, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _type(column, "Edm.Int32")
    known = [option["value"] for option in column.options]
    if known and value not in known:
        raise Fault(
            400,
            "0x8004431a",
            f"A validation error occurred.  The value {value} of '{column.name}' on record of type '{table.name}' "
            "is outside the "
            f"valid range. Accepted Values: {','.join(map(str, known))}",
        )
    return value


def _moment(column: Column, value: object) -> str:
    """Return what a date or a time is kept as (Microsoft Learn, "Behavior and format of the date and time column").

    Columns that are independent of time zones keep the time on the clock; what zone it was given in is lost.
    """
    try:
        if column.behavior == "DateOnly":
            return date.fromisoformat(str(value)).isoformat()
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _type(column, "Edm.Date" if column.behavior == "DateOnly" else "Edm.DateTimeOffset") from None
    keeps = moment.tzinfo is None or column.behavior == "TimeZoneIndependent"
    aware = moment.replace(tzinfo=UTC) if keeps else moment
    if aware.year < 1753:
        raise Fault(400, "0x80040203", "DateTime is less than minimum value supported by CrmDateTime.")
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _type(column: Column, wanted: str) -> Fault:
    return Fault(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity: {column.name}. Expected {wanted}.",
    )
