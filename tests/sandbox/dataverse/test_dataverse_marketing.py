"""Marketing lists of the sandbox: members, campaigns, and what is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

ADD = "AddListMembersList"
TIE = "lists({})/Microsoft.Dynamics.CRM.AddItemCampaign"


def row(table: str, row_id: str) -> dict[str, str]:
    return {f"{table}id": row_id, "@odata.type": f"Microsoft.Dynamics.CRM.{table}"}


@pytest.fixture
def leads(service) -> str:
    return service.create("list", listname="Leads", createdfromcode=4)


def test_members_are_added_once(api, service, leads) -> None:
    lead, other = service.create("lead", lastname="A"), service.create("lead", lastname="B")
    body = {"List": row("list", leads), "Members": [row("lead", lead), row("lead", lead)]}
    assert api("POST", ADD, body).status == 204
    assert api("POST", ADD, body | {"Members": [row("lead", lead), row("lead", other)]}).status == 204
    path = f"listmembers?$select=_entityid_value,_createdby_value,entitytype&$filter=_listid_value eq {leads}"
    found = api.get(path).value
    assert sorted(member["_entityid_value"] for member in found) == sorted([lead, other])
    assert {(member["_createdby_value"], member["entitytype"]) for member in found} == {(service.user_id, "lead")}
    service.add_member(leads, "lead", service.create("lead", lastname="C"))
    assert [m["_createdby_value"] for m in api.get(path).value].count(service.other_user_id) == 1


def test_what_is_no_member_is_refused_as_a_whole(api, service, leads) -> None:
    lead, contact = service.create("lead", lastname="A"), service.create("contact", lastname="B")
    into = {"List": row("list", leads)}
    for members, failed in (
        ([row("lead", lead), row("contact", contact)], (400, "0x80040301")),
        ([row("lead", lead), row("lead", str(uuid4()))], (404, "0x80040217")),
        ([row("lead", lead), {}], (400, "0x80048d19")),
        (None, (400, "0x80048d19")),
    ):
        assert api("POST", ADD, into | {"Members": members}).failed == failed
    assert api("POST", ADD, {"List": row("list", str(uuid4())), "Members": []}).failed == (404, "0x80040217")
    assert api("POST", ADD, {"List": row("lead", lead), "Members": []}).failed == (400, "0x80048d19")
    assert api.get(ADD).status == 404
    moving = service.create("list", listname="Dynamic", createdfromcode=4, type=True)
    body = {"List": row("list", moving), "Members": [row("lead", lead)]}
    assert api("POST", ADD, body).failed == (400, "0x8004f701")
    assert service.all_rows("listmember") == []


def test_members_are_removed_by_deleting_them(api, service, leads) -> None:
    lead = service.create("lead", lastname="A")
    service.add_member(leads, "lead", lead)
    (member,) = service.all_rows("listmember")
    path = f"listmembers({member['listmemberid']})"
    assert api.get(path).failed == (405, "0x0")
    assert api("PATCH", path, {"name": "x"}).failed == (405, "0x0")
    assert api("POST", "listmembers", {}).failed == (501, "0x80040219")
    service.update("list", leads, lockstatus=True)
    assert api("DELETE", path).failed == (400, "0x80040302")
    assert api("POST", ADD, {"List": row("list", leads), "Members": [row("lead", lead)]}).failed == (400, "0x80040302")
    service.update("list", leads, lockstatus=False)
    assert api("DELETE", path).status == 204
    assert api("DELETE", path).failed == (404, "0x80040217")


@pytest.mark.parametrize("table", ["lead", "list"])
def test_members_go_with_their_row_and_with_their_list(service, leads, table) -> None:
    lead = service.create("lead", lastname="A")
    service.add_member(leads, "lead", lead)
    service.delete(table, {"lead": lead, "list": leads}[table])
    assert service.all_rows("listmember") == []


def test_lists_are_tied_to_campaigns(api, service, leads) -> None:
    campaign = service.create("campaign", name="Spring")
    body = {"Campaign": row("campaign", campaign)}
    first = api("POST", TIE.format(leads), body).json["campaignitemid"]
    assert api("POST", TIE.format(leads), body).json["campaignitemid"] == first
    tied = api.get(f"campaigns({campaign})/campaignlist_association?$select=listname").value
    assert [each["listname"] for each in tied] == ["Leads"]
    assert [each["name"] for each in api.get(f"lists({leads})/campaignlist_association?$select=name").value] == [
        "Spring"
    ]
    assert api("POST", TIE.format(leads), {}).failed == (400, "0x80048d19")
    assert api("POST", TIE.format(uuid4()), body).failed == (404, "0x80040217")
    assert api("POST", TIE.format(leads), {"Campaign": row("campaign", str(uuid4()))}).failed == (404, "0x80040217")


@pytest.mark.parametrize(("table", "status"), [("campaign", 6), ("list", 1)])
def test_what_is_inactive_is_not_tied(api, service, leads, table, status) -> None:
    campaign = service.create("campaign", name="Spring")
    service.update(table, {"campaign": campaign, "list": leads}[table], statecode=1, statuscode=status)
    assert api("POST", TIE.format(leads), {"Campaign": row("campaign", campaign)}).failed == (400, "0x80040304")
