"""The cycle: read, pair, merge, plan, apply, commit."""

from .engine import SyncEngine
from .events import Event, OnEvent
from .preflight import Preflight
from .report import ConflictLine, SyncReport, WaitingLine
from .services import PushRule

__all__ = ["ConflictLine", "Event", "OnEvent", "Preflight", "PushRule", "SyncEngine", "SyncReport", "WaitingLine"]
