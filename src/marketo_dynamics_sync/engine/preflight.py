"""The preflight: is everything in place for a first cycle? Each line passed, or failed with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen

from ..connectors import Check, Connector
from ..entities import BoundEntity, EntityDefinition, Side
from ..errors import NativeSyncError, SyncError
from ..state import StateStore
from .contract import Contract, OnSchemaChange, bind_under_contract
from .relations import without_foreign_links
from .services import described, guard_identity


@frozen
class Preflight:
    """What :meth:`SyncEngine.check` found.

    Attributes:
        checks: One line for each thing that was looked at, in order.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(check.passed for check in self.checks)

    def lines(self) -> Iterator[str]:
        """Yield the preflight in words."""
        for check in self.checks:
            where = f"{check.side.value}: " if check.side is not None else ""
            detail = f": {check.detail}" if check.detail else ""
            yield f"[{'ok' if check.passed else 'FAILED'}] {where}{check.name}{detail}"
            if not check.passed and check.remedy:
                yield f"         what to do: {check.remedy}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def preflight(
    marketo: Connector,
    dynamics: Connector,
    store: StateStore,
    definitions: Sequence[EntityDefinition],
    modes: Mapping[str, OnSchemaChange],
    *,
    beside: bool = False,
) -> Preflight:
    """Look at everything a cycle needs, and go on after a line that failed."""
    closed = _closed(marketo, definitions) if beside else {}
    definitions = [definition for definition in definitions if definition.name not in closed]
    checks = [_beside(check) if beside else check for check in marketo.check(definitions)]
    checks += [Check(f"mapping of {name}", passed=True, detail=f"left out: {why}") for name, why in closed.items()]
    checks += dynamics.check(definitions)
    reachable = {side: all(c.passed for c in checks if c.side is side and c.name == "credentials") for side in Side}
    if all(reachable.values()):
        checks += [*_mapping(marketo, dynamics, store, definitions, modes), _store(marketo, dynamics, store)]
    return Preflight(tuple(checks))


def _closed(marketo: Connector, definitions: Sequence[EntityDefinition]) -> dict[str, str]:
    """Return the entities whose objects Marketo's own sync keeps to itself, and its words; other failures are for
    later lines."""
    found: dict[str, str] = {}
    for definition in definitions:
        try:
            why = marketo.describe(definition).closed
        except NativeSyncError as error:
            why = str(error)
        except SyncError:
            continue
        if why:
            found[definition.name] = why
    return found


def _beside(check: Check) -> Check:
    """Return a line; that of the native sync is as it should be where this one works beside it."""
    if check.name != "native CRM sync" or check.passed:
        return check
    remedy = "it and this sync both write persons: keep the fields apart that each of them carries"
    return evolve(check, passed=True, detail=f"{check.detail}; {remedy}", remedy="")


def _mapping(
    marketo: Connector,
    dynamics: Connector,
    store: StateStore,
    definitions: Sequence[EntityDefinition],
    modes: Mapping[str, OnSchemaChange],
) -> Iterator[Check]:
    bound: dict[str, BoundEntity] = {}
    contracts: dict[str, Contract] = {}
    failed: dict[str, str] = {}
    for definition in definitions:
        try:
            ends = described(marketo, dynamics, definition)
            mode = modes.get(definition.name)
            entity, contract = bind_under_contract(definition, *ends, store=store, mode=mode)
            bound[definition.name], contracts[definition.name] = entity, contract
        except SyncError as error:
            failed[definition.name] = str(error)
    bound = without_foreign_links(bound)
    for definition in definitions:
        name = f"mapping of {definition.name}"
        if definition.name in failed:
            remedy = "correct the entity class or the service's schema"
            yield Check(name, passed=False, detail=failed[definition.name], remedy=remedy)
            continue
        entity = bound[definition.name]
        detail = f"{len(entity.fields)} fields are synced"
        if entity.left_out:
            detail += "; left out: " + "; ".join(f"{gap.field} ({gap.reason})" for gap in entity.left_out)
        yield Check(name, passed=True, detail=detail)
        if contracts[definition.name].changes:
            # A change that stops a cycle is the mapping's failure.
            told = "; ".join(map(str, contracts[definition.name].changes))
            yield Check(f"schema of {definition.name}", passed=True, detail=f"changed since the last cycle: {told}")


def _store(marketo: Connector, dynamics: Connector, store: StateStore) -> Check:
    try:
        guard_identity(store, marketo, dynamics, remember=False)
    except SyncError as error:
        return Check(
            "state store", passed=False, detail=str(error), remedy="give the store that belongs to these instances"
        )
    return Check("state store", passed=True, detail="belongs to these two instances, or is new")
