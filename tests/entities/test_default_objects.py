"""Account, Opportunity, User and Team against the native sync's default mapping and published columns.

Source: Adobe, "Default Dynamics Field Mapping" (labels and columns), "Companies" and "Opportunities" (REST names).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync.entities import (
    Account,
    Direction,
    Entity,
    FieldInfo,
    ObjectInfo,
    Opportunity,
    Team,
    User,
    bind,
)
from marketo_dynamics_sync.testing import described_object

#: REST name and column by Marketo label. Columns that the page misspells are corrected.
ACCOUNT = {
    "Billing Address": ("billingStreet", "address1_line1"),
    "Billing City": ("billingCity", "address1_city"),
    "Billing Country": ("billingCountry", "address1_country"),
    "Billing Postal Code": ("billingPostalCode", "address1_postalcode"),
    "Microsoft Billing Address 2": ("microsoftBillingAddress2", "address1_line2"),
    "Microsoft Billing Address 3": ("microsoftBillingAddress3", "address1_line3"),
    "Main Phone": ("mainPhone", "telephone1"),
    "Business Type": ("businessType", "businesstypecode"),
    "Microsoft Account Number": ("microsoftAccountNumber", "accountnumber"),
    "Microsoft Company Status": ("microsoftCompanyStatus", "statecode"),
    "Annual Revenue": ("annualRevenue", "revenue"),
    "Company Notes": ("companyNotes", "description"),
    "Industry": ("industry", "industrycode"),
    "SIC Code": ("sicCode", "sic"),
    "Website": ("website", "websiteurl"),
    "Num Employees": ("numberOfEmployees", "numberofemployees"),
    "Company": ("company", "name"),
}
OPPORTUNITY = {
    "Close Probability": ("probability", "closeprobability"),
    "Stage": ("stage", "statecode"),
    "Actual Close Date": ("closeDate", "actualclosedate"),
    "Name": ("name", "name"),
    "Estimated Value": ("amount", "estimatedvalue"),
    "Description": ("description", "description"),
}
#: What the native sync takes over for internal use, and what we add: a state that the page forgot, a link, a date.
INTERNAL = {
    Account: {("externalSalesPersonId", "ownerid"), ("billingState", "address1_stateorprovince")},
    Opportunity: {
        ("externalSalesPersonId", "ownerid"),
        ("externalCompanyId", "parentaccountid"),
        ("externalCreatedDate", "createdon"),
    },
}
MAPPINGS = [(Account, ACCOUNT), (Opportunity, OPPORTUNITY)]
ENTITIES = pytest.mark.parametrize("cls", [Account, Opportunity, User, Team])


@pytest.mark.parametrize(("cls", "mapping"), MAPPINGS)
def test_every_field_of_the_default_mapping_is_there(cls: type[Entity], mapping: dict[str, tuple[str, str]]) -> None:
    found = {(f.marketo, f.dynamics) for f in cls.__entity__.fields.values() if not f.key}
    assert set(mapping.values()) <= found
    assert INTERNAL[cls] <= found


@ENTITIES
def test_they_flow_to_marketo_only_and_only_the_key_is_demanded(cls: type[Entity]) -> None:
    fields = cls.__entity__.fields.values()
    assert cls.__entity__.direction is Direction.TO_MARKETO
    assert {f.direction for f in fields} == {Direction.TO_MARKETO}
    assert [f.marketo for f in fields if not f.optional] == list(cls.__entity__.marketo.dedupe)


@ENTITIES
def test_every_column_is_in_the_published_metadata_with_a_type_that_fits(shared: Path, cls: type[Entity]) -> None:
    tables: dict[str, Any] = json.loads((shared / "contracts/dataverse/columns.json").read_text("utf-8"))["tables"]
    told = next(t for t in tables.values() if t["entity_set"] == cls.__entity__.dynamics)
    fields = {
        column["name"]: FieldInfo(
            column["name"], column["type"], max_length=column.get("max_length"), behavior=column.get("behavior")
        )
        for column in told["columns"]
    }
    info = ObjectInfo(told["logical_name"], fields, told["entity_set"], told["primary_id"])
    assert bind(cls.__entity__, described_object(cls), info).left_out == ()
