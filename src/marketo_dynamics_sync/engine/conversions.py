"""Leads that became contacts: which rows stand for a person of their own, and which are only the past of one."""

from __future__ import annotations

from collections.abc import Iterable

from ..entities import BoundEntity, Record
from ..state import Commit
from .services import Services


def is_person(services: Services, entity: BoundEntity, row: Record) -> bool:
    """Return whether a row stands for a person: not one that was merged into another, nor a lead that became a contact.

    What a lead became stands on the lead after the out-of-the-box process, and on the contact (its originating lead)
    after a custom one too, also when the lead was left open or opened again. A closed lead whose contact was deleted is
    nobody either, nor is a row whose master was deleted after a merge: the platform then clears their lookups, which is
    no reason to make new persons of them.
    """
    return not is_another(services, entity, row) and not row.merged and not _became_contact(services, entity, row)


def is_another(services: Services, entity: BoundEntity, row: Record) -> bool:
    """Return whether the row itself says which row it became, by a merge or as a row of another entity."""
    return row.merged_into is not None or is_superseded(services, entity, row)


def is_superseded(services: Services, entity: BoundEntity, row: Record) -> bool:
    """Return whether the row itself says that it became a row of another entity that is synced."""
    if row.converted_to is None:
        return False
    target = services.entity_of_table(row.converted_to.table)
    return target is not None and target.name != entity.name


def note_origins(services: Services, rows: Iterable[Record]) -> None:
    """Remember which leads the contacts of a page were made from, and what the leads of a page became."""
    found: dict[str, str] = {}
    for row in rows:
        if row.converted_from is not None:
            found[row.converted_from] = row.id
        if row.converted_to is not None and services.entity_of_table(row.converted_to.table) is not None:
            found[row.id] = row.converted_to.id
    facts = {_fact(lead): contact for lead, contact in found.items() if services.store.fact(_fact(lead)) != contact}
    if facts:
        services.store.commit(Commit(facts=facts))


def _became_contact(services: Services, entity: BoundEntity, row: Record) -> bool:
    contact = services.store.fact(_fact(row.id))
    if contact is None:
        return False
    others = [other for other in services.persons() if other.name != entity.name]
    if any(services.store.links_by_dynamics(other.name, [contact]) for other in others):
        return True
    return bool(others) and not row.active


def _fact(lead: str) -> str:
    return f"became:{lead}"
