"""A page in the browser with the curves of a training as it goes.

The page is served by a process of its own, which reads the training's log when somebody looks. The
training only starts it: it neither waits for the page nor notices when it is gone.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
"""The page is for this machine alone."""
PORT = 8090
_PAGE = Path(__file__).with_name("live_view.html")
_POINTS_MAX = 600
"""Lines of the log that the page is sent; a long training is thinned out."""


def serve(log: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the page; `serve_forever` runs it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  The library's name.
            if self.path == "/":
                self._answer("text/html; charset=utf-8", _PAGE.read_bytes())
            elif self.path == "/log":
                self._answer("application/json", json.dumps(newest_lines(log)).encode())
            else:
                self.send_error(404)

        def _answer(self, kind: str, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal belongs to the training."""

    return ThreadingHTTPServer((HOST, port), Handler)


def newest_lines(log: Path) -> list[object]:
    """Return the lines of a log, thinned out; a line that is being written is left out."""
    texts = log.read_text(encoding="utf8").splitlines(keepends=True) if log.exists() else []
    whole = [text for text in texts if text.endswith("\n")]
    every = -(-len(whole) // _POINTS_MAX) or 1
    # Counted from the end, so that the newest line is among them.
    return [json.loads(text) for text in whole[::-1][::every][::-1]]


@contextmanager
def live_view(log: Path) -> Iterator[str]:
    """Show a log's curves while the block lasts; gives the page's address."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "yanshi.train.live_view", str(log), str(port)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the training.
    )
    try:
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.communicate()


def _free_port() -> int:
    for port in range(PORT, PORT + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    return 0


def main() -> None:
    """Serve until the training that holds our input is gone."""
    server = serve(Path(sys.argv[1]), int(sys.argv[2]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
