from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.dynamics.query import LONGEST_URL, MOST_VALUES, is_in, query, slices
from marketo_dynamics_sync.connectors.dynamics.reading import texts
from marketo_dynamics_sync.entities import Entity, Ref, entity, mapped, person
from marketo_dynamics_sync.errors import PermissionDeniedError, RateLimitError, ResponseError
from marketo_dynamics_sync.sandbox.dataverse import Fault
from marketo_dynamics_sync.sandbox.http import Response


@entity(name="owned", marketo=person(), dynamics="leads")
class Owned(Entity):
    """A lead with a lookup."""

    customer: Ref[object] | None = mapped(marketo="customer", dynamics="customerid")
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname")


def test_rows_by_id_each_once_and_missing_ones_left_out(bench) -> None:
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(5)]
    lead = bench.lead
    before = bench.connector.calls.reads
    found = bench.connector.fetch(lead, [ids[0].upper(), ids[0], ids[3], str(uuid4())])
    assert sorted(record.id for record in found) == sorted([ids[0], ids[3]])
    assert bench.connector.calls.reads - before == 1
    assert bench.connector.fetch(lead, []) == []
    assert bench.connector.calls.reads - before == 1


def test_a_thousand_rows_cost_one_call(make) -> None:
    bench = make()
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(1200)]
    lead = bench.lead
    before = bench.connector.calls.reads
    assert {record.id for record in bench.connector.fetch(lead, ids)} == set(ids)
    assert bench.connector.calls.reads - before == 1


def test_rows_that_share_a_value_come_over_several_pages(make) -> None:
    bench = make(connector={"page_size": 4})
    ids = {bench.service.create("lead", lastname="L", emailaddress1="shared@example.com") for _ in range(10)}
    found = bench.connector.find(bench.lead, "email", ["Shared@Example.com"])
    assert {record.id for record in found} == ids


@pytest.mark.parametrize(
    "name",
    ["O'Brien", 'a"b', "R&D + more #1?", "Žižka", "李雷", "50%_x", "back\\slash", "tab\tx", "{curly} [x]", "emoji 😀"],
)
def test_values_are_found_as_they_are(bench, name: str) -> None:
    row = bench.service.create("lead", lastname=name)
    bench.service.create("lead", lastname="other")
    assert [record.id for record in bench.connector.find(bench.lead, "last_name", [name])] == [row]


def test_values_that_no_row_can_hold_are_not_asked_for(bench) -> None:
    lead = bench.lead
    before = bench.connector.calls.reads
    assert bench.connector.find(lead, "email", [None, ""]) == []
    assert bench.connector.find(lead, "first_name", ["x" * 51]) == []
    assert bench.connector.calls.reads == before


def test_lookups_say_which_table_they_point_to(bench) -> None:
    account = bench.service.create("account", name="ACME")
    row = bench.service.create("lead", lastname="L", **{"customerid_account@odata.bind": f"/accounts({account})"})
    owned = bench.entity(Owned)
    assert bench.connector.fetch(owned, [row])[0].values["customer"] == Ref("account", account)


def test_a_part_that_meets_a_limit_is_asked_for_again_alone(make) -> None:
    bench = make()
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(1200)]
    lead = bench.lead
    original, refused = bench.service._operation, []

    def operation(request):
        if len(refused) == 0 and "/leads?" in request.target:
            refused.append(1)
            return Fault(429, "0x80072321", "busy", retry_after=9).response()
        return original(request)

    bench.service._operation = operation
    assert len(bench.connector.fetch(lead, ids)) == 1200
    assert bench.time.waits == [9.0]


def test_a_part_that_is_refused_is_an_error(make) -> None:
    bench = make()
    lead = bench.lead
    bench.service.privileges["lead"] = frozenset()
    with pytest.raises(PermissionDeniedError):
        bench.connector.fetch(lead, [str(uuid4()) for _ in range(1200)])


def test_a_cut_batch_is_an_error(make) -> None:
    bench = make()
    lead = bench.lead
    body = b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}"
    bench.service.on_request = lambda request: Response(200, [("Content-Type", "multipart/mixed; boundary=b")], body)
    with pytest.raises(ResponseError, match="cut"):
        bench.connector.fetch(lead, [str(uuid4()) for _ in range(1200)])


def test_limits_that_stay_end_a_batch_of_reads(make) -> None:
    bench = make()
    lead = bench.lead
    bench.service._operation = lambda request: Fault(429, "0x80072321", "busy", retry_after=1).response()
    with pytest.raises(RateLimitError):
        bench.connector.fetch(lead, [str(uuid4()) for _ in range(1200)])


@given(st.lists(st.text(min_size=1, max_size=300), max_size=40), st.integers(200, 4000))
def test_pieces_keep_every_value_and_fit(values: list[str], room: int) -> None:
    pieces = list(slices(values, room))
    assert [value for piece in pieces for value in piece] == values
    for piece in pieces:
        assert len(piece) <= MOST_VALUES
        asked = query(is_in("x", piece))
        assert len(piece) == 1 or len(asked) <= room + len(query(is_in("x", [])))
        assert asked.isascii()
        assert "&" not in asked.split("@v=")[1]


def test_ids_fit_one_address() -> None:
    ids = [str(uuid4()) for _ in range(500)]
    assert len(list(slices(ids, LONGEST_URL - 2000))) == 1


def test_what_is_compared_with() -> None:
    assert texts([True, False, 7, "a", "a", None, ""]) == ["true", "false", "7", "a"]
    assert query({}) == ""


def test_a_part_of_a_batch_may_go_on_over_pages(make) -> None:
    bench = make(connector={"page_size": 200})
    ids = [bench.service.create("lead", lastname=f"L{i}") for i in range(1100)]
    assert {record.id for record in bench.connector.fetch(bench.lead, ids)} == set(ids)


def test_money_keeps_all_its_digits() -> None:
    from decimal import Decimal

    from marketo_dynamics_sync.connectors.dynamics.answer import Answer

    assert Answer(200, {}, b'{"revenue": 99999999999999.1234}').json() == {"revenue": Decimal("99999999999999.1234")}


def test_an_http_date_that_is_none() -> None:
    from marketo_dynamics_sync.connectors.dynamics.answer import http_date

    assert http_date("tomorrow") is None
    assert http_date(None) is None
    assert http_date("Sun, 01 Mar 2026 10:00:00 -0000").tzinfo is not None


@pytest.mark.parametrize("raw", [None, 7, "yesterday"])
def test_a_moment_that_is_none(raw: object) -> None:
    from marketo_dynamics_sync.connectors.dynamics.rows import moment

    assert moment(raw) is None
