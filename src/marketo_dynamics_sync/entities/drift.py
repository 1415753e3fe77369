"""What a service changed about mapped fields since they were last seen: pure comparison of small snapshots."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final, TypeAlias, cast

from attrs import frozen

from .binding import BoundEntity, Return
from .definition import EntityDefinition, EntityField
from .direction import Direction, Side
from .naming import bare_column, bare_field, fold
from .schema import FieldInfo, ObjectInfo

#: One end of a field as plain data.
End: TypeAlias = Mapping[str, object]
#: Both ends of every mapped field, by field name and side.
Snapshot: TypeAlias = Mapping[str, Mapping[str, End]]

#: Kinds of change that take nothing away: whatever the mode, they are used at once.
EASED: Final = frozenset({"appeared", "readable", "writable", "lengthened"})
#: Kinds of change after which the field, as it was known, is no longer there.
LOST: Final = frozenset({"removed", "renamed", "retyped", "unreadable", "read-only"})
#: Mappings under which a field is known since it came back: more than this many are not kept.
_DIGESTS: Final = 50
#: How much two names must have in common for one to look like the other's new name.
_LIKE: Final = 0.75


@frozen
class SchemaChange:
    """One thing that a service changed about a mapped field.

    Attributes:
        entity: Name of the entity.
        field: Name of the field.
        side: The service that changed it.
        native: Name of the field or column there.
        kind: ``"removed"``, ``"renamed"`` (removed, and another field looks like it), ``"retyped"``, ``"unreadable"``,
            ``"read-only"``, ``"options"``, ``"shortened"``, or one that takes nothing away: ``"appeared"``,
            ``"readable"``, ``"writable"``, ``"lengthened"``.
        detail: What changed, in words: names, types and labels of the schema, never a field value.
    """

    entity: str
    field: str
    side: Side
    native: str
    kind: str
    detail: str

    @property
    def eased(self) -> bool:
        """Whether it takes nothing away."""
        return self.kind in EASED

    @property
    def lost(self) -> bool:
        """Whether the field, as it was known, is no longer there."""
        return self.kind in LOST

    def __str__(self) -> str:
        return f"{self.entity}.{self.field}: {self.side.value} {self.native!r} {self.detail}"


def snapshot(
    definition: EntityDefinition, marketo: ObjectInfo, dynamics: ObjectInfo, before: Snapshot | None = None
) -> dict[str, dict[str, End]]:
    """Return what both services say of the mapped fields, small enough to be kept.

    Args:
        definition: The entity.
        marketo: The Marketo object, as described now.
        dynamics: The table, as described now.
        before: The last snapshot: labels that an option had in it, or before it, stay known.
    """
    found: dict[str, dict[str, End]] = {}
    for item in definition.fields.values():
        ends = found.setdefault(item.name, {})
        for side, native, info in _ends(item, marketo, dynamics):
            old = (before or {}).get(item.name, {}).get(side.value)
            ends[side.value] = _end(native, info.fields.get(native), old if old and old["name"] == native else None)
    return found


def as_text(found: Snapshot) -> str:
    """Return a snapshot as the text that is kept."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_text(text: str | None) -> Snapshot | None:
    """Return the snapshot that a text keeps."""
    return cast("Snapshot", json.loads(text)) if text else None


def changes(
    definition: EntityDefinition, before: Snapshot, now: Snapshot, marketo: ObjectInfo, dynamics: ObjectInfo
) -> tuple[SchemaChange, ...]:
    """Return what changed between two snapshots. A field that is mapped elsewhere now is compared with nothing.

    Args:
        definition: The entity.
        before: What was seen last.
        now: What is there now.
        marketo: The Marketo object now, where a removed field's new name is looked for.
        dynamics: The table now.
    """
    found: list[SchemaChange] = []
    ends = [end for item in definition.fields.values() for end in _ends(item, marketo, dynamics)]
    taken = {(side.value, native) for side, native, _ in ends}
    for item in definition.fields.values():
        for side, native, info in _ends(item, marketo, dynamics):
            old, new = (which.get(item.name, {}).get(side.value) for which in (before, now))
            if old is None or new is None or old["name"] != native:
                continue
            free = {name: field.type for name, field in info.fields.items() if (side.value, name) not in taken}
            found += [
                SchemaChange(definition.name, item.name, side, native, kind, detail)
                for kind, detail in _differences(item, side, old, new, free)
            ]
    return tuple(found)


def returns(before: Snapshot | None) -> dict[str, Return]:
    """Return the fields of a snapshot that were away, or still are."""
    found = {}
    for name, ends in (before or {}).items():
        if "since" in ends:
            digests = cast("list[str]", ends["since"]["digests"])
            found[name] = Return(int(str(ends["since"]["times"])), frozenset(digests))
    return found


def with_returns(found: Snapshot, away: Collection[str], entity: BoundEntity, digest: str) -> dict[str, dict[str, End]]:
    """Return a snapshot that also keeps which fields were away, and under which mapping they are known since.

    Args:
        found: The snapshot.
        away: Fields that one of the services lacks now.
        entity: The entity as it is bound now.
        digest: Digest of the mapping in force.
    """
    kept: dict[str, dict[str, End]] = {}
    for name, ends in found.items():
        kept[name] = {side: end for side, end in ends.items() if side != "since"}
        back = entity.returns.get(name)
        if name in away:
            kept[name]["since"] = {"times": back.times if back else 0, "away": True, "digests": []}
        elif back is not None:
            kept[name]["since"] = {"times": back.times, "digests": sorted({*back.digests, digest})[-_DIGESTS:]}
    return kept


