"""From activities to the changes that a call may have made."""

from __future__ import annotations

from collections.abc import Mapping

from marketo_dynamics_sync.connectors import FieldChange
from marketo_dynamics_sync.connectors.marketo.activities import NEW_PERSON, SCORE_CHANGE, VALUE_CHANGE, Activity
from marketo_dynamics_sync.connectors.marketo.value_changes import FieldNames, field_changes, field_names

LABELS = {"title": "Job Title", "unsubscribed": "Unsubscribed", "city": "City", "billing": "City", "Odd": "title"}
TYPES = {"title": "string", "unsubscribed": "boolean", "city": "string"}
NAMES = field_names(["title", "unsubscribed", "city"], LABELS, TYPES)


def activity(subject: str = "", kind: int = VALUE_CHANGE, **attributes: object) -> Activity:
    named = {name.replace("_", " "): value for name, value in attributes.items()}
    return Activity("1", kind, "7", None, subject, named)


def found(*activities: Activity, names: FieldNames = NAMES) -> list[FieldChange]:
    return list(field_changes(activities, names))


def test_a_field_is_known_by_its_own_name_and_by_the_one_that_only_it_has_in_the_user_interface() -> None:
    assert NAMES.names == {"title": "title", "Job Title": "title", "unsubscribed": "unsubscribed",
                           "Unsubscribed": "unsubscribed", "city": "city"}  # fmt: skip


def test_values_come_in_the_form_of_the_service() -> None:
    assert found(activity("Job Title", Old_Value="Countess", New_Value="Director", Source="Web service API")) == [
        FieldChange("7", "title", "Countess", "Director")
    ]
    assert found(activity("Unsubscribed", Old_Value="false", New_Value="true")) == [
        FieldChange("7", "unsubscribed", False, True)
    ]
    assert found(activity("Job Title", New_Value="Director")) == [FieldChange("7", "title", None, "Director")]


def test_records_of_several_fields_are_taken_apart() -> None:
    changes: Mapping[str, object] = {"Source": "Web service API", "Lead ID": 7}
    record = Activity("1", VALUE_CHANGE, "7", None, "", changes, (("title", "a", "b"), ("other", "a", "b")))
    assert found(record) == [FieldChange("7", "title", "a", "b")]


def test_what_people_campaigns_and_other_activities_changed_is_left_out() -> None:
    assert not found(
        activity("Job Title", Old_Value="a", New_Value="b", Source="Marketo Flow Action"),
        activity("Job Title", Old_Value="a", New_Value="b", Reason="Manual change"),
        activity("Job Title", NEW_PERSON),
        activity("Job Title", SCORE_CHANGE, Old_Value="1", New_Value="2"),
        activity("City", Old_Value="a", New_Value="b"),
        activity("Zip", Old_Value="a", New_Value="b"),
    )
