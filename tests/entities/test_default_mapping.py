"""Lead and Contact against the native sync's default mapping, and against published contracts of both services.

Sources: Adobe, "Default Dynamics Field Mapping" (labels and columns) and "Standard Fields" (REST names).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from marketo_dynamics_sync.entities import (
    Contact,
    Direction,
    Entity,
    FieldInfo,
    Lead,
    ObjectInfo,
    Option,
    Side,
    bind,
)
from marketo_dynamics_sync.testing import described_person

#: Column by Marketo label, for leads and contacts alike.
BOTH = {
    "Microsoft Created Date": "createdon",
    "Salutation": "salutation",
    "First": "firstname",
    "Middle": "middlename",
    "Last": "lastname",
    "Email": "emailaddress1",
    "Job Title": "jobtitle",
    "Phone": "telephone1",
    "Mobile": "mobilephone",
    "Address": "address1_line1",
    "City": "address1_city",
    "State": "address1_stateorprovince",
    "Country": "address1_country",
    "Postal Code": "address1_postalcode",
    "Person Status": "statecode",
    "Status Reason": "statuscode",
    "Person Notes": "description",
    "Do Not Call": "donotphone",
    "Unsubscribed": "donotbulkemail",
    "Microsoft Address 2": "address1_line2",
    "Microsoft Address 3": "address1_line3",
    "Microsoft Do Not Email": "donotemail",
    "Microsoft Do Not Fax": "donotfax",
    "Microsoft Do Not Send Marketing Material": "donotsendmm",
    "Microsoft Home Phone": "telephone2",
    "Microsoft Preferred Method Of Contact": "preferredcontactmethodcode",
    "Last Interesting Moment Date": "mkt_lastinterestingmomentdate",
    "Last Interesting Moment Desc": "mkt_lastinterestingmomentdesc",
    "Last Interesting Moment Source": "mkt_leadinterestingmomentsource",
    "Last Interesting Moment Type": "mkt_lastinterestingmomenttype",
    "Relative Score": "mkt_relativescore",
    "Priority": "mkt_priority",
    "Relative Urgency": "mkt_urgency",
}
LEAD_ONLY = {
    "Fax": "fax",
    "Person Source": "leadsourcecode",
    "Person Rating": "leadqualitycode",
    "Microsoft Topic": "subject",
    "Company": "companyname",
    "Annual Revenue": "revenue",
}
CONTACT_ONLY = {"Person Score": "mkt_leadscore"}
#: REST name of a standard field, where it is not the label in camel case.
STANDARD = {
    "First": "firstName",
    "Middle": "middleName",
    "Last": "lastName",
    "Job Title": "title",
    "Mobile": "mobilePhone",
    "Person Source": "leadSource",
    "Person Status": "leadStatus",
    "Person Rating": "rating",
    "Person Score": "leadScore",
    "Relative Urgency": "urgency",
    "Status Reason": "microsoftStatusReason",
    "Last Interesting Moment Date": "msiLastInterestingMomentDate",
    "Last Interesting Moment Desc": "msiLastInterestingMomentDesc",
    "Last Interesting Moment Source": "msiLastInterestingMomentSource",
    "Last Interesting Moment Type": "msiLastInterestingMomentType",
}
MAPPINGS = [(Lead, BOTH | LEAD_ONLY), (Contact, BOTH | CONTACT_ONLY)]
ENTITIES = pytest.mark.parametrize("cls", [Lead, Contact])


def camel(label: str) -> str:
    first, *rest = label.split()
    return first.lower() + "".join(word[:1].upper() + word[1:] for word in rest)


def tables(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "contracts/dataverse/columns.json").read_text("utf-8"))["tables"]
    return found


def table(shared: Path, cls: type[Entity]) -> ObjectInfo:
    """Return a table as the published metadata has it."""
    told = next(t for t in tables(shared).values() if t["entity_set"] == cls.__entity__.dynamics)
    fields = {
        column["name"]: FieldInfo(
            column["name"],
            column["type"],
            updatable=not column.get("read_only", False) and column["name"] != told["primary_id"],
            max_length=column.get("max_length"),
            minimum=column.get("min"),
            maximum=column.get("max"),
            behavior=column.get("behavior"),
            options=tuple(Option(o["value"], o["label"], o.get("state")) for o in column.get("options", ())),
        )
        for column in told["columns"]
    }
    return ObjectInfo(told["logical_name"], fields, told["entity_set"], told["primary_id"])


#: What the native sync takes over for internal use: whom a person belongs to.
LINKS = {"account", "owner"}


@pytest.mark.parametrize(("cls", "mapping"), MAPPINGS)
def test_every_field_of_the_default_mapping_is_there_and_no_other(cls: type[Entity], mapping: dict[str, str]) -> None:
    expected = {(STANDARD.get(label, camel(label)), column) for label, column in mapping.items()}
    fields = cls.__entity__.fields.values()
    own = {"is_deleted", "microsoft_type", *LINKS}
    assert {(f.marketo, f.dynamics) for f in fields if not f.key and f.name not in own} == expected


@ENTITIES
def test_the_row_id_and_the_flag_for_deleted_rows_are_kept_in_marketo(cls: type[Entity]) -> None:
    definition = cls.__entity__
    assert definition.key is not None
    assert (definition.key.marketo, definition.key.dynamics) == ("dynamicsId", f"{definition.name}id")
    assert definition.fields["is_deleted"].marketo == camel("Microsoft Is Deleted")
    assert definition.fields["is_deleted"].dynamics is None
    assert definition.fields["microsoft_type"].marketo == camel("Microsoft Type")
    assert definition.fields["microsoft_type"].constant == cls.__name__


@ENTITIES
def test_people_flow_both_ways(cls: type[Entity]) -> None:
    definition = cls.__entity__
    assert definition.direction is Direction.TWO_WAY
    assert definition.marketo.is_person
    assert definition.dynamics == f"{definition.name}s"
    flows = {f.name: f.direction for f in definition.fields.values() if f.direction is not Direction.TWO_WAY}
    computed = {f.name for f in definition.fields.values() if (f.dynamics or "").startswith("mkt_")}
    told = {"crm_id", "created_on", "microsoft_type", "is_deleted", "status", "status_reason"}
    told |= LINKS & definition.fields.keys()
    assert flows == dict.fromkeys(told, Direction.TO_MARKETO) | dict.fromkeys(computed, Direction.TO_DYNAMICS)


@ENTITIES
def test_every_refusal_of_contact_is_an_opt_out_and_nothing_else_is(cls: type[Entity]) -> None:
    refusals = {f.dynamics for f in cls.__entity__.fields.values() if f.opt_out}
    assert refusals == {"donotphone", "donotbulkemail", "donotemail", "donotfax", "donotsendmm"}


@ENTITIES
def test_no_field_of_the_default_mapping_is_demanded(cls: type[Entity]) -> None:
    assert all(f.optional for f in cls.__entity__.fields.values())


@ENTITIES
def test_every_field_is_documented(cls: type[Entity]) -> None:
    source = Path(__import__(cls.__module__, fromlist=["x"]).__file__).read_text("utf-8")
    for name in cls.__entity__.fields:
        after = re.split(rf"^    {name}: ", source, flags=re.M)[1]
        assert '"""' in re.split(r"^    \w+: ", after, flags=re.M)[0], f"{name} has no words of its own"


