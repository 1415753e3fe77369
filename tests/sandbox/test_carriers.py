"""The socket server and the in-process transport carry the same exchange."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import trustme

from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.server import LoopbackServer
from marketo_dynamics_sync.sandbox.transport import SandboxTransport


class Recorder:
    """An app that keeps what it saw and answers what it was told to."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.answer: Callable[[Request], Response] = lambda request: Response(200, [("X-One", "1")], b"hello")

    def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        return self.answer(request)


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture(params=["socket", "in process"])
def client(request: pytest.FixtureRequest, app: Recorder) -> Iterator[httpx.Client]:
    if request.param == "socket":
        with LoopbackServer(app) as server, httpx.Client(base_url=server.url) as client:
            yield client
    else:
        with httpx.Client(base_url="http://127.0.0.1:80", transport=SandboxTransport({"127.0.0.1": app})) as client:
            yield client


def test_both_carriers_hand_over_equal_requests(app: Recorder) -> None:
    with LoopbackServer(app) as server:
        host = server.url.removeprefix("http://")
        for transport in (None, SandboxTransport({host: app})):
            with httpx.Client(base_url=server.url, transport=transport) as client:
                client.get("/a/b?x=%2C1&y=a%20b&y=2", headers=[("X-Mixed", "v"), ("x-mixed", "w")])
                double = client.base_url.copy_with(raw_path=b"//double/path")
                client.post(double, content=b"\x00\xffbody", headers={"Content-Type": "text/plain"})
                client.post("/chunked", content=(part for part in (b"one", b"two")))
                client.request("DELETE", "/with-body", json={"a": "\u00e9"})
                client.get("/raw$filter?$filter=name%20eq%20'x'&z=ä")
    half = len(app.seen) // 2
    assert half == 5
    assert app.seen[:half] == app.seen[half:]
    assert app.seen[0].base_url == f"http://{host}"
    assert app.seen[1].raw_path == "//double/path"
    assert app.seen[2].body == b"onetwo"


def test_answers_come_back_whole(app: Recorder, client: httpx.Client) -> None:
    app.answer = lambda request: Response(
        201, [("X-One", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"hello", "Fine"
    )
    answer = client.get("/")
    assert (answer.status_code, answer.content, answer.reason_phrase) == (201, b"hello", "Fine")
    assert answer.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["Content-Length"] == "5"


def test_compressed_answers_are_decoded_by_the_client(app: Recorder, client: httpx.Client) -> None:
    app.answer = lambda request: Response(200, [("Content-Encoding", "gzip")], gzip.compress(b"x" * 5000))
    assert client.get("/").content == b"x" * 5000


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("HEAD", 200), ("GET", 304)])
def test_answers_without_a_body_have_none(app: Recorder, client: httpx.Client, method: str, status: int) -> None:
    app.answer = lambda request: Response(status, [], b"never sent")
    assert client.request(method, "/").content == b""
    app.answer = lambda request: Response(200, [], b"next")
    assert client.get("/").content == b"next"


def test_a_cut_before_the_answer_is_a_protocol_error(app: Recorder, client: httpx.Client) -> None:
    def cut(request: Request) -> Response:
        raise ConnectionResetError

    app.answer = cut
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")


def test_a_cut_inside_the_answer_is_a_protocol_error(app: Recorder, client: httpx.Client) -> None:
    app.answer = lambda request: Response(200, [("Content-Length", "100")], b"half")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")


def test_a_large_body_arrives_whole(app: Recorder, client: httpx.Client) -> None:
    body = bytes(range(256)) * 8192
    client.post("/", content=body)
    assert app.seen[0].body == body


def test_one_connection_serves_many_calls(app: Recorder) -> None:
    with LoopbackServer(app) as server, httpx.Client(base_url=server.url) as client:
        threads_before = threading.active_count()
        for _ in range(20):
            client.get("/")
        assert threading.active_count() <= threads_before + 1


def test_the_app_can_end_a_connection(app: Recorder) -> None:
    app.answer = lambda request: Response(200, [("Connection", "close")], b"bye")
    with LoopbackServer(app) as server, httpx.Client(base_url=server.url) as client:
        assert [client.get("/").content for _ in range(3)] == [b"bye"] * 3


def test_a_port_can_be_chosen(app: Recorder) -> None:
    with LoopbackServer(app) as server:
        port = int(server.url.rsplit(":", 1)[1])
    with LoopbackServer(app, port=port) as server, httpx.Client() as client:
        assert server.url == f"http://127.0.0.1:{port}"
        assert client.get(server.url).content == b"hello"


def test_closing_ends_idle_tls_connections(app: Recorder) -> None:
    authority = trustme.CA()
    inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(inside)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with httpx.Client(verify=trusting) as client:
        with LoopbackServer(app, tls=inside) as server:
            url = server.url
            assert client.get(url).content == b"hello"
        with pytest.raises(httpx.ConnectError):
            client.get(url)


def test_calls_on_other_connections_go_on_while_one_hangs(app: Recorder) -> None:
    held, free = threading.Event(), threading.Event()

    def answer(request: Request) -> Response:
        if request.path == "/slow":
            held.set()
            assert free.wait(10)
        return Response(200, [], request.path.encode())

    app.answer = answer
    with LoopbackServer(app) as server, httpx.Client(base_url=server.url) as client:
        slow = threading.Thread(target=client.get, args=("/slow",))
        slow.start()
        assert held.wait(10)
        assert client.get("/quick").content == b"/quick"
        free.set()
        slow.join()


def test_closing_ends_idle_connections(app: Recorder) -> None:
    with httpx.Client() as client:
        with LoopbackServer(app) as server:
            url = server.url
            client.get(url)
        with pytest.raises(httpx.ConnectError):
            client.get(url)
        with pytest.raises(RuntimeError, match="with"):
            _ = server.url


def test_tls(app: Recorder) -> None:
    authority = trustme.CA()
    inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(inside)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with LoopbackServer(app, tls=inside) as server:
        assert server.url.startswith("https://")
        with httpx.Client(verify=trusting) as client:
            assert client.get(server.url).content == b"hello"
            assert app.seen[0].base_url == server.url
        with httpx.Client() as client, pytest.raises(httpx.ConnectError):
            client.get(server.url)


def test_unknown_hosts_cannot_be_reached(app: Recorder) -> None:
    with httpx.Client(transport=SandboxTransport({"Known.example": app})) as client:
        assert client.get("https://known.EXAMPLE/").status_code == 200
        with pytest.raises(httpx.ConnectError, match=r"other\.example"):
            client.get("https://other.example/")
