"""The cycle: read, pair, merge, plan, apply, commit."""

from .backfill import Period, RangeReader
from .backlog import Backlog, OldestChange, WaitingChanges
from .comparison import FieldComparison
from .contract import OnSchemaChange, SchemaModes
from .deletions import OnDelete
from .digested import BaseForm
from .engine import SyncEngine
from .events import Event, OnEvent
from .filters import Filter
from .generate import generate_entity
from .hours import HourCount
from .merging import OnMerge, PersonMerger
from .owners import OwnerLike
from .preflight import Preflight
from .rebind import EntityRebinding, Rebinding
from .report import ConflictLine, SyncReport, WaitingLine
from .services import PushRule
from .status import EntityStatus, RunSummary, Status
from .takeover import EntityTakeover, Takeover
from .tasks import Task
from .waitlist import WaitingRecord
from .watermarks import Watermark

__all__ = [
    "Backlog",
    "BaseForm",
    "ConflictLine",
    "EntityRebinding",
    "EntityStatus",
    "EntityTakeover",
    "Event",
    "FieldComparison",
    "Filter",
    "HourCount",
    "OldestChange",
    "OnDelete",
    "OnEvent",
    "OnMerge",
    "OnSchemaChange",
    "OwnerLike",
    "Period",
    "PersonMerger",
    "Preflight",
    "PushRule",
    "RangeReader",
    "Rebinding",
    "RunSummary",
    "SchemaModes",
    "Status",
    "SyncEngine",
    "SyncReport",
    "Takeover",
    "Task",
    "WaitingChanges",
    "WaitingLine",
    "WaitingRecord",
    "Watermark",
    "generate_entity",
]
