"""Edits that meet our own writes: made between our read and our write, or not shown by the stream yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketo_dynamics_sync.conflict import Hold
from marketo_dynamics_sync.engine import Event, SyncReport
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.http import App, Request, Response
from tests.end_to_end.conftest import Pair

TABLES = {"lead": "marketo", "contact": "dynamics"}


class Killed(BaseException):
    """The process dies here."""


def linked(pair: Pair, entity: str, **columns: object) -> tuple[str, int]:
    given = {"lastname": "Byron", "emailaddress1": "ada@example.com", "jobtitle": "Engineer"} | columns
    row = pair.sandbox.dynamics.create(entity, **given)
    pair.settle(pair.engine())
    return row, int(str(pair.person_of(entity, row)["id"]))


def held(pair: Pair, entity: str, row: str) -> tuple[object, object]:
    found = pair.sandbox.dynamics.row(entity, row)
    assert found is not None
    return pair.person_of(entity, row).get("title"), found.get("jobtitle")


def overwritten(report: SyncReport) -> list[tuple[str, str, str]]:
    return [(line.entity, line.field, line.winner) for line in report.overwritten]


def journalled(pair: Pair) -> list[dict[str, object]]:
    return [dict(entry.detail) for entry in pair.store.journal() if entry.kind == "overwritten"]


@pytest.mark.parametrize("entity", TABLES)
def test_an_edit_between_our_read_and_our_write_is_put_back_by_the_policy(pair: Pair, entity: str) -> None:
    row, _ = linked(pair, entity)
    pair.sandbox.dynamics.update(entity, row, jobtitle="Director")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, title="Countess")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    assert held(pair, entity, row) == ("Director", "Director"), "Marketo has no guard"

    pair.sandbox.clock.advance(60)
    events: list[Event] = []
    report = pair.engine().run(on_event=events.append)
    winner = TABLES[entity]
    wins = {"marketo": "Countess", "dynamics": "Director"}[winner]
    assert overwritten(report) == [(entity, "job_title", winner)]
    assert held(pair, entity, row) == (wins, wins)
    (entry,) = journalled(pair)
    assert (entry["base"], entry["marketo"], entry["dynamics"]) == ("Engineer", "Countess", "Director")
    assert (entry["winner"], entry["rule"]) == (winner, report.overwritten[0].rule)
    assert [event.kind for event in events].count("overwritten") == 1
    assert "overwritten: " in str(report)
    assert "Countess" not in str(report.to_dict())
    assert not report.conflicts
    pair.settle(pair.engine())
    assert len(journalled(pair)) == 1


@pytest.mark.parametrize("entity", TABLES)
@pytest.mark.parametrize("cycles", [0, 1, 3])
def test_an_edit_that_the_stream_shows_late_is_put_back_by_the_policy(pair: Pair, entity: str, cycles: int) -> None:
    pair.sandbox.marketo.log.delay = 200.0
    row, person = linked(pair, entity)
    pair.sandbox.clock.advance(400)
    pair.settle(pair.engine())
    pair.sandbox.marketo.update_person(person, title="Countess")
    pair.sandbox.dynamics.update(entity, row, jobtitle="Director")
    pair.engine().run()
    assert held(pair, entity, row) == ("Director", "Director")
    for n in range(cycles):  # writes of ours in a row, before the stream shows the first
        pair.sandbox.dynamics.update(entity, row, jobtitle=f"Director {n}")
        pair.sandbox.clock.advance(10)
        assert not pair.engine().run().overwritten
    pair.sandbox.clock.advance(400)
    report = pair.engine().run()
    last = f"Director {cycles - 1}" if cycles else "Director"
    wins = {"marketo": "Countess", "dynamics": last}[TABLES[entity]]
    assert overwritten(report) == [(entity, "job_title", TABLES[entity])]
    pair.sandbox.clock.advance(400)
    assert not pair.engine().run().overwritten
    pair.settle(pair.engine())
    assert held(pair, entity, row) == (wins, wins)
    assert len(journalled(pair)) == 1


def test_a_policy_that_holds_gets_each_side_its_own_value_back(pair: Pair) -> None:
    row, _ = linked(pair, "lead")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, title="Countess")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.clock.advance(60)
    engine = pair.engine(policies={"lead": Hold()})
    engine.run()
    pair.sandbox.clock.advance(60)
    assert overwritten(engine.run()) == [("lead", "job_title", "")]
    assert held(pair, "lead", row) == ("Countess", "Director")
    pair.settle(engine)
    assert held(pair, "lead", row) == ("Countess", "Director")
    assert [parked.field for parked in pair.store.parked()] == ["job_title"]


def test_an_edit_that_was_edited_again_since_stays_as_it_is_and_is_told(pair: Pair) -> None:
    row, person = linked(pair, "contact")
    pair.sandbox.dynamics.update("contact", row, jobtitle="Director")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, title="Countess")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    pair.sandbox.marketo.update_person(person, title="Baroness")
    pair.sandbox.clock.advance(60)
    report = pair.engine().run()
    assert [(line.field, line.rule) for line in report.overwritten] == [("job_title", "edited again in Marketo")]
    assert held(pair, "contact", row) == ("Baroness", "Baroness")


def test_an_opt_out_that_meets_our_write_of_an_opt_in_wins(pair: Pair) -> None:
    row, person = linked(pair, "contact", donotbulkemail=True)
    pair.sandbox.marketo.update_person(person, unsubscribed=False)
    pair.sandbox.clock.advance(60)
    pair.settle(pair.engine())
    found = pair.sandbox.dynamics.row("contact", row) or {}
    assert found["donotbulkemail"] == pair.person_of("contact", row)["unsubscribed"]
    edit = fault_kinds.person_edited(pair.sandbox.marketo, unsubscribed=True)
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.dynamics.update("contact", row, jobtitle="Director")
    pair.sandbox.clock.advance(60)
    pair.settle(pair.engine())
    found = pair.sandbox.dynamics.row("contact", row) or {}
    assert (found["donotbulkemail"], pair.person_of("contact", row)["unsubscribed"]) == (True, True)


def test_different_fields_never_meet(pair: Pair) -> None:
    row, _ = linked(pair, "lead")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, city="Lisbon")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    pair.sandbox.clock.advance(60)
    assert not pair.engine().run().overwritten
    pair.settle(pair.engine())
    assert (pair.sandbox.dynamics.row("lead", row) or {})["address1_city"] == "Lisbon"


def test_our_own_writes_in_a_row_trimmed_or_not_overwrite_nobody(pair: Pair) -> None:
    pair.sandbox.marketo.log.delay = 90.0
    row, person = linked(pair, "contact")
    for n, title in enumerate(("Director", " Director", "DIRECTOR", "Director", "Chief")):
        pair.sandbox.dynamics.update("contact", row, jobtitle=title, emailaddress1=f"Ada{n % 2}@Example.com")
        pair.sandbox.clock.advance(30)
        assert not pair.engine().run().overwritten
    pair.sandbox.clock.advance(200)
    assert not pair.engine().run().overwritten
    pair.sandbox.marketo.update_person(person, title="Countess")
    pair.sandbox.clock.advance(200)
    assert not pair.engine().run().overwritten
    pair.settle(pair.engine())
    assert held(pair, "contact", row) == ("Countess", "Countess")
    assert not journalled(pair)


def test_what_a_campaign_does_after_our_write_is_an_edit_like_any_other(pair: Pair) -> None:
    row, person = linked(pair, "contact")
    for title in ("Director", "Chief"):
        pair.sandbox.dynamics.update("contact", row, jobtitle=title)
        pair.sandbox.clock.advance(60)
        pair.engine().run()
        pair.sandbox.marketo.update_person(person, title=title.upper() + "!")  # a smart campaign follows at once
        pair.sandbox.clock.advance(60)
        report = pair.engine().run()
        assert not report.overwritten
        assert held(pair, "contact", row) == (title.upper() + "!", title.upper() + "!")


def test_a_clash_that_was_read_and_decided_is_told_once(pair: Pair) -> None:
    row, person = linked(pair, "contact")
    pair.sandbox.marketo.update_person(person, title="Countess")
    pair.sandbox.dynamics.update("contact", row, jobtitle="Director")
    pair.sandbox.clock.advance(60)
    first = pair.engine().run()
    pair.sandbox.clock.advance(60)
    second = pair.engine().run()
    assert len(first.conflicts) == 1
    assert not second.conflicts + second.overwritten
    assert held(pair, "contact", row) == ("Director", "Director")


@pytest.mark.parametrize("entity", TABLES)
def test_a_kill_right_after_the_write_hides_nothing(pair: Pair, entity: str) -> None:
    row, person = linked(pair, entity)
    pair.sandbox.dynamics.update(entity, row, jobtitle="Director")

    marketo = pair.marketo()
    engine, write = pair.engine(marketo=marketo), marketo.write

    def kill(writes: object) -> object:
        pair.sandbox.marketo.update_person(person, title="Countess")
        write(writes)  # type: ignore[arg-type]  # passed through as it is
        raise Killed

    pair.sandbox.clock.advance(60)
    marketo.write = kill  # type: ignore[assignment]  # the kill under test
    with pytest.raises(Killed):
        engine.run()
    assert held(pair, entity, row) == ("Director", "Director")
    pair.sandbox.clock.advance(60)
    report = pair.engine().run()
    wins = {"marketo": "Countess", "dynamics": "Director"}[TABLES[entity]]
    assert overwritten(report) == [(entity, "job_title", TABLES[entity])]
    pair.settle(pair.engine())
    assert held(pair, entity, row) == (wins, wins)


def test_a_kill_between_the_write_and_the_cycle_that_sees_it_hides_nothing(pair: Pair) -> None:
    row, _ = linked(pair, "lead")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, title="Countess")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    pair.sandbox.clock.advance(60)
    # The put-back itself meets a service that refuses everything: nothing is kept, and it is derived again.
    script = pair.sandbox.faults.script(fault_kinds.marketo_error("607"), service="marketo", writes=True, times=None)
    stopped = pair.engine().run()
    assert stopped.stopped
    assert script.happened
    pair.sandbox.faults.clear()
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    pair.settle(pair.engine())
    assert held(pair, "lead", row) == ("Countess", "Countess")
    assert len(journalled(pair)) == 1


def test_a_person_that_came_while_we_made_it_keeps_what_was_typed(pair_with: Callable[..., Pair]) -> None:
    """A person with the row's address is made in Marketo between our look for it and our create."""
    pair = pair_with(crm_fields=False)
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", jobtitle="Director")

    def comes(_: object) -> None:
        pair.sandbox.marketo.create_person(lastName="Byron", email="ada@example.com", title="Countess")

    script = pair.sandbox.faults.script(fault_kinds.meanwhile(comes), service="marketo", path="leads.json", writes=True)
    pair.engine().run()
    assert script.happened == 1
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    pair.settle(pair.engine())
    assert held(pair, "lead", row) == ("Countess", "Countess")


