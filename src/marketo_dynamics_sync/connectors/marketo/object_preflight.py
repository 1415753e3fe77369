"""The preflight's lines for objects beside persons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define

from ...entities import EntityDefinition, Side
from ...errors import PermissionDeniedError, RequestRejectedError, ServiceError, SyncError
from ..protocol import Check
from .codes import CRM_ENABLED, DISCONNECT
from .lookup import by_values
from .object_schema import ObjectSchema, ObjectSchemas
from .session import Call, Kind, Session
from .targets import Target, target_of

_NOBODY: Final = {"id": "0", "marketoGUID": "00000000-0000-0000-0000-000000000000"}


@define
class ObjectPreflight:
    """Looks at the objects that entities live in, each once.

    Attributes:
        session: Makes the calls.
        schemas: Describes the objects.
    """

    session: Session
    schemas: ObjectSchemas

    def run(self, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
        """Yield two lines for each object; never raises for what a line can say."""
        met: set[str] = set()
        for definition in definitions:
            target = target_of(definition.marketo)
            if target.is_person or target.name in met:
                continue
            met.add(target.name)
            schema: ObjectSchema | None = None
            try:
                schema = self.schemas.get(definition)
                # Adobe's pages disagree on what a native sync leaves of the reads, so one is tried.
                list(by_values(self.session, target, target.id_field, [_NOBODY[target.id_field]], [target.id_field]))
                detail = f"{len(schema.info.fields)} fields, told apart by {', '.join(schema.dedupe)}"
                yield _passed(f"read {target.words}", detail)
            except SyncError as error:
                yield _failed(f"read {target.words}", error, target.reads)
            yield self._writable(target, schema)

    def _writable(self, target: Target, schema: ObjectSchema | None) -> Check:
        name = f"write {target.words}"
        if schema is None:
            return Check(name, passed=False, detail="not tried", remedy="see to reading them first", side=Side.MARKETO)
        if schema.crm_managed and target.crm_owned:
            return Check(
                name,
                passed=False,
                detail=f"{len(schema.crm_managed)} of their fields are managed by a CRM, so they are read-only",
                remedy=DISCONNECT,
                side=Side.MARKETO,
            )
        refused = refusal(self.session, target)
        if refused is not None:
            return _failed(name, refused, target.writes)
        return _passed(name, f"the role has the permission {target.writes!r}; tried with a write without a record")


def refusal(session: Session, target: Target) -> SyncError | None:
    """Return why records of an object can't be written, found out by a write without a record: it writes nothing, and
    is refused for a missing right or a native sync all the same."""
    call = Call(
        f"writing {target.words}",
        f"{target.path}.json",
        Kind.METADATA,
        target.writes,
        body={"action": "updateOnly", "dedupeBy": "dedupeFields", "input": []},
    )
    try:
        session.send(call)
    except RequestRejectedError as error:
        return error if error.code == CRM_ENABLED else None
    except SyncError as error:
        return error
    return None


def _passed(name: str, detail: str) -> Check:
    return Check(name, passed=True, detail=detail, side=Side.MARKETO)


def _failed(name: str, error: SyncError, permission: str) -> Check:
    if isinstance(error, PermissionDeniedError):
        remedy = f"give the API user's role the permission {permission!r} (Admin > Users & Roles)"
    elif isinstance(error, ServiceError) and error.code == CRM_ENABLED:
        remedy = DISCONNECT
    else:
        remedy = "see the message"
    return Check(name, passed=False, detail=str(error), remedy=remedy, side=Side.MARKETO)
