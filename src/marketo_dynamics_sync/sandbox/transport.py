"""Sandbox services inside the calling process: httpx without a socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx

from .http import App, Request, Response


class SandboxTransport(httpx.BaseTransport):
    """Calls sandbox services in process; the app sees the same :class:`Request` as over a socket.

    Args:
        routes: The app of each host, by host or by host and port (``"123-abc-456.mktorest.com"``,
            ``"127.0.0.1:8080"``), in any letter case.
    """

    def __init__(self, routes: Mapping[str, App]) -> None:
        self._routes = {host.lower(): app for host, app in routes.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.ConnectError: No route for the host.
            httpx.RemoteProtocolError: The app cut the connection before or inside its answer.
        """
        host = request.url.netloc.decode("ascii")
        app = self._routes.get(host.lower()) or self._routes.get(request.url.host.lower())
        if app is None:
            raise httpx.ConnectError(f"no sandbox service at {host}", request=request)
        body = request.read()
        exchange = Request(
            method=request.method.upper(),
            target=request.url.raw_path.decode("ascii"),
            headers=[(name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in request.headers.raw],
            body=body,
            base_url=f"{request.url.scheme}://{request.headers.get('Host', host)}",
        )
        try:
            response = app(exchange)
        except ConnectionError as error:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from error
        return _as_httpx(request, response)


def _as_httpx(request: httpx.Request, response: Response) -> httpx.Response:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    declared = response.header("Content-Length")
    bodiless = response.status < 200 or response.status in (204, 304)
    if declared is None and not bodiless:
        headers.append((b"Content-Length", str(len(response.body)).encode("ascii")))
    body = b"" if request.method == "HEAD" or bodiless else response.body
    cut = declared is not None and request.method != "HEAD" and int(declared) > len(body)
    extensions: dict[str, bytes] = {"http_version": b"HTTP/1.1"}
    if response.reason:
        extensions["reason_phrase"] = response.reason.encode("ascii")
    return httpx.Response(
        response.status,
        headers=headers,
        stream=_CutStream(body) if cut else httpx.ByteStream(body),
        extensions=extensions,
    )


class _CutStream(httpx.SyncByteStream):
    """A body that breaks off, as when the connection is cut."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
