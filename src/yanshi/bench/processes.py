"""Small servers on this machine, each in a process of its own, for benches and tests."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError

READY_S = 60.0


@dataclass(slots=True)
class Served(Closing):
    """A server that runs; use it as a context manager."""

    port: int
    process: BaseProcess
    _connection: Connection

    @property
    def pid(self) -> int:
        """Its process' number."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def url(self) -> str:
        """Its address, with `/v1`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()
        self._connection.close()


def serve(run: Callable[..., None], *arguments: Any) -> Served:
    """Start `run(connection, *arguments)` in a process; it sends its port when it is ready.

    Raises:
        BodyError: It was not ready in time.
    """
    context = multiprocessing.get_context("spawn")
    connection, child = context.Pipe()
    process = context.Process(target=_run, args=(run, child, *arguments), daemon=True)
    process.start()
    child.close()
    if not connection.poll(READY_S):
        process.kill()
        raise BodyError(f"A server on this machine was not ready in {READY_S:.0f} s.")
    return Served(connection.recv(), process, connection)


def _run(run: Callable[..., None], connection: Connection, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(connection, *arguments)
    finally:
        os._exit(0)
