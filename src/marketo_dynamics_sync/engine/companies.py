"""The company of an opportunity whose customer is a contact: its account, also after the contact gets another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from ..entities import BoundEntity, Record, Ref
from .links import known_of
from .relations import link_targets
from .services import Services


def followed(services: Services, entity: BoundEntity, rows: Mapping[str, Record]) -> dict[str, Record]:
    """Return opportunities of contacts with the contact's account as their company, where they name none.

    A contact without an account leaves it empty (Adobe, "Microsoft Dynamics Sync: Opportunity Sync").
    """
    if entity.definition.marketo.name != "opportunity":
        return dict(rows)
    company, customer = _company(entity), _customer(entity)
    contact = services.entity_of_table("contact")
    of_contact = _company(contact) if contact is not None else None
    if company is None or customer is None or contact is None or of_contact is None:
        return dict(rows)
    asked: dict[str, str] = {}
    for row in rows.values():
        ref = row.values.get(customer)
        if isinstance(ref, Ref) and ref.table == "contact" and company in row.values and row.values[company] is None:
            asked[row.id] = ref.id
    if not asked:
        return dict(rows)
    found = {row.id: row for row in services.dynamics.fetch(contact, sorted(set(asked.values())))}
    accounts = {i: found[who].values.get(of_contact) for i, who in asked.items() if who in found}
    return {i: evolve(r, values={**r.values, company: accounts[i]}) if accounts.get(i) else r for i, r in rows.items()}


def of_moved_contacts(
    services: Services, opportunity: BoundEntity, entity: BoundEntity, rows: Iterable[Record]
) -> list[Record]:
    """Return the opportunities of contacts that have another account than when they were last looked at.

    Nothing of such an opportunity changes in Dynamics, so that its own stream doesn't show it. Whoever calls this deals
    with the opportunities before the contacts: a process that ends in between meets both again.

    Args:
        services: Both sides and the store.
        opportunity: The opportunities.
        entity: The rows' entity; of any but contacts nothing is returned.
        rows: Rows that were just read.
    """
    account, customer = _company(entity), _customer(opportunity)
    if entity.dynamics.name != "contact" or account is None or customer is None or _company(opportunity) is None:
        return []
    latest = {row.id: row for row in rows}
    links, digest = services.store.links_by_dynamics(entity.name, list(latest)), services.digests[entity.name]
    moved: list[Ref[object]] = [
        Ref("contact", row)
        for row, link in links.items()
        if link.version != latest[row].version
        and known_of(link, entity, digest=digest).base_dynamics.get(account) != _account(latest[row], account)
    ]
    found = services.dynamics.find(opportunity, customer, moved) if moved else []
    linked = services.store.links_by_dynamics(opportunity.name, [row.id for row in found])
    return [row for row in found if row.id in linked]


def _account(contact: Record, column: str) -> object:
    """Return a contact's account: its parent may be another contact too."""
    ref = contact.values.get(column)
    return ref if isinstance(ref, Ref) and ref.table == "account" else None


def _company(entity: BoundEntity) -> str | None:
    return next((name for name, target in link_targets(entity).items() if target == "company"), None)


def _customer(entity: BoundEntity) -> str | None:
    return next((name for name, bound in entity.fields.items() if bound.dynamics == "customerid"), None)
