"""Back-fills by date, the backlog and the status, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from marketo_dynamics_sync.engine import OldestChange
from marketo_dynamics_sync.entities import Contact, Lead, Opportunity, Side
from marketo_dynamics_sync.errors import ConfigurationError
from tests.end_to_end.conftest import START, Pair


def days(number: float) -> timedelta:
    return timedelta(days=number)


def seeded(pair: Pair, number: int) -> list[str]:
    """Make leads, one a day."""
    rows = []
    for n in range(number):
        rows.append(
            pair.sandbox.dynamics.create(
                "lead", subject="S", lastname=f"L{n}", emailaddress1=f"l{n}@example.com", jobtitle=f"T{n}"
            )
        )
        pair.sandbox.clock.advance(86_400)
    return rows


def titles(pair: Pair, rows: list[str]) -> list[object]:
    return [pair.person_of("lead", row).get("title") for row in rows]


@pytest.mark.parametrize("which", ["created", "modified"])
def test_a_back_fill_by_date_finds_its_rows_at_the_service_page_by_page(pair: Pair, which: str) -> None:
    rows = seeded(pair, 7)
    engine = pair.engine((Lead,), dynamics=pair.dynamics(page_size=2))
    pair.settle(engine)
    begun = START
    if which == "modified":
        begun = pair.sandbox.clock.now()
        for n, row in enumerate(rows):
            pair.sandbox.dynamics.update("lead", row, fax=str(n))
            pair.sandbox.clock.advance(86_400)
    engine.run()
    for row in rows:
        link = pair.store.links_by_dynamics("lead", [row])[row]
        pair.sandbox.marketo.update_person(int(link.marketo_id), title="drifted")
    period = (begun + days(1), begun + days(6))
    chosen = {which: period}
    planned = engine.plan_backfill("lead", ["job_title"], winner=Side.DYNAMICS, **chosen)
    assert titles(pair, rows) == ["drifted"] * 7
    pair.forget_calls()
    report = engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS, **chosen)
    assert titles(pair, rows) == ["drifted", *(f"T{n}" for n in range(1, 6)), "drifted"]
    assert report.wrote == len(planned.steps) == 5
    asked = [call.path for call in pair.sandbox.dynamics.calls if call.kind == "read"]
    assert len(asked) == 3, "five rows, two a page"
    assert pair.writes == 3, "a write call a page"
    assert not any(call.kind == "write" for call in pair.sandbox.dynamics.calls)


def test_a_back_fill_of_all_linked_records_repairs_drift_and_carries_nulls(pair: Pair) -> None:
    rows = seeded(pair, 3)
    engine = pair.engine((Lead, Contact))
    pair.settle(engine)
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle=None)
    link = pair.store.links_by_dynamics("lead", [rows[1]])[rows[1]]
    pair.sandbox.marketo.update_person(int(link.marketo_id), title="Countess")
    report = engine.backfill(Lead, ["job_title"])
    assert report.complete
    assert titles(pair, rows) == [None, "Countess", "T2"]
    assert pair.sandbox.dynamics.row("lead", rows[1])["jobtitle"] == "Countess"
    pair.settle(engine)
    assert titles(pair, rows) == [None, "Countess", "T2"]


def test_a_column_that_can_not_be_read_is_no_date_to_go_by(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with()
    seeded(pair, 1)
    del pair.sandbox.dynamics.tables["lead"].columns["createdon"]
    engine = pair.engine((Lead,))
    engine.run()
    with pytest.raises(ConfigurationError, match="leads has no column 'createdon'"):
        engine.backfill("lead", created=(START, None))
    assert engine.backfill("lead", modified=(START, None)).complete


def test_the_backlog_is_asked_of_both_services_in_few_calls_and_moves_nothing(pair: Pair) -> None:
    rows = seeded(pair, 5)
    engine = pair.engine((Lead, Contact, Opportunity))
    pair.settle(engine)
    assert engine.backlog().total == 0
    pair.sandbox.clock.advance(3600)
    first = pair.sandbox.clock.now()
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle="Poet")
    pair.sandbox.clock.advance(3600)
    second = pair.sandbox.clock.now()
    new = pair.sandbox.dynamics.create("lead", subject="S", lastname="New", emailaddress1="new@example.com")
    pair.sandbox.dynamics.delete("lead", rows[1])
    person = pair.store.links_by_dynamics("lead", [rows[2]])[rows[2]].marketo_id
    pair.sandbox.marketo.update_person(int(person), title="Countess")
    pair.sandbox.clock.advance(60)
    pair.forget_calls()

    backlog = engine.backlog()

    leads, people = backlog.of("lead", Side.DYNAMICS), backlog.of("lead", Side.MARKETO)
    assert (leads.inserts, leads.updates, leads.deletes, leads.complete) == (1, 1, 1, True)
    assert leads.oldest_insert == OldestChange(new, second)
    assert leads.oldest_update == OldestChange(rows[0], first)
    assert (people.updates, people.oldest_update) == (1, OldestChange(person, second))
    both = [*pair.sandbox.dynamics.calls, *pair.sandbox.marketo.calls]
    reads = [call.path.rpartition("/")[2] for call in both if call.kind == "read"]
    described = ["describe2.json", "describe.json"]  # what a cycle asks at its start
    assert reads == ["leads", "contacts", "opportunities", *described, "activities.json", "leads.json"]
    assert backlog.marketo_calls + backlog.dynamics_calls == len(pair.calls())
    assert pair.writes == 0
    assert engine.backlog().total == backlog.total, "asking moved nothing on"
    pair.settle(engine)
    assert titles(pair, [rows[0], rows[2], new]) == ["Poet", "Countess", None]
    assert engine.backlog().total == 0


def test_a_table_without_change_tracking_has_a_backlog_too(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with()
    pair.sandbox.dynamics.tables["lead"].tracked = False
    rows = seeded(pair, 3)
    engine = pair.engine((Lead,))
    pair.settle(engine)
    assert engine.backlog().total == 0
    pair.sandbox.clock.advance(3600)
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle="Poet")
    pair.sandbox.dynamics.delete("lead", rows[1])
    leads = engine.backlog().of("lead", Side.DYNAMICS)
    assert (leads.inserts, leads.updates, leads.deletes, leads.complete) == (0, 1, 1, True)


def test_an_idle_cycle_costs_what_it_did_and_the_status_costs_nothing(pair: Pair) -> None:
    seeded(pair, 3)
    engine = pair.engine()
    pair.settle(engine)
    pair.forget_calls()
    engine.run()
    assert len([call for call in pair.calls() if call == "read"]) <= 4
    pair.forget_calls()
    status = engine.status()
    assert pair.calls() == []
    assert {mark.read_to for mark in status.watermarks} == {pair.sandbox.clock.now()}
    assert sum(hour.synced() for hour in status.hours) == 3
