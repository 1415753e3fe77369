"""Writes of one row: conditions, keys, properties, nested rows, rights, rules and money."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.sandbox.dataverse.callers import API

from marketo_dynamics_sync.sandbox.dataverse import Column, Refused

ROW = "0a000000-0000-0000-0000-000000000001"


def test_a_row_is_made_under_its_address(api, service) -> None:
    answer = api("POST", "leads", {"lastname": "B", "leadid": ROW})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["odata-entityid"] == answer.headers["location"] == f"{API}/leads({ROW})"
    assert service.row("lead", ROW)["_createdby_value"] == service.user_id
    assert api("POST", "leads", {"lastname": "B", "leadid": ROW}).failed == (412, "0x80040237")


def test_the_row_comes_back_on_request(api) -> None:
    made = api("POST", "leads?$select=lastname", {"lastname": "B"}, "return=representation")
    assert made.status == 201
    assert set(made.json) == {"@odata.context", "@odata.etag", "lastname", "leadid"}
    assert "odata-entityid" not in made.headers
    assert made.headers["preference-applied"] == "return=representation"
    row = made.json["leadid"]
    changed = api("PATCH", f"leads({row})?$select=fax", {"fax": "1"}, "return=representation")
    assert (changed.status, changed.json["fax"]) == (200, "1")
    assert changed.headers["etag"] == changed.json["@odata.etag"] != made.headers["etag"]


@pytest.mark.parametrize(
    ("there", "headers", "expected"),
    [
        (False, {}, (204, "")),
        (True, {}, (204, "")),
        (False, {"If_Match": "*"}, (404, "0x80040217")),
        (True, {"If_Match": "*"}, (204, "")),
        (True, {"If_Match": 'W/"1"'}, (412, "0x80060882")),
        (False, {"If_Match": 'W/"1"'}, (404, "0x80040217")),
        (False, {"If_None_Match": "*"}, (204, "")),
        (True, {"If_None_Match": "*"}, (412, "0x80040237")),
        (True, {"If_None_Match": "null"}, (204, "")),
    ],
)
def test_the_matrix_of_conditions(api, service, there: bool, headers, expected) -> None:
    if there:
        service.create("lead", leadid=ROW, lastname="old")
    answer = api("PATCH", f"leads({ROW})", {"lastname": "new"}, **headers)
    assert (answer.status, answer.code if answer.body else "") == expected
    row = service.row("lead", ROW)
    assert (row or {}).get("lastname") == ("new" if answer.status == 204 else "old" if there else None)


def test_a_version_that_fits(api, service) -> None:
    service.create("lead", leadid=ROW, lastname="old")
    etag = api.get(f"leads({ROW})").headers["etag"]
    assert api("PATCH", f"leads({ROW})", {"fax": "1"}, If_Match=etag).status == 204
    assert api("DELETE", f"leads({ROW})", If_Match=etag).failed == (412, "0x80060882")
    assert api("DELETE", f"leads({ROW})").status == 204
    assert api("DELETE", f"leads({ROW})").failed == (404, "0x80040217")
    service.tables["lead"].guarded = False
    service.create("lead", leadid=ROW, lastname="old")
    assert api("PATCH", f"leads({ROW})", {"fax": "1"}, If_Match=etag).failed == (400, "0x8006088d")


def test_a_row_that_didnt_change_isnt_sent_again(api, service) -> None:
    service.create("lead", leadid=ROW, lastname="old")
    etag = api.get(f"leads({ROW})").headers["etag"]
    assert api.get(f"leads({ROW})", If_None_Match=etag).status == 304
    assert api.get(f"leads({ROW})?$expand=owninguser", If_None_Match=etag).status == 200
    assert api.get(f"leads({ROW})", 'odata.include-annotations="*"', If_None_Match=etag).status == 200
    service.tables["lead"].guarded = False
    assert api.get(f"leads({ROW})", If_None_Match=etag).status == 200


# Alternate keys


@pytest.fixture
def keyed(service) -> None:
    service.add_key("lead", "new_key", "fax", "numberofemployees")
    service.add_key("lead", "new_slow", "pager", active=False)


def test_a_row_by_alternate_key(api, service, keyed) -> None:
    lead = service.create("lead", lastname="B", fax="A", numberofemployees=3)
    assert api.get("leads(fax='a',numberofemployees=3)").json["leadid"] == lead
    assert api.get("leads(numberofemployees=3,fax='A')?$select=fax").json["fax"] == "A"
    assert api.get("leads(fax='x',numberofemployees=3)").failed == (404, "0x80060891")
    assert api.get("leads(fax='A')").failed == (400, "0x80060890")
    assert api.get("leads(pager='A')").failed == (400, "0x80060890")
    assert api("DELETE", "leads(fax='x',numberofemployees=3)").failed == (404, "0x80060891")
    assert api("PATCH", "leads(fax='x',numberofemployees=3)", {}, If_Match="*").failed == (404, "0x80060891")
    service.update("lead", lead, fax="C")
    assert api.get("leads(fax='A',numberofemployees=3)").status == 404
    assert api("DELETE", "leads(fax='c',numberofemployees=3)").status == 204


def test_an_upsert_by_alternate_key(api, service, keyed) -> None:
    path = "leads(fax='A',numberofemployees=3)"
    made = api("PATCH", path, {"lastname": "B"})
    assert made.headers["odata-entityid"] == f"{API}/{path}"
    (row,) = service.all_rows("lead")
    assert (row["fax"], row["numberofemployees"]) == ("A", 3)
    assert api("PATCH", path, {"lastname": "C", "fax": "ignored"}).status == 204
    (row,) = service.all_rows("lead")
    assert (row["fax"], row["lastname"]) == ("A", "C")
    assert api("PATCH", path, {}, If_None_Match="*").failed == (412, "0x80040237")
    api("PATCH", "leads(fax='Z',numberofemployees=9)", {"fax": "body wins"})
    assert {row["fax"] for row in service.all_rows("lead")} == {"A", "body wins"}


def test_a_key_is_unique_unless_a_part_is_missing(api, service, keyed) -> None:
    service.create("lead", fax="A", numberofemployees=3)
    for _ in range(2):
        assert api("POST", "leads", {"fax": "A"}).status == 204
    answer = api("POST", "leads", {"fax": "a", "numberofemployees": 3})
    assert answer.failed == (412, "0x80060892")
    assert "requires that this set of attributes contains unique values" in answer.message
    assert "new_key" in answer.message


def test_a_key_on_a_lookup_and_a_bind_by_key(api, service) -> None:
    service.add_key("account", "number", "accountnumber")
    service.add_key("contact", "company", "parentcustomerid")
    account = service.create("account", accountnumber="A/1")
    body = {"lastname": "B", "parentcustomerid_account@odata.bind": "/accounts(accountnumber='A/1')"}
    assert api("POST", "contacts", body).status == 204
    assert api.get(f"contacts(_parentcustomerid_value={account})").json["lastname"] == "B"
    missing = {"parentcustomerid_account@odata.bind": "/accounts(accountnumber='A2')"}
    assert api("POST", "contacts", missing).failed == (404, "0x80060891")


@pytest.mark.parametrize("key", ["x", "'x'", "fax=", f"{ROW},fax='1'", "", "fax='1',fax", "1"])
def test_what_is_no_key(api, key: str) -> None:
    assert api.get(f"leads({key})").failed == (400, "0x80060888")


def test_the_named_primary_key(api, service) -> None:
    service.create("lead", leadid=ROW, lastname="B")
    assert api.get(f"leads(leadid={ROW.upper()})").status == 200
    assert api.get(f"systemusers({service.user_id})").status == 200
    assert api.get(f"systemusers(systemuserid={service.user_id})").failed == (400, "0x80060890")


@pytest.mark.parametrize("character", ["%26", "%3C", "%25", "%2A", "%3A", "%5C", "%3F"])
def test_characters_that_the_web_server_refuses(api, character: str) -> None:
    answer = api.get(f"leads(fax='{character}')")
    assert answer.status == 400
    assert b"potentially dangerous Request.Path" in answer.body


def test_a_plus_in_a_key_is_refused_by_the_web_server_too(api) -> None:
    answer = api.get("leads(fax='a%2Bb')")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_slash_in_a_key_is_another_step(api, service) -> None:
    assert api.get("leads(fax='a%2Fb')").failed == (404, "0x8006088a")


# Bodies


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "0x80048d19", "null value"),
        (b"{", "0x80048d19", "Invalid JSON"),
        (b"[]", "0x80048d19", "StartObject"),
        ({"Lastname": "x"}, "0x0", "Invalid property 'Lastname' was found in entity 'Microsoft.Dynamics.CRM.lead'"),
        ({"_parentaccountid_value": ROW}, "0x80060888", "Use Navigation properties instead"),
        ({"customerid": ROW}, "0x0", "Invalid property 'customerid'"),
        ({"customerid@odata.bind": f"accounts({ROW})"}, "0x80048d19", "undeclared property 'customerid'"),
        ({"customerid_account@odata.bind": "x"}, "0x80048d19", "entity reference link"),
        ({"customerid_account@odata.bind": "accounts"}, "0x80048d19", "entity reference link"),
        ({"customerid_account@odata.bind": f"accounts({ROW})"}, "0x80040217", "Does Not Exist"),
        ({"customerid_account@odata.bind": f"nowhere({ROW})"}, "0x8006088a", "segment 'nowhere'"),
        ({"originatingcaseid": {}}, "0x0", "Invalid property"),
        ({"nowhere": []}, "0x0", "named 'nowhere'"),
        ({"firstname": 5}, "0x80048d19", "Edm.String"),
        ({"firstname": "x" * 51}, "0x80044331", "'50'"),
        ({"firstname": "\U0001f600" * 26}, "0x80044331", "'50'"),
        ({"numberofemployees": "5"}, "0x80048d19", "Edm.Int32"),
        ({"numberofemployees": 1.5}, "0x80048d19", "Edm.Int32"),
        ({"numberofemployees": -1}, "0x8004432f", "valid range"),
        ({"revenue": -1}, "0x80044330", "valid range"),
        ({"donotemail": 1}, "0x80048d19", "Edm.Boolean"),
        ({"leadqualitycode": "Hot"}, "0x80048d19", "Edm.Int32"),
        ({"leadqualitycode": 9}, "0x8004431a", "Accepted Values"),
        ({"estimatedclosedate": "2026-03-01T10:00:00Z"}, "0x80048d19", "Edm.Date"),
        ({"lastusedincampaign": "soon"}, "0x80048d19", "Edm.DateTimeOffset"),
        ({"lastusedincampaign": "1700-01-01T00:00:00Z"}, "0x80040203", "minimum value"),
        ({"statecode": 0, "statuscode": 3}, "0x80048408", "valid status code"),
        ({"leadid": "x"}, "0x0", "Guid"),
    ],
)
def test_bodies_that_are_refused(api, body: object, code: str, words: str) -> None:
    answer = api("POST", "leads", body)
    assert answer.code == code
    assert words in answer.message


def test_values_are_kept_as_the_columns_keep_them(api, service) -> None:
    body = {
        "lastname": "", "lastusedincampaign": "2026-03-01T10:00:00+02:00", "estimatedclosedate": "2026-03-05",
        "revenue": 10.456, "createdon": "2001-01-01T00:00:00Z", "versionnumber": 1, "fullname": "nobody",
        "firstname@odata.type": "x", "@odata.etag": "y", "overriddencreatedon": "2020-01-02T00:00:00Z",
    }  # fmt: skip
    api("POST", "leads", {**body, "leadid": ROW})
    row = service.row("lead", ROW)
    assert "lastname" not in row
    assert "fullname" not in row
    assert row["lastusedincampaign"] == "2026-03-01T08:00:00Z"
    assert (row["estimatedclosedate"], row["revenue"]) == ("2026-03-05", 10.46)
    assert row["createdon"] == "2020-01-02T00:00:00Z"
    assert row["donotemail"] is False
    assert row["_transactioncurrencyid_value"] == service.environment.currency_id


@pytest.mark.parametrize(
    ("behavior", "sent", "kept"),
    [
        ("UserLocal", "2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("UserLocal", "2026-03-01T10:00:00", "2026-03-01T10:00:00Z"),
        ("TimeZoneIndependent", "2026-03-01T10:00:00+02:00", "2026-03-01T10:00:00Z"),
        ("TimeZoneIndependent", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
        ("DateOnly", "2026-03-01", "2026-03-01"),
        ("DateOnly", "2026-03-01T10:00:00Z", None),
    ],
)
def test_time_zones_of_a_column(make, behavior: str, sent: str, kept: str | None) -> None:
    api = make(extra_columns={"lead": [Column("new_when", "DateTime", behavior=behavior, schema_name="new_When")]})
    made = api("POST", "leads", {"leadid": ROW, "new_when": sent})
    if kept is None:
        assert made.failed == (400, "0x80048d19")
        return
    assert made.status == 204
    assert api.get(f"leads({ROW})?$select=new_when").json["new_when"] == kept


def test_money_has_a_base_amount(api, service) -> None:
    dollar = service.create("transactioncurrency", currencyname="Dollar", currencysymbol="$")
    service.rows.force("transactioncurrency", dollar, exchangerate=1.25)
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({dollar})"}
    api("POST", "leads", {"leadid": ROW, "revenue": 100, **bind})
    assert service.row("lead", ROW)["revenue_base"] == 80.0
    shown = api.get(f"leads({ROW})?$select=revenue", prefer='odata.include-annotations="*"').json
    assert shown["revenue@OData.Community.Display.V1.FormattedValue"] == "$100.00"
    api("PATCH", f"leads({ROW})", {"revenue": None})
    assert "revenue_base" not in service.row("lead", ROW)


def test_a_state_brings_its_first_status(api, service) -> None:
    service.create("contact", contactid=ROW, lastname="B")
    assert api("PATCH", f"contacts({ROW})", {"statecode": 1}).status == 204
    assert service.row("contact", ROW)["statuscode"] == 2
    assert api("PATCH", f"contacts({ROW})", {"statecode": 0, "statuscode": 2}).failed == (400, "0x80048408")


def test_lookups_are_cleared_both_ways(api, service) -> None:
    account = service.create("account", name="A")
    for cleared in ({"parentaccountid": None}, {"parentaccountid@odata.bind": None}):
        row = service.create("lead", **{"parentaccountid@odata.bind": f"accounts({account})"})
        assert api("PATCH", f"leads({row})", cleared).status == 204
        assert "_parentaccountid_value" not in service.row("lead", row)
    wrong = {"parentaccountid@odata.bind": f"/contacts({service.create('contact', lastname='B')})"}
    assert api("POST", "leads", wrong).failed == (400, "0x80048d19")


def test_what_the_platform_requires_cant_be_cleared(api, service) -> None:
    service.create("lead", leadid=ROW, lastname="B")
    for body in ({"ownerid@odata.bind": None}, {"statecode": None}):
        assert api("PATCH", f"leads({ROW})", body).failed == (400, "0x80040200")
    assert api("PATCH", f"leads({ROW})", {"lastname": None}).status == 204
    assert api("PATCH", f"leads({ROW})", {"customerid": None}).failed == (400, "0x0")


def test_rows_go_to_a_team(api, service) -> None:
    team = service.create("team", name="Sales")
    api("POST", "leads", {"leadid": ROW, "ownerid@odata.bind": f"/teams({team})"})
    row = service.row("lead", ROW)
    assert (row["_owningteam_value"], row.get("_owninguser_value")) == (team, None)
    shown = api.get(f"leads({ROW})?$select=_ownerid_value", prefer='odata.include-annotations="*"').json
    assert shown["_ownerid_value@OData.Community.Display.V1.FormattedValue"] == "Sales"
    assert shown["_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == "ownerid"


def test_nested_rows_are_made_along(api, service) -> None:
    body = {
        "name": "ACME",
        "primarycontactid": {"lastname": "Boss"},
        "contact_customer_accounts": [{"lastname": "One"}, {"lastname": "Two"}],
    }
    assert api("POST", "accounts", body).status == 204
    (account,) = service.all_rows("account")
    people = {row["lastname"]: row for row in service.all_rows("contact")}
    assert account["_primarycontactid_value"] == people["Boss"]["contactid"]
    assert people["One"]["_parentcustomerid_value"] == account["accountid"]
    bad = {"name": "x", "primarycontactid": {"lastname": "made"}, "contact_customer_accounts": [{"nonsense": 1}]}
    assert api("POST", "accounts", bad).status == 400
    assert len(service.all_rows("contact")) == 3
    assert len(service.all_rows("account")) == 1


def test_single_properties(api, service) -> None:
    account = service.create("account", name="A")
    service.create("lead", leadid=ROW, lastname="B", **{"parentaccountid@odata.bind": f"accounts({account})"})
    home = f"leads({ROW})"
    assert api.get(f"{home}/lastname").json == {
        "@odata.context": f"{API}/$metadata#leads({ROW})/lastname",
        "value": "B",
    }
    assert api.get(f"{home}/lastname/$value").body == b"B"
    assert api.get(f"{home}/_parentaccountid_value").json["value"] == account
    assert api.get(f"{home}/fax").status == 204
    assert api("PUT", f"{home}/fax", {"value": "1"}).status == 204
    assert service.row("lead", ROW)["fax"] == "1"
    assert api("PUT", f"{home}/fax", {}).failed == (400, "0x80048d19")
    assert api("PUT", f"{home}/fax", {"value": "2"}, If_Match='W/"1"').failed == (412, "0x80060882")
    assert api("DELETE", f"{home}/fax").status == 204
    assert "fax" not in service.row("lead", ROW)
    assert api("POST", f"{home}/fax", {}).status == 405
    assert api.get(f"{home}/fax/nonsense").failed == (404, "0x8006088a")
    service.secure("lead", "lastname", readable=False)
    assert api.get(f"{home}/lastname").status == 204


# Rights, rules and callers


def test_secured_columns(api, service) -> None:
    service.create("lead", leadid=ROW, lastname="B")
    service.secure("lead", "fax", readable=True, writable=False)
    assert api("POST", "leads", {"fax": "1"}).failed == (403, "0x8004f502")
    assert api("PATCH", f"leads({ROW})", {"fax": "1"}).failed == (403, "0x8004f507")
    assert api("PATCH", f"leads({ROW})", {"lastname": "C"}).status == 204
    service.update("lead", ROW, fax="by hand")
    assert api.get(f"leads({ROW})").json["fax"] == "by hand"
    rights = api.get(f"systemusers({service.user_id})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()")
    (right,) = rights.json["AttributePrivileges"]
    assert (right["CanRead"], right["CanCreate"], right["CanUpdate"]) == (4, 0, 0)


def test_privileges(make) -> None:
    api = make(privileges={"lead": frozenset({"read", "write"})})
    row = api.service.create("lead", lastname="B")
    assert api.get("leads").status == 200
    refused = api("POST", "leads", {"lastname": "B"})
    assert refused.failed == (403, "0x80040220")
    assert "prvCreateLead" in refused.message
    assert api("DELETE", f"leads({row})").failed == (403, "0x80040220")
    assert api("PATCH", f"leads({uuid4()})", {}).failed == (403, "0x80040220")
    assert api("POST", "leads/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": []}).code == "0x80040220"


def test_a_rule_refuses_in_its_own_words(api, service) -> None:
    def rule(row, old) -> None:
        if row.get("fax") == "bad":
            raise Refused("No such fax.", 12345)
        row["pager"] = "set by rule"

    service.add_rule("lead", rule)
    answer = api("POST", "leads", {"fax": "bad"}, 'odata.include-annotations="*"')
    assert answer.failed == (400, "0x80040265")
    prefix = "@Microsoft.PowerApps.CDS."
    error = answer.json["error"]
    assert error[f"{prefix}ErrorDetails.SubErrorCode"] == "12345"
    assert error[f"{prefix}ErrorDetails.OperationStatus"] == "1"
    assert error[f"{prefix}HelpLink"].endswith("Microsoft.Crm.CrmException%3a80040265&client=platform")
    assert error[f"{prefix}InnerError.Message"] == "No such fax."
    only = api("POST", "leads", {"fax": "bad"}, f'odata.include-annotations="{prefix[1:]}HelpLink"').json["error"]
    assert set(only) == {"code", "message", f"{prefix}HelpLink"}
    assert set(api("POST", "leads", {"fax": "bad"}).json["error"]) == {"code", "message"}
    api("POST", "leads", {"leadid": ROW, "fax": "good"})
    assert service.row("lead", ROW)["pager"] == "set by rule"


@pytest.mark.parametrize(
    "header",
    [{"MSCRM.BypassCustomPluginExecution": "true"}, {"MSCRM.BypassBusinessLogicExecution": "CustomSync,CustomAsync"}],
)
def test_rules_can_be_skipped_with_the_privilege(api, service, header: dict[str, str]) -> None:
    def rule(row, old) -> None:
        raise Refused("no")

    service.add_rule("lead", rule)
    assert api("POST", "leads", {}, **header).status == 204
    service.resources.may_bypass = False
    assert api("POST", "leads", {}, **header).failed == (403, "0x80040220")


def test_duplicates_are_found_when_asked(api, service) -> None:
    service.detect_duplicates("lead", "emailaddress1")
    service.create("lead", emailaddress1="ada@example.com")
    body = {"emailaddress1": "ADA@example.com"}
    look = {"MSCRM.SuppressDuplicateDetection": "false"}
    assert api("POST", "leads", body, **look).failed == (412, "0x80040333")
    assert api("POST", "leads", {"lastname": "B"}, **look).status == 204
    assert api("POST", "leads", {"emailaddress1": "b@example.com"}, **look).status == 204
    assert api("POST", "leads", body).status == 204
    assert api("POST", "contacts", body, **look).status == 204


@pytest.mark.parametrize("header", ["MSCRMCallerID", "CallerObjectId"])
def test_another_user_is_acted_for(api, service, header: str) -> None:
    user = service.row("systemuser", service.other_user_id)
    who = user["systemuserid"] if header == "MSCRMCallerID" else user["azureactivedirectoryobjectid"]
    assert api("POST", "leads", {"leadid": ROW}, **{header: who}).status == 204
    row = service.row("lead", ROW)
    assert (row["_createdby_value"], row["_createdonbehalfby_value"]) == (service.other_user_id, service.user_id)
    assert api.get("WhoAmI", **{header: who}).json["UserId"] == service.other_user_id
    assert api("PATCH", f"leads({ROW})", {}).status == 204
    assert "_modifiedonbehalfby_value" not in service.row("lead", ROW)
    assert api("POST", "leads", {}, **{header: str(uuid4())}).failed == (400, "0x80040257")
    service.resources.may_impersonate = False
    assert api("POST", "leads", {}, **{header: who}).failed == (403, "0x8004a110")


def test_a_deletion_clears_lookups(api, service) -> None:
    account = service.create("account", name="A")
    contact = service.create("contact", **{"parentcustomerid_account@odata.bind": f"accounts({account})"})
    before = service.row("contact", contact)["versionnumber"]
    assert api("DELETE", f"accounts({account})").status == 204
    row = service.row("contact", contact)
    assert "_parentcustomerid_value" not in row
    assert row["versionnumber"] > before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Leads", 404, "0x8006088a"),
        ("GET", "leads/nonsense", 404, "0x8006088a"),
        ("GET", "1", 404, "0x8006088a"),
        ("PATCH", "leads", 405, "0x0"),
        ("DELETE", "leads", 405, "0x0"),
        ("PUT", f"leads({ROW})", 405, "0x0"),
        ("POST", f"leads({ROW})", 405, "0x0"),
        ("GET", "$metadata", 501, "0x80040219"),
        ("POST", "leads/Microsoft.Dynamics.CRM.Nonsense", 404, "0x8006088a"),
        ("GET", f"leads({ROW})/Microsoft.Dynamics.CRM.QualifyLead", 404, "0x8006088a"),
    ],
)
def test_addresses_and_verbs_that_lead_nowhere(api, method: str, path: str, status: int, code: str) -> None:
    assert api(method, path, {}).failed == (status, code)
