"""The way to Marketo Engage: persons and other objects over the REST API, with its limits kept on our side."""

from .connector import MarketoConnector
from .custom_activities import ActivityType, CustomActivity
from .failures import FailureLine, failure_activities
from .lookup import DEDUPE_FIELDS

__all__ = [
    "DEDUPE_FIELDS",
    "ActivityType",
    "CustomActivity",
    "FailureLine",
    "MarketoConnector",
    "failure_activities",
]