def test_an_edit_between_a_lost_answer_and_the_repeat_is_put_back(pair: Pair) -> None:
    row, person = linked(pair, "lead")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")

    def lost(request: Request, forward: App) -> Response:
        forward(request)
        pair.sandbox.marketo.update_person(person, title="Countess")
        raise ConnectionError

    script = pair.sandbox.faults.script(lost, service="marketo", path="leads.json", writes=True)
    pair.sandbox.clock.advance(60)
    pair.engine().run()
    assert script.happened == 1
    assert held(pair, "lead", row) == ("Director", "Director")
    pair.sandbox.clock.advance(60)
    assert overwritten(pair.engine().run()) == [("lead", "job_title", "marketo")]
    assert held(pair, "lead", row) == ("Countess", "Countess")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("hold", [False, True])
def test_a_kill_while_an_edit_is_put_back_loses_nothing(pair: Pair, *, hold: bool, after: bool) -> None:
    row, _ = linked(pair, "lead")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")
    edit = fault_kinds.person_edited(pair.sandbox.marketo, title="Countess")
    pair.sandbox.faults.script(edit, service="marketo", path="leads.json", writes=True)
    options: dict[str, Any] = {"policies": {"lead": Hold()}} if hold else {}
    pair.sandbox.clock.advance(60)
    pair.engine(**options).run()
    marketo = pair.marketo()
    write = marketo.write

    def kill(writes: Any) -> Any:
        if after:
            write(writes)
        raise Killed

    marketo.write = kill  # type: ignore[method-assign]  # the kill under test
    pair.sandbox.clock.advance(60)
    with pytest.raises(Killed):
        pair.engine(marketo=marketo, **options).run()
    pair.sandbox.clock.advance(60)
    report = pair.engine(**options).run()
    assert report.overwritten or not hold
    pair.settle(pair.engine(**options))
    assert pair.person_of("lead", row)["title"] == "Countess"


