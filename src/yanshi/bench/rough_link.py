"""A link that does whatever links do: a proxy that delays, loses, repeats, mixes up and floods.

It passes connections on to an endpoint on this machine. What befalls each answer is drawn from a
seed, so that the same run meets the same troubles.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from yanshi.bench.processes import Served, serve

HEADERS_END = b"\r\n\r\n"
FLOOD_BYTES = 200_000_000
LONGEST_HOLD_S = 30.0
TROUBLES = ("none", "loss", "twice", "swapped", "half-open", "garbage", "flood", "cut")
"""What may befall an answer besides being late: nothing; it is lost; it comes twice; it is the
answer to an earlier question; it never comes and the connection stays; it is noise; it is 200 MB
long; the connection breaks in its middle."""
WEIGHTS = (40, 30, 6, 6, 6, 6, 2, 4)
GARBAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{nope",
    b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></html>",
    b"\x00\xff\xfe\x01 what is this" * 40,
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + b"[" * 40_000,
    b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"choices": [{"a": []}]}'[:-1],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roughness:
    """How bad a link is."""

    delay_s: tuple[float, float] = (0.05, 2.0)
    """Least and longest delay of an answer; drawn evenly on a logarithmic scale."""
    troubles: Sequence[str] = TROUBLES
    weights: Sequence[float] = WEIGHTS
    seed: int = 0


SMOOTH = Roughness(delay_s=(0.02, 0.021), troubles=("none",), weights=(1,))


def rough_link(port: int, roughness: Roughness | None = None) -> Served:
    """Start a link to an endpoint on a port of this machine."""
    return serve(_serve, port, roughness or Roughness())


def _serve(connection: Connection, port: int, roughness: Roughness) -> None:
    asyncio.run(_Proxy(port, roughness).run(connection))


class _Proxy:
    def __init__(self, port: int, roughness: Roughness) -> None:
        self._port = port
        self._roughness = roughness
        self._rng = random.Random(roughness.seed)
        self._earlier = b""

    async def run(self, connection: Connection) -> None:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while True:
                request = await _message(reader)
                await self._befall(await self._ask(request), writer)
        writer.transport.abort()

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()

    async def _befall(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        """Send an answer on, after a while and with whatever befalls it."""
        r = self._roughness
        least, longest = r.delay_s
        await asyncio.sleep(least * (longest / least) ** self._rng.random())
        trouble = self._rng.choices(r.troubles, r.weights)[0]
        earlier, self._earlier = self._earlier, answer
        if trouble == "loss":
            raise ConnectionResetError
        if trouble == "half-open":
            await asyncio.sleep(LONGEST_HOLD_S)
            raise ConnectionResetError
        if trouble == "flood":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FLOOD_BYTES)
            for _ in range(FLOOD_BYTES // 100_000):
                writer.write(b" " * 100_000)
                await writer.drain()
            return
        if trouble == "cut":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            raise ConnectionResetError
        sent = {
            "twice": answer + answer,
            "swapped": earlier or answer,
            "garbage": self._rng.choice(GARBAGE),
        }
        writer.write(sent.get(trouble, answer))
        await writer.drain()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP message with a length."""
    head = await reader.readuntil(HEADERS_END)
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
