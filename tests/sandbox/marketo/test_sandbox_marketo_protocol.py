"""Tokens, envelope, errors and limits, as Adobe's pages "Authentication", "REST API" and "Error Codes" have them."""

from __future__ import annotations

import re
import threading

import httpx
import pytest
from tests.sandbox.marketo.marketo_instance import HOST, Make, Marketo, code

from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import PERMISSIONS, Client

READER = Client("secret-r", permissions=frozenset({"Read-Only Lead", "Read-Only Activity"}), user="reader@example.com")


def test_a_token_is_the_same_until_it_expires(marketo: Marketo) -> None:
    first = marketo.token()
    assert first["token_type"] == "bearer"
    assert first["expires_in"] == 3600
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\w+", str(first["access_token"]))
    marketo.clock.advance(1000)
    again = marketo.token()
    assert again["access_token"] == first["access_token"]
    assert again["expires_in"] == 2600
    marketo.clock.advance(2600)
    assert marketo.token()["access_token"] != first["access_token"]


@pytest.mark.parametrize(("method", "where"), [("GET", "params"), ("POST", "params"), ("POST", "data")])
def test_credentials_may_come_in_the_query_or_in_a_form(marketo: Marketo, method: str, where: str) -> None:
    given = {"grant_type": "client_credentials", "client_id": "marketo-client", "client_secret": "marketo-secret"}
    answer = marketo.http.request(method, "/identity/oauth/token", **{where: given})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.json()["scope"] == "sync-api@example.com"


def test_wrong_credentials_get_oauth_bodies(marketo: Marketo) -> None:
    def ask(**changed: str) -> httpx.Response:
        given = {"grant_type": "client_credentials", "client_id": "marketo-client", "client_secret": "marketo-secret"}
        return marketo.http.get("/identity/oauth/token", params=given | changed)

    secret = ask(client_secret="wrong")
    assert secret.status_code == 401
    assert secret.json() == {"error": "invalid_client", "error_description": "Bad client credentials"}
    unknown = ask(client_id="nobody")
    assert unknown.status_code == 401
    assert unknown.json() == {"error": "unauthorized", "error_description": "No client with requested id: nobody"}
    assert ask(grant_type="password").status_code == 400
    assert marketo.http.put("/identity/oauth/token").status_code == 405


def test_an_expired_token_is_602_once_and_then_601(marketo: Marketo) -> None:
    marketo.clock.advance(3600)
    assert code(marketo.get("leads/describe2.json")) == "602"
    assert code(marketo.get("leads/describe2.json")) == "601"
    assert marketo.sign_in().get("leads/describe2.json")["success"]


def test_revoked_unknown_and_missing_tokens(marketo: Marketo) -> None:
    marketo.service.identity.revoke()
    assert code(marketo.get("leads/describe2.json")) == "601"
    del marketo.http.headers["Authorization"]
    assert code(marketo.get("leads/describe2.json")) == "603"


def test_the_token_parameter_counts_only_behind_its_switch(make: Make) -> None:
    for allowed in (False, True):
        marketo = make(access_token_parameter=allowed)
        answer = marketo.get("leads/describe2.json", access_token=marketo.token()["access_token"])
        assert answer["success"] is allowed


def test_each_client_has_its_token_and_its_permissions(make: Make) -> None:
    marketo = make(clients={"all": Client("secret-a"), "reader": READER})
    assert marketo.token("all", "secret-a")["access_token"] != marketo.token("reader", "secret-r")["access_token"]
    marketo.sign_in("reader", "secret-r")
    assert marketo.get("leads/describe2.json")["success"]
    assert code(marketo.post("leads.json", {"input": [{"email": "a@example.com"}]})) == "603"
    assert code(marketo.get("leads/schema/fields.json")) == "603"
    assert marketo.get("stats/usage.json")["success"]
    assert marketo.service.persons() == []


