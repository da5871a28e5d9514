"""`yanshi bench soak`: told one thing after the other for an hour, does anything wear out?

One robot in one home hears an order whenever it has nothing to do. Every so often the memory of
its processes is weighed; in the end late ticks, falls, faults and warnings are counted.
"""

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

from yanshi.bench.rows import Row, Trial, rate_row, report, run_trials
from yanshi.bodies.remote_body import RemoteBody
from yanshi.bodies.simulation import simulate
from yanshi.core.closing import Closing
from yanshi.runtime.apart import Apart
from yanshi.runtime.brain import Brain
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.words import Said

WORLD = "home"
ORDERS = (
    "走到桌子前，看看桌上有什么",
    "turn around and wave",
    "走到门口，等三秒",
    "go to the shelf and tell me what is on it",
    "看看四周",
    "bow, then walk to the sofa",
    "打一套太极拳",
    "go to the moon",
    "走到植物旁边，再指一指门",
    "dance for ten seconds",
)
WEIGHED_EVERY_S = 2.0
STRETCHES = 20
"""Of all weighings the lowest in each of so many equal stretches of a run counts: what a process
takes and gives back is no leak."""
WARM_UP = 0.25
"""Share of the run after which memory is to grow no more: caches are full by then."""
LEAK_MB_PER_H = "<= 1"
MISSED = "<= 0.001"


class Orders:
    """The same orders again and again, each when the one before is done; `Words`."""

    is_conversation = True

    def __init__(self, end_ns: int) -> None:
        self._orders = itertools.cycle(ORDERS)
        self._end_ns = end_ns
        self.is_over = False
        self.count = 0

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        """Return the next order once the robot is idle."""
        self.is_over = t_ns >= self._end_ns
        if self.is_over or not is_idle or t_ns < 500_000_000:
            return None
        self.count += 1
        return Said(sentence=next(self._orders), number=self.count)


class Scales(Observer, Closing):
    """Weighs processes every so often, in a thread: the kernel takes 4 ms to weigh one."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._due_s = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._error: OSError | None = None
        self.t_s: list[float] = []
        self.mb: dict[str, list[float]] = {name: [] for name in pids}

    def on_tick(self, snapshot: Snapshot) -> None:
        """Have them weighed if it is time."""
        t_s = snapshot.t_ns * 1e-9
        if t_s < self._due_s:
            return
        self._due_s = t_s + WEIGHED_EVERY_S
        # The future is not kept: scales that grow would weigh themselves.
        self._thread.submit(self._weigh, t_s)

    def close(self) -> None:
        """Wait until all that is to be weighed has been.

        Raises:
            OSError: A process was not there to be weighed.
        """
        self._thread.shutdown()
        if self._error is not None:
            raise self._error

    def _weigh(self, t_s: float) -> None:
        try:
            mb = {name: anonymous_mb(pid) for name, pid in self._pids.items()}
        except OSError as error:
            self._error = error
            return
        self.t_s.append(t_s)
        for name, value in mb.items():
            self.mb[name].append(value)


def anonymous_mb(pid: int) -> float:
    """Return what a process has taken for itself, in memory or swapped out, MB.

    Pages of files are left out: the kernel drops and fetches them as it likes.
    """
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, _ = line.split(maxsplit=2)
        sizes[name] = int(size)
    return (sizes["Anonymous:"] + sizes["Swap:"]) * 1.024e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How much memory a process takes more and more of."""

    mb_per_h: float
    interval: tuple[float, float] | None
    """95 % interval, by Kendall's tau, MB/h; None where no growth can be told."""
    n: int
    """How many stretches it was told from."""


def growth_of(t_s: Sequence[float], mb: Sequence[float], warm_up: float = WARM_UP) -> Growth:
    """Return the slope of memory over time after the warm-up.

    Theil and Sen's median of all slopes between the lowest weighings of each stretch.
    """
    times, weights = np.array(t_s) / 3600.0, np.array(mb)
    begin, span = times[0], times[-1] - times[0]
    stretch = np.minimum((times - begin) * STRETCHES / max(span, 1e-9), STRETCHES - 1).astype(int)
    lowest = [
        at[weights[at].argmin()]
        for at in (np.flatnonzero(stretch == n) for n in range(STRETCHES))
        if len(at) and times[at[0]] >= begin + warm_up * span
    ]
    if len(lowest) < 2:
        return Growth(mb_per_h=0.0, interval=None, n=len(lowest))
    slope, _, low, high = theilslopes(weights[lowest], times[lowest])
    return Growth(mb_per_h=float(slope), interval=(float(low), float(high)), n=len(lowest))


