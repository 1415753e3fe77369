"""Making and changing custom object types (Adobe, "Custom Objects", "Custom Object Types")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import evolve

from ..envelope import Answer, Refusal, missing
from ..parameters import Parameters
from ..persons import People
from .custom import CustomObjects
from .definition import Link, ObjectField, completed
from .standard import GUID
from .versions import DATA_TYPES, CustomType, Version

_MOST_TYPES = 10
_MOST_FIELDS = 50
_MOST_LATER = 20
_MOST_DEDUPE = 3
_NAME = re.compile(r"[A-Za-z0-9_]+")
_LABEL = re.compile(r"[A-Za-z0-9_ ]+")
_STATES = ("draft", "approved", "approvedWithDraft")
_ACTIONS = ("createOrUpdate", "createOnly", "updateOnly")


class CustomObjectTypes:
    """Answers the schema calls; each that writes answers with an empty ``result``.

    Adobe names the limits (10 types, 50 fields, 20 more after the first approval, one to three key fields) and what an
    approval fixes (names, links and keys), and 616 and 1048. Which codes other refusals have is open and chosen: 1013
    for an unknown type or field, 1017 for a name that is taken, 1022 for a type that another links to, 1003 for the
    rest. Spaces are allowed in display names, as Adobe's own examples have them.

    Args:
        custom: The custom objects.
        people: The people, whose fields links may point to.
        sold: Whether the subscription has these calls; without, they are refused with 616.
    """

    def __init__(self, custom: CustomObjects, people: People, *, sold: bool) -> None:
        self._custom = custom
        self._people = people
        self._sold = sold

    def guarded(self, endpoint: Callable[..., Answer]) -> Callable[..., Answer]:
        """Return an endpoint that only subscriptions with these calls have."""

        def answer(given: Parameters, *parts: str) -> Answer:
            if not self._sold:
                raise Refusal("616", "Invalid subscription type")
            return endpoint(given, *parts)

        return answer

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/customobjects/schema.json``."""
        names, state = given.many("names"), _state(given)
        found = [item for item in self._custom.types.values() if not names or item.name in names]
        shown = [_show(item, state) for item in found]
        return {"result": [each for each in shown if each is not None]}

    def describe(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/customobjects/schema/{apiName}/describe.json``."""
        shown = _show(self._need(name), _state(given))
        if shown is None:
            raise Refusal("1013", f"Object '{name}' not found")
        return {"result": [shown]}

    def sync(self, given: Parameters) -> Answer:
        """``POST /rest/v1/customobjects/schema.json``."""
        body = given.json_object()
        action = body.get("action") or "createOrUpdate"
        if action not in _ACTIONS:
            raise Refusal("1003", f"Invalid value '{action}' for parameter 'action'")
        name = _text(body, "apiName", _NAME)
        known = self._custom.types.get(name)
        if known is None:
            if action == "updateOnly":
                raise Refusal("1013", f"Object '{name}' not found")
            self.add_type(name, _text(body, "displayName", _LABEL), body)
        elif action == "createOnly":
            raise Refusal("1017", f"Object '{name}' already exists")
        else:
            _change(known, body)
        return {"result": []}

    def add_type(self, name: str, label: str, body: Mapping[str, object]) -> CustomType:
        """Make a type with an empty draft.

        Raises:
            Refusal: 1003 or 1017, too many types or a label that is taken.
        """
        types = self._custom.types
        if len(types) >= _MOST_TYPES:
            raise Refusal("1003", f"The number of custom object types exceeds the limit of {_MOST_TYPES}")
        if any(version.label == label for item in types.values() for version in (item.draft, item.approved) if version):
            raise Refusal("1017", f"Object '{label}' already exists")
        made = types[name] = CustomType(name, Version(label))
        _change(made, body)
        return made

    def add_fields(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/addField.json``: all of them, or none."""
        item = self._need(name)
        self.put(item, [self._field(record) for record in given.records(given.json_object())])
        return {"result": []}

    def put(self, item: CustomType, fields: list[ObjectField]) -> None:
        """Add fields to a type's draft.

        Raises:
            Refusal: 1003 or 1017, a limit is passed, a name is taken, or an approval fixed keys and links.
        """
        version = item.sketch()
        held = version.fields
        for field in fields:
            if field.name in held or field.name in (GUID.name, "createdAt", "updatedAt"):
                raise Refusal("1017", f"Field '{field.name}' already exists")
            if item.approved is not None and (field.dedupe or field.link is not None):
                raise Refusal("1003", "Dedupe and link fields cannot be added to an approved object")
            held[field.name] = field
        later = item.later + len(fields) if item.approved is not None else 0
        dedupe = sum(field.dedupe for field in held.values())
        for count, most, what in (
            (len(held), _MOST_FIELDS, "fields"),
            (later, _MOST_LATER, "fields added after approval"),
            (dedupe, _MOST_DEDUPE, "dedupe fields"),
        ):
            if count > most:
                raise Refusal("1003", f"The number of {what} exceeds the limit of {most}")
        item.draft, item.later = version, later

    def change_field(self, given: Parameters, name: str, field_name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/{fieldApiName}/updateField.json``."""
        item = self._need(name)
        version = item.sketch()
        held = version.fields.get(field_name)
        if held is None:
            raise Refusal("1013", f"Field '{field_name}' not found")
        body = given.json_object()
        whole = {
            "name": field_name,
            "displayName": held.label,
            "dataType": "link" if held.link is not None else held.type,
            "description": held.description,
            "isDedupeField": held.dedupe,
            **({} if held.link is None else {"relatedTo": {"name": held.link.object, "field": held.link.field}}),
        }
        made = self._field({**whole, **body})
        fixed = (made.dedupe, made.link) != (held.dedupe, held.link)
        if item.approved is not None and field_name in item.approved.fields and (fixed or made.name != field_name):
            raise Refusal("1003", "Names, dedupe and link fields of an approved object cannot be changed")
        version.fields = {
            made.name if key == field_name else key: made if key == field_name else value
            for key, value in version.fields.items()
        }
        item.draft = version
        return {"result": []}

    def drop_fields(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/deleteField.json``: all of them, or none."""
        item = self._need(name)
        version = item.sketch()
        names = [_text(record, "name", _NAME) for record in given.records(given.json_object())]
        for each in names:
            held = version.fields.get(each)
            if held is None:
                raise Refusal("1013", f"Field '{each}' not found")
            if item.approved is not None and (held.dedupe or held.link is not None):
                raise Refusal("1003", "Dedupe and link fields cannot be removed from an approved object")
        version.fields = {key: value for key, value in version.fields.items() if key not in names}
        item.draft = version
        return {"result": []}

    def approve(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/approve.json``."""
        self.publish(self._need(name))
        return {"result": []}

    def publish(self, item: CustomType) -> None:
        """Approve a type's draft.

        Raises:
            Refusal: 1003, there is none, or it has no key.
        """
        if item.draft is None:
            raise Refusal("1003", f"Object '{item.name}' has no draft")
        if not item.draft.dedupe():
            raise Refusal("1003", f"Object '{item.name}' has no dedupe field")
        self._custom.publish(item)

    def discard(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/discardDraft.json``."""
        item = self._need(name)
        if item.draft is None:
            raise Refusal("1048", "Custom Object Discard Draft Failed")
        item.draft = None
        if item.approved is None:
            del self._custom.types[name]
        return {"result": []}

    def delete(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/schema/{apiName}/delete.json``: an approved type with its records."""
        item = self._need(name)
        if item.approved is None:
            raise Refusal("1013", f"Object '{name}' not found")
        for other in self._custom.types.values():
            for version in (other.draft, other.approved):
                if version and any(field.link and field.link.object == name for field in version.fields.values()):
                    raise Refusal("1022", "Object in use")
        del self._custom.types[name]
        return {"result": []}

    def data_types(self, given: Parameters) -> Answer:
        """``GET /rest/v1/customobjects/schema/fieldDataTypes.json``."""
        return {"result": list(DATA_TYPES)}

    def linkable(self, given: Parameters) -> Answer:
        """``GET /rest/v1/customobjects/schema/linkableObjects.json``: labels stand for the fields of people."""
        people = sorted(
            ({"name": item.label, "displayName": item.label, "dataType": item.type} for item in self._person_fields()),
            key=lambda shown: shown["name"],
        )
        result: list[Answer] = [
            {"name": "lead", "displayName": "Lead", "fields": people},
            {
                "name": "company",
                "displayName": "Company",
                "fields": [{"name": "Id", "displayName": "Id", "dataType": "integer"}],
            },
        ]
        for item in self._custom.types.values():
            if item.approved is not None and not item.approved.relationships():
                fields = [completed(GUID), *(field for field in item.approved.fields.values() if field.dedupe)]
                shown = [{"name": field.name, "displayName": field.label, "dataType": field.type} for field in fields]
                result.append({"name": item.name, "displayName": item.approved.label, "fields": shown})
        return {"result": result}

    def dependents(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/customobjects/schema/{apiName}/dependentAssets.json``; there are no assets here."""
        self._need(name)
        return {"result": []}

    def resolve(self, field: ObjectField) -> ObjectField:
        """Return a field with the type and name of what it links to.

        Raises:
            Refusal: 1013, it links to nothing that can be linked to.
        """
        if field.link is None:
            return completed(field)
        target, wanted = field.link.object.lower(), field.link.field.lower()
        options: list[tuple[str, str, str]] = []
        if target == "lead":
            options = [(item.name, item.label, item.type) for item in self._person_fields()]
        elif target == "company":
            options = [("id", "Id", "integer")]
        else:
            target = field.link.object
            known = self._custom.types.get(target)
            if known is not None and known.approved is not None and not known.approved.relationships():
                keys = [item for item in known.approved.fields.values() if item.dedupe]
                options = [(item.name, item.label, item.type) for item in [completed(GUID), *keys]]
        for name, label, kind in options:
            if wanted in (name.lower(), label.lower()):
                return completed(evolve(field, type=kind, link=Link(target, name)))
        raise Refusal("1013", f"Object '{field.link.object}' has no link field '{field.link.field}'")

    def _person_fields(self) -> list[ObjectField]:
        return [
            ObjectField(item.name, item.type, label=item.label)
            for item in self._people.fields
            if item.name in ("id", "email")
            or (
                item.type in ("string", "integer", "email") and (item.custom or item.label.startswith("Marketo Social"))
            )
        ]

    def _field(self, record: Mapping[str, object]) -> ObjectField:
        kind = _text(record, "dataType", _NAME)
        if kind not in DATA_TYPES:
            raise Refusal("1003", f"Invalid value for field 'dataType' and value '{kind}'")
        link: Link | None = None
        if kind == "link":
            raw = record.get("relatedTo")
            if not isinstance(raw, dict):
                raise missing("relatedTo")
            link = Link(_text(raw, "name", _NAME), _text(raw, "field", _LABEL))
        return self.resolve(
            ObjectField(
                _text(record, "name", _NAME),
                kind,
                label=_text(record, "displayName", _LABEL),
                dedupe=record.get("isDedupeField") is True,
                link=link,
                description=str(record.get("description") or ""),
            )
        )

    def _need(self, name: str) -> CustomType:
        found = self._custom.types.get(name)
        if found is None:
            raise Refusal("1013", f"Object '{name}' not found")
        return found


def _change(item: CustomType, body: Mapping[str, object]) -> None:
    label = body.get("displayName")
    version = item.sketch()
    if label is not None and label != version.label:
        if item.approved is not None:
            raise Refusal("1003", "The displayName of an approved object cannot be changed")
        version.label = _text(body, "displayName", _LABEL)
    version.plural = str(body.get("pluralName") or version.plural)
    version.description = str(body.get("description") or version.description)
    version.in_lead_detail = body.get("showInLeadDetail", version.in_lead_detail) is True
    item.draft = version


def _show(item: CustomType, state: str | None) -> Answer | None:
    """Return the version that a state asks for: the approved one, or the draft, when none is named."""
    if state is None:
        return item.show(draft=item.approved is None)
    if state == "approved":
        return item.show(draft=False) if item.approved is not None else None
    if state == "draft":
        return item.show(draft=True) if item.draft is not None else None
    return item.show(draft=True) if item.state == "approvedWithDraft" else None


def _state(given: Parameters) -> str | None:
    state = given.one("state")
    if state is not None and state not in _STATES:
        raise Refusal("1003", f"Invalid value '{state}' for parameter 'state'")
    return state


def _text(body: Mapping[str, object], key: str, shape: re.Pattern[str]) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise missing(key)
    if not shape.fullmatch(value):
        raise Refusal("1003", f"Invalid value for field '{key}' and value '{value}'")
    return value
