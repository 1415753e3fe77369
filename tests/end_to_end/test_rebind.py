"""Links that are made anew: after a restore, for a copied organization, another Marketo, a lost state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync.engine import FieldComparison, Rebinding
from marketo_dynamics_sync.entities import Account, Contact, Lead
from marketo_dynamics_sync.errors import ConfigurationError, IdentityMismatchError, RestoredError, StateError
from marketo_dynamics_sync.state import Commit, MemoryStateStore
from tests.end_to_end.conftest import Pair
from tests.end_to_end.test_roles import ALL, roles, seeded
from tests.survival.fuse import Fuse, FusedStore, Killed

FIELDS = ("last_name", "email", "job_title")
PEOPLE = (Lead.select(*FIELDS), Contact.select(*FIELDS))


def everything(pair: Pair) -> object:
    dynamics = pair.sandbox.dynamics
    return pair.sandbox.marketo.persons(), dynamics.all_rows("lead"), dynamics.all_rows("contact")


def restored(pair: Pair) -> dict[str, str]:
    """Return the rows of an environment that was restored: one is old, one is missing, one is there again."""
    dynamics = pair.sandbox.dynamics
    rows = {n: dynamics.create("lead", lastname=n, emailaddress1=f"{n}@x.com") for n in ("same", "old", "back")}
    rows["contact"] = dynamics.create("contact", lastname="C", emailaddress1="c@x.com")
    pair.settle(pair.engine(PEOPLE))
    backup = dynamics.snapshot()
    dynamics.update("lead", rows["old"], jobtitle="CTO", emailaddress1="new@x.com")
    dynamics.delete("lead", rows["back"])
    rows["missing"] = dynamics.create("lead", lastname="missing", emailaddress1="missing@x.com")
    pair.settle(pair.engine(PEOPLE))
    dynamics.restore(backup)
    return rows


def test_a_restored_environment_is_shown_first_and_then_linked_anew(pair: Pair) -> None:
    rows = restored(pair)
    engine = pair.engine(PEOPLE)
    with pytest.raises(RestoredError):
        engine.run()
    before, links = everything(pair), {link.dynamics_id: link.marketo_id for link in pair.store.links("lead")}
    pair.forget_calls()
    shown = engine.rebind()
    assert shown.dry_run
    assert {link.dynamics_id: link.marketo_id for link in pair.store.links("lead")} == links
    with pytest.raises(RestoredError):
        engine.plan()
    done = engine.rebind(dry_run=False)
    assert (everything(pair), pair.writes) == (before, 0)
    assert shown.entities == done.entities
    lead = done.entities["lead"]
    assert lead.counts == {
        "linked": 3,
        "agree": 2,
        "as before": 2,
        "forgotten": 1,
        "no row in Dynamics": 1,
    }
    assert lead.records == [links[rows["missing"]]]
    assert lead.fields["email"].samples == [(links[rows["old"]], rows["old"])]
    assert (lead.fields["job_title"].only_marketo, lead.fields["last_name"].differing) == (1, 0)
    assert done.entities["contact"].counts == {"linked": 1, "agree": 1, "as before": 1}
    text = str(shown)
    assert f"records with no row, the first: {links[rows['missing']]}" in text
    assert "x.com" not in text
    assert "CTO" not in text
    # Nothing is overwritten, on either side, until somebody edits it.
    assert pair.settle(engine).wrote == 0
    person = pair.person_of("lead", rows["old"])
    row = pair.sandbox.dynamics.row("lead", rows["old"])
    assert row is not None
    assert (person["title"], person["email"], row.get("jobtitle")) == ("CTO", "new@x.com", None)
    pair.sandbox.dynamics.update("lead", rows["old"], jobtitle="CEO")
    pair.settle(engine)
    assert pair.person_of("lead", rows["old"])["title"] == "CEO"
    ended = [(e.dynamics_id, e.detail["reason"]) for e in pair.store.journal(entity="lead") if e.kind == "unlinked"]
    assert (rows["missing"], "rebind") in ended
    # Sales makes the missing row again: its person is known.
    again = pair.sandbox.dynamics.create("lead", lastname="missing", emailaddress1="missing@x.com")
    pair.settle(engine)
    assert pair.store.links_by_dynamics("lead", [again])[again].marketo_id == links[rows["missing"]]


def test_what_differs_can_be_left_to_the_policy(pair: Pair) -> None:
    rows = restored(pair)
    engine = pair.engine(PEOPLE)
    engine.rebind(dry_run=False, leave_differences=False)
    pair.settle(engine)
    row = pair.sandbox.dynamics.row("lead", rows["old"])
    assert row is not None
    # Marketo wins for leads, and a value on one side only goes to the other.
    assert (row["jobtitle"], row["emailaddress1"]) == ("CTO", "new@x.com")


def test_a_copied_organization_is_told_and_linked_by_the_same_ids(pair: Pair) -> None:
    dynamics = pair.sandbox.dynamics
    row = dynamics.create("lead", lastname="L", emailaddress1="l@x.com")
    pair.settle(pair.engine(PEOPLE))
    old = dynamics.organization_id
    new = dynamics.become_copy()
    engine = pair.engine(PEOPLE)
    with pytest.raises(IdentityMismatchError, match=rf"{old}.*{new}.*engine\.rebind\(\)"):
        engine.run()
    done = engine.rebind(dry_run=False)
    assert f"Dynamics organization: {new}, was {old}" in str(done)
    assert done.entities["lead"].recognised == {"row id": 1}
    assert pair.store.fact("identity:dynamics") == new
    assert pair.settle(engine).wrote == 0
    dynamics.update("lead", row, jobtitle="CTO")
    assert engine.run().wrote == 1


def test_persons_of_another_organization_are_recognised_by_their_address(pair_with: Callable[..., Pair]) -> None:
    """The rows are others, and the persons carry ids that nobody has any more."""
    pair = pair_with()
    dynamics = pair.sandbox.dynamics
    old = [dynamics.create("lead", lastname=f"L{i}", emailaddress1=f"l{i}@x.com", jobtitle="CTO") for i in range(3)]
    pair.settle(pair.engine(PEOPLE))
    persons = {str(p["email"]): p["id"] for p in pair.sandbox.marketo.persons()}
    for row in old:
        dynamics.delete("lead", row)
    dynamics.become_copy()
    new = {f"l{i}@x.com": dynamics.create("lead", lastname=f"L{i}", emailaddress1=f"l{i}@x.com") for i in range(2)}
    engine = pair.engine(PEOPLE)
    before = everything(pair)
    done = engine.rebind(dry_run=False)
    assert everything(pair) == before
    lead = done.entities["lead"]
    assert lead.recognised == {"email": 2}
    assert lead.counts == {"linked": 2, "forgotten": 3, "no row in Dynamics": 1}
    pair.settle(engine)
    assert len(pair.sandbox.marketo.persons()) == 3
    for email, row in new.items():
        person = pair.person_of("lead", row)
        assert (person["id"], person["dynamicsId"]) == (persons[email], row), "the new id is told"
        assert person["title"] == "CTO", "what differs is left"


def test_another_marketo_is_linked_by_what_it_holds(pair_with: Callable[..., Pair]) -> None:
    pair, other = pair_with(), pair_with()
    dynamics = pair.sandbox.dynamics
    known, carried, new = (
        dynamics.create("lead", lastname=n, emailaddress1=f"{n}@x.com") for n in ("known", "carried", "new")
    )
    pair.settle(pair.engine(PEOPLE))
    other.sandbox.clock.advance((pair.sandbox.clock.now() - other.sandbox.clock.now()).total_seconds())
    # Numbers mean other persons there.
    other.sandbox.marketo.create_person(lastName="Somebody", email="somebody@x.com")
    by_mail = other.sandbox.marketo.create_person(lastName="known", email="known@x.com")
    by_id = other.sandbox.marketo.create_person(lastName="carried", email="elsewhere@x.com", dynamicsId=carried)
    engine = pair.engine(PEOPLE, marketo=other.marketo())
    with pytest.raises(IdentityMismatchError, match="Marketo instance"):
        engine.run()
    done = engine.rebind(dry_run=False)
    assert done.entities["lead"].recognised == {"row id": 1, "email": 1}
    assert done.entities["lead"].rows == [new]
    linked = {link.dynamics_id: link.marketo_id for link in pair.store.links("lead")}
    assert linked == {known: str(by_mail), carried: str(by_id)}
    engine.run()
    assert len(other.sandbox.marketo.persons()) == 4
    person = other.sandbox.marketo.person(by_id)
    assert person is not None
    assert person["email"] == "elsewhere@x.com"


def test_a_killed_rebind_is_refused_and_made_again(pair_with: Callable[..., Pair]) -> None:
    for at in range(1, 6):
        fuse = Fuse()
        store = FusedStore()
        store.fuse = fuse
        pair = pair_with(store=store)
        restored(pair)
        fuse.left = at
        with pytest.raises(Killed):
            pair.engine(PEOPLE).rebind(dry_run=False)
        fuse.left = None
        with pytest.raises(StateError):
            pair.engine(PEOPLE).run()
        pair.engine(PEOPLE).rebind(dry_run=False)
        assert pair.settle(pair.engine(PEOPLE)).wrote == 0
        assert pair.store.count_links("lead") == 3


def test_a_lost_state_is_rebuilt_from_both_services(pair: Pair) -> None:
    dynamics = pair.sandbox.dynamics
    entities = (Account, *PEOPLE)
    account = dynamics.create("account", name="Engines")
    for number in range(3):
        dynamics.create("lead", lastname=f"L{number}", emailaddress1=f"l{number}@x.com")
    dynamics.create(
        "contact",
        lastname="C",
        emailaddress1="c@x.com",
        **{"parentcustomerid_account@odata.bind": f"/accounts({account})"},
    )
    pair.settle(pair.engine(entities))
    before = everything(pair)
    links = {name: {(i.dynamics_id, i.marketo_id) for i in pair.store.links(name)} for name in ("account", "lead")}
    lost, pair.store = pair.store, MemoryStateStore()
    engine = pair.engine(entities)
    shown = engine.rebuild()
    assert list(pair.store.links("lead")) == []
    done = engine.rebuild(dry_run=False)
    assert shown.entities == done.entities
    assert done.entities["lead"].counts == {"linked": 3, "agree": 3}
    assert {n: {(i.dynamics_id, i.marketo_id) for i in pair.store.links(n)} for n in links} == links
    pair.forget_calls()
    assert [engine.run().wrote, engine.run().wrote] == [0, 0]
    assert pair.writes == 0
    assert everything(pair) == before
    assert lost.count_links("lead") == 3
    with pytest.raises(ConfigurationError, match="the store has links"):
        engine.rebuild()


def test_entities_that_the_engine_does_not_sync_are_not_left_behind(pair: Pair) -> None:
    restored(pair)
    with pytest.raises(ConfigurationError, match="links of 'contact'"):
        pair.engine(PEOPLE[:1]).rebind()


def test_two_persons_that_carry_one_row_id_wait(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="L", emailaddress1="l@x.com")
    two = [pair.sandbox.marketo.create_person(email=f"{n}@x.com", dynamicsId=row) for n in ("a", "b")]
    engine = pair.engine(PEOPLE)
    assert engine.rebuild(dry_run=False).entities["lead"].ambiguous == [(row, tuple(map(str, two)))]
    engine.run()
    assert [p.id for p in pair.store.parked()] == [row]
    assert len(pair.sandbox.marketo.persons()) == 2
    assert f"ambiguous: row {row}: {two[0]}, {two[1]}" in str(engine.rebuild())
    assert list(Rebinding(True, False, {}, {}).lines()) == [
        "links that would be made anew; what differs is decided by the policy in the next cycle"
    ]
    assert str(FieldComparison(equal=1)).startswith("1 equal")


def test_what_waited_under_old_ids_is_forgotten_and_the_rest_is_kept(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="L", emailaddress1="l@x.com")
    for name in ("a", "b"):
        pair.sandbox.marketo.create_person(lastName=name, email="l@x.com")
    pair.settle(pair.engine(PEOPLE))
    (parked,) = pair.store.parked()
    pair.store.commit(Commit(park=[type(parked)("lead", "dynamics", "gone", "", "ambiguous", {}, parked.since)]))
    pair.engine(PEOPLE).rebind(dry_run=False)
    assert list(pair.store.parked()) == [parked]
    assert parked.id == row


def test_opportunities_are_found_by_their_ids_and_roles_are_not_doubled(pair: Pair) -> None:
    ids = seeded(pair)
    pair.settle(pair.engine(ALL))
    assert ids["deal"]
    before = (
        pair.sandbox.marketo.persons(),
        [pair.sandbox.marketo.objects(name) for name in ("companies", "opportunities")],
        roles(pair),
    )
    for made in ("rebuild", "rebind"):
        if made == "rebuild":
            pair.store = MemoryStateStore()
        engine = pair.engine(ALL)
        getattr(engine, made)(dry_run=False)
        assert pair.store.count_links("opportunity") == 1
        assert pair.store.count_links("opportunity_role") == 0
        pair.settle(engine)
        after = (
            pair.sandbox.marketo.persons(),
            [pair.sandbox.marketo.objects(name) for name in ("companies", "opportunities")],
            roles(pair),
        )
        assert after == before
        assert len(pair.sandbox.marketo.objects("opportunities/roles")) == 2
        assert pair.store.count_links("opportunity_role") == 2
