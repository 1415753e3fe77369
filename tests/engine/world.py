"""Both sides in memory, a store, and an engine between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine import SyncEngine, SyncReport
from marketo_dynamics_sync.entities import Contact, Entity, Lead, Side
from marketo_dynamics_sync.entities.opportunity_roles import ConnectionRole
from marketo_dynamics_sync.state import MemoryStateStore, StateStore
from marketo_dynamics_sync.testing import described_object, described_person, described_table


class World:
    """Two services in memory with a clock that only the test moves."""

    def __init__(
        self,
        entities: Sequence[type[Entity]] = (Lead, Contact),
        *,
        store: StateStore | None = None,
        person_without: tuple[str, ...] = (),
        connector: type[MemoryConnector] = MemoryConnector,
        **engine: Any,
    ) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)
        people = [cls for cls in entities if cls.__entity__.marketo.is_person]
        objects = {cls.__entity__.marketo.name: described_object(cls) for cls in entities if cls not in people}
        objects["person"] = described_person(*people, without=person_without)
        self.marketo = connector(Side.MARKETO, objects, identity="123-ABC-456", now=self.now)
        tables = {cls.__entity__.dynamics: described_table(cls) for cls in entities}
        tables["connectionroles"] = described_table(ConnectionRole)
        self.dynamics = connector(Side.DYNAMICS, tables, identity="org-1", now=self.now)
        self.store = store or MemoryStateStore()
        self.entities = entities
        self.options = engine
        self.ids = 0
        self.engine = self.new_engine()

    def now(self) -> datetime:
        return self.time

    def new_id(self) -> str:
        self.ids += 1
        return f"aaaaaaaa-0000-0000-0000-{self.ids:012d}"

    def new_engine(self, **changes: Any) -> SyncEngine:
        options = {"now": self.now, "monotonic": lambda: 0.0, "new_id": self.new_id, "entities": self.entities}
        options |= self.options | changes
        return SyncEngine(marketo=self.marketo, dynamics=self.dynamics, store=self.store, **options)

    def later(self, **parts: float) -> None:
        self.time += timedelta(**parts)

    def settle(self) -> SyncReport:
        """Run until quiet: two cycles reach agreement, and the third writes nothing."""
        self.engine.run()
        self.engine.run()
        report = self.engine.run()
        assert report.wrote == 0, str(report)
        return report

    def lead(self, **columns: object) -> str:
        return self.dynamics.put("leads", **{"statecode": 0, "statuscode": 1, **columns})

    def contact(self, **columns: object) -> str:
        return self.dynamics.put("contacts", **{"statecode": 0, "statuscode": 1, **columns})

    def person(self, **fields: object) -> str:
        return self.marketo.put("person", **fields)

    def person_of(self, entity: str, row: str) -> dict[str, object]:
        link = self.store.links_by_dynamics(entity, [row])[row]
        found = self.marketo.row("person", link.marketo_id)
        assert found is not None
        return found

    def linked(self, entity: str, row: str) -> str | None:
        link = self.store.links_by_dynamics(entity, [row]).get(row)
        return link.marketo_id if link else None