@pytest.mark.parametrize(
    ("need", "method", "path"),
    [
        ("Read-Write Lead", "POST", "leads.json"),
        ("Read-Only Lead", "GET", "leads/describe.json"),
        ("Read-Only Activity", "GET", "activities/types.json"),
        ("Read-Write Activity", "POST", "activities/external.json"),
        ("Read-Only Activity Metadata", "GET", "activities/external/types.json"),
        ("Read-Write Activity Metadata", "POST", "activities/external/type.json"),
        ("Read-Write Schema Custom Field", "POST", "leads/schema/fields.json"),
    ],
)
def test_every_call_needs_its_permission(make: Make, need: str, method: str, path: str) -> None:
    marketo = make(
        clients={
            "with": Client("s", permissions=frozenset({need})),
            "without": Client("s", permissions=PERMISSIONS - {need, need.replace("Only", "Write")}),
        }
    )
    for client, allowed in (("with", True), ("without", False)):
        marketo.sign_in(client, "s")
        answer = marketo.http.request(method, f"/rest/v1/{path}", json={}).json()
        assert (answer.get("errors", [{}])[0].get("code") != "603") is allowed


def test_the_envelope(marketo: Marketo) -> None:
    answer = marketo.http.get("/rest/v1/leads.json", params={"filterType": "id", "filterValues": "1"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert list(answer.json()) == ["requestId", "result", "success"]
    number, _, moment = answer.json()["requestId"].partition("#")
    assert int(number, 16) > 0
    assert int(moment, 16) == marketo.clock.now().timestamp() * 1000
    assert answer.headers["Date"] == "Mon, 05 Jan 2026 12:00:00 GMT"


def test_answers_are_compressed_from_1024_bytes_on_when_accepted(marketo: Marketo) -> None:
    path = "/rest/v1/leads/describe2.json"
    assert marketo.http.get(path).headers["Content-Encoding"] == "gzip"
    plain = marketo.http.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json()["result"] == marketo.get("leads/describe2.json")["result"]
    assert "Content-Encoding" not in marketo.http.get("/rest/v1/leads/partitions.json").headers


def test_sizes(marketo: Marketo) -> None:
    body = b'{"input":[{"email":"a@example.com"}]}'
    headers = {"Content-Type": "application/json"}
    fits = body + b" " * (1_048_576 - len(body))
    assert marketo.http.post("/rest/v1/leads.json", content=fits, headers=headers).json()["success"]
    assert marketo.http.post("/rest/v1/leads.json", content=fits + b" ", headers=headers).status_code == 413
    path = "/rest/v1/leads.json?filterType=email&filterValues="
    fits_too = path + "1" * (8192 - len(path))
    assert marketo.http.get(fits_too).status_code == 200
    long = marketo.http.get(fits_too + "1")
    assert (long.status_code, long.headers["Content-Type"]) == (414, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/rest/v1/campaigns.json", "610"),
        ("GET", "/rest/v1/leads", "610"),
        ("GET", "/rest/v1//leads/describe2.json", "610"),
        ("GET", "//rest/v1/leads/describe2.json", "610"),
        ("GET", "/rest/v1/Leads/describe2.json", "610"),
        ("PUT", "/rest/v1/leads.json", "605"),
        ("DELETE", "/rest/v1/leads/describe2.json", "605"),
    ],
)
def test_unknown_paths_and_verbs(marketo: Marketo, method: str, path: str, expected: str) -> None:
    url = marketo.http.base_url.copy_with(raw_path=path.encode())
    assert code(marketo.http.request(method, url).json()) == expected


def test_dot_segments_are_followed(marketo: Marketo) -> None:
    url = marketo.http.base_url.copy_with(raw_path=b"/bulk/../rest/v1/leads/describe2.json")
    assert marketo.http.get(url).json()["success"]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/plain", b"{}", "612"),
        (None, b"{}", "612"),
        ("application/x-www-form-urlencoded", b"input=1", "612"),
        ("application/json", b"{", "609"),
        ("application/json", b"[]", "609"),
        ("application/json", b'{"input":[{"annualRevenue":NaN}]}', "609"),
        ("application/json; charset=utf-8", b"\xff", "609"),
        ("application/json", b"{}", "1002"),
        ("application/json", b'{"input":[]}', "1002"),
        ("application/json", b'{"input":[1]}', "609"),
    ],
)
def test_bad_bodies(marketo: Marketo, content_type: str | None, body: bytes, expected: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert code(marketo.http.post("/rest/v1/leads.json", content=body, headers=headers).json()) == expected


@pytest.mark.parametrize("where", ["form", "query"])
def test_a_post_can_stand_for_a_get(marketo: Marketo, where: str) -> None:
    marketo.sync({"email": "ada@example.com"})
    form = {"filterType": "email", "filterValues": "ada@example.com", "fields": ["email", "id"]}
    if where == "form":
        answer = marketo.http.post("/rest/v1/leads.json", data={"_method": "GET", **form})
    else:
        answer = marketo.http.post("/rest/v1/leads.json?_method=GET", data=form)
    assert [person["email"] for person in answer.json()["result"]] == ["ada@example.com"]
    assert marketo.service.calls[-1].kind == "read"
    assert marketo.service.ignored == set()


def test_lists_come_with_commas_or_repeated(marketo: Marketo) -> None:
    marketo.sync({"email": "a@example.com"}, {"email": "b@example.com"})
    for values in (["1001,1002"], ["1001", "1002"], ["1001,1002", "1002"]):
        params = {"filterType": "id", "filterValues": values, "fields": ["email,title", "phone"]}
        found = marketo.http.get("/rest/v1/leads.json", params=params).json()["result"]
        assert [set(person) for person in found] == [{"id", "email", "title", "phone"}] * 2


def test_the_rate_is_a_sliding_window(marketo: Marketo) -> None:
    for _ in range(50):
        assert marketo.get("leads/partitions.json")["success"]
    marketo.clock.advance(10)
    for _ in range(50):
        assert marketo.get("leads/partitions.json")["success"]
    answer = marketo.get("leads/partitions.json")
    assert answer["errors"] == [{"code": "606", "message": "Max rate limit '100' exceeded with in '20' secs"}]
    marketo.clock.advance(9.5)
    assert code(marketo.get("leads/partitions.json")) == "606"
    marketo.clock.advance(0.5)
    for _ in range(50):
        assert marketo.get("leads/partitions.json")["success"]
    assert code(marketo.get("leads/partitions.json")) == "606"


def test_free_errors_and_tokens_use_up_nothing(make: Make) -> None:
    marketo = make(rate=2, daily_quota=3).sign_in()
    for _ in range(5):
        assert code(marketo.http.put("/rest/v1/leads.json").json()) == "605"
        marketo.token()
    header = marketo.http.headers.pop("Authorization")
    marketo.http.headers["Authorization"] = "Bearer unknown"
    for _ in range(5):
        assert code(marketo.get("leads/partitions.json")) == "601"
    marketo.http.headers["Authorization"] = header
    assert marketo.get("leads/partitions.json")["success"]
    assert marketo.get("leads/partitions.json")["success"]


def test_the_day_begins_at_midnight_in_chicago(make: Make) -> None:
    marketo = make(daily_quota=3).sign_in()
    for _ in range(2):
        assert marketo.get("leads/partitions.json")["success"]
    assert code(marketo.get("nonsense.json")) == "610"
    assert code(marketo.get("leads/partitions.json")) == "607"
    marketo.clock.advance(hours=17, minutes=59)  # 05:59 UTC is one minute before midnight there
    assert code(marketo.sign_in().get("leads/partitions.json")) == "607"
    marketo.clock.advance(minutes=1)
    assert marketo.get("leads/partitions.json")["success"]


def test_at_most_ten_calls_run_at_once(make: Make) -> None:
    marketo = make(at_once=2).sign_in()
    inside, free = threading.Semaphore(0), threading.Event()

    def hold(request: Request) -> None:
        inside.release()
        assert free.wait(10)

    marketo.service.on_running = hold
    answers: list[dict] = []

    def call() -> None:
        with httpx.Client(transport=marketo.http._transport, headers=marketo.http.headers) as client:
            answers.append(client.get(f"https://{HOST}/rest/v1/leads/partitions.json").json())

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    refused = marketo.get("leads/partitions.json")
    assert refused["errors"] == [{"code": "615", "message": "Concurrent access limit '2' reached"}]
    free.set()
    for thread in threads:
        thread.join()
    assert [answer["success"] for answer in answers] == [True, True]
    assert marketo.get("leads/partitions.json")["success"]


def test_usage_and_errors_are_those_of_the_whole_instance(make: Make) -> None:
    marketo = make(clients={"all": Client("s", user="a@example.com"), "reader": READER})
    marketo.sign_in("all", "s")
    for _ in range(3):
        marketo.get("leads/partitions.json")
    marketo.sign_in("reader", "secret-r")
    marketo.get("nonsense.json")
    usage = marketo.get("stats/usage.json")["result"]
    users = [{"userId": "a@example.com", "count": 3}, {"userId": "reader@example.com", "count": 2}]
    assert usage == [{"date": "2026-01-05", "total": 5, "users": users}]
    errors = marketo.get("stats/errors.json")["result"]
    assert errors == [{"date": "2026-01-05", "total": 1, "errors": [{"errorCode": "610", "count": 1}]}]
    marketo.clock.advance(days=3)
    marketo.sign_in("all", "s")
    week = marketo.get("stats/usage/last7days.json")["result"]
    assert [(day["date"], day["total"]) for day in week] == [("2026-01-08", 1), ("2026-01-05", 6)]
    assert len(marketo.get("stats/errors/last7days.json")["result"]) == 1
    marketo.clock.advance(days=7)
    marketo.sign_in("all", "s")
    assert marketo.get("stats/errors/last7days.json")["result"] == []


def test_calls_are_logged(marketo: Marketo) -> None:
    marketo.service.reset_calls()
    marketo.token()
    marketo.get("leads.json", filterType="id", filterValues="1", surprise="x")
    marketo.sync({"email": "a@example.com"}, {"email": "bad"})
    marketo.get("nonsense.json")
    logged = [(call.kind, call.method, call.status, call.code, call.records) for call in marketo.service.calls]
    assert logged == [
        ("token", "GET", 200, "", 0),
        ("read", "GET", 200, "", 0),
        ("write", "POST", 200, "", 2),
        ("read", "GET", 200, "610", 0),
    ]
    assert marketo.service.ignored == {"surprise"}


def test_tests_can_answer_and_cut_in_the_service_place(marketo: Marketo) -> None:
    marketo.service.on_request = lambda request: Response(502, [("Content-Type", "text/html")], b"<html>")
    assert marketo.http.get("/rest/v1/leads/describe2.json").status_code == 502
    assert marketo.service.limits.total(marketo.service.limits.today()) == 0
    marketo.service.on_request = None

    def lose(request: Request, response: Response) -> Response:
        raise ConnectionResetError

    marketo.service.on_answer = lose
    with pytest.raises(httpx.RemoteProtocolError):
        marketo.sync({"email": "a@example.com"})
    assert len(marketo.service.persons()) == 1


def test_many_threads_write_without_harm(make: Make) -> None:
    marketo = make(rate=1000, at_once=100).sign_in()
    failures: list[object] = []

    def work(number: int) -> None:
        with httpx.Client(transport=marketo.http._transport, headers=marketo.http.headers) as client:
            for turn in range(10):
                records = [
                    {"email": f"p{number}-{turn}@example.com"},
                    {"email": "shared@example.com", "title": f"{turn}"},
                ]
                answer = client.post(f"https://{HOST}/rest/v1/leads.json", json={"input": records}).json()
                failures.extend(entry for entry in answer["result"] if entry["status"] == "skipped")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    emails = [person["email"] for person in marketo.service.persons()]
    assert len(emails) == len(set(emails)) == 81
    assert marketo.service.limits.total(marketo.service.limits.today()) == 80
    assert sum(call.kind == "write" for call in marketo.service.calls) == 80
