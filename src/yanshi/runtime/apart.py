"""Body and watch in processes of their own, so that the robot goes limp whoever dies.

    body      physics in real time, standing for the robot; limp by itself after 50 ms of silence
    watch     sees the process that balances die, or hang for 30 ms, and tells the body
    balance   everything else (`runtime/episode.py`); sits down when the watch is gone

See `safety/heartbeat.py`. They talk through `bodies/slots.py`.
"""

import multiprocessing
import os
import select
import signal
import time
from multiprocessing.connection import Connection

from yanshi.bodies.remote_body import HostedBody, Lines
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError
from yanshi.runtime.priority import right_of_way
from yanshi.safety.heartbeat import WATCH_S, Heartbeat

READY_S = 120.0
LOOK_MS = 5
"""Period of the watch's loop."""
ORPHAN_NS = 2_000_000_000
"""So long the body goes on without whoever started it: time to see it lie."""


class Apart(Closing):
    """Body and watch of a run, each in a process; use it as a context manager."""

    def __init__(
        self, simulation: Simulation, *, lines: Lines | None = None, pid: int | None = None
    ) -> None:
        """Start both and wait until they are there.

        Args:
            simulation: The world and the robot; its own body is not to be used any more.
            lines: How the three are to talk, where another process has been handed them.
            pid: The process that balances the robot; this one if None.

        Raises:
            BodyError: One of them did not get ready.
        """
        context = multiprocessing.get_context("spawn")
        self.lines = lines or Lines.of(simulation.body)
        ours, theirs = context.Pipe()
        where = simulation.world, simulation.seed
        self.body = context.Process(
            target=host_body, args=(self.lines, *where, theirs), daemon=True, name="body"
        )
        self.watch = context.Process(
            target=keep_watch,
            args=(self.lines, pid or os.getpid(), theirs),
            daemon=True,
            name="watch",
        )
        self.body.start()
        self.watch.start()
        theirs.close()
        for _ in range(2):
            if not ours.poll(READY_S):
                self.close()
                raise BodyError(
                    f"Body and watch were to run in processes of their own and were not ready in "
                    f"{READY_S:.0f} s. Run again without --apart.",
                    zh=f"身体和监视进程在 {READY_S:.0f} 秒内没有就绪。请去掉 --apart 再试。",
                )
            ours.recv()
        ours.close()

    def close(self) -> None:
        """End both; safe to call twice."""
        self.lines.end.write(time.monotonic_ns())
        for process in (self.body, self.watch):
            process.join(timeout=2.0)
            if process.is_alive():
                process.kill()
                process.join()


def host_body(lines: Lines, world: str, seed: int, ready: Connection) -> None:
    """Stand for the robot until told to end, or until whoever started this is gone for long."""
    _leave_interrupts_to_the_run()
    body = simulate(world, seed).body
    hosted = HostedBody(body, lines)
    ready.send("body")
    step_ns = round(body.config.step_s * 1e9)
    due_ns = orphaned_ns = 0
    with right_of_way():
        while not lines.end.t_ns:
            now_ns = time.monotonic_ns()
            orphaned_ns = (orphaned_ns or now_ns) if _is_orphan() else 0
            if orphaned_ns and now_ns - orphaned_ns > ORPHAN_NS:
                return
            due_ns = due_ns or lines.start.t_ns
            if not due_ns or now_ns < due_ns:
                time.sleep(1e-3 if not due_ns else (due_ns - now_ns) * 1e-9)
                continue
            hosted.tick(now_ns)
            due_ns += step_ns


def keep_watch(lines: Lines, pid: int, ready: Connection) -> None:
    """Tell the body to go limp when the process that balances it dies or hangs."""
    _leave_interrupts_to_the_run()
    death = select.poll()
    death.register(os.pidfd_open(pid), select.POLLIN)
    heart: Heartbeat | None = None
    ready.send("watch")
    with right_of_way():
        while not lines.end.t_ns:
            is_dead = bool(death.poll(LOOK_MS))
            now_ns = time.monotonic_ns()
            lines.watch.write(now_ns)
            started_ns = lines.start.t_ns
            if started_ns and heart is None:
                heart = Heartbeat(WATCH_S, now_ns=started_ns)
            hangs = heart is not None and heart.is_lost(lines.target.t_ns, now_ns=now_ns)
            if (is_dead or hangs) and not lines.damp.t_ns:
                lines.damp.write(now_ns)
            if is_dead:
                return


def _is_orphan() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _leave_interrupts_to_the_run() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
