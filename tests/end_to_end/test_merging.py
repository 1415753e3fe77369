"""Persons of rows that became one are merged through Marketo's own call, over real sockets."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync import SyncEngine
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.dataverse import Wish
from marketo_dynamics_sync.sandbox.http import App, Request, Response
from marketo_dynamics_sync.sandbox.marketo import PersonField
from tests.end_to_end.conftest import Pair


def two(pair: Pair, engine: SyncEngine) -> tuple[str, str, int, int]:
    """Return a lead and a contact, each with a person; the lead is then qualified into the contact."""
    dynamics = pair.sandbox.dynamics
    lead = dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", jobtitle="Countess")
    contact = dynamics.create("contact", lastname="King", emailaddress1="king@example.com")
    pair.settle(engine)
    people = (int(str(pair.person_of(name, row)["id"])) for name, row in (("lead", lead), ("contact", contact)))
    loser, winner = people
    dynamics.update("lead", lead, **{"parentcontactid@odata.bind": f"/contacts({contact})"})
    assert dynamics.qualify_lead(lead, Wish(contact=False)) == contact
    return lead, contact, loser, winner


def test_a_lead_qualified_into_an_existing_contact_is_merged_into_its_person(pair: Pair) -> None:
    marketo, engine = pair.sandbox.marketo, pair.engine()
    marketo.add_field(PersonField("fitScore", "score"))
    _, contact, loser, winner = two(pair, engine)
    marketo.change_score(loser, 7)
    marketo.change_score(winner, 5)
    marketo.update_person(loser, fitScore=30, unsubscribed=True)
    marketo.update_person(winner, fitScore=12)
    pair.forget_calls()
    pair.settle(engine)

    (person,) = marketo.persons()
    assert (person["id"], person["lastName"], person["title"]) == (winner, "King", "Countess")
    assert (person["leadScore"], person["fitScore"], person["unsubscribed"]) == (12, 42, True)
    row = pair.sandbox.dynamics.row("contact", contact) or {}
    assert (row["jobtitle"], row["donotbulkemail"]) == ("Countess", True)
    merges = [call for call in marketo.calls if call.path.endswith("/merge.json")]
    assert [call.path for call in merges] == [f"/rest/v1/leads/{winner}/merge.json"]
    assert not list(pair.store.parked())
    assert not list(pair.store.rejected())
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    assert engine.run().wrote == 0
    assert len(pair.calls()) == 4


@pytest.mark.parametrize("kind", [fault_kinds.answer_lost, fault_kinds.connection_reset, fault_kinds.cut_in_the_middle])
def test_a_merge_whose_call_goes_wrong_is_done_once(pair: Pair, kind: object) -> None:
    marketo, engine = pair.sandbox.marketo, pair.engine()
    _, _, loser, winner = two(pair, engine)
    marketo.change_score(loser, 7)
    marketo.change_score(winner, 5)
    script = pair.sandbox.faults.script(kind, service="marketo", path="merge")  # type: ignore[arg-type]  # a parameter
    engine.run()
    pair.settle(engine)
    assert script.happened == 1
    (person,) = marketo.persons()
    assert (person["id"], person["leadScore"]) == (winner, 12)
    assert not list(pair.store.rejected())
    assert [a.person for a in marketo.log if a.type == 32] == [winner]


def test_a_merge_that_the_service_refuses_waits_and_everything_else_goes_on(pair: Pair) -> None:
    def refuse(request: Request, forward: App) -> Response:
        body = b'{"requestId":"1#1","success":false,"errors":[{"code":"1079","message":"Personalized URL conflict"}]}'
        return Response(200, [("Content-Type", "application/json")], body)

    engine = pair.engine()
    lead, contact, _, winner = two(pair, engine)
    pair.sandbox.faults.script(refuse, service="marketo", path="merge")
    pair.sandbox.dynamics.update("contact", contact, jobtitle="King")
    report = engine.run()
    assert [(line.dynamics_id, line.reason) for line in report.rejected] == [(lead, "1079")]
    assert pair.person_of("contact", contact)["title"] == "King"
    pair.sandbox.clock.advance(3600)
    pair.settle(engine)
    assert [person["id"] for person in pair.sandbox.marketo.persons()] == [winner]


def test_a_score_that_cant_be_written_after_the_merge_is_written_later(pair: Pair) -> None:
    marketo, engine = pair.sandbox.marketo, pair.engine()
    _, _, loser, winner = two(pair, engine)
    marketo.change_score(loser, 7)
    marketo.change_score(winner, 5)

    def refuse(request: Request, forward: App) -> Response:
        body = b'{"requestId":"1#1","success":false,"errors":[{"code":"1003","message":"Not now"}]}'
        return Response(200, [("Content-Type", "application/json")], body)

    pair.sandbox.faults.script(refuse, service="marketo", path="/leads.json", writes=True)
    report = engine.run()
    assert [line.reason for line in report.rejected] == ["1003"]
    pair.sandbox.clock.advance(3600)
    pair.settle(engine)
    (person,) = marketo.persons()
    assert (person["id"], person["leadScore"]) == (winner, 12)
    assert not list(pair.store.rejected())


def test_merging_persons_that_are_not_there(pair: Pair) -> None:
    person = str(pair.sandbox.marketo.create_person(email="a@example.com"))
    connector = pair.marketo()
    assert connector.merge_persons(person, "4711").status.name == "GONE"
    assert connector.merge_persons("4711", person).status.name == "GONE"
    assert connector.merge_persons(person, person).status.name == "REJECTED"
    assert connector.write_for_merge("4711", {"leadScore": 1}).status.name == "GONE"
    assert list(connector.read_for_merge([person, "4711", "nobody"], ["unsubscribed"])) == [person]
