"""The Marketo half of the sandbox."""

from .fields import PersonField
from .identity import PERMISSIONS, Client
from .service import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, MarketoService

__all__ = ["DEFAULT_CLIENT_ID", "DEFAULT_CLIENT_SECRET", "PERMISSIONS", "Client", "MarketoService", "PersonField"]
