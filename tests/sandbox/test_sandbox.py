"""The sandbox as a whole: what a program sees that starts it, and the people in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from marketo_dynamics_sync import MarketoConnector
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.sandbox import CRM_FIELDS, Cost, Sandbox, SandboxClock
from marketo_dynamics_sync.sandbox.__main__ import main
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from marketo_dynamics_sync.sandbox.people import people

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def signed_in(sandbox: Sandbox, client: httpx.Client) -> dict[str, str]:
    answer = client.get(
        f"{sandbox.marketo_url}/identity/oauth/token",
        params={
            "grant_type": "client_credentials",
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
        },
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_both_services_answer_over_loopback() -> None:
    with Sandbox(start=START) as sandbox, httpx.Client() as client:
        sandbox.seed(20)
        headers = signed_in(sandbox, client)
        fields = client.get(f"{sandbox.marketo_url}/rest/v1/leads/describe.json", headers=headers).json()
        names = {field["rest"]["name"] for field in fields["result"] if "rest" in field}
        assert {field.name for field in CRM_FIELDS} <= names
        token = sandbox.credential.get_token("https://contoso.crm.dynamics.com/.default")
        rows = client.get(
            f"{sandbox.dynamics_url}/api/data/v9.2/leads?$select=lastname",
            headers={"Authorization": f"Bearer {token.token}"},
        ).json()["value"]
        assert len(rows) == len(sandbox.dynamics.all_rows("lead")) > 0
        assert token.expires_on == int(START.timestamp()) + 3600


def test_both_services_answer_in_process_under_their_own_names() -> None:
    sandbox = Sandbox(start=START)
    with sandbox.client() as client:
        assert client.get("https://123-abc-456.mktorest.com/identity/oauth/token").status_code in (400, 401)
        assert client.get("https://contoso.crm.dynamics.com/api/data/v9.2/WhoAmI").status_code == 401
        with pytest.raises(httpx.ConnectError):
            client.get("https://elsewhere.example/")


def test_a_marketo_without_the_crm_fields() -> None:
    sandbox = Sandbox(crm_fields=False)
    with pytest.raises(ValueError, match="dynamicsId"):
        sandbox.marketo.create_person(email="ada@example.com", dynamicsId="1")


def test_the_clock_stands_still_until_it_is_moved() -> None:
    sandbox = Sandbox(start=START)
    assert sandbox.clock.now() == sandbox.clock.now() == START
    sandbox.clock.advance(90)
    assert (sandbox.clock.now() - START).total_seconds() == 90


def test_people_are_untidy_and_the_same_for_the_same_seed() -> None:
    some = list(people(2000, 7))
    assert some == list(people(2000, 7))
    assert some != list(people(2000, 8))
    emails = Counter(person.email for person in some)
    assert 60 < emails.pop(None) < 200, "some have no e-mail address"
    assert any(number > 1 for number in emails.values()), "some share one"
    text = "".join(person.first + person.last for person in some)
    for script in ("é", "ł", "山", "김", "Π", "И", "כ", "ف"):
        assert script in text
    assert {"call me", None} < {person.phone for person in some}
    assert any(person.opted_out for person in some)


def test_the_same_people_are_seeded_again() -> None:
    def names() -> list[object]:
        sandbox = Sandbox(start=START)
        sandbox.seed(60, seed=3)
        return sorted(str(row["lastname"]) for row in sandbox.dynamics.all_rows("lead"))

    assert names() == names()


def test_started_as_a_program_it_says_how_to_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    stop = threading.Event()
    stop.set()
    main(["--people", "10"], stop=stop)
    told = capsys.readouterr().out
    assert re.search(r"Marketo: +http://127\.0\.0\.1:\d+", told)
    assert re.search(r"Dynamics: +http://127\.0\.0\.1:\d+", told)
    assert "client_secret=" in told
    assert "10 people" in told


def test_started_as_a_program_it_loads_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stop, file = threading.Event(), tmp_path / "records.json"
    stop.set()
    file.write_text('{"marketo": {"people": []}}', encoding="utf-8")
    with pytest.raises(ValueError, match="people"):
        main(["--load", str(file)], stop=stop)
    file.write_text('{"marketo": {"persons": [{"email": "ada@example.com"}]}}', encoding="utf-8")
    main(["--load", str(file)], stop=stop)
    assert "Stop with" in capsys.readouterr().out


def test_another_process_can_use_it_as_it_was_told() -> None:
    command = [sys.executable, "-m", "marketo_dynamics_sync.sandbox", "--people", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if "Stop with" in line:
                break
        endpoint = re.search(r"token endpoint (\S+)", told)
        dynamics = re.search(r"Dynamics: +(\S+)", told)
        secrets = re.findall(r"client_id=(\S+) client_secret=(\S+)", told)
        assert endpoint
        assert dynamics
        form = {
            "grant_type": "client_credentials",
            "client_id": secrets[1][0],
            "client_secret": secrets[1][1],
            "scope": f"{dynamics[1]}/.default",
        }
        token = httpx.post(endpoint[1], data=form).json()["access_token"]
        who = httpx.get(f"{dynamics[1]}/api/data/v9.2/WhoAmI", headers={"Authorization": f"Bearer {token}"})
        process.terminate()
    assert who.status_code == 200
    assert who.json()["OrganizationId"]


def test_records_are_loaded_in_their_own_form() -> None:
    sandbox = Sandbox(start=START)
    data = json.loads(
        '{"dynamics": {"lead": [{"lastname": "Byron"}, {"lastname": "Hopper"}]},'
        ' "marketo": {"persons": [{"email": "noor@example.org"}]}}'
    )
    made = sandbox.load(data)
    assert [row["lastname"] for row in map(sandbox.dynamics.row, ["lead"] * 2, made["lead"]) if row] == [
        "Byron",
        "Hopper",
    ]
    person = sandbox.marketo.person(int(made["persons"][0]))
    assert person is not None
    assert person["email"] == "noor@example.org"


def test_objects_and_what_they_point_to_are_loaded() -> None:
    sandbox = Sandbox(start=START)
    account = "0a000000-0000-0000-0000-000000000001"
    data = json.loads(
        """{
          "marketo": {
            "customobjects": {"car_c": [{"vin": "V1", "owner": "ada@example.com"}]},
            "opportunities/roles": [{"externalOpportunityId": "O1", "leadId": "ada@example.com", "role": "Buyer"},
                                    {"externalOpportunityId": "O1", "leadId": 1002, "role": "User", "isPrimary": true}],
            "opportunities": [{"externalOpportunityId": "O1", "name": "Engine", "externalCompanyId": "C1"}],
            "persons": [{"email": "ada@example.com", "externalCompanyId": "C1"}, {"email": "grace@example.com"}],
            "companies": [{"externalCompanyId": "C1", "company": "Engines", "externalSalesPersonId": "S1"}],
            "salespersons": [{"externalSalesPersonId": "S1", "email": "sally@example.com"}],
            "namedaccounts": [{"name": "Engines Inc."}],
            "customobjecttypes": [{"name": "car_c", "fields": [{"name": "vin", "dedupe": true}, {"name": "color"}],
                                   "link": ["owner", "lead", "email"]}]
          },
          "dynamics": {
            "account": [{"accountid": "0a000000-0000-0000-0000-000000000001", "name": "Engines"}],
            "contact": [{"lastname": "Byron", "parentcustomerid_account@odata.bind":
                         "/accounts(0a000000-0000-0000-0000-000000000001)"}]
          }
        }"""
    )
    made = sandbox.load(data)
    assert {kind: len(ids) for kind, ids in made.items()} == {
        "account": 1, "contact": 1, "customobjecttypes": 1, "salespersons": 1, "companies": 1, "persons": 2,
        "opportunities": 1, "opportunities/roles": 2, "namedaccounts": 1, "car_c": 1,
    }  # fmt: skip
    assert sandbox.dynamics.row("contact", made["contact"][0])["_parentcustomerid_value"] == account
    assert [role["leadId"] for role in sandbox.marketo.objects("opportunities/roles")] == [1001, 1002]
    (car,) = sandbox.marketo.objects("car_c")
    assert (car["marketoGUID"], car["vin"], car["owner"]) == (made["car_c"][0], "V1", "ada@example.com")
    person = sandbox.marketo.person(int(made["persons"][0]))
    assert person is not None
    assert (person["externalCompanyId"], person["company"]) == ("C1", "Engines")


@pytest.mark.parametrize(
    ("kind", "record", "says"),
    [
        ("companies", {"company": "Engines"}, "lacks 'externalCompanyId'"),
        ("opportunities", {"externalOpportunityId": "O1"}, "lacks 'name'"),
        (
            "opportunities/roles",
            {"externalOpportunityId": "O1", "leadId": "nobody@example.com", "role": "x"},
            "Lead not found",
        ),
        ("persons", {"nickname": "Ada"}, "nickname"),
    ],
)
def test_a_record_that_isnt_whole_is_not_loaded(kind: str, record: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Sandbox(start=START).load({"marketo": {kind: [record]}})


def test_every_call_is_logged_with_its_cost() -> None:
    with Sandbox(start=START) as sandbox, httpx.Client() as client:
        sandbox.seed(20)
        headers = signed_in(sandbox, client)
        url = f"{sandbox.marketo_url}/rest/v1/leads.json?filterType=id&filterValues=1001,1002,9"
        assert len(client.get(url, headers=headers).json()["result"]) == 2
        client.get(url, headers={"Authorization": "Bearer nonsense"})
        body = {"action": "createOnly", "input": [{"email": "new@example.com"}]}
        client.post(f"{sandbox.marketo_url}/rest/v1/leads.json", headers=headers, json=body)
        sandbox.clock.advance(1)
        root = f"{sandbox.dynamics_url}/api/data/v9.2"
        theirs = {"Authorization": f"Bearer {sandbox.dynamics.issue_token()}"}
        client.get(f"{root}/leads?$select=lastname&$top=3", headers=theirs)
        client.get(f"{root}/EntityDefinitions(LogicalName='lead')?$select=LogicalName", headers=theirs)
        client.get(f"{root}/leads")
        made = {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "lastname": "B"}] * 4}
        client.post(f"{root}/leads/Microsoft.Dynamics.CRM.CreateMultiple", headers=theirs, json=made)
        client.post(f"{root}/leads", headers=theirs, json={"lastname": "C"})
        cost, calls = sandbox.cost, sandbox.calls
        sandbox.reset_calls()
        assert sandbox.calls == []
    assert cost == {
        "marketo": Cost(tokens=1, reads=2, writes=1, refused=1, records=3, counted=2),
        "dynamics": Cost(reads=2, metadata=1, writes=2, refused=1, records=8, counted=4, seconds=0.08),
    }
    assert [call.service for call in calls] == ["marketo"] * 4 + ["dynamics"] * 5
    assert calls[-2].path.endswith("CreateMultiple")
    assert (calls[-2].records, calls[-2].counted, calls[-2].seconds) == (4, 1, 0.02)


def test_the_quota_of_the_log_is_that_of_the_usage_answer() -> None:
    sandbox = Sandbox(start=START, marketo=MarketoService(SandboxClock(START), rate=2, daily_quota=4))
    with sandbox.client() as client:
        secrets = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
        given = {"grant_type": "client_credentials", **secrets}
        token = client.get("https://123-abc-456.mktorest.com/identity/oauth/token", params=given).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        answers = [
            client.get("https://123-abc-456.mktorest.com/rest/v1/stats/usage.json", headers=headers).json()
            for _ in range(6)
        ]
    assert [answer.get("errors", [{"code": ""}])[0]["code"] for answer in answers] == [
        "",
        "",
        "606",
        "606",
        "607",
        "607",
    ]
    assert sandbox.cost["marketo"].counted == 4
    assert sandbox.cost["marketo"].refused == 4


def test_a_transport_of_its_own_reaches_both() -> None:
    sandbox = Sandbox(start=START)
    with httpx.Client(transport=sandbox.transport(), base_url="https://contoso.crm.dynamics.com") as client:
        assert client.get("/api/data/v9.2/WhoAmI").status_code == 401


@pytest.mark.parametrize("data", [{"salesforce": {}}, {"marketo": {"people": []}}, {"dynamics": {"leads": []}}])
def test_what_nobody_has_can_not_be_loaded(data: dict[str, dict[str, list[dict[str, object]]]]) -> None:
    with pytest.raises(ValueError, match="the sandbox has no"):
        Sandbox(start=START).load(data)


def test_the_fixture_serves_a_sandbox(marketo_dynamics_sandbox: Sandbox) -> None:
    assert httpx.get(f"{marketo_dynamics_sandbox.dynamics_url}/api/data/v9.2/WhoAmI").status_code == 401
    marketo_dynamics_sandbox.marketo.create_person(email="ada@example.com", dynamicsId="1")


@pytest.mark.marketo_dynamics_sandbox(crm_fields=False, start=START)
def test_the_fixture_takes_arguments(marketo_dynamics_sandbox: Sandbox) -> None:
    assert marketo_dynamics_sandbox.clock.now() == START
    with pytest.raises(ValueError, match="dynamicsId"):
        marketo_dynamics_sandbox.marketo.create_person(email="ada@example.com", dynamicsId="1")


def test_connectors_live_by_its_clock() -> None:
    with Sandbox(start=datetime(2020, 1, 1, tzinfo=UTC)) as sandbox:
        with MarketoConnector(
            sandbox.marketo_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, **sandbox.timing
        ) as marketo:
            checks = {check.name: check for check in marketo.check([Lead.__entity__])}
        assert checks["clock"].passed
