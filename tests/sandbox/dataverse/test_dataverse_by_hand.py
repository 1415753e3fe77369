"""What a test does to an environment by hand: columns of its own, edits of a salesperson, faults."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.sandbox.dataverse import Column, DataverseService, Fault, Key
from marketo_dynamics_sync.sandbox.http import Response

CHOICES = Column(
    "new_interests",
    "MultiSelectPicklist",
    options=[{"value": number, "label": f"Interest {number}"} for number in (1, 2, 3)],
    schema_name="new_Interests",
)


def test_choices(make) -> None:
    api = make(extra_columns={"lead": [CHOICES]})
    row = api.service.create("lead", new_interests="1, 3")
    api.service.create("lead", new_interests="2")
    api.service.create("lead", lastname="none")
    shown = api.get(f"leads({row})?$select=new_interests", prefer='odata.include-annotations="*"').json
    assert shown["new_interests"] == "1,3"
    assert shown["new_interests@OData.Community.Display.V1.FormattedValue"] == "Interest 1; Interest 3"
    function = "Microsoft.Dynamics.CRM.{}(PropertyName='new_interests',PropertyValues=['1','2'])"
    assert len(api.ids(f"leads?$filter={function.format('ContainValues')}")) == 2
    assert api.ids(f"leads?$filter={function.format('DoesNotContainValues')}") == []
    assert api("POST", "leads", {"new_interests": "1,9"}).failed == (400, "0x8004431a")
    definition = api.get("EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='new_interests')").json
    assert (definition["AttributeType"], definition["AttributeTypeName"]["Value"]) == (
        "Virtual",
        "MultiSelectPicklistType",
    )
    assert api("DELETE", f"leads({row})/new_interests").status == 204


def test_a_custom_lookup_is_bound_by_its_schema_name(make) -> None:
    lookup = Column("new_partnerid", "Lookup", targets=("account",), schema_name="new_PartnerId")
    api = make(extra_columns={"lead": [lookup]})
    account = api.service.create("account", name="A")
    row = api.service.create("lead", **{"new_PartnerId@odata.bind": f"/accounts({account})"})
    assert api.get(f"leads({row})?$expand=new_PartnerId($select=name)").json["new_PartnerId"]["name"] == "A"
    assert api.ids(f"accounts({account})/account_lead_new_PartnerId?$select=lastname") == [row]


def test_a_column_that_cant_be_read(make) -> None:
    api = make(extra_columns={"lead": [Column("new_blind", schema_name="new_Blind", readable=False)]})
    assert api.get("leads?$select=new_blind").failed == (400, "0x0")
    assert api.get("leads?$filter=new_blind eq 'x'").failed == (400, "0x0")


def test_a_salesperson_edits(service) -> None:
    row = service.create("contact", lastname="B")
    service.update("contact", row, fax="1")
    assert service.row("contact", row)["_modifiedby_value"] == service.other_user_id
    other = service.create("contact", lastname="C")
    service.merge("contact", row, other)
    assert service.row("contact", other)["_masterid_value"] == row
    service.delete("contact", other)
    assert [each["contactid"] for each in service.all_rows("contact")] == [row]
    with pytest.raises(Fault, match="Does Not Exist"):
        service.update("contact", other, fax="1")


def test_a_lookup_into_a_table_that_the_sandbox_lacks_has_no_label(api, service) -> None:
    row = service.create("lead", lastname="B")
    service.rows.force("lead", row, _campaignid_value="0a000000-0000-0000-0000-000000000001")
    shown = api.get(f"leads({row})?$select=_campaignid_value", prefer='odata.include-annotations="*"').json
    assert shown["_campaignid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "campaign"
    assert "_campaignid_value@OData.Community.Display.V1.FormattedValue" not in shown


def test_a_copy_of_the_environment_has_another_id(api, service) -> None:
    user = service.user_id
    service.organization_id = "11111111-0000-0000-0000-000000000001"
    assert api.get("WhoAmI").json["OrganizationId"] == service.organization_id
    assert service.user_id == api.get("WhoAmI").json["UserId"] == user


def test_an_answer_in_the_services_place(api, service) -> None:
    service.on_request = lambda request: Response(503, [], b"<html/>") if "leads" in request.path else None
    assert api.get("leads").status == 503
    assert api.get("contacts").status == 200
    assert [call.kind for call in service.calls] == ["fault", "read"]


def test_links_are_expired_by_hand(api, service) -> None:
    link = api.get("leads", prefer="odata.track-changes").json["@odata.deltaLink"]
    service.expire_links("lead")
    assert api.get(link).failed == (400, "0x80044352")


def test_batches_are_noted_by_what_they_hold(api, service) -> None:
    bodies = (b"GET /leads", b"GET EntityDefinitions", b"\r\nPATCH leads")
    for body in bodies:
        api("POST", "$batch", body)
    assert [call.kind for call in service.calls] == ["read", "metadata", "write"]


def test_tables_that_arent_there(clock) -> None:
    from marketo_dynamics_sync.sandbox.dataverse.metadata import standard_tables

    with pytest.raises(ValueError, match="no table 'incident'"):
        standard_tables(["incident"])
    assert standard_tables(["lead"])["lead"].keys == []
    service = DataverseService(clock)
    assert service.tables["systemuser"].keys == [Key("azureactivedirectoryobjectid", ("azureactivedirectoryobjectid",))]


def test_a_user_by_object_id(api, service) -> None:
    user = service.row("systemuser", service.user_id)
    path = f"systemusers(azureactivedirectoryobjectid={user['azureactivedirectoryobjectid']})?$select=fullname"
    assert api.get(path).json["fullname"] == "Sync Application"


def test_navigation_properties_are_properties_of_a_nested_update_too(api, service) -> None:
    row = service.create("lead", lastname="B")
    assert api("PATCH", f"leads({row})", {"parentaccountid": {"name": "ignored"}, "leadid": row}).status == 204
    assert service.all_rows("account") == []
    assert api("PATCH", f"leads({row})", {"accountid@odata.bind": None}).code == "0x80048d19"
    assert api("PATCH", f"leads({row})", {"masterid@odata.bind": f"/leads({row})"}).status == 204
    assert "_masterid_value" not in service.row("lead", row)


def test_a_column_is_edited_by_hand(api, service) -> None:
    row = service.create("lead", lastname="B", jobtitle="a long title")
    service.edit_column("lead", "jobtitle", max_length=5)
    assert api.get(f"leads({row})?$select=jobtitle").json["jobtitle"] == "a long title"
    assert api("PATCH", f"leads({row})", {"jobtitle": "longer"}).status == 400
    definition = api.get(
        "EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
        "?$select=LogicalName,MaxLength"
    ).json["value"]
    assert {item["LogicalName"]: item["MaxLength"] for item in definition}["jobtitle"] == 5
