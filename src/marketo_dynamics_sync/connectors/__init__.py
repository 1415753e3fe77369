"""The ways to the services. Nothing here decides whose value wins."""

from .protocol import (
    CallCount,
    Capabilities,
    ChangePage,
    Check,
    Connector,
    FieldChange,
    Outcome,
    Problem,
    Status,
    Write,
    WriteKind,
)

__all__ = [
    "CallCount",
    "Capabilities",
    "ChangePage",
    "Check",
    "Connector",
    "FieldChange",
    "Outcome",
    "Problem",
    "Status",
    "Write",
    "WriteKind",
]
