"""What a cycle does, one behaviour at a time, with both sides in memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from marketo_dynamics_sync.connectors import Problem, Write
from marketo_dynamics_sync.engine import SyncEngine
from marketo_dynamics_sync.entities import Contact, Lead, Side
from marketo_dynamics_sync.errors import (
    ConfigurationError,
    IdentityMismatchError,
    PlanRefusedError,
    StoreLockedError,
)
from marketo_dynamics_sync.identity import Matching
from marketo_dynamics_sync.plan import StepKind
from tests.engine.world import World


def test_first_copy_creates_persons_for_leads_and_contacts() -> None:
    world = World()
    lead = world.lead(firstname="Ada", lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Hopper", emailaddress1="grace@example.com")

    report = world.engine.run()

    assert report.first
    assert report.counts["lead", "to Marketo", "created"] == 1
    assert world.person_of("lead", lead) == {
        "dynamicsId": lead,
        "firstName": "Ada",
        "lastName": "Byron",
        "email": "ada@example.com",
        "leadStatus": "Open",
        "microsoftStatusReason": "New",
        "microsoftType": "Lead",
    }
    assert world.person_of("contact", contact)["dynamicsId"] == contact


def test_later_cycles_carry_changes_only_and_an_idle_one_writes_nothing() -> None:
    world = World()
    world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    before = world.marketo.calls.total + world.dynamics.calls.total

    report = world.engine.run()

    assert report.wrote == 0
    assert not report.first
    assert world.marketo.calls.total + world.dynamics.calls.total - before == 3


def test_an_edit_on_one_side_reaches_the_other() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Hopper", emailaddress1="grace@example.com")
    world.settle()

    world.dynamics.change("leads", lead, jobtitle="Countess")
    person = world.linked("contact", contact)
    assert person is not None
    world.marketo.change("person", person, title="Admiral")
    world.settle()

    assert world.person_of("lead", lead)["title"] == "Countess"
    row = world.dynamics.row("contacts", contact)
    assert row is not None
    assert row["jobtitle"] == "Admiral"


@pytest.mark.parametrize(("table", "entity", "winner"), [("leads", "lead", "M"), ("contacts", "contact", "D")])
def test_a_clash_goes_to_marketo_for_leads_and_to_dynamics_for_contacts(table: str, entity: str, winner: str) -> None:
    world = World()
    row_id = world.dynamics.put(table, lastname="Byron", emailaddress1="ada@example.com", statecode=0, statuscode=1)
    world.settle()
    person = world.linked(entity, row_id)
    assert person is not None
    world.marketo.change("person", person, city="M", phone="1")
    world.dynamics.change(table, row_id, address1_city="D", jobtitle="2")

    report = world.engine.run()

    row = world.dynamics.row(table, row_id)
    assert row is not None
    assert (row["address1_city"], world.person_of(entity, row_id)["city"]) == (winner, winner)
    # Edits of different fields both survive.
    assert row["telephone1"] == "1"
    assert world.person_of(entity, row_id)["title"] == "2"
    assert [c.field for c in report.conflicts] == ["city"]
    entry = next(e for e in world.store.journal(entity=entity) if e.kind == "conflict")
    assert {entry.detail["marketo"], entry.detail["dynamics"]} == {"M", "D"}
    world.settle()


def test_an_opt_out_wins_on_the_losing_side_too() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com", donotbulkemail=True)
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    # Both say something new: Marketo, who wins for leads, withdraws; Dynamics refuses again through another column.
    world.dynamics.change("leads", lead, donotphone=True)
    world.marketo.change("person", person, doNotCall=False, phone="1")
    world.settle()
    assert world.person_of("lead", lead)["doNotCall"] is True
    assert world.person_of("lead", lead)["unsubscribed"] is True


def test_a_person_known_by_email_is_linked_not_made_twice() -> None:
    world = World()
    person = world.person(email="ADA@example.com", city="London")
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    assert world.linked("lead", lead) == person
    row = world.dynamics.row("leads", lead)
    assert row is not None
    assert row["address1_city"] == "London"
    assert len(world.marketo.rows("person")) == 1


def test_the_native_way_never_matches_by_email() -> None:
    world = World(matching=Matching(native=True))
    person = world.person(email="ada@example.com")
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    assert world.linked("lead", lead) != person
    assert len(world.marketo.rows("person")) == 2


def test_many_candidates_are_parked_and_freed_when_one_is_left() -> None:
    world = World()
    one, two = world.person(email="ada@example.com"), world.person(email="ada@example.com")
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")

    report = world.engine.run()

    parked = next(iter(world.store.parked()))
    assert (parked.reason, parked.detail["candidates"]) == ("ambiguous", [one, two])
    assert report.parked[0].dynamics_id == lead
    assert world.linked("lead", lead) is None
    world.marketo.remove("person", two)
    world.engine.run()
    assert world.linked("lead", lead) == one
    assert not list(world.store.parked())


def test_a_lead_and_a_contact_that_share_an_email_both_claim_one_person() -> None:
    world = World()
    world.person(email="ada@example.com")
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com")
    world.engine.run()
    assert {p.id for p in world.store.parked()} == {lead, contact}
    assert len(world.marketo.rows("person")) == 1


def test_rows_that_share_an_email_nobody_has_become_persons_of_their_own() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    assert world.linked("lead", lead) != world.linked("contact", contact)
    assert len(world.marketo.rows("person")) == 2


def test_without_a_crm_id_field_what_has_no_key_of_its_own_is_parked() -> None:
    world = World(person_without=("dynamicsId",))
    alone = world.lead(lastname="One", emailaddress1="one@example.com")
    without = world.lead(lastname="Two")
    twins = [world.contact(lastname="Three", emailaddress1="three@example.com") for _ in range(2)]
    report = world.engine.run()
    assert world.linked("lead", alone) is not None
    assert {p.id: p.reason for p in world.store.parked()} == {
        without: "no-key",
        twins[0]: "shared-key",
        twins[1]: "shared-key",
    }
    assert any(gap.field == "crm_id" for gap in report.left_out)
    assert world.engine.run().wrote == 0


def test_a_new_marketo_person_stays_where_it_is_until_pushed() -> None:
    world = World()
    world.settle()
    person = world.person(email="new@example.com", lastName="New")
    world.settle()
    assert not world.dynamics.rows("leads")

    report = world.engine.push_persons([int(person)])

    (row,) = world.dynamics.rows("leads").items()
    assert row[1]["emailaddress1"] == "new@example.com"
    assert report.counts["lead", "to Dynamics", "created"] == 1
    again = world.engine.push_persons([person])
    assert again.wrote == 0
    assert again.counts["lead", "to Dynamics", "there already"] == 1
    world.settle()
    assert world.person_of("lead", row[0])["dynamicsId"] == row[0]


def test_pushing_as_a_contact_and_refusing_a_lead_where_a_contact_is() -> None:
    world = World()
    person = world.person(email="new@example.com", lastName="New")
    world.engine.push_persons([person], as_entity="contact")
    assert len(world.dynamics.rows("contacts")) == 1
    report = world.engine.push_persons([person], as_entity="lead")
    assert not world.dynamics.rows("leads")
    assert "contact" in report.rejected[0].message
    with pytest.raises(ConfigurationError, match="'event'"):
        world.engine.push_persons([person], as_entity="event")


def test_pushing_somebody_who_is_there_links_and_pushing_nobody_says_so() -> None:
    world = World()
    world.settle()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    person = world.person(email="ada@example.com", city="London")
    world.engine.push_persons([person])
    assert world.linked("lead", lead) == person
    assert len(world.dynamics.rows("leads")) == 1
    report = world.engine.push_persons([999])
    assert report.rejected[0].reason == "not-found"


def test_a_rule_can_push_new_persons() -> None:
    world = World(push_rule=lambda person: "lead" if person.values["company"] == "Acme" else None)
    world.settle()
    world.person(email="a@example.com", company="Acme")
    world.person(email="b@example.com", company="Other")
    world.settle()
    assert [row["emailaddress1"] for row in world.dynamics.rows("leads").values()] == ["a@example.com"]


def test_a_qualified_lead_moves_its_link_and_the_winner_changes_with_it() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com", _originatingleadid_value=lead)
    world.dynamics.change("leads", lead, statecode=1, _parentcontactid_value=contact)
    world.settle()

    assert world.linked("lead", lead) is None
    assert world.linked("contact", contact) == person
    assert len(world.marketo.rows("person")) == 1
    assert world.person_of("contact", contact)["dynamicsId"] == contact
    world.marketo.change("person", person, city="M")
    world.dynamics.change("contacts", contact, address1_city="D")
    world.settle()
    assert world.person_of("contact", contact)["city"] == "D"


def test_a_contact_met_before_its_lead_adopts_the_link() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com", _originatingleadid_value=lead)
    world.settle()
    assert world.linked("contact", contact) is not None
    assert world.linked("lead", lead) is None
    assert len(world.marketo.rows("person")) == 1


def test_merges_move_the_link_to_the_survivor() -> None:
    world = World()
    keep, lose = (world.lead(lastname=name, emailaddress1=f"{name}@example.com") for name in ("keep", "lose"))
    world.settle()
    other = world.person(email="other@example.com")
    loser = world.linked("lead", lose)
    assert loser is not None
    world.marketo.merge("person", loser, other)
    world.settle()
    assert world.linked("lead", lose) == other
    world.dynamics.merge("leads", lose, keep)
    world.engine.run()
    assert world.linked("lead", lose) is None
    assert world.linked("lead", keep) is not None
    assert world.marketo.row("person", other) is None
    assert not list(world.store.parked())


def test_persons_merged_in_marketo_park_the_row_that_lost_its_person() -> None:
    world = World()
    first, second = (world.lead(lastname=name, emailaddress1=f"{name}@example.com") for name in ("a", "b"))
    world.settle()
    winner, loser = world.linked("lead", first), world.linked("lead", second)
    assert winner is not None
    assert loser is not None
    world.marketo.merge("person", loser, winner)
    world.engine.run()
    assert [p.reason for p in world.store.parked()] == ["merged-in-marketo"]
    world.dynamics.change("leads", second, jobtitle="x")
    world.engine.run()
    assert len(world.marketo.rows("person")) == 1


def test_a_row_deleted_in_dynamics_flags_the_person_and_keeps_it() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    world.dynamics.remove("leads", lead)
    world.settle()
    row = world.marketo.row("person", person)
    assert row is not None
    assert row["microsoftIsDeleted"] is True
    assert world.linked("lead", lead) is None
    world.engine.push_persons([person])
    assert len(world.dynamics.rows("leads")) == 1


def test_a_person_deleted_in_marketo_stays_in_dynamics_and_comes_back_when_edited_there() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    world.marketo.remove("person", person)
    world.settle()
    assert world.dynamics.row("leads", lead) is not None
    assert not world.marketo.rows("person")
    world.dynamics.change("leads", lead, jobtitle="Countess")
    world.settle()
    assert world.linked("lead", lead) not in (None, person)


@pytest.mark.parametrize("both", [False, True])
def test_a_lost_checkpoint_becomes_a_full_comparison_that_loses_nothing(both: bool) -> None:
    world = World()
    rows = [world.lead(lastname=f"L{i}", emailaddress1=f"l{i}@example.com") for i in range(5)]
    world.settle()
    world.dynamics.change("leads", rows[0], jobtitle="edited")
    world.dynamics.remove("leads", rows[1])
    world.dynamics.expire()
    gone, edited = world.linked("lead", rows[2]), world.linked("lead", rows[3])
    assert gone is not None
    assert edited is not None
    if both:
        world.marketo.remove("person", gone)
        world.marketo.change("person", edited, city="Paris")
        world.marketo.expire()

    report = world.engine.run()

    assert len(report.full_comparisons) == 2 + both
    assert world.person_of("lead", rows[0])["title"] == "edited"
    assert world.linked("lead", rows[1]) is None
    if both:
        assert world.linked("lead", rows[2]) is None
        row = world.dynamics.row("leads", rows[3])
        assert row is not None
        assert row["address1_city"] == "Paris"
    world.settle()


def test_a_rejected_record_waits_and_resolves_itself_while_the_rest_goes_on() -> None:
    world = World()
    good, bad = (world.lead(lastname=name, emailaddress1=f"{name}@example.com") for name in ("good", "bad"))

    def refuse(write: Write) -> Problem | None:
        name = write.values.get("last_name")
        return Problem("1003", "Invalid value for field 'lastName'", "lastName") if name == "bad" else None

    world.marketo.refuse = refuse
    report = world.engine.run()

    assert world.linked("lead", good) is not None
    assert world.linked("lead", bad) is None
    (rejected,) = world.store.rejected()
    assert (rejected.id, rejected.side, rejected.code, rejected.field, rejected.attempts) == (
        bad,
        "marketo",
        "1003",
        "lastName",
        1,
    )
    assert report.rejected[0].reason == "1003"
    assert world.engine.run().wrote == 0
    world.later(minutes=6)
    world.engine.run()
    assert next(iter(world.store.rejected())).attempts == 2
    world.marketo.refuse = None
    world.later(hours=1)
    world.engine.run()
    assert world.linked("lead", bad) is not None
    assert not list(world.store.rejected())


def test_an_update_that_dynamics_refuses_is_derived_again_when_due() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    world.dynamics.refuse = lambda write: Problem("0x80040265", "A plug-in refused.")
    world.marketo.change("person", person, city="Paris")
    world.engine.run()
    assert [r.side for r in world.store.rejected()] == ["dynamics"]
    world.dynamics.refuse = None
    world.later(hours=1)
    world.engine.run()
    row = world.dynamics.row("leads", lead)
    assert row is not None
    assert row["address1_city"] == "Paris"
    assert not list(world.store.rejected())
    world.settle()


def test_a_value_that_the_other_side_cannot_hold_is_held_and_the_other_fields_go_on() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    world.marketo.change("person", person, mobilePhone="0" * 21, city="Paris")
    report = world.engine.run()
    row = world.dynamics.row("leads", lead)
    assert row is not None
    assert row["address1_city"] == "Paris"
    assert "mobilephone" not in row
    assert [(p.field, p.reason) for p in report.parked] == [("mobile_phone", "not valid for Dynamics")]
    assert [p.field for p in world.store.parked()] == ["mobile_phone"]
    world.marketo.change("person", person, mobilePhone="123")
    world.settle()
    assert not list(world.store.parked())


def test_an_edit_between_read_and_write_is_merged_not_overwritten() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.settle()
    person = world.linked("lead", lead)
    assert person is not None
    world.marketo.change("person", person, city="Paris")
    raced = []

    def race(write: Write) -> Problem | None:
        if not raced:
            raced.append(write)
            world.dynamics.change("leads", lead, jobtitle="Countess")
        return None

    world.dynamics.refuse = race
    report = world.engine.run()
    row = world.dynamics.row("leads", lead)
    assert row is not None
    assert (row["address1_city"], row["jobtitle"]) == ("Paris", "Countess")
    assert report.counts["lead", "to Dynamics", "merged again"] == 1
    assert world.person_of("lead", lead)["title"] == "Countess"
    world.settle()


def test_a_plan_writes_nothing_and_says_what_a_run_would_do() -> None:
    world = World()
    world.person(email="ada@example.com")
    world.lead(lastname="Byron", emailaddress1="ada@example.com")
    world.contact(lastname="Hopper", emailaddress1="grace@example.com")
    plan = world.engine.plan()
    assert plan.digest == world.engine.plan().digest
    assert {step.kind for step in plan.steps} == {StepKind.LINK, StepKind.CREATE_PERSON}
    assert plan.price.marketo == 2
    assert "ada@example.com" not in str(plan) + repr(plan)
    assert world.marketo.calls.writes == world.dynamics.calls.writes == 0
    assert not list(world.store.links("lead"))
    assert world.store.checkpoint("persons") is None
    world.settle()
    assert world.engine.plan().empty


def test_a_store_of_another_organization_is_refused() -> None:
    world = World()
    world.engine.run()
    other = World(store=world.store)
    other.dynamics._identity = "org-2"
    with pytest.raises(IdentityMismatchError, match=r"org-1.*org-2"):
        other.engine.run()
    assert other.dynamics.calls.reads == 0


def test_two_engines_never_run_on_one_store() -> None:
    world = World()
    with world.store.lock(), pytest.raises(StoreLockedError):
        world.engine.run()


def test_a_side_that_lost_most_of_its_rows_brakes_the_cycle() -> None:
    world = World()
    rows = [world.lead(lastname=f"L{i}", emailaddress1=f"l{i}@example.com") for i in range(40)]
    world.settle()
    for row in rows[:30]:
        world.dynamics.remove("leads", row)
    with pytest.raises(PlanRefusedError, match=r"30 of 40.*75%"):
        world.engine.run()
    assert sum("microsoftIsDeleted" in p for p in world.marketo.rows("person").values()) == 0


def test_a_changed_mapping_compares_everything_instead_of_clearing_fields() -> None:
    world = World()
    narrow = world.new_engine(entities=[Lead.select("email", "last_name")])
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com", jobtitle="Countess")
    narrow.run()
    assert "title" not in world.person_of("lead", lead)
    wide = world.new_engine(entities=[Lead])
    report = wide.run()
    assert world.person_of("lead", lead)["title"] == "Countess"
    assert any("mapping" in reason for reason in report.full_comparisons)
    assert wide.run().wrote == wide.run().wrote == 0


def test_engines_are_refused_entities_and_policies_that_cannot_work() -> None:
    world = World()
    with pytest.raises(ConfigurationError, match="at least one"):
        world.new_engine(entities=[])
    with pytest.raises(ConfigurationError, match="no entity class"):
        world.new_engine(entities=[int])
    with pytest.raises(ConfigurationError, match="both 'lead'"):
        world.new_engine(entities=[Lead, Lead.select("email")])
    with pytest.raises(ConfigurationError, match="'account'"):
        world.new_engine(policies={"account": lambda clash: Side.MARKETO})
    with pytest.raises(ConfigurationError, match="resolve"):
        world.new_engine(policies=3)


def test_engines_are_refused_connectors_that_are_swapped_and_options_that_are_none() -> None:
    world = World()
    with pytest.raises(ConfigurationError, match="marketo: MemoryConnector speaks for dynamics"):
        SyncEngine(marketo=world.dynamics, dynamics=world.marketo, store=world.store, entities=[Lead])
    with pytest.raises(ConfigurationError, match="matching: give Matching"):
        world.new_engine(matching="email")
    with pytest.raises(ConfigurationError, match="brakes: give Brakes"):
        world.new_engine(brakes=0.5)
    with pytest.raises(ConfigurationError, match="no entity class"):
        world.new_engine(entities=[Lead()])


@pytest.mark.parametrize("ids", ["1001", ["abc"], [-1], [True], ["1001", ""], ["٣"], [1.5]])
def test_what_is_no_person_id_is_refused_before_anything_is_asked(ids: object) -> None:
    world = World()
    with pytest.raises(ConfigurationError, match="ids: "):
        world.engine.push_persons(ids)  # type: ignore[arg-type]  # the wrong thing on purpose
    assert world.marketo.calls.total == 0


@pytest.mark.parametrize("values", [{"nope": 1}, {"crm_id": "1"}, {"mobile_phone": "0" * 200}, {"do_not_call": "x"}])
def test_values_that_new_rows_cant_have_are_refused_before_anybody_is_pushed(values: dict[str, object]) -> None:
    world = World()
    person = world.person(email="noor@example.org", lastName="El-Amin")
    with pytest.raises(ConfigurationError, match=f"values: lead.*{next(iter(values))}"):
        world.engine.push_persons([person], values=values)
    assert world.dynamics.rows("leads") == {}


def test_values_of_new_rows_win_over_the_persons() -> None:
    world = World()
    person = world.person(email="noor@example.org", lastName="El-Amin", title="Guest")
    world.engine.push_persons([f" {person} "], values={"job_title": "Prospect"})
    assert [row["jobtitle"] for row in world.dynamics.rows("leads").values()] == ["Prospect"]


def test_making_an_engine_touches_nothing() -> None:
    marketo, dynamics = SimpleNamespace(side=Side.MARKETO), SimpleNamespace(side=Side.DYNAMICS)
    engine = SyncEngine(marketo=marketo, dynamics=dynamics, store=None, entities=[Lead])  # nothing else may be used
    assert engine is not None


@pytest.mark.parametrize("first", ["lead", "contact"])
@pytest.mark.parametrize("closed", [True, False])
def test_a_conversion_that_only_the_contact_tells_of_makes_nobody_twice(first: str, closed: bool) -> None:
    """A custom process: the contact names its originating lead, the lead names no contact and may stay open."""
    entities = (Lead, Contact) if first == "lead" else (Contact, Lead)
    world = World(entities)
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com", _originatingleadid_value=lead)
    if closed:
        world.dynamics.change("leads", lead, statecode=1, statuscode=3)
    world.settle()
    person = world.linked("contact", contact)
    assert len(world.marketo.rows("person")) == 1
    world.later(days=1)
    world.dynamics.change("leads", lead, jobtitle="Poet")
    world.settle()
    assert len(world.marketo.rows("person")) == 1
    assert world.linked("contact", contact) == person
    assert world.linked("lead", lead) is None
    assert list(world.store.parked()) == []


def test_a_lead_whose_contact_was_deleted_is_a_person_again() -> None:
    world = World()
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com")
    contact = world.contact(lastname="Byron", emailaddress1="ada@example.com", _originatingleadid_value=lead)
    world.settle()
    world.dynamics.remove("contacts", contact)
    world.settle()
    world.dynamics.change("leads", lead, jobtitle="Poet")
    world.settle()
    assert world.person_of("lead", lead)["title"] == "Poet"


def test_a_plan_sees_conversions_as_a_run_does() -> None:
    world = World((Contact, Lead))
    lead = world.lead(lastname="Byron", emailaddress1="ada@example.com", statecode=1, statuscode=3)
    world.contact(lastname="Byron", emailaddress1="ada@example.com", _originatingleadid_value=lead)
    planned = world.engine.plan().counts
    assert planned == {("contact", "create in Marketo"): 1}
    assert world.store.fact(f"became:{lead}") is None
    assert world.engine.run().counts["contact", "to Marketo", "created"] == 1
    assert len(world.marketo.rows("person")) == 1
