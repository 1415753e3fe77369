"""Rows that became one in Dynamics make their two persons one in Marketo, once and for good."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from marketo_dynamics_sync.connectors import Outcome, Problem, Status
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine import OnMerge, PersonMerger
from marketo_dynamics_sync.entities import Contact, Lead, mapped
from marketo_dynamics_sync.errors import ConfigurationError, PlanRefusedError
from marketo_dynamics_sync.plan import Brake, StepKind
from tests.engine.test_survival import picture
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning


class ScoredLead(Lead):
    """A lead that tells its score to Dynamics."""

    score: int | None = mapped(marketo="leadScore", dynamics="new_score", optional=True)


def lead(world: World, name: str, **columns: object) -> str:
    return world.lead(lastname=name, emailaddress1=f"{name}@x.com", **columns)


def contact(world: World, name: str, **columns: object) -> str:
    return world.contact(lastname=name, emailaddress1=f"{name}@x.com", **columns)


def qualify(world: World, row: str, into: str) -> None:
    world.dynamics.change("leads", row, statecode=1, statuscode=3, _parentcontactid_value=into)


def two(world: World, **columns: object) -> tuple[str, str, str, str]:
    """Return a lead and a contact, each with a person, and the lead is then qualified into the contact."""
    row, into = lead(world, "ada", **columns), contact(world, "king")
    world.settle()
    loser, winner = str(world.linked("lead", row)), str(world.linked("contact", into))
    world.later(minutes=5)
    qualify(world, row, into)
    return row, into, loser, winner


def only_person(world: World) -> dict[str, object]:
    (person,) = world.marketo.rows("person").values()
    return person


def test_a_lead_qualified_into_a_contact_with_a_person_of_its_own_becomes_that_person() -> None:
    world = World()
    row, into, loser, winner = two(world, jobtitle="Countess", donotbulkemail=True)
    world.marketo.change("person", loser, leadScore=7)
    world.marketo.change("person", winner, leadScore=5)

    report = world.engine.run()

    person = only_person(world)
    assert world.linked("contact", into) == winner
    assert world.linked("lead", row) is None
    assert (person["lastName"], person["email"]) == ("king", "king@x.com"), "the contact wins"
    assert person["title"] == "Countess", "what was empty is filled"
    assert person["leadScore"] == 12
    assert person["unsubscribed"] is True
    columns = world.dynamics.row("contacts", into) or {}
    assert (columns["jobtitle"], columns["donotbulkemail"], columns["mkt_leadscore"]) == ("Countess", True, 12)
    assert report.counts["contact", "to Marketo", "merged"] == 1
    assert not list(world.store.parked())
    for _ in range(2):
        assert world.engine.run().wrote == 0


def test_the_merge_and_what_it_lost_stand_in_the_journal() -> None:
    world = World()
    row, into, loser, winner = two(world)
    world.engine.run()
    (entry,) = (entry for entry in world.store.journal() if entry.kind == "merged")
    assert (entry.entity, entry.marketo_id, entry.dynamics_id) == ("contact", winner, into)
    assert entry.detail["loser"] == loser
    assert entry.detail["from"] == ["lead", row]
    assert entry.detail["reason"] == "qualified in Dynamics"
    assert entry.detail["lost"]["last_name"] == "ada"  # type: ignore[index]  # plain data


@pytest.mark.parametrize("table", ["leads", "contacts"])
def test_two_rows_merged_in_dynamics(table: str) -> None:
    world = World((ScoredLead, Contact))
    make = lead if table == "leads" else contact
    keep, lose = make(world, "keep"), make(world, "lose", jobtitle="Poet")
    world.settle()
    winner, loser = (str(world.linked(table[:-1], row)) for row in (keep, lose))
    world.marketo.change("person", loser, leadScore=3)
    world.dynamics.merge(table, lose, keep)
    world.dynamics.change(table, keep, jobtitle="Baker")
    world.engine.run()
    person = only_person(world)
    assert (person["title"], person["leadScore"], world.linked(table[:-1], keep)) == ("Baker", 3, winner)
    assert world.linked(table[:-1], lose) is None
    for _ in range(2):
        assert world.engine.run().wrote == 0


def test_the_plan_shows_the_merge_and_the_run_does_what_the_plan_shows() -> None:
    world = World()
    _, into, loser, winner = two(world, jobtitle="Countess", donotbulkemail=True)
    world.marketo.change("person", loser, leadScore=7)
    world.dynamics.change("contacts", into, address1_city="London")
    world.marketo.change("person", winner, mobilePhone="1")

    plan = world.engine.plan()
    assert plan.digest == world.engine.plan().digest
    assert len(world.marketo.rows("person")) == 2
    (step,) = (step for step in plan.steps if step.kind is StepKind.MERGE_PERSONS)
    assert (step.marketo_id, step.dynamics_id, [each.marketo_id for each in step.losers]) == (winner, into, [loser])
    assert step.to_dynamics == {"job_title": "Countess", "unsubscribed": True, "score": 7, "mobile_phone": "1"}
    assert "unsubscribed" in step.detail["sets"]  # type: ignore[operator]  # plain data
    assert f"takes in {loser}" in str(plan)
    assert not plan.empty
    assert plan.price.marketo >= 1
    assert "losers" in plan.to_dict()["steps"][-1]  # type: ignore[index]  # plain data

    world.engine.run()
    columns = world.dynamics.row("contacts", into) or {}
    assert {n: columns[n] for n in ("jobtitle", "donotbulkemail", "mkt_leadscore", "mobilephone", "address1_city")} == {
        "jobtitle": "Countess",
        "donotbulkemail": True,
        "mkt_leadscore": 7,
        "mobilephone": "1",
        "address1_city": "London",
    }
    assert only_person(world)["city"] == "London"


@pytest.mark.parametrize("entities", [(Lead, Contact), (Contact, Lead)])
@pytest.mark.parametrize("target", ["row", "person"])
def test_a_plan_takes_its_own_earlier_steps_into_account(entities: Any, target: str) -> None:
    world = World(entities)
    _, into, _, winner = two(world)
    if target == "row":
        world.dynamics.change("contacts", into, address1_city="London")
    else:
        world.marketo.change("person", winner, city="London")
    (step,) = (step for step in world.engine.plan().steps if step.kind is StepKind.MERGE_PERSONS)
    carried = {**step.to_marketo, **step.to_dynamics}
    world.engine.run()
    assert only_person(world)["city"] == (world.dynamics.row("contacts", into) or {})["address1_city"] == "London"
    assert carried in ({}, {"city": "London"})
    assert world.engine.run().wrote == 0


def test_three_rows_merged_in_a_chain_become_one_person() -> None:
    world = World((ScoredLead, Contact))
    first, second, third = (lead(world, name, jobtitle=title) for name, title in (("a", "A"), ("b", None), ("c", None)))
    world.settle()
    people = [str(world.linked("lead", row)) for row in (first, second, third)]
    for number, person in enumerate(people):
        world.marketo.change("person", person, leadScore=10**number)
    world.marketo.change("person", people[1], unsubscribed=True)
    world.dynamics.merge("leads", first, second)
    world.dynamics.merge("leads", second, third)
    (step,) = (step for step in world.engine.plan().steps if step.kind is StepKind.MERGE_PERSONS)
    assert [each.marketo_id for each in step.losers] == people[:2]
    report = world.engine.run()
    person = only_person(world)
    assert world.linked("lead", third) == people[2]
    assert (person["leadScore"], person["unsubscribed"], person["title"]) == (111, True, "A")
    assert report.counts["lead", "to Marketo", "merged"] == 2
    assert [link.dynamics_id for link in world.store.links("lead")] == [third]
    for _ in range(2):
        assert world.engine.run().wrote == 0


def test_a_lead_merged_into_one_that_is_qualified_in_the_same_cycle() -> None:
    world = World()
    first, second, into = lead(world, "a"), lead(world, "b"), contact(world, "c")
    world.settle()
    winner = world.linked("contact", into)
    world.dynamics.merge("leads", first, second)
    qualify(world, second, into)
    world.engine.run()
    assert world.linked("contact", into) == winner
    assert len(world.marketo.rows("person")) == 1
    assert not list(world.store.links("lead"))
    assert not list(world.store.parked())
    assert world.engine.run().wrote == 0


def test_two_leads_qualified_into_one_new_contact_become_one_person() -> None:
    world = World()
    first, second = lead(world, "a"), lead(world, "b", jobtitle="Poet")
    world.settle()
    person = world.linked("lead", first)
    into = contact(world, "a", _originatingleadid_value=first)
    for row in (first, second):
        qualify(world, row, into)
    planned = [step.kind for step in world.engine.plan().steps]
    assert planned.count(StepKind.MERGE_PERSONS) == 1
    world.settle()
    assert world.linked("contact", into) == person
    assert only_person(world)["title"] == "Poet"
    assert not list(world.store.parked())


def test_a_loser_whose_person_is_gone_leaves_only_its_link() -> None:
    world = World()
    row, into, loser, winner = two(world)
    world.marketo.remove("person", loser)
    report = world.engine.run()
    assert world.linked("lead", row) is None
    assert world.linked("contact", into) == winner
    assert report.total("to Marketo", "merged") == 0
    assert not list(world.store.parked())
    world.settle()


def test_a_row_whose_own_person_is_gone_takes_over_the_other_one() -> None:
    world = World()
    row, into, loser, winner = two(world)
    world.marketo.remove("person", winner)
    world.settle()
    assert world.linked("contact", into) == loser
    assert world.linked("lead", row) is None
    assert only_person(world)["lastName"] == "king"


@pytest.mark.parametrize("on_merge", [OnMerge.HOLD, {"contact": OnMerge.HOLD}])
def test_on_merge_hold_leaves_both_persons_as_they_were(on_merge: Any) -> None:
    world = World(on_merge=on_merge)
    _, into, _, winner = two(world)
    world.settle()
    assert len(world.marketo.rows("person")) == 2
    (parked,) = world.store.parked()
    assert (parked.reason, parked.detail) == ("two-persons", {"candidates": [winner], "rivals": [into]})


def test_hold_for_contacts_still_merges_leads() -> None:
    world = World(on_merge={"contact": OnMerge.HOLD})
    keep, lose = lead(world, "keep"), lead(world, "lose")
    world.settle()
    world.dynamics.merge("leads", lose, keep)
    world.settle()
    assert len(world.marketo.rows("person")) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"leads": OnMerge.HOLD}, "no entity is called 'leads'"),
        ({"lead": "hold"}, "give an OnMerge"),
        ("hold", "give an OnMerge"),
    ],
)
def test_a_wrong_choice_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        World(on_merge=given)


class Plain:
    """A connector that can't merge persons."""

    def __init__(self, real: MemoryConnector) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name in ("merge_persons", "read_for_merge", "write_for_merge"):
            raise AttributeError(name)
        return getattr(self._real, name)


