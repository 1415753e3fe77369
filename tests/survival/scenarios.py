"""Fifty small stories of what may have happened when a cycle starts, each by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from marketo_dynamics_sync.conflict import Hold
from marketo_dynamics_sync.connectors import Problem, Write
from marketo_dynamics_sync.engine import OnDelete, OnMerge
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Entity,
    Lead,
    Opportunity,
    OpportunityRole,
    Side,
    Team,
    User,
    mapped,
)
from tests.engine.test_objects import Event
from tests.engine.test_teams import TeamMember
from tests.engine.world import World
from tests.survival.fuse import FusedStore, SmallBatches

Act = Callable[[World], None]


@frozen
class Scenario:
    """A story: a world in agreement, what happens to it, and what the engine is asked to do then.

    Attributes:
        name: Its name.
        happens: Changes the world.
        entities: What is synced.
        before: Puts people into the world before it is first brought into agreement.
        act: What the engine is asked to do.
        options: More of the engine's arguments.
    """

    name: str
    happens: Act
    entities: Sequence[type[Entity]] = (Lead, Contact)
    before: Act = lambda world: None
    act: Act = lambda world: world.engine.run() and None
    options: Callable[[], dict[str, Any]] = dict

    def world(self) -> World:
        """Return the world at the moment when the engine is called."""
        world = World(self.entities, store=FusedStore(), connector=SmallBatches, **self.options())
        self.before(world)
        world.settle()
        world.later(minutes=5)
        self.happens(world)
        world.later(seconds=1)
        return world


class Mapped(Lead):
    """A lead with one more field."""

    nickname: str | None = mapped(marketo="nickname", dynamics="new_nickname")


OBJECTS = (User, Account, Lead, Contact, Opportunity)


def row_id(number: int, kind: str = "1") -> str:
    return f"{kind * 8}-0000-0000-0000-{number:012d}"


def teams(world: World) -> None:
    people(world)
    world.dynamics.put("systemusers", row_id(0, "3"), lastname="Hopper", internalemailaddress="grace@sales.example")
    world.dynamics.put("teams", row_id(0, "6"), name="North", teamtype=0)
    world.dynamics.put("teammemberships", row_id(0, "7"), teamid=row_id(0, "6"), systemuserid=row_id(0, "3"))
    owned = {"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "systemuser"}
    world.dynamics.change("leads", row_id(0), _ownerid_value=row_id(0, "3"), **owned)


def team_takes_over(world: World) -> None:
    """A new team owns two leads, one team is renamed, another can own nothing; a member leaves, another comes."""
    world.dynamics.put("teams", row_id(1, "6"), name="South", teamtype=0)
    world.dynamics.put("teams", row_id(2, "6"), name="Shared", teamtype=1)
    world.dynamics.change("teams", row_id(0, "6"), name="Far North")
    owned = {"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "team"}
    for lead, team in ((0, 1), (1, 0)):
        world.dynamics.change("leads", row_id(lead), _ownerid_value=row_id(team, "6"), **owned)
    world.dynamics.remove("teammemberships", row_id(0, "7"))
    world.dynamics.put("teammemberships", row_id(1, "7"), teamid=row_id(1, "6"), systemuserid=row_id(0, "3"))


def people(world: World) -> None:
    for n in range(3):
        world.dynamics.put(
            "leads", row_id(n), lastname=f"Lead {n}", emailaddress1=f"l{n}@example.com", jobtitle="old", statecode=0,
            statuscode=1,
        )  # fmt: skip
        world.dynamics.put(
            "contacts", row_id(n, "2"), lastname=f"Contact {n}", emailaddress1=f"c{n}@example.com", jobtitle="old",
            statecode=0, statuscode=1,
        )  # fmt: skip


def person(world: World, number: int = 0, entity: str = "lead") -> str:
    row = row_id(number, "1" if entity == "lead" else "2")
    return world.store.links_by_dynamics(entity, [row])[row].marketo_id


def deals(world: World) -> None:
    people(world)
    kind = "Microsoft.Dynamics.CRM.lookuplogicalname"
    world.dynamics.put("systemusers", row_id(0, "3"), firstname="Grace", internalemailaddress="grace@sales.example")
    world.dynamics.put("accounts", row_id(0, "4"), name="Widgets", _ownerid_value=row_id(0, "3"),
                       **{f"_ownerid_value@{kind}": "systemuser"})  # fmt: skip
    world.dynamics.put("opportunities", row_id(0, "5"), name="Deal", _parentaccountid_value=row_id(0, "4"))
    world.dynamics.change("contacts", row_id(0, "2"), _parentcustomerid_value=row_id(0, "4"),
                          **{f"_parentcustomerid_value@{kind}": "account"})  # fmt: skip


# Rows and persons that are new.


def new_rows(table: str) -> Act:
    def happens(world: World) -> None:
        for n in range(5):
            world.dynamics.put(
                table, row_id(n, "6"), lastname=f"New {n}", emailaddress1=f"n{n}@example.com", statecode=0, statuscode=1
            )

    return happens


def known_by_email(world: World) -> None:
    world.person(lastName="Known", email="known@example.com", title="theirs")
    world.lead(lastname="Known", emailaddress1="KNOWN@example.com", jobtitle="ours")


def known_by_id(world: World) -> None:
    world.person(lastName="Known", dynamicsId=row_id(1, "7"), title="theirs")
    world.dynamics.put("leads", row_id(1, "7"), lastname="Known", jobtitle="ours", statecode=0, statuscode=1)


def shared_email(world: World) -> None:
    world.person(lastName="One", email="known@example.com")
    world.person(lastName="Two", email="known@example.com")
    world.lead(lastname="Known", emailaddress1="known@example.com")


def claimed_by_two(world: World) -> None:
    world.person(lastName="One", email="known@example.com")
    world.lead(lastname="Known", emailaddress1="known@example.com")
    world.contact(lastname="Known", emailaddress1="known@example.com")


def without_email(world: World) -> None:
    world.lead(lastname="Nobody", jobtitle="unknown")
    world.contact(lastname="Nobody else")


# Edits.


def sales(entity: str = "lead", number: int = 0, **columns: object) -> Act:
    row = row_id(number, "1" if entity == "lead" else "2")
    return lambda world: world.dynamics.change(f"{entity}s", row, **columns)


def marketing(entity: str = "lead", number: int = 0, **fields: object) -> Act:
    return lambda world: world.marketo.change("person", person(world, number, entity), **fields)


def both(*acts: Act) -> Act:
    def happens(world: World) -> None:
        for act in acts:
            act(world)

    return happens


def everybody(world: World) -> None:
    for n in range(3):
        world.dynamics.change("leads", row_id(n), jobtitle=f"sales {n}")
        world.marketo.change("person", person(world, n), city=f"Marketing {n}")
        world.dynamics.change("contacts", row_id(n, "2"), jobtitle=f"sales {n}")
        world.marketo.change("person", person(world, n, "contact"), title=f"marketing {n}", unsubscribed=True)


def opted_out_and_in(world: World) -> None:
    sales("contact", donotbulkemail=False)(world)
    marketing("contact", unsubscribed=True)(world)


def reread() -> dict[str, Any]:
    return {"reread_after": 0}


def raced(call: str, **fields: object) -> Act:
    """Let somebody edit a lead's person once, while a cycle writes to Dynamics or reads persons again."""

    def act(world: World) -> None:
        edited, connector = person(world), world.dynamics if call == "write" else world.marketo
        made: Callable[..., Any] = getattr(connector, call)

        def meanwhile(*given: Any) -> Any:
            held = world.marketo.row("person", edited) or {}
            if any(held.get(name) != value for name, value in fields.items()):
                world.marketo.change("person", edited, **fields)
            return made(*given)

        setattr(connector, call, meanwhile)
        world.engine.run()

    return act


