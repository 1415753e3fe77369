"""Teams and their members, and the option labels of another language, over real sockets."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync import errors
from marketo_dynamics_sync.entities import Account, Contact, Lead, Team, User
from marketo_dynamics_sync.sandbox.marketo import ObjectField
from tests.end_to_end.conftest import Pair
from tests.engine.test_teams import TeamMember


def seeded(pair: Pair) -> tuple[str, str, str]:
    dynamics = pair.sandbox.dynamics
    team = dynamics.create("team", name="Équipe 北", teamtype=0)
    dynamics.create("team", name="Shared with", teamtype=1)
    user = dynamics.create("systemuser", firstname="Grace", lastname="Hopper", internalemailaddress="grace@sales.com")
    lead = dynamics.create("lead", lastname="Byron", **{"ownerid@odata.bind": f"/teams({team})"})
    return team, user, lead


def members(pair: Pair) -> set[tuple[object, object]]:
    return {(record["teamId"], record["userId"]) for record in pair.sandbox.marketo.objects("teamMember_c")}


def test_what_a_team_owns_has_the_team_as_its_sales_person(pair: Pair) -> None:
    team, user, lead = seeded(pair)
    account = pair.sandbox.dynamics.create("account", name="Widgets", **{"ownerid@odata.bind": f"/teams({team})"})
    engine = pair.engine((User, Team, Account, Lead, Contact))
    report = engine.run()
    assert report.complete
    names = {r["externalSalesPersonId"]: r.get("lastName") for r in pair.sandbox.marketo.objects("salespersons")}
    assert names[team] == "Équipe 北"
    assert names[user] == "Hopper"
    assert "Shared with" not in names.values()
    assert pair.person_of("lead", lead)["externalSalesPersonId"] == team
    (company,) = pair.sandbox.marketo.objects("companies")
    assert (company["externalCompanyId"], company["externalSalesPersonId"]) == (account, team)
    pair.settle(engine)
    pair.sandbox.dynamics.update("team", team, name="North")
    pair.settle(engine)
    names = {r["externalSalesPersonId"]: r.get("lastName") for r in pair.sandbox.marketo.objects("salespersons")}
    assert names[team] == "North"
    pair.forget_calls()
    pair.sandbox.clock.advance(300)
    engine.run()
    assert pair.writes == 0


def test_members_of_teams_come_and_go_with_a_table_that_has_no_change_tracking(pair: Pair) -> None:
    team, user, _ = seeded(pair)
    pair.sandbox.marketo.create_custom_object_type(
        "teamMember_c", [ObjectField("membershipId", dedupe=True), ObjectField("teamId"), ObjectField("userId")]
    )
    pair.sandbox.dynamics.join_team(team, user)
    engine = pair.engine((User, Team, TeamMember))
    pair.settle(engine)
    assert members(pair) == {(team, user)}
    other = pair.sandbox.dynamics.other_user_id
    pair.sandbox.dynamics.join_team(team, other)
    pair.sandbox.dynamics.leave_team(team, user)
    pair.settle(engine)
    assert members(pair) == {(team, other)}
    pair.forget_calls()
    pair.sandbox.clock.advance(300)
    engine.run()
    assert pair.writes == 0


GERMAN = {1: "Heiß", 2: "Lauwarm", 3: "Kalt"}


def german(pair: Pair) -> None:
    pair.sandbox.dynamics.speak(1031)
    pair.sandbox.dynamics.translate("lead", "leadqualitycode", 1031, GERMAN)
    pair.sandbox.dynamics.translate("lead", "statecode", 1031, {0: "Offen"})


def test_labels_come_and_go_in_the_language_asked_for(pair: Pair) -> None:
    german(pair)
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", leadqualitycode=1)
    engine = pair.engine([Lead], dynamics=pair.dynamics(language="de-DE"))
    pair.settle(engine)
    person = pair.person_of("lead", lead)
    assert (person["rating"], person["leadStatus"]) == ("Heiß", "Offen")
    for label, number in (("Kalt", 3), ("LAUWARM", 2), ("Hot", 1)):
        pair.sandbox.marketo.update_person(int(str(person["id"])), rating=label)
        pair.settle(engine)
        assert (pair.sandbox.dynamics.row("lead", lead) or {})["leadqualitycode"] == number


def test_labels_come_in_the_sync_users_own_language_where_none_is_asked_for(pair: Pair) -> None:
    german(pair)
    pair.sandbox.dynamics.speak(1031, user=1031)
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", leadqualitycode=1)
    pair.settle(pair.engine([Lead]))
    assert pair.person_of("lead", lead)["rating"] == "Heiß"


def test_another_language_is_a_full_comparison_that_changes_no_choice(pair: Pair) -> None:
    german(pair)
    lead = pair.sandbox.dynamics.create("lead", lastname="Byron", leadqualitycode=1)
    pair.settle(pair.engine([Lead]))
    engine = pair.engine([Lead], dynamics=pair.dynamics(language=1031))
    report = engine.run()
    assert report.full_comparisons == ["the mapping of 'lead' changed"]
    assert list(pair.store.parked()) == []
    pair.sandbox.dynamics.update("lead", lead, leadqualitycode=3)
    pair.settle(engine)
    assert pair.person_of("lead", lead)["rating"] == "Kalt"


def test_a_language_that_is_not_there_stops_before_anything_is_written(pair: Pair) -> None:
    pair.sandbox.dynamics.create("lead", lastname="Byron")
    engine = pair.engine([Lead], dynamics=pair.dynamics(language="fr"))
    with pytest.raises(errors.ConfigurationError, match=r"1036 \(fr-FR\); it has 1033 \(en-US\)"):
        engine.run()
    assert not engine.check().passed
    assert pair.writes == 0
