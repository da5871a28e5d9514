"""Real requests over a real port, good and bad."""

import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

from yanshi.core.errors import ConfigError
from yanshi.ports.stop_server import HOST, StopServer


class Stops:
    def __init__(self):
        self.count = 0
        self.threads = set()

    def __call__(self):
        self.count += 1
        self.threads.add(threading.get_ident())


@pytest.fixture
def stops():
    return Stops()


@pytest.fixture
def server(stops):
    with StopServer(0, stops) as server:
        yield server


def ask(url, method="POST", body=None):
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or "{}"), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "{}"), error.headers


def say(server, text):
    """Send raw bytes and return all that comes back."""
    with socket.create_connection((HOST, server.port), timeout=10) as line:
        line.sendall(text)
        line.shutdown(socket.SHUT_WR)
        parts = []
        while part := line.recv(4096):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("body", [None, b"", b'{"why": "\xe5\x81\x9c"}', b"x" * 1024])
def test_a_post_stops_whatever_its_body(server, stops, body):
    status, answer, _ = ask(server.url, body=body)
    assert (status, answer) == (200, {"stop": "asked"})
    assert stops.count == 1
    assert threading.get_ident() not in stops.threads


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_a_post_stops(server, stops, method):
    reply = say(server, method.encode() + b" /stop HTTP/1.1\r\n\r\n")
    assert reply.split()[1] == b"501"
    assert stops.count == 0


def test_who_fetches_links_in_advance_stops_nobody(server, stops):
    status, answer, headers = ask(server.url, "GET")
    assert (status, headers["Allow"]) == (405, "POST")
    assert "POST /stop" in answer["error"]
    assert stops.count == 0


@pytest.mark.parametrize("path", ["/", "/stop/", "/go", "/stop?now", "/STOP"])
def test_another_address_stops_nobody_and_says_what_would(server, stops, path):
    status, answer, _ = ask(server.url.replace("/stop", path))
    assert status == 404
    assert "POST /stop" in answer["error"]
    assert stops.count == 0


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\r\n",
        b"POST",
        b"POST /stop\r\n",
        b"\x00\xff\x16\x03\x01",
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"BREW /stop HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_harms_nothing(server, stops, text):
    say(server, text)
    assert stops.count == 0
    assert ask(server.url)[0] == 200


@pytest.mark.parametrize("length", [b"-1", b"x", b"9" * 30])
def test_a_post_with_a_length_that_is_none_stops_all_the_same(server, stops, length):
    say(server, b"POST /stop HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n")
    assert stops.count == 1


def test_who_says_nothing_does_not_keep_others_from_stopping(server, stops):
    silent = [socket.create_connection((HOST, server.port), timeout=10) for _ in range(20)]
    assert ask(server.url)[0] == 200
    for line in silent:
        line.close()


def test_a_port_that_is_taken_is_told_and_one_that_was_given_up_is_free(stops):
    with StopServer(0, stops) as server:
        port = server.port
        with pytest.raises(ConfigError, match=f"{port}.*in use") as error:
            StopServer(port, stops)
        assert "端口" in error.value.zh
    with StopServer(port, stops) as server:
        assert ask(server.url)[0] == 200
