"""Activity types: the standard ones the sandbox writes, and custom ones (Adobe, "Custom Activities")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field

from ..clock import SandboxClock
from .activities import (
    ADD_TO_LIST,
    CHANGE_PARTITION,
    CHANGE_SCORE,
    CHANGE_VALUE,
    DELETE,
    MERGE,
    NEW_PERSON,
    REMOVE_FROM_LIST,
)
from .envelope import Answer, Refusal
from .parameters import Parameters
from .values import second

#: Name, primary attribute and attributes of each standard type.
STANDARD: Final[Mapping[int, tuple[str, str | None, tuple[str, ...]]]] = {
    NEW_PERSON: ("New Lead", None, ("Source Type", "Created Date")),
    CHANGE_VALUE: ("Change Data Value", "Attribute Name", ("New Value", "Old Value", "Reason", "Source")),
    CHANGE_SCORE: ("Change Score", "Score Name", ("Change Value", "New Value", "Old Value", "Reason")),
    ADD_TO_LIST: ("Add to List", "List ID", ()),
    REMOVE_FROM_LIST: ("Remove from List", "List ID", ()),
    MERGE: ("Merge Leads", "Lead ID", ("Merge IDs", "Master Updated", "Merge Source")),
    DELETE: ("Delete Lead", "Lead ID", ()),
    CHANGE_PARTITION: ("Change Lead Partition", "New Partition ID", ("Old Partition ID", "Reason")),
}
_FIRST_CUSTOM = 100_001
_MOST_TYPES = 10
_MOST_ATTRIBUTES = 20
_DATA_TYPES = (
    "string",
    "boolean",
    "integer",
    "float",
    "link",
    "email",
    "currency",
    "date",
    "datetime",
    "phone",
    "text",
)
_NAME = re.compile(r"[A-Za-z0-9]{1,255}")


@define
class CustomType:
    """A custom activity type.

    Attributes:
        id: Its number.
        names: apiName, name, triggerName, filterName and description.
        primary: The primary attribute.
        attributes: The other attributes, by apiName.
        status: ``draft``, ``approved`` or ``approved with draft``.
        made: When it was made, as the API writes it.
        changed: When it was last changed, as the API writes it.
    """

    id: int
    names: dict[str, str]
    primary: Answer
    made: str
    changed: str
    attributes: dict[str, Answer] = field(factory=dict)
    status: str = "draft"

    def show(self) -> Answer:
        """Return the type as the metadata calls show it."""
        return {
            "id": self.id,
            **self.names,
            "status": self.status,
            "createdAt": self.made,
            "updatedAt": self.changed,
            "primaryAttribute": self.primary,
            "attributes": list(self.attributes.values()),
        }


class ActivityTypes:
    """The activity types of one instance.

    Drafts are not kept apart from the approved version, so a change of an approved type counts at once.

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._custom: dict[str, CustomType] = {}

    def approved(self, number: object) -> CustomType | None:
        """Return an approved custom type by its number, or ``None``."""
        return next((t for t in self._custom.values() if t.id == number and t.status != "draft"), None)

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/types.json``: standard types and approved custom ones."""
        result: list[Answer] = []
        for number, (name, primary, attributes) in STANDARD.items():
            shown: Answer = {"id": number, "name": name, "description": name}
            if primary is not None:
                shown["primaryAttribute"] = {"name": primary, "dataType": "string"}
            shown["attributes"] = [{"name": each, "dataType": "string"} for each in attributes]
            result.append(shown)
        for item in self._custom.values():
            if item.status != "draft":
                whole = item.show()
                wanted = ("id", "name", "description", "apiName", "primaryAttribute", "attributes")
                result.append({key: whole[key] for key in wanted if key in whole})
        return {"result": result}

    def browse_custom(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/external/types.json``."""
        return {"result": [item.show() for item in self._custom.values()]}

    def describe(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/activities/external/type/{apiName}/describe.json``."""
        given.flag("draft")
        return {"result": [self._need(name).show()]}

    def create(self, given: Parameters) -> Answer:
        """``POST /rest/v1/activities/external/type.json``: makes a draft.

        Raises:
            Refusal: 1002 or 1003, a part is missing or bad; 1017, the name is taken; 1027, too many types.
        """
        body = given.json_object()
        names = {key: _word(body, key) for key in ("apiName", "name", "triggerName", "filterName")}
        if body.get("description"):
            names["description"] = str(body["description"])
        if not _NAME.fullmatch(names["apiName"]):
            raise Refusal("1003", f"Invalid value for field 'apiName' and value '{names['apiName']}'")
        if names["apiName"] in self._custom:
            raise Refusal("1017", f"Activity type '{names['apiName']}' already exists")
        if len(self._custom) >= _MOST_TYPES:
            raise Refusal("1027", f"The number of activity types exceeds the limit of {_MOST_TYPES}")
        raw = body.get("primaryAttribute")
        if not isinstance(raw, dict):
            raise Refusal("1002", "Missing value for required parameter 'primaryAttribute'")
        primary: Answer = {"apiName": _word(raw, "apiName"), "name": _word(raw, "name"), "dataType": "string"}
        now = second(self._clock.now())
        made = CustomType(_FIRST_CUSTOM + len(self._custom), names, primary, now, now)
        self._custom[names["apiName"]] = made
        return {"result": [made.show()]}

    def approve(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/approve.json``."""
        item = self._need(name)
        item.status, item.changed = "approved", second(self._clock.now())
        return {"result": [item.show()]}

    def add_attributes(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/attributes/create.json``.

        Raises:
            Refusal: 1002 or 1003, a part is missing or bad; 1017, the name is taken; 1028, too many attributes.
        """
        item = self._need(name)
        added: dict[str, Answer] = {}
        for record in given.records(given.json_object(), "attributes"):
            key, kind = _word(record, "apiName"), _word(record, "dataType")
            if kind not in _DATA_TYPES or not _NAME.fullmatch(key):
                raise Refusal("1003", f"Invalid value for attribute '{key}'")
            if key in item.attributes or key in added or key == item.primary["apiName"]:
                raise Refusal("1017", f"Attribute '{key}' already exists")
            added[key] = {"apiName": key, "name": _word(record, "name"), "dataType": kind}
        if len(item.attributes) + len(added) > _MOST_ATTRIBUTES:
            raise Refusal("1028", f"The number of attributes exceeds the limit of {_MOST_ATTRIBUTES}")
        item.attributes |= added
        item.changed = second(self._clock.now())
        item.status = "draft" if item.status == "draft" else "approved with draft"
        return {"result": [item.show()]}

    def _need(self, name: str) -> CustomType:
        item = self._custom.get(name)
        if item is None:
            raise Refusal("1013", f"Activity type '{name}' not found")
        return item


def _word(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise Refusal("1002", f"Missing value for required parameter '{key}'")
    return value
