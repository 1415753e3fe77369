"""Service-protection limits on a clock that only tests move."""

from __future__ import annotations

import threading


def test_requests_in_a_sliding_window(make, clock) -> None:
    api = make(requests=3, cost=0.0)
    for left in (2, 1, 0):
        answer = api.get("WhoAmI")
        assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == str(left)
        clock.advance(10)
    refused = api.get("WhoAmI")
    assert refused.failed == (429, "0x80072322")
    assert refused.message == "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    assert refused.headers["retry-after"] == "270"
    clock.advance(269)
    assert api.get("WhoAmI").status == 429
    clock.advance(1)
    assert api.get("WhoAmI").status == 200
    assert api.get("WhoAmI").headers["retry-after"] == "10"


def test_execution_time_in_a_sliding_window(make, clock) -> None:
    api = make(seconds=1.0, cost=0.5)
    assert api.get("WhoAmI").headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "0.50"
    api.get("WhoAmI")
    refused = api.get("WhoAmI")
    assert refused.failed == (429, "0x80072321")
    assert refused.message.startswith("Combined execution time of incoming requests exceeded limit of 1,000 milli")
    assert refused.headers["retry-after"] == "300"
    clock.advance(300)
    assert api.get("WhoAmI").status == 200


def test_requests_at_once(make) -> None:
    api = make(at_once=1)
    row, answers = api.service.create("lead", lastname="B"), []

    def meanwhile(table: str, changed: str) -> None:
        other = threading.Thread(target=lambda: answers.append(api.get("WhoAmI")))
        other.start()
        other.join()

    api.service.before_write = meanwhile
    assert api("PATCH", f"leads({row})", {"fax": "1"}).status == 204
    assert answers[0].failed == (429, "0x80072326")
    assert answers[0].message == "Number of concurrent requests exceeded the limit of 1."
    assert answers[0].headers["retry-after"] == "5"
    assert api.get("WhoAmI").status == 200


def test_headers_of_every_answer(api, service, clock) -> None:
    for answer in (api.get("WhoAmI"), api.get("nowhere")):
        assert answer.headers["x-ms-dop-hint"] == "12"
        assert answer.headers["x-ms-service-request-id"] == answer.headers["req_id"]
        assert answer.headers["date"] == "Sun, 01 Mar 2026 09:00:00 GMT"


def test_addresses_have_a_greatest_length(api) -> None:
    assert api.get(f"leads?$filter=lastname eq '{'x' * 32_768}'").status == 414


def test_what_isnt_the_api(api) -> None:
    answer = api.get("https://contoso.crm.dynamics.com/main.aspx")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_calls_are_noted_by_kind(api, service) -> None:
    service.reset_calls()
    api.get("WhoAmI")
    api.get("leads")
    api("POST", "leads", {"nonsense": 1})
    assert [(call.kind, call.status, call.code) for call in service.calls] == [
        ("metadata", 200, ""),
        ("read", 200, ""),
        ("write", 400, "0x0"),
    ]