def test_a_connector_that_cant_merge_leaves_them_for_a_human() -> None:
    world = World()
    two(world)
    world.marketo = Plain(world.marketo)  # type: ignore[assignment]  # all that the engine asks of it is there
    assert not isinstance(world.marketo, PersonMerger)
    world.engine = world.new_engine()
    world.settle()
    assert [p.reason for p in world.store.parked()] == ["two-persons"]
    assert len(world.marketo.rows("person")) == 2


def wanted(row: Any) -> bool:
    return bool(row.values["last_name"] != "out")


@pytest.mark.parametrize("which", ["loser", "winner"])
def test_rows_outside_the_filter_merge_nobody(which: str) -> None:
    world = World(filters={"lead": wanted, "contact": wanted})
    row, into, _, winner = two(world)
    table, outside = ("leads", row) if which == "loser" else ("contacts", into)
    world.dynamics.change(table, outside, lastname="out")
    world.settle()
    assert len(world.marketo.rows("person")) == 2
    assert world.linked("contact", into) == winner
    assert [p.reason for p in world.store.parked()] == ([] if which == "loser" else ["two-persons"])


@pytest.mark.parametrize("which", ["loser", "winner"])
@pytest.mark.parametrize("alive", [True, False])
def test_a_person_that_carries_another_live_row_is_left_alone(which: str, alive: bool) -> None:
    world = World()
    _, _, loser, winner = two(world)
    other = world.lead(lastname="other", emailaddress1="other@x.com")
    if not alive:
        world.dynamics.merge("leads", other, lead(world, "rest"))
    person = loser if which == "loser" else winner
    world.marketo.change("person", person, dynamicsId=other)
    works = world.engine.plan()
    kinds = [step.kind for step in works.steps]
    assert (StepKind.MERGE_PERSONS in kinds) is not alive


