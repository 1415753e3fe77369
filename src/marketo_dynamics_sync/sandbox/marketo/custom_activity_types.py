"""Custom activity types, their drafts and their attributes (Adobe, "Activities", "Custom Activity Types")."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Final

from attrs import define, evolve, field

from ..clock import SandboxClock
from .envelope import Answer, Refusal, missing
from .parameters import Parameters
from .values import second

_FIRST = 100_001
_MOST_TYPES = 10
_MOST_ATTRIBUTES = 20
_DATA_TYPES: Final = (
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
_WORDS = ("name", "triggerName", "filterName")


@define
class Version:
    """One version of a custom activity type.

    Attributes:
        names: name, triggerName, filterName and, if any, description.
        primary: The primary attribute; ``None`` while it is demoted.
        attributes: The other attributes, by apiName.
    """

    names: dict[str, str]
    primary: Answer | None
    attributes: dict[str, Answer] = field(factory=dict)

    def copy(self) -> Version:
        """Return a version that can be changed on its own."""
        return evolve(self, names=dict(self.names), attributes=dict(self.attributes))


@define
class CustomActivityType:
    """A custom activity type.

    Attributes:
        id: Its number.
        name: Its apiName.
        made: When it was made, as the API writes it.
        changed: When it was last changed, as the API writes it.
        draft: The version being worked on.
        approved: The version in use.
    """

    id: int
    name: str
    made: str
    changed: str
    draft: Version | None = None
    approved: Version | None = None

    @property
    def status(self) -> str:
        """``draft``, ``approved`` or ``approved with draft``."""
        if self.approved is None:
            return "draft"
        return "approved" if self.draft is None else "approved with draft"

    def sketch(self) -> Version:
        """Return a copy of the draft, or of the approved version when there is none."""
        version = self.draft or self.approved
        assert version is not None
        return version.copy()

    def brief(self, version: Version) -> Answer:
        """Return the type as the list of custom types shows it."""
        return {
            "id": self.id,
            "apiName": self.name,
            **version.names,
            "status": self.status,
            "createdAt": self.made,
            "updatedAt": self.changed,
        }

    def show(self, version: Version) -> Answer:
        """Return a version as the other metadata calls show it."""
        shown = self.brief(version)
        if version.primary is not None:
            shown["primaryAttribute"] = version.primary
        return {**shown, "attributes": list(version.attributes.values())}


class CustomActivityTypes:
    """Answers the calls on custom activity types.

    Every change is made to the draft; activities are checked against the approved version. Open in public material
    and chosen: a type that was never approved is described by its draft; discarding the draft of one removes it;
    approving or discarding without a draft is refused with 709, which Adobe has for assets; an unknown attribute is
    refused with 1013; a primary attribute has to be demoted before another can be promoted (1003), and without one a
    type cannot be approved (1003).

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._types: dict[str, CustomActivityType] = {}
        self._numbers = itertools.count(_FIRST)

    def approved(self, number: object) -> CustomActivityType | None:
        """Return an approved type by its number, or ``None``."""
        return next((t for t in self._types.values() if t.id == number and t.approved is not None), None)

    def attribute_names(self, number: int) -> dict[str, str]:
        """Return the names of an approved type's attributes by their apiNames; standard types have none here."""
        item = self.approved(number)
        version = item.approved if item is not None else None
        return {} if version is None else {key: str(value["name"]) for key, value in version.attributes.items()}

    def in_use(self) -> list[Answer]:
        """Return the approved types as the list of all activity types shows them."""
        shown: list[Answer] = []
        for item in self._types.values():
            if item.approved is not None:
                whole, version = item.show(item.approved), item.approved
                found: Answer = {key: whole[key] for key in ("id", "name", "description", "apiName") if key in whole}
                if version.primary is not None:
                    found["primaryAttribute"] = _plain(version.primary)
                shown.append({**found, "attributes": [_plain(each) for each in version.attributes.values()]})
        return shown

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/external/types.json``."""
        versions = [(item, item.approved or item.sketch()) for item in self._types.values()]
        return {"result": [item.brief(version) for item, version in versions]}

    def describe(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/activities/external/type/{apiName}/describe.json``.

        Raises:
            Refusal: 1013, no such type, or no draft where one is asked for.
        """
        item = self._need(name)
        version = item.draft if given.flag("draft") else item.approved or item.draft
        if version is None:
            raise Refusal("1013", f"Draft of activity type '{name}' not found")
        return {"result": [item.show(version)]}

    def create(self, given: Parameters) -> Answer:
        """``POST /rest/v1/activities/external/type.json``: makes a draft.

        Raises:
            Refusal: 1002 or 1003, a part is missing or bad; 1017, the name is taken; 1027, too many types.
        """
        body = given.json_object()
        name = _word(body, "apiName")
        names = {key: _word(body, key) for key in _WORDS}
        if not _NAME.fullmatch(name):
            raise Refusal("1003", f"Invalid value for field 'apiName' and value '{name}'")
        if name in self._types:
            raise Refusal("1017", f"Activity type '{name}' already exists")
        if len(self._types) >= _MOST_TYPES:
            raise Refusal("1027", f"The number of activity types exceeds the limit of {_MOST_TYPES}")
        if body.get("description"):
            names["description"] = str(body["description"])
        primary = _primary(body.get("primaryAttribute"))
        now = second(self._clock.now())
        made = CustomActivityType(next(self._numbers), name, now, now, Version(names, primary))
        self._types[name] = made
        return self._changed(made)

    def change(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}.json``: all members are optional."""
        item, body = self._need(name), given.json_object()
        version = item.sketch()
        for key in (*_WORDS, "description"):
            if body.get(key) is not None:
                version.names[key] = _word(body, key)
        if body.get("primaryAttribute") is not None:
            held = version.primary or {}
            raw = body["primaryAttribute"]
            version.primary = _primary({**held, **raw} if isinstance(raw, dict) else raw)
        item.draft = version
        return self._changed(item)

    def approve(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/approve.json``."""
        item = self._need(name)
        if item.draft is None:
            raise Refusal("709", f"Activity type '{name}' has no draft")
        if item.draft.primary is None:
            raise Refusal("1003", f"Activity type '{name}' has no primary attribute")
        item.approved, item.draft = item.draft, None
        return self._changed(item)

    def discard(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/discardDraft.json``."""
        item = self._need(name)
        if item.draft is None:
            raise Refusal("709", f"Activity type '{name}' has no draft")
        dropped, item.draft = item.draft, None
        if item.approved is None:
            del self._types[name]
            return {"result": [{**item.show(dropped), "status": "deleted"}]}
        return self._changed(item)

    def delete(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/delete.json``; activities of the type stay."""
        item = self._need(name)
        del self._types[name]
        return {"result": [{**item.show(item.approved or item.sketch()), "status": "deleted"}]}

    def add_attributes(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/attributes/create.json``: all of them, or none.

        Raises:
            Refusal: 1002 or 1003, a part is missing or bad; 1017, the name is taken; 1028, too many attributes.
        """
        item = self._need(name)
        version = item.sketch()
        for record in given.records(given.json_object(), "attributes"):
            made = _attribute(record)
            key = str(made["apiName"])
            if key in version.attributes or (version.primary or {}).get("apiName") == key:
                raise Refusal("1017", f"Attribute '{key}' already exists")
            _place(version, made, record.get("isPrimary"))
        return self._put(item, version)

    def change_attributes(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/attributes/update.json``; the apiName is the key."""
        item = self._need(name)
        version = item.sketch()
        for record in given.records(given.json_object(), "attributes"):
            key = _word(record, "apiName")
            first = version.primary if (version.primary or {}).get("apiName") == key else None
            held = first or version.attributes.get(key)
            if held is None:
                raise Refusal("1013", f"Attribute '{key}' not found")
            made = _attribute({**held, **record})
            stays = record.get("isPrimary", first is not None)
            if first is not None:
                version.primary = None
            if stays is True:
                version.attributes.pop(key, None)
            _place(version, made, stays)
        return self._put(item, version)

    def drop_attributes(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/activities/external/type/{apiName}/attributes/delete.json``."""
        item = self._need(name)
        version = item.sketch()
        for record in given.records(given.json_object(), "attributes"):
            key = _word(record, "apiName")
            if version.attributes.pop(key, None) is None:
                raise Refusal("1013", f"Attribute '{key}' not found")
        return self._put(item, version)

    def _put(self, item: CustomActivityType, version: Version) -> Answer:
        if len(version.attributes) > _MOST_ATTRIBUTES:
            raise Refusal("1028", f"The number of attributes exceeds the limit of {_MOST_ATTRIBUTES}")
        item.draft = version
        return self._changed(item)

    def _changed(self, item: CustomActivityType) -> Answer:
        item.changed = second(self._clock.now())
        version = item.draft or item.approved
        assert version is not None
        return {"result": [item.show(version)]}

    def _need(self, name: str) -> CustomActivityType:
        item = self._types.get(name)
        if item is None:
            raise Refusal("1013", f"Activity type '{name}' not found")
        return item


def _plain(attribute: Answer) -> Answer:
    return {key: attribute[key] for key in ("apiName", "name", "dataType")}


def _place(version: Version, made: Answer, primary: object) -> None:
    if primary is not True:
        version.attributes[str(made["apiName"])] = made
        return
    if version.primary is not None:
        raise Refusal("1003", f"'{version.primary['apiName']}' is the primary attribute already")
    version.primary = made


def _attribute(record: Mapping[str, object]) -> Answer:
    key, kind = _word(record, "apiName"), _word(record, "dataType")
    if kind not in _DATA_TYPES or not _NAME.fullmatch(key):
        raise Refusal("1003", f"Invalid value for attribute '{key}'")
    made: Answer = {"apiName": key, "name": _word(record, "name"), "dataType": kind}
    if record.get("description"):
        made["description"] = str(record["description"])
    return made


def _primary(raw: object) -> Answer:
    if not isinstance(raw, dict):
        raise missing("primaryAttribute")
    return _attribute({**raw, "dataType": "string"})


def _word(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise missing(key)
    return value
