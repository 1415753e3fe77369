"""Moving over from Marketo's own sync: its links are taken over, nothing is written for it, nobody is doubled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync.engine import Takeover
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    Entity,
    Lead,
    Opportunity,
    OpportunityRole,
    Side,
    User,
    custom_object,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.errors import ConfigurationError, NativeSyncError
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService, PersonField
from marketo_dynamics_sync.state import MemoryStateStore
from tests.end_to_end.conftest import START, Pair
from tests.survival.fuse import Fuse, FusedStore, Killed

#: The names that an instance gives the native sync's fields are not published: here they are the test's own.
NATIVE = [
    PersonField("microsoftLeadId", updateable=False, crm_managed=True),
    PersonField("microsoftContactId", updateable=False, crm_managed=True),
    PersonField("dynamicsId"),
]
FIELDS = {"lead": "microsoftLeadId", "contact": "microsoftContactId"}


def moved(pair_with: Callable[..., Pair], store: MemoryStateStore | None = None) -> tuple[Pair, dict[str, str]]:
    """Return an instance that the native sync has kept until now, and its rows."""
    pair = pair_with(marketo=MarketoService(SandboxClock(START), custom_fields=NATIVE), store=store)
    dynamics, marketo = pair.sandbox.dynamics, pair.sandbox.marketo
    rows = {
        "equal": dynamics.create("lead", lastname="A", emailaddress1="a@x.com", jobtitle="CTO"),
        "differs": dynamics.create("lead", lastname="B", emailaddress1="b@x.com", jobtitle="CTO", fax="1"),
        "contact": dynamics.create("contact", lastname="C", emailaddress1="c@x.com", jobtitle="CTO"),
        "twice": dynamics.create("lead", lastname="T", emailaddress1="t@x.com"),
        "new": dynamics.create("lead", lastname="N", emailaddress1="n@x.com"),
    }
    named = {"lead": "microsoftLeadId", "contact": "microsoftContactId"}
    marketo.create_person(lastName="A", email="a@x.com", title="CTO", **{named["lead"]: rows["equal"]})
    # The e-mail address is another one by now: only the native link knows who it is.
    marketo.create_person(lastName="B", email="bb@x.com", title="CEO", mobilePhone="7", microsoftLeadId=rows["differs"])
    marketo.create_person(lastName="C", email="c@x.com", title="CTO", microsoftContactId=rows["contact"])
    for number in (1, 2):
        marketo.create_person(lastName="T", email=f"t{number}@x.com", microsoftLeadId=rows["twice"])
    return pair, rows


def test_a_dry_run_shows_what_differs_and_changes_nothing(pair_with: Callable[..., Pair]) -> None:
    pair, rows = moved(pair_with)
    engine = pair.engine()
    pair.forget_calls()
    found = engine.takeover(FIELDS)
    assert pair.writes == 0
    assert list(pair.store.links("lead")) == []
    assert pair.store.checkpoint("persons") is None
    lead = found.entities["lead"]
    assert lead.counts == {"taken over": 2, "several persons": 1, "no person": 1}
    assert lead.undecided == [(rows["twice"], ("1004", "1005"))]
    title, fax, phone, last = (lead.fields[n] for n in ("job_title", "fax", "mobile_phone", "last_name"))
    assert (title.equal, title.different, title.samples) == (1, 1, [("1002", rows["differs"])])
    assert (fax.only_dynamics, phone.only_marketo, last.differing) == (1, 1, 0)
    assert found.entities["contact"].counts == {"taken over": 1}
    text = str(found)
    assert (
        f"job_title: 1 equal, 1 different, 0 only in Marketo, 0 only in Dynamics; such as 1002/{rows['differs']}"
        in text
    )
    assert "CEO" not in text
    assert "x.com" not in text


def test_links_are_taken_over_without_a_write_and_what_differs_is_decided_by_the_policy(
    pair_with: Callable[..., Pair],
) -> None:
    pair, rows = moved(pair_with)
    engine = pair.engine((Lead.select("last_name", "email", "job_title", "fax", "mobile_phone"), Contact))
    before = {p["id"]: p for p in pair.sandbox.marketo.persons()}
    pair.forget_calls()
    shown, done = engine.takeover(FIELDS), engine.takeover(FIELDS, dry_run=False)
    assert (pair.writes, shown.entities) == (0, done.entities)
    assert {p["id"]: p for p in pair.sandbox.marketo.persons()} == before
    plan = engine.plan()
    (equal,) = [step for step in plan.steps if step.dynamics_id == rows["equal"]]
    # The row id, where the field for it was empty, and nothing else.
    assert (set(equal.to_marketo), dict(equal.to_dynamics)) == ({"crm_id"}, {})
    pair.settle(engine)
    row = pair.sandbox.dynamics.row("lead", rows["differs"])
    person = pair.person_of("lead", rows["differs"])
    assert row is not None
    # Marketo wins for leads; a value on one side only goes to the other.
    assert (row["jobtitle"], row["emailaddress1"], row["mobilephone"]) == ("CEO", "bb@x.com", "7")
    assert (person["title"], person["fax"]) == ("CEO", "1")
    # One person for the new row, none for the one that two persons claim.
    assert len(pair.sandbox.marketo.persons()) == 6
    assert [(p.id, p.reason) for p in pair.store.parked()] == [(rows["twice"], "two-persons")]
    again = engine.takeover(FIELDS, dry_run=False)
    assert again.entities["lead"].counts == {"linked already": 3, "several persons": 1}


def test_differences_can_be_left_until_somebody_edits_them(pair_with: Callable[..., Pair]) -> None:
    pair, rows = moved(pair_with)
    engine = pair.engine()
    engine.takeover(FIELDS, dry_run=False, leave_differences=True)
    pair.settle(engine)
    row, person = pair.sandbox.dynamics.row("lead", rows["differs"]), pair.person_of("lead", rows["differs"])
    assert row is not None
    assert (row["jobtitle"], person["title"], person.get("fax")) == ("CTO", "CEO", None)
    pair.sandbox.dynamics.update("lead", rows["differs"], jobtitle="CFO")
    pair.settle(engine)
    assert pair.person_of("lead", rows["differs"])["title"] == "CFO"


def test_an_edit_between_takeover_and_the_first_cycle_is_seen(pair_with: Callable[..., Pair]) -> None:
    pair, rows = moved(pair_with)
    engine = pair.engine()
    engine.takeover(FIELDS, dry_run=False, leave_differences=True)
    pair.sandbox.clock.advance(60)
    pair.sandbox.marketo.update_person(1001, title="CEO")
    pair.settle(engine)
    row = pair.sandbox.dynamics.row("lead", rows["equal"])
    assert row is not None
    assert row["jobtitle"] == "CEO"


def test_a_store_that_went_on_before_meets_what_was_taken_over(pair_with: Callable[..., Pair]) -> None:
    pair, rows = moved(pair_with)
    engine = pair.engine(filters={"lead": lambda row: row.values.get("fax") is None})
    pair.settle(engine)
    whole = pair.engine()
    whole.takeover({"lead": "microsoftLeadId"}, dry_run=False)
    pair.settle(whole)
    assert pair.person_of("lead", rows["differs"])["id"] == 1002
    row = pair.sandbox.dynamics.row("lead", rows["differs"])
    assert row is not None
    assert row["jobtitle"] == "CEO"


@pytest.mark.parametrize(
    ("field", "words"),
    [("crmId", "has no person field 'crmId'"), ("doNotCall", "can't be looked up by"), ({"account": "x"}, "'account'")],
)
def test_a_field_that_cannot_be_used_is_refused(pair_with: Callable[..., Pair], field: str, words: str) -> None:
    pair, _ = moved(pair_with)
    with pytest.raises(ConfigurationError, match=words):
        pair.engine().takeover(field)


def test_killed_at_any_commit_a_takeover_is_simply_made_again(pair_with: Callable[..., Pair]) -> None:
    after = 0
    while True:
        store = FusedStore()
        store.fuse = Fuse()
        pair, _ = moved(pair_with, store)
        store.fuse = Fuse(after)
        try:
            pair.engine().takeover(FIELDS, dry_run=False)
            ended = True
        except Killed:
            ended = False
        store.fuse.left = None
        engine = pair.engine()
        engine.takeover(FIELDS, dry_run=False)
        pair.settle(engine)
        assert (store.count_links("lead"), store.count_links("contact")) == (3, 1)
        assert len(pair.sandbox.marketo.persons()) == 6
        if ended:
            break
        after += 3
    assert after > 3


@entity(name="seat", marketo=custom_object("seat_c", dedupe="seatId"), dynamics="tasks", direction=Direction.TO_MARKETO)
class Seat(Entity):
    """A custom object of an instance whose native sync is connected."""

    seat_id: str = mapped(marketo="seatId", dynamics="activityid", key=True)
    name: str = mapped(marketo="seatName", dynamics="subject")


def connected(pair_with: Callable[..., Pair]) -> Pair:
    pair = pair_with(marketo=MarketoService(SandboxClock(START), native_sync="dynamics"))
    pair.sandbox.dynamics.create("account", name="Contoso")
    pair.sandbox.dynamics.create("lead", lastname="A", emailaddress1="a@x.com")
    return pair


@pytest.mark.parametrize("cls", [Account, User, Opportunity])
def test_a_native_sync_that_is_connected_is_said_before_anything_is_written(
    pair_with: Callable[..., Pair], cls: type[Entity]
) -> None:
    pair = connected(pair_with)
    engine = pair.engine((cls, Lead))
    for call in (engine.plan, engine.run):
        with pytest.raises(NativeSyncError, match=r"CRM.*beside_native_sync=True"):
            call()
    assert [c.status for c in pair.sandbox.dynamics.calls if c.kind == "write"] == []
    assert len(pair.sandbox.marketo.persons()) == 0


def test_persons_go_on_beside_a_native_sync_that_is_connected(pair_with: Callable[..., Pair]) -> None:
    pair = connected(pair_with)
    engine = pair.engine((Account, User, Opportunity, Lead), beside_native_sync=True)
    assert engine.check().passed, str(engine.check())
    assert "beside" not in str(pair.engine((Lead,)).check())
    report = engine.run()
    gaps = {(gap.entity, gap.field, gap.side) for gap in report.left_out if gap.field == "*"}
    assert gaps == {(name, "*", Side.MARKETO) for name in ("account", "user", "opportunity")}
    assert report.counts["lead", "to Marketo", "created"] == 1
    assert "left out: account.*" in str(report)
    pair.settle(engine)
    pair.forget_calls()
    assert engine.run().wrote == 0


def test_an_instance_on_which_no_native_sync_ever_was_is_not_asked(pair: Pair) -> None:
    pair.sandbox.dynamics.create("account", name="Contoso")
    pair.engine((Account, Lead)).plan()
    posted = [call.path for call in pair.sandbox.marketo.calls if call.method == "POST"]
    assert not any("companies" in path for path in posted)


def test_a_takeover_prints_no_values() -> None:
    assert list(Takeover(dry_run=True, leave_differences=True, entities={}).lines()) == [
        "links that would be taken over; what differs stays as it is"
    ]


def test_a_person_that_another_row_has_is_left_alone_and_told(pair_with: Callable[..., Pair]) -> None:
    pair, rows = moved(pair_with)
    # The person has the address of another row than the one whose id it carries.
    pair.sandbox.marketo.update_person(1001, email="n@x.com")
    pair.settle(pair.engine(filters={"lead": lambda row: row.id != rows["equal"]}))
    assert pair.person_of("lead", rows["new"])["id"] == 1001
    found = pair.engine().takeover(FIELDS, dry_run=False)
    assert found.entities["lead"].counts["person linked to another row"] == 1
    assert (rows["equal"], ("1001",)) in found.entities["lead"].undecided
    assert f"undecided: row {rows['equal']}: persons 1001" in str(found)
    assert pair.person_of("lead", rows["new"])["id"] == 1001


def test_an_entity_without_a_field_for_row_ids_is_refused(pair_with: Callable[..., Pair]) -> None:
    @entity(name="keyless", marketo=person(), dynamics="leads", direction=Direction.TWO_WAY)
    class Keyless(Entity):
        last_name: str | None = mapped(marketo="lastName", dynamics="lastname")
        email: str | None = mapped(marketo="email", dynamics="emailaddress1")

    pair, _ = moved(pair_with)
    with pytest.raises(ConfigurationError, match="key=True"):
        pair.engine((Keyless,)).takeover("microsoftLeadId")


def test_roles_are_left_out_beside_a_native_sync_too(pair_with: Callable[..., Pair]) -> None:
    pair = connected(pair_with)
    engine = pair.engine((OpportunityRole, Opportunity, Lead, Contact), beside_native_sync=True)
    assert engine.check().passed
    assert {"opportunity_role", "opportunity"} <= {gap.entity for gap in engine.run().left_out}
