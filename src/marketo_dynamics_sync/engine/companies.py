"""The company of an opportunity whose customer is a contact: the contact's account."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from ..entities import BoundEntity, Record, Ref
from .relations import link_targets
from .services import Services


def followed(services: Services, entity: BoundEntity, rows: Mapping[str, Record]) -> dict[str, Record]:
    """Return opportunities of contacts with the contact's account as their company, where they name none.

    A contact without an account leaves it empty (Adobe, "Microsoft Dynamics Sync: Opportunity Sync").
    """
    if entity.definition.marketo.name != "opportunity":
        return dict(rows)
    company = next((name for name, target in link_targets(entity).items() if target == "company"), None)
    customer = next((name for name, bound in entity.fields.items() if bound.dynamics == "customerid"), None)
    contact = services.entity_of_table("contact")
    if company is None or customer is None or contact is None:
        return dict(rows)
    of_contact = next((name for name, target in link_targets(contact).items() if target == "company"), None)
    asked: dict[str, str] = {}
    for row in rows.values():
        ref = row.values.get(customer)
        if isinstance(ref, Ref) and ref.table == "contact" and company in row.values and row.values[company] is None:
            asked[row.id] = ref.id
    if of_contact is None or not asked:
        return dict(rows)
    found = {row.id: row for row in services.dynamics.fetch(contact, sorted(set(asked.values())))}
    accounts = {i: found[who].values.get(of_contact) for i, who in asked.items() if who in found}
    return {i: evolve(r, values={**r.values, company: accounts[i]}) if accounts.get(i) else r for i, r in rows.items()}
