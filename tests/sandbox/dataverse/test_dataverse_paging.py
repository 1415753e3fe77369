"""Paging cookies and change tracking."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sandbox.dataverse.callers import START, Api

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService


def follow(api: Api, path: str, prefer: str, between=lambda number: None) -> list[list[dict[str, object]]]:
    """Return all pages of a read, with something done before each further page."""
    pages, link = [], path
    while link:
        answer = api.get(link, prefer=prefer)
        assert answer.status == 200, answer.body
        pages.append(answer.value)
        link = answer.json.get("@odata.nextLink")
        if link:
            between(len(pages))
    return pages


def test_the_cookie_has_the_form_of_the_service(api, service) -> None:
    ids = sorted(service.create("lead", lastname=f"L{number}") for number in range(3))
    link = api.get("leads?$select=lastname", prefer="odata.maxpagesize=2").json["@odata.nextLink"]
    first, last = ids[0].upper(), ids[1].upper()
    assert link == (
        "https://contoso.crm.dynamics.com/api/data/v9.2/leads?$select=lastname&$skiptoken=%3Ccookie%20pagenumber=%222"
        "%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%253cleadid%2520last%253d%2522%257b"
        f"{last}%257d%2522%2520first%253d%2522%257b{first}%257d%2522%2520%252f%253e%253c%252fcookie%253e%22%20"
        "istracking=%22False%22%20/%3E"
    )


def test_the_number_of_the_page_rises(api, service) -> None:
    for number in range(4):
        service.create("lead", lastname=f"L{number}")
    link = api.get("leads", prefer="odata.maxpagesize=1").json["@odata.nextLink"]
    further = api.get(link, prefer="odata.maxpagesize=1").json["@odata.nextLink"]
    assert 'pagenumber="3"' in unquote(further)


VALUES = st.tuples(st.sampled_from([None, 1, 2, 3]), st.sampled_from(["a", "B", "c&<\"'", None]))


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(VALUES, max_size=12),
    added=st.lists(VALUES, max_size=4),
    order=st.sampled_from(
        ["", "&$orderby=numberofemployees", "&$orderby=numberofemployees desc,fax", "&$orderby=fax desc",
         "&$orderby=donotemail,fax"]
    ),
    size=st.integers(1, 5),
)  # fmt: skip
def test_rows_made_between_pages_neither_repeat_nor_skip_others(values, added, order: str, size: int) -> None:
    service = DataverseService(SandboxClock(START))
    api = Api(service)

    def make(number: int | None, fax: str | None) -> str:
        given = {"numberofemployees": number, "fax": fax}
        return service.create("lead", lastname="L", **{n: v for n, v in given.items() if v is not None})

    there = [make(*value) for value in values]
    waiting = list(added)
    expected = api.ids(f"leads?$select=leadid{order}")
    pages = follow(
        api, f"leads?$select=leadid{order}", f"odata.maxpagesize={size}", lambda _: waiting and make(*waiting.pop())
    )
    read = [row["leadid"] for page in pages for row in page]
    assert [row for row in read if row in there] == expected
    assert len(read) == len(set(read))


@pytest.mark.parametrize(
    "token",
    ["nonsense", '<cookie pagenumber="2" pagingcookie="x" istracking="False" />',
     '<cookie pagenumber="2" pagingcookie="%3ccookie%20page%3d%221%22%3e%3c%2fcookie%3e" istracking="False" />'],
)  # fmt: skip
def test_a_cookie_of_somebody_else_is_refused(api, token: str) -> None:
    assert api.get(f"leads?$skiptoken={token.replace('%', '%25')}").failed == (400, "0x8004112a")


def test_a_cookie_belongs_to_its_order(api, service) -> None:
    for number in range(3):
        service.create("lead", lastname=f"L{number}", numberofemployees=number)
    link = api.get("leads?$orderby=numberofemployees", prefer="odata.maxpagesize=1").json["@odata.nextLink"]
    assert api.get(link.replace("$orderby=numberofemployees", "$orderby=lastname")).failed == (400, "0x8004112a")
    assert api.get(link.replace("1.0", "x").replace("0.0", "x")).failed == (400, "0x8004112a")


# Change tracking

TRACKED = "odata.track-changes"


def test_a_tracked_read_ends_in_a_delta_link(api, service) -> None:
    for number in range(3):
        service.create("lead", lastname=f"L{number}")
    first = api.get("leads?$select=lastname", prefer=f"{TRACKED},odata.maxpagesize=2").json
    assert "@odata.deltaLink" not in first
    assert 'istracking="True"' in unquote(first["@odata.nextLink"])
    last = api.get(first["@odata.nextLink"], prefer="odata.maxpagesize=2").json
    assert "@odata.nextLink" not in last
    assert last["@odata.deltaLink"].startswith("https://contoso.crm.dynamics.com/api/data/v9.2/leads?$select=lastname&")


def delta_link(api: Api, path: str = "leads?$select=lastname") -> str:
    return api.get(path, prefer=TRACKED).json["@odata.deltaLink"]


def test_a_delta_brings_each_changed_row_once_and_deletions_last(api, service) -> None:
    kept, changed, gone = (service.create("lead", lastname=name) for name in ("kept", "changed", "gone"))
    link = delta_link(api)
    service.delete("lead", gone)
    brief = service.create("lead", lastname="brief")
    service.delete("lead", brief)
    service.update("lead", changed, fax="1")
    service.update("lead", changed, fax="2")
    made = service.create("lead", lastname="made")
    answer = api.get(link).json
    assert answer["@odata.context"].endswith("$metadata#leads(lastname)/$delta")
    assert [row.get("leadid", row.get("id")) for row in answer["value"]] == [changed, made, gone, brief]
    assert answer["value"][2]["@odata.context"].endswith("#leads/$deletedEntity")
    assert answer["value"][2]["reason"] == "deleted"
    assert api.get(link.replace("leads?$select=lastname&", "leads/$count?")).body == b"4"
    assert api.get(answer["@odata.deltaLink"]).value == []
    assert kept not in str(answer)


def test_what_changes_between_pages_of_a_delta_comes_with_the_next(api, service) -> None:
    link = delta_link(api)
    rows = [service.create("lead", lastname=f"L{number}") for number in range(5)]
    service.delete("lead", rows.pop())
    service.delete("lead", rows.pop())
    first = api.get(link, prefer="odata.maxpagesize=2").json
    assert [row["leadid"] for row in first["value"]] == rows[:2]
    service.update("lead", rows[2], fax="1")
    service.update("lead", rows[0], fax="1")
    pages, following = [], first["@odata.nextLink"]
    while following:
        answer = api.get(following, prefer="odata.maxpagesize=1").json
        pages += answer["value"]
        following, end = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
    assert [row["reason"] for row in pages] == ["deleted", "deleted"]
    assert [row["leadid"] for row in api.get(end).value] == [rows[2], rows[0]]


@pytest.mark.parametrize("option", ["$filter=lastname eq 'x'", "$orderby=lastname", "$top=1", "$expand=ownerid"])
def test_what_tracked_reads_dont_take(api, option: str) -> None:
    answer = api.get(f"leads?{option}", prefer=TRACKED)
    assert answer.failed == (400, "0x80060888")
    assert answer.message.startswith(f'The "{option.split("=")[0]}" query parameter')


def test_a_table_without_tracking(make) -> None:
    api = make(untracked=["lead"])
    assert api.get("leads", prefer=TRACKED).failed == (400, "0x80072491")


def test_links_expire(api, service, clock) -> None:
    link = delta_link(api)
    clock.advance(days=7)
    assert api.get(link).status == 200
    clock.advance(seconds=1)
    assert api.get(link).failed == (400, "0x80044352")


def test_links_expire_with_the_schema(api, service, clock) -> None:
    link, contacts = delta_link(api), delta_link(api, "contacts")
    clock.advance(1)
    service.remove_column("lead", "fax")
    assert api.get(link).failed == (400, "0x80044352")
    assert api.get(contacts).status == 200


@pytest.mark.parametrize("token", ["x", "1!yesterday", "99999999999!03/01/2026 09:00:00"])
def test_links_that_arent_ours_or_come_from_a_later_state(api, token: str) -> None:
    assert api.get(f"leads?$deltatoken={token}").failed == (400, "0x80044352")


def test_a_cookie_in_a_delta_must_be_one_of_a_delta(api, service) -> None:
    for number in range(2):
        service.create("lead", lastname=f"L{number}")
    plain = api.get("leads", prefer="odata.maxpagesize=1").json["@odata.nextLink"]
    token = plain.partition("$skiptoken=")[2]
    assert api.get(f"{delta_link(api)}&$skiptoken={token}").failed == (400, "0x8004112a")
