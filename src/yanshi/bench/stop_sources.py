"""How soon is a stop heard, wherever it comes from? Fault E1 in real time.

Who asks is a process of its own, as in life: one that types into a terminal, presses a gamepad's
button, attends the run, posts over HTTP, calls an assistant's tool, or looks at the page in a
browser and presses its button. Each asks at a random moment of a tick of the policy.
"""

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from yanshi.bench.apart import Stopwatch
from yanshi.bench.rig import CHECK_IN_S, PLANS, Case, held_ms, look_at, rides_through, set_up
from yanshi.bench.rows import Trial
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import BodyError
from yanshi.ports.attendance import Attendance, Door
from yanshi.ports.attendant import Attendant
from yanshi.ports.gamepad import BUTTON, EVENT, listen_to_gamepad
from yanshi.ports.keyboard import listen_for_stop
from yanshi.ports.stop_server import StopServer, ask_to_stop
from yanshi.ports.view import View
from yanshi.runtime.clocks import PacedClock
from yanshi.runtime.episode import EpisodeConfig
from yanshi.runtime.observer import Snapshot

Stop = Callable[[], None]
Ask = Callable[[], object]
"""What asks for a stop in another process."""
Opened = tuple[Any, dict[str, Any]]
"""What who asks must know, and what the run is given."""
LOCAL_MS, NETWORK_MS = 20.0, 100.0
TICK_MS = 20.0
"""Of the policy: a stop is asked for at any moment of one, and told at the next one."""
LOOKED_AT_S = 1.5
"""How long the robot is looked at from the stop on."""
READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """One way to ask for a stop."""

    what: str
    is_local: bool
    listen: Callable[[ExitStack, Simulation, Stop], Opened]
    """Opens the run's side."""
    reach: Callable[[Any], AbstractContextManager[Ask]]
    """Opens the side of who asks, in its process, and gives what asks."""
    needs: str = ""
    """A package of an extra, which may be missing."""


def stop_from(case: Case, k: int) -> Trial:
    """Let another process ask for a stop at a random moment, in the case's way.

    Raises:
        BodyError: Who was to ask did not get ready.
    """
    name = str(case.options["source"])
    simulation = simulate("empty", k)
    stopwatch = Stopwatch()
    asked = False
    with ExitStack() as stack:
        known, given = SOURCES[name].listen(stack, simulation, lambda: stage.episode.stop())
        stage = set_up(
            case,
            k,
            after_s=2.0 + LOOKED_AT_S,
            simulation=simulation,
            config=EpisodeConfig(longest_s=10.0, settle_ms=round(1e3 * LOOKED_AT_S)),
            is_real_time=True,
            observers=[stopwatch, *given.pop("observers", ())],
            **given,
        )
        asker = _start_asker(stack, name, known)
        if attendance := given.get("attendance"):
            attendance.await_somebody(stage.episode.stop)
        if not asker.poll(READY_S):
            raise BodyError(
                f"Who was to ask for a stop by {name} did not get ready in {READY_S:g} s.",
                zh=f"{name} 的停止方在 {READY_S:g} 秒内没有准备好。",
            )
        asker.recv()

        def ask(snapshot: Snapshot) -> None:
            nonlocal asked
            if not asked and snapshot.t_ns >= stage.at_s * 1e9:
                asked = True
                asker.send(float(stage.chance.uniform(0.0, TICK_MS)))

        stage.onlooker.on = ask
        trial = look_at(stage, PLANS[case.doing])
        asked_ns = asker.recv() if asked and asker.poll(READY_S) else 0
    told_ns = stopwatch.told_ns.get("stop_asked") if asked else None
    trial["told_ms"] = None if told_ns is None else round((told_ns - asked_ns) * 1e-6, 3)
    if SOURCES[name].is_local and told_ns is not None:
        assert isinstance(stage.episode.clock, PacedClock)
        heeded_ns = next(t for t, _, text in stage.onlooker.events if text == "stop_asked")
        began_ns = stage.episode.clock.started_ns
        # What the robot writes at the tick at which it heeds the stop is no more of the plan.
        trial["held_ms"] = held_ms(stage.body.written, asked_ns - began_ns, heeded_ns)
    return trial


def stops_in_time(source: str, trial: Trial) -> bool:
    """Whether the stop was heard in time, and the robot came to a stand.

    On this machine nothing of the plan may be written 20 ms later, and the policy hears of it at
    its next tick; from elsewhere it has heard of it after 100 ms.
    """
    heard_ms = trial["told_ms"]
    if heard_ms is None or not rides_through(trial) or trial["outcome"] != "stopped":
        return False
    if not SOURCES[source].is_local:
        return bool(0.0 <= heard_ms <= NETWORK_MS)
    return bool(0.0 <= heard_ms <= LOCAL_MS + TICK_MS and trial["held_ms"] <= LOCAL_MS)


