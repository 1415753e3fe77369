"""What a cycle does when a service changed a mapped field: the schema contract of each entity.

The modes have the names and meanings that data loaders give them (dlt, "Schema and data contracts"; Singer targets
and Meltano validate against a schema in the same spirit).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from ..entities import BoundEntity, EntityDefinition, EntityField, LeftOut, ObjectInfo, SchemaChange, Side, bind
from ..entities.drift import End, Snapshot, came_back, changes, former_labels, from_text, options_of, snapshot
from ..errors import ConfigurationError, MappingError, SchemaChangedError
from ..state import StateStore

#: Why a whole record waits.
SCHEMA_CHANGE: Final = "schema-change"


class OnSchemaChange(Enum):
    """What a cycle does when a service changed a mapped field since the last one."""

    #: Go on with the schema as it is now: a lost field is left out, a changed one goes on as what it became.
    EVOLVE = "evolve"
    #: Refuse the cycle before its first write.
    FREEZE = "freeze"
    #: Go on with the schema as it was: a lost field, and a value that wouldn't have fitted before, is left out.
    DISCARD_VALUE = "discard value"
    #: Go on with the schema as it was: a record that has a value there, or one that wouldn't have fitted, waits whole.
    DISCARD_RECORD = "discard record"

    @property
    def discards(self) -> bool:
        """Whether the schema as it was stays in force."""
        return self in (OnSchemaChange.DISCARD_VALUE, OnSchemaChange.DISCARD_RECORD)


#: One mode for all entities, or by entity name.
SchemaModes: TypeAlias = OnSchemaChange | Mapping[str, OnSchemaChange]


@frozen
class Contract:
    """What was found of one entity, and what follows from it.

    Attributes:
        changes: What the services changed.
        left_out: Fields that are left out because of it, with the old schema still in force.
        strict: Fields that a record must not have a value in, or not one that doesn't fit: it would wait whole.
        away: Fields that one of the services lacks, or that are left out.
        seen: The snapshot that this cycle goes by.
        discards: Whether the schema as it was stays in force.
        keep: The snapshot to keep when the cycle has come to its end.
    """

    changes: tuple[SchemaChange, ...] = ()
    left_out: frozenset[str] = frozenset()
    strict: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()
    seen: Snapshot = field(factory=dict, repr=False)
    discards: bool = False
    keep: Snapshot = field(factory=dict, repr=False)


def schema_fact(entity: str) -> str:
    """Return the name of the fact that keeps what was last seen of an entity's mapped fields."""
    return f"schema:{entity}"


def checked_modes(given: SchemaModes | None, names: Sequence[str]) -> dict[str, OnSchemaChange]:
    """Return the mode of each entity that has one.

    Raises:
        ConfigurationError: An entity is unknown, or a mode is none.
    """
    modes = dict(given) if isinstance(given, Mapping) else dict.fromkeys(names, given) if given is not None else {}
    for name, mode in modes.items():
        if name not in names:
            raise ConfigurationError(f"on_schema_change: no entity is called {name!r}")
        if not isinstance(mode, OnSchemaChange):
            raise ConfigurationError(f"on_schema_change: {name}: give an OnSchemaChange")
    return {name: mode for name, mode in modes.items() if mode is not None}


def bind_under_contract(
    definition: EntityDefinition,
    marketo: ObjectInfo,
    dynamics: ObjectInfo,
    *,
    store: StateStore,
    mode: OnSchemaChange | None,
) -> tuple[BoundEntity, Contract]:
    """Return an entity bound to what both services have, as its contract allows, and what they changed.

    Without a mode a field that is ``optional`` evolves, and the loss of any other is an error.

    Raises:
        SchemaChangedError: The mode is ``FREEZE``, and a service changed something.
        ConfigurationError: The entity can't be bound; the text says why.
    """
    before = from_text(store.fact(schema_fact(definition.name)))
    now = snapshot(definition, marketo, dynamics, before)
    found = changes(definition, before, now, marketo, dynamics) if before is not None else ()
    grave = [change for change in found if not change.eased]
    if mode is OnSchemaChange.FREEZE and grave:
        raise SchemaChangedError(frozen_text(grave))
    discards = mode is not None and mode.discards
    lost = {c.field: c for c in grave if c.lost and discards and _may_go(definition, definition.fields[c.field])}
    kept = {name: ends for name, ends in now.items() if name not in {c.field for c in grave}} if discards else now
    marketo, dynamics = _known(definition, marketo, dynamics, before if discards else None, now)
    lenient = _known_before(before, now) if mode is not None else frozenset[str]()
    entity = _bound(definition, marketo, dynamics, lenient, lost)
    anew = {change.field for change in grave if change.kind == "retyped"}
    entity = evolve(entity, returns=came_back(before, entity, anew))
    contract = Contract(
        changes=found,
        left_out=frozenset(lost),
        strict=frozenset(c.field for c in grave) if mode is OnSchemaChange.DISCARD_RECORD else frozenset(),
        away=frozenset(gap.field for gap in entity.left_out),
        seen=now,
        discards=discards,
        keep={**(before or {}), **kept} if discards else now,
    )
    return entity, contract