# Deletions, conversions, merges.


def row_gone(world: World) -> None:
    world.dynamics.remove("leads", row_id(0))


def person_gone(world: World) -> None:
    world.marketo.remove("person", person(world))


def qualified(world: World, contact: str | None = None) -> None:
    became = contact or world.dynamics.put(
        "contacts", row_id(9, "2"), lastname="Lead 0", emailaddress1="l0@example.com", jobtitle="buyer", statecode=0,
        statuscode=1, _originatingleadid_value=row_id(0),
    )  # fmt: skip
    world.dynamics.change("leads", row_id(0), statecode=1, statuscode=3, _parentcontactid_value=became)


def only_the_contact_tells(world: World) -> None:
    world.dynamics.put(
        "contacts", row_id(9, "2"), lastname="Lead 0", emailaddress1="l0@example.com", statecode=0, statuscode=1,
        _originatingleadid_value=row_id(0),
    )  # fmt: skip


def rows_merged(world: World) -> None:
    world.dynamics.merge("leads", row_id(1), row_id(0))


def rows_merged_in_a_chain(world: World) -> None:
    """Two leads merged, one after the other, into one that is qualified into a contact: four persons become one."""
    for n in range(3):
        world.marketo.change("person", person(world, n), leadScore=10**n, unsubscribed=n == 1)
    world.marketo.change("person", person(world, 0, "contact"), leadScore=1000)
    world.dynamics.merge("leads", row_id(2), row_id(1))
    world.dynamics.merge("leads", row_id(1), row_id(0))
    qualified(world, row_id(0, "2"))


