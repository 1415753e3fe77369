"""The life of an export, whatever it exports (Adobe, "Bulk Extract")."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import httpx
import pytest
from tests.sandbox.marketo.bulk_calls import JANUARY, Calls
from tests.sandbox.marketo.bulk_store import CarStore
from tests.sandbox.marketo.marketo_instance import HOST, Make, Marketo, code

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import PERMISSIONS, BulkSettings, Client, MarketoService
from marketo_dynamics_sync.sandbox.transport import SandboxTransport

CARS = "customobjects/car_c"


@pytest.fixture
def calls(make: Make) -> Calls:
    return Calls(make().sign_in())


@pytest.fixture(params=["leads", "activities", CARS])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def everything(make: Make) -> Calls:
    """An instance with something of every kind."""
    marketo = make().sign_in()
    person = marketo.service.create_person(email="a@example.com")
    store = CarStore(marketo.clock)
    store.upsert("car_c", {"vIN": "V1", "leadID": str(person)})
    marketo.service.bulk.objects = store
    return Calls(marketo)


def body(kind: str) -> dict:
    return {"fields": ["vIN"], "filter": {"updatedAt": JANUARY}} if kind == CARS else {}


def test_a_job_goes_from_created_to_completed(everything: Calls, kind: str) -> None:
    [created] = everything.create(kind, **body(kind))["result"]
    job = created["exportId"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", job)
    assert created == {"exportId": job, "format": "CSV", "status": "Created", "createdAt": "2026-01-05T12:00:00Z"}
    everything.marketo.clock.advance(5)
    [queued] = everything.enqueue(job, kind)["result"]
    assert queued == {**created, "status": "Queued", "queuedAt": "2026-01-05T12:00:05Z"}
    everything.marketo.clock.advance(60)
    running = everything.state(job, kind)
    assert running == {**queued, "status": "Processing", "startedAt": "2026-01-05T12:01:05Z"}
    everything.marketo.clock.advance(60)
    content = everything.file(f"{kind}/export/{job}/file.json").content
    assert everything.state(job, kind) == {
        **running,
        "status": "Completed",
        "finishedAt": "2026-01-05T12:02:05Z",
        "numberOfRecords": 1,
        "fileSize": len(content),
        "fileChecksum": "sha256:" + hashlib.sha256(content).hexdigest(),
    }
    assert everything.get(f"{kind}/export.json")["result"] == [everything.state(job, kind)]


def test_a_job_is_known_to_its_kind_alone(everything: Calls, kind: str) -> None:
    job = everything.job(kind, **body(kind))
    for other in {"leads", "activities", CARS, "customobjects/boat_c"} - {kind}:
        assert everything.get(f"{other}/export.json")["result"] == []
        assert code(everything.get(f"{other}/export/{job}/status.json")) == "1013"
        assert code(everything.enqueue(job, other)) == "1013"
        assert everything.file(f"{other}/export/{job}/file.json").status_code == 404


def test_a_status_changes_at_most_once_a_minute(make: Make) -> None:
    calls = Calls(make(bulk=BulkSettings(export_wait=10, export_time=10)).sign_in())
    job = calls.job()
    calls.enqueue(job)
    for seconds, expected in ((15, "Queued"), (44, "Queued"), (1, "Completed")):
        calls.marketo.clock.advance(seconds)
        assert calls.state(job)["status"] == expected
        assert calls.file(f"leads/export/{job}/file.json").status_code == (200 if expected == "Completed" else 404)


def test_a_status_can_be_told_as_it_is(make: Make) -> None:
    calls = Calls(make(bulk=BulkSettings(export_wait=10, export_time=10, refresh=0)).sign_in())
    job = calls.job()
    calls.enqueue(job)
    seen = []
    for _ in range(4):
        seen.append(calls.state(job)["status"])
        calls.marketo.clock.advance(5)
    assert seen == ["Queued", "Queued", "Processing", "Processing"]
    assert calls.state(job)["status"] == "Completed"


def test_two_run_at_once_and_ten_are_queued_whatever_they_export(everything: Calls) -> None:
    kinds = ["leads", "activities", CARS] * 4
    jobs = [(everything.job(kind, **body(kind)), kind) for kind in kinds]
    for job, kind in jobs[:10]:
        assert everything.enqueue(job, kind)["success"]
    refused = everything.enqueue(*jobs[10])
    assert refused["errors"] == [{"code": "1029", "message": "Too many jobs in queue"}]
    everything.marketo.clock.advance(60)
    assert [everything.state(*job)["status"][0] for job in jobs] == list("PPQQQQQQQQCC")
    everything.marketo.clock.advance(60)
    assert [everything.state(*job)["status"] for job in jobs[:5]] == ["Completed"] * 2 + ["Processing"] * 2 + ["Queued"]
    assert everything.enqueue(*jobs[10])["success"]
    everything.marketo.clock.advance(3000)
    finished = [everything.state(*job).get("finishedAt", "") for job in jobs[:11]]
    assert finished == sorted(finished)
    assert finished[-1] == "2026-01-05T12:07:00Z"


def test_a_job_is_enqueued_once(calls: Calls) -> None:
    job = calls.job()
    calls.enqueue(job)
    for _ in range(4):
        refused = calls.enqueue(job)
        assert refused["errors"] == [{"code": "1029", "message": "Job already queued"}]
        calls.marketo.clock.advance(60)


def test_cancelling(calls: Calls) -> None:
    jobs = [calls.job() for _ in range(4)]
    for job in jobs[:3]:
        calls.enqueue(job)
    calls.marketo.clock.advance(90)
    running, _, waiting, created = jobs
    assert calls.state(running)["status"] == "Processing"
    for job in (running, waiting, created):
        answer = calls.post(f"leads/export/{job}/cancel.json")
        assert answer["result"][0]["status"] == "Cancelled"
        assert code(calls.post(f"leads/export/{job}/cancel.json")) == "1003"
        assert code(calls.enqueue(job)) == "1003"
        assert calls.file(f"leads/export/{job}/file.json").status_code == 404
    later = calls.job()
    calls.enqueue(later)
    calls.marketo.clock.advance(600)
    assert "finishedAt" not in calls.state(running)
    assert calls.state(jobs[1])["finishedAt"] == "2026-01-05T12:02:00Z"
    assert calls.state(later)["startedAt"] == "2026-01-05T12:02:30Z"
    assert code(calls.post(f"leads/export/{later}/cancel.json")) == "1003"


def test_a_cancelled_job_makes_room_at_once(calls: Calls) -> None:
    jobs = [calls.job() for _ in range(3)]
    for job in jobs:
        calls.enqueue(job)
    calls.marketo.clock.advance(90)
    calls.post(f"leads/export/{jobs[0]}/cancel.json")
    calls.marketo.clock.advance(30)
    assert calls.state(jobs[2])["startedAt"] == "2026-01-05T12:01:30Z"


def test_the_list_can_be_filtered_and_paged(calls: Calls) -> None:
    jobs = [calls.job() for _ in range(5)]
    calls.enqueue(jobs[1])
    calls.post(f"leads/export/{jobs[2]}/cancel.json")
    for wanted in ("Cancelled", "canceled", "CANCELLED"):
        assert [job["exportId"] for job in calls.get("leads/export.json", status=wanted)["result"]] == [jobs[2]]
    both = calls.get("leads/export.json", status="queued,canceled")["result"]
    assert [job["exportId"] for job in both] == jobs[1:3]
    assert code(calls.get("leads/export.json", status="Sleeping")) == "1003"

    seen, token = [], ""
    while True:
        page = calls.get("leads/export.json", batchSize=2, nextPageToken=token)
        seen += [job["exportId"] for job in page["result"]]
        if "nextPageToken" not in page:
            break
        token = page["nextPageToken"]
        assert len(page["result"]) == 2
    assert seen == jobs
    assert code(calls.get("leads/export.json", nextPageToken=token, status="queued")) == "1003"
    assert code(calls.get("activities/export.json", nextPageToken=token)) == "1003"


def test_only_its_creator_sees_a_job(make: Make) -> None:
    clients = {name: Client("s", user=f"{name}@example.com") for name in ("one", "two")}
    calls = Calls(make(clients=clients).sign_in("one", "s"))
    job = calls.job()
    calls.enqueue(job)
    calls.marketo.clock.advance(120)
    calls.marketo.sign_in("two", "s")
    assert calls.get("leads/export.json")["result"] == []
    assert code(calls.get(f"leads/export/{job}/status.json")) == "1013"
    assert code(calls.post(f"leads/export/{job}/cancel.json")) == "1013"
    assert calls.file(f"leads/export/{job}/file.json").status_code == 404
    calls.marketo.sign_in("one", "s")
    assert calls.file(f"leads/export/{job}/file.json").status_code == 200


def test_how_long_jobs_and_files_are_kept(calls: Calls) -> None:
    job = calls.job()
    calls.enqueue(job)
    calls.marketo.clock.advance(120)

    def known() -> tuple[bool, bool, int]:
        calls.marketo.sign_in()
        listed = bool(calls.get("leads/export.json")["result"])
        status = calls.get(f"leads/export/{job}/status.json")["success"]
        return listed, status, calls.file(f"leads/export/{job}/file.json").status_code

    assert known() == (True, True, 200)
    calls.marketo.clock.advance(days=7, seconds=-60)
    assert known() == (False, True, 200)
    calls.marketo.clock.advance(120)
    assert known() == (False, True, 404)
    calls.marketo.clock.advance(days=23)
    assert known() == (False, False, 404)


def test_the_daily_quota_counts_files_and_starts_anew_at_central_midnight(make: Make) -> None:
    marketo = make(bulk=BulkSettings(daily_bytes=1_048_576)).sign_in()
    calls = Calls(marketo)
    for number in range(40):
        marketo.service.create_person(email=f"{number}@example.com", notes="x" * 29_000)
    waiting = calls.job()
    assert len(calls.extract(fields=["notes"])) > 1_048_576
    told = [{"code": "1029", "message": "Export daily quota 1MB exceeded."}]
    assert calls.create()["errors"] == told
    assert calls.enqueue(waiting)["errors"] == told
    marketo.clock.advance(hours=17, minutes=57)
    marketo.sign_in()
    assert calls.create()["errors"] == told
    marketo.clock.advance(60)
    assert marketo.clock.now() == datetime(2026, 1, 6, 6, 0, tzinfo=UTC)
    assert calls.enqueue(waiting)["success"]
    assert calls.create()["success"]


def test_a_queued_job_runs_although_the_quota_is_used_up(make: Make) -> None:
    calls = Calls(make(bulk=BulkSettings(daily_bytes=1)).sign_in())
    first, second = calls.job(), calls.job()
    calls.enqueue(first)
    calls.enqueue(second)
    calls.marketo.clock.advance(300)
    assert calls.state(second)["status"] == "Completed"


def test_the_usual_quota_is_500_megabytes() -> None:
    assert BulkSettings().daily_bytes == 500 * 1_048_576
    assert BulkSettings().quota_message == "Export daily quota 500MB exceeded."


def test_a_job_can_be_made_to_fail(calls: Calls) -> None:
    calls.marketo.service.bulk.on_finish = lambda job: "Export failed"
    job = calls.job()
    calls.enqueue(job)
    calls.marketo.clock.advance(120)
    state = calls.state(job)
    assert (state["status"], state["errorMsg"], state["finishedAt"]) == (
        "Failed",
        "Export failed",
        "2026-01-05T12:02:00Z",
    )
    assert {"fileSize", "fileChecksum", "numberOfRecords"}.isdisjoint(state)
    assert calls.file(f"leads/export/{job}/file.json").status_code == 404
    assert code(calls.enqueue(job)) == "1003"
    assert [entry["exportId"] for entry in calls.get("leads/export.json", status="failed")["result"]] == [job]


def test_a_file_asked_for_too_early_or_never_made_is_a_plain_404(calls: Calls) -> None:
    for job in (calls.job(), "nothing"):
        answer = calls.file(f"leads/export/{job}/file.json")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_file_holds_what_there_was_when_the_job_began(calls: Calls) -> None:
    service = calls.marketo.service
    target = service.create_list("L", service.create_person(email="a@example.com"))
    later = service.create_person(email="b@example.com")
    job = calls.job(fields=["email"], filter={"staticListId": target})
    calls.enqueue(job)
    calls.marketo.clock.advance(59)
    calls.marketo.post(f"lists/{target}/leads.json", {"input": [{"id": later}]})
    calls.marketo.clock.advance(2)
    service.update_person(later, email="c@example.com")
    calls.marketo.clock.advance(600)
    content = calls.file(f"leads/export/{job}/file.json").text
    assert content == "email\na@example.com\nb@example.com\n"


@pytest.mark.parametrize(
    ("kind", "permission"), [("leads", "Lead"), ("activities", "Activity"), (CARS, "Custom Object")]
)
def test_exports_need_a_permission(make: Make, kind: str, permission: str) -> None:
    both = {f"Read-Only {permission}", f"Read-Write {permission}"}
    for given, allowed in ((PERMISSIONS - both, False), ({f"Read-Only {permission}"}, True), (both, True)):
        marketo = make(clients={"c": Client("s", permissions=frozenset(given))}).sign_in("c", "s")
        marketo.service.bulk.objects = CarStore(marketo.clock)
        answer = Calls(marketo).create(kind, **body(kind))
        assert answer["success"] if allowed else code(answer) == "603"


def test_ids_follow_from_the_seed(make: Make) -> None:
    first, again, other = (Calls(make(seed=seed).sign_in()).job() for seed in (1, 1, 2))
    assert first == again != other


def test_jobs_run_on_a_running_clock_too() -> None:
    at_once = BulkSettings(import_wait=0, import_time=0, export_wait=0, export_time=0, refresh=0)
    service = MarketoService(SandboxClock(), bulk=at_once)
    with httpx.Client(base_url=f"https://{HOST}", transport=SandboxTransport({HOST: service})) as client:
        calls = Calls(Marketo(service, service.clock, client).sign_in())
        assert calls.upload("email\na@example.com\n")["success"]
        assert [person["email"] for person in service.persons()] == ["a@example.com"]
        job = calls.job(fields=["email"], filter={"staticListId": service.create_list("L", 1001)})
        calls.enqueue(job)
        assert calls.state(job)["status"] == "Completed"
        assert calls.file(f"leads/export/{job}/file.json").text == "email\na@example.com\n"


@pytest.mark.parametrize(("ahead", "expected"), [(57, "id\n1001\n"), (58, "id\n")])
def test_imports_and_exports_happen_in_the_order_they_fell_due(calls: Calls, ahead: int, expected: str) -> None:
    job = calls.job()
    calls.enqueue(job)
    calls.marketo.clock.advance(ahead)
    assert calls.upload("email\na@example.com\n")["success"]
    calls.marketo.clock.advance(600)
    assert calls.file(f"leads/export/{job}/file.json").text == expected
