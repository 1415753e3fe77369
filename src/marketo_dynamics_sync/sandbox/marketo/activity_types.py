"""Activity types: the standard ones that the sandbox knows, and approved custom ones (Adobe, "Activities")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .activities import (
    ADD_TO_LIST,
    CHANGE_PARTITION,
    CHANGE_SCORE,
    CHANGE_VALUE,
    DELETE,
    MERGE,
    NEW_PERSON,
    PUSH,
    REMOVE_FROM_LIST,
)
from .custom_activity_types import CustomActivityTypes
from .envelope import Answer
from .parameters import Parameters

#: Name, primary attribute and attributes of each standard type that something in the sandbox writes.
STANDARD: Final[Mapping[int, tuple[str, str, tuple[str, ...]]]] = {
    NEW_PERSON: ("New Lead", "Lead ID", ("Source Type", "Created Date")),
    CHANGE_VALUE: ("Change Data Value", "Attribute Name", ("New Value", "Old Value", "Reason", "Source")),
    CHANGE_SCORE: ("Change Score", "Score Name", ("Change Value", "New Value", "Old Value", "Reason")),
    ADD_TO_LIST: ("Add to List", "List ID", ()),
    REMOVE_FROM_LIST: ("Remove from List", "List ID", ()),
    MERGE: ("Merge Leads", "Lead ID", ("Merge IDs", "Master Updated", "Merge Source")),
    DELETE: ("Delete Lead", "Lead ID", ()),
    CHANGE_PARTITION: ("Change Lead Partition", "New Partition ID", ("Old Partition ID", "Reason")),
    PUSH: ("Push Lead to Marketo", "Program ID", ("Source", "Reason")),
}


class ActivityTypes:
    """The activity types of one instance.

    Args:
        custom: The custom types.
    """

    def __init__(self, custom: CustomActivityTypes) -> None:
        self._custom = custom

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/types.json``: standard types and approved custom ones."""
        result: list[Answer] = []
        for number, (name, primary, attributes) in STANDARD.items():
            result.append(
                {
                    "id": number,
                    "name": name,
                    "description": name,
                    "primaryAttribute": {"name": primary, "dataType": "string"},
                    "attributes": [{"name": each, "dataType": "string"} for each in attributes],
                }
            )
        return {"result": result + self._custom.in_use()}
