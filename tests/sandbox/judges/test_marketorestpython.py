"""The published client marketorestpython gets from the sandbox what it would get from Marketo, errors included."""

from __future__ import annotations

import pytest
from tests.sandbox.judges.published_client import SINCE, Connect, Pair, connect, outcomes, pair, refusal

from marketo_dynamics_sync.sandbox.marketo import Client, ObjectField

__all__ = ["connect", "pair"]


def test_token(pair: Pair, connect: Connect) -> None:
    pair.mc.authenticate()
    assert (pair.mc.token_type, pair.mc.expires_in, pair.mc.scope) == ("bearer", 3600, "sync-api@example.com")
    with pytest.raises(Exception, match="Bad client credentials"):
        connect(secret="wrong").mc.authenticate()


def test_an_expired_token_is_renewed(pair: Pair) -> None:
    assert pair.mc.execute(method="get_lead_partitions")
    first = pair.mc.token
    pair.clock.advance(3601)
    assert refusal(pair.mc.get_lead_partitions) == ("602", "Access token expired")
    assert refusal(pair.mc.get_lead_partitions) == ("601", "Access token invalid")
    pair.mc.valid_until = None
    assert pair.mc.execute(method="get_lead_partitions") == [{"id": 1, "name": "Default", "description": ""}]
    assert pair.mc.token != first


def test_describe(pair: Pair) -> None:
    by_name = {entry["rest"]["name"]: entry for entry in pair.mc.describe() if "rest" in entry}
    assert by_name["email"]["dataType"] == "email"
    (described,) = pair.mc.describe2()
    assert described["name"] == "API Lead"
    assert ["crmId"] in described["searchableFields"]


def test_leads_by_id_and_by_filter_with_paging(pair: Pair) -> None:
    for number in range(5):
        pair.service.create_person(crmId="same", email=f"p{number}@example.com", firstName=f"P{number}")
    (one,) = pair.mc.get_lead_by_id(1003, fields="email,firstName")
    assert one == {"id": 1003, "email": "p2@example.com", "firstName": "P2"}
    found = pair.mc.get_multiple_leads_by_filter_type("crmId", ["same"], fields="email", batchSize=2)
    assert [person["id"] for person in found] == [1001, 1002, 1003, 1004, 1005]
    listed = pair.mc.get_multiple_leads_by_filter_type("id", ["1001", "9"])
    assert [sorted(person) for person in listed] == [["createdAt", "email", "firstName", "id", "lastName", "updatedAt"]]
    assert pair.mc.get_multiple_leads_by_filter_type("email", ["nobody@example.com"]) == []
    assert refusal(pair.mc.get_multiple_leads_by_filter_type, "firstName", ["P1"])[0] == "1011"
    assert refusal(pair.mc.get_multiple_leads_by_filter_type, "id", ["1001"], fields="nonsense")[0] == "1006"


def test_300_long_values_go_through_the_form(pair: Pair) -> None:
    keys = [f"6b1f8d0e-0c7a-ee11-8179-{number:012d}" for number in range(300)]
    pair.service.create_person(crmId=keys[299])
    assert len(pair.mc.get_multiple_leads_by_filter_type("crmId", keys)) == 1
    assert refusal(pair.mc.get_multiple_leads_by_filter_type, "crmId", [*keys, "x"])[0] == "1003"


def test_create_update_upsert(pair: Pair) -> None:
    sync = pair.mc.create_update_leads
    made = sync([{"email": "a@example.com", "crmId": "A"}, {"email": "bademail"}, {"email": "b@x.com", "no": 1}])
    assert outcomes(made) == ["created", "1003", "1006"]
    assert outcomes(sync([{"email": "A@example.com", "firstName": "A"}], action="createOrUpdate")) == ["updated"]
    assert outcomes(sync([{"email": "a@example.com"}], action="createOnly")) == ["1005"]
    assert outcomes(sync([{"crmId": "B"}, {"crmId": "A"}], action="updateOnly", lookupField="crmId")) == [
        "1004",
        "updated",
    ]
    assert outcomes(sync([{"id": made[0]["id"], "lastName": "L"}], action="updateOnly", lookupField="id")) == [
        "updated"
    ]
    assert outcomes(sync([{"email": "a@example.com"}], action="createDuplicate")) == ["created"]
    assert outcomes(sync([{"email": "a@example.com"}])) == ["1007"]
    assert refusal(sync, [{"email": "a@example.com"}], action="replace")[0] == "1003"
    assert refusal(sync, [])[0] == "1002"


