"""Reads records of any Marketo object, by id or by the value of a field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from ...entities import BoundEntity, BoundField, Record
from ...errors import ConfigurationError, ResponseError, ValueRejectedError
from .envelope import SERVICE
from .lookup import DEDUPE_FIELDS, Raw, by_keys, by_values
from .session import Session
from .targets import Target, target_of

#: What can be an id: nothing that would be taken for a list.
_GUID: Final = re.compile(r"[0-9A-Za-z-]{1,128}")
_STAMP: Final = "updatedAt"


class Reader:
    """Reads records through a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def fetch(self, entity: BoundEntity, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids; ids that are not there are left out."""
        target = target_of(entity.definition.marketo)
        wanted = [i for i in dict.fromkeys(ids) if is_id(target, i)]
        name = target.id_field
        return _records(entity, target, by_values(self._session, target, name, wanted, _names(entity, target, name)))

    def find(self, entity: BoundEntity, field_name: str, values: Sequence[object]) -> list[Record]:
        """Return the records whose field holds one of these values, letter case aside.

        Raises:
            ConfigurationError: The entity has no such field, or Marketo can't look its records up by it.
        """
        target = target_of(entity.definition.marketo)
        if field_name == DEDUPE_FIELDS and not target.is_person:
            return self._find_by_key(entity, target, values)
        bound = entity.fields.get(field_name)
        if bound is None:
            raise ConfigurationError(
                f"{entity.name} has no field {field_name!r} that is synced, so it can't be a match key"
            )
        return _records(entity, target, self._having(entity, target, bound, values))

    def _having(
        self, entity: BoundEntity, target: Target, bound: BoundField, values: Sequence[object]
    ) -> Iterator[Raw]:
        filter_type = _filter_type(entity, target, bound)
        wanted: dict[str, str] = {}
        for value in values:
            try:
                encoded = bound.codec.to_marketo(value)
            except ValueRejectedError:
                continue  # Marketo can't hold it, so nobody has it
            text = "" if encoded is None else str(encoded).strip()
            if text:
                wanted.setdefault(text.casefold(), text)
        names = _names(entity, target, bound.marketo)
        plain = [text for text in wanted.values() if "," not in text]
        yield from by_values(self._session, target, filter_type, plain, names)
        for text in wanted.values():
            if "," in text:
                # No escape is documented, and a server that splits the value finds others than were asked for.
                for raw in by_values(self._session, target, filter_type, [text], names):
                    if str(raw.get(bound.marketo)).strip().casefold() == text.casefold():
                        yield raw

    def _find_by_key(self, entity: BoundEntity, target: Target, values: Sequence[object]) -> list[Record]:
        dedupe = entity.definition.marketo.dedupe
        fields = [_mapped_to(entity, name) for name in dedupe]
        wanted: dict[tuple[str, ...], Raw] = {}
        for value in values:
            parts = tuple(value) if isinstance(value, tuple) else (value,)
            if len(parts) != len(dedupe):
                raise ConfigurationError(
                    f"{entity.name} is found by {', '.join(dedupe)}: each value has to be a tuple of {len(dedupe)}, "
                    "in this order"
                )
            try:
                key = {b.marketo: b.codec.to_marketo(part) for b, part in zip(fields, parts, strict=True)}
            except ValueRejectedError:
                continue
            texts = tuple("" if part is None else str(part).strip() for part in key.values())
            if all(texts):
                wanted.setdefault(tuple(text.casefold() for text in texts), key)
        return _records(
            entity, target, by_keys(self._session, target, wanted.values(), _names(entity, target, *dedupe))
        )


def is_id(target: Target, text: str) -> bool:
    """Return whether a text can be the id of a record."""
    if target.id_field == "id":
        return text.isascii() and text.isdecimal()
    return _GUID.fullmatch(text) is not None


def moment(raw: object) -> datetime | None:
    """Return a moment of Marketo's in UTC, or ``None`` for what is none; ``Z`` and ``+0000`` both occur."""
    if not isinstance(raw, str):
        return None
    try:
        read = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def id_in(raw: Raw, target: Target) -> str | None:
    """Return the id of a record as the service gives it, or ``None`` where it gives none."""
    found = raw.get(target.id_field)
    return None if isinstance(found, bool) or not isinstance(found, (int, str)) or found == "" else str(found)


def _records(entity: BoundEntity, target: Target, found: Iterable[Raw]) -> list[Record]:
    """Return each record once.

    Raises:
        ResponseError: One has no id.
    """
    records: dict[str, Record] = {}
    for raw in found:
        number = id_in(raw, target)
        if number is None:
            raise ResponseError(f"one of the {target.words} came without an id", service=SERVICE)
        records[number] = Record(number, entity.decode_marketo(raw), modified_at=moment(raw.get(_STAMP)))
    return list(records.values())


def _names(entity: BoundEntity, target: Target, *more: str) -> list[str]:
    return list(dict.fromkeys([target.id_field, _STAMP, *entity.marketo_names, *more]))


def _filter_type(entity: BoundEntity, target: Target, bound: BoundField) -> str:
    info = entity.marketo.fields.get(bound.marketo)
    if info is not None and info.searchable:
        return bound.marketo
    where = f"{entity.name}.{bound.name}: Marketo can't look {target.words} up by {bound.marketo!r}. It can by"
    if target.is_person:
        raise ConfigurationError(
            f"{where} id, email and custom fields of type string, email or integer; choose one of these as match key"
        )
    dedupe = entity.definition.marketo.dedupe
    if dedupe == (bound.marketo,):
        return DEDUPE_FIELDS
    alone = sorted(name for name, field in entity.marketo.fields.items() if field.searchable)
    together = f", and by {', '.join(dedupe)} together ({DEDUPE_FIELDS!r})" if len(dedupe) > 1 else ""
    raise ConfigurationError(f"{where} {', '.join(alone)}{together}")


def _mapped_to(entity: BoundEntity, name: str) -> BoundField:
    for bound in entity.fields.values():
        if bound.marketo == name:
            return bound
    raise ConfigurationError(f"{entity.name} syncs no field with {name!r}, so it can't be found by its key")
