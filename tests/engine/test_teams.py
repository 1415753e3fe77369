"""Teams: sales persons beside the users, so that what a team owns has an owner in Marketo."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    Entity,
    Guid,
    Lead,
    Opportunity,
    Team,
    User,
    custom_object,
    entity,
    mapped,
)
from tests.engine.world import World

OWNER_TEAM, ACCESS_TEAM, SECURITY_GROUP, OFFICE_GROUP = range(4)
EVERYTHING = (User, Team, Account, Lead, Contact, Opportunity)
OWNER = "_ownerid_value"
TABLE = f"{OWNER}@Microsoft.Dynamics.CRM.lookuplogicalname"


@entity(
    name="team_member",
    marketo=custom_object("teamMember_c", dedupe="membershipId"),
    dynamics="teammemberships",
    direction=Direction.TO_MARKETO,
)
class TeamMember(Entity):
    """A user's membership in a team."""

    membership_id: Guid | None = mapped(marketo="membershipId", dynamics="teammembershipid", key=True)
    team_id: Guid | None = mapped(marketo="teamId", dynamics="teamid")
    user_id: Guid | None = mapped(marketo="userId", dynamics="systemuserid")


def team(world: World, name: str = "North", kind: int = OWNER_TEAM) -> str:
    return world.dynamics.put("teams", name=name, teamtype=kind)


def sales_persons(world: World) -> dict[object, object]:
    return {row["externalSalesPersonId"]: row.get("lastName") for row in world.marketo.rows("salesperson").values()}


def owned_by(owner: str, table: str = "team") -> dict[str, object]:
    return {OWNER: owner, TABLE: table}


def test_what_a_team_owns_has_the_team_as_its_sales_person() -> None:
    world = World(EVERYTHING)
    north = team(world)
    user = world.dynamics.put("systemusers", lastname="Hopper", internalemailaddress="grace@sales.example")
    account = world.dynamics.put("accounts", name="Widgets", **owned_by(north))
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com", **owned_by(north))
    contact = world.contact(lastname="King", **owned_by(user, "systemuser"))
    world.dynamics.put("opportunities", name="Big one", **owned_by(north))
    world.settle()
    assert sales_persons(world) == {north: "North", user: "Hopper"}
    assert world.person_of("lead", lead)["externalSalesPersonId"] == north
    assert world.person_of("contact", contact)["externalSalesPersonId"] == user
    for name in ("company", "opportunity"):
        (row,) = world.marketo.rows(name).values()
        assert row["externalSalesPersonId"] == north
    assert world.linked("account", account)
    assert list(world.store.parked()) == []


def test_a_record_moves_from_a_user_to_a_team_and_back() -> None:
    world = World(EVERYTHING)
    north, user = team(world), world.dynamics.put("systemusers", lastname="Hopper")
    lead = world.lead(lastname="Byron", emailaddress1="ada@x.com", **owned_by(user, "systemuser"))
    for owner, kind in ((user, "systemuser"), (north, "team"), (user, "systemuser")):
        world.dynamics.change("leads", lead, **owned_by(owner, kind))
        world.settle()
        assert world.person_of("lead", lead)["externalSalesPersonId"] == owner


def test_without_teams_the_owner_stays_empty() -> None:
    world = World((User, Lead))
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", **owned_by("00000000-0000-4000-8000-0000000000aa"))
    world.settle()
    assert world.person_of("lead", row).get("externalSalesPersonId") is None
    assert list(world.store.parked()) == []


def test_teams_that_are_synced_later_fill_the_owner_of_what_they_own() -> None:
    world = World(EVERYTHING)
    north = team(world)
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", **owned_by(north))
    world.new_engine(entities=(User, Account, Lead)).run()
    assert world.person_of("lead", row).get("externalSalesPersonId") is None
    report = world.engine.run()
    assert "the mapping of 'lead' changed" in report.full_comparisons
    assert world.person_of("lead", row)["externalSalesPersonId"] == north
    world.settle()


@pytest.mark.parametrize(
    ("kind", "synced"), [(OWNER_TEAM, True), (ACCESS_TEAM, False), (SECURITY_GROUP, True), (OFFICE_GROUP, True)]
)
def test_teams_that_can_own_rows_are_synced_and_others_not(kind: int, synced: bool) -> None:
    world = World((Team,))
    row = team(world, kind=kind)
    world.settle()
    assert sales_persons(world) == ({row: "North"} if synced else {})


def test_a_filter_of_the_users_own_takes_the_place_of_that_rule() -> None:
    world = World((Team,), filters={"team": lambda row: row.values["name"] == "South"})
    team(world)
    south = team(world, "South", ACCESS_TEAM)
    world.settle()
    assert sales_persons(world) == {south: "South"}


def test_an_owner_team_that_becomes_an_access_team_stays_as_it_was() -> None:
    world = World((Team,))
    row = team(world)
    world.settle()
    world.dynamics.change("teams", row, teamtype=ACCESS_TEAM, name="Shared")
    world.settle()
    assert sales_persons(world) == {row: "North"}


def test_a_team_flows_from_dynamics_only() -> None:
    world = World((Team,))
    row = team(world)
    world.settle()
    (record,) = world.marketo.rows("salesperson")
    world.marketo.change("salesperson", record, lastName="Somebody else")
    world.dynamics.change("teams", row, emailaddress="north@x.com")
    assert [step.to_dynamics for step in world.engine.plan().steps] == [{}]
    world.settle()
    assert sales_persons(world) == {row: "North"}
    assert (world.dynamics.row("teams", row) or {})["name"] == "North"


def test_a_sales_person_of_a_team_that_is_gone_stays() -> None:
    world = World((Team,))
    row = team(world)
    world.settle()
    world.dynamics.remove("teams", row)
    world.settle()
    assert sales_persons(world) == {row: "North"}


def test_the_plan_of_teams_and_members_is_what_the_run_does() -> None:
    world = World((User, Team, TeamMember))
    north, user = team(world), world.dynamics.put("systemusers", lastname="Hopper")
    world.dynamics.put("teammemberships", teamid=north, systemuserid=user)
    planned = world.engine.plan()
    report = world.engine.run()
    assert sum(step.writes_marketo for step in planned.steps) == report.total("to Marketo") == 3
    (member,) = world.marketo.rows("teamMember_c").values()
    assert (member["teamId"], member["userId"]) == (north, user)
