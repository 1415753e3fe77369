"""Match keys: by what a Dynamics row and a Marketo person are recognised as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
from attrs import frozen

from ..entities import UNREADABLE, BoundEntity, Invalid, Record, Values
from ..errors import PolicyError


def fold_text(value: object) -> str | None:
    """Return text without outer blanks and letter case, or ``None`` where nothing is left to compare."""
    folded = str(value).strip().casefold()
    return folded or None


@frozen
class MatchKey:
    """One way to recognise a record: two records with the same key value may be one.

    Attributes:
        field: Name of the entity's field.
        normalise: Turns a value into what is compared; ``None`` for a value that says nothing. The default drops outer
            blanks and letter case.
    """

    field: str
    normalise: Callable[[object], str | None] = attrs.field(default=fold_text, repr=False)

    def of(self, values: Values) -> str | None:
        """Return the key value of a record, or ``None`` where it has none.

        Raises:
            PolicyError: ``normalise`` raised, or returned something that is no text.
        """
        value = values.get(self.field)
        if value is None or value is UNREADABLE or isinstance(value, Invalid):
            return None
        try:
            folded: object = self.normalise(value)
        except Exception as error:
            # The error's own text may quote the value.
            raise PolicyError(f"match key {self.field!r}: normalise raised {type(error).__name__}") from None
        if folded is not None and not isinstance(folded, str):
            raise PolicyError(f"match key {self.field!r}: normalise returned {type(folded).__name__}, not text or None")
        return folded or None


@frozen
class Matching:
    """How a Dynamics row that is new to us is matched with persons that Marketo already has.

    The CRM id stored on the person is always tried first. Then come ``keys``, in their order.

    Attributes:
        keys: Match keys. The default is the e-mail address.
        native: Never match by ``keys``: the native sync's way, where every new row becomes a new person (Adobe, "Step
            3 of 3: Connect", on duplicates).

    Examples:
        >>> Matching(keys=(MatchKey("email"), MatchKey("phone"))).keys[1].field
        'phone'
    """

    keys: tuple[MatchKey, ...] = (MatchKey("email"),)
    native: bool = False

    def order(self, entity: BoundEntity) -> tuple[MatchKey, ...]:
        """Return the keys that apply to an entity between two given instances, the CRM id first."""
        first = (MatchKey(entity.key.name),) if entity.key is not None else ()
        rest = () if self.native else self.keys
        return first + tuple(key for key in rest if key.field in entity.fields)


def key_values(key: MatchKey, records: Sequence[Record]) -> list[object]:
    """Return the distinct values to look other records up by, in the order of the records."""
    found: dict[str, object] = {}
    for record in records:
        folded = key.of(record.values)
        if folded is not None:
            found.setdefault(folded, record.values[key.field])
    return list(found.values())
