from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from marketo_dynamics_sync.entities import Lead, Ref
from marketo_dynamics_sync.errors import (
    CheckpointExpiredError,
    ClockSkewError,
    PermissionDeniedError,
    RequestRejectedError,
    ResponseError,
    TransientError,
)
from marketo_dynamics_sync.sandbox.dataverse import Fault
from marketo_dynamics_sync.sandbox.http import Response


def read(bench, checkpoint: str | None, entity=None, connector=None):
    """Return records by id, deleted ids, present ids, and the new checkpoint of one read."""
    pages = list((connector or bench.connector).changes([entity or bench.lead], checkpoint))
    assert [page.checkpoint is not None for page in pages] == [False] * (len(pages) - 1) + [True]
    records = {record.id: record for page in pages for record in page.records}
    deleted = {row for page in pages for row in page.deleted}
    present = {row for page in pages for row in page.present}
    assert len({page.listing for page in pages}) == 1
    return records, deleted, present, pages[-1].checkpoint


def test_the_first_read_lists_everything_in_pages(make) -> None:
    bench = make(connector={"page_size": 4})
    ids = {bench.service.create("lead", lastname=f"L{i}") for i in range(10)}
    pages = list(bench.connector.changes([bench.lead], None))
    assert [len(page.records) for page in pages] == [4, 4, 2]
    assert all(page.listing for page in pages)
    assert {row for page in pages for row in page.present} == ids
    assert bench.connector.calls.reads == 3


def test_an_empty_table_has_a_checkpoint_too(bench) -> None:
    records, _, present, checkpoint = read(bench, None)
    assert (records, present) == ({}, set())
    made = bench.service.create("lead", lastname="L")
    assert set(read(bench, checkpoint)[0]) == {made}


def test_an_idle_read_costs_one_call(bench) -> None:
    bench.service.create("lead", lastname="L")
    lead = bench.lead
    *_, checkpoint = read(bench, None, lead)
    before = bench.connector.calls.total
    bench.connector.refresh()
    bench.connector.describe(Lead.__entity__)
    records, deleted, present, _ = read(bench, checkpoint, lead)
    assert (records, deleted, present) == ({}, set(), set())
    assert bench.connector.calls.total - before == 1


def test_changes_and_deletions_since_a_checkpoint_over_several_pages(make) -> None:
    bench = make(connector={"page_size": 3})
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(9)]
    *_, checkpoint = read(bench, None)
    for row in ids[:4]:
        bench.service.update("lead", row, firstname="New")
    for row in ids[4:8]:
        bench.service.delete("lead", row)
    made = bench.service.create("lead", lastname="late")
    records, deleted, present, checkpoint = read(bench, checkpoint)
    assert set(records) == {*ids[:4], made}
    assert {records[row].values["first_name"] for row in ids[:4]} == {"New"}
    assert deleted == set(ids[4:8])
    assert present == set()
    assert read(bench, checkpoint)[:2] == ({}, set())


def test_a_row_made_and_deleted_in_between_is_a_deletion_only(bench) -> None:
    *_, checkpoint = read(bench, None)
    row = bench.service.create("lead", lastname="L")
    bench.service.delete("lead", row)
    records, deleted, _, _ = read(bench, checkpoint)
    assert records == {}
    assert deleted == {row}


def test_a_deletion_without_its_own_context_is_still_one(scripted) -> None:
    from marketo_dynamics_sync.connectors.dynamics.changes import _is_deletion

    assert _is_deletion({"id": "1", "reason": "deleted"})
    assert _is_deletion({"@odata.context": "https://x/$metadata#leads/$deletedEntity", "id": "1"})
    assert not _is_deletion({"leadid": "1", "@odata.etag": "x"})


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "0x80044352"), (410, ""), (400, "0x80072491"), (400, "0x80072492"), (400, "0x0"), (404, "")],
)
def test_a_refused_delta_link_asks_for_a_full_comparison(bench, status: int, code: str) -> None:
    *_, checkpoint = read(bench, None)
    bench.service.on_request = lambda request: (
        Fault(status, code, "no").response() if "deltatoken" in request.target else None
    )
    with pytest.raises(CheckpointExpiredError):
        read(bench, checkpoint)


def test_a_link_that_the_service_forgot_asks_for_a_full_comparison(bench) -> None:
    *_, checkpoint = read(bench, None)
    bench.service.expire_links("lead")
    with pytest.raises(CheckpointExpiredError) as caught:
        read(bench, checkpoint)
    assert caught.value.code == "0x80044352"
    bench.time.clock.advance(days=8)


