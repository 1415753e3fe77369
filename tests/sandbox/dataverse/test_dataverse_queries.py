"""Queries: filters, order, columns, counts, groups, and what is refused."""

from __future__ import annotations

import pytest


@pytest.fixture
def people(service) -> list[str]:
    rows = [
        {"firstname": "Ada", "lastname": "Byron", "numberofemployees": 5, "leadqualitycode": 1, "donotemail": True},
        {"firstname": "grace", "lastname": "Hopper", "numberofemployees": 20, "estimatedclosedate": "2026-03-02"},
        {"firstname": "Alan", "lastname": "O'Turing", "revenue": 10.5, "leadqualitycode": 2},
        {"firstname": "100% Éva", "lastname": "Zwei", "companyname": "a_b"},
    ]
    return [service.create("lead", **row) for row in rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lastname eq 'byron'", [0]),
        ("lastname eq 'O''Turing'", [2]),
        ("'Byron' eq lastname", [0]),
        ("numberofemployees gt 5", [1]),
        ("numberofemployees ge 5 and numberofemployees lt 20", [0]),
        ("numberofemployees le 5.5", [0]),
        ("numberofemployees eq null", [2, 3]),
        ("numberofemployees ne null", [0, 1]),
        ("numberofemployees ne 5", [1]),
        ("not (numberofemployees eq 5)", [1]),
        ("not contains(companyname,'x')", [3]),
        ("donotemail eq true", [0]),
        ("leadqualitycode eq 1 or leadqualitycode eq 2", [0, 2]),
        ("leadqualitycode eq 1 or numberofemployees gt 1", [0, 1]),
        ("numberofemployees gt 1 and leadqualitycode eq 1", [0]),
        ("numberofemployees gt 99 and leadqualitycode eq 1", []),
        ("estimatedclosedate eq 2026-03-02", [1]),
        ("createdon ge 2026-03-01T09:00:00Z", [0, 1, 2, 3]),
        ("createdon gt 2026-03-01T09:00:00.5Z", []),
        ("createdon lt 2026-03-01", []),
        ("revenue eq 10.50", [2]),
        ("contains(firstname,'A')", [0, 1, 2, 3]),
        ("startswith(firstname,'a')", [0, 2]),
        ("endswith(lastname,'er')", [1]),
        ("contains(companyname,'_')", [3]),
        ("startswith(firstname,'%va')", [3]),
        ("firstname eq lastname", []),
        ("lastname eq @name", [0]),
        ("numberofemployees eq @nothing", [2, 3]),
        ("@what eq 20", [1]),
        ('Microsoft.Dynamics.CRM.In(PropertyName=\'lastname\',PropertyValues=["BYRON","Zwei"])', [0, 3]),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='leadqualitycode',PropertyValues=['1'])", [2]),
        ("Microsoft.Dynamics.CRM.In(PropertyName=@p,PropertyValues=@v)", [0]),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=['5','6'])", [0]),
        ("Microsoft.Dynamics.CRM.NotBetween(PropertyName='numberofemployees',PropertyValues=['5','6'])", [1]),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='lastname',PropertyValues=['b','i'])", [0, 1]),
        ("Microsoft.Dynamics.CRM.On(PropertyName='createdon',PropertyValue='2026-03-01')", [0, 1, 2, 3]),
        ("Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='createdon',PropertyValue='2026-03-02')", []),
        ("Microsoft.Dynamics.CRM.OnOrBefore(PropertyName='createdon',PropertyValue='2026-03-01')", [0, 1, 2, 3]),
        ("Microsoft.Dynamics.CRM.Tomorrow(PropertyName='estimatedclosedate')", [1]),
        ("Microsoft.Dynamics.CRM.NextXDays(PropertyName='estimatedclosedate',PropertyValue=3)", [1]),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='createdon')", [0, 1, 2, 3]),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", None),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='_ownerid_value')", []),
        ("Microsoft.Dynamics.CRM.NotEqualUserId(PropertyName='_ownerid_value')", [0, 1, 2, 3]),
        ("Microsoft.Dynamics.CRM.EqualBusinessId(PropertyName='_ownerid_value')", []),
        ("owninguser/fullname eq 'Sally Sales'", [0, 1, 2, 3]),
        ("parentaccountid/name eq 'x'", []),
    ],
)
def test_filters(api, people, text: str, found: list[int] | None) -> None:
    aliases = "&@name='Byron'&@what=numberofemployees&@p='lastname'&@v=[\"Byron\"]"
    answer = api.get(f"leads?$select=leadid&$filter={text.replace('%', '%25')}{aliases}")
    if found is None:
        assert answer.failed == (400, "0x0")
    else:
        assert {row["leadid"] for row in answer.value} == {people[index] for index in found}


