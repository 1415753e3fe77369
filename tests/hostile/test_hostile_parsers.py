"""Every parser by itself, fed with what hypothesis can think of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.dynamics import batch, refusal, rows
from marketo_dynamics_sync.connectors.dynamics import checkpoint as dynamics_checkpoint
from marketo_dynamics_sync.connectors.dynamics.answer import Answer, http_date
from marketo_dynamics_sync.connectors.marketo import checkpoint as marketo_checkpoint
from marketo_dynamics_sync.connectors.marketo.envelope import read_envelope
from marketo_dynamics_sync.entities import Opportunity
from marketo_dynamics_sync.errors import CheckpointExpiredError, ResponseError, SyncError
from marketo_dynamics_sync.testing import described_object, described_table
from tests.bound import CONTACT, LEAD, bind

NOW = rows.moment("2026-03-01T00:00:00Z")
assert NOW is not None

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["2026-03-01T00:00:00Z", "9999-12-31", "00000000-0000-0000-0000-000000000000", "1,2,,3", "1e400"])
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
OPPORTUNITY = bind(Opportunity.__entity__, described_object(Opportunity), described_table(Opportunity))
BODIES = (
    st.binary(max_size=400)
    | JSON.map(lambda data: json.dumps(data).encode())
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b'{"value":[' + b"9" * 5000 + b"]}", b"\xef\xbb\xbf{}"])
)


@given(body=BODIES, status=st.integers(200, 599), kind=st.sampled_from(["application/json", "text/html", "", "a;b=c"]))
def test_an_envelope_is_one_or_a_service_error(body: bytes, status: int, kind: str) -> None:
    request = httpx.Request("GET", "https://123-abc-456.mktorest.com/rest/v1/leads.json")
    response = httpx.Response(status, headers={"Content-Type": kind}, content=body, request=request)
    with suppress(SyncError):
        read_envelope(response)


@given(body=BODIES, status=st.integers(200, 599))
def test_an_answer_is_rows_or_a_response_error(body: bytes, status: int) -> None:
    answer = Answer(status, {"Content-Type": "application/json"}, body)
    with suppress(ResponseError):
        assert all(isinstance(row, dict) for row in answer.rows())
    said = refusal.refusal(answer, NOW)
    assert str(said.error())


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            b"--batch_1", b"--batch_1--", b"\r\n", b"\n", b"Content-Type: application/http", b"HTTP/1.1 200 OK",
            b"HTTP/1.1", b"HTTP/1.1 " + b"9" * 5000 + b" x", b"HTTP/1.1 -20 x", b": ", b"{}", b"Content-ID: 1",
            b"\x00", b"--batch_12",
        ]
    )
    | st.binary(max_size=10),
    max_size=40,
).map(b"".join)  # fmt: skip


KINDS = (
    "multipart/mixed; boundary=batch_1",
    'multipart/mixed; boundary="batch_1"',
    "multipart/mixed",
    "multipart/mixed; boundary=",
    "text/html",
)


@settings(max_examples=300)
@given(body=FRAGMENTS, kind=st.sampled_from(KINDS))
def test_a_batch_answer_is_parts_or_a_response_error(body: bytes, kind: str) -> None:
    try:
        parts = batch.decode(Answer(200, {"Content-Type": kind}, body))
    except ResponseError:
        return
    assert all(100 <= part.status <= 999 for part in parts)


@given(st.text(max_size=40) | st.sampled_from(["Fri, 31 Feb 9999 25:61:61 GMT", "0", "Mon, 1 Jan 0001 00:00:00 +2359"]))
def test_a_date_is_one_or_nothing(text: str) -> None:
    moment = http_date(text)
    assert moment is None or moment.tzinfo is not None
    again = rows.moment(text)
    assert again is None or again.tzinfo is not None


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,400}", fullmatch=True))
def test_a_pause_is_a_number_of_seconds_that_can_be_meant(text: str) -> None:
    pause = Answer(429, {"Retry-After": text}).retry_after(NOW)
    assert pause is None or 0 <= pause < 10**12


@given(st.text(max_size=60) | JSON.map(json.dumps) | st.sampled_from(['{"version":1}', "9" * 5000]))
def test_a_checkpoint_is_one_or_has_expired(text: str) -> None:
    expired(text)


def test_a_checkpoint_nested_too_deep_has_expired() -> None:
    expired("[" * 100_000)


def expired(text: str) -> None:
    with pytest.raises(CheckpointExpiredError):
        marketo_checkpoint.load(text)
    with pytest.raises(CheckpointExpiredError):
        dynamics_checkpoint.loads(text, "https://contoso.crm.dynamics.com", rows.shape(LEAD), "tracked")


@pytest.mark.parametrize("entity", [LEAD, CONTACT, OPPORTUNITY], ids=lambda entity: entity.name)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_record_of_marketo_is_read_field_by_field(entity: object, data: st.DataObject) -> None:
    assert isinstance(entity, type(LEAD))
    raw = data.draw(st.dictionaries(st.sampled_from(entity.marketo_names), JSON, max_size=6))
    values = entity.decode_marketo(raw)
    assert set(values) <= set(entity.fields)
    entity.dump(values)


@pytest.mark.parametrize("entity", [LEAD, CONTACT, OPPORTUNITY], ids=lambda entity: entity.name)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_row_of_dynamics_is_read_column_by_column(entity: object, data: st.DataObject) -> None:
    assert isinstance(entity, type(LEAD))
    names = st.sampled_from(
        [*entity.dynamics_names, "@odata.etag", "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"]
    )
    row: Mapping[str, object] = data.draw(st.dictionaries(names, JSON, max_size=6))
    values = entity.decode_dynamics(row)
    assert set(values) <= set(entity.fields)
    entity.dump(values)


@given(row=st.dictionaries(st.sampled_from(["leadid", "@odata.etag", "statecode", "_masterid_value", "merged"]), JSON))
@example(row={"leadid": {}})
def test_a_row_without_a_usable_id_is_a_response_error(row: dict[str, object]) -> None:
    try:
        record = rows.shape(LEAD).record(row)
    except ResponseError:
        return
    assert isinstance(record.id, str)
