"""Putting records into both services in the form they have there: what JSON can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .dataverse import DataverseService
from .marketo import MarketoService, ObjectField

#: One record, or records by the name of their kind.
Values = Mapping[str, Any]  # Any: what json.load gives


def load(marketo: MarketoService, dynamics: DataverseService, data: Mapping[str, Values]) -> dict[str, list[str]]:
    """Put records into both services.

    Args:
        marketo: The one.
        dynamics: The other.
        data: Records by service and kind.

    Returns:
        The new ids, in order, by kind; of custom objects by their type.

    Raises:
        ValueError: A service or a kind is unknown, a member is missing, or a value isn't taken.
    """
    rows, ours = data.get("dynamics", {}), data.get("marketo", {})
    unknown = set(data) - {"marketo", "dynamics"} | set(ours) - {*_MAKERS, "customobjects"}
    unknown |= set(rows) - set(dynamics.tables)
    if unknown:
        raise ValueError(f"the sandbox has no {', '.join(map(repr, sorted(unknown)))}")
    made = {table: [dynamics.create(table, **row) for row in rows[table]] for table in rows}
    for kind, make in _MAKERS.items():
        if kind in ours:
            made[kind] = [str(make(marketo, record)) for record in ours[kind]]
    for kind, records in ours.get("customobjects", {}).items():
        made[kind] = [marketo.create_custom_object(kind, **record) for record in records]
    return made


def _custom_type(marketo: MarketoService, record: Values) -> str:
    (name,), rest = _split(record, "name")
    fields = [ObjectField(**each) for each in rest.pop("fields", ())]
    link = rest.pop("link", None)
    marketo.create_custom_object_type(name, fields, link=tuple(link) if link else None, **rest)
    return str(name)


def _sales_person(marketo: MarketoService, record: Values) -> int:
    keys, rest = _split(record, "externalSalesPersonId")
    return marketo.create_sales_person(*keys, **rest)


def _company(marketo: MarketoService, record: Values) -> int:
    keys, rest = _split(record, "externalCompanyId")
    return marketo.create_company(*keys, **rest)


def _person(marketo: MarketoService, record: Values) -> int:
    return marketo.create_person(**record)


def _opportunity(marketo: MarketoService, record: Values) -> str:
    keys, rest = _split(record, "externalOpportunityId", "name")
    return marketo.create_opportunity(*keys, **rest)


def _role(marketo: MarketoService, record: Values) -> str:
    (opportunity, person, role), rest = _split(record, "externalOpportunityId", "leadId", "role")
    if isinstance(person, str):
        person = next((int(str(each["id"])) for each in marketo.persons() if each.get("email") == person), 0)
    return marketo.create_opportunity_role(opportunity, person, role, **rest)


def _named_account(marketo: MarketoService, record: Values) -> str:
    keys, rest = _split(record, "name")
    return marketo.create_named_account(*keys, **rest)


def _split(record: Values, *names: str) -> tuple[list[Any], dict[str, Any]]:  # Any: as above
    """Return the members that a record must have, and the others."""
    rest = dict(record)
    try:
        return [rest.pop(name) for name in names], rest
    except KeyError as error:
        raise ValueError(f"a record to load lacks {error}") from None


#: What Marketo takes, in the order in which it is made: what others point to comes first.
_MAKERS: Final[dict[str, Callable[[MarketoService, Values], object]]] = {
    "customobjecttypes": _custom_type,
    "salespersons": _sales_person,
    "companies": _company,
    "persons": _person,
    "opportunities": _opportunity,
    "opportunities/roles": _role,
    "namedaccounts": _named_account,
}
