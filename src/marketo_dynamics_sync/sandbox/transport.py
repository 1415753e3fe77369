"""Reaches sandbox services in process, through httpx, without a socket."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from .http import App, Request


class SandboxTransport(httpx.BaseTransport):
    """An httpx transport that calls a service by the host of the URL.

    Args:
        routes: Service by host, or by host and port (``"contoso.crm.dynamics.com"``).
    """

    def __init__(self, routes: Mapping[str, App]) -> None:
        self._routes = dict(routes)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.ConnectError: No service has that host.
        """
        host = request.url.netloc.decode("ascii")
        app = self._routes.get(host) or self._routes.get(request.url.host)
        if app is None:
            raise httpx.ConnectError(f"no such host: {host}", request=request)
        answer = app(
            Request(
                request.method,
                request.url.raw_path.decode("ascii"),
                [(name, value) for name, value in request.headers.multi_items()],
                request.read(),
                f"{request.url.scheme}://{host}",
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