def came_back(before: Snapshot | None, entity: BoundEntity, anew: Collection[str]) -> dict[str, Return]:
    """Return the fields that were away, those included that came back, or were made anew, just now.

    Args:
        before: The last snapshot.
        entity: The entity as it is bound now.
        anew: Fields whose column was made anew under the same name: a type can't be changed in place.
    """
    found = returns(before)
    for name, ends in (before or {}).items():
        was_away = bool(ends.get("since", {}).get("away"))
        if name in entity.fields and (was_away or name in anew):
            found[name] = Return(found[name].times + 1 if name in found else 1)
    return found


def former_labels(end: End) -> dict[str, int]:
    """Return the labels that options had before, in a snapshot's end, with their numbers."""
    return {str(label): int(str(number)) for label, number in cast("Mapping[str, object]", end.get("was", {})).items()}


def options_of(end: End) -> dict[int, str]:
    """Return the options of a snapshot's end: label by number."""
    return {int(number): str(label) for number, label in cast("Mapping[str, object]", end.get("options", {})).items()}


def _ends(item: EntityField, marketo: ObjectInfo, dynamics: ObjectInfo) -> Iterator[tuple[Side, str, ObjectInfo]]:
    if item.marketo is not None:
        yield Side.MARKETO, item.marketo, marketo
    if item.dynamics is not None:
        yield Side.DYNAMICS, item.dynamics, dynamics


def _end(native: str, info: FieldInfo | None, old: End | None) -> End:
    was = former_labels(old) | {label: number for number, label in options_of(old).items()} if old else {}
    end: dict[str, object] = {"name": native}
    if info is None:
        gone = {"options": dict(cast("Mapping[str, object]", old["options"]))} if old and "options" in old else {}
        return end | {"gone": True} | gone | ({"was": former_labels(old)} if old and "was" in old else {})
    end |= {"type": info.type}
    extra: dict[str, object] = {
        "unreadable": not info.readable,
        "read-only": not info.updatable,
        "length": info.max_length,
        "behavior": info.behavior,
        "options": {str(option.value): option.label for option in info.options},
    }
    labels = {option.label for option in info.options}
    extra["was"] = {label: number for label, number in was.items() if label not in labels}
    return end | {name: value for name, value in extra.items() if value}


def _differences(
    item: EntityField, side: Side, old: End, new: End, free: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    if old.get("gone") and new.get("gone"):
        return
    if new.get("gone"):
        like = _looks_like(side, str(new["name"]), str(old.get("type", "")), free)
        yield ("renamed", f"was removed; {like!r} looks like its new name") if like else ("removed", "was removed")
        return
    if old.get("gone"):
        yield "appeared", f"is there now, as {_type(new)}"
        return
    if (old["type"], old.get("behavior")) != (new["type"], new.get("behavior")):
        yield "retyped", f"changed its type: {_type(old)} → {_type(new)}"
        return
    if bool(old.get("unreadable")) != bool(new.get("unreadable")):
        hidden = bool(new.get("unreadable"))
        yield "unreadable" if hidden else "readable", f"can {'no longer' if hidden else 'now'} be read by the sync user"
        if hidden:
            return
    if _written(item, side) and bool(old.get("read-only")) != bool(new.get("read-only")):
        fixed = bool(new.get("read-only"))
        yield "read-only" if fixed else "writable", f"can {'no longer' if fixed else 'now'} be written"
    before, now = old.get("length"), new.get("length")
    if before != now:
        less = now is not None and (before is None or int(str(now)) < int(str(before)))
        yield "shortened" if less else "lengthened", f"changed its length: {_type(old)} → {_type(new)}"
    if old.get("options", {}) != new.get("options", {}):
        yield "options", "changed its options: " + ", ".join(_options(options_of(old), options_of(new)))


def _options(old: Mapping[int, str], new: Mapping[int, str]) -> Iterator[str]:
    for number in sorted(old.keys() | new.keys()):
        if number not in new:
            yield f"{number} {old[number]!r} is gone"
        elif number not in old:
            yield f"{number} {new[number]!r} is new"
        elif old[number] != new[number]:
            yield f"{number} {old[number]!r} is called {new[number]!r} now"


def _written(item: EntityField, side: Side) -> bool:
    other_way = Direction.TO_DYNAMICS if side is Side.MARKETO else Direction.TO_MARKETO
    return not item.read_only and not item.key and item.direction is not other_way


def _type(end: End) -> str:
    beside = end.get("length") or end.get("behavior")
    return f"{end['type']}({beside})" if beside else str(end["type"])


def _looks_like(side: Side, native: str, kind: str, free: Mapping[str, str]) -> str:
    """Return the free field of the same type whose name is most like a removed one's, or ``""``."""
    bare = bare_column if side is Side.DYNAMICS else bare_field
    names = {fold(bare(name)): name for name, its in sorted(free.items()) if its == kind}
    close = difflib.get_close_matches(fold(bare(native)), list(names), n=1, cutoff=_LIKE)
    return names[close[0]] if close else ""
