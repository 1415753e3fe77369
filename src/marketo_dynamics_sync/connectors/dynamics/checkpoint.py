"""Where a read of changes stopped, as text that the state store keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import unquote

import cattrs
from attrs import asdict, field, frozen

from ...errors import CheckpointExpiredError
from .address import API_VERSION
from .rows import Shape

_FORM: Final = 1
#: A row version and a moment, as Microsoft's examples show it.
_TOKEN: Final = re.compile(r"[?&]\$deltatoken=(\d{1,18})!")
_converter: Final = cattrs.Converter(forbid_extra_keys=True)


@frozen
class Checkpoint:
    """Where a read of one table stopped.

    Attributes:
        mode: ``"tracked"`` by delta link, ``"modified"`` by time.
        root: Root address of the environment.
        entity_set: The table's entity set.
        select: The select list, which a delta link is bound to.
        read_at: When the read began, by the server's clock where it told the time.
        link: The delta link.
        seen: By time: version by id of the rows whose change lies within the next read's overlap.
        api: Version of the Web API.
        form: Form of this text.
    """

    mode: Literal["tracked", "modified"]
    root: str
    entity_set: str
    select: str
    read_at: str
    link: str = ""
    seen: Mapping[str, str] = field(factory=dict)
    api: str = API_VERSION
    form: int = _FORM

    def dumps(self) -> str:
        """Return the text."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def loads(text: str, root: str, shape: Shape, mode: str) -> Checkpoint:
    """Return the checkpoint in a text.

    Raises:
        CheckpointExpiredError: It is none, or is of another environment, another mapping, or another way of reading.
    """
    try:
        raw = json.loads(text)
        found = _converter.structure(raw if isinstance(raw, dict) else {}, Checkpoint)
    except (ValueError, RecursionError, cattrs.BaseValidationError):
        raise _expired("is not one of this version of the library") from None
    if found.form != _FORM or found.api != API_VERSION:
        raise _expired("is not one of this version of the library")
    if found.root != root or found.entity_set != shape.entity_set:
        raise _expired("was made at another address or for another table")
    if found.select != shape.columns:
        raise _expired("was made for other columns: the mapping changed")
    if found.mode != mode:
        raise _expired("was made before change tracking of the table was switched on or off")
    return found


def counter(text: str) -> int | None:
    """Return how far the database's counter of row versions was at a checkpoint, where the delta link shows it.

    The token is opaque to clients, so the number is only ever a reason to compare everything, and to look closely.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return None
    link = raw.get("link") if isinstance(raw, dict) else None
    token = _TOKEN.search(unquote(link)) if isinstance(link, str) else None
    return int(token[1]) if token is not None else None


def _expired(why: str) -> CheckpointExpiredError:
    return CheckpointExpiredError(
        f"the point where the last cycle stopped {why}; everything is compared", service="dynamics"
    )
