"""What the whole instance has used of its calls today."""

from __future__ import annotations

from typing import Final

from ...errors import ResponseError
from .codes import READ_PERSONS
from .envelope import SERVICE, Envelope
from .session import Call, Kind, Session

_USAGE: Final = Call("reading the API usage", "/rest/v1/stats/usage.json", Kind.METADATA, READ_PERSONS, timeout=60.0)


def calls_today(session: Session) -> int:
    """Return the calls that all programs have made today (Adobe, "Usage")."""
    return _total(session.send(_USAGE))


def calls_today_once(session: Session) -> int:
    """Return the same in one try, without asking first whether a call is allowed: this is what tells."""
    return _total(session.send_uncounted(_USAGE))


def _total(envelope: Envelope) -> int:
    total = envelope.result[0].get("total") if envelope.result else 0
    if isinstance(total, bool) or not isinstance(total, int):
        raise ResponseError("the usage has no 'total'", service=SERVICE, request_id=envelope.request_id)
    return total
