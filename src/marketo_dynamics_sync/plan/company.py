"""Which fields of a person Marketo doesn't take, because they are its company's. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ..entities import BoundEntity, Values


def company_fields(entity: BoundEntity, row: Values, person: Values) -> Collection[str]:
    """Return the company fields of a person that is linked to a company, or is about to be.

    They are written through the company, and from there reach all its people; through the person they would be refused
    together with everything else that is to be written (Adobe developer documentation, "Error Codes", 1021). Nor do
    they flow to Dynamics, where the account has them (Adobe, "Microsoft Dynamics Sync: Account Sync"). An entity
    that doesn't map the link is not known to have one; what is refused then is left out of a second try.

    Args:
        entity: The entity.
        row: The row's values; links that Marketo can't hold are empty.
        person: The person's values as read, or else as both last agreed.
    """
    link = entity.company_link
    if link is None or not entity.company_fields:
        return ()
    linked = row.get(link) is not None or person.get(link) is not None
    return entity.company_fields if linked else ()
