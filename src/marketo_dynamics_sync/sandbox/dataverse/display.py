"""Formatted values: what a person would read, in the English of the United States and in UTC; labels of options
in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from .environment import Environment
from .metadata import Column, translations
from .scopes import pointed

#: Annotations of a property (Microsoft Learn, "Select columns using OData", *Formatted values* and *Lookup property
#: data*).
FORMATTED: Final = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
LOOKUP_NAVIGATION: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def formatted(environment: Environment, column: Column, row: Mapping[str, object], value: object) -> str | None:
    """Return the formatted value of a column, or ``None`` for one that has none."""
    if column.is_lookup:
        return _name(environment, column, row, value)
    if column.type == "MultiSelectPicklist":
        labels = [_label(environment, column, int(part)) for part in str(value).split(",")]
        return "; ".join(label for label in labels if label)
    if column.options:
        return _label(environment, column, value)
    if column.type == "Boolean":
        return "Yes" if value else "No"
    if column.type == "DateTime":
        return _moment(column, str(value))
    if column.type == "Money":
        symbol = _currency(environment, row)
        return f"{symbol}{float(str(value)):,.{column.precision or 2}f}"
    if column.is_number and column.type != "BigInt":
        return f"{float(str(value)):,.{0 if column.type == 'Integer' else column.precision or 2}f}"
    return f"{value:,}" if isinstance(value, int) else None


def navigation_of(column: Column, row: Mapping[str, object], table: str) -> str:
    """Return the navigation property that binds what a lookup holds."""
    return column.navigation(pointed(row, column), table)


def _label(environment: Environment, column: Column, value: object) -> str | None:
    found = next((option for option in column.options if option["value"] == value), None)
    return environment.languages.word(str(found["label"]), translations(found)) if found else None


def _name(environment: Environment, column: Column, row: Mapping[str, object], value: object) -> str | None:
    table = environment.tables.get(pointed(row, column))
    if table is None:
        return None
    name = environment.storage.table(table.name).get(str(value), {}).get(table.primary_name)
    return str(name) if name is not None else None


def _moment(column: Column, text: str) -> str:
    if column.behavior == "DateOnly":
        day = datetime.fromisoformat(text)
        return f"{day.month}/{day.day}/{day.year}"
    at = datetime.fromisoformat(text)
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"


def _currency(environment: Environment, row: Mapping[str, object]) -> str:
    currencies = environment.storage.table("transactioncurrency")
    held = currencies.get(str(row.get("_transactioncurrencyid_value", environment.currency_id)), {})
    return str(held.get("currencysymbol", ""))
