"""Faults on request: scripted for chosen requests, or at random from a seed."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Sequence
from typing import Literal

from attrs import define, field, frozen

from .http import App, Middleware, Request, Response

Service = Literal["marketo", "dynamics"]


@frozen
class Happened:
    """A fault that happened.

    Attributes:
        service: Where.
        method: HTTP verb of the request.
        path: Its path.
        fault: Name of the fault.
    """

    service: str
    method: str
    path: str
    fault: str


@define
class Script:
    """A fault that waits for its requests.

    Attributes:
        fault: What will happen.
        service: At which service; ``None``: at both.
        path: Regular expression searched in the path.
        query: Regular expression searched in the query, as it was sent.
        writes: ``True``: on writes only; ``False``: on reads only.
        skip: Fitting requests to let pass first.
        times: How often it happens; ``None``: always.
        share: Probability that it happens to a fitting request.
        happened: How often it has happened.
    """

    fault: Middleware
    service: Service | None = None
    path: re.Pattern[str] = field(default=re.compile(""))
    query: re.Pattern[str] = field(default=re.compile(""))
    writes: bool | None = None
    skip: int = 0
    times: int | None = 1
    share: float = 1.0
    happened: int = 0

    def fits(self, service: str, request: Request) -> bool:
        """Return whether a request is one that it waits for."""
        if self.service not in (None, service) or (self.times is not None and self.happened >= self.times):
            return False
        if self.path.search(request.path) is None or self.query.search(request.query) is None:
            return False
        return self.writes in (None, is_write(request))


class Faults:
    """Stands between the carriers and the services, and lets go wrong what it was told to.

    Args:
        seed: Makes faults at random repeatable.

    Examples:
        >>> from marketo_dynamics_sync.sandbox import Sandbox, fault_kinds
        >>> sandbox = Sandbox()
        >>> script = sandbox.faults.script(fault_kinds.answer_lost, service="dynamics", writes=True)
        >>> script.happened
        0
    """

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)
        self._scripts: list[Script] = []
        self._lock = threading.Lock()
        #: What happened so far.
        self.log: list[Happened] = []

    def script(
        self,
        fault: Middleware,
        *,
        service: Service | None = None,
        path: str = "",
        query: str = "",
        writes: bool | None = None,
        skip: int = 0,
        times: int | None = 1,
    ) -> Script:
        """Let a fault happen to chosen requests.

        Args:
            fault: One of :mod:`~marketo_dynamics_sync.sandbox.fault_kinds`, or a function of your own that gets the
                request and the step that would answer it.
            service: ``"marketo"``, ``"dynamics"``, or ``None`` for both.
            path: Regular expression searched in the path.
            query: Regular expression searched in the query, as it was sent.
            writes: ``True``: on writes only; ``False``: on reads only.
            skip: Fitting requests to let pass first.
            times: How often it happens; ``None``: always.

        Returns:
            The script, whose ``happened`` counts.
        """
        made = Script(fault, service, re.compile(path), re.compile(query), writes, skip, times)
        with self._lock:
            self._scripts.append(made)
        return made

    def at_random(
        self,
        faults: Sequence[Middleware],
        *,
        share: float,
        service: Service | None = None,
        path: str = "",
        writes: bool | None = None,
    ) -> list[Script]:
        """Let faults happen to a share of all fitting requests, each as often as the others.

        Args:
            faults: What may happen.
            share: Probability that any of them happens to a request, from 0 to 1.
            service: At which service; ``None``: at both.
            path: Regular expression searched in the path.
            writes: On writes or reads only.
        """
        made = [
            Script(fault, service, re.compile(path), writes=writes, times=None, share=share / len(faults))
            for fault in faults
        ]
        with self._lock:
            self._scripts += made
        return made

    def clear(self) -> None:
        """Let nothing go wrong any more; the log stays."""
        with self._lock:
            self._scripts.clear()

    def around(self, service: Service, app: App) -> App:
        """Return an app that answers as ``app`` does, faults aside."""

        def answer(request: Request) -> Response:
            fault = self._chosen(service, request)
            return app(request) if fault is None else fault(request, app)

        return answer

    def _chosen(self, service: str, request: Request) -> Middleware | None:
        with self._lock:
            for script in self._scripts:
                if not script.fits(service, request):
                    continue
                if script.skip:
                    script.skip -= 1
                    continue
                if script.share < 1.0 and self._chance.random() >= script.share:
                    continue
                script.happened += 1
                name = getattr(script.fault, "__name__", type(script.fault).__name__)
                self.log.append(Happened(service, request.method, request.path, name))
                return script.fault
        return None


def is_write(request: Request) -> bool:
    """Return whether a request changes data: tokens and reads in the form of a POST don't."""
    if request.method in ("GET", "HEAD", "OPTIONS") or "/token" in request.path:
        return False
    if request.path.endswith("/$batch"):
        return re.search(rb"(?m)^(POST|PATCH|PUT|DELETE) ", request.body) is not None
    return "_method=GET" not in request.query and b"_method=GET" not in request.body[:2048]
