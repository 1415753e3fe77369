"""Everything a cycle works with, bound and checked before the first change is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import define, evolve, field

from ..conflict import Policy
from ..connectors import Connector
from ..entities import BoundEntity, EntityDefinition, LeftOut, ObjectInfo, Record, SchemaChange, Side
from ..entities.drift import as_text, with_returns
from ..errors import IdentityMismatchError, NativeSyncError
from ..identity import Matching
from ..plan import Brakes
from ..state import Commit, Link, StateStore
from .contract import Contract, OnSchemaChange, bind_under_contract, schema_fact
from .deletions import Deletions
from .digested import BaseForm, DigestedStore, digested
from .filters import Filter
from .links import mapping_digest
from .merging import Mergings
from .overlay import Overlay
from .relations import several_parents, without_foreign_links

#: Says as which entity a Marketo person that is new to us is made in Dynamics; ``None`` leaves it in Marketo.
PushRule = Callable[[Record], str | None]


#: What to do where Marketo's own sync goes on.
BESIDE: Final = "To sync persons and custom objects only, beside Marketo's own sync, give beside_native_sync=True."
#: Fact that names the entities of a store whose records are persons.
_PERSONS: Final = "persons"


@define
class Settings:
    """What the user decided when the engine was made."""

    policies: Mapping[str, Policy]
    matching: Matching
    brakes: Brakes
    deletions: Deletions
    mergings: Mergings
    filters: Mapping[str, Filter]
    push_rule: PushRule | None
    schema_modes: Mapping[str, OnSchemaChange]
    beside_native_sync: bool
    base: BaseForm
    new_id: Callable[[], str]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    #: Seconds after which a person is read again right before it is written to; ``None`` never reads again.
    reread_after: float | None


@define
class Services:
    """Both connectors, the store, and the entities bound to what both services have now."""

    marketo: Connector
    dynamics: Connector
    store: StateStore
    settings: Settings
    entities: Mapping[str, BoundEntity]
    contracts: Mapping[str, Contract]
    closed: tuple[LeftOut, ...] = ()
    digests: Mapping[str, str] = field(init=False)
    #: What a plan that is only looked at would have written: by side, entity name and id, values by field name.
    pretended: dict[tuple[Side, str, str], dict[str, object]] = field(factory=dict, init=False)
    _person_names: list[str] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        entities = self.entities.values()
        self.digests = {e.name: mapping_digest(e, several_parents(e, entities)) for e in entities}

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Fields of the default mappings, and entities (``*``), that are not synced here."""
        return self.closed + tuple(gap for entity in self.entities.values() for gap in entity.left_out)

    @property
    def schema_changes(self) -> tuple[SchemaChange, ...]:
        """What both services changed about mapped fields since they were last seen."""
        return tuple(change for contract in self.contracts.values() for change in contract.changes)

    @property
    def schema_facts(self) -> dict[str, str]:
        """What is to be remembered of the schema when a cycle has come to its end."""
        facts = {
            schema_fact(name): as_text(with_returns(c.keep, c.away, self.entities[name], self.digests[name]))
            for name, c in self.contracts.items()
        }
        return {name: text for name, text in facts.items() if self.store.fact(name) != text}

    def persons(self) -> list[BoundEntity]:
        """Return the entities that live in Marketo's person table, in their order."""
        return [entity for entity in self.entities.values() if entity.definition.marketo.is_person]

    def links_of_persons(self, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of persons, by person id. Marketo numbers its other objects apart, with the same numbers."""
        if not ids:
            return {}
        if not self._person_names:
            # A person may be linked by an entity that this engine doesn't sync, and another one of this store did.
            before = (self.store.fact(_PERSONS) or "").split(",")
            self._person_names = sorted({*before, *(entity.name for entity in self.persons())} - {""})
        return self.store.links_by_marketo(ids, entities=self._person_names) if self._person_names else {}

    def remember_persons(self) -> None:
        """Keep the names of entities whose records are persons, for engines that sync others."""
        before = set((self.store.fact(_PERSONS) or "").split(",")) - {""}
        names = before | {entity.name for entity in self.persons()}
        if names != before:
            self.store.commit(Commit(facts={_PERSONS: ",".join(sorted(names))}))

    def linked_person_ids(self, ids: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
        """Return every row that persons are linked to, by person id: entity name and row id."""
        self.links_of_persons(ids)
        found: dict[str, set[tuple[str, str]]] = {}
        for name in self._person_names:
            for person, link in self.store.links_by_marketo(ids, entities=(name,)).items():
                found.setdefault(person, set()).add((name, link.dynamics_id))
        return found

    def fetch(self, side: Side, entity: BoundEntity, ids: Sequence[str]) -> dict[str, Record]:
        """Return records by id, with what a plan would have written to them by now."""
        connector = self.marketo if side is Side.MARKETO else self.dynamics
        found = {record.id: record for record in connector.fetch(entity, ids)} if ids else {}
        for record_id in ids:
            values = self.pretended.get((side, entity.name, record_id))
            if values is not None:
                record = found.get(record_id) or Record(record_id, {})
                found[record_id] = evolve(record, values={**record.values, **values})
        return found

    def policy(self, entity: BoundEntity) -> Policy:
        """Return the policy in force for an entity."""
        return self.settings.policies[entity.name]

    def entity_of_table(self, table: str) -> BoundEntity | None:
        """Return the entity that is kept in a Dataverse table, by logical name."""
        return next((e for e in self.entities.values() if e.dynamics.name == table), None)


def open_services(
    marketo: Connector,
    dynamics: Connector,
    store: StateStore,
    settings: Settings,
    definitions: Sequence[EntityDefinition],
    *,
    guard: bool = True,
) -> Services:
    """Describe both sides, bind the entities, and make sure that the store belongs to these two instances.

    What a new store is to remember of them is committed to it; for a plan that is a store which pretends. Without
    ``guard`` a store of other instances is opened too.

    Raises:
        ConfigurationError: An entity can't be synced between these two instances; the text says why.
        NativeSyncError: Marketo's own CRM sync keeps an entity's object to itself.
        SchemaChangedError: A service changed a mapped field of an entity whose schema is frozen.
        IdentityMismatchError: The store was built on another organization or instance.
        ServiceError: A service can't be reached or refuses us.
    """
    # A store that can't be used is told before any call is made.
    store.fact(f"identity:{Side.MARKETO.value}")
    marketo.refresh()
    dynamics.refresh()
    bound, contracts, closed = {}, {}, []
    for definition in definitions:
        try:
            ends = described(marketo, dynamics, definition)
        except NativeSyncError as error:
            if not settings.beside_native_sync:
                raise
            closed.append(LeftOut(definition.name, "*", Side.MARKETO, definition.marketo.name, str(error)))
            continue
        mode = settings.schema_modes.get(definition.name)
        entity, contract = bind_under_contract(definition, *ends, store=store, mode=mode)
        bound[definition.name], contracts[definition.name] = entity, contract
    entities = without_foreign_links(bound)
    kept = digested(store, settings.base, entities)
    services = Services(marketo, dynamics, kept, settings, entities, contracts, tuple(closed))
    if guard:
        guard_identity(kept, marketo, dynamics, remember=True)
    if isinstance(kept, DigestedStore) and not isinstance(store, Overlay):
        kept.settle()
    services.remember_persons()
    return services


def described(marketo: Connector, dynamics: Connector, definition: EntityDefinition) -> tuple[ObjectInfo, ObjectInfo]:
    """Return what both services say of an entity's objects.

    Raises:
        NativeSyncError: Marketo's own CRM sync keeps its object to itself.
    """
    ends = marketo.describe(definition), dynamics.describe(definition)
    if ends[0].closed:
        raise NativeSyncError(f"{definition.name} can't be synced: {ends[0].closed}. {BESIDE}")
    return ends


def guard_identity(store: StateStore, marketo: Connector, dynamics: Connector, *, remember: bool) -> None:
    """Make sure that the store was built on these two instances.

    Args:
        store: The state store.
        marketo: Marketo's connector.
        dynamics: Dynamics' connector.
        remember: Keep their ids where the store has none yet.

    Raises:
        IdentityMismatchError: It was built on others.
    """
    for side, connector in ((Side.MARKETO, marketo), (Side.DYNAMICS, dynamics)):
        name = f"identity:{side.value}"
        before, now = store.fact(name), connector.identity()
        if before is not None and before != now:
            what = "Dynamics organization" if side is Side.DYNAMICS else "Marketo instance"
            raise IdentityMismatchError(
                f"this store was built on the {what} {before}, and the address given leads to {now}. Links of one "
                "don't fit the other, so nothing was read or written. Was the environment copied or refreshed, or the "
                "address changed? Give the right address, or start a new store for the new pair. "
                "engine.rebind() shows how the links fit what is there now."
            )
        if before is None and remember:
            store.commit(Commit(facts={name: now}))