def test_delete_and_deleted_leads(pair: Pair) -> None:
    person = pair.service.create_person(firstName="Ada", lastName="Byron")
    assert outcomes(pair.mc.delete_lead([person, 99])) == ["deleted", "1004"]
    (gone,) = pair.mc.get_deleted_leads(sinceDatetime=SINCE)
    assert (gone["leadId"], gone["activityTypeId"], gone["primaryAttributeValue"]) == (person, 37, "Ada Byron")
    assert pair.mc.get_lead_by_id(person) == []


def test_merge(pair: Pair) -> None:
    winner = pair.service.create_person(email="a@example.com")
    losers = [pair.service.create_person(firstName="Ada"), pair.service.create_person(lastName="Byron")]
    assert pair.mc.merge_lead(winner, losers) is True
    (left,) = pair.mc.get_lead_by_id(winner, fields="email,firstName,lastName")
    assert left == {"id": winner, "email": "a@example.com", "firstName": "Ada", "lastName": None}
    (activity,) = pair.mc.get_lead_activities(["32"], sinceDatetime=SINCE)
    values = {item["name"]: item["value"] for item in activity["attributes"]}
    assert values["Merge IDs"] == ",".join(map(str, losers))
    assert refusal(pair.mc.merge_lead, winner, losers) == ("1004", f"Lead '{losers[0]}' not found")


def test_lead_changes_and_activities(pair: Pair) -> None:
    person = pair.service.create_person(email="a@example.com", firstName="Adah")
    token = pair.mc.get_paging_token(SINCE)
    pair.clock.advance(60)
    pair.service.update_person(person, firstName="Ada", title="Countess")
    changes = pair.mc.get_lead_changes(["firstName"], nextPageToken=token)
    assert [item["activityTypeId"] for item in changes] == [12, 13]
    (field,) = changes[1]["fields"]
    assert (field["name"], field["oldValue"], field["newValue"]) == ("firstName", "Adah", "Ada")
    until = pair.mc.get_lead_changes(["firstName"], sinceDatetime=SINCE, untilDatetime="2026-01-05T12:00:30Z")
    assert [item["activityTypeId"] for item in until] == [12]
    pages = list(pair.mc.get_lead_activities_yield(["12", "13"], sinceDatetime=SINCE, batchSize=1))
    assert [len(page) for page in pages] == [1, 1, 1]
    assert refusal(pair.mc.get_paging_token, "yesterday") == ("704", "Invalid date format")


def test_empty_pages_with_more_to_come(connect: Connect) -> None:
    pair = connect(activity_scan=1)
    for number in range(4):
        pair.service.create_person(email=f"p{number}@example.com")
    pair.service.delete_person(1001)
    assert len(pair.mc.get_deleted_leads(sinceDatetime=SINCE)) == 1
    assert len(pair.mc.get_lead_activities(["12"], sinceDatetime=SINCE)) == 4


def test_activity_types_and_custom_activities(pair: Pair) -> None:
    assert {12, 13, 37} <= {item["id"] for item in pair.mc.get_activity_types()}
    names = ("crmSyncFailure", "CRM Sync Failure", "CRM sync fails", "CRM sync failed", "syncObject", "Sync Object")
    (made,) = pair.mc.create_custom_activity_type(*names, description="A failure")
    assert (made["status"], made["primaryAttribute"]["dataType"]) == ("draft", "string")
    attributes = [
        {"apiName": "errorCode", "name": "Error Code", "dataType": "string"},
        {"apiName": "tries", "name": "Tries", "dataType": "integer"},
    ]
    pair.mc.create_custom_activity_type_attribute("crmSyncFailure", attributes)
    assert pair.mc.approve_custom_activity_type("crmSyncFailure")[0]["status"] == "approved"
    person = pair.service.create_person(email="a@example.com")
    record = {
        "leadId": person,
        "activityDate": "2026-01-05T11:00:00Z",
        "activityTypeId": made["id"],
        "primaryAttributeValue": "contact",
        "attributes": [{"apiName": "errorCode", "value": "E1"}, {"name": "Tries", "value": 3}],
    }
    result = pair.mc.add_custom_activities([record, {**record, "leadId": 9}])
    assert outcomes(result) == ["added", "1004"]
    (found,) = pair.mc.get_lead_activities([str(made["id"])], sinceDatetime=SINCE)
    assert {item["apiName"]: item["value"] for item in found["attributes"]} == {"errorCode": "E1", "tries": 3}
    pair.mc.update_custom_activity_type("crmSyncFailure", description="Changed")
    pair.mc.update_custom_activity_type_attribute(
        "crmSyncFailure", [{"apiName": "tries", "name": "Attempts", "dataType": "integer"}]
    )
    (draft,) = pair.mc.describe_custom_activity_type("crmSyncFailure", draft=True)
    assert (draft["description"], draft["status"]) == ("Changed", "approved with draft")
    assert pair.mc.describe_custom_activity_type("crmSyncFailure")[0]["description"] == "A failure"
    assert pair.mc.discard_custom_activity_type_draft("crmSyncFailure")[0]["status"] == "approved"
    pair.mc.delete_custom_activity_type_attribute("crmSyncFailure", [{"apiName": "tries"}])
    pair.mc.approve_custom_activity_type("crmSyncFailure")
    assert [item["apiName"] for item in pair.mc.get_custom_activity_types()] == ["crmSyncFailure"]
    assert pair.mc.delete_custom_activity_type("crmSyncFailure")[0]["status"] == "deleted"
    assert refusal(pair.mc.describe_custom_activity_type, "crmSyncFailure")[0] == "1013"


