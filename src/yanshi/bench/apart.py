"""What becomes of the robot when a process dies or hangs of the three that keep it up?

Body, balance and watch run as in `yanshi run --apart`, each in a process, in real time, with the
real walker and gate. This process starts them, ends some of them at a moment, and reads from the
memory that they share when the body went limp, and on whose word.
"""

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np

from yanshi.bench.bare_brain import ClosedEyes, PlanReader
from yanshi.bench.rows import Trial
from yanshi.bodies.remote_body import Limp, Lines, RemoteBody
from yanshi.bodies.simulation import simulate
from yanshi.runtime.apart import Apart
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.observer import Observer, Snapshot

LOSE = {
    "killed": ("balance", signal.SIGKILL),
    "hangs": ("balance", signal.SIGSTOP),
    "both": ("watch balance", signal.SIGKILL),
    "watch": ("watch", signal.SIGKILL),
    "nothing": ("", signal.SIGCONT),
}
"""What becomes of which processes."""
BREAKS_S = (2.0, 3.0)
"""When it breaks: any moment of a stride."""
LOOKED_AT_S = {"watch": 5.0, "nothing": 20.0}
"""How long the robot is looked at from then on, where it is not two seconds."""
ENDS_S = 0.5
"""How much later the run ends by itself, where it still can."""
READY_S = 60.0


def lose_a_process(loses: str, plan: str, k: int) -> Trial:
    """Let the three run and lose one, or two, or none, while the robot follows a plan."""
    who, how = LOSE[loses]
    at_s = float(np.random.default_rng([k, 0x666175]).uniform(*BREAKS_S))
    after_s = LOOKED_AT_S.get(loses, 2.0)
    simulation = simulate("empty", k)
    lines = Lines.of(simulation.body)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    longest_s = at_s + after_s + ENDS_S
    balance = context.Process(
        target=_balance, args=(theirs, lines, k, plan, longest_s), daemon=True
    )
    balance.start()
    theirs.close()
    with Apart(simulation, lines=lines, pid=balance.pid) as apart:
        ours.send("begin")
        ours.recv()
        processes = {"balance": balance, "watch": apart.watch}
        _sleep_until(lines.start.t_ns + round(at_s * 1e9))
        at_ns = time.monotonic_ns()
        for name in who.split():
            os.kill(processes[name].pid or 0, how)
        _sleep_until(at_ns + round(after_s * 1e9))
        damp_ns, limp_ns = lines.damp.t_ns, lines.limp.t_ns
        told: dict[str, int] = {}
        if "balance" not in who and ours.poll(READY_S):
            told = ours.recv()
        body = RemoteBody(simulation.body, lines)
        balance.kill()
        balance.join()
    why = np.zeros(1)

    def after(t_ns: int) -> float | None:
        return round((t_ns - at_ns) * 1e-6, 3) if t_ns else None

    return {
        "told_ms": after(told.get("watch_lost", 0) if who == "watch" else damp_ns),
        "limp_ms": after(limp_ns),
        "why": Limp(int(why[0])).name.lower() if limp_ns and lines.limp.read(why) else "",
        "faults": sorted(told),
        "end": "upright" if body.data.qpos[2] > 0.5 else "lies",
        "mujoco_warnings": body.warnings(),
    }


def damps_in_time(why: str, limit_ms: float, trial: Trial) -> bool:
    """Whether the body was limp so soon, and on the word on which it should be."""
    limp_ms = trial["limp_ms"]
    is_due = limp_ms is not None and 0.0 <= limp_ms <= limit_ms
    return bool(is_due and trial["why"] == why and not trial["mujoco_warnings"])


def misses_the_watch(trial: Trial) -> bool:
    """Whether it was noticed within 100 ms that nobody watches the process that balances."""
    told_ms = trial["told_ms"]
    is_told = told_ms is not None and 0.0 <= told_ms <= 100.0
    return bool(is_told and trial["limp_ms"] is None and not trial["mujoco_warnings"])


def stays_well(trial: Trial) -> bool:
    """Whether nobody let the robot go limp, nor told a fault."""
    return trial["limp_ms"] is None and not trial["faults"] and trial["end"] == "upright"


class Stopwatch(Observer):
    """Keeps when an event was told for the first time, by the machine's clock."""

    def __init__(self) -> None:
        self.told_ns: dict[str, int] = {}

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        self.told_ns.setdefault(text, time.monotonic_ns())


class Starter(Observer):
    """Tells that the robot has begun."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._has_begun = False

    def on_tick(self, snapshot: Snapshot) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._connection.send("begun")


def _balance(connection: Connection, lines: Lines, k: int, plan: str, longest_s: float) -> None:
    """Balance a robot whose body is elsewhere; tell which faults were told, and when."""
    simulation = simulate("empty", k)
    connection.recv()
    body = RemoteBody(simulation.body, lines)
    stopwatch = Stopwatch()
    episode = Episode(
        replace(simulation, body=body),
        PlanReader(),
        ClosedEyes(),
        is_real_time=True,
        observers=[stopwatch, Starter(connection)],
        config=EpisodeConfig(longest_s=longest_s, settle_ms=round(longest_s * 1e3)),
        peer=body,
    )
    report = episode.run(plan)
    connection.send({name: stopwatch.told_ns.get(name, 0) for name in report.faults})


def _sleep_until(t_ns: int) -> None:
    time.sleep(max(0, t_ns - time.monotonic_ns()) * 1e-9)
