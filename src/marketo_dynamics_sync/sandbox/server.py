"""One sandbox service over real HTTP on this machine."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from types import TracebackType

from .http import App, Request, Response

_SUPPORTED = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MERGE")


class LoopbackServer:
    """Serves an app on 127.0.0.1, on a port the system chooses, with HTTP/1.1 and keep-alive.

    Args:
        app: The service that answers. It is called from one thread per connection. When it raises
            :class:`ConnectionError` the connection is closed without an answer; when its answer names a
            ``Content-Length`` larger than its body the connection is closed in the middle of the body.
        tls: A server-side context makes the server speak HTTPS.
        port: Port to listen on; 0 takes a free one.

    Use it as a context manager; ``url`` is valid inside the block.
    """

    def __init__(self, app: App, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._app = app
        self._port = port
        self._tls = tls
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._listener is None:
            raise RuntimeError("LoopbackServer.url is known only inside its 'with' block")
        scheme = "https" if self._tls is not None else "http"
        return f"{scheme}://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> LoopbackServer:
        """Start listening."""
        self._listener = _Listener(self._app, self._tls, self._port)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.01}, name="sandbox-listener", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close every open connection."""
        listener, thread = self._listener, self._thread
        self._listener = self._thread = None
        if listener is not None and thread is not None:
            listener.shutdown()
            thread.join()
            listener.server_close()


class _Listener(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, app: App, tls: ssl.SSLContext | None, port: int) -> None:
        self.app = app
        self.scheme = "https" if tls is not None else "http"
        self._open: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._closing = False
        super().__init__(("127.0.0.1", port), _Exchange)
        if tls is not None:
            # The handshake is left to the connection's own thread, so a slow client cannot hold up the others.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        thread = threading.Thread(
            target=self._serve_connection, args=(request, client_address), name="sandbox-connection", daemon=True
        )
        with self._guard:
            self._open[request] = thread
        thread.start()

    def _serve_connection(self, connection: socket.socket, client_address: object) -> None:
        try:
            self.finish_request(connection, client_address)
        except OSError:
            pass  # the client went away, or refused our certificate: its own side reports that
        except ValueError:
            if not self._closing:  # a TLS read says so when its socket is shut down under it
                raise
        finally:
            with self._guard:
                self._open.pop(connection, None)
            self.shutdown_request(connection)

    def server_close(self) -> None:
        super().server_close()
        self._closing = True
        with self._guard:
            left = dict(self._open)
        for connection, thread in left.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # header and body leave together

    def _answer(self) -> None:
        listener = self.server
        assert isinstance(listener, _Listener)
        body = self._read_body()
        host = self.headers.get("Host", "")
        request = Request(
            method=self.command,
            target=self.requestline.split()[1],  # self.path has double slashes removed
            headers=list(self.headers.items()),
            body=body,
            base_url=f"{listener.scheme}://{host}",
        )
        try:
            response = listener.app(request)
        except ConnectionError:
            self.close_connection = True
            return
        self._write(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_MERGE = _answer

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _write(self, response: Response) -> None:
        """Put one answer on the wire: the only place that writes to the socket."""
        self.send_response_only(response.status, response.reason or None)
        for name, value in response.headers:
            self.send_header(name, value)
        declared = response.header("Content-Length")
        bodiless = response.status < 200 or response.status in (204, 304)
        if declared is None:
            if not bodiless:
                self.send_header("Content-Length", str(len(response.body)))
        elif self.command != "HEAD" and int(declared) > len(response.body):
            self.close_connection = True
        if (response.header("Connection") or "").lower() == "close":
            self.close_connection = True
        body = b"" if bodiless or self.command == "HEAD" else response.body
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent: the services keep their own log of calls."""
