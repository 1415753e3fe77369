"""Connections: two rows for each, one for either end, alike for ever."""

from __future__ import annotations

import pytest
from tests.sandbox.dataverse.callers import Api

from marketo_dynamics_sync.sandbox.dataverse import DataverseService


@pytest.fixture
def ends(service: DataverseService) -> tuple[str, str, str]:
    deal = service.create("opportunity", name="Big one")
    contact = service.create("contact", lastname="Byron")
    return deal, contact, service.create("connectionrole", name="Decision Maker", category=1000)


@pytest.fixture
def made(service: DataverseService, ends: tuple[str, str, str]) -> str:
    deal, contact, role = ends
    return service.create(
        "connection",
        **{
            "record1id_opportunity@odata.bind": f"/opportunities({deal})",
            "record2id_contact@odata.bind": f"/contacts({contact})",
            "record2roleid@odata.bind": f"/connectionroles({role})",
        },
    )


def shown(api: Api, row: str) -> dict[str, object]:
    found: dict[str, object] = api.get(f"connections({row})").json
    return found


def test_either_end_has_a_row(api: Api, ends: tuple[str, str, str], made: str) -> None:
    deal, contact, role = ends
    mine = shown(api, made)
    other = shown(api, str(mine["_relatedconnectionid_value"]))
    assert (mine["_record1id_value"], mine["_record2id_value"], mine["_record2roleid_value"]) == (deal, contact, role)
    assert (other["_record1id_value"], other["_record2id_value"], other["_record1roleid_value"]) == (
        contact,
        deal,
        role,
    )
    assert (mine["_record1roleid_value"], other["_record2roleid_value"]) == (None, None)
    assert (mine["ismaster"], other["ismaster"]) == (True, False)
    assert other["_relatedconnectionid_value"] == made
    assert len(api.get("connections?$select=connectionid").json["value"]) == 2


def test_a_change_of_one_row_is_a_change_of_the_other(
    api: Api, service: DataverseService, ends: tuple[str, str, str], made: str
) -> None:
    role = service.create("connectionrole", name="Influencer", category=1000)
    other = str(shown(api, made)["_relatedconnectionid_value"])
    link = api.get("connections?$select=connectionid", "odata.track-changes").json["@odata.deltaLink"]
    service.update("connection", other, **{"record1roleid@odata.bind": f"/connectionroles({role})"})
    assert shown(api, made)["_record2roleid_value"] == role
    assert {row["connectionid"] for row in api.get(link).json["value"]} == {made, other}


@pytest.mark.parametrize("what", ["connection", "opportunity", "contact"])
def test_both_rows_go_together_and_with_either_end(
    api: Api, service: DataverseService, ends: tuple[str, str, str], made: str, what: str
) -> None:
    service.delete(what, {"connection": made, "opportunity": ends[0], "contact": ends[1]}[what])
    assert api.get("connections?$select=connectionid").json["value"] == []


def test_a_role_that_goes_leaves_the_connection(
    api: Api, service: DataverseService, ends: tuple[str, str, str], made: str
) -> None:
    service.delete("connectionrole", ends[2])
    assert shown(api, made)["_record2roleid_value"] is None
