"""Related rows: expanded, as filtered collections, and as references."""

from __future__ import annotations

from urllib.parse import unquote

import pytest


@pytest.fixture
def company(service) -> tuple[str, list[str]]:
    account = service.create("account", name="ACME", telephone1="1")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    contacts = [service.create("contact", lastname=name, **bind) for name in ("Able", "Baker", "Clark")]
    service.update("account", account, **{"primarycontactid@odata.bind": f"/contacts({contacts[1]})"})
    service.create("contact", lastname="Elsewhere")
    return account, contacts


def test_a_lookup_is_expanded(api, company) -> None:
    account, contacts = company
    path = f"accounts({account})?$select=name&$expand=primarycontactid($select=lastname),createdby($select=fullname)"
    row = api.get(path).json
    assert row["@odata.context"].endswith("#accounts(name,primarycontactid(lastname),createdby(fullname))/$entity")
    assert row["primarycontactid"] == {"lastname": "Baker", "contactid": contacts[1]}
    user = row["createdby"]
    assert user["fullname"] == "Sally Sales"
    assert user["ownerid"] == user["systemuserid"]
    assert api.get(f"accounts({account})?$expand=parentaccountid").json["parentaccountid"] is None


def test_a_collection_is_expanded_with_a_link_to_itself(api, company) -> None:
    account, contacts = company
    inner = "$select=lastname;$filter=lastname ne 'Able';$orderby=lastname desc;$top=1"
    row = api.get(f"accounts({account})?$select=name&$expand=contact_customer_accounts({inner})").json
    (found,) = row["contact_customer_accounts"]
    assert (found["lastname"], found["_parentcustomerid_value"]) == ("Clark", account)
    assert found["@odata.etag"]
    link = row["contact_customer_accounts@odata.nextLink"]
    assert [each["contactid"] for each in api.get(link).value] == [contacts[2]]


def test_a_nested_expand_pages_its_collections(api, company) -> None:
    account, contacts = company
    nested = "$select=lastname;$expand=owninguser($select=fullname)"
    path = f"accounts({account})?$select=name&$expand=contact_customer_accounts({nested})"
    row = api.get(path, prefer="odata.maxpagesize=2").json
    found = row["contact_customer_accounts"]
    assert [each["contactid"] for each in found] == sorted(contacts)[:2]
    assert found[0]["owninguser"]["fullname"] == "Sally Sales"
    link = row["contact_customer_accounts@odata.nextLink"]
    assert "skiptoken" in unquote(link)
    rest = api.get(link, prefer="odata.maxpagesize=2").value
    assert [each["contactid"] for each in rest] == sorted(contacts)[2:]


def test_a_lookup_leads_to_a_reference(api, company) -> None:
    account, contacts = company
    row = api.get(f"accounts({account})?$select=name&$expand=primarycontactid/$ref,parentaccountid/$ref").json
    assert row["primarycontactid"]["@odata.id"].endswith(f"/contacts({contacts[1]})")
    assert row["parentaccountid"] is None
    assert "primarycontactid,primarycontactid/$ref()" in row["@odata.context"]


def test_a_polymorphic_lookup_shows_where_it_leads(api, company, service) -> None:
    _, contacts = company
    path = f"contacts({contacts[0]})?$select=lastname&$expand=parentcustomerid_account($select=name)"
    row = api.get(f"{path},parentcustomerid_contact($select=lastname)").json
    assert row["parentcustomerid_account"]["name"] == "ACME"
    assert row["parentcustomerid_contact"] is None


