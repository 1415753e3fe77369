"""The Dataverse half of the sandbox, with the token endpoints of Entra ID."""

from .entra import Application
from .errors import Fault
from .metadata import Column
from .service import DataverseService

__all__ = ["Application", "Column", "DataverseService", "Fault"]