def test_a_person_that_carries_an_id_nobody_knows_is_left_alone() -> None:
    world = World()
    _, _, loser, _ = two(world)
    world.marketo.change("person", loser, dynamicsId="12345678-0000-0000-0000-000000000000")
    world.engine.run()
    assert len(world.marketo.rows("person")) == 2
    assert [p.reason for p in world.store.parked()] == ["two-persons"]


def test_many_merges_at_once_look_like_an_accident() -> None:
    world = World()
    into = contact(world, "into")
    rows = [lead(world, f"l{n}") for n in range(30)]
    world.settle()
    for row in rows:
        qualify(world, row, into)
    with pytest.raises(PlanRefusedError, match=r"30 of 30 linked records of 'lead' \(100%\) would be merged"):
        world.engine.plan()
    with pytest.raises(PlanRefusedError, match="max_merge_share"):
        world.engine.run()
    assert len(world.marketo.rows("person")) == 31
    world.engine.run(release=[Brake.MERGES])
    world.settle()
    assert len(world.marketo.rows("person")) == 1


class Lost:
    """Merges whose answers are lost: carried out, or not."""

    def __init__(self, world: World, *, done: bool) -> None:
        self.real, self.done, self.calls = world.marketo.merge_persons, done, 0
        world.marketo.merge_persons = self  # type: ignore[method-assign]  # the fault under test

    def __call__(self, winner: str, loser: str) -> Outcome:
        self.calls += 1
        if self.calls > 1 or self.done:
            answer = self.real(winner, loser)
            if self.calls > 1:
                return answer
        return Outcome(Status.UNKNOWN, winner, problem=Problem("lost", "no answer", retryable=True))


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_is_read_back_and_nothing_is_added_twice(done: bool) -> None:
    world = World()
    _, into, loser, winner = two(world)
    world.marketo.change("person", loser, leadScore=7)
    world.marketo.change("person", winner, leadScore=5)
    lost = Lost(world, done=done)
    report = world.engine.run()
    assert bool(report.rejected) is not done
    world.settle()
    assert lost.calls == (1 if done else 2)
    assert only_person(world)["leadScore"] == 12
    assert world.linked("contact", into) == winner
    assert not list(world.store.rejected())


