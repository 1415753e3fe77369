"""Tables of many pages: services in memory that show a few rows a page, and an engine that keeps few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync import Brake, Brakes
from marketo_dynamics_sync.connectors import ChangePage
from marketo_dynamics_sync.engine import ahead
from marketo_dynamics_sync.entities import BoundEntity, Side
from marketo_dynamics_sync.errors import PlanRefusedError
from tests.engine.world import World
from tests.survival.fuse import SmallBatches

#: Rows of a page in Dynamics.
PAGE = 3
#: Rows that are kept, where the second reading is under test.
FEW = 4
#: So small that sixty people can tell.
SMALL = Brakes(min_deletes=5, min_changes=10, min_merges=5)


class Paged(SmallBatches):
    """Shows three rows a page, deleted ones last, and counts readings of each table."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.readings: Counter[str] = Counter()
        self.pages: Counter[str] = Counter()
        #: Called when a table was read to its end, with its name and how often it was so far.
        self.at_end: Callable[[str, int], None] = lambda table, times: None

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        if self.side is Side.MARKETO:
            yield from super().changes(entities, checkpoint)
            return
        table = entities[0].definition.dynamics
        self.readings[table] += 1
        for page in _small(super().changes(entities, checkpoint)):
            self.pages[table] += 1
            yield self.shown(page)
        self.at_end(table, self.readings[table])

    def shown(self, page: ChangePage) -> ChangePage:
        """Return a page as the service shows it."""
        return page


def _small(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    """Yield pages cut to size; the checkpoint stands on the last."""
    for page in pages:
        rows, gone = list(page.records), list(page.deleted)
        cut = [ChangePage(rows[i : i + PAGE]) for i in range(0, len(rows), PAGE)]
        cut += [ChangePage(deleted=gone[i : i + PAGE]) for i in range(0, len(gone), PAGE)]
        cut = cut or [ChangePage()]
        cut = [evolve(each, listing=page.listing) for each in cut]
        if page.listing:
            cut = [evolve(each, present=[row.id for row in each.records]) for each in cut]
        yield from cut[:-1]
        yield evolve(cut[-1], checkpoint=page.checkpoint)


class ByTime(Paged):
    """Reads rows as a table without change tracking is read: what changed, then every id, a few on a page."""

    def changes(self, entities: Sequence[BoundEntity], checkpoint: str | None) -> Iterator[ChangePage]:
        for page in super().changes(entities, checkpoint):
            if self.side is Side.MARKETO or checkpoint is None:
                yield page
                continue
            yield ChangePage(page.records, present=[row.id for row in page.records], listing=True)
            if page.checkpoint is not None:
                ids = list(self.rows(entities[0].definition.dynamics))
                for start in range(0, len(ids), PAGE):
                    yield ChangePage(present=ids[start : start + PAGE], listing=True)
                yield ChangePage(listing=True, checkpoint=page.checkpoint)


def keep(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Let engines keep so many rows in memory."""
    monkeypatch.setattr(ahead, "KEPT_ROWS", rows)


def lived(count: int = 60, **options: Any) -> tuple[World, list[str]]:
    """Return a world whose leads have been synced for a while, and their rows."""
    world = World(**{"connector": Paged, "brakes": SMALL, **options})
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@example.com", address1_city="Old") for n in range(count)]
    world.settle()
    world.later(minutes=5)
    return world, rows


def persons(world: World, rows: Sequence[str]) -> list[str]:
    """Return the persons of leads."""
    links = world.store.links_by_dynamics("lead", rows)
    return [links[row].marketo_id for row in rows]


def picture(world: World) -> tuple[object, ...]:
    """Return what both sides and the store hold."""
    store = world.store
    entities = [cls.__entity__.name for cls in world.entities]
    tables = [cls.__entity__.dynamics for cls in world.entities]
    return (
        *(world.marketo.rows(name) for name in world.marketo.objects),
        *(world.dynamics.rows(name) for name in tables),
        *(list(store.links(name)) for name in entities),
        *(store.checkpoint(name) for name in (*tables, "persons")),
        list(store.parked()),
        list(store.rejected()),
        list(store.journal()),
        (world.marketo.calls.writes, world.dynamics.calls.writes),
    )


def edited(world: World, rows: Sequence[str]) -> None:
    for row in rows:
        world.dynamics.change("leads", row, address1_city="New")


def deleted(world: World, rows: Sequence[str]) -> None:
    for row in rows:
        world.dynamics.remove("leads", row)


def refused(world: World, brake: Brake, says: str) -> None:
    """See that plan and run are refused with these words, and that nothing is written, neither there nor in the
    store."""
    world.dynamics.put("accounts", name="New")
    before = picture(world)
    for call in (world.engine.plan, world.engine.run, world.engine.run):
        with pytest.raises(PlanRefusedError, match=says) as error:
            call()
        assert error.value.brake == brake.value
        assert "Nothing was written" in str(error.value)
        assert f"release=[Brake.{brake.name}]" in str(error.value)
        assert picture(world) == before
