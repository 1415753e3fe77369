"""Marketo and Dataverse on this machine: real wire protocol, real limits, no account.

This room shares no code with the connectors, so that an error in one shows in the other. It imports nothing
from the rest of the package.
"""

from . import fault_kinds
from .calls import Call, Cost
from .clock import SandboxClock
from .faults import Faults
from .sandbox import CRM_COMPANY_FIELDS, CRM_FIELDS, Sandbox, SandboxCredential

__all__ = [
    "CRM_COMPANY_FIELDS",
    "CRM_FIELDS",
    "Call",
    "Cost",
    "Faults",
    "Sandbox",
    "SandboxClock",
    "SandboxCredential",
    "fault_kinds",
]
