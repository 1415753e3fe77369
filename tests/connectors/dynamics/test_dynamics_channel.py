from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable

import httpx
import pytest
import trustme
from attrs import define, field

from marketo_dynamics_sync.connectors.dynamics import DynamicsConnector, FixedToken
from marketo_dynamics_sync.connectors.dynamics.call import Call
from marketo_dynamics_sync.connectors.dynamics.channel import own_client
from marketo_dynamics_sync.connectors.dynamics.gate import Gate
from marketo_dynamics_sync.connectors.dynamics.refusal import normal_code
from marketo_dynamics_sync.errors import (
    AddressError,
    ConcurrencyError,
    ConnectionFailedError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    TLSError,
    TransientError,
)
from marketo_dynamics_sync.sandbox.server import LoopbackServer

WHO = {"OrganizationId": "c4d1", "UserId": "8e55"}
URL = "https://contoso.crm.dynamics.com/api/data/v9.2/x"
Scripted = Callable[..., DynamicsConnector]


@define
class Script:
    """Answers in order; the last one again and again."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def fault(status: int, code: str = "", **headers: str) -> httpx.Response:
    body = {"error": {"code": code, "message": "words"}}
    return httpx.Response(status, json=body, headers={n.replace("_", "-"): v for n, v in headers.items()})


OK = httpx.Response(200, json=WHO)


def test_the_usual_headers_go_with_every_call(scripted: Scripted) -> None:
    script = Script([OK])
    scripted(script).identity()
    sent = script.requests[0].headers
    assert sent["Authorization"] == "Bearer token"
    assert sent["OData-MaxVersion"] == sent["OData-Version"] == "4.0"
    assert sent["Accept"] == "application/json"


def test_retry_after_is_obeyed_to_the_second(scripted: Scripted, time) -> None:
    script = Script([fault(429, "0x80072322", Retry_After="27"), OK])
    connector = scripted(script)
    assert connector.identity() == "c4d1"
    assert time.waits == [27.0]
    assert connector.calls.retries == 1
    assert connector.calls.metadata == 2


def test_a_retry_after_date_is_understood(scripted: Scripted, time) -> None:
    date = {"Date": "Sun, 01 Mar 2026 10:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 10:00:30 GMT"}
    connector = scripted(Script([httpx.Response(429, json={}, headers=date), OK]))
    connector.identity()
    assert time.waits == [30.0]


def test_nobody_calls_while_the_service_asked_for_a_pause(scripted: Scripted, time) -> None:
    connector = scripted(Script([OK]))
    connector._channel.gate.hold(40)
    connector.identity()
    assert time.waits == [40.0]


@pytest.mark.parametrize(("code", "kind"), [("0x80072322", RateLimitError), ("0x80072326", ConcurrencyError)])
def test_a_limit_that_stays_ends_as_an_error(scripted: Scripted, code: str, kind: type[Exception]) -> None:
    script = Script([fault(429, code, Retry_After="5")])
    with pytest.raises(kind):
        scripted(script).identity()
    assert len(script.requests) == 8


def test_a_pause_that_is_too_long_is_not_sat_out(scripted: Scripted, time) -> None:
    script = Script([fault(429, "0x80072322", Retry_After="7200")])
    with pytest.raises(RateLimitError) as caught:
        scripted(script).identity()
    assert caught.value.retry_after == 7200
    assert len(script.requests) == 1
    assert time.waits == []


@pytest.mark.parametrize(
    "answer",
    [fault(503), fault(502), fault(504), fault(408), fault(500, "0x80044150"), httpx.Response(503, text="<html>")],
)
def test_passing_trouble_is_sat_out_with_growing_pauses(scripted: Scripted, time, answer: httpx.Response) -> None:
    script = Script([answer, answer, answer, OK])
    assert scripted(script).identity() == "c4d1"
    assert time.waits == sorted(time.waits)
    assert len(time.waits) == 3


def test_trouble_that_stays_ends_as_an_error(scripted: Scripted) -> None:
    script = Script([fault(503)])
    with pytest.raises(TransientError):
        scripted(script).identity()
    assert len(script.requests) == 5


def test_an_unexpected_error_is_tried_fewer_times(scripted: Scripted) -> None:
    script = Script([fault(500, "0x80040216")])
    with pytest.raises(TransientError):
        scripted(script).identity()
    assert len(script.requests) == 3


def test_a_wrong_request_is_not_repeated(scripted: Scripted) -> None:
    script = Script([fault(400, "0x0")])
    with pytest.raises(RequestRejectedError):
        scripted(script)._channel.get(URL)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "broken", [httpx.ReadError("gone"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("server went away")]
)
def test_a_lost_answer_to_a_read_is_asked_for_again(scripted: Scripted, broken: Exception) -> None:
    assert scripted(Script([broken, OK])).identity() == "c4d1"


def test_a_lost_answer_to_a_write_is_unknown_and_not_repeated(scripted: Scripted) -> None:
    script = Script([httpx.ReadError("gone")])
    with pytest.raises(OutcomeUnknownError):
        scripted(script)._channel.send(Call("POST", URL, "writes", repeat=False))
    assert len(script.requests) == 1


def test_a_gateways_error_leaves_a_write_unknown(scripted: Scripted) -> None:
    script = Script([httpx.Response(504, text="<html>")])
    with pytest.raises(OutcomeUnknownError):
        scripted(script)._channel.send(Call("POST", URL, "writes", repeat=False))
    assert len(script.requests) == 1


def test_a_write_that_never_left_is_sent_again(scripted: Scripted) -> None:
    script = Script([httpx.ConnectTimeout("no"), fault(429, "0x80072322", Retry_After="3"), OK])
    assert scripted(script)._channel.send(Call("POST", URL, "writes", repeat=False)).ok
    assert len(script.requests) == 3


def test_an_unreachable_host(scripted: Scripted) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        connector = DynamicsConnector(url, auth=FixedToken("t"), sleep=lambda seconds: None)
        with pytest.raises(ConnectionFailedError, match="can't be reached"):
            connector.identity()
        connector.close()


def test_a_certificate_that_cant_be_trusted() -> None:
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    calls: list[object] = []

    def app(request):
        calls.append(request)
        from marketo_dynamics_sync.sandbox.http import Response

        return Response(200, [("Content-Type", "application/json")], b'{"OrganizationId": "c4d1", "UserId": "8e55"}')

    with LoopbackServer(app, tls=server_side) as server:
        stranger = DynamicsConnector(server.url, auth=FixedToken("t"), sleep=lambda seconds: None)
        with pytest.raises(TLSError, match=r"verify="):
            stranger.identity()
        assert calls == []
        assert stranger.calls.retries == 0
        stranger.close()
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        with httpx.Client(verify=trusting) as client:
            assert DynamicsConnector(server.url, auth=FixedToken("t"), client=client).identity() == "c4d1"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>not here</html>"),
        httpx.Response(200, text="<html>welcome</html>"),
        httpx.Response(200, json={"hello": 1}),
        httpx.Response(302, headers={"Location": "https://evil.example/"}),
        httpx.Response(
            404, json={"error": {"code": "0x8006088a", "message": "Resource not found for the segment 'WhoAmI'."}}
        ),
    ],
)
def test_an_address_that_is_no_environment(scripted: Scripted, answer: httpx.Response) -> None:
    script = Script([answer])
    with pytest.raises(AddressError):
        scripted(script).identity()
    assert {request.url.host for request in script.requests} == {"contoso.crm.dynamics.com"}


@pytest.mark.parametrize("body", [b'{"value":[{"a":', b"<html>", b"[]", b'{"no": "rows"}'])
def test_a_broken_body_is_an_error_of_ours(scripted: Scripted, body: bytes) -> None:
    connector = scripted(Script([httpx.Response(200, content=body)]))
    with pytest.raises(ResponseError):
        connector._channel.get(URL).rows()


def test_a_cut_body_is_asked_for_again(scripted: Scripted) -> None:
    cut = httpx.Response(200, content=b'{"OrganizationId": "c4', headers={"Content-Type": "application/json"})
    assert scripted(Script([cut, OK])).identity() == "c4d1"
    shorter = httpx.RemoteProtocolError("peer closed connection without sending complete message body")
    with pytest.raises(ResponseError):
        scripted(Script([shorter]))._channel.get(URL)


def test_the_services_hint_lowers_the_limit(scripted: Scripted) -> None:
    connector = scripted(Script([httpx.Response(200, json=WHO, headers={"x-ms-dop-hint": "3"})]), concurrency=8)
    assert connector._channel.gate.limit == 8
    connector.identity()
    assert connector._channel.gate.limit == 3


def test_never_more_than_the_limit_at_once() -> None:
    gate = Gate(100, lambda: 0.0, lambda seconds: None)
    assert gate.limit == 52
    gate.hint("999")
    assert gate.limit == 52
    gate.hint("2")
    inside, most, lock, done = 0, 0, threading.Lock(), threading.Barrier(2, timeout=10)

    def one() -> None:
        nonlocal inside, most
        with gate.entered():
            with lock:
                inside += 1
                most = max(most, inside)
            done.wait()
            with lock:
                inside -= 1

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_place_is_given_back_after_an_error() -> None:
    gate = Gate(1, lambda: 0.0, lambda seconds: None)
    with pytest.raises(ValueError, match="x"), gate.entered():
        raise ValueError("x")
    with gate.entered():
        pass


def test_our_own_client_keeps_no_cookies() -> None:
    cookies: list[str | None] = []

    def app(request):
        from marketo_dynamics_sync.sandbox.http import Response

        cookies.append(request.headers.get("cookie"))
        return Response(200, [("Set-Cookie", "ARRAffinity=one; Path=/")], b"{}")

    with LoopbackServer(app) as server, own_client(2) as client:
        client.get(server.url)
        client.get(server.url)
    assert cookies == [None, None]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("0x80060882", "0x80060882"),
        ("0X8005F103", "0x8005f103"),
        ("-2147015902", "0x80072322"),
        (-2147204270, "0x80044352"),
        ("0x0", ""),
        ("", ""),
        (None, ""),
        ("words", ""),
    ],
)
def test_codes_come_in_many_forms(raw: object, code: str) -> None:
    assert normal_code(raw) == code


def test_error_texts_carry_no_values(scripted: Scripted) -> None:
    body = {"error": {"code": "0x80040203", "message": "The value 'Ada' of ada@example.com is bad"}}
    with pytest.raises(RequestRejectedError) as caught:
        scripted(Script([httpx.Response(400, json=body, headers={"x-ms-service-request-id": "id-1"})]))._channel.get(
            URL
        )
    assert "Ada" not in str(caught.value)
    assert "example.com" not in str(caught.value)
    assert caught.value.request_id == "id-1"
    assert caught.value.code == "0x80040203"


def test_the_text_of_an_inner_error_is_used(scripted: Scripted) -> None:
    body = {"error": {"code": "", "innererror": {"message": "deep words"}}}
    with pytest.raises(RequestRejectedError, match="deep words"):
        scripted(Script([httpx.Response(400, json=body)]))._channel.get(URL)
