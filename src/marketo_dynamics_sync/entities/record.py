"""One record as a connector read it."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from .values import Ref, Values


@frozen
class Record:
    """A record of one side, decoded, with the few facts about it that are not fields.

    Attributes:
        id: The side's own id, as text: a Marketo person id (``"1001"``) or a GUID in lower case.
        values: Values by field name; a field that was not read is not there.
        version: What guards a write: the row's etag. ``None`` where the side has none.
        modified_at: When the side last changed it (UTC), if it says so.
        merged_into: Id of the record that it was merged into.
        merged: Whether it was merged into another record, which may be gone by now.
        converted_to: The contact that a qualified lead became.
        converted_from: Row id of the lead that a contact was made from.
        active: False for a deactivated row.
        empty: Fields whose column is empty and whose value says something all the same: a yes-or-no column that nobody
            filled in reads as No, because Marketo keeps nothing else.
    """

    id: str
    values: Values
    version: str | None = None
    modified_at: datetime | None = None
    merged_into: str | None = None
    merged: bool = False
    converted_to: Ref[object] | None = None
    converted_from: str | None = None
    active: bool = True
    empty: frozenset[str] = frozenset()
