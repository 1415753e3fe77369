"""What goes wrong between here and there: each failure is an error of ours that says what to do."""

from __future__ import annotations

import json
import logging
import ssl
import threading
from collections import Counter
from datetime import timedelta

import httpx
import pytest
import trustme

from marketo_dynamics_sync.connectors.marketo import MarketoConnector
from marketo_dynamics_sync.errors import (
    AddressError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    TLSError,
    TransientError,
)
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client
from marketo_dynamics_sync.sandbox.server import LoopbackServer

JSON = [("Content-Type", "application/json;charset=UTF-8")]


def answer(code, message="Something"):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": code, "message": message}]}
    return Response(200, JSON, json.dumps(body).encode())


def once(service, response, path="/rest/"):
    """Answer the first call under a path with something else."""
    left = [response]
    service.on_request = lambda request: left.pop() if left and request.path.startswith(path) else None


def always(service, response, path="/rest/"):
    service.on_request = lambda request: response if request.path.startswith(path) else None


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "123-ABC-456.mktorest.com",
        "ftp://123-ABC-456.mktorest.com",
        "http://123-ABC-456.mktorest.com",
        "https://",
        "https://123-ABC-456.mktorest.com/rest/v1",
        "https://123-ABC-456.mktorest.com//rest",
        "https://123-ABC-456.mktorest.com?x=1",
        "https://123-ABC-456.mktorest.com:port",
        "https://[::1",
    ],
)
def test_a_wrong_url_is_refused_before_anything_is_sent(url):
    with pytest.raises(AddressError):
        MarketoConnector(url, client_id="i", client_secret="s")


def test_credentials_in_the_url_are_refused_and_not_repeated():
    with pytest.raises(AddressError) as caught:
        MarketoConnector("https://me:hunter2@123-ABC-456.mktorest.com", client_id="i", client_secret="s")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["", "/", "/rest", "/rest/", "/identity", "/identity/", "/bulk"])
def test_the_address_is_taken_as_the_admin_page_shows_it(suffix):
    marketo = MarketoConnector(f"https://123-abc-456.mktorest.com{suffix}", client_id="i", client_secret="s")
    assert marketo.identity() == "123-ABC-456"
    assert repr(marketo) == "MarketoConnector('https://123-abc-456.mktorest.com')"


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost", "localhost"),
        ("http://[::1]:8080/rest", "::1:8080"),
        ("https://gateway.example.com/", "gateway.example.com"),
    ],
)
def test_other_hosts_are_their_own_identity(url, identity):
    assert MarketoConnector(url, client_id="i", client_secret="s").identity() == identity


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": ""},
        {"client_secret": ""},
        {"calls_per_window": 0},
        {"concurrency": 0},
        {"overlap": timedelta(seconds=-1)},
    ],
)
def test_arguments_that_cannot_work_are_refused(given):
    arguments = {"client_id": "i", "client_secret": "s", **given}
    with pytest.raises(ConfigurationError):
        MarketoConnector("https://123-ABC-456.mktorest.com", **arguments)


# Who we are


def test_a_wrong_secret_is_told_from_a_wrong_id(connect, service):
    with pytest.raises(AuthenticationError, match="client_secret is wrong") as caught:
        connect(client_secret="guess").describe(_definition())
    assert "guess" not in str(caught.value)
    with pytest.raises(AuthenticationError, match="no custom service with this client_id") as caught:
        connect(client_id="nobody-knows").describe(_definition())
    assert "nobody-knows" not in str(caught.value)
    assert [call.kind for call in service.calls] == ["token", "token"]


def test_secret_and_token_are_in_no_url_and_no_log(marketo, service, lead, caplog):
    caplog.set_level(logging.DEBUG)
    targets = []
    service.on_request = lambda request: targets.append(request.target)
    marketo.refresh()
    service.identity.revoke()
    marketo.describe(lead.definition)
    assert any("oauth" in target for target in targets)
    token = service.identity._give("marketo-client").text
    for text in [*targets, caplog.text]:
        assert "marketo-secret" not in text
        assert token not in text


