"""Who takes part in an opportunity: roles made once, kept right, removed once, in the order that Marketo needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Account, Contact, Lead, Opportunity, OpportunityRole, Record, Side, User
from marketo_dynamics_sync.errors import ConfigurationError
from marketo_dynamics_sync.plan import StepKind
from marketo_dynamics_sync.state import MemoryStateStore
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed, burning, killed_everywhere

ALL = (Lead, Contact, Account, User, Opportunity, OpportunityRole)
TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"


def lookup(column: str, table: str, row: str | None) -> dict[str, object]:
    return {f"_{column}_value": row, f"_{column}_value{TABLE}": table}


class Deals(World):
    """A world with connection roles, and short words for what salespeople do."""

    def __init__(self, entities: Any = ALL, **options: Any) -> None:
        super().__init__(entities, **options)
        self.decides = self.dynamics.put("connectionroles", name="Decision Maker", category=1000)
        self.advises = self.dynamics.put("connectionroles", name="Influencer", category=1000)
        self.colleague = self.dynamics.put("connectionroles", name="Colleague", category=1)

    def buyer(self, name: str = "Byron", **columns: object) -> str:
        return self.contact(lastname=name, emailaddress1=f"{name}@example.com", **columns)

    def deal(self, contact: str | None = None, **columns: object) -> str:
        customer = lookup("customerid", "contact", contact) if contact else {}
        return self.dynamics.put("opportunities", **{"name": "Big one", "statecode": 0} | customer | columns)

    def stakeholder(self, deal: str, contact: str, role: str | None = None) -> str:
        ends = lookup("record1id", "opportunity", deal) | lookup("record2id", "contact", contact)
        what = lookup("record2roleid", "connectionrole", role or self.decides)
        return self.dynamics.put("connections", **ends, **what, statecode=0)

    def person(self, contact: str) -> int:  # type: ignore[override]  # here it is whom a contact is
        return int(self.store.links_by_dynamics("contact", [contact])[contact].marketo_id)

    def roles(self) -> list[tuple[object, object, object]]:
        rows = self.marketo.rows("opportunityRole").values()
        return sorted((r["externalOpportunityId"], r["leadId"], r["role"]) for r in rows)  # type: ignore[type-var]  # texts and numbers

    def made(self, report: Any) -> tuple[int, int, int]:
        counts = report.counts
        return tuple(counts["opportunity_role", "to Marketo", what] for what in ("created", "updated", "deleted"))  # type: ignore[return-value]  # three of them


def test_the_contact_that_is_the_customer_has_a_role_and_lends_its_company() -> None:
    world = Deals()
    account = world.dynamics.put("accounts", name="Widgets")
    buyer = world.buyer(**lookup("parentcustomerid", "account", account))
    deal = world.deal(buyer)
    report = world.engine.run()
    assert world.roles() == [(deal, world.person(buyer), "Customer")]
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept["externalCompanyId"] == account
    assert world.made(report) == (1, 0, 0)
    assert world.made(world.settle()) == (0, 0, 0)


def test_a_customer_without_an_account_has_a_role_and_no_company() -> None:
    world = Deals()
    buyer = world.buyer()
    deal = world.deal(buyer)
    world.settle()
    assert world.roles() == [(deal, world.person(buyer), "Customer")]
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept.get("externalCompanyId") is None


def moving(store: MemoryStateStore | None = None) -> tuple[Deals, str, str]:
    """Return a world whose only deal is of a contact that got another account, with that account."""
    world = Deals(store=store or MemoryStateStore())
    old, new = (world.dynamics.put("accounts", name=name) for name in ("Widgets", "Gadgets"))
    buyer = world.buyer(**lookup("parentcustomerid", "account", old))
    world.deal(buyer)
    world.settle()
    world.dynamics.change("contacts", buyer, **lookup("parentcustomerid", "account", new))
    return world, buyer, new


def test_a_deal_follows_its_customer_to_another_account() -> None:
    world, buyer, new = moving()
    plan = world.engine.plan()
    assert [step.entity.name for step in plan.steps if step.writes_marketo] == ["opportunity", "contact"]
    report = world.engine.run()
    assert report.total("to Marketo") == 2
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept["externalCompanyId"] == new
    assert world.person_of("contact", buyer)["externalCompanyId"] == new
    assert world.settle().wrote == 0
    world.dynamics.change("contacts", buyer, **lookup("parentcustomerid", "account", None))
    world.settle()
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept.get("externalCompanyId") is None


def test_a_deal_that_names_an_account_itself_stays_with_it() -> None:
    world = Deals()
    own, old, new = (world.dynamics.put("accounts", name=name) for name in ("Own", "Widgets", "Gadgets"))
    buyer = world.buyer(**lookup("parentcustomerid", "account", old))
    world.deal(buyer, **lookup("parentaccountid", "account", own))
    world.settle()
    world.dynamics.change("contacts", buyer, **lookup("parentcustomerid", "account", new))
    world.settle()
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept["externalCompanyId"] == own


def test_a_deal_follows_its_customer_whenever_a_run_is_killed() -> None:
    def ready(fuse: Fuse) -> Deals:
        store = FusedStore()
        world, _, _ = moving(store)
        store.fuse = fuse
        world.marketo.write = burning(world.marketo.write, fuse)  # type: ignore[method-assign]  # the kill under test
        return world

    fuse = Fuse()
    ready(fuse).engine.run()
    for boundary in range(fuse.passed):
        fuse = Fuse(boundary)
        world = ready(fuse)
        with pytest.raises(Killed):
            world.engine.run()
        fuse.left = None
        world.engine = world.new_engine()
        world.settle()
        (kept,) = world.marketo.rows("opportunity").values()
        (person,) = world.marketo.rows("person").values()
        assert kept["externalCompanyId"] == person["externalCompanyId"], f"killed at boundary {boundary}"
        (gadgets,) = (key for key, row in world.dynamics.rows("accounts").items() if row["name"] == "Gadgets")
        assert kept["externalCompanyId"] == gadgets, f"killed at boundary {boundary}"


def test_a_customer_that_is_an_account_makes_no_role() -> None:
    world = Deals()
    account = world.dynamics.put("accounts", name="Widgets")
    about = lookup("customerid", "account", account) | lookup("parentaccountid", "account", account)
    world.deal(**about)
    world.settle()
    assert world.roles() == []
    (kept,) = world.marketo.rows("opportunity").values()
    assert kept["externalCompanyId"] == account


def test_the_contact_on_the_form_has_a_role_beside_the_account_unless_the_column_is_left_out() -> None:
    few = Opportunity.select("name", "account", "customer")
    for cls, names in ((Opportunity, ["Contact"]), (few, [])):
        world = Deals((Lead, Contact, Account, User, cls, OpportunityRole))
        account = world.dynamics.put("accounts", name="Widgets")
        both = lookup("customerid", "account", account) | lookup("parentaccountid", "account", account)
        world.deal(**both, **lookup("parentcontactid", "contact", world.buyer()))
        world.settle()
        assert [role for _, _, role in world.roles()] == names


def test_one_role_for_each_stakeholder_and_none_for_other_connections() -> None:
    world = Deals()
    one, two, three = world.buyer("One"), world.buyer("Two"), world.buyer("Three")
    deal = world.deal()
    world.stakeholder(deal, one)
    world.stakeholder(deal, two, world.advises)
    world.stakeholder(deal, three, world.colleague)
    world.dynamics.put("connections", **lookup("record1id", "contact", one), **lookup("record2id", "contact", two))
    report = world.engine.run()
    assert world.roles() == [(deal, world.person(one), "Decision Maker"), (deal, world.person(two), "Influencer")]
    assert world.made(report) == (2, 0, 0)
    world.settle()


def test_a_stakeholder_who_comes_later_is_one_new_role() -> None:
    world = Deals()
    one, two = world.buyer("One"), world.buyer("Two")
    deal = world.deal()
    world.stakeholder(deal, one)
    world.settle()
    world.stakeholder(deal, two)
    report = world.engine.run()
    assert world.made(report) == (1, 0, 0)
    assert len(world.roles()) == 2
    world.settle()


def test_a_person_with_two_sources_has_one_role_which_goes_with_the_last_of_them() -> None:
    world = Deals()
    buyer = world.buyer()
    deal = world.deal(buyer, **lookup("parentcontactid", "contact", buyer))
    first, second = (world.stakeholder(deal, buyer) for _ in range(2))
    report = world.engine.run()
    assert world.made(report) == (1, 0, 0)
    role = [(deal, world.person(buyer), "Decision Maker")]
    assert world.roles() == role
    world.settle()
    (record,) = world.marketo.rows("opportunityRole")
    world.dynamics.remove("connections", first)
    assert world.made(world.engine.run()) == (0, 0, 0), "the other connection holds it"
    assert list(world.marketo.rows("opportunityRole")) == [record]
    world.settle()
    world.dynamics.remove("connections", second)
    assert world.made(world.engine.run()) == (1, 0, 1)
    assert world.roles() == [(deal, world.person(buyer), "Customer")]
    world.settle()


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
def test_a_stakeholder_who_is_removed_loses_the_role_once(how: str) -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    connection = world.stakeholder(deal, buyer)
    world.settle()
    if how == "deleted":
        world.dynamics.remove("connections", connection)
    else:
        world.dynamics.change("connections", connection, statecode=1)
    planned = world.engine.plan()
    assert [(step.entity.name, step.deletes) for step in planned.steps] == [("opportunity_role", Side.MARKETO)]
    assert world.made(world.engine.run()) == (0, 0, 1)
    assert world.roles() == []
    assert list(world.store.links("opportunity_role")) == []
    world.settle()


def test_a_stakeholder_who_is_another_now_is_another_role_completely() -> None:
    world = Deals()
    deal, one, two = world.deal(), world.buyer("One"), world.buyer("Two")
    connection = world.stakeholder(deal, one)
    world.settle()
    world.dynamics.change("connections", connection, **lookup("record2roleid", "connectionrole", world.advises))
    planned = world.engine.plan()
    assert [step.kind for step in planned.steps] == [StepKind.UNLINK, StepKind.CREATE_PERSON]
    assert world.made(world.engine.run()) == (1, 0, 1)
    assert world.roles() == [(deal, world.person(one), "Influencer")]
    world.settle()
    world.dynamics.change("connections", connection, **lookup("record2id", "contact", two))
    world.settle()
    assert world.roles() == [(deal, world.person(two), "Influencer")]


def test_a_connection_that_moves_to_another_opportunity_takes_its_role_along() -> None:
    world = Deals()
    here, there, buyer = world.deal(), world.deal(), world.buyer()
    connection = world.stakeholder(here, buyer)
    world.settle()
    world.dynamics.change("connections", connection, **lookup("record1id", "opportunity", there))
    world.settle()
    assert world.roles() == [(there, world.person(buyer), "Decision Maker")]


def test_an_opportunity_that_changes_otherwise_updates_no_role() -> None:
    world = Deals()
    deal = world.deal(world.buyer())
    world.settle()
    world.dynamics.change("opportunities", deal, name="Bigger one", estimatedvalue=5)
    report = world.engine.run()
    assert report.counts["opportunity", "to Marketo", "updated"] == 1
    assert world.made(report) == (0, 0, 0)


def test_a_role_deleted_in_marketo_comes_back_when_its_opportunity_changes() -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    world.stakeholder(deal, buyer)
    world.settle()
    world.marketo.remove("opportunityRole", next(iter(world.marketo.rows("opportunityRole"))))
    world.dynamics.change("opportunities", deal, name="Bigger one")
    world.settle()
    assert world.roles() == [(deal, world.person(buyer), "Decision Maker")]


def test_a_role_waits_for_its_person_and_for_its_opportunity() -> None:
    for refused in ("contact", "opportunity"):
        world = Deals()
        world.marketo.refuse = lambda write, refused=refused: (  # type: ignore[misc]  # a default that binds the loop's
            Problem("1006", "no") if write.entity.name == refused else None
        )
        deal, buyer = world.deal(), world.buyer()
        connection = world.stakeholder(deal, buyer)
        report = world.engine.run()
        parent = buyer if refused == "contact" else deal
        assert world.made(report) == (0, 0, 0)
        assert not [line for line in report.rejected if line.entity == "opportunity_role"]
        (wait,) = world.store.parked("opportunity_role")
        assert (wait.id, wait.reason, wait.detail["reason"]) == (connection, "missing-parent", parent)
        world.engine.run()
        world.marketo.refuse = None
        world.later(days=2)
        world.settle()
        assert world.roles() == [(deal, world.person(buyer), "Decision Maker")]
        assert list(world.store.parked()) == []


def test_what_waits_is_forgotten_with_its_connection() -> None:
    world = Deals()
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "contact" else None
    deal, buyer = world.deal(), world.buyer()
    connection = world.stakeholder(deal, buyer)
    named = world.deal(buyer)
    world.engine.run()
    assert len(list(world.store.parked("opportunity_role"))) == 2
    world.dynamics.remove("connections", connection)
    world.dynamics.change("opportunities", named, **lookup("customerid", "contact", None))
    world.engine.run()
    assert list(world.store.parked("opportunity_role")) == []


def test_a_person_merged_into_another_takes_the_roles_along() -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    world.stakeholder(deal, buyer)
    world.settle()
    loser = world.person(buyer)
    winner = world.marketo.put("person", lastName="Byron", email="other@example.com")
    world.marketo.merge("person", str(loser), winner)
    planned = world.engine.plan()
    assert StepKind.MOVE in [step.kind for step in planned.steps]
    world.settle()
    assert world.roles() == [(deal, int(winner), "Decision Maker")]


def test_a_person_deleted_in_marketo_leaves_a_role_that_waits_for_the_next_person() -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    connection = world.stakeholder(deal, buyer)
    world.settle()
    world.marketo.remove("person", str(world.person(buyer)))
    world.marketo.remove("opportunityRole", next(iter(world.marketo.rows("opportunityRole"))))
    world.settle()
    assert world.roles() == []
    assert [(p.id, p.reason) for p in world.store.parked("opportunity_role")] == [(connection, "missing-parent")]
    world.dynamics.change("contacts", buyer, jobtitle="Poet")
    world.settle()
    assert world.roles() == [(deal, world.person(buyer), "Decision Maker")]


def test_a_deleted_opportunity_goes_after_its_roles() -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    deal = world.deal(buyer)
    world.stakeholder(deal, buyer)
    other = world.buyer("Other")
    connection = world.stakeholder(deal, other, world.advises)
    world.settle()
    written: list[str] = []
    world.marketo.refuse = lambda write: written.append(write.entity.name)
    world.dynamics.remove("opportunities", deal)
    world.dynamics.remove("connections", connection)
    planned = world.engine.plan()
    world.engine.run()
    order = ["opportunity_role", "opportunity_role", "opportunity"]
    assert written == order
    assert [step.entity.name for step in planned.steps if step.deletes] == order
    assert world.roles() == []
    world.settle()


def test_an_opportunity_stays_until_its_roles_are_gone() -> None:
    world = Deals()
    deal = world.deal(world.buyer())
    world.settle()
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "opportunity_role" else None
    world.dynamics.remove("opportunities", deal)
    world.engine.run()
    world.engine.run()
    assert len(world.marketo.rows("opportunity")) == len(world.roles()) == 1
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert world.roles() == []
    assert world.marketo.rows("opportunity") == {}
    assert list(world.store.rejected()) == []


def test_roles_that_are_to_stay_stay_but_never_hold_an_opportunity_back() -> None:
    world = Deals(on_delete={"opportunity_role": OnDelete.KEEP})
    kept, gone, buyer = world.deal(), world.deal(), world.buyer()
    connection = world.stakeholder(kept, buyer)
    world.stakeholder(gone, buyer)
    world.settle()
    world.dynamics.remove("connections", connection)
    world.dynamics.remove("opportunities", gone)
    world.settle()
    assert [deal for deal, _, _ in world.roles()] == [kept]
    assert [row["externalOpportunityId"] for row in world.marketo.rows("opportunity").values()] == [kept]


def test_a_refused_role_waits_and_is_made_when_it_can_be() -> None:
    world = Deals()
    deal = world.deal(world.buyer())
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "opportunity_role" else None
    report = world.engine.run()
    assert [line.entity for line in report.rejected] == ["opportunity_role"]
    world.marketo.refuse = None
    assert world.made(world.engine.run()) == (0, 0, 0), "not its turn yet"
    world.later(hours=1)
    world.settle()
    assert [found for found, _, _ in world.roles()] == [deal]
    assert list(world.store.rejected()) == []


def test_a_role_whose_old_form_can_not_be_deleted_is_not_made_twice() -> None:
    world = Deals()
    deal, buyer = world.deal(), world.buyer()
    connection = world.stakeholder(deal, buyer)
    world.settle()
    world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "opportunity_role" else None
    world.dynamics.change("connections", connection, **lookup("record2roleid", "connectionrole", world.advises))
    world.engine.run()
    assert [role for _, _, role in world.roles()] == ["Decision Maker"]
    world.marketo.refuse = None
    world.later(hours=1)
    world.settle()
    assert [role for _, _, role in world.roles()] == ["Influencer"]
    assert list(world.store.rejected()) == []


def test_switched_on_later_roles_come_for_opportunities_that_were_there() -> None:
    world = Deals()
    buyer = world.buyer()
    deal, other = world.deal(buyer), world.deal()
    world.stakeholder(other, buyer)
    before = world.new_engine(entities=(Lead, Contact, Account, User, Opportunity))
    before.run()
    assert world.roles() == []
    world.settle()
    both = {(deal, "Customer"), (other, "Decision Maker")}
    assert {(found, role) for found, _, role in world.roles()} == both
    before.run()
    third = world.deal(buyer)
    before.run()
    world.settle()
    assert {(found, role) for found, _, role in world.roles()} == both | {(third, "Customer")}


def test_a_filter_keeps_roles_out_and_lets_those_that_are_there_be() -> None:
    inside = {"Decision Maker"}

    def keep(row: Record) -> bool:
        return row.values["role"] in inside

    world = Deals(filters={"opportunity_role": keep})
    deal, one, two = world.deal(), world.buyer("One"), world.buyer("Two")
    world.stakeholder(deal, one)
    world.stakeholder(deal, two, world.advises)
    world.settle()
    assert [role for _, _, role in world.roles()] == ["Decision Maker"]
    inside.clear()
    world.dynamics.change("opportunities", deal, name="Bigger")
    world.settle()
    assert [role for _, _, role in world.roles()] == ["Decision Maker"]


def test_opportunities_outside_the_filter_have_no_roles_and_nothing_waits() -> None:
    world = Deals(filters={"opportunity": lambda row: row.values["name"] != "secret"})
    buyer = world.buyer()
    world.deal(buyer, name="secret")
    world.settle()
    assert world.roles() == []
    assert list(world.store.parked()) == []


def test_chosen_connections_and_opportunities_bring_their_roles_now() -> None:
    world = Deals()
    world.engine.run()
    deal, buyer = world.deal(), world.buyer()
    connection = world.stakeholder(deal, buyer)
    world.engine.sync_records([buyer], entity="contact")
    world.engine.sync_records([deal], entity="opportunity")
    assert [role for _, _, role in world.roles()] == ["Decision Maker"]
    world.marketo.remove("opportunityRole", next(iter(world.marketo.rows("opportunityRole"))))
    world.engine.sync_records([connection], entity=OpportunityRole)
    assert [role for _, _, role in world.roles()] == ["Decision Maker"]


def test_an_idle_cycle_costs_one_call_more_and_writes_nothing() -> None:
    world = Deals()
    world.stakeholder(world.deal(), world.buyer())
    world.settle()
    report = world.engine.run()
    assert report.wrote == 0
    assert report.dynamics_calls.reads == len(ALL)
    assert report.marketo_calls.reads == 1


@pytest.mark.parametrize("missing", [Contact, Opportunity])
def test_roles_need_what_they_link(missing: type) -> None:
    with pytest.raises(ConfigurationError, match="give Opportunity and Contact beside"):
        World(tuple(cls for cls in ALL if cls is not missing))


def test_a_sales_person_goes_when_nobody_names_it_any_more() -> None:
    world = Deals(on_delete={"user": OnDelete.DELETE})
    owner = world.dynamics.put("systemusers", firstname="Grace", internalemailaddress="g@sales.example")
    mine = lookup("ownerid", "systemuser", owner)
    buyer = world.buyer(**mine)
    world.dynamics.put("accounts", name="Widgets", **mine)
    world.deal(buyer, **mine)
    world.settle()
    written: list[tuple[str, bool]] = []
    world.marketo.refuse = lambda write: written.append((write.entity.name, "owner" in write.values))
    world.dynamics.remove("systemusers", owner)
    planned = world.engine.plan()
    world.engine.run()
    assert sorted(written[:-1]) == [("account", True), ("contact", True), ("opportunity", True)]
    assert written[-1] == ("user", False)
    assert sum(step.writes_marketo for step in planned.steps) == len(written)
    assert world.marketo.rows("salesperson") == {}
    assert world.person_of("contact", buyer).get("externalSalesPersonId") is None
    world.settle()


def test_roles_of_customers_alone_are_no_accident_when_everything_is_listed_again() -> None:
    world = Deals()
    for n in range(40):
        world.deal(world.buyer(f"P{n}"))
    world.settle()
    world.dynamics.expire()
    world.settle()
    assert len(world.roles()) == 40


def prepared(fuse: Fuse) -> Deals:
    """Return a world in the middle of its life, with every kind of change to roles waiting."""
    store = FusedStore()
    world = Deals(store=store)
    people = [world.buyer(f"P{n}") for n in range(6)]
    deals = [world.deal(people[0]), world.deal(), world.deal(people[1]), world.deal()]
    links = [
        world.stakeholder(deals[0], people[0]),
        world.stakeholder(deals[1], people[2]),
        world.stakeholder(deals[1], people[2]),
        world.stakeholder(deals[2], people[3]),
        world.stakeholder(deals[3], people[4]),
    ]
    world.settle()
    world.later(minutes=5)
    world.dynamics.remove("connections", links[0])
    world.dynamics.remove("connections", links[1])
    world.dynamics.remove("opportunities", deals[2])
    world.dynamics.remove("connections", links[3])
    world.dynamics.change("connections", links[4], **lookup("record2roleid", "connectionrole", world.advises))
    world.stakeholder(deals[3], people[5])
    world.deal(world.buyer("New"), name="Fresh")
    winner = world.marketo.put("person", lastName="P2", email="else@example.com")
    world.marketo.merge("person", str(world.person(people[2])), winner)
    store.fuse = fuse
    world.marketo.write = burning(world.marketo.write, fuse)  # type: ignore[method-assign]  # the kill under test
    return world


def picture(world: Deals) -> tuple[object, ...]:
    parked = sorted((p.entity, p.id, p.reason) for p in world.store.parked())
    links = sorted((link.dynamics_id, str(link.base)) for link in world.store.links("opportunity_role"))
    names = sorted(str(row["name"]) for row in world.marketo.rows("opportunity").values())
    return world.roles(), names, parked, links, list(world.store.rejected())


def test_killed_at_any_step_the_roles_end_the_same() -> None:
    killed_everywhere(prepared, lambda world: world.engine.run(), picture)


def test_what_waited_is_not_lost_by_a_kill() -> None:
    def ready(fuse: Fuse) -> Deals:
        store = FusedStore()
        world = Deals(store=store)
        world.marketo.refuse = lambda write: Problem("1006", "no") if write.entity.name == "contact" else None
        world.stakeholder(world.deal(), world.buyer())
        world.engine.run()
        world.marketo.refuse = None
        world.time += timedelta(days=2)
        store.fuse = fuse
        world.marketo.write = burning(world.marketo.write, fuse)  # type: ignore[method-assign]  # the kill under test
        return world

    fuse = Fuse()
    ready(fuse).engine.run()
    for step in range(fuse.passed):
        fuse = Fuse(step)
        world = ready(fuse)
        with pytest.raises(Killed):
            world.engine.run()
        fuse.left = None
        world.settle()
        assert len(world.roles()) == 1, f"killed at step {step}"


def test_a_plan_of_roles_shows_what_the_run_does() -> None:
    world = prepared(Fuse())
    planned = world.engine.plan()
    report = world.engine.run()
    assert sum(step.writes_marketo for step in planned.steps) == report.total("to Marketo")
