"""The preflight: is everything in place for a first cycle? Each line passed, or failed with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from ..connectors import Check, Connector
from ..entities import BoundEntity, EntityDefinition, Side, bind
from ..errors import SyncError
from ..state import StateStore
from .relations import without_foreign_links
from .services import guard_identity


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
    marketo: Connector, dynamics: Connector, store: StateStore, definitions: Sequence[EntityDefinition]
) -> Preflight:
    """Look at everything a cycle needs, and go on after a line that failed."""
    checks = [*marketo.check(definitions), *dynamics.check(definitions)]
    reachable = {side: all(c.passed for c in checks if c.side is side and c.name == "credentials") for side in Side}
    if all(reachable.values()):
        checks += [*_mapping(marketo, dynamics, definitions), _store(marketo, dynamics, store)]
    return Preflight(tuple(checks))


def _mapping(marketo: Connector, dynamics: Connector, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
    bound: dict[str, BoundEntity] = {}
    failed: dict[str, str] = {}
    for definition in definitions:
        try:
            bound[definition.name] = bind(definition, marketo.describe(definition), dynamics.describe(definition))
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


def _store(marketo: Connector, dynamics: Connector, store: StateStore) -> Check:
    try:
        guard_identity(store, marketo, dynamics, remember=False)
    except SyncError as error:
        return Check(
            "state store", passed=False, detail=str(error), remedy="give the store that belongs to these instances"
        )
    return Check("state store", passed=True, detail="belongs to these two instances, or is new")
