"""Table definitions, read once and kept: an idle cycle must not pay for them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final, cast

from attrs import define, evolve, field

from ...entities.schema import FieldInfo, ObjectInfo
from ...errors import (
    AddressError,
    AuthenticationError,
    ConfigurationError,
    FieldMissingError,
    LimitError,
    ResponseError,
    ServiceError,
)
from .language import language_name
from .metadata import Right, Table, is_secured, read_table, read_tables, structured, table_parts, tables_path
from .reading import Reader

#: How long definitions are believed unless something shows that they changed.
LIFETIME: Final = 3600.0


@define
class Catalog:
    """Knows the tables of an environment.

    Definitions are read again when asked to (:meth:`refresh`) and when they are old or doubtful (:meth:`doubt`).

    Attributes:
        reader: Reads from the environment.
        lifetime: Seconds for which definitions are believed.
        language: Locale id of the labels of options; ``None`` for the sync user's own language.
    """

    reader: Reader
    lifetime: float = LIFETIME
    language: int | None = None
    _languages: frozenset[int] | None = None
    _user: str | None = None
    _organization: str | None = None
    _tables: dict[str, Table] = field(factory=dict)
    _described: dict[str, ObjectInfo] = field(factory=dict)
    _rights: list[Right] | None = None
    _read_at: float = 0.0
    _doubtful: bool = False
    _lock: threading.RLock = field(factory=threading.RLock)

    def who_am_i(self) -> tuple[str, str]:
        """Return the ids of the organization and of the sync user.

        Raises:
            AddressError: The address is none of a Dataverse environment.
        """
        with self._lock:
            if self._organization is None or self._user is None:
                try:
                    body = self.reader.one("WhoAmI").json()
                except (ResponseError, ServiceError) as error:
                    if isinstance(error, ResponseError) or error.status == 404:
                        raise AddressError(
                            "the address is not a Dataverse environment: it doesn't answer WhoAmI as one does. "
                            "It looks like https://contoso.crm.dynamics.com."
                        ) from error
                    raise
                organization, user = body.get("OrganizationId"), body.get("UserId")
                if not isinstance(organization, str) or not isinstance(user, str):
                    raise AddressError("the address is not a Dataverse environment: WhoAmI names no organization")
                self._organization, self._user = organization.lower(), user.lower()
            return self._organization, self._user

    def refresh(self, *, certain: bool = False) -> None:
        """Forget definitions that are old or doubtful; all of them where it has to be certain."""
        with self._lock:
            old = self.reader.channel.timing.monotonic() - self._read_at >= self.lifetime
            if old or self._doubtful or certain:
                self._tables.clear()
                self._described.clear()
                self._rights = None
                self._doubtful = False

    def doubt(self) -> None:
        """Note that an answer didn't fit the definitions: the next :meth:`refresh` forgets them."""
        with self._lock:
            self._doubtful = True

    def describe(self, entity_set: str) -> ObjectInfo:
        """Return a table's definition.

        Raises:
            FieldMissingError: There is no such table.
            ConfigurationError: The environment doesn't have the language.
        """
        with self._lock:
            found = self._described.get(entity_set)
            if found is None:
                self.check_language()
                found = self._described[entity_set] = self._read(self._table(entity_set))
            return found

    def check_language(self) -> None:
        """Make sure that the environment has the language that labels are asked for in; it is asked once.

        Source: Microsoft Learn, "RetrieveProvisionedLanguages function".

        Raises:
            ConfigurationError: It hasn't; the text lists the ones it has.
        """
        if self.language is None:
            return
        with self._lock:
            if self._languages is None:
                listed = self.reader.one("RetrieveProvisionedLanguages()").json().get("RetrieveProvisionedLanguages")
                if not isinstance(listed, list):
                    raise ResponseError("the environment doesn't list its languages", service="dynamics")
                self._languages = frozenset(code for code in listed if type(code) is int)
        if self.language not in self._languages:
            there = ", ".join(map(language_name, sorted(self._languages)))
            raise ConfigurationError(
                f"language: the environment doesn't have {language_name(self.language)}; it has {there}. Give one of "
                "these, or switch the language on in the environment's settings"
            )

    def _table(self, entity_set: str) -> Table:
        if not self._tables:
            self._read_at = self.reader.channel.timing.monotonic()
            rows = self.reader.one(tables_path()).rows()
            self._tables = {table.entity_set: table for table in read_tables(rows)}
        table = self._tables.get(entity_set)
        if table is None:
            raise FieldMissingError(
                f"Dynamics has no table with the entity set name {entity_set!r}, or the sync user may not see it. "
                "The name is case-sensitive, often a plural, and stands in the table's properties."
            )
        return table

    def _read(self, table: Table) -> ObjectInfo:
        parts = table_parts(self.reader.channel.environment.path, table)
        common, relations, *typed = self.reader.together(parts, metadata=True)
        definition = common.json()
        rights = self._own_rights() if is_secured(definition) else []
        rows: list[object] = [row for answer in typed for row in answer.rows()]
        info = read_table(table, definition, relations.rows(), rows, rights, self.language)
        sets = {known.logical: known.entity_set for known in self._tables.values()}
        return evolve(info, fields={name: _with_sets(column, sets) for name, column in info.fields.items()})

    def _own_rights(self) -> list[Right]:
        """Return what the sync user may do with secured columns; nothing where that can't be learned.

        Source: Microsoft Learn, "RetrievePrincipalAttributePrivileges function". A secured column that can't be read
        comes as null, and null would empty the other side; so without an answer every secured column is unreadable.
        """
        if self._rights is None:
            _, user = self.who_am_i()
            try:
                body = self.reader.one(
                    f"systemusers({user})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()"
                ).json()
            except (LimitError, AuthenticationError):
                raise
            except ServiceError as error:
                if error.retryable:
                    raise
                body = {}
            listed = body.get("AttributePrivileges")
            self._rights = [structured(row, Right) for row in listed] if isinstance(listed, list) else []
        return self._rights

    def privileges(self) -> set[str] | None:
        """Return the names of the sync user's privileges, in lower case; ``None`` where they can't be learned.

        Source: Microsoft Learn, "RetrieveUserPrivileges function"; it counts those that come from teams.
        """
        _, user = self.who_am_i()
        try:
            body = self.reader.one(f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()").json()
        except ServiceError:
            return None
        listed = body.get("RolePrivileges")
        if not isinstance(listed, list):
            return None
        rows = [cast("Mapping[str, object]", row) for row in listed if isinstance(row, dict)]
        names = {str(row.get("PrivilegeName")).lower() for row in rows if row.get("PrivilegeName")}
        return names or None


def _with_sets(column: FieldInfo, sets: Mapping[str, str]) -> FieldInfo:
    """Return a lookup with the entity sets of its targets, which it is bound by; other columns as they are."""
    if not column.targets:
        return column
    return evolve(column, entity_sets={target: sets[target] for target in column.targets if target in sets})
