"""Microsoft's own Python client on rows: it does what it does, and gets what Dataverse would give."""

from __future__ import annotations

from uuid import uuid4

import pytest


@pytest.fixture
def http_error() -> type[Exception]:
    return pytest.importorskip("PowerPlatform.Dataverse.core.errors").HttpError


def test_a_row_is_made_read_changed_and_deleted(judge, service) -> None:
    lead = judge.records.create("lead", {"firstname": "Ada", "lastname": "Byron", "subject": "Engines"})
    assert service.row("lead", lead)["fullname"] == "Ada Byron"
    read = judge.records.retrieve("lead", lead, select=["fullname", "statecode"])
    assert (read["fullname"], read["statecode"], read["leadid"]) == ("Ada Byron", 0, lead)
    judge.records.update("lead", lead, {"jobtitle": "Countess"})
    assert judge.records.retrieve("lead", lead, select=["jobtitle"])["jobtitle"] == "Countess"
    judge.records.delete("lead", lead)
    assert judge.records.retrieve("lead", lead) is None
    assert service.row("lead", lead) is None


def test_a_label_is_turned_into_its_option(judge, service) -> None:
    lead = judge.records.create("lead", {"lastname": "B", "leadqualitycode": "Hot"})
    assert service.row("lead", lead)["leadqualitycode"] == 1


def test_every_page_is_read(judge, service) -> None:
    made = {service.create("lead", lastname=f"L{number}") for number in range(7)}
    pages = list(judge.records.list_pages("lead", select=["lastname"], page_size=3))
    assert [len(page) for page in pages] == [3, 3, 1]
    assert {row["leadid"] for page in pages for row in page} == made


