"""Serves a sandbox service on a loopback port: HTTP/1.1 with keep-alive, optionally TLS."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

from .http import App, Request, Response


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    app: ClassVar[App]
    scheme: ClassVar[str]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        host = self.headers.get("Host") or "127.0.0.1"
        request = Request(self.command, self.path, list(self.headers.items()), body, f"{self.scheme}://{host}")
        self._send(type(self).app(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815  # names that http.server asks for

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status, response.reason or None)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.header("Content-Length") is None:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()
        if response.header("Connection") == "close":
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives
        """Say nothing: the service keeps its own log of calls."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the sandbox."""


class LoopbackServer:
    """A context manager that serves an app on 127.0.0.1.

    Args:
        app: The service.
        tls: Serve https with this context.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, app: App, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._app = app
        self._tls = tls
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        if self._server is None:
            raise RuntimeError("the server is not running; use it as a context manager")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        scheme = "https" if self._tls else "http"
        handler = type("Handler", (_Handler,), {"app": staticmethod(self._app), "scheme": scheme})
        self._server = _Server(("127.0.0.1", self._port), handler)
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
