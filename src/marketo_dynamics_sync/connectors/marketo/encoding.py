"""Turns writes into what is sent, or into why they can't be."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Final

from attrs import field, frozen

from ...errors import ValueRejectedError
from ..protocol import Problem, Write, WriteKind
from .lookup import DEDUPE_FIELDS
from .reading import is_id
from .targets import Target, target_of

#: Records of an object are told apart by the number that the service gave them (Adobe, "Lead Database").
ID_FIELD: Final = "idField"


@frozen
class Item:
    """One write, encoded.

    Attributes:
        index: Its place among the writes.
        write: The write.
        target: The object it goes to.
        lookup: What the record is found by: for a person the REST API name of a field, for an object ``dedupeFields``
            or ``idField``; ``""`` for the delete of a person.
        keys: What two writes of one record have in common.
        payload: What is sent.
        size: Bytes of it in the body.
        left_out: Names of fields of the write that are not sent, since they are the company's.
    """

    index: int
    write: Write
    target: Target
    lookup: str
    keys: tuple[Hashable, ...] = field(repr=False)
    payload: Mapping[str, object] = field(repr=False)
    size: int = 0
    left_out: frozenset[str] = frozenset()


def encode_write(index: int, write: Write) -> Item | Problem:
    """Return a write as it is sent, or why it can't be."""
    entity = write.entity
    payload: dict[str, object] = {}
    for name, value in write.values.items():
        try:
            payload |= entity.encode_marketo({name: value})
        except ValueRejectedError as error:
            return Problem(error.code, error.reason, entity.fields[name].marketo if name in entity.fields else name)
    target = target_of(entity.definition.marketo)
    encode = _encode_person if target.is_person else _encode_object
    return encode(index, write, target, payload)


def _encode_person(index: int, write: Write, target: Target, payload: dict[str, object]) -> Item | Problem:
    if write.kind is WriteKind.CREATE:
        bound = write.entity.fields.get(write.lookup) if write.lookup is not None else None
        key = _text(payload.get(bound.marketo)) if bound is not None else ""
        if bound is None or not key:
            return Problem(
                "no-key",
                "a new person needs the value of a field that it is found by, or a repeat would make it a second time",
                bound.marketo if bound is not None else None,
            )
        return _item(index, write, target, bound.marketo, ((bound.marketo, key.casefold()),), payload)
    if write.id is None or not is_id(target, write.id):
        return Problem("bad-id", "not the id of a Marketo person", "id")
    keys = (("id", write.id),)
    if write.kind is WriteKind.DELETE:
        return _item(index, write, target, "", keys, {"id": int(write.id)})
    return _item(index, write, target, "id", keys, {"id": int(write.id), **payload})


def _encode_object(index: int, write: Write, target: Target, payload: dict[str, object]) -> Item | Problem:
    dedupe = write.entity.definition.marketo.dedupe
    key = {name: payload.get(name) for name in dedupe}
    missing = next((name for name, value in key.items() if not _text(value)), None)
    same_key = (dedupe, tuple(_text(value).casefold() for value in key.values()))
    number = write.id
    if number is not None and not is_id(target, number):
        return Problem("bad-id", f"not an id of {target.words}", target.id_field)
    if number is None and missing is not None:
        return Problem(
            "no-key",
            f"{target.words} are told apart by {', '.join(dedupe)}, and the record has no value for {missing}",
            missing,
        )
    if write.kind is WriteKind.CREATE and missing is not None:
        return Problem("no-key", f"a new record needs a value for {missing}, by which it is found again", missing)
    keys: tuple[Hashable, ...] = () if missing is not None else (same_key,)
    by_id: dict[str, object] = {}
    if number is not None:
        keys = (*keys, (target.id_field, number.casefold()))
        by_id = {target.id_field: int(number) if target.id_field == "id" else number}
    if write.kind is WriteKind.DELETE:
        lookup, sent = (ID_FIELD, by_id) if by_id else (DEDUPE_FIELDS, key)
        return _item(index, write, target, lookup, keys, sent)
    if missing is not None:
        return _item(index, write, target, ID_FIELD, keys, {**payload, **by_id})
    return _item(index, write, target, DEDUPE_FIELDS, keys, payload)


def body_size(payload: object) -> int | None:
    """Return the bytes that a record takes in a body, or ``None`` for one that JSON can't carry: a number that is
    none, or half a character. One such record would make the whole body unreadable."""
    try:
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return len(text.encode()) + 1
    except ValueError:
        return None


#: What to say of a record that JSON can't carry.
NOT_JSON: Final = Problem("bad-value", "a number that is none, or half a character, which JSON can't carry")


def _item(
    index: int,
    write: Write,
    target: Target,
    lookup: str,
    keys: tuple[Hashable, ...],
    payload: Mapping[str, object],
) -> Item | Problem:
    size = body_size(payload)
    return NOT_JSON if size is None else Item(index, write, target, lookup, keys, payload, size)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
