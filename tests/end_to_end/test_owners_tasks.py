"""Change Owner and Create Task, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from marketo_dynamics_sync import SyncReport, Task
from marketo_dynamics_sync.entities import Account, Contact, Lead, Ref, User
from marketo_dynamics_sync.errors import ConfigurationError, RateLimitError
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.dataverse.errors import Refused
from tests.end_to_end.conftest import Pair, pair, pair_with

__all__ = ["pair", "pair_with"]

MISSING = "11111111-2222-3333-4444-555555555555"
EVERYBODY = (User, Lead, Contact)


def user(pair: Pair, **columns: object) -> str:
    names = {"firstname": "Grace", "lastname": "Hopper", "internalemailaddress": "grace@sales.example"}
    return pair.sandbox.dynamics.create("systemuser", **(names | columns))


def team(pair: Pair, kind: int = 0) -> str:
    return pair.sandbox.dynamics.create("team", name="Inside sales", teamtype=kind)


def lead(pair: Pair, number: int = 0, table: str = "lead") -> str:
    return pair.sandbox.dynamics.create(table, lastname=f"Byron {number}", emailaddress1=f"ada{number}@example.com")


def stranger(pair: Pair, number: int = 0) -> str:
    return str(pair.sandbox.marketo.create_person(lastName=f"New {number}", email=f"new{number}@example.com"))


def person(pair: Pair, row: str, table: str = "lead") -> str:
    return str(pair.person_of(table, row)["id"])


def owner(pair: Pair, row: str, table: str = "lead") -> tuple[object, object]:
    stored = pair.sandbox.dynamics.row(table, row) or {}
    return stored["_ownerid_value!"], stored["_ownerid_value"]


def row_of(pair: Pair, person_id: str) -> str:
    return pair.store.links_by_marketo([person_id])[person_id].dynamics_id


def tasks(pair: Pair) -> list[dict[str, object]]:
    return [dict(row) for row in pair.sandbox.dynamics.all_rows("task")]


def codes(report: SyncReport) -> list[tuple[str | None, str]]:
    return [(line.marketo_id, line.reason) for line in report.rejected]


# Change Owner


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_the_owner_becomes_another_user_and_marketo_hears_of_it(pair: Pair, table: str) -> None:
    row, grace = lead(pair, table=table), user(pair)
    engine = pair.engine(EVERYBODY)
    pair.settle(engine)
    assert owner(pair, row, table) == ("systemuser", pair.sandbox.dynamics.other_user_id)

    report = engine.assign_owner([person(pair, row, table)], grace)

    assert (report.kind, report.counts[table, "to Dynamics", "updated"], report.rejected) == ("owner", 1, [])
    assert owner(pair, row, table) == ("systemuser", grace)
    links = pair.store.links_by_dynamics(table, [row])
    pair.settle(engine)
    assert pair.person_of(table, row)["externalSalesPersonId"] == grace
    assert owner(pair, row, table) == ("systemuser", grace)
    assert pair.store.links_by_dynamics(table, [row])[row].marketo_id == links[row].marketo_id
    assert (len(pair.sandbox.marketo.persons()), len(pair.sandbox.dynamics.all_rows(table))) == (1, 1)


def test_an_assignment_is_no_edit_where_owners_are_not_synced(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    engine.assign_owner([person(pair, row)], grace)
    pair.forget_calls()
    pair.sandbox.clock.advance(60)
    assert engine.run().wrote == 0
    assert pair.writes == 0
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    engine.run()
    assert len(pair.calls()) == 4, "an idle cycle, as ever"


def test_another_edit_made_meanwhile_stays_and_the_last_owner_wins(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.dynamics.update("lead", row, jobtitle="Countess")
    pair.sandbox.dynamics.update(
        "lead", row, **{"ownerid@odata.bind": f"/systemusers({pair.sandbox.dynamics.user_id})"}
    )
    engine.assign_owner([person(pair, row)], grace)
    assert owner(pair, row)[1] == grace
    pair.settle(engine)
    assert pair.person_of("lead", row)["title"] == "Countess"


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_a_person_who_is_not_in_dynamics_is_made_there_and_then_assigned(pair: Pair, table: str) -> None:
    grace = user(pair)
    engine = pair.engine(EVERYBODY)
    pair.settle(engine)
    ada = stranger(pair)
    report = engine.assign_owner([ada], grace, as_entity=table)
    assert report.counts[table, "to Dynamics", "created"] == 1
    row = row_of(pair, ada)
    assert owner(pair, row, table) == ("systemuser", grace)
    pair.settle(engine)
    assert pair.person_of(table, row)["externalSalesPersonId"] == grace
    assert len(pair.sandbox.dynamics.all_rows(table)) == 1


@pytest.mark.parametrize("known", [True, False], ids=["reference", "bare id"])
def test_a_team_can_be_the_owner(pair: Pair, known: bool) -> None:
    row, crew = lead(pair), team(pair)
    engine = pair.engine(EVERYBODY)
    pair.settle(engine)
    engine.assign_owner([person(pair, row)], Ref("team", crew) if known else crew.upper())
    assert owner(pair, row) == ("team", crew)
    pair.settle(engine)
    assert pair.person_of("lead", row).get("externalSalesPersonId") is None, "teams are no sales persons"


def test_a_batch_of_any_size_takes_a_call_for_a_thousand(pair: Pair) -> None:
    grace = user(pair)
    rows = [lead(pair, number) for number in range(1203)]
    engine = pair.engine()
    pair.settle(engine)
    ids = [link.marketo_id for link in pair.store.links("lead")]
    pair.forget_calls()
    report = engine.assign_owner([*ids, *ids[:3]], grace)
    assert report.counts["lead", "to Dynamics", "updated"] == 1203
    assert {owner(pair, row)[1] for row in rows} == {grace}
    assert report.dynamics_calls.writes == 2


def test_rows_and_strangers_leads_and_contacts_go_together(pair: Pair) -> None:
    grace, row, other = user(pair), lead(pair), lead(pair, 1, "contact")
    engine = pair.engine()
    pair.settle(engine)
    new = stranger(pair)
    ids = [person(pair, row), person(pair, other, "contact"), new, "99999"]
    report = engine.assign_owner(ids, grace)
    assert [owner(pair, row)[1], owner(pair, other, "contact")[1], owner(pair, row_of(pair, new))[1]] == [grace] * 3
    assert codes(report) == [("99999", "not-found")]


REFUSED: dict[str, Callable[[Pair], object]] = {
    "owner-missing": lambda pair: MISSING,
    "owner-disabled": lambda pair: user(pair, isdisabled=True),
    "owner-access-team": lambda pair: team(pair, 1),
}


@pytest.mark.parametrize("code", REFUSED)
def test_an_owner_who_can_own_nothing_is_refused_for_each_person_and_nobody_is_pushed(pair: Pair, code: str) -> None:
    row, nobody = lead(pair), REFUSED[code](pair)
    engine = pair.engine()
    pair.settle(engine)
    ids = [person(pair, row), stranger(pair)]
    before = owner(pair, row)
    report = engine.assign_owner(ids, str(nobody))
    assert codes(report) == [(ids[0], code), (ids[1], code)]
    assert {line.field for line in report.rejected} == {"ownerid"}
    assert (report.wrote, owner(pair, row)) == (0, before)
    assert len(pair.sandbox.dynamics.all_rows("lead")) == 1
    assert list(pair.store.rejected()) == [], "nothing waits"


def test_what_dynamics_refuses_is_told_for_that_row_and_the_others_go_on(pair: Pair) -> None:
    grace, rows = user(pair), [lead(pair), lead(pair, 1, "contact"), lead(pair, 2), lead(pair, 3)]
    engine = pair.engine()
    pair.settle(engine)
    ids = [link.marketo_id for entity in ("lead", "contact") for link in pair.store.links(entity)]
    gone = person(pair, rows[2])
    pair.sandbox.dynamics.delete("lead", rows[2])

    def rule(row: dict[str, object], old: dict[str, object] | None) -> None:
        if row.get("lastname") == "Byron 3":
            raise Refused("The region of the row has an owner of its own.")

    pair.sandbox.dynamics.add_rule("lead", rule)
    report = engine.assign_owner(ids, grace)
    assert sorted(codes(report)) == sorted([(gone, "0x80040217"), (person(pair, rows[3]), "0x80040265")])
    assert (owner(pair, rows[0])[1], owner(pair, rows[1], "contact")[1]) == (grace, grace)
    assert owner(pair, rows[3])[1] != grace


def test_an_owner_without_a_role_is_refused_by_dynamics(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    pair.sandbox.dynamics.rows.without_role.add(grace)
    engine = pair.engine()
    pair.settle(engine)
    report = engine.assign_owner([person(pair, row)], grace)
    assert codes(report) == [(person(pair, row), "0x80042f09")]
    assert "has not been assigned any roles" in report.rejected[0].message


def test_without_the_right_to_write_every_row_is_refused(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.dynamics.privileges["lead"] = frozenset({"read", "create"})
    report = engine.assign_owner([person(pair, row)], grace)
    assert codes(report) == [(person(pair, row), "0x80040220")]


@pytest.mark.parametrize(
    ("given", "says"),
    [("somebody", "owner: give the row id"), (Ref("lead", MISSING), "'lead' can't own anything")],
)
def test_what_is_no_owner_is_refused_before_any_call(pair: Pair, given: object, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        pair.engine().assign_owner([1], given)  # type: ignore[arg-type]  # what a host may get wrong
    assert pair.calls() == []


def test_only_persons_can_be_assigned(pair: Pair) -> None:
    with pytest.raises(ConfigurationError, match="can't be pushed as 'account'"):
        pair.engine((Account, Lead)).assign_owner([1], user(pair), as_entity="account")


def test_a_person_of_an_entity_that_this_engine_does_not_sync_is_refused(pair: Pair) -> None:
    row, grace = lead(pair, table="contact"), user(pair)
    pair.settle(pair.engine())
    ada = person(pair, row, "contact")
    report = pair.engine((Lead,)).assign_owner([ada], grace)
    assert codes(report) == [(ada, "not-synced")]


def test_a_lost_answer_costs_nothing(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    script = pair.sandbox.faults.script(fault_kinds.answer_lost, service="dynamics", writes=True)
    report = engine.assign_owner([person(pair, row)], grace)
    assert script.happened == 1
    assert (owner(pair, row)[1], report.rejected) == (grace, [])


def test_a_limit_ends_it_and_the_next_call_goes_on(pair: Pair) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    ada = person(pair, row)
    refusing = fault_kinds.dynamics_error("0x80072322", status=429, retry_after=3600)
    pair.sandbox.faults.script(refusing, service="dynamics", writes=True, times=None)
    with pytest.raises(RateLimitError):
        engine.assign_owner([ada], grace)
    pair.sandbox.faults.clear()
    assert pair.engine().assign_owner([ada], grace).counts["lead", "to Dynamics", "updated"] == 1


# Create Task


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_a_task_regards_the_lead_or_the_contact_and_is_due_in_five_days(pair: Pair, table: str) -> None:
    row = lead(pair, table=table)
    engine = pair.engine()
    pair.settle(engine)
    now = pair.sandbox.clock.now()
    report = engine.create_tasks([person(pair, row, table)], Task(subject="Call", description="She asked for a demo"))
    assert (report.kind, report.counts["task", "to Dynamics", "created"], report.rejected) == ("tasks", 1, [])
    (task,) = tasks(pair)
    assert (task["subject"], task["description"]) == ("Call", "She asked for a demo")
    assert (task["_regardingobjectid_value"], task["_regardingobjectid_value!"]) == (row, table)
    assert task["scheduledend"] == (now + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (task["statecode"], task["statuscode"]) == (0, 2)
    assert (task["_ownerid_value"], task["_ownerid_value!"]) == (pair.sandbox.dynamics.user_id, "systemuser")
    assert pair.settle(engine).wrote == 0


@pytest.mark.parametrize("reason", ["Waiting on someone else", "waiting on SOMEONE else", 4])
def test_a_task_says_all_it_was_told(pair: Pair, reason: str | int) -> None:
    row, grace = lead(pair), user(pair)
    engine = pair.engine()
    pair.settle(engine)
    due = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
    engine.create_tasks(
        [person(pair, row)], Task(subject="Call", due=due, status_reason=reason, priority="High", owner=grace)
    )
    (task,) = tasks(pair)
    assert (task["scheduledend"], task["statuscode"], task["prioritycode"]) == ("2026-04-01T08:30:00Z", 4, 2)
    assert task["_ownerid_value"] == grace


def test_a_task_may_be_due_some_time_from_now(pair: Pair) -> None:
    row = lead(pair)
    engine = pair.engine()
    pair.settle(engine)
    now = pair.sandbox.clock.now()
    engine.create_tasks([person(pair, row)], Task(subject="Call", due=timedelta(hours=2)))
    assert tasks(pair)[0]["scheduledend"] == (now + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_person_who_is_not_in_dynamics_is_made_there_and_then_gets_the_task(pair: Pair) -> None:
    engine = pair.engine()
    engine.run()
    ada = stranger(pair)
    engine.create_tasks([ada], Task(subject="Call"), as_entity="contact")
    (task,) = tasks(pair)
    assert (task["_regardingobjectid_value"], task["_regardingobjectid_value!"]) == (row_of(pair, ada), "contact")


def test_tasks_for_a_batch(pair: Pair) -> None:
    for number in range(1003):
        lead(pair, number)
    engine = pair.engine()
    pair.settle(engine)
    ids = [link.marketo_id for link in pair.store.links("lead")]
    report = engine.create_tasks([*ids, "99999"], Task(subject="Call"), key="spring")
    assert report.counts["task", "to Dynamics", "created"] == len(tasks(pair)) == 1003
    assert len({task["_regardingobjectid_value"] for task in tasks(pair)}) == 1003
    assert codes(report) == [("99999", "not-found")]


def test_a_repeat_with_the_same_key_makes_no_second_task_and_another_key_does(pair: Pair) -> None:
    row, other = lead(pair), lead(pair, 1)
    engine = pair.engine()
    pair.settle(engine)
    ids = [person(pair, row), person(pair, other)]
    engine.create_tasks(ids[:1], Task(subject="Call"), key="spring")
    again = engine.create_tasks(ids, Task(subject="Call her again"), key="spring")
    assert again.counts["task", "to Dynamics", "there already"] == 1
    assert again.counts["task", "to Dynamics", "created"] == 1
    assert sorted(str(task["subject"]) for task in tasks(pair)) == ["Call", "Call her again"]
    engine.create_tasks(ids, Task(subject="Call"), key="autumn")
    assert len(tasks(pair)) == 4


def test_without_a_key_each_call_makes_its_own(pair: Pair) -> None:
    row = lead(pair)
    engine = pair.engine()
    pair.settle(engine)
    for _ in range(2):
        engine.create_tasks([person(pair, row), person(pair, row)], Task(subject="Call"))
    assert len(tasks(pair)) == 2


@pytest.mark.parametrize("key", [None, "spring"])
def test_a_lost_answer_makes_no_second_task(pair: Pair, key: str | None) -> None:
    rows = [lead(pair, number) for number in range(3)]
    engine = pair.engine()
    pair.settle(engine)
    script = pair.sandbox.faults.script(fault_kinds.answer_lost, service="dynamics", writes=True)
    report = engine.create_tasks([person(pair, row) for row in rows], Task(subject="Call"), key=key)
    assert script.happened == 1
    assert (len(tasks(pair)), report.rejected) == (3, [])


WRONG = {
    "task.subject: a task needs one": Task(subject=" "),
    "task.subject: 201 ": Task(subject="x" * 201),
    "task.description: 2001 ": Task(subject="Call", description="x" * 2001),
    "task.status_reason: not a label of the option set, which has 'Not": Task(subject="C", status_reason="Hot"),
    "task.status_reason: not a number of the option set": Task(subject="Call", status_reason=99),
    "task.status_reason: it is the reason of a closed task": Task(subject="Call", status_reason="Completed"),
    "task.priority: not a label": Task(subject="Call", priority="Urgent"),
    "task.due: give a time-zone aware datetime": Task(subject="Call", due=datetime(2026, 4, 1)),
    "owner: give the row id": Task(subject="Call", owner="Grace"),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_task_that_dynamics_would_refuse_is_refused_before_anybody_is_pushed(pair: Pair, says: str) -> None:
    engine = pair.engine()
    engine.run()
    ada = stranger(pair)
    with pytest.raises(ConfigurationError, match=says):
        engine.create_tasks([ada], WRONG[says])
    assert pair.sandbox.dynamics.all_rows("lead") == []


@pytest.mark.parametrize("key", ["", " ", 7])
def test_a_key_that_names_nothing_is_refused(pair: Pair, key: object) -> None:
    with pytest.raises(ConfigurationError, match="key: give a text"):
        pair.engine().create_tasks([1], Task(subject="Call"), key=key)  # type: ignore[arg-type]  # a host's mistake


def test_a_task_for_nobody_who_could_own_it_is_refused_and_nobody_is_pushed(pair: Pair) -> None:
    engine = pair.engine()
    engine.run()
    ada = stranger(pair)
    report = engine.create_tasks([ada], Task(subject="Call", owner=MISSING))
    assert codes(report) == [(ada, "owner-missing")]
    assert (pair.sandbox.dynamics.all_rows("lead"), tasks(pair)) == ([], [])


def test_a_task_that_dynamics_refuses_is_told_for_that_person_and_the_others_get_theirs(pair: Pair) -> None:
    rows = [lead(pair, number) for number in range(3)]
    engine = pair.engine()
    pair.settle(engine)
    ids = [person(pair, row) for row in rows]
    pair.sandbox.dynamics.delete("lead", rows[1])
    report = engine.create_tasks(ids, Task(subject="Call"))
    assert codes(report) == [(ids[1], "0x80040217")]
    assert report.rejected[0].field.startswith("regardingobjectid")
    assert {task["_regardingobjectid_value"] for task in tasks(pair)} == {rows[0], rows[2]}


def test_a_task_shows_no_text_of_its_own(pair: Pair) -> None:
    shown = repr(Task(subject="Call Ada", description="private"))
    assert "Ada" not in shown
    assert "private" not in shown
