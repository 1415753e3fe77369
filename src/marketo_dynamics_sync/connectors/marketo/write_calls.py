"""The call that carries a batch of writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..protocol import WriteKind
from .codes import HALVED_CODES
from .encoding import Item
from .session import Call, Kind

#: Beyond the service's own limit, so that it never goes on while we give up.
_LONGER: Final = 30.0


def write_call(batch: Sequence[Item], partition: str | None, *, half: bool = False) -> Call:
    """Return the call for items of one object, one kind and one way to find records.

    Args:
        batch: The items.
        partition: Lead partition that new persons go to.
        half: It is part of a call that was refused: what that was refused for is not tried again by itself.
    """
    target, kind, lookup = batch[0].target, batch[0].write.kind, batch[0].lookup
    deletes = kind is WriteKind.DELETE
    body: dict[str, object] = {"input": [item.payload for item in batch]}
    if deletes:
        body = body if target.is_person else {"deleteBy": lookup, **body}
    else:
        action = "createOrUpdate" if kind is WriteKind.CREATE else "updateOnly"
        body = {"action": action, "lookupField" if target.is_person else "dedupeBy": lookup, **body}
    if target.is_person and kind is WriteKind.CREATE and partition is not None:
        body["partitionName"] = partition
    return Call(
        f"{'deleting' if deletes else 'writing'} {target.words}",
        f"{target.path}{'/delete' if deletes else ''}.json",
        Kind.WRITE,
        target.writes,
        body=body,
        timeout=target.seconds + _LONGER,
        # An upsert whose answer was lost may still be running, and would meet its repeat.
        pause=target.seconds if kind is WriteKind.CREATE else 0.0,
        given_up=HALVED_CODES if half else HALVED_CODES - {"611"} if len(batch) > 1 else frozenset(),
    )
