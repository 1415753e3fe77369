"""Tables of many pages, over HTTP: links to changes are followed twice, and a refused cycle has written nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from marketo_dynamics_sync import Brake, Brakes
from marketo_dynamics_sync.engine import SyncEngine, ahead
from marketo_dynamics_sync.entities import Account, Entity, Lead
from marketo_dynamics_sync.errors import PlanRefusedError, RestoredError
from tests.end_to_end.conftest import Pair

LEADS = Lead.select("last_name", "email", "job_title")
BRAKES = Brakes(min_deletes=5, min_changes=10)


def large(pair: Pair, *entities: type[Entity]) -> tuple[SyncEngine, list[str]]:
    """Return an engine that reads two rows a page, and leads that it has synced for a while."""
    dynamics = pair.sandbox.dynamics
    rows = [dynamics.create("lead", lastname=f"L{n}", emailaddress1=f"p{n}@x.com") for n in range(24)]
    engine = pair.engine(entities or (Account, LEADS), dynamics=pair.dynamics(page_size=2), brakes=BRAKES)
    pair.settle(engine)
    pair.sandbox.clock.advance(60)
    dynamics.create("account", name="New")
    return engine, sorted(rows)  # as the service shows them


@pytest.fixture(params=["tracked", "by time"])
def pair(request: pytest.FixtureRequest, pair_with: Callable[..., Pair]) -> Pair:
    """A pair whose leads have change tracking, or not."""
    pair = pair_with()
    if request.param == "by time":
        pair.sandbox.dynamics.tables["lead"].tracked = False
    return pair


@pytest.fixture(params=[3, 10_000], autouse=True)
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows that an engine keeps: all of them, or so few that most are read twice."""
    monkeypatch.setattr(ahead, "KEPT_ROWS", request.param)
    return int(request.param)


def refused(pair: Pair, engine: SyncEngine, error: type[Exception], says: str) -> None:
    """See that plan and run are refused, and that nothing was written to a service or moved in the store."""
    store = pair.store
    before = (list(store.links("lead")), list(store.journal()), store.checkpoint("leads"), store.checkpoint("persons"))
    for attempt in (engine.plan, engine.run, engine.run):
        pair.forget_calls()
        with pytest.raises(error, match=says):
            attempt()
        assert pair.writes == 0
        assert len([call for call in pair.sandbox.dynamics.calls if "/leads" in call.path]) > 5
        pair.sandbox.clock.advance(60)
    after = (list(store.links("lead")), list(store.journal()), store.checkpoint("leads"), store.checkpoint("persons"))
    assert after == before


def test_many_deletions_on_late_pages(pair: Pair) -> None:
    engine, rows = large(pair)
    for row in rows[:10]:
        pair.sandbox.dynamics.update("lead", row, jobtitle="CTO")
    for row in rows[16:]:
        pair.sandbox.dynamics.delete("lead", row)
    refused(pair, engine, PlanRefusedError, r"8 of 24 .*look deleted.*Nothing was written.*release=\[Brake.DELETES\]")
    engine.run(release=[Brake.DELETES])
    pair.settle(engine)
    assert pair.store.count_links("lead") == 16


def test_many_edits(pair: Pair) -> None:
    engine, rows = large(pair)
    for row in rows[:13]:
        pair.sandbox.dynamics.update("lead", row, jobtitle="CTO")
    refused(pair, engine, PlanRefusedError, r"13 of 24 .*would be written.*Nothing was written")
    assert engine.run(release=[Brake.CHANGES]).wrote == 14
    pair.settle(engine)


def test_a_restored_environment_that_shows_on_a_late_page(pair: Pair) -> None:
    engine, rows = large(pair, LEADS)
    pair.settle(engine)
    backup = pair.sandbox.dynamics.snapshot()
    for title in range(30):
        pair.sandbox.dynamics.update("lead", rows[23], jobtitle=f"{title}")
    pair.settle(engine)
    pair.sandbox.dynamics.restore(backup)
    for row in (*rows[:11], rows[23]):
        pair.sandbox.dynamics.update("lead", row, jobtitle="CEO")
    refused(pair, engine, RestoredError, r"engine\.rebind\(\)")


def test_what_fits_costs_no_call_more_and_what_does_not_is_read_twice(pair: Pair, room: int) -> None:
    engine, rows = large(pair)

    def rest() -> None:
        """Let so much time pass that no read by time reaches back to the last edits."""
        pair.settle(engine)
        pair.sandbox.clock.advance(600)
        engine.run()

    def calls(changed: int, title: str) -> Counter[str]:
        for row in rows[:changed]:
            pair.sandbox.dynamics.update("lead", row, jobtitle=title)
        pair.sandbox.clock.advance(600)
        pair.forget_calls()
        engine.run()
        found = Counter(call.kind for call in pair.sandbox.dynamics.calls if "/leads" in call.path)
        rest()
        return found

    rest()
    idle, few, many = calls(0, ""), calls(3, "CTO"), calls(9, "CEO")
    assert few.total() == idle.total() + 1
    assert many.total() == idle.total() + 4 + (room == 3) * (idle.total() + 4)
