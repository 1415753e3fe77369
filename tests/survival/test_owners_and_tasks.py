"""Owners and tasks: killed at any boundary, a repeat of the call ends where one that ran through does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync import SyncReport, Task
from marketo_dynamics_sync.connectors import Outcome, Problem, Status, Write
from marketo_dynamics_sync.entities import FieldInfo, ObjectInfo, Option
from marketo_dynamics_sync.errors import FieldMissingError, FieldUnreadableError
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, SmallBatches, fused

GRACE = "33333333-0000-0000-0000-000000000001"
Act = Callable[[World], SyncReport]


def table(name: str, *columns: FieldInfo, primary_id: str = "") -> ObjectInfo:
    fields = {column.name: column for column in columns}
    return ObjectInfo(name, fields, entity_set=f"{name}s", primary_id=primary_id or f"{name}id")


OWNER = FieldInfo("ownerid", "Owner", targets=("systemuser", "team"))
USERS = table("systemuser", FieldInfo("isdisabled", "Boolean"))
TASKS = table(
    "task",
    FieldInfo("subject", "String", max_length=200),
    FieldInfo("description", "Memo", max_length=2000),
    FieldInfo("scheduledend", "DateTime", behavior="UserLocal"),
    FieldInfo("statuscode", "Status", options=(Option(2, "Not Started", 0), Option(5, "Completed", 1))),
    FieldInfo("prioritycode", "Picklist", options=(Option(1, "Normal"),)),
    FieldInfo(
        "regardingobjectid",
        "Lookup",
        targets=("lead", "contact"),
        navigation={"lead": "regardingobjectid_lead_task", "contact": "regardingobjectid_contact_task"},
    ),
    OWNER,
    primary_id="activityid",
)


def world() -> World:
    """Two leads and a contact that are linked, and two persons that only Marketo has; batches of two."""
    made = World(store=FusedStore(), connector=SmallBatches)
    made.dynamics.objects |= {"systemusers": USERS, "tasks": TASKS}
    made.dynamics.put("systemusers", GRACE, isdisabled=False)
    for number in range(2):
        made.lead(lastname=f"Lead {number}", emailaddress1=f"l{number}@example.com")
    made.contact(lastname="Contact", emailaddress1="c@example.com")
    made.settle()
    for number in range(2):
        made.person(lastName=f"New {number}", email=f"n{number}@example.com", company="Oasis")
    made.later(minutes=5)
    return made


def people(of: World) -> list[str]:
    return list(of.marketo.rows("person"))


def assign(of: World) -> SyncReport:
    return of.engine.assign_owner(people(of), GRACE)


def call(of: World) -> SyncReport:
    return of.engine.create_tasks(people(of), Task(subject="Call", owner=GRACE), key="spring")


def rows_of(of: World) -> dict[str, tuple[str, str]]:
    """Return table and row id of each person, once everybody is linked once."""
    found = of.store.links_by_marketo(people(of))
    assert len(found) == 5
    return {person: (link.entity, link.dynamics_id) for person, link in found.items()}


def check_owners(of: World) -> None:
    rows = rows_of(of)
    assert (len(of.dynamics.rows("leads")), len(of.dynamics.rows("contacts"))) == (4, 1)
    for entity, row in rows.values():
        assert (of.dynamics.row(f"{entity}s", row) or {})["ownerid@odata.bind"] == f"/systemusers({GRACE})"


def check_tasks(of: World) -> None:
    rows = rows_of(of)
    assert (len(of.dynamics.rows("leads")), len(of.dynamics.rows("contacts"))) == (4, 1)
    regarding = [
        str(value)
        for task in of.dynamics.rows("tasks").values()
        for name, value in task.items()
        if name.startswith("regardingobjectid")
    ]
    assert sorted(regarding) == sorted(f"/{entity}s({row})" for entity, row in rows.values()), "one for each"


ACTS = pytest.mark.parametrize(("act", "check"), [(assign, check_owners), (call, check_tasks)], ids=["owner", "tasks"])


@ACTS
def test_killed_anywhere_a_repeat_ends_the_same_and_the_cycle_agrees(act: Act, check: Callable[[World], None]) -> None:
    through = world()
    fuse = Fuse()
    fused(through, fuse)
    act(through)
    passed = fuse.passed
    assert passed > 10
    check(through)
    through.settle()
    check(through)
    for place in range(passed):
        again = world()
        fuse_now = Fuse(place)
        fused(again, fuse_now)
        with pytest.raises(Killed):
            act(again)
        fuse_now.left = None
        again.engine = again.new_engine()
        again.engine.run()  # what a kill left is no riddle to a cycle
        act(again)
        check(again)
        again.settle()
        check(again)


@ACTS
def test_a_service_that_takes_no_more_ends_it_cleanly_and_a_repeat_goes_on(
    act: Act, check: Callable[[World], None]
) -> None:
    halfway = world()
    write = halfway.dynamics.write
    calls = []

    def tired(writes: list[Write]) -> list[Outcome]:
        calls.append(len(writes))
        if len(calls) < 3:  # one batch of strangers, one of everybody
            return write(writes)
        problem = Problem("0x80072322", "the limit is reached", None, True)
        return [Outcome(Status.UNSENT, each.id, problem=problem) for each in writes]

    halfway.dynamics.write = tired  # type: ignore[method-assign, assignment]  # a limit in the middle
    report = act(halfway)
    assert (report.stopped, report.rejected, len(calls)) == ("the limit is reached", [], 3)
    halfway.dynamics.write = write  # type: ignore[method-assign]  # as it was
    report = act(halfway)
    assert not report.stopped
    check(halfway)


def test_a_push_that_is_refused_leaves_the_others_their_owner() -> None:
    some = world()
    refused = next(i for i, row in some.marketo.rows("person").items() if row.get("lastName") == "New 0")
    some.dynamics.refuse = lambda write: (
        Problem("0x80044331", "too long") if write.values.get("last_name") == "New 0" else None
    )
    report = assign(some)
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(refused, "0x80044331")]
    assert sum("ownerid@odata.bind" in row for row in some.dynamics.rows("leads").values()) == 3
    some.dynamics.refuse = None
    assert not assign(some).rejected
    check_owners(some)


def test_an_outcome_that_nobody_knows_is_told_as_such() -> None:
    some = world()
    some.engine.push_persons(people(some)[3:])
    some.dynamics.write = lambda writes: [  # type: ignore[method-assign]  # every answer is lost for good
        Outcome(Status.UNKNOWN, each.id) for each in writes
    ]
    report = call(some)
    assert {line.reason for line in report.rejected} == {"unknown"}
    assert len(report.rejected) == 5


def test_a_table_that_lacks_a_column_or_keeps_it_from_us_is_said_so() -> None:
    some = world()
    some.dynamics.objects["tasks"] = table("task", OWNER)
    with pytest.raises(FieldMissingError, match="'task' has no column 'subject'"):
        call(some)
    some.dynamics.objects["systemusers"] = table("systemuser", FieldInfo("isdisabled", "Boolean", readable=False))
    with pytest.raises(FieldUnreadableError, match="'isdisabled' of Dynamics' table 'systemuser'"):
        assign(some)
