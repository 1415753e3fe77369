"""Making person fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...entities import NewField
from .session import Call, Kind, Session

_PATH: Final = "/rest/v1/leads/schema/fields.json"
_RIGHT: Final = "Read-Write Schema Custom Field"


def create_fields(session: Session, fields: Sequence[NewField]) -> None:
    """Make person fields, all of them or none.

    Source: Adobe developer documentation, "Leads", "Create Lead Fields": an instance takes 100 fields made by its API.
    A field once made can be hidden, and never deleted.

    Args:
        session: Makes the call.
        fields: The fields, at least one.
    """
    asked = [{"name": item.name, "displayName": item.label, "dataType": item.type} for item in fields]
    session.send(Call("making person fields", _PATH, Kind.WRITE, _RIGHT, body={"input": asked}, timeout=120.0))
