"""The preflight's lines for Marketo: what is in order, and what to do where it isn't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define

from ...entities import EntityDefinition, Side
from ...errors import (
    AuthenticationError,
    ClockSkewError,
    PermissionDeniedError,
    ServiceError,
    SyncError,
)
from ..protocol import Check
from .activities import token_at
from .address import Address
from .codes import READ_ACTIVITIES, READ_PERSONS, WRITE_PERSONS
from .object_preflight import ObjectPreflight
from .object_schema import ObjectSchemas
from .schema import PersonSchema, Schema
from .session import MOST_SKEW, Session
from .usage import calls_today

#: A clock this far off is worth a word before it stops anything.
_SKEW_SECONDS: Final = 300.0
_ADDRESS: Final = "address"
#: The engine asks for this line by name before it looks at anything that needs both services.
_CREDENTIALS: Final = "credentials"


@define
class Preflight:
    """Looks at everything that a cycle needs of Marketo.

    Attributes:
        session: Makes the calls.
        schema: Asks for the person fields.
        objects: Describes the other objects.
        address: Where the instance is reached.
        daily_limit: Calls of the whole instance after which ours stop.
    """

    session: Session
    schema: Schema
    objects: ObjectSchemas
    address: Address
    daily_limit: int | None

    def run(self, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
        """Yield the lines; never raises for what a line can say."""
        try:
            self.session.sign_in()
        except AuthenticationError as error:
            yield _line(_ADDRESS, self.address.origin)
            yield _failed(_CREDENTIALS, error, "correct client_id and client_secret (Admin > LaunchPoint)")
            return
        except SyncError as error:
            yield _failed(_ADDRESS, error, "correct the address (Admin > Web Services), or see to the network")
            yield Check(
                _CREDENTIALS, passed=False, detail="not tried", remedy="see to the address first", side=Side.MARKETO
            )
            return
        yield _line(_ADDRESS, f"{self.address.origin}, instance {self.address.identity}")
        yield _line(_CREDENTIALS, "a token was given")
        yield self._clock()
        schema: PersonSchema | None = None
        try:
            schema = self.schema.get()
        except SyncError as error:
            yield _denied("read persons", error, READ_PERSONS)
        else:
            yield _line("read persons", f"{len(schema.info.fields)} person fields")
        yield self._activities()
        yield Check(
            "write persons",
            passed=True,
            detail=f"can't be tried without writing; it needs the permission {WRITE_PERSONS!r}",
            side=Side.MARKETO,
        )
        if schema is not None:
            yield from _keys(schema, definitions)
            yield _native_sync(schema)
        yield from ObjectPreflight(self.session, self.objects).run(definitions)
        yield self._usage()

    def _clock(self) -> Check:
        skew = self.session.skew
        if skew is None:
            return _line("clock", "Marketo's answer doesn't tell its time")
        seconds = abs(skew.total_seconds())
        if seconds <= _SKEW_SECONDS:
            return _line("clock", f"{seconds:.0f} seconds from Marketo's")
        stops = seconds > MOST_SKEW.total_seconds()
        return Check(
            "clock",
            passed=False,
            detail=f"{seconds / 60:.0f} minutes from Marketo's" + (", so changes can't be read" if stops else ""),
            remedy="set the clock of this machine (NTP)",
            side=Side.MARKETO,
        )

    def _activities(self) -> Check:
        try:
            self.session.require_clock()
            token_at(self.session, self.session.now())
        except ClockSkewError:
            return Check(
                "read changes", passed=False, detail="not tried", remedy="see to the clock first", side=Side.MARKETO
            )
        except SyncError as error:
            return _denied("read changes", error, READ_ACTIVITIES)
        return _line("read changes", "a paging token was given")

    def _usage(self) -> Check:
        name = "calls left"
        try:
            used = calls_today(self.session)
        except PermissionDeniedError:
            return _line(name, "the API user's role can't see what the instance has used")
        except SyncError as error:
            return _failed(name, error, "try again after midnight US Central time" if _quota(error) else "try again")
        if self.daily_limit is None:
            return _line(
                name,
                f"{used} used today by all programs; no call says what the quota is (usually 50,000). daily_limit=... "
                "keeps a part of it for others",
            )
        left = self.daily_limit - used
        return Check(
            name,
            passed=left > 0,
            detail=f"{used} used today by all programs, {max(left, 0)} left under daily_limit={self.daily_limit}",
            remedy="" if left > 0 else "wait until midnight US Central time, or raise daily_limit",
            side=Side.MARKETO,
        )


def _keys(schema: PersonSchema, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
    """Yield a line for each Marketo field that carries Dynamics row ids."""
    met: set[str] = set()
    for definition in definitions:
        key = definition.key
        if key is None or key.marketo is None or key.marketo in met or not definition.marketo.is_person:
            continue
        met.add(key.marketo)
        info = schema.info.fields.get(key.marketo)
        name = f"CRM id field {key.marketo}"
        if info is None:
            yield Check(
                name,
                passed=key.optional,
                detail="Marketo has no such field, so persons are matched by e-mail alone",
                remedy=f"create a custom string field with the API name {key.marketo!r} (Admin > Field Management)",
                side=Side.MARKETO,
            )
        elif not info.searchable or not info.updatable:
            what = "looked up" if not info.searchable else "written"
            yield Check(
                name,
                passed=False,
                detail=f"persons can't be {what} by it",
                remedy="use a custom field of type string that the API may write",
                side=Side.MARKETO,
            )
        else:
            yield _line(name, "there, searchable and writable")


def _native_sync(schema: PersonSchema) -> Check:
    managed = sorted(schema.crm_managed, key=lambda name: (not name.startswith("microsoft"), name))
    if not managed:
        return _line("native CRM sync", "not connected: no person field is managed by a CRM")
    return Check(
        "native CRM sync",
        passed=False,
        detail=f"connected: {len(managed)} person fields are managed by a CRM, such as {', '.join(managed[:3])}",
        remedy="turn Marketo's own CRM sync off before this one writes, or both write the same persons; if it is off "
        "already, the fields it left behind are merely not writable",
        side=Side.MARKETO,
    )


def _line(name: str, detail: str) -> Check:
    return Check(name, passed=True, detail=detail, side=Side.MARKETO)


def _failed(name: str, error: SyncError, remedy: str) -> Check:
    return Check(name, passed=False, detail=str(error), remedy=remedy, side=Side.MARKETO)


def _denied(name: str, error: SyncError, permission: str) -> Check:
    denied = isinstance(error, PermissionDeniedError)
    remedy = f"give the API user's role the permission {permission!r}" if denied else "see the message"
    return _failed(name, error, remedy)


def _quota(error: SyncError) -> bool:
    return isinstance(error, ServiceError) and error.code == "607"
