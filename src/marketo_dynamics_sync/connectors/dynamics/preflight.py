"""The preflight's lines for Dynamics: what is in place, and what to do where something isn't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from ...entities import Direction, EntityDefinition, Side
from ...errors import (
    AddressError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    PermissionDeniedError,
    SyncError,
    TLSError,
)
from ..protocol import Check
from .catalog import Catalog
from .language import language_name
from .query import query
from .reading import Reader

#: How far clocks may be apart before the preflight says so.
MOST_SKEW: Final = timedelta(minutes=5)


@frozen
class Preflight:
    """Looks at an environment.

    Attributes:
        reader: Reads rows.
        catalog: Knows tables and the user.
    """

    reader: Reader
    catalog: Catalog

    def lines(self, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
        """Yield the lines; they end early where nothing further can be learned."""
        try:
            self.catalog.who_am_i()
        except SyncError as error:
            yield from _unreachable(error)
            return
        yield _line("address", True, self.reader.channel.environment.root)
        yield _line("credentials", True, "signed in, and known to the environment")
        yield self._organization()
        yield self._clock()
        if self.catalog.language is not None:
            yield self._language(self.catalog.language)
        privileges = self.catalog.privileges()
        for definition in definitions:
            yield from self._table(definition, privileges)

    def _organization(self) -> Check:
        organization, _ = self.catalog.who_am_i()
        try:
            rows = self.reader.one(f"organizations{query({'$select': 'name'})}").rows()
            name = str(rows[0].get("name")) if rows else "without a name"
        except SyncError:
            name = "its name can't be read"
        return _line("organization", True, f"{name} ({organization})")

    def _clock(self) -> Check:
        skew = self.reader.channel.skew
        if skew is None:
            return _line("clock", True, "the service didn't tell the time")
        seconds = abs(skew).total_seconds()
        return _line("clock", abs(skew) <= MOST_SKEW, f"{seconds:.0f} s apart", "set this machine's clock (NTP)")

    def _language(self, language: int) -> Check:
        try:
            self.catalog.check_language()
        except SyncError as error:
            return _line("language", False, str(error), "correct language= of the connector")
        return _line("language", True, f"labels of options come in {language_name(language)}")

    def _table(self, definition: EntityDefinition, privileges: set[str] | None) -> Iterator[Check]:
        name = definition.dynamics
        try:
            info = self.catalog.describe(name)
        except SyncError as error:
            remedy = "correct dynamics= of the entity, or give the sync user the right to see the table"
            yield _line(f"table {name}", False, str(error), remedy)
            return
        yield self._readable(name, info.primary_id)
        if definition.direction is not Direction.TO_MARKETO:
            yield _writable(name, info.name, privileges)
        remedy = (
            "switch 'Track changes' on in the table's advanced options; until then changes are read by time, and "
            "deletions by a scan of all ids, which costs more calls"
        )
        detail = "on" if info.tracked else "off: changes are read by time"
        yield _line(f"change tracking of {name}", info.tracked, detail, remedy)
        if not info.guarded and definition.direction is not Direction.TO_MARKETO:
            yield _line(
                f"optimistic concurrency of {name}",
                False,
                "off: an edit made between our read and our write is overwritten",
                "switch optimistic concurrency of the table on",
            )

    def _readable(self, entity_set: str, primary_id: str) -> Check:
        try:
            self.reader.channel.get(self.reader.address(f"{entity_set}{query({'$select': primary_id, '$top': '1'})}"))
        except SyncError as error:
            remedy = "give the sync user's security role the read right on the table, at organization level"
            return _line(f"read {entity_set}", False, str(error), remedy)
        return _line(f"read {entity_set}", True)


def _writable(entity_set: str, table: str, privileges: set[str] | None) -> Check:
    if privileges is None:
        return _line(
            f"write {entity_set}", True, "can't be known before the first write: the user's rights can't be read"
        )
    missing = [verb for verb in ("Create", "Write") if f"prv{verb}{table}".lower() not in privileges]
    remedy = "give the sync user's security role the create and write rights on the table"
    detail = f"missing: {', '.join(missing)}" if missing else ""
    return _line(f"write {entity_set}", not missing, detail, remedy)


def _unreachable(error: SyncError) -> Iterator[Check]:
    if isinstance(error, AuthenticationError):
        yield _line("address", True)
        yield _line("credentials", False, str(error), "correct auth=")
    elif isinstance(error, PermissionDeniedError):
        yield _line("address", True)
        remedy = "make the application an enabled application user of the environment, with a security role"
        yield _line("credentials", False, str(error), remedy)
    else:
        yield _line("address", False, str(error), _remedy(error))
        yield _line("credentials", False, "not tried", "first make the address work")


def _remedy(error: SyncError) -> str:
    if isinstance(error, TLSError):
        return "trust the certificate's authority with client=httpx.Client(verify=...), or correct the address"
    if isinstance(error, ConnectionFailedError):
        return "check the address, the network and the proxy"
    if isinstance(error, (AddressError, ConfigurationError)):
        return "give the environment's root address, such as https://contoso.crm.dynamics.com"
    return "try again later"


def _line(name: str, passed: bool, detail: str = "", remedy: str = "") -> Check:
    return Check(name, passed, detail, "" if passed else remedy, Side.DYNAMICS)
