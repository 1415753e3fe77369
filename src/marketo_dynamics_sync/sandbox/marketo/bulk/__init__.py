"""Bulk import and bulk extract (Adobe, "Bulk Import" and "Bulk Extract")."""

from .bulk import Bulk
from .multipart import takes_upload
from .objects import NoObjects, ObjectStore, ObjectType, RowRefused
from .settings import BulkSettings
from .work import Turn, WorkClock

__all__ = [
    "Bulk",
    "BulkSettings",
    "NoObjects",
    "ObjectStore",
    "ObjectType",
    "RowRefused",
    "Turn",
    "WorkClock",
    "takes_upload",
]
