"""The activity stream, as Adobe's page "Activities" and recordings of it have it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sandbox.marketo.marketo_instance import START, Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from marketo_dynamics_sync.sandbox.marketo.tokens import BadToken, Tokens, scope_of

EVERYTHING = "12,13,22,24,25,32,37"


def read_all(marketo: Marketo, path: str, token: str, **params: object) -> tuple[list[dict], str]:
    """Follow the stream until it says that nothing more is there."""
    found: list[dict] = []
    while True:
        page = marketo.get(path, nextPageToken=token, **params)
        assert page["success"], page
        assert set(page) >= {"nextPageToken", "moreResult"}
        found += page.get("result", [])
        token = page["nextPageToken"]
        if not page["moreResult"]:
            return found, token


def types(found: list[dict]) -> list[int]:
    return [item["activityTypeId"] for item in found]


def test_every_kind_of_change_is_written(marketo: Marketo) -> None:
    token = marketo.paging_token()
    marketo.sync({"email": "a@example.com", "firstName": "Ada"})
    other = marketo.service.create_person(email="b@example.com", lastName="Bee", title="Dr")
    marketo.clock.advance(1)
    marketo.sync({"email": "a@example.com", "firstName": "Eve", "doNotCall": True})
    marketo.service.change_score(1001, 5)
    marketo.service.create_list("VIP", 1001)
    marketo.service.merge_persons(1001, other)
    marketo.service.delete_person(1001)
    found, _ = read_all(marketo, "activities.json", token, activityTypeIds=EVERYTHING)
    assert types(found) == [12, 12, 13, 13, 22, 24, 13, 13, 32, 37, 37]
    assert [item["leadId"] for item in found] == [1001, other, *[1001] * 7, other, 1001]
    assert all(item["marketoGUID"] == str(item["id"]) for item in found)
    assert len({item["marketoGUID"] for item in found}) == len(found)
    assert found[0] == {
        "id": found[0]["id"],
        "marketoGUID": str(found[0]["id"]),
        "leadId": 1001,
        "activityDate": "2026-01-05T12:00:00Z",
        "activityTypeId": 12,
        "campaignId": 0,
        "primaryAttributeValueId": 1001,
        "primaryAttributeValue": "Ada",
        "attributes": [
            {"name": "Source Type", "value": "Web service API"},
            {"name": "Created Date", "value": "2026-01-05"},
        ],
    }
    named = [{pair["name"]: pair["value"] for pair in item["attributes"]} for item in found]
    assert (found[2]["primaryAttributeValueId"], found[2]["primaryAttributeValue"]) == (53, "First Name")
    assert (named[2]["Old Value"], named[2]["New Value"], named[2]["Source"]) == ("Ada", "Eve", "Web service API")
    assert (named[3]["Old Value"], named[3]["New Value"]) == ("false", "true")
    assert (named[4]["Change Value"], named[4]["New Value"]) == ("+5", "5")
    assert named[6]["Reason"] == "Merge Leads"
    assert "Old Value" not in named[6]
    assert (named[8]["Merge IDs"], named[8]["Master Updated"]) == (str(other), "true")
    assert found[10]["primaryAttributeValue"] == "Eve Bee"


def test_lead_changes_give_the_named_fields_and_all_new_people(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"})
    marketo.sync({"email": "a@example.com", "firstName": "Ada", "title": "Dr", "numberOfEmployees": 3})
    marketo.sync({"email": "a@example.com", "title": None})
    marketo.service.change_score(1001, 5)
    fields = "firstName,numberOfEmployees,leadScore"
    found, _ = read_all(marketo, "activities/leadchanges.json", marketo.paging_token(), fields=fields)
    assert types(found) == [12, 13]
    assert found[1]["fields"] == [
        {"id": 53, "name": "firstName", "newValue": "Ada", "oldValue": None},
        {"id": found[1]["fields"][1]["id"], "name": "numberOfEmployees", "newValue": "3", "oldValue": None},
    ]
    assert {"name": "Lead ID", "value": 1001} in found[1]["attributes"]


def test_one_write_is_never_parted_by_a_page(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"}, {"email": "b@example.com"})
    for email in ("a@example.com", "b@example.com"):
        marketo.sync({"email": email, "firstName": "A", "lastName": "B", "title": "C"})
    fields = "firstName,lastName,title"
    token, sizes = marketo.paging_token(), []
    more = True
    while more:
        page = marketo.get("activities/leadchanges.json", nextPageToken=token, fields=fields, batchSize=1)
        sizes.append([len(item["fields"]) for item in page["result"]])
        token, more = page["nextPageToken"], page["moreResult"]
    assert sizes == [[0], [0], [3], [3]]


def test_lead_changes_of_chosen_people(marketo: Marketo) -> None:
    for _ in range(2):
        person = marketo.service.create_person()
        marketo.service.update_person(person, firstName="A")
    asked = {"fields": "firstName", "leadIds": 1002}
    found, _ = read_all(marketo, "activities/leadchanges.json", marketo.paging_token(), **asked)
    assert [(item["leadId"], item["activityTypeId"]) for item in found] == [(1002, 12), (1002, 13)]


def test_an_empty_page_has_a_token_and_no_result(marketo: Marketo) -> None:
    page = marketo.get("activities/deletedleads.json", nextPageToken=marketo.paging_token())
    assert set(page) == {"requestId", "success", "nextPageToken", "moreResult"}
    assert page["moreResult"] is False


def test_the_last_token_is_the_place_of_the_next_poll(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"})
    first, token = read_all(marketo, "activities.json", marketo.paging_token(), activityTypeIds="12,13")
    idle, token = read_all(marketo, "activities.json", token, activityTypeIds="12,13")
    assert (types(first), idle) == ([12], [])
    marketo.sync({"email": "a@example.com", "firstName": "A"})
    marketo.service.delete_person(1001)
    deleted, _ = read_all(marketo, "activities/deletedleads.json", token)
    changed, _ = read_all(marketo, "activities/leadchanges.json", token, fields="firstName")
    assert (types(deleted), types(changed)) == ([37], [13])


def test_a_token_of_a_moment_starts_at_its_second(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"})
    marketo.clock.advance(60.5)
    marketo.sync({"email": "b@example.com"})
    for since, expected in (
        ("2026-01-05T12:00:00Z", [1001, 1002]),
        ("2026-01-05T12:00:01Z", [1002]),
        ("2026-01-05T13:01:00+01:00", [1002]),
        ("2026-01-05T12:01:00.900Z", [1002]),
        ("2026-01-05T12:01:01Z", []),
    ):
        found, _ = read_all(marketo, "activities.json", marketo.paging_token(since), activityTypeIds=12)
        assert [item["leadId"] for item in found] == expected


@pytest.mark.parametrize("since", ["yesterday", "2026-01-05", "2026-01-05T12:00:00", "2026-13-05T12:00:00Z"])
def test_a_bad_moment_is_704(marketo: Marketo, since: str) -> None:
    assert code(marketo.get("activities/pagingtoken.json", sinceDatetime=since)) == "704"


def test_an_offset_that_lost_its_plus_is_704(marketo: Marketo) -> None:
    path = "/rest/v1/activities/pagingtoken.json?sinceDatetime=2026-01-05T12:00:00+01:00"
    assert code(marketo.http.get(path).json()) == "704"


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("activities/pagingtoken.json", {}, "1002"),
        ("activities.json", {"activityTypeIds": "12"}, "1002"),
        ("activities.json", {"token": True}, "1002"),
        ("activities.json", {"token": True, "activityTypeIds": ",".join(map(str, range(11)))}, "1003"),
        ("activities.json", {"token": True, "activityTypeIds": "twelve"}, "1001"),
        ("activities.json", {"token": True, "activityTypeIds": "12", "leadIds": ",".join(["1"] * 31)}, "1003"),
        ("activities.json", {"token": True, "activityTypeIds": "12,13", "assetIds": "1"}, "1003"),
        ("activities.json", {"token": True, "activityTypeIds": "12", "batchSize": "301"}, "1003"),
        ("activities.json", {"nextPageToken": "nonsense", "activityTypeIds": "12"}, "1003"),
        ("activities/leadchanges.json", {"token": True}, "1002"),
        ("activities/leadchanges.json", {"token": True, "fields": "nonsense"}, "1006"),
        ("activities/deletedleads.json", {}, "1002"),
    ],
)
def test_bad_reads(marketo: Marketo, path: str, params: dict[str, object], expected: str) -> None:
    asked = {
        "nextPageToken" if k == "token" else k: marketo.paging_token() if k == "token" else v for k, v in params.items()
    }
    assert code(marketo.get(path, **asked)) == expected


def test_people_lists_and_assets_narrow_the_stream(marketo: Marketo) -> None:
    for number in range(3):
        marketo.service.create_person(email=f"p{number}@example.com")
    vip = marketo.service.create_list("VIP", 1002)
    token = marketo.paging_token()

    def people(**params: object) -> list[int]:
        return [item["leadId"] for item in read_all(marketo, "activities.json", token, **params)[0]]

    assert people(activityTypeIds=12, leadIds="1001,1003") == [1001, 1003]
    assert people(activityTypeIds=12, listId=vip) == [1002]
    assert people(activityTypeIds=24, assetIds=vip) == [1002]
    assert people(activityTypeIds=24, assetIds=vip + 1) == []


def test_a_list_of_10000_members_is_refused(make: Make) -> None:
    marketo = make().sign_in()
    people = [marketo.service.create_person() for _ in range(10_000)]
    token = marketo.paging_token()
    ids = {size: marketo.service.create_list("L", *people[:size]) for size in (9_999, 10_000)}
    found, _ = read_all(marketo, "activities.json", token, activityTypeIds=37, listId=ids[9_999])
    assert found == []
    asked = {"nextPageToken": token, "activityTypeIds": 37, "listId": ids[10_000]}
    assert code(marketo.get("activities.json", **asked)) == "1003"


def test_activities_become_visible_late(make: Make) -> None:
    marketo = make(activity_delay=120).sign_in()
    token = marketo.paging_token()
    marketo.sync({"email": "a@example.com"})
    none, token = read_all(marketo, "activities.json", token, activityTypeIds=12)
    marketo.clock.advance(119)
    still, token = read_all(marketo, "activities.json", token, activityTypeIds=12)
    marketo.clock.advance(1)
    late, _ = read_all(marketo, "activities.json", token, activityTypeIds=12)
    assert (none, still, types(late)) == ([], [], [12])
    assert late[0]["activityDate"] == "2026-01-05T12:00:00Z"


def test_what_comes_up_behind_a_token_is_found_only_by_looking_again(marketo: Marketo) -> None:
    token = marketo.paging_token()
    marketo.service.log.delay = 300
    marketo.service.create_person(email="slow@example.com")
    marketo.service.log.delay = 0
    marketo.service.create_person(email="quick@example.com")
    first, after = read_all(marketo, "activities.json", token, activityTypeIds=12)
    marketo.clock.advance(300)
    second, _ = read_all(marketo, "activities.json", after, activityTypeIds=12)
    again, _ = read_all(marketo, "activities.json", token, activityTypeIds=12)
    assert [[item["leadId"] for item in found] for found in (first, second, again)] == [[1002], [], [1001, 1002]]


def test_deletes_are_kept_14_days_changes_90_and_new_people_for_ever(make: Make) -> None:
    marketo = make().sign_in()
    token = marketo.paging_token()
    marketo.sync({"email": "a@example.com"}, {"email": "b@example.com"})
    marketo.sync({"email": "a@example.com", "firstName": "A"})
    marketo.service.change_score(1001, 1)
    marketo.service.delete_person(1002)
    left = []
    for days in (0, 14, 1, 75, 1, 1000):
        marketo.clock.advance(days=days)
        found, _ = read_all(marketo.sign_in(), "activities.json", token, activityTypeIds=EVERYTHING)
        left.append(types(found))
    assert left == [[12, 12, 13, 22, 37]] * 2 + [[12, 12, 13, 22]] * 2 + [[12, 12]] * 2


@settings(max_examples=40, deadline=None)
@given(
    writes=st.lists(st.sampled_from(["new", "change", "score", "delete"]), max_size=40),
    size=st.integers(1, 7),
    scan=st.none() | st.integers(1, 5),
    wanted=st.sampled_from([frozenset({12, 13, 22, 37}), frozenset({37}), frozenset({13})]),
)
def test_paging_gives_every_activity_once(
    writes: list[str], size: int, scan: int | None, wanted: frozenset[int]
) -> None:
    clock = SandboxClock(START)
    service = MarketoService(clock, activity_scan=scan)
    for number, write in enumerate(writes):
        people = service.people.ids()
        if write == "new" or not people:
            service.create_person(email=f"p{number}@example.com")
        elif write == "change":
            service.update_person(people[0], firstName=f"N{number}", title=f"T{number}")
        elif write == "score":
            service.change_score(people[-1], 1)
        else:
            service.delete_person(people[-1])
        clock.advance(1)
    place, seen, more = service.log.place_at(START), [], True
    while more:
        page = service.log.read(place, lambda activity: activity.type in wanted, size)
        assert len(page.found) <= size
        assert page.place > place or not page.more
        place, more = page.place, page.more
        seen += [activity.number for activity in page.found]
    service.log.scan = None
    whole = service.log.read(0, lambda activity: activity.type in wanted, 10**6)
    assert seen == [activity.number for activity in whole.found]


def test_pages_can_be_empty_while_more_follows(make: Make) -> None:
    marketo = make(activity_scan=2).sign_in()
    for number in range(5):
        marketo.service.create_person(email=f"p{number}@example.com")
    marketo.service.delete_person(1005)
    page = marketo.get("activities/deletedleads.json", nextPageToken=marketo.paging_token())
    assert ("result" in page, page["moreResult"]) == (False, True)
    found, _ = read_all(marketo, "activities/deletedleads.json", page["nextPageToken"])
    assert [item["leadId"] for item in found] == [1005]


@pytest.mark.parametrize("option", [True, False])
def test_whether_a_merge_deletes_its_losers_is_an_option(make: Make, option: bool) -> None:
    marketo = make(merge_deletes=option).sign_in()
    for _ in range(2):
        marketo.service.create_person()
    marketo.post("leads/1001/merge.json", leadId=1002)
    found, _ = read_all(marketo, "activities.json", marketo.paging_token(), activityTypeIds="32,37")
    assert types(found) == ([32, 37] if option else [32])


def test_types_list_the_standard_and_the_approved(marketo: Marketo) -> None:
    listed = {item["id"]: item for item in marketo.get("activities/types.json")["result"]}
    assert listed[13]["name"] == "Change Data Value"
    assert listed[13]["primaryAttribute"] == {"name": "Attribute Name", "dataType": "string"}
    assert {item["name"] for item in listed[32]["attributes"]} >= {"Merge IDs", "Master Updated"}


TYPE = {
    "apiName": "crmSyncFailure",
    "name": "CRM Sync Failure",
    "triggerName": "CRM sync fails",
    "filterName": "CRM sync failed",
    "primaryAttribute": {"apiName": "syncObject", "name": "Sync Object"},
}


def make_type(marketo: Marketo) -> int:
    """Make and approve a custom activity type."""
    made = marketo.post("activities/external/type.json", TYPE)["result"][0]
    attributes = [{"apiName": "errorMessage", "name": "Error Message", "dataType": "text"}]
    path = "activities/external/type/crmSyncFailure"
    assert marketo.post(f"{path}/attributes/create.json", {"attributes": attributes})["success"]
    assert marketo.post(f"{path}/approve.json")["result"][0]["status"] == "approved"
    return made["id"]


def custom(**changed: object) -> dict[str, object]:
    return {
        "leadId": 1001,
        "activityDate": "2026-01-05T11:00:00Z",
        "activityTypeId": 100_001,
        "primaryAttributeValue": "contact",
        "attributes": [{"apiName": "errorMessage", "value": "locked"}],
        **changed,
    }


def test_custom_activities_come_back_in_the_stream(marketo: Marketo) -> None:
    token = marketo.paging_token()
    marketo.service.create_person()
    assert make_type(marketo) == 100_001
    (added,) = marketo.post("activities/external.json", {"input": [custom()]})["result"]
    assert (added["status"], added["marketoGUID"]) == ("added", str(added["id"]))
    (found,), _ = read_all(marketo, "activities.json", token, activityTypeIds=100_001)
    assert found["activityDate"] == "2026-01-05T11:00:00Z"
    assert found["primaryAttributeValue"] == "contact"
    assert found["attributes"] == [{"apiName": "errorMessage", "name": "Error Message", "value": "locked"}]
    listed = [item for item in marketo.get("activities/types.json")["result"] if item["id"] == 100_001]
    assert [(item["apiName"], item["primaryAttribute"]["apiName"]) for item in listed] == [
        ("crmSyncFailure", "syncObject")
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"leadId": 9}, "1004"),
        ({"activityTypeId": 100_002}, "1013"),
        ({"activityTypeId": None}, "1002"),
        ({"activityDate": "today"}, "1003"),
        ({"attributes": None}, "1002"),
        ({"attributes": [{"apiName": "nonsense", "value": 1}]}, "1003"),
        ({"attributes": {"errorMessage": 1}}, "1003"),
        ({"attributes": [{"apiName": "errorMessage", "value": "x" * 65_536}]}, "1049"),
    ],
)
def test_bad_custom_activities_are_skipped_with_errors(
    marketo: Marketo, changed: dict[str, object], expected: str
) -> None:
    marketo.service.create_person()
    make_type(marketo)
    result = marketo.post("activities/external.json", {"input": [custom(**changed), custom()]})["result"]
    assert reason(result[0], "errors") == expected
    assert result[1]["status"] == "added"


def test_custom_types(marketo: Marketo) -> None:
    marketo.service.create_person()
    draft = marketo.post("activities/external/type.json", TYPE)["result"][0]
    assert draft["status"] == "draft"
    assert reason(marketo.post("activities/external.json", {"input": [custom()]})["result"][0], "errors") == "1013"
    assert 100_001 not in [item["id"] for item in marketo.get("activities/types.json")["result"]]
    assert code(marketo.post("activities/external/type.json", TYPE)) == "1017"
    assert code(marketo.post("activities/external/type.json", {**TYPE, "apiName": "with space"})) == "1003"
    assert code(marketo.post("activities/external/type.json", {"apiName": "other"})) == "1002"
    no_primary = {key: value for key, value in TYPE.items() if key != "primaryAttribute"}
    assert code(marketo.post("activities/external/type.json", {**no_primary, "apiName": "other"})) == "1002"
    described = marketo.post("activities/external/type.json", {**TYPE, "apiName": "other", "description": "D"})
    assert described["result"][0]["description"] == "D"
    assert code(marketo.post("activities/external/type/none/approve.json")) == "1013"
    path = "activities/external/type/crmSyncFailure"
    attribute = {"apiName": "a", "name": "A", "dataType": "string"}
    assert marketo.post(f"{path}/attributes/create.json", {"attributes": [attribute]})["success"]
    assert code(marketo.post(f"{path}/attributes/create.json", {"attributes": [attribute]})) == "1017"
    assert (
        code(marketo.post(f"{path}/attributes/create.json", {"attributes": [{**attribute, "dataType": "x"}]})) == "1003"
    )
    many = [{"apiName": f"b{number}", "name": "B", "dataType": "string"} for number in range(20)]
    assert code(marketo.post(f"{path}/attributes/create.json", {"attributes": many})) == "1028"
    assert marketo.get(f"{path}/describe.json")["result"][0]["attributes"] == [attribute]
    assert [item["apiName"] for item in marketo.get("activities/external/types.json")["result"]] == [
        "crmSyncFailure",
        "other",
    ]
    for number in range(8):
        assert marketo.post("activities/external/type.json", {**TYPE, "apiName": f"t{number}"})["success"]
    assert code(marketo.post("activities/external/type.json", {**TYPE, "apiName": "t9"})) == "1027"


@given(place=st.integers(0, 2**63), purpose=st.sampled_from(["a", "b"]), scope=st.integers(0, 2**63))
def test_tokens_are_read_only_where_they_belong(place: int, purpose: str, scope: int) -> None:
    tokens = Tokens(1)
    token = tokens.make(purpose, place, scope)
    assert tokens.read(purpose, token, scope) == place
    for wrong in (("c", token, scope), (purpose, token, scope + 1), (purpose, token[:-8], scope)):
        with pytest.raises(BadToken):
            tokens.read(*wrong)
    with pytest.raises(BadToken):
        Tokens(2).read(purpose, token, scope)


def test_scopes_differ() -> None:
    assert scope_of("leads", "id", ["1"]) != scope_of("leads", "id", ["2"])
