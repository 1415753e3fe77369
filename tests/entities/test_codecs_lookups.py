"""Lookups: read from ``_x_value``, written as ``@odata.bind``, to one table or to several."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import Ref
from marketo_dynamics_sync.entities.codecs import LookupCodec
from marketo_dynamics_sync.entities.codecs.lookups import TABLE_ANNOTATION
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo, over_the_wire, refused

GUID = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"
OTHER = "7c2e9e1f-0c7a-ee11-8179-000d3a123456"
ONE = LookupCodec().bind(
    marketo("string"), dynamics("Lookup", targets=("contact",), navigation={"contact": "new_ContactId"})
)
CUSTOMER = LookupCodec().bind(
    marketo("string"),
    dynamics(
        "Customer",
        targets=("account", "contact"),
        navigation={"account": "parentcustomerid_account", "contact": "parentcustomerid_contact"},
    ),
)
OWNER = LookupCodec().bind(
    marketo("string"), dynamics("Owner", targets=("systemuser", "team"), navigation={"principal": "ownerid"})
)


def row(name: str, guid: object, table: str | None = None) -> dict[str, object]:
    key = f"_{name}_value"
    return {key: guid} if table is None else {key: guid, key + TABLE_ANNOTATION: table}


def test_a_lookup_is_read_from_its_value_column() -> None:
    assert ONE.column("new_contactid") == "_new_contactid_value"
    read = ONE.read_row(row("new_contactid", GUID.upper()), "new_contactid")
    assert read is not None
    assert (read.table, read.id) == ("contact", GUID)
    assert ONE.read_row(row("new_contactid", None), "new_contactid") is None
    assert ONE.read_row({}, "new_contactid") is None


def test_a_lookup_is_written_by_its_navigation_property() -> None:
    assert ONE.write_row("new_contactid", Ref("contact", GUID)) == {"new_ContactId@odata.bind": f"/contacts({GUID})"}
    assert ONE.write_row("new_contactid", Ref("", GUID)) == {"new_ContactId@odata.bind": f"/contacts({GUID})"}
    assert ONE.write_row("new_contactid", None) == {"new_ContactId@odata.bind": None}


def test_a_lookup_to_several_tables_says_which_one() -> None:
    read = CUSTOMER.read_row(row("parentcustomerid", GUID, "account"), "parentcustomerid")
    assert read is not None
    assert (read.table, read.id) == ("account", GUID)
    assert CUSTOMER.write_row("parentcustomerid", read) == {"parentcustomerid_account@odata.bind": f"/accounts({GUID})"}
    assert CUSTOMER.write_row("parentcustomerid", Ref("contact", GUID)) == {
        "parentcustomerid_contact@odata.bind": f"/contacts({GUID})"
    }
    assert CUSTOMER.write_row("parentcustomerid", None) == {
        "parentcustomerid_account@odata.bind": None,
        "parentcustomerid_contact@odata.bind": None,
    }


def test_an_owner_is_written_by_its_one_property_whatever_its_table() -> None:
    assert OWNER.write_row("ownerid", Ref("team", GUID)) == {"ownerid@odata.bind": f"/teams({GUID})"}
    assert OWNER.write_row("ownerid", Ref("systemuser", GUID)) == {"ownerid@odata.bind": f"/systemusers({GUID})"}


def test_the_entity_set_is_the_described_one_where_it_is_no_plain_plural() -> None:
    codec = LookupCodec().bind(
        None, dynamics("Lookup", targets=("opportunity",), entity_sets={"opportunity": "opportunities"})
    )
    assert codec.write_row("opportunityid", Ref("", GUID)) == {"opportunityid@odata.bind": f"/opportunities({GUID})"}


def test_a_lookup_that_nothing_is_known_of_is_still_cleared() -> None:
    assert LookupCodec().write_row("new_x", None) == {"new_x@odata.bind": None}


def test_a_table_that_is_unknown_or_no_target_is_refused() -> None:
    assert refused(CUSTOMER.write_row, "parentcustomerid", Ref("", GUID)) == "bad-lookup"
    assert refused(CUSTOMER.write_row, "parentcustomerid", Ref("lead", GUID)) == "bad-lookup"
    assert refused(LookupCodec().write_row, "new_x", Ref("", GUID)) == "bad-lookup"
    assert refused(ONE.write_row, "new_contactid", Ref("contact", "1)/x")) == "bad-guid"


def test_marketo_holds_the_id_in_its_one_spelling() -> None:
    assert ONE.to_marketo(Ref("contact", GUID)) == GUID
    read = ONE.from_marketo(f" {{{GUID.upper()}}} ")
    assert read is not None
    assert (read.table, read.id) == ("contact", GUID)
    assert CUSTOMER.from_marketo(GUID) == Ref("", GUID)
    assert ONE.from_marketo("") is None
    assert ONE.from_marketo(None) is None
    assert ONE.to_marketo(None) is None


@pytest.mark.parametrize("raw", ["somebody", 1001, True])
def test_what_is_no_id_is_refused(raw: object) -> None:
    assert refused(ONE.from_marketo, raw) == "bad-guid"
    assert refused(ONE.from_dynamics, raw) == "bad-guid"
    assert refused(ONE.read_row, row("new_contactid", raw), "new_contactid") == "bad-guid"


def test_a_reference_is_one_with_the_same_id_whoever_says_it() -> None:
    assert Ref("", GUID) == Ref("account", GUID)
    assert hash(Ref("", GUID)) == hash(Ref("account", GUID))
    assert Ref("account", GUID) != Ref("account", OTHER)
    assert sorted([Ref("a", OTHER), Ref("b", GUID)]) == [Ref("b", GUID), Ref("a", OTHER)]


@given(st.uuids(), st.sampled_from(["account", "contact"]))
def test_any_reference_comes_back(guid: UUID, table: str) -> None:
    value: Ref[object] = Ref(table, str(guid))
    for codec in (CUSTOMER, LookupCodec()):
        assert codec.from_marketo(codec.to_marketo(value)) == value
        assert codec.from_dynamics(codec.to_dynamics(value)) == value
        kept = codec.load(over_the_wire(codec.dump(value)))
        assert kept is not None
        assert (kept.table, kept.id) == (table, str(guid))


def test_no_reference_is_none() -> None:
    assert ONE.from_dynamics(None) is None
    assert ONE.to_dynamics(None) is None
    assert ONE.dump(None) is None
    assert ONE.load(None) is None
    assert ONE.stored_form(None, None)
    assert not ONE.stored_form(None, Ref("contact", GUID))


def test_lookups_fit_lookups_only() -> None:
    comes_back(LookupCodec().bind(marketo("reference"), None), None)
    with pytest.raises(MappingError, match="of type 'integer'; a lookup can't be kept there"):
        LookupCodec().bind(marketo("integer"), dynamics("Lookup"))
    with pytest.raises(MappingError, match="of type 'Uniqueidentifier'"):
        LookupCodec().bind(marketo("string"), dynamics("Uniqueidentifier"))
