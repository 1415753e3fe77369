"""Answers without end: memory stays bounded, and the error says what came."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator

import httpx
import pytest

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector
from marketo_dynamics_sync.connectors import body
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.errors import AddressError, ResponseError
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.sandbox.sandbox import DYNAMICS_HOST, MARKETO_HOST

PIECE = b" " * 65536


class Endless(httpx.SyncByteStream):
    """A body that never ends, and knows how much of it was taken."""

    def __init__(self, piece: bytes) -> None:
        self.piece = piece
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += len(self.piece)
            yield self.piece


class EndlessTransport(httpx.BaseTransport):
    """Answers every request with a body that never ends."""

    def __init__(self, headers: dict[str, str], piece: bytes = PIECE) -> None:
        self.headers = headers
        self.piece = piece
        self.bodies: list[Endless] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(Endless(self.piece))
        return httpx.Response(200, headers=self.headers, stream=self.bodies[-1], request=request)


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = body.whole.__defaults__
    assert defaults == (body.MOST_BYTES,)
    monkeypatch.setattr(body.whole, "__defaults__", (4 * 1024 * 1024,))


JSON = {"Content-Type": "application/json"}


def test_an_endless_answer_of_dynamics_is_let_go() -> None:
    transport = EndlessTransport(JSON)
    connector = DynamicsConnector(
        f"https://{DYNAMICS_HOST}", auth=Sandbox().credential, client=httpx.Client(transport=transport), sleep=_no_wait
    )
    tracemalloc.start()
    try:
        with pytest.raises(AddressError) as caught:
            connector.identity()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "longer than any" in str(caught.value.__cause__)
    assert peak < 16 * 1024 * 1024
    assert all(taken.taken < 5 * 1024 * 1024 for taken in transport.bodies)


def test_an_endless_answer_of_marketo_is_let_go() -> None:
    transport = EndlessTransport(JSON)
    connector = MarketoConnector(
        f"https://{MARKETO_HOST}",
        client_id="id",
        client_secret="secret",
        client=httpx.Client(transport=transport),
        sleep=_no_wait,
    )
    with pytest.raises(ResponseError, match="longer than any"):
        connector.describe(Lead.__entity__)
    assert all(taken.taken < 5 * 1024 * 1024 for taken in transport.bodies)


def test_a_small_body_that_unpacks_without_end_is_let_go() -> None:
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    assert len(bomb) < 128 * 1024
    transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200, headers=JSON | {"Content-Encoding": "gzip"}, stream=_Pieces(bomb), request=request
        )
    )
    connector = DynamicsConnector(
        f"https://{DYNAMICS_HOST}", auth=Sandbox().credential, client=httpx.Client(transport=transport), sleep=_no_wait
    )
    with pytest.raises(AddressError) as caught:
        connector.identity()
    assert "longer than any" in str(caught.value.__cause__)


class _Pieces(httpx.SyncByteStream):
    def __init__(self, whole: bytes) -> None:
        self.whole = whole

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.whole), 512):
            yield self.whole[start : start + 512]


def test_an_answer_of_the_usual_size_is_whole_whatever_packed_it() -> None:
    text = b'{"value": [1]}' * 1000
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_Pieces(gzip.compress(text)))
    answer.request = httpx.Request("GET", "https://example.com")
    read = body.whole(answer)
    assert read.content == text
    assert "content-encoding" not in read.headers


def _no_wait(seconds: float) -> None:
    """Let no time pass."""