def test_after_an_expiry_the_listing_shows_who_is_gone(bench) -> None:
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(4)]
    read(bench, None)
    bench.service.delete("lead", ids[0])
    _, _, present, _ = read(bench, None)
    assert present == set(ids[1:])


def test_a_missing_right_is_no_expiry(bench) -> None:
    *_, checkpoint = read(bench, None)
    lead = bench.lead
    bench.service.privileges["lead"] = frozenset({"write"})
    with pytest.raises(PermissionDeniedError, match="prvRead"):
        read(bench, checkpoint, lead)
    with pytest.raises(PermissionDeniedError, match="organization level"):
        read(bench, None, lead)


@pytest.mark.parametrize("text", ["", "{}", "null", "[]", '{"mode": "tracked"}', "not json"])
def test_a_checkpoint_that_isnt_ours_asks_for_a_full_comparison(bench, text: str) -> None:
    with pytest.raises(CheckpointExpiredError):
        read(bench, text)


@pytest.mark.parametrize(
    "change",
    [
        {"root": "https://elsewhere.example"},
        {"select": "leadid"},
        {"entity_set": "contacts"},
        {"mode": "modified"},
        {"form": 99},
        {"api": "v9.1"},
        {"more": 1},
    ],
)
def test_a_checkpoint_made_for_something_else_asks_for_a_full_comparison(bench, change: dict[str, object]) -> None:
    *_, checkpoint = read(bench, None)
    before = bench.connector.calls.reads
    lead = bench.lead
    with pytest.raises(CheckpointExpiredError):
        read(bench, json.dumps(json.loads(checkpoint) | change), lead)
    assert bench.connector.calls.reads == before


def test_another_mapping_asks_for_a_full_comparison(bench) -> None:
    *_, checkpoint = read(bench, None)
    fewer = bench.entity(Lead.select("first_name"))
    with pytest.raises(CheckpointExpiredError, match="mapping changed"):
        read(bench, checkpoint, fewer)


def _relinked(link: str):
    body = {"value": [], "@odata.nextLink": link}
    return Response(200, [("Content-Type", "application/json")], json.dumps(body).encode())


def test_a_link_elsewhere_is_not_followed(bench) -> None:
    lead = bench.lead
    seen: list[str] = []

    def answer(request):
        seen.append(request.target)
        return _relinked("http://127.0.0.1:9/api/data/v9.2/leads")

    bench.service.on_request = answer
    with pytest.raises(ResponseError, match="token was not sent"):
        read(bench, None, lead)
    assert len(seen) == 1


def test_pages_in_a_circle_are_an_error(bench) -> None:
    lead = bench.lead
    bench.service.on_request = lambda request: _relinked(f"{bench.url}/api/data/v9.2/leads?again")
    with pytest.raises(ResponseError, match="circle"):
        read(bench, None, lead)


def test_a_page_without_any_link_is_an_error(bench) -> None:
    lead = bench.lead
    bench.service.on_request = lambda request: Response(200, [("Content-Type", "application/json")], b'{"value": []}')
    with pytest.raises(ResponseError, match="one link"):
        read(bench, None, lead)


def test_a_row_without_its_version_is_an_error(bench) -> None:
    lead = bench.lead
    body = json.dumps({"value": [{"leadid": "x"}], "@odata.deltaLink": f"{bench.url}/api/data/v9.2/leads?d"}).encode()
    bench.service.on_request = lambda request: Response(200, [("Content-Type", "application/json")], body)
    with pytest.raises(ResponseError, match="version"):
        read(bench, None, lead)


def test_a_broken_paging_cookie_is_passing_trouble(bench) -> None:
    lead = bench.lead
    bench.service.on_request = lambda request: Fault(400, "0x80041129", "cookie").response()
    with pytest.raises(TransientError):
        read(bench, None, lead)


def test_merges_conversions_and_states_are_seen(bench) -> None:
    winner, loser, qualified = (bench.service.create("lead", lastname=name, firstname="x") for name in "abc")
    *_, checkpoint = read(bench, None)
    bench.service.merge("lead", winner, loser)
    made = bench.service.qualify_lead(qualified)
    pages = list(bench.connector.changes([bench.lead], checkpoint))
    records = {record.id: record for page in pages for record in page.records}
    assert pages[0].merged == {loser: winner}
    assert records[loser].merged_into == winner
    assert not records[loser].active
    assert records[qualified].converted_to == Ref("contact", made)
    assert records[qualified].merged_into is None
    contacts, _, _, _ = read(bench, None, bench.contact)
    assert contacts[made].converted_from == qualified
    assert contacts[made].active


