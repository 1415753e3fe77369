"""Trouble that a service makes as a whole: tokens, edits in between, plug-ins, backups and copies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from marketo_dynamics_sync.sandbox import Faults, Sandbox, fault_kinds
from marketo_dynamics_sync.sandbox.faults import Happened
from marketo_dynamics_sync.sandbox.marketo import ObjectField
from marketo_dynamics_sync.sandbox.memento import Memento

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def signed_in(sandbox: Sandbox, client: httpx.Client) -> SimpleNamespace:
    """Return ways to ask both services over their sockets, with tokens of now."""
    secrets = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    token_url = f"{sandbox.marketo_url}/identity/oauth/token"
    token = client.get(token_url, params={"grant_type": "client_credentials", **secrets}).json()["access_token"]
    theirs: dict[str, str] = {}

    def sign_in() -> None:
        theirs["Authorization"] = f"Bearer {sandbox.dynamics.issue_token()}"

    def dynamics(path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        url = path if path.startswith("http") else f"{sandbox.dynamics_url}/api/data/v9.2/{path}"
        return client.request(method, url, headers={**theirs, **(headers or {})}, **more)

    def marketo(path: str, method: str = "GET", **more: Any) -> dict[str, Any]:
        url, headers = f"{sandbox.marketo_url}/rest/v1/{path}", {"Authorization": f"Bearer {token}"}
        return client.request(method, url, headers=headers, **more).json()

    sign_in()
    return SimpleNamespace(dynamics=dynamics, marketo=marketo, sandbox=sandbox, sign_in=sign_in)


@pytest.fixture
def both() -> Iterator[SimpleNamespace]:
    """Both services on real sockets."""
    with Sandbox(start=START) as sandbox, httpx.Client() as client:
        yield signed_in(sandbox, client)


def changed_since(both: SimpleNamespace, link: str) -> httpx.Response:
    return both.dynamics(link, headers={"Prefer": "odata.track-changes"})


def delta_link(both: SimpleNamespace) -> str:
    first = both.dynamics("leads?$select=lastname", headers={"Prefer": "odata.track-changes"})
    return str(first.json()["@odata.deltaLink"])


def edit_of(person: int, **fields: object) -> dict[str, object]:
    return {"json": {"action": "updateOnly", "lookupField": "id", "input": [{"id": person, **fields}]}}


def test_all_tokens_of_a_service_are_revoked(both: SimpleNamespace) -> None:
    assert both.dynamics("WhoAmI").status_code == 200
    assert both.marketo("leads/partitions.json")["success"] is True
    both.sandbox.dynamics.revoke_tokens()
    assert both.dynamics("WhoAmI").status_code == 401
    assert both.marketo("leads/partitions.json")["success"] is True, "the other service's are good"
    both.sandbox.marketo.revoke_tokens()
    assert both.marketo("leads/partitions.json")["errors"][0]["code"] == "601"


def test_tokens_are_revoked_between_two_requests(both: SimpleNamespace) -> None:
    faults, sandbox = both.sandbox.faults, both.sandbox
    faults.script(fault_kinds.token_revoked(sandbox.dynamics), service="dynamics", skip=1)
    faults.script(fault_kinds.token_revoked(sandbox.marketo), service="marketo", skip=1)
    assert [both.dynamics("WhoAmI").status_code for _ in range(2)] == [200, 401]
    assert [both.marketo("leads/partitions.json")["success"] for _ in range(2)] == [True, False]
    assert [happened.fault for happened in faults.log] == ["token_revoked"] * 2


def test_a_delta_link_expires_on_request(both: SimpleNamespace) -> None:
    script = both.sandbox.faults.script(fault_kinds.delta_link_expired, service="dynamics", query="deltatoken")
    link = delta_link(both)
    refused = changed_since(both, link)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "0x80044352")
    assert changed_since(both, link).status_code == 200, "once"
    assert script.happened == 1
    both.sandbox.clock.advance(days=8)
    both.sign_in()
    assert changed_since(both, link).json()["error"] == refused.json()["error"], "as a link that is too old"


def test_a_row_is_edited_just_before_a_write_lands(both: SimpleNamespace) -> None:
    sandbox = both.sandbox
    row = sandbox.dynamics.create("lead", lastname="Byron", jobtitle="Countess")
    contact = sandbox.dynamics.create("contact", lastname="Byron")
    fault = fault_kinds.row_edited(sandbox.dynamics, "lead", jobtitle="Poet")
    sandbox.faults.script(fault, service="dynamics", writes=True, times=2)
    etag = both.dynamics(f"leads({row})?$select=jobtitle").json()["@odata.etag"]
    missed = both.dynamics(f"leads({row})", "PATCH", json={"fax": "1"}, headers={"If-Match": etag})
    assert (missed.status_code, missed.json()["error"]["code"]) == (412, "0x80060882")
    stored = sandbox.dynamics.row("lead", row)
    assert (stored["jobtitle"], stored["_modifiedby_value"]) == ("Poet", sandbox.dynamics.other_user_id)
    assert both.dynamics(f"contacts({contact})", "PATCH", json={"fax": "1"}).status_code == 204
    assert "jobtitle" not in sandbox.dynamics.row("contact", contact), "another table"
    etag = both.dynamics(f"leads({row})?$select=jobtitle").json()["@odata.etag"]
    assert both.dynamics(f"leads({row})", "PATCH", json={"fax": "1"}, headers={"If-Match": etag}).status_code == 204


def test_rows_of_a_batch_are_edited_too(both: SimpleNamespace) -> None:
    sandbox = both.sandbox
    rows = [sandbox.dynamics.create("lead", lastname=f"L{number}") for number in range(2)]
    sandbox.faults.script(fault_kinds.row_edited(sandbox.dynamics, "lead", jobtitle="Poet"), path=r"/\$batch")
    answer = both.dynamics("$batch", "POST", **batch(*rows))
    assert answer.text.count("HTTP/1.1 204") == 2
    assert [sandbox.dynamics.row("lead", row)["jobtitle"] for row in rows] == ["Poet"] * 2


def test_a_person_is_edited_just_before_a_write_lands(both: SimpleNamespace) -> None:
    marketo = both.sandbox.marketo
    person = marketo.create_person(email="ada@example.com", title="Countess", city="London")
    fault = fault_kinds.person_edited(marketo, title="Poet", city="Paris")
    both.sandbox.faults.script(fault, service="marketo", writes=True)
    assert both.marketo("leads.json", "POST", **edit_of(person, title="Queen"))["result"][0]["status"] == "updated"
    assert (marketo.person(person)["title"], marketo.person(person)["city"]) == ("Queen", "Paris")
    marketo.update_person(person, city="London")
    both.marketo("leads.json", "POST", **edit_of(person, title="Countess"))
    assert marketo.person(person)["city"] == "London", "once"


def batch(*rows: str) -> dict[str, Any]:
    parts = [
        f"--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"PATCH /api/data/v9.2/leads({row}) HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
        '{"fax":"1"}\r\n'
        for row in rows
    ]
    return {"content": "".join(parts) + "--b--\r\n", "headers": {"Content-Type": "multipart/mixed; boundary=b"}}


def test_a_whole_batch_is_refused(both: SimpleNamespace) -> None:
    row = both.sandbox.dynamics.create("lead", lastname="Byron")
    both.sandbox.faults.script(fault_kinds.batch_refused, service="dynamics", path=r"/\$batch")
    refused = both.dynamics("$batch", "POST", **batch(row))
    assert (refused.status_code, refused.json()["error"]["code"]) == (500, "0x80040216")
    assert "fax" not in both.sandbox.dynamics.row("lead", row)
    assert both.dynamics("$batch", "POST", **batch(row)).status_code == 200


def test_a_plug_in_changes_what_was_written(both: SimpleNamespace) -> None:
    dynamics = both.sandbox.dynamics
    dynamics.rewrite("lead", lastname=str.upper, jobtitle="From the plug-in", fax=str.strip)
    made = both.dynamics("leads", "POST", json={"lastname": "Byron"}, headers={"Prefer": "return=representation"})
    assert (made.json()["lastname"], made.json()["jobtitle"], made.json()["fax"]) == ("BYRON", "From the plug-in", None)
    assert made.json()["fullname"] == "BYRON", "what is computed follows"
    row = made.json()["leadid"]
    both.dynamics(f"leads({row})", "PATCH", json={"lastname": "Hopper", "jobtitle": "Admiral", "fax": " 1 "})
    stored = dynamics.row("lead", row)
    assert (stored["lastname"], stored["jobtitle"], stored["fax"]) == ("HOPPER", "From the plug-in", "1")
    with pytest.raises(KeyError):
        dynamics.rewrite("lead", nothing=1)


def test_an_older_environment_is_restored(both: SimpleNamespace) -> None:
    dynamics = both.sandbox.dynamics
    dynamics.add_key("contact", "by_fax", "fax")
    row, kept = (dynamics.create("contact", lastname=name, fax=name) for name in ("Byron", "Hopper"))
    both.dynamics(f"contacts({kept})?$select=fax")
    backup = dynamics.snapshot()
    before = {table: dynamics.all_rows(table) for table in ("contact", "systemuser")}
    for _ in range(2):
        version = dynamics.row("contact", row)["versionnumber"]
        dynamics.update("contact", row, lastname="Lovelace", fax="x")
        dynamics.delete("contact", kept)
        made = dynamics.create("contact", lastname="Turing", fax="Hopper")
        first = both.dynamics("contacts?$select=fax", headers={"Prefer": "odata.track-changes"})
        dynamics.remove_column("contact", "pager")
        dynamics.become_copy()
        dynamics.restore(backup)
        assert {table: dynamics.all_rows(table) for table in before} == before
        assert dynamics.row("contact", made) is None
        assert both.dynamics("contacts(fax='Hopper')?$select=contactid").json()["contactid"] == kept, "keys as well"
        assert both.dynamics("contacts(fax='x')?$select=contactid").status_code == 404
        assert both.dynamics(f"contacts({row})?$select=pager").status_code == 200, "definitions as well"
        assert changed_since(both, first.json()["@odata.deltaLink"]).json()["error"]["code"] == "0x80044352"
        dynamics.update("contact", row, lastname="Byron the second")
        assert dynamics.row("contact", row)["versionnumber"] > version, "numbers are given anew from the old one"
        dynamics.restore(backup)


def test_an_older_marketo_is_restored(both: SimpleNamespace) -> None:
    marketo = both.sandbox.marketo
    marketo.create_custom_object_type("car_c", [ObjectField("vin", dedupe=True)], link=("owner", "lead", "id"))
    kept = marketo.create_person(email="ada@example.com", title="Countess")
    company = marketo.create_company("C1", company="Engines")
    listed = marketo.create_list("Known", kept)
    backup = marketo.snapshot()

    def activities() -> list[int]:
        token = both.marketo("activities/pagingtoken.json?sinceDatetime=2026-03-01T00:00:00Z")["nextPageToken"]
        found = both.marketo(f"activities.json?nextPageToken={token}&activityTypeIds=1,12,13,37")
        return [item["id"] for item in found.get("result", ())]

    known, everybody = activities(), marketo.persons()
    later: list[object] = []
    for _ in range(2):
        marketo.update_person(kept, title="Poet", email="other@example.com")
        new = marketo.create_person(email="grace@example.com")
        record = marketo.create_custom_object("car_c", vin="V1", owner=new)
        marketo.delete_object("companies", company)
        both.marketo(f"lists/{listed}/leads.json?id={kept}", "DELETE")
        later.append((new, record, activities()))
        marketo.restore(backup)
        assert activities() == known
        assert marketo.persons() == everybody
        found = both.marketo("leads.json?filterType=email&filterValues=ada@example.com,other@example.com")["result"]
        assert [person["id"] for person in found] == [kept], "the index as well"
        assert [item["externalCompanyId"] for item in marketo.objects("companies")] == ["C1"]
        assert marketo.objects("car_c") == []
        assert [item["id"] for item in both.marketo(f"lists/{listed}/leads.json")["result"]] == [kept]
    assert later[0] == later[1], "ids are given anew"
    calls = both.marketo("stats/usage.json")["result"][0]["total"]
    assert calls == sum(call.counted for call in marketo.calls), "limits go on counting"


def test_a_copy_has_the_rows_and_another_organization(both: SimpleNamespace) -> None:
    dynamics = both.sandbox.dynamics
    row = dynamics.create("lead", lastname="Byron")
    link, who = delta_link(both), both.dynamics("WhoAmI").json()
    made = dynamics.become_copy()
    assert made != who["OrganizationId"]
    assert both.dynamics("WhoAmI").json() == {**who, "OrganizationId": made}
    assert both.dynamics(f"leads({row})?$select=lastname").json()["lastname"] == "Byron"
    assert changed_since(both, link).status_code == 200
    assert dynamics.become_copy("11111111-0000-0000-0000-000000000001") == dynamics.organization_id


def test_a_backup_forgets_what_was_added_since() -> None:
    faults = Faults(seed=3)
    script = faults.script(fault_kinds.html_page)
    backup = Memento([faults], untouched=[faults.log])
    faults.later = faults.__dict__["later too"] = object()  # type: ignore[attr-defined]  # an attribute that came late
    script.happened = 7
    faults.log.append(Happened("marketo", "GET", "/", "html_page"))
    faults.script(fault_kinds.answer_lost)
    drawn = faults._chance.random()
    backup.restore()
    assert vars(faults).keys() == vars(Faults()).keys()
    assert (faults._scripts, script.happened, len(faults.log)) == ([script], 0, 1)
    assert faults._chance.random() == drawn


def test_waits_below_the_clocks_resolution_end_too() -> None:
    clock = Sandbox(start=START).clock
    due = clock.monotonic() + 1e-9
    waits = 0
    while clock.monotonic() < due:
        clock.sleep(due - clock.monotonic())
        waits += 1
        assert waits < 10
    before = clock.now()
    clock.sleep(0)
    clock.sleep(-1)
    assert clock.now() == before
