"""The cycle: read, pair, merge, plan, apply, commit."""

from .contract import OnSchemaChange, SchemaModes
from .deletions import OnDelete
from .engine import SyncEngine
from .events import Event, OnEvent
from .filters import Filter
from .generate import generate_entity
from .merging import OnMerge, PersonMerger
from .preflight import Preflight
from .report import ConflictLine, SyncReport, WaitingLine
from .services import PushRule
from .status import EntityStatus, RunSummary, Status
from .takeover import EntityTakeover, FieldComparison, Takeover

__all__ = [
    "ConflictLine",
    "EntityStatus",
    "EntityTakeover",
    "Event",
    "FieldComparison",
    "Filter",
    "OnDelete",
    "OnEvent",
    "OnMerge",
    "OnSchemaChange",
    "PersonMerger",
    "Preflight",
    "PushRule",
    "RunSummary",
    "SchemaModes",
    "Status",
    "SyncEngine",
    "SyncReport",
    "Takeover",
    "WaitingLine",
    "generate_entity",
]
