"""The second part of the demo: owners, teams, companies, deals, who takes part in them, and objects of one's own."""

from __future__ import annotations

from rich.console import Console

from marketo_dynamics_sync import SyncEngine, Task
from marketo_dynamics_sync.entities import Direction, Entity, Guid, custom_object, entity, mapped
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.sandbox.marketo import ObjectField


@entity(
    name="team_member",
    marketo=custom_object("teamMember_c", dedupe="membershipId"),
    dynamics="teammemberships",
    direction=Direction.TO_MARKETO,
)
class TeamMember(Entity):
    """An entity of the demo's own: who belongs to which team, in a custom object."""

    membership_id: Guid | None = mapped(marketo="membershipId", dynamics="teammembershipid", key=True)
    team: Guid | None = mapped(marketo="teamId", dynamics="teamid")
    user: Guid | None = mapped(marketo="userId", dynamics="systemuserid")


def make_custom_object(sandbox: Sandbox) -> None:
    """Make the custom object that :class:`TeamMember` lives in, as a Marketo admin does."""
    fields = [ObjectField("membershipId", dedupe=True), ObjectField("teamId"), ObjectField("userId")]
    sandbox.marketo.create_custom_object_type("teamMember_c", fields)


def show_companies(console: Console, sandbox: Sandbox, engine: SyncEngine) -> None:
    """Add companies, their owners and their deals to the same sync."""
    console.rule("5. Then owners, teams, companies and deals join")
    dynamics, marketo = sandbox.dynamics, sandbox.marketo
    owner = dynamics.create(
        "systemuser", firstname="Grace", lastname="Hopper", internalemailaddress="grace@sales.example"
    )
    team = dynamics.create("team", name="North", teamtype=0)
    dynamics.join_team(team, owner)
    mine, theirs = {"ownerid@odata.bind": f"/systemusers({owner})"}, {"ownerid@odata.bind": f"/teams({team})"}
    accounts = [
        dynamics.create("account", name=f"Company {n}", address1_city="Łódź", **(theirs if n % 4 == 0 else mine))
        for n in range(40)
    ]
    contacts = [str(row["contactid"]) for row in dynamics.all_rows("contact")[:200]]
    for n, contact in enumerate(contacts):
        company = {"parentcustomerid_account@odata.bind": f"/accounts({accounts[n % 40]})"}
        dynamics.update("contact", contact, **company)
    about = {"parentaccountid@odata.bind": f"/accounts({accounts[0]})"}
    deals = [dynamics.create("opportunity", name=f"Deal {n}", estimatedvalue=100.0 * n, **about) for n in range(60)]
    decides = dynamics.create("connectionrole", name="Decision Maker", category=1000)
    for deal, contact in zip(deals, contacts[:20], strict=False):
        dynamics.create(
            "connection",
            **{
                "record1id_opportunity@odata.bind": f"/opportunities({deal})",
                "record2id_contact@odata.bind": f"/contacts({contact})",
                "record2roleid@odata.bind": f"/connectionroles({decides})",
            },
        )
    sandbox.clock.advance(minutes=10)
    engine.run()
    people = sum(1 for person in marketo.persons() if person.get("externalCompanyId"))
    owned = sum(1 for company in marketo.objects("companies") if company.get("externalSalesPersonId") == team)
    console.print(
        f"  {len(marketo.objects('companies'))} companies, {len(marketo.objects('opportunities'))} opportunities with "
        f"{len(marketo.objects('opportunities/roles'))} roles, and {len(marketo.objects('salespersons'))} sales\n"
        f"  persons in Marketo; {people} people belong to their company, {owned} companies to a team.\n"
        f"  {len(marketo.objects('teamMember_c'))} membership of a team, in a custom object that this demo maps by a "
        "class of its own."
    )
    dynamics.update("account", accounts[0], name="Company 0, renamed")
    dynamics.delete("opportunity", deals[0])
    sandbox.clock.advance(minutes=10)
    engine.run()
    renamed = next(c for c in marketo.objects("companies") if c["externalCompanyId"] == accounts[0])
    console.print(
        f"  One company was renamed in Dynamics: {renamed['company']!r}. One deal was deleted there with its role: "
        f"{len(marketo.objects('opportunities'))} deals\n"
        f"  and {len(marketo.objects('opportunities/roles'))} roles are left. These flow one way: in Dynamics nothing "
        "of theirs was written.\n"
    )
    show_actions(console, sandbox, engine, owner)
    console.print("And this is how it goes, as the state store knows it, without a call:")
    for line in list(engine.status().lines())[:24]:
        console.print(f"  {line}")


def show_actions(console: Console, sandbox: Sandbox, engine: SyncEngine, owner: str) -> None:
    """Do what a Marketo campaign asks for, for one person, now."""
    visitor = sandbox.marketo.create_person(email="late@example.org", firstName="Ida", lastName="Rhodes", company="Leo")
    engine.assign_owner([visitor], owner)
    engine.create_tasks([visitor], Task(subject="Call her back"), key="demo")
    row = next(row for row in sandbox.dynamics.all_rows("lead") if row.get("emailaddress1") == "late@example.org")
    (task,) = sandbox.dynamics.all_rows("task")
    console.print(
        f"  On request, at once: {row['fullname']} was made in Dynamics, given an owner, and a task "
        f"{task['subject']!r} that is due\n  on {str(task['scheduledend'])[:10]}.\n"
    )
