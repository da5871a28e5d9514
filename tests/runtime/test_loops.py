import pytest

from yanshi.core.clock import ManualClock
from yanshi.runtime.clocks import LockstepClock
from yanshi.runtime.loops import Loop, Scheduler, Timings

MS = 1_000_000


class CountingBody:
    """A body whose only physics is the passing of time."""

    def __init__(self) -> None:
        self.advanced_s = 0.0

    def advance(self, duration_s: float) -> None:
        self.advanced_s += duration_s


def test_each_loop_runs_at_its_own_rate_and_the_last_one_last():
    ran: list[tuple[str, int]] = []
    clock = ManualClock()
    loops = [
        Loop(name=name, period_ns=ms * MS, deadline_ns=MS, run=lambda t, n=name: ran.append((n, t)))
        for name, ms in (("slow", 100), ("middle", 20), ("fast", 2))
    ]
    Scheduler(clock, loops).run_until(lambda: clock.now_ns() >= 198 * MS)
    counts = {name: sum(n == name for n, _ in ran) for name in ("slow", "middle", "fast")}
    assert counts == {"slow": 2, "middle": 10, "fast": 100}
    assert [name for name, t in ran if t == 100 * MS] == ["slow", "middle", "fast"]


def test_a_period_that_does_not_fit_the_fastest_is_refused():
    loops = [
        Loop(name=str(ms), period_ns=ms * MS, deadline_ns=MS, run=lambda t: None) for ms in (2, 5)
    ]
    with pytest.raises(ValueError, match="Period of 5 is"):
        Scheduler(ManualClock(), loops)


def test_a_late_tick_is_counted_with_how_late_it_was():
    clock = ManualClock()

    def hang_once(t_ns: int) -> None:
        if t_ns == 20 * MS:
            clock.t_ns += 30 * MS

    loop = Loop(name="policy", period_ns=20 * MS, deadline_ns=20 * MS, run=hang_once)
    Scheduler(clock, [loop]).run_until(lambda: clock.now_ns() >= 100 * MS)
    assert loop.late.values.max() == 10.0  # The tick at 40 ms began at 50 ms.
    assert loop.misses == 0  # It still ended before 60 ms.
    loop = Loop(name="policy", period_ns=20 * MS, deadline_ns=5 * MS, run=hang_once)
    clock = ManualClock()
    Scheduler(clock, [loop]).run_until(lambda: clock.now_ns() >= 100 * MS)
    assert loop.misses == 1


def test_lockstep_time_passes_only_with_the_body():
    body = CountingBody()
    clock = LockstepClock(body)
    clock.sleep_until(20 * MS)
    clock.sleep_until(10 * MS)
    assert clock.now_ns() == 20 * MS
    assert body.advanced_s == pytest.approx(0.02)


def test_timings_keep_the_newest_values_beyond_their_capacity():
    timings = Timings(capacity=4)
    assert timings.summary() == {"p50": None, "p99": None, "max": None}
    for value in range(6):
        timings.add(value)
    assert sorted(timings.values) == [2, 3, 4, 5]
    assert timings.count == 6
