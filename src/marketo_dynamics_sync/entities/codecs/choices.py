"""Option sets: a number in Dataverse, a label or a number in Marketo."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import ClassVar, Generic, Self, TypeVar, cast

from attrs import evolve, field, frozen

from ...errors import MappingError, ValueRejectedError
from ..schema import FieldInfo, Option
from ..values import JSON
from .base import Codec

E = TypeVar("E", bound=Enum)

_NUMBERS = frozenset({"integer", "score"})
_MARKETO = frozenset({"string", "text", "integer", "score", "reference"})
_NUMBER = re.compile(r"-?[0-9]{1,10}")


def enum_label(member: Enum) -> str:
    """Return what people read for a member: its ``label`` attribute, or its name as words."""
    label = getattr(member, "label", None)
    return label if isinstance(label, str) else member.name.replace("_", " ").capitalize()


def unique_labels(options: Iterable[Option], *, joiner: str | None = None) -> dict[int, str]:
    """Return what Marketo shows for each option: its label, so written that no other option has the same one.

    Dataverse lets two options carry one label. Both then get their number behind it, since a text that means two
    options would come back as the wrong one.

    Args:
        options: The option set.
        joiner: What stands between labels where one text holds several; a label that has it gets a comma instead.
    """
    shown = {option.value: option.label.strip() or str(option.value) for option in options}
    if joiner is not None:
        shown = {value: label.replace(joiner, ",") for value, label in shown.items()}
    while shared := _shared(shown.values()):
        shown = {v: f"{label} ({v})" if label.casefold() in shared else label for v, label in shown.items()}
    return shown


def other_labels(options: Iterable[Option], shown: Mapping[int, str]) -> dict[str, int]:
    """Return what options are called in other languages, in lower case, as far as that means one option only.

    Args:
        options: The option set.
        shown: What Marketo shows for each option.
    """
    own = {label.casefold() for label in shown.values()}
    meant: dict[str, set[int]] = {}
    for option in options:
        for alias in option.aliases:
            meant.setdefault(alias.strip().casefold(), set()).add(option.value)
    return {alias: min(values) for alias, values in meant.items() if alias not in own and len(values) == 1}


def _shared(labels: Iterable[str]) -> set[str]:
    return {label for label, times in Counter(map(str.casefold, labels)).items() if times > 1}


@frozen
class ChoiceCodec(Codec[int]):
    """A choice of an option set, kept as its number. Its label is read from Dataverse's metadata.

    A Marketo text field holds the label (found again in any letter case, and in any language that the environment has),
    a Marketo integer field the number. A number that the option set no longer has, but rows still hold, is carried as a
    number and never written to Dynamics.

    Attributes:
        labels: Label by number.
        numeric: Whether the Marketo field holds the number.
        marketo_length: Longest text the Marketo field takes, in characters.
    """

    name: ClassVar[str] = "choice"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Picklist", "State", "Status"})
    samples: ClassVar[tuple[object, ...]] = (1, 100_000_000)

    labels: Mapping[int, str] = field(factory=dict, repr=False, eq=False)
    numeric: bool = False
    marketo_length: int | None = None
    _values: Mapping[str, int] = field(factory=dict, repr=False, eq=False)

    def label(self, value: int) -> str:
        """Return what people read for ``value``; the number itself where the option set doesn't say."""
        return self.labels.get(value, str(value))

    def from_marketo(self, raw: JSON) -> int | None:
        """Return the choice that a label or a number names."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            text = raw.strip()
            found = self._values.get(text.casefold())
            if found is not None:
                return found
            if _NUMBER.fullmatch(text):
                return int(text)
        elif type(raw) is int:
            return raw
        raise ValueRejectedError("not a label of the option set", code="unknown-option")

    def to_marketo(self, value: int | None) -> JSON:
        """Return the label, or the number for a number field."""
        if value is None or self.numeric:
            return value
        text = self.label(value)
        if self.marketo_length is not None and len(text) > self.marketo_length:
            raise ValueRejectedError(
                f"a label of {len(text)} characters where Marketo takes {self.marketo_length}", code="too-long"
            )
        return text

    def from_dynamics(self, raw: JSON) -> int | None:
        """Return the number."""
        if raw is None:
            return None
        if type(raw) is not int:
            raise ValueRejectedError("the number of an option was expected", code="unknown-option")
        return raw

    def to_dynamics(self, value: int | None) -> JSON:
        """Return the number, refusing one that the option set doesn't have (error 0x8004431A otherwise)."""
        if value is not None and self.labels and value not in self.labels:
            raise ValueRejectedError("not a number of the option set", code="unknown-option")
        return value

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the option set."""
        super().bind(marketo, dynamics)
        labels = unique_labels(dynamics.options) if dynamics else dict(self.labels)
        return evolve(
            self,
            labels=labels,
            numeric=marketo is not None and marketo.type in _NUMBERS,
            marketo_length=marketo.max_length if marketo else None,
            values=_by_label(labels, dynamics),
        )


def _by_label(labels: Mapping[int, str], column: FieldInfo | None) -> dict[str, int]:
    """Return numbers by label in lower case: those in other languages, and those of labels that were there before,
    too."""
    others = other_labels(column.options, labels) if column else {}
    former = {label.casefold(): number for label, number in column.former.items()} if column else {}
    return former | others | {label.casefold(): value for value, label in labels.items()}


@frozen
class EnumCodec(Codec[E], Generic[E]):
    """A choice of an option set, kept as a member of the user's own ``Enum`` whose values are the option numbers.

    Attributes:
        enum: The enumeration.
        numeric: Whether the Marketo field holds the number.
        labels: Member by what people read for it, in lower case.
        codes: Numbers that the column's option set has; empty where it isn't known.
    """

    name: ClassVar[str] = "choice"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"Picklist", "State", "Status"})

    enum: type[E]
    numeric: bool = False
    labels: Mapping[str, E] = field(factory=dict, repr=False, eq=False)
    codes: frozenset[int] = field(default=frozenset(), repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for member in self.enum:
            if type(member.value) is not int:
                raise MappingError(
                    f"{self.enum.__name__}.{member.name} is {type(member.value).__name__}: the members of an option "
                    "set carry the option's whole number"
                )
        # Our own labels come last and so count most: what is written to Marketo has to come back as the same member.
        names = {member.name.casefold(): member for member in self.enum}
        own = {enum_label(member).strip().casefold(): member for member in self.enum}
        object.__setattr__(self, "labels", {**self.labels, **names, **own})

    def examples(self) -> tuple[object, ...]:
        """Return every member."""
        return tuple(self.enum)

    def from_marketo(self, raw: JSON) -> E | None:
        """Return the member that a label, a name or a number names."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            found = self.labels.get(raw.strip().casefold())
            if found is not None:
                return found
            if _NUMBER.fullmatch(raw.strip()):
                return self._member(int(raw))
        return self._member(raw)

    def to_marketo(self, value: E | None) -> JSON:
        """Return the label, or the number for a number field."""
        if value is None:
            return None
        return cast("int", value.value) if self.numeric else enum_label(value)

    def from_dynamics(self, raw: JSON) -> E | None:
        """Return the member with that number."""
        return None if raw is None else self._member(raw)

    def to_dynamics(self, value: E | None) -> JSON:
        """Return the member's number, refusing one that the option set doesn't have."""
        if value is not None and self.codes and value.value not in self.codes:
            raise ValueRejectedError("not a number of the option set", code="unknown-option")
        return self.dump(value)

    def dump(self, value: E | None) -> JSON:
        """Return the member's number."""
        return None if value is None else cast("int", value.value)

    def load(self, raw: JSON) -> E | None:
        """Return the member that :meth:`dump` wrote."""
        return self.from_dynamics(raw)

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that also reads the labels that Dataverse's metadata gives."""
        super().bind(marketo, dynamics)
        members = {member.value: member for member in self.enum}
        shown = unique_labels(dynamics.options) if dynamics else {}
        known = _by_label(shown, dynamics)
        return evolve(
            self,
            labels={label: members[value] for label, value in known.items() if value in members},
            numeric=marketo is not None and marketo.type in _NUMBERS,
            codes=frozenset(shown),
        )

    def _member(self, raw: object) -> E:
        found = next((m for m in self.enum if m.value == raw), None) if type(raw) is int else None
        if found is None:
            raise ValueRejectedError(f"not a choice of {self.enum.__name__}", code="unknown-option")
        return found


