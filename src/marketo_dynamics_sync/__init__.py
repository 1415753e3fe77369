"""Keeps Adobe Marketo Engage and Microsoft Dynamics 365 (Dataverse) in sync.

Importing this package reads no environment, starts nothing, configures no logging and imports neither httpx nor msal:
names are looked up when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .conflict import DynamicsWins, Hold, LatestWins, MarketoWins, MostRestrictive, PerField, PreferNonEmpty
    from .connectors.dynamics import DynamicsConnector
    from .connectors.marketo import MarketoConnector
    from .engine import Event, SyncEngine, SyncReport, Task, generate_entity
    from .errors import SyncError
    from .identity import Matching, MatchKey
    from .plan import Brake, Brakes, Canary, Plan
    from .state import MemoryStateStore, SQLiteStateStore

_ROOMS = {
    "Brake": "plan",
    "Brakes": "plan",
    "Canary": "plan",
    "DynamicsConnector": "connectors.dynamics",
    "DynamicsWins": "conflict",
    "Event": "engine",
    "Hold": "conflict",
    "LatestWins": "conflict",
    "MarketoConnector": "connectors.marketo",
    "MarketoWins": "conflict",
    "MatchKey": "identity",
    "Matching": "identity",
    "MemoryStateStore": "state",
    "MostRestrictive": "conflict",
    "PerField": "conflict",
    "Plan": "plan",
    "PreferNonEmpty": "conflict",
    "SQLiteStateStore": "state",
    "SyncEngine": "engine",
    "SyncError": "errors",
    "SyncReport": "engine",
    "Task": "engine",
    "generate_entity": "engine",
}

__all__ = [
    "Brake",
    "Brakes",
    "Canary",
    "DynamicsConnector",
    "DynamicsWins",
    "Event",
    "Hold",
    "LatestWins",
    "MarketoConnector",
    "MarketoWins",
    "MatchKey",
    "Matching",
    "MemoryStateStore",
    "MostRestrictive",
    "PerField",
    "Plan",
    "PreferNonEmpty",
    "SQLiteStateStore",
    "SyncEngine",
    "SyncError",
    "SyncReport",
    "Task",
    "__version__",
    "generate_entity",
]


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{room}"), name)


def __dir__() -> list[str]:
    return __all__
