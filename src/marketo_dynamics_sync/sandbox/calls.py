"""The log of calls that a sandbox service answered, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

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
        service: ``"marketo"`` or ``"dynamics"``.
        counted: How much of a limit on calls it used: Marketo's daily quota, or the requests that Dynamics allows in
            300 seconds. Calls for tokens, and calls that are refused at the door, use none.
        seconds: Execution seconds that Dynamics counts.
    """

    at: datetime
    method: str
    path: str
    kind: str
    status: int
    code: str = ""
    records: int = 0
    service: str = ""
    counted: int = 0
    seconds: float = 0.0


@frozen
class Cost:
    """What calls cost together.

    Attributes:
        tokens: Calls for a token.
        reads: Calls that read records.
        metadata: Calls that read definitions.
        writes: Calls that write.
        refused: Calls, of all kinds, that got an error.
        records: Records in them, where that can be told.
        counted: How much of the limit on calls they used.
        seconds: Execution seconds that Dynamics counted.
    """

    tokens: int = 0
    reads: int = 0
    metadata: int = 0
    writes: int = 0
    refused: int = 0
    records: int = 0
    counted: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Self:
        """Return what calls cost."""
        known = list(calls)
        kinds = [call.kind for call in known]
        return cls(
            kinds.count("token"),
            kinds.count("read"),
            kinds.count("metadata"),
            kinds.count("write"),
            sum(call.status >= 400 or bool(call.code) for call in known),
            sum(call.records for call in known),
            sum(call.counted for call in known),
            round(sum(call.seconds for call in known), 6),
        )