def test_companies(pair: Pair) -> None:
    (described,) = pair.mc.describe_company()
    assert (described["idField"], described["dedupeFields"]) == ("id", ["externalCompanyId"])
    made = pair.mc.create_update_companies(
        [{"externalCompanyId": "C1", "company": "Example"}, {"externalCompanyId": "C2", "company": "Sample"}]
    )
    assert [(entry["seq"], entry["status"]) for entry in made] == [(0, "created"), (1, "created")]
    found = pair.mc.get_companies("externalCompanyId", ["C1", "C2"], fields=["company"], batchSize=1)
    assert [row["company"] for row in found] == ["Example", "Sample"]
    assert pair.mc.get_companies("id", [str(made[0]["id"])])[0]["externalCompanyId"] == "C1"
    assert refusal(pair.mc.get_companies, "industry", ["x"])[0] == "1011"
    again = pair.mc.create_update_companies([{"externalCompanyId": "C1"}], action="createOnly")
    assert outcomes(again) == ["1017"]
    assert outcomes(pair.mc.delete_companies([{"externalCompanyId": "C2"}, {"externalCompanyId": "C3"}])) == [
        "deleted",
        "1013",
    ]
    person = pair.service.create_person(email="a@example.com", externalCompanyId="C1")
    assert pair.mc.get_lead_by_id(person, fields="company")[0]["company"] == "Example"


def test_sales_persons(pair: Pair) -> None:
    (described,) = pair.mc.describe_sales_person()
    assert described["searchableFields"] == [["email"], ["id"], ["externalSalesPersonId"]]
    made = pair.mc.create_update_sales_persons(
        [{"externalSalesPersonId": key, "email": f"{key}@example.com"} for key in ("sam", "david")]
    )
    assert outcomes(made) == ["created", "created"]
    found = pair.mc.get_sales_persons("dedupeFields", ["david", "sam"])
    assert [row["externalSalesPersonId"] for row in found] == ["sam", "david"]
    pair.service.create_person(externalSalesPersonId="sam")
    pair.mc.max_retry_time = 0  # 1022 is among the codes that this client tries again
    gone = pair.mc.delete_sales_persons([{"externalSalesPersonId": key} for key in ("sam", "david", "raj")])
    assert outcomes(gone) == ["1022", "deleted", "1013"]


def test_opportunities_and_roles(pair: Pair) -> None:
    assert pair.mc.describe_opportunity()[0]["dedupeFields"] == ["externalOpportunityId"]
    made = pair.mc.create_update_opportunities(
        [{"externalOpportunityId": "O1", "name": "Chairs", "amount": 1604.47}, {"externalOpportunityId": "O2"}]
    )
    assert outcomes(made) == ["created", "1003"]
    (row,) = pair.mc.get_opportunities("idField", [made[0]["marketoGUID"]], fields=["name", "amount", "stage"])
    assert row == {
        "seq": 0,
        "marketoGUID": made[0]["marketoGUID"],
        "name": "Chairs",
        "amount": 1604.47,
        "stage": None,
    }
    assert len(pair.mc.describe_opportunity_role()[0]["dedupeFields"]) == 3
    person = pair.service.create_person(email="a@example.com")
    role = {"externalOpportunityId": "O1", "leadId": person, "role": "Decision Maker", "isPrimary": True}
    wrong = [{**role, "leadId": 9}, {**role, "externalOpportunityId": "O9"}]
    assert outcomes(pair.mc.create_update_opportunities_roles([role, *wrong])) == ["created", "1004", "1013"]
    (found,) = pair.mc.get_opportunity_roles("leadId", [str(person)], fields=["role", "isPrimary"])
    assert (found["role"], found["isPrimary"]) == ("Decision Maker", True)
    assert refusal(pair.mc.get_opportunity_roles, "dedupeFields", ["O1"])[0] == "1002"
    key = {"externalOpportunityId": "O1", "leadId": person, "role": "Decision Maker"}
    assert outcomes(pair.mc.delete_opportunity_roles([key])) == ["deleted"]
    assert outcomes(pair.mc.delete_opportunities([{"externalOpportunityId": "O1"}])) == ["deleted"]
    owner = [{"externalOpportunityId": "O3", "name": "N", "externalSalesPersonId": "nobody"}]
    assert refusal(pair.mc.create_update_opportunities, owner) == ("718", "ExternalSalesPersonID not found")