@pytest.mark.parametrize(
    "name",
    ["Yesterday", "Last7Days", "Next7Days", "LastWeek", "ThisWeek", "NextWeek", "LastMonth", "ThisMonth", "NextMonth",
     "LastYear", "ThisYear", "NextYear", "LastXHours", "NextXHours", "LastXDays", "LastXWeeks", "NextXWeeks",
     "LastXMonths", "NextXMonths", "OlderThanXMinutes", "OlderThanXHours", "OlderThanXDays", "OlderThanXWeeks",
     "OlderThanXMonths"],
)  # fmt: skip
def test_windows_of_time(api, service, name: str) -> None:
    """2026-03-01 is a Sunday, so the week has just begun."""
    days = {"2024-06-01": 0, "2025-06-01": 1, "2026-01-30": 2, "2026-02-15": 3, "2026-02-24": 4, "2026-02-28": 5}
    days |= {"2026-03-01": 6, "2026-03-03": 7, "2026-03-09": 8, "2026-03-20": 9, "2026-04-05": 10, "2027-02-01": 11}
    for day, number in days.items():
        service.create("lead", lastname=str(number), estimatedclosedate=day)
    wanted = {
        "Yesterday": {5}, "Last7Days": {4, 5, 6}, "Next7Days": {7}, "LastWeek": {4, 5}, "ThisWeek": {6, 7},
        "NextWeek": {8}, "LastMonth": {3, 4, 5}, "ThisMonth": {6, 7, 8, 9}, "NextMonth": {10}, "LastYear": {1},
        "ThisYear": {2, 3, 4, 5, 6, 7, 8, 9, 10}, "NextYear": {11}, "LastXHours": set(), "NextXHours": set(),
        "LastXDays": {5, 6}, "LastXWeeks": {3, 4, 5, 6}, "NextXWeeks": {7, 8}, "LastXMonths": {2, 3, 4, 5, 6},
        "NextXMonths": {7, 8, 9}, "OlderThanXMinutes": {0, 1, 2, 3, 4, 5, 6}, "OlderThanXHours": {0, 1, 2, 3, 4, 5, 6},
        "OlderThanXDays": {0, 1, 2, 3, 4}, "OlderThanXWeeks": {0, 1, 2}, "OlderThanXMonths": {0, 1},
    }  # fmt: skip
    number = ",PropertyValue=2" if "X" in name else ""
    if name in ("NextXMonths", "LastXMonths", "OlderThanXMonths"):
        number = ",PropertyValue=1"
        wanted |= {"LastXMonths": {3, 4, 5, 6}, "OlderThanXMonths": {0, 1, 2}}
    function = f"Microsoft.Dynamics.CRM.{name}(PropertyName='estimatedclosedate'{number})"
    answer = api.get(f"leads?$select=lastname&$filter={function}")
    assert {int(row["lastname"]) for row in answer.value} == wanted[name]


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("$skip=1", "0x80060888", "Skip Clause is not supported in CRM"),
        ("$search=x", "0x80060888", "'$search' is not supported"),
        ("$format=json", "0x80060888", "'$format' is not supported"),
        ("$Top=1", "0x80060888", "'$Top' is not supported"),
        ("$top=1&$top=2", "0x80060888", "more than once"),
        ("$top=many", "0x80060888", "non-negative"),
        ("$count=maybe", "0x80060888", "Valid values"),
        ("$select=Lastname", "0x0", "named 'Lastname' on type 'Microsoft.Dynamics.CRM.lead'"),
        ("$orderby=nonsense", "0x0", "named 'nonsense'"),
        ("$orderby=lastname up", "0x80060888", "Syntax error"),
        ("$filter=", "0x80060888", "Expression expected"),
        ("$filter=lastname", "0x80060888", "Syntax error at position 8"),
        ("$filter=lastname is 'x'", "0x80060888", "Syntax error"),
        ("$filter=lastname eq 'x' 'y'", "0x80060888", "Syntax error"),
        ("$filter=(lastname eq 'x'", "0x80060888", "Syntax error"),
        ("$filter=lastname eq ~", "0x80060888", "Syntax error at position 12"),
        ("$filter=lastname eq 12:00", "0x80060888", "Syntax error"),
        ("$filter=lastname eq 5", "0x80060888", "'Edm.String' and 'Edm.Int32' for operator kind 'Equal'"),
        ("$filter=numberofemployees gt 'x'", "0x80060888", "incompatible types"),
        ("$filter=donotemail eq 1", "0x80060888", "incompatible types"),
        ("$filter=contains(numberofemployees,'x')", "0x80060888", "No function signature"),
        ("$filter=tolower(lastname) eq 'x'", "0x80060888", "unknown function with name 'tolower'"),
        ("$filter=Microsoft.Dynamics.CRM.Nonsense(PropertyName='lastname')", "0x80060888", "unknown function"),
        ("$filter=Microsoft.Dynamics.CRM.Nonsense(PropertyName='lastname',PropertyValues=['1'])", "0x80060888",
         "unknown function"),
        ("$filter=Microsoft.Dynamics.CRM.Today()", "0x80060888", "unknown function"),
        ("$filter=Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues='x')", "0x80060888", "collection"),
        ("$filter=Microsoft.Dynamics.CRM.In(PropertyName=lastname)", "0x80060888", "Syntax error"),
        ("$filter=Microsoft.Dynamics.CRM.LastXDays(PropertyName='fax',PropertyValue='x')", "0x80060888", "number"),
        ("$filter=Microsoft.Dynamics.CRM.Between(PropertyName='lastname',PropertyValues=['x'])", "0x80060888", "two"),
        ("$filter=nowhere/name eq 'x'", "0x0", "named 'nowhere'"),
        ("$filter=lastname eq @a&@a=1 2", "0x80060888", "Syntax error"),
        ("$filter=originatingcaseid/name eq 'x'", "0x80060888", "no table 'incident'"),
        ("$apply=unknown(x)", "0x80060888", "transformation"),
        ("fetchXml=<fetch/>", "0x80040219", "OData queries only"),
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused(api, query: str, code: str, words: str) -> None:
    answer = api.get(f"leads?{query}")
    assert answer.code == code
    assert words in answer.message