@pytest.mark.parametrize(("entity", "after", "late"), [("lead", 0, 1), ("contact", 0, 1), ("lead", None, 2)])
def test_an_edit_at_any_call_is_kept_or_loses_to_a_rule(pair: Pair, entity: str, after: int | None, late: int) -> None:
    """Late are the write itself and, without a second reading, the write to Dynamics before it."""
    wins = {"marketo": "Countess", "dynamics": "Director"}[TABLES[entity]]
    engine, place, overwrote = pair.engine(reread_after=after), 0, 0
    while True:
        email = f"ada{place}@example.com"
        row = pair.sandbox.dynamics.create(entity, lastname="Byron", emailaddress1=email, jobtitle="Engineer")
        pair.settle(engine)
        person = int(str(pair.person_of(entity, row)["id"]))
        pair.sandbox.marketo.update_person(person, city="London")
        pair.sandbox.dynamics.update(entity, row, jobtitle="Director")
        pair.sandbox.clock.advance(60)
        edit = fault_kinds.meanwhile(lambda _, i=person: pair.sandbox.marketo.update_person(i, title="Countess"))  # type: ignore[misc]  # bound here
        script = pair.sandbox.faults.script(edit, skip=place)
        engine.run()
        if not script.happened:
            break
        pair.sandbox.clock.advance(60)
        overwrote += bool(engine.run().overwritten)
        pair.settle(engine)
        assert held(pair, entity, row) == (wins, wins), f"edited at call {place}"
        entries = [entry for entry in pair.store.journal() if entry.kind in ("conflict", "overwritten")]
        assert len(entries) == place + 1
        assert (entries[-1].detail["marketo"], entries[-1].detail["winner"]) == ("Countess", TABLES[entity])
        place += 1
    assert place > 5
    assert overwrote == late


