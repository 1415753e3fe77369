"""What a field can hold between the two services: plain Python values, and three ways of holding none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

#: What JSON can say. ``object`` at the leaves keeps the alias non-recursive; codecs narrow it.
JSON: TypeAlias = None | bool | int | float | str | list[object] | dict[str, object]

#: Values of one record, by field name. A name that is missing was not read: absent is not empty.
Values: TypeAlias = Mapping[str, object]

T = TypeVar("T")


class _Unreadable(Enum):
    UNREADABLE = "unreadable"

    def __repr__(self) -> str:
        return "UNREADABLE"


#: Stands for a value that is there but that the sync user may not read. It never equals a value and is never written.
UNREADABLE: Final = _Unreadable.UNREADABLE


@frozen
class Invalid:
    """Stands for a value that was read but is not one of the field's type.

    Attributes:
        code: Short stable word, such as ``"unknown-option"``.
        reason: What is wrong, without the value itself.
    """

    code: str
    reason: str


@frozen(order=True)
class Ref(Generic[T]):
    """A lookup: points to one row of a table.

    Two references with one id are equal: no two rows share a GUID, and Marketo keeps the id without its table.

    Attributes:
        table: Logical name of the table in Dataverse, such as ``"contact"``; "" where it is not known.
        id: The row's id, a GUID in lower case without braces.
    """

    table: str = field(eq=False)
    id: str
