"""Microsoft's own Python client on batches and definitions."""

from __future__ import annotations

from enum import IntEnum


def test_a_batch_of_independent_operations(judge, service) -> None:
    lead = service.create("lead", lastname="B")
    batch = judge.batch.new()
    batch.records.create("lead", {"lastname": "new"})
    batch.records.update("lead", lead, {"fax": "1"})
    batch.records.retrieve("lead", lead, select=["fax"])
    batch.records.list("lead", filter="lastname eq 'new'", select=["lastname"])
    batch.tables.list(filter="SchemaName eq 'Lead'")
    result = batch.execute()
    assert [answer.status_code for answer in result.responses] == [204, 204, 200, 200, 200]
    assert result.responses[2].data["fax"] == "1"
    assert [row["lastname"] for row in result.responses[3].data["value"]] == ["new"]
    assert [row["LogicalName"] for row in result.responses[4].data["value"]] == ["lead"]
    assert service.row("lead", result.responses[0].entity_id)["lastname"] == "new"


def test_without_continuing_a_batch_ends_at_the_first_error(judge, service) -> None:
    batch = judge.batch.new()
    batch.records.create("lead", {"lastname": "x" * 51})
    batch.records.create("lead", {"lastname": "never"})
    result = batch.execute()
    assert [(r.status_code, r.error_code) for r in result.responses] == [(400, "0x80044331")]
    assert service.all_rows("lead") == []


def test_continuing_every_operation_is_answered(judge, service) -> None:
    batch = judge.batch.new()
    batch.records.create("lead", {"lastname": "x" * 51})
    batch.records.create("lead", {"lastname": "second"})
    result = batch.execute(continue_on_error=True)
    assert [answer.status_code for answer in result.responses] == [400, 204]
    assert [row["lastname"] for row in service.all_rows("lead")] == ["second"]


def test_a_change_set_refers_to_what_it_made(judge, service) -> None:
    batch = judge.batch.new()
    with batch.changeset() as change:
        account = change.records.create("account", {"name": "ACME"})
        contact = change.records.create("contact", {"lastname": "D", "parentcustomerid_account@odata.bind": account})
        change.records.update("contact", contact, {"jobtitle": "Boss"})
    result = batch.execute()
    assert not result.has_errors
    assert [answer.content_id for answer in result.responses] == ["1", "2", "3"]
    (made,) = service.all_rows("contact")
    assert made["jobtitle"] == "Boss"
    assert made["_parentcustomerid_value"] == service.all_rows("account")[0]["accountid"]


def test_a_failing_change_set_leaves_nothing(judge, service) -> None:
    kept = service.create("lead", lastname="kept")
    batch = judge.batch.new()
    with batch.changeset() as change:
        change.records.create("account", {"name": "ACME"})
        change.records.update("lead", kept, {"fax": "1"})
        change.records.delete("lead", kept)
        change.records.create("lead", {"lastname": "x" * 51})
    batch.records.create("lead", {"lastname": "after"})
    result = batch.execute(continue_on_error=True)
    assert [(r.status_code, r.content_id) for r in result.responses] == [(400, "4"), (204, None)]
    assert service.all_rows("account") == []
    assert "fax" not in service.row("lead", kept)
    assert {row["lastname"] for row in service.all_rows("lead")} == {"kept", "after"}


def test_a_table_is_described(judge) -> None:
    info = judge.tables.get("lead")
    assert (info.logical_name, info.entity_set_name, info.primary_id_attribute) == ("lead", "leads", "leadid")
    assert info.primary_name_attribute == "fullname"
    assert judge.tables.get("nonsense") is None
    assert {"account", "contact", "lead"} <= {table["LogicalName"] for table in judge.tables.list()}
    columns = judge.tables.list_columns("lead", select=["LogicalName", "AttributeType"])
    assert {"LogicalName", "AttributeType"} <= set(columns[0])
    texts = judge.tables.list_columns(
        "lead", filter="AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'String'"
    )
    assert {column["AttributeType"] for column in texts} == {"String"}
    typed = judge.tables.get_column("lead", "firstname", typed=True)
    assert typed["MaxLength"] == 50
    assert judge.tables.get_column("lead", "nonsense") is None


def test_relationships_are_described(judge) -> None:
    found = judge.tables.list_table_relationships("contact", select=["SchemaName", "ReferencedEntity"])
    assert "contact_customer_accounts" in {row["SchemaName"] for row in found}
    one = judge.tables.get_relationship("contact_customer_accounts")
    assert (one.referenced_entity, one.referencing_entity) == ("account", "contact")


class Priority(IntEnum):
    LOW = 1
    HIGH = 2


def test_a_table_of_ones_own(judge, service) -> None:
    columns = {"new_Title": "string", "new_Count": "int", "new_Priority": Priority, "new_Active": "bool"}
    info = judge.tables.create("new_Ticket", columns, primary_column="new_Name")
    assert (info.logical_name, info.entity_set_name) == ("new_ticket", "new_tickets")
    row = judge.records.create("new_ticket", {"new_name": "T1", "new_priority": "high", "new_count": 3})
    read = judge.records.retrieve("new_ticket", row, select=["new_name", "new_priority", "new_count"])
    assert (read["new_name"], read["new_priority"], read["new_count"]) == ("T1", 2, 3)
    judge.tables.add_columns("new_ticket", {"new_Note": "memo"})
    judge.tables.update_column("new_ticket", "new_note", {"max_length": 10})
    assert service.tables["new_ticket"].columns["new_note"].max_length == 10
    judge.tables.remove_columns("new_ticket", ["new_Note"])
    assert "new_note" not in service.tables["new_ticket"].columns
    judge.tables.delete("new_ticket")
    assert judge.tables.get("new_ticket") is None


def test_alternate_keys_are_made_used_and_deleted(judge, service) -> None:
    made = judge.tables.create_alternate_key("lead", "new_MarketoKey", ["fax"])
    assert [key.schema_name for key in judge.tables.get_alternate_keys("lead")] == ["new_MarketoKey"]
    judge.records.upsert("lead", [{"alternate_key": {"fax": "1"}, "record": {"lastname": "B"}}])
    assert [row["fax"] for row in service.all_rows("lead")] == ["1"]
    judge.tables.delete_alternate_key("lead", made.metadata_id)
    assert judge.tables.get_alternate_keys("lead") == []


def test_a_lookup_of_ones_own(judge, service) -> None:
    judge.tables.create("new_Ticket", {"new_Title": "string"})
    made = judge.tables.create_lookup_field(
        referencing_table="new_ticket", lookup_field_name="new_LeadId", referenced_table="lead"
    )
    lead = service.create("lead", lastname="B")
    row = judge.records.create("new_ticket", {"new_LeadId@odata.bind": f"/leads({lead})"})
    read = judge.records.retrieve("new_ticket", row, expand=["new_LeadId($select=lastname)"])
    assert read["new_LeadId"]["lastname"] == "B"
    judge.tables.delete_relationship(made.relationship_id)
    assert "new_leadid" not in service.tables["new_ticket"].columns