def frozen_text(found: Iterable[SchemaChange]) -> str:
    """Return what to say of changes that stop a cycle."""
    listed = "; ".join(map(str, found))
    return (
        f"the schema changed and on_schema_change is FREEZE, so nothing was read or written: {listed}. Put it back, or "
        "correct the mapping; to take it as it is now, run one cycle with OnSchemaChange.EVOLVE."
    )


def _may_go(definition: EntityDefinition, item: EntityField) -> bool:
    """Return whether an entity can do without a field: not without those that its records are told apart by."""
    return item.marketo not in definition.marketo.dedupe and (definition.marketo.is_person or not item.key)


def _known_before(before: Snapshot | None, now: Snapshot) -> frozenset[str]:
    """Return fields that were bound before under the same names: it was the service that changed, not the mapping."""
    names = {name: _names(ends) for name, ends in (before or {}).items()}
    return frozenset(name for name, ends in now.items() if names.get(name) == _names(ends))


def _names(ends: Mapping[str, End]) -> dict[str, object]:
    return {side.value: ends[side.value]["name"] for side in Side if side.value in ends}


def _known(
    definition: EntityDefinition, marketo: ObjectInfo, dynamics: ObjectInfo, before: Snapshot | None, now: Snapshot
) -> tuple[ObjectInfo, ObjectInfo]:
    """Return the descriptions with labels that options had before; and where the schema as it was is to stay in
    force, with nothing in them that it didn't have."""
    found = {}
    for side, info in ((Side.MARKETO, marketo), (Side.DYNAMICS, dynamics)):
        fields = dict(info.fields)
        for item in definition.fields.values():
            native = item.marketo if side is Side.MARKETO else item.dynamics
            there = fields.get(native or "")
            if native is None or there is None:
                continue
            there = evolve(there, former=former_labels(now[item.name][side.value]))
            old = (before or {}).get(item.name, {}).get(side.value, {})
            if old.get("name") == native and not old.get("gone"):
                length, options = old.get("length"), options_of(old)
                longest = min((int(str(n)) for n in (length, there.max_length) if n is not None), default=None)
                there = evolve(there, max_length=longest)
                if options:
                    there = evolve(there, options=tuple(o for o in there.options if o.value in options))
            fields[native] = there
        found[side] = evolve(info, fields=fields)
    return found[Side.MARKETO], found[Side.DYNAMICS]


def _bound(
    definition: EntityDefinition,
    marketo: ObjectInfo,
    dynamics: ObjectInfo,
    lenient: frozenset[str],
    lost: Mapping[str, SchemaChange],
) -> BoundEntity:
    """Return the entity without fields that were lost; a lenient one may be missing, or no longer be of a type."""
    fields: dict[str, EntityField] = {}
    gaps = [LeftOut(definition.name, name, c.side, c.native, f"it {c.detail}") for name, c in lost.items()]
    for name, item in definition.fields.items():
        if name in lost:
            continue
        if name not in lenient or not _may_go(definition, item):
            fields[name] = item
            continue
        easy = evolve(item, optional=True)
        try:
            bind(evolve(definition, fields={name: easy}), marketo, dynamics)
        except MappingError as error:
            reason = str(error).removeprefix(f"{definition.cls.__name__}.{name}: ")
            gaps.append(LeftOut(definition.name, name, Side.DYNAMICS, item.dynamics or item.marketo or "", reason))
        else:
            fields[name] = easy
    bound = bind(evolve(definition, fields=fields), marketo, dynamics)
    return evolve(bound, definition=definition, left_out=(*bound.left_out, *gaps))
