"""Describing person fields, and making new ones (Adobe, "Leads", "Describe" and "Lead Field Schema")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from .envelope import Answer, Refusal, missing
from .fields import Fields, PersonField
from .parameters import Parameters
from .tokens import BadToken, Tokens

_CREATED_TYPES = (
    "boolean",
    "currency",
    "date",
    "datetime",
    "email",
    "float",
    "integer",
    "percent",
    "phone",
    "score",
    "string",
    "url",
)
_MOST_CREATED = 100
#: Types that mails encode as HTML, as Adobe's examples of schema calls have it.
_TEXTS = ("string", "email", "phone", "url", "text")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Schema:
    """Answers about the person fields of one instance.

    Args:
        fields: The fields.
        tokens: Makes paging tokens.
    """

    def __init__(self, fields: Fields, tokens: Tokens) -> None:
        self._fields = fields
        self._tokens = tokens

    def describe(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/describe.json``; one entry has no ``rest`` part, as real instances have."""
        result: list[Answer] = [
            {
                "id": item.id,
                "displayName": item.label,
                **_type(item),
                "rest": {"name": item.name, "readOnly": not item.updateable},
                "soap": {"name": item.name[:1].upper() + item.name[1:], "readOnly": not item.updateable},
            }
            for item in self._fields
        ]
        soap = {"name": "OldField", "readOnly": True}
        result.append({"id": 793, "displayName": "Old Field", "dataType": "string", "length": 255, "soap": soap})
        return {"result": result}

    def describe2(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/describe2.json``."""
        fields: list[Answer] = [
            {
                "name": item.name,
                "displayName": item.label,
                **_type(item),
                "updateable": item.updateable,
                "crmManaged": item.crm_managed,
            }
            for item in self._fields
        ]
        searchable = [[name] for name in self._fields.searchable()]
        return {"result": [{"name": "API Lead", "searchableFields": searchable, "fields": fields}]}

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/schema/fields.json``."""
        token = given.one("nextPageToken")
        try:
            start = self._tokens.read("schema", token) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        everything, end = list(self._fields), start + given.size()
        answer: Answer = {
            "result": [_show(item) for item in everything[start:end]],
            "moreResult": end < len(everything),
        }
        if end < len(everything):
            answer["nextPageToken"] = self._tokens.make("schema", end)
        return answer

    def one(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/leads/schema/fields/{name}.json``; an unknown name is refused with 1006, a choice."""
        item = self._fields.get(name)
        if item is None:
            raise Refusal("1006", f"Field '{name}' not found")
        return {"result": [_show(item)]}

    def create(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/schema/fields.json``: all fields, or none.

        Adobe's specification knows the outcomes "created" and "updated" alone, so a bad record refuses the whole call;
        which code it gets is a choice.

        Raises:
            Refusal: 1001, 1002, 1003 or 1017, a record cannot be a field.
        """
        records = given.records(given.json_object())
        made = [_new(record) for record in records]
        if sum(item.by_api for item in self._fields) + len(made) > _MOST_CREATED:
            raise Refusal("1003", f"The number of fields created by API exceeds the limit of {_MOST_CREATED}")
        names: set[str] = set()
        for item in made:
            if item.name in self._fields or item.name in names:
                raise Refusal("1017", f"Field '{item.name}' already exists")
            names.add(item.name)
        for item in made:
            self._fields.add(item)
        return {"result": [{"name": item.name, "status": "created"} for item in made]}

    def change(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/leads/schema/fields/{name}.json``: one record with the attributes to change.

        Adobe's page "Leads", "Update Field", says which attribute of which field can be changed; that a change which
        is not allowed refuses the call with 1003 is a choice.

        Raises:
            Refusal: 1006, no such field; 1003, not one record, or an attribute that cannot be changed.
        """
        item = self._fields.get(name)
        if item is None:
            raise Refusal("1006", f"Field '{name}' not found")
        records = given.records(given.json_object())
        if len(records) != 1:
            raise Refusal("1003", "'input' must hold a single field")
        record = records[0]
        allowed = {"description", "isHtmlEncodingInEmail", "isSensitive"}
        if item.custom:
            allowed.add("displayName")
        if item.by_api:
            allowed.add("isHidden")
        for key in record:
            if key not in allowed:
                raise Refusal("1003", f"Attribute '{key}' of field '{name}' cannot be updated")
        self._fields.change(
            evolve(
                item,
                label=str(record.get("displayName") or item.label),
                description=str(record.get("description", item.description) or ""),
                hidden=record.get("isHidden", item.hidden) is True,
                html_encoded=_flag(record, "isHtmlEncodingInEmail", item.html_encoded),
                sensitive=record.get("isSensitive", item.sensitive) is True,
            )
        )
        return {"result": [{"name": name, "status": "updated"}]}


def _new(record: Mapping[str, object]) -> PersonField:
    for need in ("displayName", "name", "dataType"):
        if not isinstance(record.get(need), str) or not record[need]:
            raise missing(need)
    name, kind = str(record["name"]), str(record["dataType"])
    if kind not in _CREATED_TYPES:
        raise Refusal("1001", f"Invalid value '{kind}'. Required of type 'dataType'")
    if not _NAME.fullmatch(name):
        raise Refusal("1003", f"Invalid value for field 'name' and value '{name}'")
    return PersonField(
        name,
        kind,
        label=str(record["displayName"]),
        by_api=True,
        description=str(record.get("description") or ""),
        hidden=record.get("isHidden") is True,
        html_encoded=_flag(record, "isHtmlEncodingInEmail"),
        sensitive=record.get("isSensitive") is True,
    )


def _flag(record: Mapping[str, object], key: str, usual: bool | None = None) -> bool | None:
    value = record.get(key)
    return value if isinstance(value, bool) else usual


def _type(item: PersonField) -> Answer:
    kind: Answer = {"dataType": item.type}
    if item.length is not None:
        kind["length"] = item.length
    return kind


def _show(item: PersonField) -> Answer:
    return {
        "displayName": item.label,
        "name": item.name,
        "description": item.description or None,
        **_type(item),
        "isHidden": item.hidden,
        "isHtmlEncodingInEmail": item.type in _TEXTS if item.html_encoded is None else item.html_encoded,
        "isSensitive": item.sensitive,
        "isCustom": item.custom,
        "isApiCreated": item.by_api,
    }