@pytest.mark.parametrize(
    ("expand", "code", "words"),
    [
        ("nowhere", "0x0", "named 'nowhere'"),
        ("primarycontactid($select=nothing)", "0x0", "type 'Microsoft.Dynamics.CRM.contact'"),
        ("primarycontactid($skip=1)", "0x80060888", "inside $expand"),
        ("primarycontactid($select=lastname", "0x80060888", "Syntax error"),
        ("primarycontactid($top=1)", "0x80060888", "Only $select and $filter clause"),
        ("contact_customer_accounts/$ref", "0x80060888", "only supported on lookup type"),
        ("contact_customer_accounts($top=1;$expand=owninguser)", "0x80060888", "Only $select and $filter clause"),
        (",".join(["primarycontactid"] * 16), "0x80060888", "maximum of 15"),
        ("territoryid", "0x80060888", "no table 'territory'"),
    ],
)
def test_what_cant_be_expanded(api, company, expand: str, code: str, words: str) -> None:
    answer = api.get(f"accounts?$expand={expand}")
    assert answer.code == code
    assert words in answer.message


def test_filters_look_into_collections(api, company) -> None:
    account, _ = company
    path = "accounts?$select=accountid&$filter=contact_customer_accounts"

    def found(text: str) -> list[str]:
        return api.ids(f"{path}/{text}", "accountid")

    assert found("any(c:c/lastname eq 'Baker')") == [account]
    assert found("any(c:c/lastname eq 'Nobody')") == []
    assert found("any()") == [account]
    assert found("all(c:c/owninguser/fullname eq 'Sally Sales')") == [account]
    assert found("all(c:c/lastname eq 'Baker')") == []
    assert api.get("accounts?$filter=nowhere/any()").code == "0x0"


def test_related_rows_have_addresses(api, company) -> None:
    account, contacts = company
    home = f"accounts({account})/contact_customer_accounts"
    assert api.ids(f"{home}?$select=lastname&$orderby=lastname", "contactid") == contacts
    assert api.get(f"{home}/$count?$filter=lastname eq 'Able'").body == b"1"
    references = api.get(f"{home}/$ref").value
    assert {row["@odata.id"].rpartition("(")[2].rstrip(")") for row in references} == set(contacts)
    page = api.get(home, prefer="odata.maxpagesize=2").json
    assert f"/accounts({account})/contact_customer_accounts?" in page["@odata.nextLink"]
    assert len(api.get(page["@odata.nextLink"], prefer="odata.maxpagesize=2").value) == 1
    one = api.get(f"accounts({account})/primarycontactid?$select=lastname").json
    assert one["lastname"] == "Baker"
    assert one["@odata.context"].endswith("#contacts(lastname)/$entity")
    assert api.get(f"accounts({account})/primarycontactid/$ref").json["@odata.id"].endswith(f"({contacts[1]})")
    assert api.get(f"accounts({account})/parentaccountid").status == 204
    assert api.get(f"accounts({account})/primarycontactid/$count").status == 405
    assert api.get(f"accounts({account})/nowhere").code == "0x0"
    assert api.get(f"accounts({account})/primarycontactid/lastname").failed == (404, "0x8006088a")
    assert api("PATCH", f"accounts({account})/primarycontactid", {}).status == 405
    assert api("POST", home, {}).status == 405


def test_references_are_set_and_taken_away(api, company, service) -> None:
    account, contacts = company
    home = f"accounts({account})"
    body = {"@odata.id": f"contacts({contacts[0]})"}
    assert api("PUT", f"{home}/primarycontactid/$ref", body).status == 204
    assert service.row("account", account)["_primarycontactid_value"] == contacts[0]
    assert api("DELETE", f"{home}/primarycontactid/$ref").status == 204
    assert "_primarycontactid_value" not in service.row("account", account)
    assert api("PUT", f"{home}/primarycontactid/$ref", {}).failed == (400, "0x80048d19")
    other = service.create("contact", lastname="Other")
    whole = {"@odata.id": f"https://contoso.crm.dynamics.com/api/data/v9.2/contacts({other})"}
    assert api("POST", f"{home}/contact_customer_accounts/$ref", whole).status == 204
    assert service.row("contact", other)["_parentcustomerid_value"] == account
    assert api("DELETE", f"{home}/contact_customer_accounts({other})/$ref").status == 204
    assert "_parentcustomerid_value" not in service.row("contact", other)
    query = f"$id=https://contoso.crm.dynamics.com/api/data/v9.2/contacts({contacts[2]})"
    assert api("DELETE", f"{home}/contact_customer_accounts/$ref?{query}").status == 204
    assert api("DELETE", f"{home}/contact_customer_accounts({contacts[2]})/$ref").status == 204
    assert api("DELETE", f"{home}/contact_customer_accounts/$ref").failed == (400, "0x80060888")
    assert api("PUT", f"{home}/contact_customer_accounts/$ref", body).status == 405
    wrong = {"@odata.id": f"accounts({account})"}
    assert api("POST", f"{home}/contact_customer_accounts/$ref", wrong).failed == (400, "0x80060888")
    wrong_id = f"$id=accounts({account})"
    assert api("DELETE", f"{home}/contact_customer_accounts/$ref?{wrong_id}").failed == (400, "0x80060888")


