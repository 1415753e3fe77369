"""The watch on error codes itself, and the definitions that the Dataverse sandbox tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.judges.codes import ELSEWHERE, FILE, codes_of, published, watching

from marketo_dynamics_sync.sandbox import Sandbox, SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService, Fault
from marketo_dynamics_sync.sandbox.dataverse.extract import TABLES
from marketo_dynamics_sync.sandbox.http import Request

REASON = "the published contracts are not beside the checkout, at ../shared/contracts/dataverse"
LIMITS = ("MinValue", "MaxValue")
ROOT = "https://contoso.crm.dynamics.com/api/data/v9.2"


@pytest.fixture(autouse=True)
def dataverse_keeps_its_codes() -> None:
    """Nothing watches here: a test gives a code that nobody has on purpose."""


@pytest.fixture(autouse=True)
def exchanges_are_recorded() -> None:
    """Nor records."""


@pytest.fixture
def known() -> frozenset[str]:
    """The platform's codes."""
    found = published()
    if found is None:
        pytest.skip(REASON)
    return found


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    """Columns by table, from Microsoft's schema documents."""
    file: Path = FILE.with_name("columns.json")
    if not file.is_file():
        pytest.skip(REASON)
    return json.loads(file.read_text(encoding="utf-8"))["tables"]


def test_an_unknown_code_fails_a_test(known: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    service = DataverseService(SandboxClock())

    def refuse(request: Request) -> None:
        raise Fault(400, "0xdeadbeef", "No such thing.")

    monkeypatch.setattr(service, "_admit", refuse)
    with pytest.raises(pytest.fail.Exception, match="0xdeadbeef"), watching(known):
        assert service(Request("GET", "/api/data/v9.2/WhoAmI")).status == 400


def test_codes_of_parts_are_seen() -> None:
    part = Fault(404, "0x80040217", "x").response().body
    answer = Fault(400, "0x0", "x").response()
    answer.body += b"\r\n--b\r\n" + part
    assert codes_of(answer) == {"0x0", "0x80040217"}


def test_known_exceptions_are_exceptions(known: frozenset[str]) -> None:
    assert not ELSEWHERE.keys() & known


def said(definition: dict[str, Any]) -> dict[str, Any]:
    """Return what a definition says, in the words of the contract."""
    found = {
        "type": definition["AttributeType"],
        "required": definition["RequiredLevel"]["Value"],
        "max_length": definition.get("MaxLength"),
        "min": definition.get("MinValue"),
        "max": definition.get("MaxValue"),
        "targets": definition.get("Targets"),
        "options": [
            {"value": option["Value"], "label": option["Label"]["UserLocalizedLabel"]["Label"]}
            | ({"state": option["State"]} if option.get("State") is not None else {})
            for option in definition.get("OptionSet", {}).get("Options", ())
        ],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def published_of(column: dict[str, Any]) -> dict[str, Any]:
    """Return what the contract says of a column."""
    names = ("type", "required", "max_length", "min", "max", "targets", "options")
    return {name: column[name] for name in names if column.get(name) not in (None, [])}


#: Columns of which the reference pages say more than the schema documents: kinds of teams ("Team table/entity
#: reference" has security and office groups), and the sales app's tables at the ends of a connection.
NEWER = {("team", "teamtype"), ("connection", "record1id"), ("connection", "record2id")}


@pytest.mark.parametrize("table", TABLES)
def test_every_definition_told_is_the_published_one(table: str, columns: dict[str, Any]) -> None:
    sandbox = Sandbox()
    at = f"{ROOT}/EntityDefinitions(LogicalName='{table}')"
    with sandbox.client() as client:
        client.headers["Authorization"] = f"Bearer {sandbox.dynamics.issue_token()}"
        told = {each["LogicalName"]: each for each in client.get(f"{at}/Attributes").json()["value"]}
        for kind in ("Picklist", "State", "Status", "MultiSelectPicklist"):
            cast = f"{at}/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata?$expand=OptionSet"
            for each in client.get(cast).json()["value"]:
                told[each["LogicalName"]]["OptionSet"] = each["OptionSet"]
        about = client.get(f"{at}?$select=EntitySetName,PrimaryIdAttribute").json()
    contract = columns[table]
    assert (about["EntitySetName"], about["PrimaryIdAttribute"]) == (contract["entity_set"], contract["primary_id"])
    assert told.keys() == {column["name"] for column in contract["columns"]}
    differs = {
        column["name"]: (said(told[column["name"]]), published_of(column))
        for column in contract["columns"]
        if said(told[column["name"]]) != published_of(column) and (table, column["name"]) not in NEWER
    }
    assert differs == {}
    numbers = [value for each in told.values() if each["AttributeType"] == "Integer" for value in map(each.get, LIMITS)]
    assert {type(value) for value in numbers} <= {int, type(None)}, "Edm.Int32"