def test_a_missing_permission_is_named(connect, service, lead):
    service.identity.clients["none"] = Client("s", permissions=frozenset())
    nobody = connect(client_id="none", client_secret="s")
    with pytest.raises(PermissionDeniedError, match="'Read-Only Lead'"):
        nobody.describe(lead.definition)
    with pytest.raises(PermissionDeniedError, match="'Read-Only Lead'"):
        nobody.fetch(lead, ["1"])
    with pytest.raises(PermissionDeniedError, match="'Read-Only Activity'"):
        list(nobody.changes([lead], None))


def test_a_token_that_expired_is_renewed_once_and_the_call_repeated_once(marketo, service, lead):
    number = service.create_person(firstName="Ada")
    once(service, answer("602", "Access token expired"))
    assert len(marketo.fetch(lead, [str(number)])) == 1
    assert marketo.calls.tokens == 2
    service.identity.revoke()
    assert len(marketo.fetch(lead, [str(number)])) == 1


def test_a_token_that_stays_refused_is_an_error(marketo, service, lead):
    always(service, answer("601", "Access token invalid"))
    with pytest.raises(AuthenticationError, match="fresh token"):
        marketo.fetch(lead, ["1"])
    assert Counter(call.kind for call in service.calls) == {"read": 2, "token": 1}


def test_a_long_job_never_meets_the_end_of_a_token(marketo, service, lead, clock):
    for _ in range(200):
        marketo.fetch(lead, ["1"])
        clock.advance(40)
    assert {call.code for call in service.calls} == {""}
    assert marketo.calls.tokens < 30


@pytest.mark.parametrize("seconds", [0, -1, 1])
def test_a_token_that_is_about_to_expire_is_asked_for_again_after_a_wait(connect, service, lead, clock, seconds):
    body = json.dumps({"access_token": "old", "token_type": "bearer", "expires_in": seconds}).encode()
    once(service, Response(200, JSON, body), "/identity/")
    before = clock.monotonic()
    connect().fetch(lead, ["1"])
    assert clock.monotonic() - before >= 1
    assert [call.kind for call in service.calls] == ["token", "token", "read"]


def test_tokens_that_are_always_about_to_expire_are_an_error(connect, service, lead):
    body = json.dumps({"access_token": "old", "token_type": "bearer", "expires_in": 0}).encode()
    always(service, Response(200, JSON, body), "/identity/")
    with pytest.raises(TransientError, match="about to expire"):
        connect().fetch(lead, ["1"])


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"access_token": "", "expires_in": 9}', b'{"access_token": "x", "expires_in": "soon"}']
)
def test_an_identity_answer_with_missing_members(connect, service, lead, body):
    always(service, Response(200, JSON, body), "/identity/")
    with pytest.raises(ResponseError):
        connect().fetch(lead, ["1"])