def test_users_join_teams(api, service) -> None:
    team = service.create("team", name="Sales")
    user = service.other_user_id
    body = {"@odata.id": f"systemusers({user})"}
    for _ in range(2):
        assert api("POST", f"teams({team})/teammembership_association/$ref", body).status == 204
    assert api.ids(f"teams({team})/teammembership_association?$select=fullname", "systemuserid") == [user]
    assert api.ids(f"systemusers({user})/teammembership_association", "teamid") == [team]
    expanded = api.get(f"teams({team})?$expand=teammembership_association($select=fullname)").json
    assert expanded["teammembership_association"][0]["fullname"] == "Sally Sales"
    assert api("DELETE", f"systemusers({user})/teammembership_association({team})/$ref").status == 204
    assert api("DELETE", f"systemusers({user})/teammembership_association({team})/$ref").status == 204
    assert api.ids(f"teams({team})/teammembership_association", "systemuserid") == []
    assert (
        api("POST", f"systemusers({user})/teammembership_association/$ref", {"@odata.id": f"teams({team})"}).status
        == 204
    )
    assert api.ids(f"teams({team})/teammembership_association", "systemuserid") == [user]


def test_the_table_behind_a_relationship_has_a_row_for_each_pair(api, service) -> None:
    team, user = service.create("team", name="Sales"), service.other_user_id
    service.join_team(team, user)
    service.join_team(team, user)
    (row,) = api.get("teammemberships?$select=teamid,systemuserid").value
    assert {"teamid": team, "systemuserid": user}.items() <= row.items()
    assert row["@odata.etag"]
    asked = f"teammemberships?$filter=systemuserid eq {user} and teamid eq {team}&$select=teammembershipid"
    assert api.ids(asked, "teammembershipid") == [row["teammembershipid"]]
    address = f"teammemberships({row['teammembershipid']})"
    assert api.get(address).json["teamid"] == team
    assert api("POST", "teammemberships", {"teamid": team}).failed == (400, "0x80040800")
    assert api("PATCH", address, {"teamid": team}).failed == (400, "0x80040800")
    assert api("DELETE", address).failed == (400, "0x80040800")
    assert api.get("teammemberships", prefer="odata.track-changes").failed == (400, "0x80072491")
    service.leave_team(team, user)
    service.leave_team(team, user)
    assert api.ids("teammemberships", "teammembershipid") == []


@pytest.mark.parametrize("table", ["team", "systemuser"])
def test_a_row_that_goes_takes_its_pairs_with_it(api, service, table: str) -> None:
    team, user = service.create("team", name="Sales"), service.create("systemuser", firstname="Ann")
    service.join_team(team, user)
    service.join_team(team, service.other_user_id)
    service.delete(table, team if table == "team" else user)
    left = [] if table == "team" else [service.other_user_id]
    assert api.ids("teammemberships", "systemuserid") == left


def test_the_table_behind_a_relationship_says_so(api) -> None:
    shown = api.get("EntityDefinitions(LogicalName='teammembership')?$select=IsIntersect,EntitySetName").json
    assert (shown["IsIntersect"], shown["EntitySetName"]) == (True, "teammemberships")
