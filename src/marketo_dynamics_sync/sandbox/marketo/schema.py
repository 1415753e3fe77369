"""Describing person fields, and making new ones (Adobe, "Leads", "Describe" and "Lead Field Schema")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .envelope import Answer, Refusal, skipped
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
        """``POST /rest/v1/leads/schema/fields.json``. Bad records are skipped; which codes they get is a choice."""
        return {"result": [self._make(record) for record in given.records(given.json_object())]}

    def _make(self, record: Mapping[str, object]) -> Answer:
        for need in ("displayName", "name", "dataType"):
            if not isinstance(record.get(need), str) or not record[need]:
                return skipped("1002", f"Missing value for required parameter '{need}'")
        name, kind = str(record["name"]), str(record["dataType"])
        if kind not in _CREATED_TYPES:
            return skipped("1001", f"Invalid value '{kind}'. Required of type 'dataType'")
        if not _NAME.fullmatch(name):
            return skipped("1003", f"Invalid value for field 'name' and value '{name}'")
        if name in self._fields:
            return skipped("1017", f"Field '{name}' already exists")
        if sum(item.by_api for item in self._fields) >= _MOST_CREATED:
            return skipped("1003", f"The number of fields created by API exceeds the limit of {_MOST_CREATED}")
        label, about = str(record["displayName"]), str(record.get("description") or "")
        self._fields.add(PersonField(name, kind, label=label, by_api=True, description=about))
        return {"name": name, "status": "created"}


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
        "isHidden": False,
        "isHtmlEncodingInEmail": True,
        "isSensitive": False,
        "isCustom": item.custom,
        "isApiCreated": item.by_api,
    }