def missing_sources() -> dict[str, str]:
    """Return the ways that cannot be tried here, and what would help."""
    return {
        f"E1, {name}": f"needs the package {source.needs}: pip install -e '.[{source.needs}]'"
        for name, source in SOURCES.items()
        if source.needs and find_spec(source.needs) is None
    }


def _start_asker(stack: ExitStack, name: str, known: Any) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_ask, args=(theirs, name, known), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join)
    stack.callback(process.kill)
    return ours


def _ask(orders: Connection, name: str, known: Any) -> None:
    """Get ready, ask so many ms after the order comes, and tell when that was."""
    with SOURCES[name].reach(known) as stop:
        orders.send("ready")
        time.sleep(1e-3 * orders.recv())
        orders.send(time.monotonic_ns())
        stop()
        orders.recv()  # Never comes: who attends and then leaves would stop the robot, too.


# -- the run's side ----------------------------------------------------------------------------


def _open_pipe(stack: ExitStack, name: str) -> tuple[Path, int]:
    """Return a named pipe that stands for a device, and its open end for writing."""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yanshi-"))) / name
    os.mkfifo(path)
    return path, os.open(path, os.O_RDWR)  # Nobody waits for the other to open it.


def _at_terminal(stack: ExitStack, simulation: Simulation, stop: Stop) -> Opened:
    path, writer = _open_pipe(stack, "terminal")
    lines = stack.enter_context(path.open(encoding="utf8"))
    stack.callback(os.close, writer)  # First: who still reads would hold up its closing.
    listen_for_stop(stop, lines)
    return path, {}


def _with_gamepad(stack: ExitStack, simulation: Simulation, stop: Stop) -> Opened:
    path, writer = _open_pipe(stack, "js0")
    stack.callback(os.close, writer)
    listen_to_gamepad(stop, path)
    return path, {}


def _attended(stack: ExitStack, simulation: Simulation, stop: Stop) -> Opened:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yanshi-")))
    attendance = stack.enter_context(Attendance(CHECK_IN_S, folder=folder))
    return attendance.door, {"attendance": attendance}


def _with_port(stack: ExitStack, simulation: Simulation, stop: Stop) -> Opened:
    return stack.enter_context(StopServer(0, stop)).port, {}


def _with_page(stack: ExitStack, simulation: Simulation, stop: Stop) -> Opened:
    page = stack.enter_context(View(simulation))
    page.listen_for_stop(stop)
    return page.url, {"observers": [page]}


# -- who asks ----------------------------------------------------------------------------------


@contextmanager
def _pressing(told: bytes, path: Path) -> Iterator[Ask]:
    with path.open("wb", buffering=0) as device:
        yield partial(device.write, told)


@contextmanager
def _attending(door: Door) -> Iterator[Ask]:
    with Attendant(door) as attendant:
        attend = partial(attendant.attend, None, lambda kind, text: None)
        threading.Thread(target=attend, daemon=True).start()
        yield attendant.stop


@contextmanager
def _posting(port: int) -> Iterator[Ask]:
    yield partial(ask_to_stop, port)


@contextmanager
def _assisting(port: int) -> Iterator[Ask]:
    """An assistant's own client, which starts `yanshi mcp` as assistants do."""
    from anyio.from_thread import start_blocking_portal
    from mcp import Client, StdioServerParameters

    command = ["-m", "yanshi", "mcp", "--stop-port", str(port)]
    client = Client(StdioServerParameters(command=sys.executable, args=command))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client) as mcp:
        yield partial(portal.call, mcp.call_tool, "stop_robot", {})


@contextmanager
def _browsing(url: str) -> Iterator[Ask]:
    from yanshi.bench.browser import Browser  # With it comes viser, which is slow to import.

    with Browser(url) as browser:
        yield browser.press


SOURCES = {
    "keyboard": Source(
        "a word typed in the terminal", True, _at_terminal, partial(_pressing, "停\n".encode())
    ),
    "gamepad": Source(
        "a gamepad's button", True, _with_gamepad, partial(_pressing, EVENT.pack(0, 1, BUTTON, 0))
    ),
    "attendant": Source("who attends in another terminal", False, _attended, _attending),
    "page": Source("the page's button", False, _with_page, _browsing),
    "HTTP": Source("POST /stop", False, _with_port, _posting),
    "MCP": Source("an assistant's tool", False, _with_port, _assisting, needs="mcp"),
}