def merged_on_both_sides(world: World) -> None:
    """Rows merged in Dynamics, and their persons by hand in Marketo, the other way round."""
    world.marketo.merge("person", person(world, 0), person(world, 1))
    rows_merged(world)


def merged_into_a_new_row(world: World) -> None:
    world.dynamics.put("leads", row_id(8), lastname="Survivor", statecode=0, statuscode=1)
    world.dynamics.merge("leads", row_id(1), row_id(8))


def persons_merged(world: World) -> None:
    winner = world.person(lastName="Winner", email="winner@example.com", title="winner's")
    world.marketo.merge("person", person(world), winner)


def persons_of_two_rows_merged(world: World) -> None:
    world.marketo.merge("person", person(world, 1), person(world, 0))


# Pushes.


def strangers(world: World) -> None:
    for n in range(3):
        world.person(lastName=f"Stranger {n}", email=f"s{n}@example.com", company="Oasis")


def push(as_entity: str) -> Act:
    def act(world: World) -> None:
        ids = [i for i, p in world.marketo.rows("person").items() if str(p.get("lastName")).startswith("Stranger")]
        world.engine.push_persons(ids, as_entity=as_entity)
        world.engine.run()

    return act


def stranger_with_a_row(world: World) -> None:
    strangers(world)
    world.lead(lastname="Stranger 0", emailaddress1="s0@example.com")


def forced(world: World) -> None:
    world.engine.sync_records([row_id(0), row_id(1)], entity="lead")


def refused(side: str, code: str) -> Act:
    def happens(world: World) -> None:
        def refuse(write: Write) -> Problem | None:
            bad = write.values.get("job_title") == "bad"
            return Problem(code, "refused") if bad else None

        connector = world.marketo if side == "marketo" else world.dynamics
        connector.refuse = refuse
        (sales if side == "marketo" else marketing)(**{("jobtitle" if side == "marketo" else "title"): "bad"})(world)
        everybody_but_the_first(world)

    return happens


def everybody_but_the_first(world: World) -> None:
    for n in (1, 2):
        world.dynamics.change("leads", row_id(n), address1_city=f"Town {n}")
        world.marketo.change("person", person(world, n), title=f"marketing {n}")


def no_longer_refused(world: World) -> None:
    refused("marketo", "1006")(world)
    world.engine.run()
    world.marketo.refuse = None
    world.later(hours=2)


