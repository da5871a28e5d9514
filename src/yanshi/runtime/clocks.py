"""The two clocks of a run: lockstep with a simulation, and real time.

Both drive the same loops. A loop asks for the next tick with `sleep_until`; how the world
gets there is the clock's business. A simulated body is advanced by its clock, because in a
simulation nothing else makes time pass.
"""

import time
from typing import Protocol


class SteppedBody(Protocol):
    """A simulated body: its time passes only when it is advanced."""

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, a whole number of its physics steps."""
        ...

    def begin(self, started_ns: int) -> None:
        """Take note that the run begins at a moment of the machine's monotonic clock."""
        ...


class LockstepClock:
    """Simulated time, as fast as the machine allows. It never runs late."""

    is_real_time = False

    def __init__(self, body: SteppedBody) -> None:
        self._body = body
        self._now_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def sleep_until(self, t_ns: int) -> None:
        """Advance the body to `t_ns`, or do nothing when that has passed."""
        if t_ns > self._now_ns:
            self._body.advance((t_ns - self._now_ns) * 1e-9)
            self._now_ns = t_ns


class PacedClock:
    """Real time with a simulated body: physics follows the machine's own clock."""

    is_real_time = True
    SPIN_NS = 200_000
    """The last part of a wait is spent awake: `time.sleep` wakes up to 0.1 ms late."""

    def __init__(self, body: SteppedBody) -> None:
        self._body = body
        self._body_ns = 0
        self.started_ns = time.monotonic_ns()
        """The machine's time at this clock's zero."""

    def restart(self) -> None:
        """Make now the zero of this clock; call it when everything is ready."""
        self.started_ns = time.monotonic_ns() - self._body_ns
        self._body.begin(self.started_ns)

    def now_ns(self) -> int:
        return time.monotonic_ns() - self.started_ns

    def sleep_until(self, t_ns: int) -> None:
        """Advance the body to `t_ns`, then wait until the machine's clock gets there."""
        if t_ns > self._body_ns:
            self._body.advance((t_ns - self._body_ns) * 1e-9)
            self._body_ns = t_ns
        wait_ns = t_ns - self.now_ns()
        if wait_ns > self.SPIN_NS:
            time.sleep((wait_ns - self.SPIN_NS) * 1e-9)
        while self.now_ns() < t_ns:
            pass
