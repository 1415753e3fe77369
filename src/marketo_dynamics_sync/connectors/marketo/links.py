"""Tells what is missing where the service's answer leaves it open: the record itself, or what it links to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .encoding import ID_FIELD, Item
from .lookup import DEDUPE_FIELDS, Raw, by_keys, by_values
from .reading import id_in
from .session import Session
from .targets import COMPANY, OWNER, SALES_PERSON

#: Links of people and of Marketo's own objects; a custom object may link by any field.
_LINKS: Final = frozenset({COMPANY, OWNER})


def there(session: Session, items: Sequence[Item]) -> list[Item]:
    """Return those items of one call whose record is in Marketo; only those that write a link are looked up.

    Args:
        session: Makes the calls.
        items: Items of one object that are found in the same way.
    """
    target, lookup = items[0].target, items[0].lookup
    dedupe = items[0].write.entity.definition.marketo.dedupe
    linking = [item for item in items if _may_link(item, dedupe)]
    if lookup in ("id", ID_FIELD):
        name = target.id_field
        wanted = [str(item.payload[name]) for item in linking]
        found = {id_in(raw, target) for raw in by_values(session, target, name, wanted, [name])}
        return [item for item in linking if str(item.payload[name]) in found]
    keys = {_key(item.payload, dedupe): {name: item.payload[name] for name in dedupe} for item in linking}
    values = [str(key[dedupe[0]]) for key in keys.values()]
    if len(dedupe) == 1 and not any("," in value for value in values):
        raws = list(by_values(session, target, DEDUPE_FIELDS, values, dedupe))
    else:
        raws = list(by_keys(session, target, keys.values(), dedupe))
    known = {_key(raw, dedupe) for raw in raws}
    return [item for item in linking if _key(item.payload, dedupe) in known]


def without_owner(session: Session, items: Sequence[Item]) -> list[Item]:
    """Return the items that name a sales person who isn't in Marketo; a name with a comma can't be looked up."""
    owners = {item.index: str(item.payload.get(OWNER) or "").strip() for item in items}
    named = sorted({owner for owner in owners.values() if owner and "," not in owner})
    known = {_folded(raw.get(OWNER)) for raw in by_values(session, SALES_PERSON, OWNER, named, [OWNER])}
    missing = {owner for owner in named if _folded(owner) not in known}
    return [item for item in items if owners[item.index] in missing]


def _may_link(item: Item, dedupe: Sequence[str]) -> bool:
    names = item.payload.keys() - {item.target.id_field, *dedupe}
    return bool(names if item.target.is_custom else names & _LINKS)


def _key(raw: Raw, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_folded(raw.get(name)) for name in names)


def _folded(value: object) -> str:
    return str(value).strip().casefold()
