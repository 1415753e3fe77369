"""marketorestpython, as published, does bulk import and bulk extract against the sandbox, over sockets."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.sandbox.marketo.bulk_store import CarStore
from tests.sandbox.marketo.marketo_instance import CUSTOM, START

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    BulkSettings,
    MarketoService,
)
from marketo_dynamics_sync.sandbox.server import LoopbackServer

client = pytest.importorskip(
    "marketorestpython.client", reason="marketorestpython is not installed; it comes with the dev extra"
)
http_lib = pytest.importorskip("marketorestpython.helper.http_lib")

#: The client leaves the file it uploads open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

JANUARY = {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-31T00:00:00Z"}


class Instance:
    """An instance, and the client that judges it."""

    def __init__(self, service: MarketoService, url: str) -> None:
        self.service = service
        self.client = client.MarketoClient(
            "123-ABC-456", DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, max_retry_time=0, requests_timeout=10
        )
        self.client.host = url

    def __call__(self, method: str, **arguments: object) -> Any:  # the client has no types
        """Call a method of the client as its manual has it."""
        return self.client.execute(method=method, **arguments)

    def refusal(self, method: str, **arguments: object) -> tuple[str, str]:
        """Return code and message of a call that is refused."""
        with pytest.raises(Exception, match="'code': ") as caught:  # the client raises no class of its own
            self(method, **arguments)
        told = caught.value.args[0]
        return told["code"], told["message"]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Instance]]:
    """Start instances on sockets; the client's pause between two calls takes no time."""
    monkeypatch.setattr(http_lib, "time", SimpleNamespace(time=time.time, sleep=lambda seconds: None))
    servers = ExitStack()

    def started(bulk: BulkSettings | None = None, first_id: int = 1001) -> Instance:
        service = MarketoService(SandboxClock(START), custom_fields=CUSTOM, bulk=bulk, first_id=first_id)
        return Instance(service, servers.enter_context(LoopbackServer(service)).url)

    with servers:
        yield started
    gc.collect()  # what the client left open is closed here, where the warning is expected


@pytest.fixture
def mc(start: Callable[..., Instance]) -> Instance:
    return start()