def test_filter_order_top_and_expand(judge, service) -> None:
    account = service.create("account", name="Analytical Engines")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    for first, last in [("Ada", "Byron"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Annabella", "Byron")]:
        service.create("contact", firstname=first, lastname=last, **bind)
    service.create("contact", firstname="Nobody", lastname="Else")
    found = judge.records.list(
        "contact",
        select=["firstname", "lastname"],
        filter=f"_parentcustomerid_value eq {account} and not startswith(lastname,'T')",
        orderby=["lastname desc", "firstname asc"],
        expand=["parentcustomerid_account($select=name)"],
        top=2,
    )
    assert [row["firstname"] for row in found] == ["Grace", "Ada"]
    assert {row["parentcustomerid_account"]["name"] for row in found} == {"Analytical Engines"}


def test_its_query_builder_is_understood(judge, service) -> None:
    col = pytest.importorskip("PowerPlatform.Dataverse.models.filters").col
    for number, quality in enumerate((1, 2, 3, 2)):
        service.create("lead", lastname=f"L{number}", leadqualitycode=quality, numberofemployees=number)
    service.create("lead", lastname="without")

    def names(expression) -> list[str]:
        query = judge.query.builder("lead").select("lastname").where(expression).order_by("lastname")
        return [row["lastname"] for row in query.execute()]

    assert names(col("leadqualitycode").in_([1, 3])) == ["L0", "L2"]
    assert names(col("leadqualitycode").not_in([1, 3])) == ["L1", "L3"]
    assert names(col("numberofemployees").between(1, 2)) == ["L1", "L2"]
    assert names(col("leadqualitycode").is_null()) == ["without"]
    assert names((col("lastname").contains("3")) | (col("numberofemployees") == 0)) == ["L0", "L3"]
    assert names(~(col("leadqualitycode") == 2)) == ["L0", "L2"]
    assert names(col("lastname") != "L0") == ["L1", "L2", "L3", "without"]


def test_formatted_values_come_on_request(judge, service) -> None:
    lead = service.create("lead", lastname="B", leadqualitycode=1, revenue=1234.5)
    read = judge.records.retrieve("lead", lead, include_annotations="*")
    shown = "OData.Community.Display.V1.FormattedValue"
    assert read[f"leadqualitycode@{shown}"] == "Hot"
    assert read[f"revenue@{shown}"] == "€1,234.50"
    assert read[f"_ownerid_value@{shown}"] == "Sally Sales"
    assert read["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "systemuser"


def test_many_rows_at_once(judge, service) -> None:
    ids = judge.records.create("lead", [{"lastname": f"L{number}"} for number in range(3)])
    assert [service.row("lead", row)["lastname"] for row in ids] == ["L0", "L1", "L2"]
    judge.records.update("lead", ids, {"jobtitle": "all"})
    judge.records.update("lead", ids[:2], [{"fax": "1"}, {"fax": "2"}])
    assert [service.row("lead", row).get("fax") for row in ids] == ["1", "2", None]
    assert {service.row("lead", row)["jobtitle"] for row in ids} == {"all"}


def test_one_bad_row_of_many_undoes_all(judge, service, http_error) -> None:
    with pytest.raises(http_error, match="maximum allowed length of '50'") as caught:
        judge.records.create("lead", [{"lastname": "good"}, {"lastname": "x" * 51}])
    assert caught.value.status_code == 400
    assert caught.value.to_dict()["details"]["service_error_code"] == "0x80044331"
    assert service.all_rows("lead") == []


def test_an_update_of_a_missing_row_among_many(judge, service, http_error) -> None:
    lead, missing = service.create("lead", lastname="B"), str(uuid4())
    with pytest.raises(http_error, match="Do Not Exist"):
        judge.records.update("lead", [lead, missing], {"fax": "1"})
    assert "fax" not in service.row("lead", lead)


def test_upserts_by_alternate_key(judge, service) -> None:
    service.add_key("account", "number", "accountnumber")
    judge.records.upsert("account", [{"alternate_key": {"accountnumber": "A'1"}, "record": {"name": "one"}}])
    items = [
        {"alternate_key": {"accountnumber": "a'1"}, "record": {"name": "one again"}},
        {"alternate_key": {"accountnumber": "A2"}, "record": {"name": "two"}},
    ]
    judge.records.upsert("account", items)
    names = {row["accountnumber"]: row["name"] for row in service.all_rows("account")}
    assert names == {"A'1": "one again", "A2": "two"}


def test_deleting_in_bulk_is_a_job(judge, service) -> None:
    ids = [service.create("lead", lastname=f"L{number}") for number in range(3)]
    job = judge.records.delete("lead", ids[:2])
    assert job
    assert [row["leadid"] for row in judge.records.list("lead", select=["lastname"])] == ids[2:]


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (lambda c: c.records.create("lead", {"Nonsense": 1}), 400, "0x0"),
        (lambda c: c.records.create("contact", {"parentcustomerid@odata.bind": "/accounts(x)"}), 400, "0x80048d19"),
        (lambda c: c.records.update("lead", "0a000000-0000-0000-0000-000000000001", {"fax": "1"}), 404, "0x80040217"),
        (lambda c: c.records.delete("lead", "0a000000-0000-0000-0000-000000000001"), 404, "0x80040217"),
        (lambda c: c.records.list("lead", filter="nonsense eq 1"), 400, "0x0"),
        (lambda c: c.records.list("lead", filter="lastname eq"), 400, "0x80060888"),
        (lambda c: c.records.list("lead", expand=["nowhere"]), 400, "0x0"),
        (lambda c: c.records.create("lead", {"leadqualitycode": 99}), 400, "0x8004431a"),
        (lambda c: c.records.upsert("lead", [{"alternate_key": {"fax": "1"}, "record": {}}]), 400, "0x80060890"),
    ],
)
def test_errors_reach_it_with_code_and_status(judge, http_error, act, status: int, code: str) -> None:
    with pytest.raises(http_error) as caught:
        act(judge)
    details = caught.value.to_dict()["details"]
    assert (caught.value.status_code, details["service_error_code"]) == (status, code)
    assert details["service_request_id"]


def test_a_limit_tells_it_when_to_come_back(judge, service, http_error) -> None:
    service.limits.requests = 3
    judge.records.list("lead")
    judge.records.list("lead")
    with pytest.raises(http_error) as caught:
        judge.records.list("lead")
    details = caught.value.to_dict()
    assert details["status_code"] == 429
    assert details["is_transient"]
    assert details["details"]["retry_after"] == 300
