"""Reading changes over a real socket: what is seen, what it costs, what happens after an outage."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors import ChangePage
from marketo_dynamics_sync.entities import without
from marketo_dynamics_sync.errors import CheckpointExpiredError, ClockSkewError, RequestRejectedError, ResponseError
from marketo_dynamics_sync.sandbox.http import Response


def start(marketo, lead):
    (page,) = marketo.changes([lead], None)
    assert page == ChangePage(checkpoint=page.checkpoint)
    return page.checkpoint


def read(marketo, lead, checkpoint):
    """Read to the end; return ids by what happened to them, and the new checkpoint."""
    seen = {"changed": [], "created": [], "deleted": [], "merged": {}}
    pages = list(marketo.changes([lead], checkpoint))
    for page in pages:
        for name in ("changed", "created", "deleted"):
            seen[name] += getattr(page, name)
        seen["merged"].update(page.merged)
    assert [page.checkpoint is None for page in pages] == [True] * (len(pages) - 1) + [False]
    return seen, pages[-1].checkpoint


def paths(service):
    return [call.path.rsplit("/", 1)[1] for call in service.calls if call.kind != "token"]


def test_a_start_is_now(marketo, service, lead, clock):
    service.create_person(firstName="Before")
    clock.advance(1)
    checkpoint = start(marketo, lead)
    assert paths(service) == ["pagingtoken.json"]
    assert read(marketo, lead, checkpoint)[0]["changed"] == []


def test_every_kind_of_change_is_seen(marketo, service, lead, clock):
    edited, scored, gone, winner, loser = (service.create_person(firstName=n) for n in "abcde")
    clock.advance(1)
    checkpoint = start(marketo, lead)
    clock.advance(minutes=1)
    made = service.create_person(firstName="new")
    service.update_person(edited, lastName="Edited")
    service.change_score(scored, 5)
    service.delete_person(gone)
    service.merge_persons(winner, loser)
    seen, _ = read(marketo, lead, checkpoint)
    assert {int(i) for i in seen["changed"]} == {made, edited, scored, winner}
    assert seen["created"] == [str(made)]
    assert str(gone) in seen["deleted"]
    assert seen["merged"] == {str(loser): str(winner)}


def test_the_activity_types_are_asked_for_only_when_a_merge_is_met_and_only_once(marketo, service, lead, clock):
    persons = [service.create_person(firstName=str(i)) for i in range(6)]
    clock.advance(1)
    checkpoint = start(marketo, lead)
    service.update_person(persons[0], lastName="x")
    _, checkpoint = read(marketo, lead, checkpoint)
    assert "types.json" not in paths(service)
    for winner, loser in (persons[:2], persons[2:4]):
        clock.advance(minutes=10)
        service.merge_persons(winner, loser)
        seen, checkpoint = read(marketo, lead, checkpoint)
        assert seen["merged"] == {str(loser): str(winner)}
    assert paths(service).count("types.json") == 1


def test_an_idle_poll_costs_one_call(marketo, service, lead, clock):
    checkpoint = start(marketo, lead)
    for _ in range(30):
        clock.advance(minutes=1)
        service.reset_calls()
        seen, checkpoint = read(marketo, lead, checkpoint)
        assert paths(service) == ["activities.json"]
        assert not seen["changed"]


def test_a_change_is_handed_out_once_although_reads_overlap(marketo, service, lead, clock):
    checkpoint = start(marketo, lead)
    number = service.create_person(firstName="Ada")
    met = []
    for _ in range(12):
        clock.advance(minutes=1)
        seen, checkpoint = read(marketo, lead, checkpoint)
        met += seen["changed"]
    assert met == [str(number)]


@pytest.mark.parametrize("every", [timedelta(minutes=1), timedelta(minutes=4), timedelta(hours=1)])
def test_a_change_that_becomes_visible_late_is_not_missed(marketo, service, lead, clock, every):
    checkpoint = start(marketo, lead)
    met = []

    def poll():
        nonlocal checkpoint
        seen, checkpoint = read(marketo, lead, checkpoint)
        met.extend(seen["changed"])

    clock.advance(minutes=20)
    poll()
    clock.advance(every.total_seconds() - 30)
    service.log.delay = 240
    late = service.create_person(firstName="Late")
    service.log.delay = 0
    clock.advance(10)
    prompt = service.create_person(firstName="Prompt")
    clock.advance(20)
    poll()
    assert met == [str(prompt)]
    for _ in range(6):
        clock.advance(every.total_seconds())
        poll()
    assert met == [str(prompt), str(late)]


def test_old_changes_are_not_read_again_and_again(marketo, service, lead, clock):
    checkpoint = start(marketo, lead)
    for _ in range(5):
        for i in range(250):
            service.create_person(firstName=str(i))
        clock.advance(minutes=10)
        _, checkpoint = read(marketo, lead, checkpoint)
    for _ in range(3):
        clock.advance(minutes=10)
        service.reset_calls()
        _, checkpoint = read(marketo, lead, checkpoint)
        assert paths(service) == ["activities.json"]


def test_a_thousand_changed_persons_cost_at_most_ten_reads(marketo, service, lead, clock):
    persons = [service.create_person(firstName=str(i)) for i in range(1000)]
    clock.advance(minutes=30)
    checkpoint = start(marketo, lead)
    for number in persons:
        service.update_person(number, lastName="Changed")
    clock.advance(minutes=1)
    before = marketo.calls.total
    seen, _ = read(marketo, lead, checkpoint)
    marketo.fetch(lead, seen["changed"])
    assert len(seen["changed"]) == 1000
    assert marketo.calls.total - before <= 10


def mass(service, clock, count, **values):
    for number in [int(p["id"]) for p in service.persons()][:count]:
        service.update_person(number, **values)


def test_changes_of_other_fields_make_it_read_two_streams_and_quiet_makes_it_come_back(marketo, service, lead, clock):
    for i in range(700):
        service.create_person(firstName=str(i))
    clock.advance(minutes=30)
    checkpoint = start(marketo, lead)
    for turn in range(4):
        mass(service, clock, 700, shoeSize=str(turn))
        clock.advance(minutes=10)
        service.reset_calls()
        seen, checkpoint = read(marketo, lead, checkpoint)
        if turn > 1:
            assert seen["changed"] == []
            assert paths(service).count("leadchanges.json") == 1
            assert paths(service).count("activities.json") == 1
        else:
            assert len(seen["changed"]) == 700
            assert "leadchanges.json" not in paths(service)
    modes = []
    for _ in range(8):
        clock.advance(minutes=10)
        service.reset_calls()
        _, checkpoint = read(marketo, lead, checkpoint)
        modes.append("leadchanges.json" in paths(service))
    assert modes[-1] is False


def test_two_streams_miss_nothing_across_the_change_of_mode(marketo, service, lead, clock):
    persons = [service.create_person(firstName=str(i)) for i in range(700)]
    clock.advance(minutes=30)
    checkpoint = start(marketo, lead)
    for turn in range(2):
        mass(service, clock, 700, shoeSize=str(turn))
        clock.advance(minutes=10)
        _, checkpoint = read(marketo, lead, checkpoint)
    assert json.loads(checkpoint)["mode"] == "two"
    met = []
    deleted = []
    for turn in range(12):
        number = persons[turn]
        service.update_person(number, lastName=f"L{turn}")
        service.change_score(persons[100 + turn], 1)
        service.delete_person(persons[200 + turn])
        clock.advance(minutes=2)
        seen, checkpoint = read(marketo, lead, checkpoint)
        met += seen["changed"]
        deleted += seen["deleted"]
    assert {*map(str, persons[:12]), *map(str, persons[100:112])} <= set(met)
    assert set(deleted) == set(map(str, persons[200:212]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scan=st.one_of(st.none(), st.integers(1, 7)),
    steps=st.lists(st.tuples(st.sampled_from(["create", "update", "delete", "score", "poll"]), st.integers(0, 400))),
)
def test_any_split_into_pages_gives_the_same_changes(marketo, service, lead, clock, scan, steps):
    service.log.scan = scan
    clock.advance(minutes=20)
    checkpoint = start(marketo, lead)
    alive = []
    wanted = {"changed": set(), "deleted": set()}
    met = {"changed": set(), "deleted": set()}
    for what, seconds in [*steps, ("poll", 600), ("poll", 600)]:
        clock.advance(seconds)
        if what == "poll":
            seen, checkpoint = read(marketo, lead, checkpoint)
            met["changed"] |= set(seen["changed"])
            met["deleted"] |= set(seen["deleted"])
        elif what == "create" or not alive:
            alive.append(service.create_person(firstName="x"))
            wanted["changed"].add(str(alive[-1]))
        elif what == "update":
            service.update_person(alive[0], lastName=str(clock.now()))
        elif what == "score":
            service.change_score(alive[-1], 1)
        else:
            wanted["deleted"].add(str(alive[0]))
            service.delete_person(alive.pop(0))
    assert met == wanted


def test_an_outage_longer_than_deletions_are_kept_is_a_full_comparison(marketo, service, lead, clock):
    checkpoint = start(marketo, lead)
    clock.advance(days=13)
    _, checkpoint = read(marketo, lead, checkpoint)
    clock.advance(days=13, hours=13)
    with pytest.raises(CheckpointExpiredError, match="14 days"):
        read(marketo, lead, checkpoint)


def test_a_refused_token_is_a_full_comparison(marketo, service, lead):
    data = json.loads(start(marketo, lead))
    data["cursors"]["one"]["marks"][0]["token"] = "NONSENSE===="
    with pytest.raises(CheckpointExpiredError, match="no longer takes"):
        read(marketo, lead, json.dumps(data))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"version": 1}', '{"version": 99, "read_at": "x"}', "GIYDEN="]
)
def test_a_checkpoint_that_cannot_be_read_is_a_full_comparison(marketo, lead, text):
    with pytest.raises(CheckpointExpiredError):
        read(marketo, lead, text)


def test_a_service_that_gives_the_same_page_again_and_again_is_stopped(marketo, service, lead):
    checkpoint = start(marketo, lead)
    body = json.dumps(
        {"requestId": "1#1", "success": True, "result": [], "nextPageToken": "SAME", "moreResult": True}
    ).encode()
    service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], body) if "nextPageToken" in request.query else None
    )
    with pytest.raises(ResponseError, match="again and again"):
        read(marketo, lead, checkpoint)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_wrong_stops_reads_by_time(connect, service, lead, clock, minutes):
    wrong = connect(clock=lambda: clock.now() + timedelta(minutes=minutes))
    service.reset_calls()
    with pytest.raises(ClockSkewError, match="16 minutes"):
        list(wrong.changes([lead], None))
    assert [call.kind for call in service.calls] == ["token"]


def test_a_clock_that_is_a_little_wrong_does_no_harm(connect, service, lead, clock):
    wrong = connect(clock=lambda: clock.now() + timedelta(minutes=10))
    checkpoint = start(wrong, lead)
    clock.advance(1)
    number = service.create_person(firstName="Ada")
    clock.advance(minutes=1)
    assert read(wrong, lead, checkpoint)[0]["changed"] == [str(number)]


def stream(service, *answers):
    """Answer the activity calls with these members, one after the other."""
    left = [json.dumps({"requestId": "1#1", "success": True, **members}).encode() for members in answers]
    service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], left.pop(0))
        if "activityTypeIds" in request.query
        else None
    )


def activity(number, kind=13, **members):
    return {
        "marketoGUID": f"g{number}",
        "leadId": number,
        "activityDate": "2026-03-02T12:00:00Z",
        "activityTypeId": kind,
    } | members


def test_odd_pages_and_activities(marketo, service, lead):
    checkpoint = start(marketo, lead)
    stream(
        service,
        {"nextPageToken": "B", "moreResult": True},
        {"result": [], "nextPageToken": "C", "moreResult": True},
        {
            "result": [
                activity(1, activityDate="2026-03-02T12:00:00+0000"),
                activity(2, marketoGUID=None),
                activity(2, marketoGUID=None),
                activity(3, activityDate=None),
                activity(4, kind="12"),
                activity(5, kind=None),
                activity(None),
                activity(6, kind=6),
                activity(7, kind=32, attributes=None),
                activity(8, kind=37),
                activity(1),
            ],
            "nextPageToken": "D",
            "moreResult": False,
        },
    )
    seen, _ = read(marketo, lead, checkpoint)
    assert seen == {"changed": ["1", "2", "3", "4", "7"], "created": ["4"], "deleted": ["8"], "merged": {}}


def test_a_page_without_a_token_is_an_error(marketo, service, lead):
    checkpoint = start(marketo, lead)
    stream(service, {"result": [], "moreResult": False})
    with pytest.raises(ResponseError, match="nextPageToken"):
        read(marketo, lead, checkpoint)


def test_a_paging_token_that_is_missing_is_an_error(marketo, service, lead):
    body = b'{"requestId": "1#1", "success": true}'
    service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], body) if "pagingtoken" in request.path else None
    )
    with pytest.raises(ResponseError, match="nextPageToken"):
        start(marketo, lead)


def test_a_refusal_that_is_not_about_the_token_is_not_taken_for_one(marketo, service, lead):
    checkpoint = start(marketo, lead)
    body = json.dumps(
        {"requestId": "1#1", "success": False, "errors": [{"code": "1003", "message": "Invalid activityTypeIds"}]}
    ).encode()
    service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], body) if "activityTypeIds" in request.query else None
    )
    with pytest.raises(RequestRejectedError, match="activityTypeIds"):
        read(marketo, lead, checkpoint)


def test_nothing_mapped_reads_one_stream(marketo, service, lead, clock):
    checkpoint = start(marketo, lead)
    data = json.loads(checkpoint)
    data["mode"] = "two"
    clock.advance(1)
    service.create_person(firstName="x")
    pages = list(marketo.changes([without(lead, list(lead.fields))], json.dumps(data)))
    assert [i for page in pages for i in page.changed] == ["1001"]


def test_merges_name_their_losers_in_any_of_the_usual_ways(marketo, service, lead):
    checkpoint = start(marketo, lead)
    ways = [("Merge IDs", "[2, 3]"), ("Merge IDs", "2,3"), ("Merge ID", 3), ("Losing Lead IDs", "1, 2")]
    for name, value in ways:
        merge = activity(
            1, kind=32, attributes=[{"name": name, "value": value}, {"name": "Merge Source", "value": "77"}]
        )
        stream(service, {"result": [merge], "nextPageToken": "B", "moreResult": False})
        seen, _ = read(marketo, lead, checkpoint)
        assert seen["merged"] == {i: "1" for i in ("2", "3") if i in str(value)}
