import os

import pytest

from yanshi.bench.soak import anonymous_mb
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


def test_a_loop_with_a_phase_is_due_so_far_into_each_period():
    ran: list[int] = []
    clock = ManualClock()
    loops = [
        Loop(name="fast", period_ns=2 * MS, deadline_ns=MS, run=lambda t: None),
        Loop(name="eyes", period_ns=20 * MS, phase_ns=6 * MS, deadline_ns=MS, run=ran.append),
    ]
    Scheduler(clock, loops).run_until(lambda: clock.now_ns() >= 58 * MS)
    assert ran == [6 * MS, 26 * MS, 46 * MS]


def test_a_period_that_does_not_fit_the_fastest_is_refused():
    loops = [
        Loop(name=str(ms), period_ns=ms * MS, deadline_ns=MS, run=lambda t: None) for ms in (2, 5)
    ]
    with pytest.raises(ValueError, match="Period of 5 is"):
        Scheduler(ManualClock(), loops)


@pytest.mark.parametrize("phase_ms", [-2, 1, 20])
def test_a_phase_at_which_a_loop_would_never_run_is_refused(phase_ms):
    loops = [
        Loop(name="fast", period_ns=2 * MS, deadline_ns=MS, run=lambda t: None),
        Loop(
            name="eyes",
            period_ns=20 * MS,
            phase_ns=phase_ms * MS,
            deadline_ns=MS,
            run=lambda t: None,
        ),
    ]
    with pytest.raises(ValueError, match="Phase of eyes is"):
        Scheduler(ManualClock(), loops)


@pytest.mark.parametrize(("order", "misses"), [(("fast", "slow"), 0), (("slow", "fast"), 5)])
def test_what_takes_a_whole_tick_holds_up_only_who_comes_after_it(order, misses):
    clock = ManualClock()

    def take_long(t_ns: int) -> None:
        clock.t_ns += 2_100_000

    slow = Loop(name="slow", period_ns=20 * MS, deadline_ns=20 * MS, run=take_long)
    fast = Loop(name="fast", period_ns=2 * MS, deadline_ns=2 * MS, run=lambda t_ns: None)
    loops = [{"slow": slow, "fast": fast}[name] for name in order]
    Scheduler(clock, loops).run_until(lambda: clock.now_ns() >= 98 * MS)
    assert fast.misses == misses


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


def test_timings_take_their_memory_at_the_start_and_none_while_the_robot_moves():
    # More than 32 MB are never taken from what was given back (glibc's largest `mmap` threshold).
    capacity, pid = 1 << 23, os.getpid()
    before = anonymous_mb(pid)
    timings = Timings(capacity)
    at_start = anonymous_mb(pid)
    assert at_start - before > 0.9 * capacity * 8e-6
    for value in range(capacity):
        timings.add(value)
    assert anonymous_mb(pid) - at_start < 0.1 * capacity * 8e-6
