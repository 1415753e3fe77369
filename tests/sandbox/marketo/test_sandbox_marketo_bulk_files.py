"""Files of the bulk calls: delimited values, uploads, ranges."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.marketo.bulk_calls import Calls
from tests.sandbox.marketo.marketo_instance import Make, Marketo, code

from marketo_dynamics_sync.sandbox.marketo.bulk.delimited import DELIMITERS, NotText, read_table, write_table

CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.text('",;\t\r\n a', max_size=8)
#: A row of one empty cell is a blank line, which is passed over.
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=5).filter(lambda row: row != [""]), max_size=5)


@given(TABLES, st.sampled_from(sorted(DELIMITERS)))
def test_what_is_written_is_read_again(rows: list[list[str]], form: str) -> None:
    content = write_table(rows, form)
    if not content.startswith(b"\xef\xbb\xbf"):
        assert read_table(content, form) == rows


@given(TABLES, st.sampled_from(sorted(DELIMITERS)))
def test_another_reader_reads_what_is_written(rows: list[list[str]], form: str) -> None:
    text = write_table(rows, form).decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[form])) == rows


@given(TABLES, st.sampled_from(["\n", "\r\n"]))
def test_what_another_writer_wrote_is_read(rows: list[list[str]], newline: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(rows)
    if not out.getvalue().startswith("\ufeff"):
        assert read_table(out.getvalue().encode(), "CSV") == rows


def test_adobes_sample_file_has_adobes_checksum() -> None:
    rows = [
        ["leadId", "color", "make", "model", "vIN"],
        ["11", "Pearl White", "Tesla", "Model S", "5YJSA1E41FF156789"],
        ["12", "Midnight Silver Metallic", "Tesla", "Model X", "LRWXB2B41FF198765"],
        ["13", "Fusion Red", "Tesla", "Roadster", "SFGRC3C41FF154321"],
    ]
    content = write_table(rows, "CSV")
    assert len(content) == 182
    assert hashlib.sha256(content).hexdigest() == "fac0cabc2352229c12e18b2fde03d1f24178bc71e9e926f520ae8d61bbe98c01"


def test_reading_is_lenient() -> None:
    assert read_table(b"\xef\xbb\xbfa,b\r\n\r\n1,2\r3,\n", "CSV") == [["a", "b"], ["1", "2"], ["3", ""]]
    assert read_table(b'a,"b', "CSV") == [["a", '"b']]
    assert read_table(b'"a"b,c,', "CSV") == [['"a"b', "c", ""]]
    assert read_table("x\u2028y;\x00\n".encode(), "SSV") == [["x\u2028y", "\x00"]]
    assert read_table(b"", "TSV") == []
    with pytest.raises(NotText):
        read_table(b"caf\xe9", "CSV")


def multipart(marketo: Marketo, body: bytes, kind: str = "multipart/form-data; boundary=xx", **params: str) -> dict:
    return marketo.http.post("/bulk/v1/leads.json", content=body, headers={"Content-Type": kind}, params=params).json()


FILE = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\r\na@example.com\r\n'
FORMAT = b'--xx\r\nContent-Disposition: form-data; name="format"\r\n\r\ncsv\r\n'
END = b"--xx--\r\n"


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (FILE + END, "application/json", "612"),
        (FILE + END, "", "612"),
        (FILE + END, "multipart/form-data", "613"),
        (FILE + END, 'multipart/form-data; boundary=""', "613"),
        (b"", "multipart/form-data; boundary=xx", "613"),
        (FILE, "multipart/form-data; boundary=xx", "613"),
        (FILE + END, "multipart/form-data; boundary=yy", "613"),
        (FILE.replace(b"--xx\r\n", b"--xxy\r\n") + END, "multipart/form-data; boundary=xx", "613"),
        (b"--xx\r\nno end of headers\r\n" + END, "multipart/form-data; boundary=xx", "613"),
        (FILE.replace(b"form-data", b"attachment") + END, "multipart/form-data; boundary=xx", "613"),
        (FILE.replace(b"name=", b"title=") + END, "multipart/form-data; boundary=xx", "613"),
        (FORMAT + END, "multipart/form-data; boundary=xx", "1002"),
        (FILE + END, "multipart/form-data; boundary=xx", "1002"),
    ],
)
def test_uploads_that_are_refused(make: Make, body: bytes, kind: str, expected: str) -> None:
    assert code(multipart(make().sign_in(), body, kind)) == expected


@pytest.mark.parametrize("before", [b"", b"a preamble that says nothing\r\n"])
def test_parameters_may_come_as_parts(make: Make, before: bytes) -> None:
    marketo = make().sign_in()
    assert multipart(marketo, before + FILE + FORMAT + END, 'multipart/form-data; boundary="xx"', format="xls")[
        "success"
    ]
    marketo.clock.advance(60)
    assert [person["email"] for person in marketo.service.persons()] == ["a@example.com"]


def test_an_upload_may_have_ten_megabytes(make: Make) -> None:
    marketo = make().sign_in()
    calls = Calls(marketo)
    rows = "email,notes\n" + f"a@example.com,{'x' * 29_000}\n" * 100
    assert calls.upload(rows)["success"]
    for path in ("leads.json", "customobjects/car_c/import.json"):
        answer = marketo.http.post(f"/bulk/v1/{path}", content=b"x" * (10 * 1_048_576 + 1))
        assert answer.status_code == 413
        assert marketo.http.post(f"/bulk/v1/{path}", content=b"x" * (10 * 1_048_576)).status_code == 200
    assert marketo.http.post("/bulk/v1/leads/export/create.json", content=b"x" * 1_048_577).status_code == 413


@pytest.fixture
def export(marketo: Marketo) -> tuple[Calls, str, bytes]:
    """A completed export: its path and its file."""
    for number in range(20):
        marketo.service.create_person(email=f"person-{number}@example.com")
    calls = Calls(marketo)
    content = calls.extract(fields=["email"]).encode()
    path = f"leads/export/{calls.get('leads/export.json')['result'][0]['exportId']}/file.json"
    return calls, path, content


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, None),
        ("bytes=-7", -7, None),
        ("Bytes = 3 - 3", 3, 4),
        ("bytes=7-99999", 7, None),
    ],
)
def test_a_part_of_the_file(export: tuple[Calls, str, bytes], wanted: str, start: int, stop: int | None) -> None:
    calls, path, content = export
    answer = calls.file(path, Range=wanted)
    assert answer.status_code == 206
    assert answer.content == content[start:stop]
    first = start if start >= 0 else len(content) + start
    last = first + len(answer.content) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("wanted", ["bytes 724-999", "bytes=-", "bytes=9-3", "lines=0-9", "bytes=0-1,4-5"])
def test_a_range_that_cannot_be_read_gives_the_whole_file(export: tuple[Calls, str, bytes], wanted: str) -> None:
    calls, path, content = export
    answer = calls.file(path, Range=wanted)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8"


def test_a_range_behind_the_end(export: tuple[Calls, str, bytes]) -> None:
    calls, path, content = export
    for wanted in (f"bytes={len(content)}-", "bytes=-0"):
        answer = calls.file(path, Range=wanted)
        assert (answer.status_code, answer.content) == (416, b"")
        assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


def test_bulk_answers_are_never_compressed(export: tuple[Calls, str, bytes]) -> None:
    calls, path, _ = export
    for _ in range(10):
        calls.job()
    for target in (path, "leads/export.json"):
        answer = calls.file(target, **{"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers
    assert len(answer.content) > 1024