def test_a_column_that_is_kept_from_us_is_unreadable_and_not_empty(bench) -> None:
    from marketo_dynamics_sync.connectors.dynamics.rows import shape
    from marketo_dynamics_sync.entities.values import UNREADABLE

    row = {"leadid": "A", "@odata.etag": 'W/"1"', "lastname": None}
    record = shape(bench.lead).record(row)
    assert record.values["first_name"] is UNREADABLE
    assert record.values["last_name"] is None
    assert record.id == "a"


def test_a_wrong_table_is_no_expired_link(bench) -> None:
    *_, checkpoint = read(bench, None)
    lead = bench.lead
    bench.service.on_request = lambda request: Fault(404, "0x8006088a", "Resource not found").response()
    with pytest.raises(RequestRejectedError):
        read(bench, checkpoint, lead)


def test_a_first_read_that_is_refused_as_expired_stays_refused(bench) -> None:
    lead = bench.lead
    bench.service.on_request = lambda request: Fault(400, "0x80044352", "expired").response()
    with pytest.raises(CheckpointExpiredError):
        read(bench, None, lead)


# By time


@pytest.fixture
def untracked(make):
    return make(untracked=["lead"], connector={"page_size": 3})


def test_without_change_tracking_changes_are_read_by_time(untracked) -> None:
    bench = untracked
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(5)]
    records, _, present, checkpoint = read(bench, None)
    assert set(records) == present == set(ids)
    bench.time.clock.advance(3600)
    bench.service.update("lead", ids[1], firstname="New")
    bench.service.delete("lead", ids[2])
    made = bench.service.create("lead", lastname="late")
    records, deleted, present, checkpoint = read(bench, checkpoint)
    assert set(records) == {ids[1], made}
    assert deleted == set()
    assert present == {*ids, made} - {ids[2]}
    records, _, again, _ = read(bench, checkpoint)
    assert records == {}
    assert again == present


def test_reads_by_time_overlap_and_tell_nothing_twice(untracked) -> None:
    bench = untracked
    *_, checkpoint = read(bench, None)
    row = bench.service.create("lead", lastname="L")
    records, _, _, checkpoint = read(bench, checkpoint)
    assert set(records) == {row}
    bench.time.clock.advance(60)
    records, _, _, checkpoint = read(bench, checkpoint)
    assert records == {}
    late = bench.service.create("lead", lastname="late")
    bench.service.rows.force("lead", late, modifiedon="2026-03-01T08:58:00Z")
    records, _, _, _ = read(bench, checkpoint)
    assert set(records) == {late}


def test_a_wrong_clock_stops_reads_by_time(untracked) -> None:
    bench = untracked
    bench.service.create("lead", lastname="L")
    for minutes, where in ((20, "ahead of"), (-20, "behind")):
        wrong = bench.another(clock=lambda minutes=minutes: bench.time.clock.now() + timedelta(minutes=minutes))
        with pytest.raises(ClockSkewError, match=f"20 minutes {where}"):
            read(bench, None, connector=wrong)
        wrong.close()


def test_the_servers_clock_counts(untracked) -> None:
    bench = untracked
    wrong = bench.another(clock=lambda: bench.time.clock.now() + timedelta(minutes=14))
    *_, checkpoint = read(bench, None, connector=wrong)
    assert json.loads(checkpoint)["read_at"] == "2026-03-01T09:00:00+00:00"
    wrong.close()


def test_tracking_that_was_switched_off_meanwhile(make) -> None:
    bench = make()
    row = bench.service.create("lead", lastname="L")
    lead = bench.lead
    bench.service.tables["lead"].tracked = False
    records, _, present, checkpoint = read(bench, None, lead)
    assert set(records) == present == {row}
    assert json.loads(checkpoint)["mode"] == "modified"


def test_a_service_that_doesnt_tell_the_time(scripted, untracked) -> None:
    lead = untracked.lead

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": []})

    connector = scripted(answer)
    (page,) = connector.changes([lead], None)
    assert json.loads(page.checkpoint)["read_at"] == "2026-03-01T09:00:00+00:00"


def test_a_table_without_a_time_of_change_is_read_whole(untracked) -> None:
    from attrs import evolve

    from marketo_dynamics_sync.entities import bind

    row = untracked.service.create("lead", lastname="L")
    lead = untracked.lead
    fields = {name: info for name, info in lead.dynamics.fields.items() if name != "modifiedon"}
    timeless = bind(lead.definition, lead.marketo, evolve(lead.dynamics, fields=fields))
    for _ in range(2):
        records, _, present, checkpoint = read(untracked, None, timeless)
        assert set(records) == present == {row}
    records, _, present, _ = read(untracked, checkpoint, timeless)
    assert set(records) == present == {row}