def killed_at(world: World, name: str, *, done: bool) -> None:
    """Run a cycle that ends where a call of the connector is made."""
    real = getattr(world.marketo, name)

    def last(*given: Any) -> Any:
        if done:
            real(*given)
        raise Killed

    setattr(world.marketo, name, last)
    with pytest.raises(Killed):
        world.engine.run()
    setattr(world.marketo, name, real)
    world.engine = world.new_engine()


@pytest.mark.parametrize("done", [True, False])
def test_a_score_changed_by_somebody_else_meanwhile_is_not_written_over(done: bool) -> None:
    world = World()
    _, _, loser, winner = two(world)
    world.marketo.change("person", loser, leadScore=7)
    world.marketo.change("person", winner, leadScore=5)
    killed_at(world, "write_for_merge", done=done)
    world.marketo.change("person", winner, leadScore=99)
    world.settle()
    assert only_person(world)["leadScore"] == 99


def test_a_refusal_of_the_loser_stands_before_the_two_are_merged() -> None:
    world = World()
    _, _, loser, winner = two(world)
    world.marketo.change("person", loser, unsubscribed=True)
    killed_at(world, "merge_persons", done=False)
    assert (world.marketo.row("person", winner) or {})["unsubscribed"] is True
    world.settle()
    assert only_person(world)["unsubscribed"] is True


def test_a_refusal_that_comes_in_the_moment_of_the_merge_is_not_taken_back() -> None:
    world = World()
    _, _, _, winner = two(world)
    merge = world.marketo.merge_persons

    def refused_meanwhile(kept: str, loser: str) -> Outcome:
        outcome = merge(kept, loser)
        world.marketo.change("person", kept, unsubscribed=True)  # the loser said so after we had read it
        return outcome

    world.marketo.merge_persons = refused_meanwhile  # type: ignore[method-assign]  # the race under test
    world.settle()
    assert world.marketo.rows("person").keys() == {winner}
    assert only_person(world)["unsubscribed"] is True


def test_a_merge_that_is_carried_out_after_its_answer_was_lost() -> None:
    world = World()
    _, _, loser, winner = two(world)
    world.marketo.change("person", loser, leadScore=7)
    Lost(world, done=False)
    world.engine.run()
    world.marketo.merge_persons(winner, loser)  # the one that was lost, late
    world.settle()
    assert only_person(world)["leadScore"] == 7
    assert not list(world.store.parked())


