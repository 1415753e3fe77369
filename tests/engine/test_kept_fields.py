"""What the library keeps in Marketo about a person that is in Dynamics: Microsoft Type, and fields like it."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Contact, Entity, Lead, entity, mapped, person
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.world import World


def only(world: World) -> dict[str, object]:
    (row,) = world.marketo.rows("person").values()
    return row


def kind(world: World) -> object:
    return only(world).get("microsoftType")


@pytest.mark.parametrize(("table", "wanted"), [("lead", "Lead"), ("contact", "Contact")])
def test_a_new_row_becomes_a_person_that_says_what_it_is_in_one_write(table: str, wanted: str) -> None:
    world = World()
    (world.lead if table == "lead" else world.contact)(lastname="Byron", emailaddress1="ada@x.com")
    report = world.engine.run()
    assert (kind(world), report.marketo_calls.writes) == (wanted, 1)
    world.settle()


def test_a_person_in_marketo_only_says_nothing() -> None:
    world = World()
    world.person(lastName="Byron", email="ada@x.com")
    world.settle()
    assert not kind(world)


@pytest.mark.parametrize(("table", "wanted"), [("lead", "Lead"), ("contact", "Contact")])
def test_a_pushed_person_says_what_it_was_made_as_in_the_write_of_its_row_id(table: str, wanted: str) -> None:
    world = World()
    ada = world.person(lastName="Byron", email="ada@x.com")
    report = world.engine.push_persons([ada], as_entity=table)
    assert (kind(world), report.marketo_calls.writes) == (wanted, 1)
    world.settle()


def test_a_person_that_is_recognised_says_it_too() -> None:
    world = World()
    world.person(lastName="Byron", email="ada@x.com")
    world.lead(lastname="Byron", emailaddress1="ada@x.com")
    report = world.engine.run()
    assert (kind(world), report.marketo_calls.writes) == ("Lead", 1)


@pytest.mark.parametrize("contact_first", [True, False])
def test_a_qualified_lead_is_a_contact_in_the_write_that_moves_it(contact_first: bool) -> None:
    world = World((Contact, Lead) if contact_first else (Lead, Contact))
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    before = world.linked("lead", lead)
    contact = world.contact(lastname="Byron", emailaddress1="ada@x.com", _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, statuscode=3, _parentcontactid_value=contact)
    (step,) = [step for step in world.engine.plan().steps if step.to_marketo]
    assert step.to_marketo["microsoft_type"] == "Contact"
    report = world.engine.run()
    assert (kind(world), report.marketo_calls.writes) == ("Contact", 1)
    assert world.linked("contact", contact) == before
    world.settle()


def test_what_somebody_changed_in_marketo_is_repaired() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.marketo.change("person", str(world.linked("lead", row)), microsoftType="Partner")
    assert world.engine.run().total("to Marketo", "updated") == 1
    assert kind(world) == "Lead"
    assert world.engine.run().wrote == 0


def test_a_row_deleted_in_dynamics_leaves_a_person_that_is_in_marketo_only() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.remove("leads", row)
    report = world.engine.run()
    assert (only(world)["microsoftIsDeleted"], kind(world), report.marketo_calls.writes) == (True, None, 1)
    assert world.engine.run().wrote == 0
    world.engine.push_persons(list(world.marketo.rows("person")))
    world.settle()
    assert (only(world)["microsoftIsDeleted"], kind(world)) == (False, "Lead")


def test_the_type_is_emptied_where_marketo_has_no_flag_for_deleted_rows() -> None:
    world = World(person_without=("microsoftIsDeleted",))
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.remove("contacts", row)
    world.engine.run()
    assert kind(world) is None


def test_a_person_that_is_to_stay_as_it_is_stays_so() -> None:
    world = World(on_delete={"lead": OnDelete.KEEP})
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.remove("leads", row)
    assert world.engine.run().wrote == 0
    assert kind(world) == "Lead"


def test_a_mark_that_marketo_refuses_is_made_later() -> None:
    world = World()
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.dynamics.remove("leads", row)
    world.marketo.refuse = lambda write: Problem("1003", "no")
    world.engine.run()
    assert kind(world) == "Lead"
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert kind(world) is None


def test_where_marketo_lacks_the_field_it_is_left_out_and_said() -> None:
    world = World(person_without=("microsoftType",))
    world.lead(lastname="Byron", emailaddress1="ada@x.com")
    report = world.engine.run()
    assert "microsoftType" not in only(world)
    assert [gap.native for gap in report.left_out if gap.field == "microsoft_type"] == ["microsoftType"] * 2


def test_a_field_made_later_is_filled_once() -> None:
    world = World(person_without=("microsoftType",))
    world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    world.marketo.objects["person"] = World().marketo.objects["person"]
    assert world.engine.run().total("to Marketo", "updated") == 1
    assert kind(world) == "Lead"
    assert world.engine.run().wrote == 0


def test_it_can_not_be_given_for_a_new_row() -> None:
    world = World()
    ada = world.person(lastName="Byron", email="ada@x.com")
    with pytest.raises(ConfigurationError, match="lead has no field 'microsoft_type' that can be given"):
        world.engine.push_persons([ada], values={"microsoft_type": "Contact"})


@entity(name="patient", marketo=person(), dynamics="new_patients")
class Patient(Entity):
    """An entity of the user's own, with what stems from it: a number and a yes."""

    patient_id: str | None = mapped(marketo="dynamicsId", dynamics="new_patientid", key=True)
    email: str | None = mapped(marketo="email", dynamics="new_email")
    kind: str | None = mapped(marketo="personKind", constant="Patient")
    rank: int | None = mapped(marketo="personRank", constant=7)
    cared_for: bool | None = mapped(marketo="caredFor", constant=True)


def test_any_entity_may_have_values_of_its_own_of_any_type() -> None:
    world = World((Patient, Lead))
    world.dynamics.put("new_patients", new_email="ada@x.com")
    world.settle()
    assert (only(world)["personKind"], only(world)["personRank"], only(world)["caredFor"]) == ("Patient", 7, True)
    assert (Patient().kind, Patient().rank) == ("Patient", 7)
