"""Loops with a period, a deadline and a record of how they kept them.

One thread runs every loop that must not wait. On the simulated clock the slower ones come first
at each tick and the reflex last, so that what a policy just decided goes to the motors in the same
tick; on the wall clock the reflex comes first, which else would wait for them.
Thought (pictures, language) lives in processes of its own; its loops here only hand over
work and collect answers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yanshi.core.clock import Clock


class Timings:
    """Durations or delays in ms, kept without allocating while the robot moves."""

    def __init__(self, capacity: int = 1 << 16) -> None:
        # Written once at the start: a page that is not would be fetched in mid-tick.
        self._values = np.full(capacity, np.nan)
        self.count = 0

    def add(self, value_ms: float) -> None:
        """Keep one value; beyond the capacity the oldest is overwritten."""
        self._values[self.count % len(self._values)] = value_ms
        self.count += 1

    @property
    def values(self) -> NDArray[np.float64]:
        """The values kept, in ms, not in order of time once some were overwritten."""
        return self._values[: min(self.count, len(self._values))]

    def summary(self) -> dict[str, float | None]:
        """Return p50, p99 and max in ms, None when nothing was measured."""
        if not self.count:
            return {"p50": None, "p99": None, "max": None}
        p50, p99 = np.percentile(self.values, [50.0, 99.0])
        return {
            "p50": round(float(p50), 4),
            "p99": round(float(p99), 4),
            "max": round(float(self.values.max()), 4),
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Loop:
    """Something done again and again at a rate."""

    name: str
    period_ns: int
    deadline_ns: int
    """Longest time from a tick's due time to its end."""
    run: Callable[[int], None]
    """Does one tick; gets the time at which it was due."""
    phase_ns: int = 0
    """How far into each period it is due."""
    took: Timings = field(default_factory=Timings)
    """How long each tick took, ms of the machine's time."""
    late: Timings = field(default_factory=Timings)
    """How long after its due time each tick began, ms of the run's clock."""
    misses: int = 0
    """Ticks that ended after their deadline."""

    @property
    def rate_hz(self) -> float:
        """The rate asked for."""
        return 1e9 / self.period_ns


class Scheduler:
    """Runs loops in one thread, each when it is due, in the order given."""

    def __init__(self, clock: Clock, loops: Sequence[Loop]) -> None:
        self._clock = clock
        self._loops = tuple(loops)
        self._tick_ns = min(loop.period_ns for loop in loops)
        for loop in loops:
            if loop.period_ns % self._tick_ns:
                raise ValueError(
                    f"Period of {loop.name} is {loop.period_ns} ns; it must be a whole number "
                    f"of the fastest loop's {self._tick_ns} ns."
                )
            if loop.phase_ns not in range(0, loop.period_ns, self._tick_ns):
                raise ValueError(
                    f"Phase of {loop.name} is {loop.phase_ns} ns; it must be a whole number of the "
                    f"fastest loop's {self._tick_ns} ns, less than {loop.period_ns} ns."
                )

    def run_until(self, is_over: Callable[[], bool], *, first_ns: int = 0) -> int:
        """Run ticks from `first_ns` on until `is_over` says so; return the next tick's time."""
        t_ns = first_ns
        while not is_over():
            self._clock.sleep_until(t_ns)
            for loop in self._loops:
                if t_ns % loop.period_ns == loop.phase_ns:
                    self._run_tick(loop, t_ns)
            t_ns += self._tick_ns
        return t_ns

    def _run_tick(self, loop: Loop, t_ns: int) -> None:
        late_ns = self._clock.now_ns() - t_ns
        began_ns = time.perf_counter_ns()
        loop.run(t_ns)
        took_ns = time.perf_counter_ns() - began_ns
        loop.took.add(took_ns * 1e-6)
        loop.late.add(late_ns * 1e-6)
        if late_ns + took_ns > loop.deadline_ns:
            loop.misses += 1