def test_a_refused_merge_is_tried_again_later_and_stops_nothing() -> None:
    world = World()
    row, into, loser, winner = two(world)
    world.marketo.change("person", loser, leadScore=7)
    world.marketo.change("person", winner, leadScore=5)
    real = world.marketo.merge_persons
    problem = Problem("1079", "personalised URL conflict")
    world.marketo.merge_persons = lambda *_: Outcome(Status.REJECTED, winner, problem=problem)  # type: ignore[method-assign]  # the fault under test
    world.dynamics.change("contacts", into, jobtitle="King")
    report = world.engine.run()
    assert [(line.entity, line.dynamics_id, line.reason) for line in report.rejected] == [("lead", row, "1079")]
    assert (world.marketo.row("person", winner) or {})["title"] == "King"
    assert (world.marketo.row("person", winner) or {})["leadScore"] == 5
    assert world.engine.run().total("to Marketo", "merged") == 0, "not yet due"
    world.marketo.merge_persons = real  # type: ignore[method-assign]  # it works again
    world.later(hours=2)
    assert world.engine.run().total("to Marketo", "merged") == 1
    assert only_person(world)["leadScore"] == 12
    assert not list(world.store.rejected())
    world.settle()


def test_no_more_calls_today_ends_the_cycle_and_the_next_one_goes_on() -> None:
    world = World()
    _, _, _, winner = two(world)
    real = world.marketo.merge_persons
    problem = Problem("607", "daily quota")
    world.marketo.merge_persons = lambda *_: Outcome(Status.UNSENT, winner, problem=problem)  # type: ignore[method-assign]  # the fault under test
    assert world.engine.run().stopped == "daily quota"
    world.marketo.merge_persons = real  # type: ignore[method-assign]  # the next day
    world.settle()
    assert len(world.marketo.rows("person")) == 1


