"""What an engine does when its store and the services don't belong together any more, or the store is lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ..entities import EntityDefinition
from ..errors import ConfigurationError
from ..state import StateStore
from .overlay import Overlay
from .rebind import Rebinding, rebind
from .services import Services


class Rebinds(ABC):
    """The part of :class:`SyncEngine` that makes links anew."""

    _store: StateStore
    _definitions: Sequence[EntityDefinition]

    def rebind(self, *, dry_run: bool = True, leave_differences: bool = True) -> Rebinding:
        """Make all links anew, where the services behind the store are others now or were restored from a backup.

        All rows are read and compared with their records in Marketo: who carries a row's id, who was linked to it
        before, then the matching order. Persons that carry a row id of another organization are recognised by the other
        keys. Nothing is written to either service. What agrees counts as agreed; the old links end, and stand in the
        journal with the instances they were of. Changes are read from now on. The next cycle lists everything once,
        and matches or makes what has no other half.

        Give the engine all entities that the store was used with.

        Args:
            dry_run: Only look. With ``False`` the links are kept, and the store belongs to the instances there are.
            leave_differences: Leave what differs as it is until somebody edits it; with ``False`` the policy decides in
                the next cycle, as for any two records that meet for the first time.

        Returns:
            What was, or would be, linked, and how each field compares: numbers and ids, never values.

        Raises:
            ConfigurationError: The store has links of persons that this engine doesn't sync.
            SyncError: As :meth:`SyncEngine.run`.
        """
        with self._store.lock():
            services = self._unguarded(Overlay(self._store) if dry_run else self._store)
            return rebind(services, dry_run=dry_run, leave_differences=leave_differences, foreign_ids=None)

    def rebuild(
        self, *, dry_run: bool = True, leave_differences: bool = False, other_organization: bool = False
    ) -> Rebinding:
        """Make the links of an empty store from what both services hold, where the state was lost.

        As :meth:`rebind`, without anything to go by but the two services: no base is known, so that what differs is
        decided by the policy in the next cycle unless it is to be left. Where both sides agree, cycles write nothing.

        Args:
            dry_run: Only look. With ``False`` the links are kept.
            leave_differences: Leave what differs as it is until somebody edits it.
            other_organization: Take row ids that persons carry, and that no row of this engine's entities has, for
                those of another organization. Give the engine all entities of persons then: leads and contacts.

        Returns:
            What was, or would be, linked, and how each field compares: numbers and ids, never values.

        Raises:
            ConfigurationError: The store has links already: :meth:`rebind` is for that.
            SyncError: As :meth:`SyncEngine.run`.
        """
        with self._store.lock():
            if any(self._store.count_links(definition.name) for definition in self._definitions):
                raise ConfigurationError(
                    "rebuild: the store has links; rebind() makes them anew, or give an empty store"
                )
            services = self._open(Overlay(self._store) if dry_run else self._store)
            return rebind(
                services, dry_run=dry_run, leave_differences=leave_differences, foreign_ids=other_organization
            )

    @abstractmethod
    def _open(self, store: StateStore) -> Services: ...

    @abstractmethod
    def _unguarded(self, store: StateStore) -> Services: ...
