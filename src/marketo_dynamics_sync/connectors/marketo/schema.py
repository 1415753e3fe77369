"""What the instance says about its person fields, asked once per cycle."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ...entities import FieldInfo, ObjectInfo
from ...errors import ResponseError
from .codes import READ_PERSONS
from .envelope import SERVICE
from .session import Call, Kind, Session

_DESCRIBE: Final = Call(
    "reading the person fields", "/rest/v1/leads/describe2.json", Kind.METADATA, READ_PERSONS, timeout=60.0
)


@frozen
class PersonSchema:
    """The person fields of an instance.

    Attributes:
        info: The fields in the form both services share.
        labels: Name in the user interface by REST API name.
        crm_managed: Fields that a native CRM sync owns.
    """

    info: ObjectInfo
    labels: Mapping[str, str]
    crm_managed: frozenset[str]


class Schema:
    """Keeps the description until it is told to forget it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: PersonSchema | None = None

    @property
    def known(self) -> PersonSchema | None:
        """What was described, without asking."""
        with self._lock:
            return self._known

    def get(self) -> PersonSchema:
        """Return the description, asking for it if it isn't known."""
        with self._lock:
            if self._known is None:
                self._known = _read(self._session.send(_DESCRIBE).result)
            return self._known

    def forget(self) -> None:
        """Ask again next time."""
        with self._lock:
            self._known = None


def _read(result: tuple[Mapping[str, object], ...]) -> PersonSchema:
    described = result[0] if result else {}
    raw = described.get("fields")
    if not isinstance(raw, list):
        raise ResponseError("the description of the person object has no 'fields'", service=SERVICE)
    searchable = _searchable(described.get("searchableFields"))
    fields: dict[str, FieldInfo] = {}
    labels: dict[str, str] = {}
    managed: set[str] = set()
    for item in raw:
        if not isinstance(item, dict):
            continue
        name, kind, length = item.get("name"), item.get("dataType"), item.get("length")
        if not isinstance(name, str) or not isinstance(kind, str):
            continue
        updatable = item.get("updateable") is True
        fields[name] = FieldInfo(
            name,
            kind,
            creatable=updatable,
            updatable=updatable,
            max_length=length if isinstance(length, int) and length > 0 else None,
            searchable=name in searchable,
        )
        labels[name] = str(item.get("displayName") or name)
        if item.get("crmManaged") is True:
            managed.add(name)
    fields.setdefault("id", FieldInfo("id", "integer", creatable=False, updatable=False, searchable=True))
    return PersonSchema(ObjectInfo("person", fields), labels, frozenset(managed))


def _searchable(raw: object) -> set[str]:
    """Return the fields that people can be looked up by alone; the list holds a list for each way of looking up."""
    groups = raw if isinstance(raw, list) else []
    return {group[0] for group in groups if isinstance(group, list) and len(group) == 1 and isinstance(group[0], str)}
