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

import httpx
import pytest

from marketo_dynamics_sync import MarketoConnector
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.sandbox import CRM_FIELDS, Sandbox
from marketo_dynamics_sync.sandbox.__main__ import main
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
