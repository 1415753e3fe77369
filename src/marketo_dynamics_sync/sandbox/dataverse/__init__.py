"""The Dataverse half of the sandbox, with the token endpoints of Entra ID."""

from .actions import Wish
from .entra import Application
from .errors import Fault, Refused
from .metadata import Column, Key
from .service import DataverseService

__all__ = ["Application", "Column", "DataverseService", "Fault", "Key", "Refused", "Wish"]
