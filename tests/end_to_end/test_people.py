"""People edited on either side stay the same on both, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marketo_dynamics_sync import SQLiteStateStore, errors
from marketo_dynamics_sync.connectors import Status
from marketo_dynamics_sync.entities import Contact, Lead
from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService, Fault
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from tests.end_to_end.conftest import START, Pair


def agreed(pair: Pair) -> list[str]:
    """Return the fields of linked people on which the two services differ."""
    names = {
        "firstName": "firstname",
        "lastName": "lastname",
        "email": "emailaddress1",
        "title": "jobtitle",
        "phone": "telephone1",
        "city": "address1_city",
        "website": "websiteurl",
    }
    differences = []
    for table in ("lead", "contact"):
        for link in pair.store.links(table):
            person = pair.sandbox.marketo.person(int(link.marketo_id)) or {}
            row = pair.sandbox.dynamics.row(table, link.dynamics_id) or {}
            differences += [
                f"{table}.{row_name}"
                for name, row_name in names.items()
                if (person.get(name) or None) != (row.get(row_name) or None)
            ]
    return differences


def test_untidy_people_end_up_the_same_on_both_sides(pair: Pair, tmp_path: Path) -> None:
    pair.store = SQLiteStateStore(tmp_path / "sync.db")
    pair.sandbox.seed(400)
    engine = pair.engine()

    first = engine.run()
    idle = pair.settle(engine)

    assert first.first
    assert first.total("links", "linked") > 300
    waiting = {(p.entity, p.id, p.field) for p in pair.store.parked()}
    fields = {f"{e}.{f}" for e, _, f in waiting if f}
    assert len(agreed(pair)) <= len([1 for w in waiting if w[2]]), (agreed(pair), fields)
    assert idle.marketo_calls.writes == idle.dynamics_calls.writes == 0


def test_an_idle_cycle_makes_four_calls_and_writes_nothing(pair: Pair) -> None:
    pair.sandbox.seed(50)
    engine = pair.engine()
    pair.settle(engine)
    for _ in range(8):
        pair.sandbox.clock.advance(300)
        pair.forget_calls()
        engine.run()
    assert len(pair.calls()) <= 4, pair.calls()
    assert pair.writes == 0


def test_an_edit_in_the_moment_of_our_write_is_merged_not_overwritten(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", jobtitle="Poet")
    engine = pair.engine()
    pair.settle(engine)
    person = int(str(pair.person_of("lead", lead)["id"]))
    pair.sandbox.clock.advance(60)
    pair.sandbox.marketo.update_person(person, title="Countess")
    edits = ["+44 1", None]

    def salesperson(table: str, row: str) -> None:
        phone = edits.pop(0) if edits else None
        if phone:
            pair.sandbox.dynamics.update(table, row, telephone1=phone, jobtitle="Programmer")

    pair.sandbox.dynamics.before_write = salesperson
    report = engine.run()
    pair.sandbox.dynamics.before_write = None
    pair.settle(engine)

    row = pair.sandbox.dynamics.row("lead", lead)
    assert row is not None
    assert (row["telephone1"], row["jobtitle"]) == ("+44 1", "Countess"), "their phone stays, a clash has its rule"
    assert pair.person_of("lead", lead)["phone"] == "+44 1"
    assert report.counts["lead", "to Dynamics", "merged again"] == 1
    assert [(c.field, c.rule) for c in report.conflicts] == [("job_title", "Marketo wins")]


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
def test_a_lost_answer_to_a_write_makes_nobody_twice(pair: Pair, side: str) -> None:
    """The service did the write, and the connection broke before it could say so."""
    pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    visitor = pair.sandbox.marketo.create_person(email="noor@example.org", lastName="El-Amin", company="Oasis")
    engine = pair.engine()
    lost: list[str] = []
    service = getattr(pair.sandbox, side)
    answering = type(service).__call__

    def lose(request: Request) -> Response | None:
        writes = "/leads.json" in request.path or request.path.endswith("$batch")
        reads = b"_method=GET" in request.body or b"GET /" in request.body
        if lost or not writes or reads or request.method != "POST":
            return None
        lost.append(request.path)
        service.on_request = None
        answering(service, request)
        service.on_request = lose
        raise ConnectionError

    service.on_request = lose
    for _ in range(2):
        try:
            engine.run()
            engine.push_persons([visitor])
        except errors.ServiceError:
            pair.sandbox.clock.advance(60)
    pair.settle(engine)

    assert lost
    assert [p["lastName"] for p in pair.sandbox.marketo.persons()].count("Byron") == 1
    assert [row["lastname"] for row in pair.sandbox.dynamics.all_rows("lead")].count("El-Amin") == 1
    assert pair.store.count_links("lead") == 2


def test_the_days_calls_used_up_stop_the_cycle_cleanly(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with(marketo=MarketoService(SandboxClock(START), daily_quota=12))
    for number in range(2_400):
        pair.sandbox.dynamics.create("lead", lastname=f"Name {number}", emailaddress1=f"p{number}@example.com")
    engine = pair.engine([Lead])

    report = engine.run()

    assert not report.complete
    assert "quota" in report.stopped.lower() or "day" in report.stopped.lower(), report.stopped
    made = len(pair.sandbox.marketo.persons())
    assert 0 < made < 2_400
    assert made == pair.store.count_links("lead"), "what was written is known"
    pair.sandbox.clock.advance(24 * 3600)
    for _ in range(20):
        if engine.run().complete:
            break
        pair.sandbox.clock.advance(24 * 3600)
    assert len(pair.sandbox.marketo.persons()) == 2_400
    assert pair.store.count_links("lead") == 2_400


def test_dynamics_limits_are_waited_out_to_the_second(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with(dynamics=DataverseService(SandboxClock(START), requests=3))
    for number in range(40):
        pair.sandbox.dynamics.create("contact", lastname=f"Name {number}", emailaddress1=f"p{number}@example.com")
    engine = pair.engine([Contact])
    for _ in range(4):
        engine.run()
        pair.sandbox.clock.advance(30)
    assert len(pair.sandbox.marketo.persons()) == 40
    refused = [call for call in pair.sandbox.dynamics.calls if call.status == 429]
    assert refused
    assert pair.slept, "Retry-After was waited for"


def test_a_token_that_runs_out_is_renewed(pair_with: Callable[..., Pair]) -> None:
    clock = SandboxClock(START)
    pair = pair_with(marketo=MarketoService(clock, token_lifetime=90), dynamics=DataverseService(clock))
    pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine()
    for _ in range(4):
        assert engine.run().complete
        clock.advance(120)
    assert sum(call.kind == "token" for call in pair.sandbox.marketo.calls) >= 4


def test_a_delta_link_that_expired_becomes_a_full_comparison_that_loses_no_deletion(pair: Pair) -> None:
    dynamics = pair.sandbox.dynamics
    rows = [dynamics.create("lead", lastname=f"Name {n}", emailaddress1=f"p{n}@example.com") for n in range(30)]
    engine = pair.engine()
    pair.settle(engine)
    orphan = pair.store.links_by_dynamics("lead", rows[:1])[rows[0]].marketo_id
    dynamics.delete("lead", rows[0])
    dynamics.update("lead", rows[1], jobtitle="Countess")
    pair.sandbox.clock.advance(9 * 86_400)

    report = engine.run()

    assert any("leads" in reason for reason in report.full_comparisons)
    deleted = pair.sandbox.marketo.person(int(orphan))
    assert deleted is not None
    assert deleted["microsoftIsDeleted"] is True
    assert pair.person_of("lead", rows[1])["title"] == "Countess"


def test_tables_without_change_tracking_work_as_well(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with(dynamics=DataverseService(SandboxClock(START), untracked=["lead"]))
    dynamics = pair.sandbox.dynamics
    rows = [dynamics.create("lead", lastname=f"Name {n}", emailaddress1=f"p{n}@example.com") for n in range(30)]
    engine = pair.engine()
    pair.settle(engine)
    orphan = pair.store.links_by_dynamics("lead", rows[:1])[rows[0]].marketo_id
    dynamics.delete("lead", rows[0])
    dynamics.update("lead", rows[1], jobtitle="Countess")
    pair.settle(engine)

    deleted = pair.sandbox.marketo.person(int(orphan))
    assert deleted is not None
    assert deleted["microsoftIsDeleted"] is True
    assert pair.person_of("lead", rows[1])["title"] == "Countess"
    assert "change tracking" in str(engine.check())


def test_a_qualified_lead_moves_its_person_and_the_winner(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", jobtitle="Poet")
    engine = pair.engine()
    pair.settle(engine)
    person = int(str(pair.person_of("lead", lead)["id"]))

    contact = pair.sandbox.dynamics.qualify_lead(lead)
    pair.settle(engine)
    pair.sandbox.marketo.update_person(person, title="From marketing")
    pair.sandbox.dynamics.update("contact", contact, jobtitle="From sales")
    report = pair.sandbox.clock.advance(60) or engine.run()
    pair.settle(engine)

    assert len(pair.sandbox.marketo.persons()) == 1
    moved = pair.person_of("contact", contact)
    assert (moved["id"], moved["dynamicsId"], moved["title"]) == (person, contact, "From sales")
    assert [c.rule for c in report.conflicts if c.field == "job_title"] == ["Dynamics wins"]


def test_unicode_and_long_values_travel_whole(pair: Pair) -> None:
    name = "Łukasz 山田 אבג 👩‍🚀"
    lead = pair.sandbox.dynamics.create("lead", lastname=name, emailaddress1="ł@example.com", description="x" * 2000)
    engine = pair.engine()
    pair.settle(engine)
    assert pair.person_of("lead", lead)["lastName"] == name
    pair.sandbox.marketo.update_person(int(str(pair.person_of("lead", lead)["id"])), lastName="  Ōta\u00a0‑ 2 ")
    pair.settle(engine)
    row = pair.sandbox.dynamics.row("lead", lead)
    assert row is not None
    assert "Ōta" in str(row["lastname"])


def test_a_refusal_is_told_with_the_servers_words_and_resolves_itself(pair: Pair) -> None:
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    other = pair.sandbox.dynamics.create("lead", lastname="Hopper", emailaddress1="grace@example.com")
    engine = pair.engine()
    pair.settle(engine)
    strict = [True]

    def rule(row: dict[str, object], before: dict[str, object] | None) -> None:
        if strict[0] and row.get("jobtitle") == "Countess":
            raise Fault(400, "0x80040265", "Titles of nobility are not kept here.")

    pair.sandbox.dynamics.add_rule("lead", rule)
    for row in (lead, other):
        person = int(str(pair.person_of("lead", row)["id"]))
        pair.sandbox.marketo.update_person(person, title="Countess" if row == lead else "Admiral")
    pair.sandbox.clock.advance(60)
    report = engine.run()

    assert report.rejected[0].reason == "0x80040265"
    assert "nobility" in report.rejected[0].message
    assert report.counts["lead", "to Dynamics", Status.UPDATED.value] == 1, "the other one went on"
    strict[0] = False
    pair.sandbox.clock.advance(26 * 3600)
    pair.settle(engine)
    changed = pair.sandbox.dynamics.row("lead", lead)
    assert changed is not None
    assert changed["jobtitle"] == "Countess"
    assert list(pair.store.rejected()) == []
