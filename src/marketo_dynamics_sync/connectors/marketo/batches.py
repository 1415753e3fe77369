"""Makes calls of writes: like with like, never too many, never too long, never one key twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from ...errors import ValueRejectedError
from ..protocol import Problem, Write, WriteKind

#: Records in one write call (Adobe, "Leads": create and update).
WRITE_SIZE: Final = 300
#: The service takes 1 MB; whether that is counted with a thousand or with 1,024 is not published.
BODY_BYTES: Final = 900_000


@frozen
class Item:
    """One write, encoded.

    Attributes:
        index: Its place among the writes.
        write: The write.
        lookup: The REST API name that the record is found by; ``""`` for a delete.
        key: The value that it is found by, folded.
        payload: What is sent.
        size: Bytes of it in the body.
    """

    index: int
    write: Write
    lookup: str
    key: str
    payload: Mapping[str, object] = field(repr=False)
    size: int = 0


def encode_write(index: int, write: Write) -> Item | Problem:
    """Return a write as it is sent, or why it can't be."""
    entity = write.entity
    payload: dict[str, object] = {}
    for name, value in write.values.items():
        try:
            payload |= entity.encode_marketo({name: value})
        except ValueRejectedError as error:
            return Problem(error.code, error.reason, entity.fields[name].marketo if name in entity.fields else name)
    if write.kind is WriteKind.CREATE:
        bound = entity.fields.get(write.lookup) if write.lookup is not None else None
        key = payload.get(bound.marketo) if bound is not None else None
        if bound is None or key is None or not str(key).strip():
            return Problem(
                "no-key",
                "a new person needs the value of a field that it is found by, or a repeat would make it a second time",
                bound.marketo if bound is not None else None,
            )
        return _item(index, write, bound.marketo, str(key).strip().casefold(), payload)
    if write.id is None or not (write.id.isascii() and write.id.isdecimal()):
        return Problem("bad-id", "not the id of a Marketo person", "id")
    if write.kind is WriteKind.DELETE:
        return _item(index, write, "", write.id, {"id": int(write.id)})
    return _item(index, write, "id", write.id, {"id": int(write.id), **payload})


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items of each call. A key that comes again goes into a later call, so that the last write counts."""
    groups: dict[tuple[WriteKind, str, int], list[Item]] = {}
    met: Counter[tuple[WriteKind, str, str]] = Counter()
    for item in items:
        key = (item.write.kind, item.lookup, item.key)
        groups.setdefault((item.write.kind, item.lookup, met[key]), []).append(item)
        met[key] += 1
    for group in groups.values():
        batch: list[Item] = []
        size = 0
        for item in group:
            if batch and (len(batch) == WRITE_SIZE or size + item.size > BODY_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(item)
            size += item.size
        yield batch


def _item(index: int, write: Write, lookup: str, key: str, payload: Mapping[str, object]) -> Item | Problem:
    try:
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Item(index, write, lookup, key, payload, len(text.encode()) + 1)
    except ValueError:  # not a number, or half a character: one such record would make the whole body unreadable
        return Problem("bad-value", "a number that is none, or half a character, which JSON can't carry")
