from __future__ import annotations

import pytest

from marketo_dynamics_sync.connectors.dynamics.metadata import Table, read_table, structured
from marketo_dynamics_sync.entities import Contact, Lead
from marketo_dynamics_sync.entities.definition import EntityDefinition
from marketo_dynamics_sync.errors import FieldMissingError, RequestRejectedError, ResponseError, TransientError
from marketo_dynamics_sync.sandbox.dataverse import Fault

LEAD: EntityDefinition = Lead.__entity__


def test_a_table_is_described_with_types_limits_and_options(bench) -> None:
    info = bench.connector.describe(LEAD)
    fields = info.fields
    assert (info.name, info.entity_set, info.primary_id, info.tracked, info.guarded) == (
        "lead",
        "leads",
        "leadid",
        True,
        True,
    )
    assert fields["firstname"].type == "String"
    assert fields["firstname"].max_length == 50
    assert fields["numberofemployees"].maximum == 1_000_000
    assert fields["revenue"].type == "Money"
    assert fields["revenue"].precision is not None
    assert fields["createdon"].behavior == "UserLocal"
    assert fields["estimatedclosedate"].behavior == "DateOnly"
    assert {o.value: o.label for o in fields["leadqualitycode"].options} == {1: "Hot", 2: "Warm", 3: "Cold"}
    assert {o.value: o.state for o in fields["statuscode"].options}[3] == 1
    assert set(fields["customerid"].targets) == {"account", "contact"}
    assert fields["customerid"].navigation == {"account": "customerid_account", "contact": "customerid_contact"}
    assert not fields["leadid"].updatable
    assert not fields["createdon"].updatable
    assert fields["firstname"].creatable
    assert fields["firstname"].updatable


def test_two_tables_cost_one_list_and_a_batch_each(bench) -> None:
    bench.connector.describe(LEAD)
    bench.connector.describe(Contact.__entity__)
    assert bench.connector.calls.metadata == 3


def test_definitions_are_kept_while_nothing_shows_that_they_changed(bench) -> None:
    for _ in range(3):
        bench.connector.refresh()
        bench.connector.describe(LEAD)
    assert bench.connector.calls.metadata == 2
    bench.time.clock.advance(hours=1)
    bench.connector.describe(LEAD)
    assert bench.connector.calls.metadata == 2
    bench.connector.refresh()
    bench.connector.describe(LEAD)
    assert bench.connector.calls.metadata == 4


def test_a_complaint_about_a_column_makes_definitions_doubtful(bench) -> None:
    lead = bench.lead
    bench.service.remove_column("lead", "fax")
    with pytest.raises(RequestRejectedError, match="fax"):
        bench.connector.fetch(lead, ["0a000000-0000-0000-0000-000000000001"])
    bench.connector.refresh()
    assert "fax" not in bench.connector.describe(LEAD).fields


def test_a_table_that_isnt_there(bench) -> None:
    from attrs import evolve

    with pytest.raises(FieldMissingError, match="no table with the entity set name 'Leads'"):
        bench.connector.describe(evolve(LEAD, dynamics="Leads"))


def test_a_secured_column_that_cant_be_read(bench) -> None:
    bench.service.secure("lead", "fax", readable=False)
    bench.service.secure("lead", "jobtitle", readable=True)
    fields = bench.connector.describe(LEAD).fields
    assert not fields["fax"].readable
    assert not fields["fax"].updatable
    assert fields["jobtitle"].readable
    assert fields["jobtitle"].updatable
    assert [gap.field for gap in bench.lead.left_out if gap.native == "fax"] == ["fax"]


def test_without_an_answer_about_secured_columns_none_can_be_read(bench) -> None:
    bench.service.secure("lead", "jobtitle", readable=True)

    def refuse(request):
        if "RetrievePrincipalAttributePrivileges" in request.path:
            return Fault(403, "0x80040220", "missing prvReadUser").response()
        return None

    bench.service.on_request = refuse
    assert not bench.connector.describe(LEAD).fields["jobtitle"].readable


def test_trouble_while_asking_about_secured_columns_is_no_answer(bench) -> None:
    bench.service.secure("lead", "jobtitle", readable=True)

    def unwell(request):
        return Fault(503, "", "").response() if "RetrievePrincipalAttribute" in request.path else None

    bench.service.on_request = unwell
    with pytest.raises(TransientError):
        bench.connector.describe(LEAD)


def test_multi_select_choices_and_labels_of_other_columns() -> None:
    common = {
        "Attributes": [
            {
                "LogicalName": "new_interests",
                "AttributeType": "Virtual",
                "AttributeTypeName": {"Value": "MultiSelectPicklistType"},
                "MetadataId": "a",
            },
            {"LogicalName": "ownerid", "AttributeType": "Owner", "AttributeTypeName": {"Value": "OwnerType"}},
            {"LogicalName": "owneridname", "AttributeType": "String", "AttributeOf": "ownerid"},
            {
                "LogicalName": "old",
                "AttributeType": "String",
                "IsValidForRead": False,
                "RequiredLevel": {"Value": "ApplicationRequired"},
            },
        ]
    }
    shared = {
        "Options": [
            {"Value": 1, "Label": {"UserLocalizedLabel": {"Label": "Sport"}}},
            {"Value": 2, "Label": {"UserLocalizedLabel": None}},
        ]
    }
    typed = [{"LogicalName": "new_interests", "OptionSet": None, "GlobalOptionSet": shared}]
    relations = [
        {
            "ReferencingAttribute": "ownerid",
            "ReferencedEntity": "principal",
            "ReferencingEntityNavigationPropertyName": "ownerid",
        }
    ]
    info = read_table(Table("lead", "leads", "leadid"), common, relations, typed, [])
    assert info.fields["new_interests"].type == "MultiSelectPicklist"
    assert [(o.value, o.label) for o in info.fields["new_interests"].options] == [(1, "Sport"), (2, "2")]
    assert info.fields["ownerid"].navigation == {"principal": "ownerid"}
    assert "owneridname" not in info.fields
    assert not info.fields["old"].readable
    assert info.fields["old"].required == "ApplicationRequired"


def test_a_definition_that_lacks_what_is_needed_is_an_error() -> None:
    with pytest.raises(ResponseError):
        read_table(Table("lead", "leads", "leadid"), {}, [], [], [])
    with pytest.raises(ResponseError):
        structured({"EntitySetName": "leads"}, Table)


def test_lookups_know_the_entity_sets_they_are_bound_by(bench) -> None:
    """Not every entity set is the table's name with an s."""
    fields = bench.connector.describe(Lead.__entity__).fields
    assert fields["qualifyingopportunityid"].entity_sets == {"opportunity": "opportunities"}
    assert fields["ownerid"].entity_sets == {"systemuser": "systemusers", "team": "teams"}
    assert fields["lastname"].entity_sets == {}