@frozen
class MultiChoiceCodec(Codec[frozenset[int]]):
    """Several choices of a multi-select option set: ``"2,3"`` in Dataverse, labels joined by ``;`` in Marketo.

    Attributes:
        choice: The codec of one choice.
        marketo_length: Longest text the Marketo field takes, in characters.
    """

    name: ClassVar[str] = "set of choices"
    marketo_types: ClassVar[frozenset[str]] = frozenset({"string", "text"})
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"MultiSelectPicklist"})
    samples: ClassVar[tuple[object, ...]] = (frozenset({1, 3}), frozenset({7}))
    #: Dataverse takes this many at most (Microsoft Learn, "Choices columns").
    most: ClassVar[int] = 150

    choice: ChoiceCodec = field(factory=ChoiceCodec)
    marketo_length: int | None = None

    def from_marketo(self, raw: JSON) -> frozenset[int] | None:
        """Return the choices; the order in the text means nothing."""
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise ValueRejectedError("labels joined by ; were expected", code="unknown-option")
        parts = (self.choice.from_marketo(part.strip()) for part in raw.split(";") if part.strip())
        return frozenset(part for part in parts if part is not None) or None

    def to_marketo(self, value: frozenset[int] | None) -> JSON:
        """Return the labels in the order of their numbers, joined by ``;``."""
        if not value:
            return None
        text = "; ".join(self.choice.label(number) for number in sorted(value))
        if self.marketo_length is not None and len(text) > self.marketo_length:
            raise ValueRejectedError(
                f"{len(text)} characters where Marketo takes {self.marketo_length}", code="too-long"
            )
        return text

    def from_dynamics(self, raw: JSON) -> frozenset[int] | None:
        """Return the choices."""
        if raw is None:
            return None
        try:
            return frozenset(int(part) for part in str(raw).split(",") if part.strip()) or None
        except ValueError:
            raise ValueRejectedError("numbers joined by commas were expected", code="unknown-option") from None

    def to_dynamics(self, value: frozenset[int] | None) -> JSON:
        """Return the numbers joined by commas."""
        if not value:
            return None
        if len(value) > self.most:
            raise ValueRejectedError(f"{len(value)} choices where Dynamics takes {self.most}", code="too-many")
        return ",".join(str(self.choice.to_dynamics(number)) for number in sorted(value))

    def dump(self, value: frozenset[int] | None) -> JSON:
        """Return the numbers in order."""
        return [*sorted(value)] if value else None

    def load(self, raw: JSON) -> frozenset[int] | None:
        """Return the choices that :meth:`dump` wrote."""
        return frozenset(cast("list[int]", raw)) if raw else None

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows the option set."""
        super().bind(marketo, dynamics)
        labels = unique_labels(dynamics.options, joiner=";") if dynamics else dict(self.choice.labels)
        return evolve(
            self,
            choice=evolve(self.choice, labels=labels, values=_by_label(labels, dynamics)),
            marketo_length=marketo.max_length if marketo else None,
        )