@ENTITIES
def test_names_that_published_contracts_know_are_spelled_as_they_are_there(shared: Path, cls: type[Entity]) -> None:
    words: dict[str, set[str]] = {}
    for file in sorted((shared / "contracts/marketo").glob("swagger-*.json")):
        for word in re.findall(r'"(\w+)"\s*:', file.read_text("utf-8")):
            words.setdefault(word.casefold(), set()).add(word)
    names = [f.marketo for f in cls.__entity__.fields.values() if f.marketo]
    known = [name for name in names if name.casefold() in words]
    assert {"email", "firstName", "lastName", "title"} <= set(known)
    assert [name for name in known if name not in words[name.casefold()]] == []


@ENTITIES
def test_every_column_is_in_the_published_metadata_with_a_type_that_fits(shared: Path, cls: type[Entity]) -> None:
    info = table(shared, cls)
    bound = bind(cls.__entity__, described_person(cls), info)
    # The columns of Marketo's own solution are not part of the published metadata.
    assert {gap.native for gap in bound.left_out} == {
        f.dynamics for f in cls.__entity__.fields.values() if (f.dynamics or "").startswith("mkt_")
    }
    assert {gap.side for gap in bound.left_out} == {Side.DYNAMICS}
    assert bound.fields["created_on"].direction is Direction.TO_MARKETO


def test_the_published_limits_and_labels_are_heeded(shared: Path) -> None:
    lead = bind(Lead.__entity__, described_person(Lead), table(shared, Lead))
    contact = bind(Contact.__entity__, described_person(Contact), table(shared, Contact))
    assert lead.fields["mobile_phone"].problem(Side.DYNAMICS, "1" * 21) is not None
    assert contact.fields["mobile_phone"].problem(Side.DYNAMICS, "1" * 21) is None
    assert lead.fields["source"].codec.to_marketo(1) == "Advertisement"
    assert lead.fields["source"].problem(Side.DYNAMICS, 999_999) is not None
    assert lead.fields["annual_revenue"].problem(Side.DYNAMICS, -1) is not None
    assert lead.fields["status"].codec.to_marketo(1) == "Qualified"
    assert contact.fields["status"].codec.to_marketo(1) == "Inactive"


@ENTITIES
def test_every_option_of_the_published_metadata_comes_back_from_marketo(shared: Path, cls: type[Entity]) -> None:
    info = table(shared, cls)
    bound = bind(cls.__entity__, described_person(cls), info)
    choices = [f for f in bound.fields.values() if f.dynamics and info.fields[f.dynamics].options]
    assert len(choices) >= 3
    for field in choices:
        for option in info.fields[field.dynamics].options:
            assert field.codec.from_marketo(field.codec.to_marketo(option.value)) == option.value