def test_custom_object_types_and_objects(pair: Pair) -> None:
    mc = pair.mc
    assert mc.create_update_custom_object_type("car", "Car", action="createOnly", pluralName="Cars") == []
    mc.add_field_custom_object_type(
        "car",
        [
            {
                "name": "leadID",
                "displayName": "Lead ID",
                "dataType": "link",
                "relatedTo": {"name": "lead", "field": "id"},
            },
            {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True},
            {"name": "year", "displayName": "Year", "dataType": "integer"},
        ],
    )
    assert mc.get_list_of_custom_objects() == []
    assert mc.approve_custom_object_type("car") == []
    assert mc.describe_custom_object_type("car")[0]["state"] == "approved"
    (listed,) = mc.get_list_of_custom_objects(names="car")
    assert (listed["dedupeFields"], listed["searchableFields"]) == (["vin"], [["vin"], ["marketoGUID"], ["leadID"]])
    assert {field["name"] for field in mc.describe_custom_object("car")[0]["fields"]} >= {"vin", "year", "marketoGUID"}
    person = pair.service.create_person(email="a@example.com")
    cars = [{"vin": f"V{number}", "leadID": person, "year": 2000 + number} for number in range(3)]
    assert outcomes(mc.create_update_custom_objects("car", [*cars, {"vin": "V9", "leadID": 9}, {"year": 1}])) == [
        "created",
        "created",
        "created",
        "1004",
        "1003",
    ]
    found = mc.get_custom_objects("car", [{"leadID": person}], "leadID", fields=["vin", "year"], batchSize=2)
    assert [(row["vin"], row["year"]) for row in found] == [("V0", 2000), ("V1", 2001), ("V2", 2002)]
    (row,) = mc.get_custom_objects("car", [{"vin": "V1"}], "dedupeFields")
    assert sorted(row) == ["createdAt", "marketoGUID", "seq", "updatedAt", "vin"]
    by_id = [{"marketoGUID": row["marketoGUID"], "year": 1999}]
    assert outcomes(mc.create_update_custom_objects("car", by_id, action="updateOnly", dedupeBy="idField")) == [
        "updated"
    ]
    assert outcomes(mc.delete_custom_objects("car", [{"vin": "V1"}, {"vin": "V8"}])) == ["deleted", "1013"]
    mc.create_update_custom_object_type("car", "Car", description="Changed")
    assert mc.discard_custom_object_type("car") == []
    assert mc.get_list_of_custom_object_types()[0]["description"] == ""
    assert mc.delete_custom_object_type("car") == []
    assert refusal(mc.describe_custom_object, "car")[0] == "1013"


def test_static_lists(pair: Pair) -> None:
    people = [pair.service.create_person(email=f"p{number}@example.com") for number in range(3)]
    number = pair.service.create_list("VIP", people[0], program="Launch", description="Very important")
    (listed,) = pair.mc.get_multiple_lists(name="VIP")
    assert (listed["id"], listed["programName"], listed["description"]) == (number, "Launch", "Very important")
    assert outcomes(pair.mc.add_leads_to_list(number, [people[1], 99])) == ["added", "1004"]
    assert outcomes(pair.mc.member_of_list(number, people)) == ["memberof", "memberof", "notmemberof"]
    pages = list(pair.mc.get_multiple_leads_by_list_id_yield(number, fields="email", batchSize=1))
    assert [page[0]["id"] for page in pages] == people[:2]
    assert outcomes(pair.mc.remove_leads_from_list(number, [people[1], people[2]])) == ["removed", "1015"]


