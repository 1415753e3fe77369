"""One call to make, and time as the connector knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from attrs import field, frozen

#: What a call is counted as.
Kind = Literal["reads", "writes", "metadata"]


@frozen
class Call:
    """One call to make.

    Attributes:
        method: HTTP verb.
        url: Absolute address, inside the environment.
        kind: What it is counted as.
        headers: Headers beside the usual ones.
        content: The body.
        repeat: Whether it may be sent again when its answer was lost.
    """

    method: str
    url: str = field(repr=False)
    kind: Kind
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    repeat: bool = True


@frozen
class Timing:
    """Time as the connector knows it, so that tests can move it.

    Attributes:
        clock: Current moment in UTC.
        monotonic: Seconds that never go backwards.
        sleep: Waits.
        random: A number from 0 up to 1.
    """

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
