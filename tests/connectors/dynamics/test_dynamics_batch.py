from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.dynamics.answer import Answer
from marketo_dynamics_sync.connectors.dynamics.batch import Part, decode, encode
from marketo_dynamics_sync.errors import ResponseError


def test_golden_bytes_of_a_batch() -> None:
    parts = [
        Part("PATCH", "/api/data/v9.2/leads(1)?$select=a", {"If-Match": 'W/"7"'}, '{"firstname":"Adé"}'.encode()),
        Part("DELETE", "/api/data/v9.2/leads(2)", {"If-Match": "*"}),
    ]
    assert encode(parts, "batch_7c1") == (
        b"--batch_7c1\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"\r\n"
        b"PATCH /api/data/v9.2/leads(1)?$select=a HTTP/1.1\r\n"
        b"Content-Type: application/json; type=entry\r\n"
        b'If-Match: W/"7"\r\n'
        b"\r\n"
        b'{"firstname":"Ad\xc3\xa9"}\r\n'
        b"--batch_7c1\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"\r\n"
        b"DELETE /api/data/v9.2/leads(2) HTTP/1.1\r\n"
        b"If-Match: *\r\n"
        b"\r\n"
        b"\r\n"
        b"--batch_7c1--\r\n"
    )


def _answer(body: bytes, boundary: str = "batchresponse_1") -> Answer:
    return Answer(200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, body)


def _written(parts: list[tuple[int, dict[str, str], bytes]], eol: bytes) -> bytes:
    lines: list[bytes] = []
    for status, headers, body in parts:
        lines += [b"--batchresponse_1", b"Content-Type: application/http", b"Content-Transfer-Encoding: binary", b""]
        lines += [
            f"HTTP/1.1 {status} Reason here".encode(),
            *(f"{n}: {v}".encode() for n, v in headers.items()),
            b"",
            body,
        ]
    return eol.join([*lines, b"--batchresponse_1--", b""])


_HEADERS = st.dictionaries(
    st.sampled_from(["ETag", "OData-Version", "Retry-After"]), st.from_regex(r"[a-zA-Z0-9/:]{1,9}", fullmatch=True)
)
_BODIES = st.one_of(
    st.just(b""),
    st.dictionaries(st.text(max_size=5), st.text(max_size=20)).map(
        lambda d: json.dumps(d, ensure_ascii=False).encode("utf-8", "replace")
    ),
    st.dictionaries(st.text(max_size=5), st.text(max_size=20), min_size=1).map(
        lambda d: json.dumps(d, indent=1).replace("\n", "\r\n").encode()
    ),
)
_PARTS = st.lists(st.tuples(st.integers(200, 599), _HEADERS, _BODIES), max_size=5)


@given(_PARTS, st.sampled_from([b"\r\n", b"\n"]))
def test_what_a_service_writes_is_read_back(parts: list[tuple[int, dict[str, str], bytes]], eol: bytes) -> None:
    parts = [(s, h, b if eol == b"\r\n" else b.replace(b"\r\n", b" ")) for s, h, b in parts]
    found = decode(_answer(_written(parts, eol)))
    assert [(a.status, a.headers, a.body) for a in found] == [
        (s, {n.lower(): v for n, v in h.items()}, b) for s, h, b in parts
    ]


@given(_PARTS, st.data())
def test_of_a_cut_answer_only_whole_parts_are_believed(
    parts: list[tuple[int, dict[str, str], bytes]], data: st.DataObject
) -> None:
    whole = _written(parts, b"\r\n")
    cut = data.draw(st.integers(0, len(whole)))
    found = decode(_answer(whole[:cut]))
    assert [(a.status, a.body) for a in found] == [(s, b) for s, _, b in parts[: len(found)]]
    if cut == len(whole):
        assert len(found) == len(parts)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"Content-Type": "text/html"}, b"<html>"),
        Answer(200, {"Content-Type": "multipart/mixed"}, b""),
        _answer(b"--batchresponse_1\r\nContent-Type: application/http\r\n\r\nhello\r\n--batchresponse_1--\r\n"),
    ],
)
def test_an_answer_that_is_no_batch_is_an_error(answer: Answer) -> None:
    with pytest.raises(ResponseError):
        decode(answer)