def filtered() -> dict[str, Any]:
    return {"filters": {"lead": lambda row: row.values.get("job_title") != "outside"}}


def entered_again(world: World) -> None:
    sales(jobtitle="outside")(world)
    world.engine.run()
    world.later(minutes=5)
    sales(jobtitle="inside", address1_city="Back")(world)


def without_the_new_field(world: World) -> None:
    people(world)
    world.engine = world.new_engine(entities=(Lead, Contact))


def new_mapping(world: World) -> None:
    everybody(world)
    world.engine = world.new_engine()


def expired(*sides: str) -> Act:
    def happens(world: World) -> None:
        everybody(world)
        for side in sides:
            (world.marketo if side == "marketo" else world.dynamics).expire()

    return happens


# Companies, owners, deals, objects of one's own.


def renamed(table: str, row: str, **columns: object) -> Act:
    return lambda world: world.dynamics.change(table, row, **columns)


def new_company(world: World) -> None:
    kind = "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
    account = world.dynamics.put("accounts", row_id(1, "4"), name="Gadgets")
    world.dynamics.change("contacts", row_id(1, "2"), _parentcustomerid_value=account, **{kind: "account"})
    world.dynamics.put("opportunities", row_id(1, "5"), name="Other", _parentaccountid_value=account)


def company_that_comes_later(world: World) -> None:
    kind = "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
    world.dynamics.change("contacts", row_id(1, "2"), _parentcustomerid_value=row_id(1, "4"), **{kind: "account"})
    world.engine.run()
    world.dynamics.put("accounts", row_id(1, "4"), name="Gadgets")


def events(world: World) -> None:
    for n in range(3):
        world.dynamics.put("new_events", row_id(n, "8"), new_name=f"Event {n}")


def event_changes(world: World) -> None:
    world.dynamics.change("new_events", row_id(0, "8"), new_name="Renamed")
    world.dynamics.remove("new_events", row_id(1, "8"))
    world.dynamics.put("new_events", row_id(3, "8"), new_name="Event 3")


def joined(world: World, number: int, deal: str, contact: str, role: str) -> None:
    ends = {"record1id": ("opportunity", deal), "record2id": ("contact", contact), "record2roleid": ("role", role)}
    columns = {f"_{name}_value": row for name, (_, row) in ends.items()}
    kinds = {f"_{n}_value@Microsoft.Dynamics.CRM.lookuplogicalname": table for n, (table, _) in ends.items()}
    world.dynamics.put("connections", row_id(number, "9"), statecode=0, **columns, **kinds)


def roles(world: World) -> None:
    deals(world)
    for n, name in enumerate(("Decision Maker", "Influencer")):
        world.dynamics.put("connectionroles", row_id(n, "6"), name=name, category=1000)
    kind = "_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
    world.dynamics.change("opportunities", row_id(0, "5"), _customerid_value=row_id(0, "2"), **{kind: "contact"})
    for n in range(2):
        joined(world, n, row_id(0, "5"), row_id(n, "2"), row_id(0, "6"))


def roles_change(world: World) -> None:
    world.dynamics.remove("connections", row_id(0, "9"))
    world.dynamics.change("connections", row_id(1, "9"), _record2roleid_value=row_id(1, "6"))
    joined(world, 2, row_id(0, "5"), row_id(2, "2"), row_id(0, "6"))


def deal_with_roles_gone(world: World) -> None:
    world.dynamics.remove("opportunities", row_id(0, "5"))
    for n in range(2):
        world.dynamics.remove("connections", row_id(n, "9"))


def stakeholder_merged(world: World) -> None:
    other = world.person(lastName="Other", email="other@example.com")
    world.marketo.merge("person", person(world, 1, "contact"), other)


def deleting(**by_name: OnDelete) -> Callable[[], dict[str, Any]]:
    return lambda: {"on_delete": by_name}