def test_threads_share_one_token(marketo, service, lead):
    marketo.refresh()
    service.identity.revoke()
    service.reset_calls()
    threads = [threading.Thread(target=lambda: marketo.fetch(lead, ["1"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(call.kind for call in service.calls if not call.code)["token"] == 1
    assert Counter(call.kind for call in service.calls if not call.code)["read"] == 8


# Limits


def test_our_side_holds_the_rate_before_the_service_has_to(marketo, service, lead):
    for _ in range(350):
        marketo.fetch(lead, ["1"])
    assert {call.code for call in service.calls} == {""}
    assert marketo.calls.retries == 0


def test_606_is_waited_out(marketo, service, lead, clock):
    service.limits.rate = 5
    for _ in range(12):
        marketo.fetch(lead, ["1"])
    assert Counter(call.code for call in service.calls)["606"] == 2
    assert clock.monotonic() < 60
    assert marketo.calls.retries == 2


def test_606_that_never_ends_is_an_error(marketo, service, lead):
    always(service, answer("606", "Max rate limit '100' exceeded with in '20' secs"))
    with pytest.raises(RateLimitError):
        marketo.fetch(lead, ["1"])


def test_607_stops_at_once(marketo, service, lead):
    always(service, answer("607", "Daily quota reached"))
    with pytest.raises(QuotaError, match="midnight US Central"):
        marketo.fetch(lead, ["1"])
    assert len(service.calls) == 1


def test_615_is_tried_again_after_a_short_wait(marketo, service, lead, clock):
    once(service, answer("615", "Concurrent access limit '10' reached"))
    before = clock.monotonic()
    assert marketo.fetch(lead, ["1"]) == []
    assert 0 < clock.monotonic() - before <= 2


def test_a_daily_limit_keeps_a_reserve_for_others(connect, service, lead):
    service.create_person(firstName="Ada")
    marketo = connect(daily_limit=service.limits.total(service.limits.today()) + 4)
    for _ in range(3):
        marketo.fetch(lead, ["1001"])
    with pytest.raises(QuotaError, match="daily_limit"):
        marketo.fetch(lead, ["1001"])
    assert [call.path for call in service.calls].count("/rest/v1/stats/usage.json") == 1


def test_a_daily_limit_counts_what_others_use_and_starts_anew_the_next_day(connect, service, lead, clock):
    marketo = connect(daily_limit=50)
    marketo.fetch(lead, ["1001"])
    other = connect()
    for _ in range(60):
        other.fetch(lead, ["1001"])
    clock.advance(hours=1)
    with pytest.raises(QuotaError):
        marketo.fetch(lead, ["1001"])
    clock.advance(hours=24)
    marketo.fetch(lead, ["1001"])


# The service is unwell


@pytest.mark.parametrize("code", ["604", "608", "611", "713", "714", "614", "502"])
def test_reads_are_tried_again_when_the_service_is_unwell(marketo, service, lead, code):
    number = service.create_person(firstName="Ada")
    once(service, answer(code))
    assert len(marketo.fetch(lead, [str(number)])) == 1
    assert marketo.calls.retries == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_reads_are_tried_again_after_a_gateway_error(marketo, service, lead, status):
    number = service.create_person(firstName="Ada")
    once(service, Response(status, [("Content-Type", "text/html"), ("Retry-After", "7")], b"<html>"))
    assert len(marketo.fetch(lead, [str(number)])) == 1


def test_a_service_that_stays_unwell_is_an_error_with_the_request_id(marketo, service, lead, clock):
    always(service, answer("608", "API Temporarily Unavailable"))
    with pytest.raises(TransientError, match=r"608.*1#1"):
        marketo.fetch(lead, ["1"])
    assert len(service.calls) == 5
    assert clock.monotonic() < 60


def test_a_cut_connection_is_tried_again(marketo, service, lead):
    cut = [1]

    def cutter(request):
        if cut and request.path.startswith("/rest/"):
            cut.pop()
            raise ConnectionResetError
        return

    service.on_request = cutter
    assert marketo.fetch(lead, ["1"]) == []
    assert marketo.calls.retries == 1


@pytest.mark.parametrize("code", ["610", "609", "1003", "701", "424242"])
def test_a_refused_request_is_not_repeated(marketo, service, lead, code):
    always(service, answer(code, "Invalid value for field 'email' and value 'ada@example.com'"))
    with pytest.raises(RequestRejectedError, match="field 'email'") as caught:
        marketo.fetch(lead, ["1"])
    assert "ada" not in str(caught.value)
    assert caught.value.code == code
    assert len(service.calls) == 1


# Not Marketo's answers

BROKEN = {
    "html": Response(200, [("Content-Type", "text/html")], b"<html>Sign in</html>"),
    "html said to be json": Response(200, JSON, b"<html>Sign in</html>"),
    "cut json": Response(200, JSON, b'{"requestId": "1#1", "succ'),
    "cut connection": Response(200, [*JSON, ("Content-Length", "500")], b'{"requestId": "1#1", "success": true'),
    "bad gzip": Response(200, [*JSON, ("Content-Encoding", "gzip")], b"no gzip at all"),
    "no object": Response(200, JSON, b'["success"]'),
    "no success": Response(200, JSON, b'{"requestId": "1#1", "result": []}'),
    "failed without a reason": Response(200, JSON, b'{"requestId": "1#1", "success": false, "errors": []}'),
    "result is no list": Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": {"id": 1}}'),
    "result of texts": Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": ["1"]}'),
    "a person without id": Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": [{"email": null}]}'),
    "an error page": Response(403, [("Content-Type", "text/html")], b"<html>Forbidden</html>"),
    "not utf-8": Response(200, JSON, b'{"requestId": "\xff", "success": true}'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_not_marketos(marketo, service, lead, name):
    always(service, BROKEN[name])
    with pytest.raises(ResponseError):
        marketo.fetch(lead, ["1"])


@pytest.mark.parametrize("name", set(BROKEN) - {"a person without id"})
def test_a_broken_answer_once_is_tried_again(marketo, service, lead, name):
    once(service, BROKEN[name])
    assert marketo.fetch(lead, ["1"]) == []


@pytest.mark.parametrize("path", ["/rest/", "/identity/"])
def test_a_redirect_is_not_followed(connect, service, lead, path):
    always(service, Response(302, [("Location", "http://127.0.0.1:9/elsewhere")]), path)
    with pytest.raises(AddressError, match="redirect"):
        connect().fetch(lead, ["1"])


def test_a_redirect_is_not_followed_by_a_client_that_would(connect, service, lead):
    always(service, Response(302, [("Location", "http://127.0.0.1:9/elsewhere")]))
    with httpx.Client(follow_redirects=True) as client, pytest.raises(AddressError, match="redirect"):
        connect(client=client).fetch(lead, ["1"])


def test_a_host_that_is_no_marketo(connect, service, lead):
    always(service, Response(404, [("Content-Type", "text/html")], b"<html>"), "/identity/")
    with pytest.raises(AddressError, match="Web Services"):
        connect().fetch(lead, ["1"])


def test_414_goes_as_a_form(marketo, service, lead):
    number = service.create_person(firstName="Ada")
    service.on_request = lambda request: (
        Response(414, [("Content-Type", "text/html")], b"<html>") if request.method == "GET" else None
    )
    assert len(marketo.fetch(lead, [str(number)])) == 1


# The way there


def test_an_unreachable_host(connect, lead):
    with pytest.raises(ConnectionFailedError, match="can't be reached"):
        connect(url="http://127.0.0.1:9").fetch(lead, ["1"])


def test_an_unknown_host(connect, lead):
    def handler(request):
        raise httpx.ConnectError("[Errno -2] Name or service not known")

    with (
        httpx.Client(transport=httpx.MockTransport(handler)) as client,
        pytest.raises(ConnectionFailedError, match=r"000-aaa-000\.mktorest\.com can't be reached"),
    ):
        connect(url="https://000-AAA-000.mktorest.com", client=client).fetch(lead, ["1"])


def test_a_certificate_that_cannot_be_trusted(connect, service, lead):
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    with LoopbackServer(service, tls=server_side) as server:
        with pytest.raises(TLSError, match="can't be trusted"):
            connect(url=server.url).fetch(lead, ["1"])
        assert service.calls == []
        client_side = ssl.create_default_context()
        authority.configure_trust(client_side)
        with httpx.Client(verify=client_side) as client:
            assert connect(url=server.url, client=client).fetch(lead, ["1"]) == []
            assert not client.is_closed


def test_a_client_that_was_handed_in_stays_open_and_one_of_our_own_is_closed(connect, url, lead):
    with httpx.Client() as client:
        marketo = connect(client=client)
        marketo.fetch(lead, ["1"])
        marketo.close()
        assert not client.is_closed
    own = connect()
    own.fetch(lead, ["1"])
    inner = own._wire._own
    own.close()
    assert inner.is_closed
    own.close()


def test_nothing_is_sent_before_a_method_is_called(connect, service, lead):
    marketo = connect()
    assert marketo._wire._own is None
    assert (marketo.side.value, marketo.stream(lead), marketo.capabilities.lookup_size) == ("marketo", "persons", 300)
    assert marketo.calls.total == 0
    assert service.calls == []


def _definition():
    from marketo_dynamics_sync.entities import Lead

    return Lead.__entity__


@pytest.mark.parametrize("date", ["yesterday", "Mon, 02 Mar 2026 12:00:00 -0000", ""])
def test_a_date_that_says_nothing_is_left_alone(connect, service, lead, date):
    def redated(request, response):
        kept = [h for h in response.headers if h[0] != "Date"]
        return Response(response.status, [*kept, ("Date", date)], response.body)

    service.on_answer = redated
    marketo = connect()
    marketo.fetch(lead, ["1"])
    assert marketo._session.skew is None
    list(marketo.changes([lead], None))


def test_credentials_refused_for_a_reason_we_dont_know(connect, service, lead):
    always(service, Response(401, JSON, b'{"error": "invalid_request"}'), "/identity/")
    with pytest.raises(AuthenticationError, match="refused client_id and client_secret"):
        connect().fetch(lead, ["1"])


def test_a_401_on_a_call(marketo, service, lead):
    always(service, Response(401, JSON, b'{"error": "unauthorized"}'))
    with pytest.raises(AuthenticationError, match="token was refused"):
        marketo.fetch(lead, ["1"])


def test_an_identity_service_that_gives_no_answer(connect, service, lead):
    def cut(request):
        raise ConnectionResetError

    service.on_request = cut
    with pytest.raises(ConnectionFailedError, match="no answer"):
        connect().fetch(lead, ["1"])


def test_a_wait_that_is_too_long_is_not_waited_for(marketo, service, lead, clock):
    always(service, Response(429, [("Content-Type", "text/html"), ("Retry-After", "86400")], b"<html>"))
    before = clock.monotonic()
    with pytest.raises(RateLimitError) as caught:
        marketo.fetch(lead, ["1"])
    assert caught.value.retry_after == 86400
    assert clock.monotonic() == before


@pytest.mark.parametrize("result", [b"[]", b'[{"fields": 7}]', b'[{"fields": []}]'])
def test_descriptions_that_say_nothing(marketo, service, lead, result):
    marketo.refresh()
    always(service, Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": ' + result + b"}"))
    if result.endswith(b"[]}]"):
        assert list(marketo.describe(lead.definition).fields) == ["id"]
    else:
        with pytest.raises(ResponseError, match="description"):
            marketo.describe(lead.definition)


def test_odd_entries_of_a_description_are_left_out(marketo, service, lead):
    fields = [7, {"displayName": "SOAP only"}, {"name": "ok", "dataType": "string", "length": 9, "updateable": True}]
    searchable = [["ok"], ["a", "b"], [7], "x"]
    result = [{"name": "API Lead", "fields": fields, "searchableFields": searchable}]
    body = json.dumps({"requestId": "1#1", "success": True, "result": result}).encode()
    marketo.refresh()
    always(service, Response(200, JSON, body))
    info = marketo.describe(lead.definition)
    assert sorted(info.fields) == ["id", "ok"]
    assert (info.fields["ok"].max_length, info.fields["ok"].searchable) == (9, True)


def test_a_result_of_null_is_empty(marketo, service, lead):
    always(service, Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": null}'))
    assert marketo.fetch(lead, ["1"]) == []


def test_a_look_up_that_pages_in_circles_is_stopped(marketo, service, lead):
    body = b'{"requestId": "1#1", "success": true, "result": [], "nextPageToken": "SAME"}'
    always(service, Response(200, JSON, body))
    with pytest.raises(ResponseError, match="again and again"):
        marketo.fetch(lead, ["1"])


def test_odd_dates_of_a_person_are_no_date(marketo, service, lead):
    for text, wanted in ((b"7", None), (b'"soon"', None), (b'"2026-03-02T13:00:00+0100"', "2026-03-02T12:00:00+00:00")):
        body = b'{"requestId": "1#1", "success": true, "result": [{"id": 1, "updatedAt": ' + text + b"}]}"
        always(service, Response(200, JSON, body))
        (record,) = marketo.fetch(lead, ["1"])
        assert (record.modified_at.isoformat() if record.modified_at else None) == wanted


def test_a_value_with_a_comma_is_found_where_the_service_takes_it(marketo, service, lead):
    body = json.dumps(
        {"requestId": "1#1", "success": True, "result": [{"id": 1, "badge": "A,b"}, {"id": 2, "badge": "A"}]}
    ).encode()
    always(service, Response(200, JSON, body))
    assert [record.id for record in marketo.find(lead, "badge", ["a,B"])] == ["1"]


def test_a_usage_that_says_nothing(connect, service, lead):
    always(service, Response(200, JSON, b'{"requestId": "1#1", "success": true, "result": [{"total": "many"}]}'))
    with pytest.raises(ResponseError, match="usage"):
        connect(daily_limit=100).fetch(lead, ["1"])
