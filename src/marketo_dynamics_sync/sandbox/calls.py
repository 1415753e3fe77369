"""The log of calls that a sandbox service answered."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class Call:
    """One call.

    Attributes:
        at: When (UTC).
        method: HTTP verb.
        path: Path without query.
        kind: ``"token"``, ``"read"``, ``"write"`` or ``"metadata"``.
        status: HTTP status of the answer.
        code: The service's error code, or ``""``.
        records: Records in the request or the answer, where that can be told.
    """

    at: datetime
    method: str
    path: str
    kind: str
    status: int
    code: str = ""
    records: int = 0
