"""What the instance says about its companies, sales persons, opportunities, roles and custom objects."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import evolve, frozen

from ...entities import EntityDefinition, FieldInfo, MarketoObject, ObjectInfo
from ...errors import ConfigurationError, NativeSyncError, RequestRejectedError, ResponseError, ServiceError
from .codes import CRM_ENABLED
from .envelope import SERVICE
from .session import Call, Kind, Session
from .targets import Target, target_of

_TIMEOUT: Final = 60.0
#: The service has no object of that name, or none that can be used.
_NO_OBJECT: Final = frozenset({"610", "702", "1013", "1026"})
_TYPES: Final = "/rest/v1/customobjects/schema.json"
#: Fields that can't be changed later but be given to a new record, beside the key (Adobe, "Sales Persons").
_GIVEN_ONCE: Final[Mapping[str, frozenset[str]]] = {"salesperson": frozenset({"email"})}


@frozen
class ObjectSchema:
    """One object of an instance.

    Attributes:
        info: Its fields in the form both services share.
        dedupe: Fields that the service tells its records apart by.
        parents: Custom objects that its records link to.
        crm_managed: Fields that a native CRM sync owns.
    """

    info: ObjectInfo
    dedupe: tuple[str, ...]
    parents: frozenset[str] = frozenset()
    crm_managed: frozenset[str] = frozenset()


class ObjectSchemas:
    """Keeps the descriptions until it is told to forget them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[str, ObjectSchema] = {}
        self._parents: dict[str, frozenset[str]] = {}

    def get(self, definition: EntityDefinition) -> ObjectSchema:
        """Return the description of the object that an entity lives in, asking for it if it isn't known.

        Raises:
            ConfigurationError: The custom object isn't there or has no approved version, or its records are told apart
                by other fields than the entity says.
            NativeSyncError: A native CRM sync keeps the object to itself.
            ServiceError: The service can't be reached or refuses us.
        """
        item = definition.marketo
        with self._lock:
            schema = self._known.get(item.name)
            if schema is None:
                schema = self._ask(definition)
                self._known[item.name] = schema
                self._parents[item.name] = schema.parents
        _require_key(definition, schema)
        return schema

    def forget(self) -> None:
        """Ask again next time."""
        with self._lock:
            self._known.clear()

    def depth(self, name: str, above: frozenset[str] = frozenset()) -> int:
        """Return how many custom objects stand above one, as far as is known; links in a circle count once."""
        parents = self._parents.get(name, frozenset()) - above - {name}
        return max((1 + self.depth(parent, above | {name}) for parent in parents), default=0)

    def _ask(self, definition: EntityDefinition) -> ObjectSchema:
        item = definition.marketo
        target = target_of(item)
        call = Call(
            f"reading the fields of {target.words}",
            f"{target.path}/describe.json",
            Kind.METADATA,
            target.reads,
            timeout=_TIMEOUT,
        )
        try:
            result = self._session.send(call).result
        except RequestRejectedError as error:
            if error.code == CRM_ENABLED:
                raise NativeSyncError(f"{definition.name} can't be synced: {error}") from error
            if target.is_custom and error.code in _NO_OBJECT:
                raise ConfigurationError(self._missing(definition)) from error
            raise
        if not result and target.is_custom:
            raise ConfigurationError(self._missing(definition))
        return _read(item, target, result[0] if result else {})

    def _missing(self, definition: EntityDefinition) -> str:
        """Return what to say of a custom object that can't be described."""
        name = definition.marketo.name
        if self._is_draft(name):
            return (
                f"{definition.name} lives in the Marketo custom object {name!r}, which has no approved version. "
                "Approve it under Admin > Marketo Custom Objects"
            )
        return (
            f"{definition.name} lives in the Marketo custom object {name!r}, which isn't there or has no approved "
            "version. Create and approve it under Admin > Marketo Custom Objects, or correct the API name"
        )

    def _is_draft(self, name: str) -> bool:
        call = Call(
            "reading the custom object types",
            _TYPES,
            Kind.METADATA,
            "Read-Only Custom Object Type",
            (("names", name),),
            timeout=_TIMEOUT,
        )
        try:
            found = self._session.send(call).result
        except ServiceError:  # a right that nothing else needs, and not in every subscription
            return False
        return any(item.get("apiName") == name and item.get("state") == "draft" for item in found)


def _read(item: MarketoObject, target: Target, described: Mapping[str, object]) -> ObjectSchema:
    raw = described.get("fields")
    if not isinstance(raw, list):
        raise ResponseError(f"the description of {target.words} has no 'fields'", service=SERVICE)
    entries = [field for field in raw if isinstance(field, dict) and isinstance(field.get("name"), str)]
    spelling = {str(field["name"]).casefold(): str(field["name"]) for field in entries}

    def spelt(names: object) -> tuple[str, ...]:
        # The service spells the link field of custom objects in more than one way.
        given = names if isinstance(names, list) else []
        return tuple(spelling.get(str(name).casefold(), str(name)) for name in given)

    dedupe = spelt(described.get("dedupeFields")) or item.dedupe
    groups = described.get("searchableFields")
    searched = [spelt(group) for group in (groups if isinstance(groups, list) else [])]
    searchable = {group[0] for group in searched if len(group) == 1} | {target.id_field}
    once = _GIVEN_ONCE.get(item.name, frozenset()) | set(dedupe)
    links = {spelt([name])[0]: other for name, other in _links(described.get("relationships"))}
    fields = {
        info.name: evolve(info, targets=_targets(links, info.name)) for info in _fields(entries, searchable, once)
    }
    number = FieldInfo(target.id_field, "string", creatable=False, updatable=False, searchable=True)
    fields.setdefault(target.id_field, number)
    info = ObjectInfo(item.name, fields, primary_id=target.id_field, tracked=False)
    managed = frozenset(str(field["name"]) for field in entries if field.get("crmManaged") is True)
    return ObjectSchema(info, dedupe, frozenset(links.values()) - {"person", "company"}, managed)


def _fields(entries: list[dict[str, object]], searchable: set[str], once: frozenset[str]) -> Iterator[FieldInfo]:
    for entry in entries:
        name, kind, length = str(entry["name"]), entry.get("dataType"), entry.get("length")
        if not isinstance(kind, str):
            continue
        updatable = entry.get("updateable") is True
        yield FieldInfo(
            name,
            kind,
            creatable=updatable or name in once,
            updatable=updatable,
            max_length=length if isinstance(length, int) and length > 0 else None,
            searchable=name in searchable,
        )


def _links(raw: object) -> Iterator[tuple[str, str]]:
    """Yield each link field and the object that it points to; a person is a Lead there."""
    for link in raw if isinstance(raw, list) else []:
        other = link.get("relatedTo") if isinstance(link, dict) else None
        if isinstance(other, dict) and other.get("name"):
            name = str(other["name"])
            yield str(link.get("field")), {"lead": "person", "company": "company"}.get(name.casefold(), name)


def _targets(links: Mapping[str, str], name: str) -> tuple[str, ...]:
    return (links[name],) if name in links else ()


def _require_key(definition: EntityDefinition, schema: ObjectSchema) -> None:
    said, there = definition.marketo.dedupe, schema.dedupe
    if sorted(said) != sorted(there):
        raise ConfigurationError(
            f"{definition.name} says that Marketo tells the records of {definition.marketo.name!r} apart by "
            f"{', '.join(said)}, but they are told apart by {', '.join(there)}. Correct dedupe=... of the entity's "
            "Marketo object, and map these fields"
        )