def rows_follow() -> dict[str, Any]:
    return {"on_delete": {("lead", Side.MARKETO): OnDelete.DELETE}}


PERSON = {"before": people}
DEAL: dict[str, Any] = {"before": deals, "entities": OBJECTS}
ROLE: dict[str, Any] = {"before": roles, "entities": (*OBJECTS, OpportunityRole)}

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("first-copy-of-leads", new_rows("leads")),
    Scenario("first-copy-of-contacts", new_rows("contacts")),
    Scenario("first-copy-of-everything", deals, entities=OBJECTS),
    Scenario("known-by-email", known_by_email, **PERSON),
    Scenario("known-by-crm-id", known_by_id, **PERSON),
    Scenario("email-of-two-persons", shared_email, **PERSON),
    Scenario("person-claimed-by-two-rows", claimed_by_two, **PERSON),
    Scenario("rows-without-email", without_email, **PERSON),
    Scenario("edited-in-dynamics", sales(jobtitle="new"), **PERSON),
    Scenario("edited-in-marketo", marketing(title="new"), **PERSON),
    Scenario("different-fields", both(sales(jobtitle="new"), marketing(city="Town")), **PERSON),
    Scenario("clash-of-a-lead", both(sales(jobtitle="s"), marketing(title="m")), **PERSON),
    Scenario("clash-of-a-contact", both(sales("contact", jobtitle="s"), marketing("contact", title="m")), **PERSON),
    Scenario("same-value-on-both", both(sales(jobtitle="new"), marketing(title="new")), **PERSON),
    Scenario("cleared-in-dynamics", sales(jobtitle=None), **PERSON),
    Scenario("cleared-in-marketo", marketing(title=None), **PERSON),
    Scenario("opt-out-in-marketo", both(marketing(unsubscribed=True), sales(jobtitle="new")), **PERSON),
    Scenario("opt-out-in-dynamics", both(sales(donotbulkemail=True), marketing(title="new")), **PERSON),
    Scenario(
        "opt-out-against-opt-in",
        both(sales("contact", donotbulkemail=False), marketing("contact", unsubscribed=True)),
        **PERSON,
    ),
    Scenario(
        "held-for-a-human",
        both(sales(jobtitle="s", address1_city="T"), marketing(title="m")),
        options=lambda: {"policies": {"lead": Hold()}},
        **PERSON,
    ),
    Scenario("everybody-edited", everybody, **PERSON),
    Scenario("edited-while-dynamics-is-written", everybody, act=raced("write", title="late"), options=reread, **PERSON),
    Scenario(
        "edited-before-it-is-read-again",
        both(sales(jobtitle="s"), sales("contact", jobtitle="s")),
        act=raced("fetch", title="late", city="Late"),
        options=reread,
        **PERSON,
    ),
    Scenario("row-deleted", row_gone, **PERSON),
    Scenario("row-deleted-person-follows", row_gone, options=deleting(lead=OnDelete.DELETE), **PERSON),
    Scenario("row-deleted-person-kept", row_gone, options=deleting(lead=OnDelete.KEEP), **PERSON),
    Scenario("person-deleted", person_gone, **PERSON),
    Scenario("person-deleted-row-follows", person_gone, options=rows_follow, **PERSON),
    Scenario("person-deleted-row-edited", both(person_gone, sales(jobtitle="still here")), **PERSON),
    Scenario("both-deleted", both(person_gone, row_gone), **PERSON),
    Scenario("qualified", qualified, **PERSON),
    Scenario("qualified-and-edited", both(marketing(title="m", city="C"), qualified), **PERSON),
    Scenario("qualified-into-a-known-contact", lambda world: qualified(world, row_id(0, "2")), **PERSON),
    Scenario("only-the-contact-tells", only_the_contact_tells, **PERSON),
    Scenario("rows-merged", rows_merged, **PERSON),
    Scenario("rows-merged-person-held", rows_merged, options=lambda: {"on_merge": OnMerge.HOLD}, **PERSON),
    Scenario("rows-merged-and-edited", both(sales(jobtitle="s"), marketing(city="C"), rows_merged), **PERSON),
    Scenario("rows-merged-in-a-chain", rows_merged_in_a_chain, **PERSON),
    Scenario("rows-and-persons-merged", merged_on_both_sides, **PERSON),
    Scenario("rows-merged-into-a-new-one", merged_into_a_new_row, **PERSON),
    Scenario("persons-merged", persons_merged, **PERSON),
    Scenario("persons-merged-and-edited", both(sales(jobtitle="s"), persons_merged), **PERSON),
    Scenario("persons-of-two-rows-merged", persons_of_two_rows_merged, **PERSON),
    Scenario("pushed-as-leads", strangers, act=push("lead"), **PERSON),
    Scenario("pushed-as-contacts", strangers, act=push("contact"), **PERSON),
    Scenario("pushed-though-there", stranger_with_a_row, act=push("lead"), **PERSON),
    Scenario("pushed-by-rule", strangers, options=lambda: {"push_rule": lambda person: "lead"}, **PERSON),
    Scenario("chosen-records", everybody, act=forced, **PERSON),
    Scenario("refused-by-marketo", refused("marketo", "1006"), **PERSON),
    Scenario("refused-by-dynamics", refused("dynamics", "0x80044331"), **PERSON),
    Scenario("no-longer-refused", no_longer_refused, **PERSON),
    Scenario("left-the-filter", both(sales(jobtitle="outside"), marketing(city="Town")), options=filtered, **PERSON),
    Scenario("entered-the-filter-again", entered_again, options=filtered, **PERSON),
    Scenario("mapping-changed", new_mapping, before=without_the_new_field, entities=(Mapped, Contact)),
    Scenario("marketo-forgot", expired("marketo"), **PERSON),
    Scenario("dynamics-forgot", expired("dynamics"), **PERSON),
    Scenario("both-forgot", expired("marketo", "dynamics"), **PERSON),
    Scenario("company-renamed", renamed("accounts", row_id(0, "4"), name="Better Widgets"), **DEAL),
    Scenario("company-and-what-hangs-on-it", new_company, **DEAL),
    Scenario("company-that-comes-later", company_that_comes_later, **DEAL),
    Scenario("company-deleted", lambda world: world.dynamics.remove("accounts", row_id(0, "4")), **DEAL),
    Scenario("owner-renamed", renamed("systemusers", row_id(0, "3"), firstname="Ada"), **DEAL),
    Scenario("deal-changed", renamed("opportunities", row_id(0, "5"), name="Bigger", estimatedvalue=7), **DEAL),
    Scenario("deal-deleted", lambda world: world.dynamics.remove("opportunities", row_id(0, "5")), **DEAL),
    Scenario("team-that-owns", team_takes_over, before=teams, entities=(User, Team, TeamMember, Lead, Contact)),
    Scenario(
        "owner-deleted",
        lambda world: world.dynamics.remove("systemusers", row_id(0, "3")),
        options=deleting(user=OnDelete.DELETE),
        **DEAL,
    ),
    Scenario("first-copy-of-roles", roles, entities=(*OBJECTS, OpportunityRole)),
    Scenario("roles-change", roles_change, **ROLE),
    Scenario("deal-with-roles-deleted", deal_with_roles_gone, **ROLE),
    Scenario("stakeholder-merged-in-marketo", stakeholder_merged, **ROLE),
    Scenario("own-objects", event_changes, before=events, entities=(Event, Lead)),
)

#: Swept by every pair of kills.
TWICE = (
    "first-copy-of-leads",
    "known-by-email",
    "different-fields",
    "clash-of-a-contact",
    "row-deleted",
    "person-deleted-row-edited",
    "qualified",
    "rows-merged-into-a-new-one",
    "persons-merged",
    "pushed-though-there",
    "own-objects",
    "roles-change",
)
