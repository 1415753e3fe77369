"""Definitions, functions and actions of sales."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from tests.sandbox.dataverse.callers import API

from marketo_dynamics_sync.sandbox.dataverse import Fault, Wish

DEFINITIONS = "EntityDefinitions"
LEAD = f"{DEFINITIONS}(LogicalName='lead')"


def test_the_service_document(api) -> None:
    found = api.get("").json
    assert found["@odata.context"] == f"{API}/$metadata"
    assert {"name": "leads", "kind": "EntitySet", "url": "leads"} in found["value"]


def test_tables_are_listed_chosen_and_expanded(api, service) -> None:
    service.add_key("lead", "number", "fax")
    path = f"{DEFINITIONS}?$select=EntitySetName&$filter=LogicalName eq 'lead' or EntitySetName eq 'accounts'"
    assert {row["EntitySetName"] for row in api.get(path).value} == {"leads", "accounts"}
    row = api.get(f"{LEAD}?$select=SchemaName,ChangeTrackingEnabled").json
    assert set(row) == {"@odata.context", "SchemaName", "ChangeTrackingEnabled", "MetadataId"}
    assert api.get(f"{DEFINITIONS}({row['MetadataId']})").json["LogicalName"] == "lead"
    inner = "Attributes($select=LogicalName;$filter=LogicalName eq 'fax'),Keys,ManyToOneRelationships"
    expanded = api.get(f"{LEAD}?$select=LogicalName&$expand={inner}").json
    assert [column["LogicalName"] for column in expanded["Attributes"]] == ["fax"]
    assert [key["KeyAttributes"] for key in expanded["Keys"]] == [["fax"]]
    assert "lead_parent_contact" in {one["SchemaName"] for one in expanded["ManyToOneRelationships"]}
    assert api.get(f"{DEFINITIONS}?$filter=LogicalName eq 'lead'&$expand=Keys").value[0]["Keys"]
    assert api.get(f"{DEFINITIONS}?$filter=CanChangeTrackingBeEnabled/Value eq false").value == []


def test_columns_are_cast_to_their_type(api) -> None:
    cast = f"{LEAD}/Attributes/Microsoft.Dynamics.CRM"
    texts = api.get(f"{cast}.StringAttributeMetadata?$select=LogicalName,MaxLength,FormatName").value
    assert {"LogicalName": "firstname", "MaxLength": 50}.items() <= next(
        row for row in texts if row["LogicalName"] == "firstname"
    ).items()
    assert all("@odata.type" not in row for row in texts)
    states = api.get(f"{cast}.StatusAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)").value
    (status,) = states
    assert {"Value": 3, "State": 1}.items() <= next(
        option for option in status["OptionSet"]["Options"] if option["Value"] == 3
    ).items()
    assert "OptionSet" not in api.get(f"{cast}.StatusAttributeMetadata").value[0]
    lookups = {row["LogicalName"]: row["Targets"] for row in api.get(f"{cast}.LookupAttributeMetadata").value}
    assert lookups["customerid"] == ["account", "contact"]
    one = api.get(f"{LEAD}/Attributes(LogicalName='revenue')/Microsoft.Dynamics.CRM.MoneyAttributeMetadata").json
    assert (one["@odata.type"], one["Precision"]) == ("#Microsoft.Dynamics.CRM.MoneyAttributeMetadata", 2)
    assert api.get(f"{LEAD}/Attributes(LogicalName='leadid')").json["@odata.type"].endswith(".AttributeMetadata")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{DEFINITIONS}(LogicalName='nonsense')", 404, "0x80060888"),
        (f"{DEFINITIONS}(a,b)", 400, "0x80060888"),
        (f"{DEFINITIONS}?$select=Nonsense", 400, "0x0"),
        (f"{DEFINITIONS}?$filter=Nonsense eq 1", 400, "0x0"),
        (f"{DEFINITIONS}?$filter=Microsoft.Dynamics.CRM.Today(PropertyName='x')", 400, "0x80060888"),
        (f"{DEFINITIONS}?$filter=Keys/any()", 400, "0x80060888"),
        (f"{DEFINITIONS}?$orderby=LogicalName", 400, "0x80060888"),
        (f"{LEAD}?$expand=Nonsense", 400, "0x0"),
        (f"{LEAD}/Nonsense", 404, "0x8006088a"),
        (f"{LEAD}/Attributes(LogicalName='nonsense')", 404, "0x80060888"),
        (f"{LEAD}/Attributes/Nonsense", 404, "0x8006088a"),
        (f"{LEAD}/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$expand=Nonsense", 400, "0x0"),
        (f"{LEAD}/Keys(LogicalName='nonsense')", 404, "0x80060888"),
        (f"{LEAD}/ManyToManyRelationships?$select=ReferencedEntity", 200, ""),
        ("EntityDefinitions(LogicalName='team')/ManyToManyRelationships?$select=ReferencedEntity", 400, "0x0"),
        ("RelationshipDefinitions(SchemaName='nonsense')", 404, "0x80060888"),
    ],
)
def test_definitions_that_arent_there(api, path: str, status: int, code: str) -> None:
    answer = api.get(path)
    assert (answer.status, answer.code if status >= 400 else "") == (status, code)


def test_one_relationship_and_one_key(api, service) -> None:
    service.add_key("lead", "number", "fax")
    found = api.get("RelationshipDefinitions(SchemaName='contact_customer_accounts')").json
    assert found["ReferencingEntityNavigationPropertyName"] == "parentcustomerid_account"
    assert found["ReferencedAttribute"] == "accountid"
    service.add_key("lead", "second", "pager", active=False)
    assert api.get(f"{LEAD}/Keys(LogicalName='number')").json["EntityKeyIndexStatus"] == "Active"
    assert api.get(f"{LEAD}/Keys(LogicalName='second')").json["EntityKeyIndexStatus"] == "Pending"
    rows = api.get("RelationshipDefinitions?$filter=SchemaName eq 'teammembership_association'").value
    assert rows[0]["RelationshipType"] == "ManyToManyRelationship"
    crossing = api.get("EntityDefinitions(LogicalName='team')/ManyToManyRelationships").value
    assert crossing[0]["Entity2LogicalName"] == "systemuser"
    to = api.get("EntityDefinitions(LogicalName='account')/OneToManyRelationships?$select=SchemaName").value
    assert "contact_customer_accounts" in {row["SchemaName"] for row in to}


def changes(api, query: dict[str, object], stamp: str = ""):
    more = ",ClientVersionStamp=@s" if stamp else ""
    return api.get(f"RetrieveMetadataChanges(Query=@q{more})?@q={json.dumps(query)}&@s='{stamp}'")


def condition(name: str, value: str, operator: str = "Equals") -> dict[str, object]:
    return {"Conditions": [{"PropertyName": name, "ConditionOperator": operator, "Value": {"Value": value}}]}


def test_changes_of_definitions(api, clock) -> None:
    query = {"Criteria": condition("LogicalName", "lead"), "Properties": {"PropertyNames": ["SchemaName"]}}
    answer = changes(api, query).json
    assert [row["SchemaName"] for row in answer["EntityMetadata"]] == ["Lead"]
    assert "Attributes" not in answer["EntityMetadata"][0]
    every = changes(api, {"Criteria": condition("LogicalName", "lead", "NotEquals")}, answer["ServerVersionStamp"])
    assert "lead" not in {row["LogicalName"] for row in every.json["EntityMetadata"]}
    assert every.json["EntityMetadata"][0]["Attributes"]
    clock.advance(days=91)
    assert changes(api, query, answer["ServerVersionStamp"]).failed == (400, "0x80044352")
    assert changes(api, query, "nonsense").failed == (400, "0x80044352")
    assert changes(api, {"Criteria": condition("LogicalName", "x", "In")}).failed == (400, "0x80060888")
    assert api.get("RetrieveMetadataChanges(Query=@q)?@q={").failed == (400, "0x80060888")
    assert len(api.get("RetrieveMetadataChanges()").json["EntityMetadata"]) == len(api.service.tables)


# Changes of definitions beside those that Microsoft's client makes

COLUMN = {"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "new_Text", "MaxLength": 5}


def test_a_column_is_made_changed_and_deleted(api, service) -> None:
    made = api("POST", f"{LEAD}/Attributes", COLUMN)
    assert made.headers["odata-entityid"].startswith(f"{API}/{LEAD}/Attributes(")
    assert api("POST", f"{LEAD}/Attributes", COLUMN).failed == (400, "0x80047013")
    assert api("POST", "leads", {"new_text": "123456"}).failed == (400, "0x80044331")
    home = f"{LEAD}/Attributes(LogicalName='new_text')"
    assert api("PUT", home, {**COLUMN, "MaxLength": 9, "RequiredLevel": {"Value": "Recommended"}}).status == 204
    column = service.tables["lead"].columns["new_text"]
    assert (column.max_length, column.required, column.schema_name) == (9, "Recommended", "new_Text")
    assert api("PATCH", home, {}).status == 405
    assert api("DELETE", home).status == 204
    assert api.get(home).status == 404
    moment = {"@odata.type": "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata", "SchemaName": "new_Day",
              "DateTimeBehavior": {"Value": "DateOnly"}}  # fmt: skip
    assert api("POST", f"{LEAD}/Attributes", moment).status == 204
    assert service.tables["lead"].columns["new_day"].behavior == "DateOnly"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "CreateEntities", {}, (400, "0x80048d19")),
        ("POST", "CreateEntities", {"Entities": []}, (400, "0x80048d19")),
        ("POST", DEFINITIONS, {}, (400, "0x80040203")),
        ("POST", DEFINITIONS, {"SchemaName": "Lead"}, (400, "0x80044363")),
        ("PATCH", DEFINITIONS, {}, (405, "0x0")),
        ("PATCH", LEAD, {}, (405, "0x0")),
        ("DELETE", LEAD, None, (400, "0x8004f032")),
        ("POST", f"{LEAD}/Nonsense", {}, (404, "0x8006088a")),
        ("PUT", f"{LEAD}/Attributes", {}, (405, "0x0")),
        ("POST", f"{LEAD}/Attributes", {}, (400, "0x80040203")),
        ("POST", f"{LEAD}/Attributes", {**COLUMN, "@odata.type": "x.FileAttributeMetadata"}, (400, "0x80040203")),
        ("POST", f"{LEAD}/Keys", {}, (400, "0x80040203")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "K", "KeyAttributes": ["nonsense"]}, (400, "0x8004f032")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "number", "KeyAttributes": ["pager"]}, (400, "0x80060893")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "K", "KeyAttributes": ["donotemail"]}, (400, "0x80040203")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "K", "KeyAttributes": ["pager"] * 17}, (400, "0x80060895")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "K", "KeyAttributes": ["fax"]}, (400, "0x80060894")),
        ("POST", f"{LEAD}/Keys", {"SchemaName": "K", "KeyAttributes": ["jobtitle"]}, (400, "0x80060896")),
        ("PUT", f"{LEAD}/Keys(LogicalName='number')", {}, (405, "0x0")),
        ("DELETE", f"{LEAD}/Attributes(LogicalName='fax')", None, (400, "0x8004f01f")),
        ("POST", "RelationshipDefinitions", {}, (404, "0x80060888")),
        ("POST", "RelationshipDefinitions", {"ReferencedEntity": "lead", "ReferencingEntity": "lead"},
         (400, "0x80048d19")),
        ("PUT", "RelationshipDefinitions(SchemaName='lead_parent_contact')", {}, (405, "0x0")),
        ("DELETE", "RelationshipDefinitions(SchemaName='lead_parent_contact')", None, (400, "0x8004f032")),
    ],
)  # fmt: skip
def test_changes_that_are_refused(api, service, method: str, path: str, body: object, expected) -> None:
    service.add_key("lead", "number", "fax")
    service.secure("lead", "jobtitle", readable=True)
    assert api(method, path, body).failed == expected


def test_a_table_has_at_most_ten_keys(api) -> None:
    names = ["fax", "pager", "telephone1", "telephone2", "telephone3", "emailaddress1", "emailaddress2",
             "emailaddress3", "websiteurl", "sic", "salutation"]  # fmt: skip
    made = [api("POST", f"{LEAD}/Keys", {"SchemaName": f"k_{n}", "KeyAttributes": [n]}).status for n in names]
    assert made == [204] * 10 + [400]


@pytest.mark.parametrize(
    ("name", "entity_set"), [("new_City", "new_cities"), ("new_Day", "new_days"), ("new_Box", "new_boxes")]
)
def test_names_of_entity_sets(api, name: str, entity_set: str) -> None:
    made = api("POST", DEFINITIONS, {"SchemaName": name})
    table = made.headers["odata-entityid"].removeprefix(f"{API}/")
    assert api.get(table).json["EntitySetName"] == entity_set
    change = {"ChangeTrackingEnabled": True, "DisplayName": {"LocalizedLabels": [{"Label": "Town"}]}}
    assert api("PUT", table, change).status == 204
    assert api.get(table).json["DisplayName"]["UserLocalizedLabel"]["Label"] == "Town"
    assert api("PUT", table, {}).status == 204


def one_to_many(delete: str) -> dict[str, object]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_account_lead",
        "ReferencedEntity": "account",
        "ReferencingEntity": "lead",
        "CascadeConfiguration": {"Delete": delete},
        "Lookup": {"SchemaName": "new_AccountId"},
    }


@pytest.mark.parametrize(
    ("delete", "status", "left"), [("Restrict", 405, 1), ("Cascade", 204, 0), ("RemoveLink", 204, 1)]
)
def test_a_deletion_does_what_the_relationship_says(api, service, delete: str, status: int, left: int) -> None:
    assert api("POST", "RelationshipDefinitions", one_to_many(delete)).status == 204
    account = service.create("account", name="A")
    body = {"lastname": "B", "new_AccountId@odata.bind": f"accounts({account})"}
    assert api("POST", "leads", body).status == 204
    assert api.ids(f"accounts({account})/new_account_lead?$select=lastname")
    assert api("DELETE", f"accounts({account})").status == status
    assert len(service.all_rows("lead")) == left


def test_rows_across_a_relationship_of_ones_own(api, service) -> None:
    body = {
        "@odata.type": "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
        "SchemaName": "new_lead_contact",
        "Entity1LogicalName": "lead",
        "Entity2LogicalName": "contact",
    }
    made = api("POST", "RelationshipDefinitions", body)
    lead, contact = service.create("lead", lastname="A"), service.create("contact", lastname="B")
    assert api("POST", f"leads({lead})/new_lead_contact/$ref", {"@odata.id": f"contacts({contact})"}).status == 204
    assert api.ids(f"contacts({contact})/new_lead_contact") == [lead]
    assert api("DELETE", made.headers["odata-entityid"]).status == 204
    assert api.get(f"leads({lead})/new_lead_contact").code == "0x0"
    api("POST", DEFINITIONS, {"SchemaName": "new_Own"})
    api("POST", "RelationshipDefinitions", {**body, "Entity2LogicalName": "new_own"})
    assert api("DELETE", f"{DEFINITIONS}(LogicalName='new_own')").status == 204
    assert api.get("RelationshipDefinitions?$filter=SchemaName eq 'new_lead_contact'").value == []


# Functions


def test_who_and_what_answers(api, service) -> None:
    who = api.get("WhoAmI()").json
    assert who["@odata.context"] == f"{API}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
    assert (who["UserId"], who["OrganizationId"]) == (service.user_id, service.organization_id)
    refused = api("POST", "WhoAmI")
    assert refused.failed == (404, "")
    assert refused.message == f"No HTTP resource was found that matches the request URI '{API}/WhoAmI'."
    assert api.get("RetrieveVersion").json["Version"].startswith("9.2.")
    path = "RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')"
    detail = api.get(path).json["Detail"]
    assert detail["OrganizationId"] == service.organization_id
    assert detail["TenantId"] == service.entra.tenant
    assert detail["Endpoints"]["Values"][0] == "https://contoso.crm.dynamics.com/"
    assert api.get("RetrieveCurrentOrganization").failed == (400, "0x80060888")


def test_totals(api, service) -> None:
    service.create("lead", lastname="B")
    for path in ("RetrieveTotalRecordCount(EntityNames=['lead','contact'])",
                 "RetrieveTotalRecordCount(EntityNames=@p)?@p=['lead','contact']"):  # fmt: skip
        found = api.get(path).json["EntityRecordCountCollection"]
        assert dict(zip(found["Keys"], found["Values"], strict=True)) == {"lead": 1, "contact": 0}
    assert api.get("RetrieveTotalRecordCount(EntityNames=['x'])").failed == (404, "0x80060888")
    assert api.get("RetrieveTotalRecordCount(EntityNames=x)").failed == (400, "0x80060888")


def test_rows_that_arent_stored(api, service) -> None:
    answer = api.get("organizations?$select=expirechangetrackingindays")
    assert answer.value == [{"organizationid": service.organization_id, "expirechangetrackingindays": 7}]
    assert api.get("organizations?$select=nonsense").failed == (400, "0x0")
    text = "sdkmessageid/name eq 'UpsertMultiple' and primaryobjecttypecode eq 'lead'"
    (row,) = api.get(f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={text}").value
    assert set(row) == {"sdkmessagefilterid"}
    assert api.get(f"sdkmessagefilters?$filter={text.replace('lead', 'nonsense')}").value == []


def test_privileges_on_columns_that_are_gone(api, service) -> None:
    service.secure("lead", "fax", readable=True)
    service.secure("lead", "pager", readable=False)
    service.remove_column("lead", "fax")
    path = f"systemusers({service.user_id})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()"
    (right,) = api.get(path).json["AttributePrivileges"]
    assert (right["CanRead"], right["CanCreate"], right["CanUpdate"]) == (0, 0, 0)


# Actions


def qualify(**flags: object) -> dict[str, object]:
    return {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": 3, **flags}


def test_a_lead_is_qualified(api, service) -> None:
    lead = service.create("lead", firstname="Ada", lastname="B", companyname="ACME", subject="Engines", revenue=5)
    path = f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead"
    assert api("POST", path, {}).failed == (400, "0x80048d19")
    assert api("POST", "leads/Microsoft.Dynamics.CRM.QualifyLead", qualify()).failed == (400, "0x80060888")
    made = {row["@odata.type"].rsplit(".", 1)[1]: row for row in api("POST", path, qualify()).value}
    account = service.row("account", made["account"]["accountid"])
    contact = service.row("contact", made["contact"]["contactid"])
    opportunity = service.row("opportunity", made["opportunity"]["opportunityid"])
    row = service.row("lead", lead)
    assert (account["name"], contact["fullname"], opportunity["name"]) == ("ACME", "Ada B", "Engines")
    assert contact["_parentcustomerid_value"] == row["_parentaccountid_value"] == account["accountid"]
    assert {each["_originatingleadid_value"] for each in (account, contact, opportunity)} == {lead}
    assert (row["statecode"], row["statuscode"]) == (1, 3)
    assert row["_parentcontactid_value"] == contact["contactid"]
    assert api("POST", path, qualify()).failed == (400, "0x80081018")
    other = service.create("lead", lastname="C")
    body = qualify(CreateAccount=False, CreateContact=False, CreateOpportunity=False, Status=-1)
    assert api("POST", f"leads({other})/Microsoft.Dynamics.CRM.QualifyLead", body).value == []
    assert service.row("lead", other)["statuscode"] == 3


def test_a_lead_is_qualified_by_hand(service) -> None:
    lead = service.create("lead", lastname="B", companyname="ACME")
    contact = service.qualify_lead(lead, Wish(account=True))
    assert service.row("contact", contact)["_originatingleadid_value"] == lead
    with pytest.raises(Fault, match="already closed"):
        service.qualify_lead(lead)


def parameter(table: str, row: str, **values: object) -> dict[str, object]:
    return {"@odata.type": f"Microsoft.Dynamics.CRM.{table}", f"{table}id": row, **values}


def test_rows_are_merged(api, service) -> None:
    target, loser = service.create("contact", lastname="A"), service.create("contact", lastname="B")
    lead = service.create("lead", **{"parentcontactid@odata.bind": f"contacts({loser})"})
    body = {
        "Target": parameter("contact", target),
        "Subordinate": parameter("contact", loser),
        "UpdateContent": parameter("contact", str(uuid4()), fax="1"),
    }
    assert api("POST", "Merge", body).status == 204
    row = service.row("contact", loser)
    assert (row["merged"], row["_masterid_value"], row["statecode"]) == (True, target, 1)
    assert service.row("contact", target)["fax"] == "1"
    assert service.row("lead", lead)["_parentcontactid_value"] == target
    assert api("POST", "Merge", body).failed == (400, "0x80045304")
    same = {"Target": parameter("contact", target), "Subordinate": parameter("contact", target)}
    assert api("POST", "Merge", same).failed == (400, "0x80045305")
    mixed = {"Target": parameter("contact", target), "Subordinate": parameter("lead", lead)}
    assert api("POST", "Merge", mixed).failed == (400, "0x80040203")
    assert api("POST", "Merge", {}).failed == (400, "0x80048d19")
    assert api.get("Merge").failed == (404, "")


@pytest.mark.parametrize(("action", "status", "state"), [("WinOpportunity", 3, 1), ("LoseOpportunity", 4, 2)])
def test_an_opportunity_is_closed(api, service, action: str, status: int, state: int) -> None:
    row = service.create("opportunity", name="O")
    close = {"opportunityid@odata.bind": f"/opportunities({row})", "actualrevenue": 10.0, "actualend": "2026-03-05"}
    assert api("POST", action, {"Status": 1, "OpportunityClose": close}).failed == (400, "0x80048408")
    assert api("POST", action, {"Status": status}).failed == (400, "0x80048d19")
    assert api("POST", action, {"Status": status, "OpportunityClose": close}).status == 204
    found = service.row("opportunity", row)
    assert (found["statecode"], found["actualvalue"], found["actualclosedate"]) == (state, 10.0, "2026-03-05")
    assert api("POST", action, {"Status": status, "OpportunityClose": close}).failed == (400, "0x80040515")


def test_formatted_values_of_all_kinds(api, service) -> None:
    row = service.create("lead", lastname="B", donotemail=True, numberofemployees=1234, estimatedclosedate="2026-03-05",
                         estimatedamount=1.5)  # fmt: skip
    shown = api.get(f"leads({row})", prefer='odata.include-annotations="OData.Community.Display.V1.*"').json
    text = {n.partition("@")[0]: v for n, v in shown.items() if n.endswith("FormattedValue")}
    assert (text["donotemail"], text["donotfax"]) == ("Yes", "No")
    assert text["numberofemployees"] == "1,234"
    assert text["createdon"] == "3/1/2026 9:00 AM"
    assert text["estimatedclosedate"] == "3/5/2026"
    assert text["statuscode"] == "New"
    assert "lastname" not in text
    assert not any(name.endswith("lookuplogicalname") for name in shown)


# Languages


def rating(api) -> dict[str, object]:
    path = "EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    rows = api.get(f"{path}?$select=LogicalName&$expand=OptionSet($select=Options)").value
    options = next(row for row in rows if row["LogicalName"] == "leadqualitycode")["OptionSet"]["Options"]
    return next(option for option in options if option["Value"] == 1)["Label"]


def test_labels_in_every_language_that_is_switched_on(api, service) -> None:
    service.translate("lead", "leadqualitycode", 1031, {1: "Heiß"})
    assert [label["LanguageCode"] for label in rating(api)["LocalizedLabels"]] == [1033]
    service.speak(1031, 1036)
    shown = rating(api)
    assert {label["LanguageCode"]: label["Label"] for label in shown["LocalizedLabels"]} == {1033: "Hot", 1031: "Heiß"}
    assert shown["UserLocalizedLabel"]["Label"] == "Hot"
    assert api.get("RetrieveProvisionedLanguages()").json["RetrieveProvisionedLanguages"] == [1033, 1031, 1036]


@pytest.mark.parametrize(("user", "label"), [(1031, "Heiß"), (1036, "Hot"), (None, "Hot")])
def test_the_callers_own_language_with_the_base_language_in_its_place(api, service, user, label) -> None:
    service.translate("lead", "leadqualitycode", 1031, {1: "Heiß"})
    service.speak(1031, 1036, user=user)
    assert rating(api)["UserLocalizedLabel"]["Label"] == label
    row = service.create("lead", lastname="Byron", leadqualitycode=1)
    shown = api.get(f"leads({row})?$select=leadqualitycode", prefer='odata.include-annotations="*"').json
    assert shown["leadqualitycode@OData.Community.Display.V1.FormattedValue"] == label


def test_a_translation_stays_in_its_own_service(make) -> None:
    make().service.translate("lead", "leadqualitycode", 1031, {1: "Heiß"})
    other = make()
    other.service.speak(1031)
    assert len(rating(other)["LocalizedLabels"]) == 1