def test_options_that_only_sets_take_are_refused_on_a_row(api, service) -> None:
    lead = service.create("lead", lastname="B")
    assert api.get(f"leads({lead})?$filter=lastname eq 'B'").failed == (400, "0x80060888")
    assert api.get(f"leads({lead})?tag=anything&$select=lastname").json["lastname"] == "B"


def test_order_has_nothing_first_and_no_letter_case(api, people) -> None:
    a, g, o, z = people
    assert api.ids("leads?$orderby=numberofemployees desc,lastname asc") == [g, a, o, z]
    assert api.ids("leads?$orderby=numberofemployees,lastname desc") == [z, o, a, g]
    assert api.ids("leads?$orderby=@o desc&@o=lastname") == [z, o, g, a]
    assert api.ids("leads") == sorted(people)


def test_columns_are_chosen_by_name(api, service, people) -> None:
    answer = api.get(f"leads({people[2]})?$select=lastname,revenue")
    row = answer.json
    assert set(row) == {
        "@odata.context", "@odata.etag", "lastname", "revenue", "leadid", "_transactioncurrencyid_value",
    }  # fmt: skip
    assert row["@odata.context"].endswith("$metadata#leads(lastname,revenue)/$entity")
    assert row["@odata.etag"] == answer.headers["etag"]
    assert api.get(f"leads({people[0]})?$select=ownerid").json["_ownerid_value"] == service.other_user_id
    everything = api.get(f"leads({people[0]})").json
    assert everything["fax"] is None
    assert everything["fullname"] == "Ada Byron"


