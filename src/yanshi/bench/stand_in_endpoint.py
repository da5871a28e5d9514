"""An endpoint for benches and tests: a process that answers as a language model's server would.

It understands one kind of sentence (`order`), by rule, and holds to one provider's strictness: what
that provider refuses, it refuses. What was asked of it can be read with `GET /asked`.
"""

import json
import re
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from yanshi.bench.processes import Served, serve

ORDER = re.compile(r"^(\d+) turn left by (\d+) degrees, then wait for (\d+) seconds$")


def order(number: int) -> tuple[str, str]:
    """Return a sentence and the plan that it means; another one for each of 21,600 numbers."""
    degrees, seconds = 1 + number % 360, 1 + number // 360 % 60
    return (
        f"turn left by {degrees} degrees, then wait for {seconds} seconds",
        f"turn left {degrees}; wait {seconds}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """What a provider's endpoint takes, and how it answers."""

    owner: str = "stand-in"
    """Owner in the list of models; empty where there is no such list."""
    formats: tuple[str, ...] = ("json_schema", "json_object")
    """Kinds of `response_format`."""
    fields: tuple[str, ...] = ("temperature", "max_tokens")
    """Fields beyond model, messages and the form of the answer."""
    key: str = ""
    """The only key that it accepts; empty for any."""
    thinks: str = ""
    """What it writes before its answer."""


def stand_in(strictness: Strictness | None = None, port: int = 0) -> Served:
    """Start one, on a free port if none is given."""
    return serve(_serve, strictness or Strictness(), port)


def _serve(connection: Connection, strictness: Strictness, port: int) -> None:
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # Head and body in one piece: two would wait for each other.

        def do_GET(self) -> None:  # noqa: N802
            if self.path == "/v1/models" and strictness.owner:
                models = [{"id": "small", "owned_by": strictness.owner}]
                self._send(200, {"data": models})
            elif self.path == "/asked":
                self._send(200, asked)
            else:
                self._send(404, {"error": "no such page"})

        def do_POST(self) -> None:  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            if strictness.key and self.headers["Authorization"] != f"Bearer {strictness.key}":
                self._send(401, {"error": f"wrong key: {self.headers['Authorization']}"})
            elif complaint := complain(strictness, body):
                self._send(400, {"error": {"message": complaint}})
            else:
                content = strictness.thinks + answer(body)
                message = {"role": "assistant", "content": content}
                usage = {"prompt_tokens": 700, "completion_tokens": 12}
                self._send(200, {"choices": [{"message": message}], "usage": usage})

        def _send(self, status: int, record: object) -> None:
            data = json.dumps(record).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    connection.send(server.server_port)
    server.serve_forever()


def complain(strictness: Strictness, body: dict[str, Any]) -> str:
    """Return what a provider would not take about a request; nothing when it takes it."""
    form = body.get("response_format", {}).get("type")
    if form and form not in strictness.formats:
        return f"response_format.type {form} is not supported"
    if form == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        return "messages must contain the word 'json'"
    known = {"model", "messages", "response_format", *strictness.fields}
    unknown = [name for name in body if name not in known]
    return f"unknown field: {unknown[0]}" if unknown else ""


def answer(body: dict[str, Any]) -> str:
    """Return what the model writes."""
    said = str(body["messages"][-1]["content"])
    found = ORDER.match(said)
    number = said.split()[0]
    plan = f"turn left {found[2]}; wait {found[3]}" if found else "wave"
    if "response_format" in body:
        return json.dumps({"id": int(number), "plan": plan})
    return f"{number} {plan}"
