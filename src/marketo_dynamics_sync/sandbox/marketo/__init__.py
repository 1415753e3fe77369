"""The Marketo half of the sandbox."""

from .bulk import BulkSettings
from .fields import PersonField
from .identity import PERMISSIONS, Client
from .objects import ObjectField
from .service import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, MarketoService

__all__ = [
    "DEFAULT_CLIENT_ID",
    "DEFAULT_CLIENT_SECRET",
    "PERMISSIONS",
    "BulkSettings",
    "Client",
    "MarketoService",
    "ObjectField",
    "PersonField",
]
