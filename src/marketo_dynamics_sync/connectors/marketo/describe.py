"""What Marketo says about its person fields."""

from __future__ import annotations

from ...entities import FieldInfo, ObjectInfo
from ...errors import ResponseError

PATH = "/rest/v1/leads/describe2.json"


def person_object(answer: dict[str, object]) -> ObjectInfo:
    """Return the person object from a describe2 answer.

    Raises:
        ResponseError: The answer has no fields.
    """
    result = answer.get("result")
    first = result[0] if isinstance(result, list) and result else None
    if not isinstance(first, dict) or not isinstance(first.get("fields"), list):
        raise ResponseError("describe2 lists no fields", service="marketo")
    searchable = {names[0] for names in first.get("searchableFields", []) if len(names) == 1}
    fields = {}
    for raw in first["fields"]:
        name = str(raw.get("name"))
        length = raw.get("length")
        updatable = bool(raw.get("updateable", True))
        fields[name] = FieldInfo(
            name,
            str(raw.get("dataType", "string")),
            creatable=updatable,
            updatable=updatable,
            max_length=length if isinstance(length, int) else None,
            searchable=name in searchable,
        )
    return ObjectInfo("person", fields, primary_id="id")


def crm_managed(answer: dict[str, object]) -> list[str]:
    """Return names of fields that a native CRM sync owns."""
    result = answer.get("result")
    first = result[0] if isinstance(result, list) and result else {}
    return [str(raw["name"]) for raw in first.get("fields", []) if raw.get("crmManaged")]
