"""Writes of people who belong to a company: what is the company's is left out, the rest goes."""

from __future__ import annotations

from attrs import evolve

from ...entities import COMPANY_FIELDS
from .encoding import Item


def without_company(item: Item) -> Item | None:
    """Return a write without the fields that are the company's, or ``None`` where that changes nothing.

    Marketo refuses the whole record with 1021 when it has a company field of somebody who is linked to a company, or
    where a native CRM sync owns all companies (Adobe developer documentation, "Error Codes"; "Companies").

    Args:
        item: A write that was refused with 1021.
    """
    closed = COMPANY_FIELDS.intersection(item.payload) - {item.lookup}
    if not item.target.is_person or not closed or item.left_out:
        return None
    fields = item.write.entity.fields
    return evolve(
        item,
        payload={name: value for name, value in item.payload.items() if name not in closed},
        left_out=frozenset(name for name in item.write.values if name in fields and fields[name].marketo in closed),
    )