def leads_file(folder: Path, text: str, name: str = "leads.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def test_import_of_leads_from_upload_to_failures(mc: Instance, tmp_path: Path) -> None:
    known = mc.service.create_person(email="ada@example.com", firstName="Ada", leadScore=5)
    target = mc.service.create_list("Imported")
    text = (
        "rowNo,email,firstName,leadScore\n"
        '1,ada@example.com,"Augusta ""Ada""",NULL\n'
        "2,grace@example.com,Grace,7\n"
        "3,,Nobody,1\n"
        "4,alan@example.com,Alan,many\n"
        "5,no-address,Odd,2\n"
    )
    [queued] = mc("import_lead", format="csv", file=leads_file(tmp_path, text), lookupField="email", listId=target)
    assert (queued["batchId"], queued["importId"], queued["status"]) == (1001, "1001", "Queued")

    mc.service.clock.advance(1)
    [running] = mc("get_import_lead_status", id=queued["batchId"])
    assert running["status"] == "Importing"
    mc.service.clock.advance(2)
    [done] = mc("get_import_lead_status", id=queued["batchId"])
    assert done == {
        "batchId": 1001,
        "importId": "1001",
        "status": "Complete",
        "numOfLeadsProcessed": 3,
        "numOfRowsFailed": 2,
        "numOfRowsWithWarning": 1,
        "message": "Import completed with errors, 3 records imported (3 members), 2 failed, 1 warning.",
    }
    assert mc("get_import_failure_file", id=1001) == (
        "rowNo,email,firstName,leadScore,Import Failure Reason\n"
        "3,,Nobody,1,Value for lookup field 'email' not found\n"
        "4,alan@example.com,Alan,many,Invalid data type in field Lead Score\n"
    )
    assert mc("get_import_warning_file", id=1001) == (
        "rowNo,email,firstName,leadScore,Import Warning Reason\n5,no-address,Odd,2,Invalid email address\n"
    )
    ada = mc("get_lead_by_id", id=known, fields=["firstName", "leadScore"])[0]
    assert (ada["firstName"], ada["leadScore"]) == ('Augusta "Ada"', None)
    members = mc("get_multiple_leads_by_list_id", listId=target, fields=["email"])
    assert [lead["email"] for lead in members] == ["ada@example.com", "grace@example.com", "no-address"]


def test_import_refusals(mc: Instance, tmp_path: Path) -> None:
    good = leads_file(tmp_path, "email\na@example.com\n")
    assert mc.refusal("import_lead", format="csv", file=leads_file(tmp_path, "", "empty.csv")) == ("1003", "Empty File")
    assert mc.refusal("import_lead", format="xls", file=good)[0] == "1003"
    assert mc.refusal("import_lead", format="csv", file=good, lookupField="shoeSize") == (
        "1006",
        "Field 'shoeSize' not found",
    )
    assert mc.refusal("import_lead", format="csv", file=good, listId=99)[0] == "1013"
    assert mc.refusal("import_lead", format="csv", file=good, partitionName="Elsewhere")[0] == "1008"
    assert mc.refusal("get_import_lead_status", id=4711)[0] == "1013"


def test_the_import_queue_takes_ten(mc: Instance, tmp_path: Path) -> None:
    path = leads_file(tmp_path, "email\na@example.com\n")
    target = mc.service.create_list("Imported")
    mc("import_lead", format="csv", file=path, listId=target)
    assert mc.refusal("import_lead", format="csv", file=path, listId=target) == ("1019", "Import in progress")
    for _ in range(9):
        mc("import_lead", format="csv", file=path)
    assert mc.refusal("import_lead", format="csv", file=path) == ("1016", "Too many imports")
    mc.service.clock.advance(1)
    states = [mc("get_import_lead_status", id=1001 + place)[0]["status"] for place in range(4)]
    assert states == ["Importing", "Importing", "Queued", "Queued"]
    mc.service.clock.advance(2)
    states = [mc("get_import_lead_status", id=1001 + place)[0]["status"] for place in range(5)]
    assert states == ["Complete", "Complete", "Importing", "Importing", "Queued"]
    mc("import_lead", format="csv", file=path)


@pytest.mark.parametrize(("form", "delimiter"), [("tsv", "\t"), ("ssv", ";")])
def test_other_formats(mc: Instance, tmp_path: Path, form: str, delimiter: str) -> None:
    text = delimiter.join(("email", "lastName")) + "\r\n" + delimiter.join(("z@example.com", "Müller, Öz")) + "\r\n"
    mc("import_lead", format=form, file=leads_file(tmp_path, text))
    mc.service.clock.advance(60)
    [job] = mc(
        "create_leads_export_job", fields=["email", "lastName"], filters={"createdAt": JANUARY}, format=form.upper()
    )
    mc("enqueue_leads_export_job", job_id=job["exportId"])
    mc.service.clock.advance(120)
    content = mc("get_leads_export_job_file", job_id=job["exportId"])
    assert content.decode() == text.replace("\r\n", "\n")


def test_extract_of_leads_from_create_to_file(mc: Instance) -> None:
    mc.service.create_person(email="ada@example.com", firstName="Ada", notes='says "hi",\nthen leaves', consent=True)
    mc.service.create_person(email="bob@example.com")
    [created] = mc(
        "create_leads_export_job",
        fields=["id", "firstName", "email", "notes", "consent", "createdAt"],
        filters={"createdAt": JANUARY},
        columnHeaderNames={"firstName": "First Name"},
    )
    assert (created["status"], created["format"], created["createdAt"]) == ("Created", "CSV", "2026-01-05T12:00:00Z")
    job = created["exportId"]
    [queued] = mc("enqueue_leads_export_job", job_id=job)
    assert (queued["status"], queued["queuedAt"]) == ("Queued", "2026-01-05T12:00:00Z")
    assert mc.refusal("enqueue_leads_export_job", job_id=job) == ("1029", "Job already queued")
    mc.service.clock.advance(60)
    [running] = mc("get_leads_export_job_status", job_id=job)
    assert (running["status"], running["startedAt"]) == ("Processing", "2026-01-05T12:01:00Z")
    mc.service.clock.advance(60)
    [done] = mc("get_leads_export_job_status", job_id=job)
    content = mc("get_leads_export_job_file", job_id=job)
    assert done["status"] == "Completed"
    assert done["finishedAt"] == "2026-01-05T12:02:00Z"
    assert done["numberOfRecords"] == 2
    assert done["fileSize"] == len(content)
    assert done["fileChecksum"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert rows_of(content) == [
        ["id", "First Name", "email", "notes", "consent", "createdAt"],
        ["1001", "Ada", "ada@example.com", 'says "hi",\nthen leaves', "true", "2026-01-05T12:00:00Z"],
        ["1002", "null", "bob@example.com", "null", "false", "2026-01-05T12:00:00Z"],
    ]
    streamed = mc("get_leads_export_job_file", job_id=job, stream=True)
    assert b"".join(streamed.iter_content(16)) == content
    assert [entry["exportId"] for entry in mc("get_leads_export_jobs_list")] == [job]
    assert mc("get_activities_export_jobs_list") == []


def test_extract_refusals(start: Callable[..., Instance]) -> None:
    mc = start(BulkSettings(every_filter=False, daily_bytes=1))
    create, fields = "create_leads_export_job", ["email"]
    assert mc.refusal(create, fields=fields, filters={"updatedAt": JANUARY}) == (
        "1035",
        "Unsupported filter type for target subscription",
    )
    long = {**JANUARY, "endAt": "2026-02-01T00:00:01Z"}
    assert mc.refusal(create, fields=fields, filters={"createdAt": long})[0] == "1003"
    assert mc.refusal(create, fields=["shoeSize"], filters={"createdAt": JANUARY})[0] == "1006"
    assert mc.refusal(create, fields=fields, filters={"staticListId": 7})[0] == "1013"
    [job] = mc(create, fields=fields, filters={"createdAt": JANUARY})
    mc("enqueue_leads_export_job", job_id=job["exportId"])
    mc.service.clock.advance(120)
    exhausted = mc.refusal(create, fields=fields, filters={"createdAt": JANUARY})
    assert exhausted == ("1029", "Export daily quota 0MB exceeded.")
    assert mc.refusal("get_leads_export_job_status", job_id="none")[0] == "1013"
    with pytest.raises(TypeError):  # the client takes a 404 for JSON, with Marketo as well
        mc("get_leads_export_job_file", job_id="none")


def test_the_export_queue_takes_ten_and_a_cancelled_job_makes_room(mc: Instance) -> None:
    made = [mc("create_leads_export_job", fields=["id"], filters={"createdAt": JANUARY})[0] for _ in range(11)]
    jobs = [entry["exportId"] for entry in made]
    for job in jobs[:10]:
        mc("enqueue_leads_export_job", job_id=job)
    assert mc.refusal("enqueue_leads_export_job", job_id=jobs[10]) == ("1029", "Too many jobs in queue")
    mc.service.clock.advance(60)
    states = [entry["status"] for entry in mc("get_leads_export_jobs_list")]
    assert states == ["Processing"] * 2 + ["Queued"] * 8 + ["Created"]
    assert mc("cancel_leads_export_job", job_id=jobs[0])[0]["status"] == "Cancelled"
    assert mc("enqueue_leads_export_job", job_id=jobs[10])[0]["status"] == "Queued"
    assert mc("get_leads_export_job_status", job_id=jobs[2])[0]["status"] == "Processing"


def test_extract_of_activities(mc: Instance) -> None:
    person = mc.service.create_person(email="ada@example.com", firstName="Ada")
    mc.service.update_person(person, firstName="Augusta")
    mc.service.delete_person(mc.service.create_person(email="gone@example.com"))
    [job] = mc("create_activities_export_job", filters={"createdAt": JANUARY, "activityTypeIds": [12, 13]})
    mc("enqueue_activities_export_job", job_id=job["exportId"])
    mc.service.clock.advance(120)
    assert mc("get_activities_export_job_status", job_id=job["exportId"])[0]["numberOfRecords"] == 3
    header, *rows = rows_of(mc("get_activities_export_job_file", job_id=job["exportId"]))
    assert header[-1] == "attributes"
    assert [row[3] for row in rows] == ["12", "13", "12"]
    assert rows[1][1:3] == [str(person), "2026-01-05T12:00:00Z"]
    assert rows[1][6] == "First Name"
    assert json.loads(rows[1][7])["New Value"] == "Augusta"
    assert mc.refusal("create_activities_export_job", filters={"createdAt": JANUARY, "activityTypeIds": [37]}) == (
        "1003",
        "Activity type '37' is not supported",
    )
    [other] = mc("create_activities_export_job", filters={"createdAt": JANUARY})
    assert mc("cancel_activities_export_job", job_id=other["exportId"])[0]["status"] == "Cancelled"
    assert [entry["status"] for entry in mc("get_activities_export_jobs_list")] == ["Completed", "Cancelled"]


def test_extract_of_custom_objects_gives_adobes_sample_file(start: Callable[..., Instance]) -> None:
    mc = start(first_id=11)
    store = CarStore(mc.service.clock)
    mc.service.bulk.objects = store
    drivers = [mc.service.create_person(email=f"{number}@example.com") for number in range(3)]
    buyers = mc.service.create_list("Car Buyers", *drivers)
    sample = (
        ("Pearl White", "Model S", "5YJSA1E41FF156789"),
        ("Midnight Silver Metallic", "Model X", "LRWXB2B41FF198765"),
        ("Fusion Red", "Roadster", "SFGRC3C41FF154321"),
    )
    for person, (color, model, vin) in zip(drivers, sample, strict=True):
        record = {"leadID": str(person), "color": color, "make": "Tesla", "model": model, "vIN": vin}
        store.upsert("car_c", record)
    arguments = {"object_name": "car_c"}
    [job] = mc(
        "create_custom_objects_export_job",
        fields=["leadId", "color", "make", "model", "vIN"],
        filters={"staticListId": buyers},
        **arguments,
    )
    mc("enqueue_custom_objects_export_job", job_id=job["exportId"], **arguments)
    mc.service.clock.advance(120)
    [done] = mc("get_custom_objects_export_job_status", job_id=job["exportId"], **arguments)
    content = mc("get_custom_objects_export_job_file", job_id=job["exportId"], **arguments)
    assert (done["numberOfRecords"], done["fileSize"]) == (3, 182)
    assert done["fileChecksum"] == "sha256:fac0cabc2352229c12e18b2fde03d1f24178bc71e9e926f520ae8d61bbe98c01"
    assert "sha256:" + hashlib.sha256(content).hexdigest() == done["fileChecksum"]
    [other] = mc("create_custom_objects_export_job", fields=["vIN"], filters={"updatedAt": JANUARY}, **arguments)
    mc("cancel_custom_objects_export_job", job_id=other["exportId"], **arguments)
    states = [entry["status"] for entry in mc("get_custom_objects_export_jobs_list", **arguments)]
    assert states == ["Completed", "Cancelled"]
