"""Every fault of the sandbox, by a name that a story can give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from marketo_dynamics_sync.sandbox import Sandbox, fault_kinds
from marketo_dynamics_sync.sandbox.http import App, Middleware, Request, Response
from marketo_dynamics_sync.sandbox.interruption import interrupted

from .story import Fault

#: Told the table and the id of a record that is about to be changed by a request.
Interrupt = Callable[[str, str], None]

_BOTH: Final = ("marketo", "dynamics")


@frozen
class Kind:
    """One kind of fault.

    Attributes:
        make: Makes it for a sandbox.
        services: Where it can happen.
        writes: On writes or reads only.
        path: Pattern of the path.
        query: Pattern of the query.
    """

    make: Callable[[Sandbox], Middleware]
    services: tuple[str, ...] = _BOTH
    writes: bool | None = None
    path: str = ""
    query: str = ""


def _plain(fault: Middleware, **where: object) -> Kind:
    return Kind(lambda sandbox: fault, **where)  # type: ignore[arg-type]  # names and kinds are those of Kind


KINDS: Final[dict[str, Kind]] = {
    "answer lost": _plain(fault_kinds.answer_lost),
    "answer to a write lost": _plain(fault_kinds.answer_lost, writes=True),
    "connection reset": _plain(fault_kinds.connection_reset),
    "delivered twice": _plain(fault_kinds.delivered_twice),
    "write delivered twice": _plain(fault_kinds.delivered_twice, writes=True),
    "cut in the middle": _plain(fault_kinds.cut_in_the_middle),
    "HTML page": _plain(fault_kinds.html_page),
    "slow": Kind(lambda sandbox: fault_kinds.slow(45, sandbox.clock)),
    "page repeated": Kind(lambda sandbox: fault_kinds.page_repeated()),
    "batch refused": _plain(fault_kinds.batch_refused, services=("dynamics",), path=r"/\$batch"),
    "delta link expired": _plain(fault_kinds.delta_link_expired, services=("dynamics",), query="deltatoken"),
    "Marketo's tokens revoked": Kind(lambda s: fault_kinds.token_revoked(s.marketo), ("marketo",)),
    "Dynamics' tokens revoked": Kind(lambda s: fault_kinds.token_revoked(s.dynamics), ("dynamics",)),
    "row edited before a write": _plain(fault_kinds.answer_lost, services=("dynamics",), writes=True),
    "person edited before a write": _plain(fault_kinds.answer_lost, services=("marketo",), writes=True),
    **{f"HTTP {status}": _plain(fault_kinds.http_status(status)) for status in (502, 503, 504)},
    "HTTP 429": _plain(fault_kinds.http_status(429, retry_after=7)),
    **{
        f"Marketo error {code}": _plain(fault_kinds.marketo_error(code), services=("marketo",))
        for code in ("601", "602", "604", "606", "607", "608", "611", "614", "615", "713")
    },
    **{
        f"Dynamics error {code}": _plain(fault_kinds.dynamics_error(code, retry_after=5), services=("dynamics",))
        for code in ("0x80072322", "0x80072321", "0x80072326")
    },
}
#: Kinds in which a user edits a record that a request is about to change.
EDITS: Final = ("row edited before a write", "person edited before a write")


def install(sandbox: Sandbox, fault: Fault, interrupt: Interrupt) -> None:
    """Let a fault wait for its requests.

    Args:
        sandbox: Where.
        fault: What.
        interrupt: What the user does in the kinds of :data:`EDITS`.
    """
    kind = KINDS[fault.kind]
    made = _edited(interrupt) if fault.kind in EDITS else _called(kind.make(sandbox), fault.kind)
    sandbox.faults.script(
        made,
        service="marketo" if fault.service == "marketo" else "dynamics",
        path=kind.path,
        query=kind.query,
        writes=kind.writes,
        skip=fault.skip,
        times=fault.times,
    )


def _edited(interrupt: Interrupt) -> Middleware:
    """Return :func:`fault_kinds.row_edited` with an edit that the oracle hears of."""

    def fault(request: Request, forward: App) -> Response:
        with interrupted(interrupt):
            return forward(request)

    return _called(fault, "edited before a write")


def _called(fault: Middleware, name: str) -> Middleware:
    def named(request: Request, forward: App) -> Response:
        return fault(request, forward)

    named.__name__ = name
    return named
