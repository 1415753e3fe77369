"""Where an entity lives in Marketo."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Direction,
    MarketoObject,
    Opportunity,
    User,
    company,
    custom_object,
    opportunity,
    opportunity_role,
    person,
    sales_person,
)


@pytest.mark.parametrize(
    ("made", "name", "dedupe"),
    [
        (company(), "company", ("externalCompanyId",)),
        (sales_person(), "salesperson", ("externalSalesPersonId",)),
        (opportunity(), "opportunity", ("externalOpportunityId",)),
        (opportunity_role(), "opportunityRole", ("externalOpportunityId", "leadId", "role")),
    ],
)
def test_marketos_own_objects_have_their_names_and_keys(
    made: MarketoObject, name: str, dedupe: tuple[str, ...]
) -> None:
    assert (made.name, made.dedupe, made.is_person, made.is_custom) == (name, dedupe, False, False)


def test_persons_and_custom_objects_are_told_apart() -> None:
    assert person().is_person
    assert not person().is_custom
    assert custom_object("event_c", dedupe="eventId").is_custom


@pytest.mark.parametrize("cls", [Account, User, Opportunity])
def test_what_sales_owns_flows_to_marketo_only(cls: type[Contact]) -> None:
    definition = cls.__entity__
    assert definition.direction is Direction.TO_MARKETO
    assert {field.direction for field in definition.fields.values()} == {Direction.TO_MARKETO}
    assert definition.key is not None
    assert definition.key.marketo in definition.marketo.dedupe