class Meddler:
    """Does something between the plan of a merge and the merge."""

    def __init__(self, world: World, act: Any) -> None:
        self.real, self.act, self.world = world.marketo.read_for_merge, act, world
        world.marketo.read_for_merge = self  # type: ignore[method-assign]  # the moment under test

    def __call__(self, persons: Sequence[str], refusals: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        found = self.real(persons, refusals)
        act, self.act = self.act, None
        if act is not None:
            act()
        return found


def test_a_loser_edited_while_it_is_planned_is_merged_as_it_is_by_then() -> None:
    world = World()
    _, into, loser, _ = two(world)
    Meddler(world, lambda: world.marketo.change("person", loser, title="Late", unsubscribed=True, leadScore=4))
    world.engine.run()
    person = only_person(world)
    assert (person["title"], person["unsubscribed"], person["leadScore"]) == ("Late", True, 4)
    assert (world.dynamics.row("contacts", into) or {})["jobtitle"] == "Late"
    assert world.engine.run().wrote == 0


@pytest.mark.parametrize("what", ["reopened", "row deleted", "winner deleted", "loser deleted", "linked elsewhere"])
def test_what_changed_since_the_plan_stops_the_merge(what: str) -> None:
    world = World()
    row, into, loser, winner = two(world)
    acts = {
        "reopened": lambda: world.dynamics.change("leads", row, statecode=0, _parentcontactid_value=None),
        "row deleted": lambda: world.dynamics.remove("contacts", into),
        "winner deleted": lambda: world.marketo.remove("person", winner),
        "loser deleted": lambda: world.marketo.remove("person", loser),
        "linked elsewhere": lambda: world.marketo.change("person", loser, dynamicsId=lead(world, "other")),
    }
    Meddler(world, acts[what])
    merges: list[str] = []
    real = world.marketo.merge_persons

    def counted(*pair: str) -> Outcome:
        merges.append("merged")
        return real(*pair)

    world.marketo.merge_persons = counted  # type: ignore[method-assign]  # counts
    world.engine.run()
    assert not merges
    world.settle()
    if what == "reopened":
        assert world.linked("lead", row) == loser
        assert len(world.marketo.rows("person")) == 2
    if what == "winner deleted":
        assert world.linked("contact", into) == loser


def test_a_winner_deleted_in_the_last_moment_is_looked_at_again_in_the_next_cycle() -> None:
    world = World()
    row, into, loser, winner = two(world)
    reads = {"left": 2}  # of the plan, and of the plan made anew; the third one is the last before the merge
    real = world.marketo.read_for_merge

    def last(persons: Sequence[str], refusals: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        reads["left"] -= 1
        if reads["left"] == -1:
            world.marketo.remove("person", winner)
        return real(persons, refusals)

    world.marketo.read_for_merge = last  # type: ignore[method-assign]  # the moment under test
    report = world.engine.run()
    assert [line.reason for line in report.rejected] == ["gone"]
    world.settle()
    assert (world.linked("contact", into), world.linked("lead", row)) == (loser, None)
    assert only_person(world)["lastName"] == "king"
    assert not list(world.store.rejected())


@pytest.mark.parametrize("way", ["as the rows", "the other way round"])
def test_rows_merged_in_dynamics_and_persons_merged_by_hand_in_marketo(way: str) -> None:
    world = World()
    row, into, loser, winner = two(world)
    if way == "as the rows":
        world.marketo.merge("person", loser, winner)
    else:
        world.marketo.merge("person", winner, loser)
    world.settle()
    assert world.linked("contact", into) == (winner if way == "as the rows" else loser)
    assert world.linked("lead", row) is None
    assert not list(world.store.parked())


def test_chosen_records_are_merged_too() -> None:
    world = World()
    row, into, _, winner = two(world)
    report = world.engine.sync_records([row], entity="lead")
    assert report.total("to Marketo", "merged") == 1
    assert world.linked("contact", into) == winner
    world.settle()


def test_an_idle_cycle_after_a_merge_makes_no_more_calls_than_before() -> None:
    world = World()
    two(world)
    world.settle()
    report = world.engine.run()
    assert report.marketo_calls.total + report.dynamics_calls.total == 3
    assert not [name for name in ("merging:1", "merging:2") if world.store.fact(name) is not None]


def prepared(fuse: Fuse) -> World:
    """Return a world with merges of all kinds ahead."""
    store = FusedStore()
    world = World((ScoredLead, Contact), store=store)
    leads = [lead(world, f"l{n}", jobtitle=f"T{n}" if n % 2 else None) for n in range(6)]
    contacts = [contact(world, f"c{n}") for n in range(3)]
    world.settle()
    world.later(minutes=5)
    for number, person in enumerate(sorted(world.marketo.rows("person"), key=int)):
        world.marketo.change("person", person, leadScore=2**number, unsubscribed=number % 3 == 0)
    world.settle()
    world.later(minutes=5)
    qualify(world, leads[0], contacts[0])
    world.dynamics.merge("leads", leads[1], leads[2])
    world.dynamics.merge("leads", leads[2], leads[3])
    world.dynamics.merge("contacts", contacts[1], contacts[2])
    made = contact(world, "new", _originatingleadid_value=leads[4])
    qualify(world, leads[4], made)
    qualify(world, leads[5], made)
    world.dynamics.change("contacts", contacts[0], address1_city="London")
    store.fuse = fuse
    for connector in (world.marketo, world.dynamics):
        connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
    world.marketo.merge_persons = burning(world.marketo.merge_persons, fuse)  # type: ignore[method-assign]  # the same
    world.marketo.write_for_merge = burning(world.marketo.write_for_merge, fuse)  # type: ignore[method-assign]  # the same
    return world


def undisturbed() -> tuple[tuple[object, ...], int]:
    fuse = Fuse()
    world = prepared(fuse)
    world.engine.run()
    steps = fuse.passed
    world.settle()
    assert len(world.marketo.rows("person")) == 4
    return picture(world), steps


def test_killed_at_any_step_of_a_merge_the_next_run_ends_in_the_same_state() -> None:
    expected, steps = undisturbed()
    assert steps > 20
    for step in range(steps):
        fuse = Fuse(step)
        world = prepared(fuse)
        with pytest.raises(Killed):
            world.engine.run()
        fuse.left = None
        world.engine = world.new_engine()
        world.engine.run()
        world.settle()
        assert picture(world) == expected, f"killed at step {step}"


def test_killed_twice_around_a_merge() -> None:
    expected, steps = undisturbed()
    for first in range(0, steps, 3):
        for second in range(0, steps, 7):
            fuse = Fuse(first)
            world = prepared(fuse)
            for left in (second, None):
                try:
                    world.engine.run()
                except Killed:
                    fuse.left = left
                    world.engine = world.new_engine()
            fuse.left = None
            world.engine.run()
            world.settle()
            assert picture(world) == expected, f"killed at steps {first} and {second}"