def test_partitions_push_and_cookies(connect: Connect) -> None:
    pair = connect(partitions=("Default", "EMEA"))
    pair.service.create_program("Launch")
    pushed = pair.mc.push_lead([{"email": "a@example.com"}, {"email": "bad"}], "Launch", source="Site", reason="Paper")
    assert outcomes(pushed) == ["created", "1003"]
    (activity,) = pair.mc.get_lead_activities(["145"], sinceDatetime=SINCE)
    assert activity["primaryAttributeValue"] == "Launch"
    assert {item["name"]: item["value"] for item in activity["attributes"]} == {"Source": "Site", "Reason": "Paper"}
    person = pushed[0]["id"]
    assert outcomes(pair.mc.update_leads_partition([{"id": person, "partitionName": "EMEA"}])) == ["updated"]
    cookie = "id:123-ABC-456&token:_mch-example.com-1396310362214-46169"
    assert pair.mc.associate_lead(person, cookie) is True
    assert refusal(pair.mc.associate_lead, person, "nonsense")[0] == "1012"
    assert refusal(pair.mc.associate_lead, 99, cookie) == ("1004", "Lead '99' not found")
    assert refusal(pair.mc.push_lead, [{"email": "a@example.com"}], "Nothing")[0] == "1013"


def test_usage_and_errors(pair: Pair) -> None:
    refusal(pair.mc.get_companies, "industry", ["x"])
    (usage,) = pair.mc.get_daily_usage()
    assert (usage["date"], usage["total"]) == ("2026-01-05", 2)
    assert usage["users"] == [{"userId": "sync-api@example.com", "count": 2}]
    (errors,) = pair.mc.get_daily_errors()
    assert errors["errors"] == [{"errorCode": "1011", "count": 1}]
    assert pair.mc.get_last_7_days_usage()[0]["total"] == 4
    assert pair.mc.get_last_7_days_errors()[0]["total"] == 1


def test_named_accounts(pair: Pair) -> None:
    (described,) = pair.mc.describe_named_accounts()
    assert (described["idField"], described["dedupeFields"]) == ("marketoGUID", ["name"])


def test_a_client_that_tries_again_without_its_token_is_refused(pair: Pair) -> None:
    """The client drops its token before it tries again, so after 606 it hears 603 as soon as the window has passed."""
    pair.service.limits.rate = 3
    for _ in range(3):
        pair.mc.get_lead_partitions()
    assert refusal(pair.mc.get_lead_partitions) == ("603", "Access denied")
    codes = [call.code for call in pair.service.calls if call.kind != "token"]
    assert codes[:4] == ["", "", "", "606"]
    assert set(codes[4:-1]) <= {"606"}
    assert codes[-1] == "603"
    pair.mc.max_retry_time = 0
    pair.clock.advance(20)
    for _ in range(3):
        pair.mc.get_lead_partitions()
    assert refusal(pair.mc.get_lead_partitions) == ("606", "Max rate limit '3' exceeded with in '20' secs")


def test_refusals_of_the_instance(connect: Connect) -> None:
    few = connect(clients={"marketo-client": Client("marketo-secret", {"Read-Only Lead"})})
    assert refusal(few.mc.get_companies, "id", ["1"]) == ("603", "Access denied")
    native = connect(native_sync="dynamics")
    assert native.mc.describe_company()[0]["name"] == "Company"
    assert native.mc.get_companies("id", ["1"]) == []
    for refused in (
        lambda: native.mc.create_update_companies([{"externalCompanyId": "C"}]),
        lambda: native.mc.delete_sales_persons([{"externalSalesPersonId": "S"}]),
        lambda: native.mc.create_update_opportunities([{"externalOpportunityId": "O", "name": "N"}]),
        native.mc.describe_opportunity_role,
    ):
        assert refusal(refused) == ("1018", "CRM Enabled")
    assert refusal(connect(custom_object_schema=False).mc.get_list_of_custom_object_types)[0] == "616"
    spent = connect(daily_quota=0)
    assert refusal(spent.mc.get_lead_partitions) == ("607", "Daily quota reached")


def test_objects_made_by_hand_are_found(pair: Pair) -> None:
    pair.service.create_custom_object_type(
        "seat_c", [ObjectField("seatId", dedupe=True)], link=("leadId", "lead", "id"), label="Seat"
    )
    person = pair.service.create_person(email="a@example.com")
    guid = pair.service.create_custom_object("seat_c", seatId="S1", leadId=person)
    (row,) = pair.mc.get_custom_objects("seat_c", [{"leadId": person}], "leadId")
    assert row["marketoGUID"] == guid
