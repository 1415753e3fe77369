"""The cycle: read, pair, merge, plan, apply, commit."""

from .deletions import OnDelete
from .engine import SyncEngine
from .events import Event, OnEvent
from .filters import Filter
from .generate import generate_entity
from .preflight import Preflight
from .report import ConflictLine, SyncReport, WaitingLine
from .services import PushRule
from .status import EntityStatus, RunSummary, Status

__all__ = [
    "ConflictLine",
    "EntityStatus",
    "Event",
    "Filter",
    "OnDelete",
    "OnEvent",
    "Preflight",
    "PushRule",
    "RunSummary",
    "Status",
    "SyncEngine",
    "SyncReport",
    "WaitingLine",
    "generate_entity",
]