def test_a_count_stops_at_five_thousand(api, service) -> None:
    for number in range(5001):
        service.create("lead", lastname=f"L{number}")
    assert api.get("leads/$count").body == b"5000"
    assert api.get("leads/$count?$filter=lastname eq 'L7'").body == b"1"
    annotations = 'odata.include-annotations="Microsoft.Dynamics.CRM.*"'
    answer = api.get("leads?$count=true&$select=leadid", prefer=annotations).json
    assert answer["@odata.count"] == 5000
    assert answer["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    assert int(answer["@Microsoft.Dynamics.CRM.globalmetadataversion"]) > 0
    assert len(answer["value"]) == 5000
    assert "@odata.nextLink" in answer
    assert api.get("contacts", prefer=annotations).json["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1


def test_preferences_are_told_back(api, service) -> None:
    service.create("lead", lastname="B")
    answer = api.get("leads", prefer='odata.maxpagesize=2, odata.include-annotations="a,b", wait=5')
    assert answer.headers["preference-applied"] == 'odata.maxpagesize=2,odata.include-annotations="a,b"'
    assert "preference-applied" not in api.get("leads").headers


def test_top_gives_way_to_a_page_size(api, service) -> None:
    for number in range(4):
        service.create("lead", lastname=f"L{number}")
    assert len(api.ids("leads?$top=3")) == 3
    assert "@odata.nextLink" not in api.get("leads?$top=3").json
    both = api.get("leads?$top=1", prefer="odata.maxpagesize=2").json
    assert len(both["value"]) == 2
    assert "@odata.nextLink" in both
    assert len(api.ids("leads", prefer="odata.maxpagesize=5001")) == 4


def test_a_secured_column_is_blank_and_cant_be_filtered_by(api, service) -> None:
    service.create("lead", lastname="B", fax="1")
    service.secure("lead", "fax", readable=False)
    assert api.get("leads?$select=fax").value[0]["fax"] is None
    assert api.get("leads?$filter=fax eq '1'").failed == (400, "0x8004f506")


GROUPS = "groupby((leadqualitycode),aggregate($count as count,numberofemployees with sum as total))"


@pytest.mark.parametrize(
    ("apply", "value"),
    [
        (
            "groupby((leadqualitycode))",
            [{"leadqualitycode": 1}, {"leadqualitycode": 2}, {}],
        ),
        (
            GROUPS,
            [
                {"leadqualitycode": 1, "count": 2, "total": 8.0},
                {"leadqualitycode": 2, "count": 1, "total": None},
                {"count": 1, "total": 4.0},
            ],
        ),
        ("aggregate(numberofemployees with average as a,numberofemployees with min as b)", [{"a": 4.0, "b": 3}]),
        ("aggregate(numberofemployees with max as a,lastname with max as b)", [{"a": 5, "b": "D"}]),
        ("aggregate(leadqualitycode with countdistinct as n)", [{"n": 2}]),
        ("filter(leadqualitycode eq 1)/aggregate($count as n)", [{"n": 2}]),
        ("groupby((owninguser/fullname))", [{"systemuser_fullname": "Sally Sales"}]),
    ],
)
def test_groups_and_aggregates(api, service, apply: str, value: list[dict[str, object]]) -> None:
    service.create("lead", lastname="A", leadqualitycode=1, numberofemployees=3)
    service.create("lead", lastname="B", leadqualitycode=1, numberofemployees=5)
    service.create("lead", lastname="C", leadqualitycode=2)
    service.create("lead", lastname="D", numberofemployees=4)
    found = api.get(f"leads?$apply={apply}").value
    assert sorted(found, key=str) == sorted(value, key=str)


def test_groups_carry_labels(api, service) -> None:
    service.create("lead", lastname="A", leadqualitycode=1, numberofemployees=3)
    (found,) = api.get(f"leads?$apply={GROUPS}&$filter=leadqualitycode eq 1", 'odata.include-annotations="*"').value
    shown = "@OData.Community.Display.V1.FormattedValue"
    assert found[f"leadqualitycode{shown}"] == "Hot"
    assert (found[f"count{shown}"], found[f"total{shown}"]) == ("1", "3.00")


@pytest.mark.parametrize(
    "query",
    ["$apply=groupby((createdon))", "$apply=aggregate(x)", "$apply=groupby((lastname))&$orderby=lastname",
     "$apply=aggregate($count as n)&$top=1"],
)  # fmt: skip
def test_what_groups_dont_do(api, query: str) -> None:
    assert api.get(f"leads?{query}").failed == (400, "0x80060888")


def test_too_many_rows_for_an_aggregate(api, service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketo_dynamics_sync.sandbox.dataverse.aggregate._MOST", 1)
    for name in "AB":
        service.create("lead", lastname=name)
    assert api.get("leads?$apply=aggregate($count as n)").failed == (400, "0x8004e023")