def test_a_batch_that_was_read_a_while_ago_costs_one_more_call(pair: Pair) -> None:
    rows = [pair.sandbox.dynamics.create("lead", lastname=f"Lead {n}", jobtitle="Engineer",
                                         emailaddress1=f"l{n}@example.com") for n in range(5)]  # fmt: skip
    pair.settle(pair.engine())
    calls = []
    for seconds in (0.0, 4.0, 6.0):
        for row in rows:
            pair.sandbox.dynamics.update("lead", row, jobtitle=f"Director {seconds}")
        pair.sandbox.clock.advance(60)
        wait = fault_kinds.slow(seconds, pair.sandbox.clock)
        pair.sandbox.faults.script(wait, service="dynamics", path="contacts")
        marketo = pair.marketo()
        pair.engine(marketo=marketo).run()
        calls.append(marketo.calls.reads)
        pair.sandbox.faults.clear()
        pair.settle(pair.engine())
    assert calls == [calls[0], calls[0], calls[0] + 1]


def test_a_person_that_was_deleted_since_is_not_written(pair: Pair) -> None:
    row, person = linked(pair, "lead")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Director")
    pair.sandbox.clock.advance(60)
    gone = fault_kinds.meanwhile(lambda _: pair.sandbox.marketo.delete_person(person))
    script = pair.sandbox.faults.script(gone, service="marketo", path="leads.json", writes=False)
    pair.forget_calls()
    report = pair.engine(reread_after=0).run()
    assert script.happened == 1
    assert report.total("to Marketo", "gone") == 1
    assert pair.sandbox.marketo.person(person) is None
    assert pair.writes == 0


def test_an_edit_of_a_row_between_our_read_and_our_write_is_merged_and_never_overwritten(pair: Pair) -> None:
    row, person = linked(pair, "lead")
    pair.sandbox.marketo.update_person(person, title="Countess", city="London")
    edit = fault_kinds.meanwhile(
        lambda _: pair.sandbox.dynamics.update("lead", row, jobtitle="Director", address1_line1="1 Street")
    )
    script = pair.sandbox.faults.script(edit, service="dynamics", writes=True)
    pair.sandbox.clock.advance(60)
    report = pair.engine().run()
    assert script.happened == 1
    assert report.counts["lead", "to Dynamics", "merged again"] == 1
    found = pair.sandbox.dynamics.row("lead", row) or {}
    assert (found["jobtitle"], found["address1_city"], found["address1_line1"]) == ("Countess", "London", "1 Street")
    assert [(line.field, line.dynamics) for line in report.conflicts] == [("job_title", "Director")]
    assert pair.person_of("lead", row)["address"] == "1 Street"
