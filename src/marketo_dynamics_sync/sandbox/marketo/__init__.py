"""The Marketo half of the sandbox."""

from .fields import PersonField
from .identity import Client
from .service import MarketoService

__all__ = ["Client", "MarketoService", "PersonField"]
