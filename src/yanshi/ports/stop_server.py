"""A stop over HTTP: `POST /stop`, for programs on this machine.

    curl -X POST http://127.0.0.1:8090/stop

Whoever reaches the port may stop the robot and do nothing else; so there is no password. Nothing is
read of a request but its first line and headers, and a body as far as `BODY_MAX`.
"""

import json
import threading
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from yanshi.core.closing import Closing
from yanshi.core.errors import ConfigError

HOST = "127.0.0.1"
PATH = "/stop"
BODY_MAX = 1024
SILENT_MAX_S = 1.0
"""Who says nothing for so long is hung up on."""


class StopServer(Closing):
    """Listens for stops; use it as a context manager."""

    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        """Listen from now on.

        Args:
            port: On 127.0.0.1; 0 takes any that is free.
            stop: Must be safe to call from another thread.

        Raises:
            ConfigError: Nobody may listen there.
        """
        try:
            self._server = _Server(port, stop)
        except OSError as error:
            raise ConfigError(
                f"Stops were to be heard on {HOST}:{port}: {error.strerror}. Another port may be "
                "free.",
                zh=f"无法在 {HOST}:{port} 接收停止请求：{error.strerror}。请换一个端口。",
            ) from error
        self.port: int = self._server.server_port
        self.url = f"http://{HOST}:{self.port}{PATH}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="stop server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more; safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def ask_to_stop(port: int) -> None:
    """Ask whoever listens at a port of this machine to stop.

    Raises:
        ConfigError: Nobody does.
    """
    url = f"http://{HOST}:{port}{PATH}"
    try:
        request = urllib.request.Request(url, method="POST")
        with urllib.request.urlopen(request, timeout=SILENT_MAX_S):
            pass
    except OSError as error:
        raise ConfigError(
            f"A robot was to be stopped at {url}: {getattr(error, 'reason', error)}. One that is "
            f"run with --stop-port {port} listens there.",
            zh=f"无法在 {url} 让机器人停下：{getattr(error, 'reason', error)}。"
            f"运行时请加上 --stop-port {port}。",
        ) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        super().__init__((HOST, port), _Handler)
        self.stop = stop


class _Handler(BaseHTTPRequestHandler):
    timeout = SILENT_MAX_S

    def do_POST(self) -> None:
        """Stop, if that is what was asked for."""
        assert isinstance(self.server, _Server)
        if self.path == PATH:
            self.server.stop()
        self._read_body()
        if self.path == PATH:
            self._answer(HTTPStatus.OK, {"stop": "asked"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"Only POST {PATH} is heard here."})

    def do_GET(self) -> None:
        """Refuse: nothing is to be had here, and who fetches links in advance stops nobody."""
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"Only POST {PATH} is heard here."})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the run."""

    def _read_body(self) -> None:
        length = self.headers.get("Content-Length", "")
        if length.isdecimal():
            self.rfile.read(min(int(length), BODY_MAX))

    def _answer(self, status: HTTPStatus, content: dict[str, str]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        self.end_headers()
        self.wfile.write(body)
