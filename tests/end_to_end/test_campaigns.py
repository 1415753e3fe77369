"""Persons of Marketo in campaigns of Dynamics, over sockets."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from marketo_dynamics_sync import DynamicsConnector, SyncReport
from marketo_dynamics_sync.connectors.campaigns import Campaign
from marketo_dynamics_sync.entities import Contact
from marketo_dynamics_sync.errors import ConfigurationError, OutcomeUnknownError, PermissionDeniedError
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.dataverse import Fault
from marketo_dynamics_sync.sandbox.http import Request, Response
from tests.end_to_end.conftest import Pair


@pytest.fixture
def campaign(pair: Pair) -> str:
    return pair.sandbox.dynamics.create("campaign", name="Spring", codename="SPR")


def persons(pair: Pair, number: int) -> list[int]:
    marketo = pair.sandbox.marketo
    return [marketo.create_person(lastName=f"P{n}", email=f"p{n}@example.com", company="Oasis") for n in range(number)]


def list_id(pair: Pair, name: str) -> str:
    (found,) = [str(row["listid"]) for row in pair.sandbox.dynamics.all_rows("list") if row["listname"] == name]
    return found


def members(pair: Pair, name: str) -> list[str]:
    """Return the rows in a list, each as often as it is in there."""
    wanted = list_id(pair, name)
    rows = pair.sandbox.dynamics.all_rows("listmember")
    return sorted(str(row["_entityid_value"]) for row in rows if row["_listid_value"] == wanted)


def tied(pair: Pair, campaign: str) -> set[str]:
    environment = pair.sandbox.dynamics.environment
    lists = [b for a, b in environment.storage.linked("campaignlist_association") if a == campaign]
    return {str(environment.row("list", each)["listname"]) for each in lists}


def ids(pair: Pair, table: str) -> list[str]:
    return sorted(str(row[f"{table}id"]) for row in pair.sandbox.dynamics.all_rows(table))


def done(report: SyncReport) -> dict[tuple[str, str], int]:
    return {(name, what): n for (name, way, what), n in report.counts.items() if way == "to campaign"}


def leads(campaign: str) -> str:
    return f"Mkto-leads-{campaign}"


def contacts(campaign: str) -> str:
    return f"Mkto-contacts-{campaign}"


def test_a_person_that_is_not_in_dynamics_is_pushed_and_added(pair: Pair, campaign: str) -> None:
    report = pair.engine().add_to_campaign(persons(pair, 2), campaign)
    assert len(ids(pair, "lead")) == 2
    assert members(pair, leads(campaign)) == ids(pair, "lead")
    assert tied(pair, campaign) == {leads(campaign)}
    assert report.counts["lead", "to Dynamics", "created"] == 2
    assert done(report) == {("lead", "added"): 2}
    row = pair.sandbox.dynamics.row("list", list_id(pair, leads(campaign)))
    assert row is not None
    assert (row["createdfromcode"], row["type"]) == (4, False)


def test_leads_and_contacts_have_a_list_each(pair: Pair, campaign: str) -> None:
    dynamics = pair.sandbox.dynamics
    contact = dynamics.create("contact", lastname="C", emailaddress1="c@example.com")
    lead = dynamics.create("lead", lastname="L", emailaddress1="l@example.com")
    engine = pair.engine()
    pair.settle(engine)
    people = [
        pair.store.links_by_dynamics(n, [row])[row].marketo_id for n, row in (("contact", contact), ("lead", lead))
    ]
    report = engine.add_to_campaign(people, campaign)
    assert done(report) == {("contact", "added"): 1, ("lead", "added"): 1}
    assert members(pair, leads(campaign)) == [lead]
    assert members(pair, contacts(campaign)) == [contact]
    assert tied(pair, campaign) == {leads(campaign), contacts(campaign)}
    assert report.wrote == 0


def test_a_person_is_made_as_what_is_wanted(pair: Pair, campaign: str) -> None:
    pair.engine().add_to_campaign(persons(pair, 1), campaign, as_entity=Contact)
    assert members(pair, contacts(campaign)) == ids(pair, "contact")
    assert ids(pair, "lead") == []


def test_a_second_addition_uses_the_same_list_and_changes_nothing(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    people = persons(pair, 3)
    engine.add_to_campaign(people[:2], campaign)
    before = pair.sandbox.dynamics.environment.storage.version
    pair.forget_calls()
    report = engine.add_to_campaign(people[:2], campaign)
    assert done(report) == {("lead", "there already"): 2}
    assert pair.sandbox.dynamics.environment.storage.version == before
    assert "write" not in pair.calls()
    assert done(engine.add_to_campaign([*people, people[0]], campaign)) == {
        ("lead", "there already"): 2,
        ("lead", "added"): 1,
    }
    assert members(pair, leads(campaign)) == ids(pair, "lead")


def test_only_active_campaigns_are_offered_and_take_anybody(pair: Pair, campaign: str) -> None:
    dynamics = pair.sandbox.dynamics
    over = dynamics.create("campaign", name="Autumn", statecode=1, statuscode=6)
    dynamics.create("campaign", name="A template", istemplate=True)
    engine = pair.engine()
    assert engine.campaigns() == [Campaign(campaign, "Spring", "SPR")]
    with pytest.raises(ConfigurationError, match="inactive"):
        engine.add_to_campaign(persons(pair, 1), over)
    with pytest.raises(ConfigurationError, match="no campaign"):
        engine.add_to_campaign([1], str(uuid.uuid4()))
    with pytest.raises(ConfigurationError, match="row id"):
        engine.add_to_campaign([1], "Spring")
    assert ids(pair, "lead") == []
    assert dynamics.all_rows("list") == []


def test_campaigns_are_those_of_now(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    engine.campaigns()
    pair.sandbox.dynamics.update("campaign", campaign, name="Summer", statuscode=2)
    other = pair.sandbox.dynamics.create("campaign", name="Late")
    assert [each.name for each in engine.campaigns()] == ["Late", "Summer"]
    pair.sandbox.dynamics.update("campaign", other, statecode=1, statuscode=6)
    assert [each.name for each in engine.campaigns()] == ["Summer"]


def test_who_was_added_from_marketo_is_removed(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    people = persons(pair, 3)
    engine.add_to_campaign(people[:2], engine.campaigns()[0])
    report = engine.remove_from_campaign(people[1:], campaign)
    assert done(report) == {("lead", "removed"): 1, ("person", "no member"): 1}
    assert len(members(pair, leads(campaign))) == 1
    pair.sandbox.dynamics.update("campaign", campaign, statecode=1, statuscode=6)
    assert done(engine.remove_from_campaign(people, campaign)) == {("lead", "removed"): 1, ("person", "no member"): 2}
    assert members(pair, leads(campaign)) == []
    assert done(engine.remove_from_campaign(people, campaign)) == {("person", "no member"): 3}


def test_who_was_added_by_a_dynamics_user_stays(pair: Pair, campaign: str) -> None:
    dynamics, engine = pair.sandbox.dynamics, pair.engine()
    people = persons(pair, 2)
    engine.add_to_campaign(people[:1], campaign)
    engine.push_persons(people[1:])
    (first,) = members(pair, leads(campaign))
    (second,) = set(ids(pair, "lead")) - {first}
    theirs = dynamics.create("list", listname="By hand", createdfromcode=4)
    dynamics.add_member(theirs, "lead", first)
    dynamics.add_member(list_id(pair, leads(campaign)), "lead", second)
    report = engine.remove_from_campaign(people, campaign)
    assert done(report) == {("lead", "removed"): 1, ("lead", "kept"): 1}
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(str(people[1]), "added-in-dynamics")]
    assert members(pair, "By hand") == [first]
    assert members(pair, leads(campaign)) == [second]


def test_a_member_added_by_a_dynamics_user_stirs_nothing_in_marketo(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    engine.add_to_campaign(persons(pair, 1), campaign)
    lead = pair.sandbox.dynamics.create("lead", lastname="X", emailaddress1="x@example.com")
    pair.settle(engine)
    pair.sandbox.dynamics.add_member(list_id(pair, leads(campaign)), "lead", lead)
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    report = engine.run()
    assert report.wrote == 0
    assert len(pair.calls()) == 4
    assert "write" not in pair.calls()


def test_a_lead_that_became_a_contact_is_removed_as_the_lead_it_was(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    people = persons(pair, 1)
    engine.add_to_campaign(people, campaign)
    pair.settle(engine)
    (lead,) = ids(pair, "lead")
    pair.sandbox.dynamics.qualify_lead(lead)
    pair.settle(engine)
    assert done(engine.add_to_campaign(people, campaign)) == {("contact", "added"): 1}
    assert done(engine.remove_from_campaign(people, campaign)) == {("lead", "removed"): 1, ("contact", "removed"): 1}
    assert members(pair, leads(campaign)) == members(pair, contacts(campaign)) == []


def test_a_list_that_was_untied_or_deleted_comes_back(pair: Pair, campaign: str) -> None:
    dynamics, engine = pair.sandbox.dynamics, pair.engine()
    people = persons(pair, 1)
    engine.add_to_campaign(people, campaign)
    ours = list_id(pair, leads(campaign))
    dynamics.environment.storage.unlink("campaignlist_association", campaign, ours)
    assert done(engine.add_to_campaign(people, campaign)) == {("lead", "there already"): 1}
    assert tied(pair, campaign) == {leads(campaign)}
    dynamics.delete("list", ours)
    assert done(engine.remove_from_campaign(people, campaign)) == {("person", "no member"): 1}
    assert done(engine.add_to_campaign(people, campaign)) == {("lead", "added"): 1}
    assert list_id(pair, leads(campaign)) == ours


def test_a_locked_list_refuses_and_says_so(pair: Pair, campaign: str) -> None:
    dynamics, engine = pair.sandbox.dynamics, pair.engine()
    people = persons(pair, 2)
    engine.add_to_campaign(people[:1], campaign)
    dynamics.update("list", list_id(pair, leads(campaign)), lockstatus=True)
    report = engine.add_to_campaign(people, campaign)
    assert done(report) == {("lead", "there already"): 1, ("lead", "refused"): 1}
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(str(people[1]), "0x80040302")]
    report = engine.remove_from_campaign(people, campaign)
    assert done(report) == {("lead", "refused"): 1, ("person", "no member"): 1}
    assert len(members(pair, leads(campaign))) == 1


def test_one_row_that_is_gone_stops_nobody_else(pair: Pair, campaign: str) -> None:
    engine = pair.engine()
    people = persons(pair, 5)
    engine.push_persons(people)
    pair.settle(engine)
    gone = pair.store.links_by_marketo([str(people[3])], entities=("lead",))[str(people[3])].dynamics_id
    pair.sandbox.dynamics.delete("lead", gone)
    report = engine.add_to_campaign(people, campaign)
    assert done(report) == {("lead", "added"): 4, ("lead", "refused"): 1}
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(str(people[3]), "0x80040217")]
    assert members(pair, leads(campaign)) == ids(pair, "lead")


def test_persons_that_cannot_be_pushed_are_told_of(pair: Pair, campaign: str) -> None:
    report = pair.engine().add_to_campaign([999], campaign)
    assert done(report) == {}
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [("999", "not-found")]
    assert pair.sandbox.dynamics.all_rows("list") == []


def test_many_persons_go_in_few_calls(pair: Pair, campaign: str) -> None:
    dynamics, engine = pair.sandbox.dynamics, pair.engine()
    for n in range(2100):
        dynamics.create("lead", lastname=f"L{n}", emailaddress1=f"l{n}@example.com")
    pair.settle(engine)
    people = [link.marketo_id for link in pair.store.links("lead")]
    pair.forget_calls()
    report = engine.add_to_campaign(people, campaign)
    assert done(report) == {("lead", "added"): 2100}
    assert members(pair, leads(campaign)) == ids(pair, "lead")
    assert [call.kind for call in dynamics.calls].count("write") == 2 + 3  # a list, its campaign, three pieces
    pair.forget_calls()
    assert done(engine.remove_from_campaign(people, campaign)) == {("lead", "removed"): 2100}
    assert members(pair, leads(campaign)) == []
    assert [call.kind for call in dynamics.calls].count("write") == 3


def test_a_missing_right_is_said(pair: Pair, campaign: str) -> None:
    pair.sandbox.dynamics.privileges["list"] = frozenset({"read"})
    with pytest.raises(PermissionDeniedError, match="prvCreateList"):
        pair.engine().add_to_campaign(persons(pair, 1), campaign)


@pytest.mark.parametrize("path", ["/lists$", "AddItemCampaign", "AddListMembersList"])
@pytest.mark.parametrize("fault", [fault_kinds.answer_lost, fault_kinds.connection_reset, fault_kinds.delivered_twice])
def test_a_lost_answer_makes_no_second_list_or_membership(pair: Pair, campaign: str, path: str, fault: Any) -> None:
    people = persons(pair, 3)
    script = pair.sandbox.faults.script(fault, service="dynamics", path=path, writes=True)
    report = pair.engine().add_to_campaign(people, campaign)
    assert script.happened == 1
    assert done(report) == {("lead", "added"): 3}
    assert members(pair, leads(campaign)) == ids(pair, "lead")
    assert tied(pair, campaign) == {leads(campaign)}


def test_a_lost_answer_to_a_removal(pair: Pair, campaign: str) -> None:
    people, engine = persons(pair, 3), pair.engine()
    engine.add_to_campaign(people, campaign)
    script = pair.sandbox.faults.script(fault_kinds.answer_lost, service="dynamics", path="batch", writes=True)
    assert done(engine.remove_from_campaign(people, campaign)) == {("lead", "removed"): 3}
    assert script.happened == 1
    assert members(pair, leads(campaign)) == []


def test_answers_that_are_always_lost_end_the_call(pair: Pair, campaign: str) -> None:
    people = persons(pair, 2)
    for path in ("/lists$", "AddItemCampaign", "AddListMembersList"):
        script = pair.sandbox.faults.script(fault_kinds.connection_reset, service="dynamics", path=path, times=5)
        with pytest.raises(OutcomeUnknownError):
            pair.engine().add_to_campaign(people, campaign)
        assert script.happened == 5
    assert done(pair.engine().add_to_campaign(people, campaign)) == {("lead", "added"): 2}


def test_deletions_that_meet_a_limit_are_made_again(pair: Pair, campaign: str, monkeypatch: Any) -> None:
    people, engine, service = persons(pair, 3), pair.engine(), pair.sandbox.dynamics
    engine.add_to_campaign(people, campaign)
    answer, refused = service._operation, []

    def operation(request: Request) -> Response:
        if request.method == "DELETE" and len(refused) < 2:
            refused.append(request.path)
            return Fault(429, "0x80072322", "Number of requests exceeded the limit.", retry_after=3).response()
        return answer(request)

    monkeypatch.setattr(service, "_operation", operation)
    assert done(engine.remove_from_campaign(people, campaign)) == {("lead", "removed"): 3}
    assert len(refused) == 2
    assert sum(pair.slept) >= 3
    engine.add_to_campaign(people[:1], campaign)
    monkeypatch.setattr(service, "_operation", _deletions(answer, Fault(429, "0x80072322", "Later.", retry_after=1)))
    report = engine.remove_from_campaign(people[:1], campaign)
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(str(people[0]), "0x80072322")]


def _deletions(answer: Callable[[Request], Response], fault: Fault) -> Callable[[Request], Response]:
    return lambda request: fault.response() if request.method == "DELETE" else answer(request)


class Killed(BaseException):
    """The process ends here."""


def fused(connector: DynamicsConnector, steps: int) -> Callable[[], bool]:
    """Kill after a call to Dynamics was done, before its answer is seen; the function tells whether that happened."""
    channel, left = connector._channel, [steps]
    send = channel.send

    def stepped(call: Any) -> Any:
        answer = send(call)
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return answer

    channel.send = stepped  # type: ignore[method-assign]  # the kill stands in the way
    return lambda: left[0] < 0


def test_killed_at_any_call_a_repeat_makes_it_whole(pair: Pair) -> None:
    for steps in range(80):
        campaign = pair.sandbox.dynamics.create("campaign", name=f"C{steps}")
        people = [
            pair.sandbox.marketo.create_person(lastName="P", email=f"{steps}.{n}@example.com", company="Oasis")
            for n in range(2)
        ]
        connector = pair.dynamics()
        killed = fused(connector, steps)
        with suppress(Killed):
            pair.engine(dynamics=connector).add_to_campaign(people, campaign)
        if not killed():
            break
        engine = pair.engine()
        engine.add_to_campaign(people, campaign)
        assert len(members(pair, leads(campaign))) == 2
        assert tied(pair, campaign) == {leads(campaign)}
        connector = pair.dynamics()
        fused(connector, steps)
        try:
            pair.engine(dynamics=connector).remove_from_campaign(people, campaign)
        except Killed:
            engine.remove_from_campaign(people, campaign)
        assert members(pair, leads(campaign)) == []
    else:
        raise AssertionError("it never ran through")
    assert len(ids(pair, "lead")) == 2 * (steps + 1)