def soak(minutes: float, seed: int, *, is_real_time: bool, apart: bool = False) -> Trial:
    """Let a robot work for a while and return what became of it.

    Args:
        minutes: How long, on the run's clock.
        seed: Of the home.
        is_real_time: Whether that is the machine's clock.
        apart: Whether body and watch have processes of their own, as in `yanshi run --apart`.
    """
    with ExitStack() as stack:
        brain = stack.enter_context(Brain())
        brain.enter(WORLD, seed)
        simulation = simulate(WORLD, seed)
        brain.wait_ready(simulation)
        pids = {"balance": os.getpid(), "mind": brain.mind.pid, "eyes": brain.eyes.pid}
        peer = None
        if apart:
            others = stack.enter_context(Apart(simulation))
            pids |= {"body": others.body.pid, "watch": others.watch.pid}
            peer = RemoteBody(simulation.body, others.lines)
            simulation = replace(simulation, body=peer)
        scales = Scales({name: pid for name, pid in pids.items() if pid is not None})
        episode = Episode(
            simulation,
            brain.mind,
            brain.eyes,
            is_real_time=is_real_time,
            observers=[scales],
            config=EpisodeConfig(longest_s=minutes * 60.0 + 300.0),
            peer=peer,
        )
        words = Orders(round(minutes * 60e9))
        with scales:
            result = episode.hear(words)
    ticks = {loop.name: loop.took.count for loop in episode.loops}
    return {
        "minutes": minutes,
        "clock": result.clock,
        "orders": words.count,
        "sim_s": result.sim_s,
        "real_time_factor": result.real_time_factor,
        "t_s": scales.t_s,
        "mb": scales.mb,
        "ticks": ticks,
        "misses": result.deadline_misses,
        "faults": {name: count for name, count in result.faults.items() if count},
        "falls": result.falls,
        "warnings": result.mujoco_warnings,
    }


def bench_soak(
    minutes: float, seed: int, out: Path | None, *, is_real_time: bool, apart: bool = False
) -> int:
    """Run, print the rows and return 1 when a target was missed."""
    settings = {"minutes": minutes, "seed": seed, "is_real_time": is_real_time, "apart": apart}

    def run(_: int) -> Trial:
        return soak(minutes, seed, is_real_time=is_real_time, apart=apart)

    (trial,) = run_trials(run, 1, out=out, settings=settings)
    clock = "wall" if is_real_time else "simulated"
    notes = [f"{name}: {count}" for name, count in trial["faults"].items()]
    return report(f"soak, {clock} clock", make_rows(trial), out, notes)


def make_rows(trial: Trial) -> list[Row]:
    """Return the figures of a run."""

    def one(name: str, value: float, target: str = "", unit: str = "") -> Row:
        return Row(name=name, value=value, interval=None, n=1, target=target, unit=unit)

    rows = [
        one("minutes", trial["sim_s"] / 60.0, "", "min"),
        one("orders", trial["orders"]),
        *(_growth_row(name, growth_of(trial["t_s"], mb)) for name, mb in trial["mb"].items()),
        *(one(f"{name}: memory in the end", mb[-1], "", "MB") for name, mb in trial["mb"].items()),
        one("falls", trial["falls"], "<= 0"),
        one("MuJoCo warnings", trial["warnings"], "<= 0"),
        one("faults seen", sum(trial["faults"].values())),
    ]
    if trial["clock"] == "wall":
        missed, ticks = trial["misses"]["reflex"], trial["ticks"]["reflex"]
        rows.append(rate_row("reflex ticks that were late", np.arange(ticks) < missed, MISSED))
    return rows


def _growth_row(name: str, growth: Growth) -> Row:
    return Row(
        name=f"{name}: memory grows by",
        value=growth.mb_per_h,
        interval=growth.interval,
        n=growth.n,
        target=LEAK_MB_PER_H,
        unit="MB/h",
    )
